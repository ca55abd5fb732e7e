//! What is promised to whoever orders, and what follows when that is too long.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::sync::Arc;

use common::{Barista, Line, log, shop, with_shop};
use counter::Options;
use order::{Mode, Rules};
use serde_json::Value;

const ONE: &str = r#"{"items":[{"item":"latte"}]}"#;

/// One hand, and a minute for a cup of the core.
fn one_hand() -> barista::Options {
    let rules = Rules { mode: Mode::Auto, cup_ms: 60_000, ..Rules::default() };
    barista::Options { rules, hands: Some(1), ..barista::Options::default() }
}

/// A line on which the counter knows that a barista is there.
async fn line(settings: &str, of_device: u32) -> (Line, Barista) {
    let (options, change) = with_shop(shop(settings));
    let options = Options { orders_per_minute_of_device: of_device, ..options };
    let log = log(1);
    let barista = Barista::with(&log, one_hand());
    let line = Line::on(Arc::clone(&log), options).await;
    // The shop stays as it is.
    drop(change);
    let mut seen = line.events("/shop/events", &[]).await;
    seen.until("shop", |shop| shop["hands"] == 1).await;
    (line, barista)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_promise_is_written_with_the_order_and_shown_as_long_as_it_is_known() {
    let (line, _barista) = line("", 10).await;
    let placed = line.order_items(&[], ONE).await.json();
    let promise = &placed["promise"];
    assert!(promise["from"].as_i64().unwrap() < promise["to"].as_i64().unwrap(), "{placed}");
    let id = placed["order_id"].as_str().unwrap();
    let shown = line.shown(id, |order| order["state"] == "making").await;
    assert_eq!(&shown["promised"], promise);
    assert!(shown["promise"].is_object(), "{shown}");
    let bell = line.order_items(&[], r#"{"amount":1}"#).await.json();
    assert!(bell["promise"].is_object(), "without items, too: {bell}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_paid_first_is_promised_a_time_when_it_is_paid() {
    let (line, _barista) = line("payment = \"before\"", 10).await;
    let placed = line.order_items(&[], ONE).await.json();
    assert_eq!((&placed["unpaid"], placed.get("promise")), (&true.into(), None));
    let id = placed["order_id"].as_str().unwrap();
    let unpaid = line.shown(id, |order| order["decided"] == true).await;
    assert_eq!((unpaid.get("promise"), unpaid.get("promised")), (None, None));
    let staff = line.staff();
    let paid = line.command(id, &[("authorization", &staff)], r#"{"command":"accept"}"#).await.json();
    assert!(paid["promised"]["to"].is_i64() && paid["promise"].is_object(), "{paid}");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_longest_wait_ordering_pauses_by_itself_and_says_when_it_goes_on() {
    let (line, _barista) = line("longest_wait_minutes = 10", 10).await;
    let mut seen = line.events("/shop/events", &[]).await;
    line.order(20).await;
    let paused = seen.until("shop", |shop| shop["ordering"] == "paused").await.json();
    assert_eq!(paused["reason"], "wait");
    assert!(paused["promise"]["to_minutes"].as_u64().unwrap() > 10, "{paused}");
    let refused = line.order_items(&[], ONE).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "ordering_paused"));
    let reopens_in = refused.json()["reopens_at"].as_i64().unwrap() - paused["now"].as_i64().unwrap();
    assert!((10 * 60_000..30 * 60_000).contains(&reopens_in), "{refused:?}");
    let staff = line.staff();
    assert_eq!(line.order_items(&[("authorization", &staff)], ONE).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_refused_takes_no_place_in_the_line() {
    let (line, _barista) = line("longest_wait_minutes = 1440", 1).await;
    let device = ("brewline-device", "phone");
    let placed = line.order_items(&[device], r#"{"amount":1}"#).await;
    assert_eq!(placed.status, 201);
    let wait = |shop: Value| shop["promise"]["to_minutes"].as_u64().unwrap();
    let before = wait(line.get("/shop", &[]).await.json());
    for _ in 0..20 {
        let refused = line.order_items(&[device], r#"{"amount":30}"#).await;
        assert_eq!(refused.code(), "too_many_orders");
    }
    let after = wait(line.get("/shop", &[]).await.json());
    assert!(after <= before, "{before} minutes, and then {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_shop_says_so_only_staff_order_by_an_amount_alone() {
    let (line, _barista) = line("by_amount = \"staff\"", 10).await;
    for guest in
        [line.post("/order?amount=1000", &[], "").await, line.order_items(&[], r#"{"amount":1000}"#).await]
    {
        assert_eq!((guest.status, &guest.json()["code"]), (401, &"unauthorized".into()));
    }
    assert_eq!(line.order_items(&[], ONE).await.status, 201, "what is on the menu anyone orders");
    let staff = [("authorization", line.staff())];
    let staff: Vec<_> = staff.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(line.post("/order?amount=2", &staff, "").await.status, 202);
    assert_eq!(line.order_items(&staff, r#"{"amount":2}"#).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_orders_as_many_cups_at_once_as_the_shop_says_and_staff_as_many_as_there_are() {
    let (line, _barista) = line("largest_phone_order_cups = 3\nlongest_wait_minutes = 1440", 10).await;
    let lattes =
        |cups| format!(r#"{{"items":[{{"item":"latte","quantity":{}}},{{"item":"americano"}}]}}"#, cups - 1);
    for too_large in [lattes(4), r#"{"amount":4}"#.to_owned()] {
        let refused = line.order_items(&[], &too_large).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "order_too_large"), "{refused:?}");
        assert_eq!(refused.json()["max_cups"], 3);
        assert!(refused.json()["detail"].as_str().unwrap().contains("ask staff"), "{refused:?}");
    }
    for fits in [lattes(3), r#"{"amount":3}"#.to_owned()] {
        assert_eq!(line.order_items(&[], &fits).await.status, 201);
    }
    assert_eq!(line.get("/menu", &[]).await.json()["shop"]["largest_phone_order_cups"], 3);
    let staff = [("authorization", line.staff())];
    let staff: Vec<_> = staff.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(line.order_items(&staff, &lattes(1_000)).await.status, 201);
}
