//! The orders and the few indexes that screens need.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::{Offset, Partition};
use order::{Key, Millis, OrderId, OrderState, Orders, Stage};

/// What is counted before a queue is only called long: nobody reads a longer number, and counting costs.
const AHEAD_MAX: usize = 1_000;
/// Orders that are ready or finished, and listed: nobody looks further back on a screen, and a million finished ones
/// are remembered.
const DONE_MAX: usize = 1_000;

/// How many orders come before one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead {
    /// Counted up to 1,000.
    pub ahead: usize,
    /// There are more.
    pub more: bool,
}

/// How many orders are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the order of [`Stage::ALL`], without the undecided.
    pub stages: [usize; Stage::ALL.len()],
    /// Accepted, and nobody has decided on them yet.
    pub undecided: usize,
    /// Of those and of the received, how many wait for payment: nobody makes them.
    pub unpaid: usize,
}

impl Counts {
    /// Orders in a state.
    pub fn of(&self, stage: Stage) -> usize {
        self.stages[stage as usize]
    }

    /// Work that is left: what `max_open` bounds.
    pub fn open(&self) -> usize {
        self.undecided + self.of(Stage::Received) + self.of(Stage::Making)
    }

    /// Orders that come before whoever orders now.
    pub fn ahead(&self) -> usize {
        self.open() - self.unpaid
    }
}

/// Every order that is remembered, once. Version 0: nobody has decided on it.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Orders,
    pub(super) counts: Counts,
    /// What the live orders weigh together: the engine's bound counts them too, the ready ones are in memory as
    /// well.
    pub(super) live_bytes: usize,
    queues: BTreeMap<Partition, Queue>,
    /// By the time when the bell rang.
    ready: BTreeSet<(Millis, Key)>,
    /// The newest that are ready or finished, by when they became so.
    done: BTreeSet<(Millis, Key)>,
}

/// The open orders of one partition, by their place in `order.received`.
#[derive(Debug, Default)]
struct Queue {
    /// Without the unpaid.
    open: BTreeMap<Offset, Key>,
    /// Those that wait for payment: nobody makes them, and nobody waits for them.
    unpaid: BTreeMap<Offset, Key>,
    undecided: BTreeMap<Offset, Key>,
    /// Those that go on by themselves, by when they do. What is ready waits for its customer, and is not among them.
    due: BTreeSet<(Millis, Key)>,
}

impl Table {
    pub(super) fn find(&self, id: &str) -> Option<Key> {
        self.rows.find(id)
    }

