//! The view that threads share: one writer, many readers, and what they are woken by.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
};

use order::{At, CommandId, Event, Millis, Order, OrderId, OrderState, Role};
use tokio::sync::{Notify, watch};

use super::{
    Changes, Counts, Heard, Missed, View, Watching,
    feed::Ring,
    forecast::Forecasts,
    recent::Kept,
    watch::{Askers, Asking, Watchers},
};
use crate::clock;

/// A handle on the counter's view. Clones see the same.
#[derive(Debug, Clone)]
pub struct Views(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: RwLock<Inner>,
    /// Beside the lock, for those who take an order and must not wait for a reader.
    caught_up: AtomicBool,
    open: AtomicUsize,
    live_bytes: AtomicUsize,
    as_of: AtomicI64,
    /// Told whenever that moves.
    confirmed: Notify,
    /// Since when it is caught up, or not.
    since: AtomicI64,
    forecasts: Forecasts,
    kept: Mutex<Kept>,
    heard: Mutex<Heard>,
    watchers: Arc<Watchers>,
    askers: Arc<Askers>,
    /// The number of the next change: who follows all orders waits for it to move.
    changes: watch::Sender<u64>,
    /// Names this process's numbers of changes.
    boot: String,
}

#[derive(Debug, Default)]
struct Inner {
    view: View,
    ring: Ring,
}

/// What a reader sees: the view, how fresh it is, and the time of looking.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    inner: RwLockReadGuard<'a, Inner>,
    /// When the view last confirmed that it had read to the end of the log.
    pub(crate) as_of: Millis,
    /// The time of looking.
    pub(crate) now: Millis,
    pub(super) forecasts: &'a Forecasts,
}

impl std::ops::Deref for Look<'_> {
    type Target = View;

    fn deref(&self) -> &View {
        &self.inner.view
    }
}

impl Look<'_> {
    /// Whether it is too old to say that something is not there.
    pub(crate) fn is_old(&self) -> bool {
        is_old(self.as_of, self.now)
    }

    /// The order as JSON, as `role` may see it.
    pub(crate) fn snapshot(&self, state: &OrderState, role: Role) -> Vec<u8> {
        self.inner.view.snapshot(state, role, self.as_of, self.now, self.promise(state))
    }

    /// The orders of the next changes from this number on, at most `max`, each once and with the number to go on
    /// from after it. Second, the number to go on from after all of them.
    #[expect(clippy::type_complexity, reason = "each part has one meaning, said above")]
    pub(crate) fn changed_since(
        &self,
        from: u64,
        max: usize,
    ) -> Result<(Vec<(u64, &OrderState)>, u64), Missed> {
        let (changes, end) = self.inner.ring.since(from, max)?;
        let view = &self.inner.view;
        let known = changes.into_iter().filter_map(|(next, key)| Some((next, view.by_key(key)?)));
        Ok((known.collect(), end))
    }

    /// The number that the next change will get.
    pub(crate) fn next_change(&self) -> u64 {
        self.inner.ring.next()
    }
}

/// A view that has not confirmed for this long that it had read to the end of the log is not live; it does so
/// twice a second.
const VIEW_AGE_MS: Millis = 15_000;

/// Whether a view that last confirmed its end at `as_of` is no longer live.
pub(crate) fn is_old(as_of: Millis, now: Millis) -> bool {
    now.saturating_sub(as_of) > VIEW_AGE_MS
}

impl Views {
    /// A view of nothing yet. `boot` names this process's numbers of changes.
    pub(crate) fn new(boot: String) -> Self {
        Self(Arc::new(Shared {
            inner: RwLock::default(),
            caught_up: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            live_bytes: AtomicUsize::new(0),
            as_of: AtomicI64::new(0),
            confirmed: Notify::new(),
            since: AtomicI64::new(clock::now()),
            forecasts: Forecasts::default(),
            kept: Mutex::default(),
            heard: Mutex::default(),
            watchers: Arc::default(),
            askers: Arc::default(),
            changes: watch::Sender::new(0),
            boot,
        }))
    }

