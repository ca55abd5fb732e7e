//! What the embedded log does with its directory: who may open it, what it refuses, what it survives.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[allow(dead_code, reason = "not every test needs all of it")]
mod common;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{files, noise, open, options, publish, record};
use eventlog::{
    Certainty, CommitError, FollowError, Log, OpenError, Reason, Record, Start, WorkError,
    conformance::{INPUT, OUTPUT, SETTINGS, block_on, read_all},
    local::{Faults, LocalLog, WriteFault},
};
use redb::{Database, ReadOnlyDatabase, TableDefinition, TableHandle};

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// The newest segment of the tail.
fn tail(dir: &Path) -> PathBuf {
    files(dir).into_iter().map(|(path, _)| PathBuf::from(path)).rfind(|path| is_tail(path)).expect("a tail")
}

fn is_tail(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wal")
}

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

fn open_with(dir: &Path, faults: &Arc<Faults>) -> Arc<LocalLog> {
    let mut options = options(dir);
    options.faults = Some(faults.clone());
    LocalLog::open(options).unwrap()
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
                        let batch = follower.poll(Duration::from_millis(20)).unwrap();
                        for entry in &batch.entries {
                            assert_eq!(entry.offset, next, "each once, in order");
                            next += 1;
                        }
                        if batch.at_end && stop.load(Ordering::SeqCst) {
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
