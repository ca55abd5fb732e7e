//! What is kept, and what goes.

use std::{collections::BTreeMap, time::Duration};

use super::{
    AGE, Bed, COMMAND, INPUT, OUTPUT, SETTINGS, STATE,
    tools::{
        Worker, everything, follow, key, keys, publish, publish_all, read_to_end, record, records,
        transaction, until, value,
    },
};
use crate::{FollowError, Log, Record, Start, WorkError};

/// More than any tombstone is kept.
const LONG_AGO: Duration = Duration::from_hours(48);

/// Publishes old records and a young one, and removes what is too old. Answers with the first offset there was.
fn age(bed: &mut dyn Bed, log: &dyn Log) -> u64 {
    let old = publish_all(bed, log, INPUT, 0, records("old", 2000));
    bed.pass_time(AGE * 2);
    publish_all(bed, log, INPUT, 0, records("young", 300));
    bed.clean();
    old[0].offset
}

pub(super) fn old_records_go_and_young_ones_stay(bed: &mut dyn Bed) {
    let log = bed.open();
    let first = age(bed, &*log);
    let check = |bed: &mut dyn Bed, log: &dyn Log| {
        let entries = everything(bed, log, INPUT);
        let young: Vec<_> = entries.iter().filter(|e| key(e).starts_with("young")).collect();
        assert_eq!(young.len(), 300, "what is young stays");
        // What shares a chunk or segment with a young record may stay with it.
        assert!(entries.len() < 300 + 1000, "{} are left", entries.len());
        assert!(entries[0].offset > first, "the oldest is gone");
    };
    check(bed, &*log);
    drop(log);
    let log = bed.reopen();
    check(bed, &*log);
    let position = publish(bed, &*log, INPUT, 0, record("next", ""));
    assert_eq!(everything(bed, &*log, INPUT).last().map(|e| e.offset), Some(position.offset));
    // All of it may go, and the offsets go on.
    bed.pass_time(AGE * 2);
    bed.clean();
    let next = publish(bed, &*log, INPUT, 0, record("alone", ""));
    assert!(next.offset > position.offset);
    assert_eq!(everything(bed, &*log, INPUT).last().map(key), Some("alone".to_owned()));
}

pub(super) fn a_follower_at_a_removed_record_is_told(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("seen", 1));
    let mut waiting = follow(&*log, INPUT, Start::Beginning);
    read_to_end(bed, &mut *waiting);
    let first = age(bed, &*log);
    let mut follower = follow(&*log, INPUT, Start::Offsets(vec![(0, first)]));
    for follower in [&mut follower, &mut waiting] {
        let error = until(bed, "the follower to be told", || follower.poll(Duration::from_millis(50)).err());
        let FollowError::Gone { topic: INPUT, partition: 0, wanted, earliest } = error else {
            panic!("{error:?} instead of Gone");
        };
        assert_eq!(wanted, first);
        assert!(earliest > first);
        let mut again = follow(&*log, INPUT, Start::Offsets(vec![(0, earliest)]));
        assert!(!read_to_end(bed, &mut *again).is_empty(), "the way out that it names works");
    }
}

pub(super) fn a_worker_at_a_removed_record_is_told(bed: &mut dyn Bed) {
    let log = bed.open();
    let first = age(bed, &*log);
    let mut worker = Worker::alone(bed, &*log);
    assert!(worker.assigned[&0].inputs[0].earliest > first, "the assignment says where the log begins");
    let command = worker.assigned[&0].inputs[1].earliest;
    let started = worker.session.start(0, &[(INPUT, first), (COMMAND, command)]);
    let error = match started {
        Err(error) => error,
        Ok(()) => until(bed, "the worker to be told", || worker.poll().err()),
    };
    assert!(matches!(error, WorkError::OutOfRange { topic: INPUT, .. }), "{error:?}");
    drop(worker);
    let mut worker = Worker::started(bed, &*log);
    worker.read(bed, 300);
}

pub(super) fn compaction_keeps_the_last_record_of_each_key_at_its_offset(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut last = BTreeMap::new();
    let mut written = 0;
    for round in 0..40 {
        let changed = (0..100).filter(|i| (i + round) % 3 != 0).map(|i| record(format!("key-{i:02}"), round));
        let changed: Vec<_> = changed.collect();
        let positions = publish_all(bed, &*log, SETTINGS, 0, changed.clone());
        written += changed.len();
        for (record, position) in changed.into_iter().zip(positions) {
            last.insert(record.key.clone(), (position.offset, record));
        }
    }
    bed.pass_time(LONG_AGO);
    publish(bed, &*log, SETTINGS, 0, record("active", ""));
    bed.clean();
    let entries = everything(bed, &*log, SETTINGS);
    assert!(entries.len() < written / 2, "{} of {written} are left", entries.len());
    assert!(entries.windows(2).all(|pair| pair[0].offset < pair[1].offset), "in order");
    for (offset, record) in last.values() {
        let found = entries.iter().find(|e| e.offset == *offset).expect("the last of a key stays");
        assert_eq!(found.record, *record);
    }
}

