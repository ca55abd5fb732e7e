//! Records that wait behind others of their partition.

use std::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use eventlog::{
    Certainty, Log as _, Record,
    conformance::{Bed as _, INPUT},
    kafka::KafkaLog,
};

use crate::{
    away::try_to_publish,
    bed::{KafkaBed, everything, keys, publish, until},
    proxy::{PRODUCE, Proxy},
};

#[test]
fn a_record_that_waits_behind_others_past_its_deadline_is_not_written() {
    const RECORDS: usize = 50;
    let mut bed = KafkaBed::new();
    let direct = bed.open();
    let proxy = Proxy::start();
    let mut options = bed.options.clone();
    options.brokers = proxy.address();
    options.publish_within = Duration::from_secs(2);
    let log = KafkaLog::open(options).expect("the log opens");
    publish(&*log, INPUT, 0, "before");

    proxy.keep_answers(PRODUCE);
    let publisher = log.publisher();
    let deadline = Duration::from_millis(100);
    let names: Vec<_> = (0..RECORDS).map(|n| format!("record {n}")).collect();
    let publish_one =
        |name: &String| publisher.publish(INPUT, 0, Record::new(name.clone(), "value"), deadline);
    let (mut waiting, mut unwritten) = (names.iter().map(publish_one).collect::<Vec<_>>(), Vec::new());
    for (name, published) in names.iter().zip(&mut waiting) {
        let poll = || match published.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(told) => Some(told),
            Poll::Pending => None,
        };
        let error = until("the deadline", poll).expect_err("nobody answers");
        if error.certainty == Certainty::NotWritten {
            unwritten.push(name.clone());
        }
    }
    assert!(unwritten.len() >= RECORDS - 5, "all but those on their way are known: {unwritten:?}");

    proxy.pass_answers();
    until("what was never answered to be given up", || try_to_publish(&log, "after").ok());
    let written = keys(&everything(&*direct, INPUT));
    assert_eq!(written.last().map(String::as_str), Some("after"));
    assert!(!written.iter().any(|name| unwritten.contains(name)), "{written:?}");
}

#[test]
fn many_records_at_once_are_all_written_and_once() {
    const RECORDS: usize = 20_000;
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let publisher = log.publisher();
    let published: Vec<_> = (0..RECORDS)
        .map(|n| publisher.publish(INPUT, 0, Record::new(n.to_string(), "value"), crate::bed::BOUND))
        .collect();
    for told in published {
        eventlog::conformance::block_on(told).expect("it is written");
    }
    let written: Vec<_> = keys(&everything(&*log, INPUT));
    let wanted: Vec<_> = (0..RECORDS).map(|n| n.to_string()).collect();
    assert_eq!(written.len(), RECORDS);
    assert!(written == wanted, "in the order in which they came");
}

#[test]
fn whoever_waits_when_the_log_is_closed_is_answered() {
    const RECORDS: usize = 50;
    let mut bed = KafkaBed::new();
    bed.open();
    let proxy = Proxy::start();
    let mut options = bed.options.clone();
    options.brokers = proxy.address();
    let log = KafkaLog::open(options).expect("the log opens");
    publish(&*log, INPUT, 0, "before");
    proxy.keep_answers(PRODUCE);
    let publisher = log.publisher();
    let published: Vec<_> = (0..RECORDS)
        .map(|n| publisher.publish(INPUT, 0, Record::new(n.to_string(), "value"), crate::bed::BOUND))
        .collect();
    log.close();
    let mut unwritten = 0;
    for told in published {
        let error = eventlog::conformance::block_on(told).expect_err("nobody answered");
        unwritten += usize::from(error.certainty == Certainty::NotWritten);
    }
    assert!(unwritten >= RECORDS - 5, "all but those on their way are known: {unwritten}");
}
