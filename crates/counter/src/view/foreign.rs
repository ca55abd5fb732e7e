//! Orders that a barista of someone else made: all there is of them is `order.received` and `order.processed`,
//! in either order.

use std::collections::{HashMap, VecDeque};

use order::{Millis, OrderId};

/// How long such an order is remembered, as ours are. Source: the contract.
const REMEMBER_MS: Millis = 24 * 60 * 60 * 1_000;
/// How many are remembered at most, as ours are.
const REMEMBER_MAX: usize = 1_000_000;
/// How many bells are kept whose order was not read yet: followers of two topics are rarely further apart.
const EARLY_MAX: usize = 100_000;

/// The window of what is remembered.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// Bells whose order was not read yet.
    early: HashMap<OrderId, Millis>,
    early_order: VecDeque<OrderId>,
    made: VecDeque<(Millis, OrderId)>,
    has_worked: bool,
}

impl Foreign {
    /// Whether a bell of theirs ever rang.
    pub(super) fn has_worked(&self) -> bool {
        self.has_worked
    }

    /// A bell rang for an order that was not read yet.
    pub(super) fn ring_early(&mut self, id: OrderId, at: Millis) {
        self.has_worked = true;
        if self.early.insert(id.clone(), at).is_none() {
            self.early_order.push_back(id);
        }
        if self.early_order.len() > EARLY_MAX
            && let Some(oldest) = self.early_order.pop_front()
        {
            self.early.remove(&oldest);
        }
    }

    /// When the bell of this order rang, if it was read before the order.
    pub(super) fn rang(&mut self, id: &OrderId) -> Option<Millis> {
        if self.early.is_empty() { None } else { self.early.remove(id) }
    }

    /// Remembers one, and says which is to be forgotten for it.
    pub(super) fn remember(&mut self, id: OrderId, at: Millis) {
        self.has_worked = true;
        self.made.push_back((at, id));
    }

    /// The next one that is remembered no longer.
    pub(super) fn forget(&mut self, now: Millis) -> Option<OrderId> {
        let (at, _) = self.made.front()?;
        let over = self.made.len() > REMEMBER_MAX || at.saturating_add(REMEMBER_MS) < now;
        over.then(|| self.made.pop_front().map(|(_, id)| id)).flatten()
    }
}
