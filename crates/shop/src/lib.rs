//! What a shop offers and when. Pure: no I/O, no clock; files come in as text, time as a value.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Shop`] | menu and settings together: what `GET /menu` says, and its version |
//! | [`Menu`] | what is sold, from `menu.toml` |
//! | [`Settings`] | how the shop works, from `shop.toml` |
//! | [`Printer`] | the receipt printer that it may have |
//! | [`hours`] | whether it is open, and until when |
//! | [`Day`] | which business day a moment belongs to |
//! | [`promise`] | when a drink will be ready |
//! | [`ordering`] | whether orders are taken, and why not |
//! | [`Wanted`], [`Priced`] | what someone wants; what it is and costs |
//! | [`Checked`] | a file of the shop, whichever of the two it is |
//! | [`Mistakes`] | what is wrong with a file, each with its line and the way out |
//! | [`ALLERGENS`] | what people may have to avoid |
//! | [`Limits`] | every bound |
//! | `read` | TOML with the place of each value |
//! | `schema` | JSON schemas of what `GET /menu` says, with the feature `schema` |

mod allergen;
mod check;
mod day;
pub mod hours;
mod limits;
mod menu;
mod mistakes;
pub mod ordering;
mod price;
mod printer;
pub mod promise;
mod read;
#[cfg(feature = "schema")]
pub mod schema;
mod settings;
mod shop;
mod words;

pub use crate::{
    allergen::{ALLERGENS, Allergen},
    check::Checked,
    day::Day,
    limits::Limits,
    menu::{Category, Choice, Menu, MenuItem, OptionGroup, can_be_sold_out},
    mistakes::{Mistake, Mistakes},
    price::{Objection, Objections, Priced, PricedLine, Wanted, Why},
    printer::{Encoding, Printer, Tickets},
    settings::{ByAmount, Payment, Settings},
    shop::Shop,
    words::Words,
};
