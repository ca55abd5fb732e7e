//! The faults of the log in memory happen, and are what they say.

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use eventlog::{
    Certainty, Cleanup, CommitError, Log, Partition, Partitions, Polled, Position, PublishError, Record,
    Start, Topic, TopicSpec, Transaction, Work, WorkError, WorkSpec,
    sim::{Bug, Faults, Options, Process, SimClock, SimLog},
};

const IN: Topic = "in";
const OUT: Topic = "out";
const STATE: Topic = "state";
const GROUP: &str = "group";
const SESSION_TIMEOUT_MS: i64 = 6_000;

fn options() -> Options {
    let topic = |name, cleanup| TopicSpec { name, cleanup, partitions: Partitions::Like(IN) };
    let kept = Cleanup::Delete(Duration::from_mins(1));
    Options {
        topics: vec![topic(IN, kept), topic(OUT, kept), topic(STATE, Cleanup::Compact)],
        partitions: 2,
        session_timeout_ms: SESSION_TIMEOUT_MS,
        ..Options::default()
    }
}

fn faulty(faults: Faults) -> Arc<SimLog> {
    SimLog::new(Options { faults, ..options() })
}

fn record(key: &str) -> Record {
    Record::new(key.to_owned(), "value")
}

fn position(partition: Partition, offset: u64) -> Position {
    Position { topic: IN, partition, offset }
}

fn publish(log: &dyn Log, key: &str) -> Result<Position, PublishError> {
    let answer = log.publisher().publish(IN, 0, record(key), Duration::ZERO);
    match pin!(answer).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("answers are there at once"),
    }
}

/// A worker that has started what it was assigned.
struct Worker {
    session: Box<dyn Work>,
    mine: BTreeSet<Partition>,
}

impl Worker {
    fn join(process: &Process) -> Self {
        let (inputs, outputs) = (vec![IN], vec![OUT]);
        let spec = WorkSpec { inputs, state: STATE, outputs, group: GROUP.to_owned(), instance: None };
        Self { session: process.work(&spec).expect("the group can be joined"), mine: BTreeSet::new() }
    }

    /// Polls until nothing comes: what it was told, sorted.
    fn run(&mut self) -> Result<Vec<String>, WorkError> {
        let mut told = Vec::new();
        loop {
            match self.session.poll(Duration::ZERO)? {
                Polled::State(_, entries) => {
                    told.extend(entries.iter().map(|e| format!("state {}", text(e.record.key.as_ref()))));
                }
                Polled::Assigned(assignment) => {
                    let input = &assignment.inputs[0];
                    let committed = input.committed.filter(|offset| *offset >= input.earliest);
                    self.session.start(assignment.partition, &[(IN, committed.unwrap_or(input.earliest))])?;
                    self.mine.insert(assignment.partition);
                    told.push(format!("assigned {}", assignment.partition));
                }
                Polled::Revoked(partition) => {
                    self.mine.remove(&partition);
                    told.push(format!("revoked {partition}"));
                }
                Polled::Lost(partition) => {
                    self.mine.remove(&partition);
                    told.push(format!("lost {partition}"));
                }
                Polled::Records(entries) => told.extend(entries.iter().map(|e| text(e.record.key.as_ref()))),
                Polled::Idle => {
                    told.sort();
                    return Ok(told);
                }
            }
        }
    }

    fn commit(&mut self, records: &[(Topic, &str)], positions: Vec<Position>) -> Result<(), CommitError> {
        let records = records.iter().map(|(topic, key)| (*topic, 0, record(key))).collect();
        self.session.commit(Transaction { records, positions }).map(drop)
    }
}

fn text(bytes: Option<&bytes::Bytes>) -> String {
    bytes.map_or_else(String::new, |b| String::from_utf8_lossy(b).into_owned())
}

fn keys(log: &SimLog, topic: Topic) -> Vec<String> {
    log.history(topic, 0).iter().map(|e| text(e.record.key.as_ref())).collect()
}

#[test]
fn a_late_follower_sees_all_of_a_transaction_or_nothing() {
    let log = faulty(Faults { delay: 0.7, split: 0.3, ..Faults::none() });
    let mut worker = Worker::join(&log.process());
    worker.run().expect("it joins");
    let mut follower = log.follow(&[(OUT, Start::Beginning), (STATE, Start::Beginning)]).expect("it follows");
    let mut late = 0;
    for _ in 0..200 {
        worker.commit(&[(OUT, "a"), (STATE, "b")], vec![position(0, 0)]).expect("it commits");
        let batch = follower.poll(Duration::ZERO).expect("it reads");
        late += usize::from(batch.entries.is_empty());
        assert!(!batch.at_end || !batch.entries.is_empty(), "the end is not where it stopped to look");
    }
    assert!(late > 50, "{late} of 200 polls were late");
    log.set_faults(Faults::none());
    follower.poll(Duration::ZERO).expect("it reads");
    let read: Vec<_> = follower.positions().iter().filter(|p| p.partition == 0).map(|p| p.offset).collect();
    assert_eq!(read, [200, 200]);
}

