//! One order as the model knows it.

use std::collections::VecDeque;

use eventlog::Millis;
use order::{At, CommandId, Event, Kind, Mode, Order, OrderId, Promise, Refusal, Rules, Stage};

/// How many answers an order remembers, by the design.
const ANSWERS: usize = 32;

/// One order that was taken.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// As it was received.
    pub(crate) order: Order,
    /// Where its record stands.
    pub(crate) at: At,
    /// Whether its id can be guessed.
    pub(crate) foreign: bool,
    /// Fixed when it was taken.
    pub(crate) mode: Mode,
    /// Where it is on its way.
    pub(crate) stage: Stage,
    /// Its round.
    pub(crate) round: u32,
    /// Counts every change.
    pub(crate) version: u32,
    /// Its pickup number.
    pub(crate) code: u32,
    /// When it moves on by itself.
    pub(crate) due: Option<Millis>,
    /// Its payment came.
    pub(crate) paid: bool,
    /// When it was first said to be ready.
    pub(crate) promised: Option<Promise>,
    /// It is remembered no longer.
    pub(crate) forgotten: bool,
    /// The offset of its first event.
    pub(crate) history_from: u64,
    /// Where it was after each version, from 1.
    pub(crate) trail: Vec<(Stage, u32)>,
    /// The last commands and what became of them.
    pub(crate) answers: VecDeque<First>,
}

/// The first answer to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct First {
    pub(crate) command_id: CommandId,
    pub(crate) kind: Kind,
    pub(crate) line: Option<u16>,
    pub(crate) version: u32,
    pub(crate) stage: Stage,
    pub(crate) round: u32,
    pub(crate) refused: Option<Refusal>,
}

impl Known {
    /// Its name.
    pub(crate) fn id(&self) -> &OrderId {
        &self.order.order_id
    }

    /// Whether it waits for payment.
    pub(crate) fn awaits_payment(&self) -> bool {
        self.stage == Stage::Received && self.order.unpaid() && !self.paid
    }

    /// State and round in this version; before the first decision: received.
    pub(crate) fn was(&self, version: u32) -> Option<(Stage, u32)> {
        match version {
            0 => Some((Stage::Received, 1)),
            version => self.trail.get(usize::try_from(version).ok()? - 1).copied(),
        }
    }

    /// How long it takes to make.
    pub(crate) fn make_ms(&self, rules: &Rules) -> Millis {
        make_ms(&self.order, rules)
    }

    pub(crate) fn first_answer(&self, command_id: &CommandId) -> Option<&First> {
        self.answers.iter().find(|first| first.command_id == *command_id)
    }

    /// Follows an event that was found right.
    pub(crate) fn follow(&mut self, event: &Event) {
        if event.repeat {
            return;
        }
        if let Some(command_id) = event.command_id.clone() {
            let Event { kind, line, version, to: stage, round, refused, .. } = *event;
            self.answers.push_back(First { command_id, kind, line, version, stage, round, refused });
            if self.answers.len() > ANSWERS {
                self.answers.pop_front();
            }
        }
        if event.refused.is_some() {
            return;
        }
        self.version = event.version;
        self.round = event.round;
        self.stage = event.to;
        self.trail.push((self.stage, self.round));
        self.due = event.due_at.map(std::num::NonZeroI64::get);
        self.code = event.code.unwrap_or(self.code);
        self.paid |= event.kind == order::Kind::Accept;
        self.promised = self.promised.or(event.promise);
    }
}

/// How long an order takes to make: what its counter says, else so much a cup, and never more than a day.
pub(crate) fn make_ms(order: &Order, rules: &Rules) -> Millis {
    const DAY_MS: u64 = 24 * 3_600_000;
    let said = order.details().and_then(|d| d.make_seconds).map(|seconds| u64::from(seconds) * 1_000);
    let millis = said.unwrap_or(u64::from(order.amount) * rules.cup_ms).min(DAY_MS);
    Millis::try_from(millis).expect("less than a day")
}
