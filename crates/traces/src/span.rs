//! What a span says. Order ids are in there, as in diagnostics; names, notes and tokens never are.

use std::num::NonZeroU64;

use order::{At, Kind, OrderId, Stage, TraceContext};

use crate::Nanos;

/// One step, when it is over.
#[derive(Debug, Clone)]
pub struct Span {
    /// Its own place in the trace.
    pub context: TraceContext,
    /// The span that caused it; `None`: the trace begins here.
    pub parent: Option<NonZeroU64>,
    /// When it began.
    pub start: Nanos,
    /// When it was over.
    pub end: Nanos,
    /// What it was.
    pub what: What,
}

/// The steps of an order's way.
#[derive(Debug, Clone)]
pub enum What {
    /// A request was answered.
    Request(Request),
    /// A record was added to the log.
    Sent(Sent),
    /// A barista decided, and it is committed.
    Decided(Decided, Commit),
    /// A phone was told that the order is ready.
    Bell {
        /// Which order.
        order: OrderId,
        /// In which round.
        round: u32,
    },
}

/// A request that was answered. Never its path or query, in which ids and codes stand.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method; of one that nobody knows, `_OTHER`.
    pub method: &'static str,
    /// The path as it is in the documentation: `/orders/{id}`; `None`: there is no such path.
    pub route: Option<Box<str>>,
    /// Whether it came over TLS that this process speaks itself.
    pub is_secure: bool,
    /// The answer's status.
    pub status: u16,
    /// The problem's code, where it was refused.
    pub problem: Option<&'static str>,
}

/// A record that was added to the log, or was not.
#[derive(Debug, Clone)]
pub struct Sent {
    /// To which topic, without the prefix.
    pub topic: &'static str,
    /// To which partition.
    pub partition: u32,
    /// Where it stands, if that is known.
    pub offset: Option<u64>,
    /// About which order.
    pub order: OrderId,
    /// Why it is not there, or why nobody knows.
    pub error: Option<&'static str>,
}

/// What a barista decided.
#[derive(Debug, Clone)]
pub struct Decided {
    /// About which order.
    pub order: OrderId,
    /// What.
    pub kind: Kind,
    /// The order's state after it.
    pub stage: Stage,
    /// The order's round after it.
    pub round: u32,
    /// The order's version after it.
    pub version: u32,
    /// It was asked for, and refused.
    pub is_refused: bool,
    /// What it was decided for; `None`: its time had come.
    pub input: Option<Input>,
}

/// The transaction that made a decision so.
#[derive(Debug, Clone, Copy)]
pub struct Commit {
    /// When it began.
    pub began: Nanos,
    /// Records read and timers fired that it rests on, of all orders.
    pub inputs: u64,
}

/// A record that was read.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// From which topic, without the prefix.
    pub topic: &'static str,
    /// Where it stands.
    pub at: At,
    /// The trace that it came with, if that is another one than the order's.
    pub other: Option<TraceContext>,
}
