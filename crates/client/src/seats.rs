//! A bounded number of open streams, and who gives way when more orders want one.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::{AcquireError, Notify, Semaphore, SemaphorePermit};

/// The places for open streams. An order that has not rung yet is urgent; one that has only listens for being
/// called back.
#[derive(Debug)]
pub(crate) struct Seats {
    places: Semaphore,
    /// Lets one order that is not urgent queue for a place at a time, so that an urgent one never stands
    /// behind more than one of them.
    turnstile: Semaphore,
    urgent_waiting: AtomicUsize,
    others_waiting: AtomicUsize,
    /// Wakes one who has a place and is not urgent, for each urgent order that finds none.
    wanted: Notify,
    /// How long a place may be kept while equals are waiting.
    turn: Duration,
}

/// A place. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Seat<'a>(#[expect(dead_code, reason = "held for its drop")] SemaphorePermit<'a>);

impl Seats {
    pub(crate) fn new(places: usize, turn: Duration) -> Self {
        Self {
            places: Semaphore::new(places),
            turnstile: Semaphore::new(1),
            urgent_waiting: AtomicUsize::new(0),
            others_waiting: AtomicUsize::new(0),
            wanted: Notify::new(),
            turn,
        }
    }

    /// Waits for a place.
    pub(crate) async fn take(&self, urgent: bool) -> Seat<'_> {
        let _counted = Waiting::begin(if urgent { &self.urgent_waiting } else { &self.others_waiting });
        if urgent && self.places.available_permits() == 0 {
            self.wanted.notify_one();
        }
        let _turn = if urgent { None } else { Some(open(self.turnstile.acquire().await)) };
        Seat(open(self.places.acquire().await))
    }

    /// Resolves when an urgent order found no place: a reason to look at [`Self::should_give_way`] before the
    /// next event does. Cancel safe.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Whether someone who has had a place for `held` should give it up now.
    pub(crate) fn should_give_way(&self, urgent: bool, held: Duration) -> bool {
        let urgent_waiting = self.urgent_waiting.load(Ordering::Relaxed) > 0;
        let others_waiting = self.others_waiting.load(Ordering::Relaxed) > 0;
        let had_its_turn = held >= self.turn;
        if urgent { urgent_waiting && had_its_turn } else { urgent_waiting || others_waiting && had_its_turn }
    }
}

/// Counts one who waits for as long as it lives: the wait may be dropped at any time.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn open(acquired: Result<SemaphorePermit<'_>, AcquireError>) -> SemaphorePermit<'_> {
    acquired.expect("nobody closes these semaphores")
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    const TURN: Duration = Duration::from_secs(15);

    #[tokio::test]
    async fn nobody_gives_way_while_nobody_waits() {
        let seats = Seats::new(1, TURN);
        let _seat = seats.take(true).await;
        assert!(!seats.should_give_way(false, TURN * 10));
        assert!(!seats.should_give_way(true, TURN * 10));
    }

    #[tokio::test]
    async fn who_has_rung_gives_way_at_once_and_who_has_not_after_a_turn() {
        let seats = Seats::new(1, TURN);
        let _seat = seats.take(true).await;
        {
            let mut urgent = pin!(seats.take(true));
            assert!(poll!(urgent.as_mut()).is_pending());
            assert!(seats.should_give_way(false, Duration::ZERO));
            assert!(!seats.should_give_way(true, Duration::ZERO));
            assert!(seats.should_give_way(true, TURN));
        }
        assert!(!seats.should_give_way(false, TURN), "the one who waited has left");
    }

    #[tokio::test]
    async fn an_urgent_order_stands_behind_at_most_one_that_is_not() {
        let seats = Seats::new(1, TURN);
        let seat = seats.take(false).await;
        let (mut first, mut second) = (pin!(seats.take(false)), pin!(seats.take(false)));
        let mut urgent = pin!(seats.take(true));
        assert!(poll!(first.as_mut()).is_pending());
        assert!(poll!(second.as_mut()).is_pending());
        assert!(poll!(urgent.as_mut()).is_pending());
        drop(seat);
        drop(first.await);
        drop(urgent.await);
        second.await;
    }
}
