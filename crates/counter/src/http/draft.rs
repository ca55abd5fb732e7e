//! An order with items, from JSON.

use std::{borrow::Cow, fmt};

use ::order::{Details, Item, Limits, Millis, Order, OrderId, REQUEST_HASH, without_bidi_controls};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::body::bad_json;
use crate::{
    problem::{Code, Problem},
    view::snapshot,
};

/// What only counters and baristas write.
const COUNTERS_OWN: [&str; 8] =
    ["order_id", "status", "channel", "make_seconds", "placed_at", "unpaid", "currency", "menu"];
/// What only a menu says of a line.
const MENUS_OWN: [&str; 3] = ["title", "option_titles", "unit_price"];
/// What is different about one line.
const OPTIONS_MAX: usize = 20;
/// Fields of a line that look like its quantity: kept as unknown ones, three cups would become one in silence.
const NOT_QUANTITY: [&str; 3] = ["amount", "count", "qty"];
/// Fields that nobody here knows.
const EXTRA_MAX: usize = 50;

/// An order that has no id yet.
#[derive(Debug)]
pub(super) struct Draft {
    amount: u16,
    /// What its sender believes that it costs.
    pub(super) total: Option<u64>,
    details: Details,
}

impl Draft {
    /// The order in a body, or what is wrong with it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Problem> {
        let Fields(fields) = serde_json::from_slice(json).map_err(bad_json)?;
        let (mut amount, mut total) = (None, None);
        let mut details = Details::default();
        for (name, value) in fields {
            match &*name {
                "amount" => amount = Some(whole(&value)?),
                "total" => total = read(&name, &value)?,
                "items" => details.items = read(&name, &value)?,
                "name" => details.name = text(&name, &value, Limits::NAME_CHARS)?,
                "note" => details.note = text(&name, &value, Limits::NOTE_CHARS)?,
                "ref" => details.reference = text(&name, &value, Limits::REF_CHARS)?,
                own if COUNTERS_OWN.contains(&own)
                    || snapshot::RESERVED.contains(&own)
                    || own == REQUEST_HASH =>
                {
                    return Err(Problem::field(
                        own,
                        format!("{own} is written by the line itself; leave it out."),
                    ));
                }
                _ if details.extra.len() == EXTRA_MAX => {
                    return Err(Problem::field(
                        &name,
                        format!(
                            "An order may have at most {EXTRA_MAX} fields that this counter does not know."
                        ),
                    ));
                }
                _ => details.extra.push((name, value)),
            }
        }
        check_items(&details.items)?;
        details.items.iter_mut().for_each(cleaned);
        let amount = add_up(amount, &details.items)?;
        Ok(Self { amount, total, details })
    }

    /// The order, with its id and the time when it was placed.
    pub(super) fn order(&self, id: OrderId, now: Millis) -> Order {
        let details = Details { placed_at: Some(now), ..self.details.clone() };
        Order { details: Some(Box::new(details)), ..Order::new(id, self.amount) }
    }
}

/// The amount is how many things there are; said twice, it must be the same.
fn add_up(amount: Option<u16>, items: &[Item]) -> Result<u16, Problem> {
    let max = Limits::AMOUNT;
    let bad = |detail: String| {
        Problem::new(Code::BadAmount, detail).with("field", "amount").with("range", format!("1..{max}"))
    };
    let sum: u32 = items.iter().map(|item| u32::from(item.quantity)).sum();
    match (amount, sum) {
        (None, 0) => Err(bad(format!("Say amount, a whole number from 1 to {max}, or items."))),
        (Some(amount), 0) => Ok(amount),
        (None, sum) => match u16::try_from(sum) {
            Ok(sum) if sum <= max => Ok(sum),
            _ => Err(bad(format!("The items add up to {sum}; an order has 1 to {max}."))),
        },
        (Some(amount), sum) if u32::from(amount) == sum => Ok(amount),
        (Some(amount), sum) => Err(bad(format!(
            "amount is {amount}, but the items add up to {sum}; leave amount out, or make them agree."
        ))),
    }
}

fn whole(value: &RawValue) -> Result<u16, Problem> {
    let max = Limits::AMOUNT;
    match serde_json::from_str::<u16>(value.get()) {
        Ok(amount) if (1..=max).contains(&amount) => Ok(amount),
        _ => Err(Problem::new(Code::BadAmount, format!("amount must be a whole number from 1 to {max}."))
            .with("field", "amount")
            .with("range", format!("1..{max}"))),
    }
}

