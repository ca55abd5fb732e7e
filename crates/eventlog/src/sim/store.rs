//! Records in their partitions, commits in their order.

use std::collections::{BTreeMap, HashSet};

use super::faults::Dice;
use crate::{Cleanup, Entry, Millis, Offset, Partition, Partitions, Position, Record, Topic, TopicSpec};

/// How long a record without a value outlives the one it deletes, so that whoever reads meanwhile meets it:
/// Kafka's `delete.retention.ms`.
const DELETE_RETENTION_MS: Millis = 24 * 60 * 60 * 1000;

/// All topics.
#[derive(Debug)]
pub(super) struct Store {
    topics: BTreeMap<Topic, TopicLog>,
    /// How many publishes and transactions there have been. A reader sees all of one or nothing: it sees
    /// everything up to some number.
    pub(super) sequence: u64,
}

#[derive(Debug)]
struct TopicLog {
    spec: TopicSpec,
    partitions: Vec<PartitionLog>,
}

/// One partition. Nothing leaves it: what is no longer kept is only marked, for the checker to read.
#[derive(Debug, Default)]
pub(super) struct PartitionLog {
    rows: Vec<Row>,
    /// What is below is no longer kept.
    pub(super) start: Offset,
    /// The next record's offset is this or, with a gap, more.
    pub(super) end: Offset,
    newest: Millis,
}

#[derive(Debug)]
struct Row {
    entry: Entry,
    sequence: u64,
    kept: bool,
}

impl Store {
    pub(super) fn new(specs: &[TopicSpec], partitions: u32) -> Self {
        let topics = specs.iter().map(|spec| {
            let count = if spec.partitions == Partitions::One { 1 } else { partitions };
            (
                spec.name,
                TopicLog { spec: *spec, partitions: (0..count).map(|_| PartitionLog::default()).collect() },
            )
        });
        Self { topics: topics.collect(), sequence: 0 }
    }

    /// How many partitions `topic` has; 0 if there is no such topic.
    pub(super) fn partitions(&self, topic: Topic) -> u32 {
        let count = self.topics.get(topic).map_or(0, |t| t.partitions.len());
        u32::try_from(count).expect("a test has few partitions")
    }

    pub(super) fn add_partitions(&mut self, count: u32) {
        for topic in self.topics.values_mut().filter(|t| t.spec.partitions != Partitions::One) {
            topic.partitions.extend((0..count).map(|_| PartitionLog::default()));
        }
    }

    pub(super) fn get(&self, topic: Topic, partition: Partition) -> Option<&PartitionLog> {
        self.topics.get(topic)?.partitions.get(usize::try_from(partition).ok()?)
    }

    /// The same for a partition that was seen to exist: partitions never go.
    pub(super) fn partition(&self, topic: Topic, partition: Partition) -> &PartitionLog {
        self.get(topic, partition).expect("partitions never go")
    }

    fn partition_mut(&mut self, topic: Topic, partition: Partition) -> &mut PartitionLog {
        let index = usize::try_from(partition).expect("a test has few partitions");
        &mut self.topics.get_mut(topic).expect("topics never go").partitions[index]
    }

    /// Adds records that become visible at once, and says the ends of what they were added to.
    pub(super) fn append(
        &mut self,
        records: Vec<(Topic, Partition, Record)>,
        now: Millis,
        gap: f64,
        dice: &mut Dice,
    ) -> Vec<Position> {
        self.sequence += 1;
        let sequence = self.sequence;
        let mut ends = BTreeMap::new();
        for (topic, partition, record) in records {
            let log = self.partition_mut(topic, partition);
            if dice.chance(gap) {
                log.end += Offset::try_from(dice.up_to(3)).expect("at most 3");
            }
            let offset = log.end;
            // Log time never falls within a partition, whatever the clock does.
            log.newest = log.newest.max(now);
            let entry = Entry { topic, partition, offset, timestamp: log.newest, record };
            log.rows.push(Row { entry, sequence, kept: true });
            log.end = offset + 1;
            ends.insert((topic, partition), log.end);
        }
        ends.into_iter().map(|((topic, partition), offset)| Position { topic, partition, offset }).collect()
    }

    /// Drops what is below `start`.
    pub(super) fn cut(&mut self, topic: Topic, partition: Partition, start: Offset) {
        let log = self.partition_mut(topic, partition);
        log.start = log.start.max(start.min(log.end));
        let start = log.start;
        let below = log.rows.partition_point(|row| row.entry.offset < start);
        log.rows[..below].iter_mut().for_each(|row| row.kept = false);
    }

    /// Drops what is too old for its topic.
    pub(super) fn retain(&mut self, now: Millis) {
        for topic in self.topics.values_mut() {
            let Some(horizon) = topic.spec.cleanup.horizon(now) else { continue };
            for log in &mut topic.partitions {
                let old = log.rows.partition_point(|row| row.entry.timestamp < horizon);
                log.rows[..old].iter_mut().for_each(|row| row.kept = false);
                let start = log.rows.get(old).map_or(log.end, |row| row.entry.offset);
                log.start = log.start.max(start);
            }
        }
    }

    /// Keeps the last record of each key where that is the topic's way.
    pub(super) fn compact(&mut self, topic: Topic, partition: Partition, now: Millis) {
        if self.topics[topic].spec.cleanup != Cleanup::Compact {
            return;
        }
        let mut newer = HashSet::new();
        for row in self.partition_mut(topic, partition).rows.iter_mut().rev().filter(|row| row.kept) {
            let first = newer.insert(row.entry.record.key.clone());
            let deleted = row.entry.record.value.is_none() && row.entry.timestamp < now - DELETE_RETENTION_MS;
            row.kept = first && !deleted;
        }
    }

    /// Every topic with its partitions, in the order of their names.
    pub(super) fn all(&self) -> impl Iterator<Item = (Topic, Partition)> {
        self.topics.values().flat_map(|t| (0..).zip(&t.partitions).map(|(p, _)| (t.spec.name, p)))
    }
}

impl PartitionLog {
    /// What is kept from `from` on and visible to who sees up to `seen`, in order.
    pub(super) fn read(&self, from: Offset, seen: u64) -> impl Iterator<Item = &Entry> {
        let first = self.rows.partition_point(|row| row.entry.offset < from);
        self.rows[first..]
            .iter()
            .take_while(move |row| row.sequence <= seen)
            .filter(|row| row.kept)
            .map(|row| &row.entry)
    }

    /// The end for who sees up to `seen`.
    pub(super) fn end_at(&self, seen: u64) -> Offset {
        let visible = self.rows.partition_point(|row| row.sequence <= seen);
        self.rows[..visible].last().map_or(0, |row| row.entry.offset + 1).max(self.start)
    }

    /// Everything that was ever committed but the first `skip`.
    pub(super) fn history(&self, skip: usize) -> impl Iterator<Item = &Entry> {
        self.rows.iter().skip(skip).map(|row| &row.entry)
    }

    /// The offset of the first record that is kept and written at or after `time`.
    pub(super) fn at(&self, time: Millis) -> Offset {
        let first = self.rows.partition_point(|row| row.entry.timestamp < time);
        self.rows[first..].iter().find(|row| row.kept).map_or(self.end, |row| row.entry.offset)
    }
}
