//! What is counted where a barista of someone else makes the orders, and writes bells and nothing else.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use eventlog::{Entry, Headers, Record, Topic};
use ledger::{Ledger, Wrong};
use order::{Order, OrderId, topic};

fn entry(topic: Topic, offset: u64, id: &str, round: Option<&str>) -> Entry {
    let headers = round.map(|round| Headers::new([("round", round.as_bytes())])).unwrap_or_default();
    let order = Order::new(OrderId::new(id).unwrap(), 1).to_json();
    let record = Record::new(id.to_owned(), order).with_headers(headers);
    Entry { topic, partition: 0, offset, timestamp: 0, record }
}

fn count(entries: &[Entry]) -> Ledger {
    let mut ledger = Ledger::default();
    for entry in entries {
        ledger.apply(entry);
    }
    ledger
}

#[test]
fn a_bell_that_someone_else_rings_twice_is_a_fault_and_an_order_without_one_is_received() {
    let mut entries = vec![
        entry(topic::RECEIVED, 0, "lost", None),
        entry(topic::RECEIVED, 1, "doubled", None),
        entry(topic::PROCESSED, 0, "doubled", None),
    ];
    let ledger = count(&entries);
    assert!(ledger.faults().is_empty(), "{:?}", ledger.faults());
    assert_eq!(ledger.equation().of(order::Stage::Received), 1);
    entries.push(entry(topic::PROCESSED, 1, "doubled", None));
    let faults = count(&entries).faults();
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    assert!(matches!(fault.wrong, Wrong::Announced { round: 1, times: 2, expected: 1 }), "{fault:?}");
}

#[test]
fn someone_else_may_ring_again_for_a_later_round() {
    let ledger = count(&[
        entry(topic::RECEIVED, 0, "again", None),
        entry(topic::PROCESSED, 0, "again", Some("1")),
        entry(topic::PROCESSED, 1, "again", Some("2")),
    ]);
    assert!(ledger.faults().is_empty(), "{:?}", ledger.faults());
}
