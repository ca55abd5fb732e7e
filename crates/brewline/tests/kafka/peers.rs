//! Programs of other people's making, which know the contract alone, in every role beside ours. `tests/peers/build`
//! makes them.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::{
    bed::{Counter, Shop, header, text},
    support::{Process, address, hear},
};

/// A program of `tests/peers` on this shop's log.
fn peer(shop: &Shop, name: &str, args: &[&str]) -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers").join(name);
    assert!(program.exists(), "{} is not there: run tests/peers/build", program.display());
    let mut command = Command::new(program);
    command.args([args[0], "--brokers", &shop.broker, "--prefix", &shop.prefix]).args(&args[1..]);
    command.stdin(Stdio::null());
    command
}

fn foreign_counter(shop: &Shop, name: &str) -> Counter {
    let mut process = Process::start(peer(shop, name, &["counter", "--listen", "127.0.0.1:0"]));
    let said = process.hear(|line| line.starts_with("listening on "));
    let at = address(&said.replace("listening on ", "http://"));
    Counter { process, at }
}

fn foreign_barista(shop: &Shop, name: &str) -> Process {
    let mut barista = Process::start(peer(shop, name, &["barista", "--seconds-per-cup", "0.1"]));
    barista.hear(|line| line == "barista is ready");
    barista
}

/// Three customers of a foreign client at this counter: all of them hear their bells.
fn foreign_customers(shop: &Shop, name: &str, counter: &Counter) {
    let at = format!("http://{}", counter.at);
    let said = peer(shop, name, &["client", "--counter", &at, "-c", "3"]).output().unwrap();
    assert!(said.status.success(), "{name}: {said:?}");
    let stdout = String::from_utf8(said.stdout).unwrap();
    let count = |what: &str| stdout.lines().filter(|line| line.contains(what)).count();
    let counts = (count("Order accepted: "), count(" is ready for pickup. Enjoy your coffee!"));
    assert_eq!(counts, (3, 3), "{name}: {stdout}");
}

/// The same with ours, which hears the bells in the log.
fn our_customers(shop: &Shop, counter: &Counter) {
    let at = format!("http://{}", counter.at);
    let said = shop.run("client", &["-c", "3", "--once", "--counter", &at]);
    assert!(said.status.success(), "{said:?}");
}

/// Each order was called once.
fn assert_each_once(shop: &Shop, count: usize) {
    let bells = shop.bells();
    assert!(bells.len() == count && bells.values().all(|bells| *bells == 1), "{count}: {bells:?}");
}

fn their_counter_with_ours(name: &str) {
    let shop = Shop::new();
    let counter = foreign_counter(&shop, name);
    let mut barista = shop.barista(&["--seconds-per-cup", "0.1"]);
    our_customers(&shop, &counter);
    barista.hear(|line| line.contains("the bell rings"));
    assert_each_once(&shop, 3);
    // Without items and headers, and our counter shows it all the same.
    let received = shop.records("order.received", "read_committed");
    assert!(received.iter().all(|record| header(record, "ce_id").is_none()));
    let ours = shop.counter(&[]);
    let seen = ours.wait_for_state(&text(rdkafka::Message::key(&received[0])), "ready");
    assert_eq!((seen.get("items"), &seen["round"]), (None, &1.into()));
}

fn their_barista_with_ours(name: &str) {
    let shop = Shop::with_partitions(2);
    let counter = shop.counter(&[]);
    let _barista = foreign_barista(&shop, name);
    our_customers(&shop, &counter);
    // Also for who listens to our counter's streams, and asks it.
    let order = counter.order(1);
    hear(counter.at, &format!("/orders/{order}/events"), |order| order["state"] == "ready");
    assert_eq!(counter.wait_for_state(&order, "ready")["order_id"], order.as_str());
    assert_each_once(&shop, 4);
}

fn their_client_with_ours(name: &str) {
    let shop = Shop::with_partitions(2);
    let counter = shop.counter(&[]);
    let _barista = shop.barista(&["--seconds-per-cup", "0.1"]);
    foreign_customers(&shop, name, &counter);
    assert_each_once(&shop, 3);
}

fn none_of_ours(names: [&str; 3]) {
    let shop = Shop::new();
    let counter = foreign_counter(&shop, names[0]);
    let barista = foreign_barista(&shop, names[1]);
    foreign_customers(&shop, names[2], &counter);
    assert_each_once(&shop, 3);
    for process in [counter.process, barista] {
        process.signal(Signal::TERM);
        let (status, heard) = process.end();
        assert!(status.success(), "{heard:#?}");
    }
}

/// One peer in every role.
macro_rules! table {
    ($($name:ident with $barista:ident and $client:ident;)*) => {$(
        mod $name {
            #[test]
            fn their_counter_with_ours() {
                super::their_counter_with_ours(stringify!($name));
            }

            #[test]
            fn their_barista_with_ours() {
                super::their_barista_with_ours(stringify!($name));
            }

            #[test]
            fn their_client_with_ours() {
                super::their_client_with_ours(stringify!($name));
            }

            #[test]
            fn none_of_ours() {
                super::none_of_ours([stringify!($name), stringify!($barista), stringify!($client)]);
            }
        }
    )*};
}

table! {
    confluent with sarama and java;
    sarama with java and confluent;
    segmentio with confluent and sarama;
    java with segmentio and segmentio;
}

/// Java's share out work as ours do, and sarama's do not.
#[test]
fn a_barista_of_ours_in_a_group_of_theirs_says_so_in_one_sentence() {
    for name in ["java", "sarama"] {
        let shop = Shop::with_partitions(2);
        let theirs = foreign_barista(&shop, name);
        let mut ours = Process::start(shop.command("barista", &[]));
        let said = ours.hear(|line| line.starts_with("stderr: brewline: "));
        assert!(said.contains("barista_group") && said.contains("--prefix"), "{name}: {said}");
        let (status, heard) = ours.end();
        assert_eq!(status.code(), Some(1), "{heard:#?}");
        drop(theirs);
    }
}

#[test]
fn a_barista_of_ours_whose_group_they_join_says_so_in_one_sentence() {
    let shop = Shop::with_partitions(2);
    let mut ours = shop.barista(&["--seconds-per-cup", "0"]);
    let first = shop.counter(&[]).order(1);
    shop.wait_for_bells(std::slice::from_ref(&first));
    // It is ready when the group has given it something, which it does not before ours has left.
    let _theirs = Process::start(peer(&shop, "java", &["barista"]));
    let said = ours.hear(|line| line.starts_with("stderr: brewline: "));
    assert!(said.contains("barista_group") && said.contains("--prefix"), "{said}");
    assert_eq!(ours.end().0.code(), Some(1));
}
