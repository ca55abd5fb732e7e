//! What can be set.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use eventlog::Millis;
use order::Rules;
use traces::Tracer;

/// Tells the time, in milliseconds since the Unix epoch. A simulator has its own.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX),
        // A clock before 1970 is as wrong as one that stands still.
        Err(_) => 1,
    })
}

/// What can be set.
#[derive(Debug, Clone)]
pub struct Options {
    /// The line's times and bounds, and how orders are made.
    pub rules: Rules,
    /// How many drinks make themselves at once; `None`: no limit. Those taken over go on, none starts until
    /// the count is below.
    pub hands: Option<usize>,
    /// More open orders than this, received and making together, and reading pauses.
    pub max_open: usize,
    /// More bytes than this that live orders brought along beyond the core (ready ones too, they are in memory
    /// as well), and reading pauses.
    pub max_open_bytes: usize,
    /// A name that outlives a restart. `None`: a new one each time.
    pub instance: Option<String>,
    /// Who this is, in `ce_source` and `shop.state`; 1 to 64 letters, digits, dashes.
    pub name: String,
    /// Takes spans of what is decided here.
    pub tracer: Tracer,
    /// Go on although records that were never read are gone from the log.
    pub accept_loss: bool,
    /// A step waits no longer than this for something to happen: a bound on how late a stop or a jump of the
    /// clock is noticed.
    pub max_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            hands: None,
            max_open: 2_000_000,
            max_open_bytes: 512 << 20,
            instance: None,
            name: "barista".to_owned(),
            tracer: Tracer::default(),
            accept_loss: false,
            max_wait: Duration::from_millis(250),
        }
    }
}
