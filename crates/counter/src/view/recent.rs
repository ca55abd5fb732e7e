//! How fast the bar was lately, and whether an order was ready when it was said to be. A few numbers, however many
//! orders there were.

use std::num::NonZeroI64;

use order::{Millis, Mode, OrderState, Stage};
use shop::promise::{Hands, Pace};

/// Of about how many orders the average cup is.
const CUPS: Millis = 16;
/// Where a drink is ready within this part of its work, nobody tapped when it was begun.
const TAPPED: Millis = 5;

/// What the last orders say of the bar.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    pace: Pace,
    hands: Hands,
    /// When the last one became ready.
    ready_at: Millis,
    /// The work of one cup of the last orders, on average.
    cup: Option<Millis>,
}

/// What was known of an order before it changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    pub(super) stage: Stage,
    /// How many orders were being made.
    pub(super) making: usize,
}

/// How orders kept their first promises.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Ready inside it.
    pub inside: u64,
    /// Ready before it.
    pub before: u64,
    /// Ready after it.
    pub after: u64,
}

impl Recent {
    /// How fast people are.
    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// How long a cup takes by what was ordered lately.
    pub(crate) fn cup(&self) -> Option<Millis> {
        self.cup
    }

    /// How many orders people make at once, as far as that shows.
    pub(crate) fn hands(&self) -> &Hands {
        &self.hands
    }

    /// An order became ready for the first time. `before`: what was seen of it before, `hands`: how many orders are
    /// made at once, as far as it was said.
    pub(super) fn became_ready(
        &mut self,
        state: &OrderState,
        before: Option<Before>,
        work: Millis,
        hands: Option<u32>,
    ) {
        let Some(ready_at) = state.ready_at.map(NonZeroI64::get) else { return };
        if state.order.amount > 0 {
            let cup = work / Millis::from(state.order.amount);
            let usual = self.cup.unwrap_or(cup);
            self.cup = Some(usual + (cup - usual) / CUPS);
        }
        let last = self.ready_at;
        self.ready_at = last.max(ready_at);
        if state.mode == Mode::Auto {
            return;
        }
        let began = state
            .making_at
            .map(NonZeroI64::get)
            .filter(|began| ready_at.saturating_sub(*began).saturating_mul(TAPPED) >= work);
        let took = match began {
            Some(began) => ready_at.saturating_sub(began),
            // It was begun when the last one was ready, by one of so many hands, or at once if the line was empty.
            None if last > state.received_at => {
                ready_at.saturating_sub(last).saturating_mul(hands.unwrap_or(1).into())
            }
            None => ready_at.saturating_sub(state.received_at),
        };
        self.pace.made(work, took);
        if let Some(Before { stage, making }) = before {
            // One that nobody tapped before was being made all the same.
            self.hands.ready(making + usize::from(stage != Stage::Making));
        }
    }
}

impl Kept {
    pub(super) fn add(&mut self, more: Self) {
        self.inside += more.inside;
        self.before += more.before;
        self.after += more.after;
    }

