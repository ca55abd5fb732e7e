//! An order, as JSON in a record of `order.received` or `order.processed`.

use order::{Limits, Order};

/// What is read is within its bounds, and written again it is the same.
pub(super) fn run(json: &[u8]) {
    let order = match Order::parse(json) {
        Ok(order) => order,
        Err(why) => return assert!(!why.is_empty(), "a refusal says why"),
    };
    assert!(order.amount <= Limits::AMOUNT, "{order:?}");
    assert!(order.lines() <= Limits::ITEMS, "{order:?}");
    let written = order.to_json();
    let again = Order::parse(&written).unwrap_or_else(|why| panic!("{why}: {order:?}"));
    assert_eq!(again, order);
    assert_eq!(again.to_json(), written);
    // What is announced is an order, too.
    let announced = serde_json::to_vec(&order.announced()).expect("every key is text");
    Order::parse(&announced).unwrap_or_else(|why| panic!("{why}: {order:?}"));
}
