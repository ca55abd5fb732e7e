//! What a counter says of itself at `/metrics`, and what a process says that is none, over a real socket.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use common::{Barista, Line, foreign_order, http::raw, log, options, within};
use counter::{Missing, Probes};
use eventlog::sim::Faults;
use order::{Mode, topic};
use prometheus_client::{metrics::counter::Counter, registry::Registry};

/// Waits until the metrics have this line.
async fn says(line: &Line, what: &str) {
    within(async { while !line.get("/metrics", &[]).await.text().lines().any(|said| said == what) {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_an_order_counts_by_how_it_ended() {
    let line = Line::start().await;
    line.order(1).await;
    assert_eq!(line.post("/order?amount=0", &[], "").await.status, 400);
    assert_eq!(line.order_items(&[], "no JSON").await.status, 400);
    line.log.set_faults(Faults { publish_refused: 1.0, ..Faults::none() });
    assert_eq!(line.post("/order?amount=1", &[], "").await.status, 503);
    for (outcome, count) in [("accepted", 1), ("refused", 2), ("failed", 1)] {
        says(&line, &format!("brewline_order_request_seconds_count{{outcome=\"{outcome}\"}} {count}")).await;
    }
}

/// By a bound that is near it nobody could say whether what was promised was kept.
#[tokio::test(flavor = "multi_thread")]
async fn orders_that_are_answered_within_a_second_are_counted_by_exactly_that() {
    let line = Line::start().await;
    line.order(1).await;
    says(&line, "brewline_order_request_seconds_count{outcome=\"accepted\"} 1").await;
    let text = line.get("/metrics", &[]).await;
    let bound = |line: &str| {
        let line = line.strip_prefix("brewline_order_request_seconds_bucket{le=\"")?;
        line.split_once("\",outcome=\"accepted\"")?.0.parse::<f64>().ok()
    };
    let bounds: Vec<f64> = text.text().lines().filter_map(bound).collect();
    assert!(bounds.len() == 19 && bounds.is_sorted() && bounds.contains(&1.0), "{bounds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_readyz_misses_is_missing_in_the_metrics() {
    let log = log(1);
    log.clock().set(1_000_000);
    log.append(topic::RECEIVED, 0, foreign_order("old", 1));
    let line = Line::on(log, options()).await;
    assert_eq!(line.get("/readyz", &[]).await.json()["missing"][0]["what"], "barista");
    says(&line, "brewline_missing{what=\"barista\"} 1").await;
    says(&line, "brewline_missing{what=\"log\"} 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_no_barista_reads_lags_and_its_oldest_order_grows_older() {
    let log = log(2);
    for id in ["a", "b", "c"] {
        log.append(topic::RECEIVED, 1, foreign_order(id, 1));
    }
    let line = Line::on(log.clone(), options()).await;
    says(&line, "brewline_partitions 2").await;
    says(&line, "brewline_lag_records{partition=\"1\"} 3").await;
    let text = line.get("/metrics", &[]).await;
    let age =
        text.text().lines().find_map(|line| line.strip_prefix("brewline_oldest_open_order_age_seconds "));
    assert!(age.unwrap().parse::<f64>().unwrap() >= 0.0, "{text:?}");
    let _barista = Barista::start(&log, Mode::Auto);
    says(&line, "brewline_lag_records{partition=\"1\"} 0").await;
    says(&line, "brewline_oldest_open_order_age_seconds 0.0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bell_counts_by_what_the_phone_said_of_it_once_the_drink_is_gone() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(log, options()).await;
    let staff = line.staff();
    for (phone, heard) in [
        (r#"{"command":"rang"}"#, "in_time"),
        (r#"{"command":"presence","presence":"listening"}"#, "missed"),
        (r#"{"command":"presence","presence":"gone"}"#, "away"),
    ] {
        let (id, _) = line.order(1).await;
        line.shown(&id, |order| order["version"] == 1).await;
        let ready = line.command(&id, &[("authorization", &staff)], r#"{"command":"ready"}"#).await;
        assert_eq!(ready.status, 200, "{ready:?}");
        assert_eq!(line.command(&id, &[], phone).await.status, 200, "{phone}");
        says(&line, &format!("brewline_bells_total{{heard=\"{heard}\"}} 0")).await;
        assert_eq!(line.command(&id, &[], r#"{"command":"collect"}"#).await.status, 200);
        says(&line, &format!("brewline_bells_total{{heard=\"{heard}\"}} 1")).await;
    }
}

/// What a process answers that is no counter.
async fn probe(at: SocketAddr, method: &str, path: &str) -> common::http::Reply {
    raw(at, format!("{method} {path} HTTP/1.1\r\nhost: cafe\r\n\r\n").as_bytes()).await
}

#[tokio::test]
async fn a_process_that_is_no_counter_says_whether_it_lives_and_works_and_nothing_else() {
    let probes = Probes::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let at = probes.local_addr();
    let (mut registry, count) = (Registry::default(), Counter::<u64>::default());
    registry.register("things", "Things that happened", count.clone());
    let works = Arc::new(AtomicBool::new(false));
    let is_working = works.clone();
    let missing = move |now| {
        let works = is_working.load(Ordering::Relaxed);
        if works { Vec::new() } else { vec![Missing::new("work", now - 1, "It does not work.")] }
    };
    let run = tokio::spawn(async move { probes.run("1.2.3", registry, missing).await });

    let lives = probe(at, "GET", "/livez").await;
    assert_eq!((lives.status, &lives.json()["version"]), (200, &"1.2.3".into()));
    let ready = probe(at, "GET", "/readyz").await;
    assert_eq!((ready.status, &ready.json()["missing"][0]["what"]), (503, &"work".into()));
    works.store(true, Ordering::Relaxed);
    let ready = probe(at, "GET", "/readyz").await;
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &true.into()));
    count.inc();
    let metrics = probe(at, "GET", "/metrics").await;
    assert!(
        metrics.text().contains("things_total 1\n") && metrics.text().ends_with("# EOF\n"),
        "{metrics:?}"
    );
    assert_eq!(probe(at, "GET", "/orders").await.code(), "not_found");
    let post = probe(at, "POST", "/livez").await;
    assert_eq!((post.code().as_str(), post.header("allow")), ("method_not_allowed", Some("GET, HEAD")));
    run.abort();
}
