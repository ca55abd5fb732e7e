//! What a step and a session may take: transactions, memory, turns; and what the engine says of itself.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::time::Duration;

use barista::{Metrics, Options, Positions, work_spec};
use common::{count, engine, heavy_order, log, options, order, session, settle, warnings};
use eventlog::{Log as _, Record};
use order::{Rules, topic};

#[test]
fn to_say_who_decides_is_no_work() {
    let log = log(|_| {});
    let mut engine = engine(&log, &options(), &Metrics::default()).unwrap();
    let steps = settle(&mut engine, &log).unwrap();
    assert_eq!(count(&log, topic::SHOP), 1, "it is said");
    assert_eq!(steps.iter().map(|step| step.committed).sum::<usize>(), 0);
    log.append(topic::RECEIVED, 0, order("a", 1));
    let steps = settle(&mut engine, &log).unwrap();
    assert_eq!(steps.iter().map(|step| step.committed).sum::<usize>(), 1);
    assert_eq!(count(&log, topic::SHOP), 1, "once in a session");
}

#[test]
fn who_decides_is_said_although_a_partition_was_handed_on_before_the_commit() {
    let log = log(|options| {
        options.partitions = 2;
        options.linger = Duration::from_mins(1);
    });
    let mut engine = engine(&log, &options(), &Metrics::default()).unwrap();
    while engine.partitions() < 2 {
        engine.step().unwrap();
    }
    // Someone else comes, and gets the one that came first.
    let other = log.process();
    let _work = other.work(&work_spec(&options())).unwrap();
    log.ask_back("barista_group", 0);
    while engine.partitions() == 2 {
        engine.step().unwrap();
    }
    assert_eq!(count(&log, topic::SHOP), 0, "nothing was committed before");
    log.clock().advance(60_000);
    settle(&mut engine, &log).unwrap();
    assert_eq!((engine.partitions(), count(&log, topic::SHOP)), (1, 1));
}

#[test]
fn a_transaction_is_bounded_in_bytes() {
    let log = log(|_| {});
    for n in 0..300 {
        log.append(topic::RECEIVED, 0, heavy_order(&n.to_string(), 60_000));
    }
    let mut engine = engine(&log, &options(), &Metrics::default()).unwrap();
    let before = log.commits();
    settle(&mut engine, &log).unwrap();
    assert_eq!(count(&log, topic::EVENT), 300);
    // 18 MB of states.
    assert!(log.commits() - before >= 3, "{} transactions", log.commits() - before);

    log.clock().advance(1_000);
    let before = log.commits();
    settle(&mut engine, &log).unwrap();
    assert_eq!(count(&log, topic::PROCESSED), 300);
    assert!(log.commits() - before >= 3, "{} transactions", log.commits() - before);
}

#[test]
fn everything_that_moves_by_itself_shares_one_budget() {
    let log = log(|options| options.max_batch = 9);
    let rules = Rules { cup_ms: 0, uncollected_auto_ms: 10, remember_max: 0, ..Rules::default() };
    let mut engine = engine(&log, &Options { rules, ..options() }, &Metrics::default()).unwrap();
    for n in 0..40 {
        log.append(topic::RECEIVED, 0, order(&n.to_string(), 1));
    }
    settle(&mut engine, &log).unwrap();
    assert_eq!(count(&log, topic::PROCESSED), 40);
    log.clock().advance(10);
    let steps = settle(&mut engine, &log).unwrap();
    let committed: Vec<_> = steps.iter().map(|step| step.committed).collect();
    assert_eq!(committed.iter().sum::<usize>(), 80, "all are given up and forgotten");
    assert!(committed.iter().all(|committed| *committed <= 9), "{committed:?}");
    // 6 may fire first, then as many are forgotten as there is room for.
    assert_eq!(committed[0], 9, "no room is left unused: {committed:?}");
}

#[test]
fn each_partition_has_its_turn() {
    let log = log(|options| (options.partitions, options.max_batch) = (3, 8));
    let mut engine = engine(&log, &options(), &Metrics::default()).unwrap();
    for n in 0..60 {
        log.append(topic::RECEIVED, n % 3, order(&n.to_string(), 1));
    }
    settle(&mut engine, &log).unwrap();
    log.clock().advance(1_000);
    for _ in 0..3 {
        engine.step().unwrap();
    }
    for partition in 0..3 {
        assert_eq!(log.history(topic::PROCESSED, partition).len(), 8, "in partition {partition}");
    }
}

