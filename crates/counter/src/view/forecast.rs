//! When orders will be ready, by what is known now.

use order::{Order, OrderState, Promise};
use shop::promise::Minutes;

use super::Look;

#[expect(clippy::unused_self, reason = "nothing is said of the future yet")]
impl Look<'_> {
    /// When this order is ready, as it is said now; `None` where there is nothing to say.
    pub(crate) fn promise(&self, _state: &OrderState) -> Option<Promise> {
        None
    }

    /// The first promise to an order that is placed or paid now.
    pub(crate) fn first_promise(&self, _order: &Order) -> Option<Promise> {
        None
    }

    #[expect(dead_code, reason = "the shop is asked for it next")]
    /// The promise to whoever orders one more drink now.
    pub(crate) fn one_more(&self) -> Option<Minutes> {
        None
    }
}
