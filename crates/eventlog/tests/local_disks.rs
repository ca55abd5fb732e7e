//! What the embedded log makes of a full disk, a broken one, and one whose power goes away.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use common::{noise, open, open_with, options, publish, record, tail};
use eventlog::{
    Certainty, Log, Reason, Record, Start,
    conformance::{INPUT, OUTPUT, SETTINGS, block_on, read_all},
    local::{Faults, LocalLog, WriteFault},
};

#[test]
fn a_log_with_a_quota_refuses_what_is_too_much_and_takes_it_when_there_is_room() {
    // What fails is the first, second or third record of a chunk.
    for bytes in [4000, 5600, 7200, 12_000] {
        fill_to_the_quota(bytes);
    }
}

fn fill_to_the_quota(bytes: usize) {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let mut options = options(dir.path());
    options.faults = Some(faults.clone());
    let log = LocalLog::open(options).unwrap();
    let publisher = log.publisher();
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).unwrap();
    faults.set_quota(4 << 20);
    let mut taken = Vec::new();
    let error = (0..2000_u64)
        .find_map(|number| {
            let record = Record::new(number.to_string(), noise(number, bytes));
            match block_on(publisher.publish(INPUT, 0, record, Duration::from_mins(1))) {
                Ok(position) => {
                    taken.push((number, position.offset));
                    None
                }
                Err(error) => Some(error),
            }
        })
        .expect("there is a quota");
    assert_eq!((error.reason, error.certainty), (Reason::DiskFull, Certainty::NotWritten));
    assert!(!taken.is_empty());
    faults.set_quota(u64::MAX);
    let end = Instant::now() + Duration::from_mins(1);
    let last = loop {
        match block_on(publisher.publish(INPUT, 0, record("last", ""), Duration::from_mins(1))) {
            Ok(position) => break position.offset,
            Err(error) => assert!(Instant::now() < end, "still {error}"),
        }
    };
    let mut seen = Vec::new();
    while seen.last().is_none_or(|(_, offset)| *offset != last) {
        for entry in follower.poll(Duration::from_mins(1)).expect("the follower survives").entries {
            let key = String::from_utf8(entry.record.key.unwrap().to_vec()).unwrap();
            seen.push((key.parse().unwrap_or(u64::MAX), entry.offset));
        }
    }
    seen.pop();
    assert_eq!(seen, taken, "exactly what was acknowledged");
    log.close();
    assert_eq!(read_all(&*open(dir.path()), INPUT).last().map(|e| e.offset), Some(last));
}

#[test]
fn every_commit_is_timed_also_one_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let mut options = options(dir.path());
    let faults = Arc::new(Faults::default());
    options.faults = Some(faults.clone());
    options.commit_timer = Some(Arc::new(move |took| tell.send(took).unwrap()));
    let log = LocalLog::open(options).unwrap();
    publish(&*log, INPUT, record("taken", ""));
    let first: Vec<_> = told.try_iter().collect();
    assert!(first.len() == 1 && first[0] > Duration::ZERO, "{first:?}");
    faults.set_quota(0);
    // More than was written ahead.
    let large = Record::new("refused", noise(1, 900_000));
    let refused = (0..20).find_map(|_| {
        block_on(log.publisher().publish(INPUT, 0, large.clone(), Duration::from_mins(1))).err()
    });
    assert_eq!(refused.unwrap().reason, Reason::DiskFull);
    assert!(told.try_iter().count() > 0);
}

#[test]
fn a_record_that_was_refused_does_not_come_with_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let mut options = options(dir.path());
    options.faults = Some(faults.clone());
    let log = LocalLog::open(options).unwrap();
    publish(&*log, INPUT, record("before", ""));
    faults.fail_writes(WriteFault::OneWrite);
    let refused = log.publisher().publish(INPUT, 0, record("refused", ""), Duration::from_mins(1));
    let error = block_on(refused).expect_err("there was no space");
    assert_eq!((error.reason, error.certainty), (Reason::DiskFull, Certainty::NotWritten));
    let end = Instant::now() + Duration::from_mins(1);
    while block_on(log.publisher().publish(INPUT, 0, record("after", ""), Duration::from_mins(1))).is_err() {
        assert!(Instant::now() < end, "it does not heal");
    }
    let keys: Vec<_> = read_all(&*log, INPUT).into_iter().filter_map(|entry| entry.record.key).collect();
    assert_eq!(keys, ["before", "after"]);
}