#[test]
fn a_killed_process_fails_in_every_call_and_its_partitions_pass_on_when_its_session_runs_out() {
    let log = SimLog::new(options());
    let (first, second) = (log.process(), log.process());
    let mut dead = Worker::join(&first);
    assert_eq!(dead.run().expect("it joins"), ["assigned 0", "assigned 1"]);
    first.kill_at_call(2);
    assert_eq!(dead.run().expect("the first call goes through"), Vec::<String>::new());
    dead.run().expect_err("it is dead");
    assert!(first.is_dead());
    assert!(matches!(dead.commit(&[(OUT, "x")], vec![position(0, 0)]), Err(CommitError::Aborted(_))));
    assert_eq!(publish(&*first, "x").expect_err("it is dead").certainty, Certainty::NotWritten);
    assert!(first.follow(&[(IN, Start::Beginning)]).is_err());
    drop(dead);

    let mut heir = Worker::join(&second);
    assert_eq!(heir.run().expect("it joins"), Vec::<String>::new(), "the session has not run out");
    log.clock().advance(SESSION_TIMEOUT_MS);
    assert_eq!(heir.run().expect("it goes on"), ["assigned 0", "assigned 1"]);
    assert_eq!(keys(&log, OUT), Vec::<String>::new());
}

#[test]
fn a_kill_in_a_commit_writes_all_of_it_or_nothing() {
    let mut written = 0;
    for seed in 0..50 {
        let log = SimLog::new(Options { seed, ..options() });
        let process = log.process();
        let mut worker = Worker::join(&process);
        worker.run().expect("it joins");
        log.append(IN, 0, record("cup"));
        process.kill_at_call(1);
        let answer = worker.commit(&[(OUT, "x"), (STATE, "y")], vec![position(0, 1)]);
        assert!(matches!(answer, Err(CommitError::Aborted(_))));
        let applied = keys(&log, OUT).len();
        assert_eq!(applied, keys(&log, STATE).len());
        assert_eq!(applied == 1, log.group_position(GROUP, IN, 0) == Some(1));
        written += applied;
    }
    assert!((10..40).contains(&written), "{written} of 50 were written");
}

#[test]
fn a_worker_that_was_thrown_out_reads_on_but_can_not_commit() {
    let log = faulty(Faults { unnoticed: 1.0, ..Faults::none() });
    let (first, second) = (log.process(), log.process());
    let mut zombie = Worker::join(&first);
    zombie.run().expect("it joins");
    let mut other = Worker::join(&second);
    log.throw_out(&first);
    assert_eq!(other.run().expect("it takes over"), ["assigned 0", "assigned 1"]);
    log.append(IN, 0, record("cup"));
    assert_eq!(zombie.run().expect("it does not know"), ["cup"]);
    assert_eq!(zombie.commit(&[(OUT, "x")], vec![position(0, 1)]), Err(CommitError::Fenced));
    assert_eq!(keys(&log, OUT), Vec::<String>::new());
    // Without a position nobody looks, as on Kafka: that is why every transaction carries some.
    zombie.commit(&[(OUT, "x")], Vec::new()).expect("nobody looks");
    log.set_faults(Faults::none());
    assert_eq!(zombie.run().expect("it notices, and joins again"), ["lost 0", "lost 1"]);
    assert_eq!(other.run().expect("it is asked for one"), ["revoked 0"]);
    assert_eq!(zombie.run().expect("it has joined"), ["assigned 0", "cup"]);
}

#[test]
fn a_partition_that_is_asked_back_goes_to_the_other_with_all_of_its_state() {
    let log = SimLog::new(Options { partitions: 3, ..options() });
    let (mut a, mut b) = (Worker::join(&log.process()), Worker::join(&log.process()));
    for _ in 0..3 {
        a.run().expect("it gets its share");
        b.run().expect("it gets its share");
    }
    let (giver, taker) = if a.mine.len() == 2 { (&mut a, &mut b) } else { (&mut b, &mut a) };
    let partition = *giver.mine.first().expect("it has two");
    let written = ["one", "two"].map(|key| (STATE, partition, record(key))).to_vec();
    let positions = vec![position(partition, 0)];
    giver.session.commit(Transaction { records: written, positions }).expect("it commits");
    assert!(log.ask_back(GROUP, partition));
    assert_eq!(giver.run().expect("it is asked"), [format!("revoked {partition}")]);
    let told = taker.run().expect("it gets it");
    assert_eq!(told, [format!("assigned {partition}"), "state one".to_owned(), "state two".to_owned()]);
}

