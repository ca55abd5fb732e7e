//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use order::Millis;

/// Now. Where decisions rest on a time, it comes from the log; this one only says how old things are.
pub(crate) fn now() -> Millis {
    // A clock before 1970 is as wrong as one that says 1970.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |t| Millis::try_from(t.as_millis()).unwrap_or(Millis::MAX))
}
