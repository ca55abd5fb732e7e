//! Bells: each is to ring once for each round that became ready, whichever of the two is read first.

use eventlog::{Entry, Millis, Offset};
use order::{Key, Stage};

use super::{Ledger, SKEW_MS, WRONG_MAX};
use crate::{Name, Wrong, rows::Row};

/// A bell, as long as it and its order's being ready do not go together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bell {
    pub(super) ready: u32,
    pub(super) rung: u32,
    /// Where it rang last, if it did.
    pub(super) at: Option<Offset>,
}

impl Bell {
    pub(super) fn wrong(&self, round: u32) -> Wrong {
        match self.rung {
            0 => Wrong::NotAnnounced { round },
            times => Wrong::Announced { round, times, expected: self.ready },
        }
    }
}

impl Ledger {
    /// Bells that were read before the first decision on their order.
    pub(super) fn rang_early(&mut self, key: Key) {
        if self.early.is_empty() {
            return;
        }
        let Row { name, partition, .. } = self.rows[key].clone();
        let from = (partition, name.clone(), 0);
        let rounds = self.early.range(from..).take_while(|((p, n, _), _)| (*p, n) == (partition, &name));
        let rounds: Vec<u32> = rounds.map(|((_, _, round), _)| *round).collect();
        for round in rounds {
            if let Some(bell) = self.early.remove(&(partition, name.clone(), round)) {
                self.bells.insert((key, round), bell);
            }
        }
    }

    /// The bell of this round is to ring, once.
    pub(super) fn ready(&mut self, key: Key, round: u32, time: Millis) {
        if self.floor.is_some_and(|floor| time < floor.saturating_add(SKEW_MS)) {
            // Its bell may stand before everything that is read.
            self.bells.remove(&(key, round));
            let row = &mut self.rows[key];
            row.rung = row.rung.max(round);
            return;
        }
        let bell = self.bells.entry((key, round)).or_default();
        bell.ready += 1;
        self.settle(key, round);
    }

    fn settle(&mut self, key: Key, round: u32) {
        if self.bells.get(&(key, round)).is_some_and(|bell| bell.ready == bell.rung) {
            self.bells.remove(&(key, round));
            let row = &mut self.rows[key];
            row.rung = row.rung.max(round);
        }
    }

    pub(super) fn announced(&mut self, entry: &Entry, id: &str, round: u32, ours: bool) {
        let (partition, name) = (entry.partition, Name::of(id));
        let Some(key) = self.rows.find((partition, &name)).or_else(|| self.elsewhere(&name, ours)) else {
            let is_of_before =
                self.floor.is_some_and(|floor| entry.timestamp < floor.saturating_add(SKEW_MS));
            if ours && !is_of_before && self.early.len() < WRONG_MAX {
                let bell = self.early.entry((partition, name, round)).or_default();
                bell.rung += 1;
                bell.at = Some(entry.offset);
            }
            return;
        };
        let row = &mut self.rows[key];
        if !ours && row.version == 0 && (!row.flags.foreign || round > row.rung) {
            row.rung = row.rung.max(round);
            self.made_by_others(key, entry.timestamp);
            return;
        }
        let row = &self.rows[key];
        if let Some(bell) = self.bells.get_mut(&(key, round)) {
            bell.rung += 1;
            bell.at = Some(entry.offset);
            self.settle(key, round);
        } else if round > row.rung {
            self.bells.insert((key, round), Bell { ready: 0, rung: 1, at: Some(entry.offset) });
        } else if self.floor.is_none_or(|floor| entry.timestamp >= floor.saturating_add(2 * SKEW_MS)) {
            self.bells.insert((key, round), Bell { ready: 1, rung: 2, at: Some(entry.offset) });
        }
    }

    /// Baristas of others may put the bell into any partition.
    fn elsewhere(&self, name: &Name, ours: bool) -> Option<Key> {
        if ours {
            return None;
        }
        self.parts.keys().find_map(|&partition| self.rows.find((partition, name)))
    }

    /// A barista of someone else made it: all that is known is that it is ready.
    fn made_by_others(&mut self, key: Key, time: Millis) {
        let row = &mut self.rows[key];
        row.changed_at = row.changed_at.max(time);
        if std::mem::replace(&mut row.flags.foreign, true) {
            return;
        }
        row.stage = Stage::Ready;
        if let Some(part) = row.at.and_then(|at| Some((at, self.parts.get_mut(&row.partition)?))) {
            part.1.waiting.remove(&part.0);
        }
        self.stages[Stage::Ready as usize] += 1;
    }
}
