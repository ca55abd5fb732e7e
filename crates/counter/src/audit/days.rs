//! Days: which are to be closed, and how each did.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::{Entry, Position, PublishError, Record, Start};
use ledger::{Balance, Carried, Positions, Says, TOPICS};
use order::{Millis, topic};
use shop::Day;

use super::{Auditor, Calendar, Count, DAYS_MAX, Past, PastError, begin::Beginning, follow::CATCH_UP_POLL};

/// Days that are closed at one start, at most.
const MISSED_MAX: usize = 400;
/// A day in whose last moment something is under way ends so much later, and tries that so often.
const CUT_MS: Millis = 500;
const CUTS: Millis = 10;
/// Batches among which the oldest records of all partitions are looked for.
const FIRST_BATCHES: usize = 20;

impl Auditor {
    /// Learns how a day closed.
    pub(super) fn learn(&self, entry: &Entry) {
        let Some(key) = entry.record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()) else {
            return;
        };
        let Some(date) = key.strip_prefix(Balance::PREFIX) else { return };
        let mut days = self.audit().days();
        match entry.record.value.as_deref().and_then(|value| Balance::parse(key, value)) {
            Some(balance) => {
                self.audit().see(balance.at);
                days.insert(date.to_owned(), balance);
            }
            None => drop(days.remove(date)),
        }
        while days.len() > DAYS_MAX + 1 {
            days.pop_first();
        }
    }

    /// Writes the balances of days that are over and have none that is final.
    pub(super) fn close_missed(&self) -> Result<(), PastError> {
        let (log, settings) = (&*self.app.log, self.settings());
        let mut kept = Millis::MIN;
        for _ in 0..MISSED_MAX {
            let days = self.audit().days().clone();
            let Some(day) = self.first_open_day(&days, kept, &Calendar::new(&settings, &days))? else {
                return Ok(());
            };
            let began = Beginning::before(log, &days, &day, self.clock())?;
            if let Beginning::Kept(floors) = &began
                && floors.time >= day.to
            {
                // What is left of it says nothing of how it was.
                kept = day.to;
                continue;
            }
            let mut past = Past::count(log, began.clone(), day, day.to - 1)?;
            // The next count goes on from where this one ends: nothing may stand on both sides of that.
            for later in (1..=CUTS).map(|n| day.to - 1 + n * CUT_MS) {
                if !past.in_doubt {
                    break;
                }
                past = Past::count(log, began.clone(), day, later)?;
            }
            self.tell_of_others(&mut past.count);
            let over = true;
            let balance = Balance { over, ..balance(&past.count, &past.began, &past.to, day, day.to) };
            if !self.write(balance) || self.app.closing.is_cancelled() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The first day, of those that are over, in which something was written and that is not closed for good.
    fn first_open_day(
        &self,
        days: &BTreeMap<String, Balance>,
        kept: Millis,
        calendar: &Calendar<'_>,
    ) -> Result<Option<Day>, PastError> {
        // Days are closed one after the other: before one that is, there is nothing to do, whatever stands in the log
        // behind its balance.
        let closed = days.values().rev().find(|balance| balance.over);
        let from = closed.map_or(kept, |balance| balance.at.max(kept));
        let start = if from == Millis::MIN { Start::Beginning } else { Start::Time(from) };
        let mut follow = self.app.log.follow(&TOPICS.map(|topic| (topic, start.clone())))?;
        // Each partition begins with its oldest record. One batch may not hold all of them, but few do.
        let mut seen = BTreeSet::new();
        let mut first: Option<Millis> = None;
        let mut batches = 0;
        while batches < FIRST_BATCHES && !self.app.closing.is_cancelled() {
            let batch = follow.poll(CATCH_UP_POLL)?;
            batches += usize::from(!batch.entries.is_empty());
            for entry in &batch.entries {
                if !matches!(Says::of(entry), Says::Nothing) && seen.insert((entry.topic, entry.partition)) {
                    first = Some(first.map_or(entry.timestamp, |first| first.min(entry.timestamp)));
                }
            }
            if batch.at_end {
                break;
            }
        }
        let written = first.map(|first| calendar.at(first.max(from)));
        // Staff closed it, and what was counted in it may be of other days, where clocks were set back.
        let left = days.values().filter_map(|balance| Some(calendar.on(balance.date.parse().ok()?)));
        let left = left.filter(|day| day.from >= from).find(|day| !is_over(days, day));
        let open = written.into_iter().chain(left).min_by_key(|day| day.from);
        let today = calendar.at(self.now());
        Ok(open.filter(|day| day.date < today.date))
    }

    /// Writes the balance of the day as it is now. Says whether it is in the log.
    pub(super) fn close(&self, began: &Beginning, positions: &[Position], business: Day) -> bool {
        let of_topics: Vec<_> = positions.iter().filter(|at| TOPICS.contains(&at.topic)).copied().collect();
        let balance = {
            let count = self.audit().read();
            balance(&count, began, &of_topics, business, self.now())
        };
        // What could not be written is tried again.
        let is_written = self.write(balance);
        if is_written {
            self.audit().closed();
        }
        is_written
    }

    /// Whether it is in the log.
    fn write(&self, balance: Balance) -> bool {
        let record = Record::new(balance.key(), balance.to_json());
        if let Err(error) = self.publish(record) {
            tracing::warn!(%error, day = balance.date, "the balance of a day could not be written");
            return false;
        }
        self.audit().see(balance.at);
        let mut days = self.audit().days();
        days.insert(balance.date.clone(), balance);
        let oldest = if days.len() > DAYS_MAX { days.pop_first() } else { None };
        drop(days);
        if let Some((_, oldest)) = oldest {
            // If it stays, the next one takes it out.
            let _ = self.publish(Record::tombstone(oldest.key()));
        }
        self.audit().tell();
        true
    }

    fn publish(&self, record: Record) -> Result<Position, PublishError> {
        let app = &self.app;
        self.runtime.block_on(app.publish(topic::SHOP, 0, record))
    }
}

/// Whether the last balance of a day is written.
fn is_over(days: &BTreeMap<String, Balance>, day: &Day) -> bool {
    days.get(&day.date.to_string()).is_some_and(|balance| balance.over)
}

/// How a day closed.
fn balance(count: &Count, began: &Beginning, to: &[Position], day: Day, at: Millis) -> Balance {
    let mut live = count.ledger.live();
    let live_total = live.len();
    if live_total > Balance::LIVE_MAX {
        live.clear();
    }
    for carried in &mut live {
        know(carried, count);
    }
    Balance {
        date: day.date.to_string(),
        at,
        begins_at: Some(day.from),
        from: match began {
            Beginning::Balance(balance) => balance.to.clone(),
            _ => Positions::default(),
        },
        to: Positions::new(to),
        over: false,
        tally: count.day.tally(),
        equation: count.ledger.equation().into(),
        holds: count.holds(),
        faults: count.faults.iter().take(Balance::FAULTS_MAX).map(ToString::to_string).collect(),
        live,
        live_total,
    }
}

/// What the next day's picture needs of it.
fn know(carried: &mut Carried, count: &Count) {
    let name = ledger::Name::of(&carried.id);
    if let Some(order) = count.day.find_in(&name, carried.partition) {
        carried.code = order.code;
        carried.ready_at = order.ready_at;
        carried.received_at = order.received_at;
    }
}
