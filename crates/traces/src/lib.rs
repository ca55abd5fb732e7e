//! Spans of an order's way, from the phone's request through the log to its bell. No I/O: whoever has the spans sends
//! them where they are to go.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Tracer`] | which traces are recorded; a bounded queue between those who make spans and whoever sends them |
//! | [`Span`] | what a span says of one step |
//! | `place` | the names of spans that several processes must agree on without asking each other |
//! | [`Otlp`] | spans as OTLP, which every collector reads |
//!
//! A trace context is a value that travels with a record, in its header and in the order's state. Spans are made
//! afterwards, when it is known how a step ended, from times that were taken on the way. So there is nothing to be
//! entered or left, no thread has a current span, and a trace that is not recorded costs its header alone.

mod otlp;
mod place;
mod span;
mod tracer;

pub use crate::{
    otlp::{Otlp, rejected},
    place::{announced, asked, decided},
    span::{Commit, Decided, Input, Request, Sent, Span, What},
    tracer::{Dropped, Nanos, QUEUE, Ratio, Spans, Tracer, now},
};
