//! Requests and records as parts of traces.

mod common;

use common::{Line, log, options};
use counter::Options;
use order::{TraceContext, topic};
use traces::{Dropped, Ratio, Spans, Tracer, What};

async fn traced(ratio: f64) -> (Line, Spans) {
    let (tracer, spans) = Tracer::new(Ratio::new(ratio), Dropped::default());
    (Line::on(log(1), Options { tracer, ..options() }).await, spans)
}

/// The header of the newest order.
fn header(line: &Line) -> Option<TraceContext> {
    let entries = line.log.history(topic::RECEIVED, 0);
    let headers = &entries.last().expect("an order").record.headers;
    headers.get(TraceContext::HEADER).map(|value| TraceContext::parse(value).expect("a trace context"))
}

#[tokio::test]
async fn without_a_tracer_an_order_has_no_trace_and_one_that_came_is_passed_on() {
    let line = Line::start().await;
    line.order(1).await;
    assert_eq!(header(&line), None);
    let came = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    line.post("/order?amount=1", &[("traceparent", came)], "").await;
    assert_eq!(header(&line).unwrap().to_string(), came);
    line.post("/order?amount=1", &[("traceparent", "00-nonsense")], "").await;
    assert_eq!(header(&line), None);
}

#[tokio::test]
async fn an_order_of_either_kind_is_sent_below_its_request() {
    let (line, mut spans) = traced(1.0).await;
    line.order(1).await;
    let body = r#"{"items":[{"item":"latte","quantity":1}]}"#;
    assert_eq!(line.order_items(&[], body).await.status, 201);
    for route in ["/order", "/orders"] {
        let sent = spans.try_recv().expect("a record was sent");
        let asked = spans.try_recv().expect("and then the request was answered");
        let (What::Sent(record), What::Request(request)) = (&sent.what, &asked.what) else {
            panic!("{sent:?}, {asked:?}")
        };
        assert_eq!((record.topic, request.route.as_deref()), (topic::RECEIVED, Some(route)));
        assert_eq!((sent.parent, asked.parent), (Some(asked.context.span), None));
        assert_eq!(sent.context.trace, asked.context.trace);
        assert!(asked.start <= sent.start && sent.end <= asked.end);
    }
}

#[tokio::test]
async fn a_trace_that_begins_here_and_is_not_recorded_costs_its_order_nothing() {
    let (line, mut spans) = traced(0.0).await;
    line.order(1).await;
    assert_eq!(header(&line), None);
    // What someone else began goes on as it came.
    let came = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    line.post("/order?amount=1", &[("traceparent", came)], "").await;
    assert_eq!(header(&line).unwrap().to_string(), came);
    assert!(spans.try_recv().is_err());
}

#[tokio::test]
async fn probes_are_not_recorded_and_what_is_refused_says_why() {
    let (line, mut spans) = traced(1.0).await;
    for probe in ["/livez", "/readyz", "/metrics"] {
        line.get(probe, &[]).await;
    }
    line.post("/order?amount=0", &[], "").await;
    line.get("/orders/none", &[]).await;
    line.get("/nowhere/geheim", &[]).await;
    for (method, route, status, problem) in [
        ("POST", Some("/order"), 400, "bad_amount"),
        ("GET", Some("/orders/{id}"), 404, "unknown_order"),
        ("GET", None, 404, "not_found"),
    ] {
        let span = spans.try_recv().expect("it was answered");
        let What::Request(request) = &span.what else { panic!("{span:?}") };
        assert_eq!((request.method, request.route.as_deref()), (method, route));
        assert_eq!((request.status, request.problem), (status, Some(problem)));
    }
    assert!(spans.try_recv().is_err());
}
