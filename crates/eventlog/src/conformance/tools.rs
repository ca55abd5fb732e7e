//! What the scenarios are written with.

use std::{
    collections::BTreeMap,
    pin::pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{Bed, COMMAND, INPUT, OUTPUT, STATE};
use crate::{
    Assignment, Batch, CommitError, Committed, Entry, Follow, Headers, InputRange, Log, Offset, Partition,
    Polled, Position, PublishError, Published, Record, Start, Topic, Transaction, Work, WorkError, WorkSpec,
    wait::waker,
};

/// How long a scenario waits for anything. Only a failing one waits that long.
pub(super) const BOUND: Duration = Duration::from_mins(1);
/// How long one poll waits.
const WAIT: Duration = Duration::from_millis(50);
/// A publish's deadline where none is meant to expire.
pub(super) const LONG: Duration = Duration::from_mins(1);

/// Tries until it works.
pub(super) fn until<T>(bed: &mut dyn Bed, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + BOUND;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "waited {BOUND:?} in vain for {what}");
        bed.turn();
    }
}

/// Waits for what a publish resolves to.
pub(super) fn settle(bed: &mut dyn Bed, published: Published) -> Result<Position, PublishError> {
    let mut published = pin!(published);
    let waker = waker();
    let mut context = Context::from_waker(&waker);
    let mut first = true;
    until(bed, "a publish to be answered", || match published.as_mut().poll(&mut context) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => {
            if !std::mem::take(&mut first) {
                // Short, for a log that only moves when told; any other one unparks.
                std::thread::park_timeout(Duration::from_millis(2));
            }
            None
        }
    })
}

/// Publishes one record and waits until it is durable.
pub(super) fn publish(
    bed: &mut dyn Bed,
    log: &dyn Log,
    topic: Topic,
    partition: Partition,
    record: Record,
) -> Position {
    let published = log.publisher().publish(topic, partition, record, LONG);
    settle(bed, published).expect("the record is written")
}

/// Publishes these records at once and waits until all are durable.
pub(super) fn publish_all(
    bed: &mut dyn Bed,
    log: &dyn Log,
    topic: Topic,
    partition: Partition,
    records: impl IntoIterator<Item = Record>,
) -> Vec<Position> {
    let publisher = log.publisher();
    let mut answers = Vec::new();
    let mut waiting = Vec::new();
    for record in records {
        waiting.push(publisher.publish(topic, partition, record, LONG));
        // Less than any adapter lets wait.
        if waiting.len() == 200 {
            answers.extend(
                waiting.drain(..).map(|published| settle(bed, published).expect("the record is written")),
            );
        }
    }
    answers
        .extend(waiting.into_iter().map(|published| settle(bed, published).expect("the record is written")));
    answers
}

/// A record with this key and value.
pub(super) fn record(key: impl ToString, value: impl ToString) -> Record {
    Record { key: Some(bytes(key)), value: Some(bytes(value)), headers: Headers::default() }
}

/// `count` records with the keys `PREFIX-0`, `PREFIX-1` and so on; the value is the number.
pub(super) fn records(prefix: &str, count: usize) -> impl Iterator<Item = Record> + use<'_> {
    (0..count).map(move |i| record(format!("{prefix}-{i}"), i))
}

#[expect(clippy::needless_pass_by_value, reason = "a number or a text, as it comes")]
fn bytes(text: impl ToString) -> Bytes {
    Bytes::from(text.to_string())
}

/// An entry's key as text.
pub(super) fn key(entry: &Entry) -> String {
    text(entry.record.key.as_ref())
}

/// An entry's value as text.
pub(super) fn value(entry: &Entry) -> String {
    text(entry.record.value.as_ref())
}

fn text(bytes: Option<&Bytes>) -> String {
    bytes.map_or_else(|| "(none)".to_owned(), |b| String::from_utf8_lossy(b).into_owned())
}

/// All keys, in order.
pub(super) fn keys(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(key).collect()
}

/// A follower of one topic.
pub(super) fn follow(log: &dyn Log, topic: Topic, start: Start) -> Box<dyn Follow> {
    log.follow(&[(topic, start)]).expect("the topic can be followed")
}

/// One poll that must not fail.
pub(super) fn poll(follower: &mut dyn Follow) -> Batch {
    follower.poll(WAIT).expect("the follower goes on")
}

/// Reads until the follower says that it has read to the end.
pub(super) fn read_to_end(bed: &mut dyn Bed, follower: &mut dyn Follow) -> Vec<Entry> {
    let mut entries = Vec::new();
    until(bed, "a follower to reach the end", || {
        let batch = poll(follower);
        entries.extend(batch.entries);
        batch.at_end.then_some(())
    });
    entries
}

/// Reads until at least `count` entries have come.
pub(super) fn read(bed: &mut dyn Bed, follower: &mut dyn Follow, count: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    until(bed, &format!("a follower to read {count} records"), || {
        entries.extend(poll(follower).entries);
        (entries.len() >= count).then_some(())
    });
    entries
}

/// Everything that is committed in `topic` now, of a log that goes on by itself: for tests of an adapter.
pub fn read_all(log: &dyn Log, topic: Topic) -> Vec<Entry> {
    let mut follower = follow(log, topic, Start::Beginning);
    let mut entries = Vec::new();
    loop {
        let batch = follower.poll(BOUND).expect("it can be read");
        entries.extend(batch.entries);
        if batch.at_end {
            return entries;
        }
    }
}

