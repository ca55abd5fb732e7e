//! Who waits for one order, or for one command. Ten thousand phones wait for ten thousand orders: a change
//! wakes only those who wait for it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use order::{CommandId, Event, OrderId, Refusal};
use tokio::sync::{Notify, oneshot};

use super::View;

/// Who waits for which order.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    orders: Mutex<HashMap<OrderId, Watched>>,
    count: AtomicUsize,
}

/// An order that is waited for.
#[derive(Debug, Default)]
struct Watched {
    notify: Arc<Notify>,
    by: usize,
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
        let mut orders = self.lock();
        let watched = orders.entry(id.clone()).or_default();
        watched.by += 1;
        self.count.fetch_add(1, Ordering::SeqCst);
        Watching { watchers: Arc::clone(self), id, notify: Arc::clone(&watched.notify) }
    }

    /// Wakes those who wait for one of these.
    pub(super) fn wake<'a>(&self, ids: impl Iterator<Item = &'a OrderId>) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let orders = self.lock();
        ids.filter_map(|id| orders.get(id)).for_each(|watched| watched.notify.notify_waiters());
    }

    /// Wakes everyone.
    pub(super) fn wake_all(&self) {
        self.lock().values().for_each(|watched| watched.notify.notify_waiters());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrderId, Watched>> {
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
        let mut orders = self.watchers.lock();
        self.watchers.count.fetch_sub(1, Ordering::SeqCst);
        if let Some(watched) = orders.get_mut(&self.id) {
            watched.by -= 1;
            if watched.by == 0 {
                orders.remove(&self.id);
            }
        }
    }
}

/// A command: its id is its sender's choice, and means something only together with the order.
type Asked = (OrderId, CommandId);
/// By number, so that each can take itself off the list.
type Waiting = HashMap<Asked, Vec<(u64, oneshot::Sender<Event>)>>;

/// Who waits for which command's outcome.
#[derive(Debug, Default)]
pub(super) struct Askers {
    waiting: Mutex<Waiting>,
    /// Commands that are waited for.
    count: AtomicUsize,
    next: AtomicU64,
}

/// One who waits for a command's outcome.
#[derive(Debug)]
pub(crate) struct Asking {
    askers: Arc<Askers>,
    command: Asked,
    number: u64,
    told: oneshot::Receiver<Event>,
}

impl Askers {
    pub(super) fn ask(self: &Arc<Self>, order: OrderId, id: CommandId) -> Asking {
        let (answer, told) = oneshot::channel();
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let command = (order, id);
        let mut waiting = self.lock();
        waiting.entry(command.clone()).or_default().push((number, answer));
        self.count.store(waiting.len(), Ordering::SeqCst);
        drop(waiting);
        Asking { askers: Arc::clone(self), command, number, told }
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
            let Some(id) = outcome.command_id.clone() else { return false };
            let command = (outcome.order_id.clone(), id);
            if !waiting.contains_key(&command) {
                return false;
            }
            if !is_shown(outcome, view) {
                return true;
            }
            for (_, asker) in waiting.remove(&command).into_iter().flatten() {
                // Who asked may be gone: nobody is told then.
                let _ = asker.send(outcome.clone());
            }
            false
        });
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking {
    /// The outcome, once the view shows it.
    pub(crate) async fn outcome(&mut self) -> Option<Event> {
        (&mut self.told).await.ok()
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut waiting = self.askers.lock();
        if let Some(askers) = waiting.get_mut(&self.command) {
            askers.retain(|(number, _)| *number != self.number);
            if askers.is_empty() {
                waiting.remove(&self.command);
            }
        }
        self.askers.count.store(waiting.len(), Ordering::SeqCst);
    }
}

fn is_shown(outcome: &Event, view: &View) -> bool {
    match view.get(outcome.order_id.as_str()) {
        Some(state) => state.version >= outcome.version,
        // Forgotten, never there, or not taken because the queue is full.
        None => matches!(outcome.refused, Some(Refusal::UnknownOrder | Refusal::QueueFull)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: &str) -> OrderId {
        OrderId::new(id).unwrap()
    }

    #[test]
    fn nothing_is_left_of_watchers_that_go_at_once() {
        let watchers = Arc::new(Watchers::default());
        for _ in 0..1_000 {
            let both = [watchers.watch(order("a")), watchers.watch(order("a"))];
            let start = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                for watching in both {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        drop(watching);
                    });
                }
            });
            assert!(watchers.lock().is_empty());
        }
        assert_eq!(watchers.count.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn one_command_id_on_two_orders_is_two_commands_and_who_gives_up_leaves_nothing() {
        let askers = Arc::new(Askers::default());
        let id = CommandId::new("tap").unwrap();
        let mut a = askers.ask(order("a"), id.clone());
        let mut b = askers.ask(order("b"), id.clone());
        let gave_up = askers.ask(order("a"), id);
        drop(gave_up);
        let outcome = r#"{"v":1,"order_id":"a","version":0,"event":"cancel","command_id":"tap","refused":"unknown_order","at":1,"to":"received","round":1,"from":"received"}"#;
        let outcome = Event::parse(outcome.as_bytes()).unwrap();
        askers.answer(&mut vec![outcome.clone()], &View::default());
        assert_eq!(a.told.try_recv(), Ok(outcome));
        assert!(b.told.try_recv().is_err(), "another order's outcome is none of its business");
        assert!(!askers.nobody());
        drop(b);
        assert!(askers.nobody() && askers.lock().is_empty());
    }
}
