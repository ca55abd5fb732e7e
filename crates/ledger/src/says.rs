//! What one record says, as far as it is counted.

use std::borrow::Cow;

use eventlog::{Entry, Offset};
use order::{
    At, CloudEvent, DeadLetter, Kind, Limits, Millis, Mode, Order, ParseError, Presence, Promise, SCHEMA,
    Stage, Status, UNDO_REASON, topic,
};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// What one record says.
#[derive(Debug)]
pub enum Says<'a> {
    /// An order was accepted.
    Accepted(Order),
    /// A record of `order.received` that is no order.
    Unreadable,
    /// Something was decided on an order.
    Decided(Decision<'a>),
    /// A decision that can't be read.
    BadDecision(ParseError),
    /// The bell of a round rang.
    Announced {
        /// The order's id.
        id: Cow<'a, str>,
        /// The round.
        round: u32,
        /// A barista of ours rang it.
        ours: bool,
    },
    /// A dead letter of this place of `order.received`, in the same partition.
    DeadLettered(Offset),
    /// Somebody has seen to the dead letter at this place of `order.dlq`.
    SeenTo(Offset),
    /// Nothing that is counted.
    Nothing,
}

/// A decision, without what is not counted: a million of them are read in a few seconds.
#[derive(Debug, Deserialize)]
pub struct Decision<'a> {
    #[serde(rename = "v")]
    schema: u8,
    /// The order.
    #[serde(borrow)]
    pub order_id: Cow<'a, str>,
    /// The order's version after it.
    pub version: u32,
    /// The order's round after it.
    pub round: u32,
    /// What was decided.
    #[serde(rename = "event")]
    pub kind: Kind,
    /// The state before it.
    #[serde(default)]
    pub from: Option<Stage>,
    /// The state after it.
    pub to: Stage,
    /// When it was decided.
    pub at: Millis,
    /// When the order moves on by itself, after it.
    #[serde(default)]
    pub due_at: Option<Millis>,
    /// The pickup code's number, where it was given or given anew.
    #[serde(default)]
    pub code: Option<u32>,
    /// Of an order that was taken.
    #[serde(default, borrow)]
    pub taken: Option<Taken<'a>>,
    #[serde(default)]
    refused: Option<IgnoredAny>,
    #[serde(default)]
    repeat: bool,
    #[serde(default)]
    reason: Option<String>,
    /// What the customer's page is doing.
    #[serde(default)]
    pub presence: Option<Presence>,
    /// When it is said to be ready, of an order that was paid.
    #[serde(default)]
    pub promise: Option<Promise>,
}

/// What the history has of an order that was taken.
#[derive(Debug, Deserialize)]
pub struct Taken<'a> {
    /// Where its record stands.
    pub at: At,
    /// Who moves it on.
    pub mode: Mode,
    /// Number of cups.
    pub amount: u16,
    /// What is to be made, unread.
    #[serde(default, borrow)]
    pub items: Option<&'a RawValue>,
}

impl Decision<'_> {
    /// Whether the order is different after it.
    pub fn changes(&self) -> bool {
        self.refused.is_none() && !self.repeat
    }

    /// Whether the bell rings by it: the same as [`order::Event::announces`].
    pub fn announces(&self) -> bool {
        self.changes()
            && self.to == Stage::Ready
            && self.from != Some(Stage::Ready)
            && self.kind != Kind::Uncollect
    }

    /// Whether it only takes back a call that came too soon: the same as [`order::Event::takes_back`].
    pub fn takes_back(&self) -> bool {
        self.kind == Kind::Recall && self.reason.as_deref() == Some(UNDO_REASON)
    }
}

impl<'a> Says<'a> {
    /// What this record says.
    pub fn of(entry: &'a Entry) -> Self {
        let value = entry.record.value.as_deref();
        match entry.topic {
            topic::RECEIVED => accepted(entry).map_or(Self::Unreadable, Self::Accepted),
            topic::EVENT => match decision(value.unwrap_or_default()) {
                Ok(decision) => Self::Decided(decision),
                Err(error) => Self::BadDecision(error),
            },
            topic::PROCESSED => announced(entry).unwrap_or(Self::Nothing),
            topic::DLQ => letter(entry).unwrap_or(Self::Nothing),
            _ => Self::Nothing,
        }
    }
}

/// The order in a record of `order.received`, by the rule of baristas.
fn accepted(entry: &Entry) -> Option<Order> {
    let value = entry.record.value.as_deref().filter(|_| entry.record.size() <= Limits::RECORD_BYTES)?;
    Order::parse(value).ok().filter(|order| order.status == Status::Received)
}

fn decision(json: &[u8]) -> Result<Decision<'_>, ParseError> {
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    match serde_json::from_slice::<Decision<'_>>(json) {
        Ok(decision) if decision.schema <= SCHEMA => Ok(decision),
        Ok(decision) => Err(ParseError::Newer(u64::from(decision.schema))),
        Err(error) => match serde_json::from_slice(json) {
            Ok(Version { v }) if v > u64::from(SCHEMA) => Err(ParseError::Newer(v)),
            _ => Err(ParseError::Invalid(error.to_string())),
        },
    }
}

fn announced(entry: &Entry) -> Option<Says<'_>> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        order_id: Cow<'a, str>,
    }
    let Named { order_id } = serde_json::from_slice(entry.record.value.as_deref()?).ok()?;
    let header = |name| std::str::from_utf8(entry.record.headers.get(name)?).ok();
    let ours = header(CloudEvent::SOURCE).is_some_and(|source| source.starts_with(CloudEvent::SOURCE_PREFIX));
    // A bell without a round is of the first one: so the contract has it.
    let round = header(CloudEvent::ROUND).and_then(|round| round.parse().ok()).unwrap_or(1);
    Some(Says::Announced { id: order_id, round, ours })
}

fn letter(entry: &Entry) -> Option<Says<'_>> {
    let headers = &entry.record.headers;
    let number = |name| std::str::from_utf8(headers.get(name)?).ok()?.parse().ok();
    if DeadLetter::is_mark(|name| headers.get(name).is_some()) {
        return number(DeadLetter::MARK_OFFSET).map(Says::SeenTo);
    }
    let is_order = headers.get(DeadLetter::TOPIC) == Some(topic::RECEIVED.as_bytes());
    number(DeadLetter::OFFSET).filter(|_| is_order).map(Says::DeadLettered)
}
