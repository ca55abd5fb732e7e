//! A barista alone, as machines ask it where `--metrics-listen` says.

use std::net::{Ipv4Addr, TcpListener};

use crate::{
    bed::{Shop, until},
    strange::order,
    support::{Process, address, brewline, get},
};

#[test]
fn a_barista_alone_says_to_machines_that_it_works_and_what_it_did() {
    let shop = Shop::new();
    let args = ["--seconds-per-cup", "0", "--metrics-listen", "127.0.0.1:0"];
    let mut barista = Process::start(shop.command("barista", &args));
    let at = address(&barista.hear(|line| line.starts_with("  health")));
    until("it to work", || get(at, "/readyz").ok().filter(|answer| answer.status == 200));
    shop.publish("order.received", 0, "a", std::str::from_utf8(&order("a", 1)).unwrap());
    let metrics = until("the bell to be counted", || {
        let text = get(at, "/metrics").ok()?.body;
        text.contains("brewline_barista_announced_total 1\n").then_some(text)
    });
    for says in [
        "brewline_build_info{version=\"",
        "log=\"kafka\"",
        "brewline_barista_partitions 1\n",
        "brewline_kafka_up 1\n",
        "process_start_time_seconds ",
    ] {
        assert!(metrics.contains(says), "{says} in {metrics}");
    }
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    for name in names {
        let docs = include_str!("../../../../docs/metrics.md");
        assert!(docs.contains(&format!("| `{name}")), "{name} is not in docs/metrics.md");
    }
    assert_eq!(get(at, "/orders").unwrap().status, 404);
}

#[test]
fn a_barista_without_brokers_lives_and_says_that_it_does_not_work() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let at = free.local_addr().unwrap();
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let log = format!("kafka://{}", nobody.local_addr().unwrap());
    drop((free, nobody));
    let _barista = Process::start(brewline(&["barista", "--log", &log, "--metrics-listen", &at.to_string()]));
    let ready = until("it to answer", || get(at, "/readyz").ok());
    assert_eq!((ready.status, &ready.json()["missing"][0]["what"]), (503, &"log".into()), "{ready:?}");
    assert_eq!(get(at, "/livez").unwrap().status, 200);
    let second = brewline(&["barista", "--log", &log, "--metrics-listen", &at.to_string()]).output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another port with --metrics-listen 127.0.0.1:PORT"), "{said}");
}
