//! What someone who looks sees of records that are committed, taken back, or neither.

use eventlog::{
    Entry, FollowError, Log as _, OpenError, Start,
    conformance::{Bed as _, INPUT, OUTPUT, STATE, block_on},
    kafka::{Fate, KafkaLog, Watch},
};
use rdkafka::{
    admin::{AdminOptions, NewTopic, TopicReplication},
    producer::{BaseProducer, BaseRecord, Producer as _},
};

use crate::bed::{BOUND, KafkaBed, WAIT, admin, publish, stranger, transaction, until};

/// Waits for this many sightings: key, what became of it, and whether it was open before.
fn see(watch: &mut Watch, count: usize) -> Vec<(String, Fate, bool)> {
    let mut seen = Vec::new();
    until("the records to be seen", || {
        let records = watch.poll(WAIT).expect("it goes on").records;
        seen.extend(records.into_iter().map(|one| (key(&one.entry), one.fate, one.was_open)));
        (seen.len() >= count).then_some(())
    });
    seen
}

fn key(entry: &Entry) -> String {
    String::from_utf8_lossy(entry.record.key.as_deref().unwrap_or_default()).into_owned()
}

fn committed(keys: &[&str]) -> Vec<(String, Fate, bool)> {
    keys.iter().map(|key| ((*key).to_owned(), Fate::Committed, false)).collect()
}

fn one(key: &str, fate: Fate, was_open: bool) -> (String, Fate, bool) {
    (key.to_owned(), fate, was_open)
}

/// Who has begun a transaction.
fn writer(bed: &KafkaBed) -> BaseProducer {
    transaction(&format!("{}writer", bed.options.prefix), "60000")
}

#[test]
fn records_of_transactions_and_of_none_are_seen_once_with_what_became_of_them() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let look = bed.look();
    let mut watch = look.watch(&[(INPUT, Start::End), (OUTPUT, Start::End)]).expect("it can be watched");
    bed.write(&stranger(&[]), OUTPUT, 0, "someone else's");
    publish(&*log, OUTPUT, 0, "ours");
    assert_eq!(see(&mut watch, 2), committed(&["someone else's", "ours"]));
    let writer = writer(&bed);
    bed.write(&writer, OUTPUT, 0, "void");
    writer.abort_transaction(BOUND).expect("it is taken back");
    assert_eq!(see(&mut watch, 1), [one("void", Fate::Aborted, false)]);
    writer.begin_transaction().expect("it begins");
    bed.write(&writer, OUTPUT, 0, "kept");
    bed.write(&writer, INPUT, 2, "kept elsewhere");
    writer.commit_transaction(BOUND).expect("it is committed");
    let mut seen = see(&mut watch, 2);
    seen.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(seen, committed(&["kept", "kept elsewhere"]));
}

#[test]
fn what_was_before_is_seen_from_the_beginning_or_from_a_time() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let writer = writer(&bed);
    bed.write(&writer, OUTPUT, 0, "void");
    writer.abort_transaction(BOUND).expect("it is taken back");
    publish(&*log, OUTPUT, 0, "first");
    let all = [vec![one("void", Fate::Aborted, false)], committed(&["first"])].concat();
    let look = bed.look();
    let mut watch = look.watch(&[(OUTPUT, Start::Beginning)]).expect("it can be watched");
    let mut entries = Vec::new();
    until("both", || {
        entries.extend(watch.poll(WAIT).expect("it goes on").records);
        (entries.len() == 2).then_some(())
    });
    let seen: Vec<_> = entries.iter().map(|one| (key(&one.entry), one.fate, one.was_open)).collect();
    assert_eq!(seen, all);
    let since = Start::Time(entries[1].entry.timestamp);
    let mut later = look.watch(&[(OUTPUT, since)]).expect("it can be watched");
    assert!(see(&mut later, 1).ends_with(&committed(&["first"])));
    // The mark of what was taken back may come before it or after it.
    let offset = Start::Offsets(vec![(0, entries[1].entry.offset)]);
    let mut from_offset = look.watch(&[(OUTPUT, offset)]).expect("it can be watched");
    assert_eq!(see(&mut from_offset, 1), committed(&["first"]));
}

