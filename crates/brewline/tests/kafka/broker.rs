//! The broker is killed, and paused.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use crate::{
    bed::{Counter, Shop, id, place, quiet, setting, until},
    load::{Customers, wait_for_ready},
    own::{BACK_WITHIN, Broker},
    strange::order,
    support::{Answer, PATIENCE, Process, address, get, request},
};

/// An answer comes within 5 s: the contract's deadline. As long again is for a busy machine, to connect and to read; an
/// answer that waited for librdkafka's own times would come after 30 s or more.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// A counter and a barista, twice, and customers on both.
pub(crate) struct Line {
    shop: Shop,
    counters: [Counter; 2],
    baristas: [Process; 2],
    pub(crate) customers: Customers,
}

impl Line {
    pub(crate) fn start(shop: Shop, topics: &[&str]) -> Self {
        let made = shop.run("topics", topics);
        assert!(made.status.success(), "{made:?}");
        let counters = [shop.counter(&[]), shop.counter(&[])];
        // One with a name, and one without.
        let brew = ["-v", "--seconds-per-cup", "0.1"];
        let baristas = [shop.barista(&[&brew[..], &["--instance", "one"]].concat()), shop.barista(&brew)];
        let [here, there] = [counters[0].at, counters[1].at];
        let customers = Customers::new().without_keys(here, 20).without_keys(there, 20);
        let customers = customers.with_keys(here, 20, "here").with_keys(there, 20, "there");
        customers.more(100);
        Self { shop, counters, baristas, customers }
    }

    /// Waits until an order that is placed now is made, on both counters. When that was, and when it was accepted.
    pub(crate) fn wait_until_it_works(&self, since: Instant) -> (Duration, Duration) {
        let at = self.counters.each_ref().map(|counter| counter.at);
        let orders = at.map(|at| order_until_accepted(at, &self.customers));
        let accepted = since.elapsed();
        for (counter, order) in self.counters.iter().zip(&orders) {
            counter.wait_for_state(order, "ready");
        }
        (accepted, since.elapsed())
    }

    /// Nothing was lost, doubled, late or dead.
    pub(crate) fn end(mut self) {
        let told = self.customers.end();
        eprintln!(
            "{} accepted, {} not written, {} unknown, {} without an answer; slowest answer {:?}",
            told.accepted.len(),
            told.not_written,
            told.unknown.len(),
            told.unanswered,
            told.slowest
        );
        assert!(told.slowest < ANSWERED_WITHIN, "an answer came after {:?}", told.slowest);
        assert_eq!(told.unanswered, 0, "every request is answered");
        let processes = self.counters.iter_mut().map(|counter| &mut counter.process);
        for process in processes.chain(&mut self.baristas) {
            assert_eq!(process.child.try_wait().unwrap(), None, "it died: {:#?}", process.heard);
        }
        self.shop.assert_as_told(&told);
        let (received, _) = self.shop.assert_announced_once();
        for counter in &self.counters {
            wait_for_ready(counter.at, received);
        }
    }
}

