//! What needs a person: only what one can do something about, each with the one thing that helps.

use eventlog::Millis;
use order::{Mode, Stage};

use crate::{Day, DayOrder};

/// An open order on which nobody has worked for so long may be forgotten, if its promise is over too.
const STUCK_MS: Millis = 5 * 60 * 1_000;
/// A remake that nobody has worked on for so long.
const REMAKE_MS: Millis = 2 * 60 * 1_000;
/// A ready order that nobody collected for so long.
const NOBODY_CAME_MS: Millis = 10 * 60 * 1_000;
/// An order that waits for payment for so long.
const UNPAID_MS: Millis = 10 * 60 * 1_000;
/// Nobody has decided on an order for so long. Source: the contract.
const UNDECIDED_MS: Millis = 5_000;

/// Something that needs a person.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// The order.
    pub order: &'a DayOrder,
    /// Why.
    pub why: Why,
    /// Since when.
    pub since: Millis,
}

/// Why something needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is open, its promise is over, and nobody has worked on it for five minutes.
    Stuck,
    /// It was recalled two minutes ago, and nobody has worked on it since.
    RemakeWaits,
    /// It is ready for ten minutes.
    NobodyCame,
    /// It waits for payment for ten minutes.
    Unpaid,
    /// No barista has decided on it for five seconds.
    Undecided,
}

impl Why {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stuck => "stuck",
            Self::RemakeWaits => "remake_waits",
            Self::NobodyCame => "nobody_came",
            Self::Unpaid => "unpaid",
            Self::Undecided => "undecided",
        }
    }

    /// The one thing that helps, by its name on the wire.
    pub fn action(self) -> &'static str {
        match self {
            Self::Stuck | Self::RemakeWaits | Self::Unpaid => "ring_bar",
            Self::NobodyCame => "call_again",
            Self::Undecided => "check_barista",
        }
    }
}

impl Day {
    /// What needs a person at this time, the longest waiting first.
    pub fn needs(&self, now: Millis) -> Vec<Need<'_>> {
        let mut needs: Vec<_> = self.orders().iter().filter_map(|order| need(order, now)).collect();
        needs.sort_by_key(|need| (need.since, need.order.offset));
        needs
    }
}

fn need(order: &DayOrder, now: Millis) -> Option<Need<'_>> {
    let waits = |since: Millis, ms: Millis| now.saturating_sub(since) >= ms;
    let (why, since) = match order.stage {
        Stage::Received if order.version == 0 => {
            (waits(order.received_at, UNDECIDED_MS)).then_some((Why::Undecided, order.received_at))?
        }
        Stage::Received if order.awaits_payment() => {
            waits(order.received_at, UNPAID_MS).then_some((Why::Unpaid, order.received_at))?
        }
        Stage::Making if order.waits_again && order.mode != Some(Mode::Auto) => {
            waits(order.touched_at, REMAKE_MS).then_some((Why::RemakeWaits, order.touched_at))?
        }
        Stage::Received | Stage::Making => {
            // What moves on by itself is not forgotten, and a long queue is no accident as long as its promises hold.
            let moves_on = order.mode == Some(Mode::Auto) && order.due_at.is_some_and(|due| due > now);
            let in_time = order.promised.is_some_and(|promise| now <= promise.to());
            (!moves_on && !in_time && waits(order.touched_at, STUCK_MS))
                .then_some((Why::Stuck, order.touched_at))?
        }
        Stage::Ready => {
            let ready_at = order.ready_at.unwrap_or(order.touched_at);
            waits(ready_at, NOBODY_CAME_MS).then_some((Why::NobodyCame, ready_at))?
        }
        Stage::Collected | Stage::Uncollected | Stage::Cancelled => return None,
    };
    Some(Need { order, why, since })
}