#[test]
fn what_is_not_decided_is_open_first_and_decided_later() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let look = bed.look();
    let mut watch = look.watch(&[(OUTPUT, Start::End)]).expect("it can be watched");
    for ends_well in [true, false] {
        let writer = writer(&bed);
        bed.write(&writer, OUTPUT, 0, "in it");
        publish(&*log, OUTPUT, 0, "behind it");
        assert_eq!(
            see(&mut watch, 2),
            [one("in it", Fate::Open, false), one("behind it", Fate::Open, false)],
            "nobody who reads what is committed has either"
        );
        let ended =
            if ends_well { writer.commit_transaction(BOUND) } else { writer.abort_transaction(BOUND) };
        ended.expect("it ends");
        let fate = if ends_well { Fate::Committed } else { Fate::Aborted };
        assert_eq!(see(&mut watch, 2), [one("in it", fate, true), one("behind it", Fate::Committed, true)]);
    }
}

#[test]
fn who_comes_into_an_open_transaction_sees_what_becomes_of_the_rest_of_it() {
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    let look = bed.look();
    for (ends_well, fate) in [(true, Fate::Committed), (false, Fate::Aborted)] {
        let writer = writer(&bed);
        bed.write(&writer, OUTPUT, 0, "before");
        let mut watch = look.watch(&[(OUTPUT, Start::End)]).expect("it can be watched");
        bed.write(&writer, OUTPUT, 0, "after");
        assert_eq!(see(&mut watch, 1), [one("after", Fate::Open, false)]);
        let ended =
            if ends_well { writer.commit_transaction(BOUND) } else { writer.abort_transaction(BOUND) };
        ended.expect("it ends");
        assert_eq!(see(&mut watch, 1), [one("after", fate, true)]);
    }
}

#[test]
fn deletions_are_seen_as_records_without_a_value() {
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    let look = bed.look();
    let mut watch = look.watch(&[(STATE, Start::End)]).expect("it can be watched");
    let name = format!("{}{STATE}", bed.options.prefix);
    let producer = stranger(&[]);
    let record = BaseRecord::<_, ()>::to(&name).partition(1).key("gone");
    producer.send(record).map_err(|(error, _)| error).expect("it is taken");
    producer.flush(BOUND).expect("it is written");
    let seen = until("it to be seen", || watch.poll(WAIT).expect("it goes on").records.pop());
    assert_eq!((key(&seen.entry).as_str(), seen.fate), ("gone", Fate::Committed));
    assert_eq!((seen.entry.partition, &seen.entry.record.value), (1, &None));
}

#[test]
fn looking_makes_no_topic_and_sees_one_that_appears_and_partitions_that_are_added() {
    let bed = KafkaBed::new();
    let look = bed.look();
    assert_eq!(look.partitions(INPUT), 0);
    let mut watch = look.watch(&[(INPUT, Start::End)]).expect("it can be watched");
    assert!(watch.poll(WAIT).expect("it goes on").records.is_empty());
    let name = format!("{}{INPUT}", bed.options.prefix);
    let made = NewTopic::new(&name, 1, TopicReplication::Fixed(1));
    let made = block_on(admin().create_topics([&made], &AdminOptions::new())).expect("an answer");
    assert_eq!(made, [Ok(name)], "it is made here, so nobody had made it");
    // Before it is found: what a topic has when it appears is new.
    bed.write(&stranger(&[]), INPUT, 0, "first");
    assert_eq!(see(&mut watch, 1), committed(&["first"]));
    let mut more = bed.options.clone();
    more.partitions = Some(4);
    let log = KafkaLog::open(more).expect("the log opens");
    publish(&*log, INPUT, 3, "new partition");
    assert_eq!(see(&mut watch, 1), committed(&["new partition"]));
    bed.remove_all();
}

