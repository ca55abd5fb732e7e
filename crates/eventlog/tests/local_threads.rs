//! What the embedded log promises while many use it at once, and while it is being closed.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use common::{open, publish, record};
use eventlog::{
    Certainty, CommitError, FollowError, Log, Reason, Start, WorkError,
    conformance::{INPUT, OUTPUT, block_on, read_all},
};

#[test]
fn dropping_the_log_closes_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).unwrap();
    let mut worker = log.work(&common::spec()).unwrap();
    publish(&*log, INPUT, record("a", ""));
    let publisher = log.publisher();
    drop(log);
    assert_eq!(follower.poll(Duration::from_mins(1)).unwrap_err(), FollowError::Closed);
    assert_eq!(worker.poll(Duration::from_mins(1)).unwrap_err(), WorkError::Closed);
    assert!(matches!(worker.commit(common::one(OUTPUT)), Err(CommitError::Aborted(Reason::Closed))));
    let refused = block_on(publisher.publish(INPUT, 0, record("b", ""), Duration::from_mins(1))).unwrap_err();
    assert_eq!((refused.certainty, refused.reason), (Certainty::NotWritten, Reason::Closed));
    assert_eq!(read_all(&*open(dir.path()), INPUT).len(), 1);
}

#[test]
fn what_waits_is_written_before_the_log_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let publisher = log.publisher();
    let waiting: Vec<_> =
        (0..5000).map(|i| publisher.publish(INPUT, 0, record(i, ""), Duration::from_mins(1))).collect();
    log.close();
    for published in waiting {
        block_on(published).expect("it was taken on");
    }
    assert_eq!(read_all(&*open(dir.path()), INPUT).len(), 5000);
}

/// Publishers, a worker, followers and the janitor at once: everyone sees each record once, in order.
#[test]
fn records_that_are_moved_while_they_are_read_are_seen_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let stop = AtomicBool::new(false);
    let written = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let publishers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let publisher = log.publisher();
                    for round in 0..300 {
                        // Small and large commits, so that chunks are closed and opened at all sizes.
                        let batch: Vec<_> = (0..=round * 7 % 90)
                            .map(|i| publisher.publish(INPUT, 0, record(i, round), Duration::from_mins(1)))
                            .collect();
                        written.fetch_add(batch.len() as u64, Ordering::SeqCst);
                        for published in batch {
                            block_on(published).unwrap();
                        }
                    }
                })
            })
            .collect();
        let janitor = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                log.clean();
            }
        });
        let followers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).unwrap();
                    let mut next = 0;
                    loop {
                        // Asked first: the end that is told next is behind everything that was published.
                        let is_all = stop.load(Ordering::SeqCst);
                        let batch = follower.poll(Duration::from_millis(20)).unwrap();
                        for entry in &batch.entries {
                            assert_eq!(entry.offset, next, "each once, in order");
                            next += 1;
                        }
                        if batch.at_end && is_all {
                            return next;
                        }
                    }
                })
            })
            .collect();
        for publisher in publishers {
            publisher.join().unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        janitor.join().unwrap();
        for follower in followers {
            assert_eq!(follower.join().unwrap(), written.load(Ordering::SeqCst));
        }
        // Those read along; where everything stands now is another question.
        let offsets: Vec<_> = read_all(&*log, INPUT).iter().map(|entry| entry.offset).collect();
        assert_eq!(offsets, (0..written.load(Ordering::SeqCst)).collect::<Vec<_>>());
    });
}
