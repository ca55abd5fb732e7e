//! The ledger, counted anew from the log, continuously: by a thread of its own that nobody waits for.
//!
//! | file | idea |
//! |---|---|
//! | `count` | the count, the business day beside it, and how they are compared with what another sees |
//! | `calendar` | which business day a moment belongs to, also where the settings were others before |
//! | `begin` | with which balance a count can begin, or with which record |
//! | `follow` | the thread: counts what comes |
//! | `days` | which days are to be closed, and how each did |
//! | `doubt` | what does not fit at first sight: waits for the rest, looks whether an order is a repeat |
//! | `past` | the same count, stopped at a moment |
//! | `states` | orders as they were then, for the bar and the board |
//! | `story` | the records of one order that nobody remembers |
//! | `report` | all of it as JSON |
//! | `alone` | the same of a log that no counter here serves |

mod alone;
mod begin;
mod calendar;
mod count;
mod days;
mod doubt;
mod follow;
mod past;
mod report;
mod states;
mod story;

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use ledger::Balance;
use order::Millis;
use shop::{Day, Settings};
use tokio::sync::watch;

#[cfg(feature = "schema")]
pub(crate) use self::report::Ledger;
pub use self::{alone::ledger_of, begin::BeginError, past::PastError};
pub(crate) use self::{
    calendar::Calendar,
    count::Count,
    follow::Auditor,
    past::{Beside, Past},
    report::{Listed, Shown, drinks, ledger_json, order_json},
    states::as_it_was,
    story::{Story, story_of},
};

/// Balances that are remembered: more than two years. Those before them are taken out of the log.
const DAYS_MAX: usize = 800;
/// Days before one, among which the balance is looked for that a count of it begins with.
const LOOKED_BACK: usize = 30;

/// A handle on the count. Clones see the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Audit(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    count: RwLock<Count>,
    caught_up: AtomicBool,
    as_of: AtomicI64,
    /// Moves whenever there is something new to show.
    told: watch::Sender<u64>,
    days: Mutex<BTreeMap<String, Balance>>,
    /// The newest time that the log or a balance has: a clock that is set back brings no day back.
    newest: AtomicI64,
    /// A balance is to be written as soon as everything is counted.
    close: AtomicBool,
}

impl Audit {
    /// The count, if it has reached the end of the log since it began. Keep it short: what comes waits meanwhile.
    pub(crate) fn look(&self) -> Option<RwLockReadGuard<'_, Count>> {
        self.0.caught_up.load(Ordering::Acquire).then(|| self.read())
    }

    /// When it last confirmed that it had counted everything; 0: never.
    pub(crate) fn as_of(&self) -> Millis {
        self.0.as_of.load(Ordering::Relaxed)
    }

    /// Moves whenever there is something new to show.
    pub(crate) fn told(&self) -> watch::Receiver<u64> {
        self.0.told.subscribe()
    }

    /// How days closed, by their dates.
    pub(crate) fn days(&self) -> MutexGuard<'_, BTreeMap<String, Balance>> {
        self.0.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The business day that a moment belongs to.
    pub(crate) fn day_at(&self, settings: &Settings, moment: Millis) -> Day {
        Calendar::new(settings, &self.days()).at(moment)
    }

    /// The last of them before this date: more than any count looks at.
    pub(crate) fn days_before(&self, date: &str) -> BTreeMap<String, Balance> {
        let days = self.days();
        let before = days.range::<str, _>((Bound::Unbounded, Bound::Excluded(date))).rev().take(LOOKED_BACK);
        before.map(|(date, balance)| (date.clone(), balance.clone())).collect()
    }

    /// The newest time that the log or a balance has; 0: neither was read.
    pub(crate) fn newest(&self) -> Millis {
        self.0.newest.load(Ordering::Relaxed)
    }

    fn see(&self, time: Millis) {
        self.0.newest.fetch_max(time, Ordering::Relaxed);
    }

    /// The shop is closed: the day's balance is written once everything up to now is counted.
    pub(crate) fn close_day(&self) {
        self.0.close.store(true, Ordering::Release);
    }

    fn read(&self) -> RwLockReadGuard<'_, Count> {
        // Nothing panics while it holds the lock; if it did, a count that is one record short would say so.
        self.0.count.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Count> {
        self.0.count.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new count begins: nothing is shown until it is at the end.
    fn begin(&self, count: Count) {
        self.0.caught_up.store(false, Ordering::Release);
        let old = std::mem::replace(&mut *self.write(), count);
        drop(old);
        self.tell();
    }

    /// Everything that was committed at `as_of` is counted.
    fn at_end(&self, as_of: Millis) {
        self.0.as_of.store(as_of, Ordering::Relaxed);
        self.0.caught_up.store(true, Ordering::Release);
    }

    fn tell(&self) {
        self.0.told.send_modify(|told| *told += 1);
    }

    /// Whether a balance is to be written that holds everything that was there before this was asked.
    fn is_to_close(&self) -> bool {
        self.0.close.load(Ordering::Acquire)
    }

    fn closed(&self) {
        self.0.close.store(false, Ordering::Release);
    }
}