#[test]
fn orders_that_bring_too_many_bytes_wait_in_the_log() {
    let log = log(|_| {});
    for n in 0..10 {
        log.append(topic::RECEIVED, 0, heavy_order(&n.to_string(), 60_000));
    }
    let metrics = Metrics::default();
    let options = Options { max_open_bytes: 200_000, ..options() };
    let mut engine = engine(&log, &options, &metrics).unwrap();
    settle(&mut engine, &log).unwrap();
    assert_eq!((metrics.open.get(), metrics.full.get()), (4, 1));
    // Ready ones are in memory too.
    log.clock().advance(1_000);
    settle(&mut engine, &log).unwrap();
    assert_eq!((metrics.open.get(), metrics.full.get()), (0, 1));
    // Nobody comes for them, and there is room again.
    log.clock().advance(options.rules.uncollected_auto_ms);
    settle(&mut engine, &log).unwrap();
    assert_eq!((metrics.open.get(), metrics.full.get()), (4, 1));
    for _ in 0..2 {
        log.clock().advance(1_000);
        settle(&mut engine, &log).unwrap();
        log.clock().advance(options.rules.uncollected_auto_ms);
        settle(&mut engine, &log).unwrap();
    }
    assert_eq!((metrics.open.get(), metrics.full.get()), (0, 0));
    assert_eq!(count(&log, topic::PROCESSED), 10, "none was dropped");
}

#[test]
fn an_engine_says_when_it_looked_for_work_also_where_there_was_none() {
    let (log, metrics) = (log(|_| {}), Metrics::default());
    let mut engine = engine(&log, &options(), &metrics).unwrap();
    let last = || metrics.last_step.get();
    assert!(last().abs() < f64::EPSILON, "it has not begun");
    settle(&mut engine, &log).unwrap();
    let began = last();
    log.clock().advance(90_000);
    engine.step().unwrap();
    assert!((last() - began - 90.0).abs() < 0.001, "{began} and {}", last());
}

#[test]
fn what_an_earlier_session_said_of_itself_does_not_stay() {
    let log = log(|options| options.partitions = 2);
    log.append(topic::RECEIVED, 0, order("a", 1));
    log.append(topic::RECEIVED, 0, order("b", 1));
    let (metrics, options) = (Metrics::default(), Options { max_open: 1, ..options() });
    let said = || (metrics.partitions.get(), metrics.open.get(), metrics.full.get());
    let mut first = engine(&log, &options, &metrics).unwrap();
    settle(&mut first, &log).unwrap();
    assert_eq!(said(), (2, 1, 1));
    drop(first);
    let mut second = engine(&log, &options, &metrics).unwrap();
    assert_eq!(said(), (0, 0, 0));
    settle(&mut second, &log).unwrap();
    assert_eq!(said(), (2, 1, 1));
    // It hands everything on.
    let other = log.process();
    let _work = other.work(&work_spec(&options)).unwrap();
    for partition in 0..2 {
        log.ask_back("barista_group", partition);
    }
    settle(&mut second, &log).unwrap();
    let open = metrics.open.get();
    assert_eq!(usize::try_from(metrics.partitions.get()), Ok(second.partitions()));
    assert!(second.partitions() < 2 && open <= 1);
}

#[test]
fn a_position_of_the_group_that_is_another_than_the_states_is_reported() {
    let log = log(|_| {});
    for id in ["a", "b"] {
        log.append(topic::RECEIVED, 0, order(id, 1));
    }
    session(&log, &options()).unwrap();
    let said = warnings(|| session(&log, &options()).unwrap());
    assert!(!said.iter().any(|text| text.contains("position")), "they agree: {said:?}");

    let states = log.history(topic::STATE, 0);
    let positions = states.iter().rev().find(|e| e.record.key.as_deref() == Some(b"\0positions")).unwrap();
    let mut older = Positions::parse(positions.record.value.as_deref().unwrap()).unwrap();
    (older.inputs[0].next, older.inputs[0].last) = (1, None);
    log.append(topic::STATE, 0, Record::new(topic::POSITIONS_KEY, serde_json::to_vec(&older).unwrap()));
    let said = warnings(|| session(&log, &options()).unwrap());
    let about: Vec<_> = said.iter().filter(|text| text.contains("position")).collect();
    assert_eq!(about.len(), 1, "{said:?}");
    assert!(about[0].contains("order.received") && about[0].contains("committed=2"), "{said:?}");
}
