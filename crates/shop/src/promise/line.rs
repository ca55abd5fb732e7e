//! What is being made, what waits, and how many hands there are: when each order is ready.

use std::{cmp::Reverse, collections::BinaryHeap, num::NonZeroU32};

use order::{Millis, Mode};

use super::{Estimate, Pace};

/// Of so many thousands of orders one more is made again while the others wait. Source: the simulated days.
const REMAKES: Millis = 30;
/// How far a pace is from the one that shows in a few minutes, in thousandths of the time until then.
const DOUBT: Millis = 50;
/// How many standard deviations an estimate leaves before and after the likely time, in thousandths. Making times
/// are skew: drinks are late by more than they are early.
const EARLY: Millis = 900;
const LATE: Millis = 1_150;

/// Who makes the drinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bar {
    /// How many orders are made at once; `None`: each is begun at once.
    pub hands: Option<NonZeroU32>,
    /// How fast people are. What makes itself is as fast as it says.
    pub pace: Pace,
}

/// An order that is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// How long it takes to make, by the menu.
    pub work: Millis,
    /// Whether people make it, or it makes itself.
    pub mode: Mode,
    /// How far it has come.
    pub progress: Progress,
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is not begun.
    Waiting,
    /// It is being made.
    Making {
        /// When it was begun.
        since: Millis,
        /// When it is ready, if that is settled.
        due: Option<Millis>,
    },
}

/// The line as it is: who comes now is made after all that is in it, first in, first out.
#[derive(Debug, Clone)]
pub struct Line {
    now: Millis,
    bar: Bar,
    /// When the hands that are at work are free again, as many of them as there are hands.
    busy: BinaryHeap<Reverse<Millis>>,
    /// The variance of the work that is in the line, in milliseconds squared.
    variance: Millis,
}

/// How long something takes.
#[derive(Debug, Clone, Copy)]
struct Takes {
    likely: Millis,
    variance: Millis,
}

impl Line {
    /// A line with nothing in it.
    pub fn new(now: Millis, bar: Bar) -> Self {
        Self { now, bar, busy: BinaryHeap::new(), variance: 0 }
    }

    /// The line with these orders in it, and when each of them is ready. Those that wait are in the order in which
    /// they will be begun.
    ///
    /// What is being made has hands; if it is more than there are, what was begun last comes before everything that
    /// waits: so it is with a drink that is made again, which the next hand that is free takes up.
    pub fn of(now: Millis, bar: Bar, open: &[Open]) -> (Self, Vec<Estimate>) {
        let mut line = Self::new(now, bar);
        let mut estimates = vec![Estimate { early: now, likely: now, late: now }; open.len()];
        let since = |open: &Open| match open.progress {
            Progress::Waiting => None,
            Progress::Making { since, .. } => Some(since),
        };
        let mut begun: Vec<_> =
            open.iter().enumerate().filter_map(|(place, open)| Some((since(open)?, place))).collect();
        begun.sort_unstable();
        for (_, place) in begun {
            estimates[place] = line.making(open[place]);
        }
        for (open, estimate) in open.iter().zip(&mut estimates) {
            if open.progress == Progress::Waiting {
                *estimate = line.add(open.work, open.mode);
            }
        }
        (line, estimates)
    }

    /// When one more order would be ready.
    pub fn ask(&self, work: Millis, mode: Mode) -> Estimate {
        let (start, variance) = self.start();
        self.estimate(start, variance, self.takes(work, mode))
    }

    /// The same, and it stays in the line.
    pub fn add(&mut self, work: Millis, mode: Mode) -> Estimate {
        let (start, variance) = self.start();
        let takes = self.takes(work, mode);
        self.occupy(start.saturating_add(takes.likely), takes.variance);
        self.estimate(start, variance, takes)
    }

    /// So many more orders are in the line that nobody looked at, each of about this work.
    pub fn add_unseen(&mut self, orders: usize, work: Millis, mode: Mode) {
        let Some(hands) = self.bar.hands else { return };
        let orders = Millis::try_from(orders).unwrap_or(Millis::MAX);
        let each = self.takes(work, mode).likely.saturating_mul(orders) / Millis::from(hands.get());
        let later = |Reverse(free): &Reverse<Millis>| Reverse(free.saturating_add(each));
        self.busy = self.busy.iter().map(later).collect();
    }

