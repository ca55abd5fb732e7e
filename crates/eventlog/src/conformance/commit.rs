//! What a commit promises.

use super::{
    Bed, COMMAND, INPUT, OUTPUT, STATE,
    tools::{
        Worker, everything, everything_with, follow, key, keys, poll, publish_all, read, record, records,
        spec, transaction, until, value,
    },
};
use crate::{CommitError, Entry, Record, Start, Transaction, WorkError};

pub(super) fn a_commit_makes_outputs_state_and_positions_visible_together(bed: &mut dyn Bed) {
    let log = bed.open();
    let inputs = publish_all(bed, &*log, INPUT, 0, records("cup", 10));
    let mut follower = follow(&*log, OUTPUT, Start::Beginning);
    let mut worker = Worker::started(bed, &*log);
    worker.read(bed, 10);
    assert_eq!(poll(&mut *follower).entries, [], "nothing before the commit");
    let written = (0..10).flat_map(|i| {
        [(OUTPUT, 0, record(format!("done-{i}"), "")), (STATE, 0, record(format!("order-{i}"), "made"))]
    });
    worker.commit(transaction(written, [(INPUT, 0, inputs[9].offset + 1)])).expect("it is committed");
    assert_eq!(read(bed, &mut *follower, 10).len(), 10);
    drop(worker);
    let mut worker = Worker::started(bed, &*log);
    assert_eq!(worker.state.len(), 10);
    publish_all(bed, &*log, INPUT, 0, records("new", 1));
    assert_eq!(keys(&worker.read(bed, 1)), ["new-0"]);
}

pub(super) fn a_commit_of_positions_alone_counts(bed: &mut dyn Bed) {
    let log = bed.open();
    let inputs = publish_all(bed, &*log, INPUT, 0, records("cup", 3));
    let commands = publish_all(bed, &*log, COMMAND, 0, records("command", 3));
    let mut worker = Worker::started(bed, &*log);
    let positions = [(INPUT, 0, inputs[1].offset), (COMMAND, 0, commands[2].offset)];
    worker.commit(transaction([], positions)).expect("it is committed");
    drop(worker);
    let mut worker = Worker::started(bed, &*log);
    let mut got = keys(&worker.read(bed, 3));
    got.sort();
    assert_eq!(got, ["command-2", "cup-1", "cup-2"]);
}

pub(super) fn an_empty_commit_succeeds(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    worker.commit(Transaction::default()).expect("nothing to do is done");
}

pub(super) fn a_commit_answers_with_the_ends_it_reached(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    let position = (INPUT, 0, worker.assigned[&0].inputs[0].earliest);
    let mut before = std::collections::BTreeMap::new();
    for round in ["1", "2", "3"] {
        let written = [OUTPUT, OUTPUT, STATE].map(|topic| (topic, 0, record("k", round)));
        let committed = worker.commit(transaction(written, [position])).expect("it is committed");
        for topic in [OUTPUT, STATE] {
            let end = committed
                .ends
                .iter()
                .find(|p| (p.topic, p.partition) == (topic, 0))
                .expect("its end is said");
            let entries = everything_with(bed, &*log, topic, |entry| value(entry) == round);
            let last = entries.last().expect("it is there").offset;
            assert!(end.offset <= last + 1, "{end:?} is a bound of what comes after {last}");
            let before = before.insert(topic, last + 1).unwrap_or(0);
            assert!(end.offset > before, "{end:?} covers what this commit added after {before}");
        }
    }
}

pub(super) fn records_of_a_transaction_stand_in_their_order(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    let position = (INPUT, 0, worker.assigned[&0].inputs[0].earliest);
    let mut expected = Vec::new();
    for round in 0..3 {
        let written: Vec<_> = (0..500)
            .map(|i| (if i % 2 == 0 { OUTPUT } else { STATE }, 0, record(format!("{round}-{i:03}"), "")))
            .collect();
        expected.extend((0..500).step_by(2).map(|i| format!("{round}-{i:03}")));
        worker.commit(transaction(written, [position])).expect("it is committed");
    }
    let last = |entry: &Entry| key(entry) == expected[expected.len() - 1];
    assert_eq!(keys(&everything_with(bed, &*log, OUTPUT, last)), expected);
}

