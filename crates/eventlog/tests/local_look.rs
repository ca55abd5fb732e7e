//! What a look at a directory says, and that it changes nothing.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::path::Path;

use common::{copy, files, open, publish, record};
use eventlog::{
    OpenError,
    conformance::INPUT,
    local::{Found, LocalLog, Options, holder_address, look},
};
use redb::{Database, TableDefinition};

/// What is found, without a trace.
fn found(dir: &Path) -> Result<Found, OpenError> {
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    let before = (names(), files(dir));
    let found = look(dir);
    assert!((names(), files(dir)) == before, "a look changes nothing");
    found
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// The version that the log file says it has.
fn set_version(dir: &Path, version: u64) {
    let database = Database::open(dir.join("log.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(TableDefinition::<&str, u64>::new("meta"))
        .unwrap()
        .insert("version", version)
        .unwrap();
    transaction.commit().unwrap();
}

fn closed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    publish(&*log, INPUT, record("a", "b"));
    log.clean();
    log.close();
    dir
}

#[test]
fn where_no_log_is_there_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(found(dir.path()).unwrap(), Found::Nothing);
    assert_eq!(look(&dir.path().join("missing").join("too")).unwrap(), Found::Nothing);
    std::fs::write(dir.path().join("notes.txt"), "of someone else").unwrap();
    assert_eq!(found(dir.path()).unwrap(), Found::Nothing);
}

#[test]
fn a_log_that_was_closed_is_sound_and_so_large_with_leftovers_or_without() {
    let dir = closed();
    let bytes = files(dir.path()).iter().map(|(_, bytes)| bytes.len() as u64).sum();
    assert_eq!(found(dir.path()).unwrap(), Found::Sound { bytes });
    std::fs::write(dir.path().join("log.redb.doubt"), "").unwrap();
    std::fs::write(dir.path().join("log.redb.v1"), "an older file").unwrap();
    std::fs::write(dir.path().join("tail-00000000000000ff.new"), "became nothing").unwrap();
    assert_eq!(found(dir.path()).unwrap(), Found::Sound { bytes });
}

#[test]
fn a_log_after_a_crash_is_sound_and_is_not_repaired_by_the_look() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    publish(&*log, INPUT, record("a", "b"));
    log.clean();
    let crashed = copy(dir.path());
    assert!(matches!(found(crashed.path()), Ok(Found::Sound { .. })));
}

#[test]
fn a_log_that_is_open_names_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let here = Found::InUse { process: Some(std::process::id()) };
    assert_eq!(found(dir.path()).unwrap(), here);
    std::fs::remove_file(dir.path().join("log.lock")).unwrap();
    assert_eq!(look(dir.path()).unwrap(), Found::InUse { process: None });
    log.close();
    assert!(matches!(look(dir.path()), Ok(Found::Sound { .. })));
}

#[test]
fn whoever_finds_a_log_in_use_learns_where_its_holder_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert_eq!(holder_address(dir.path()), None, "it has not said so yet");
    log.say_address("http://127.0.0.1:4321");
    assert_eq!(holder_address(dir.path()).as_deref(), Some("http://127.0.0.1:4321"));
    assert_eq!(look(dir.path()).unwrap(), Found::InUse { process: Some(std::process::id()) });
    let refused = LocalLog::open(Options::new(dir.path(), &[])).unwrap_err();
    assert!(refused.to_string().contains("over HTTP at http://127.0.0.1:4321, or"), "{refused}");
    log.close();
    log.say_address("http://127.0.0.1:4321");
    assert_eq!(holder_address(dir.path()), None, "nobody has the log any more");
}

#[test]
fn an_older_layout_is_said_and_a_newer_one_is_refused() {
    let dir = closed();
    set_version(dir.path(), 1);
    assert!(matches!(found(dir.path()), Ok(Found::Older { .. })));
    set_version(dir.path(), 99);
    assert!(matches!(found(dir.path()), Err(OpenError::Newer(_))));
}

/// What is said, and what was done to the directory or to the tail in it.
type Harm = (&'static str, fn(&Path, &str));

#[test]
fn what_a_start_would_refuse_is_refused_and_named() {
    let tail = |dir: &Path| {
        let mut paths = files(dir).into_iter().map(|(path, _)| path);
        paths.find(|path| Path::new(path).extension().is_some_and(|extension| extension == "wal")).unwrap()
    };
    let harms: [Harm; 5] = [
        ("log.redb is broken", |dir, _| change(&dir.join("log.redb"), |bytes| bytes.truncate(5000))),
        ("log.redb is not a log", |dir, _| change(&dir.join("log.redb"), |bytes| bytes.fill(b'x'))),
        ("log.redb is missing", |dir, _| std::fs::remove_file(dir.join("log.redb")).unwrap()),
        ("wal is broken", |_, tail| change(Path::new(tail), |bytes| bytes[80] ^= 1)),
        ("is missing", |_, tail| std::fs::remove_file(tail).unwrap()),
    ];
    for (says, harm) in harms {
        let dir = closed();
        harm(dir.path(), &tail(dir.path()));
        let error = found(dir.path()).unwrap_err();
        assert!(matches!(error, OpenError::Broken(_)) && error.to_string().contains(says), "{says}: {error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "no directory").unwrap();
    assert!(matches!(look(&file), Err(OpenError::NotUsable(_))));
}
