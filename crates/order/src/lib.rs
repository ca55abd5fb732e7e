//! What an order is and how it moves. Pure: no I/O, no clock, no threads; time comes in as a value.
//!
//! | module | what it holds |
//! |---|---|
//! | [`topic`] | the topics of the contract |
//! | [`Order`] | the order as it travels: JSON to the byte, unknown fields kept |
//! | [`Command`], [`Event`], [`OrderState`] | what is asked, what was decided, what is so now |
//! | [`decide`], [`apply`] | the rules, over one order |
//! | [`Places`], [`Orders`] | orders in memory, by place and by name |
//! | [`Book`] | the orders of one partition: repeats, pickup codes, what is remembered |
//! | [`TraceContext`] | which trace a request or record is part of: W3C `traceparent`
//! | [`Promise`] | when an order is said to be ready |
//! | [`Code`] | a pickup code's number, words and symbol |
//! | `schema` | JSON schemas of what goes over the wire, with the feature `schema` |

mod book;
mod cloud_event;
mod code;
mod command;
mod dead_letter;
mod decide;
mod event;
mod id;
mod item;
mod limits;
mod order;
mod places;
mod promise;
#[cfg(feature = "schema")]
pub mod schema;
mod state;
pub mod topic;
mod trace;

pub use crate::{
    book::{Book, Change, Rules, Verdict},
    cloud_event::{CloudEvent, rfc3339},
    code::{Code, Codes, Words},
    command::{Action, BadField, By, Command, Presence, Role, Seen, UNDO_REASON},
    dead_letter::DeadLetter,
    decide::{Context, Input, Placed, Refusal, apply, decide},
    event::{Event, Kind, Taken},
    id::{CommandId, IdError, OrderId},
    item::{Extra, Item, LineDetails, Title},
    limits::{BadText, Limits, check_text, is_bidi_control, without_bidi_controls},
    order::{Channel, Details, Order, REQUEST_HASH, Status},
    places::{Key, Named, Orders, Places},
    promise::Promise,
    state::{Answer, At, Marks, Mode, OrderState, ParseError, SCHEMA, Stage, parse_versioned},
    trace::{TraceContext, TraceText},
};

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// A time that may not have come yet, in 8 bytes: a million orders hold several each.
pub type Stamp = Option<std::num::NonZeroI64>;

/// `at` as a [`Stamp`]. The epoch itself reads as "not yet".
pub fn stamp(at: Millis) -> Stamp {
    std::num::NonZeroI64::new(at)
}
