//! What a session must see to although others die, pause, or have its name.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use eventlog::{
    CommitError, Log, OpenError, Polled, Position, Record, Start, Transaction, WorkError,
    conformance::{Bed as _, INPUT, OUTPUT, STATE, block_on},
    kafka::Fate,
};
use rdkafka::{
    Offset, TopicPartitionList,
    admin::AdminOptions,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    producer::Producer as _,
};

use crate::bed::{
    BOUND, KafkaBed, WAIT, admin, everything, everything_of, keys, publish, spec, start_all, stranger,
    take_all, transaction, until,
};
use crate::proxy::{END_TXN, JOIN_GROUP, Proxy};

fn one(key: &str, position: Position) -> Transaction {
    Transaction { records: vec![(OUTPUT, 0, Record::new(key.to_owned(), ""))], positions: vec![position] }
}

fn at(offset: u64) -> Position {
    Position { topic: INPUT, partition: 0, offset }
}

/// Whether a group has shared out, among so many.
fn is_stable_with(group: &str, members: usize) -> Option<()> {
    let client: BaseConsumer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", crate::bed::broker())
        .create()
        .expect("a client");
    let groups = client.fetch_group_list(Some(group), BOUND).ok()?;
    let group = groups.groups().first()?;
    (group.state() == "Stable" && group.members().len() == members).then_some(())
}

#[test]
fn a_dead_peers_open_transaction_makes_no_restore_incomplete() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let committed = transaction(&format!("{}peer", bed.options.prefix), "60000");
    bed.write(&committed, STATE, 0, "committed");
    committed.commit_transaction(crate::bed::BOUND).expect("it is committed");
    // It dies here: what it wrote, and everything behind it, is hidden until its time is over.
    let dead = transaction(&format!("{}dead", bed.options.prefix), "2000");
    bed.write(&dead, STATE, 0, "open");
    bed.write(&stranger(&[]), STATE, 0, "behind");
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (_, state) = take_all(&*log, &mut *work);
    assert_eq!(keys(&state), ["committed", "behind"]);
}

#[test]
fn positions_that_the_group_has_forgotten_come_back_as_none() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let position = publish(&*log, INPUT, 0, "cup");
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    start_all(&mut *work, &assigned);
    work.commit(Transaction { records: vec![], positions: vec![at(position.offset + 1)] })
        .expect("it is committed");
    drop(work);
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    assert_eq!(assigned[0].inputs[0].committed, Some(position.offset + 1));
    drop(work);
    let group = format!("{}tests", bed.options.prefix);
    until("the group to be empty and deleted", || {
        let deleted = block_on(admin().delete_groups(&[&group], &AdminOptions::new())).expect("an answer");
        deleted.into_iter().all(|result| result.is_ok()).then_some(())
    });
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    assert_eq!(assigned[0].inputs[0].committed, None);
}

#[test]
fn a_held_input_whose_records_are_removed_is_out_of_range() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    for key in 0..10 {
        publish(&*log, INPUT, 0, &key.to_string());
    }
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    start_all(&mut *work, &assigned);
    let mut read = 0;
    until("everything to be read", || {
        if let Polled::Records(entries) = work.poll(WAIT).expect("it goes on") {
            read += entries.len();
        }
        (read == 10).then_some(())
    });
    work.hold(INPUT, 0, 2).expect("it can be held");
    bed.remove_before(INPUT, 0, 5);
    work.release(INPUT, 0).expect("it can be released");
    let error = until("the session to be told", || work.poll(WAIT).err());
    let gone = WorkError::OutOfRange { topic: INPUT, partition: 0, wanted: 2, earliest: 5, end: 10 };
    assert_eq!(error, gone);
}

#[test]
fn an_input_that_was_removed_is_one_sentence() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    start_all(&mut *work, &assigned);
    bed.remove(INPUT);
    let error = until("the session to be told", || work.poll(WAIT).err());
    let WorkError::Storage(said) = error else { panic!("{error:?}") };
    assert!(said.contains(&format!("{}{INPUT}", bed.options.prefix)), "{said}");
}

