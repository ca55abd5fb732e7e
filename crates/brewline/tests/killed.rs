//! SIGKILL at any moment: no accepted order is lost, none is announced twice.

#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use eventlog::{Log as _, Start, local};
use ledger::{Ledger, TOPICS};
use order::{Stage, topic};
use support::{PATIENCE, Up, get, hear, request};

const KILLS: usize = 20;

#[test]
fn orders_survive_20_kills_and_each_round_is_announced_once() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--seconds-per-cup", "0.02"];
    let mut up = Up::start(dir.path(), &args);
    let port = up.counter;
    let token = up.staff_token();

    let (tell, told) = channel();
    let over = Arc::new(AtomicBool::new(false));
    let customers: Vec<_> = (0..4)
        .map(|customer| {
            let (tell, over) = (tell.clone(), over.clone());
            std::thread::spawn(move || customer_goes_on(customer, port, &tell, &over))
        })
        .collect();
    drop(tell);

    // Moments by what has been accepted, from a fixed sequence: in the middle of different things each time.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut accepted = BTreeSet::new();
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let more = 5 + usize::try_from(random >> 58).unwrap();
        accepted.extend((0..more).map(|_| told.recv_timeout(PATIENCE).expect("orders are accepted")));
        up.kill();
        up = Up::start_at(port, dir.path(), &args);
    }
    over.store(true, Ordering::Relaxed);
    accepted.extend(told);
    for customer in customers {
        customer.join().unwrap();
    }

    assert!(accepted.len() >= KILLS * 5);
    let authorization = format!("Bearer {token}");
    for id in &accepted {
        let order = hear(port, &format!("/orders/{id}/events"), |order| order["state"] == "ready");
        assert_eq!(order["round"], 1, "{order}");
        let history =
            request(port, "GET", &format!("/orders/{id}/history"), &[("Authorization", &authorization)], "");
        let history = history.unwrap().json();
        let events = history["events"].as_array().unwrap_or_else(|| panic!("{history}"));
        let bells = events.iter().filter(|event| event["to"] == "ready").count();
        assert_eq!(bells, 1, "{history}");
    }
    assert_eq!(get(port, "/readyz").unwrap().status, 200);
    let (status, _) = up.stop();
    assert_eq!(status.code(), Some(0));
    the_log_says_the_same(dir.path(), &accepted);
}

/// Orders one after the other until it is over. A lost answer is asked for again with the same key, as a
/// careful customer does.
fn customer_goes_on(customer: usize, port: SocketAddr, tell: &Sender<String>, over: &AtomicBool) {
    for n in 0.. {
        let path = format!("/order?amount={}", 1 + n % 5);
        let key = format!("customer-{customer}-order-{n:08}");
        loop {
            if over.load(Ordering::Relaxed) {
                return;
            }
            match request(port, "POST", &path, &[("Idempotency-Key", &key)], "") {
                Ok(answer) if answer.status == 202 => {
                    let id = answer.json()["order_id"].as_str().unwrap().to_owned();
                    tell.send(id).unwrap();
                    break;
                }
                // Nobody is there, or not ready yet.
                _ => std::thread::park_timeout(Duration::from_millis(5)),
            }
        }
    }
}

/// Reads every topic, and counts.
fn the_log_says_the_same(dir: &Path, accepted: &BTreeSet<String>) {
    let log = local::LocalLog::open(local::Options::new(dir, &brewline::catalog(Duration::from_hours(720))))
        .unwrap();
    let mut follow = log.follow(&TOPICS.map(|topic| (topic, Start::Beginning))).unwrap();
    let mut ledger = Ledger::default();
    let mut bells: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        let batch = follow.poll(Duration::from_secs(1)).unwrap();
        for entry in &batch.entries {
            ledger.apply(entry);
            match entry.topic {
                topic::PROCESSED => {
                    let id = std::str::from_utf8(entry.record.key.as_deref().unwrap()).unwrap();
                    *bells.entry(id.to_owned()).or_default() += 1;
                }
                topic::DLQ => panic!("a dead letter: {entry:?}"),
                _ => {}
            }
        }
        if batch.at_end {
            break;
        }
    }
    assert_eq!(ledger.faults(), []);
    let equation = ledger.equation();
    assert!(equation.holds(), "{equation:?}");
    assert_eq!(equation.of(Stage::Received), 0);
    for id in accepted {
        assert_eq!(bells.get(id), Some(&1), "order {id}");
    }
}
