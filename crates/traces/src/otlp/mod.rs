//! Spans as OTLP, in protocol buffers: what a collector takes at `POST /v1/traces`. Names are those of OpenTelemetry's
//! semantic conventions, HTTP and messaging; what they have no name for begins with `brewline.`.

mod messages;

use std::num::NonZeroU64;

use bytes::Bytes;
use order::{OrderId, TraceContext};
use prost::Message as _;

use self::messages::{
    AnyValue, Event, ExportTraceServiceRequest, ExportTraceServiceResponse, InstrumentationScope, KeyValue,
    Link, Resource, ResourceSpans, ScopeSpans, SpanKind, Status, StatusCode, Value,
};
use crate::{Decided, Input, Request, Sent, Span, What};

/// The semantic conventions whose names these are.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

/// Whose spans they are, and of which log.
#[derive(Debug, Clone)]
pub struct Otlp {
    /// The resource's attributes: `service.name` and what tells processes apart.
    pub resource: Vec<(String, String)>,
    /// The program's version.
    pub version: String,
    /// `messaging.system`: `kafka`, or else the log is embedded.
    pub is_kafka: bool,
    /// What the names of topics and groups begin with.
    pub prefix: String,
    /// The baristas' consumer group, without the prefix.
    pub group: String,
}

impl Otlp {
    /// The body of a request with these spans.
    pub fn encode(&self, spans: &[Span]) -> Vec<u8> {
        let resource = self
            .resource
            .iter()
            .map(|(key, value)| KeyValue { key: copy(key), value: some(Value::Text(copy(value))) });
        let scope = InstrumentationScope { name: "brewline".into(), version: copy(&self.version) };
        let scope_spans =
            ScopeSpans { scope: Some(scope), spans: spans.iter().map(|span| self.span(span)).collect() };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource { attributes: resource.collect() }),
                scope_spans: vec![scope_spans],
                schema_url: SCHEMA.into(),
            }],
        };
        request.encode_to_vec()
    }

    fn span(&self, span: &Span) -> messages::Span {
        let Said { name, kind, attributes, error } = match &span.what {
            What::Request(request) => Said::request(request),
            What::Sent(sent) => self.sent(sent),
            What::Decided(decided, _) => self.decided(decided),
            What::Bell { order, round } => {
                let attributes =
                    vec![text(ORDER_ID, id_of(order)), int("brewline.order.round", u64::from(*round))];
                Said::of("bell", SpanKind::Internal, attributes)
            }
        };
        let (other, commit) = match &span.what {
            What::Decided(decided, commit) => (decided.input.and_then(|input| input.other), Some(commit)),
            _ => (None, None),
        };
        let commit = commit.map(|commit| Event {
            time_unix_nano: commit.began,
            name: "commit".into(),
            attributes: vec![int("brewline.transaction.inputs", commit.inputs)],
        });
        let link = other.map(|other| Link { trace_id: trace_id(other), span_id: span_id(other.span) });
        messages::Span {
            trace_id: trace_id(span.context),
            span_id: span_id(span.context.span),
            parent_span_id: span.parent.map(span_id).unwrap_or_default(),
            name,
            kind: kind.into(),
            start_time_unix_nano: span.start,
            // A clock that was set back meanwhile.
            end_time_unix_nano: span.end.max(span.start),
            attributes,
            events: commit.into_iter().collect(),
            links: link.into_iter().collect(),
            status: error.map(|message| Status { message: message.into(), code: StatusCode::Error.into() }),
            // The trace's flags, as `traceparent` has them.
            flags: u32::from(span.context.is_sampled()),
        }
    }

    fn sent(&self, sent: &Sent) -> Said {
        let mut attributes = self.messaging("send", sent.topic, sent.partition, sent.offset);
        attributes.push(text(ORDER_ID, id_of(&sent.order)));
        attributes.extend(sent.error.map(|error| text("error.type", error)));
        let name = format!("send {}{}", self.prefix, sent.topic);
        Said { error: sent.error, ..Said::of(name, SpanKind::Producer, attributes) }
    }

    fn decided(&self, decided: &Decided) -> Said {
        let (name, kind, mut attributes) = match decided.input {
            Some(Input { topic, at, .. }) => {
                let mut attributes = self.messaging("process", topic, at.partition, Some(at.offset));
                let group = format!("{}{}", self.prefix, self.group);
                attributes.push(text("messaging.consumer.group.name", group));
                (format!("process {}{topic}", self.prefix), SpanKind::Consumer, attributes)
            }
            None => (format!("decide {}", decided.kind.name()), SpanKind::Internal, Vec::new()),
        };
        attributes.extend([
            text(ORDER_ID, id_of(&decided.order)),
            text("brewline.order.event", decided.kind.name()),
            text("brewline.order.state", decided.stage.name()),
            int("brewline.order.round", u64::from(decided.round)),
            int("brewline.order.version", u64::from(decided.version)),
        ]);
        if decided.is_refused {
            attributes.push(KeyValue { key: "brewline.refused".into(), value: some(Value::Bool(true)) });
        }
        Said::of(name, kind, attributes)
    }

    /// The topic as the log names it.
    fn name(&self, topic: &'static str) -> Bytes {
        if self.prefix.is_empty() { topic.into() } else { format!("{}{topic}", self.prefix).into() }
    }

    fn messaging(
        &self,
        operation: &'static str,
        topic: &'static str,
        partition: u32,
        offset: Option<u64>,
    ) -> Vec<KeyValue> {
        let (system, offset_name) = if self.is_kafka {
            ("kafka", "messaging.kafka.offset")
        } else {
            ("brewline", "brewline.log.offset")
        };
        let mut attributes = Vec::with_capacity(13);
        attributes.extend([
            text("messaging.system", system),
            text("messaging.operation.name", operation),
            text("messaging.operation.type", operation),
            text("messaging.destination.name", self.name(topic)),
            text("messaging.destination.partition.id", partition.to_string()),
        ]);
        attributes.extend(offset.map(|offset| int(offset_name, offset)));
        attributes
    }
}

