//! No client loses its brokers for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use eventlog::{
    Certainty, Follow, FollowError, Log as _, Polled, Start,
    conformance::{Bed as _, INPUT},
};

use crate::{
    away::{BACK_WITHIN, try_to_publish},
    bed::{KafkaBed, WAIT, everything, own_brokers, publish, read_to_end, spec, take_all, until},
    proxy::{FETCH, LIST_OFFSETS, Proxy},
};

/// Each is four clients.
const LOGS: usize = 20;
/// As many as half of the clients.
const BLIND_ANSWERS: usize = 2 * LOGS;

/// Follows until it is told to stop, as a view does. How far it was when it last was at the end.
fn follow(mut follower: Box<dyn Follow>, reached: &AtomicU64, stop: &AtomicBool) {
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) {
        let batch = follower.poll(WAIT).expect("the follower goes on");
        next = batch.entries.last().map_or(next, |entry| entry.offset + 1);
        if batch.at_end {
            reached.store(next, Ordering::Relaxed);
        }
    }
}

#[test]
fn every_client_comes_back_after_a_broker_that_had_just_started_knew_of_no_broker() {
    let _turn = own_brokers();
    let mut proxy = Proxy::start();
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    bed.options.brokers = proxy.address();
    bed.options.publish_within = Duration::from_millis(3_500);
    let stop = Arc::new(AtomicBool::new(false));
    let logs: Vec<_> = (0..LOGS)
        .map(|_| {
            let log = bed.process();
            let follower = log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
            let (reached, stop) = (Arc::new(AtomicU64::new(0)), stop.clone());
            let seen = reached.clone();
            (log, reached, thread::spawn(move || follow(follower, &seen, &stop)))
        })
        .collect();
    proxy.cut();
    thread::scope(|scope| {
        for (log, ..) in &logs {
            scope.spawn(move || {
                until("a publisher to see that the broker is gone", || {
                    let lost = try_to_publish(log, "lost").err()?;
                    (lost.certainty == Certainty::NotWritten).then_some(())
                });
            });
        }
    });
    proxy.restore(BLIND_ANSWERS);
    let began = Instant::now();
    let back: Vec<(Duration, Duration)> = thread::scope(|scope| {
        let back = logs.iter().map(|(log, reached, _)| {
            scope.spawn(move || {
                let position = until("a publisher to write", || try_to_publish(log, "back").ok());
                let written = began.elapsed();
                until("its follower to reach the end", || {
                    thread::park_timeout(WAIT);
                    (reached.load(Ordering::Relaxed) > position.offset).then_some(())
                });
                (written, began.elapsed())
            })
        });
        let back: Vec<_> = back.collect();
        back.into_iter().map(|back| back.join().expect("it comes back")).collect()
    });
    let (written, read) = (back.iter().map(|back| back.0).max(), back.iter().map(|back| back.1).max());
    eprintln!(
        "{} answers named no broker; the last of {LOGS} wrote after {written:?} and had read after {read:?}",
        proxy.blind_answers()
    );
    assert_eq!(proxy.blind_answers(), BLIND_ANSWERS, "the broker is as one that has just started");
    assert!(read < Some(BACK_WITHIN), "within {BACK_WITHIN:?} of its return: {back:?}");
    stop.store(true, Ordering::Relaxed);
    thread::scope(|scope| {
        for (log, _, follower) in logs {
            scope.spawn(move || {
                follower.join().expect("no follower ended");
                log.close();
            });
        }
    });
}

#[test]
fn a_follower_that_does_not_get_what_is_there_ends() {
    let proxy = Proxy::start();
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    bed.options.brokers = proxy.address();
    let log = bed.process();
    let follow = || log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
    let mut follower = follow();
    read_to_end(&mut *follower);
    proxy.keep_answers(FETCH);
    publish(&*log, INPUT, 0, "there");
    let began = Instant::now();
    let error = until("the follower to end", || follower.poll(WAIT).err());
    assert!(began.elapsed() > Duration::from_secs(10), "a broker that is late is waited for: {error}");
    let FollowError::Storage(said) = error else { panic!("{error:?}") };
    proxy.pass_answers();
    assert!(said.contains("has come to a stop: it has more, and nothing comes"), "{said}");
    assert_eq!(everything(&*log, INPUT).len(), 1, "the next one reads all");
}

#[test]
fn a_follower_that_nobody_tells_where_the_log_ends_claims_no_end_and_goes_on_when_it_is_told() {
    let _turn = own_brokers();
    let proxy = Proxy::start();
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    bed.options.brokers = proxy.address();
    let log = bed.process();
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
    read_to_end(&mut *follower);
    proxy.keep_answers(LIST_OFFSETS);
    publish(&*log, INPUT, 0, "there");
    let (began, mut seen) = (Instant::now(), 0);
    // Longer than until another client asks.
    while began.elapsed() < Duration::from_secs(25) {
        let batch = follower.poll(WAIT).expect("what is there is read");
        seen += batch.entries.len();
        assert!(!batch.at_end, "nobody has said so");
    }
    assert_eq!(seen, 1);
    proxy.pass_answers();
    let began = Instant::now();
    read_to_end(&mut *follower);
    assert!(began.elapsed() < BACK_WITHIN, "{:?}", began.elapsed());
}

#[test]
fn a_worker_works_again_after_a_time_without_any_broker() {
    let mut proxy = Proxy::start();
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    bed.options.brokers = proxy.address();
    let log = bed.process();
    let mut work = log.work(&spec(None)).expect("it can be joined");
    take_all(&*log, &mut *work);
    proxy.cut();
    until("everything to be lost", || {
        matches!(work.poll(WAIT).expect("it goes on"), Polled::Lost(_)).then_some(())
    });
    // Who is in the group was asked and given up.
    proxy.restore(0);
    take_all(&*log, &mut *work);
}