#[test]
fn a_topic_that_is_made_anew_is_seen_from_its_first_record() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    for number in 0..5 {
        publish(&*log, INPUT, 0, &number.to_string());
    }
    let look = bed.look();
    let mut watch = look.watch(&[(INPUT, Start::Beginning)]).expect("it can be watched");
    see(&mut watch, 5);
    bed.remove(INPUT);
    let log = until("it to be made again", || KafkaLog::open(bed.options.clone()).ok());
    publish(&*log, INPUT, 0, "new");
    assert_eq!(see(&mut watch, 1), committed(&["new"]));
}

#[test]
fn who_is_overtaken_by_the_logs_start_goes_on_behind_it() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    for number in 0..10 {
        publish(&*log, INPUT, 0, &number.to_string());
    }
    let look = bed.look();
    let mut watch = look.watch(&[(INPUT, Start::Beginning)]).expect("it can be watched");
    bed.remove_before(INPUT, 0, 8);
    // How much of it each of the two readers had before it was removed is not known.
    let mut seen = Vec::new();
    until("the rest", || {
        seen.extend(see(&mut watch, 1));
        seen.contains(&one("9", Fate::Committed, false)).then_some(())
    });
    assert!(seen.ends_with(&committed(&["8", "9"])), "{seen:?}");
}

#[test]
fn what_is_left_of_an_open_transaction_when_its_start_is_removed_is_followed_to_its_end() {
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    let look = bed.look();
    let mut watch = look.watch(&[(OUTPUT, Start::End)]).expect("it can be watched");
    let writer = writer(&bed);
    let keys = ["removed", "first left", "last left"];
    for key in keys {
        bed.write(&writer, OUTPUT, 0, key);
    }
    assert_eq!(see(&mut watch, 3), keys.map(|key| one(key, Fate::Open, false)), "each is seen");
    bed.remove_before(OUTPUT, 0, 1);
    let given_up = until("what is removed to be given up", || {
        let sightings = watch.poll(WAIT).expect("it goes on");
        assert_eq!(sightings.records, [], "nothing is decided");
        (sightings.unfollowed > 0).then_some(sightings.unfollowed)
    });
    assert_eq!(given_up, 1);
    writer.commit_transaction(BOUND).expect("it is committed");
    let left = ["first left", "last left"].map(|key| one(key, Fate::Committed, true));
    assert_eq!(see(&mut watch, 2), left);
}

#[test]
fn many_records_from_the_beginning_are_decided_and_none_is_open() {
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    let writer = writer(&bed);
    let name = format!("{}{OUTPUT}", bed.options.prefix);
    let count = 40;
    for round in 0..count {
        for number in 0..1_000 {
            let key = format!("{round}/{number}");
            let record = BaseRecord::to(&name).partition(number % 3).key(&key).payload("value");
            writer.send(record).map_err(|(error, _)| error).expect("it is taken");
        }
        writer.flush(BOUND).expect("they are written");
        if round % 2 == 0 { writer.commit_transaction(BOUND) } else { writer.abort_transaction(BOUND) }
            .expect("it ends");
        writer.begin_transaction().expect("it begins");
    }
    let look = bed.look();
    let mut watch = look.watch(&[(OUTPUT, Start::Beginning)]).expect("it can be watched");
    let seen = see(&mut watch, count * 1_000);
    assert_eq!(seen.len(), count * 1_000);
    for (key, fate, was_open) in seen {
        let round: usize = key.split('/').next().expect("a round").parse().expect("a number");
        let expected = if round.is_multiple_of(2) { Fate::Committed } else { Fate::Aborted };
        assert_eq!((fate, was_open), (expected, false), "{key}");
    }
}

#[test]
fn a_closed_log_ends_who_watches_and_what_it_does_not_have_is_refused() {
    let bed = KafkaBed::new();
    let look = bed.look();
    let unknown = look.watch(&[("unknown", Start::End)]).err();
    assert_eq!(unknown, Some(OpenError::NotUsable("the log has no topic unknown".to_owned())));
    let mut watch = look.watch(&[(INPUT, Start::End)]).expect("it can be watched");
    let watches = std::thread::spawn(move || watch.poll(BOUND).err());
    look.close();
    assert_eq!(watches.join().expect("no panic"), Some(FollowError::Closed));
    assert_eq!(look.watch(&[(INPUT, Start::End)]).err(), Some(OpenError::Closed));
}
