//! The ledger: what the log says, counted; and what it says when a record is too few or too many.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::sync::Arc;

use common::{
    Barista, Line, foreign_order,
    ledger::{adds_up, get, ledger, of},
    log, options, within,
};
use eventlog::{Entry, Headers, Record, sim::SimLog};
use order::{At, Book, CloudEvent, Event, Mode, Order, Placed, Rules, Verdict, topic};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

async fn tap(line: &Line, id: &str, command: &str) {
    let reply =
        line.command(id, &[("authorization", &line.staff())], &json!({"command": command}).to_string()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

/// What a barista would decide on the next order, as records; it has read everything before `offset`.
fn taken(log: &SimLog, id: &str, offset: u64) -> Event {
    let mut book = Book::default();
    let placed = Placed {
        at: At { partition: 0, offset },
        received_at: 5,
        foreign: true,
        history_from: 0,
        traceparent: None,
    };
    let order = Order::new(order::OrderId::new(id).unwrap(), 1);
    let rules = Rules { mode: Mode::Manual, ..Rules::default() };
    let Verdict::Changed(change) = book.take(order, placed, 5, &rules, true) else { panic!("it is new") };
    log.append(topic::EVENT, 0, Record::new(id.to_owned(), change.event.to_json()));
    change.event
}

#[tokio::test]
async fn every_order_is_accounted_for_wherever_it_is() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(log, options()).await;
    let mut ids = Vec::new();
    for amount in 1..=4 {
        ids.push(line.order(amount).await.0);
    }
    for id in &ids {
        line.shown(id, |shown| shown["decided"] == true).await;
    }
    tap(&line, &ids[0], "start").await;
    tap(&line, &ids[1], "ready").await;
    tap(&line, &ids[2], "ready").await;
    tap(&line, &ids[2], "collect").await;
    tap(&line, &ids[3], "cancel").await;
    let seen = ledger(&line, |seen| of(seen, "cancelled") == 1 && of(seen, "collected") == 1).await;
    assert_eq!(seen["holds"], true, "{seen}");
    assert_eq!(seen["faults"], json!([]));
    assert!(adds_up(&seen), "{seen}");
    let counts = ["accepted", "making", "ready", "collected", "cancelled"].map(|what| of(&seen, what));
    assert_eq!(counts, [4, 1, 1, 1, 1]);
    assert_eq!((&seen["began"]["why"], &seen["began"]["at"]), (&json!("first"), &Value::Null));
    assert_eq!(seen["drinks"], 6, "the four of the last one were cancelled");
    let sheet = get(&line, "/ledger/day").await;
    for done in ["orders", "drinks", "remakes", "uncollected", "cancelled", "promise"] {
        assert!(seen[done] == sheet[done] && !seen[done].is_null(), "{done}: {seen} and {sheet}");
    }
    assert_eq!((&sheet["orders"], &sheet["cancelled"]), (&json!(4), &json!(1)));
    assert!(seen["percentiles"]["order_to_ready"][2].is_u64(), "{seen}");
    assert_eq!(seen["chart"].as_array().unwrap().last().unwrap()["open"], 1);
}

#[tokio::test]
async fn a_call_that_was_taken_back_is_no_remake() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(log, options()).await;
    let (spilled, _) = line.order(1).await;
    let (undone, _) = line.order(1).await;
    for (id, reason) in [(&spilled, "undo"), (&spilled, "Spilled"), (&spilled, "undo"), (&undone, "undo")] {
        line.shown(id, |shown| shown["decided"] == true).await;
        tap(&line, id, "ready").await;
        let recall = json!({"command": "recall", "reason": reason}).to_string();
        assert_eq!(line.command(id, &[("authorization", &line.staff())], &recall).await.status, 200);
    }
    for id in [&spilled, &undone] {
        tap(&line, id, "ready").await;
    }
    let seen = ledger(&line, |seen| of(seen, "ready") == 2).await;
    assert_eq!((&seen["remakes"], &seen["holds"]), (&json!(1), &json!(true)), "{seen}");
    let remade = get(&line, "/ledger/orders?filter=remade").await;
    assert_eq!(
        (remade["orders"].as_array().unwrap().len(), &remade["orders"][0]["order_id"]),
        (1, &json!(spilled))
    );
    assert_eq!(
        get(&line, &format!("/orders/{spilled}")).await["marks"]["reason"],
        "Spilled",
        "it still is one"
    );
}

