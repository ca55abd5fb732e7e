//! When a drink will be ready: a range that holds, and that does not jump about.
//!
//! | file | idea |
//! |---|---|
//! | `line` | what is being made, what waits, and how many hands there are → when each order is ready |
//! | `hands` | how many hands there are, counted where nobody says |
//! | `pace` | how fast this bar works, from what it made last |
//! | `steady` | an estimate in whole minutes, kept for as long as it holds |
//!
//! `tests/promise/` simulates whole days and counts how often the promise is kept; every number in here was chosen
//! on other days than those.

mod hands;
mod line;
mod pace;
mod steady;

use order::Millis;

pub use self::{
    hands::Hands,
    line::{Bar, Line, Open, Progress},
    pace::Pace,
    steady::{Minutes, fresh, steady},
};

/// A minute.
const MINUTE: Millis = 60_000;

/// When something is ready, as far as that can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Rarely before this.
    pub early: Millis,
    /// About then.
    pub likely: Millis,
    /// Rarely after this.
    pub late: Millis,
}

impl Estimate {
    /// The same, later by so much.
    #[must_use]
    pub fn later_by(self, by: Millis) -> Self {
        let Self { early, likely, late } = self;
        Self {
            early: early.saturating_add(by),
            likely: likely.saturating_add(by),
            late: late.saturating_add(by),
        }
    }
}
