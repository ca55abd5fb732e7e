//! One record → what is different: where orders are, and what does not follow from what was before.

use eventlog::{Entry, Millis, Offset};
use order::{Key, Stage};

use super::{Began, LENIENT_MS, Ledger, WRONG_MAX, Waits};
use crate::{
    Carried, Decision, Name,
    rows::{Flags, Row},
};

impl Ledger {
    pub(super) fn carry(&mut self, carried: &Carried) {
        let Carried { stage, round, version, partition, offset, received_at, .. } = *carried;
        let name = Name::of(&carried.id);
        if self.rows.find((partition, &name)).is_some() {
            return;
        }
        let rung = if stage == Stage::Ready { round } else { round.saturating_sub(1) };
        let flags = Flags { carried: true, ..Flags::default() };
        let changed_at = self.time;
        let key = self.rows.insert(Row {
            name,
            at: offset,
            received_at,
            event: 0,
            changed_at,
            partition,
            version,
            round,
            rung,
            stage,
            flags,
        });
        self.carried += 1;
        match offset.filter(|_| version == 0) {
            Some(offset) => {
                let part = self.parts.entry(partition).or_default();
                part.waiting.insert(offset, Waits::Order(key));
            }
            None => self.stages[stage as usize] += 1,
        }
    }

    pub(super) fn is_before(&self, time: Millis) -> bool {
        self.floor.is_some_and(|floor| time < floor)
    }

    /// Whether what is read at this time may belong to something that was before the count began.
    fn may_be_of_before(&self, time: Millis) -> bool {
        self.floor.is_some_and(|floor| time < floor.saturating_add(LENIENT_MS))
    }

    pub(super) fn accepted(&mut self, entry: &Entry, id: Option<&str>) {
        let (partition, offset, time) = (entry.partition, entry.offset, entry.timestamp);
        if self.is_before(time) {
            // What is said of it later is of an order that was there before.
            let part = self.parts.entry(partition).or_default();
            part.from = part.from.max(offset + 1);
            return;
        }
        let Some(id) = id else {
            self.accepted += 1;
            let part = self.parts.entry(partition).or_default();
            let letter = part.letters.range((offset, 0)..=(offset, Offset::MAX)).next().copied();
            if letter.is_some_and(|letter| part.letters.remove(&letter)) {
                self.dead_lettered += 1;
            } else {
                part.waiting.insert(offset, Waits::Unreadable);
            }
            return;
        };
        let name = Name::of(id);
        if let Some(key) = self.rows.find((partition, &name)) {
            let is_expected =
                self.strangers.remove(&(key, Some(offset))) || self.strangers.remove(&(key, None));
            let row = &mut self.rows[key];
            if is_expected {
                self.accepted += 1;
                row.at = row.at.max(Some(offset));
                row.received_at = time;
            } else if row.at != Some(offset) && self.again.len() < WRONG_MAX {
                // A repeat, unless it turns out that it was taken as a new order.
                self.again.insert((key, offset));
            }
            return;
        }
        let key = self.rows.insert(Row {
            name,
            at: Some(offset),
            received_at: time,
            event: 0,
            changed_at: time,
            partition,
            version: 0,
            round: 1,
            rung: 0,
            stage: Stage::Received,
            flags: Flags::default(),
        });
        self.accepted += 1;
        self.parts.entry(partition).or_default().waiting.insert(offset, Waits::Order(key));
        self.rang_early(key);
    }

    pub(super) fn decided(&mut self, entry: &Entry, decision: &Decision<'_>) {
        if !decision.changes() {
            return;
        }
        let (partition, name) = (entry.partition, Name::of(&decision.order_id));
        let is_first = decision.version == 1 && decision.from.is_none();
        let at = decision.taken.as_ref().filter(|_| is_first).map(|taken| taken.at.offset);
        let key = match self.rows.find((partition, &name)) {
            Some(key) if is_first && self.is_another(key, at) => {
                self.begin_anew(key, at);
                key
            }
            Some(key) if self.comes_back(key, decision) => {
                // What was read of it is a repeat.
                self.is_not_new(key);
                self.rows.remove(key);
                self.begin(entry, decision, name, at)
            }
            Some(key) => {
                self.is_taken_from(key, at);
                self.goes_on(key, decision);
                key
            }
            None => self.begin(entry, decision, name, at),
        };
        let row = &mut self.rows[key];
        row.version = decision.version;
        row.round = decision.round;
        row.stage = decision.to;
        row.event = entry.offset;
        row.changed_at = row.changed_at.max(entry.timestamp);
        if !row.flags.broken {
            self.stages[decision.to as usize] += 1;
        }
        if let Some(at) = at {
            let part = self.parts.entry(partition).or_default();
            part.taken_to = part.taken_to.max(at.saturating_add(1));
        }
        if decision.announces() {
            self.ready(key, decision.round, entry.timestamp);
        }
    }

