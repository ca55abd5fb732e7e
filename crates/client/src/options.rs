//! Who comes, how often, and where to. Everything has a bound here, so that nothing below needs one more.

use std::{io::IsTerminal, ops::RangeInclusive, path::PathBuf, time::Duration};

use crate::{address::CounterAddress, announcements::Announcements, error::ClientError, patience::Patience};

/// How many customers one run may have.
pub const CUSTOMERS: RangeInclusive<u32> = 1..=10_000;

/// The contract's range for `amount` when one orders something to drink.
const CUPS: RangeInclusive<u32> = 1..=1_000;

/// The longest time between two customers.
const LONGEST_INTERVAL: Duration = Duration::from_hours(1);

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the counter is.
    pub counter: CounterAddress,
    /// Who is trusted where the counter is https: the certificates in this PEM file; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// How many customers come, within [`CUSTOMERS`].
    pub customers: u32,
    /// The time from one customer to the next, at most an hour. The first comes at once.
    pub interval: Duration,
    /// How many cups a customer may want, within 1 to 1,000; each number is as likely as the others.
    pub cups: RangeInclusive<u32>,
    /// End by itself when every accepted order has rung or is over. Otherwise listen on, for orders that are
    /// called again, until stopped.
    pub once: bool,
    /// Where the bells are heard; `None`: from the counter's streams. In the log no order is cancelled: whoever
    /// listens there waits until it is stopped, with [`Options::once`] too.
    pub announcements: Option<Announcements>,
    /// How to tell what happens; for [`crate::reporter`].
    pub output: Output,
    /// Repeats the customers' wishes. Their keys are new every time all the same: a key that came twice would
    /// make no second order.
    pub seed: Option<u64>,
    /// Bounds on time, size and connections.
    pub limits: Limits,
}

/// How to tell what happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Lines: orders and bells on stdout, everything else on stderr.
    Plain,
    /// The same, and a progress line on stderr.
    Progress,
    /// One JSON object a line on stdout, nothing on stderr.
    Json,
}

/// Bounds on time, size and connections. The defaults suit a counter next door.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The first contact: until somebody accepts a connection at the counter's address.
    pub contact: Patience,
    /// One order: from the first request to an answer that settles it.
    pub order: Patience,
    /// One bell: `overall` counts from the stream's last sign of life, so an order may take as long as it
    /// likes while the counter is there.
    pub bell: Patience,
    /// A stream that says nothing for so long is taken for dead. Counters send heartbeats far more often.
    pub silence: Duration,
    /// The counter may say for so long that it doesn't know an order that was accepted: its view may be behind
    /// the log.
    pub unknown: Duration,
    /// Who is held up for so long is told why.
    pub notice: Duration,
    /// How long to wait for answers to orders that were on their way when the run was stopped.
    pub grace: Duration,
    /// How long a stream may be kept while other orders have none.
    pub turn: Duration,
    /// Orders on their way at the same time.
    pub posts: usize,
    /// Streams open at the same time. Orders beyond that take turns.
    pub streams: usize,
    /// The largest answer that is read, in bytes.
    pub body_bytes: usize,
    /// The largest event that is read from a stream, in bytes.
    pub event_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            counter: CounterAddress::default(),
            ca: None,
            customers: 1,
            interval: Duration::from_secs(1),
            cups: 1..=5,
            once: false,
            announcements: None,
            output: Output::Plain,
            seed: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            contact: Patience {
                attempt: 5 * second,
                overall: 10 * second,
                first: second / 10,
                longest: second,
            },
            // The counter itself waits 5 s for the log before it answers.
            order: Patience {
                attempt: 10 * second,
                overall: 60 * second,
                first: second / 5,
                longest: 5 * second,
            },
            bell: Patience {
                attempt: 10 * second,
                overall: 900 * second,
                first: second / 5,
                longest: 5 * second,
            },
            silence: 30 * second,
            unknown: 10 * second,
            notice: second,
            grace: 2 * second,
            turn: 15 * second,
            posts: 64,
            // Below the 1,024 open files that many systems allow a process.
            streams: 512,
            body_bytes: 64 * 1024,
            // The contract's largest record is 64 KiB; a snapshot adds codes and times to it.
            event_bytes: 256 * 1024,
        }
    }
}

impl Output {
    /// [`Output::Progress`] where somebody sees it, else [`Output::Plain`].
    pub fn for_this_terminal() -> Self {
        if std::io::stderr().is_terminal() { Self::Progress } else { Self::Plain }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), ClientError> {
        let refuse =
            |option, given: String, allowed: String| Err(ClientError::OutOfRange { option, given, allowed });
        if !CUSTOMERS.contains(&self.customers) {
            let allowed = format!("from {} to {}", CUSTOMERS.start(), CUSTOMERS.end());
            return refuse("the number of customers", self.customers.to_string(), allowed);
        }
        if self.interval > LONGEST_INTERVAL {
            let given = format!("{} s", self.interval.as_secs());
            return refuse("the time between two customers", given, "at most an hour".into());
        }
        let (least, most) = (*self.cups.start(), *self.cups.end());
        if least > most || !CUPS.contains(&least) || !CUPS.contains(&most) {
            let allowed = format!("a range within {} to {}", CUPS.start(), CUPS.end());
            return refuse("the number of cups", format!("{least} to {most}"), allowed);
        }
        for (option, limit) in [
            ("the number of orders on their way at once", self.limits.posts),
            ("the number of open streams", self.limits.streams),
        ] {
            if !(1..=10_000).contains(&limit) {
                return refuse(option, limit.to_string(), "from 1 to 10000".into());
            }
        }
        Ok(())
    }
}
