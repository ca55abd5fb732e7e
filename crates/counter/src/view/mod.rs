//! What the log says, folded: every remembered order, the shop's facts, and how old this knowledge is.
//!
//! | file | idea |
//! |---|---|
//! | `fold` | one entry of the log → what is different now; pure, so that a simulator can step it |
//! | `table` | the orders and the few indexes that screens need |
//! | `foreign` | orders that a barista of someone else made |
//! | `shop`, `facts` | what the line settles for the whole shop; what staff and bar pages say of it |
//! | `devices` | who may do what: signed-in devices, codes that sign one in, tokens |
//! | `prints` | which orders are owed on paper |
//! | `bells` | whether bells were heard on the customers' phones |
//! | `recent` | how fast the bar was lately, and whether its promises held |
//! | `forecast` | when orders will be ready, as it is shown and promised |
//! | `ways` | how the orders of a partition are made: by whom, how fast, after which others |
//! | `snapshot` | an order as JSON |
//! | `feed` | which orders changed, for whoever follows all of them |
//! | `watch` | who waits for one order, or for one command |
//! | `written` | facts of the shop as counters write them |
//! | `views` | the view that threads share |
//! | `runner` | the thread that keeps it up to date |

mod bells;
mod devices;
mod facts;
mod feed;
mod fold;
mod forecast;
mod foreign;
mod prints;
mod recent;
mod runner;
pub(crate) mod shop;
pub(crate) mod snapshot;
mod table;
mod views;
mod watch;
mod ways;
pub(crate) mod written;

pub use self::{
    bells::Heard,
    facts::Facts,
    fold::{Changes, View},
    recent::Kept,
    shop::Shop,
    table::{Ahead, Counts},
    views::Views,
};
pub(crate) use self::{
    devices::{
        CLAIM_PREFIX, CODE_PREFIX, DEVICE_PREFIX, SEEN_PREFIX, SESSION_MS, SESSIONS, StaffRole, TOKEN_PREFIX,
        is_name,
    },
    facts::{
        BAR_PREFIX, BARS_MAX, BUSY_MINUTES_MAX, MENU, MenuFact, OPEN, Open, PACE, PAUSE, SOLD_OUT_MAX,
        SOLD_OUT_PREFIX,
    },
    feed::{BOOT_ID_LEN, Missed},
    prints::{COPY_PREFIX, Owed, PRINT_PREFIX, PRINTS_MAX, Print},
    runner::{Runner, Trouble},
    shop::{SECRET_PREFIX, STAFF_TOKEN, from_hex, to_hex},
    snapshot::{PickupCode, Queue},
    views::{Look, is_old},
    watch::Watching,
};

/// What nobody has seen to for this long after its time, be it an order that is new or goes on by itself or a command of
/// this counter: nobody decides. Source: the contract.
pub(crate) const UNDECIDED_MS: order::Millis = 5_000;
