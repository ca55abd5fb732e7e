//! What is written here, read by types that OpenTelemetry made.

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{self as theirs, span::SpanKind, status::StatusCode},
};
use order::{At, Kind, OrderId, Stage, TraceContext};
use prost::Message as _;

use super::*;
use crate::Commit;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn otlp(is_kafka: bool) -> Otlp {
    Otlp {
        resource: vec![("service.name".to_owned(), "cafe".to_owned())],
        version: "1.2.3".to_owned(),
        is_kafka,
        prefix: "seoul.".to_owned(),
        group: "barista_group".to_owned(),
    }
}

fn span(what: What) -> Span {
    let context = TraceContext::parse(TRACE.as_bytes()).unwrap();
    Span { context, parent: std::num::NonZeroU64::new(7), start: 1_000, end: 3_000, what }
}

fn read(otlp: &Otlp, what: What) -> theirs::Span {
    let body = otlp.encode(&[span(what)]);
    let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
    let [of_resource] = <[_; 1]>::try_from(request.resource_spans).unwrap();
    assert_eq!(said(&of_resource.resource.unwrap().attributes), ["service.name=cafe"]);
    let [of_scope] = <[_; 1]>::try_from(of_resource.scope_spans).unwrap();
    let scope = of_scope.scope.unwrap();
    assert_eq!((scope.name.as_str(), scope.version.as_str()), ("brewline", "1.2.3"));
    let [span] = <[_; 1]>::try_from(of_scope.spans).unwrap();
    span
}

fn said(attributes: &[KeyValue]) -> Vec<String> {
    let value = |pair: &KeyValue| match pair.value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|pair| format!("{}={}", pair.key, value(pair))).collect()
}

fn id() -> OrderId {
    OrderId::new("3f0c2f0e").unwrap()
}

#[test]
fn a_request_is_a_server_span_and_says_no_path_with_something_in_it() {
    let request = Request {
        method: "GET",
        route: Some("/orders/{id}".into()),
        is_secure: true,
        status: 503,
        problem: Some("starting"),
    };
    let span = read(&otlp(false), What::Request(request.clone()));
    assert_eq!(span.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes());
    assert_eq!(span.span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(span.parent_span_id, 7_u64.to_be_bytes());
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (1_000, 3_000));
    assert_eq!((span.name.as_str(), span.kind()), ("GET /orders/{id}", SpanKind::Server));
    assert_eq!(
        said(&span.attributes),
        [
            "http.request.method=GET",
            "http.response.status_code=503",
            "url.scheme=https",
            "http.route=/orders/{id}",
            "brewline.problem.code=starting",
            "error.type=starting",
        ]
    );
    assert_eq!(span.status.unwrap().code(), StatusCode::Error);

    let strange = Request { method: "_OTHER", route: None, is_secure: false, status: 405, problem: None };
    let span = read(&otlp(false), What::Request(strange));
    assert_eq!((span.name.as_str(), span.status), ("HTTP", None));
    let plain = Request { route: Some("/order".into()), ..request };
    assert!(said(&read(&otlp(false), What::Request(plain)).attributes).contains(&"url.path=/order".into()));
}

#[test]
fn records_are_named_as_the_log_names_them() {
    let sent = Sent { topic: "order.received", partition: 2, offset: Some(9), order: id(), error: None };
    let span = read(&otlp(true), What::Sent(sent.clone()));
    assert_eq!((span.name.as_str(), span.kind()), ("send seoul.order.received", SpanKind::Producer));
    assert_eq!(
        said(&span.attributes),
        [
            "messaging.system=kafka",
            "messaging.operation.name=send",
            "messaging.operation.type=send",
            "messaging.destination.name=seoul.order.received",
            "messaging.destination.partition.id=2",
            "messaging.kafka.offset=9",
            "brewline.order.id=3f0c2f0e",
        ]
    );
    let failed = Sent { offset: None, error: Some("disk_full"), ..sent };
    let span = read(&otlp(false), What::Sent(failed));
    assert_eq!(said(&span.attributes).last().unwrap(), "error.type=disk_full");
    assert_eq!(span.status.unwrap().message, "disk_full");
}

#[test]
fn a_decision_is_a_consumer_span_linked_to_whoever_asked_for_it_or_comes_by_itself() {
    let other = TraceContext::parse(b"00-00000000000000000000000000000001-0000000000000002-01");
    let input = Input { topic: "order.command", at: At { partition: 0, offset: 4 }, other };
    let decided = Decided {
        order: id(),
        kind: Kind::Ready,
        stage: Stage::Ready,
        round: 1,
        version: 3,
        is_refused: false,
        input: Some(input),
    };
    let commit = Commit { began: 2_000, inputs: 12 };
    let span = read(&otlp(true), What::Decided(decided.clone(), commit));
    assert_eq!((span.name.as_str(), span.kind()), ("process seoul.order.command", SpanKind::Consumer));
    let all = said(&span.attributes);
    for part in [
        "messaging.operation.type=process",
        "messaging.consumer.group.name=seoul.barista_group",
        "messaging.kafka.offset=4",
        "brewline.order.event=ready",
        "brewline.order.state=ready",
        "brewline.order.version=3",
    ] {
        assert!(all.contains(&part.to_owned()), "{part} in {all:?}");
    }
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.links[0].trace_id, 1_u128.to_be_bytes());
    assert_eq!(span.links[0].span_id, 2_u64.to_be_bytes());
    let [event] = &span.events[..] else { panic!("{span:?}") };
    assert_eq!((event.name.as_str(), event.time_unix_nano), ("commit", 2_000));
    assert_eq!(said(&event.attributes), ["brewline.transaction.inputs=12"]);

    let alone = Decided { input: None, is_refused: true, ..decided };
    let span = read(&otlp(true), What::Decided(alone, commit));
    assert_eq!((span.name.as_str(), span.kind(), span.links.len()), ("decide ready", SpanKind::Internal, 0));
    assert!(said(&span.attributes).contains(&"brewline.refused=true".to_owned()));
}

#[test]
fn a_bell_is_internal() {
    let span = read(&otlp(false), What::Bell { order: id(), round: 2 });
    assert_eq!((span.name.as_str(), span.kind()), ("bell", SpanKind::Internal));
    assert!(span.events.is_empty());
    assert_eq!(said(&span.attributes), ["brewline.order.id=3f0c2f0e", "brewline.order.round=2"]);
}

#[test]
fn what_a_collector_refuses_is_read_and_anything_else_refuses_nothing() {
    let answer = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 5,
            error_message: "too old".to_owned(),
        }),
    };
    assert_eq!(rejected(&answer.encode_to_vec()), (5, "too old".to_owned()));
    assert_eq!(rejected(b""), (0, String::new()));
    assert_eq!(rejected(b"<html>"), (0, String::new()));
}