#[test]
fn a_record_whose_sync_failed_is_called_unwritten_only_if_it_is_not_there() {
    for (fault, certainty) in
        [(WriteFault::OneSync, Certainty::NotWritten), (WriteFault::EverySync, Certainty::Unknown)]
    {
        let dir = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let log = open_with(dir.path(), &faults);
        publish(&*log, INPUT, record("before", ""));
        faults.fail_writes(fault);
        let failed = log.publisher().publish(INPUT, 0, record("failed", ""), Duration::from_mins(1));
        assert_eq!(block_on(failed).expect_err("its sync failed").certainty, certainty);
        faults.fail_writes(WriteFault::None);
        if certainty == Certainty::NotWritten {
            log.close();
            let log = open(dir.path());
            assert_eq!(read_all(&*log, INPUT).len(), 1);
        } else {
            // Nothing comes behind it before it has gone.
            while block_on(log.publisher().publish(INPUT, 0, record("after", ""), Duration::from_mins(1)))
                .is_err()
            {}
            let keys: Vec<_> = read_all(&*log, INPUT).into_iter().filter_map(|e| e.record.key).collect();
            assert_eq!(keys, ["before", "after"]);
        }
    }
}

fn take(log: &LocalLog, number: u64) {
    let end = Instant::now() + Duration::from_mins(1);
    while let Err(error) =
        block_on(log.publisher().publish(INPUT, 0, record(number, ""), Duration::from_mins(1)))
    {
        assert!(Instant::now() < end, "still {error}");
    }
}

/// The power goes; what is there at the next start.
fn after_a_loss_of_power(log: &LocalLog, faults: &Arc<Faults>, dir: &Path, seed: u64) -> Vec<u64> {
    faults.lose_power(seed);
    log.close();
    faults.power_on();
    faults.fail_writes(WriteFault::None);
    let log = LocalLog::open(options(dir)).unwrap_or_else(|error| panic!("with seed {seed}: {error}"));
    read_all(&*log, SETTINGS);
    read_all(&*log, INPUT).iter().map(common::number).collect()
}

/// Of a record that has pages of its own, which what comes later refers to and does not write again.
fn fail_a_sync(log: &LocalLog, faults: &Faults, fault: WriteFault, seed: u64) {
    // The file is large enough then: nothing else has to be synced first.
    publish(log, SETTINGS, Record::new("large", noise(seed, 200_000)));
    faults.fail_writes(fault);
    let doubtful = Record::new("doubtful", noise(seed, 100_000));
    block_on(log.publisher().publish(SETTINGS, 0, doubtful, Duration::from_mins(1))).unwrap_err();
}

#[test]
fn what_is_acknowledged_after_a_failed_sync_survives_a_loss_of_power() {
    for seed in 1..=8 {
        let dir = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::with_power_loss());
        let log = open_with(dir.path(), &faults);
        take(&log, 1);
        fail_a_sync(&log, &faults, WriteFault::OneSync, seed);
        take(&log, 2);
        assert_eq!(after_a_loss_of_power(&log, &faults, dir.path(), seed), [1, 2]);
    }
}

#[test]
fn a_start_after_a_failed_sync_does_not_trust_what_it_reads() {
    for seed in 1..=8 {
        let dir = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::with_power_loss());
        let log = open_with(dir.path(), &faults);
        take(&log, 1);
        fail_a_sync(&log, &faults, WriteFault::EverySync, seed);
        // The program ends; the system, and what it has in memory, goes on.
        log.close();
        faults.fail_writes(WriteFault::None);
        let log = open_with(dir.path(), &faults);
        take(&log, 2);
        assert_eq!(after_a_loss_of_power(&log, &faults, dir.path(), seed), [1, 2]);
    }
}

