//! What views see of a broker that has more than committed records.

use std::time::Duration;

use eventlog::{
    FollowError, Log as _, Start,
    conformance::{Bed as _, INPUT, OUTPUT},
};
use rdkafka::producer::Producer as _;

use crate::bed::{
    BOUND, KafkaBed, WAIT, everything, everything_of, keys, publish, read_to_end, transaction, until,
};

#[test]
fn aborted_records_are_not_seen_and_the_end_is_reached_behind_them() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    publish(&*log, OUTPUT, 0, "before");
    let mut live = log.follow(&[(OUTPUT, Start::Beginning)]).expect("it can be followed");
    assert_eq!(keys(&read_to_end(&mut *live)), ["before"]);
    let stranger = transaction(&format!("{}stranger", bed.options.prefix), "60000");
    for key in ["void-1", "void-2"] {
        bed.write(&stranger, OUTPUT, 0, key);
    }
    stranger.abort_transaction(BOUND).expect("it is aborted");
    assert_eq!(everything(&*log, OUTPUT).len(), 1, "a follower from the beginning");
    assert!(read_to_end(&mut *live).is_empty(), "one that was there before");
    publish(&*log, OUTPUT, 0, "after");
    until("the record behind it", || (keys(&read_to_end(&mut *live)) == ["after"]).then_some(()));
    assert_eq!(keys(&everything(&*log, OUTPUT)), ["before", "after"]);
}

#[test]
fn records_of_an_open_transaction_and_those_behind_it_wait_and_are_not_missing_at_the_end() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let stranger = transaction(&format!("{}stranger", bed.options.prefix), "60000");
    bed.write(&stranger, OUTPUT, 0, "open");
    publish(&*log, OUTPUT, 0, "behind");
    let mut follower = log.follow(&[(OUTPUT, Start::Beginning)]).expect("it can be followed");
    assert!(read_to_end(&mut *follower).is_empty(), "nothing is committed as a reader sees it");
    stranger.commit_transaction(BOUND).expect("it is committed");
    everything_of(&*log, OUTPUT, 2);
    assert_eq!(
        keys(&read_to_end(&mut *follower)),
        ["open", "behind"],
        "both were committed before this poll"
    );
}

#[test]
fn partitions_that_are_added_are_followed() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut follower = log.follow(&[(INPUT, Start::End)]).expect("it can be followed");
    bed.options.partitions = Some(5);
    let other = bed.process();
    assert_eq!(other.partitions(INPUT), 5);
    publish(&*other, INPUT, 4, "new");
    let entries = until("the record in the new partition", || {
        Some(follower.poll(WAIT).expect("it goes on").entries).filter(|entries| !entries.is_empty())
    });
    assert_eq!((keys(&entries), entries[0].partition), (vec!["new".to_owned()], 4));
    assert_eq!(log.partitions(INPUT), 5, "publishers know it, too");
}

#[test]
fn a_follower_below_the_logs_start_is_told_at_its_first_poll() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    for key in 0..10 {
        publish(&*log, INPUT, 0, &key.to_string());
    }
    bed.remove_before(INPUT, 0, 5);
    let mut follower = log.follow(&[(INPUT, Start::Offsets(vec![(0, 3)]))]).expect("it can be followed");
    let gone = FollowError::Gone { topic: INPUT, partition: 0, wanted: 3, earliest: 5 };
    assert_eq!(follower.poll(WAIT).expect_err("it is gone"), gone);
    assert_eq!(everything(&*log, INPUT).len(), 5);
}

#[test]
fn a_follower_that_the_logs_start_has_passed_is_told() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    // While this is open, a reader stands before it.
    let stranger = transaction(&format!("{}stranger", bed.options.prefix), "60000");
    for key in 0..10 {
        bed.write(&stranger, INPUT, 0, &key.to_string());
    }
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
    read_to_end(&mut *follower);
    bed.remove_before(INPUT, 0, 5);
    let error = until("the follower to be told", || follower.poll(WAIT).err());
    assert_eq!(error, FollowError::Gone { topic: INPUT, partition: 0, wanted: 0, earliest: 5 });
}

#[test]
fn a_topic_that_was_removed_is_one_sentence_to_who_reads_it() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
    read_to_end(&mut *follower);
    bed.remove(INPUT);
    let error = until("the follower to be told", || follower.poll(WAIT).err());
    let FollowError::Storage(said) = error else { panic!("{error:?}") };
    assert!(said.contains(&format!("{}{INPUT}", bed.options.prefix)), "{said}");
}

#[test]
fn while_nothing_happens_the_end_is_confirmed_again_and_again() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
    read_to_end(&mut *follower);
    for _ in 0..4 {
        let batch = follower.poll(Duration::from_millis(500)).expect("it goes on");
        assert!(batch.at_end && batch.entries.is_empty());
    }
}

#[test]
fn a_closed_log_ends_who_waits() {
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    let log = bed.process();
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
    let mut work = log.work(&crate::bed::spec(None)).expect("it can be joined");
    let follows = std::thread::spawn(move || {
        loop {
            if let Err(error) = follower.poll(BOUND) {
                return error;
            }
        }
    });
    let works = std::thread::spawn(move || {
        loop {
            if let Err(error) = work.poll(BOUND) {
                return error;
            }
        }
    });
    log.close();
    assert_eq!(follows.join().expect("no panic"), FollowError::Closed);
    assert_eq!(works.join().expect("no panic"), eventlog::WorkError::Closed);
    assert_eq!(log.follow(&[]).err(), Some(eventlog::OpenError::Closed));
}
