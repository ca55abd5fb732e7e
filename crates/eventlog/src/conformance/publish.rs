//! What publish promises.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Bed, INPUT, OUTPUT, SETTINGS,
    tools::{LONG, everything, follow, key, keys, publish, publish_all, read, record, records, settle, spec},
};
use crate::{Certainty, Headers, Reason, Record, Start};

pub(super) fn a_published_record_is_read_at_the_position_that_was_answered(bed: &mut dyn Bed) {
    let log = bed.open();
    for partition in 0..log.partitions(INPUT) {
        let position = publish(bed, &*log, INPUT, partition, record("latte", partition));
        assert_eq!((position.topic, position.partition), (INPUT, partition));
        let entries = everything(bed, &*log, INPUT);
        let entry = entries.iter().find(|e| e.partition == partition).expect("it is there");
        assert_eq!(entry.offset, position.offset);
        assert_eq!(entry.record, record("latte", partition));
    }
}

pub(super) fn records_of_a_partition_come_in_the_order_they_were_published(bed: &mut dyn Bed) {
    let log = bed.open();
    let answers = publish_all(bed, &*log, INPUT, 0, records("cup", 700));
    assert!(answers.windows(2).all(|pair| pair[0].offset < pair[1].offset), "positions rise");
    let entries = everything(bed, &*log, INPUT);
    assert_eq!(keys(&entries), keys_of("cup", 700));
    let offsets: Vec<_> = entries.iter().map(|e| e.offset).collect();
    assert_eq!(offsets, answers.iter().map(|p| p.offset).collect::<Vec<_>>());
}

pub(super) fn concurrent_publishers_lose_nothing_and_get_positions_of_their_own(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut waiting = Vec::new();
    for number in 0..50 {
        for topic in [INPUT, OUTPUT] {
            let record = record(format!("{topic}-{number}"), "");
            waiting.push(log.publisher().publish(topic, number % log.partitions(topic), record, LONG));
        }
    }
    let positions: BTreeSet<_> =
        waiting.into_iter().map(|published| settle(bed, published).expect("it is written")).collect();
    assert_eq!(positions.len(), 100, "each has its own position");
    for topic in [INPUT, OUTPUT] {
        let entries = everything(bed, &*log, topic);
        assert_eq!(entries.iter().map(key).collect::<BTreeSet<_>>().len(), 50);
        for entry in entries {
            let position = crate::Position { topic, partition: entry.partition, offset: entry.offset };
            assert!(positions.contains(&position), "{position:?} was answered");
        }
    }
}

pub(super) fn keys_values_and_headers_come_back_to_the_byte(bed: &mut dyn Bed) {
    let log = bed.open();
    let headers = Headers::new([("ce_type", b"order".as_slice()), ("", b""), ("bytes", &[0, 255, 10])]);
    let written = [
        Record::new("key", "value"),
        Record::new("", ""),
        Record { key: None, value: None, headers: Headers::default() },
        Record { key: None, value: Some("no key".into()), headers: headers.clone() },
        Record::tombstone("gone"),
        Record::new(vec![0, 159, 146, 150], vec![0; 5000]).with_headers(headers),
    ];
    publish_all(bed, &*log, INPUT, 0, written.clone());
    let entries = everything(bed, &*log, INPUT);
    assert_eq!(entries.into_iter().map(|e| e.record).collect::<Vec<_>>(), written);
}

pub(super) fn a_record_over_the_limit_is_refused_and_one_at_the_limit_is_taken(bed: &mut dyn Bed) {
    let log = bed.open();
    let limit = log.work(&spec()).expect("the group can be joined").pace().max_record_bytes;
    let over = Record::new("k", vec![7; limit]);
    let refused = settle(bed, log.publisher().publish(INPUT, 0, over, LONG)).expect_err("it is too large");
    assert_eq!(refused.certainty, Certainty::NotWritten);
    assert!(matches!(refused.reason, Reason::TooLarge { .. }), "{refused:?}");
    let largest = Record::new("k", vec![7; limit - 1]);
    publish(bed, &*log, INPUT, 0, largest.clone());
    publish(bed, &*log, INPUT, 0, record("after", ""));
    let entries = everything(bed, &*log, INPUT);
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].record, largest);
}