    fn making(&mut self, open: Open) -> Estimate {
        let (mode, Progress::Making { since, due }) = (open.mode, open.progress) else {
            return self.add(open.work, open.mode);
        };
        if let (Mode::Auto, Some(due)) = (mode, due) {
            let due = due.max(self.now);
            self.occupy(due, 0);
            return Estimate { early: due, likely: due, late: due };
        }
        if self.has_no_free_hand() {
            return self.add(open.work, mode);
        }
        let takes = left(self.takes(open.work, mode), self.now.saturating_sub(since).max(0));
        self.occupy(self.now.saturating_add(takes.likely), takes.variance);
        self.estimate(self.now, 0, takes)
    }

    fn has_no_free_hand(&self) -> bool {
        self.bar.hands.is_some_and(|hands| self.busy.len() >= hands.get() as usize)
    }

    /// When the next hand is free, and how uncertain that is.
    fn start(&self) -> (Millis, Millis) {
        let (Some(hands), Some(Reverse(free))) = (self.bar.hands, self.busy.peek()) else {
            return (self.now, 0);
        };
        if !self.has_no_free_hand() {
            return (self.now, 0);
        }
        let hands = Millis::from(hands.get());
        ((*free).max(self.now), self.variance / hands / hands)
    }

    /// A hand is at work until then.
    fn occupy(&mut self, until: Millis, variance: Millis) {
        let Some(hands) = self.bar.hands else { return };
        self.variance = self.variance.saturating_add(variance);
        self.busy.push(Reverse(until));
        if self.busy.len() > hands.get() as usize {
            self.busy.pop();
        }
    }

    fn takes(&self, work: Millis, mode: Mode) -> Takes {
        match mode {
            Mode::Auto => Takes { likely: work, variance: 0 },
            Mode::Manual => {
                let likely = self.bar.pace.takes(work);
                Takes { likely, variance: square(likely.saturating_mul(self.bar.pace.spread()) / 1_000) }
            }
        }
    }

    fn estimate(&self, start: Millis, variance: Millis, takes: Takes) -> Estimate {
        let remakes = if variance == 0 { 0 } else { (start - self.now) / 1_000 * REMAKES };
        let likely = start.saturating_add(remakes).saturating_add(takes.likely);
        let variance = variance.saturating_add(takes.variance);
        if variance == 0 {
            return Estimate { early: likely, likely, late: likely };
        }
        let doubt = (likely - self.now) / 1_000 * DOUBT;
        let off = variance.saturating_add(square(doubt)).isqrt();
        Estimate {
            early: (likely - off.saturating_mul(EARLY) / 1_000).max(self.now),
            likely,
            late: likely.saturating_add(off.saturating_mul(LATE) / 1_000),
        }
    }
}

/// What is left of it after so long. It comes near its end, but is never over: whoever is late for long is not ready
/// at once, and whoever was forgotten holds up nobody.
fn left(takes: Takes, elapsed: Millis) -> Takes {
    let (left, deviation) = (takes.likely.saturating_sub(elapsed), takes.variance.isqrt());
    // A hyperbola between both: two thirds of the deviation are left at the likely time, as of a lognormal time with a
    // coefficient of variation of 0.3.
    let bend = deviation.saturating_mul(4) / 3;
    let root = square(left).saturating_add(square(bend)).isqrt();
    let likely = left.saturating_add(root) / 2;
    Takes { likely, variance: square(deviation.min(likely)) }
}

