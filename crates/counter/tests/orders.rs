//! Orders over a real socket: taken, refused, repeated.

mod common;

use std::{sync::Arc, time::Duration};

use common::{Barista, Line, http::raw, log, options, within};
use counter::Options;
use eventlog::{Log, Reason, Record, sim::Faults};
use order::{Mode, topic};

#[tokio::test]
async fn an_order_is_answered_to_the_byte_of_the_contract_and_stands_in_the_log() {
    let line = Line::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let reply = line.post("/order?amount=3", &[("traceparent", trace)], "").await;
    assert_eq!(reply.status, 202);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let id = reply.json()["order_id"].as_str().unwrap().to_owned();
    assert_eq!(reply.text(), format!(r#"{{"order_id":"{id}","amount":3,"status":0}}"#));
    assert_eq!(uuid_version(&id), '4');

    let entries = line.log.history(topic::RECEIVED, 0);
    let [entry] = &entries[..] else { panic!("one record: {entries:?}") };
    assert_eq!(reply.header("location"), Some(format!("/orders/{id}?at=0.{}", entry.offset).as_str()));
    assert_eq!(entry.record.key.as_deref(), Some(id.as_bytes()));
    assert_eq!(entry.record.value.as_deref(), Some(reply.text().as_bytes()));
    let header = |name| entry.record.headers.get(name).map(|v| String::from_utf8_lossy(v).into_owned());
    assert_eq!(header("ce_id"), Some(id));
    assert_eq!(header("ce_source").as_deref(), Some("/brewline/counter"));
    assert_eq!(header("ce_type").as_deref(), Some("brewline.order.received"));
    assert_eq!(header("ce_specversion").as_deref(), Some("1.0"));
    assert_eq!(header("traceparent").as_deref(), Some(trace));
}

fn uuid_version(id: &str) -> char {
    id.chars().nth(14).expect("a UUID has 36 characters")
}

#[tokio::test]
async fn an_amount_that_is_none_is_refused_with_its_range() {
    let line = Line::start().await;
    let digits = format!("amount={}", "9".repeat(30));
    for query in [
        "",
        "amount=",
        "amount=abc",
        "amount=1.5",
        "amount=-1",
        "amount=0",
        "amount=1001",
        &digits,
        "amount=1&amount=1",
        "amount=%20",
        "Amount=1",
        "amount=+1",
        "amount",
    ] {
        let reply = line.post(&format!("/order?{query}"), &[], "").await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "bad_amount"), "{query}");
        let json = reply.json();
        assert_eq!((&json["field"], &json["range"]), (&"amount".into(), &"1..1000".into()), "{query}");
    }
    assert_eq!(line.post("/order", &[], "").await.code(), "bad_amount");
    for amount in [1, 1000] {
        assert_eq!(line.post(&format!("/order?amount={amount}&x=y"), &[], "").await.status, 202);
    }
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 2);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems_too() {
    let line = Line::start().await;
    for path in ["/nothing", "/orders/", "/order/", "/orders/a/b", "//", "/%2e%2e/etc"] {
        let reply = line.get(path, &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{path}");
    }
    for (method, path, allow) in [
        ("GET", "/order?amount=1", "POST"),
        ("PUT", "/order?amount=1", "POST"),
        ("DELETE", "/orders", "POST"),
        ("POST", "/orders/a", "GET"),
        ("GET", "/orders/a/commands", "POST"),
        ("POST", "/livez", "GET"),
    ] {
        let reply = line.send(method, path, &[], b"").await;
        assert_eq!((reply.status, reply.code().as_str()), (405, "method_not_allowed"), "{method} {path}");
        assert!(reply.header("allow").unwrap().contains(allow), "{method} {path}: {reply:?}");
    }
    for path in ["/orders/%FF", "/orders/%00positions", &format!("/orders/{}", "x".repeat(129))] {
        let reply = line.get(path, &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "bad_id"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_harms_nobody() {
    let line = Line::start().await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(100_000));
    let headers = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "a: b\r\n".repeat(1_000));
    for request in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", &long, &headers] {
        let reply = raw(line.address, request.as_bytes()).await;
        assert!((400..500).contains(&reply.status), "{reply:?}");
    }
    line.order(1).await;
}

#[tokio::test]
async fn an_order_with_items_comes_back_whole() {
    let line = Line::start().await;
    let body = r#"{"items":[{"item":"latte","quantity":2}],"name":"Kim","note":"no nuts","shelf":[1.50]}"#;
    let reply = line.post("/orders", &[("content-type", "application/json; charset=utf-8")], body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let json = reply.json();
    assert_eq!((&json["amount"], &json["status"], &json["note"]), (&2.into(), &0.into(), &"no nuts".into()));
    assert!(reply.text().contains(r#""shelf":[1.50]"#));
    let shown = line.get(reply.header("location").unwrap(), &[]).await;
    assert!(matches!(shown.status, 200 | 202), "{shown:?}");
}

#[tokio::test]
async fn an_order_says_whether_the_customer_or_the_till_gave_it() {
    let line = Line::start().await;
    let staff = line.staff();
    let bell = line.order_items(&[("authorization", &staff)], r#"{"amount":2,"ref":"A-17"}"#).await;
    assert_eq!(bell.status, 201, "{bell:?}");
    let phone = line.order_items(&[], r#"{"amount":1}"#).await;
    let (core, _) = line.order(1).await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    for (id, channel, reference) in [
        (bell.json()["order_id"].as_str().unwrap(), Some("till"), Some("A-17")),
        (phone.json()["order_id"].as_str().unwrap(), Some("phone"), None),
        (&core, None, None),
    ] {
        let shown = line.shown(id, |order| order["decided"] == true).await;
        assert_eq!((shown["channel"].as_str(), shown["ref"].as_str()), (channel, reference), "{shown}");
    }
    let taken: Vec<_> = line
        .log
        .history(topic::EVENT, 0)
        .iter()
        .map(|entry| {
            serde_json::from_slice::<serde_json::Value>(entry.record.value.as_deref().unwrap()).unwrap()
        })
        .map(|event| {
            (event["taken"]["channel"].as_str().map(str::to_owned), event.to_string().contains("A-17"))
        })
        .collect();
    let says = |channel: &str| (Some(channel.to_owned()), false);
    assert_eq!(taken, [says("till"), says("phone"), (None, false)], "the number stands where the order does");
}

#[tokio::test]
async fn a_body_that_is_no_order_is_refused() {
    let line = Line::start().await;
    let json = ("content-type", "application/json");
    let deep = format!(r#"{{"amount":1,"x":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let large = format!(r#"{{"amount":1,"x":"{}"}}"#, "x".repeat(70_000));
    let nearly = format!(r#"{{"amount":1,"x":"{}"}}"#, "x".repeat(65_500));
    for (headers, body, status, code) in [
        (&[][..], &br#"{"amount":1}"#[..], 415, "unsupported_media_type"),
        (&[("content-type", "text/plain")], br#"{"amount":1}"#, 415, "unsupported_media_type"),
        (&[json], b"", 400, "bad_json"),
        (&[json], b"nonsense", 400, "bad_json"),
        (&[json], b"{\"amount\":1,\"x\":\"\xff\"}", 400, "bad_json"),
        (&[json], deep.as_bytes(), 400, "bad_json"),
        (&[json], large.as_bytes(), 413, "body_too_large"),
        (&[json], nearly.as_bytes(), 413, "body_too_large"),
        (&[json], br#"{"amount":0}"#, 400, "bad_amount"),
        (&[json], br#"{"amount":1,"order_id":"x"}"#, 400, "bad_field"),
    ] {
        let reply = line.send("POST", "/orders", headers, body).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (status, code),
            "{}",
            String::from_utf8_lossy(body).len()
        );
    }
    assert!(line.log.history(topic::RECEIVED, 0).is_empty());
}

#[tokio::test]
async fn a_stray_body_on_an_order_is_ignored_unless_it_is_too_large() {
    let line = Line::start().await;
    assert_eq!(line.post("/order?amount=1", &[], "whatever").await.status, 202);
    let reply = line.post("/order?amount=1", &[], &"x".repeat(100_000)).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"));
}

#[tokio::test]
async fn a_key_makes_one_order_however_often_it_is_sent() {
    let line = Line::start().await;
    let key = [("idempotency-key", "cart-0123456789abcdef")];
    let first = line.post("/order?amount=3", &key, "").await;
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(uuid_version(first.json()["order_id"].as_str().unwrap()), '8');
    let (a, b) = tokio::join!(line.post("/order?amount=3", &key, ""), line.post("/order?amount=3", &key, ""));
    for again in [a, b] {
        assert_eq!((again.status, again.text()), (202, first.text()));
        assert_eq!(again.header("location"), first.header("location"));
    }
    let other = line.post("/order?amount=4", &key, "").await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 1);

    // Another counter on the same log, after this one has gone.
    let log = Arc::clone(&line.log);
    line.stopped().await.unwrap();
    let line = Line::on(log, options()).await;
    assert_eq!(line.token, None, "the token was made by the first one");
    let again = line.post("/order?amount=3", &key, "").await;
    assert_eq!((again.status, again.text()), (202, first.text()));
    let other = line.post("/order?amount=4", &key, "").await;
    assert_eq!(other.status, 422);
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 1);
}

#[tokio::test]
async fn a_key_that_was_used_names_its_order_also_before_the_view_has_read_it() {
    let log = log(1);
    let slow = log.process();
    let line = Line::on_process(Arc::clone(&log), Arc::clone(&slow) as _, options()).await;
    slow.lag(true);
    let key = [("idempotency-key", "cart-0123456789abcdef")];
    let first = line.post("/order?amount=3", &key, "").await;
    for _ in 0..2 {
        let other = line.post("/order?amount=4", &key, "").await;
        assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));
        assert_eq!(other.json()["order_id"], first.json()["order_id"]);
        slow.lag(false);
        line.shown(first.json()["order_id"].as_str().unwrap(), |_| true).await;
    }
}

#[tokio::test]
async fn many_at_once_with_one_key_are_one_record() {
    let line = Arc::new(Line::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let line = Arc::clone(&line);
        tasks.spawn(async move {
            line.post("/order?amount=2", &[("idempotency-key", "the-same-key-for-all")], "").await
        });
    }
    let replies = within(tasks.join_all()).await;
    assert!(replies.iter().all(|reply| reply.status == 202 && reply.body == replies[0].body), "{replies:?}");
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 1);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let line = Line::start().await;
    for key in ["short", "fifteen-chars-x", &"x".repeat(129), "with a space in it", "schlüssel-mit-umlaut"] {
        let reply = line.post("/order?amount=1", &[("idempotency-key", key)], "").await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "bad_key"), "{key}");
    }
    let twice = [("idempotency-key", "0123456789abcdef"), ("idempotency-key", "0123456789abcdef")];
    assert_eq!(line.post("/order?amount=1", &twice, "").await.code(), "bad_key");
}

#[tokio::test]
async fn a_log_that_takes_nothing_is_said_with_its_reason_and_heals() {
    let line = Line::start().await;
    for (reason, says) in [(Reason::DiskFull, "disk_full"), (Reason::Overloaded, "overloaded")] {
        line.log.refuse(Some(reason));
        let reply = line.post("/order?amount=1", &[], "").await;
        assert_eq!((reply.status, reply.code().as_str()), (503, "not_written"));
        assert_eq!(reply.json()["reason"], says);
        assert!(reply.header("retry-after").is_some());
        let ready = line.get("/readyz", &[]).await;
        assert_eq!(ready.status, 503);
        assert_eq!(ready.json()["missing"][0]["what"], "log");
    }
    line.log.refuse(None);
    line.order(1).await;
    assert_eq!(line.get("/readyz", &[]).await.status, 200);
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 1, "nothing of the refused ones was written");
}

#[tokio::test]
async fn an_outcome_that_nobody_knows_is_never_called_accepted() {
    let line = Line::start().await;
    line.log.set_faults(Faults { publish_unknown: 1.0, ..Faults::none() });
    let reply = line.post("/order?amount=1", &[], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "outcome_unknown"));
    assert!(reply.json()["order_id"].is_string());
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test]
async fn more_open_orders_than_the_bound_are_refused_and_none_is_dropped() {
    let line = Line::on(log(1), Options { max_open: 2, ..options() }).await;
    let (first, _) = line.order(1).await;
    let (second, _) = line.order(1).await;
    line.shown(&second, |_| true).await;
    let reply = line.post("/order?amount=1", &[], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "queue_full"));
    assert!(reply.header("retry-after").is_some());
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 2);

    // Room again as soon as one is decided and cancelled.
    let _barista = common::Barista::start(&line.log, Mode::Manual);
    line.shown(&first, |order| order["decided"] == true).await;
    let cancelled = line.command(&first, &[], r#"{"command":"cancel"}"#).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(line.post("/order?amount=1", &[], "").await.status, 202);
}

#[tokio::test]
async fn open_orders_have_a_bound_in_bytes_too() {
    let line = Line::on(log(1), Options { max_open_bytes: 60_000, ..options() }).await;
    let body = format!(r#"{{"amount":1,"x":"{}"}}"#, "x".repeat(40_000));
    let json = [("content-type", "application/json")];
    let place = || async { line.post("/orders", &json, &body).await };
    for _ in 0..2 {
        let placed = place().await;
        assert_eq!(placed.status, 201, "{placed:?}");
        line.shown(placed.json()["order_id"].as_str().unwrap(), |_| true).await;
    }
    let refused = place().await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "queue_full"));
    assert_eq!(refused.json()["max_open_bytes"], 60_000);
    let shop = line.events("/shop/events", &[]).await.named("shop").await;
    assert_eq!(shop.json()["full"], true);
    // What is given up weighs nothing any more.
    let _barista = common::Barista::with(
        &line.log,
        barista::Options {
            rules: order::Rules {
                mode: Mode::Auto,
                cup_ms: 0,
                uncollected_auto_ms: 0,
                ..order::Rules::default()
            },
            ..barista::Options::default()
        },
    );
    within(async { while place().await.status != 201 {} }).await;
}

