//! What may go wrong, how often; bugs to plant; and the dice that decide.

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What goes wrong by chance. Each number is a probability, from 0 to 1, for each time it could happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// A reader does not yet see what was committed since its last poll.
    pub delay: f64,
    /// A poll brings nothing although there is something.
    pub idle: f64,
    /// A poll brings fewer records than it could, from some of the partitions only.
    pub split: f64,
    /// Offsets are skipped before a record, as Kafka's markers of transactions do.
    pub gap: f64,
    /// A publish fails, surely without a record.
    pub publish_refused: f64,
    /// A publish fails, and nobody knows; one half of them is written.
    pub publish_unknown: f64,
    /// A commit is not confirmed; one half of them is written.
    pub commit_unknown: f64,
    /// A poll of a worker or follower fails.
    pub poll_error: f64,
    /// A worker whose share was taken away reads on instead of noticing.
    pub unnoticed: f64,
    /// A worker that notices that it lost its session is told so by an error instead of partition by partition.
    pub thrown: f64,
    /// A commit by a healthy worker that has not yet heard of a rebalance is fenced.
    pub stale_generation: f64,
    /// A compacted topic's partition is compacted right after a commit to it.
    pub compaction: f64,
}

impl Faults {
    /// Nothing goes wrong.
    pub const fn none() -> Self {
        Self {
            delay: 0.0,
            idle: 0.0,
            split: 0.0,
            gap: 0.0,
            publish_refused: 0.0,
            publish_unknown: 0.0,
            commit_unknown: 0.0,
            poll_error: 0.0,
            unnoticed: 0.0,
            thrown: 0.0,
            stale_generation: 0.0,
            compaction: 0.0,
        }
    }
}

/// Known bugs to plant: a simulator that does not find them is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// What is known about positions is committed first and the rest after it, in two steps that a crash can
    /// come between.
    PositionsBeforeOutputs {
        /// How the keys of the state's records that hold positions begin.
        key_prefix: &'static [u8],
    },
    /// The state that is restored ends up to this many records before its end.
    RestoreStopsEarly {
        /// At most this many records are left out; at least one.
        at_most: usize,
    },
    /// A transaction in which no position moved carries none, so nobody fences it.
    TimersWithoutPositions,
}

/// Chance, by seed.
#[derive(Debug)]
pub(super) struct Dice(StdRng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// True with this probability. Asks for no number where the answer is sure.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        probability >= 1.0 || (probability > 0.0 && self.0.random_bool(probability))
    }

    pub(super) fn half(&mut self) -> bool {
        self.0.random_bool(0.5)
    }

    /// A number below `count`, which must not be 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// A number from 1 to `most`.
    pub(super) fn up_to(&mut self, most: usize) -> usize {
        self.0.random_range(1..=most.max(1))
    }
}
