//! How many hands there are, counted where nobody says.

use std::{collections::VecDeque, num::NonZeroU32};

/// How many orders back it is counted.
const COUNTED: usize = 16;

/// How many orders a bar makes at once, as the last ones showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hands {
    at_once: VecDeque<usize>,
}

impl Hands {
    /// An order became ready while so many were being made, itself included.
    pub fn ready(&mut self, making: usize) {
        if self.at_once.len() == COUNTED {
            self.at_once.pop_front();
        }
        self.at_once.push_back(making);
    }

    /// As many as there were lately; until that shows, as many as are at work now.
    pub fn seen(&self, making: usize) -> NonZeroU32 {
        let mut counts: Vec<_> = self.at_once.iter().copied().collect();
        counts.sort_unstable();
        // Not the most that there ever were: an order that nobody tapped, or a remake, would pass for a hand.
        let usual = counts.get(counts.len() * 3 / 4).copied().unwrap_or_default();
        let seen = if counts.len() < COUNTED / 2 { usual.max(making) } else { usual };
        NonZeroU32::new(u32::try_from(seen).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_are_those_that_worked_lately_and_an_order_that_was_forgotten_is_none() {
        let mut hands = Hands::default();
        assert_eq!((hands.seen(0).get(), hands.seen(3).get()), (1, 3), "somebody is there");
        for making in [2, 2, 1, 2, 2, 7, 2, 1] {
            hands.ready(making);
        }
        assert_eq!((hands.seen(1).get(), hands.seen(5).get()), (2, 2));
        (0..100).for_each(|_| hands.ready(1));
        assert_eq!((hands.seen(0).get(), hands.at_once.len()), (1, COUNTED), "one went home");
    }
}