#[tokio::test]
async fn only_staff_see_the_ledger_and_only_managers_take_backups() {
    let line = Line::start().await;
    for path in [
        "/ledger",
        "/ledger/orders",
        "/ledger/minutes",
        "/ledger/day",
        "/ledger/export?format=csv",
        "/backup",
        "/orders?at=1",
    ] {
        let reply = line.get(path, &[]).await;
        assert_eq!((reply.status, reply.code()), (401, "unauthorized".to_owned()), "{path}");
    }
    let token = line
        .send(
            "POST",
            "/tokens",
            &[("content-type", "application/json"), ("authorization", &line.staff())],
            br#"{"name":"display","role":"barista"}"#,
        )
        .await;
    let barista = format!("Bearer {}", token.json()["token"].as_str().unwrap());
    let barista = [("authorization", barista.as_str())];
    for path in [
        "/ledger",
        "/ledger/events",
        "/ledger/orders",
        "/ledger/minutes",
        "/ledger/export?format=csv",
        "/backup",
        "/orders?at=1",
        "/board/codes?at=1",
    ] {
        let reply = line.get(path, &barista).await;
        assert_eq!((reply.status, reply.code()), (403, "managers_only".to_owned()), "{path}");
    }
    let backup = line.get("/backup", &[("authorization", &line.staff())]).await;
    assert_eq!((backup.status, backup.code()), (409, "no_backup".to_owned()), "others keep this log");
    ledger(&line, |_| true).await;
    assert_eq!(
        line.get("/ledger/day", &barista).await.status,
        200,
        "whoever closes the shop sees what was done"
    );
}

#[tokio::test]
async fn a_bell_that_rings_twice_turns_it_red_and_names_the_order() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(Arc::clone(&log), options()).await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |shown| shown["decided"] == true).await;
    tap(&line, &id, "ready").await;
    assert_eq!(ledger(&line, |seen| of(seen, "ready") == 1).await["holds"], true);
    let bell: Entry = log.history(topic::PROCESSED, 0).pop().unwrap();
    let again = log.append(topic::PROCESSED, 0, bell.record);
    let seen = ledger(&line, |seen| seen["holds"] == false).await;
    let fault = &seen["faults"][0];
    assert_eq!((&fault["order_id"], &fault["kind"]), (&json!(id), &json!("announced")), "{seen}");
    assert_eq!((&fault["topic"], &fault["offset"]), (&json!("order.processed"), &json!(again.offset)));
    assert_eq!(fault["code"]["number"], 1);
}

#[tokio::test]
async fn an_order_whose_decisions_are_lost_is_missing_on_one_side_and_named() {
    let log = log(1);
    log.append(topic::RECEIVED, 0, foreign_order("lost", 1));
    let second = log.append(topic::RECEIVED, 0, foreign_order("made", 1));
    taken(&log, "made", second.offset);
    let line = Line::on(Arc::clone(&log), options()).await;
    let seen = ledger(&line, |seen| seen["holds"] == false).await;
    assert!(!adds_up(&seen), "{seen}");
    let fault = &seen["faults"][0];
    assert_eq!((&fault["order_id"], &fault["kind"]), (&json!("lost"), &json!("passed_over")));
    assert_eq!((&fault["topic"], &fault["offset"]), (&json!("order.received"), &json!(0)));
    let story = get(&line, "/orders/lost/history").await;
    assert_eq!((&story["events"], &story["accepted"]["offset"]), (&json!([]), &json!(0)), "{story}");
}

#[tokio::test]
async fn a_decision_that_is_lost_turns_it_red_and_names_the_order() {
    let log = log(1);
    let at = log.append(topic::RECEIVED, 0, foreign_order("torn", 1));
    let first = taken(&log, "torn", at.offset);
    let third = Event {
        version: 3,
        from: Some(order::Stage::Ready),
        to: order::Stage::Collected,
        taken: None,
        ..first
    };
    log.append(topic::EVENT, 0, Record::new("torn", third.to_json()));
    let line = Line::on(log, options()).await;
    let seen = ledger(&line, |seen| seen["holds"] == false).await;
    assert_eq!((&seen["faults"][0]["order_id"], &seen["faults"][0]["kind"]), (&json!("torn"), &json!("gap")));
    assert!(!adds_up(&seen), "{seen}");
}

