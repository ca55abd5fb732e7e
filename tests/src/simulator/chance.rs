//! Chance, by seed.

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What is left to chance in one story.
#[derive(Debug)]
pub(super) struct Chance(StdRng);

impl Chance {
    /// The same numbers for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// True with this probability.
    pub(super) fn of(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn range(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// The same as an index below `count`, which must not be 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of these, each as often as its weight says; they must not all be 0.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(T, u32)]) -> T {
        let mut at = self.0.random_range(0..from.iter().map(|(_, weight)| weight).sum());
        for &(what, weight) in from {
            if at < weight {
                return what;
            }
            at -= weight;
        }
        unreachable!("the number is below the sum of the weights")
    }
}
