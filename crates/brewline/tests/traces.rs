//! Orders' traces, as a collector sees them.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod collector;
mod support;

use std::{io::BufRead as _, net::TcpListener, time::Duration};

use collector::{Collector, has, is_below, named, trace_with};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use support::{Up, get, hear, open_stream, request, run};

fn up(dir: &tempfile::TempDir, collector: &str, more: &[&str]) -> Up {
    let args = [&["--otlp-endpoint", collector], more].concat();
    Up::start(dir.path(), &args)
}

fn order(up: &Up, headers: &[(&str, &str)]) -> String {
    let answer = request(up.counter, "POST", "/order?amount=1", headers, "").unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["order_id"].as_str().unwrap().to_owned()
}

#[test]
fn one_order_is_one_trace_from_the_request_through_the_log_to_its_bell() {
    let (dir, mut collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let up = up(&dir, &collector.url(), &["--seconds-per-cup", "0.3"]);
    let id = order(&up, &[]);
    let mut stream = open_stream(up.counter, &format!("/orders/{id}/events"));
    let mut line = String::new();
    while !line.contains(r#""state":"ready""#) {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the stream ended");
    }
    let told = collector.hear(|told| has(told, "bell") && has(told, "send order.processed"));
    let trace = trace_with(&told, "POST /order");

    let mut names: Vec<_> = trace.iter().map(|told| told.span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "POST /order",
            "bell",
            "decide ready",
            "process order.received",
            "send order.processed",
            "send order.received",
        ]
    );
    for (below, above) in [
        ("send order.received", "POST /order"),
        ("process order.received", "send order.received"),
        ("decide ready", "send order.received"),
        ("send order.processed", "decide ready"),
        ("bell", "send order.processed"),
    ] {
        assert!(is_below(&trace, below, above), "{below} is not below {above}: {trace:#?}");
    }

    let first = named(&trace, "POST /order");
    assert_eq!((first.service.as_str(), first.kind()), ("brewline", SpanKind::Server));
    assert!(first.span.parent_span_id.is_empty());
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/order"),
        ("http.response.status_code", "202"),
        ("url.scheme", "http"),
    ] {
        assert_eq!(first.says(key), value, "{key}");
    }
    let sent = named(&trace, "send order.received");
    assert_eq!((sent.kind(), sent.says("messaging.system").as_str()), (SpanKind::Producer, "brewline"));
    let taken = named(&trace, "process order.received");
    assert_eq!((taken.kind(), taken.says("brewline.order.state").as_str()), (SpanKind::Consumer, "making"));
    assert_eq!(taken.says("brewline.log.offset"), sent.says("brewline.log.offset"));
    let ready = named(&trace, "decide ready");
    for decided in [&taken, &ready] {
        let [commit] = &decided.span.events[..] else { panic!("{decided:?}") };
        let span = decided.span.start_time_unix_nano..=decided.span.end_time_unix_nano;
        assert!(commit.name == "commit" && span.contains(&commit.time_unix_nano), "{decided:?}");
    }
    assert_eq!(ready.says("brewline.order.state"), "ready");
    // Making took its time, and the bell did not come before it.
    let making = ready.span.start_time_unix_nano - taken.span.start_time_unix_nano;
    assert!(making >= Duration::from_millis(250).as_nanos().try_into().unwrap(), "{making}");
    // A counter may have read what is committed before the barista has looked at its watch again.
    let announced = named(&trace, "send order.processed").span.start_time_unix_nano;
    assert!(named(&trace, "bell").span.start_time_unix_nano >= announced);
    for told in trace.iter().filter(|told| told.span.name != "POST /order") {
        assert_eq!(told.says("brewline.order.id"), id, "{told:?}");
    }

    // Whoever follows the order asks by another request, and that is another story.
    let asked = named(&told, "GET /orders/{id}/events");
    assert_ne!(asked.span.trace_id, first.span.trace_id);
    assert!(!format!("{asked:?}").contains(&id), "{asked:?}");
    drop(stream);
    let (status, lines) = up.stop();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn a_trace_that_comes_with_a_request_goes_on_and_what_is_none_is_no_error() {
    let (dir, mut collector) = (tempfile::tempdir().unwrap(), Collector::start());
    // Of those that begin here none is recorded: whoever sent the request said otherwise.
    let up = up(&dir, &collector.url(), &["--trace-ratio", "0", "--seconds-per-cup", "0"]);
    order(&up, &[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")]);
    for strange in
        ["", "00-zz", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", &"0".repeat(2_000)]
    {
        order(&up, &[("traceparent", strange)]);
    }
    order(&up, &[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
    let told = collector.hear(|told| has(told, "send order.processed") && has(told, "POST /order"));
    let span = &named(&told, "POST /order").span;
    assert_eq!(span.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
    assert_eq!(span.parent_span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    up.stop();
    let posts = collector.heard().iter().filter(|told| told.span.name == "POST /order");
    assert_eq!(posts.count(), 1, "one of six was to be recorded");
}

#[test]
fn a_tap_of_staff_is_in_the_orders_trace_and_linked_to_its_own() {
    let (dir, mut collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let mut up = up(&dir, &collector.url(), &["--mode", "manual", "--service-name", "bar"]);
    let token = format!("Bearer {}", up.staff_token());
    let id = order(&up, &[]);
    hear(up.counter, &format!("/orders/{id}/events"), |order| order["decided"] == true);
    let path = format!("/orders/{id}/commands");
    let headers = [("Authorization", token.as_str()), ("Content-Type", "application/json")];
    let answer = request(up.counter, "POST", &path, &headers, r#"{"command":"ready"}"#).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let told =
        collector.hear(|told| has(told, "send order.processed") && has(told, "POST /orders/{id}/commands"));
    let trace = trace_with(&told, "POST /order");
    assert!(is_below(&trace, "process order.command", "send order.received"), "{trace:#?}");
    assert!(is_below(&trace, "send order.processed", "process order.command"), "{trace:#?}");
    let decided = named(&trace, "process order.command");
    assert_eq!((decided.says("brewline.order.event").as_str(), decided.service.as_str()), ("ready", "bar"));
    let sent = &named(&told, "send order.command").span;
    let [link] = &decided.span.links[..] else { panic!("{decided:?}") };
    assert_eq!((&link.trace_id, &link.span_id), (&sent.trace_id, &sent.span_id));
    assert!(is_below(&told, "send order.command", "POST /orders/{id}/commands"));
    // Neither the token nor the id in the path.
    let asked = format!("{:?}", named(&told, "POST /orders/{id}/commands"));
    assert!(!asked.contains(&id) && !asked.contains(&token["Bearer ".len()..]), "{asked}");
    up.stop();
}

#[test]
fn a_clean_stop_sends_what_is_left_with_the_headers_that_the_collector_wants() {
    let (dir, mut collector) = (tempfile::tempdir().unwrap(), Collector::start());
    let headers = "authorization=Basic%20c2VjcmV0";
    let up = up(&dir, &collector.url(), &["--otlp-headers", headers, "--seconds-per-cup", "0"]);
    order(&up, &[]);
    let (status, lines) = up.stop();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    // It has ended: what is not here by now never comes.
    let told = collector.hear(|told| has(told, "POST /order"));
    assert!(has(&told, "send order.received"), "{told:#?}");
    let heads = collector.heads.lock().unwrap();
    assert!(heads[0].starts_with("post /v1/traces http/1.1\r\n"), "{heads:?}");
    for part in ["authorization: basic c2vjcmv0", "content-type: application/x-protobuf"] {
        assert!(heads[0].contains(part), "{heads:?}");
    }
    assert!(!lines.iter().any(|line| line.contains("c2VjcmV0")), "{lines:#?}");
}

#[test]
fn a_collector_that_does_not_answer_holds_up_no_order_and_no_stop() {
    let dir = tempfile::tempdir().unwrap();
    let mut collector = Collector::answering("");
    let up = up(&dir, &collector.url(), &["--seconds-per-cup", "0"]);
    order(&up, &[]);
    // It has the first spans and says nothing to them.
    collector.hear(|told| has(told, "POST /order"));
    for _ in 0..20 {
        let id = order(&up, &[]);
        hear(up.counter, &format!("/orders/{id}/events"), |order| order["state"] == "ready");
    }
    let (status, lines) = up.stop();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("the last spans were not taken in time")), "{lines:#?}");
}

#[test]
fn a_collector_that_is_not_there_is_told_once_and_what_is_left_out_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let mut up = up(&dir, &format!("http://{nobody}"), &["--seconds-per-cup", "0"]);
    order(&up, &[]);
    up.process.hear(|line| line.contains("traces are not taken") && line.contains("refused"));
    // More than the queue has room for: each makes at least four spans.
    let client = ["client", "-c", "3", "--once", "--counter", &format!("http://{}", up.counter)];
    assert_eq!(run(&client).code, Some(0));
    let metrics = get(up.counter, "/metrics").unwrap().body;
    for name in ["brewline_spans_sent_total 0", "brewline_spans_dropped_total{reason=\"queue_full\"} 0"] {
        assert!(metrics.contains(name), "{metrics}");
    }
    let (status, lines) = up.stop();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("traces are not taken")).count(), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("not all spans were taken")), "{lines:#?}");
}

#[test]
fn what_a_collector_refuses_is_not_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::answering("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    let mut up = up(&dir, &collector.url(), &["--seconds-per-cup", "0"]);
    order(&up, &[]);
    up.process.hear(|line| line.contains("traces are not taken") && line.contains("401"));
    let metrics = get(up.counter, "/metrics").unwrap().body;
    let refused = metrics
        .lines()
        .find_map(|line| line.strip_prefix("brewline_spans_dropped_total{reason=\"refused\"} "));
    assert!(refused.unwrap().parse::<u32>().unwrap() > 0, "{metrics}");
    up.stop();
}

#[test]
fn without_a_collector_nothing_is_recorded_and_a_wrong_one_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    order(&up, &[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
    let metrics = get(up.counter, "/metrics").unwrap().body;
    let spans: Vec<_> = metrics.lines().filter(|line| line.starts_with("brewline_spans")).collect();
    assert!(spans.len() == 4 && spans.iter().all(|line| line.ends_with(" 0")), "{spans:#?}");
    up.stop();
    let log = support::local(dir.path());
    for (args, says) in [
        (["--otlp-endpoint", "127.0.0.1:4318"], "as in http://127.0.0.1:4318"),
        (["--trace-ratio", "2"], "say a number from 0 to 1"),
        (["--otlp-headers", "geheim"], "--otlp-headers or OTEL_EXPORTER_OTLP_HEADERS: say NAME=VALUE"),
    ] {
        let said = run(&[&["up", "--log", &log], &args[..]].concat());
        assert!(said.stderr.contains(says) && !said.stderr.contains("geheim"), "{said:?}");
        assert_ne!(said.code, Some(0));
    }
}
