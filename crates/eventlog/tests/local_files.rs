//! What the embedded log does with its directory: who may open it, and what it refuses.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use common::{files, is_tail, open, open_with, options, publish, record, tail};
use eventlog::{
    OpenError,
    conformance::INPUT,
    local::{Faults, LocalLog, WriteFault},
};
use redb::{Database, ReadOnlyDatabase, TableDefinition, TableHandle};

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

fn both(dir: &Path) -> [PathBuf; 2] {
    [tail(dir), dir.join("log.redb")]
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn refused(dir: &Path) -> OpenError {
    LocalLog::open(options(dir)).expect_err("it must not open")
}

fn says(error: &OpenError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
    assert!(!text.contains('\n') && text.len() < 400, "one sentence: {text:?}");
}

#[test]
fn a_second_opener_is_refused_although_the_locks_file_was_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    std::fs::remove_file(dir.path().join("log.lock")).unwrap();
    let refused = LocalLog::open(options(dir.path())).map(drop);
    assert!(matches!(refused, Err(OpenError::InUse(_))), "{refused:?}");
    drop(log);
    open(dir.path());
}

#[test]
fn a_second_opener_is_told_who_has_the_log_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let error = refused(dir.path());
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    let pid = format!("process {}", std::process::id());
    says(
        &error,
        &[&pid, "stop it", "over HTTP", "choose another directory", &dir.path().display().to_string()],
    );
    // It goes on, and when it is closed the directory is free.
    publish(&*log, INPUT, record("still", "works"));
    log.close();
    open(dir.path());
}

#[test]
fn a_log_that_was_closed_has_nothing_to_repair() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    publish(&*log, INPUT, record("a", ""));
    log.clean();
    log.close();
    // It refuses a file that needs a repair.
    ReadOnlyDatabase::open(dir.path().join("log.redb")).unwrap();
}

#[test]
fn a_newer_layout_is_refused_and_left_as_it_is() {
    for newer in [newer_tail, newer_log] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).close();
        let path = newer(dir.path());
        let before = files(dir.path());
        let error = refused(dir.path());
        assert!(matches!(error, OpenError::Newer(_)), "{error:?}");
        says(&error, &[name(&path), "newer version", "start the newer program", "choose another directory"]);
        assert!(before == files(dir.path()), "nothing was changed");
    }
}

fn newer_tail(dir: &Path) -> PathBuf {
    let path = tail(dir);
    change(&path, |bytes| bytes[8] = 2);
    path
}

fn newer_log(dir: &Path) -> PathBuf {
    let path = dir.join("log.redb");
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().insert("version", 99).unwrap();
    transaction.commit().unwrap();
    path
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_that_is_no_log_is_refused_and_left_as_it_is() {
    for which in [0, 1] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).close();
        let path = &both(dir.path())[which];
        std::fs::write(path, "The quick brown fox. ".repeat(500)).unwrap();
        let before = files(dir.path());
        let error = refused(dir.path());
        assert!(matches!(error, OpenError::Broken(_)), "{error:?}");
        says(&error, &[name(path), "is not a log", "move it away"]);
        assert!(before == files(dir.path()), "nothing was changed");
    }
}

#[test]
fn a_broken_file_is_refused() {
    for which in [0, 1] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).close();
        let path = &both(dir.path())[which];
        change(path, |bytes| bytes[9..4096].fill(0x5a));
        let error = refused(dir.path());
        assert!(matches!(error, OpenError::Broken(_)), "{error:?}");
        says(&error, &[name(path), "is broken", "from a copy", "choose another directory"]);
    }
}

#[test]
fn a_broken_table_is_told_of_the_file_it_is_in() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close();
    let database = Database::open(dir.path().join("log.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    let other = TableDefinition::<&str, &str>::new("rows");
    let handle = transaction.list_tables().unwrap().find(|handle| handle.name() == "rows").unwrap();
    transaction.delete_table(handle).unwrap();
    transaction.open_table(other).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = refused(dir.path());
    assert!(matches!(error, OpenError::Broken(_)), "{error:?}");
    says(&error, &["log.redb is broken", "from a copy"]);
}

#[test]
fn one_file_without_the_other_is_refused() {
    for (which, other) in [(0, "log.redb"), (1, "tail-")] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).close();
        let path = &both(dir.path())[which];
        std::fs::remove_file(path).unwrap();
        let before = files(dir.path());
        let error = refused(dir.path());
        assert!(matches!(error, OpenError::Broken(_)), "{error:?}");
        says(&error, &[if which == 0 { "tail-*.wal" } else { name(path) }, other, "is missing"]);
        assert!(before == files(dir.path()), "nothing was changed");
    }
}

#[test]
fn files_of_two_logs_are_refused() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    open(one.path()).close();
    open(two.path()).close();
    std::fs::copy(tail(one.path()), tail(two.path())).unwrap();
    let error = refused(two.path());
    assert!(matches!(error, OpenError::Broken(_)), "{error:?}");
    says(&error, &["don't belong together", "same copy"]);
}

#[test]
fn a_log_file_older_than_its_tail_is_refused() {
    an_older_copy_is_refused(|path| !is_tail(path));
}

#[test]
fn a_tail_older_than_its_log_file_is_refused() {
    an_older_copy_is_refused(is_tail);
}

fn an_older_copy_is_refused(is_old: impl Fn(&Path) -> bool) {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close();
    let old = files(dir.path());
    let log = open(dir.path());
    for i in 0..10 {
        publish(&*log, INPUT, record(i, ""));
    }
    log.clean();
    log.close();
    for (path, _) in files(dir.path()).iter().filter(|(path, _)| is_old(Path::new(path))) {
        std::fs::remove_file(path).unwrap();
    }
    for (path, bytes) in old.iter().filter(|(path, _)| is_old(Path::new(path))) {
        std::fs::write(path, bytes).unwrap();
    }
    let error = refused(dir.path());
    assert!(matches!(error, OpenError::Broken(_)), "{error:?}");
    says(&error, &["don't belong together", "different times"]);
}

#[test]
fn a_directory_that_is_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "").unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::NotUsable(_)), "{error:?}");
    says(&error, &["is not a directory", "choose another directory"]);
}

#[test]
fn a_missing_directory_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a").join("b");
    publish(&*open(&path), INPUT, record("a", ""));
}

#[cfg(unix)]
#[test]
fn what_the_log_makes_is_for_its_own_user_and_what_is_there_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("a").join("b");
    let faults = Arc::new(Faults::default());
    let log = open_with(&dir, &faults);
    publish(&*log, INPUT, record("a", ""));
    // Leaves its mark.
    faults.fail_writes(WriteFault::OneSync);
    log.clean();
    assert_eq!([mode(&dir), mode(dir.parent().unwrap())], [0o700; 2]);
    let made: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(made.len() >= 3, "{made:?}");
    for path in &made {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    log.close();
    let shared = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(dir.join("log.redb"), shared).unwrap();
    open(&dir).close();
    assert_eq!(mode(&dir.join("log.redb")), 0o640);
}