fn read<T: DeserializeOwned + Default>(name: &str, value: &RawValue) -> Result<T, Problem> {
    let read = serde_json::from_str::<Option<T>>(value.get());
    read.map(Option::unwrap_or_default)
        .map_err(|error| Problem::field(name, format!("{name} can't be read: {error}.")))
}

fn text(name: &str, value: &RawValue, max: usize) -> Result<Option<String>, Problem> {
    let text = read::<Option<String>>(name, value)?.map(without_bidi_controls);
    if let Some(text) = &text {
        check_text(name, text, max)?;
    }
    Ok(text.filter(|text| !text.is_empty()))
}

fn check_text(name: &str, text: &str, max: usize) -> Result<(), Problem> {
    ::order::check_text(text, max).map_err(|why| Problem::text(name, why))
}

fn check_items(items: &[Item]) -> Result<(), Problem> {
    let max = Limits::ITEMS;
    if items.len() > max {
        let detail = format!("An order has at most {max} lines, this one has {}.", items.len());
        return Err(Problem::field("items", detail).with("range", format!("0..{max}")));
    }
    for (line, item) in items.iter().enumerate() {
        let at = |field: &str| format!("items[{line}].{field}");
        if item.item.trim().is_empty() {
            return Err(Problem::field(&at("item"), format!("Line {line} does not say what it is.")));
        }
        check_text(&at("item"), &item.item, Limits::ITEM_CHARS)?;
        check_details(item, at)?;
        if let Some((name, _)) = item.extra.iter().find(|(name, _)| NOT_QUANTITY.contains(&&**name)) {
            let detail = format!("How many of line {line} is said by quantity, not by {name}.");
            return Err(Problem::field(&at(name), detail));
        }
        if !(1..=Limits::AMOUNT).contains(&item.quantity) {
            let max = Limits::AMOUNT;
            let detail = format!("The quantity of line {line} must be a whole number from 1 to {max}.");
            return Err(Problem::field(&at("quantity"), detail).with("range", format!("1..{max}")));
        }
        if item.options.len() > OPTIONS_MAX {
            let detail = format!("Line {line} has more than {OPTIONS_MAX} options.");
            return Err(Problem::field(&at("options"), detail).with("range", format!("0..{OPTIONS_MAX}")));
        }
        for option in &item.options {
            check_text(&at("options"), option, Limits::ITEM_CHARS)?;
        }
    }
    Ok(())
}

/// What a line says beyond what is to be made: a note, and nothing that only a menu can say.
fn check_details(item: &Item, at: impl Fn(&str) -> String) -> Result<(), Problem> {
    let says = item.details().cloned().unwrap_or_default();
    let said = [says.title.is_some(), !says.option_titles.is_empty(), says.unit_price.is_some()];
    for (own, said) in MENUS_OWN.into_iter().zip(said) {
        if said || item.extra.iter().any(|(name, _)| **name == *own) {
            return Err(Problem::field(&at(own), format!("{own} is what a menu says; leave it out.")));
        }
    }
    if item.extra.iter().any(|(name, _)| &**name == "note") {
        return Err(Problem::field(&at("note"), "The note of a line must be a text."));
    }
    says.note.map_or(Ok(()), |note| check_text(&at("note"), &note, Limits::LINE_NOTE_CHARS))
}

/// What turns the direction of a note is no part of it, and an empty one says nothing, as that of the order.
fn cleaned(item: &mut Item) {
    if let Some(details) = &mut item.details {
        details.note = details.note.take().map(without_bidi_controls);
    }
    if item.note() == Some("") {
        // A note is all that a sender may say there.
        item.details = None;
    }
}

