//! The thread that counts: what comes, and the balance of each day that is over.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use eventlog::{Batch, Entry, Follow, FollowError, OpenError, Position, PublishError, Record, Start};
use ledger::{Balance, Carried, Positions, Says, TOPICS};
use order::{Millis, topic};
use shop::{Day, Settings};
use tokio::runtime::Handle;

use super::{
    Audit, Count, DAYS_MAX, Past, PastError,
    begin::{BeginError, Beginning},
    doubt::{self, Doubts},
};
use crate::app::App;

/// How long a poll waits: a bound on how old the count gets while nothing happens, and on how late a stop is noticed.
const POLL: Duration = Duration::from_millis(500);
/// The same while it catches up: a log without anything to read says so only after the wait.
const CATCH_UP_POLL: Duration = Duration::from_millis(5);
/// What comes within this is counted together: nobody looks more often than once a second.
const GATHER: Duration = Duration::from_millis(100);
/// What orders of other days are is asked so often, while some are not known.
const TELL_EVERY_MS: Millis = 1_000;
/// Records counted under one lock: readers wait no longer than that.
const CHUNK: usize = 256;
/// How long to wait before beginning anew, doubling from the first to the last while it fails.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// What baristas have forgotten is let go of so often.
const FORGET_EVERY_MS: Millis = 10 * 60 * 1_000;
/// The same while much is read at once, by records.
const FORGET_RECORDS: u64 = 1_000_000;
/// A balance waits no longer for what is in doubt.
const CLOSE_WITHIN_MS: Millis = 10_000;
/// Days that are closed at one start, at most.
const MISSED_MAX: usize = 400;
/// Batches among which the oldest records of all partitions are looked for.
const FIRST_BATCHES: usize = 20;

/// How far its thread stands back; of 19 (nice(2)).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Counts until the counter stops.
pub(crate) struct Auditor {
    app: Arc<App>,
    runtime: Handle,
    /// When the counter was last asked what orders of other days are.
    told: Cell<Millis>,
}

/// Why a count ended.
enum End {
    /// The counter stops.
    Stop,
    /// A day is over.
    DayOver,
}

impl Auditor {
    pub(crate) fn new(app: Arc<App>, runtime: Handle) -> Self {
        Self { app, runtime, told: Cell::new(Millis::MIN) }
    }

    /// Counts until told to stop. What goes wrong is told and tried again: nobody else waits for it.
    pub(crate) fn run(self) {
        yield_to_others();
        // Who takes orders begins first.
        let ready = async {
            self.app.closing.run_until_cancelled(self.app.views.has_read_to(0)).await;
        };
        self.runtime.block_on(ready);
        let mut wait = BACKOFF.0;
        while !self.app.closing.is_cancelled() {
            let began = self.clock();
            let error = match self.count() {
                Ok(End::Stop) => return,
                Ok(End::DayOver) => continue,
                Err(error) => error,
            };
            if self.app.closing.is_cancelled() {
                return;
            }
            if let PastError::Begin(
                BeginError::Open(OpenError::Closed) | BeginError::Follow(FollowError::Closed),
            ) = error
            {
                return;
            }
            let lasted = self.clock().saturating_sub(began);
            wait = if lasted > 60_000 { BACKOFF.0 } else { (wait * 2).min(BACKOFF.1) };
            tracing::warn!(%error, "the ledger is counted anew");
            self.pause(wait);
        }
    }

    /// Waits, or is told to stop, which whoever goes on from here sees.
    fn pause(&self, time: Duration) {
        let pause = async { tokio::time::timeout(time, self.app.closing.cancelled()).await };
        let _ = self.runtime.block_on(pause);
    }

    fn audit(&self) -> &Audit {
        &self.app.audit
    }

    fn clock(&self) -> Millis {
        self.app.ledger_clock.now()
    }

    /// The clock's time, or the log's if that is ahead.
    fn now(&self) -> Millis {
        self.app.ledger_time()
    }

    fn settings(&self) -> Settings {
        self.app.settings_of_shop()
    }

    /// From the last balance on, until the counter stops or the day is over.
    fn count(&self) -> Result<End, PastError> {
        let log = &*self.app.log;
        let mut follow = log.follow(&[(topic::SHOP, Start::Beginning)]).map_err(BeginError::from)?;
        loop {
            let batch = follow.poll(CATCH_UP_POLL)?;
            batch.entries.iter().for_each(|entry| self.learn(entry));
            if batch.at_end {
                break;
            }
            if self.app.closing.is_cancelled() {
                return Ok(End::Stop);
            }
        }
        self.close_missed()?;
        let business = Day::at(&self.settings(), self.now());
        let days = self.audit().days_before(&business.date.to_string());
        let began = Beginning::before(log, &days, &business, self.clock())?;
        self.audit().begin(began.count(business, log.partitions(topic::RECEIVED)));
        for (topic, start) in began.starts() {
            follow.add(topic, start)?;
        }
        self.follow(follow.as_mut(), &began, business)
    }

