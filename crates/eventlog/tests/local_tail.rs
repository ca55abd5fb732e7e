//! What the tail's files can go through: damage at any place, syncs that fail, segments that are used again.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use common::{copy, noise, number, open, open_with, options, record};
use eventlog::{
    Certainty, Log, OpenError, PublishError, Record,
    conformance::{INPUT, SETTINGS, block_on, read_all},
    local::{Faults, LocalLog, WriteFault},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

const LONG: Duration = Duration::from_mins(1);

fn publish(log: &LocalLog, number: u64, bytes: usize) -> Result<u64, PublishError> {
    let record = Record::new(number.to_string(), noise(number, bytes));
    block_on(log.publisher().publish(INPUT, 0, record, LONG)).map(|position| position.offset)
}

fn publish_when_possible(log: &LocalLog, number: u64) {
    let end = Instant::now() + LONG;
    while let Err(error) = publish(log, number, 10) {
        assert!(Instant::now() < end, "still {error}");
    }
}

fn numbers(log: &dyn Log) -> Vec<u64> {
    read_all(log, INPUT).iter().map(number).collect()
}

/// The tail's segments, oldest first.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wal"))
        .collect();
    files.sort();
    files
}

/// A log of 60 records in as many commits, as it is after a crash or after it was closed, and its newest segment.
fn sixty(crash: bool) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for number in 0..60 {
        publish(&log, number, 100).unwrap();
    }
    let crashed = copy(dir.path());
    log.close();
    let dir = if crash { crashed } else { dir };
    let segment = segments(dir.path()).pop().unwrap();
    (dir, segment)
}

/// Where the frames are: everything behind is zeros.
fn used(segment: &Path) -> usize {
    std::fs::read(segment).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1
}

/// What is there after `damage` to the newest segment; `None`: it was refused.
fn after(dir: &Path, segment: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> Option<Vec<u64>> {
    let copy = copy(dir);
    let path = copy.path().join(segment.file_name().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    damage(&mut bytes);
    let file = std::fs::File::create(&path).unwrap();
    (&file).write_all(&bytes[..bytes.len().min(64 * 1024)]).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    match LocalLog::open(options(copy.path())) {
        Ok(log) => Some(numbers(&*log)),
        Err(error) => {
            assert!(matches!(error, OpenError::Broken(_) | OpenError::Newer(_)), "{error:?}");
            assert!(error.to_string().contains("choose another directory"), "{error}");
            None
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_refused_or_costs_nothing() {
    let (dir, segment) = sixty(false);
    let used = used(&segment);
    let mut refused = 0;
    for at in (0..used).step_by(used / 80) {
        match after(dir.path(), &segment, |bytes| bytes[at] ^= 0x55) {
            None => refused += 1,
            // Some bytes only fill up, and nothing is in the last commit.
            Some(found) => assert_eq!(found.len(), 60, "with {at} changed"),
        }
    }
    assert!(refused > 60, "damage is refused, not only {refused} times");
}

#[test]
fn a_changed_byte_after_a_crash_is_refused_or_costs_at_most_the_last_commit() {
    let (dir, segment) = sixty(true);
    let used = used(&segment);
    let mut shorter = 0;
    for at in (0..used).step_by(used / 60).chain((used - 100..used).step_by(3)) {
        if let Some(found) = after(dir.path(), &segment, |bytes| bytes[at] ^= 0x55) {
            assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>());
            assert!(found.len() >= 59, "{} are left with {at} changed", found.len());
            shorter += usize::from(found.len() == 59);
        }
    }
    assert!(shorter > 30, "damage in the last commit makes one that was never finished of it");
}

#[test]
fn a_commit_that_was_not_finished_is_left_out() {
    let (dir, segment) = sixty(true);
    let used = used(&segment);
    for missing in [1, 8, 60, 100] {
        let found = after(dir.path(), &segment, |bytes| bytes[used - missing..].fill(0));
        assert_eq!(found, Some((0..59).collect()));
    }
}

#[test]
fn a_segment_that_was_cut_off_is_refused() {
    let (dir, segment) = sixty(false);
    let used = used(&segment);
    for len in [0, 10, 63, 64, 100, used / 2, used - 1, used, used + 5000] {
        assert_eq!(after(dir.path(), &segment, |bytes| bytes.truncate(len)), None, "at {len}");
    }
}

#[test]
fn a_segment_that_is_missing_is_refused_if_it_had_something() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for number in 0..40 {
        publish(&log, number, 900_000).unwrap();
    }
    log.close();
    let all = segments(dir.path());
    assert!(all.len() > 3);
    for gone in &all {
        let copy = copy(dir.path());
        std::fs::remove_file(copy.path().join(gone.file_name().unwrap())).unwrap();
        let opened = LocalLog::open(options(copy.path()));
        if gone == all.last().unwrap() {
            // It can't be told from a tail that was never written to any further: what is there is whole.
            let found = numbers(&*opened.unwrap());
            assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>());
        } else {
            let error = opened.unwrap_err();
            assert!(error.to_string().contains("are missing"), "{error}");
        }
    }
    assert_eq!(numbers(&*open(dir.path())), (0..40).collect::<Vec<_>>());
}

#[test]
fn bytes_overwritten_anywhere_never_take_something_from_the_middle() {
    let (dir, segment) = sixty(false);
    let used = used(&segment);
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let damage = (0..used, 1..3000_usize, any::<u64>());
    let outcome = runner.run(&damage, |(at, len, seed)| {
        let damaged = |bytes: &mut Vec<u8>| bytes[at..at + len].copy_from_slice(&noise(seed >> 1, len));
        if let Some(found) = after(dir.path(), &segment, damaged) {
            prop_assert_eq!(&found, &(0..found.len() as u64).collect::<Vec<_>>());
            // What reaches to the end looks like one commit that was not finished, however much it was.
            prop_assert!(found.len() == 60 || at + len > used - 32);
        }
        Ok(())
    });
    outcome.unwrap();
}

/// Segments are filled, moved and used again, and the power goes: stale commits are never read.
#[test]
fn what_a_segment_held_before_it_was_used_again_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut next = 0;
    for seed in 1..=6 {
        let faults = Arc::new(Faults::with_power_loss());
        let log = open_with(dir.path(), &faults);
        assert_eq!(numbers(&*log), (0..next).collect::<Vec<_>>(), "before seed {seed}");
        for _ in 0..3 {
            for _ in 0..14 + seed {
                publish(&log, next, 700_000).unwrap();
                next += 1;
            }
            log.clean();
        }
        let first = segments(dir.path());
        assert!(first.len() <= 3, "{} segments are kept", first.len());
        faults.lose_power(seed);
        log.close();
        faults.power_on();
    }
    assert_eq!(numbers(&*open(dir.path())), (0..next).collect::<Vec<_>>());
}

#[test]
fn what_was_called_unwritten_never_comes_back() {
    let faults = [WriteFault::OneSync, WriteFault::EverySync, WriteFault::Short, WriteFault::Broken];
    for (seed, fault) in (1..).zip(faults.into_iter().cycle().take(24)) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(Faults::with_power_loss());
        let log = open_with(dir.path(), &disk);
        let (mut taken, mut unknown) = (Vec::new(), Vec::new());
        for round in 0..4 {
            for number in round * 100..round * 100 + 5 {
                publish_when_possible(&log, number);
                taken.push(number);
            }
            disk.fail_writes(fault);
            for number in round * 100 + 50..round * 100 + 53 {
                // One that stands in a page or two, and one in several.
                match publish(&log, number, if number % 2 == 0 { 100 } else { 20_000 }) {
                    Ok(_) => taken.push(number),
                    Err(error) if error.certainty == Certainty::Unknown => unknown.push(number),
                    Err(_) => {}
                }
            }
            if round < 3 || seed % 2 == 0 {
                disk.fail_writes(WriteFault::None);
            }
        }
        disk.lose_power(seed);
        log.close();
        disk.power_on();
        disk.fail_writes(WriteFault::None);
        let found = numbers(&*open_with(dir.path(), &disk));
        assert!(taken.iter().all(|number| found.contains(number)), "{fault:?}, {seed}: {taken:?}, {found:?}");
        assert!(
            found.iter().all(|number| taken.contains(number) || unknown.contains(number)),
            "{fault:?}, {seed}: of {found:?} only {taken:?} and maybe {unknown:?} were written"
        );
        assert!(found.is_sorted());
    }
}

