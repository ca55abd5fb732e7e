//! What staff and customers ask of an order.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{At, BadText, CommandId, Limits, OrderId, Promise, Stage, check_text, without_bidi_controls};

/// The reason of a [recall](Action::Recall) that only takes back a call that came too soon: nothing is made again. It is a
/// code, which pages put into words.
pub const UNDO_REASON: &str = "undo";

/// One command, as `order.command` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderCommand"))]
pub struct Command {
    /// Its name: a repeat gets the first answer.
    pub command_id: CommandId,
    /// The order it is about.
    pub order_id: OrderId,
    /// What is asked.
    #[serde(flatten)]
    pub action: Action,
    /// What its sender saw; only a change of these conflicts. `None`: whatever the order is like now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Who asks.
    pub by: By,
    /// Where the order stands in `order.received`, so that the command can wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_at: Option<At>,
}

/// What can be asked of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CommandAction"))]
#[serde(tag = "command", rename_all = "snake_case", remote = "Self")]
pub enum Action {
    /// Making begins.
    Start,
    /// It is ready: the bell rings.
    Ready,
    /// Bring it back: it is made once more.
    Recall {
        /// Why: in words, for the customer as well, or [`UNDO_REASON`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = Limits::REASON_CHARS), pattern(crate::schema::TEXT)))]
        reason: Option<String>,
    },
    /// It was handed over.
    Collect,
    /// It was not handed over after all.
    Uncollect,
    /// It is not to be made.
    Cancel {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(length(max = Limits::REASON_CHARS), pattern(crate::schema::TEXT)))]
        reason: Option<String>,
    },
    /// It is paid.
    Accept {
        /// When it is said to be ready: its first promise, made by the counter that takes the command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promise: Option<Promise>,
    },
    /// "I'm on my way."
    Acknowledge,
    /// "It isn't there."
    Missing,
    /// The customer tested the bell.
    Tested,
    /// The phone rang.
    Rang,
    /// What the customer's page is doing.
    Presence {
        /// What it is doing.
        presence: Presence,
    },
    /// A line is done.
    Tick {
        /// Which, from 0.
        line: u16,
    },
    /// A line is not done after all.
    Untick {
        /// Which, from 0.
        line: u16,
    },
    /// A remark of the staff; an empty one takes it away.
    Note {
        /// What it says.
        #[cfg_attr(feature = "schema", schemars(length(max = Limits::NOTE_CHARS), pattern(crate::schema::TEXT)))]
        text: String,
    },
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

/// As derived, but by names alone: serde takes the number of a variant for its name as well, and those numbers are
/// nobody's business.
impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let fields = serde_json::Map::deserialize(from)?;
        if !fields.get("command").is_some_and(serde_json::Value::is_string) {
            return Err(D::Error::custom("command must be the name of a command"));
        }
        Self::deserialize(serde_json::Value::Object(fields)).map_err(D::Error::custom)
    }
}

/// What a customer's page is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Open and in front: it will ring.
    Listening,
    /// Open behind something else: it may ring.
    Hidden,
    /// Closed.
    Gone,
}

/// What a sender saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SeenOrder"))]
pub struct Seen {
    /// The order's state.
    pub state: Stage,
    /// Its round.
    pub round: u32,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CommandBy"))]
pub struct By {
    /// As what.
    pub role: Role,
    /// On which device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = Limits::DEVICE_CHARS), pattern(crate::schema::TEXT)))]
    pub device: Option<String>,
}

/// As what someone asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CommandRole"))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Whoever knows the order's id.
    Holder,
    /// Whoever works here.
    Staff,
}

impl Command {
    /// The command in a record's value, or one sentence that says why it is none.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        if json.len() > Limits::RECORD_BYTES {
            return Err(format!("{} bytes, a command has at most {}", json.len(), Limits::RECORD_BYTES));
        }
        let command: Self = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        command.action.check().and_then(|()| command.by.check()).map_err(|e| e.to_string())?;
        Ok(command)
    }

    /// As JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("writing to memory cannot fail, and every key is text")
    }
}

impl By {
    /// Whether the device's name is within [`Limits`] and may stand on a screen.
    pub fn check(&self) -> Result<(), BadField> {
        self.device.as_ref().map_or(Ok(()), |device| check("device", device, Limits::DEVICE_CHARS))
    }

    /// The same with a device's name as it may stand beside others, where that can be had without asking its sender.
    #[must_use]
    pub fn cleaned(self) -> Self {
        Self { device: self.device.map(without_bidi_controls), ..self }
    }
}

