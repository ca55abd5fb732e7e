//! How fast a bar works, from what it made last.

use std::ops::RangeInclusive;

use order::Millis;

/// About how many of the last orders count; each one before them counts for less.
const WEIGHT: Millis = 48;
/// What is believed of the menu to begin with, as work in milliseconds: twelve orders of a usual size.
const KNOWN: Millis = 12 * 45_000;
/// How much making times differ, in thousandths, until this bar has shown it. Source: the coefficient of variation
/// that the simulated days have.
const SPREAD: Millis = 300;
/// How far a bar is from what its menu says, in thousandths.
const RATIO: RangeInclusive<Millis> = 200..=5_000;
/// Who took so many times as long as the others was forgotten, or tapped late: it counts as this.
const OUTLIER: Millis = 3;

/// How fast a bar works, and how evenly. It remembers four numbers, however much was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long the last orders should have taken, and how long they took.
    said: Millis,
    taken: Millis,
    /// The mean square of how far each was from the rest, in millionths.
    spread: Millis,
}

impl Default for Pace {
    /// A bar that works as the menu says.
    fn default() -> Self {
        Self { said: KNOWN, taken: KNOWN, spread: SPREAD * SPREAD }
    }
}

impl Pace {
    /// An order was made: its work by the menu, and how long hands were at it.
    pub fn made(&mut self, work: Millis, took: Millis) {
        // What takes no time says nothing of a pace.
        if work <= 0 {
            return;
        }
        let usual = self.ratio();
        let ratio = thousandths(took.max(0), work).clamp(usual / OUTLIER, usual * OUTLIER);
        let off = (thousandths(ratio, usual) - 1_000).min(1_000);
        self.spread += (off * off - self.spread) / WEIGHT;
        // One large order does not count for as much as the hour before it.
        let work = work.min(KNOWN / 4);
        self.said += work - self.said / WEIGHT;
        self.taken += work * ratio / 1_000 - self.taken / WEIGHT;
    }

    /// How long it takes for what the menu says takes so long.
    pub(super) fn takes(&self, work: Millis) -> Millis {
        work.saturating_mul(self.ratio()) / 1_000
    }

    /// The standard deviation of that, in thousandths of it.
    pub(super) fn spread(&self) -> Millis {
        self.spread.isqrt()
    }

    /// Time taken to work said, in thousandths.
    fn ratio(&self) -> Millis {
        thousandths(self.taken, self.said).clamp(*RATIO.start(), *RATIO.end())
    }
}

/// `part` of `whole`, in thousandths.
fn thousandths(part: Millis, whole: Millis) -> Millis {
    part.saturating_mul(1_000) / whole.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_that_is_slower_than_the_menu_is_believed_after_a_few_orders() {
        let mut pace = Pace::default();
        assert_eq!(pace.takes(60_000), 60_000);
        for _ in 0..100 {
            pace.made(40_000, 60_000);
        }
        assert!((88_000..=90_000).contains(&pace.takes(60_000)), "{}", pace.takes(60_000));
        assert!(pace.spread() < 200, "it works evenly: {}", pace.spread());
    }

    #[test]
    fn an_order_that_was_forgotten_and_one_that_takes_no_time_change_little() {
        let mut pace = Pace::default();
        pace.made(45_000, Millis::MAX);
        pace.made(0, 1_000_000);
        pace.made(45_000, -5);
        assert!((60_000..=70_000).contains(&pace.takes(60_000)), "{}", pace.takes(60_000));
        assert!(pace.spread() <= 400, "{}", pace.spread());
        pace.made(Millis::MAX, Millis::MAX);
        assert!(pace.takes(Millis::MAX) > 0);
    }
}
