//! When an order is said to be ready, over a real socket.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use common::{Barista, Line, log, options, shop, with_shop};
use eventlog::Record;
use order::{At, Mode, Order, OrderId, OrderState, Placed, Rules, Stage, stamp, topic};
use serde_json::Value;
use tokio::sync::watch::Sender;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn auto(cup_ms: u64, hands: Option<usize>) -> barista::Options {
    let rules = Rules { mode: Mode::Auto, cup_ms, ..Rules::default() };
    barista::Options { rules, hands, ..barista::Options::default() }
}

fn range(json: &Value, field: &str) -> (i64, i64) {
    let at = |end: &str| json[field][end].as_i64().unwrap_or_else(|| panic!("{field} in {json}"));
    (at("from"), at("to"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_drinks_that_brew_eighty_seconds_are_promised_in_one_to_two_minutes() {
    let log = log(1);
    let _barista = Barista::with(&log, auto(40_000, None));
    let line = Line::on(log, options()).await;
    let (id, _) = line.order(2).await;
    let shown = line.shown(&id, |order| order["state"] == "making").await;
    let began = shown["making_at"].as_i64().unwrap();
    assert_eq!(range(&shown, "promise"), (began + 60_000, began + 120_000), "{shown}");

    let again = line.get(&format!("/orders/{id}"), &[]).await.json();
    assert_eq!(again["promise"], shown["promise"], "whoever asks, and whenever");
    let mut stream = line.events(&format!("/orders/{id}/events"), &[]).await;
    let heartbeat = stream.named("heartbeat").await.json();
    assert_eq!(heartbeat["promise"], shown["promise"], "{heartbeat}");
    assert!(heartbeat["queue"]["ahead"] == 0 && heartbeat["now"].is_i64(), "{heartbeat}");
}

/// Two hands make what customers order from the embedded menu, at a bar with a page.
async fn bar(settings: &str) -> (Line, Barista, Sender<Arc<::shop::Shop>>) {
    let log = log(1);
    let rules = Rules { mode: Mode::Manual, ..Rules::default() };
    let barista =
        Barista::with(&log, barista::Options { rules, hands: Some(2), ..barista::Options::default() });
    let (options, change) = with_shop(shop(settings));
    let line = Line::on(log, options).await;
    line.say("bars/left", "{}").await;
    let mut shop = line.events("/shop/events", &[]).await;
    shop.until("shop", |shop| shop["promise"].is_object()).await;
    (line, barista, change)
}

const TWO_LATTES: &str = r#"{"items":[{"item":"latte","quantity":2}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_first_promise_is_in_the_answer_in_the_log_and_beside_the_current_one() {
    let (line, _barista, _shop) = bar("").await;
    let mut promises = Vec::new();
    for _ in 0..6 {
        let before = now();
        let placed = line.order_items(&[], TWO_LATTES).await.json();
        let (from, to) = range(&placed, "promise");
        assert_eq!((to - from) % 60_000, 0, "whole minutes: {placed}");
        assert!(from >= before && to > before + placed["make_seconds"].as_i64().unwrap() * 1_000, "{placed}");
        let id = placed["order_id"].as_str().unwrap();
        let shown = line.shown(id, |order| order["decided"] == true).await;
        assert_eq!(
            (&shown["promised"], &shown["promise"]),
            (&placed["promise"], &placed["promise"]),
            "{shown}"
        );
        promises.push((from, to));
    }
    assert!(promises.is_sorted(), "who comes later is promised nothing sooner: {promises:?}");
    assert!(promises[5].0 >= promises[0].0 + 60_000, "two hands, six orders: {promises:?}");
    let shop = line.get("/shop", &[]).await.json();
    assert!(shop["promise"]["from_minutes"].as_u64() >= Some(2) && shop["ahead"] == 6, "{shop}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_add_is_in_the_next_promise() {
    let (line, _barista, _shop) = bar("").await;
    let shop = line.say("pace", r#"{"busy_minutes":20}"#).await.json();
    assert!(shop["promise"]["from_minutes"].as_u64() >= Some(20), "{shop}");
    let before = now();
    let placed = line.order_items(&[], TWO_LATTES).await.json();
    assert!(range(&placed, "promise").0 >= before + 20 * 60_000, "{placed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_paid_first_is_promised_something_when_it_is_paid() {
    let (line, _barista, _shop) = bar("payment = \"before\"").await;
    let placed = line.order_items(&[], TWO_LATTES).await.json();
    assert_eq!((&placed["unpaid"], placed.get("promise")), (&true.into(), None), "{placed}");
    let id = placed["order_id"].as_str().unwrap();
    let unpaid = line.shown(id, |order| order["decided"] == true).await;
    assert_eq!((unpaid.get("promise"), unpaid.get("promised")), (None, None), "{unpaid}");
    let staff = line.staff();
    let paid = line.command(id, &[("authorization", &staff)], r#"{"command":"accept"}"#).await.json();
    assert_eq!(paid["promised"], paid["promise"], "{paid}");
    let (from, to) = range(&paid, "promised");
    assert!(from < to && to > now(), "{paid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_asks_to_accept_an_order_is_promised_nothing() {
    let (line, _barista, _shop) = bar("payment = \"before\"").await;
    let placed = line.order_items(&[], TWO_LATTES).await.json();
    let id = placed["order_id"].as_str().unwrap();
    line.shown(id, |order| order["decided"] == true).await;
    let refused = line.command(id, &[], r#"{"command":"accept"}"#).await;
    assert_eq!(refused.code(), "not_allowed", "{refused:?}");
    let asked = line.log.history(topic::COMMAND, 0).pop().unwrap().record.value.unwrap();
    let asked: Value = serde_json::from_slice(&asked).unwrap();
    assert_eq!((&asked["command"], asked.get("promise")), (&"accept".into(), None), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ordering_pauses_where_one_more_would_take_too_long() {
    let (line, _barista, _shop) = bar("longest_wait_minutes = 10").await;
    let staff = line.staff();
    for _ in 0..8 {
        let placed = line
            .order_items(&[("authorization", &staff)], r#"{"items":[{"item":"latte","quantity":6}]}"#)
            .await;
        assert_eq!(placed.status, 201, "{placed:?}");
    }
    let mut shop = line.events("/shop/events", &[]).await;
    let paused = shop.until("shop", |shop| shop["ordering"] == "paused").await.json();
    assert_eq!(paused["reason"], "wait", "{paused}");
    assert!(
        paused["reopens_at"].as_i64() > Some(now()) && paused["promise"]["to_minutes"].as_u64() > Some(10)
    );
    assert_eq!(line.order_items(&[], TWO_LATTES).await.code(), "ordering_paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_hand_is_promised_a_time_after_those_before() {
    let log = log(1);
    let _barista = Barista::with(&log, auto(60_000, Some(1)));
    let line = Line::on(log, options()).await;
    let mut promises = Vec::new();
    for place in 1..=3 {
        let (id, _) = line.order(2).await;
        let state = if place == 1 { "making" } else { "received" };
        let shown = line.shown(&id, |order| order["state"] == state && order["version"] == 1).await;
        promises.push(range(&shown, "promise"));
        let (from, to) = *promises.last().unwrap();
        let due = now() + place * 120_000;
        assert!(from <= due && due - 130_000 <= to && to - from <= 120_000, "{place}: {shown}");
    }
    assert!(promises.is_sorted(), "{promises:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_promised_before_a_barista_has_spoken_nor_once_it_is_ready() {
    let log = log(1);
    let line = Line::on(log.clone(), options()).await;
    let (id, at) = line.order(1).await;
    let undecided = line.shown(&id, |_| true).await;
    assert!(undecided.get("promise").is_none(), "{undecided}");
    let _barista = Barista::with(&log, auto(0, None));
    let ready = line.shown(&id, |order| order["state"] == "ready").await;
    assert!(ready.get("promise").is_none(), "{ready} {at}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_promised_any_more_where_a_barista_died_over_an_order() {
    let log = log(1);
    let spoke = r#"{"mode":"auto","hands":null,"cup_ms":40000,"at":1}"#;
    log.append(topic::SHOP, 0, Record::new("barista/bar", spoke));
    let line = Line::on(log.clone(), options()).await;
    for (id, due) in [("alive", 60_000), ("dead", -60_000)] {
        let order = Order::new(OrderId::new(id).unwrap(), 2);
        let at = At { partition: 0, offset: 0 };
        let placed = Placed { at, received_at: now(), foreign: false, history_from: 0, traceparent: None };
        let state = OrderState {
            stage: Stage::Making,
            version: 1,
            code: 1,
            making_at: stamp(now()),
            due_at: stamp(now() + due),
            ..OrderState::undecided(order, placed, Mode::Auto)
        };
        log.append(topic::STATE, 0, Record::new(id, state.to_json()));
        let shown = line.shown(id, |_| true).await;
        let is_dead = id == "dead";
        assert_eq!(
            (shown["no_barista"] == true, shown.get("promise").is_none()),
            (is_dead, is_dead),
            "{shown}"
        );
    }
    let shop = line.get("/shop", &[]).await.json();
    assert_eq!((&shop["no_barista"], shop.get("promise")), (&true.into(), None), "{shop}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_first_promises_were_kept_is_counted() {
    let log = log(1);
    let _barista = Barista::with(&log, auto(0, None));
    let line = Line::on(log.clone(), options()).await;
    for (id, from, to) in
        [("inside", -60_000, 60_000), ("before", 60_000, 120_000), ("after", -120_000, -60_000)]
    {
        let (from, to) = (now() + from, now() + to);
        let json =
            format!(r#"{{"order_id":"{id}","amount":1,"status":0,"promise":{{"from":{from},"to":{to}}}}}"#);
        log.append(topic::RECEIVED, 0, Record::new(id, json));
        let shown = line.shown(id, |order| order["state"] == "ready").await;
        assert_eq!(range(&shown, "promised"), (from, to));
    }
    let recalled =
        line.command("inside", &[("authorization", &line.staff())], r#"{"command":"recall"}"#).await;
    assert_eq!(recalled.status, 200, "{recalled:?}");
    line.shown("inside", |order| order["state"] == "ready" && order["round"] == 2).await;
    let metrics = line.get("/metrics", &[]).await;
    for ready in ["inside", "before", "after"] {
        let says = format!("brewline_promises_total{{ready=\"{ready}\"}} 1");
        assert!(metrics.text().contains(&says), "{says} in {}", metrics.text());
    }
}
