//! A backup of the embedded log: what it has, that it is compared, and that a restore is whole or nothing.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{
    io::Read,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use common::{copy, files, noise, open, options, publish, record, spec};
use eventlog::{
    Backup, Entry, Log, OpenError, Polled, Position, Start, Topic, Transaction,
    conformance::{COMMAND, INPUT, OUTPUT, STATE, TOPICS},
    local::{BackupContents, Import, LocalLog, backup_of, check_backup, read_backup, restore},
    transfer::{Contents, Span, Take},
};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn bytes(backup: Backup) -> Vec<u8> {
    backup.flat_map(|piece| piece.unwrap()).collect()
}

fn taken(log: &dyn Log) -> Vec<u8> {
    bytes(log.backup().unwrap().unwrap())
}

fn restored(backup: &[u8], dir: &Path) -> BackupContents {
    restore(backup, "a.backup", dir).unwrap()
}

fn entries(log: &dyn Log, topic: Topic) -> Vec<Entry> {
    let mut follow = log.follow(&[(topic, Start::Beginning)]).unwrap();
    let mut entries = Vec::new();
    loop {
        let batch = follow.poll(Duration::from_mins(1)).unwrap();
        entries.extend(batch.entries);
        if batch.at_end {
            return entries;
        }
    }
}

fn all(log: &dyn Log) -> Vec<Vec<Entry>> {
    [INPUT, COMMAND, OUTPUT, STATE].map(|topic| entries(log, topic)).into()
}

/// Where the group goes on.
fn committed(log: &dyn Log) -> Vec<Option<u64>> {
    let mut work = log.work(&spec()).unwrap();
    loop {
        if let Polled::Assigned(assigned) = work.poll(Duration::from_mins(1)).unwrap() {
            return assigned.inputs.iter().map(|input| input.committed).collect();
        }
    }
}

/// Commits outputs, state and a position.
fn commit(log: &dyn Log, records: Vec<(Topic, u32, eventlog::Record)>, read: u64) {
    let mut work = log.work(&spec()).unwrap();
    while !matches!(work.poll(Duration::from_mins(1)).unwrap(), Polled::Assigned(_)) {}
    work.start(0, &[(INPUT, read), (COMMAND, 0)]).unwrap();
    let positions = vec![Position { topic: INPUT, partition: 0, offset: read }];
    work.commit(Transaction { records, positions }).unwrap();
}

/// A log with everything in it: what was moved and what was not, what was compacted, and what was too old.
fn busy(dir: &Path) -> Arc<LocalLog> {
    let now = Arc::new(AtomicI64::new(1_700_000_000_000));
    let clock = now.clone();
    let mut options = options(dir);
    options.clock = Arc::new(move || clock.fetch_add(7, Ordering::SeqCst));
    let log = LocalLog::open(options).unwrap();
    for n in 0..300 {
        publish(&*log, INPUT, record(n, "old"));
        publish(&*log, STATE, record(n % 10, n));
    }
    now.fetch_add(400 * DAY, Ordering::SeqCst);
    publish(&*log, INPUT, record("large", String::from_utf8_lossy(&noise(1, 200_000))));
    log.clean();
    for n in 0..300 {
        publish(&*log, INPUT, record(n, "new"));
    }
    commit(&*log, vec![(STATE, 0, record(3, "newest")), (OUTPUT, 0, record(1, ""))], 342);
    publish(&*log, STATE, eventlog::Record::tombstone("4"));
    log
}

#[test]
fn a_restored_log_is_the_same_to_whoever_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = busy(&dir.path().join("log"));
    let expected = all(&*log);
    assert!(expected[0][0].offset > 200 && expected[3].len() < 320, "it was cleaned");
    let backup = taken(&*log);
    let to = dir.path().join("restored");
    let contents = restored(&backup, &to);
    assert_eq!(contents, check_backup(&backup[..], "a").unwrap());
    assert_eq!(contents.records(), expected.iter().map(|topic| topic.len() as u64).sum::<u64>());
    let again = open(&to);
    assert_eq!(all(&*again), expected);
    assert_eq!(committed(&*again), committed(&*log));
    assert_eq!(committed(&*again)[0], Some(342));
    // It goes on where it was.
    publish(&*again, INPUT, record("next", ""));
    publish(&*log, INPUT, record("next", ""));
    assert_eq!(
        entries(&*again, INPUT).last().map(|entry| entry.offset),
        entries(&*log, INPUT).last().map(|entry| entry.offset)
    );
    // And is compacted as it would have been.
    again.clean();
    assert!(entries(&*again, STATE).iter().all(|entry| entry.record.value.as_deref() != Some(b"293")));
}