    /// Whether it has read to the end of the log since it began, and so may be shown.
    pub fn is_caught_up(&self) -> bool {
        self.0.caught_up.load(Ordering::Acquire)
    }

    /// Since when it is caught up, or not.
    pub fn since(&self) -> Millis {
        self.0.since.load(Ordering::Relaxed)
    }

    /// When it last confirmed that it had read to the end of the log; 0: never.
    pub fn as_of(&self) -> Millis {
        self.0.as_of.load(Ordering::Relaxed)
    }

    /// Work that is left: undecided, received and making. While the view begins anew, what was left before it
    /// did, and what was accepted here since.
    pub fn open(&self) -> usize {
        self.0.open.load(Ordering::Relaxed)
    }

    /// What that work weighs, in bytes beyond what every order takes.
    pub fn live_bytes(&self) -> usize {
        self.0.live_bytes.load(Ordering::Relaxed)
    }

    /// An order was accepted here. Only a view that does not read it soon has to be told.
    pub(crate) fn accepted(&self, order: &Order) {
        if !self.is_caught_up() {
            self.0.open.fetch_add(1, Ordering::Relaxed);
            self.0.live_bytes.fetch_add(order.weight(), Ordering::Relaxed);
        }
    }

    /// How many orders are where.
    pub fn counts(&self) -> Counts {
        self.read().view.counts()
    }

    /// How the orders that became ready since this counter began to follow kept their first promises.
    pub fn kept(&self) -> Kept {
        *self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the bells were heard of orders that were ready since this counter began to follow, and are not any more.
    pub fn heard(&self) -> Heard {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of an order's pickup code, as far as the log has been read.
    pub fn code(&self, id: &OrderId) -> Option<u32> {
        self.read().view.get(id.as_str()).map(|state| state.code).filter(|code| *code > 0)
    }

    /// Looks at the view, if it may be shown. Keep it short: the fold waits meanwhile.
    pub(crate) fn look(&self) -> Option<Look<'_>> {
        if !self.is_caught_up() {
            return None;
        }
        let inner = self.read();
        // It may have begun anew between the two.
        self.is_caught_up().then(|| Look {
            inner,
            as_of: self.as_of(),
            now: clock::now(),
            forecasts: &self.0.forecasts,
        })
    }

    /// Looks at it as if it were then: for a view that shows the past.
    pub(crate) fn look_back(&self, at: Millis) -> Look<'_> {
        Look { inner: self.read(), as_of: at, now: at, forecasts: &self.0.forecasts }
    }