pub(super) fn a_partition_or_topic_that_is_not_there_is_refused(bed: &mut dyn Bed) {
    let log = bed.open();
    for (topic, partition) in [(INPUT, log.partitions(INPUT)), (SETTINGS, 1), ("conformance.none", 0)] {
        let published = log.publisher().publish(topic, partition, record("lost", ""), LONG);
        let refused = settle(bed, published).expect_err("there is no such partition");
        assert_eq!(refused.certainty, Certainty::NotWritten);
        assert!(matches!(refused.reason, Reason::NoSuchPartition(..)), "{refused:?}");
    }
    assert!(log.follow(&[("conformance.none", Start::Beginning)]).is_err(), "nor can it be followed");
}

pub(super) fn a_dropped_future_stops_nothing(bed: &mut dyn Bed) {
    let log = bed.open();
    for record in records("forgotten", 20) {
        drop(log.publisher().publish(INPUT, 0, record, LONG));
    }
    let position = publish(bed, &*log, INPUT, 0, record("last", ""));
    let entries = everything(bed, &*log, INPUT);
    let last = entries.last().expect("something is there");
    assert_eq!((key(last), last.offset), ("last".to_owned(), position.offset));
}

pub(super) fn what_was_acknowledged_survives_a_crash(bed: &mut dyn Bed) {
    let mut log = bed.open();
    let mut expected = Vec::new();
    for round in 0..4 {
        let prefix = format!("round-{round}");
        publish_all(bed, &*log, INPUT, 0, records(&prefix, 30));
        expected.extend(keys_of(&prefix, 30));
        drop(log);
        log = bed.reopen();
        assert_eq!(keys(&everything(bed, &*log, INPUT)), expected);
    }
}

pub(super) fn log_time_never_falls_when_the_clock_goes_back(bed: &mut dyn Bed) {
    let log = bed.open();
    publish(bed, &*log, INPUT, 0, record("first", ""));
    bed.set_clock_back(Duration::from_hours(1));
    publish(bed, &*log, INPUT, 0, record("second", ""));
    drop(log);
    let log = bed.reopen();
    publish(bed, &*log, INPUT, 0, record("third", ""));
    let entries = everything(bed, &*log, INPUT);
    assert_eq!(keys(&entries), ["first", "second", "third"]);
    assert!(entries.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp), "{entries:?}");
    bed.pass_time(Duration::from_hours(2));
    publish(bed, &*log, INPUT, 0, record("fourth", ""));
    let mut follower = follow(&*log, INPUT, Start::Time(entries[2].timestamp + 1));
    assert_eq!(keys(&read(bed, &mut *follower, 1)), ["fourth"]);
}

pub(super) fn a_record_that_waits_past_its_deadline_is_not_written(bed: &mut dyn Bed) {
    let log = bed.open();
    publish(bed, &*log, INPUT, 0, record("before", ""));
    bed.stall_writes();
    // The first may already be on its way when writes stall; the second waits behind it.
    let first = log.publisher().publish(INPUT, 0, record("first", ""), LONG);
    let hasty: Vec<_> = (0..50)
        .map(|i| log.publisher().publish(INPUT, 0, record(format!("hasty-{i}"), ""), Duration::ZERO))
        .collect();
    bed.pass_time(Duration::from_millis(50));
    bed.heal();
    settle(bed, first).expect("it had time");
    let mut late = 0;
    let mut expected = vec!["before".to_owned(), "first".to_owned()];
    for (i, published) in hasty.into_iter().enumerate() {
        match settle(bed, published) {
            Ok(_) => expected.push(format!("hasty-{i}")),
            Err(error) => {
                assert_eq!((error.certainty, error.reason), (Certainty::NotWritten, Reason::Deadline));
                late += 1;
            }
        }
    }
    assert!(late > 0, "none was late");
    publish(bed, &*log, INPUT, 0, record("after", ""));
    expected.push("after".to_owned());
    assert_eq!(keys(&everything(bed, &*log, INPUT)), expected);
}

fn keys_of(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{prefix}-{i}")).collect()
}
