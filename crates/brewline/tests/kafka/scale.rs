//! Many counters, many baristas, many shops.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::admin::{AdminOptions, NewPartitions};
use rustix::process::Signal;

use crate::{
    bed::{Counter, SHORT_SESSION, Shop, block_on, id, place},
    support::{PATIENCE, Process, request},
};

/// Orders that come until they are stopped, one after the other; those that were accepted.
struct Load {
    stop: Arc<AtomicBool>,
    accepted: Arc<Mutex<Vec<String>>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Load {
    /// `amount` of the n-th order of each customer.
    fn on(counters: &[&Counter], amount: fn(u32) -> u32) -> Self {
        let (stop, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let customer = |at: std::net::SocketAddr| {
            let (stop, accepted) = (stop.clone(), accepted.clone());
            thread::spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    let answer = place(at, amount(n), None).unwrap();
                    assert_eq!(answer.status, 202, "{answer:?}");
                    accepted.lock().unwrap().push(id(&answer));
                    n += 1;
                    thread::park_timeout(Duration::from_millis(5));
                }
            })
        };
        let threads = counters.iter().map(|counter| customer(counter.at)).collect();
        Self { stop, accepted, threads }
    }

    /// Waits until this many more were accepted.
    fn more(&self, count: usize) {
        let (until, before) = (Instant::now() + PATIENCE, self.accepted.lock().unwrap().len());
        while self.accepted.lock().unwrap().len() < before + count {
            assert!(Instant::now() < until, "no {count} orders came");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        Arc::into_inner(self.accepted).unwrap().into_inner().unwrap()
    }
}

/// Each of `ids` was called once, and nothing else.
fn assert_called_once(bells: &BTreeMap<String, usize>, ids: &[String]) {
    let twice: Vec<_> = bells.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "called more than once: {twice:?}");
    let called: BTreeSet<_> = bells.keys().collect();
    assert_eq!(called, ids.iter().collect::<BTreeSet<_>>());
}

#[test]
fn baristas_join_and_leave_under_load_and_each_order_is_called_once() {
    let shop = Shop::with_partitions(4);
    let counter = shop.counter(&[]);
    let brew = [&["--seconds-per-cup", "0.2"], &SHORT_SESSION[..]].concat();
    let first = shop.barista(&brew);
    let load = Load::on(&[&counter], |n| 1 + n % 3);
    load.more(50);
    let second = shop.barista(&brew);
    load.more(100);
    let third = shop.barista(&brew);
    load.more(100);
    // One leaves as it should, one is killed.
    second.signal(Signal::TERM);
    assert!(second.end().0.success());
    load.more(50);
    drop(first);
    load.more(100);
    let accepted = load.end();
    assert_called_once(&shop.wait_for_bells(&accepted), &accepted);
    drop(third);
}