    /// Looks at the view as it is, caught up or not.
    pub(crate) fn look_anyway(&self) -> Look<'_> {
        Look { inner: self.read(), as_of: self.as_of(), now: clock::now(), forecasts: &self.0.forecasts }
    }

    /// A command of this counter was written there at this time.
    pub(crate) fn asked(&self, at: At, now: Millis) {
        self.write().view.asked(at, now);
    }

    /// Waits for one order to change.
    pub(crate) fn watch(&self, id: OrderId) -> Watching {
        self.0.watchers.watch(id)
    }

    /// Waits for the outcome of a command.
    pub(crate) fn ask(&self, order: OrderId, id: CommandId) -> Asking {
        self.0.askers.ask(order, id)
    }

    /// Moves whenever anything does.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// What this process's numbers of changes are called.
    pub(crate) fn boot(&self) -> &str {
        &self.0.boot
    }

    pub(super) fn nobody_asks(&self) -> bool {
        self.0.askers.nobody()
    }

    /// Takes in entries under one short lock, and wakes whom it concerns.
    pub(crate) fn fold(&self, changes: &mut Changes, apply: impl FnOnce(&mut View, &mut Changes)) {
        changes.clear();
        let mut inner = self.write();
        apply(&mut inner.view, changes);
        if self.is_caught_up() {
            self.count(&inner.view);
            // What is read once more after a restart was counted before.
            self.0.kept.lock().unwrap_or_else(PoisonError::into_inner).add(changes.kept);
            self.0.heard.lock().unwrap_or_else(PoisonError::into_inner).add(changes.heard);
        }
        if changes.is_empty() {
            return;
        }
        inner.ring.push(&changes.orders);
        let next = inner.ring.next();
        drop(inner);
        if !self.is_caught_up() {
            return;
        }
        let inner = self.read();
        let changed = changes.orders.iter().filter_map(|&key| inner.view.by_key(key)).map(OrderState::id);
        self.0.watchers.wake(changed.chain(&changes.forgotten));
        drop(inner);
        self.0.changes.send_replace(next);
    }

    /// Hands out outcomes of commands whose effect can be seen.
    pub(super) fn answer(&self, outcomes: &mut Vec<Event>) {
        if !outcomes.is_empty() {
            self.0.askers.answer(outcomes, &self.read().view);
        }
    }

    fn count(&self, view: &View) {
        self.0.open.store(view.counts().open(), Ordering::Relaxed);
        self.0.live_bytes.store(view.live_bytes(), Ordering::Relaxed);
    }

    /// Everything that was committed at `as_of` has been read.
    pub(crate) fn at_end(&self, as_of: Millis) {
        if !self.is_caught_up() {
            self.count(&self.read().view);
        }
        self.0.as_of.store(as_of, Ordering::Relaxed);
        if !self.0.caught_up.swap(true, Ordering::AcqRel) {
            self.0.since.store(clock::now(), Ordering::Relaxed);
            self.0.watchers.wake_all();
            self.0.changes.send_modify(|_| {});
        }
        self.0.confirmed.notify_waiters();
    }

    /// Waits until it shows everything that was committed at this time.
    pub(crate) async fn has_read_to(&self, time: Millis) {
        loop {
            let confirmed = self.0.confirmed.notified();
            tokio::pin!(confirmed);
            // Listening begins before looking, so that nothing falls in between.
            confirmed.as_mut().enable();
            if self.is_caught_up() && self.as_of() > time {
                return;
            }
            confirmed.await;
        }
    }

    /// Begins anew: nothing is shown until it has caught up again.
    pub(super) fn restart(&self) {
        if self.0.caught_up.swap(false, Ordering::AcqRel) {
            self.0.since.store(clock::now(), Ordering::Relaxed);
        }
        let mut inner = self.write();
        let old = std::mem::take(&mut inner.view);
        inner.ring.restart();
        drop(inner);
        // A million orders take a while to drop: nobody waits for it.
        drop(old);
        self.0.watchers.wake_all();
        self.0.changes.send_modify(|_| {});
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        // Nothing panics while it holds the lock; if it did, a view that is one entry short beats none.
        self.0.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use eventlog::{Entry, Record};
    use order::topic;

    use super::*;

    fn received(views: &Views, offset: u64) {
        let id = OrderId::new(format!("o-{offset}")).unwrap();
        let record = Record::new(id.as_str().to_owned(), Order::new(id, 1).to_json());
        let entry = Entry { topic: topic::RECEIVED, partition: 0, offset, timestamp: 1, record };
        views.fold(&mut Changes::default(), |view, changes| view.apply_to(&entry, changes));
    }

    #[test]
    fn a_view_that_begins_anew_counts_what_was_open_until_it_knows_better() {
        let views = Views::new("boot".to_owned());
        (0..3).for_each(|offset| received(&views, offset));
        views.at_end(1);
        assert_eq!(views.open(), 3);
        views.restart();
        received(&views, 0);
        assert_eq!(views.open(), 3);
        views.accepted(&Order::new(OrderId::new("new").unwrap(), 1));
        assert_eq!(views.open(), 4);
        views.at_end(2);
        assert_eq!(views.open(), 1);
        views.accepted(&Order::new(OrderId::new("newer").unwrap(), 1));
        assert_eq!(views.open(), 1, "it will be read in a moment");
    }
}
