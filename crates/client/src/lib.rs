//! The customers behind `brewline client`: they come one after the other, order over HTTP, and wait for the
//! bell.
//!
//! | module | idea |
//! |---|---|
//! | `options` | who comes, how often, where to; every limit and patience |
//! | `address` | the counter's address, checked once |
//! | `run` | lets the customers in, tells what they say, ends |
//! | `place` | one order over HTTP: asks until it is answered, always with the same key |
//! | `listen` | one order's stream: opens it again as often as it breaks, and hears each bell once |
//! | `announcements` | the same from the log, for customers of any counter |
//! | `bell` | which snapshots ring: a pure function of what was heard before |
//! | `counter`, `sse` | requests with bounds on time and size; an event stream with a bound on one event |
//! | `api` | the whole API, for programs that speak more of it than customers do |
//! | `download` | a file of a counter, piece by piece |
//! | `live` | which process is at an address, and whether its log takes records, for whoever asks before there are customers |
//! | `held_up` | what holds customers up, told once |
//! | `patience`, `seats` | bounded back-off; bounded streams, and who gives way |
//! | `event`, `summary` | what happens, and how it adds up |
//! | `printable` | text from the other side, as it may be shown |
//! | `report` | the same events as lines for people, with a progress line, or as JSON for programs |
//!
//! Nothing in here writes to the terminal by itself: [`run`] tells everything to a [`Reporter`], and
//! [`reporter`] makes the ones that the command line offers.
//!
//! What the customers rely on is the public contract alone: `POST /order?amount=N` with an
//! `Idempotency-Key`, and `GET /orders/{id}/events` or, through [`Announcements`], the records of `order.processed`.

mod address;
mod announcements;
mod api;
mod bell;
mod counter;
mod download;
mod error;
mod event;
mod held_up;
mod listen;
mod live;
mod options;
mod patience;
mod place;
mod printable;
mod report;
mod run;
mod seats;
mod sse;
mod summary;
mod trust;

pub use crate::{
    address::{BadAddress, CounterAddress},
    announcements::Announcements,
    api::{Api, Follow, Reply, Request, Silence, Told},
    bell::{Bell, Code, Heard, Snapshot, State},
    download::NotTaken,
    error::ClientError,
    event::Event,
    held_up::Wait,
    live::{log_trouble, process},
    options::{CUSTOMERS, Limits, Options, Output},
    patience::Patience,
    printable::printable,
    report::{Reporter, reporter},
    run::run,
    summary::{Summary, Verdict},
    trust::BadTrust,
};