    /// Whether this is about another order than the one that is known under its name: one placed anew.
    fn is_another(&self, key: Key, at: Option<Offset>) -> bool {
        let row = &self.rows[key];
        row.version > 0 && !row.stage.is_live() && row.at.is_none_or(|known| at.is_some_and(|at| at > known))
    }

    /// It was forgotten and came again. What became of it before stays counted.
    fn begin_anew(&mut self, key: Key, at: Option<Offset>) {
        let row = &mut self.rows[key];
        row.at = at;
        row.rung = 0;
        row.flags = Flags::default();
        if at.is_some_and(|at| self.again.remove(&(key, at))) {
            self.accepted += 1;
        } else {
            self.strangers.insert((key, at));
        }
    }

    /// Whether this is about an order that was finished before the count began, of which only a repeat was read.
    fn comes_back(&self, key: Key, decision: &Decision<'_>) -> bool {
        let row = &self.rows[key];
        self.is_of_before(decision) && row.version == 0 && !row.flags.carried && !row.flags.foreign
    }

    fn is_of_before(&self, decision: &Decision<'_>) -> bool {
        self.began != Began::First && decision.from.is_some_and(|from| !from.is_live())
    }

    /// What was taken is the record at this place: the one that was read of this order is a repeat if it stands
    /// elsewhere.
    fn is_taken_from(&mut self, key: Key, at: Option<Offset>) {
        let row = &mut self.rows[key];
        let (Some(at), Some(read), false) = (at, row.at, row.flags.carried || row.version > 0) else {
            return;
        };
        if at == read {
            return;
        }
        row.at = Some(at);
        if let Some(part) = self.parts.get_mut(&row.partition) {
            part.waiting.remove(&read);
        }
        if self.again.len() < WRONG_MAX {
            self.again.insert((key, read));
        }
        if !self.again.remove(&(key, at)) {
            self.accepted -= 1;
            self.strangers.insert((key, Some(at)));
        }
    }

    /// The next decision on an order that is known: it leaves the place where it was.
    fn goes_on(&mut self, key: Key, decision: &Decision<'_>) {
        let row = &mut self.rows[key];
        let from = (row.version > 0).then_some(row.stage);
        let fits = decision.version == row.version + 1 && decision.from == from;
        let (version, was_broken) = (row.version, row.flags.broken);
        if version == 0 {
            if let Some(part) = row.at.and_then(|at| Some((at, self.parts.get_mut(&row.partition)?))) {
                part.1.waiting.remove(&part.0);
            }
            // Somebody else's barista rang for it before.
            if row.flags.foreign {
                row.flags.foreign = false;
                self.stages[row.stage as usize] -= 1;
            }
        } else if !was_broken {
            self.stages[row.stage as usize] -= 1;
        }
        if !fits && !was_broken {
            row.flags.broken = true;
            if self.gaps.len() < WRONG_MAX {
                self.gaps.insert(key, (version, decision.version));
            }
        }
    }

    /// The first decision that is read on an order.
    fn begin(&mut self, entry: &Entry, decision: &Decision<'_>, name: Name, at: Option<Offset>) -> Key {
        let (partition, time) = (entry.partition, entry.timestamp);
        let part = self.parts.entry(partition).or_default();
        let was_before = at.is_some_and(|at| at < part.from && self.floor.is_some());
        // One that was finished before the count began may come back.
        let carried =
            self.is_of_before(decision) || was_before || (at.is_none() && self.may_be_of_before(time));
        let broken = !carried && at.is_none();
        let rung = if decision.announces() || decision.to.is_open() {
            decision.round.saturating_sub(1)
        } else {
            decision.round
        };
        let key = self.rows.insert(Row {
            name,
            at,
            received_at: time,
            event: entry.offset,
            changed_at: time,
            partition,
            version: decision.version,
            round: decision.round,
            rung,
            stage: decision.to,
            flags: Flags { carried, broken, ..Flags::default() },
        });
        if carried {
            self.carried += 1;
        } else if broken && self.gaps.len() < WRONG_MAX {
            self.gaps.insert(key, (0, decision.version));
        }
        if !carried {
            self.strangers.insert((key, at));
        }
        self.rang_early(key);
        key
    }

    pub(super) fn lettered(&mut self, entry: &Entry, offset: Offset) {
        let part = self.parts.entry(entry.partition).or_default();
        part.taken_to = part.taken_to.max(offset.saturating_add(1));
        if let Some(Waits::Unreadable) = part.waiting.get(&offset) {
            part.waiting.remove(&offset);
            self.dead_lettered += 1;
        } else if offset >= part.from && part.letters.len() < WRONG_MAX {
            part.letters.insert((offset, entry.offset));
        }
    }
}
