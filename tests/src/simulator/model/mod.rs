//! A second opinion: what must follow from what stands in the log.
//!
//! The model reads the log back, committed records only, and follows every order by the contract's own table,
//! written down here once more and apart from the engine's rules. It reads along, so that what is wrong is
//! found where it happened.
//!
//! | file | idea |
//! |---|---|
//! | `line` | one partition: its topics read side by side, in the order that a transaction gives them |
//! | `decision` | one decision held against the contract |
//! | `input` | what was asked, and how far the answers have come |
//! | `known` | one order as the model knows it |
//! | `table` | what the contract says must follow |
//! | `outcome` | the engine's other topics: bells, dead letters, state, positions |

mod decision;
mod input;
mod known;
mod line;
mod outcome;
mod table;

use std::collections::BTreeSet;

use eventlog::{Millis, Partition, sim::SimLog};
use order::{At, OrderId, topic};

pub(crate) use self::known::Known;
use self::line::Line;
use super::{
    plan::{Action, Plan},
    violation::{Kind, Violation},
};

/// What must follow from what stands in the log, over all partitions.
#[derive(Debug)]
pub(crate) struct Model {
    setting: Setting,
    lines: Vec<Line>,
    found: Vec<Violation>,
}

/// What the model must know of the shop besides its log.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) rules: order::Rules,
    pub(crate) hands: Option<usize>,
    /// Whether an order may be refused because too many are open.
    pub(crate) bounded: bool,
    /// With one partition, whoever has it has everything: then it can be told whether bounds were kept.
    pub(crate) bounds: Option<Bounds>,
}

/// What one barista must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) hands: Option<usize>,
    pub(crate) open: usize,
}

impl Model {
    /// A model of an empty log.
    pub(crate) fn new(plan: &Plan) -> Self {
        let grows = plan.weights.iter().any(|(action, _)| *action == Action::Partitions);
        let bounds = Bounds { hands: plan.hands, open: plan.max_open };
        let setting = Setting {
            rules: plan.rules.clone(),
            hands: plan.hands,
            bounded: plan.max_open < 1_000_000,
            bounds: (plan.partitions == 1 && !grows).then_some(bounds),
        };
        Self { setting, lines: Vec::new(), found: Vec::new() }
    }

    /// Reads what has come, and says what is wrong with it.
    pub(crate) fn read(&mut self, log: &SimLog) -> &[Violation] {
        for partition in 0..partitions(log) {
            let index = usize::try_from(partition).expect("few partitions");
            if self.lines.len() <= index {
                self.lines.push(Line::new(partition));
            }
            self.lines[index].read(log, &self.setting, &mut self.found);
        }
        &self.found
    }

    /// Says what is wrong once everything is at rest: all was read, and the ledger adds up.
    pub(crate) fn close(&mut self) -> &[Violation] {
        for line in &mut self.lines {
            line.close(&mut self.found);
        }
        &self.found
    }

    /// Every order that was taken, also those that are forgotten.
    pub(crate) fn orders(&self) -> impl Iterator<Item = &Known> {
        self.lines.iter().flat_map(Line::orders)
    }

    /// The order that was placed there, if it was taken.
    pub(crate) fn order_at(&self, at: At) -> Option<&Known> {
        self.lines.get(usize::try_from(at.partition).ok()?)?.order_at(at.offset)
    }

    /// The order of this partition with this id, if it was taken.
    pub(crate) fn order(&self, partition: Partition, id: &OrderId) -> Option<&Known> {
        self.lines.get(usize::try_from(partition).ok()?)?.order(id)
    }

    /// Where the orders stand that were placed, and on which nobody has decided.
    pub(crate) fn undecided(&self) -> BTreeSet<At> {
        self.lines.iter().flat_map(Line::undecided).collect()
    }

    /// When the next order moves on by itself.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        self.orders().filter(|known| !known.forgotten).filter_map(|known| known.due).min()
    }

    /// Everything that moved on by its due time since this was last asked: when it was due, and when it did.
    pub(crate) fn take_fired(&mut self) -> Vec<(Millis, Millis)> {
        self.lines.iter_mut().flat_map(Line::take_fired).collect()
    }

    /// How often things happened that a good simulator sees.
    pub(crate) fn sights(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.lines.iter().flat_map(Line::sights).map(|(what, times)| (*what, *times))
    }

    /// How far the state says that an input's records have been read: what is below may be removed.
    pub(crate) fn read_to(&self, input: eventlog::Topic, partition: Partition) -> u64 {
        usize::try_from(partition).ok().and_then(|p| self.lines.get(p)).map_or(0, |line| line.read_to(input))
    }
}

/// How many partitions the line has.
pub(crate) fn partitions(log: &SimLog) -> u32 {
    eventlog::Log::partitions(log, topic::RECEIVED)
}

/// Where findings go.
pub(crate) type Found = Vec<Violation>;

pub(crate) fn find(found: &mut Found, kind: Kind, what: String) {
    found.push(Violation::new(kind, what));
}