const ORDER_ID: &str = "brewline.order.id";

/// What is particular to one kind of span.
struct Said {
    name: Bytes,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
    /// Why it failed.
    error: Option<&'static str>,
}

impl Said {
    fn of(name: impl Into<Bytes>, kind: SpanKind, attributes: Vec<KeyValue>) -> Self {
        Self { name: name.into(), kind, attributes, error: None }
    }

    fn request(request: &Request) -> Self {
        let Request { method, route, is_secure, status, problem } = request;
        let mut attributes = Vec::with_capacity(7);
        attributes.extend([
            text("http.request.method", *method),
            int("http.response.status_code", u64::from(*status)),
            text("url.scheme", if *is_secure { "https" } else { "http" }),
        ]);
        if let Some(route) = route {
            attributes.push(text("http.route", copy(route)));
            // One with a place for something in it would say an order's id or a code.
            if !route.contains('{') {
                attributes.push(text("url.path", copy(route)));
            }
        }
        attributes.extend(problem.map(|code| text("brewline.problem.code", code)));
        // What a client did wrong is no error of the server.
        let error = (*status >= 500).then(|| problem.unwrap_or("5xx"));
        attributes.extend(error.map(|error| text("error.type", error)));
        // A method that nobody knows is not said in the name.
        let method = if *method == "_OTHER" { "HTTP" } else { method };
        let name = route.as_ref().map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        Self { error, ..Self::of(name, SpanKind::Server, attributes) }
    }
}

fn text(key: &'static str, value: impl Into<Bytes>) -> KeyValue {
    KeyValue { key: key.into(), value: some(Value::Text(value.into())) }
}

fn int(key: &'static str, value: u64) -> KeyValue {
    let value = Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    KeyValue { key: key.into(), value: some(value) }
}

fn copy(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn id_of(order: &OrderId) -> Bytes {
    copy(order.as_str())
}

fn trace_id(context: TraceContext) -> Bytes {
    Bytes::copy_from_slice(&context.trace.get().to_be_bytes())
}

fn span_id(span: NonZeroU64) -> Bytes {
    Bytes::copy_from_slice(&span.get().to_be_bytes())
}

#[expect(clippy::unnecessary_wraps, reason = "the field is optional in the protocol")]
fn some(value: Value) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}

/// How many of the spans in a request a collector refused, and why, from the body of its answer. What is no such body
/// says that none was.
pub fn rejected(body: &[u8]) -> (u64, String) {
    let answer = ExportTraceServiceResponse::decode(body).unwrap_or_default();
    let partial = answer.partial_success.unwrap_or_default();
    (u64::try_from(partial.rejected_spans).unwrap_or(0), partial.error_message)
}

#[cfg(test)]
mod tests;
