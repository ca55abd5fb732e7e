//! A record as one JSON object on one line, for programs.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use super::says::is_secret;
use crate::kafka::{Fate, Sighting};

/// A line for a record: `topic`, `partition`, `offset`, `timestamp` (milliseconds since 1970, of the log), `key`,
/// `value`, `headers`, `fate`; `was_open` if it was shown as open before.
///
/// A value that is JSON stands there as it was written. What is text is `value_text`, anything else is
/// `value_base64`; `value` is `null` with a `deleted` where there is none. A key or a header that is no text is
/// `key_base64` and `value_base64`. The line's secret is `hidden`.
///
/// A control character stands there in no way that a terminal would obey.
pub(super) fn line(sighting: &Sighting) -> String {
    let json = serde_json::to_string(&Shown(sighting))
        .expect("writing to memory cannot fail, and every key is text");
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match c {
            // Between the parts of a value: within its texts JSON knows no such character as itself.
            '\n' | '\r' | '\t' => line.push(' '),
            // JSON lets these stand in its texts.
            c if c.is_control() => {
                let _ = write!(line, "\\u{:04x}", u32::from(c)); // writing to a String cannot fail
            }
            c => line.push(c),
        }
    }
    line.push('\n');
    line
}

/// What became of a record, in a word.
pub(super) fn name(fate: Fate) -> &'static str {
    match fate {
        Fate::Committed => "committed",
        Fate::Aborted => "aborted",
        Fate::Open => "open",
    }
}

struct Shown<'a>(&'a Sighting);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(Sighting { entry, fate, was_open }) = self;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("topic", entry.topic)?;
        map.serialize_entry("partition", &entry.partition)?;
        map.serialize_entry("offset", &entry.offset)?;
        map.serialize_entry("timestamp", &entry.timestamp)?;
        bytes(&mut map, ["key", "key_base64"], entry.record.key.as_deref())?;
        match entry.record.value.as_deref() {
            None => {
                map.serialize_entry("value", &())?;
                map.serialize_entry("deleted", &true)?;
            }
            Some(_) if is_secret(entry) => map.serialize_entry("hidden", &true)?,
            Some(value) => match serde_json::from_slice::<&RawValue>(value) {
                Ok(json) => map.serialize_entry("value", json)?,
                Err(_) => bytes(&mut map, ["value_text", "value_base64"], Some(value))?,
            },
        }
        let headers: Vec<_> =
            entry.record.headers.iter().map(|(name, value)| Header { name, value }).collect();
        map.serialize_entry("headers", &headers)?;
        map.serialize_entry("fate", name(*fate))?;
        if *was_open {
            map.serialize_entry("was_open", &true)?;
        }
        map.end()
    }
}

/// Under the first name if it is text, under the second if it is not.
fn bytes<M: SerializeMap>(map: &mut M, names: [&str; 2], bytes: Option<&[u8]>) -> Result<(), M::Error> {
    match bytes.map(|bytes| (str::from_utf8(bytes), bytes)) {
        None => map.serialize_entry(names[0], &()),
        Some((Ok(text), _)) => map.serialize_entry(names[0], text),
        Some((Err(_), bytes)) => map.serialize_entry(names[1], &BASE64_STANDARD.encode(bytes)),
    }
}

struct Header<'a> {
    name: &'a str,
    value: &'a [u8],
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("name", self.name)?;
        bytes(&mut map, ["value", "value_base64"], Some(self.value))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use eventlog::{Entry, Headers, Record};
    use order::topic;
    use serde_json::{Value, json};

    use super::*;

    fn sighting(value: Option<&[u8]>) -> Sighting {
        let value = value.map(|value| value.to_vec().into());
        let headers = Headers::new([("h", b"1".as_slice()), ("raw", b"\xff")]);
        let record = Record { key: Some("a".into()), value, headers };
        let entry = Entry { topic: topic::RECEIVED, partition: 2, offset: 7, timestamp: 1_000, record };
        Sighting { entry, fate: Fate::Committed, was_open: false }
    }

    fn read(sighting: &Sighting) -> Value {
        let line = line(sighting);
        assert_eq!(
            line.find(char::is_control),
            Some(line.len() - 1),
            "one line, and nothing a terminal obeys"
        );
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_record_is_one_object_with_all_that_is_known_of_it() {
        let headers = json!([{ "name": "h", "value": "1" }, { "name": "raw", "value_base64": "/w==" }]);
        let expected = json!({
            "topic": "order.received", "partition": 2, "offset": 7, "timestamp": 1000, "key": "a",
            "value": { "amount": 3 }, "headers": headers, "fate": "committed",
        });
        assert_eq!(read(&sighting(Some(br#"{"amount":3}"#))), expected);
    }

    #[test]
    fn values_are_json_or_text_or_bytes_or_none() {
        assert_eq!(read(&sighting(Some(b"{\n\t\"a\": 1\r\n}")))["value"], json!({ "a": 1 }));
        assert_eq!(read(&sighting(Some(b"nonsense")))["value_text"], "nonsense");
        assert_eq!(read(&sighting(Some(b"\xff\xfe")))["value_base64"], "//4=");
        let none = read(&sighting(None));
        assert_eq!((&none["value"], &none["deleted"]), (&Value::Null, &json!(true)));
        let big = r#"{"n":123456789012345678901234567890}"#;
        assert!(line(&sighting(Some(big.as_bytes()))).contains(big), "as it was written");
    }

    #[test]
    fn control_characters_arrive_and_do_nothing_on_the_way() {
        let text = "\u{1b}[2J\u{9b}2J\u{7f}\r\n";
        assert_eq!(read(&sighting(Some(text.as_bytes())))["value_text"], text);
        let json = "\"\u{9b}2J\u{7f}\"";
        assert_eq!(read(&sighting(Some(json.as_bytes())))["value"], "\u{9b}2J\u{7f}");
    }

    #[test]
    fn a_key_may_be_missing_or_no_text_and_an_open_record_says_so_later() {
        let mut seen = sighting(None);
        seen.entry.record.key = None;
        seen.was_open = true;
        seen.fate = Fate::Aborted;
        let read_ = read(&seen);
        assert_eq!(
            (&read_["key"], &read_["fate"], &read_["was_open"]),
            (&Value::Null, &json!("aborted"), &json!(true))
        );
        seen.entry.record.key = Some(b"\xff".as_slice().into());
        assert_eq!(read(&seen)["key_base64"], "/w==");
    }

    #[test]
    fn the_lines_secret_is_hidden() {
        let mut seen = sighting(Some(br#"{"secret":"abcdef"}"#));
        (seen.entry.topic, seen.entry.record.key) = (topic::SHOP, Some("secret/x".into()));
        assert_eq!(read(&seen)["hidden"], true);
        assert!(!line(&seen).contains("abcdef"));
    }
}
