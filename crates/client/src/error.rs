//! Why the whole run could not be, or had to end. What happens to one order is an [`crate::Event`] instead.

use std::{io, time::Duration};

use crate::{address::CounterAddress, printable::printable, trust::BadTrust};

/// Why there are no customers, or no longer anybody who hears of them.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An option is outside its range. Nothing was sent.
    #[error("{option} is {given}, but must be {allowed}")]
    OutOfRange {
        /// Which one.
        option: &'static str,
        /// What it was.
        given: String,
        /// What it may be.
        allowed: String,
    },
    /// Whom to trust can't be told. Nothing was sent.
    #[error(transparent)]
    Trust(BadTrust),
    /// Nobody ever answered at the counter's address. Nothing was ordered.
    #[error(
        "the counter at {counter} can't be reached ({reason}; tried for {:.0} s): is `brewline up` or `brewline counter` running? \
         Start it in another terminal, or name the counter's address with --counter",
        tried_for.as_secs_f64().ceil()
    )]
    Unreachable {
        /// Where it was looked for.
        counter: CounterAddress,
        /// What the last attempt said.
        reason: String,
        /// How long it was tried.
        tried_for: Duration,
    },
    /// Whoever is at the counter's address has a certificate that is not trusted. Nothing was ordered.
    #[error("the counter at {counter}: {reason}")]
    Untrusted {
        /// Where it was looked for.
        counter: CounterAddress,
        /// What is wrong with the certificate, and the way out.
        reason: String,
    },
    /// Somebody answers at the counter's address, and it is no counter.
    #[error(
        "what answers at {counter} is no brewline counter ({}); `brewline up` shows the counter's address, \
         say it with --counter",
        printable(reason)
    )]
    NotACounter {
        /// Where a counter was looked for.
        counter: CounterAddress,
        /// How it answered an order, in its own words.
        reason: String,
    },
    /// What happens can't be told any more. Orders that were accepted are made all the same.
    #[error("can't write to the output ({0}); orders that were accepted are made all the same")]
    Output(#[source] io::Error),
    /// The operating system gave no random numbers for the orders' keys. Nothing was sent.
    #[error("the operating system gave no random numbers for the orders' keys: {0}; nothing was ordered")]
    Randomness(String),
}
