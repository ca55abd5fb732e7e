//! Streams: resumed, ended, bounded.

mod common;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use common::{Barista, Line, http::raw, log, options, within};
use counter::Options;
use eventlog::Record;
use order::{At, Mode, Order, OrderId, OrderState, Placed, Stage, stamp, topic};

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("it is later than 1970").as_millis())
        .expect("it is earlier than AD 292 million")
}

#[tokio::test]
async fn a_stream_shows_every_step_and_resumes_where_it_was() {
    let line = Line::start().await;
    let (id, _) = line.order(1).await;
    let path = format!("/orders/{id}/events");
    let mut stream = line.events(&path, &[]).await;
    let first = stream.named("order").await;
    assert_eq!((first.id.as_deref(), &first.json()["decided"]), (Some("0"), &false.into()));
    assert!(first.json()["undecided_ms"].is_number() && first.json()["as_of"].is_number());
    assert!(stream.retry.is_some());

    let _barista = Barista::start(&line.log, Mode::Manual);
    let taken = stream.named("order").await;
    assert_eq!((taken.id.as_deref(), &taken.json()["code"]["number"]), (Some("1"), &1.into()));
    assert_eq!(taken.json()["code"]["words"]["ko"], "닻줄");
    assert_eq!(taken.json()["queue"]["ahead"], 0);
    drop(stream);

    let mut again = line.events(&path, &[("last-event-id", "1")]).await;
    assert_eq!(again.next().await.unwrap().name, "heartbeat", "the client has this version");
    line.command(&id, &[], r#"{"command":"cancel"}"#).await;
    let cancelled = again.named("order").await;
    assert_eq!((cancelled.id.as_deref(), &cancelled.json()["state"]), (Some("2"), &"cancelled".into()));
    for unknown in ["1", "77", "nonsense"] {
        let mut stream = line.events(&path, &[("last-event-id", unknown)]).await;
        assert_eq!(stream.next().await.unwrap().name, "order", "{unknown}");
    }
}

#[tokio::test]
async fn a_heartbeat_says_how_fresh_the_view_is_and_how_long_the_queue() {
    let line = Line::start().await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let (first, _) = line.order(1).await;
    let (second, _) = line.order(1).await;
    line.shown(&second, |order| order["queue"]["ahead"] == 1).await;
    let mut stream = line.events(&format!("/orders/{second}/events"), &[]).await;
    let heartbeat = stream.named("heartbeat").await.json();
    assert_eq!((&heartbeat["ready"], &heartbeat["queue"]["ahead"]), (&true.into(), &1.into()));
    line.command(&first, &[], r#"{"command":"cancel"}"#).await;
    let later = stream.until("heartbeat", |beat| beat["queue"]["ahead"] == 0).await.json();
    assert!(later["as_of"].as_i64() >= heartbeat["as_of"].as_i64());
}

#[tokio::test]
async fn a_stream_waits_while_the_counter_starts_and_for_an_order_that_comes_later() {
    let log = log(1);
    let slow = log.process();
    slow.lag(true);
    let line = Line::begin_process(Arc::clone(&log), Arc::clone(&slow) as _, options()).0;
    let mut stream = line.events("/orders/later/events", &[]).await;
    let waiting = stream.next().await.unwrap();
    assert_eq!((waiting.name.as_str(), &waiting.json()["ready"]), ("waiting", &false.into()));
    slow.lag(false);
    assert_eq!(stream.named("unknown").await.json()["order_id"], "later");
    log.append(topic::RECEIVED, 0, common::foreign_order("later", 1));
    assert_eq!(stream.named("order").await.json()["order_id"], "later");
}

#[tokio::test]
async fn an_order_whose_fields_were_written_on_many_lines_reaches_everyone_whole() {
    let line = Line::start().await;
    let staff = line.staff();
    let mut all = line.events("/events", &[("authorization", &staff)]).await;
    all.named("snapshot").await;
    let body = "{\"amount\":1,\"x\":[1,\n2,\r\n\r\n3]}";
    let placed = line.post("/orders", &[("content-type", "application/json")], body).await.json();
    let id = placed["order_id"].as_str().unwrap();
    let x = serde_json::json!([1, 2, 3]);
    assert_eq!(line.shown(id, |_| true).await["x"], x);
    assert_eq!(all.named("order").await.json()["x"], x);
    let theirs =
        "{\n  \"order_id\": \"theirs\",\n  \"amount\": 1,\n  \"status\": 0,\n  \"x\": [\n    1\n  ]\n}";
    line.log.append(topic::RECEIVED, 0, Record::new("theirs", theirs));
    assert_eq!(line.shown("theirs", |_| true).await["order_id"], "theirs");
    assert_eq!(all.named("order").await.json()["order_id"], "theirs");
}

#[tokio::test]
async fn a_stream_ends_when_its_order_is_forgotten() {
    let line = Line::start().await;
    let (id, _) = line.order(1).await;
    let barista = Barista::start(&line.log, Mode::Manual);
    let mut stream = line.events(&format!("/orders/{id}/events"), &[]).await;
    stream.until("order", |order| order["decided"] == true).await;
    drop(barista);
    line.log.append(topic::STATE, 0, Record::tombstone(id.clone()));
    assert_eq!(stream.named("forgotten").await.json()["order_id"], id.as_str());
    assert!(stream.next().await.is_none());
    assert_eq!(line.get(&format!("/orders/{id}"), &[]).await.code(), "unknown_order");
}

#[tokio::test]
async fn streams_end_first_when_the_counter_stops() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    // Were they only cut when the grace is over, the test would lose its patience before.
    let (grace, heartbeat) = (common::PATIENCE * 4, common::PATIENCE * 4);
    let line = Line::on(log(1), Options { grace, heartbeat, ..options() }).await;
    let (id, _) = line.order(1).await;
    let staff = line.staff();
    let mut streams = Vec::new();
    for path in [&format!("/orders/{id}/events"), "/board/events", "/shop/events", "/events"] {
        let mut stream = tokio::net::TcpStream::connect(line.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: {staff}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("data: ") {
            assert_ne!(within(stream.read_buf(&mut read)).await.unwrap(), 0, "{path} ends early");
        }
        streams.push((stream, read));
    }
    let idle = tokio::net::TcpStream::connect(line.address).await.unwrap();
    line.stopped().await.unwrap();
    for (mut stream, mut read) in streams {
        within(stream.read_to_end(&mut read)).await.unwrap();
        assert!(read.ends_with(b"\r\n0\r\n\r\n"), "cut instead of ended: {}", String::from_utf8_lossy(&read));
    }
    drop(idle);
}

#[tokio::test]
async fn streams_are_bounded() {
    let line = Line::on(log(1), Options { max_streams: 2, ..options() }).await;
    let first = line.events("/board/events", &[]).await;
    let _second = line.events("/shop/events", &[]).await;
    let reply = line.get("/orders/a/events", &[]).await;
    assert_eq!((reply.status, reply.code().as_str()), (429, "too_many_streams"));
    assert!(reply.header("retry-after").is_some());
    drop(first);
    // The counter notices at the next heartbeat that the first one is gone.
    let metrics = || raw(line.address, b"GET /metrics HTTP/1.0\r\n\r\n");
    within(async { while metrics().await.text().contains("brewline_streams_open 2\n") {} }).await;
    line.events("/orders/a/events", &[]).await;
}

#[tokio::test]
async fn who_reads_no_answer_is_cut() {
    use tokio::io::AsyncWriteExt;
    let patience = std::time::Duration::from_millis(200);
    let line = Line::on(log(1), Options { write_timeout: patience, ..options() }).await;
    let mut deaf = tokio::net::TcpStream::connect(line.address).await.unwrap();
    // Its answers fill every buffer on their way, and then its requests do; it ends when the counter cuts it.
    let ask =
        within(async { while deaf.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await.is_ok() {} });
    ask.await;
    let open = raw(line.address, b"GET /metrics HTTP/1.0\r\n\r\n").await;
    assert!(open.text().contains("brewline_connections_open 1\n"), "only who asks: {}", open.text());
}

#[tokio::test]
async fn the_board_shows_codes_and_the_shop_its_queue() {
    let line = Line::start().await;
    let mut shop = line.events("/shop/events", &[]).await;
    assert_eq!(shop.named("shop").await.json()["queue"]["received"], 0);
    let mut board = line.events("/board/events", &[]).await;
    assert_eq!(board.named("board").await.json()["ready"], serde_json::json!([]));
    let _barista = Barista::start(&line.log, Mode::Manual);
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    shop.until("shop", |shop| shop["queue"]["received"] == 1 && shop["mode"] == "manual").await;
    let waits = board.until("board", |board| board["waiting"][0]["number"] == 1).await.json();
    assert_eq!((&waits["waiting_count"], &waits["making_count"]), (&1.into(), &0.into()));
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    for (command, list) in [("start", "making"), ("ready", "ready")] {
        line.command(&id, &staff, &format!(r#"{{"command":"{command}"}}"#)).await;
        let json = board.until("board", |board| board[list][0]["number"] == 1).await.json();
        assert_eq!((&json[list][0]["label"], &json[list][0]["words"]["en"]), (&"1".into(), &"anchor".into()));
        assert_eq!((&json["waiting"], &json["waiting_count"]), (&serde_json::json!([]), &0.into()));
        let now = line.get("/board/codes", &[]).await.json();
        assert_eq!((&now["making"], &now["ready"]), (&json["making"], &json["ready"]), "the same, asked for");
    }
    let event = board.named("heartbeat").await.json();
    assert!(event["as_of"].is_number() && event["ready"] == true);
}

#[tokio::test]
async fn the_board_shows_who_waits_oldest_first_and_nobody_who_has_not_paid() {
    let line = Line::start().await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let token = line.staff();
    let staff = [("authorization", token.as_str())];
    let json = r#"{"order_id":"unpaid","amount":1,"status":0,"unpaid":true}"#;
    line.log.append(topic::RECEIVED, 0, Record::new("unpaid", json));
    line.shown("unpaid", |order| order["decided"] == true).await;
    for _ in 0..2 {
        let (id, _) = line.order(1).await;
        line.shown(&id, |order| order["decided"] == true).await;
    }
    let mut board = line.events("/board/events", &[]).await;
    let seen = board.until("board", |board| board["waiting"][1]["number"] == 3).await.json();
    assert_eq!((&seen["waiting"][0]["number"], &seen["waiting_count"]), (&2.into(), &2.into()));
    line.command("unpaid", &staff, r#"{"command":"accept"}"#).await;
    let paid = board.until("board", |board| board["waiting_count"] == 3).await.json();
    assert_eq!(paid["waiting"][0]["number"], 1, "{paid}");
}

#[tokio::test]
async fn the_board_calls_a_code_for_ten_minutes_and_no_longer() {
    let log = log(1);
    for (code, minutes) in [(1, 11), (2, 9)] {
        let id = format!("o-{code}");
        let order = Order::new(OrderId::new(id.clone()).unwrap(), 1);
        let at = At { partition: 0, offset: code };
        let placed = Placed { at, received_at: 1, foreign: false, history_from: 0, traceparent: None };
        let state = OrderState {
            stage: Stage::Ready,
            version: 1,
            code: u32::try_from(code).unwrap(),
            ready_at: stamp(now() - minutes * 60_000),
            ..OrderState::undecided(order, placed, Mode::Manual)
        };
        log.append(topic::STATE, 0, Record::new(id, state.to_json()));
    }
    let line = Line::on(log, options()).await;
    line.shown("o-2", |order| order["state"] == "ready").await;
    let board = line.get("/board/codes", &[]).await.json();
    assert_eq!((board["ready"].as_array().unwrap().len(), &board["ready_count"]), (1, &2.into()), "{board}");
    assert_eq!(board["ready"][0]["number"], 2);
}

#[tokio::test]
async fn the_board_says_how_fresh_it_is_more_often_than_phones_are_told() {
    let line = Line::on(log(1), Options { heartbeat: Duration::from_hours(1), ..options() }).await;
    let mut board = line.events("/board/events", &[]).await;
    assert!(board.named("heartbeat").await.json()["as_of"].is_number());
}

#[tokio::test]
async fn staff_are_told_as_often_and_whether_anybody_decides() {
    let line = Line::on(log(1), Options { heartbeat: Duration::from_hours(1), ..options() }).await;
    let staff = line.staff();
    let mut all = line.events("/events", &[("authorization", &staff)]).await;
    let heartbeat = all.named("heartbeat").await.json();
    assert!(heartbeat["as_of"].is_number() && heartbeat["no_barista"] == false, "{heartbeat}");
    let (_nobody_makes, _) = line.order(1).await;
    all.until("heartbeat", |heartbeat| heartbeat["no_barista"] == true).await;
}

#[tokio::test]
async fn staff_see_what_is_ready_or_finished_the_last_first_and_customers_do_not() {
    let line = Line::start().await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let token = line.staff();
    let staff = ("authorization", token.as_str());
    let mut ids = Vec::new();
    for _ in 0..4 {
        let (id, _) = line.order(1).await;
        line.shown(&id, |order| order["decided"] == true).await;
        ids.push(id);
    }
    let commands = [(0, "ready"), (1, "ready"), (0, "collect"), (2, "cancel")];
    for (n, command) in commands {
        line.command(&ids[n], &[staff], &format!(r#"{{"command":"{command}"}}"#)).await;
    }
    assert_eq!(line.get("/orders?recent", &[]).await.code(), "unauthorized");
    for which in ["", "?live&recent", "?recent=1", "?recent&recent"] {
        assert_eq!(line.get(&format!("/orders{which}"), &[staff]).await.code(), "bad_field", "{which}");
    }
    let recent = line.get("/orders?recent", &[staff]).await.json();
    assert!(recent["as_of"].is_number() && recent["now"].is_number());
    let seen = recent["orders"].as_array().unwrap().iter().map(|order| order["order_id"].as_str().unwrap());
    // Two of them may have got there in the same millisecond.
    assert_eq!(seen.collect::<BTreeSet<_>>(), ids[..3].iter().map(String::as_str).collect());
    assert!(recent["orders"].as_array().unwrap().is_sorted_by_key(|order| {
        std::cmp::Reverse(order["finished_at"].as_i64().or_else(|| order["ready_at"].as_i64()))
    }));
    line.command(&ids[0], &[staff], r#"{"command":"recall","reason":"wrong milk"}"#).await;
    let recalled = line.get("/orders?recent", &[staff]).await.json();
    assert_eq!(recalled["orders"].as_array().unwrap().len(), 2, "{recalled}");
}

#[tokio::test]
async fn staff_follow_all_orders_and_go_on_where_they_were() {
    let line = Line::start().await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let token = line.staff();
    let staff = ("authorization", token.as_str());
    assert_eq!(line.get("/events", &[]).await.code(), "unauthorized");
    assert_eq!(line.get("/orders?live", &[]).await.code(), "unauthorized");
    let live = line.get("/orders?live", &[staff]).await.json();
    assert_eq!((&live["total"], &live["orders"][0]["order_id"]), (&1.into(), &id.as_str().into()));

    let mut stream = line.events("/events", &[staff]).await;
    let snapshot = stream.named("snapshot").await;
    assert_eq!(snapshot.json()["orders"][0]["order_id"], id.as_str());
    line.command(&id, &[staff], r#"{"command":"start"}"#).await;
    let started = stream.named("order").await;
    assert_eq!(started.json()["state"], "making");
    drop(stream);
    line.command(&id, &[staff], r#"{"command":"ready"}"#).await;
    let mut again = line.events("/events", &[staff, ("last-event-id", started.id.as_deref().unwrap())]).await;
    let next = again.next().await.unwrap();
    assert_eq!((next.name.as_str(), &next.json()["state"]), ("order", &"ready".into()));
    let mut stranger = line.events("/events", &[staff, ("last-event-id", "0123456789abcdef.7")]).await;
    assert_eq!(stranger.next().await.unwrap().name, "snapshot");
}

#[tokio::test]
async fn what_staff_see_at_once_has_a_bound_in_bytes() {
    let line = Line::start().await;
    let large = "x".repeat(60_000);
    for n in 0..100 {
        let json = format!(r#"{{"order_id":"o-{n}","amount":1,"status":0,"x":"{large}"}}"#);
        line.log.append(topic::RECEIVED, 0, Record::new(format!("o-{n}"), json));
    }
    line.shown("o-99", |_| true).await;
    let live = line.get("/orders?live", &[("authorization", &line.staff())]).await;
    assert!(live.body.len() < 4_200_000, "{} bytes", live.body.len());
    let live = live.json();
    assert_eq!((&live["total"], &live["more"]), (&100.into(), &true.into()));
    assert_eq!(live["orders"][0]["order_id"], "o-0", "the oldest are there");
}

#[tokio::test]
async fn staff_who_are_far_behind_get_everything_in_small_looks() {
    let line = Line::start().await;
    let token = line.staff();
    let staff = ("authorization", token.as_str());
    let from = line.events("/events", &[staff]).await.named("snapshot").await.id.unwrap();
    let large = format!(r#""x":"{}""#, "x".repeat(20_000));
    for n in 0..600 {
        let extra = if n >= 300 && n % 10 == 0 { &large } else { r#""x":1"# };
        let json = format!(r#"{{"order_id":"o-{n}","amount":1,"status":0,{extra}}}"#);
        line.log.append(topic::RECEIVED, 0, Record::new(format!("o-{n}"), json));
    }
    line.shown("o-599", |_| true).await;
    let mut from = from;
    // More than one look takes, first by number, then by bytes; between them the client comes back.
    for n in (0..600).step_by(300) {
        let mut stream = line.events("/events", &[staff, ("last-event-id", &from)]).await;
        for n in n..n + 300 {
            let event = stream.named("order").await;
            assert_eq!(event.json()["order_id"], format!("o-{n}"));
            from = event.id.expect("each can be gone on from");
        }
    }
}

#[tokio::test]
async fn a_stream_with_a_token_waits_for_a_counter_that_starts() {
    let log = log(1);
    let token = {
        let line = Line::on(Arc::clone(&log), options()).await;
        let token = line.staff();
        line.stopped().await.unwrap();
        token
    };
    let slow = log.process();
    slow.lag(true);
    let (line, started) = Line::begin_process(Arc::clone(&log), Arc::clone(&slow) as _, options());
    let (staff, wrong) = (("authorization", token.as_str()), ("authorization", "Bearer nonsense"));
    let mut all = line.events("/events", &[staff]).await;
    let mut one = line.events("/orders/a/events", &[staff]).await;
    let mut strangers =
        [line.events("/events", &[wrong]).await, line.events("/orders/a/events", &[wrong]).await];
    assert_eq!(one.next().await.unwrap().name, "waiting");
    slow.lag(false);
    within(started).await.unwrap();
    all.named("snapshot").await;
    one.named("unknown").await;
    for stranger in &mut strangers {
        while let Some(event) = stranger.next().await {
            assert!(["waiting", "heartbeat"].contains(&event.name.as_str()), "{event:?}");
        }
    }
    assert_eq!(line.get("/events", &[wrong]).await.code(), "unauthorized");
}

#[tokio::test]
async fn several_partitions_are_told_apart_on_the_code() {
    let line = Line::on(log(3), options()).await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let mut labels = std::collections::HashSet::new();
    while labels.len() < 3 {
        let (id, _) = line.order(1).await;
        let shown = line.shown(&id, |order| order["decided"] == true).await;
        let partition = shown["code"]["partition"].as_u64().unwrap();
        let label = shown["code"]["label"].as_str().unwrap().to_owned();
        assert!(label.starts_with(["A", "B", "C"][usize::try_from(partition).unwrap()]), "{shown}");
        labels.insert(partition);
    }
}

#[tokio::test]
async fn a_view_whose_follower_fails_begins_anew_and_shows_the_same() {
    let line = Line::start().await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let mut stream = line.events(&format!("/orders/{id}/events"), &[("last-event-id", "1")]).await;
    line.log.set_faults(eventlog::sim::Faults { poll_error: 1.0, ..eventlog::sim::Faults::none() });
    line.log.append(topic::DLQ, 0, Record::new("x", "y"));
    stream.named("waiting").await;
    assert_eq!(line.get(&format!("/orders/{id}"), &[]).await.code(), "starting");
    line.log.set_faults(eventlog::sim::Faults::none());
    stream.until("heartbeat", |heartbeat| heartbeat["ready"] == true).await;
    assert_eq!(line.get(&format!("/orders/{id}"), &[]).await.status, 200);
}

#[tokio::test]
async fn metrics_and_readiness_say_how_the_line_is() {
    let line = Line::start().await;
    let (id, _) = line.order(1).await;
    line.shown(&id, |_| true).await;
    line.post("/order?amount=0", &[], "").await;
    let text = line.get("/metrics", &[]).await.text().to_owned();
    for says in [
        "brewline_orders{state=\"undecided\"} 1\n",
        "brewline_orders{state=\"making\"} 0\n",
        "brewline_orders_accepted_total 1\n",
        "brewline_refusals_total{code=\"bad_amount\"} 1\n",
        "brewline_streams_open ",
        "brewline_view_age_seconds ",
        "brewline_view_ready 1\n",
        "brewline_oldest_undecided_order_age_seconds ",
        "brewline_publish_seconds_bucket",
        "brewline_dead_letters_seen 0\n",
    ] {
        assert!(text.contains(says), "{says:?} in {text}");
    }
}

#[tokio::test]
async fn an_order_without_a_decision_makes_the_counter_unready() {
    let log = log(1);
    log.clock().set(1_000_000);
    log.append(topic::RECEIVED, 0, common::foreign_order("old", 1));
    let line = Line::on(log, options()).await;
    let ready = line.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["missing"][0]["what"]), (503, &"barista".into()));
    assert_eq!(ready.json()["missing"][0]["since"], 1_000_000);
    let shown = line.get("/orders/old", &[]).await.json();
    assert_eq!((&shown["no_barista"], &shown["decided"]), (&true.into(), &false.into()));
}
