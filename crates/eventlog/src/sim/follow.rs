//! Reading what is committed, for views.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Core, Shared,
    process::{KILLED, Life},
    share::mix,
};
use crate::{Batch, Follow, FollowError, Offset, Partition, Position, Start, Topic};

/// A follower of one process.
#[derive(Debug)]
pub(super) struct SimFollow {
    shared: Arc<Shared>,
    life: Arc<Life>,
    topics: Vec<Topic>,
    next: BTreeMap<(Topic, Partition), Offset>,
    /// Up to which commit it sees.
    seen: u64,
}

impl SimFollow {
    pub(super) fn new(shared: Arc<Shared>, life: Arc<Life>) -> Self {
        Self { shared, life, topics: Vec::new(), next: BTreeMap::new(), seen: 0 }
    }

    /// What came, or nothing if nothing did and this follower is no nearer to the end than before.
    fn step(&mut self, core: &mut Core) -> Result<Option<Batch>, FollowError> {
        if core.closed {
            return Err(FollowError::Closed);
        }
        let faults = core.faults;
        if core.dice.chance(faults.poll_error) {
            return Err(FollowError::Storage("the follower lost its connection".to_owned()));
        }
        self.find_partitions(core);
        if self.life.lags() || core.dice.chance(faults.idle) {
            return Ok(None);
        }
        if !core.dice.chance(faults.delay) {
            self.seen = core.store.sequence;
        }
        let mut sources = Vec::new();
        for (&(topic, partition), &wanted) in &self.next {
            let log = core.store.partition(topic, partition);
            if wanted < log.start {
                return Err(FollowError::Gone { topic, partition, wanted, earliest: log.start });
            }
            if log.read(wanted, self.seen).next().is_some() {
                sources.push((topic, partition, wanted));
            }
        }
        let entries = mix(core, &sources, self.seen, self.shared.max_batch);
        for entry in &entries {
            self.next.insert((entry.topic, entry.partition), entry.offset + 1);
        }
        let at_end = self.next.iter().all(|(&(topic, partition), &next)| {
            core.store.partition(topic, partition).read(next, u64::MAX).next().is_none()
        });
        Ok(Some(Batch { entries, at_end }))
    }

    /// Begins to read partitions that were added since.
    fn find_partitions(&mut self, core: &Core) {
        for topic in &self.topics {
            for partition in 0..core.store.partitions(topic) {
                self.next.entry((topic, partition)).or_insert(0);
            }
        }
    }
}

impl Follow for SimFollow {
    fn poll(&mut self, wait: Duration) -> Result<Batch, FollowError> {
        let shared = Arc::clone(&self.shared);
        self.life.alive().map_err(|e| FollowError::Storage(e.to_string()))?;
        // A batch without entries still says whether this is the end; it is not worth waking up for.
        let mut empty = Batch::default();
        let found = shared.until(wait, |core| {
            if self.life.is_dead() {
                return Err(FollowError::Storage(KILLED.to_owned()));
            }
            Ok(self.step(core)?.and_then(|batch| {
                if batch.entries.is_empty() {
                    empty = batch;
                    return None;
                }
                Some(batch)
            }))
        })?;
        Ok(found.unwrap_or(empty))
    }

    fn add(&mut self, topic: Topic, start: Start) -> Result<(), FollowError> {
        let core = self.shared.lock();
        let partitions = core.store.partitions(topic);
        if partitions == 0 {
            return Err(FollowError::Storage(format!("there is no topic {topic}")));
        }
        for partition in 0..partitions {
            let log = core.store.partition(topic, partition);
            let next = match &start {
                Start::Beginning => log.start,
                Start::End => log.end,
                Start::Time(time) => log.at(*time).max(log.start),
                Start::Offsets(offsets) => {
                    offsets.iter().find(|(p, _)| *p == partition).map_or(log.start, |(_, offset)| *offset)
                }
            };
            self.next.insert((topic, partition), next);
        }
        drop(core);
        self.topics.push(topic);
        Ok(())
    }

    fn positions(&self) -> Vec<Position> {
        let position = |(&(topic, partition), &offset)| Position { topic, partition, offset };
        self.next.iter().map(position).collect()
    }
}
