//! What the embedded log does with damage in its log file: it is found, named, and never believed.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{path::Path, sync::Arc, time::Duration};

use common::{everything, noise, one, open, publish, record, spec};
use eventlog::{
    CommitError, Entry, FollowError, Log as _, OpenError, Record, Start, Topic, WorkError,
    conformance::{INPUT, OUTPUT, STATE},
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
fn damage_that_one_reader_finds_ends_the_log_for_all_with_the_same_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), INPUT);
    let mut worker = log.work(&spec()).unwrap();
    let mut other = log.follow(&[(OUTPUT, Start::End)]).unwrap();
    let publisher = log.publisher();
    let (_, error) = follow(&log, INPUT, Start::Beginning);
    assert_eq!(other.poll(LONG).unwrap_err(), error);
    assert_eq!(worker.commit(one(OUTPUT)).unwrap_err(), CommitError::Broken(broken(&error).to_owned()));
    assert!(matches!(log.work(&spec()).map(drop), Err(OpenError::Broken(_))));
    let refused = publisher.publish(INPUT, 0, record("late", ""), LONG);
    eventlog::conformance::block_on(refused).expect_err("nothing is taken any more");
}

#[test]
fn damage_that_the_janitor_finds_ends_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = damaged(dir.path(), STATE);
    let mut follower = log.follow(&[(OUTPUT, Start::End)]).unwrap();
    // With one record more there is something to compact, from the first record on.
    publish(&*log, STATE, record("more", "more"));
    log.clean();
    // The first poll may come before the end of the log, and says that there is nothing.
    let error = (0..2).find_map(|_| follower.poll(LONG).err()).expect("the log has ended");
    says(broken(&error), &format!("{STATE}-0 from offset 0 on"));
}

#[test]
fn what_is_not_damaged_reads_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    moved(dir.path(), INPUT);
    let values = everything(&*open(dir.path()), INPUT).into_iter().map(|entry| entry.record.value.unwrap());
    let more = (0..MORE).map(|number| noise(number, 64_000));
    assert!(values.eq(std::iter::once(FIRST.as_bytes().to_vec()).chain(more)));
}