#[tokio::test]
async fn a_bell_that_stands_a_moment_behind_its_decision_is_not_missing_in_between() {
    let log = log(1);
    let ready = |id: &str| {
        let at = log.append(topic::RECEIVED, 0, foreign_order(id, 1));
        let first = taken(&log, id, at.offset);
        let ready = Event {
            version: 2,
            from: Some(first.to),
            to: order::Stage::Ready,
            kind: order::Kind::Ready,
            taken: None,
            ..first
        };
        log.append(topic::EVENT, 0, Record::new(id.to_owned(), ready.to_json()));
        log.history(topic::EVENT, 0).last().unwrap().timestamp
    };
    let rings = ready("rings");
    // Brokers write the records of one transaction one after the other.
    log.clock().advance(20);
    let source = format!("{}/barista", CloudEvent::SOURCE_PREFIX);
    let bell = Headers::new([(CloudEvent::SOURCE, source.as_bytes()), (CloudEvent::ROUND, &b"1"[..])]);
    log.append(topic::PROCESSED, 0, Record { headers: bell, ..foreign_order("rings", 1) });
    let line = Line::on(Arc::clone(&log), options()).await;
    ledger(&line, |seen| of(seen, "ready") == 1).await;
    let past = get(&line, &format!("/ledger?at={rings}")).await;
    assert!(adds_up(&past) && past["holds"] == true && of(&past, "ready") == 1, "{past}");
    log.clock().advance(10_000);
    let silent = ready("silent");
    ledger(&line, |seen| seen["holds"] == false).await;
    let past = get(&line, &format!("/ledger?at={silent}")).await;
    assert_eq!(past["faults_total"], 1, "{past}");
    assert_eq!(
        (&past["faults"][0]["order_id"], &past["faults"][0]["kind"]),
        (&json!("silent"), &json!("not_announced"))
    );
}

#[tokio::test]
async fn dead_letters_are_a_line_of_it_and_need_someone_until_they_are_seen_to() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(Arc::clone(&log), options()).await;
    log.append(topic::RECEIVED, 0, Record::new("x", "no order"));
    let seen = ledger(&line, |seen| of(seen, "dead_lettered") == 1).await;
    assert_eq!((of(&seen, "accepted"), &seen["holds"]), (1, &json!(true)), "{seen}");
    let need = &seen["needs"][0];
    assert_eq!((&need["kind"], &need["action"]), (&json!("dead_letter"), &json!("open_dlq")));
    let offset = need["offset"].as_u64().unwrap().to_string();
    let mark = Headers::new([("brewline_dlq", &b"dropped"[..]), ("brewline_dlq_offset", offset.as_bytes())]);
    log.append(topic::DLQ, 0, Record { key: Some("x".into()), value: None, headers: mark });
    ledger(&line, |seen| seen["needs"] == json!([])).await;
}

#[tokio::test]
async fn an_order_that_nobody_decides_on_needs_someone() {
    let line = Line::start().await;
    let (id, _) = line.order(1).await;
    let seen = ledger(&line, |seen| seen["needs"] != json!([])).await;
    assert_eq!((&seen["needs"][0]["order_id"], &seen["needs"][0]["kind"]), (&json!(id), &json!("undecided")));
    assert_eq!((of(&seen, "received"), &seen["holds"]), (1, &json!(true)));
}