#[test]
fn a_log_made_of_the_records_of_another_is_the_same_to_whoever_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = busy(&dir.path().join("log"));
    let expected = all(&*log);
    let backup = taken(&*log);
    let to = dir.path().join("imported");
    let mut import = Import::new(&to);
    let contents = read_backup(&backup[..], "a.backup", TOPICS, &mut import).unwrap();
    assert_eq!(import.finish().unwrap(), contents.records());
    let again = open(&to);
    assert!(all(&*again) == expected);
    assert_eq!(committed(&*again), committed(&*log));
    // It goes on where it was, and its time does not fall.
    publish(&*again, INPUT, record("next", ""));
    let next = entries(&*again, INPUT).pop().unwrap();
    assert_eq!(next.offset, expected[0].last().unwrap().offset + 1);
    assert!(next.timestamp >= expected[0].last().unwrap().timestamp);
}

#[test]
fn an_import_that_is_not_finished_makes_no_log_and_can_be_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let backup = taken(&*busy(&dir.path().join("log")));
    let to = dir.path().join("imported");
    let mut import = Import::new(&to);
    let broken = read_backup(&backup[..backup.len() - 64], "a.backup", TOPICS, &mut import).unwrap_err();
    assert!(matches!(broken, OpenError::Broken(_)), "{broken}");
    drop(import);
    assert!(files(&to).is_empty(), "{:?}", files(&to));
    let refused = LocalLog::open(options(&to)).map(drop).expect_err("there is no log");
    assert!(refused.to_string().contains("not finished"), "{refused}");
    let mut import = Import::new(&to);
    read_backup(&backup[..], "a.backup", TOPICS, &mut import).unwrap();
    import.finish().unwrap();
    let full = Import::new(&to).begin(&Contents::default()).unwrap_err();
    assert!(full.to_string().contains("is not empty"), "{full}");
}

#[test]
fn what_an_embedded_log_can_not_have_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let span = Span { topic: INPUT, partition: 0, start: 2, end: 9, newest: None };
    let begin = |spans: &[Span]| {
        let mut import = Import::new(dir.path());
        import.begin(&Contents { spans: spans.to_vec(), ..Contents::default() }).map(|()| import)
    };
    let refused = begin(&[span, Span { partition: 1, ..span }]).unwrap_err();
    assert!(refused.to_string().contains("has 2 partitions"), "{refused}");
    let entry = |offset, timestamp, record| Entry { topic: INPUT, partition: 0, offset, timestamp, record };
    let mut import = begin(&[span]).unwrap();
    for (offset, taken) in [(1, false), (2, true), (2, false), (8, true), (9, false)] {
        assert_eq!(import.record(entry(offset, 5, record("a", ""))).is_ok(), taken, "{offset}");
    }
    drop(import);
    let mut import = begin(&[span]).unwrap();
    let large = import.record(entry(2, 5, record("a", "x".repeat(1_000_001)))).unwrap_err();
    assert!(large.to_string().contains("takes at most 1000000"), "{large}");
    // A cluster's clock that fell.
    import.record(entry(3, 7, record("a", ""))).unwrap();
    import.record(entry(4, 6, record("a", ""))).unwrap();
    import.finish().unwrap();
    let times: Vec<_> = entries(&*open(dir.path()), INPUT).iter().map(|entry| entry.timestamp).collect();
    assert_eq!(times, [7, 7]);
}

#[test]
fn a_log_that_nobody_has_open_is_backed_up_as_it_is_and_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("log");
    let log = busy(&from);
    let expected = all(&*log);
    assert!(matches!(backup_of(&from).map(drop), Err(OpenError::InUse(_))));
    log.close();
    let before = files(&from);
    let backup = bytes(backup_of(&from).unwrap());
    assert!(files(&from) == before);
    let to = dir.path().join("restored");
    restored(&backup, &to);
    assert!(all(&*open(&to)) == expected);
    let nothing = backup_of(&dir.path().join("elsewhere")).map(drop).unwrap_err();
    assert!(nothing.to_string().contains("there is no log in"), "{nothing}");
    assert!(!dir.path().join("elsewhere").exists());
}

