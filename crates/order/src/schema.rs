//! JSON schemas of what is written by hand here, as `docs/openapi.json` and `docs/asyncapi.json` have them. What serde
//! derives has its schema derived, too.
#![expect(dead_code, reason = "these types are never made: their fields are what is described")]

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::Value;

use crate::{Channel, CommandId, Item, Limits, Millis, Order, OrderId, Promise, Status, Title};

/// A text that may stand on screens and printers: no control characters but line breaks, as
/// [`check_text`](crate::check_text) has it.
pub const TEXT: &str = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$";
/// A text of one line without control characters.
pub const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// A text that does not begin with a zero character.
pub const ORDER_ID: &str = r"^[^\u0000]";

impl JsonSchema for OrderId {
    fn schema_name() -> Cow<'static, str> {
        "OrderId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An order's name: ours are UUIDs, others' any text of 1 to 128 bytes that does not begin with \
                            U+0000.",
            "minLength": 1,
            "maxLength": Limits::ID_BYTES,
            "pattern": ORDER_ID,
        })
    }
}

impl JsonSchema for CommandId {
    fn schema_name() -> Cow<'static, str> {
        "CommandId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A command's name, chosen by its sender: 1 to 128 bytes without control characters.",
            "minLength": 1,
            "maxLength": Limits::ID_BYTES,
            "pattern": LINE,
        })
    }
}

impl JsonSchema for Status {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "description": "0: received; 1: announced, or finished some other way.",
            "enum": [Status::Received as u8, Status::Processed as u8],
        })
    }
}

impl JsonSchema for Order {
    fn schema_name() -> Cow<'static, str> {
        "Order".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An order as it travels between programs. Fields that nobody here knows are kept and passed on. \
                            One of another counter's is certain to have the core alone: of its other fields those of \
                            another type than ours mean nothing here.",
            "anyOf": [generator.subschema_for::<Ours>(), generator.subschema_for::<Foreign>()],
        })
    }
}

/// An order that a counter of Brewline wrote.
#[derive(JsonSchema)]
#[schemars(rename = "OwnOrder")]
struct Ours {
    #[serde(flatten)]
    core: Core,
    #[serde(flatten)]
    details: Details,
}

/// An order that another program wrote: the core, and whatever it likes beside it.
#[derive(JsonSchema)]
#[schemars(rename = "ForeignOrder")]
struct Foreign {
    #[serde(flatten)]
    core: Core,
}

/// What all orders have.
#[derive(JsonSchema)]
struct Core {
    order_id: OrderId,
    /// Number of cups; 0 is "nothing to brew".
    #[schemars(range(min = 0, max = Limits::AMOUNT))]
    amount: u16,
    status: Status,
}

/// What an order may hold beyond the core.
#[derive(JsonSchema)]
struct Details {
    /// What is to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = Limits::ITEMS))]
    items: Option<Vec<Item>>,
    /// Whom to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = Limits::NAME_CHARS))]
    name: Option<String>,
    /// What the customer asks for. It stands only in `order.received` and `order.state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = Limits::NOTE_CHARS))]
    note: Option<String>,
    /// A till's ticket number.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = Limits::REF_CHARS))]
    reference: Option<String>,
    /// Who gave it to the counter, which writes that.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    /// When the counter took it, in milliseconds since 1970; information only.
    #[serde(skip_serializing_if = "Option::is_none")]
    placed_at: Option<Millis>,
    /// How long it takes to make, in seconds, instead of so many a cup; written by a counter that knows the menu.
    #[serde(skip_serializing_if = "Option::is_none")]
    make_seconds: Option<u32>,
    /// It waits for payment: it is not made before staff accept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpaid: Option<bool>,
    /// What it cost when it was placed, in the smallest unit of its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// In which currency: ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Box<str>>,
    /// The version of the menu that it was priced by.
    #[serde(skip_serializing_if = "Option::is_none")]
    menu: Option<Box<str>>,
    /// When it was first said to be ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    promise: Option<Promise>,
    /// By which a counter knows a repeat of a request. It stands only in `order.received` and `order.state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_hash: Option<String>,
}

/// One line of an order. Fields that nobody here knows are kept and passed on.
#[derive(JsonSchema)]
struct Line {
    /// Its name, or its id on the menu.
    item: String,
    /// How many of it.
    quantity: u16,
    /// What is different about it; of an order from a menu every choice, as `group/choice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Vec<String>>,
    /// What the menu called it when it was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Title>,
    /// What the menu called its options, one for each.
    #[serde(skip_serializing_if = "Option::is_none")]
    option_titles: Option<Vec<Title>>,
    /// What one of it cost, options included, in the smallest unit of the order's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_price: Option<u64>,
    /// What the customer asks for. It stands only in `order.received` and `order.state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl JsonSchema for Item {
    fn schema_name() -> Cow<'static, str> {
        "OrderLine".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Line::json_schema(generator)
    }
}

