//! What docs/topics.md says to programs of others.

use rdkafka::{
    Message as _,
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer as _},
};

use crate::{
    bed::{Shop, header, text, write},
    strange::order,
    support::PATIENCE,
};

#[test]
fn orders_in_a_transaction_of_a_foreign_counter_are_made_whatever_their_keys_are() {
    let shop = Shop::new();
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let counter = shop.transaction();
    let received = shop.topic("order.received");
    write(&counter, &received, 0, Some("another"), Some(&order("a", 1))).unwrap();
    write(&counter, &received, 0, None, Some(&order("b", 2))).unwrap();
    counter.commit_transaction(PATIENCE).unwrap();
    let bells = shop.wait_for_bells(&["a", "b"].map(str::to_owned));
    assert!(bells.len() == 2 && bells.values().all(|bells| *bells == 1), "{bells:?}");
}

#[test]
fn a_record_is_measured_with_key_value_and_headers_of_six_bytes_more_each() {
    let shop = Shop::new();
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let counter = shop.stranger(&[]);
    let (received, headers) = (shop.topic("order.received"), [("trace", "xyz"), ("", "")]);
    for (id, size) in [("most", 64 * 1024), ("over", 64 * 1024 + 1)] {
        let others: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 6).sum();
        let mut value = order(id, 1);
        // Spaces behind the order are as good as none.
        value.resize(size - others - id.len(), b' ');
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(*value) }));
        let record = BaseRecord::to(&received).partition(0).key(id).payload(&value).headers(headers);
        counter.send(record).map_err(|(error, _)| error).unwrap();
    }
    write(&counter, &received, 0, None, Some(br#"{"order_id":"x","amount":3.0,"status":0}"#)).unwrap();
    write(&counter, &received, 0, None, Some(&order("last", 1))).unwrap();
    let bells = shop.wait_for_bells(&["most", "last"].map(str::to_owned));
    assert_eq!(bells.len(), 2, "{bells:?}");
    let letters = shop.records("order.dlq", "read_committed");
    let reasons: Vec<_> = letters.iter().map(|letter| header(letter, "dlq_reason").unwrap()).collect();
    assert!(reasons.len() == 2 && reasons[0].contains("65537 bytes"), "{reasons:?}");
    assert!(reasons[1].contains("3.0"), "{reasons:?}");
    assert_eq!(text(letters[0].key()), "over");
}
