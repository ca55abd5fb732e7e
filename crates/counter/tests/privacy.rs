//! What is shown of an order, and no longer than it is remembered.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use common::{Barista, Line, log, options};
use eventlog::sim::SimClock;
use order::{Mode, Rules};

const NOTE: &str = "canary-no-peanuts";

#[tokio::test(flavor = "multi_thread")]
async fn when_an_order_is_forgotten_nobody_is_shown_its_note_any_more() {
    let log = log(1);
    let line = Line::on(log.clone(), options()).await;
    let clock = SimClock::machine();
    let rules = Rules { mode: Mode::Manual, ..Rules::default() };
    let remember_ms = rules.remember_ms;
    let manual = barista::Options { rules, ..barista::Options::default() };
    let _barista = Barista::by_clock(&log, manual, clock.clone());
    let body = format!(r#"{{"items":[{{"item":"latte","note":"{NOTE}"}}],"note":"{NOTE}"}}"#);
    let placed = line.post("/orders", &[("content-type", "application/json")], &body).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let id = placed.json()["order_id"].as_str().unwrap().to_owned();
    line.shown(&id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let as_staff = [("authorization", staff.as_str())];
    let cancelled = line.command(&id, &as_staff, r#"{"command":"cancel","reason":"the end"}"#).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    let remembered = line.get(&format!("/orders/{id}"), &[]).await;
    assert!(remembered.text().contains(NOTE), "{remembered:?}");

    let path = format!("/orders/{id}");
    let mut stream = line.events(&format!("{path}/events"), &[]).await;
    clock.advance(remember_ms + 1);
    // The barista looks at its clock when there is something to do.
    line.order(1).await;
    stream.named("forgotten").await;
    for path in [path.clone(), format!("{path}/history"), "/orders?live".to_owned()] {
        let shown = line.get(&path, &as_staff).await;
        assert!(!shown.text().contains(NOTE), "{path}: {shown:?}");
    }
    // A counter that begins anew reads order.received, which has the note for as long as it is kept.
    let again = Line::on(log.clone(), options()).await;
    let shown = again.get(&path, &as_staff).await;
    assert_eq!(shown.status, 404, "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn public_screens_show_no_name_and_no_note() {
    let log = log(1);
    let line = Line::on(log.clone(), options()).await;
    let _barista = Barista::start(&log, Mode::Manual);
    let mut board = line.events("/board/events", &[]).await;
    let body =
        format!(r#"{{"items":[{{"item":"latte","note":"{NOTE}"}}],"note":"{NOTE}","name":"canary-name"}}"#);
    let placed = line.post("/orders", &[("content-type", "application/json")], &body).await;
    let id = placed.json()["order_id"].as_str().unwrap().to_owned();
    let staff = line.staff();
    let ready = line.command(&id, &[("authorization", &staff)], r#"{"command":"ready"}"#).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    let shown =
        board.until("board", |board| board["ready"].as_array().is_some_and(|all| !all.is_empty())).await;
    assert!(!shown.data.contains("canary") && !shown.data.contains(&id), "{shown:?}");
}
