//! What follow promises.

use std::time::{Duration, Instant};

use super::{
    Bed, INPUT, OUTPUT, SETTINGS,
    tools::{
        BOUND, everything, follow, key, keys, poll, publish, publish_all, read, read_to_end, record, records,
        until,
    },
};
use crate::{Position, Start};

pub(super) fn a_follower_from_the_beginning_sees_everything_and_goes_on_live(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("old", 300));
    let mut follower = follow(&*log, INPUT, Start::Beginning);
    assert_eq!(read_to_end(bed, &mut *follower).len(), 300);
    for round in 0..20 {
        publish(bed, &*log, INPUT, 0, record(format!("live-{round}"), ""));
        assert_eq!(keys(&read(bed, &mut *follower, 1)), [format!("live-{round}")]);
    }
}

pub(super) fn a_follower_from_the_end_sees_only_what_comes_after_it(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, INPUT, 0, records("old", 20));
    let mut follower = follow(&*log, INPUT, Start::End);
    // Published before the first poll: the end is where it was when the follower was made.
    publish(bed, &*log, INPUT, 0, record("new", ""));
    assert_eq!(keys(&read(bed, &mut *follower, 1)), ["new"]);
}

pub(super) fn a_follower_from_a_time_begins_at_the_first_record_of_that_time(bed: &mut dyn Bed) {
    let log = bed.open();
    for round in 0..6 {
        publish_all(bed, &*log, INPUT, 0, records(&format!("round-{round}"), 60));
        bed.pass_time(Duration::from_millis(3));
    }
    let entries = everything(bed, &*log, INPUT);
    let (first, last) = (entries[0].timestamp, entries[entries.len() - 1].timestamp);
    assert!(first < last, "time passes");
    for start in [first - 1, first, first + 1, i64::midpoint(first, last), last] {
        let expected: Vec<_> = entries.iter().filter(|e| e.timestamp >= start).cloned().collect();
        let mut follower = follow(&*log, INPUT, Start::Time(start));
        assert_eq!(read_to_end(bed, &mut *follower), expected, "from {start}");
    }
    let mut follower = follow(&*log, INPUT, Start::Time(last + 1));
    assert_eq!(read_to_end(bed, &mut *follower), []);
    bed.pass_time(Duration::from_millis(3));
    publish(bed, &*log, INPUT, 0, record("next", ""));
    assert_eq!(keys(&read(bed, &mut *follower, 1)), ["next"]);
}

pub(super) fn a_follower_from_a_position_begins_there(bed: &mut dyn Bed) {
    let log = bed.open();
    let positions = publish_all(bed, &*log, INPUT, 0, records("cup", 600));
    for start in [0, 1, 255, 256, 257, 599] {
        let mut follower = follow(&*log, INPUT, Start::Offsets(vec![(0, positions[start].offset)]));
        let entries = read_to_end(bed, &mut *follower);
        assert_eq!(entries.len(), 600 - start);
        assert_eq!(key(&entries[0]), format!("cup-{start}"));
    }
    let mut follower = follow(&*log, INPUT, Start::Offsets(vec![(0, positions[599].offset + 1)]));
    assert_eq!(read_to_end(bed, &mut *follower), []);
    let mut follower = follow(&*log, INPUT, Start::Offsets(vec![]));
    assert_eq!(read_to_end(bed, &mut *follower).len(), 600, "what is not named begins at its oldest record");
}

pub(super) fn at_end_is_said_only_when_everything_acknowledged_was_read(bed: &mut dyn Bed) {
    let log = bed.open();
    let count = log.partitions(INPUT);
    let mut follower = follow(&*log, INPUT, Start::Beginning);
    let mut written = 0;
    let mut seen = 0;
    for round in 0..40_u32 {
        for partition in 0..count {
            let many = round as usize * 7 % 90;
            publish_all(bed, &*log, INPUT, partition, records("cup", many));
            written += many;
        }
        seen += read_to_end(bed, &mut *follower).len();
        assert_eq!(seen, written, "in round {round}");
    }
}

pub(super) fn a_follower_of_empty_topics_is_at_the_end_at_once(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut follower = log
        .follow(&[(INPUT, Start::Beginning), (OUTPUT, Start::End), (SETTINGS, Start::Time(0))])
        .expect("the topics can be followed");
    assert_eq!(read_to_end(bed, &mut *follower), []);
}

