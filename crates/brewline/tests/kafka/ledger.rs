//! The ledger of a line on several partitions: it balances whatever is started again, and names what is wrong.

use std::collections::BTreeSet;

use eventlog::partition_for;
use rdkafka::{
    Message as _,
    message::{Headers as _, OwnedHeaders, OwnedMessage},
    producer::{BaseRecord, Producer as _},
};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    bed::{Counter, Shop, text, until},
    support::{PATIENCE, request},
};

const PARTITIONS: u32 = 3;

/// What `GET /ledger` says, once it is as wanted.
fn ledger(counter: &Counter, staff: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until("the ledger", || {
        let answer = request(counter.at, "GET", "/ledger", &[("Authorization", staff)], "").unwrap();
        Some(answer).filter(|answer| answer.status == 200).map(|answer| answer.json()).filter(&wanted)
    })
}

fn get(counter: &Counter, staff: &str, path: &str) -> Value {
    let answer = request(counter.at, "GET", path, &[("Authorization", staff)], "").unwrap();
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

/// Both sides are the same, and nothing is wrong.
fn balances(ledger: &Value) -> bool {
    let sums = &ledger["equation"];
    let of = |name: &str| sums[name].as_u64().unwrap();
    let right = ["received", "making", "ready", "collected", "uncollected", "cancelled", "dead_lettered"];
    ledger["holds"] == true && of("accepted") + of("carried_over") == right.map(of).iter().sum::<u64>()
}

impl Shop {
    /// Writes a record again, with other contents.
    fn write_again(&self, record: &OwnedMessage, value: &[u8]) {
        let producer = self.stranger(&[]);
        let headers = record.headers().into_iter().flat_map(|headers| headers.iter());
        let headers = headers.fold(OwnedHeaders::new(), |headers, header| headers.insert(header));
        let again = BaseRecord::to(record.topic()).partition(record.partition()).payload(value);
        let again = again.key(record.key().unwrap()).headers(headers);
        producer.send(again).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }

    fn last_of(&self, topic: &str, id: &str) -> OwnedMessage {
        let records = self.records(topic, "read_committed").into_iter();
        records.rev().find(|record| text(record.key()) == id).unwrap()
    }
}

#[test]
fn the_equation_holds_over_partitions_and_restarts_and_what_is_planted_is_named() {
    let shop = Shop::with_partitions(PARTITIONS);
    let mut counter = shop.counter(&[]);
    counter.process.hear(|line| line.starts_with("staff token"));
    let staff = format!("Bearer {}", counter.process.hear(|line| line.starts_with("  ")).trim());
    let barista = shop.barista(&["--seconds-per-cup", "0"]);
    // Some in each partition, which is chosen by an order's id.
    let (mut ids, mut places) = (Vec::new(), BTreeSet::new());
    while ids.len() < 8 || places.len() < PARTITIONS as usize {
        let id = counter.order(1);
        places.insert(partition_for(id.as_bytes(), PARTITIONS));
        ids.push(id);
    }
    shop.wait_for_bells(&ids);
    barista.signal(Signal::INT);
    assert_eq!(barista.end().0.code(), Some(0));
    ids.extend((0..8).map(|_| counter.order(1)));
    // Some wait for a barista, others are made: wherever they are, they are counted.
    let is_counted =
        |seen: &Value| seen["equation"]["accepted"] == ids.len() && seen["equation"]["received"] == 8;
    let between = ledger(&counter, &staff, is_counted);
    assert!(balances(&between), "{between}");
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let seen = ledger(&counter, &staff, |seen| seen["equation"]["ready"] == ids.len());
    assert!(balances(&seen), "{seen}");

    // At each moment at which something was decided: its bell stands a moment later, and nothing is wrong.
    let decisions = shop.records("order.event", "read_committed");
    let partitions: BTreeSet<_> = decisions.iter().map(OwnedMessage::partition).collect();
    assert_eq!(partitions.len(), PARTITIONS as usize, "ids are spread over all of them");
    let moments: BTreeSet<_> =
        decisions.iter().map(|record| record.timestamp().to_millis().unwrap()).collect();
    for at in moments.into_iter().take(3) {
        let then = get(&counter, &staff, &format!("/ledger?at={at}"));
        assert!(balances(&then), "{at}: {then}");
    }
    let said = shop.said(&["ledger"]);
    let equation = format!("{0} accepted = {0} ready\n", ids.len());
    assert!(said.code == Some(0) && said.stdout.contains(&equation), "{said:?}");

    // A bell that rings twice, and a decision that is missing before the next one.
    let bell = shop.last_of("order.processed", &ids[3]);
    shop.write_again(&bell, bell.payload().unwrap());
    let ready = shop.last_of("order.event", &ids[12]);
    let mut event: Value = serde_json::from_slice(ready.payload().unwrap()).unwrap();
    event["version"] = json!(event["version"].as_u64().unwrap() + 2);
    (event["event"], event["from"], event["to"]) = (json!("collect"), json!("ready"), json!("collected"));
    shop.write_again(&ready, event.to_string().as_bytes());
    let seen = ledger(&counter, &staff, |seen| seen["faults_total"] == 2);
    let mut named: Vec<_> = seen["faults"].as_array().unwrap().iter().collect();
    named.sort_by_key(|fault| fault["kind"].as_str());
    let told = |fault: &Value| ["order_id", "kind", "topic", "partition"].map(|name| fault[name].clone());
    let announced = [json!(ids[3]), json!("announced"), json!("order.processed"), json!(bell.partition())];
    let gap = [json!(ids[12]), json!("gap"), json!("order.event"), json!(ready.partition())];
    assert!(seen["holds"] == false && told(named[0]) == announced && told(named[1]) == gap, "{seen}");
    let said = shop.said(&["ledger"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains(&ids[3]) && said.stdout.contains(&ids[12]), "{said:?}");
}
