//! What work promises, up to the commit.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Bed, COMMAND, INPUT, OUTPUT, STATE,
    tools::{BOUND, Worker, key, keys, publish, publish_all, record, records, spec, transaction, until},
};
use crate::{InputRange, OpenError, Polled, Record, WorkError, WorkSpec};

pub(super) fn a_worker_gets_every_partition_and_its_input(bed: &mut dyn Bed) {
    let log = bed.open();
    let count = log.partitions(INPUT);
    for partition in 0..count {
        publish_all(bed, &*log, INPUT, partition, records("cup", 300));
    }
    let mut worker = Worker::alone(bed, &*log);
    for assignment in worker.assigned.values() {
        let topics: Vec<_> = assignment.inputs.iter().map(|range| range.topic).collect();
        assert_eq!(topics, [INPUT, COMMAND]);
        let InputRange { earliest, end, committed, .. } = assignment.inputs[0];
        assert_eq!(committed, None);
        assert!(end >= earliest + 300, "{assignment:?} covers what was published");
        assert_eq!(assignment.outputs.iter().map(|(topic, _)| *topic).collect::<Vec<_>>(), [OUTPUT]);
    }
    worker.start();
    let entries = worker.read(bed, 300 * count as usize);
    for partition in 0..count {
        let offsets: Vec<_> = entries.iter().filter(|e| e.partition == partition).map(|e| e.offset).collect();
        assert_eq!(offsets.len(), 300);
        assert!(offsets.is_sorted(), "in order");
    }
}

pub(super) fn received_and_command_of_a_partition_go_to_the_same_worker(bed: &mut dyn Bed) {
    let log = bed.open();
    let count = log.partitions(INPUT);
    assert!(count > 1, "an adapter that shares is tested with several partitions");
    assert_eq!(log.partitions(COMMAND), count);
    for partition in 0..count {
        publish(bed, &*log, INPUT, partition, record(partition, ""));
        publish(bed, &*log, COMMAND, partition, record(partition, ""));
    }
    let mut workers = vec![Worker::started(bed, &*log)];
    let mut owners: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    workers.push(Worker::join(&*log, &spec()));
    share(bed, &mut workers, count as usize);
    for worker in &mut workers {
        worker.start();
    }
    for (number, worker) in workers.iter_mut().enumerate() {
        let expected = worker.assigned.len() * 2;
        let entries = worker.read(bed, expected);
        for entry in entries.iter().filter(|e| worker.assigned.contains_key(&e.partition)) {
            owners.entry((entry.topic, entry.partition)).or_default().push(number);
        }
    }
    for partition in 0..count {
        assert_eq!(owners[&(INPUT, partition)][0], owners[&(COMMAND, partition)][0], "partition {partition}");
    }
}

/// Polls until every partition belongs to exactly one worker and each worker has one.
fn share(bed: &mut dyn Bed, workers: &mut [Worker], count: usize) {
    until(bed, "the partitions to be shared", || {
        for worker in &mut *workers {
            worker.poll().expect("the worker goes on");
        }
        let all: Vec<_> = workers.iter().flat_map(|w| w.assigned.keys().copied()).collect();
        (all.len() == count && workers.iter().all(|w| !w.assigned.is_empty())).then_some(())
    });
}

pub(super) fn workers_share_the_partitions(bed: &mut dyn Bed) {
    let log = bed.open();
    let count = log.partitions(INPUT) as usize;
    assert!(count > 1, "an adapter that shares is tested with several partitions");
    let mut workers = vec![Worker::alone(bed, &*log)];
    workers.push(Worker::join(&*log, &spec()));
    share(bed, &mut workers, count);
    let mut all: Vec<_> = workers.iter().flat_map(|w| w.assigned.keys().copied()).collect();
    all.sort_unstable();
    assert_eq!(all, (0..log.partitions(INPUT)).collect::<Vec<_>>());
    assert!(!workers[0].gone.is_empty(), "the first gave some back");
    // The one that stays gets everything again.
    workers.remove(0);
    until(bed, "the other to get everything", || {
        workers[0].poll().expect("the worker goes on");
        (workers[0].assigned.len() == count).then_some(())
    });
}

pub(super) fn no_record_comes_before_start(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("cup", 10));
    let mut worker = Worker::alone(bed, &*log);
    for _ in 0..3 {
        let polled = worker.session.poll(Duration::from_millis(5)).expect("the worker goes on");
        assert!(matches!(polled, Polled::Idle), "{polled:?} before start");
    }
    worker.start();
    assert_eq!(worker.read(bed, 10).len(), 10);
}

pub(super) fn without_a_commit_committed_means_the_oldest_record(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("cup", 5));
    for _ in 0..2 {
        let mut worker = Worker::started(bed, &*log);
        assert_eq!(keys(&worker.read(bed, 5))[0], "cup-0");
        drop(worker);
    }
}

