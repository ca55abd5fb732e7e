//! The machine's clock, and one that can be set.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use order::Millis;

/// Now. Where decisions rest on a time, it comes from the log; this one only says how old things are.
pub(crate) fn now() -> Millis {
    // A clock before 1970 is as wrong as one that says 1970.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |t| Millis::try_from(t.as_millis()).unwrap_or(Millis::MAX))
}

/// What tells the time, in milliseconds since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Millis + Send + Sync>);

impl Clock {
    /// One that shows what this says.
    pub fn new(shows: impl Fn() -> Millis + Send + Sync + 'static) -> Self {
        Self(Arc::new(shows))
    }

    pub(crate) fn now(&self) -> Millis {
        (self.0)()
    }
}

impl Default for Clock {
    /// The machine's.
    fn default() -> Self {
        Self::new(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