#[test]
fn what_is_committed_while_a_backup_is_made_is_in_it_as_a_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("log"));
    let stop = AtomicBool::new(false);
    let backups: Vec<_> = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut work = log.work(&spec()).unwrap();
            while !matches!(work.poll(Duration::from_mins(1)).unwrap(), Polled::Assigned(_)) {}
            work.start(0, &[(INPUT, 0), (COMMAND, 0)]).unwrap();
            let mut n = 0_u64;
            while !stop.load(Ordering::SeqCst) {
                let both = vec![(OUTPUT, 0, record(n, "")), (STATE, 0, record(n, ""))];
                let positions = vec![Position { topic: INPUT, partition: 0, offset: n + 1 }];
                work.commit(Transaction { records: both, positions }).unwrap();
                n += 1;
            }
        });
        let mut follow = log.follow(&[(OUTPUT, Start::Beginning)]).unwrap();
        let backups = (0..6).map(|_| {
            // Something has come since the last one.
            while follow.poll(Duration::from_mins(1)).unwrap().entries.is_empty() {}
            taken(&*log)
        });
        let backups = backups.collect();
        stop.store(true, Ordering::SeqCst);
        writer.join().unwrap();
        backups
    });
    for (n, backup) in backups.iter().enumerate() {
        let to = dir.path().join(n.to_string());
        restored(backup, &to);
        let log = open(&to);
        let (outputs, states) = (entries(&*log, OUTPUT).len(), entries(&*log, STATE).len());
        assert_eq!((outputs, Some(outputs as u64)), (states, committed(&*log)[0]), "backup {n}");
    }
}

#[test]
fn nothing_that_a_backup_has_to_read_is_removed_before_it_was_read() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_700_000_000_000));
    let clock = now.clone();
    let mut options = options(&dir.path().join("log"));
    options.clock = Arc::new(move || clock.load(Ordering::SeqCst));
    let log = LocalLog::open(options).unwrap();
    for n in 0..100 {
        publish(&*log, INPUT, record(n, ""));
        publish(&*log, STATE, record("one", n));
    }
    log.clean();
    let expected = all(&*log);
    let backup = log.backup().unwrap().unwrap();
    now.fetch_add(400 * DAY, Ordering::SeqCst);
    publish(&*log, STATE, record("one", "later"));
    log.clean();
    let backup = bytes(backup);
    let to = dir.path().join("restored");
    restored(&backup, &to);
    assert_eq!(all(&*open(&to)), expected);
    log.clean();
    assert_eq!(entries(&*log, INPUT).len(), 0, "it is removed when the backup is made");
    assert_eq!(entries(&*log, STATE).len(), 1);
}

fn small(dir: &Path) -> Vec<u8> {
    let log = open(dir);
    for n in 0..3 {
        publish(&*log, INPUT, record(n, "value"));
        publish(&*log, STATE, record(n, "value"));
    }
    taken(&*log)
}

#[test]
fn a_backup_that_is_not_what_was_written_is_refused_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let good = small(&dir.path().join("log"));
    assert_eq!(check_backup(&good[..], "a.backup").unwrap().records(), 6);
    let refused = |bytes: &[u8], what: &dyn std::fmt::Debug| {
        let error = check_backup(bytes, "a.backup").expect_err(&format!("{what:?}"));
        let text = error.to_string();
        assert!(text.contains("a.backup") && !text.contains('\n') && text.len() < 300, "{what:?}: {text}");
        error
    };
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        // What fills a frame up to a multiple of 8 counts for nothing, and is zero.
        if check_backup(&bad[..], "a.backup").is_ok() {
            assert_eq!(good[at], 0, "byte {at}");
            continue;
        }
        refused(&bad, &at);
        refused(&good[..at], &("cut off", at));
    }
    refused(&[&good[..], b"more"].concat(), &"longer");
    assert!(matches!(refused(b"something else", &"no backup"), OpenError::Broken(_)));
    let mut newer = good;
    newer[8] = 2;
    assert!(matches!(refused(&newer, &"newer"), OpenError::Newer(_)));
}

/// Says after each read what the directory looks like then, as a crash would leave it.
struct Watched<'a, F> {
    from: &'a [u8],
    look: F,
}

impl<F: FnMut()> Read for Watched<'_, F> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        (self.look)();
        let part = into.len().min(200);
        self.from.read(&mut into[..part])
    }
}