pub(super) fn committed_means_where_the_group_last_committed_also_after_a_crash(bed: &mut dyn Bed) {
    let mut log = bed.open();
    let positions = publish_all(bed, &*log, INPUT, 0, records("cup", 10));
    publish(bed, &*log, COMMAND, 0, record("command", ""));
    for round in [3, 6] {
        let mut worker = Worker::started(bed, &*log);
        worker.commit(transaction([], [(INPUT, 0, positions[round].offset)])).expect("it is committed");
        drop(worker);
        if round == 6 {
            drop(log);
            log = bed.reopen();
        }
        let mut worker = Worker::started(bed, &*log);
        // The command's position was never committed: it begins at its oldest record.
        let mut entries = worker.read(bed, 10 - round + 1);
        entries.retain(|e| e.topic == INPUT);
        assert_eq!(key(&entries[0]), format!("cup-{round}"));
        drop(worker);
    }
}

pub(super) fn groups_keep_positions_of_their_own(bed: &mut dyn Bed) {
    let log = bed.open();
    let positions = publish_all(bed, &*log, INPUT, 0, records("cup", 10));
    let mut worker = Worker::started(bed, &*log);
    worker.commit(transaction([], [(INPUT, 0, positions[8].offset)])).expect("it is committed");
    drop(worker);
    let other = WorkSpec { group: "conformance.other".to_owned(), ..spec() };
    let mut worker = Worker::alone_as(bed, &*log, &other);
    worker.start();
    assert_eq!(worker.read(bed, 10).len(), 10);
}

pub(super) fn an_offset_overrules_what_the_group_committed(bed: &mut dyn Bed) {
    let log = bed.open();
    let positions = publish_all(bed, &*log, INPUT, 0, records("cup", 10));
    let mut worker = Worker::started(bed, &*log);
    worker.commit(transaction([], [(INPUT, 0, positions[8].offset)])).expect("it is committed");
    drop(worker);
    let mut worker = Worker::alone(bed, &*log);
    assert_eq!(worker.assigned[&0].inputs[0].committed, Some(positions[8].offset));
    let from = [(INPUT, positions[2].offset), (COMMAND, worker.assigned[&0].inputs[1].earliest)];
    worker.session.start(0, &from).expect("it can be started");
    assert_eq!(keys(&worker.read(bed, 8))[0], "cup-2");
    drop(worker);
    // The end is a place to begin.
    let mut worker = Worker::alone(bed, &*log);
    let end = worker.assigned[&0].inputs[0].end;
    let from = [(INPUT, end), (COMMAND, worker.assigned[&0].inputs[1].earliest)];
    worker.session.start(0, &from).expect("it can be started");
    publish(bed, &*log, INPUT, 0, record("new", ""));
    assert_eq!(keys(&worker.read(bed, 1)), ["new"]);
}

pub(super) fn an_offset_beyond_the_end_is_out_of_range(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("cup", 3));
    let mut worker = Worker::alone(bed, &*log);
    let wanted = worker.assigned[&0].inputs[0].end + 100;
    let command = worker.assigned[&0].inputs[1].earliest;
    let started = worker.session.start(0, &[(INPUT, wanted), (COMMAND, command)]);
    let error = match started {
        Err(error) => error,
        // An adapter may find out when it reads.
        Ok(()) => until(bed, "the worker to be told", || worker.poll().err()),
    };
    let WorkError::OutOfRange { topic: INPUT, partition: 0, wanted: at, .. } = error else {
        panic!("{error:?} instead of OutOfRange");
    };
    assert_eq!(at, wanted);
}

pub(super) fn held_records_come_again_after_release_and_others_flow_on(bed: &mut dyn Bed) {
    let log = bed.open();
    let commands = publish_all(bed, &*log, COMMAND, 0, records("command", 5));
    let mut worker = Worker::started(bed, &*log);
    assert_eq!(worker.read(bed, 5).len(), 5);
    worker.session.hold(COMMAND, 0, commands[2].offset).expect("it can be held");
    publish_all(bed, &*log, COMMAND, 0, records("later", 5));
    publish_all(bed, &*log, INPUT, 0, records("cup", 400));
    // Some of the input was published after the commands: if they were not held, they would be here.
    let flowing = worker.read(bed, 400);
    assert!(flowing.iter().all(|e| e.topic == INPUT), "{:?}", keys(&flowing));
    worker.session.release(COMMAND, 0).expect("it can be released");
    let again = worker.read(bed, 8);
    let expected: Vec<_> =
        (2..5).map(|i| format!("command-{i}")).chain((0..5).map(|i| format!("later-{i}"))).collect();
    assert_eq!(keys(&again), expected);
    worker.session.release(COMMAND, 0).expect("nothing is held: nothing to do");
    publish(bed, &*log, COMMAND, 0, record("last", ""));
    assert_eq!(keys(&worker.read(bed, 1)), ["last"], "nothing came twice");
}

