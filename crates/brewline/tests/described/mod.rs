//! The records that `docs/asyncapi.json` describes, and a reader that knows each by its key, headers and value.
#![allow(dead_code, reason = "each test binary uses its part of this")]
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use eventlog::{Entry, Log, Start};
use jsonschema::Validator;
use order::DeadLetter;
use serde_json::{Map, Value, json};

use crate::support::PATIENCE;

/// As it is committed.
pub(crate) const DOCUMENT: &str = include_str!("../../../../docs/asyncapi.json");

/// Everything in a log, to the end there is now.
pub(crate) fn records(log: &dyn Log) -> Vec<Entry> {
    let topics: Vec<_> =
        brewline::catalog(Duration::ZERO).into_iter().map(|spec| (spec.name, Start::Beginning)).collect();
    let mut follow = log.follow(&topics).unwrap();
    let (mut entries, until) = (Vec::new(), Instant::now() + PATIENCE);
    loop {
        let batch = follow.poll(Duration::from_secs(1)).unwrap();
        entries.extend(batch.entries);
        if batch.at_end {
            return entries;
        }
        assert!(Instant::now() < until, "the end of the log was not reached");
    }
}

/// Of which record this is a dead letter, if it is one: its topic, partition and offset.
pub(crate) fn letter_of(entry: &Entry) -> Option<[String; 3]> {
    let header = |name| Some(String::from_utf8_lossy(entry.record.headers.get(name)?).into_owned());
    Some([header(DeadLetter::TOPIC)?, header(DeadLetter::PARTITION)?, header(DeadLetter::OFFSET)?])
}

/// The messages of each topic, ready to be compared.
pub(crate) struct Described(BTreeMap<String, Vec<Message>>);

struct Message {
    name: String,
    key: Validator,
    headers: Validator,
    payload: Validator,
    /// The same without any field that is not described: readers take more, and we write no more.
    own_payload: Validator,
}

impl Described {
    pub(crate) fn new() -> Self {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut own = document["components"]["schemas"].clone();
        own.as_object_mut().unwrap().values_mut().for_each(close_within);
        let compile = |schemas: &Value, schema: Value| {
            let whole = json!({"components": {"schemas": schemas}, "allOf": [schema]});
            // Of the keywords that are used here it knows what draft 7 does, and which fields were described at all.
            jsonschema::draft202012::new(&whole).unwrap()
        };
        let open = |schema: &Value| compile(&document["components"]["schemas"], schema.clone());
        let message = |name: &String| {
            let described = &document["components"]["messages"][name];
            Message {
                name: name.clone(),
                key: open(&described["bindings"]["kafka"]["key"]),
                headers: open(&described["headers"]),
                payload: open(&described["payload"]),
                own_payload: compile(&own, closed(described["payload"].clone())),
            }
        };
        let channels = document["channels"].as_object().unwrap().values();
        let of = |channel: &Value| channel["messages"].as_object().unwrap().keys().map(message).collect();
        Self(channels.map(|channel| (channel["address"].as_str().unwrap().to_owned(), of(channel))).collect())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<_> = self.0.values().flatten().map(|message| &*message.name).collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// The kinds of records that these are, with those of an order that another program wrote under the key `foreign`.
    /// Panics at one that is none. What was put aside as unreadable is as it came.
    pub(crate) fn kinds(&self, records: &[Entry], foreign: &str) -> BTreeSet<String> {
        let unreadable: BTreeSet<_> = records.iter().filter_map(letter_of).collect();
        let is_readable = |entry: &&Entry| {
            let place = [entry.topic.to_owned(), entry.partition.to_string(), entry.offset.to_string()];
            !unreadable.contains(&place)
        };
        records.iter().filter(is_readable).map(|entry| self.kind(entry, foreign)).collect()
    }

    fn kind(&self, entry: &Entry, foreign: &str) -> String {
        let key = text(entry.record.key.as_deref());
        let headers: Map<String, Value> =
            entry.record.headers.iter().map(|(name, value)| (name.to_owned(), text(Some(value)))).collect();
        // Of a dead letter only its headers are ours: what is in it may be anything.
        let value = match entry.record.value.as_deref() {
            Some(value) => serde_json::from_slice(value).unwrap_or_else(|_| text(Some(value))),
            None => Value::Null,
        };
        let (headers, is_foreign) = (Value::Object(headers), key == foreign);
        let is_of = |message: &&Message| {
            message.key.is_valid(&key)
                && message.headers.is_valid(&headers)
                && if is_foreign { &message.payload } else { &message.own_payload }.is_valid(&value)
        };
        let of: Vec<_> =
            self.0[entry.topic].iter().filter(is_of).map(|message| message.name.clone()).collect();
        let [name] = &of[..] else {
            panic!("{} {key} {headers} {value} is {of:?}", entry.topic);
        };
        name.clone()
    }
}

/// A schema of an object that may have no field that it does not describe, wherever it does so, nor may one in it.
fn closed(mut schema: Value) -> Value {
    close_within(&mut schema);
    json!({"allOf": [schema], "unevaluatedProperties": false})
}

fn close_within(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    for (keyword, part) in keywords {
        match (&**keyword, part) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().filter(|property| property.is_object()).for_each(close);
            }
            ("items" | "additionalProperties", part @ Value::Object(_)) => close(part),
            ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => parts.iter_mut().for_each(close_within),
            _ => {}
        }
    }
}

fn close(schema: &mut Value) {
    *schema = closed(schema.take());
}

fn text(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| String::from_utf8_lossy(bytes).into_owned().into())
}
