//! What a receipt printer is sent, and what it answers. Pure: no I/O, no clock; an order comes in as a value and leaves as
//! ESC/POS bytes. Source of all commands: Epson's ESC/POS Command Reference, of which only what its clones know too is
//! used.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ticket`], [`slip`] | an order for the bar; its pickup code and the way to its pager for the customer |
//! | [`Sheet`] | what they are made of |
//! | [`Status`] | what a printer says of itself, and how it is asked |
//! | `roll` | lines on paper: how wide, how large, in which bytes |
//! | `picture` | a QR code as dots |
//! | `words` | the few texts of our own |

mod picture;
mod roll;
mod sheet;
mod status;
mod words;

pub use crate::{
    sheet::{Sheet, slip, ticket},
    status::{ASK, CONFIRM, Status, is_confirmation},
};