pub(super) fn a_record_over_the_limit_fails_the_whole_commit(bed: &mut dyn Bed) {
    let log = bed.open();
    let inputs = publish_all(bed, &*log, INPUT, 0, records("cup", 3));
    let mut worker = Worker::started(bed, &*log);
    let large = Record::new("k", vec![0; worker.session.pace().max_record_bytes + 1]);
    let written = [(OUTPUT, 0, record("small", "")), (OUTPUT, 0, large)];
    let error =
        worker.commit(transaction(written, [(INPUT, 0, inputs[2].offset)])).expect_err("it is too large");
    assert!(matches!(error, CommitError::Fatal(_)), "{error:?}");
    drop(worker);
    assert_eq!(everything(bed, &*log, OUTPUT), [], "nothing of it was written");
    let mut worker = Worker::started(bed, &*log);
    assert_eq!(worker.read(bed, 3).len(), 3, "no position moved");
}

pub(super) fn what_was_committed_survives_a_crash(bed: &mut dyn Bed) {
    let mut log = bed.open();
    for round in 0..4_usize {
        let inputs = publish_all(bed, &*log, INPUT, 0, records("cup", 5));
        let mut worker = Worker::started(bed, &*log);
        assert_eq!(worker.state.len(), round);
        let written = [
            (OUTPUT, 0, record(format!("done-{round}"), "")),
            (STATE, 0, record(format!("order-{round}"), "")),
        ];
        worker.commit(transaction(written, [(INPUT, 0, inputs[4].offset + 1)])).expect("it is committed");
        drop(worker);
        drop(log);
        log = bed.reopen();
        let last = |entry: &Entry| key(entry) == format!("done-{round}");
        assert_eq!(everything_with(bed, &*log, OUTPUT, last).len(), round + 1);
    }
    let mut worker = Worker::started(bed, &*log);
    assert_eq!(worker.state.len(), 4);
    publish_all(bed, &*log, INPUT, 0, records("last", 1));
    assert_eq!(keys(&worker.read(bed, 1)), ["last-0"]);
}

pub(super) fn what_was_not_committed_comes_again_after_a_crash(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("cup", 5));
    let mut worker = Worker::started(bed, &*log);
    assert_eq!(worker.read(bed, 5).len(), 5);
    drop(worker);
    drop(log);
    let log = bed.reopen();
    let mut worker = Worker::started(bed, &*log);
    assert_eq!(keys(&worker.read(bed, 5))[0], "cup-0");
}

pub(super) fn a_worker_that_was_replaced_can_not_commit(bed: &mut dyn Bed) {
    let log = bed.open();
    let inputs = publish_all(bed, &*log, INPUT, 0, records("cup", 3));
    let mut first = Worker::started(bed, &*log);
    first.read(bed, 3);
    let mut second = replace(bed, &*log);
    let position = [(INPUT, 0, inputs[2].offset + 1)];
    let error = first
        .commit(transaction([(OUTPUT, 0, record("zombie", ""))], position))
        .expect_err("it was replaced");
    assert_eq!(error, CommitError::Fenced);
    // Also one in which only a timer fired.
    let error = first.commit(transaction([(OUTPUT, 0, record("timer", ""))], [(INPUT, 0, inputs[0].offset)]));
    assert!(error.is_err(), "it stays fenced");
    second.start();
    assert_eq!(second.read(bed, 3).len(), 3, "no position moved");
    second.commit(transaction([(OUTPUT, 0, record("living", ""))], position)).expect("it is committed");
    let living = |entry: &Entry| key(entry) == "living";
    assert_eq!(keys(&everything_with(bed, &*log, OUTPUT, living)), ["living"]);
}

pub(super) fn a_worker_that_was_replaced_is_told_by_poll(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut first = Worker::started(bed, &*log);
    let _second = replace(bed, &*log);
    until(bed, "the first to be told", || match first.poll() {
        Err(error) => {
            assert_eq!(error, WorkError::Fenced);
            Some(())
        }
        Ok(_) => first.gone.contains(&0).then_some(()),
    });
}

/// A second worker, which has got every partition while the first did nothing.
fn replace(bed: &mut dyn Bed, log: &dyn crate::Log) -> Worker {
    let mut second = Worker::join(log, &spec());
    bed.take_over();
    let count = log.partitions(INPUT) as usize;
    until(bed, "the second to get everything", || {
        second.poll().expect("the worker goes on");
        (second.assigned.len() == count).then_some(())
    });
    second
}

pub(super) fn a_large_transaction_is_read_back_whole(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    let position = (INPUT, 0, worker.assigned[&0].inputs[0].earliest);
    let written = (0..12_000).map(|i| (OUTPUT, 0, record(format!("done-{i}"), "x".repeat(250))));
    worker.commit(transaction(written, [position])).expect("it is committed");
    let mut follower = follow(&*log, OUTPUT, Start::Beginning);
    let entries = read(bed, &mut *follower, 12_000);
    assert!(entries.iter().enumerate().all(|(i, entry)| key(entry) == format!("done-{i}")), "in order");
}