#[test]
fn expired_positions_begin_at_the_oldest_record_that_is_kept() {
    let log = SimLog::new(options());
    for key in ["a", "b", "c"] {
        log.append(IN, 0, record(key));
    }
    let process = log.process();
    let mut worker = Worker::join(&process);
    worker.run().expect("it joins");
    worker.commit(&[], vec![position(0, 3)]).expect("it commits");
    drop(worker);
    log.cut(IN, 0, 1);
    log.expire_positions(GROUP);
    assert_eq!(Worker::join(&process).run().expect("it joins")[2..], ["b", "c"]);
}

#[test]
fn added_partitions_are_handed_out_and_followed() {
    let log = SimLog::new(options());
    let mut worker = Worker::join(&log.process());
    let mut follower = log.follow(&[(IN, Start::End)]).expect("it follows");
    worker.run().expect("it joins");
    log.add_partitions(1);
    log.append(IN, 2, record("cup"));
    assert_eq!(worker.run().expect("it goes on"), ["assigned 2", "cup"]);
    assert_eq!(follower.poll(Duration::ZERO).expect("it reads").entries.len(), 1);
}

#[test]
fn a_publish_in_doubt_is_sometimes_written() {
    let log = faulty(Faults { publish_unknown: 0.5, publish_refused: 0.2, ..Faults::none() });
    let (mut sure, mut doubtful) = (0, 0);
    for _ in 0..200 {
        match publish(&*log, "cup") {
            Ok(_) => sure += 1,
            Err(error) => doubtful += usize::from(error.certainty == Certainty::Unknown),
        }
    }
    let written = keys(&log, IN).len();
    assert!(
        sure < written && written < sure + doubtful,
        "{sure} sure, {doubtful} in doubt, {written} written"
    );
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = |seed| {
        let faults =
            Faults { split: 0.5, gap: 0.3, commit_unknown: 0.3, publish_unknown: 0.3, ..Faults::none() };
        let log = SimLog::new(Options { seed, faults, clock: SimClock::new(7), ..options() });
        let mut worker = Worker::join(&log.process());
        for i in 0..30 {
            publish(&*log, &format!("cup {i}")).ok();
            let read = worker.run().expect("no poll fails").len();
            worker.commit(&[(OUT, &read.to_string())], vec![position(0, 0)]).ok();
        }
        log.digest()
    };
    assert_eq!(story(1), story(1));
    assert_ne!(story(1), story(2));
}

#[test]
fn the_bug_of_positions_before_outputs_loses_outputs() {
    let mut lost = 0;
    for seed in 0..50 {
        let bug = Some(Bug::PositionsBeforeOutputs { key_prefix: b"positions" });
        let faults = Faults { commit_unknown: 1.0, ..Faults::none() };
        let log = SimLog::new(Options { seed, bug, faults, ..options() });
        let mut worker = Worker::join(&log.process());
        worker.run().expect("it joins");
        log.append(IN, 0, record("cup"));
        worker.commit(&[(OUT, "x"), (STATE, "positions")], vec![position(0, 1)]).expect_err("in doubt");
        assert_eq!(keys(&log, STATE), ["positions"]);
        assert_eq!(log.group_position(GROUP, IN, 0), Some(1));
        lost += usize::from(keys(&log, OUT).is_empty());
    }
    assert!((10..40).contains(&lost), "{lost} of 50 were lost");
}

#[test]
fn the_bug_of_a_short_restore_leaves_out_the_tail() {
    let log = SimLog::new(Options { bug: Some(Bug::RestoreStopsEarly { at_most: 2 }), ..options() });
    let process = log.process();
    let mut worker = Worker::join(&process);
    worker.run().expect("it joins");
    for key in ["a", "b", "c", "d"] {
        worker.commit(&[(STATE, key)], vec![position(0, 0)]).expect("it commits");
    }
    drop(worker);
    let told = Worker::join(&process).run().expect("it joins");
    assert!((2..4).contains(&(told.len() - 2)), "{told:?}");
}

#[test]
fn the_bug_of_timers_without_positions_lets_a_zombie_write() {
    let faults = Faults { unnoticed: 1.0, ..Faults::none() };
    let log = SimLog::new(Options { bug: Some(Bug::TimersWithoutPositions), faults, ..options() });
    let (first, second) = (log.process(), log.process());
    let mut zombie = Worker::join(&first);
    zombie.run().expect("it joins");
    log.append(IN, 0, record("cup"));
    zombie.commit(&[], vec![position(0, 1)]).expect("it commits");
    let mut other = Worker::join(&second);
    log.throw_out(&first);
    other.run().expect("it takes over");
    zombie.commit(&[(OUT, "twice")], vec![position(0, 1)]).expect("nobody looks");
    assert_eq!(
        zombie.commit(&[], vec![position(0, 0)]),
        Err(CommitError::Fenced),
        "one that moves is fenced"
    );
}