/// An order that is asked for until it is accepted. Of what nobody knows, the customers remember that.
fn order_until_accepted(at: SocketAddr, customers: &Customers) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = place(at, 1, None).unwrap();
        let (status, code) = (answer.status, answer.json()["code"].clone());
        if status == 202 {
            let id = id(&answer);
            customers.told().accepted.push(id.clone());
            return id;
        }
        if code == "outcome_unknown" {
            customers.told().unknown.push(id(&answer));
        }
        assert!(status == 503 && Instant::now() < until, "{answer:?}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// What a counter says of it, and of a command on it.
fn ask_for_an_order_that_is_not_there(counter: &Counter) -> [Answer; 2] {
    let headers = [("Content-Type", "application/json")];
    let command = r#"{"command":"collect"}"#;
    let path = "/orders/nobody-placed-it";
    [
        get(counter.at, path).unwrap(),
        request(counter.at, "POST", &format!("{path}/commands"), &headers, command).unwrap(),
    ]
}

#[test]
fn when_the_broker_is_killed_counters_say_so_and_all_goes_on_by_itself_when_it_is_back() {
    let _quiet = quiet();
    let broker = Broker::start(10, false);
    let line = Line::start(Shop::at(broker.address()), &["--partitions", "2"]);
    for round in 0..setting("BREWLINE_BROKER_KILLS").unwrap_or(2) {
        line.customers.more(50);
        let refused = line.customers.told().not_written;
        broker.signal(Signal::KILL);
        line.customers.wait("orders are refused", |told| told.not_written >= refused + 8);
        let back = broker.start_again();
        let (accepted, made) = line.wait_until_it_works(back);
        eprintln!("round {round}: orders accepted {accepted:?} and made {made:?} after the broker's return");
        assert!(made < BACK_WITHIN, "made {made:?} after the broker's return");
    }
    line.end();
}

#[test]
fn when_the_broker_is_paused_for_20_s_no_accepted_order_is_lost_and_none_is_doubled() {
    let _quiet = quiet();
    let broker = Broker::start(20, false);
    let line = Line::start(Shop::at(broker.address()), &["--partitions", "2"]);
    broker.signal(Signal::STOP);
    let over = Instant::now() + Duration::from_secs(20);
    line.customers.wait("20 s are over", |_| Instant::now() >= over);
    for answer in line.counters.iter().flat_map(ask_for_an_order_that_is_not_there) {
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (503, &"starting".into()),
            "nobody knows: {answer:?}"
        );
        assert!(answer.head.to_lowercase().contains("retry-after: 1"), "{answer:?}");
    }
    broker.signal(Signal::CONT);
    let on = Instant::now();
    let (accepted, made) = line.wait_until_it_works(on);
    eprintln!("orders accepted {accepted:?} and made {made:?} after the broker went on");
    assert!(made < BACK_WITHIN, "made {made:?} after the broker went on");
    // A counter that is behind with what customers go on to order does not know yet.
    let knows = |counter| {
        let answers = ask_for_an_order_that_is_not_there(counter);
        answers.iter().all(|answer| answer.json()["code"] != "starting").then_some(answers)
    };
    for answer in line.counters.iter().flat_map(|counter| until("a counter to know", || knows(counter))) {
        assert_eq!((answer.status, &answer.json()["code"]), (404, &"unknown_order".into()), "{answer:?}");
    }
    let known = on.elapsed();
    assert!(known < BACK_WITHIN, "known {known:?} after the broker went on");
    line.end();
}

#[test]
fn a_barista_that_the_group_does_not_let_in_says_so_once_and_works_when_it_is() {
    let _quiet = quiet();
    let broker = Broker::start(50, false);
    let shop = Shop::at(broker.address());
    let mut barista = shop.barista(&["-v", "--seconds-per-cup", "0", "--metrics-listen", "127.0.0.1:0"]);
    let at = address(barista.heard.iter().find(|line| line.starts_with("  health")).unwrap());
    let ready =
        |status| until("machines to be told", || get(at, "/readyz").ok().filter(|it| it.status == status));
    ready(200);
    // With nothing left to commit: else it is that which it says.
    shop.write(&shop.stranger(&[]), "order.received", "order", &order("order", 1));
    barista.hear(|line| line.contains("the bell rings"));
    broker.signal(Signal::STOP);
    let said = barista.hear(|line| line.contains("cannot get into group"));
    assert!(said.contains(&broker.address()) && said.contains("does not answer"), "{said}");
    assert_eq!(ready(503).json()["missing"][0]["what"], "log");
    assert!(get(at, "/metrics").unwrap().body.contains("brewline_kafka_up 0\n"));
    broker.signal(Signal::CONT);
    barista.hear(|line| line.contains("partition taken"));
    ready(200);
    shop.write(&shop.stranger(&[]), "order.received", "later", &order("later", 1));
    barista.hear(|line| line.contains("the bell rings"));
    assert_eq!(shop.bells().keys().map(String::as_str).collect::<Vec<_>>(), ["later", "order"]);
    let said = barista.heard.iter().filter(|line| line.contains("cannot get into group")).count();
    assert_eq!(said, 1, "{:#?}", barista.heard);
}
