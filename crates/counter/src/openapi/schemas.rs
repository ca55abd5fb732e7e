//! JSON schemas of what is asked and answered, from the types that serde reads and writes.

use order::schema::{for_reading, for_writing, without_null};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::problem::Described;

/// Where they stand in the document.
const PLACE: &str = "/components/schemas";

/// Those that were needed so far.
#[derive(Debug)]
pub(super) struct Schemas {
    written: SchemaGenerator,
    read: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        Self { written: for_writing(PLACE).into_generator(), read: for_reading(PLACE).into_generator() }
    }
}

impl Schemas {
    /// Of what this counter answers.
    pub(super) fn answer<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// Of what it takes.
    pub(super) fn body<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// Of every refusal.
    pub(super) fn problem(&mut self) -> Value {
        self.answer::<Described>()
    }

    /// One object with the fields of all of these.
    pub(super) fn all(parts: &[Value]) -> Value {
        json!({"allOf": parts})
    }

    /// All of them, by their names.
    pub(super) fn into_json(mut self) -> Value {
        let mut all: Map<String, Value> = self.written.take_definitions(true).into_iter().collect();
        all.values_mut().for_each(without_null);
        for (name, schema) in self.read.take_definitions(true) {
            let known = all.insert(name.clone(), schema.clone());
            assert!(
                known.is_none_or(|known| known == schema),
                "{name} is read in another form than it is written"
            );
        }
        all.into()
    }
}