pub(super) fn a_key_deleted_before_compaction_stays_deleted(bed: &mut dyn Bed) {
    let log = bed.open();
    for _ in 0..3 {
        // The deletion may not be forgotten before what it deletes.
        publish_all(bed, &*log, SETTINGS, 0, records("key", 1500));
        publish_all(
            bed,
            &*log,
            SETTINGS,
            0,
            (0..1500).step_by(2).map(|i| Record::tombstone(format!("key-{i}"))),
        );
        for _ in 0..3 {
            let expected: Vec<_> = (1..1500).step_by(2).map(|i| format!("key-{i}")).collect();
            let mut latest = BTreeMap::new();
            for entry in everything(bed, &*log, SETTINGS) {
                latest.insert(key(&entry), entry.record.value.is_some());
            }
            let mut living: Vec<_> =
                latest.into_iter().filter(|(_, alive)| *alive).map(|(key, _)| key).collect();
            living.retain(|key| key.starts_with("key"));
            living.sort_by_key(|key| key[4..].parse::<u32>().ok());
            assert_eq!(living, expected);
            bed.pass_time(LONG_AGO);
            publish(bed, &*log, SETTINGS, 0, record("active", ""));
            bed.clean();
        }
    }
    bed.pass_time(LONG_AGO);
    publish_all(bed, &*log, SETTINGS, 0, records("active", 1500));
    bed.clean();
    bed.clean();
    let tombstones = everything(bed, &*log, SETTINGS).iter().filter(|e| e.record.value.is_none()).count();
    assert!(tombstones < 750, "deletions are forgotten some day, {tombstones} are left");
}

pub(super) fn a_deletion_outlives_what_it_deletes_for_a_slow_reader(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, SETTINGS, 0, records("key", 300));
    let mut slow = follow(&*log, SETTINGS, Start::Beginning);
    let mut living: BTreeMap<_, _> = read_to_end(bed, &mut *slow).into_iter().map(|e| (key(&e), e)).collect();
    publish_all(bed, &*log, SETTINGS, 0, (0..300).map(|i| Record::tombstone(format!("key-{i}"))));
    for round in 0..3 {
        publish_all(bed, &*log, SETTINGS, 0, (0..600).map(|i| record(format!("active-{}", i % 10), round)));
        bed.pass_time(Duration::from_hours(1));
        bed.clean();
    }
    for entry in read_to_end(bed, &mut *slow) {
        if entry.record.value.is_none() {
            living.remove(&key(&entry));
        }
    }
    assert!(living.is_empty(), "{} stay alive for it", living.len());
}

pub(super) fn state_is_complete_after_compaction_and_a_crash(bed: &mut dyn Bed) {
    let mut log = bed.open();
    let mut expected = BTreeMap::new();
    for round in 0..6 {
        let mut worker = Worker::started(bed, &*log);
        assert_eq!(worker.state_text().into_iter().collect::<BTreeMap<_, _>>(), expected, "in round {round}");
        let position = (INPUT, 0, worker.assigned[&0].inputs[0].earliest);
        for part in 0..4 {
            let mut written = Vec::new();
            for i in (0..2000).filter(|i| (i * 7 + round * 3 + part) % 5 < 2) {
                let name = format!("order-{i}");
                if (i + round + part) % 11 == 0 {
                    expected.remove(&name);
                    written.push((STATE, 0, Record::tombstone(name)));
                } else {
                    expected.insert(name.clone(), format!("{round}.{part}"));
                    written.push((STATE, 0, record(name, format!("{round}.{part}"))));
                }
            }
            worker.commit(transaction(written, [position])).expect("it is committed");
        }
        drop(worker);
        if round % 2 == 0 {
            bed.pass_time(LONG_AGO);
        }
        bed.clean();
        if round % 3 == 0 {
            drop(log);
            log = bed.reopen();
        }
    }
}

pub(super) fn a_follower_from_the_beginning_reads_over_the_gaps(bed: &mut dyn Bed) {
    let log = bed.open();
    let positions = publish_all(bed, &*log, SETTINGS, 0, records("first", 600));
    let mut slow = follow(&*log, SETTINGS, Start::Beginning);
    for _ in 0..3 {
        publish_all(bed, &*log, SETTINGS, 0, records("first", 600));
    }
    bed.pass_time(LONG_AGO);
    publish_all(bed, &*log, SETTINGS, 0, records("active", 600));
    bed.clean();
    let expected = everything(bed, &*log, SETTINGS);
    assert!(expected.len() < 3000);
    assert_eq!(read_to_end(bed, &mut *slow), expected);
    // A position in a gap is no removed record: what comes after it is there.
    let mut follower = follow(&*log, SETTINGS, Start::Offsets(vec![(0, positions[300].offset)]));
    let entries = read_to_end(bed, &mut *follower);
    let after: Vec<_> = expected.into_iter().filter(|e| e.offset >= positions[300].offset).collect();
    assert_eq!(entries, after);
}

pub(super) fn topics_kept_by_age_are_not_compacted(bed: &mut dyn Bed) {
    let log = bed.open();
    for round in 0..50 {
        publish_all(bed, &*log, OUTPUT, 0, (0..40).map(|_| record("same", round)));
    }
    bed.clean();
    assert_eq!(keys(&everything(bed, &*log, OUTPUT)).len(), 2000);
}

pub(super) fn compaction_can_run_again_and_again(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut follower = follow(&*log, SETTINGS, Start::Beginning);
    for round in 0..8 {
        for _ in 0..6 {
            publish_all(bed, &*log, SETTINGS, 0, (0..200).map(|i| record(format!("key-{i}"), round)));
        }
        bed.pass_time(Duration::from_millis(5));
        bed.clean();
        let mut latest = BTreeMap::new();
        for entry in everything(bed, &*log, SETTINGS) {
            latest.insert(key(&entry), value(&entry));
        }
        assert_eq!(latest.len(), 200);
        assert!(latest.values().all(|value| *value == round.to_string()), "in round {round}");
        // One that reads along sees the last of each key, too.
        let seen: BTreeMap<_, _> =
            read_to_end(bed, &mut *follower).iter().map(|e| (key(e), value(e))).collect();
        assert_eq!(seen, latest);
    }
}
