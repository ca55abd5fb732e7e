//! How far each input of a partition has been read. Written with every transaction into the state itself,
//! because what a consumer group remembers expires, and an engine that then read from the earliest record
//! would make a month's coffee again.

use eventlog::{Entry, Offset, Topic, fnv1a};
use order::{Mode, ParseError, parse_versioned};
use serde::{Deserialize, Serialize};

/// How far each input of a partition has been read, as it stands under `order::topic::POSITIONS_KEY`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PartitionPositions"))]
pub struct Positions {
    /// `order::SCHEMA` of the program that wrote it.
    #[serde(rename = "v")]
    pub schema: u8,
    /// One for each input.
    #[serde(rename = "positions")]
    pub inputs: Vec<Read>,
    /// The number of the last pickup code given.
    pub last_code: u32,
    /// Orders with work left: received and making.
    pub open: usize,
    /// How orders are made that are taken from now on.
    pub mode: Mode,
    /// Who works on the partition, by the name in `shop.state`; `None`: an older program, which did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barista: Option<String>,
}

/// How far one input has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "InputPosition"))]
pub struct Read {
    /// The input.
    pub topic: String,
    /// The offset to be read next.
    pub next: Offset,
    /// The last record read, if any was.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastRead>,
}

/// A record by which a log is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LastRecord"))]
pub struct LastRead {
    /// Where it stands.
    pub last: Offset,
    /// FNV-1a (64 bit) of its offset, time, key and value, as 16 hexadecimal digits.
    pub hash: String,
}

impl Positions {
    /// The position of one input.
    pub fn of(&self, topic: Topic) -> Option<&Read> {
        self.inputs.iter().find(|read| read.topic == topic)
    }

    /// The positions in a record's value.
    pub fn parse(json: &[u8]) -> Result<Self, ParseError> {
        parse_versioned(json, |positions: &Self| positions.schema)
    }
}

/// What a record is known by again.
pub(crate) fn fingerprint(entry: &Entry) -> u64 {
    let record = &entry.record;
    let parts: [&[u8]; 4] = [
        &entry.offset.to_le_bytes(),
        &entry.timestamp.to_le_bytes(),
        record.key.as_deref().unwrap_or_default(),
        record.value.as_deref().unwrap_or_default(),
    ];
    fnv1a(parts.into_iter().flatten())
}
