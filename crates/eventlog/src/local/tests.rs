//! What can only be brought about from the inside.

use super::*;
use crate::{
    Cleanup, CommitError, Partitions, Polled, Transaction,
    conformance::{block_on, read_all},
};

const INPUT: Topic = "input";
const STATE: Topic = "state";

const TOPICS: &[TopicSpec] = &[
    TopicSpec { name: INPUT, cleanup: Cleanup::Delete(Duration::MAX), partitions: Partitions::One },
    TopicSpec { name: STATE, cleanup: Cleanup::Compact, partitions: Partitions::One },
];

fn open(dir: &std::path::Path, change: impl FnOnce(&mut Options)) -> Arc<LocalLog> {
    let mut options = Options::new(dir, TOPICS);
    change(&mut options);
    LocalLog::open(options).expect("it opens")
}

fn fill(log: &LocalLog, topic: Topic, records: impl Iterator<Item = Record>) {
    let publisher = log.publisher();
    let waiting: Vec<_> =
        records.map(|record| publisher.publish(topic, 0, record, Duration::from_mins(1))).collect();
    for published in waiting {
        block_on(published).expect("it is written");
    }
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !is() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// Lets writes go on when the test fails: the log waits for them before it is closed.
struct Resume<'a>(&'a Faults);

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}

fn spec() -> WorkSpec {
    WorkSpec { inputs: vec![INPUT], state: STATE, outputs: vec![], group: "group".to_owned(), instance: None }
}

fn numbers(count: u64) -> impl Iterator<Item = Record> {
    (0..count).map(|n| Record::new(n.to_string(), "x".repeat(50)))
}

#[test]
fn a_reader_finds_the_records_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), |_| {});
    fill(&log, INPUT, numbers(1000));
    log.clean();
    fill(&log, INPUT, numbers(1000));
    assert_eq!(log.shared.tail.mark(0).moved, 1000);
    let offsets: Vec<_> = read_all(&*log, INPUT).iter().map(|entry| entry.offset).collect();
    assert_eq!(offsets, (0..2000).collect::<Vec<_>>());
}

/// A trim that comes when the clock says this, while the tail still has something.
fn trim_nothing(log: &LocalLog) {
    let (answer, answers) = mpsc::sync_channel(1);
    let trim = queue::Trim { id: 0, below: 0, answer };
    assert!(log.shared.queue.trim(trim) && answers.recv().unwrap(), "it is written");
}

#[test]
fn a_trim_does_not_make_the_newest_record_newer() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), |options| options.clock = Arc::new(|| 100));
    fill(&log, INPUT, numbers(10));
    log.close();
    let log = open(dir.path(), |options| options.clock = Arc::new(|| 200));
    trim_nothing(&log);
    assert_eq!(log.shared.head(0).time, 100);
    log.close();
    assert_eq!(open(dir.path(), |_| {}).shared.head(0).time, 100, "also after a restart");
}

#[test]
fn a_time_after_the_newest_record_is_the_end_also_where_the_head_says_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), |options| options.clock = Arc::new(|| 100));
    fill(&log, INPUT, numbers(10));
    // As a program wrote it that took the time of a trim for that of a record.
    log.shared.update(|state| state.heads[0].time = 200);
    let follower = log.follow(&[(INPUT, Start::Time(150))]).unwrap();
    assert_eq!(follower.positions()[0].offset, 10);
}

#[test]
fn a_commit_that_waits_while_another_worker_joins_is_fenced() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let log = open(dir.path(), |options| options.faults = Some(faults.clone()));
    let mut first = log.work(&spec()).unwrap();
    while !matches!(first.poll(Duration::from_mins(1)).unwrap(), Polled::Assigned(_)) {}
    faults.stall();
    // Holds the writer up, so that what comes next waits together.
    let held = log.publisher().publish(INPUT, 0, Record::new("held", ""), Duration::from_mins(1));
    let _resume = Resume(&faults);
    until("the writer has taken it", || log.shared.queue.waiting().0 == 0);
    std::thread::scope(|scope| {
        let _resume = Resume(&faults);
        let commit = scope.spawn(|| {
            let records = vec![(STATE, 0, Record::new("zombie", ""))];
            first.commit(Transaction { records, positions: vec![] })
        });
        let join = scope.spawn(|| log.work(&spec()).unwrap());
        until("both wait", || log.shared.queue.waiting() == (0, 1, 1));
        faults.resume();
        assert_eq!(commit.join().unwrap(), Err(CommitError::Fenced));
        let mut second = join.join().unwrap();
        assert!(
            matches!(second.poll(Duration::from_mins(1)).unwrap(), Polled::Assigned(_)),
            "there is no state"
        );
    });
    block_on(held).unwrap();
    assert_eq!(read_all(&*log, STATE), []);
}

#[test]
fn what_waits_behind_a_disk_that_hangs_is_late_when_its_publisher_looks() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let log = open(dir.path(), |options| options.faults = Some(faults.clone()));
    let publish = |name, time| log.publisher().publish(INPUT, 0, Record::new(name, ""), time);
    faults.stall();
    let held = publish("held", Duration::from_mins(1));
    let _resume = Resume(&faults);
    until("the writer has taken it", || log.shared.queue.waiting().0 == 0);
    let patient = publish("patient", Duration::from_mins(1));
    let mut late = publish("late", Duration::ZERO);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let answer = late.as_mut().poll(&mut context);
    faults.resume();
    assert_eq!(answer, std::task::Poll::Ready(Err(PublishError::not_written(Reason::Deadline))));
    block_on(held).unwrap();
    block_on(patient).unwrap();
    let keys: Vec<_> = read_all(&*log, INPUT).into_iter().filter_map(|entry| entry.record.key).collect();
    assert_eq!(keys, ["held", "patient"]);
}