#[test]
fn what_was_moved_by_a_sync_that_failed_is_not_forgotten() {
    for seed in 1..=8 {
        let dir = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::with_power_loss());
        let log = open_with(dir.path(), &faults);
        let mut taken = Vec::new();
        for round in 0..3 {
            taken.extend(round * 100..round * 100 + 30);
            for number in round * 100..round * 100 + 30 {
                take(&log, number);
            }
            faults.fail_writes(WriteFault::OneSync);
            log.clean();
        }
        take(&log, 1000);
        taken.push(1000);
        assert_eq!(after_a_loss_of_power(&log, &faults, dir.path(), seed), taken);
    }
}

#[test]
fn closing_on_a_full_disk_ends_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let mut options = options(dir.path());
    options.faults = Some(faults.clone());
    let log = LocalLog::open(options).unwrap();
    publish(&*log, INPUT, record("a", ""));
    publish(&*log, SETTINGS, record("b", ""));
    faults.fail_writes(WriteFault::Full);
    let late = log.publisher().publish(INPUT, 0, record("c", ""), Duration::from_mins(1));
    log.close();
    assert!(block_on(late).is_err());
    let log = open(dir.path());
    assert_eq!(read_all(&*log, INPUT).len(), 1);
    assert_eq!(read_all(&*log, SETTINGS).len(), 1);
}

#[test]
fn a_janitor_on_a_full_disk_harms_nothing_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let mut options = options(dir.path());
    options.faults = Some(faults.clone());
    let log = LocalLog::open(options).unwrap();
    for _ in 0..3 {
        for i in 0..300 {
            publish(&*log, SETTINGS, record(i % 100, i));
        }
        faults.fail_writes(WriteFault::Full);
        std::thread::scope(|scope| {
            let cleaning = scope.spawn(|| log.clean());
            assert!(read_all(&*log, SETTINGS).len() >= 100, "readable all the time");
            faults.fail_writes(WriteFault::None);
            cleaning.join().unwrap();
        });
        assert_eq!(read_all(&*log, SETTINGS).len(), 100);
    }
}

/// Power goes while everything is at work; what was acknowledged is there, whatever else was lost.
#[test]
fn what_was_acknowledged_survives_a_loss_of_power_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: Vec<(u64, u64)> = Vec::new();
    for seed in 1..=40_u64 {
        let faults = Arc::new(Faults::with_power_loss());
        let mut options = options(dir.path());
        options.faults = Some(faults.clone());
        let log = LocalLog::open(options).unwrap_or_else(|error| panic!("after seed {}: {error}", seed - 1));
        let entries = read_all(&*log, INPUT);
        let mut found = entries.iter().map(|e| (common::number(e), e.offset));
        for wanted in &acknowledged {
            assert!(found.any(|entry| entry == *wanted), "{wanted:?} was acknowledged before seed {seed}");
        }
        let states = read_all(&*log, OUTPUT);
        assert!(states.len().is_multiple_of(50), "a transaction of 50 is there or not, {} are", states.len());
        let mut worker = log.work(&common::spec()).unwrap();
        while !matches!(worker.poll(Duration::from_mins(1)).unwrap(), eventlog::Polled::Assigned(_)) {}
        // The moment is when so many were acknowledged: seeds differ in that and in what is lost.
        std::thread::scope(|scope| {
            scope.spawn(|| log.clean());
            scope.spawn(|| while worker.commit(common::fifty()).is_ok() {});
            let publisher = log.publisher();
            for number in 0.. {
                let id = seed * 1_000_000 + number;
                match block_on(publisher.publish(
                    INPUT,
                    0,
                    record(id, "x".repeat(100)),
                    Duration::from_mins(1),
                )) {
                    Ok(position) => acknowledged.push((id, position.offset)),
                    Err(_) => break,
                }
                if number == seed * 7 % 60 {
                    scope.spawn(|| faults.lose_power(seed));
                }
            }
            // Ends the worker and the cleaning as well: nothing of it reaches the files.
            log.close();
        });
        faults.power_on();
    }
    // What was moved, and not yet forgotten where it stood, is forgotten now.
    let log = open(dir.path());
    log.clean();
    log.close();
    open(dir.path()).close();
    let bytes = std::fs::read(tail(dir.path())).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    assert!(end < 2000, "a segment begins with what the tail has: {end} bytes");
}
