//! What happens when the storage fails.

use std::time::Duration;

use super::{
    Bed, Fault, INPUT, OUTPUT, STATE,
    tools::{
        LONG, Worker, everything, follow, key, keys, publish_all, read, read_to_end, record, records, settle,
        transaction, until,
    },
};
use crate::{Certainty, CommitError, Log, Reason, Record, Start};

const FAULTS: [Fault; 3] = [Fault::Full, Fault::Short, Fault::Broken];

/// Publishes until it works again: a log heals by itself, but not at once.
fn publish_again(bed: &mut dyn Bed, log: &dyn Log, name: &str) {
    until_taken(bed, || log.publisher().publish(INPUT, 0, record(name, ""), LONG));
}

fn until_taken(bed: &mut dyn Bed, attempt: impl Fn() -> crate::Published) {
    let end = std::time::Instant::now() + super::tools::BOUND;
    loop {
        match settle(bed, attempt()) {
            Ok(_) => return,
            Err(error) => {
                assert!(std::time::Instant::now() < end, "still {error:?}");
                std::thread::park_timeout(Duration::from_millis(2));
                bed.turn();
                bed.pass_time(Duration::from_millis(10));
            }
        }
    }
}

pub(super) fn a_failed_publish_says_so_and_works_again_after(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_again(bed, &*log, "before");
    for (fault, size) in FAULTS.into_iter().flat_map(|fault| [(fault, 10), (fault, 200_000)]) {
        bed.fail_writes(fault);
        let mut unknown = Vec::new();
        let mut refused = Vec::new();
        for i in 0..5 {
            let name = format!("{fault:?}-{size}-{i}");
            let value = "x".repeat(size);
            let published = log.publisher().publish(INPUT, 0, Record::new(name.clone(), value), LONG);
            let error = settle(bed, published).expect_err("writes fail");
            if fault != Fault::Broken {
                assert_eq!(error.reason, Reason::DiskFull, "the reason is said");
            }
            match error.certainty {
                Certainty::NotWritten => refused.push(name),
                Certainty::Unknown => unknown.push(name),
            }
        }
        assert!(!refused.is_empty(), "while it is known to be broken, a refusal is certain");
        bed.heal();
        let after = format!("after {fault:?} {size}");
        publish_again(bed, &*log, &after);
        let entries = keys(&everything(bed, &*log, INPUT));
        assert!(refused.iter().all(|name| !entries.contains(name)), "{refused:?} were not written");
        assert!(entries.contains(&after));
        assert_eq!(entries[0], "before");
    }
}

pub(super) fn a_failed_commit_leaves_all_or_nothing(bed: &mut dyn Bed) {
    let log = bed.open();
    let inputs = publish_all(bed, &*log, INPUT, 0, records("cup", 3));
    for fault in FAULTS {
        let before = everything(bed, &*log, OUTPUT).len();
        let mut worker = Worker::started(bed, &*log);
        let state = worker.state.len();
        bed.fail_writes(fault);
        let written = (0..500).flat_map(|i| {
            [
                (OUTPUT, 0, record(format!("{fault:?}-{i}"), "x".repeat(500))),
                (STATE, 0, record(format!("{fault:?}-{i}"), "x".repeat(500))),
            ]
        });
        let error =
            worker.commit(transaction(written, [(INPUT, 0, inputs[2].offset)])).expect_err("writes fail");
        assert!(matches!(error, CommitError::Aborted(_)), "{error:?}");
        drop(worker);
        bed.heal();
        publish_again(bed, &*log, "after");
        let after = everything(bed, &*log, OUTPUT).len();
        let mut worker = Worker::started(bed, &*log);
        assert!(after == before || after == before + 500, "{before} records became {after}");
        assert_eq!(worker.state.len() - state, after - before, "state goes with its outputs");
        let first = key(&worker.read(bed, 1)[0]);
        let moved = if after == 0 { "cup-0" } else { "cup-2" };
        assert_eq!(first, moved, "positions go with the outputs");
        worker
            .commit(transaction([(STATE, 0, record("works", "again"))], [(INPUT, 0, inputs[0].offset)]))
            .expect("a new session works");
        worker
            .commit(transaction(
                [],
                [(INPUT, 0, if after == 0 { inputs[0].offset } else { inputs[2].offset })],
            ))
            .expect("a new session works");
    }
}

pub(super) fn followers_and_readers_survive_failed_writes(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("cup", 300));
    let mut follower = follow(&*log, INPUT, Start::Beginning);
    assert_eq!(read_to_end(bed, &mut *follower).len(), 300);
    for fault in FAULTS {
        bed.fail_writes(fault);
        let published = log.publisher().publish(INPUT, 0, Record::new("large", vec![1; 300_000]), LONG);
        settle(bed, published).expect_err("writes fail");
        assert!(everything(bed, &*log, INPUT).len() >= 300, "what is there can be read");
        bed.heal();
        publish_again(bed, &*log, "healed");
        until(bed, "the follower to go on", || {
            let entries = follower.poll(Duration::from_millis(50)).expect("the follower survives").entries;
            entries.iter().any(|e| key(e) == "healed").then_some(())
        });
    }
}

pub(super) fn what_was_acknowledged_before_a_failure_is_there_after_it(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut acknowledged = Vec::new();
    for (round, fault) in FAULTS.into_iter().cycle().take(9).enumerate() {
        for i in 0..20 {
            let name = format!("{round}-{i}");
            publish_again(bed, &*log, &name);
            acknowledged.push(name);
        }
        bed.fail_writes(fault);
        let published = log.publisher().publish(INPUT, 0, Record::new("large", vec![1; 300_000]), LONG);
        settle(bed, published).expect_err("writes fail");
        bed.heal();
    }
    publish_again(bed, &*log, "last");
    let entries = keys(&everything(bed, &*log, INPUT));
    let mut found = entries.iter();
    for name in &acknowledged {
        assert!(found.any(|key| key == name), "{name} was acknowledged");
    }
}

pub(super) fn a_failure_and_a_crash_lose_nothing_acknowledged(bed: &mut dyn Bed) {
    let mut log = bed.open();
    let mut acknowledged = 0;
    for fault in FAULTS {
        publish_all(bed, &*log, INPUT, 0, records("cup", 50));
        acknowledged += 50;
        bed.fail_writes(fault);
        let published = log.publisher().publish(INPUT, 0, Record::new("large", vec![1; 300_000]), LONG);
        settle(bed, published).expect_err("writes fail");
        drop(log);
        bed.heal();
        log = bed.reopen();
        let mut follower = follow(&*log, INPUT, Start::Beginning);
        let entries = read(bed, &mut *follower, acknowledged);
        assert_eq!(entries.iter().filter(|e| key(e).starts_with("cup")).count(), acknowledged);
    }
}
