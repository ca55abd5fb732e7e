//! The thread that counts what comes, and closes days.

use std::{cell::Cell, sync::Arc, time::Duration};

use eventlog::{Batch, Follow, FollowError, OpenError, Start};
use order::{Millis, topic};
use shop::{Day, Settings};
use tokio::runtime::Handle;

use super::{
    Audit, Count, PastError,
    begin::{BeginError, Beginning},
    doubt::{self, Doubts},
};
use crate::app::App;

/// How long a poll waits: a bound on how old the count gets while nothing happens, and on how late a stop is noticed.
const POLL: Duration = Duration::from_millis(500);
/// The same while it catches up: a log without anything to read says so only after the wait.
pub(super) const CATCH_UP_POLL: Duration = Duration::from_millis(5);
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

/// How far its thread stands back; of 19 (nice(2)).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Counts until the counter stops.
pub(crate) struct Auditor {
    pub(super) app: Arc<App>,
    pub(super) runtime: Handle,
    /// When the counter was last asked what orders of other days are.
    told: Cell<Millis>,
}

/// Why a count ended.
enum End {
    /// The counter stops.
    Stop,
    /// A day is over, or is no longer what it was.
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

    pub(super) fn audit(&self) -> &Audit {
        &self.app.audit
    }

    pub(super) fn clock(&self) -> Millis {
        self.app.ledger_clock.now()
    }

    /// The clock's time, or the log's if that is ahead.
    pub(super) fn now(&self) -> Millis {
        self.app.ledger_time()
    }

    /// The business day that it is.
    fn today(&self) -> Day {
        self.audit().day_at(&self.settings(), self.now())
    }

    pub(super) fn settings(&self) -> Settings {
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
        let business = self.today();
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
            // Settings that change may end it, too, or make it longer.
            let today = self.today();
            if today != business {
                if is_to_close && today.date != business.date {
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
        // Looked up without the lock: that may read a day of the log. Nobody but this thread counts meanwhile.
        let suspects = doubts.suspects(&self.audit().read(), as_of);
        let repeats = self.repeats(suspects);
        let mut count = self.audit().write();
        count.partitions = self.app.log.partitions(topic::RECEIVED);
        if as_of.saturating_sub(self.told.get()) >= TELL_EVERY_MS || as_of < self.told.get() {
            self.told.set(as_of);
            self.tell_of_others(&mut count);
        }
        let before = count.faults.clone();
        for repeat in &repeats {
            count.ledger.is_repeat(repeat);
        }
        let in_doubt = doubts.look(&mut count, as_of);
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

    /// Those of these orders that were placed before.
    fn repeats(&self, suspects: Vec<ledger::Suspect>) -> Vec<ledger::Suspect> {
        let is_known = |suspect: &ledger::Suspect| doubt::is_known(&self.app.views, suspect);
        let (mut known, unknown): (Vec<_>, Vec<_>) = suspects.into_iter().partition(is_known);
        match doubt::decided_before(&*self.app.log, unknown) {
            Ok(decided) => known.extend(decided),
            Err(error) => tracing::warn!(%error, "whether orders are repeats could not be read"),
        }
        known
    }

    /// What orders of other days are, as the counter knows it.
    pub(super) fn tell_of_others(&self, count: &mut Count) {
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
}

/// Whoever takes orders, makes them and shows them comes first.
fn yield_to_others() {
    // On Linux this is the thread's own. Where it is forbidden, the count is a thread like any other.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICE);
}
