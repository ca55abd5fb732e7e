//! The example of another line, `examples/print-shop`: whatever dies, each job is printed once.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

#[path = "../../../examples/print-shop/shop.rs"]
#[allow(unreachable_pub, reason = "the example has it as a module, too")]
mod shop;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use eventlog::{
    Log, Record, Start, Topic, block_on, local,
    sim::{Faults, Options, Process, SimClock, SimLog},
};
use shop::{DLQ, DONE, JOB, Printer};

const SEEDS: u64 = 300;
const PARTITIONS: u32 = 3;

/// A printer that is started again whenever its session or its process ends.
struct Worker {
    process: Arc<Process>,
    printer: Option<Printer>,
}

impl Worker {
    fn new(log: &SimLog) -> Self {
        Self { process: log.process(), printer: None }
    }

    fn step(&mut self, log: &SimLog) {
        if self.process.is_dead() {
            *self = Self::new(log);
        }
        let now = log.clock().now();
        let mut printer = match self.printer.take() {
            Some(printer) => printer,
            None => match Printer::new(&*self.process) {
                Ok(printer) => printer,
                Err(_) => return,
            },
        };
        if printer.step(Duration::ZERO, || now).is_ok() {
            self.printer = Some(printer);
        }
    }
}

/// How often each key stands in a topic.
fn count(log: &SimLog, topic: Topic) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for partition in 0..PARTITIONS {
        for entry in log.history(topic, partition) {
            let key = String::from_utf8(entry.record.key.unwrap().to_vec()).unwrap();
            *counts.entry(key).or_default() += 1;
        }
    }
    counts
}

#[test]
fn each_job_is_printed_once_and_each_that_is_none_is_put_aside_once_whatever_dies() {
    for seed in 0..SEEDS {
        let log = SimLog::new(Options {
            topics: shop::topics().to_vec(),
            partitions: PARTITIONS,
            seed,
            clock: SimClock::new(1_000_000),
            faults: Faults {
                commit_unknown: 0.1,
                poll_error: 0.02,
                unnoticed: 0.5,
                split: 0.3,
                ..Faults::none()
            },
            session_timeout_ms: 6_000,
            ..Options::default()
        });
        let mut workers = [Worker::new(&log), Worker::new(&log)];
        let (mut jobs, mut junk) = (BTreeMap::new(), BTreeMap::new());
        for turn in 0..200_u64 {
            // Any numbers will do that are others for each seed.
            let dice = (seed * 1_000 + turn).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let partition = u32::try_from(dice % u64::from(PARTITIONS)).unwrap();
            match dice % 7 {
                0 => {
                    log.append(JOB, partition, Record::new(format!("junk {turn}"), "many pages"));
                    junk.insert(format!("junk {turn}"), 1);
                }
                1 | 2 => {
                    let name = format!("job {}", turn % 40 * u64::from(PARTITIONS) + u64::from(partition));
                    log.append(JOB, partition, Record::new(name.clone(), (dice % 50).to_string()));
                    jobs.insert(name, 1);
                }
                3 => workers[usize::from(dice % 2 == 0)].process.kill_at_call(1 + dice % 5),
                _ => log.clock().advance(i64::try_from(dice % 3_000).unwrap()),
            }
            for worker in &mut workers {
                worker.step(&log);
            }
        }
        log.set_faults(Faults::none());
        for _ in 0..200 {
            log.clock().advance(1_000);
            for worker in &mut workers {
                worker.step(&log);
            }
        }
        assert_eq!(count(&log, DONE), jobs, "seed {seed}");
        assert_eq!(count(&log, DLQ), junk, "seed {seed}");
    }
}

#[test]
fn a_job_with_the_name_of_the_position_is_put_aside_and_the_next_one_printed() {
    let log = SimLog::new(Options {
        topics: shop::topics().to_vec(),
        partitions: PARTITIONS,
        clock: SimClock::new(1_000_000),
        faults: Faults::none(),
        ..Options::default()
    });
    let mut worker = Worker::new(&log);
    for name in ["\0position", "thesis"] {
        log.append(JOB, 0, Record::new(name, "1"));
        for _ in 0..20 {
            log.clock().advance(1_000);
            worker.step(&log);
        }
        // The next one begins with the state that this one left.
        worker.printer = None;
    }
    let once = |name: &str| BTreeMap::from([(name.to_owned(), 1)]);
    assert_eq!((count(&log, DONE), count(&log, DLQ)), (once("thesis"), once("\0position")));

    // Nobody begins with a state that can't be read.
    log.append("print.state", 0, Record::new("\0position", "far"));
    let mut printer = Printer::new(&*log.process()).unwrap();
    assert!((0..20).any(|_| printer.step(Duration::ZERO, || log.clock().now()).is_err()));
}

#[test]
fn the_example_is_as_short_as_is_said() {
    assert!(include_str!("../../../examples/print-shop/shop.rs").lines().count() < 150);
}

#[test]
fn a_restart_on_a_disk_changes_no_due_time() {
    let dir = tempfile::tempdir().unwrap();
    let options = || local::Options::new(dir.path(), &shop::topics());
    let log = local::LocalLog::open(options()).unwrap();
    let record = Record::new("thesis", "20");
    block_on(log.publisher().publish(JOB, 0, record, Duration::from_secs(5))).unwrap();
    let mut state = log.follow(&[("print.state", Start::Beginning)]).unwrap();
    let mut printer = Printer::new(&*log).unwrap();
    while state.poll(Duration::ZERO).unwrap().entries.is_empty() {
        printer.step(Duration::from_millis(10), || 1_000_000).unwrap();
    }
    drop(printer);
    log.close();
    let log = local::LocalLog::open(options()).unwrap();
    let mut done = log.follow(&[(DONE, Start::Beginning)]).unwrap();
    let mut printer = Printer::new(&*log).unwrap();
    // One millisecond before the time, and for as long as it takes to be read back.
    for _ in 0..5 {
        printer.step(Duration::from_millis(10), || 1_001_999).unwrap();
    }
    assert!(done.poll(Duration::ZERO).unwrap().entries.is_empty());
    printer.step(Duration::ZERO, || 1_002_000).unwrap();
    assert_eq!(done.poll(Duration::from_secs(10)).unwrap().entries.len(), 1);
}
