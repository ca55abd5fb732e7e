//! What the embedded log does with damage in its log file: it is found, named, and never believed.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{path::Path, sync::Arc, time::Duration};

use common::{copy, files, noise, one, open, options, publish, record, spec};
use eventlog::{
    CommitError, Entry, FollowError, Log as _, OpenError, Record, Start, Topic, WorkError,
    conformance::{INPUT, OUTPUT, STATE, read_all},
    local::LocalLog,
};

const LONG: Duration = Duration::from_mins(1);
/// The value of the first record.
const FIRST: &str = "damage me";
/// So many more make the file larger than what is kept of it in memory, where no damage is seen.
const MORE: u64 = 300;

/// A log whose records, all of one topic, have been moved to the log file.
fn moved(dir: &Path, topic: Topic) {
    let log = open(dir);
    publish(&*log, topic, record("first", FIRST));
    for number in 0..MORE {
        publish(&*log, topic, Record::new(number.to_string(), noise(number, 64_000)));
    }
    log.clean();
    log.close();
}

/// Changes one bit of the first record in the log file.
fn damage(dir: &Path) {
    let path = dir.join("log.redb");
    let mut bytes = std::fs::read(&path).unwrap();
    let found = bytes.windows(FIRST.len()).enumerate().filter(|(_, window)| *window == FIRST.as_bytes());
    // Where it stood before may still be there.
    let places: Vec<_> = found.map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "it is in the file as it was written");
    for at in places {
        bytes[at] ^= 1;
    }
    std::fs::write(&path, bytes).unwrap();
}

/// A log that is open, and whose first record was damaged since.
fn damaged(dir: &Path, topic: Topic) -> Arc<LocalLog> {
    moved(dir, topic);
    let log = open(dir);
    damage(dir);
    log
}

fn says(text: &str, place: &str) {
    for part in ["log.redb is broken", place, "from a copy", "another directory"] {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    assert!(!text.contains('\n') && text.len() < 400, "one sentence: {text:?}");
}

/// Polls until it fails.
fn follow(log: &LocalLog, topic: Topic, start: Start) -> (Vec<Entry>, FollowError) {
    let mut follower = log.follow(&[(topic, start)]).unwrap();
    let mut entries = Vec::new();
    loop {
        match follower.poll(LONG) {
            Ok(batch) => {
                entries.extend(batch.entries);
                assert!(!batch.at_end, "nobody noticed");
            }
            Err(error) => return (entries, error),
        }
    }
}

fn broken(error: &FollowError) -> &str {
    let FollowError::Broken(why) = error else { panic!("{error:?}") };
    why
}

#[test]
fn a_follower_is_told_where_a_record_is_damaged_and_gets_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), INPUT);
    let (entries, error) = follow(&log, INPUT, Start::Beginning);
    assert!(entries.is_empty(), "{entries:?}");
    says(broken(&error), &format!("{INPUT}-0 from offset 0 on"));
}

#[test]
fn a_worker_is_told_where_its_state_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), STATE);
    let mut worker = log.work(&spec()).unwrap();
    let error = worker.poll(LONG).unwrap_err();
    let WorkError::Broken(why) = &error else { panic!("{error:?}") };
    says(why, &format!("{STATE}-0 from offset 0 on"));
}

#[test]
fn who_looks_for_a_time_is_told_of_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), INPUT);
    let error = log.follow(&[(INPUT, Start::Time(0))]).map(drop).unwrap_err();
    let OpenError::Broken(why) = &error else { panic!("{error:?}") };
    says(why, &format!("{INPUT}-0 from offset 0 on"));
}

