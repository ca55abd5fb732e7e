//! How a day closed: what the next recount begins with, as one record of `shop.state`.

use std::collections::BTreeMap;

use eventlog::{Millis, Offset, Partition, Position, Topic};
use order::Stage;
use serde::{Deserialize, Serialize};

use crate::{Equation, Tally};

/// How far each partition of each topic was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayPositions"))]
#[serde(transparent)]
pub struct Positions(BTreeMap<String, BTreeMap<Partition, Offset>>);

impl Positions {
    /// What a follower says of itself.
    pub fn new(positions: &[Position]) -> Self {
        let mut of = BTreeMap::<String, BTreeMap<Partition, Offset>>::new();
        for position in positions {
            of.entry(position.topic.to_owned()).or_default().insert(position.partition, position.offset);
        }
        Self(of)
    }

    /// Of one topic: the offset that comes next, by partition.
    pub fn of(&self, topic: Topic) -> impl Iterator<Item = (Partition, Offset)> + '_ {
        self.0.get(topic).into_iter().flatten().map(|(partition, offset)| (*partition, *offset))
    }

    /// Whether nothing is said of any topic.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An order that was live when a day closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CarriedOrder"))]
pub struct Carried {
    /// Which.
    pub id: String,
    /// Where it was.
    pub stage: Stage,
    /// Its round.
    pub round: u32,
    /// Of its last decision; 0: there was none.
    pub version: u32,
    /// Its partition.
    #[serde(default)]
    pub partition: Partition,
    /// Where it stands in `order.received`, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Offset>,
    /// When it was accepted, by the log's time.
    #[serde(default)]
    pub received_at: Millis,
    /// The number of its pickup code; 0: it had none, or nobody knew.
    #[serde(default)]
    pub code: u32,
    /// When its bell rang, of one that waited to be collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Millis>,
}

/// How a business day closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayBalance"))]
pub struct Balance {
    /// Which day, by its local date: `2026-11-22`.
    #[serde(skip)]
    pub date: String,
    /// When it was written, by the log's time and the clock of who wrote it, whichever is later.
    pub at: Millis,
    /// The day was over: this is its last balance. Else it was written when staff closed the shop.
    #[serde(default)]
    pub over: bool,
    /// When the day began; the balances of older programs do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins_at: Option<Millis>,
    /// Where the day began; empty where that is not known.
    #[serde(default)]
    pub from: Positions,
    /// Where it ended: the next recount begins there.
    pub to: Positions,
    /// What was done.
    #[serde(flatten)]
    pub tally: Tally,
    /// Where everything was.
    pub equation: Sums,
    /// Whether that held, and nothing was wrong with any order.
    pub holds: bool,
    /// What was wrong, as sentences; at most [`Balance::FAULTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// Orders that were live. Empty if there were more than [`Balance::LIVE_MAX`]: then recounts begin before this.
    #[serde(default)]
    pub live: Vec<Carried>,
    /// How many there were.
    #[serde(default)]
    pub live_total: usize,
}

impl Balance {
    /// The key of a day's balance in `shop.state` begins with this and goes on with its date.
    pub const PREFIX: &'static str = "day/";
    /// A balance has at most so many live orders: what a record may have bounds it.
    pub const LIVE_MAX: usize = 500;
    /// A balance has at most so many sentences of what was wrong.
    pub const FAULTS_MAX: usize = 20;

    /// The balance in a record of `shop.state`, if it is one.
    pub fn parse(key: &str, value: &[u8]) -> Option<Self> {
        let date = key.strip_prefix(Self::PREFIX)?;
        let mut balance: Self = serde_json::from_slice(value).ok()?;
        date.clone_into(&mut balance.date);
        Some(balance)
    }

    /// The key under which it stands.
    pub fn key(&self) -> String {
        format!("{}{}", Self::PREFIX, self.date)
    }

    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("writing to memory cannot fail, and every key is text or a number")
    }

    /// Whether a recount can begin with it.
    pub fn is_whole(&self) -> bool {
        self.live.len() == self.live_total && !self.to.is_empty()
    }
}

/// An [`Equation`] by names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LedgerEquation"))]
#[expect(missing_docs, reason = "as in `Equation`")]
pub struct Sums {
    pub accepted: u64,
    pub received: u64,
    pub making: u64,
    pub ready: u64,
    pub collected: u64,
    pub uncollected: u64,
    pub cancelled: u64,
    pub dead_lettered: u64,
    pub carried_over: u64,
}

impl From<Equation> for Sums {
    fn from(equation: Equation) -> Self {
        Self {
            accepted: equation.accepted,
            received: equation.of(Stage::Received),
            making: equation.of(Stage::Making),
            ready: equation.of(Stage::Ready),
            collected: equation.of(Stage::Collected),
            uncollected: equation.of(Stage::Uncollected),
            cancelled: equation.of(Stage::Cancelled),
            dead_lettered: equation.dead_lettered,
            carried_over: equation.carried_over,
        }
    }
}
