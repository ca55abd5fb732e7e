//! The orders of one partition: what they hold in memory, and what is said of them.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use order::{At, Book, Change, Order, Placed, Rules, Verdict};

fn placed(offset: u64) -> Placed {
    let at = At { partition: 0, offset };
    Placed { at, received_at: 0, foreign: false, history_from: 0, traceparent: None }
}

fn take(book: &mut Book, order: Order, offset: u64, rules: &Rules) -> Change {
    match book.take(order, placed(offset), 0, rules, true) {
        Verdict::Changed(change) => change,
        other => panic!("a new order is taken, not {other:?}"),
    }
}

#[test]
fn unknown_fields_of_a_line_stand_in_the_state_and_the_announcement_and_not_in_the_history() {
    let json = r#"{"order_id":"a","amount":1,"status":0,"items":[{"item":"latte","quantity":1,"size":"L"}]}"#;
    let mut book = Book::default();
    let change = take(&mut book, Order::parse(json.as_bytes()).unwrap(), 0, &Rules::default());
    let state = book.get(change.key).unwrap();
    assert!(String::from_utf8(state.to_json()).unwrap().contains(r#""size":"L""#));
    assert_eq!(
        serde_json::to_string(&state.order.announced()).unwrap(),
        json.replace(r#""status":0"#, r#""status":1"#)
    );
    let event = String::from_utf8(change.event.to_json()).unwrap();
    assert!(event.contains("latte") && !event.contains("size"), "{event}");
}