#[test]
fn damage_that_a_worker_finds_ends_the_log_for_all_with_the_same_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), STATE);
    let (mut worker, mut other) = (log.work(&spec()).unwrap(), log.work(&spec()).unwrap());
    let mut follower = log.follow(&[(OUTPUT, Start::End)]).unwrap();
    let publisher = log.publisher();
    let WorkError::Broken(why) = other.poll(LONG).unwrap_err() else { panic!("it read the damage") };
    assert_eq!(follower.poll(LONG).unwrap_err(), FollowError::Broken(why.clone()));
    assert_eq!(worker.commit(one(OUTPUT)).unwrap_err(), CommitError::Broken(why));
    assert!(matches!(log.work(&spec()).map(drop), Err(OpenError::Broken(_))));
    let refused = publisher.publish(INPUT, 0, record("late", ""), LONG);
    eventlog::conformance::block_on(refused).expect_err("nothing is taken any more");
}

#[test]
fn damage_in_a_past_that_only_a_follower_reads_ends_no_one_else() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), INPUT);
    let mut other = log.follow(&[(OUTPUT, Start::End)]).unwrap();
    says(broken(&follow(&log, INPUT, Start::Beginning).1), &format!("{INPUT}-0 from offset 0 on"));
    publish(&*log, OUTPUT, record("it", "goes on"));
    assert_eq!(other.poll(LONG).unwrap().entries.len(), 1);
}

#[test]
fn damage_that_the_janitor_finds_ends_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), STATE);
    let mut follower = log.follow(&[(OUTPUT, Start::End)]).unwrap();
    // With one record more there is something to compact, from the first record on.
    publish(&*log, STATE, record("more", "more"));
    log.clean();
    says(broken(&follower.poll(LONG).unwrap_err()), &format!("{STATE}-0 from offset 0 on"));
    assert!(log.damage().is_some());
}

/// What the log has, by topic.
fn content(log: &LocalLog) -> Vec<Vec<Entry>> {
    [INPUT, STATE, OUTPUT].map(|topic| read_all(log, topic)).into()
}

/// A small log with something in every table, and most of it in the log file.
fn small(dir: &Path) -> Vec<Vec<Entry>> {
    let log = open(dir);
    for round in 0..3 {
        for number in 0..40 {
            publish(&*log, INPUT, Record::new(number.to_string(), noise(number, 1000)));
            publish(&*log, STATE, record(number % 7, format!("{round}-{number}")));
        }
        log.clean();
    }
    publish(&*log, OUTPUT, record("in the tail", ""));
    let all = content(&log);
    log.close();
    all
}

/// After `damage` to the log file the log is refused, and nothing is changed; or nothing is missing and it takes
/// more. Whether it was refused.
fn is_refused(dir: &Path, all: &[Vec<Entry>], damage: impl FnOnce(&mut Vec<u8>)) -> bool {
    let copy = copy(dir);
    let path = copy.path().join("log.redb");
    let mut bytes = std::fs::read(&path).unwrap();
    damage(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    let before = files(copy.path());
    match LocalLog::open(options(copy.path())) {
        Err(error) => {
            assert!(matches!(error, OpenError::Broken(_) | OpenError::Newer(_)), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("log.redb") && text.contains("another"), "{text}");
            assert!(!text.contains('\n') && text.len() < 500, "one sentence: {text:?}");
            assert!(files(copy.path()) == before, "a refused start changes nothing");
            true
        }
        Ok(log) => {
            assert!(content(&log) == all, "what is believed is what was written");
            publish(&*log, INPUT, record("more", ""));
            log.clean();
            log.close();
            assert_eq!(read_all(&*open(copy.path()), INPUT).len(), all[0].len() + 1);
            false
        }
    }
}

#[test]
fn damage_in_any_page_of_the_log_file_is_refused_or_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let all = small(dir.path());
    let pages = std::fs::read(dir.path().join("log.redb")).unwrap().len() as u64 / 4096;
    let mut refused = 0;
    for page in 0..pages {
        // In the first page every few bytes count, in each other one mostly those it begins with.
        for seed in 0..if page == 0 { 24 } else { 2 } {
            let spot = noise(page * 100 + seed, 16);
            let within = if seed % 2 == 0 { usize::from(spot[0]) % 16 } else { usize::from(spot[1]) * 16 };
            let at = usize::try_from(page).unwrap() * 4096 + within;
            refused += u32::from(is_refused(dir.path(), &all, |bytes| bytes[at] ^= spot[2] | 1));
        }
    }
    assert!(refused > 20, "refused {refused} times");
}