impl Action {
    /// Whether its texts are within [`Limits`] and may stand on a screen.
    pub fn check(&self) -> Result<(), BadField> {
        match self {
            Self::Recall { reason: Some(text) } | Self::Cancel { reason: Some(text) } => {
                check("reason", text, Limits::REASON_CHARS)
            }
            Self::Note { text } => check("text", text, Limits::NOTE_CHARS),
            _ => Ok(()),
        }
    }

    /// The same with what may stand in its texts, where that can be had without asking its sender.
    #[must_use]
    pub fn cleaned(self) -> Self {
        let clean = |reason: Option<String>| reason.map(without_bidi_controls);
        match self {
            Self::Recall { reason } => Self::Recall { reason: clean(reason) },
            Self::Cancel { reason } => Self::Cancel { reason: clean(reason) },
            Self::Note { text } => Self::Note { text: without_bidi_controls(text) },
            other => other,
        }
    }

    /// The line of the order that it is about, if of one.
    pub fn line(&self) -> Option<u16> {
        match self {
            Self::Tick { line } | Self::Untick { line } => Some(*line),
            _ => None,
        }
    }

    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Ready => "ready",
            Self::Recall { .. } => "recall",
            Self::Collect => "collect",
            Self::Uncollect => "uncollect",
            Self::Cancel { .. } => "cancel",
            Self::Accept { .. } => "accept",
            Self::Acknowledge => "acknowledge",
            Self::Missing => "missing",
            Self::Tested => "tested",
            Self::Rang => "rang",
            Self::Presence { .. } => "presence",
            Self::Tick { .. } => "tick",
            Self::Untick { .. } => "untick",
            Self::Note { .. } => "note",
        }
    }
}

/// A text of a command that may not stand on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct BadField {
    /// Its field.
    pub field: &'static str,
    /// Why not.
    pub why: BadText,
}

fn check(field: &'static str, text: &str, max: usize) -> Result<(), BadField> {
    check_text(text, max).map_err(|why| BadField { field, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_back_as_it_was_written() {
        let command = Command {
            command_id: CommandId::new("c-1").unwrap(),
            order_id: OrderId::new("a").unwrap(),
            action: Action::Recall { reason: Some("too cold".into()) },
            seen: Some(Seen { state: Stage::Ready, round: 1 }),
            by: By { role: Role::Staff, device: Some("bar".into()) },
            order_at: Some(At { partition: 0, offset: 7 }),
        };
        assert_eq!(Command::parse(&command.to_json()).unwrap(), command);
    }

    #[test]
    fn a_payment_reads_back_with_its_promise_and_without() {
        let json = |promise: &str| {
            format!(
                r#"{{"command_id":"c","order_id":"a","command":"accept"{promise},"by":{{"role":"staff"}}}}"#
            )
        };
        for (promise, is) in [
            ("", None),
            (r#","promise":{"from":1,"to":2}"#, Promise::new(1, 2)),
            (r#","promise":null"#, None),
        ] {
            let command = Command::parse(json(promise).as_bytes()).unwrap();
            assert_eq!(command.action, Action::Accept { promise: is });
            let written = if is.is_some() { promise } else { "" };
            assert_eq!(String::from_utf8(command.to_json()).unwrap(), json(written));
        }
    }

    #[test]
    fn a_remark_may_have_more_than_one_line() {
        assert_eq!(Action::Note { text: "by the window\nno lid".into() }.check(), Ok(()));
    }

    #[test]
    fn what_is_no_command_is_refused_with_a_sentence() {
        let with =
            |rest: &str| format!(r#"{{"command_id":"c","order_id":"a","by":{{"role":"staff"}}{rest}}}"#);
        for (json, says) in [
            (with(""), "command"),
            (with(r#","command":"explode""#), "unknown variant"),
            (with(r#","command":5"#), "name of a command"),
            (with(r#","command":null"#), "name of a command"),
            (with(r#","command":"tick""#), "line"),
            (with(r#","command":"tick","line":-1"#), "invalid"),
            (with(r#","command":"accept","promise":{"from":2,"to":1}"#), "before it begins"),
            (with(&format!(r#","command":"cancel","reason":"{}""#, "x".repeat(201))), "at most 200"),
            (with(r#","command":"cancel","reason":"\u001b[2J""#), "reason holds control"),
            (with(r#","command":"recall","reason":"a\u0007""#), "reason holds control"),
            (with(r#","command":"note","text":"a\u0000""#), "text holds control"),
            (
                with(r#","command":"start""#).replace(r#""staff""#, r#""staff","device":"bar\r""#),
                "device holds control",
            ),
            ("{}".into(), "command_id"),
            (String::new(), "EOF"),
        ] {
            let error = Command::parse(json.as_bytes()).unwrap_err();
            assert!(error.contains(says), "{json}: {error}");
        }
    }
}