#[test]
fn commands_are_answered_once_while_three_baristas_come_and_go() {
    let shop = Shop::with_partitions(3);
    let mut counter = shop.counter_that_begins(&[]);
    counter.process.hear(|line| line.starts_with("staff token"));
    let token = counter.process.hear(|line| line.starts_with("  ")).trim().to_owned();
    counter.wait_until_ready();
    let brew = [&["--mode", "manual"], &SHORT_SESSION[..]].concat();
    let mut baristas: Vec<Process> = vec![shop.barista(&brew)];
    let ids: Vec<String> = (0..24).map(|_| counter.order(1)).collect();
    let staff = format!("Bearer {token}");
    let ask = |id: &str, command: &str, key: &str| {
        let headers =
            [("Authorization", &staff[..]), ("Content-Type", "application/json"), ("Idempotency-Key", key)];
        let body = format!(r#"{{"command":"{command}"}}"#);
        let until = Instant::now() + PATIENCE;
        loop {
            let path = format!("/orders/{id}/commands");
            let answer = request(counter.at, "POST", &path, &headers, &body).unwrap();
            match answer.status {
                200 => return answer.json(),
                // While a partition moves nobody answers in time: the same command again.
                202 | 409 | 503 if Instant::now() < until => thread::park_timeout(Duration::from_millis(100)),
                _ => panic!("{command} of {id}: {answer:?}"),
            }
        }
    };
    for (n, id) in ids.iter().enumerate() {
        match n {
            4 | 8 => baristas.push(shop.barista(&brew)),
            12 => drop(baristas.remove(0)),
            18 => {
                let leaving = baristas.remove(0);
                leaving.signal(Signal::INT);
                assert!(leaving.end().0.success());
            }
            _ => {}
        }
        for command in ["start", "ready"] {
            let key = format!("{id}-{command}");
            let answer = ask(id, command, &key);
            let again = ask(id, command, &key);
            assert_eq!(answer["order_id"], again["order_id"]);
        }
    }
    assert_called_once(&shop.wait_for_bells(&ids), &ids);
}

#[test]
fn a_counter_sees_the_orders_of_another_and_its_streams_say_ready() {
    let shop = Shop::with_partitions(2);
    let (here, there) = (shop.counter(&[]), shop.counter(&[]));
    let _barista = shop.barista(&["--seconds-per-cup", "0.1"]);
    let order = here.order(2);
    let seen = there.wait_for_state(&order, "ready");
    assert_eq!((&seen["amount"], &seen["round"]), (&2.into(), &1.into()));
    let heard =
        crate::support::hear(there.at, &format!("/orders/{order}/events"), |order| order["state"] == "ready");
    assert_eq!(heard["order_id"], order.as_str());
}

#[test]
fn one_key_on_two_counters_makes_one_order() {
    let shop = Shop::with_partitions(2);
    let counters = [shop.counter(&[]), shop.counter(&[])];
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let keys: Vec<_> = (0..20).map(|n| format!("a-key-of-a-customer-{n}")).collect();
    let asked = thread::scope(|scope| {
        let keys = &keys;
        let asking = counters.each_ref().map(|counter| {
            let at = counter.at;
            scope.spawn(move || {
                let ask = |key: &String| place(at, 1, Some(key)).unwrap();
                keys.iter().map(ask).inspect(|answer| assert_eq!(answer.status, 202)).collect::<Vec<_>>()
            })
        });
        asking.map(|asking| asking.join().unwrap())
    });
    let ids = asked.each_ref().map(|answers| answers.iter().map(id).collect::<Vec<_>>());
    assert_eq!(ids[0], ids[1], "a key is one order, whoever is asked");
    assert_called_once(&shop.wait_for_bells(&ids[0]), &ids[0]);
}

#[test]
fn two_shops_on_one_cluster_know_nothing_of_each_other() {
    let shops = [Shop::new(), Shop::new()];
    let counters = shops.each_ref().map(|shop| shop.counter(&[]));
    let _baristas = shops.each_ref().map(|shop| shop.barista(&["--seconds-per-cup", "0"]));
    let orders = counters.each_ref().map(|counter| counter.order(1));
    for place in [0, 1] {
        let bells = shops[place].wait_for_bells(&orders[place..=place]);
        assert_called_once(&bells, &orders[place..=place]);
        let foreign = crate::support::get(counters[place].at, &format!("/orders/{}", orders[1 - place]));
        assert_eq!(foreign.unwrap().status, 404);
    }
}

#[test]
fn partitions_of_the_orders_alone_are_taken_when_the_other_topics_have_them() {
    let shop = Shop::new();
    let mut barista = shop.barista(&["--seconds-per-cup", "0"]);
    let first = shop.counter(&[]).order(1);
    shop.wait_for_bells(std::slice::from_ref(&first));
    // As someone does who knows the core of the contract only.
    let name = shop.topic("order.received");
    let more = NewPartitions::new(&name, 3);
    block_on(shop.admin().create_partitions([&more], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    for partition in [1, 2] {
        shop.publish("order.received", partition, "order", r#"{"order_id":"order","amount":1,"status":0}"#);
        barista.hear(|line| line.contains("the bell rings") && line.ends_with(" order"));
    }
    assert_eq!(shop.records("order.processed", "read_committed").len(), 3);
}

#[test]
fn partitions_that_are_added_while_a_barista_runs_are_worked_on() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let mut ids: Vec<_> = (0..5).map(|_| counter.order(1)).collect();
    shop.wait_for_bells(&ids);
    // As the contract has it: with the counters stopped.
    counter.process.signal(Signal::TERM);
    assert!(counter.process.end().0.success());
    let said = shop.run("topics", &["--partitions", "4"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("partitions added"), "{said:?}");
    let counter = shop.counter(&[]);
    ids.extend((0..80).map(|_| counter.order(1)));
    assert_called_once(&shop.wait_for_bells(&ids), &ids);
    let partitions: BTreeSet<_> =
        shop.records("order.received", "read_committed").iter().map(rdkafka::Message::partition).collect();
    assert_eq!(partitions.len(), 4, "80 orders are spread over 4 partitions");
}
