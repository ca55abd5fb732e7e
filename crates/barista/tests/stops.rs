//! Each reason to stop and ask for a person, and nothing less, stops the line.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use barista::{Ended, Metrics, Options, Stop, StopSignal, run};
use common::{clock, count, engine, log, options, order, session};
use eventlog::{Record, sim::SimLog};
use order::topic;

fn stop(log: &SimLog, options: &Options) -> Stop {
    match session(log, options) {
        Err(Ended::Stop(stop)) => stop,
        other => panic!("it does not stop: {other:?}"),
    }
}

/// A log on which three orders were read.
fn read_log() -> std::sync::Arc<SimLog> {
    let log = log(|_| {});
    for id in ["a", "b", "c"] {
        log.append(topic::RECEIVED, 0, order(id, 1));
    }
    session(&log, &options()).unwrap();
    assert_eq!(count(&log, topic::EVENT), 3);
    log
}

/// Another log with the state of the first.
fn moved_state(from: &SimLog) -> std::sync::Arc<SimLog> {
    let to = log(|_| {});
    for entry in from.history(topic::STATE, 0) {
        to.append(topic::STATE, 0, entry.record);
    }
    to
}

#[test]
fn a_position_beyond_the_end_is_another_log() {
    let other = moved_state(&read_log());
    other.append(topic::RECEIVED, 0, order("a", 1));
    let stop = stop(&other, &options());
    assert!(matches!(stop, Stop::OtherLog { topic: topic::RECEIVED, next: 3, .. }), "{stop}");
    assert!(stop.to_string().contains("it ends at 1"), "{stop}");
    assert_eq!(count(&other, topic::EVENT), 0, "nothing was decided");
}

#[test]
fn another_record_where_the_last_one_was_read_is_another_log() {
    let other = moved_state(&read_log());
    for id in ["a", "b", "x", "d"] {
        other.append(topic::RECEIVED, 0, order(id, 1));
    }
    let stop = stop(&other, &options());
    assert!(matches!(stop, Stop::OtherLog { topic: topic::RECEIVED, next: 3, .. }), "{stop}");
    assert!(stop.to_string().contains("another record"), "{stop}");
    assert_eq!(count(&other, topic::EVENT), 0, "nothing was decided");
}

#[test]
fn the_same_records_are_the_same_log() {
    let same = moved_state(&read_log());
    for id in ["a", "b", "c", "d"] {
        same.append(topic::RECEIVED, 0, order(id, 1));
    }
    session(&same, &options()).unwrap();
    assert_eq!(count(&same, topic::EVENT), 1, "only the new one is taken");
}

#[test]
fn records_that_went_unread_stop_the_line_until_the_loss_is_accepted() {
    let log = read_log();
    for id in ["d", "e", "f"] {
        log.append(topic::RECEIVED, 0, order(id, 1));
    }
    log.cut(topic::RECEIVED, 0, 5);
    let stop = stop(&log, &options());
    assert!(matches!(stop, Stop::Gone { topic: topic::RECEIVED, missing: 2, from: 3, to: 4, .. }), "{stop}");
    assert!(stop.to_string().contains("--accept-loss"), "{stop}");
    session(&log, &Options { accept_loss: true, ..options() }).unwrap();
    assert_eq!(count(&log, topic::EVENT), 4, "the one that is left is taken");
}

#[test]
fn what_was_read_may_go() {
    let log = read_log();
    log.append(topic::RECEIVED, 0, order("d", 1));
    log.cut(topic::RECEIVED, 0, 3);
    session(&log, &options()).unwrap();
    assert_eq!(count(&log, topic::EVENT), 4);
}

#[test]
fn a_state_of_a_newer_program_is_left_to_that_one() {
    let log = read_log();
    let at = log.append(topic::STATE, 0, Record::new("a", r#"{"v":2,"new":"fields"}"#));
    let stop = stop(&log, &options());
    assert_eq!(stop, Stop::Newer { topic: topic::STATE, partition: 0, offset: at.offset, version: 2 });
}

#[test]
fn a_log_that_takes_only_small_records_is_refused_at_once() {
    let log = log(|options| options.max_record_bytes = 300_000);
    let stop = stop(&log, &options());
    assert!(matches!(stop, Stop::SmallRecords { limit: 300_000, .. }), "{stop}");
}

#[test]
fn a_log_that_was_closed_unasked_stops_the_line() {
    let log = read_log();
    let mut engine = engine(&log, &options(), &Metrics::default()).unwrap();
    log.close();
    assert_eq!(engine.step().unwrap_err(), Ended::Stop(Stop::Closed));
    let ended = run(&*log, &options(), &clock(&log), &Metrics::default(), &StopSignal::default());
    assert_eq!(ended, Err(Stop::Closed));
}

#[test]
fn a_log_that_was_closed_before_a_commit_stops_the_line() {
    let log = read_log();
    let mut engine = engine(&log, &options(), &Metrics::default()).unwrap();
    common::settle(&mut engine, &log).unwrap();
    log.clock().advance(1);
    log.refuse(Some(eventlog::Reason::Closed));
    log.append(topic::RECEIVED, 0, order("d", 1));
    let ended = std::iter::repeat_with(|| engine.step()).find_map(Result::err);
    assert_eq!(ended, Some(Ended::Stop(Stop::Closed)));
}
