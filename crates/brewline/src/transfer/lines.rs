//! What stands in a line of an export. The first says what follows, the last what there was; between them each is one
//! record. `docs/export.md` explains it to whoever reads such a file with other tools.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use eventlog::{Entry, Headers, Millis, Offset, Partition, Record};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// What the first line says that it is.
pub(super) const FORMAT: &str = "brewline-export";
/// The newest version of the lines that this program knows, and the one that it writes.
pub(super) const VERSION: u32 = 1;
/// No line is longer, in bytes: the largest record, each of whose bytes a text writes as six.
pub(super) const MAX_LINE_BYTES: usize = 8 << 20;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct First {
    pub(super) format: String,
    pub(super) version: u32,
    /// Which log it is: the same text, the same log.
    pub(super) log: String,
    pub(super) made_at: Millis,
    /// The program's version.
    pub(super) made_by: String,
    pub(super) partitions: Vec<Range>,
    pub(super) groups: Vec<Goes>,
}

/// What there is of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    pub(super) topic: String,
    pub(super) partition: Partition,
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// The log time of the newest record, also where it is not kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) newest: Option<Millis>,
}

/// Where a group goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Goes {
    pub(super) group: String,
    pub(super) topic: String,
    pub(super) partition: Partition,
    pub(super) offset: Offset,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Last {
    /// How many there are in all.
    pub(super) records: u64,
    pub(super) partitions: Vec<Count>,
    /// Of all bytes before this line, as 64 hexadecimal digits.
    pub(super) sha256: String,
}

/// How many records there are of one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Count {
    pub(super) topic: String,
    pub(super) partition: Partition,
    pub(super) records: u64,
}

/// A record. What is text stands as text, and what is a JSON object stands as that, to the byte; anything else in
/// base64, under another name.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) topic: Cow<'a, str>,
    pub(super) partition: Partition,
    pub(super) offset: Offset,
    pub(super) timestamp: Millis,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    key: Option<Raw<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Header<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    value: Option<Raw<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    value: Option<Raw<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

type Raw<'a> = Cow<'a, RawValue>;

/// A value that is there, `null` included.
fn given<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Option<Raw<'a>>, D::Error> {
    <&RawValue>::deserialize(from).map(|raw| Some(Cow::Borrowed(raw)))
}

impl<'a> Line<'a> {
    pub(super) fn of(entry: &'a Entry) -> Self {
        let Record { key, value, headers } = &entry.record;
        let (key, key_base64) = shown(key.as_deref(), text);
        let (value, value_base64) = shown(value.as_deref(), |bytes| object(bytes).or_else(|| text(bytes)));
        let headers = headers.iter().map(|(name, bytes)| {
            let (value, value_base64) = shown(Some(bytes), text);
            Header { name: name.into(), value, value_base64 }
        });
        Self {
            topic: entry.topic.into(),
            partition: entry.partition,
            offset: entry.offset,
            timestamp: entry.timestamp,
            key,
            key_base64,
            headers: headers.collect(),
            value,
            value_base64,
        }
    }

    /// The record in it, or what is wrong with it in a few words.
    pub(super) fn record(&self) -> Result<Record, &'static str> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for header in &self.headers {
            let value = bytes(header.value.as_deref(), header.value_base64.as_deref(), false)?;
            headers.push((&*header.name, value.ok_or("a header has no value")?));
        }
        if headers.iter().any(|(name, _)| u16::try_from(name.len()).is_err()) {
            return Err("a header's name is longer than 65,535 bytes");
        }
        Ok(Record {
            key: bytes(self.key.as_deref(), self.key_base64.as_deref(), false)?.map(Bytes::from),
            value: bytes(self.value.as_deref(), self.value_base64.as_deref(), true)?.map(Bytes::from),
            headers: Headers::new(headers.iter().map(|(name, value)| (*name, value.as_slice()))),
        })
    }
}

/// As it is shown, or in base64.
fn shown<'a>(
    bytes: Option<&'a [u8]>,
    show: impl Fn(&'a [u8]) -> Option<Raw<'a>>,
) -> (Option<Raw<'a>>, Option<String>) {
    match bytes {
        None => (Some(Cow::Borrowed(RawValue::NULL)), None),
        Some(bytes) => match show(bytes) {
            Some(raw) => (Some(raw), None),
            None => (None, Some(BASE64.encode(bytes))),
        },
    }
}