    fn follow(&self, follow: &mut dyn Follow, began: &Beginning, business: Day) -> Result<End, PastError> {
        let mut doubts = Doubts::default();
        let (mut forgot, mut counted) = (self.clock(), 0);
        let mut is_first = true;
        let mut asked: Option<Millis> = None;
        while !self.app.closing.is_cancelled() {
            let (started, is_to_close) = (self.clock(), self.audit().is_to_close());
            let batch = follow.poll(if is_first { CATCH_UP_POLL } else { POLL })?;
            self.take(&batch);
            counted += batch.entries.len() as u64;
            // A clock that is set back would keep them for as long.
            let is_long_ago = started.saturating_sub(forgot) >= FORGET_EVERY_MS || started < forgot;
            if counted >= FORGET_RECORDS || is_long_ago {
                self.audit().write().ledger.forget();
                (forgot, counted) = (started, 0);
            }
            if !batch.at_end {
                continue;
            }
            is_first = false;
            let in_doubt = self.at_end(&mut doubts, started, !batch.entries.is_empty());
            let time = self.audit().read().ledger.time();
            self.audit().see(time);
            if self.now() >= business.to {
                if is_to_close {
                    // It is closed by its end.
                    self.audit().closed();
                }
                return Ok(End::DayOver);
            }
            if is_to_close {
                let since = asked.map_or(started, |asked| asked.min(started));
                asked = Some(since);
                let is_late = started - since >= CLOSE_WITHIN_MS;
                if (!in_doubt || is_late) && self.close(began, &follow.positions(), business) {
                    asked = None;
                }
            }
            self.pause(GATHER);
        }
        Ok(End::Stop)
    }

    fn take(&self, batch: &Batch) {
        for chunk in batch.entries.chunks(CHUNK) {
            let mut count = self.audit().write();
            for entry in chunk {
                if entry.topic == topic::SHOP {
                    self.learn(entry);
                } else {
                    count.take(entry);
                }
            }
        }
    }

    /// Everything that was committed at this time is counted. Says whether anything is in doubt.
    fn at_end(&self, doubts: &mut Doubts, as_of: Millis, is_new: bool) -> bool {
        let is_repeat = |suspect: &ledger::Suspect| {
            doubt::is_known(&self.app.views, suspect)
                || doubt::was_decided(&*self.app.log, suspect).unwrap_or_else(|error| {
                    tracing::warn!(%error, "whether an order is a repeat could not be read");
                    false
                })
        };
        let mut count = self.audit().write();
        count.partitions = self.app.log.partitions(topic::RECEIVED);
        if as_of.saturating_sub(self.told.get()) >= TELL_EVERY_MS || as_of < self.told.get() {
            self.told.set(as_of);
            self.tell_of_others(&mut count);
        }
        let before = count.faults.clone();
        let in_doubt = doubts.look(&mut count, as_of, is_repeat);
        if !in_doubt {
            count.equation = count.ledger.equation();
        }
        for fault in count.faults.iter().filter(|fault| !before.contains(fault)) {
            tracing::error!(%fault, topic = fault.place.topic, partition = fault.place.partition,
                offset = fault.place.offset, "an order is not accounted for");
        }
        let is_different = is_new || before != count.faults;
        drop(count);
        let was_told = self.audit().look().is_some();
        self.audit().at_end(as_of);
        if is_different || !was_told {
            self.audit().tell();
        }
        in_doubt
    }

    /// What orders of other days are, as the counter knows it.
    fn tell_of_others(&self, count: &mut Count) {
        let unknown: Vec<_> =
            count.day.unknown().map(|order| (order.partition, order.order_id.to_string())).collect();
        if unknown.is_empty() {
            return;
        }
        let Some(look) = self.app.views.look() else { return };
        for (partition, id) in unknown {
            if let Some(state) = look.get(&id).filter(|state| state.at.partition == partition) {
                count.day.tell(partition, &state.order, state.code, state.received_at);
            }
        }
    }

    /// Learns how a day closed.
    fn learn(&self, entry: &Entry) {
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
    fn close_missed(&self) -> Result<(), PastError> {
        let (log, settings) = (&*self.app.log, self.settings());
        let mut kept = Millis::MIN;
        for _ in 0..MISSED_MAX {
            let today = Day::at(&settings, self.now());
            let days = self.audit().days().clone();
            let Some(day) = self.first_open_day(&days, kept, &settings, &today)? else { return Ok(()) };
            let began = Beginning::before(log, &days, &day, self.clock())?;
            if let Beginning::Kept(floors) = &began
                && floors.time >= day.to
            {
                // What is left of it says nothing of how it was.
                kept = day.to;
                continue;
            }
            let mut past = Past::count(log, began, day, day.to - 1)?;
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
        settings: &Settings,
        today: &Day,
    ) -> Result<Option<Day>, PastError> {
        // Days are closed one after the other: before one that is, there is nothing to do, whatever stands in the log
        // behind its balance.
        let closed = days.values().rev().find(|balance| balance.over);
        let closed = closed.and_then(|balance| Some(Day::on(settings, balance.date.parse().ok()?)));
        let from = closed.map_or(kept, |day| day.to.max(kept));
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
        let written = first.map(|first| Day::at(settings, first.max(from)));
        // Staff closed it, and what was counted in it may be of other days, where clocks were set back.
        let left = days.values().filter_map(|balance| Some(Day::on(settings, balance.date.parse().ok()?)));
        let left = left.filter(|day| day.from >= from).find(|day| !is_over(days, day));
        let open = written.into_iter().chain(left).min_by_key(|day| day.from);
        Ok(open.filter(|day| day.date < today.date))
    }

    /// Writes the balance of the day as it is now. Says whether it is in the log.
    fn close(&self, began: &Beginning, positions: &[Position], business: Day) -> bool {
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

/// Whoever takes orders, makes them and shows them comes first.
fn yield_to_others() {
    // On Linux this is the thread's own. Where it is forbidden, the count is a thread like any other.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
}