/// An order to be placed: an amount, or items, or both if they agree. Fields that this counter does not know are kept.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(transform = bounded)]
#[expect(dead_code, reason = "it is read by hand, and described here")]
pub(crate) struct NewOrder {
    /// Number of cups; what the items add up to.
    #[serde(default)]
    #[schemars(with = "u16", range(min = 1, max = Limits::AMOUNT))]
    amount: (),
    /// What its sender believes that it costs, in the smallest unit of the shop's currency. If it is another amount by
    /// now, the order is refused with that.
    total: Option<u64>,
    /// What is to be made.
    #[schemars(length(max = Limits::ITEMS))]
    items: Option<Vec<NewLine>>,
    /// Whom to call.
    #[schemars(length(max = Limits::NAME_CHARS), pattern(::order::schema::TEXT))]
    name: Option<String>,
    /// What the customer asks for.
    #[schemars(length(max = Limits::NOTE_CHARS), pattern(::order::schema::TEXT))]
    note: Option<String>,
    /// A till's ticket number.
    #[serde(rename = "ref")]
    #[schemars(length(max = Limits::REF_CHARS), pattern(::order::schema::TEXT))]
    reference: Option<String>,
}

/// A line of an order to be placed. Fields that this counter does not know are kept.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(transform = bounded_line)]
#[expect(dead_code, reason = "it is read by hand, and described here")]
struct NewLine {
    /// Its id on the menu; what it is where there is no menu.
    #[schemars(length(min = 1, max = Limits::ITEM_CHARS), pattern(::order::schema::TEXT))]
    item: String,
    /// How many of it; 1 where nothing is said.
    #[serde(default)]
    #[schemars(with = "u16", range(min = 1, max = Limits::AMOUNT))]
    quantity: (),
    /// What is different about it, as `group/choice`; a group that is not named means its first choice.
    #[serde(default)]
    #[schemars(length(max = OPTIONS_MAX), inner(length(max = Limits::ITEM_CHARS), pattern(::order::schema::TEXT)))]
    options: Vec<String>,
    /// What the customer asks for.
    #[schemars(length(max = Limits::LINE_NOTE_CHARS), pattern(::order::schema::TEXT))]
    note: Option<String>,
}

/// What an order may not bring along, and how much beside what is known.
#[cfg(feature = "schema")]
fn bounded(schema: &mut schemars::Schema) {
    const KNOWN: usize = 6;
    let own: std::collections::BTreeSet<_> =
        COUNTERS_OWN.iter().chain(&snapshot::RESERVED).chain([&REQUEST_HASH]).collect();
    schema.insert("propertyNames".to_owned(), serde_json::json!({"not": {"enum": own}}));
    schema.insert("maxProperties".to_owned(), (EXTRA_MAX + KNOWN).into());
    let counted = serde_json::json!({"required": ["amount"], "properties": {"amount": {"type": "integer"}}});
    let listed =
        serde_json::json!({"required": ["items"], "properties": {"items": {"type": "array", "minItems": 1}}});
    schema.insert("anyOf".to_owned(), serde_json::json!([counted, listed]));
    let priced = serde_json::json!({
        "if": {"required": ["total"], "properties": {"total": {"type": "integer"}}},
        "then": listed,
    });
    schema.insert("allOf".to_owned(), serde_json::json!([priced]));
}

#[cfg(feature = "schema")]
fn bounded_line(schema: &mut schemars::Schema) {
    let own: Vec<_> = MENUS_OWN.iter().chain(&NOT_QUANTITY).collect();
    schema.insert("propertyNames".to_owned(), serde_json::json!({"not": {"enum": own}}));
}

