//! What comes from programs of others is read whatever it is.

use eventlog::{
    conformance::{Bed as _, INPUT},
    kafka::MAX_RECORD_BYTES,
};
use rdkafka::{
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, Producer as _},
};

use crate::bed::{BOUND, KafkaBed, everything, stranger};

#[test]
fn headers_of_others_are_read_whatever_they_are() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let name = format!("{}{INPUT}", bed.options.prefix);
    let producer = stranger(&[]);
    let long = "n".repeat(70_000);
    let headers = OwnedHeaders::new()
        .insert(Header { key: "twice", value: Some("1") })
        .insert(Header { key: &long, value: Some("too long a name") })
        .insert(Header { key: "none", value: None::<&str> })
        .insert(Header { key: "twice", value: Some("2") });
    let record = BaseRecord::<(), _>::to(&name).partition(0).payload("value").headers(headers);
    producer.send(record).map_err(|(error, _)| error).expect("it is taken");
    producer.flush(BOUND).expect("it is written");
    let entries = everything(&*log, INPUT);
    let found: Vec<_> = entries[0].record.headers.iter().map(|(n, v)| (n, v.to_vec())).collect();
    assert_eq!(found, [("twice", b"1".to_vec()), ("none", vec![]), ("twice", b"2".to_vec())]);
    assert_eq!(entries[0].record.key, None);
}

#[test]
fn a_record_of_the_brokers_largest_size_is_read() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let name = format!("{}{INPUT}", bed.options.prefix);
    let producer = stranger(&[("message.max.bytes", "1048588")]);
    // What a broker takes by default is 1,048,588 bytes with everything around the value.
    let value = vec![7_u8; 1_048_588 - 100];
    assert!(value.len() > MAX_RECORD_BYTES);
    let record = BaseRecord::<(), _>::to(&name).partition(0).payload(&value);
    producer.send(record).map_err(|(error, _)| error).expect("it is taken");
    producer.flush(BOUND).expect("it is written");
    assert_eq!(everything(&*log, INPUT)[0].record.value.as_deref(), Some(&value[..]));
}