#[tokio::test]
async fn while_the_view_begins_anew_the_bound_on_open_orders_holds() {
    let line = Line::on(log(1), Options { max_open: 3, ..options() }).await;
    for _ in 0..2 {
        let (id, _) = line.order(1).await;
        line.shown(&id, |_| true).await;
    }
    let mut stream = line.events("/orders/a/events", &[]).await;
    line.log.set_faults(Faults { poll_error: 1.0, ..Faults::none() });
    line.log.append(topic::DLQ, 0, Record::new("x", "y"));
    stream.named("waiting").await;
    line.order(1).await;
    let reply = line.post("/order?amount=1", &[], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "queue_full"));
    line.log.set_faults(Faults::none());
    stream.until("heartbeat", |heartbeat| heartbeat["ready"] == true).await;
    assert_eq!(line.post("/order?amount=1", &[], "").await.code(), "queue_full");
    assert_eq!(line.views.open(), 3);
}

#[tokio::test]
async fn before_the_log_is_read_orders_are_asked_to_come_again() {
    let log = log(1);
    let slow = log.process();
    slow.lag(true);
    let (counter, mut started) = counter::Counter::bind(options()).unwrap();
    let address = counter.local_addr();
    let stop = tokio_util::sync::CancellationToken::new();
    let run = tokio::spawn(counter.run(Arc::clone(&slow) as Arc<dyn Log>, stop.clone()));
    let ask = |request: &'static str| raw(address, request.as_bytes());
    for request in ["POST /order?amount=1 HTTP/1.0\r\n\r\n", "GET /orders/a HTTP/1.0\r\n\r\n"] {
        let reply = ask(request).await;
        assert_eq!((reply.status, reply.code().as_str()), (503, "starting"), "{request}");
        assert!(reply.header("retry-after").is_some());
    }
    let ready = ask("GET /readyz HTTP/1.0\r\n\r\n").await;
    assert_eq!((ready.status, &ready.json()["missing"][0]["what"]), (503, &"view".into()));
    assert_eq!(ask("GET /livez HTTP/1.0\r\n\r\n").await.status, 200);
    assert!(started.try_recv().is_err());
    slow.lag(false);
    assert!(within(started).await.unwrap().staff_token.is_some());
    assert_eq!(ask("POST /order?amount=1 HTTP/1.0\r\n\r\n").await.status, 202);
    stop.cancel();
    within(run).await.unwrap().unwrap();
}