#[test]
fn a_new_segment_whose_name_may_not_last_is_not_trusted() {
    for seed in 1..=8 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(Faults::with_power_loss());
        let log = open_with(dir.path(), &disk);
        let mut taken = Vec::new();
        disk.fail_writes(WriteFault::OneNameSync);
        let refused = (0..20).find_map(|number| match publish(&log, number, 700_000) {
            Ok(_) => {
                taken.push(number);
                None
            }
            Err(error) => Some(error.certainty),
        });
        assert_eq!(refused, Some(Certainty::NotWritten), "its segment was the second, and there is a third");
        for number in 100..100 + seed {
            publish_when_possible(&log, number);
            taken.push(number);
        }
        disk.lose_power(seed);
        log.close();
        disk.power_on();
        assert_eq!(numbers(&*open(dir.path())), taken, "with seed {seed}");
    }
}

#[test]
fn a_tail_of_many_segments_is_there_again_after_starts_that_lose_power() {
    let dir = tempfile::tempdir().unwrap();
    let mut taken = Vec::new();
    for seed in 1..=6 {
        let disk = Arc::new(Faults::with_power_loss());
        let log = open_with(dir.path(), &disk);
        assert_eq!(numbers(&*log), taken, "before seed {seed}");
        for number in seed * 100..seed * 100 + 12 {
            publish(&log, number, 400_000).unwrap();
            taken.push(number);
        }
        disk.lose_power(seed);
        log.close();
        disk.power_on();
    }
    assert!(segments(dir.path()).len() > 3);
    let log = open(dir.path());
    log.clean();
    assert_eq!(numbers(&*log), taken);
    log.close();
    assert_eq!(segments(dir.path()).len(), 1, "what was moved needs no segment");
}

#[test]
fn topics_that_are_not_named_keep_what_they_have() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    publish(&log, 1, 10).unwrap();
    common::publish(&*log, SETTINGS, record("a", "b"));
    log.close();
    for moved in [false, true] {
        let mut fewer = options(dir.path());
        fewer.topics.retain(|topic| topic.name == SETTINGS);
        let log = LocalLog::open(fewer).unwrap();
        assert_eq!(read_all(&*log, SETTINGS).len(), 1);
        if moved {
            log.clean();
        }
    }
    assert_eq!(numbers(&*open(dir.path())), [1]);
}