#[test]
fn a_group_of_strangers_is_refused_in_one_sentence() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let group = format!("{}tests", bed.options.prefix);
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", crate::bed::broker()).set("group.id", &group);
    let other: BaseConsumer =
        config.set("partition.assignment.strategy", "range").create().expect("a consumer");
    other.subscribe(&[&format!("{}{INPUT}", bed.options.prefix)]).expect("a topic");
    until("the stranger to have its share", || {
        let _ = other.poll(WAIT);
        (other.assignment().expect("a list").count() > 0).then_some(())
    });
    let is_said = |said: &str| said.contains(&group) && said.contains("none of ours");
    let said = end_of_session(&*log);
    assert!(matches!(&said, WorkError::Storage(said) if is_said(said)), "they may go: {said:?}");
    let said = until("a person to be needed", || match end_of_session(&*log) {
        WorkError::Storage(said) if is_said(&said) => None,
        other => Some(other),
    });
    assert!(matches!(&said, WorkError::Refused(said) if is_said(said)), "{said:?}");
}

/// Why a session does not begin, or ends.
fn end_of_session(log: &dyn Log) -> WorkError {
    match log.work(&spec(None)) {
        Ok(mut work) => until("the session to be told", || work.poll(WAIT).err()),
        Err(OpenError::Storage(why)) => WorkError::Storage(why),
        Err(why) => WorkError::Refused(why.to_string()),
    }
}

#[test]
fn a_stranger_who_is_in_the_group_for_a_moment_is_waited_for_and_nobody_works_meanwhile() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut work = log.work(&spec(None)).expect("it can be joined");
    take_all(&*log, &mut *work);
    let mut config = rdkafka::ClientConfig::new();
    config
        .set("bootstrap.servers", crate::bed::broker())
        .set("group.id", format!("{}tests", bed.options.prefix));
    let other: BaseConsumer =
        config.set("partition.assignment.strategy", "cooperative-sticky").create().expect("a consumer");
    other.subscribe(&[&format!("{}{INPUT}", bed.options.prefix)]).expect("a topic");
    let error = until("the session to be told", || {
        let _ = other.poll(Duration::ZERO);
        work.poll(WAIT).err()
    });
    drop(work);
    assert!(matches!(&error, WorkError::Storage(said) if said.contains("none of ours")), "{error:?}");
    let _ = other.poll(Duration::ZERO);
    assert_eq!(end_of_session(&*log), error, "it is not even joined again, and nothing new is to be said");
    drop(other);
    let mut work = until("the stranger to be gone", || log.work(&spec(None)).ok());
    take_all(&*log, &mut *work);
}

#[test]
fn the_older_of_two_with_one_instance_name_ends_with_one_sentence() {
    let mut bed = KafkaBed::new();
    bed.keep_members();
    let log = bed.open();
    let position = publish(&*log, INPUT, 0, "cup");
    let mut older = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *older);
    start_all(&mut *older, &assigned);
    let newcomer = bed.process();
    let mut newer = newcomer.work(&spec(Some("bar-1"))).expect("it can be joined");
    let (assigned, _) = take_all(&*newcomer, &mut *newer);
    start_all(&mut *newer, &assigned);
    assert_eq!(older.commit(one("older", position)), Err(CommitError::Fenced));
    drop(older);
    // It is not let in again, or the two would shut each other out for ever.
    let refused = log.work(&spec(Some("bar-1"))).err().expect("the name is taken");
    let OpenError::InUse(sentence) = refused else { panic!("{refused:?}") };
    assert!(sentence.contains("bar-1") && sentence.contains("--instance"), "{sentence}");
    newer.commit(one("newer", position)).expect("the newer one works");
    assert_eq!(keys(&everything_of(&*log, OUTPUT, 1)), ["newer"]);
}

#[test]
fn an_idle_session_that_lost_its_instance_name_is_told_by_poll() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut older = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*log, &mut *older);
    let newcomer = bed.process();
    let mut newer = newcomer.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*newcomer, &mut *newer);
    let error = until("the older to be told", || older.poll(WAIT).err());
    assert_eq!(error, WorkError::Fenced);
    assert!(matches!(log.work(&spec(Some("bar-1"))).err(), Some(OpenError::InUse(_))));
}

#[test]
fn a_session_that_no_other_process_has_shut_out_is_followed_by_one_with_its_name() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*log, &mut *work);
    // As its own client does, when the answer to its last join was lost.
    let group = format!("{}tests", bed.options.prefix);
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", crate::bed::broker()).set("group.id", &group);
    config.set("group.instance.id", format!("{}bar-1", bed.options.prefix)).set("client.id", "brewline");
    let again: BaseConsumer =
        config.set("partition.assignment.strategy", "cooperative-sticky").create().expect("a consumer");
    again.subscribe(&[&format!("{}{INPUT}", bed.options.prefix)]).expect("a topic");
    let error = until("the session to be shut out", || {
        let _ = again.poll(Duration::ZERO);
        work.poll(WAIT).err()
    });
    assert_eq!(error, WorkError::Fenced);
    drop((work, again));
    let mut work = log.work(&spec(Some("bar-1"))).expect("the name is still its own");
    take_all(&*log, &mut *work);
}