    pub(super) fn get(&self, key: Key) -> Option<&OrderState> {
        self.rows.get(key)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OrderState> {
        self.rows.iter().map(|(_, state)| state)
    }

    /// Puts an order in, in place of what was known of it there.
    pub(super) fn put(&mut self, known: Option<Key>, state: OrderState) -> Key {
        match known {
            Some(key) => {
                self.index(key, false);
                self.rows[key] = state;
                self.index(key, true);
                key
            }
            None => self.insert(state),
        }
    }

    /// Puts an order in that is not in it yet.
    pub(super) fn insert(&mut self, state: OrderState) -> Key {
        let key = self.rows.insert(state);
        self.index(key, true);
        key
    }

    /// Changes an order where it stands.
    pub(super) fn change(&mut self, key: Key, change: impl FnOnce(&mut OrderState)) {
        self.index(key, false);
        change(&mut self.rows[key]);
        self.index(key, true);
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<OrderId> {
        self.get(key)?;
        self.index(key, false);
        self.rows.remove(key).map(|state| state.order.order_id)
    }

    /// Open orders of its partition that were placed before it, without the unpaid.
    pub(super) fn ahead(&self, state: &OrderState) -> Ahead {
        let Some(queue) = self.queues.get(&state.at.partition) else {
            return Ahead { ahead: 0, more: false };
        };
        let counted = queue.open.range(..state.at.offset).take(AHEAD_MAX + 1).count();
        Ahead { ahead: counted.min(AHEAD_MAX), more: counted > AHEAD_MAX }
    }

    /// Undecided orders of a partition at or after an offset, oldest first.
    pub(super) fn undecided_from(
        &self,
        partition: Partition,
        from: Offset,
    ) -> impl Iterator<Item = &OrderState> {
        let queue = self.queues.get(&partition);
        queue
            .into_iter()
            .flat_map(move |queue| queue.undecided.range(from..))
            .map(|(_, &key)| &self.rows[key])
    }

    /// How many orders of a partition are undecided.
    pub(super) fn undecided_in(&self, partition: Partition) -> usize {
        self.queues.get(&partition).map_or(0, |queue| queue.undecided.len())
    }

    /// When the next open order of a partition goes on by itself.
    pub(super) fn due_first(&self, partition: Partition) -> Option<Millis> {
        self.queues.get(&partition)?.due.first().map(|(at, _)| *at)
    }

    /// Undecided orders of a partition before an offset.
    pub(super) fn undecided_before(&self, partition: Partition, before: Offset) -> Vec<Key> {
        let queue = self.queues.get(&partition);
        queue.map_or_else(Vec::new, |queue| queue.undecided.range(..before).map(|(_, &key)| key).collect())
    }

    /// Open orders without the unpaid, oldest first within each partition, at most `limit` of each.
    pub(super) fn open(&self, limit: usize) -> impl Iterator<Item = &OrderState> {
        let keys = self.queues.values().flat_map(move |queue| queue.open.values().take(limit));
        keys.map(|&key| &self.rows[key])
    }

    /// The same of those that wait for payment.
    pub(super) fn unpaid(&self, limit: usize) -> impl Iterator<Item = &OrderState> {
        let keys = self.queues.values().flat_map(move |queue| queue.unpaid.values().take(limit));
        keys.map(|&key| &self.rows[key])
    }

    /// How many orders of a partition are open, without the unpaid.
    pub(super) fn open_in(&self, partition: Partition) -> usize {
        self.queues.get(&partition).map_or(0, |queue| queue.open.len())
    }

    /// Orders that wait to be collected, the newest first.
    pub(super) fn ready(&self) -> impl Iterator<Item = &OrderState> {
        self.ready.iter().rev().map(|&(_, key)| &self.rows[key])
    }

    /// Orders that are ready or finished, the newest 1,000, the last that became so first. What a customer's phone says
    /// meanwhile moves none of them.
    pub(super) fn done(&self) -> impl Iterator<Item = &OrderState> {
        self.done.iter().rev().map(|&(_, key)| &self.rows[key])
    }

    /// Takes an order into all indexes, or out of them.
    fn index(&mut self, key: Key, add: bool) {
        let state = &self.rows[key];
        let undecided = state.version == 0;
        let count = if undecided {
            &mut self.counts.undecided
        } else {
            &mut self.counts.stages[state.stage as usize]
        };
        *count = if add { *count + 1 } else { *count - 1 };
        let awaits_payment = state.awaits_payment();
        if awaits_payment {
            let unpaid = &mut self.counts.unpaid;
            *unpaid = if add { *unpaid + 1 } else { *unpaid - 1 };
        }
        if state.stage.is_live() {
            let weight = state.order.weight();
            self.live_bytes = if add { self.live_bytes + weight } else { self.live_bytes - weight };
        }
        if state.stage.is_open() {
            let queue = self.queues.entry(state.at.partition).or_default();
            let offset = state.at.offset;
            if let Some(due) = state.due() {
                if add {
                    queue.due.insert((due, key))
                } else {
                    queue.due.remove(&(due, key))
                };
            }
            let line = if awaits_payment { &mut queue.unpaid } else { &mut queue.open };
            if add {
                line.insert(offset, key);
                if undecided {
                    queue.undecided.insert(offset, key);
                }
            } else {
                // A foreign program may give two orders one place: each takes out only itself.
                if line.get(&offset) == Some(&key) {
                    line.remove(&offset);
                }
                if undecided && queue.undecided.get(&offset) == Some(&key) {
                    queue.undecided.remove(&offset);
                }
            }
        }
        if !state.stage.is_open() {
            let at = if state.stage == Stage::Ready { state.ready_at } else { state.finished_at };
            let place = (at.map_or(0, std::num::NonZeroI64::get), key);
            if add {
                self.done.insert(place);
                if self.done.len() > DONE_MAX {
                    self.done.pop_first();
                }
            } else {
                self.done.remove(&place);
            }
            if state.stage == Stage::Ready {
                if add {
                    self.ready.insert(place)
                } else {
                    self.ready.remove(&place)
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use order::{At, Mode, Order, Placed, stamp};

    use super::*;

    fn order(n: u32, stage: Stage, at: Millis) -> OrderState {
        let placed = Placed {
            at: At { partition: 0, offset: n.into() },
            received_at: 1,
            foreign: false,
            history_from: 0,
            traceparent: None,
        };
        let id = OrderId::new(format!("o-{n}")).unwrap();
        let mut state = OrderState::undecided(Order::new(id, 1), placed, Mode::Manual);
        (state.version, state.stage, state.changed_at) = (1, stage, at);
        if stage == Stage::Ready {
            state.ready_at = stamp(at);
        } else if !stage.is_live() {
            (state.ready_at, state.finished_at) = (stamp(1), stamp(at));
        }
        state
    }

    fn done(table: &Table) -> Vec<&str> {
        table.done().map(|state| state.id().as_str()).collect()
    }

    #[test]
    fn what_is_ready_or_finished_is_listed_by_when_it_became_so() {
        let mut table = Table::default();
        table.insert(order(0, Stage::Making, 9));
        let ready = table.insert(order(1, Stage::Ready, 5));
        table.insert(order(2, Stage::Collected, 7));
        table.insert(order(3, Stage::Cancelled, 6));
        assert_eq!(done(&table), ["o-2", "o-3", "o-1"]);
        table.change(ready, |state| state.changed_at = 8);
        assert_eq!(done(&table), ["o-2", "o-3", "o-1"], "a phone that says something moves nothing");
        table.put(Some(ready), order(1, Stage::Collected, 8));
        assert_eq!(done(&table), ["o-1", "o-2", "o-3"]);
        table.put(Some(ready), order(1, Stage::Making, 9));
        table.remove(table.find("o-3").unwrap());
        assert_eq!(done(&table), ["o-2"], "recalled, and forgotten");
    }

    #[test]
    fn of_many_that_are_finished_only_the_newest_are_listed() {
        let mut table = Table::default();
        let many = u32::try_from(DONE_MAX).unwrap() + 5;
        let keys: Vec<_> =
            (0..many).map(|n| table.insert(order(n, Stage::Collected, Millis::from(n) + 1))).collect();
        assert_eq!(table.done().count(), DONE_MAX);
        assert_eq!((done(&table)[0], *done(&table).last().unwrap()), (&*format!("o-{}", many - 1), "o-5"));
        for key in keys {
            table.remove(key);
        }
        assert_eq!((table.done().count(), table.len()), (0, 0), "also those that were no longer listed");
    }
}