fn square(millis: Millis) -> Millis {
    millis.saturating_mul(millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promise::{Minutes, fresh};

    const SECOND: Millis = 1_000;
    const MINUTE: Millis = 60 * SECOND;
    const NOW: Millis = 1_795_363_866_253;

    fn bar(hands: u32) -> Bar {
        Bar { hands: NonZeroU32::new(hands), pace: Pace::default() }
    }

    fn open(mode: Mode, seconds: Millis, progress: Progress) -> Open {
        Open { work: seconds * SECOND, mode, progress }
    }

    fn making(seconds_ago: Millis, due_in: Option<Millis>) -> Progress {
        Progress::Making { since: NOW - seconds_ago * SECOND, due: due_in.map(|s| NOW + s * SECOND) }
    }

    /// When each is likely ready, in seconds from now.
    fn likely(estimates: &[Estimate]) -> Vec<Millis> {
        estimates.iter().map(|estimate| (estimate.likely - NOW) / SECOND).collect()
    }

    #[test]
    fn what_makes_itself_without_a_limit_is_promised_to_the_minute() {
        let estimate = Line::new(NOW, Bar::default()).ask(80 * SECOND, Mode::Auto);
        let promise = fresh(estimate, NOW);
        assert_eq!((promise.from(), promise.to()), (NOW + MINUTE, NOW + 2 * MINUTE));
        assert_eq!(Minutes::steady(None, estimate, NOW), Minutes { from: 1, to: 2 });
        let waiting = vec![open(Mode::Auto, 600, Progress::Waiting); 1_000];
        let (line, _) = Line::of(NOW, Bar::default(), &waiting);
        assert_eq!(line.ask(80 * SECOND, Mode::Auto), estimate, "nobody waits for anybody");
    }

    #[test]
    fn a_drink_that_takes_whole_minutes_is_promised_from_then_on() {
        let promise = fresh(Line::new(NOW, Bar::default()).ask(2 * MINUTE, Mode::Auto), NOW);
        assert_eq!((promise.from(), promise.to()), (NOW + 2 * MINUTE, NOW + 3 * MINUTE));
        let promise = fresh(Line::new(NOW, Bar::default()).ask(0, Mode::Auto), NOW);
        assert_eq!((promise.from(), promise.to()), (NOW, NOW + MINUTE));
    }

    #[test]
    fn first_in_first_out_by_as_many_hands_as_there_are() {
        let waiting = |seconds| open(Mode::Auto, seconds, Progress::Waiting);
        let (line, estimates) = Line::of(NOW, bar(2), &[waiting(30), waiting(100), waiting(40), waiting(10)]);
        assert_eq!(likely(&estimates), [30, 100, 70, 80]);
        assert_eq!(likely(&[line.ask(5 * SECOND, Mode::Auto)]), [85]);
    }

    #[test]
    fn a_drink_that_makes_itself_is_ready_when_it_is_due_and_none_begins_before_a_hand_is_free() {
        let auto = |progress| open(Mode::Auto, 60, progress);
        let (line, estimates) = Line::of(
            NOW,
            bar(1),
            &[auto(Progress::Waiting), auto(making(50, Some(10))), auto(making(20, Some(40)))],
        );
        assert_eq!(likely(&estimates), [100, 10, 40], "both that were taken over go on");
        assert_eq!(likely(&[line.ask(0, Mode::Auto)]), [100]);
    }

    #[test]
    fn a_remake_is_next_before_everyone_who_waits() {
        let manual = |progress| open(Mode::Manual, 60, progress);
        let (_, estimates) = Line::of(
            NOW,
            bar(1),
            &[manual(Progress::Waiting), manual(making(0, None)), manual(making(10, None))],
        );
        let [waiting, remake, made] = estimates[..] else { panic!("three orders") };
        assert!(made.likely < remake.likely && remake.likely < waiting.likely, "{estimates:?}");
        assert!(waiting.likely - made.likely >= 120 * SECOND, "{estimates:?}");
    }

    #[test]
    fn who_was_begun_is_nearer_and_who_was_forgotten_holds_up_nobody() {
        let one = |seconds_ago| {
            let (line, estimates) =
                Line::of(NOW, bar(1), &[open(Mode::Manual, 60, making(seconds_ago, None))]);
            assert_eq!(estimates[0].early.min(NOW), NOW, "nothing is ready before now");
            (likely(&estimates)[0], likely(&[line.ask(60 * SECOND, Mode::Manual)])[0])
        };
        assert_eq!(one(0).0, 62);
        assert!((30..36).contains(&one(30).0) && (10..14).contains(&one(60).0));
        assert_eq!(one(3_600), (0, 60));
    }

    #[test]
    fn orders_that_nobody_looked_at_take_their_time_too() {
        let waiting = vec![open(Mode::Auto, 60, Progress::Waiting); 2];
        let (mut line, _) = Line::of(NOW, bar(2), &waiting);
        line.add_unseen(10, 60 * SECOND, Mode::Auto);
        assert_eq!(likely(&[line.ask(60 * SECOND, Mode::Auto)]), [60 + 300 + 60]);
    }

    #[test]
    fn absurd_numbers_of_a_foreign_counter_break_nothing() {
        let absurd = Open { work: Millis::MAX / 2, mode: Mode::Manual, progress: Progress::Waiting };
        let since = Open { progress: Progress::Making { since: Millis::MIN, due: None }, ..absurd };
        let due = Open {
            mode: Mode::Auto,
            progress: Progress::Making { since: 0, due: Some(Millis::MAX) },
            ..absurd
        };
        for hands in [0, 1, 1_000_000] {
            let (mut line, estimates) = Line::of(NOW, bar(hands), &[absurd, since, due, absurd]);
            line.add_unseen(usize::MAX, Millis::MAX, Mode::Manual);
            for estimate in estimates.into_iter().chain([line.ask(Millis::MAX, Mode::Manual)]) {
                let promise = fresh(estimate, NOW);
                assert!(promise.from() < promise.to(), "{promise:?}");
            }
        }
    }
}