#[test]
fn a_name_that_a_process_took_which_never_came_to_the_group_is_taken_back() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*log, &mut *work);
    // As a process does that is killed before it joins.
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", crate::bed::broker());
    let claims: BaseConsumer =
        config.set("group.id", format!("{}tests-bar-1", bed.options.prefix)).create().expect("a consumer");
    let mut place = TopicPartitionList::new();
    let input = format!("{}{INPUT}", bed.options.prefix);
    place.add_partition_offset(&input, 0, Offset::Offset(i64::MAX)).expect("an offset");
    place.find_partition(&input, 0).expect("it was added").set_metadata("0123456789abcdef");
    claims.commit(&place, CommitMode::Sync).expect("it is written down");
    drop(work);
    let waits = log.work(&spec(Some("bar-1"))).err().expect("it may be on its way");
    assert!(matches!(&waits, OpenError::Storage(said) if said.contains("bar-1")), "{waits:?}");
    let mut work = until("the name to be taken back", || match log.work(&spec(Some("bar-1"))) {
        Ok(work) => Some(work),
        Err(error) => {
            assert_eq!(error, waits);
            std::thread::park_timeout(WAIT);
            None
        }
    });
    take_all(&*log, &mut *work);
}

#[test]
fn what_a_session_committed_is_not_written_again_by_the_one_after_it() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let position = publish(&*log, INPUT, 0, "cup");
    for (round, key) in ["first", "second", "third"].into_iter().enumerate() {
        let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
        let (assigned, _) = take_all(&*log, &mut *work);
        start_all(&mut *work, &assigned);
        work.commit(one(key, at(position.offset + round as u64))).expect("it is committed");
    }
    // Each is one record and a mark: whoever reads what is not committed saw nothing twice.
    let offsets: Vec<_> = everything_of(&*log, OUTPUT, 3).iter().map(|entry| entry.offset).collect();
    assert_eq!(offsets, [0, 2, 4]);
}

#[test]
fn a_session_time_that_the_brokers_do_not_allow_is_one_sentence_with_their_range() {
    let mut bed = KafkaBed::new();
    bed.options.property("session.timeout.ms", "10").expect("librdkafka takes it");
    let log = bed.open();
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let error = until("the session to be told", || work.poll(WAIT).err());
    let WorkError::Refused(said) = error else { panic!("{error:?}") };
    assert!(said.contains("session.timeout.ms") && said.contains("6000 to 1800000 ms"), "{said}");
}

#[test]
fn a_restart_under_the_same_instance_name_does_not_wait_for_the_session_time() {
    let mut bed = KafkaBed::new();
    bed.keep_members();
    let log = bed.open();
    let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*log, &mut *work);
    drop(work);
    drop(log);
    let log = bed.reopen();
    let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*log, &mut *work);
}

#[test]
fn whoever_comes_back_with_its_name_between_two_steps_of_a_rebalance_leaves_no_partition_to_nobody() {
    let mut bed = KafkaBed::new();
    bed.keep_members();
    let log = bed.open();
    let mut first = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*log, &mut *first);
    let mut second = log.work(&spec(None)).expect("it can be joined");
    let group = format!("{}tests", bed.options.prefix);
    // The first is not polled: it has learned what to hand back, and does not.
    until("the first step", || {
        let _ = second.poll(WAIT);
        is_stable_with(&group, 2)
    });
    drop(first);
    let mut first = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    let mut given = BTreeSet::new();
    until("every partition to be given to somebody", || {
        for work in [&mut first, &mut second] {
            match work.poll(WAIT).expect("the session goes on") {
                Polled::Assigned(assignment) => given.insert(assignment.partition),
                Polled::Revoked(partition) | Polled::Lost(partition) => given.remove(&partition),
                _ => false,
            };
        }
        (given.len() == log.partitions(INPUT) as usize).then_some(())
    });
}

