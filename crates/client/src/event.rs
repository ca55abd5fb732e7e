//! What happens to customers and their orders, as it is told.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::{held_up::Wait, summary::Summary};

/// One thing that happened. As JSON: an object with `event` and the fields below, durations in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The counter took an order.
    Accepted {
        /// The order.
        order_id: String,
        /// Cups.
        amount: u32,
    },
    /// The counter refused an order, for good or for longer than patience lasts. None was made.
    Refused {
        /// Cups.
        amount: u32,
        /// The HTTP status of the last answer.
        status: u16,
        /// The stable code of the problem, if there was one.
        code: Option<String>,
        /// The reason, for people.
        detail: String,
    },
    /// No answer settled an order within its patience.
    Unanswered {
        /// Cups.
        amount: u32,
        /// Its id, where an answer named it.
        order_id: Option<String>,
        /// Whether there may be such an order all the same.
        maybe_taken: bool,
        /// What the last attempt said.
        detail: String,
    },
    /// The bell: an order is ready for pickup. Once for each round.
    Ready {
        /// The order.
        order_id: String,
        /// 1; 2 after it was called back once.
        round: u32,
        /// The number that is called out, where there is one.
        code: Option<u64>,
        /// From the order's first request to this bell.
        #[serde(rename = "waited_ms", serialize_with = "as_millis")]
        waited: Duration,
        /// Whether an earlier round of it has rung already.
        again: bool,
    },
    /// An order that rang is being made once more, and will ring again.
    Recalled {
        /// The order.
        order_id: String,
        /// The new round.
        round: u32,
    },
    /// An order was cancelled: it is over.
    Cancelled {
        /// The order.
        order_id: String,
        /// Whether it had rung before.
        rang: bool,
    },
    /// An order's bell can't be heard, and nobody listens for it any more.
    Unheard {
        /// The order.
        order_id: String,
        /// What the last attempt said.
        detail: String,
    },
    /// The counter can't be reached. Told once until it is back.
    Lost {
        /// Its address.
        counter: String,
        /// What the attempt said.
        detail: String,
    },
    /// The counter can be reached again.
    Back {
        /// Its address.
        counter: String,
    },
    /// The counter answers, but customers get no further for a while. Told once for each cause.
    Waiting {
        /// For what.
        #[serde(rename = "for")]
        wait: Wait,
        /// Why.
        detail: String,
    },
    /// Every order has rung or is over; from now on only those are heard that are called again.
    AllOver {
        /// How many have rung.
        ready: u32,
        /// How many were wanted.
        customers: u32,
    },
    /// The end, always the last event.
    Summary(Summary),
}

/// For `serialize_with`, which hands over a reference.
fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(millis(*duration))
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