    /// Counts an order that became ready.
    pub(super) fn count(&mut self, state: &OrderState) {
        let (Some(promise), Some(ready_at)) = (state.promised(), state.ready_at.map(NonZeroI64::get)) else {
            return;
        };
        if ready_at < promise.from() {
            self.before += 1;
        } else if ready_at > promise.to() {
            self.after += 1;
        } else {
            self.inside += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use order::{At, Details, Order, OrderId, Placed, Promise, stamp};

    use super::*;

    const MINUTE: Millis = 60_000;

    fn ready(received_at: Millis, making_at: Option<Millis>, ready_at: Millis) -> OrderState {
        let details = Details { promise: Promise::new(MINUTE, 2 * MINUTE), ..Details::default() };
        let order = Order { details: Some(Box::new(details)), ..Order::new(OrderId::new("a").unwrap(), 1) };
        let at = At { partition: 0, offset: 0 };
        let placed = Placed { at, received_at, foreign: false, history_from: 0, traceparent: None };
        let state = OrderState::undecided(order, placed, Mode::Manual);
        OrderState {
            stage: Stage::Ready,
            making_at: making_at.and_then(stamp),
            ready_at: stamp(ready_at),
            ..state
        }
    }

    fn paced(work: Millis, orders: &[OrderState], hands: Option<u32>) -> Pace {
        let mut recent = Recent::default();
        for state in orders {
            recent.became_ready(state, None, work, hands);
        }
        recent.pace()
    }

    fn as_if_taken(work: Millis, took: Millis, times: usize) -> Pace {
        let mut pace = Pace::default();
        (0..times).for_each(|_| pace.made(work, took));
        pace
    }

    #[test]
    fn where_nobody_taps_that_a_drink_is_begun_the_pace_is_that_of_the_bells() {
        let bells = |tapped: Option<Millis>| {
            let ready = |n: Millis| ready(0, tapped.map(|before| n * MINUTE - before), n * MINUTE);
            (1..=20).map(ready).collect::<Vec<_>>()
        };
        assert_eq!(paced(MINUTE, &bells(None), None), as_if_taken(MINUTE, MINUTE, 20));
        assert_eq!(paced(MINUTE, &bells(Some(1_000)), None), as_if_taken(MINUTE, MINUTE, 20), "both at once");
        assert_eq!(paced(MINUTE, &bells(Some(40_000)), None), as_if_taken(MINUTE, 40_000, 20));
        let two_hands = paced(MINUTE, &bells(None)[1..], Some(2));
        assert_ne!(two_hands, as_if_taken(MINUTE, MINUTE, 19), "each of two takes two minutes");
    }

    #[test]
    fn an_order_that_nobody_tapped_before_it_was_ready_took_a_hand_too() {
        let hands = |stage, making| {
            let mut recent = Recent::default();
            let before = Some(Before { stage, making });
            (0..20).for_each(|_| recent.became_ready(&ready(0, None, MINUTE), before, MINUTE, None));
            recent.hands().seen(0).get()
        };
        assert_eq!(hands(Stage::Making, 2), 2);
        assert_eq!(hands(Stage::Received, 2), 3);
    }

    #[test]
    fn what_makes_itself_says_nothing_of_how_fast_people_are() {
        let state = OrderState { mode: Mode::Auto, ..ready(1, Some(1), 9 * MINUTE) };
        assert_eq!(paced(MINUTE, &[state], None), Pace::default());
    }

    #[test]
    fn the_average_cup_is_one_of_what_was_ordered_lately() {
        let mut recent = Recent::default();
        assert_eq!(recent.cup(), None);
        let order = Order::new(OrderId::new("a").unwrap(), 3);
        let state = OrderState { order, mode: Mode::Auto, ..ready(0, Some(0), MINUTE) };
        recent.became_ready(&state, None, 90_000, None);
        assert_eq!(recent.cup(), Some(30_000));
        (0..200).for_each(|_| recent.became_ready(&state, None, 60_000, None));
        assert!((20_000..20_100).contains(&recent.cup().unwrap()), "{:?}", recent.cup());
        let none = OrderState { order: Order::new(OrderId::new("b").unwrap(), 0), ..state };
        recent.became_ready(&none, None, 0, None);
        assert!(recent.cup() >= Some(20_000), "no cups are none");
    }

    #[test]
    fn a_promise_is_kept_from_its_first_moment_to_its_last() {
        let mut kept = Kept::default();
        for (ready_at, so_far) in [
            (MINUTE - 1, (0, 1, 0)),
            (MINUTE, (1, 1, 0)),
            (2 * MINUTE, (2, 1, 0)),
            (2 * MINUTE + 1, (2, 1, 1)),
        ] {
            kept.count(&ready(1, None, ready_at));
            assert_eq!((kept.inside, kept.before, kept.after), so_far);
        }
        kept.count(&OrderState { order: Order::new(OrderId::new("a").unwrap(), 1), ..ready(1, None, 1) });
        assert_eq!(kept, Kept { inside: 2, before: 1, after: 1 }, "what was promised nothing");
    }
}