#[tokio::test]
async fn a_recount_begins_with_the_last_balance_and_an_order_that_is_ordered_again_is_no_loss() {
    let log = log(1);
    let id = "again";
    let first = log.append(topic::RECEIVED, 0, foreign_order(id, 1));
    let event = taken(&log, id, first.offset);
    let done = Event {
        version: 2,
        from: Some(event.to),
        to: order::Stage::Cancelled,
        kind: order::Kind::Cancel,
        taken: None,
        ..event
    };
    let last = log.append(topic::EVENT, 0, Record::new(id, done.to_json()));
    let open = log.append(topic::RECEIVED, 0, foreign_order("open", 1));
    let opened = taken(&log, "open", open.offset);
    let balance = json!({
        "at": 7, "over": true, "orders": 2, "drinks": 2, "remakes": 0, "uncollected": 0, "cancelled": 1, "holds": true,
        "promise": {"inside": 0, "early": 0, "late": 0, "worst_late_ms": 0, "total": 0},
        "equation": {"accepted": 2, "received": 1, "making": 0, "ready": 0, "collected": 0, "uncollected": 0,
            "cancelled": 1, "dead_lettered": 0, "carried_over": 0},
        "to": {"order.received": {"0": open.offset + 1}, "order.event": {"0": last.offset + 2},
            "order.processed": {"0": 0}, "order.dlq": {"0": 0}},
        "live": [{"id": "open", "stage": "received", "round": 1, "version": opened.version, "offset": open.offset}],
        "live_total": 1,
    });
    log.append(topic::SHOP, 0, Record::new("day/2026-01-01", balance.to_string()));
    // It comes again while baristas remember it: they go past it.
    log.append(topic::RECEIVED, 0, foreign_order(id, 1));
    let new = log.append(topic::RECEIVED, 0, foreign_order("new", 1));
    taken(&log, "new", new.offset);
    let line = Line::on(log, options()).await;
    let seen = ledger(&line, |seen| of(seen, "accepted") == 1).await;
    assert_eq!(seen["began"], json!({"at": 7, "why": "balance", "date": "2026-01-01"}), "{seen}");
    assert_eq!((of(&seen, "carried_over"), of(&seen, "received")), (1, 2), "{seen}");
    assert!(adds_up(&seen) && seen["holds"] == true, "{seen}");
    let minutes = get(&line, "/ledger/minutes").await;
    assert_eq!(
        (&minutes["days"][0]["date"], &minutes["days"][0]["orders"]),
        (&json!("2026-01-01"), &json!(2))
    );
}

