//! A collector for tests: takes OTLP over HTTP, and reads it with OpenTelemetry's own types.
#![allow(dead_code, reason = "each test binary uses its part of this")]
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Instant,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind},
};
use prost::Message as _;

use crate::support::PATIENCE;

/// A span, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub service: String,
    pub span: Span,
}

impl Told {
    /// An attribute, as text.
    pub(crate) fn says(&self, key: &str) -> String {
        said(&self.span.attributes, key)
    }

    pub(crate) fn kind(&self) -> SpanKind {
        self.span.kind()
    }
}

fn said(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|pair| pair.key == key);
    match found.and_then(|pair| pair.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

/// A collector that answers like this.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    told: Receiver<Told>,
    heard: Vec<Told>,
    /// Of each request: its head, in lower case.
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// One that takes everything.
    pub(crate) fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }

    pub(crate) fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = channel();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, heads) = (tell.clone(), Arc::clone(&shared));
                std::thread::spawn(move || drop(serve(stream, answer, &tell, &heads)));
            }
        });
        Self { address, told, heard: Vec::new(), heads }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was told, once this holds for it.
    pub(crate) fn hear(&mut self, what: impl Fn(&[Told]) -> bool) -> Vec<Told> {
        let until = Instant::now() + PATIENCE;
        while !what(&self.heard) {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(told) = self.told.recv_timeout(left) else {
                panic!("not told within {PATIENCE:?}: {:#?}", names(&self.heard))
            };
            self.heard.push(told);
        }
        self.heard.clone()
    }

    /// Everything that has been told by now.
    pub(crate) fn heard(&mut self) -> &[Told] {
        self.heard.extend(self.told.try_iter());
        &self.heard
    }
}

fn names(told: &[Told]) -> Vec<String> {
    told.iter().map(|told| format!("{}: {}", told.service, told.span.name)).collect()
}

fn serve(
    stream: TcpStream,
    answer: &str,
    tell: &Sender<Told>,
    heads: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body)?;
        heads.lock().unwrap().push(head);
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        for of_resource in request.resource_spans {
            let service = said(&of_resource.resource.unwrap().attributes, "service.name");
            for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
                // Nobody may listen any more.
                let _ = tell.send(Told { service: service.clone(), span });
            }
        }
        // Nothing: it hangs.
        if answer.is_empty() {
            std::thread::park();
        }
        stream.write_all(answer.as_bytes())?;
    }
}

/// The one span of this name; of many the first.
pub(crate) fn named<'a>(told: &'a [Told], name: &str) -> &'a Told {
    let found = told.iter().find(|told| told.span.name == name);
    found.unwrap_or_else(|| panic!("no {name} among {:#?}", names(told)))
}

/// Whether a span of this name is there.
pub(crate) fn has(told: &[Told], name: &str) -> bool {
    told.iter().any(|told| told.span.name == name)
}

/// Those of the same trace as the span of this name.
pub(crate) fn trace_with(told: &[Told], name: &str) -> Vec<Told> {
    let trace = &named(told, name).span.trace_id;
    told.iter().filter(|told| told.span.trace_id == *trace).cloned().collect()
}

/// Whether one span is right below another.
pub(crate) fn is_below(told: &[Told], below: &str, above: &str) -> bool {
    let above = named(told, above).span.span_id.clone();
    told.iter().any(|told| told.span.name == below && told.span.parent_span_id == above)
}