pub(super) fn holding_what_was_not_read_yet_skips_nothing(bed: &mut dyn Bed) {
    let log = bed.open();
    let commands = publish_all(bed, &*log, COMMAND, 0, records("command", 5));
    let mut worker = Worker::started(bed, &*log);
    worker.session.hold(COMMAND, 0, commands[3].offset).expect("it can be held");
    publish_all(bed, &*log, INPUT, 0, records("cup", 100));
    let (mut cups, mut seen) = (0, Vec::new());
    while cups < 100 {
        for entry in worker.read(bed, 1) {
            if entry.topic == INPUT {
                cups += 1;
            } else {
                seen.push(key(&entry));
            }
        }
    }
    // Those before it may come, or wait as well.
    assert!(seen.len() <= 3, "{seen:?} although held");
    worker.session.release(COMMAND, 0).expect("it can be released");
    let missing = 5 - seen.len();
    seen.extend(keys(&worker.read(bed, missing)));
    let expected: Vec<_> = (0..5).map(|i| format!("command-{i}")).collect();
    assert_eq!(seen, expected, "each once, in order");
}

pub(super) fn a_worker_of_a_topic_that_is_missing_is_refused_for_good(bed: &mut dyn Bed) {
    let log = bed.open();
    let missing = "conformance.missing";
    for spec in [
        WorkSpec { inputs: vec![INPUT, missing], ..spec() },
        WorkSpec { outputs: vec![missing], ..spec() },
        WorkSpec { state: missing, ..spec() },
    ] {
        let error = log.work(&spec).err().expect("it has nothing to work on");
        assert!(matches!(error, OpenError::NotUsable(_)), "{error:?} is not mended by waiting");
        assert!(error.to_string().contains(missing), "{error}");
    }
}

pub(super) fn the_end_covers_what_was_durable_before_what_was_handed_out(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    for round in 0..20 {
        let input = publish(bed, &*log, INPUT, 0, record(round, ""));
        publish(bed, &*log, COMMAND, 0, record(round, ""));
        until_key(bed, &mut worker, COMMAND, &round.to_string());
        let end = worker.session.end(INPUT, 0).expect("the end is known");
        assert!(end > input.offset, "{end} covers {input:?}");
    }
    assert!(worker.session.end(OUTPUT, 0).is_err(), "only of inputs");
}

fn until_key(bed: &mut dyn Bed, worker: &mut Worker, topic: crate::Topic, wanted: &str) {
    while !worker.read(bed, 1).iter().any(|entry| entry.topic == topic && key(entry) == wanted) {}
}

pub(super) fn a_waiting_worker_wakes_for_a_publish(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    let (answer, answers) = std::sync::mpsc::channel();
    let mut session =
        std::mem::replace(&mut worker.session, log.work(&other_group()).expect("it can be joined"));
    std::thread::spawn(move || {
        let end = std::time::Instant::now() + BOUND;
        while std::time::Instant::now() < end {
            if let Polled::Records(entries) = session.poll(BOUND * 2).expect("the worker goes on") {
                // Nobody listens any more if the scenario has failed.
                let _ = answer.send(keys(&entries));
                return;
            }
        }
    });
    publish(bed, &*log, INPUT, 0, record("cup", ""));
    let heard =
        until(bed, "the waiting worker to wake", || answers.recv_timeout(Duration::from_millis(20)).ok());
    assert_eq!(heard, ["cup"]);
}

fn other_group() -> WorkSpec {
    WorkSpec { group: "conformance.other".to_owned(), ..spec() }
}

pub(super) fn the_whole_state_comes_before_the_assignment(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    let count = log.partitions(INPUT);
    for round in 0..3 {
        for partition in 0..count {
            let records = (0..3000).map(|i| (STATE, partition, record(format!("order-{i}"), round)));
            let position = (INPUT, partition, worker.assigned[&partition].inputs[0].earliest);
            worker.commit(transaction(records, [position])).expect("it is committed");
        }
    }
    drop(worker);
    let worker = Worker::alone(bed, &*log);
    assert_eq!(worker.state.len(), 3000 * count as usize);
    assert!(worker.state_text().iter().all(|(_, value)| value == "2"), "the latest of each");
}

pub(super) fn a_deleted_key_is_not_in_the_state(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut worker = Worker::started(bed, &*log);
    let position = (INPUT, 0, worker.assigned[&0].inputs[0].earliest);
    let written = ["a", "b", "c"].map(|k| (STATE, 0, record(k, "1")));
    worker.commit(transaction(written, [position])).expect("it is committed");
    let deleted = [(STATE, 0, Record::tombstone("b"))];
    worker.commit(transaction(deleted, [position])).expect("it is committed");
    drop(worker);
    let worker = Worker::alone(bed, &*log);
    let state = worker.state_text();
    assert_eq!(state, [("a".to_owned(), "1".to_owned()), ("c".to_owned(), "1".to_owned())]);
}
