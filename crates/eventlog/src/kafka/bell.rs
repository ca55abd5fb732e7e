//! Wakes whoever waits for one of several things: librdkafka's queues, or the end of the log.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Instant,
};

/// Stays rung until someone has waited for it, so that nothing that happens between a look and a wait is missed.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Wakes the one that waits, or the next one that wants to.
    pub(super) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for a ring, until `at` at most.
    pub(super) fn wait_until(&self, at: Instant) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        while !*rung {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            rung = self.changed.wait_timeout(rung, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *rung = false;
    }
}