/// Everything that is committed in `topic` now.
pub(super) fn everything(bed: &mut dyn Bed, log: &dyn Log, topic: Topic) -> Vec<Entry> {
    let mut follower = follow(log, topic, Start::Beginning);
    read_to_end(bed, &mut *follower)
}

/// Everything in `topic`, when what a worker has committed is among it: readers may see that a moment later.
pub(super) fn everything_with(
    bed: &mut dyn Bed,
    log: &dyn Log,
    topic: Topic,
    committed: impl Fn(&Entry) -> bool,
) -> Vec<Entry> {
    let mut follower = follow(log, topic, Start::Beginning);
    let mut entries = Vec::new();
    until(bed, "what was committed to be read", || {
        let batch = poll(&mut *follower);
        entries.extend(batch.entries);
        (batch.at_end && entries.iter().any(&committed)).then_some(())
    });
    entries
}

/// What a worker of the scenarios works on.
pub(super) fn spec() -> WorkSpec {
    WorkSpec {
        inputs: vec![INPUT, COMMAND],
        state: STATE,
        outputs: vec![OUTPUT],
        group: "conformance".to_owned(),
        instance: None,
    }
}

/// A transaction of these records and positions.
pub(super) fn transaction(
    records: impl IntoIterator<Item = (Topic, Partition, Record)>,
    positions: impl IntoIterator<Item = (Topic, Partition, Offset)>,
) -> Transaction {
    Transaction {
        records: records.into_iter().collect(),
        positions: positions
            .into_iter()
            .map(|(topic, partition, offset)| Position { topic, partition, offset })
            .collect(),
    }
}

/// A worker and what it was told.
pub(super) struct Worker {
    pub(super) session: Box<dyn Work>,
    /// The latest record of each key of each partition; without the deleted ones.
    pub(super) state: BTreeMap<(Partition, Bytes), Entry>,
    pub(super) assigned: BTreeMap<Partition, Assignment>,
    pub(super) gone: Vec<Partition>,
    /// What came while something else was waited for.
    unread: Vec<Entry>,
}

impl Worker {
    /// Joins, and waits for nothing.
    pub(super) fn join(log: &dyn Log, spec: &WorkSpec) -> Self {
        let session = log.work(spec).expect("the group can be joined");
        Self {
            session,
            state: BTreeMap::new(),
            assigned: BTreeMap::new(),
            gone: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// Joins alone, and waits until every partition is assigned.
    pub(super) fn alone(bed: &mut dyn Bed, log: &dyn Log) -> Self {
        Self::alone_as(bed, log, &spec())
    }

    /// The same with another spec.
    pub(super) fn alone_as(bed: &mut dyn Bed, log: &dyn Log, spec: &WorkSpec) -> Self {
        let mut worker = Self::join(log, spec);
        let count = log.partitions(INPUT) as usize;
        until(bed, "every partition to be assigned", || {
            worker.poll().expect("the worker goes on");
            (worker.assigned.len() == count).then_some(())
        });
        worker
    }

    /// The same, started where the group last committed.
    pub(super) fn started(bed: &mut dyn Bed, log: &dyn Log) -> Self {
        let mut worker = Self::alone(bed, log);
        worker.start();
        worker
    }

    /// Starts every assigned partition where the group last committed, else at its oldest record.
    pub(super) fn start(&mut self) {
        for (partition, assignment) in &self.assigned {
            let at = |range: &InputRange| (range.topic, range.committed.unwrap_or(range.earliest));
            let from: Vec<_> = assignment.inputs.iter().map(at).collect();
            self.session.start(*partition, &from).expect("the partition can be started");
        }
    }

    /// One poll: what it brought is kept. Whether it brought anything.
    pub(super) fn poll(&mut self) -> Result<bool, WorkError> {
        match self.session.poll(WAIT)? {
            Polled::State(partition, entries) => {
                assert!(!self.assigned.contains_key(&partition), "state after the assignment");
                for entry in entries {
                    assert_eq!((entry.topic, entry.partition), (STATE, partition));
                    let key = (partition, entry.record.key.clone().expect("state has keys"));
                    if entry.record.value.is_some() {
                        self.state.insert(key, entry);
                    } else {
                        self.state.remove(&key);
                    }
                }
            }
            Polled::Assigned(assignment) => {
                self.assigned.insert(assignment.partition, assignment);
            }
            Polled::Revoked(partition) | Polled::Lost(partition) => {
                self.assigned.remove(&partition);
                self.state.retain(|(p, _), _| *p != partition);
                self.gone.push(partition);
            }
            Polled::Records(entries) => {
                assert!(!entries.is_empty(), "Records has records");
                self.unread.extend(entries);
            }
            Polled::Idle => return Ok(false),
        }
        Ok(true)
    }

    /// Reads until at least `count` inputs have come.
    pub(super) fn read(&mut self, bed: &mut dyn Bed, count: usize) -> Vec<Entry> {
        until(bed, &format!("a worker to read {count} records"), || {
            if self.unread.len() < count {
                self.poll().expect("the worker goes on");
            }
            (self.unread.len() >= count).then_some(())
        });
        std::mem::take(&mut self.unread)
    }

    pub(super) fn commit(&mut self, transaction: Transaction) -> Result<Committed, CommitError> {
        self.session.commit(transaction)
    }

    /// Key and value of everything in the state, over all partitions.
    pub(super) fn state_text(&self) -> Vec<(String, String)> {
        self.state.values().map(|entry| (key(entry), value(entry))).collect()
    }
}
