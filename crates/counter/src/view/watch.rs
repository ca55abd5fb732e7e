//! Who waits for one order, or for one command. Ten thousand phones wait for ten thousand orders: a change
//! wakes only those who wait for it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use order::{CommandId, Event, OrderId, Refusal};
use tokio::sync::{Notify, oneshot};

use super::View;

/// Who waits for which order.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    orders: Mutex<HashMap<OrderId, Arc<Notify>>>,
    count: AtomicUsize,
}

/// One who waits for an order to change.
#[derive(Debug)]
pub(crate) struct Watching {
    watchers: Arc<Watchers>,
    id: OrderId,
    notify: Arc<Notify>,
}

impl Watchers {
    pub(super) fn watch(self: &Arc<Self>, id: OrderId) -> Watching {
        let notify = Arc::clone(self.lock().entry(id.clone()).or_default());
        self.count.fetch_add(1, Ordering::SeqCst);
        Watching { watchers: Arc::clone(self), id, notify }
    }

    /// Wakes those who wait for one of these.
    pub(super) fn wake<'a>(&self, ids: impl Iterator<Item = &'a OrderId>) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let orders = self.lock();
        ids.filter_map(|id| orders.get(id)).for_each(|notify| notify.notify_waiters());
    }

    /// Wakes everyone.
    pub(super) fn wake_all(&self) {
        self.lock().values().for_each(|notify| notify.notify_waiters());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Arc<Notify>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watching {
    /// The order.
    pub(crate) fn id(&self) -> &OrderId {
        &self.id
    }

    /// Wakes at the next change. Enable it before looking at the order, and nothing is missed.
    pub(crate) fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.watchers.count.fetch_sub(1, Ordering::SeqCst);
        let mut orders = self.watchers.lock();
        // The map's and ours: the last one who waits.
        if Arc::strong_count(&self.notify) == 2 {
            orders.remove(&self.id);
        }
    }
}

/// Who waits for which command's outcome.
#[derive(Debug, Default)]
pub(super) struct Askers {
    waiting: Mutex<HashMap<CommandId, Vec<oneshot::Sender<Event>>>>,
    count: AtomicUsize,
}

impl Askers {
    pub(super) fn ask(&self, id: CommandId) -> oneshot::Receiver<Event> {
        let (answer, asked) = oneshot::channel();
        let mut waiting = self.lock();
        // Those who gave up go with the next one who asks.
        waiting.retain(|_, askers| {
            askers.retain(|asker| !asker.is_closed());
            !askers.is_empty()
        });
        waiting.entry(id).or_default().push(answer);
        self.count.store(waiting.len(), Ordering::SeqCst);
        asked
    }

    pub(super) fn nobody(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// Hands out the outcomes that `view` shows already; keeps those whose state was not read yet.
    pub(super) fn answer(&self, outcomes: &mut Vec<Event>, view: &View) {
        if outcomes.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        outcomes.retain(|outcome| {
            let Some(id) = &outcome.command_id else { return false };
            if !waiting.contains_key(id) {
                return false;
            }
            if !is_shown(outcome, view) {
                return true;
            }
            for asker in waiting.remove(id).into_iter().flatten() {
                // Who asked may be gone: nobody is told then.
                let _ = asker.send(outcome.clone());
            }
            false
        });
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CommandId, Vec<oneshot::Sender<Event>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_shown(outcome: &Event, view: &View) -> bool {
    match view.get(outcome.order_id.as_str()) {
        Some(state) => state.version >= outcome.version,
        // Forgotten, never there, or not taken because the queue is full.
        None => matches!(outcome.refused, Some(Refusal::UnknownOrder | Refusal::QueueFull)),
    }
}