#[tokio::test]
async fn closing_the_shop_writes_the_balance_of_the_day() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(Arc::clone(&log), options()).await;
    let (id, _) = line.order(2).await;
    line.shown(&id, |shown| shown["decided"] == true).await;
    ledger(&line, |seen| of(seen, "accepted") == 1).await;
    assert_eq!(line.say("open", r#"{"open":false}"#).await.status, 200);
    let minutes = common::within(async {
        loop {
            let minutes = get(&line, "/ledger/minutes").await;
            if minutes["days"] != json!([]) {
                return minutes;
            }
        }
    })
    .await;
    let day = &minutes["days"][0];
    assert_eq!((&day["orders"], &day["drinks"], &day["holds"]), (&json!(1), &json!(2), &json!(true)));
    let balance = log
        .history(topic::SHOP, 0)
        .into_iter()
        .rev()
        .find(|entry| entry.record.key.as_deref().is_some_and(|key| key.starts_with(b"day/")));
    let balance: Value = serde_json::from_slice(&balance.unwrap().record.value.unwrap()).unwrap();
    assert_eq!(balance["live"][0]["id"], id, "{balance}");
    assert_eq!((&balance["live"][0]["stage"], &balance["live"][0]["code"]), (&json!("received"), &json!(1)));
    let sheet = get(&line, "/ledger/day").await;
    assert_eq!((&sheet["orders"], &sheet["drinks"], &sheet["holds"]), (&json!(1), &json!(2), &json!(true)));
}

#[tokio::test]
async fn orders_are_found_by_what_they_are_and_told_page_by_page() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(Arc::clone(&log), options()).await;
    let lines = |title: &str, ko: &str| {
        json!([{"item": title.to_lowercase(), "quantity": 2, "options": ["milk/oat"],
            "title": {"en": title, "ko": ko}, "option_titles": [{"en": "Oat", "ko": "오트"}]}])
    };
    for (id, title, ko) in
        [("a", "Latte", "카페라테"), ("b", "Tea", "차"), ("c", "Iced latte", "아이스 라테")]
    {
        let order = json!({"order_id": id, "amount": 2, "status": 0, "items": lines(title, ko), "ref": format!("T-{id}")});
        log.append(topic::RECEIVED, 0, Record::new(id, order.to_string()));
        line.shown(id, |shown| shown["decided"] == true).await;
    }
    ledger(&line, |seen| of(seen, "accepted") == 3).await;
    let found = async |query: &str| {
        let list = get(&line, &format!("/ledger/orders?{query}")).await;
        let ids = list["orders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|order| order["order_id"].as_str().unwrap().to_owned());
        (ids.collect::<String>(), list["matching"].as_u64().unwrap(), list["next"].clone())
    };
    let none = Value::Null;
    assert_eq!(found("").await, ("cba".into(), 3, none.clone()));
    assert_eq!(found("q=latte+OAT").await, ("ca".into(), 2, none.clone()));
    assert_eq!(found("q=%EB%9D%BC%ED%85%8C").await, ("ca".into(), 2, none.clone()));
    assert_eq!(found("q=t-b").await, ("b".into(), 1, none.clone()));
    assert_eq!(found("limit=2").await, ("cb".into(), 3, json!("b")));
    assert_eq!(found("limit=2&after=b").await, ("a".into(), 3, none.clone()));
    tap(&line, "b", "cancel").await;
    ledger(&line, |seen| of(seen, "cancelled") == 1).await;
    assert_eq!(found("filter=cancelled").await, ("b".into(), 1, none.clone()));
    assert_eq!(found("filter=open").await, ("ca".into(), 2, none));
    for (query, field) in [("filter=nice", "filter"), ("limit=0", "limit"), ("q=%FF", "q"), ("at=noon", "at")]
    {
        let reply = line.get(&format!("/ledger/orders?{query}"), &[("authorization", &line.staff())]).await;
        assert_eq!((reply.status, reply.json()["field"].as_str()), (400, Some(field)));
    }
    let list = get(&line, "/ledger/orders?q=iced").await;
    let order = &list["orders"][0];
    assert_eq!(order["drinks"][0]["option_titles"][0], json!({"en": "Oat", "ko": "오트"}));
    assert_eq!(
        (&order["ref"], &order["state"], &order["amount"]),
        (&json!("T-c"), &json!("received"), &json!(2))
    );
}

#[tokio::test]
async fn everything_is_shown_as_it_was_at_any_moment() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(Arc::clone(&log), options()).await;
    let (id, _) = line.order(3).await;
    line.shown(&id, |shown| shown["decided"] == true).await;
    tap(&line, &id, "start").await;
    let then = log.history(topic::EVENT, 0).last().unwrap().timestamp;
    // The log's time has to go on before something else happens.
    while log.clock().now() <= then + 1 {
        tokio::task::yield_now().await;
    }
    tap(&line, &id, "ready").await;
    let (other, _) = line.order(1).await;
    line.shown(&other, |shown| shown["decided"] == true).await;
    let now = ledger(&line, |seen| of(seen, "ready") == 1 && of(seen, "received") == 1).await;
    let past = get(&line, &format!("/ledger?at={then}")).await;
    assert_eq!((of(&past, "accepted"), of(&past, "making"), of(&past, "ready")), (1, 1, 0), "{past}");
    assert_eq!((&past["at"], &past["holds"]), (&json!(then), &json!(true)));
    assert_eq!(past["day"], now["day"]);
    let beside = |ledger: &Value| (ledger["before"].as_i64(), ledger["after"].as_i64());
    let (before, after) = beside(&past);
    assert!(before < Some(then) && after > Some(then), "{past}");
    let stepped = get(&line, &format!("/ledger?at={}", after.unwrap())).await;
    assert_eq!((of(&stepped, "ready"), beside(&stepped).0), (1, Some(then)), "one event on: {stepped}");
    assert_eq!(beside(&now).1, None);
    let orders = get(&line, &format!("/ledger/orders?at={then}")).await;
    assert_eq!((&orders["total"], &orders["orders"][0]["state"]), (&json!(1), &json!("making")));
    let bar = get(&line, &format!("/orders?at={then}")).await;
    assert_eq!((&bar["total"], &bar["orders"][0]["state"]), (&json!(1), &json!("making")), "{bar}");
    assert_eq!((&bar["orders"][0]["order_id"], &bar["orders"][0]["amount"]), (&json!(id), &json!(3)));
    let board = get(&line, &format!("/board/codes?at={then}")).await;
    assert_eq!((&board["making"][0]["number"], &board["ready"]), (&json!(1), &json!([])), "{board}");
    assert_eq!(line.get(&format!("/board/codes?at={then}"), &[]).await.status, 401);
    let minutes = get(&line, &format!("/ledger/minutes?at={then}")).await;
    assert_eq!(minutes["day"], now["day"]);
}

#[tokio::test]
async fn a_past_that_is_gone_is_said_to_be_gone() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Auto);
    let line = Line::on(Arc::clone(&log), options()).await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |shown| shown["state"] == "ready").await;
    ledger(&line, |seen| of(seen, "ready") == 1).await;
    let then = log.history(topic::RECEIVED, 0)[0].timestamp;
    let (other, _) = line.order(1).await;
    line.shown(&other, |shown| shown["state"] == "ready").await;
    log.cut(topic::RECEIVED, 0, 1);
    log.cut(topic::EVENT, 0, 2);
    log.cut(topic::PROCESSED, 0, 1);
    let reply = line.get(&format!("/ledger?at={then}"), &[("authorization", &line.staff())]).await;
    assert_eq!((reply.status, reply.code()), (410, "past_gone".to_owned()));
    assert!(reply.json()["kept_from"].as_i64().unwrap() > then);
}

