//! The count and the business day beside it.

use eventlog::Entry;
use ledger::{Began, Equation, Fault, Ledger, Says};
use order::Millis;
use shop::Day;

/// A count, with what people look at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Count {
    pub(crate) ledger: Ledger,
    pub(crate) day: ledger::Day,
    /// Which day that is; `None` before anything was counted.
    pub(crate) business: Option<Day>,
    /// What is wrong, for certain.
    pub(crate) faults: Vec<Fault>,
    /// Where everything was when nothing was in doubt.
    pub(crate) equation: Equation,
    /// How many partitions there are.
    pub(crate) partitions: u32,
}

impl Count {
    /// A count of this day that goes on from there.
    pub(crate) fn new(ledger: Ledger, day: ledger::Day, business: Day, partitions: u32) -> Self {
        let equation = ledger.equation();
        Self { ledger, day, business: Some(business), faults: Vec::new(), equation, partitions }
    }

    /// Takes one record into account.
    pub(crate) fn take(&mut self, entry: &Entry) {
        let says = Says::of(entry);
        self.ledger.observe(entry, &says);
        // What was before is counted, and belongs to another day's picture.
        if self.business.is_none_or(|day| entry.timestamp >= day.from) {
            self.day.observe(entry, &says);
        }
    }

    /// Whether every order is accounted for.
    pub(crate) fn holds(&self) -> bool {
        self.faults.is_empty() && self.ledger.newer().is_none()
    }

    /// With what it began: when, why, and with which day's balance.
    pub(crate) fn began(&self) -> (Option<Millis>, &'static str, Option<&str>) {
        match self.ledger.began() {
            Began::First => (None, "first", None),
            Began::Balance { date, at } => (Some(*at), "balance", Some(date)),
            Began::Kept { at } => (Some(*at), "kept", None),
        }
    }
}