/// How schemas are made of what our programs write: definitions stand at `place`, a JSON pointer. JSON Schema 2020-12.
pub fn for_writing(place: &'static str) -> SchemaSettings {
    SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = place.into();
        settings.meta_schema = None;
    })
}

/// The same of what they read.
pub fn for_reading(place: &'static str) -> SchemaSettings {
    for_writing(place).for_deserialize()
}

/// The same as [`for_writing`], as JSON Schema draft 7 has it.
pub fn for_writing_draft_7(place: &'static str) -> SchemaSettings {
    SchemaSettings::draft07().for_serialize().with(|settings| {
        settings.definitions_path = place.into();
        settings.meta_schema = None;
    })
}

/// A field that has to be there, `null` or not.
pub fn nullable<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Option<T>>()
}

/// What is written and may be left out is never `null`: where there is nothing to say, nothing is said.
pub fn without_null(schema: &mut Value) {
    if let Value::Object(object) = schema {
        let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            let optional =
                properties.iter_mut().filter(|(name, _)| !required.iter().any(|known| known == *name));
            optional.for_each(|(_, property)| never_null(property));
        }
        object.values_mut().for_each(without_null);
    } else if let Value::Array(parts) = schema {
        parts.iter_mut().for_each(without_null);
    }
}

fn never_null(schema: &mut Value) {
    let is_null = |schema: &Value| *schema == "null" || schema.get("type").is_some_and(|kind| kind == "null");
    let Value::Object(object) = schema else { return };
    for key in ["type", "anyOf"] {
        let Some(Value::Array(kinds)) = object.get_mut(key) else { continue };
        kinds.retain(|kind| !is_null(kind));
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            match (key, only) {
                ("anyOf", Value::Object(only)) => {
                    object.remove(key);
                    for (name, value) in only {
                        object.entry(name).or_insert(value);
                    }
                }
                (_, only) => drop(object.insert(key.to_owned(), only)),
            }
        }
    }
}

/// Descriptions are comments of the code: what leads somewhere there is only named here. And nothing is said of what only
/// Rust has: the size of a pointer, a default that is no value.
pub fn say_plainly(document: &mut Value) {
    match document {
        Value::Object(object) => {
            object.retain(|name, value| match &**name {
                "format" => value != "uint",
                "default" => !value.is_null(),
                _ => true,
            });
            for (name, value) in object {
                match value {
                    Value::String(text) if name == "description" => *text = plain(text),
                    value => say_plainly(value),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(say_plainly),
        _ => {}
    }
}

/// A comment without its links: `[text](crate::Thing)` is `text`, and [`crate::Thing`] is `Thing`.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, linked)) = rest.split_once('[') {
        out.push_str(before);
        let Some((name, after)) = linked.split_once(']') else {
            out.push('[');
            rest = linked;
            continue;
        };
        let link = after.strip_prefix('(').and_then(|link| link.split_once(')'));
        match (name.strip_prefix('`').and_then(|name| name.strip_suffix('`')), link) {
            (Some(name), link) => {
                out.extend(["`", name.rsplit("::").next().unwrap_or(name), "`"]);
                rest = link.map_or(after, |(_, after)| after);
            }
            (None, Some((_, after))) => {
                out.push_str(name);
                rest = after;
            }
            (None, None) => {
                out.extend(["[", name, "]"]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    // A comment's lines are broken where they are long, and not where a thought ends.
    out.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_description_names_what_a_comment_links_to() {
        for (comment, says) in [
            ("[`crate::SCHEMA`] of the program\nthat wrote it.", "`SCHEMA` of the program that wrote it."),
            ("A [recall](Action::Recall) of `[1]`.", "A recall of `[1]`."),
            ("As [`text`](crate::text) has it [sic", "As `text` has it [sic"),
            ("One.\n\nTwo.", "One.\n\nTwo."),
        ] {
            assert_eq!(plain(comment), says);
        }
    }

    #[test]
    fn what_may_be_left_out_is_not_null_and_what_must_be_there_may_be() {
        let mut schema = json!({
            "required": ["must"],
            "properties": {
                "must": {"type": ["string", "null"]},
                "may": {"type": ["string", "null"], "maxLength": 8},
                "other": {"description": "There.", "anyOf": [{"$ref": "#/a"}, {"type": "null"}]},
            },
        });
        without_null(&mut schema);
        let expected = json!({
            "required": ["must"],
            "properties": {
                "must": {"type": ["string", "null"]},
                "may": {"type": "string", "maxLength": 8},
                "other": {"description": "There.", "$ref": "#/a"},
            },
        });
        assert_eq!(schema, expected);
    }
}
