//! The equation: every order that was accepted is in exactly one place, and the bell of each round rang once.
//!
//! Everything is counted from the log, nothing by subtraction, so that a loss can't hide in a difference.

use std::collections::{BTreeMap, HashMap};

use crate::{At, Event, OrderId, Stage};

/// One thing that the log says.
#[derive(Debug, Clone, Copy)]
pub enum Fact<'a> {
    /// A record of `order.received` that is an order.
    Accepted(&'a OrderId),
    /// A record of `order.received` that is none.
    Unreadable(At),
    /// A dead letter from this place of `order.received`.
    DeadLettered(At),
    /// A record of `order.event`.
    Decided(&'a Event),
    /// A record of `order.processed`.
    Announced(&'a OrderId, u32),
}

/// A count of where everything is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Equation {
    /// Orders that were accepted, the unreadable ones among them.
    pub accepted: u64,
    /// Orders in each state, in the order of [`Stage::ALL`]; those that nobody decided on yet are received.
    pub stages: [u64; Stage::ALL.len()],
    /// Unreadable ones that stand in the dead letters.
    pub dead_lettered: u64,
}

impl Equation {
    /// The number of orders in a state.
    pub fn of(&self, stage: Stage) -> u64 {
        self.stages[stage as usize]
    }

    /// Whether both sides are the same.
    pub fn holds(&self) -> bool {
        self.accepted == self.stages.iter().sum::<u64>() + self.dead_lettered
    }
}

/// What is wrong, and with which order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Decisions on an order that was never accepted.
    #[error("order {0} was decided on but never accepted")]
    NeverAccepted(OrderId),
    /// A decision is missing, stands twice, or does not begin where the last one ended.
    #[error("order {order_id}: version {found} follows version {after}")]
    Gap {
        /// The order.
        order_id: OrderId,
        /// The version of the last decision that fitted.
        after: u32,
        /// The version of the one that did not.
        found: u32,
    },
    /// A round became ready, and the bell did not ring.
    #[error("order {0}, round {1}: ready but never announced")]
    NotAnnounced(OrderId, u32),
    /// The bell of a round rang more than once, or without the order being ready.
    #[error("order {order_id}, round {round}: announced {times} times, ready {expected} times")]
    Announced {
        /// The order.
        order_id: OrderId,
        /// The round.
        round: u32,
        /// How often the bell rang.
        times: u32,
        /// How often it was to ring.
        expected: u32,
    },
    /// A dead letter from a place where a good order stands, or none at all.
    #[error("dead letter of order.received-{}@{}, where nothing unreadable stands", .0.partition, .0.offset)]
    DeadLetterOfNothing(At),
    /// An unreadable record that was passed over.
    #[error("order.received-{}@{} is unreadable and no dead letter says so", .0.partition, .0.offset)]
    NotDeadLettered(At),
}

/// Counts facts in any order between topics, in the log's order within each.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    rows: HashMap<OrderId, Row>,
    /// Per unreadable place: whether it stands in `order.received`, and how often in the dead letters.
    unreadable: BTreeMap<At, (bool, u32)>,
    gaps: Vec<Fault>,
}

#[derive(Debug, Clone, Default)]
struct Row {
    accepted: bool,
    decided: Option<(u32, Stage)>,
    /// Per round, from 1: how often it became ready and how often the bell rang.
    rounds: Vec<(u32, u32)>,
}

impl Ledger {
    /// Takes one fact into account.
    pub fn observe(&mut self, fact: Fact<'_>) {
        match fact {
            Fact::Accepted(id) => self.row(id).accepted = true,
            Fact::Unreadable(at) => self.unreadable.entry(at).or_default().0 = true,
            Fact::DeadLettered(at) => self.unreadable.entry(at).or_default().1 += 1,
            Fact::Announced(id, round) => self.row(id).round(round).1 += 1,
            Fact::Decided(event) => self.decided(event),
        }
    }

    /// Where everything is, by what was observed so far.
    pub fn equation(&self) -> Equation {
        let mut equation = Equation::default();
        for row in self.rows.values() {
            equation.accepted += u64::from(row.accepted);
            match row.decided {
                Some((_, stage)) => equation.stages[stage as usize] += 1,
                None => equation.stages[Stage::Received as usize] += u64::from(row.accepted),
            }
        }
        for (stands, letters) in self.unreadable.values() {
            equation.accepted += u64::from(*stands);
            equation.dead_lettered += u64::from(*letters > 0);
        }
        equation
    }

    /// What is wrong, once everything has been observed.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.gaps.clone();
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|(id, _)| *id);
        for (id, row) in rows {
            if row.decided.is_some() && !row.accepted {
                faults.push(Fault::NeverAccepted(id.clone()));
            }
            for (round, &(expected, times)) in (1..).zip(&row.rounds) {
                match (expected, times) {
                    (expected, times) if expected == times => {}
                    (_, 0) => faults.push(Fault::NotAnnounced(id.clone(), round)),
                    _ => faults.push(Fault::Announced { order_id: id.clone(), round, times, expected }),
                }
            }
        }
        for (&at, &(stands, letters)) in &self.unreadable {
            match (stands, letters) {
                (true, 0) => faults.push(Fault::NotDeadLettered(at)),
                (true, 1) => {}
                _ => faults.push(Fault::DeadLetterOfNothing(at)),
            }
        }
        faults
    }

    fn row(&mut self, id: &OrderId) -> &mut Row {
        self.rows.entry(id.clone()).or_default()
    }

    fn decided(&mut self, event: &Event) {
        if event.refused.is_some() || event.repeat {
            return;
        }
        let row = self.row(&event.order_id);
        let (version, stage) = row.decided.map_or((0, None), |(version, stage)| (version, Some(stage)));
        if event.version != version + 1 || event.from != stage {
            let (order_id, found) = (event.order_id.clone(), event.version);
            self.gaps.push(Fault::Gap { order_id, after: version, found });
            return;
        }
        row.decided = Some((event.version, event.to));
        if event.announces() {
            row.round(event.round).0 += 1;
        }
    }
}

impl Row {
    fn round(&mut self, round: u32) -> &mut (u32, u32) {
        // Rounds are counted by taps of people; a header that claims more is counted as the last one.
        let index = round.clamp(1, 10_000) as usize - 1;
        if self.rounds.len() <= index {
            self.rounds.resize(index + 1, (0, 0));
        }
        &mut self.rounds[index]
    }
}
