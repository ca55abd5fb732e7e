//! Time that stands still until someone moves it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::Millis;

/// A clock in milliseconds since the epoch. Clones show the same time.
#[derive(Debug, Clone)]
pub struct SimClock {
    /// The time itself, or, over the machine's clock, what is added to it.
    millis: Arc<AtomicI64>,
    machine: bool,
}

impl SimClock {
    /// A clock that stands at `now`.
    pub fn new(now: Millis) -> Self {
        Self { millis: Arc::new(AtomicI64::new(now)), machine: false }
    }

    /// The machine's clock. It runs by itself; [`SimClock::advance`] and [`SimClock::set`] shift it.
    pub fn machine() -> Self {
        Self { millis: Arc::new(AtomicI64::new(0)), machine: true }
    }

    /// What it shows.
    pub fn now(&self) -> Millis {
        self.base() + self.millis.load(Ordering::SeqCst)
    }

    /// Moves it on, or back.
    pub fn advance(&self, ms: Millis) {
        self.millis.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets it, possibly back.
    pub fn set(&self, now: Millis) {
        self.millis.store(now - self.base(), Ordering::SeqCst);
    }

    fn base(&self) -> Millis {
        if !self.machine {
            return 0;
        }
        // Before 1970, or 300 million years after: a test machine's clock is neither.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX))
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new(0)
    }
}
