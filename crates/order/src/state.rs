//! What is so now: the latest state of one order, as `order.state` has it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Action, CommandId, Kind, Limits, Millis, Order, OrderId, Presence, Promise, Refusal, Stamp, TraceContext,
    stamp, trace,
};

/// The version of the JSON of `order.state` and `order.event`. A program that meets a newer one stops.
pub const SCHEMA: u8 = 1;

/// Why a record of `order.state` or `order.event` can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A newer program wrote it: stop, and start that one.
    #[error("schema version {0}, this program knows {SCHEMA}")]
    Newer(u64),
    /// It is not what it should be.
    #[error("{0}")]
    Invalid(String),
}

/// The record of ours in `json`, unless a newer program wrote it; also where that one changed other fields, so
/// that a newer record is told apart from a broken one.
pub fn parse_versioned<T: DeserializeOwned>(json: &[u8], version: fn(&T) -> u8) -> Result<T, ParseError> {
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    match serde_json::from_slice(json) {
        Ok(record) if version(&record) <= SCHEMA => Ok(record),
        Ok(record) => Err(ParseError::Newer(u64::from(version(&record)))),
        Err(error) => match serde_json::from_slice(json) {
            Ok(Version { v }) if v > u64::from(SCHEMA) => Err(ParseError::Newer(v)),
            _ => Err(ParseError::Invalid(error.to_string())),
        },
    }
}

/// Where an order is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderStage"))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Taken, not begun.
    Received,
    /// Being made.
    Making,
    /// The bell rang.
    Ready,
    /// Handed over.
    Collected,
    /// Nobody came.
    Uncollected,
    /// Not to be made.
    Cancelled,
}

impl Stage {
    /// All of them, in the order of the ledger.
    pub const ALL: [Self; 6] =
        [Self::Received, Self::Making, Self::Ready, Self::Collected, Self::Uncollected, Self::Cancelled];

    /// Whether someone still waits for it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Received | Self::Making | Self::Ready)
    }

    /// Whether work is left: what the bound on open orders counts.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::Making)
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Making => "making",
            Self::Ready => "ready",
            Self::Collected => "collected",
            Self::Uncollected => "uncollected",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Who moves an order on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BaristaMode"))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Drinks make themselves: the core's barista.
    Auto,
    /// People tap.
    Manual,
}

/// A place in `order.received`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RecordPlace"))]
pub struct At {
    /// The partition; everything about the order is in the same one.
    pub partition: u32,
    /// The offset in it.
    pub offset: u64,
}

/// The latest state of one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderState {
    /// [`SCHEMA`] of the program that wrote it.
    #[serde(rename = "v")]
    pub schema: u8,
    /// As it was received.
    pub order: Order,
    /// Where it is on its way.
    #[serde(rename = "state")]
    pub stage: Stage,
    /// How many times it was begun: 1, one more after each recall.
    pub round: u32,
    /// Counts every change; 0 before the first decision.
    pub version: u32,
    /// The number of its pickup code; 0 before the first decision.
    pub code: u32,
    /// Fixed when it was taken.
    pub mode: Mode,
    /// Where its record stands.
    pub at: At,
    /// No event of it stands below this offset of `order.event`.
    pub history_from: u64,
    /// When its record was written, by the log's time.
    pub received_at: Millis,
    /// When the last change was decided.
    pub changed_at: Millis,
    /// When making began, in this round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub making_at: Stamp,
    /// When the bell rang, in this round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Stamp,
    /// When it was collected, given up or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Stamp,
    /// When it moves on by itself: making ends, nobody came, nobody paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Stamp,
    /// It came from a counter of someone else: its id can be guessed, so only staff command it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreign: bool,
    /// It waited for payment, which came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paid: bool,
    /// What is known beside its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marks: Option<Box<Marks>>,
    /// The last commands and what became of them, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// What is known of an order beside its state. Times of the customer's are of this round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderMarks"))]