#[tokio::test]
async fn a_day_is_a_file_without_names_and_notes() {
    let log = log(1);
    let _barista = Barista::start(&log, Mode::Manual);
    let line = Line::on(Arc::clone(&log), options()).await;
    let order = json!({"order_id": "a", "amount": 1, "status": 0, "name": "Kim", "note": "no nuts", "ref": "=1+1",
        "total": 5500, "currency": "KRW",
        "items": [{"item": "latte", "note": "no nuts", "title": {"en": "Latte, hot", "ko": "라테"}}]});
    log.append(topic::RECEIVED, 0, Record::new("a", order.to_string()));
    line.shown("a", |shown| shown["decided"] == true).await;
    ledger(&line, |seen| of(seen, "accepted") == 1).await;
    let file = async |format: &str| {
        let reply =
            line.get(&format!("/ledger/export?format={format}"), &[("authorization", &line.staff())]).await;
        assert_eq!(reply.status, 200);
        assert!(reply.header("content-disposition").unwrap().contains(format));
        let text = reply.text().to_owned();
        assert!(!text.contains("Kim") && !text.contains("nuts"), "{text}");
        text
    };
    let csv = file("csv").await;
    assert!(csv.contains("order_id,code,code_en,code_ko,received_at"), "{csv}");
    assert!(csv.contains("\r\na,1,anchor,닻줄,2"), "{csv}");
    assert!(csv.contains("\"Latte, hot\",라테,5500,KRW,") && csv.contains(",'=1+1,"), "{csv}");
    let jsonl = file("jsonl").await;
    assert!(jsonl.contains(r#""order_id":"a""#) && jsonl.contains(r#""ref":"=1+1""#), "{jsonl}");
    // The lines between stand for how it came: in chunks.
    let order = jsonl.lines().find(|line| line.starts_with('{')).unwrap();
    let order: Value = serde_json::from_str(order).unwrap();
    assert_eq!((&order["total"], &order["currency"]), (&json!(5500), &json!("KRW")));
    let local = order["local"]["received_at"].as_str().unwrap();
    assert!(csv.contains(local), "{local} in {csv}");
    let received: jiff::Timestamp = local.parse().unwrap();
    assert_eq!(order["received_at"], received.as_millisecond());
    assert_eq!(local.get(23..), Some("+09:00"), "the example's shop is in Seoul");
    for (query, field) in
        [("format=xml", "format"), ("format=csv&day=3026-01-01", "day"), ("format=csv&day=x", "day")]
    {
        let reply = line.get(&format!("/ledger/export?{query}"), &[("authorization", &line.staff())]).await;
        assert_eq!((reply.status, reply.json()["field"].as_str()), (400, Some(field)));
    }
}

#[tokio::test]
async fn an_export_that_its_reader_does_not_take_is_one_of_the_few_that_look_back() {
    let log = log(1);
    // More than fits into what the system keeps of a connection.
    let items = vec![json!({"item": "카".repeat(80)}); 100];
    for id in 0..250 {
        let order = json!({"order_id": format!("big-{id}"), "amount": 100, "status": 0, "items": items});
        log.append(topic::RECEIVED, 0, Record::new(format!("big-{id}"), order.to_string()));
    }
    let line = Line::on(Arc::clone(&log), options()).await;
    ledger(&line, |seen| of(seen, "accepted") == 250).await;
    let (path, staff) = ("/ledger/export?format=jsonl", line.staff());
    let request = format!("GET {path} HTTP/1.1\r\nhost: counter\r\nauthorization: {staff}\r\n\r\n");
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(line.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 15];
        within(stream.read_exact(&mut head)).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        slow.push(stream);
    }
    let staff = [("authorization", staff.as_str())];
    assert_eq!(
        line.get(path, &staff).await.code(),
        "busy",
        "so many days are in memory at once, and no more"
    );
    drop(slow);
    within(async { while line.get("/ledger?at=1", &staff).await.status != 200 {} }).await;
}