#[test]
fn what_was_taken_on_is_written_also_when_the_log_is_closed_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let log = open(dir.path(), |options| options.faults = Some(faults.clone()));
    faults.stall();
    let publisher = log.publisher();
    let waiting: Vec<_> =
        numbers(5000).map(|record| publisher.publish(INPUT, 0, record, Duration::from_mins(1))).collect();
    std::thread::scope(|scope| {
        let _resume = Resume(&faults);
        let closing = scope.spawn(|| log.close());
        until("the log takes nothing more", || log.shared.queue.is_closed());
        faults.resume();
        closing.join().unwrap();
    });
    for published in waiting {
        block_on(published).expect("it was taken on");
    }
    assert_eq!(read_all(&*open(dir.path(), |_| {}), INPUT).len(), 5000);
}

/// What the log has told, of all tests in this process.
fn told() -> &'static Mutex<Vec<u8>> {
    static TOLD: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static ONCE: std::sync::Once = std::sync::Once::new();
    struct Told;
    impl std::io::Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            lock_of(&TOLD).write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    ONCE.call_once(|| tracing_subscriber::fmt().with_ansi(false).with_writer(|| Told).init());
    &TOLD
}

#[test]
fn closing_while_the_janitor_is_at_work_tells_of_no_trouble() {
    let told = told();
    let dir = tempfile::tempdir().unwrap();
    let gate = Arc::new(std::sync::RwLock::new(()));
    let log = open(dir.path(), |options| {
        let gate = gate.clone();
        // The janitor asks what time it is before it looks whether the tail has something too old.
        options.clock = Arc::new(move || {
            if std::thread::current().name() == Some("log-janitor") {
                drop(gate.read());
            }
            1
        });
    });
    let shut = gate.write().unwrap();
    std::thread::scope(|scope| {
        fill(&log, INPUT, numbers(10));
        let cleaning = scope.spawn(|| log.clean());
        until("the janitor is at work", || log.shared.tail.mark(0).moved == 10);
        fill(&log, INPUT, numbers(10));
        let closing = scope.spawn(|| log.close());
        until("the janitor is to end", || log.shared.janitor.is_over());
        drop(shut);
        closing.join().unwrap();
        cleaning.join().unwrap();
    });
    let told = String::from_utf8_lossy(&lock_of(told)).into_owned();
    let here = dir.path().display().to_string();
    assert!(!told.lines().any(|line| line.contains(&here)), "{told}");
    assert_eq!(read_all(&*open(dir.path(), |_| {}), INPUT).len(), 20);
}

#[test]
fn a_tail_that_is_full_holds_writers_up_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), |options| options.thresholds.move_bytes = 20_000);
    for _ in 0..5 {
        fill(&log, INPUT, numbers(4000));
        fill(&log, STATE, numbers(4000));
    }
    assert_eq!(read_all(&*log, INPUT).len(), 20_000);
    log.clean();
    assert_eq!(log.shared.tail.bytes(), 0, "what comes and what goes is counted alike");
}

/// Compaction in many small passes, while the tail is being moved between its steps.
#[test]
fn a_compaction_in_small_passes_keeps_the_last_record_of_each_key() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), |options| {
        options.thresholds = Thresholds {
            move_bytes: 1000,
            check_every: Duration::from_mins(1),
            compact_records: 500,
            compact_keys: 300,
            ..Thresholds::default()
        };
    });
    let key = |n: u64| (n * 7919 % 2000).to_string();
    let mut newest = std::collections::BTreeMap::new();
    for round in 0..6_u64 {
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    log.clean();
                }
            });
            for part in 0..30 {
                let numbers = part * 100..(part + 1) * 100;
                fill(&log, STATE, numbers.map(|n| Record::new(key(n + round * 100), format!("{round}-{n}"))));
            }
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        for n in 0..3000 {
            newest.insert(key(n + round * 100), format!("{round}-{n}"));
        }
        log.clean();
        let mut found = std::collections::BTreeMap::new();
        let entries = read_all(&*log, STATE);
        for entry in &entries {
            let text =
                |bytes: &Option<bytes::Bytes>| String::from_utf8_lossy(bytes.as_ref().unwrap()).into_owned();
            found.insert(text(&entry.record.key), text(&entry.record.value));
        }
        assert_eq!(entries.len(), 2000, "each key once");
        assert_eq!(found, newest, "in round {round}");
    }
}

#[test]
fn a_writer_that_panics_leaves_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let armed = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let log = open(dir.path(), |options| {
        let armed = armed.clone();
        options.clock = Arc::new(move || {
            assert!(!armed.load(std::sync::atomic::Ordering::SeqCst), "on purpose");
            1
        });
    });
    let mut follower = log.follow(&[(INPUT, Start::End)]).unwrap();
    follower.poll(Duration::ZERO).unwrap();
    armed.store(true, std::sync::atomic::Ordering::SeqCst);
    let waiting: Vec<_> =
        numbers(10).map(|record| log.publisher().publish(INPUT, 0, record, Duration::from_mins(1))).collect();
    for published in waiting {
        block_on(published).expect_err("nobody wrote it");
    }
    assert_eq!(follower.poll(Duration::from_mins(1)).unwrap_err(), crate::FollowError::Closed);
    assert!(matches!(log.work(&spec()), Err(OpenError::Closed)));
    log.clean();
    log.close();
}
