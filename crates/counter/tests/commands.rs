//! Commands, each with every outcome it can have, decided by the real barista.

mod common;

use std::{sync::Arc, time::Duration};

use common::{Barista, Line, foreign_order, log, options, within};
use counter::Options;
use order::{Answer, At, CommandId, Kind, Mode, Order, OrderId, OrderState, Placed, Stage, topic};

async fn manual() -> (Line, Barista) {
    let line = Line::start().await;
    let barista = Barista::start(&line.log, Mode::Manual);
    (line, barista)
}

#[tokio::test]
async fn an_order_goes_its_way_by_commands_and_each_answer_shows_where_it_is() {
    let (line, _barista) = manual().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    for (command, state, round, status) in [
        (r#"{"command":"note","text":"oat"}"#, "received", 1, 0),
        (r#"{"command":"start","state":"received","round":1}"#, "making", 1, 0),
        (r#"{"command":"ready"}"#, "ready", 1, 1),
        (r#"{"command":"recall","reason":"cold"}"#, "making", 2, 0),
        (r#"{"command":"ready"}"#, "ready", 2, 1),
        (r#"{"command":"collect"}"#, "collected", 2, 1),
        (r#"{"command":"uncollect"}"#, "ready", 2, 1),
        (r#"{"command":"cancel","reason":"gone"}"#, "cancelled", 2, 0),
    ] {
        let reply = line.command(&id, &staff, command).await;
        assert_eq!(reply.status, 200, "{command}: {reply:?}");
        let json = reply.json();
        assert_eq!((&json["state"], &json["round"]), (&state.into(), &round.into()), "{command}");
        assert_eq!(json["status"], status, "{command}");
        if state != "cancelled" {
            assert_eq!(json["marks"]["staff_note"], "oat", "staff see their note");
        }
    }
    let shown = line.get(&format!("/orders/{id}"), &[]).await.json();
    assert!(shown["marks"].get("staff_note").is_none(), "the holder does not: {shown}");
}

#[tokio::test]
async fn what_an_order_cannot_do_is_told_with_where_it_is() {
    let (line, _barista) = manual().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    for (headers, command, status, code) in [
        (&[][..], r#"{"command":"start"}"#, 403, "not_allowed"),
        (&staff, r#"{"command":"rang"}"#, 403, "not_allowed"),
        (&staff, r#"{"command":"collect"}"#, 409, "wrong_state"),
        (&staff, r#"{"command":"cancel","state":"ready","round":1}"#, 409, "changed"),
        (&staff, r#"{"command":"cancel","state":"received","round":2}"#, 409, "changed"),
        (&staff, r#"{"command":"accept"}"#, 409, "not_unpaid"),
        (&staff, r#"{"command":"tick","line":0}"#, 400, "no_such_line"),
        (&[], r#"{"command":"explode"}"#, 400, "bad_json"),
        (&[], r#"{"command":"tick"}"#, 400, "bad_json"),
        (&[], r#"{"command":5}"#, 400, "bad_json"),
        (&[], r#"{"command":"cancel","state":"received"}"#, 400, "bad_field"),
        (&[], r#"{"command":"cancel","stat":"received","rounds":1}"#, 400, "bad_field"),
        (&[], r#"{"command":"start","device":"bar\u0007"}"#, 400, "bad_field"),
        (&[], r#"{"command":"cancel","reason":"late\u001b"}"#, 400, "bad_field"),
        (&[], &format!(r#"{{"command":"cancel","reason":"{}"}}"#, "x".repeat(201)), 400, "bad_field"),
        (&[("authorization", "Bearer nonsense")], r#"{"command":"cancel"}"#, 401, "unauthorized"),
        (&[("authorization", "Basic bm9uc2Vuc2U=")], r#"{"command":"cancel"}"#, 401, "unauthorized"),
    ] {
        let reply = line.command(&id, headers, command).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{command}");
        if status == 409 {
            let json = reply.json();
            assert_eq!((&json["state"], &json["order"]["state"]), (&"received".into(), &"received".into()));
        }
        if status == 401 {
            assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
        }
    }
    let reply = line.command("nobody", &[], r#"{"command":"cancel"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (404, "unknown_order"));
    let reply = line.post(&format!("/orders/{id}/commands"), &[], r#"{"command":"cancel"}"#).await;
    assert_eq!(reply.status, 415);
}

#[tokio::test]
async fn an_order_that_waits_for_payment_says_so() {
    let (line, _barista) = manual().await;
    line.log.append(
        topic::RECEIVED,
        0,
        eventlog::Record::new("till-1", r#"{"order_id":"till-1","amount":1,"status":0,"unpaid":true}"#),
    );
    let shown = line.shown("till-1", |order| order["decided"] == true).await;
    assert_eq!(shown["unpaid"], true);
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    let reply = line.command("till-1", &staff, r#"{"command":"start"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (409, "unpaid"));
    let paid = line.command("till-1", &staff, r#"{"command":"accept"}"#).await.json();
    assert_eq!((&paid["unpaid"], &paid["paid"]), (&false.into(), &true.into()));
    let reply = line.command("till-1", &[], r#"{"command":"cancel"}"#).await;
    assert_eq!(reply.code(), "not_allowed", "ids of foreign orders can be guessed: only staff command them");
}

#[tokio::test]
async fn the_name_that_a_program_says_turns_no_text_beside_it() {
    let (line, _barista) = manual().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    let start = "{\"command\":\"start\",\"device\":\"\u{202e}Main bar\u{2069}\"}";
    assert_eq!(line.command(&id, &staff, start).await.status, 200);
    let history = line.get(&format!("/orders/{id}/history"), &staff).await.json();
    let events = history["events"].as_array().unwrap();
    let by = events.iter().map(|event| &event["by"]).rfind(|by| !by.is_null()).expect("who did it");
    assert_eq!(by["device"], "Main bar");
}

#[tokio::test]
async fn a_repeated_command_gets_the_first_answer() {
    let (line, _barista) = manual().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let key = [("idempotency-key", "tap-0123456789abcdef")];
    let first = line.command(&id, &key, r#"{"command":"cancel"}"#).await;
    assert_eq!(first.status, 200);
    let again = line.command(&id, &key, r#"{"command":"cancel"}"#).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.json()["version"], first.json()["version"]);
    assert_eq!(line.log.history(topic::COMMAND, 0).len(), 1, "the state remembers the answer");
    let other = line.command(&id, &[], r#"{"command":"cancel"}"#).await;
    assert_eq!(other.code(), "wrong_state");
}

#[tokio::test]
async fn a_key_that_stood_for_another_command_is_refused_and_nothing_happens() {
    let (line, _barista) = manual().await;
    let body = r#"{"items":[{"item":"latte"},{"item":"tea"}]}"#;
    let order = line.post("/orders", &[("content-type", "application/json")], body).await.json();
    let id = order["order_id"].as_str().unwrap().to_owned();
    line.shown(&id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let headers = [("authorization", staff.as_str()), ("idempotency-key", "tap-0123456789abcdef")];
    let first = line.command(&id, &headers, r#"{"command":"tick","line":0}"#).await;
    assert_eq!(first.status, 200, "{first:?}");
    for other in [r#"{"command":"start"}"#, r#"{"command":"tick","line":1}"#] {
        let reply = line.command(&id, &headers, other).await;
        assert_eq!((reply.status, reply.code().as_str()), (422, "idempotency_key_reused"), "{other}");
        assert_eq!(reply.json()["order"]["version"], first.json()["version"], "{other}");
    }
    let again = line.command(&id, &headers, r#"{"command":"tick","line":0}"#).await;
    assert_eq!((again.status, &again.json()["version"]), (200, &first.json()["version"]));
}

#[tokio::test]
async fn of_two_different_commands_at_once_with_one_key_only_the_first_in_the_log_is_done() {
    let (line, _barista) = manual().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let headers = [("authorization", staff.as_str()), ("idempotency-key", "tap-0123456789abcdef")];
    let (start, cancel) = tokio::join!(
        line.command(&id, &headers, r#"{"command":"start"}"#),
        line.command(&id, &headers, r#"{"command":"cancel"}"#),
    );
    let mut statuses = [start.status, cancel.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422], "{start:?} {cancel:?}");
    let shown = if start.status == 200 { "making" } else { "cancelled" };
    line.shown(&id, |order| order["state"] == shown).await;
}

#[tokio::test]
async fn of_two_at_once_one_wins_and_the_other_is_told() {
    let (line, _barista) = manual().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    let (cancel, start) = tokio::join!(
        line.command(&id, &[], r#"{"command":"cancel","state":"received","round":1}"#),
        line.command(&id, &staff, r#"{"command":"start","state":"received","round":1}"#),
    );
    let mut statuses = [cancel.status, start.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{cancel:?} {start:?}");
    let loser = if cancel.status == 409 { cancel } else { start };
    assert_eq!(loser.code(), "changed");
}

#[tokio::test]
async fn a_command_waits_for_an_order_that_was_placed_a_moment_ago() {
    let log = log(1);
    let slow = log.process();
    let line = Line::on_process(Arc::clone(&log), Arc::clone(&slow) as _, options()).await;
    let _barista = Barista::start(&log, Mode::Manual);
    slow.lag(true);
    let (id, at) = line.order(1).await;
    let unknown = line.command(&id, &[], r#"{"command":"cancel"}"#).await;
    assert_eq!(unknown.code(), "unknown_order");
    let path = format!("/orders/{id}?at={at}");
    let waiting = line.get(&path, &[]).await;
    assert_eq!((waiting.status, &waiting.json()["code"]), (202, &"catching_up".into()));
    let body = r#"{"command":"cancel"}"#;
    let path = format!("/orders/{id}/commands?at={at}");
    let headers = [("content-type", "application/json")];
    let (cancelled, ()) = tokio::join!(line.post(&path, &headers, body), async {
        while log.history(topic::COMMAND, 0).is_empty() {
            tokio::task::yield_now().await;
        }
        slow.lag(false);
    });
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (200, &"cancelled".into()), "{cancelled:?}");
}

#[tokio::test]
async fn where_nobody_decides_it_is_said() {
    let line = Line::on(log(1), Options { deadline: Duration::from_secs(2), ..options() }).await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == false).await;
    let reply =
        line.command(&id, &[("idempotency-key", "0123456789abcdef")], r#"{"command":"cancel"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (409, "no_barista"));
    assert_eq!(reply.json()["command_id"], "0123456789abcdef");
    assert!(reply.json()["order"]["undecided_ms"].is_number());
    // The barista comes, and the repeat hears what became of it.
    let _barista = Barista::start(&line.log, Mode::Manual);
    line.shown(&id, |order| order["state"] == "cancelled").await;
    let reply =
        line.command(&id, &[("idempotency-key", "0123456789abcdef")], r#"{"command":"cancel"}"#).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn whoever_waits_for_a_drink_sees_that_nobody_decides_on_what_staff_tap() {
    let line = Line::on(log(1), Options { deadline: Duration::from_secs(2), ..options() }).await;
    let barista = Barista::start(&line.log, Mode::Manual);
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    drop(barista);
    let mut stream = line.events(&format!("/orders/{id}/events"), &[]).await;
    let still = stream.named("heartbeat").await.json();
    assert_eq!((still.get("no_barista"), still["promise"].is_object()), (None, true), "{still}");
    let staff = line.staff();
    let tapped = line.command(&id, &[("authorization", &staff)], r#"{"command":"start"}"#).await;
    assert_eq!(tapped.code(), "no_barista", "{tapped:?}");
    let told = stream.until("heartbeat", |heartbeat| heartbeat["no_barista"] == true).await.json();
    assert_eq!(told.get("promise"), None, "{told}");
    let ready = line.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["missing"][0]["what"]), (503, &"barista".into()));
}

#[tokio::test]
async fn a_command_that_somebody_may_still_decide_is_accepted_for_later() {
    let line = Line::on(log(1), Options { deadline: Duration::from_secs(2), ..options() }).await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |_| true).await;
    let log = Arc::clone(&line.log);
    let sign = tokio::spawn(async move {
        while log.history(topic::COMMAND, 0).is_empty() {
            tokio::task::yield_now().await;
        }
        let positions = r#"{"v":1,"positions":[{"topic":"order.received","next":0}],"last_code":0,"open":0,"mode":"manual"}"#;
        log.append(topic::STATE, 0, eventlog::Record::new(topic::POSITIONS_KEY, positions));
    });
    let reply = line.command(&id, &[], r#"{"command":"cancel"}"#).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    let json = reply.json();
    assert_eq!((&json["code"], &json["order"]["state"]), (&"no_answer_yet".into(), &"received".into()));
    assert!(json["command_id"].is_string());
    within(sign).await.unwrap();
}

#[tokio::test]
async fn an_outcome_whose_event_was_missed_is_told_from_the_state() {
    let line = Line::on(log(1), Options { deadline: Duration::from_secs(2), ..options() }).await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |_| true).await;
    let log = Arc::clone(&line.log);
    let order = Order::new(OrderId::new(id.clone()).unwrap(), 1);
    let decided = tokio::spawn(async move {
        while log.history(topic::COMMAND, 0).is_empty() {
            tokio::task::yield_now().await;
        }
        let at = At { partition: 0, offset: 0 };
        let placed = Placed { at, received_at: 1, foreign: false, history_from: 0, traceparent: None };
        let mut state = OrderState::undecided(order, placed, Mode::Manual);
        (state.version, state.code, state.stage) = (2, 1, Stage::Cancelled);
        state.answers.push(Answer {
            command_id: CommandId::new("0123456789abcdef").unwrap(),
            command: Some(Kind::Cancel),
            line: None,
            version: 2,
            state: Stage::Cancelled,
            round: 1,
            refused: None,
        });
        log.append(topic::STATE, 0, eventlog::Record::new(state.id().as_str().to_owned(), state.to_json()));
    });
    let key = [("idempotency-key", "0123456789abcdef")];
    let reply = line.command(&id, &key, r#"{"command":"cancel"}"#).await;
    assert_eq!((reply.status, &reply.json()["state"]), (200, &"cancelled".into()), "{reply:?}");
    within(decided).await.unwrap();
}

#[tokio::test]
async fn orders_of_other_baristas_cannot_be_commanded() {
    let line = Line::start().await;
    line.log.append(topic::RECEIVED, 0, foreign_order("theirs", 1));
    let mut done = foreign_order("theirs", 1);
    done.value = Some(r#"{"order_id":"theirs","amount":1,"status":1}"#.into());
    line.log.append(topic::PROCESSED, 0, done);
    let shown = line.shown("theirs", |order| order["state"] == "ready").await;
    assert_eq!((&shown["status"], &shown["version"]), (&1.into(), &1.into()));
    assert!(shown.get("code").is_none());
    let reply = line.command("theirs", &[], r#"{"command":"collect"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (409, "no_barista"));
    assert!(line.log.history(topic::COMMAND, 0).is_empty());
}

#[tokio::test]
async fn the_history_of_an_order_is_for_staff_and_without_notes() {
    let (line, _barista) = manual().await;
    for _ in 0..3 {
        line.order(1).await;
    }
    let body = r#"{"amount":1,"note":"no nuts"}"#;
    let id =
        line.post("/orders", &[("content-type", "application/json")], body).await.json()["order_id"].clone();
    let id = id.as_str().unwrap();
    line.shown(id, |order| order["decided"] == true).await;
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    for command in ["start", "ready", "collect"] {
        assert_eq!(line.command(id, &staff, &format!(r#"{{"command":"{command}"}}"#)).await.status, 200);
    }
    let path = format!("/orders/{id}/history");
    assert_eq!(line.get(&path, &[]).await.code(), "unauthorized");
    let reply = line.get(&path, &staff).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(!reply.text().contains("no nuts"));
    let history = reply.json();
    assert_eq!((&history["complete"], &history["carried_over"]), (&true.into(), &false.into()));
    let events = history["events"].as_array().unwrap();
    let told: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(told, ["received", "start", "ready", "collect"]);
    assert!(events.iter().all(|event| event["offset"].is_number() && event["timestamp"].is_number()));
    assert_eq!(line.get("/orders/nobody/history", &staff).await.code(), "unknown_order");
}