/// Reads a topic of a log that may be damaged: what comes is what was written, up to where it is said to be broken.
/// Whether all of it came.
fn reads_right(log: &LocalLog, topic: Topic, all: &[Entry]) -> bool {
    let mut follower = match log.follow(&[(topic, Start::Beginning)]) {
        Err(error) => panic!("nothing is read yet: {error}"),
        Ok(follower) => follower,
    };
    let mut entries = Vec::new();
    loop {
        match follower.poll(LONG) {
            Ok(batch) => {
                entries.extend(batch.entries);
                assert!(all.starts_with(&entries), "what is read was written");
                if batch.at_end {
                    assert!(entries == all, "the end is said after all of it");
                    return true;
                }
            }
            Err(error) => {
                assert!(broken(&error).contains("log.redb is broken"), "{error}");
                return false;
            }
        }
    }
}

#[test]
fn damage_in_any_page_of_a_file_too_large_to_check_is_found_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let all = small(dir.path());
    let sound = std::fs::read(dir.path().join("log.redb")).unwrap();
    let (mut refused, mut met) = (0, 0);
    for page in 0..sound.len() / 4096 {
        let copy = copy(dir.path());
        let spot = noise(page as u64, 16);
        let at =
            page * 4096 + if page % 2 == 0 { usize::from(spot[0]) % 16 } else { usize::from(spot[1]) * 16 };
        let mut bytes = sound.clone();
        bytes[at] ^= spot[2] | 1;
        std::fs::write(copy.path().join("log.redb"), bytes).unwrap();
        let mut options = options(copy.path());
        options.thresholds.check_bytes = 0;
        let log = match LocalLog::open(options) {
            Ok(log) => log,
            Err(error) => {
                assert!(matches!(error, OpenError::Broken(_) | OpenError::Newer(_)), "{error:?}");
                refused += 1;
                continue;
            }
        };
        for (topic, all) in [INPUT, STATE, OUTPUT].into_iter().zip(&all) {
            met += u32::from(!reads_right(&log, topic, all));
        }
        // Whether it is taken or not: nobody panics.
        let more = log.publisher().publish(INPUT, 0, record("more", ""), LONG);
        let _ = eventlog::conformance::block_on(more);
        log.clean();
        log.close();
    }
    assert!(refused > 0 && met > 10, "refused {refused} times, met {met} times");
}

#[test]
fn a_log_file_that_was_cut_off_is_called_broken_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let all = small(dir.path());
    let len = std::fs::read(dir.path().join("log.redb")).unwrap().len();
    for left in [0, 1, 8, 9, 63, 64, 300, 4095, 4096, 5000, 8192, len / 2, len - 4096, len - 1] {
        assert!(is_refused(dir.path(), &all, |bytes| bytes.truncate(left)), "with {left} bytes left");
    }
}

#[test]
fn a_file_that_is_broken_is_named_with_the_damaged_records_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    moved(dir.path(), STATE);
    damage(dir.path());
    let before = files(dir.path());
    let error = LocalLog::open(options(dir.path())).map(drop).unwrap_err();
    let OpenError::Broken(why) = &error else { panic!("{error:?}") };
    says(why, &format!("{STATE}-0 from offset 0 on"));
    assert!(files(dir.path()) == before);
}

#[test]
fn a_start_after_a_crash_repairs_the_log_file_and_believes_it() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let log = open(dir.path());
    publish(&*log, STATE, record("last", "words"));
    log.clean();
    let all = content(&log);
    let crashed = copy(dir.path());
    assert!(content(&open(crashed.path())) == all);
}

#[test]
fn what_is_not_damaged_reads_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    moved(dir.path(), INPUT);
    let values = read_all(&*open(dir.path()), INPUT).into_iter().map(|entry| entry.record.value.unwrap());
    let more = (0..MORE).map(|number| noise(number, 64_000));
    assert!(values.eq(std::iter::once(FIRST.as_bytes().to_vec()).chain(more)));
}