#[serde(default)]
pub struct Marks {
    /// Lines that are done, rising.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ticked: Vec<u16>,
    /// The customer is on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Stamp,
    /// The customer did not find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_at: Stamp,
    /// The phone rang.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rang_at: Stamp,
    /// The customer tested the bell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tested_at: Stamp,
    /// What the customer's page was last doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// When it last said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_at: Stamp,
    /// A remark of the staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_note: Option<String>,
    /// Why it is made once more, or why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many of its rounds were begun only to take back a call that came too soon.
    #[serde(skip_serializing_if = "is_zero")]
    pub taken_back: u32,
    /// When it was first said to be ready, of an order that was paid for later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// The W3C trace context that it came with.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "trace::or_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub traceparent: Option<TraceContext>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CommandAnswer"))]
pub struct Answer {
    /// The command.
    pub command_id: CommandId,
    /// What it asked; `None`: an older program wrote this, and did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Kind>,
    /// Of which line, if of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u16>,
    /// The order's version after it.
    pub version: u32,
    /// The order's state after it.
    pub state: Stage,
    /// The order's round after it.
    pub round: u32,
    /// Why nothing changed; `None`: it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
}

impl Answer {
    /// Whether it answers this, and not something else that was asked under the same id. Reasons, remarks and
    /// presence are not compared: they are not kept here.
    pub fn is_of(&self, action: &Action) -> bool {
        self.command.is_none_or(|command| (command, self.line) == (Kind::of(action), action.line()))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl OrderState {
    /// The order's name.
    pub fn id(&self) -> &OrderId {
        &self.order.order_id
    }

    /// Whether it waits for payment.
    pub fn awaits_payment(&self) -> bool {
        self.stage == Stage::Received && self.order.unpaid() && !self.paid
    }

    /// When it was first said to be ready: as it was placed, or as it was paid.
    pub fn promised(&self) -> Option<Promise> {
        let placed = self.order.details().and_then(|details| details.promise);
        placed.or_else(|| self.marks.as_ref()?.promise)
    }

    /// Whether it is made once more: recalled, and not only to take back a call.
    pub fn is_remake(&self) -> bool {
        let taken_back = self.marks.as_ref().map_or(0, |marks| marks.taken_back);
        self.round.saturating_sub(taken_back) > 1
    }

    /// Whether it waits for a free hand, to begin by itself.
    pub fn awaits_hands(&self) -> bool {
        self.stage == Stage::Received && self.mode == Mode::Auto && !self.awaits_payment()
    }

    /// What became of this command, if it is remembered.
    pub fn answer(&self, command_id: &CommandId) -> Option<&Answer> {
        self.answers.iter().rev().find(|a| a.command_id == *command_id)
    }

    /// When it moves on by itself.
    pub fn due(&self) -> Option<Millis> {
        self.due_at.map(std::num::NonZeroI64::get)
    }

    /// The state in a record's value.
    pub fn parse(json: &[u8]) -> Result<Self, ParseError> {
        parse_versioned(json, |state: &Self| state.schema)
    }

    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(384);
        serde_json::to_writer(&mut out, self).expect("writing to memory cannot fail, and every key is text");
        out
    }

    pub(crate) fn remember(&mut self, answer: Answer) {
        if self.answers.len() >= Limits::ANSWERS {
            self.answers.remove(0);
        }
        self.answers.push(answer);
    }

    pub(crate) fn marks_mut(&mut self) -> &mut Marks {
        self.marks.get_or_insert_default()
    }

    /// A new round forgets what was done and said in the last one.
    /// `takes_back`: nothing is made once more by it, so why it was made before still holds.
    pub(crate) fn new_round(&mut self, takes_back: bool) {
        self.making_at = None;
        self.ready_at = None;
        if let Some(marks) = &mut self.marks {
            marks.ticked.clear();
            marks.acknowledged_at = None;
            marks.missing_at = None;
            marks.rang_at = None;
            if !takes_back {
                marks.reason = None;
            }
        }
        if takes_back {
            let marks = self.marks_mut();
            marks.taken_back = marks.taken_back.saturating_add(1);
        }
    }

    pub(crate) fn enter(&mut self, stage: Stage, at: Millis) {
        match stage {
            Stage::Making if self.stage != stage => self.making_at = stamp(at),
            Stage::Ready if self.ready_at.is_none() => self.ready_at = stamp(at),
            _ => {}
        }
        self.finished_at = if stage.is_live() { None } else { self.finished_at.or(stamp(at)) };
        self.stage = stage;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_from_before_answers_said_what_was_asked_is_read() {
        let json = r#"{"v":1,"order":{"order_id":"a","amount":1,"status":0},"state":"making","round":1,"version":2,
            "code":1,"mode":"manual","at":{"partition":0,"offset":0},"history_from":0,"received_at":1,"changed_at":2,
            "answers":[{"command_id":"tap","version":2,"state":"making","round":1}]}"#;
        let state = OrderState::parse(json.as_bytes()).unwrap();
        let first = state.answer(&CommandId::new("tap").unwrap()).unwrap();
        assert!(first.is_of(&Action::Start) && first.is_of(&Action::Ready), "nobody knows any more");
    }

    #[test]
    fn a_newer_state_is_told_apart_from_a_broken_one() {
        assert_eq!(OrderState::parse(br#"{"v":2,"other":"fields"}"#), Err(ParseError::Newer(2)));
        assert!(matches!(OrderState::parse(br#"{"v":1}"#), Err(ParseError::Invalid(_))));
        assert!(matches!(OrderState::parse(b""), Err(ParseError::Invalid(_))));
    }
}
