//! What must not stop the line: every kind of unreadable or absurd record.

use bytes::Bytes;
use eventlog::{Headers, Record};
use order::Limits;

use super::chance::Chance;

/// One of each kind.
const KINDS: &[fn() -> Record] = &[
    || Record::default(),
    || Record::tombstone("order-0"),
    || keyed(""),
    || keyed("not json"),
    || keyed("\u{0}\u{1}\u{2}"),
    || bytes(vec![0xff, 0xfe, 0x00, 0x80]),
    || bytes(vec![b'['; 20_000]),
    || keyed("[]"),
    || keyed("null"),
    || keyed("3"),
    || keyed("{}"),
    || keyed(r#"{"order_id":"x","amount":"three","status":0}"#),
    || keyed(r#"{"order_id":"x","amount":-1,"status":0}"#),
    || keyed(r#"{"order_id":"x","amount":1.5,"status":0}"#),
    || keyed(r#"{"order_id":"x","amount":1001,"status":0}"#),
    || keyed(r#"{"order_id":"x","amount":123456789012345678901234567890,"status":0}"#),
    || keyed(r#"{"order_id":7,"amount":1,"status":0}"#),
    || keyed(r#"{"order_id":"","amount":1,"status":0}"#),
    || keyed(r#"{"order_id":"x","amount":1}"#),
    || keyed(r#"{"order_id":"x","amount":1,"status":1}"#),
    || keyed(r#"{"order_id":"x","order_id":"y","amount":1,"status":0}"#),
    || keyed(r#"{"order_id":"\u0000positions","amount":1,"status":0}"#),
    || keyed(r#"{"order_id":"x","amount":1,"status":0} and more"#),
    || keyed(r#"{"command_id":"c","order_id":"x","command":"explode","by":{"role":"staff"}}"#),
    || keyed(r#"{"command_id":"c","order_id":"x","command":"ready"}"#),
    || keyed(&format!(r#"{{"order_id":"{}","amount":1,"status":0}}"#, "x".repeat(200_000))),
    || with_headers(order("x"), &Headers::new([("h", vec![7; Limits::RECORD_BYTES].as_slice())])),
    || with_headers(keyed("{"), &Headers::from_bytes(Bytes::from_static(&[0xff; 64]))),
    || Record { key: Some(vec![7; Limits::RECORD_BYTES].into()), ..order("x") },
];

/// A record that is no order and no command, by chance.
pub(super) fn any(chance: &mut Chance) -> Record {
    // A megabyte is copied about often enough without every seed.
    if chance.of(0.02) { bytes(vec![b' '; 900_000]) } else { chance.pick(KINDS)() }
}

fn order(id: &str) -> Record {
    keyed(&format!(r#"{{"order_id":"{id}","amount":1,"status":0}}"#))
}

fn keyed(value: &str) -> Record {
    Record::new("order-0", value.to_owned())
}

fn bytes(value: Vec<u8>) -> Record {
    Record::new("order-0", value)
}

fn with_headers(record: Record, headers: &Headers) -> Record {
    record.with_headers(headers.clone())
}

#[cfg(test)]
mod tests {
    use order::{Command, Order, Status};

    use super::*;

    #[test]
    fn none_of_it_is_an_order_or_a_command() {
        for record in KINDS.iter().map(|kind| kind()).filter(|record| record.size() <= Limits::RECORD_BYTES) {
            let Some(value) = &record.value else { continue };
            let order = Order::parse(value).ok().filter(|order| order.status == Status::Received);
            assert!(order.is_none() && Command::parse(value).is_err(), "{record:?}");
        }
    }
}
