//! What nobody can read, in every topic that the line reads: it is put aside or passed over, and counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use rdkafka::{Message as _, producer::Producer as _};
use rustix::process::Signal;

use crate::{
    bed::{Shop, header, write},
    load::metric,
    strange::order,
    support::PATIENCE,
};

/// The longest value that a broker takes with its default settings, in a batch of its own with a short key.
const LARGEST: usize = 1_048_588 - 100;

/// Values that are no order and no command, whatever their key is.
fn junk() -> Vec<(&'static str, Option<Vec<u8>>)> {
    let text = |text: &str| Some(text.as_bytes().to_vec());
    vec![
        ("nothing", None),
        ("empty", Some(Vec::new())),
        ("no text", Some(vec![0xff, 0xfe, 0x00, 0xc3, 0x28])),
        ("null", text("null")),
        ("a number", text("1e400")),
        ("a list", text("[]")),
        ("an empty object", text("{}")),
        ("cut off", text(r#"{"order_id":"cut","amount":1"#)),
        ("two", text(r#"{"order_id":"two","amount":1,"status":0}{}"#)),
        ("deep", Some([b"[".repeat(10_000), b"]".repeat(10_000)].concat())),
        ("a picture", Some((0..60_000_u32).map(|n| (n * 31 % 251) as u8).collect())),
        ("too long", Some(vec![b' '; 65 * 1024])),
        ("the longest", Some(vec![b'x'; LARGEST])),
    ]
}

/// Values that are nearly an order.
fn nearly_orders() -> Vec<(&'static str, Option<Vec<u8>>)> {
    let long = "x".repeat(129);
    [
        ("no id", r#"{"amount":1,"status":0}"#),
        ("an empty id", r#"{"order_id":"","amount":1,"status":0}"#),
        ("a number for an id", r#"{"order_id":7,"amount":1,"status":0}"#),
        ("a long id", &format!(r#"{{"order_id":"{long}","amount":1,"status":0}}"#)),
        ("no amount", r#"{"order_id":"poison","status":0}"#),
        ("less than nothing", r#"{"order_id":"poison","amount":-1,"status":0}"#),
        ("too much", r#"{"order_id":"poison","amount":1001,"status":0}"#),
        ("half a cup", r#"{"order_id":"poison","amount":1.5,"status":0}"#),
        ("a word for an amount", r#"{"order_id":"poison","amount":"1","status":0}"#),
        ("far too much", r#"{"order_id":"poison","amount":99999999999999999999,"status":0}"#),
        ("processed", r#"{"order_id":"poison","amount":1,"status":1}"#),
        ("an unknown status", r#"{"order_id":"poison","amount":1,"status":7}"#),
    ]
    .map(|(name, value)| (name, Some(value.as_bytes().to_vec())))
    .to_vec()
}

/// Values that are nearly a command.
fn nearly_commands() -> Vec<(&'static str, Option<Vec<u8>>)> {
    [
        ("an unknown command", r#"{"command_id":"c","order_id":"poison","command":"spill","by":"staff"}"#),
        ("a command by its number", r#"{"command_id":"c","order_id":"poison","command":1,"by":"staff"}"#),
        ("nobody's command", r#"{"command_id":"c","order_id":"poison","command":"ready"}"#),
    ]
    .map(|(name, value)| (name, Some(value.as_bytes().to_vec())))
    .to_vec()
}

impl Shop {
    /// Writes each with a key and, where the topic takes that, without.
    fn poison(
        &self,
        topic: &str,
        keys: &[Option<&str>],
        values: &[(&'static str, Option<Vec<u8>>)],
    ) -> usize {
        let producer = self.stranger(&[("message.max.bytes", "1048588")]);
        for key in keys {
            for (name, value) in values {
                let written = write(&producer, &self.topic(topic), 0, *key, value.as_deref());
                written.unwrap_or_else(|error| panic!("{name} in {topic}: {error}"));
            }
        }
        keys.len() * values.len()
    }
}

#[test]
fn what_is_no_order_and_no_command_is_put_aside_with_its_place_and_the_line_goes_on() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let mut barista = shop.barista(&["--seconds-per-cup", "0"]);
    let keys = [Some("key"), None];
    let orders = shop.poison("order.received", &keys, &[junk(), nearly_orders()].concat());
    let commands = shop.poison("order.command", &keys, &[junk(), nearly_commands()].concat());
    let after = counter.order(1);
    counter.wait_for_state(&after, "ready");
    // Commands may be read later than orders.
    let until = Instant::now() + PATIENCE;
    let letters = loop {
        let letters = shop.records("order.dlq", "read_committed");
        if letters.len() >= orders + commands {
            break letters;
        }
        assert!(Instant::now() < until, "{} of {}", letters.len(), orders + commands);
    };
    let mut places: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for letter in &letters {
        assert!(header(letter, "dlq_reason").is_some_and(|reason| !reason.is_empty()), "{letter:?}");
        let offset = header(letter, "dlq_offset").unwrap().parse().unwrap();
        places.entry(header(letter, "dlq_topic").unwrap()).or_default().push(offset);
        // The longest is cut, and says how long it was.
        let size: usize = header(letter, "dlq_size").unwrap().parse().unwrap();
        let kept = letter.payload().map_or(0, <[u8]>::len);
        assert!(kept <= size.min(256 * 1024), "{kept} of {size}");
    }
    for (topic, count) in [("order.received", orders), ("order.command", commands)] {
        let offsets: Vec<_> = (0..i64::try_from(count).unwrap()).collect();
        assert_eq!(places[topic], offsets, "{topic}: each is put aside once, in its order");
    }
    let seen = u64::try_from(letters.len()).unwrap();
    metric(counter.at, "brewline_dead_letters_seen", seen);
    assert_eq!(shop.bells().into_iter().collect::<Vec<_>>(), [(after, 1)]);
    assert_eq!(barista.child.try_wait().unwrap(), None, "{:#?}", barista.heard);
}

#[test]
fn what_is_no_state_and_no_fact_is_passed_over_with_a_count_and_the_line_goes_on() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let barista = shop.barista(&["--seconds-per-cup", "0"]);
    let before = counter.order(1);
    counter.wait_for_state(&before, "ready");
    barista.signal(Signal::TERM);
    assert!(barista.end().0.success());
    let values = [junk(), nearly_orders()].concat();
    let states: Vec<_> = values.into_iter().filter(|(_, value)| value.is_some()).collect();
    // A compacted topic takes none without a key.
    let unread = shop.poison("order.state", &[Some("poison"), Some("\0positions")], &states);
    shop.poison("shop.state", &["open", "secret/poison", "barista/poison", "poison"].map(Some), &junk());
    for topic in ["order.event", "order.processed", "order.dlq"] {
        shop.poison(topic, &[Some("poison"), None], &junk());
    }
    // Of the positions that can't be read the last that can is believed.
    let mut barista = shop.barista(&["--seconds-per-cup", "0"]);
    for _ in 0..unread {
        barista.hear(|line| line.contains("passed over in order.state"));
    }
    let between = counter.order(1);
    counter.wait_for_state(&between, "ready");
    // Positions are none of its business.
    metric(counter.at, "brewline_unreadable_states", u64::try_from(states.len()).unwrap());
    // Whoever begins now reads all of it.
    let late = shop.counter(&[]);
    let after = late.order(1);
    late.wait_for_state(&after, "ready");
    let bells = shop.bells();
    assert!([&before, &between, &after].iter().all(|id| bells[*id] == 1), "{bells:?}");
}

#[test]
fn what_stands_in_a_transaction_that_was_taken_back_was_never_there() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let before = counter.order(1);
    counter.wait_for_state(&before, "ready");
    let stranger = shop.transaction();
    for topic in ["order.received", "order.command", "order.state", "order.processed", "shop.state"] {
        shop.write(&stranger, topic, "ghost", &order("ghost", 1));
    }
    // Behind them, and hidden until they are taken back.
    let behind = counter.order(1);
    stranger.abort_transaction(PATIENCE).unwrap();
    counter.wait_for_state(&behind, "ready");
    let after = counter.order(1);
    counter.wait_for_state(&after, "ready");
    let bells = shop.bells();
    assert_eq!(bells.keys().collect::<BTreeSet<_>>(), [&before, &behind, &after].into());
    assert_eq!(shop.assert_announced_once(), (3, 1));
    assert!(shop.records("order.dlq", "read_committed").is_empty());
}

#[test]
fn a_state_that_someone_hides_and_does_not_end_is_said_with_the_way_out() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let stranger = shop.transaction();
    shop.write(&stranger, "order.state", "ghost", b"{}");
    let mut barista = shop.barista(&["--seconds-per-cup", "0"]);
    let waiting = counter.order(1);
    let said = barista.hear(|line| line.contains("a transaction that is open from offset 0"));
    let name = shop.topic("order.state");
    assert!(said.contains(&format!("abort --topic {name} --partition 0 --start-offset 0")), "{said}");
    stranger.abort_transaction(PATIENCE).unwrap();
    counter.wait_for_state(&waiting, "ready");
}