#[test]
fn whoever_hears_late_that_the_group_has_shared_out_anew_commits_all_the_same() {
    let proxy = Proxy::start();
    let mut bed = KafkaBed::new();
    bed.keep_members();
    let other = bed.open();
    bed.options.brokers = proxy.address();
    let log = bed.process();
    let mut work = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    start_all(&mut *work, &assigned);
    // The other one will get the first partition.
    let cup = publish(&*log, INPUT, 2, "cup");
    let bell = one("bell", Position { offset: cup.offset + 1, ..cup });
    // Another one comes, and by the brokers' word there is another generation, of which this one does not hear.
    proxy.hold_answers(JOIN_GROUP);
    let mut second = other.work(&spec(None)).expect("it can be joined");
    until("the group to share out anew", || {
        second.poll(WAIT).expect("it waits for its share");
        proxy.holds_answers().then_some(())
    });
    proxy.hold(END_TXN);
    let commits = std::thread::spawn(move || (work.commit(bell), work));
    until("the commit of a generation that is over to be taken back", || proxy.holds().then_some(()));
    proxy.release_answers();
    proxy.release();
    let (done, mut work) = commits.join().expect("it does not panic");
    done.expect("it is a member, and has handed nothing back");
    let bells = everything_of(&*log, OUTPUT, 1);
    assert_eq!(keys(&bells), ["bell"]);
    assert_eq!(bells[0].offset, 2, "behind what was taken back, and the mark of that");
    until("the other one to get a share", || {
        work.poll(WAIT).expect("the session goes on");
        matches!(second.poll(WAIT).expect("it has its share"), Polled::Assigned(_)).then_some(())
    });
}

#[test]
fn who_has_no_partition_is_out_of_the_group_when_it_has_ended() {
    let mut bed = KafkaBed::new();
    bed.keep_members();
    bed.options.partitions = Some(1);
    let log = bed.open();
    let mut first = log.work(&spec(None)).expect("it can be joined");
    take_all(&*log, &mut *first);
    let mut second = log.work(&spec(None)).expect("it can be joined");
    let group = format!("{}tests", bed.options.prefix);
    let mut stable_with = |members: usize| {
        assert!(matches!(first.poll(WAIT), Ok(Polled::Idle)), "it has its partition, and keeps it");
        is_stable_with(&group, members)
    };
    until("both to be in the group", || {
        assert!(matches!(second.poll(WAIT), Ok(Polled::Idle)), "there is nothing for it");
        stable_with(2)
    });
    drop(second);
    until("it to be out of the group", || stable_with(1));
}

#[test]
fn partitions_that_are_added_are_worked_on() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let mut work = log.work(&spec(None)).expect("it can be joined");
    take_all(&*log, &mut *work);
    bed.options.partitions = Some(4);
    let other = bed.process();
    assert_eq!(other.partitions(INPUT), 4);
    let assigned = until("the new partition", || match work.poll(WAIT).expect("it goes on") {
        Polled::Assigned(assignment) => Some(assignment.partition),
        _ => None,
    });
    assert_eq!(assigned, 3);
}

#[test]
fn what_a_refused_commit_wrote_is_void_at_once() {
    let mut bed = KafkaBed::new();
    let log = bed.open();
    let position = publish(&*log, INPUT, 0, "cup");
    let mut first = log.work(&spec(None)).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *first);
    start_all(&mut *first, &assigned);
    // The first is not polled while the second joins, until the group gives it up.
    let mut second = log.work(&spec(None)).expect("it can be joined");
    take_all(&*log, &mut *second);
    assert_eq!(first.commit(one("void", position)), Err(CommitError::Fenced));
    let began = Instant::now();
    // The answer to its end comes before its mark.
    let look = bed.look();
    let mut watch = look.watch(&[(OUTPUT, Start::Beginning)]).expect("it can be watched");
    let void = until("what was written to be decided", || {
        watch.poll(WAIT).expect("it goes on").records.into_iter().find(|seen| seen.fate != Fate::Open)
    });
    assert_eq!((keys(&[void.entry]), void.fate), (vec!["void".to_owned()], Fate::Aborted));
    // Nobody is to wait until the brokers end it, which they do every 10 s (`scripts/kafka`) with those that are open
    // for 6 s.
    assert!(began.elapsed() < Duration::from_secs(6), "sooner than the transaction times out");
    publish(&*log, OUTPUT, 0, "behind");
    assert_eq!(keys(&everything(&*log, OUTPUT)), ["behind"]);
}