/// A copy of a directory in which a restore was going on.
fn crashed(dir: &Path) -> tempfile::TempDir {
    let part = dir.join("restore.part");
    let crash = tempfile::tempdir().unwrap();
    for entry in
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        std::fs::copy(&entry, crash.path().join(entry.file_name().unwrap())).unwrap();
    }
    let to = crash.path().join("restore.part");
    std::fs::create_dir(&to).unwrap();
    for entry in std::fs::read_dir(part).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&entry, to.join(entry.file_name().unwrap())).unwrap();
    }
    crash
}

fn half(dir: &Path, backup: &[u8]) {
    let refused = LocalLog::open(options(dir)).map(drop).expect_err("half a restore is no log");
    let text = refused.to_string();
    assert!(text.contains("not finished") && text.contains("do so again"), "{text}");
    restored(backup, dir);
    assert_eq!(entries(&*open(dir), INPUT).len(), 3);
}

#[test]
fn half_a_restore_is_never_taken_for_a_log_and_can_be_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let backup = small(&dir.path().join("log"));
    let to = dir.path().join("restored");
    let mut crashes = Vec::new();
    let look = || {
        // Nothing is made before the backup has said what it has.
        if to.exists() {
            crashes.push(crashed(&to));
        }
    };
    restore(Watched { from: &backup, look }, "a", &to).unwrap();
    assert!(crashes.len() > 4);
    let last = crashes.len() - 1;
    for crash in [&crashes[0], &crashes[last / 2], &crashes[last]] {
        half(crash.path(), &backup);
    }
    // After the tail was moved, and before the log file was.
    let crash = copy(&to);
    let part = crash.path().join("restore.part");
    std::fs::create_dir(&part).unwrap();
    std::fs::rename(crash.path().join("log.redb"), part.join("log.redb")).unwrap();
    half(crash.path(), &backup);
    // After both.
    let crash = copy(&to);
    let part = crash.path().join("restore.part");
    std::fs::create_dir(&part).unwrap();
    assert_eq!(entries(&*open(crash.path()), INPUT).len(), 3);
    assert!(!part.exists());
}

#[test]
fn a_restore_that_is_refused_leaves_nothing_but_that_it_was_not_finished() {
    let dir = tempfile::tempdir().unwrap();
    let backup = small(&dir.path().join("log"));
    let to = dir.path().join("restored");
    restore(&backup[..backup.len() - 1], "a", &to).unwrap_err();
    assert!(files(&to).is_empty(), "{:?}", files(&to));
    assert_eq!(std::fs::read_dir(to.join("restore.part")).unwrap().count(), 0);
    half(&to, &backup);
}

#[test]
fn a_restore_of_what_is_no_backup_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let backup = small(&dir.path().join("log"));
    let (to, there) = (dir.path().join("deep/restored"), dir.path().join("there"));
    std::fs::create_dir(&there).unwrap();
    for bad in [&b""[..], b"something else", &backup[..8], &backup[..64], &backup[..100]] {
        for dir in [&to, &there] {
            assert!(matches!(restore(bad, "a", dir), Err(OpenError::Broken(_))), "{} bytes", bad.len());
        }
        assert!(!dir.path().join("deep").exists(), "{} bytes", bad.len());
        assert_eq!(std::fs::read_dir(&there).unwrap().count(), 0, "{} bytes", bad.len());
    }
    restored(&backup, &there);
}

#[test]
fn a_restore_touches_nothing_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let backup = small(&dir.path().join("log"));
    let used = open(&dir.path().join("used"));
    publish(&*used, INPUT, record("mine", ""));
    let into = |name: &str| restore(&backup[..], "a", &dir.path().join(name)).unwrap_err();
    assert!(matches!(into("used"), OpenError::InUse(_)));
    used.close();
    let before = files(&dir.path().join("used"));
    let error = into("used");
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert!(files(&dir.path().join("used")) == before);
    std::fs::create_dir(dir.path().join("other")).unwrap();
    std::fs::write(dir.path().join("other/notes.txt"), "mine").unwrap();
    let error = into("other");
    assert!(
        error.to_string().contains("is not empty") && error.to_string().contains("--log local:DIR"),
        "{error}"
    );
    let names: Vec<_> = std::fs::read_dir(dir.path().join("other")).unwrap().collect();
    assert_eq!(names.len(), 1, "not even a lock is left there: {names:?}");
}
