//! What is decided, as spans of the orders' traces.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::time::Duration;

use barista::{Metrics, Options};
use common::{engine, log, options, order, settle};
use eventlog::{Headers, Record, sim::SimLog};
use order::{TraceContext, topic};
use traces::{Dropped, Ratio, Spans, Tracer, What};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn traced(record: Record, trace: &str) -> Record {
    record.with_headers(Headers::new([(TraceContext::HEADER, trace.as_bytes())]))
}

fn recording() -> (Options, Spans) {
    let (tracer, spans) = Tracer::new(Ratio::new(1.0), Dropped::default());
    let rules = order::Rules { cup_ms: 0, ..order::Rules::default() };
    (Options { tracer, rules, ..options() }, spans)
}

/// Each span's kind and name.
fn told(spans: &mut Spans) -> Vec<(&'static str, u64)> {
    let kind = |what: &What| match what {
        What::Decided(..) => "decided",
        What::Sent(_) => "sent",
        _ => "other",
    };
    std::iter::from_fn(|| spans.try_recv().ok())
        .map(|span| (kind(&span.what), span.context.span.get()))
        .collect()
}

fn announced(log: &SimLog) -> Vec<String> {
    let header = |record: &Record| record.headers.get(TraceContext::HEADER).map(<[u8]>::to_vec);
    let all = log.history(topic::PROCESSED, 0);
    all.iter().map(|entry| String::from_utf8(header(&entry.record).unwrap_or_default()).unwrap()).collect()
}

#[test]
fn spans_come_when_a_decision_is_committed_and_have_the_same_names_if_it_is_made_again() {
    let log = log(|options| options.linger = Duration::from_mins(1));
    log.append(topic::RECEIVED, 0, traced(order("a", 1), TRACE));
    let (options, mut spans) = recording();
    let mut first = engine(&log, &options, &Metrics::default()).unwrap();
    for _ in 0..10 {
        first.step().unwrap();
    }
    // It is decided, and the transaction waits for more.
    drop(first);
    assert_eq!(told(&mut spans), [], "what was never committed was never so");

    let mut second = engine(&log, &options, &Metrics::default()).unwrap();
    settle(&mut second, &log).unwrap();
    second.finish().unwrap();
    let seen = told(&mut spans);
    assert_eq!(seen.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), ["decided", "sent"]);
    let [header] = <[_; 1]>::try_from(announced(&log)).unwrap();
    assert_eq!(
        header,
        format!("{}{:016x}-01", &TRACE[..36], seen[1].1),
        "the record names the span that it is"
    );

    // Another log with the same order: the names follow from its place and its trace.
    let again = common::log(|_| {});
    again.append(topic::RECEIVED, 0, traced(order("a", 1), TRACE));
    settle(&mut engine(&again, &options, &Metrics::default()).unwrap(), &again).unwrap();
    assert_eq!(told(&mut spans), seen);
    assert_eq!(announced(&again), [header]);
}

#[test]
fn what_is_not_recorded_leaves_no_span_and_its_trace_goes_on_as_it_came() {
    let log = log(|_| {});
    let unsampled = TRACE.replace("-01", "-00");
    log.append(topic::RECEIVED, 0, traced(order("a", 1), &unsampled));
    log.append(topic::RECEIVED, 0, order("b", 1));
    log.append(topic::RECEIVED, 0, traced(order("c", 1), "no trace"));
    let (options, mut spans) = recording();
    settle(&mut engine(&log, &options, &Metrics::default()).unwrap(), &log).unwrap();
    assert_eq!(told(&mut spans), []);
    assert_eq!(announced(&log), [unsampled, String::new(), String::new()]);
}

#[test]
fn without_a_tracer_a_trace_goes_on_as_it_came() {
    let log = log(|_| {});
    log.append(topic::RECEIVED, 0, traced(order("a", 1), TRACE));
    let rules = order::Rules { cup_ms: 0, ..order::Rules::default() };
    let options = Options { rules, ..options() };
    settle(&mut engine(&log, &options, &Metrics::default()).unwrap(), &log).unwrap();
    assert_eq!(announced(&log), [TRACE]);
}