pub(super) fn many_followers_see_the_same(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut followers: Vec<_> = (0..20)
        .map(|_| {
            log.follow(&[(INPUT, Start::Beginning), (OUTPUT, Start::Beginning)]).expect("it can be followed")
        })
        .collect();
    for topic in [INPUT, OUTPUT] {
        for partition in 0..log.partitions(topic) {
            publish_all(bed, &*log, topic, partition, records(topic, 120));
        }
    }
    let expected: Vec<_> = [INPUT, OUTPUT].map(|topic| everything(bed, &*log, topic)).concat();
    let sorted = |mut entries: Vec<crate::Entry>| {
        entries.sort_by_key(|e| (e.topic, e.partition, e.offset));
        entries
    };
    let expected = sorted(expected);
    for follower in &mut followers {
        assert_eq!(sorted(read_to_end(bed, &mut **follower)), expected);
    }
}

pub(super) fn a_topic_added_later_is_read_from_its_start(bed: &mut dyn Bed) {
    let log = bed.open();
    publish_all(bed, &*log, OUTPUT, 0, records("output", 10));
    publish_all(bed, &*log, SETTINGS, 0, records("setting", 10));
    publish(bed, &*log, INPUT, 0, record("input", ""));
    let mut follower = follow(&*log, INPUT, Start::Beginning);
    assert_eq!(keys(&read_to_end(bed, &mut *follower)), ["input"]);
    follower.add(OUTPUT, Start::Beginning).expect("it can be added");
    follower.add(SETTINGS, Start::End).expect("it can be added");
    assert_eq!(read_to_end(bed, &mut *follower).len(), 10);
    publish(bed, &*log, SETTINGS, 0, record("new", ""));
    assert_eq!(keys(&read(bed, &mut *follower, 1)), ["new"]);
    assert!(follower.add("conformance.none", Start::Beginning).is_err(), "a topic that is not there");
}

pub(super) fn positions_say_what_comes_next(bed: &mut dyn Bed) {
    let log = bed.open();
    let written = publish_all(bed, &*log, INPUT, 0, records("cup", 30));
    let mut follower = follow(&*log, INPUT, Start::Beginning);
    read_to_end(bed, &mut *follower);
    let positions = follower.positions();
    assert_eq!(positions.len(), log.partitions(INPUT) as usize);
    let position = positions.iter().find(|p| p.partition == 0).expect("partition 0 is there");
    assert!(position.offset > written[29].offset, "{position:?} is after {:?}", written[29]);
    let next = publish(bed, &*log, INPUT, 0, record("next", ""));
    assert!(position.offset <= next.offset, "{position:?} is not after {next:?}");
    // A new follower goes on from there.
    let start = positions.iter().map(|Position { partition, offset, .. }| (*partition, *offset)).collect();
    let mut other = follow(&*log, INPUT, Start::Offsets(start));
    assert_eq!(keys(&read_to_end(bed, &mut *other)), ["next"]);
}

pub(super) fn a_waiting_poll_wakes_for_a_publish(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut follower = follow(&*log, INPUT, Start::End);
    read_to_end(bed, &mut *follower);
    let (answer, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let end = Instant::now() + BOUND;
        while Instant::now() < end {
            // Longer than the scenario waits: a poll that sleeps through the publish fails it.
            let batch = follower.poll(BOUND * 2).expect("the follower goes on");
            if !batch.entries.is_empty() {
                // Nobody listens any more if the scenario has failed.
                let _ = answer.send(keys(&batch.entries));
                return;
            }
        }
    });
    publish(bed, &*log, INPUT, 0, record("bell", ""));
    let heard =
        until(bed, "the waiting poll to wake", || answers.recv_timeout(Duration::from_millis(20)).ok());
    assert_eq!(heard, ["bell"]);
}

pub(super) fn a_follower_survives_the_publisher_that_went_away(bed: &mut dyn Bed) {
    let log = bed.open();
    let mut follower = follow(&*log, INPUT, Start::Beginning);
    for round in 0..3 {
        let publisher = log.publisher();
        drop(publisher.publish(INPUT, 0, record(round, ""), BOUND));
        drop(publisher);
        publish(bed, &*log, INPUT, 0, record(format!("{round}+"), ""));
    }
    let entries = read_to_end(bed, &mut *follower);
    assert_eq!(entries.len(), 6);
    assert_eq!(poll(&mut *follower).entries, []);
}