#[tokio::test]
async fn before_there_is_a_log_it_lives_shows_its_pages_and_orders_are_asked_to_come_again() {
    let (counter, started) = counter::Counter::bind(options()).unwrap();
    let address = counter.local_addr();
    let ask = |request: &'static str| raw(address, request.as_bytes());
    tokio::select! {
        ended = counter.turn_away() => panic!("{ended:?}"),
        () = async {
            for request in ["POST /order?amount=1 HTTP/1.1\r\n\r\n", "GET /orders/a HTTP/1.1\r\n\r\n"] {
                let reply = ask(request).await;
                assert_eq!((reply.status, reply.code().as_str()), (503, "starting"), "{request}");
            }
            for request in ["GET / HTTP/1.1\r\n\r\n", "GET /o/a HTTP/1.1\r\n\r\n"] {
                let reply = ask(request).await;
                assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-cache")), "{request}");
            }
            assert_eq!(ask("POST / HTTP/1.1\r\n\r\n").await.code(), "starting");
            assert_eq!(ask("GET /web/0123456789abcdef/base.css HTTP/1.1\r\n\r\n").await.status, 404);
            let ready = ask("GET /readyz HTTP/1.1\r\n\r\n").await;
            assert_eq!((ready.status, &ready.json()["missing"][0]["what"]), (503, &"log".into()));
            assert_eq!(ask("GET /livez HTTP/1.1\r\n\r\n").await.json()["service"], "brewline");
        } => {}
    }
    // The same address serves when there is one.
    let stop = tokio_util::sync::CancellationToken::new();
    let run = tokio::spawn(counter.run(log(1) as Arc<dyn Log>, stop.clone()));
    within(started).await.unwrap();
    assert_eq!(ask("POST /order?amount=1 HTTP/1.0\r\n\r\n").await.status, 202);
    stop.cancel();
    within(run).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_staff_token_is_shown_although_nobody_knew_whether_it_was_written() {
    let log = log(1);
    log.set_faults(Faults { publish_unknown: 1.0, ..Faults::none() });
    let (mut line, started) = Line::begin(Arc::clone(&log), options());
    let is_token = |entry: &eventlog::Entry| entry.record.key.as_deref() == Some(b"token/staff");
    within(async {
        while !log.history(topic::SHOP, 0).iter().any(is_token) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    log.set_faults(Faults::none());
    line.token = within(started).await.unwrap().staff_token;
    let live = line.get("/orders?live", &[("authorization", &line.staff())]).await;
    assert_eq!(live.status, 200, "{live:?}");
}

#[tokio::test]
async fn a_taken_port_is_one_sentence_with_the_way_out() {
    let line = Line::start().await;
    let error =
        counter::Counter::bind(Options { listen: line.address, ..options() }).unwrap_err().to_string();
    assert!(error.contains(&line.address.to_string()) && error.contains("--listen"), "{error}");
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_are_cut() {
    let short = Duration::from_secs(1);
    let line = Line::on(log(1), Options { head_timeout: short, body_timeout: short, ..options() }).await;
    let slow = within(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(line.address).await.unwrap();
        stream.write_all(b"POST /order?amount=1 HTTP/1.1\r\nhost: ").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    });
    assert!(slow.await.is_empty(), "a head that never ends is cut without an answer");
    let body = within(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(line.address).await.unwrap();
        let head = b"POST /orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
        stream.write_all(head).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    });
    assert!(body.await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn unreadable_records_and_repeats_do_not_stay_in_the_view() {
    let log = log(1);
    for value in [&b""[..], b"nonsense", b"{}", br#"{"order_id":"a","amount":-1,"status":0}"#] {
        log.append(topic::RECEIVED, 0, Record::new("x", value.to_vec()));
    }
    log.append(topic::RECEIVED, 0, common::foreign_order("once", 0));
    log.append(topic::RECEIVED, 0, common::foreign_order("once", 0));
    let line = Line::on(log, options()).await;
    assert_eq!(line.views.counts().undecided, 1);
    let _barista = common::Barista::start(&line.log, Mode::Auto);
    line.shown("once", |order| order["state"] == "ready").await;
    assert_eq!(line.views.counts().undecided, 0);
}
