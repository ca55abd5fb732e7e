//! What does not come although it is there, told from what is only late.

use std::time::{Duration, Instant};

/// How long that may go on. A broker that has just come back needs a few seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// What one look counts for at most: whoever looks seldom, or was stopped for a while, has not waited meanwhile.
const STEP: Duration = Duration::from_secs(1);

/// For how long something has been missing, as far as anybody waited for it.
#[derive(Debug, Default)]
pub(super) struct Stall {
    waited: Duration,
    looked: Option<Instant>,
}

impl Stall {
    /// It is missing now. True if it was for too long.
    pub(super) fn is_missing(&mut self, now: Instant) -> bool {
        let step = self.looked.map_or(Duration::ZERO, |looked| now.saturating_duration_since(looked));
        self.waited += step.min(STEP);
        self.looked = Some(now);
        self.waited >= PATIENCE
    }

    /// It has come, or there is nothing to wait for.
    pub(super) fn is_over(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(100);

    #[test]
    fn what_is_missing_all_the_time_is_noticed_after_15_s() {
        let (mut stall, begin, mut now) = (Stall::default(), Instant::now(), Instant::now());
        while !stall.is_missing(now) {
            now += TICK;
        }
        assert_eq!((now - begin).as_millis() / 100, 150);
    }

    #[test]
    fn what_comes_at_times_is_not_missing_however_long_that_goes_on() {
        let (mut stall, mut now) = (Stall::default(), Instant::now());
        for tick in 0..1_000 {
            assert!(!stall.is_missing(now));
            if tick % 140 == 0 {
                stall.is_over();
            }
            now += TICK;
        }
    }

    #[test]
    fn time_in_which_nobody_looked_does_not_count() {
        let (mut stall, now) = (Stall::default(), Instant::now());
        assert!(!stall.is_missing(now));
        assert!(!stall.is_missing(now + Duration::from_hours(1)));
    }
}
