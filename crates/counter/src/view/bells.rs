//! Whether bells were heard on the customers' phones. A few numbers, however many orders there were.

use std::num::NonZeroI64;

use order::{Millis, OrderState, Presence, Stage};

/// A phone that rang within this time of the bell rang in time: an open page has the news at once, and again within 10 s
/// after it has lost its connection.
const IN_TIME_MS: Millis = 10_000;

/// How the bells of orders that are no longer ready were heard, one for each round.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// The phone said that it rang, within 10 s.
    pub in_time: u64,
    /// The same, later.
    pub late: u64,
    /// The page was open and in front, as far as it said, and did not say that it rang.
    pub missed: u64,
    /// The page was closed, or behind something else, and did not say that it rang.
    pub away: u64,
    /// No phone had said anything: the order was placed without one, or nobody looked.
    pub no_phone: u64,
}

impl Heard {
    pub(super) fn add(&mut self, more: Self) {
        self.in_time += more.in_time;
        self.late += more.late;
        self.missed += more.missed;
        self.away += more.away;
        self.no_phone += more.no_phone;
    }

    /// Counts the bell of an order that was ready, and is not any more.
    pub(super) fn count(&mut self, was: &OrderState) {
        let Some(ready_at) = was.ready_at.map(NonZeroI64::get).filter(|_| was.stage == Stage::Ready) else {
            return;
        };
        let marks = was.marks.as_ref();
        let rang_at = marks.and_then(|marks| marks.rang_at).map(NonZeroI64::get);
        let count = match (rang_at, marks.and_then(|marks| marks.presence)) {
            (Some(rang_at), _) if rang_at - ready_at <= IN_TIME_MS => &mut self.in_time,
            (Some(_), _) => &mut self.late,
            (None, Some(Presence::Listening)) => &mut self.missed,
            (None, Some(Presence::Hidden | Presence::Gone)) => &mut self.away,
            (None, None) => &mut self.no_phone,
        };
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use order::{At, Marks, Mode, Order, OrderId, Placed, stamp};

    use super::*;

    fn was(stage: Stage, marks: Marks) -> OrderState {
        let placed = Placed {
            at: At { partition: 0, offset: 0 },
            received_at: 1,
            foreign: false,
            history_from: 0,
            traceparent: None,
        };
        let order = Order::new(OrderId::new("o").unwrap(), 1);
        OrderState {
            stage,
            version: 2,
            ready_at: stamp(100_000),
            marks: Some(Box::new(marks)),
            ..OrderState::undecided(order, placed, Mode::Manual)
        }
    }

    #[test]
    fn a_bell_counts_by_what_the_phone_said_of_it() {
        let mut heard = Heard::default();
        let none = Marks::default();
        let rang = |at| Marks { rang_at: stamp(at), ..none.clone() };
        let is = |presence| Marks { presence: Some(presence), ..none.clone() };
        for marks in [
            rang(110_000),
            rang(110_001),
            is(Presence::Listening),
            is(Presence::Hidden),
            is(Presence::Gone),
            none.clone(),
        ] {
            heard.count(&was(Stage::Ready, marks));
        }
        heard.count(&was(Stage::Making, rang(1)));
        assert_eq!(heard, Heard { in_time: 1, late: 1, missed: 1, away: 2, no_phone: 1 });
    }
}