fn text(bytes: &[u8]) -> Option<Raw<'_>> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::value::to_raw_value(text).ok().map(Cow::Owned)
}

/// An object of JSON that stands in one line, and for which its bytes stand as they are.
fn object(bytes: &[u8]) -> Option<Raw<'_>> {
    let is_one_line = bytes.starts_with(b"{") && !bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
    let raw: &RawValue = serde_json::from_slice(bytes).ok().filter(|_| is_one_line)?;
    (raw.get().len() == bytes.len()).then_some(Cow::Borrowed(raw))
}

/// The bytes that are shown so. An object stands for itself where that may be.
fn bytes(
    raw: Option<&RawValue>,
    base64: Option<&str>,
    objects: bool,
) -> Result<Option<Vec<u8>>, &'static str> {
    match (raw.map(RawValue::get), base64) {
        (Some("null"), None) => Ok(None),
        (Some(raw), None) if raw.starts_with('"') => {
            let text: String = serde_json::from_str(raw).map_err(|_| "a text makes no sense")?;
            Ok(Some(text.into_bytes()))
        }
        (Some(raw), None) if objects && raw.starts_with('{') => Ok(Some(raw.as_bytes().to_vec())),
        (None, Some(base64)) => Ok(Some(BASE64.decode(base64).map_err(|_| "it has base64 that is none")?)),
        (Some(_), None) => Err("a key, a header or a value is neither text nor what else it may be"),
        (Some(_), Some(_)) => Err("a key, a header or a value stands there twice"),
        (None, None) => Err("its key, a header's value or its value is missing; null stands for none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(record: Record) -> String {
        let entry = Entry { topic: "order.event", partition: 1, offset: 7, timestamp: -1, record };
        serde_json::to_string(&Line::of(&entry)).unwrap()
    }

    #[test]
    fn a_record_stands_as_people_and_jq_can_read_it() {
        let headers = Headers::new([("round", b"2".as_slice()), ("x", b"\xff")]);
        let record = Record::new("a \"key\"", r#"{"v": 1.0, "a":"ü"}"#).with_headers(headers);
        assert_eq!(
            line(record),
            r#"{"topic":"order.event","partition":1,"offset":7,"timestamp":-1,"key":"a \"key\"","headers":[{"name":"round","value":"2"},{"name":"x","value_base64":"/w=="}],"value":{"v": 1.0, "a":"ü"}}"#
        );
        assert!(line(Record::tombstone("k")).ends_with(r#""key":"k","value":null}"#));
        assert!(
            line(Record { value: Some(Bytes::new()), ..Record::default() })
                .ends_with(r#""key":null,"value":""}"#)
        );
    }

    #[test]
    fn every_record_reads_back_to_the_byte() {
        let values: [&[u8]; 14] = [
            b"",
            b"null",
            b"{}",
            b"\"text\"",
            b"[1]",
            b" {}",
            b"{} ",
            b"{\n}",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":1e5000}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\"",
            b"\xff\x00",
            b"line\nline\0",
        ];
        for value in values {
            let headers = Headers::new([("", value), ("", b"")]);
            for record in [
                Record::new(value.to_vec(), value.to_vec()).with_headers(headers),
                Record { key: Some(value.to_vec().into()), ..Record::default() },
            ] {
                let text = line(record.clone());
                assert!(!text.contains(['\n', '\r']), "{text}");
                let read: Line<'_> = serde_json::from_str(&text).unwrap();
                assert_eq!(read.record().unwrap(), record, "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_record_is_told_apart() {
        let with = |rest: &str| format!(r#"{{"topic":"t","partition":0,"offset":0,"timestamp":0,{rest}}}"#);
        for (rest, why) in [
            (r#""key":null"#, "missing"),
            (r#""key":null,"value":7"#, "neither"),
            (r#""key":{},"value":null"#, "neither"),
            (r#""key":null,"value":null,"value_base64":"""#, "twice"),
            (r#""key":null,"value_base64":"?""#, "base64"),
            (r#""key":null,"value":"\ud800""#, "makes no sense"),
            (r#""key":null,"value":null,"headers":[{"name":"a","value":null}]"#, "no value"),
        ] {
            let text = with(rest);
            let line: Line<'_> = serde_json::from_str(&text).unwrap();
            let said = line.record().unwrap_err();
            assert!(said.contains(why), "{rest}: {said}");
        }
        assert!(serde_json::from_str::<Line<'_>>(&with(r#""key":null,"value":null,"more":1"#)).is_err());
    }
}