/// The fields of an object, each once, each value as it was written.
struct Fields(Vec<(Box<str>, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an order: an object with amount or items")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(Box<str>, Box<RawValue>)> = Vec::new();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    if fields.len() > EXTRA_MAX + 10 {
                        return Err(serde::de::Error::custom("it has too many fields"));
                    }
                    if fields.iter().any(|(known, _)| **known == *name) {
                        return Err(serde::de::Error::custom(format_args!(
                            "the field {name:?} stands there twice"
                        )));
                    }
                    fields.push((name.into(), map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(json: &str) -> String {
        let order = Draft::parse(json.as_bytes()).unwrap().order(OrderId::new("a").unwrap(), 7);
        String::from_utf8(order.to_json()).unwrap()
    }

    #[test]
    fn items_add_up_and_unknown_fields_are_kept_as_they_were_written() {
        assert_eq!(
            order(
                r#"{"items":[{"item":"latte","quantity":2,"options":["oat"],"note":""},{"item":"tea"}],"x":{"y":[1.50]},"ref":"T-1"}"#
            ),
            r#"{"order_id":"a","amount":3,"status":0,"items":[{"item":"latte","quantity":2,"options":["oat"]},{"item":"tea","quantity":1}],"ref":"T-1","placed_at":7,"x":{"y":[1.50]}}"#
        );
    }

    #[test]
    fn what_turns_the_direction_of_text_is_taken_out_of_names_and_notes_and_emojis_stay_whole() {
        let turned = r#"{"amount":1,"name":"\u202eKim\u202c 👩\u200d🍳❤\ufe0f","note":"\u200f","ref":"\u2066T\u2069"}"#;
        let clean = "{\"order_id\":\"a\",\"amount\":1,\"status\":0,\"name\":\"Kim 👩\u{200d}🍳❤\u{fe0f}\",\"ref\":\"T\",\"placed_at\":7}";
        assert_eq!(order(turned), clean);
        let line = r#"{"items":[{"item":"tea","note":"얼음\u202e 적게"},{"item":"tea","note":"\u061c"}]}"#;
        let line = order(line);
        assert!(line.contains(r#""note":"얼음 적게""#) && line.matches("note").count() == 1, "{line}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "가".repeat(501);
        let many = format!(r#"{{"items":[{}]}}"#, vec![r#"{"item":"a"}"#; 101].join(","));
        for (json, code, says) in [
            ("{}", Code::BadAmount, "amount"),
            ("[]", Code::BadJson, "an order"),
            ("{", Code::BadJson, "EOF"),
            (r#"{"amount":0}"#, Code::BadAmount, "1 to 1000"),
            (r#"{"amount":1.5}"#, Code::BadAmount, "1 to 1000"),
            (r#"{"amount":"3"}"#, Code::BadAmount, "1 to 1000"),
            (r#"{"amount":1,"amount":2}"#, Code::BadJson, "twice"),
            (r#"{"amount":2,"items":[{"item":"a"}]}"#, Code::BadAmount, "add up to 1"),
            (
                r#"{"items":[{"item":"a","quantity":900},{"item":"b","quantity":101}]}"#,
                Code::BadAmount,
                "1001",
            ),
            (r#"{"items":[{"item":"a","quantity":0}]}"#, Code::BadField, "quantity of line 0"),
            (r#"{"items":[{"item":"a","amount":3}]}"#, Code::BadField, "by quantity, not by amount"),
            (r#"{"items":[{"item":" "}]}"#, Code::BadField, "Line 0"),
            (r#"{"items":[{"quantity":1}]}"#, Code::BadField, "item"),
            (r#"{"items":7}"#, Code::BadField, "items"),
            (&many, Code::BadField, "at most 100"),
            (&format!(r#"{{"amount":1,"note":"{long}"}}"#), Code::BadField, "501 characters"),
            (
                &format!(r#"{{"items":[{{"item":"a","note":"{}"}}]}}"#, "가".repeat(201)),
                Code::BadField,
                "201 characters",
            ),
            (r#"{"items":[{"item":"a","note":"a\u0007"}]}"#, Code::BadField, "items[0].note"),
            (r#"{"items":[{"item":"a","note":["x"]}]}"#, Code::BadField, "must be a text"),
            (r#"{"items":[{"item":"a","unit_price":1}]}"#, Code::BadField, "unit_price"),
            (r#"{"items":[{"item":"a","title":"A"}]}"#, Code::BadField, "title"),
            (r#"{"amount":1,"currency":"KRW"}"#, Code::BadField, "currency"),
            (r#"{"amount":1,"total":-1}"#, Code::BadField, "total"),
            (r#"{"amount":1,"request_hash":"0"}"#, Code::BadField, "request_hash"),
            (r#"{"amount":1,"name":"a\u0007"}"#, Code::BadField, "control"),
            (r#"{"amount":1,"status":1}"#, Code::BadField, "status"),
            (r#"{"amount":1,"channel":"till"}"#, Code::BadField, "channel"),
            (r#"{"amount":1,"state":"ready"}"#, Code::BadField, "state"),
            (r#"{"amount":1,"promise":1}"#, Code::BadField, "promise"),
        ] {
            let problem = Draft::parse(json.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), code, "{json}: {problem:?}");
            assert!(format!("{problem:?}").contains(says), "{json}: {problem:?}");
        }
    }
}
