//! An estimate in whole minutes, kept for as long as it holds.

use order::{Millis, Promise};

use super::{Estimate, MINUTE};

/// How far an estimate may be beyond a promise before that is changed: whoever waits would rather be called a little
/// late than read another time every few seconds.
const TOLERANCE: Millis = 45_000;
/// How much narrower an estimate must be to replace a promise that holds.
const NARROWER: Millis = 2 * MINUTE;
/// Nothing is promised for earlier or later than this, and what was is not believed: anyone may write an order.
const FAR: Millis = 366 * 24 * 60 * MINUTE;

/// A promise to whoever orders now, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minutes {
    /// Not sooner.
    pub from: u32,
    /// Not later.
    pub to: u32,
}

/// The promise for this estimate: whole minutes from now, and at least one of them wide.
pub fn fresh(estimate: Estimate, now: Millis) -> Promise {
    rounded(estimate, now, now)
}

/// The promise that is shown for this estimate, where `previous` was shown before. It counts down by itself, for it is
/// a range of time; it changes only when it does not hold, or when much more is known, and then by whole minutes.
pub fn steady(previous: Option<Promise>, estimate: Estimate, now: Millis) -> Promise {
    let Some(previous) =
        previous.filter(|promise| is_near(promise.from(), now) && is_near(promise.to(), now))
    else {
        return fresh(estimate, now);
    };
    let fresh = rounded(estimate, previous.from(), now);
    // Who waits for long is told of less.
    let tolerance = TOLERANCE.max(estimate.likely.saturating_sub(now) / 8);
    let is_over = previous.to() <= now;
    let is_late = estimate.late > previous.to().saturating_add(tolerance);
    let is_early = estimate.early < previous.from().saturating_sub(tolerance);
    let is_wide = width(previous) >= width(fresh) + NARROWER;
    if is_over || is_late || is_early {
        fresh
    } else if is_wide {
        // Its end comes nearer by one step at a time, or an estimate that came and went would be seen to.
        Promise::new(fresh.from(), fresh.to().max(previous.to() - MINUTE)).unwrap_or(fresh)
    } else {
        previous
    }
}

impl Minutes {
    /// The minutes that are shown for this estimate, where `previous` were shown before.
    #[must_use]
    pub fn steady(previous: Option<Self>, estimate: Estimate, now: Millis) -> Self {
        let at = |minutes: u32| now.saturating_add(Millis::from(minutes) * MINUTE);
        let previous = previous.and_then(|minutes| Promise::new(at(minutes.from), at(minutes.to)));
        let shown = steady(previous, estimate, now);
        let minutes = |at: Millis| u32::try_from((at - now).max(0) / MINUTE).unwrap_or(u32::MAX);
        Self { from: minutes(shown.from()), to: minutes(shown.to()) }
    }
}

/// The estimate, rounded outwards to whole minutes before or after `grid`.
fn rounded(estimate: Estimate, grid: Millis, now: Millis) -> Promise {
    let late = estimate.late.clamp(now, now.saturating_add(FAR));
    let early = estimate.early.clamp(now.saturating_sub(FAR), late);
    let from = grid + (early - grid).div_euclid(MINUTE) * MINUTE;
    let to = grid - (grid - late).div_euclid(MINUTE) * MINUTE;
    let least = from.max(now) + MINUTE;
    let to = if to >= least { to } else { grid - (grid - least).div_euclid(MINUTE) * MINUTE };
    Promise::new(from, to).expect("it is at least a minute wide")
}

fn is_near(at: Millis, now: Millis) -> bool {
    at.abs_diff(now) <= FAR.unsigned_abs()
}

fn width(promise: Promise) -> Millis {
    promise.to() - promise.from()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_795_363_866_253;

    /// From so many seconds after [`NOW`] to so many.
    fn estimate(early: Millis, late: Millis) -> Estimate {
        let at = |seconds: Millis| NOW + seconds * 1_000;
        Estimate { early: at(early), likely: at(i64::midpoint(early, late)), late: at(late) }
    }

    fn minutes(promise: Promise) -> (Millis, Millis) {
        assert_eq!((promise.from() - NOW) % MINUTE, 0, "whole minutes from the first one on");
        assert_eq!((promise.to() - NOW) % MINUTE, 0);
        ((promise.from() - NOW) / MINUTE, (promise.to() - NOW) / MINUTE)
    }

    #[test]
    fn a_promise_that_holds_is_kept_while_the_estimate_trembles() {
        let first = fresh(estimate(370, 470), NOW);
        assert_eq!(minutes(first), (6, 8));
        for (second, early, late) in [(0, 320, 440), (10, 400, 520), (60, 359, 481), (200, 410, 450)] {
            assert_eq!(steady(Some(first), estimate(early, late), NOW + second * 1_000), first);
        }
    }

    #[test]
    fn a_promise_that_does_not_hold_is_replaced_by_whole_minutes() {
        let first = fresh(estimate(370, 470), NOW);
        let next = |early, late, after: Millis| {
            minutes(steady(Some(first), estimate(early, late), NOW + after * 1_000))
        };
        assert_eq!(next(430, 560, 7), (7, 10), "later");
        assert_eq!(next(250, 380, 7), (4, 7), "sooner");
        assert_eq!(next(470, 470, 480), (7, 9), "its time is over, and it is not ready");
    }

    #[test]
    fn what_is_known_much_better_is_told() {
        let first = fresh(estimate(370, 590), NOW);
        assert_eq!(minutes(first), (6, 10));
        assert_eq!(minutes(steady(Some(first), estimate(430, 470), NOW)), (7, 9));
    }

    #[test]
    fn an_absurd_promise_of_a_foreign_counter_is_not_believed() {
        let estimate = estimate(370, 470);
        for (from, to) in [(Millis::MIN, Millis::MAX), (0, 0), (Millis::MAX, Millis::MAX), (NOW, Millis::MAX)]
        {
            assert_eq!(minutes(steady(Promise::new(from, to), estimate, NOW)), (6, 8), "{from} {to}");
        }
        let absurd = Estimate { early: Millis::MIN, likely: Millis::MAX, late: Millis::MIN };
        assert!(fresh(absurd, NOW).to() > NOW);
        assert!(steady(Some(fresh(estimate, NOW)), absurd, NOW).to() > NOW);
    }

    #[test]
    fn the_shop_shows_minutes_from_now_that_do_not_tremble() {
        let first = Minutes::steady(None, estimate(370, 470), NOW);
        assert_eq!(first, Minutes { from: 6, to: 8 });
        assert_eq!(Minutes::steady(Some(first), estimate(340, 500), NOW + 13), first);
        assert_eq!(Minutes::steady(Some(first), estimate(100, 170), NOW), Minutes { from: 1, to: 3 });
    }
}
