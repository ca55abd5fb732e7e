//! How long something is tried, and how long to pause in between.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

/// How long something is tried. All four bounds hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// One attempt takes no longer.
    pub attempt: Duration,
    /// No attempt is made later than this after the first, or after the last sign of life.
    pub overall: Duration,
    /// The pause after the first failure. Doubles with every further one.
    pub first: Duration,
    /// The longest pause, unless the other side asks for a longer one.
    pub longest: Duration,
}

/// The pauses of one request, under one [`Patience`].
#[derive(Debug)]
pub(crate) struct Backoff {
    patience: Patience,
    next: Duration,
    /// Comes in, so that a test knows what it will say.
    rng: StdRng,
}

impl Backoff {
    pub(crate) fn new(patience: Patience, rng: StdRng) -> Self {
        Self { patience, next: patience.first, rng }
    }

    /// How long to pause before the next attempt, or `None` when patience is over.
    ///
    /// `waited` is the time since the first attempt, `asked` what the other side asked for (`Retry-After`).
    /// Pauses are jittered, those that were asked for too: a counter that comes back must not meet all of
    /// its customers in the same millisecond.
    pub(crate) fn pause(&mut self, waited: Duration, asked: Option<Duration>) -> Option<Duration> {
        let own = self.next / 2 + self.up_to(self.next / 2);
        let pause = match asked {
            Some(asked) => own.max(asked.saturating_add(self.up_to(self.patience.first))),
            None => own,
        };
        self.next = self.next.saturating_mul(2).min(self.patience.longest);
        (waited.saturating_add(pause) <= self.patience.overall).then_some(pause)
    }

    /// Things went well for a while: the next failure is a first one again.
    pub(crate) fn settle(&mut self) {
        self.next = self.patience.first;
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.rng.random_range(0.0..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const PATIENCE: Patience = Patience {
        attempt: Duration::from_secs(1),
        overall: Duration::from_mins(1),
        first: Duration::from_millis(200),
        longest: Duration::from_secs(5),
    };

    fn backoff(seed: u64) -> Backoff {
        Backoff::new(PATIENCE, StdRng::seed_from_u64(seed))
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_jittered_by_at_most_half() {
        for seed in 0..50 {
            let mut backoff = backoff(seed);
            for nominal_ms in [200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
                let nominal = Duration::from_millis(nominal_ms);
                let pause = backoff.pause(Duration::ZERO, None).unwrap();
                assert!(pause >= nominal / 2 && pause <= nominal, "{pause:?} of {nominal:?}");
            }
            backoff.settle();
            assert!(backoff.pause(Duration::ZERO, None).unwrap() <= PATIENCE.first);
        }
    }

    #[test]
    fn what_the_counter_asks_for_is_the_least_pause() {
        for seed in 0..50 {
            let pause = backoff(seed).pause(Duration::ZERO, Some(Duration::from_secs(7))).unwrap();
            assert!(pause >= Duration::from_secs(7) && pause <= Duration::from_millis(7_200), "{pause:?}");
        }
    }

    #[test]
    fn patience_ends_before_a_pause_that_would_outlast_it() {
        assert_eq!(backoff(1).pause(Duration::from_mins(1), None), None);
        assert_eq!(backoff(1).pause(Duration::from_secs(50), Some(Duration::from_secs(11))), None);
        assert_eq!(backoff(1).pause(Duration::ZERO, Some(Duration::MAX)), None);
    }
}
