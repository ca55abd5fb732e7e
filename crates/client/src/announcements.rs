//! Bells as the log has them, for customers who do not listen to their counter's streams.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::mpsc;

/// Announcements that are kept for orders whose answer is still on its way: the bell may be faster.
const RECENT: usize = 65_536;

/// Rounds of one order that wait to be told. More are none that anybody drinks.
const ROUNDS: usize = 64;

/// Where whoever reads `order.processed` says what it reads, and customers hear it.
#[derive(Debug, Clone, Default)]
pub struct Announcements(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    recent: HashMap<String, Vec<u32>>,
    by_age: VecDeque<String>,
    waiting: HashMap<String, mpsc::Sender<u32>>,
}

impl Announcements {
    /// An order is ready, in this round.
    pub fn announce(&self, order_id: &str, round: u32) {
        let mut heard = self.heard();
        if let Some(waits) = heard.waiting.get(order_id) {
            // Whoever has as many bells before it to tell does not miss this one.
            let _ = waits.try_send(round);
            return;
        }
        let rounds = heard.recent.entry(order_id.to_owned()).or_default();
        let is_new = rounds.is_empty();
        if rounds.len() < ROUNDS {
            rounds.push(round);
        }
        if is_new {
            heard.by_age.push_back(order_id.to_owned());
        }
        if heard.by_age.len() > RECENT {
            let oldest = heard.by_age.pop_front();
            oldest.and_then(|oldest| heard.recent.remove(&oldest));
        }
    }

    /// The bells of one order, those that rang before included.
    pub(crate) fn of(&self, order_id: &str) -> mpsc::Receiver<u32> {
        let (tell, told) = mpsc::channel(ROUNDS);
        let mut heard = self.heard();
        for round in heard.recent.get(order_id).into_iter().flatten() {
            // No more than these were kept.
            let _ = tell.try_send(*round);
        }
        heard.waiting.insert(order_id.to_owned(), tell);
        told
    }

    /// Also after a thread has panicked with the lock: nothing here is left half changed.
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bell_is_heard_whether_it_rings_before_or_after_its_order_is_known() {
        let announcements = Announcements::default();
        announcements.announce("a", 1);
        let mut told = announcements.of("a");
        assert_eq!(told.try_recv(), Ok(1));
        announcements.announce("b", 1);
        announcements.announce("a", 2);
        assert_eq!((told.try_recv(), told.try_recv().is_err()), (Ok(2), true));
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_oldest_goes_first() {
        let announcements = Announcements::default();
        for n in 0..=RECENT {
            (0..2).for_each(|_| announcements.announce(&n.to_string(), 1));
        }
        assert!(announcements.of("0").try_recv().is_err());
        assert_eq!(announcements.of("1").try_recv(), Ok(1));
        assert_eq!(announcements.heard().recent.len(), RECENT);
        (0..2 * ROUNDS).for_each(|_| announcements.announce("late", 1));
        let mut told = announcements.of("late");
        assert_eq!(std::iter::from_fn(|| told.try_recv().ok()).count(), ROUNDS);
    }
}
