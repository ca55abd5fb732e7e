//! What the contract says of the command line, and what a record is to the byte.

use std::collections::BTreeSet;

use rdkafka::Message as _;
use rustix::process::Signal;

use crate::{
    bed::{Shop, header, text},
    support::Process,
};

#[test]
fn three_commands_make_a_line_and_every_bell_rings_once() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let barista = shop.barista(&["--seconds-per-cup", "0.01"]);
    let at = format!("http://{}", counter.at);
    let said = shop.run("client", &["-c", "3", "--once", "--counter", &at]);
    assert!(said.status.success(), "{said:?}");
    let stdout = String::from_utf8(said.stdout).unwrap();
    let ids = |before: &str, after: &str| -> BTreeSet<String> {
        let id = |line: &str| line.strip_prefix(before)?.strip_suffix(after).map(str::to_owned);
        stdout.lines().filter_map(id).collect()
    };
    let accepted = ids("Order accepted: ", "");
    assert_eq!(accepted.len(), 3, "{stdout}");
    assert_eq!(ids("Order ID ", " is ready for pickup. Enjoy your coffee!"), accepted);
    let bells = shop.bells();
    assert!(accepted.iter().all(|id| bells[id] == 1) && bells.len() == 3, "{bells:?}");
    for process in [counter.process, barista] {
        process.signal(Signal::INT);
        let (status, heard) = process.end();
        assert!(status.success() && heard.last().unwrap().starts_with("stopped"), "{heard:#?}");
    }
}

#[test]
fn records_are_to_the_byte_as_the_first_counter_and_barista_wrote_them() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let id = counter.order(3);
    shop.wait_for_bells(std::slice::from_ref(&id));
    for (topic, status, kind) in [("order.received", 0, "received"), ("order.processed", 1, "processed")] {
        let records = shop.records(topic, "read_committed");
        let [record] = &records[..] else { panic!("{records:?}") };
        assert_eq!(text(record.key()), id);
        assert_eq!(text(record.payload()), format!(r#"{{"order_id":"{id}","amount":3,"status":{status}}}"#));
        assert_eq!(header(record, "ce_specversion").as_deref(), Some("1.0"));
        assert!(header(record, "ce_type").unwrap().contains(kind), "{record:?}");
    }
}

#[test]
fn up_on_kafka_is_a_counter_and_a_barista_in_one_process() {
    let shop = Shop::new();
    let args = ["--listen", "127.0.0.1:0", "--seconds-per-cup", "0"];
    let mut up = Process::start(shop.command("up", &args));
    let customers = up.hear(|line| line.contains(" client -c 10"));
    let counter = customers.rsplit(' ').next().unwrap().to_owned();
    let said = shop.run("client", &["-c", "1", "--once", "--counter", &counter]);
    assert!(said.status.success(), "{said:?}");
    up.hear(|line| line.contains("the bell rings"));
}

#[test]
fn without_a_log_named_by_a_client_its_counter_tells_it() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let at = format!("http://{}", counter.at);
    let said = crate::support::run(&["client", "-c", "1", "--once", "--counter", &at]);
    assert_eq!(said.code, Some(0), "{said:?}");
}
