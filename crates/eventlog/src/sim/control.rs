//! What a scheduler does to the log, and what a checker reads of it.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Core, Faults, Group, Process, Shared, SimClock, SimLog};
use crate::{Entry, Millis, Offset, Partition, Position, Reason, Record, Topic};

impl SimLog {
    /// The clock that it takes its time from.
    pub fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// Changes what goes wrong from here on.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.lock().faults = faults;
    }

    /// From here on nothing is written and everyone is told why, or, with `None`, all works again.
    pub fn refuse(&self, reason: Option<Reason>) {
        self.shared.lock().refusing = reason;
    }

    /// Closes the log: every poll and write from here on says so.
    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// Adds a record without any fault.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn append(&self, topic: Topic, partition: Partition, record: Record) -> Position {
        let end = self.shared.lock().append(&self.shared, vec![(topic, partition, record)])[0];
        Position { offset: end.offset - 1, ..end }
    }

    /// Adds partitions to every topic that does not have exactly one.
    pub fn add_partitions(&self, count: u32) {
        self.regroup(|core| core.store.add_partitions(count));
    }

    /// Removes what is below `start`, as retention does.
    pub fn cut(&self, topic: Topic, partition: Partition, start: Offset) {
        self.shared.lock().store.cut(topic, partition, start);
    }

    /// Runs retention: what is too old by the log's clock goes.
    pub fn retain(&self) {
        let now = self.shared.clock.now();
        self.shared.lock().store.retain(now);
    }

    /// Runs compaction of every compacted topic.
    pub fn compact(&self) {
        let now = self.shared.clock.now();
        let mut core = self.shared.lock();
        let all: Vec<_> = core.store.all().collect();
        for (topic, partition) in all {
            core.store.compact(topic, partition, now);
        }
    }

    /// Forgets the group's positions, as Kafka does a week after its last member left.
    pub fn expire_positions(&self, group: &str) {
        if let Some(group) = self.shared.lock().groups.get_mut(group) {
            group.forget_positions();
        }
    }

    /// How far the group is in one input, as far as that is known.
    pub fn group_position(&self, group: &str, topic: Topic, partition: Partition) -> Option<Offset> {
        self.shared.lock().groups.get(group)?.committed(topic, partition)
    }

    /// Ends the sessions of a process, as if it had been paused for too long: others get its partitions, and
    /// it does not know.
    pub fn throw_out(&self, process: &Process) {
        self.regroup(|core| core.groups.values_mut().for_each(|group| group.throw_out(process.id())));
    }

    /// Ends the sessions of every process that was killed, whatever the clock says.
    pub fn end_dead_sessions(&self) {
        let mut core = self.shared.lock();
        core.expire_sessions(Millis::MAX, 0);
        self.shared.changed.notify_all();
    }

    /// Gives everything to the worker that joined last, as if the others had been paused for too long.
    pub fn take_over(&self, group: &str) {
        self.regroup(|core| core.groups.get_mut(group).into_iter().for_each(Group::keep_newest));
    }

    /// Takes a partition from its worker, who does not know, and gives it to another. False if there is none.
    pub fn take_away(&self, group: &str, partition: Partition) -> bool {
        self.regroup(|core| core.groups.get_mut(group).is_some_and(|group| group.take_away(partition)))
    }

    /// Asks the worker of a partition to hand it to another. False if there is none.
    pub fn ask_back(&self, group: &str, partition: Partition) -> bool {
        self.regroup(|core| core.groups.get_mut(group).is_some_and(|group| group.promise(partition)))
    }

    /// Everything that was ever committed to a partition, also what is no longer kept.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn history(&self, topic: Topic, partition: Partition) -> Vec<Entry> {
        self.history_since(topic, partition, 0)
    }

    /// The same without the first `skip` records: for a checker that reads along.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn history_since(&self, topic: Topic, partition: Partition, skip: usize) -> Vec<Entry> {
        self.shared.lock().store.partition(topic, partition).history(skip).cloned().collect()
    }

    /// How many publishes and transactions there have been.
    pub fn commits(&self) -> u64 {
        self.shared.lock().store.sequence
    }

    /// A number that differs when anything in the log does: every record with its place and time.
    pub fn digest(&self) -> u64 {
        let core = self.shared.lock();
        let mut hasher = DefaultHasher::new();
        for (topic, partition) in core.store.all() {
            for entry in core.store.partition(topic, partition).history(0) {
                (topic, partition, entry.offset, entry.timestamp).hash(&mut hasher);
                (&entry.record.key, &entry.record.value, entry.record.headers.as_bytes()).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// Changes something that the shares depend on, and shares out anew.
    fn regroup<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.shared.lock();
        let changed = change(&mut core);
        core.expire_sessions(self.shared.clock.now(), self.shared.session_timeout_ms);
        self.shared.changed.notify_all();
        changed
    }
}

impl Core {
    /// Adds records as one, and wakes whoever waits.
    pub(super) fn append(
        &mut self,
        shared: &Shared,
        records: Vec<(Topic, Partition, Record)>,
    ) -> Vec<Position> {
        let ends = self.store.append(records, shared.clock.now(), self.faults.gap, &mut self.dice);
        shared.changed.notify_all();
        ends
    }
}
