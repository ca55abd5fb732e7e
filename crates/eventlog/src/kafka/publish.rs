//! Adding records: one idempotent producer for everyone on the log.
//!
//! One that has met a fatal error, as when the brokers and it no longer agree on what it has written, refuses
//! everything from then on. Another one takes its place.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant},
};

use super::{
    producer::Producer,
    shared::{Failed, Shared, lock},
};
use crate::{Partition, Publish, PublishError, Published, Reason, Record, Topic, kafka::MAX_RECORD_BYTES};

/// How long a log that is closed waits for what was handed in.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long a producer that has failed stays at least, since it was made: doubling from the first to the last until one
/// works for that long.
const REPLACE_AFTER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// The producer that all publishers of a log share.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    producer: RwLock<Producer>,
    turn: Mutex<Turn>,
}

/// When the producer may be replaced.
struct Turn {
    made: Instant,
    failed: Option<Instant>,
    wait: Duration,
}

impl Turn {
    fn new(now: Instant) -> Self {
        Self { made: now, failed: None, wait: REPLACE_AFTER.0 }
    }

    /// Whether the one that has failed may be replaced now. If so, this is tried: it counts from now on.
    fn is_due(&mut self, now: Instant) -> bool {
        let failed = *self.failed.get_or_insert(now);
        if failed.saturating_duration_since(self.made) >= REPLACE_AFTER.1 {
            self.wait = REPLACE_AFTER.0;
        }
        let due = now.saturating_duration_since(self.made) >= self.wait;
        if due {
            *self = Self { made: now, failed: None, wait: (self.wait * 2).min(REPLACE_AFTER.1) };
        }
        due
    }
}

impl Publisher {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Self, Failed> {
        let (producer, turn) = (RwLock::new(Producer::new(shared)?), Mutex::new(Turn::new(Instant::now())));
        Ok(Self { shared: shared.clone(), producer, turn })
    }

    fn producer(&self) -> RwLockReadGuard<'_, Producer> {
        self.producer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that there is a producer that works, and that it has brokers. Its own thread hears what it says.
    /// To be called about once a second.
    pub(super) fn look(&self) {
        let producer = self.producer();
        producer.look();
        let Some(why) = producer.fatal().cloned() else { return };
        drop(producer);
        if lock(&self.turn).is_due(Instant::now()) {
            self.replace(&why);
        }
    }

    /// Puts a new producer in the place of one that refuses everything.
    fn replace(&self, why: &str) {
        match Producer::new(&self.shared) {
            Ok(new) => {
                tracing::warn!("{why}; what is published from now on goes by another producer");
                let mut place = self.producer.write().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *place, new);
                drop(place);
                old.end(LAST_WORDS);
            }
            Err(failed) => tracing::warn!("{why}; {}", failed.sentence),
        }
    }

    /// Writes what waits, if the brokers take it, and answers everyone.
    pub(super) fn close(&self) {
        self.producer().end(LAST_WORDS);
    }

    /// The producer meets a fatal error.
    #[cfg(feature = "kafka-tests")]
    pub(super) fn fail(&self) {
        self.producer().fail();
    }
}

impl Publish for Publisher {
    fn publish(&self, topic: Topic, partition: Partition, record: Record, deadline: Duration) -> Published {
        let refuse =
            |reason| -> Published { Box::pin(std::future::ready(Err(PublishError::not_written(reason)))) };
        if self.shared.is_closed() {
            return refuse(Reason::Closed);
        }
        if partition >= self.shared.partitions(topic) {
            return refuse(Reason::NoSuchPartition(topic.to_owned(), partition));
        }
        let size = record.size();
        if size > MAX_RECORD_BYTES {
            return refuse(Reason::TooLarge { size, limit: MAX_RECORD_BYTES });
        }
        self.producer().publish((topic, partition), record, Instant::now().checked_add(deadline))
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.shared.partitions(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_that_fail_are_replaced_ever_more_rarely_and_one_that_has_worked_at_once() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let (mut turn, mut replaced) = (Turn::new(begin), Vec::new());
        for seconds in 1..=300 {
            if turn.is_due(begin + second * seconds) {
                replaced.push(seconds);
            }
        }
        assert_eq!(replaced, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
        // This one works until it fails after ten minutes.
        let mut turn = Turn { made: begin, failed: None, ..turn };
        assert!(turn.is_due(begin + second * 600));
        assert!(!turn.is_due(begin + second * 601) && turn.is_due(begin + second * 602));
    }
}
