//! What the engine says of itself.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
};

use eventlog::{Millis, Partition};
use prometheus_client::{
    metrics::{
        counter::Counter,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// What the engine says of itself. Clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Orders and commands decided on.
    pub decisions: Counter,
    /// Orders announced as ready.
    pub announced: Counter,
    /// Records that could not be read.
    pub dead_letters: Counter,
    /// Order ids that came again.
    pub repeats: Counter,
    /// Records of the state that could not be read, passed over at a restore.
    pub unreadable_state: Counter,
    /// Sessions begun; more than one means that something ended the others.
    pub sessions: Counter,
    /// How long commits took.
    pub commit_seconds: Histogram,
    /// How long after its due time an order moved on.
    pub late_seconds: Histogram,
    /// How long after its record was written an order was decided on.
    pub decided_after_seconds: Histogram,
    /// Orders with work left.
    pub open: Gauge,
    /// Partitions held.
    pub partitions: Gauge,
    /// 1 while reading pauses because too many orders are open.
    pub full: Gauge,
    /// When the engine last finished a step, in seconds since 1970; 0: never. It takes one every
    /// [`Options::max_wait`](crate::Options::max_wait) at least.
    pub last_step: Gauge<f64, AtomicU64>,
    held: Arc<Mutex<BTreeSet<Partition>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        // From half a millisecond to a minute, doubling.
        let seconds = || Histogram::new(exponential_buckets(0.0005, 2.0, 18));
        Self {
            decisions: Counter::default(),
            announced: Counter::default(),
            dead_letters: Counter::default(),
            repeats: Counter::default(),
            unreadable_state: Counter::default(),
            sessions: Counter::default(),
            commit_seconds: seconds(),
            late_seconds: seconds(),
            decided_after_seconds: seconds(),
            open: Gauge::default(),
            partitions: Gauge::default(),
            full: Gauge::default(),
            last_step: Gauge::default(),
            held: Arc::default(),
        }
    }
}

impl Metrics {
    /// Which partitions are held.
    pub fn held(&self) -> BTreeSet<Partition> {
        // Also after a thread has panicked with the lock: a set is put there whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A step ended at this time.
    #[expect(clippy::cast_precision_loss, reason = "285,000 years after 1970 are exact enough")]
    pub(crate) fn stepped(&self, now: Millis) {
        self.last_step.set(now as f64 / 1_000.0);
    }

    pub(crate) fn hold(&self, partitions: impl Iterator<Item = Partition> + Clone) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Said after every commit, and mostly nothing new.
        if !partitions.clone().eq(held.iter().copied()) {
            *held = partitions.collect();
            self.partitions.set(i64::try_from(held.len()).unwrap_or(i64::MAX));
        }
    }

    /// Makes them known under their names.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("brewline_barista");
        registry.register("decisions", "Orders and commands decided on", self.decisions.clone());
        registry.register("announced", "Orders announced as ready", self.announced.clone());
        registry.register("dead_letters", "Records that could not be read", self.dead_letters.clone());
        registry.register("repeats", "Order ids that came again", self.repeats.clone());
        registry.register(
            "unreadable_state",
            "Records of order.state that could not be read at a restore",
            self.unreadable_state.clone(),
        );
        registry.register("sessions", "Sessions begun on the log", self.sessions.clone());
        registry.register("open_orders", "Orders with work left", self.open.clone());
        registry.register("partitions", "Partitions held", self.partitions.clone());
        registry.register(
            "full",
            "1 while reading pauses because too many orders are open",
            self.full.clone(),
        );
        registry.register_with_unit(
            "last_step_timestamp",
            "When the barista last looked for work, in seconds since 1970; 0: never",
            Unit::Seconds,
            self.last_step.clone(),
        );
        for (name, help, histogram) in [
            ("commit", "How long commits took", &self.commit_seconds),
            ("late", "How long after its due time an order moved on", &self.late_seconds),
            (
                "decided_after",
                "How long after its record was written an order was decided on",
                &self.decided_after_seconds,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_and_how_many_that_are_never_differ() {
        let metrics = Metrics::default();
        for held in [&[0, 2][..], &[], &[2], &[2], &[]] {
            metrics.hold(held.iter().copied());
            assert_eq!(metrics.held().into_iter().collect::<Vec<_>>(), held);
            assert_eq!(metrics.partitions.get(), i64::try_from(held.len()).unwrap());
        }
    }
}
