//! Orders of which nobody knows whether they were written, and for how long that may still happen.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use uuid::Uuid;

/// How long after it was begun a record may come to stand in the log, and be seen there: a producer keeps it for
/// seconds, and a cluster that loses a replica shows nothing new until it has given that up, after 30 s unless it is
/// told otherwise.
const DOUBT: Duration = Duration::from_mins(1);
/// How many are told apart; beyond that all are in doubt.
const DOUBTS_MAX: usize = 65_536;

/// Orders that may still come to stand in the log.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    until: HashMap<Uuid, Instant>,
    by_time: BTreeSet<(Instant, Uuid)>,
    /// Until when any may be one that was forgotten.
    forgotten_until: Option<Instant>,
}

impl Doubts {
    /// Nobody knows what became of an order that was begun then.
    pub(crate) fn note(&mut self, id: Uuid, began: Instant) {
        let until = began + DOUBT;
        if let Some(before) = self.until.insert(id, until) {
            self.by_time.remove(&(before, id));
        }
        self.by_time.insert((until, id));
        while self.by_time.len() > DOUBTS_MAX
            && let Some((until, id)) = self.by_time.pop_first()
        {
            self.until.remove(&id);
            self.forgotten_until = self.forgotten_until.max(Some(until));
        }
    }

    /// Whether it may still come to stand in the log.
    pub(crate) fn has(&mut self, id: Uuid, now: Instant) -> bool {
        while let Some(&(until, id)) = self.by_time.first().filter(|(until, _)| *until <= now) {
            self.by_time.remove(&(until, id));
            self.until.remove(&id);
        }
        self.until.contains_key(&id) || self.forgotten_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn a_doubt_lasts_for_a_minute_from_when_it_was_begun_last() {
        let (mut doubts, began) = (Doubts::default(), Instant::now());
        doubts.note(ID, began);
        assert!(doubts.has(ID, began + Duration::from_millis(59_999)) && !doubts.has(OTHER, began));
        doubts.note(ID, began + Duration::from_secs(30));
        assert!(doubts.has(ID, began + DOUBT));
        assert!(!doubts.has(ID, began + DOUBT + Duration::from_secs(30)));
        assert!(doubts.until.is_empty() && doubts.by_time.is_empty());
    }

    #[test]
    fn more_doubts_than_are_told_apart_are_doubts_about_all() {
        let (mut doubts, began) = (Doubts::default(), Instant::now());
        for n in 0..=DOUBTS_MAX as u128 {
            doubts.note(Uuid::from_u128(n), began);
        }
        assert_eq!(doubts.by_time.len(), DOUBTS_MAX);
        assert!(doubts.has(Uuid::from_u128(u128::MAX), began + Duration::from_millis(59_999)));
        assert!(!doubts.has(Uuid::from_u128(u128::MAX), began + DOUBT));
    }
}
