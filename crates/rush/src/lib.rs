//! A morning in a café as a plan, and the people in it as state machines. Pure: a seed decides who comes and what goes
//! wrong, time comes in as a value, and what someone does is handed to whoever can do it.
//!
//! | module | idea |
//! |---|---|
//! | `morning` | a seed and how busy it is to be → the plan: who comes when, who works, what is killed |
//! | `plan` | what is in a plan |
//! | `guest` | one customer: orders, waits, reloads, wanders off, changes their mind, collects |
//! | `bar` | the baristas at one rail: start, tick, call, hand over, and put right what they did wrong |
//! | `verdict` | what customers were told against what the line knows: is every order accounted for? |
//!
//! Times are milliseconds of the morning. Whoever lets it happen may do so faster than the clock.

mod bar;
mod guest;
mod morning;
mod plan;
mod verdict;

pub use crate::{
    bar::{Bar, Deed, NOBODY_CAME, Ticket},
    guest::{Act, Guest, News},
    morning::{Crowd, Item, MINUTES_MAX, Morning, Offer, plan},
    plan::{AtBar, Customer, Leave, Manner, Millis, Plan, Sends, Slip, Where, Wish},
    verdict::{Claim, Fault, Known, judge},
};

/// Where an order is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It waits.
    Received,
    /// It is being made.
    Making,
    /// It waits to be collected.
    Ready,
    /// It was handed over.
    Collected,
    /// Nobody came for it.
    Uncollected,
    /// It is not to be made.
    Cancelled,
}

impl Stage {
    /// By its name on the wire.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "received" => Self::Received,
            "making" => Self::Making,
            "ready" => Self::Ready,
            "collected" => Self::Collected,
            "uncollected" => Self::Uncollected,
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
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

    /// Whether something is still to be made.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::Making)
    }

    /// Whether nothing is to come.
    pub fn is_over(self) -> bool {
        !self.is_open() && self != Self::Ready
    }
}

/// What someone asks of an order, by a tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tap {
    /// Making begins.
    Start,
    /// A line is done.
    Tick(u16),
    /// It is ready: the bell rings.
    Ready,
    /// Bring it back, for this reason.
    Recall(&'static str),
    /// It was handed over.
    Collect,
    /// It was not handed over after all.
    Uncollect,
    /// It is not to be made, for this reason.
    Cancel(&'static str),
    /// It is paid.
    Accept,
    /// "I'm on my way."
    Acknowledge,
    /// "It isn't there."
    Missing,
    /// The customer tested the bell.
    Tested,
    /// The phone rang.
    Rang,
    /// The page is there: `listening`, `hidden` or `gone`.
    Presence(&'static str),
}

impl Tap {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Tick(_) => "tick",
            Self::Ready => "ready",
            Self::Recall(_) => "recall",
            Self::Collect => "collect",
            Self::Uncollect => "uncollect",
            Self::Cancel(_) => "cancel",
            Self::Accept => "accept",
            Self::Acknowledge => "acknowledge",
            Self::Missing => "missing",
            Self::Tested => "tested",
            Self::Rang => "rang",
            Self::Presence(_) => "presence",
        }
    }
}
