//! What the embedded log does when someone removes its files while it is open.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use common::{files, open, publish, record};
use eventlog::{
    Certainty, Log as _, PublishError, Reason,
    conformance::{INPUT, STATE, block_on, read_all},
    local::LocalLog,
};

fn refused(log: &LocalLog) -> PublishError {
    let publish = log.publisher().publish(INPUT, 0, record("lost", ""), Duration::from_mins(1));
    block_on(publish).expect_err("it would be lost")
}

/// Removes the files that end with this.
fn remove(dir: &Path, ending: &str) {
    for (path, _) in files(dir).iter().filter(|(path, _)| path.ends_with(ending)) {
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_log_whose_directory_was_removed_takes_no_record_and_says_why() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    let log = open(&dir);
    publish(&*log, INPUT, record("there", ""));
    assert_eq!(log.publisher().trouble(), None);
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(log.publisher().trouble(), Some(Reason::Removed), "without being given anything");
    for _ in 0..3 {
        let error = refused(&log);
        assert_eq!((error.certainty, error.reason), (Certainty::NotWritten, Reason::Removed));
    }
    assert_eq!(read_all(&*log, INPUT).len(), 1, "it can still be read");
    log.clean();
    log.close();
    assert!(!dir.exists(), "nothing is made anew");
}

#[test]
fn a_log_whose_directory_was_moved_goes_on_once_it_is_back() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, away) = (parent.path().join("log"), parent.path().join("away"));
    let log = open(&dir);
    publish(&*log, INPUT, record("before", ""));
    std::fs::rename(&dir, &away).unwrap();
    assert_eq!(refused(&log).reason, Reason::Removed);
    std::fs::rename(&away, &dir).unwrap();
    assert_eq!(log.publisher().trouble(), None);
    // Nothing is tried for a moment after what failed, and what comes meanwhile is refused at once.
    let until = Instant::now() + Duration::from_mins(1);
    let after = || block_on(log.publisher().publish(INPUT, 0, record("after", ""), Duration::from_mins(1)));
    while let Err(error) = after() {
        assert!(error.reason == Reason::Removed && Instant::now() < until, "{error:?}");
        std::thread::yield_now();
    }
    log.close();
    assert_eq!(read_all(&*open(&dir), INPUT).len(), 2, "and it is a log as any other");
}

#[test]
fn a_log_one_of_whose_files_was_removed_takes_no_record() {
    for ending in [".wal", ".redb"] {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        publish(&*log, INPUT, record("there", ""));
        remove(dir.path(), ending);
        assert_eq!(refused(&log).reason, Reason::Removed, "without its {ending}");
    }
}

#[test]
fn what_is_in_a_log_file_that_was_removed_is_read_on_and_nothing_is_moved_there() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    publish(&*log, STATE, record("moved", ""));
    log.clean();
    publish(&*log, STATE, record("in the tail", ""));
    remove(dir.path(), ".redb");
    log.clean();
    assert_eq!(read_all(&*log, STATE).len(), 2);
    assert!(!dir.path().join("log.redb").exists(), "no empty one in its place");
}
