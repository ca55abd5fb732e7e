//! One decision: the history.

use serde::{Deserialize, Serialize};

use crate::{
    At, By, Channel, Command, CommandId, Item, Millis, Mode, OrderId, ParseError, Presence, Promise, Refusal,
    Stage, Stamp, UNDO_REASON, parse_versioned,
};

/// One decision on one order, as `order.event` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderEvent"))]
pub struct Event {
    /// [`crate::SCHEMA`] of the program that wrote it.
    #[serde(rename = "v")]
    pub schema: u8,
    /// The order.
    pub order_id: OrderId,
    /// The order's version after it.
    pub version: u32,
    /// The order's round after it.
    pub round: u32,
    /// What was decided.
    #[serde(rename = "event")]
    pub kind: Kind,
    /// The state before it; `None`: the order was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Stage>,
    /// The state after it.
    pub to: Stage,
    /// When it was decided.
    pub at: Millis,
    /// When the order moves on by itself, after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Stamp,
    /// The pickup code's number, where it was given or given anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// Of an order that was taken: what the history must know of it. Never the note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Box<Taken>>,
    /// Who asked for it; `None`: it came by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// The command it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// Why the command was refused: nothing changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// A command with this id was answered before: this is the first answer once more, or says that it asked
    /// something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// Why it was recalled or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Which line was to be ticked or unticked, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u16>,
    /// What the customer's page is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<Presence>,
    /// When it is said to be ready, of an order that was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// A remark of the staff. Not written: notes stand only in `order.received` and `order.state`.
    #[serde(skip)]
    pub text: Option<String>,
}

/// What the history must know of an order that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "TakenOrder"))]
pub struct Taken {
    /// Where its record stands.
    pub at: At,
    /// Fixed for its life.
    pub mode: Mode,
    /// Number of cups.
    pub amount: u16,
    /// Who gave it to the counter, where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// What is to be made, without notes and the fields that nobody here knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderEventKind"))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named after the commands; the three that are none are documented")]
pub enum Kind {
    /// The order was taken; it may have begun or become ready at once.
    Received,
    Start,
    Ready,
    Recall,
    Collect,
    Uncollect,
    Cancel,
    Accept,
    Acknowledge,
    Missing,
    Tested,
    Rang,
    Presence,
    Tick,
    Untick,
    Note,
    /// Nobody came in time.
    Uncollected,
    /// Nobody paid in time.
    Expired,
}

impl Kind {
    /// Whether it only tells what the customer's phone does, by itself or under a finger: nobody has worked on the order.
    pub fn is_of_phone(self) -> bool {
        matches!(self, Self::Acknowledge | Self::Missing | Self::Tested | Self::Rang | Self::Presence)
    }
}

impl Event {
    /// The event in a record's value.
    pub fn parse(json: &[u8]) -> Result<Self, ParseError> {
        parse_versioned(json, |event: &Self| event.schema)
    }

    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        serde_json::to_writer(&mut out, self).expect("writing to memory cannot fail, and every key is text");
        out
    }

    /// Whether the order became ready by it, for the first time in its round: the bell rings.
    pub fn announces(&self) -> bool {
        self.refused.is_none()
            && !self.repeat
            && self.to == Stage::Ready
            && self.from != Some(Stage::Ready)
            && self.kind != Kind::Uncollect
    }

    /// Whether it only takes back a call that came too soon, so that nothing is made once more.
    pub fn takes_back(&self) -> bool {
        self.kind == Kind::Recall && self.reason.as_deref() == Some(UNDO_REASON)
    }

    /// The refusal of a command about an order that nobody knows.
    pub fn unknown(command: &Command, refused: Refusal, at: Millis) -> Self {
        Self {
            schema: crate::SCHEMA,
            order_id: command.order_id.clone(),
            version: 0,
            round: 0,
            kind: Kind::of(&command.action),
            from: None,
            to: Stage::Received,
            at,
            due_at: None,
            code: None,
            taken: None,
            by: Some(command.by.clone()),
            command_id: Some(command.command_id.clone()),
            refused: Some(refused),
            repeat: false,
            reason: None,
            line: command.action.line(),
            presence: None,
            promise: None,
            text: None,
        }
    }
}

impl Kind {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Start => "start",
            Self::Ready => "ready",
            Self::Recall => "recall",
            Self::Collect => "collect",
            Self::Uncollect => "uncollect",
            Self::Cancel => "cancel",
            Self::Accept => "accept",
            Self::Acknowledge => "acknowledge",
            Self::Missing => "missing",
            Self::Tested => "tested",
            Self::Rang => "rang",
            Self::Presence => "presence",
            Self::Tick => "tick",
            Self::Untick => "untick",
            Self::Note => "note",
            Self::Uncollected => "uncollected",
            Self::Expired => "expired",
        }
    }

    /// What a command decides if it is done.
    pub fn of(action: &crate::Action) -> Self {
        use crate::Action as A;
        match action {
            A::Start => Self::Start,
            A::Ready => Self::Ready,
            A::Recall { .. } => Self::Recall,
            A::Collect => Self::Collect,
            A::Uncollect => Self::Uncollect,
            A::Cancel { .. } => Self::Cancel,
            A::Accept { .. } => Self::Accept,
            A::Acknowledge => Self::Acknowledge,
            A::Missing => Self::Missing,
            A::Tested => Self::Tested,
            A::Rang => Self::Rang,
            A::Presence { .. } => Self::Presence,
            A::Tick { .. } => Self::Tick,
            A::Untick { .. } => Self::Untick,
            A::Note { .. } => Self::Note,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_has_the_name_that_it_is_written_with() {
        use Kind as K;
        let all = [
            [K::Received, K::Start, K::Ready, K::Recall, K::Collect, K::Uncollect],
            [K::Cancel, K::Accept, K::Acknowledge, K::Missing, K::Tested, K::Rang],
            [K::Presence, K::Tick, K::Untick, K::Note, K::Uncollected, K::Expired],
        ];
        for kind in all.into_iter().flatten() {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
