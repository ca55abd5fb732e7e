//! The count of where every order is, and a business day as people look at it. Pure: records come in, nothing is read
//! or written here, and time is a value.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Says`] | what one record says, as far as it is counted |
//! | [`Ledger`] | the equation: accepted = the sum of where every order is, and what is wrong with which order |
//! | [`Fault`] | what can be wrong |
//! | [`Day`] | the orders of a business day, their times and promises |
//! | [`Need`] | what of it needs a person |
//! | [`Search`] | which of its orders someone looks for |
//! | [`Balance`] | how a day closed: what the next recount begins with |
//! | `name` | order ids in a few bytes |
//! | `rows` | what the count knows of each order |
//!
//! The ledger reads four topics: `order.received`, `order.event`, `order.processed` and `order.dlq`. Between topics and
//! partitions any order gives the same once everything has been read.

mod balance;
mod day;
mod fault;
mod ledger;
mod name;
mod needs;
mod rows;
mod says;
mod search;

use eventlog::Topic;
use order::topic;

pub use crate::{
    balance::{Balance, Carried, Positions, Sums},
    day::{Bucket, Day, DayOrder, Line, Percentiles, Promises, Tally, Words},
    fault::{Fault, Place, Wrong},
    ledger::{Began, Equation, Floors, Ledger, Suspect},
    name::Name,
    needs::{Need, Why},
    says::{Decision, Says, Taken},
    search::{Filter, Found, Search},
};

/// What the ledger reads.
pub const TOPICS: [Topic; 4] = [topic::RECEIVED, topic::EVENT, topic::PROCESSED, topic::DLQ];
