//! A worker's session.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    Bug, Core, Group, Shared,
    group::{MemberId, Tenure},
    process::{KILLED, Life, Pulse, killed},
    share::{Cursor, Share, mix, readable},
};
use crate::{
    Assignment, CommitError, Committed, InputRange, Offset, OpenError, Pace, Partition, Polled, Position,
    Reason, Topic, Transaction, Work, WorkError, WorkSpec,
};

/// How many records of the state come at once.
const RESTORE_BATCH: usize = 4_096;

/// A session of one process.
#[derive(Debug)]
pub(super) struct SimWork {
    pub(super) shared: Arc<Shared>,
    pub(super) life: Arc<Life>,
    pub(super) spec: WorkSpec,
    pub(super) member: MemberId,
    /// The generation of the group that this session has heard of.
    pub(super) generation: u64,
    /// What it believes to have.
    pub(super) shares: BTreeMap<Partition, Share>,
    /// Since when it has it.
    pub(super) tenures: BTreeMap<Partition, Tenure>,
    /// Up to which commit it sees.
    pub(super) seen: u64,
    /// The positions that it began at or committed last.
    pub(super) reached: BTreeSet<Position>,
}

impl SimWork {
    pub(super) fn join(shared: &Arc<Shared>, life: Arc<Life>, spec: &WorkSpec) -> Result<Self, OpenError> {
        let mut core = shared.lock();
        if core.closed {
            return Err(OpenError::Closed);
        }
        let topics = spec.inputs.iter().chain(&spec.outputs).chain([&spec.state]);
        if let Some(topic) = topics.into_iter().find(|topic| core.store.partitions(topic) == 0) {
            return Err(OpenError::NotUsable(format!("there is no topic {topic}")));
        }
        let mut work = Self {
            shared: Arc::clone(shared),
            life,
            spec: spec.clone(),
            member: 0,
            generation: 0,
            shares: BTreeMap::new(),
            tenures: BTreeMap::new(),
            seen: 0,
            reached: BTreeSet::new(),
        };
        work.enter(&mut core);
        drop(core);
        Ok(work)
    }

    /// Becomes a new member of the group.
    fn enter(&mut self, core: &mut Core) {
        self.member = core.id();
        let partitions = core.store.partitions(self.spec.inputs[0]);
        let group =
            core.groups.entry(self.spec.group.clone()).or_insert_with(|| Group::new(self.spec.inputs[0]));
        group.join(self.member, Arc::clone(&self.life), self.spec.instance.clone());
        group.balance(partitions);
        self.shared.changed.notify_all();
    }

    fn step(&mut self, core: &mut Core) -> Result<Option<Polled>, WorkError> {
        if self.life.is_dead() {
            return Err(WorkError::Storage(KILLED.to_owned()));
        }
        if core.closed {
            return Err(WorkError::Closed);
        }
        core.expire_sessions(self.shared.clock.now(), self.shared.session_timeout_ms);
        let faults = core.faults;
        if core.dice.chance(faults.poll_error) {
            return Err(WorkError::Storage("the worker lost its connection".to_owned()));
        }
        if let Some(told) = self.hear(core)? {
            return Ok(Some(told));
        }
        if core.dice.chance(faults.idle) {
            return Ok(None);
        }
        if !core.dice.chance(faults.delay) {
            self.seen = core.store.sequence;
        }
        let sources = readable(&self.shares, &core.store, self.seen)?;
        let restoring: Vec<_> = self
            .shares
            .iter()
            .filter(|(_, s)| matches!(s, Share::Restoring { .. }))
            .map(|(p, _)| *p)
            .collect();
        if !restoring.is_empty() && (sources.is_empty() || core.dice.half()) {
            let partition = restoring[core.dice.below(restoring.len())];
            return Ok(Some(self.restore(core, partition)));
        }
        let entries = mix(core, &sources, self.seen, self.shared.max_batch);
        for entry in &entries {
            if let Some(Share::Started(cursors)) = self.shares.get_mut(&entry.partition)
                && let Some(cursor) = cursors.get_mut(entry.topic)
            {
                cursor.next = entry.offset + 1;
            }
        }
        Ok((!entries.is_empty()).then_some(Polled::Records(entries)))
    }

    /// Hears what the group has decided: what is lost, what is to be handed back, what is new.
    fn hear(&mut self, core: &mut Core) -> Result<Option<Polled>, WorkError> {
        let Core { groups, dice, faults, .. } = core;
        let group = groups.get_mut(&self.spec.group).expect("groups never go");
        let member = group.is_member(self.member);
        let lost = self.shares.keys().copied().find(|p| !self.holds(group, *p));
        if (!member || lost.is_some()) && dice.chance(faults.unnoticed) {
            return Ok(None);
        }
        if !member && (dice.chance(faults.thrown) || group.has_instance(self.spec.instance.as_ref())) {
            return Err(WorkError::Fenced);
        }
        if let Some(partition) = lost {
            self.shares.remove(&partition);
            return Ok(Some(Polled::Lost(partition)));
        }
        if !member {
            self.enter(core);
        }
        let Core { groups, store, .. } = core;
        let group = groups.get_mut(&self.spec.group).expect("groups never go");
        group.balance(store.partitions(self.spec.inputs[0]));
        let back = group.owned_by(self.member).into_iter().find(|p| group.is_promised(*p));
        if let Some(partition) = back {
            group.hand_back(partition);
            self.shared.changed.notify_all();
            self.generation = group.generation();
            if self.shares.remove(&partition).is_some() {
                return Ok(Some(Polled::Revoked(partition)));
            }
        }
        self.generation = group.generation();
        let mut new = group.owned_by(self.member);
        new.retain(|partition| !self.shares.contains_key(partition));
        for &partition in &new {
            self.tenures.extend(group.tenure(self.member, partition).map(|tenure| (partition, tenure)));
        }
        for partition in new {
            let share = self.begin_restore(core, partition);
            self.shares.insert(partition, share);
        }
        Ok(None)
    }

    /// Whether a partition is still this session's, without a break.
    pub(super) fn holds(&self, group: &Group, partition: Partition) -> bool {
        let tenure = group.tenure(self.member, partition);
        tenure.is_some() && tenure == self.tenures.get(&partition).copied()
    }

    fn begin_restore(&self, core: &mut Core, partition: Partition) -> Share {
        let log = core.store.partition(self.spec.state, partition);
        let mut stop = Offset::MAX;
        if let Some(Bug::RestoreStopsEarly { at_most }) = self.shared.bug {
            let offsets: Vec<_> = log.read(log.start, u64::MAX).map(|entry| entry.offset).collect();
            stop = offsets.iter().nth_back(core.dice.up_to(at_most) - 1).copied().unwrap_or(0);
        }
        Share::Restoring { next: core.store.partition(self.spec.state, partition).start, stop }
    }

    /// The next piece of a partition's state, or its end.
    fn restore(&mut self, core: &mut Core, partition: Partition) -> Polled {
        let Some(Share::Restoring { next, stop }) = self.shares.get_mut(&partition) else {
            unreachable!("only what is being restored is restored");
        };
        let split = core.faults.split;
        let most = if core.dice.chance(split) { core.dice.up_to(12) } else { RESTORE_BATCH };
        let log = core.store.partition(self.spec.state, partition);
        let piece: Vec<_> =
            log.read(*next, u64::MAX).take_while(|e| e.offset < *stop).take(most).cloned().collect();
        if let Some(last) = piece.last() {
            *next = last.offset + 1;
            return Polled::State(partition, piece);
        }
        self.shares.insert(partition, Share::Restored);
        let log = |topic: &Topic| core.store.partition(topic, partition);
        let group = &core.groups[&self.spec.group];
        let input = |topic: &Topic| InputRange {
            topic,
            earliest: log(topic).start,
            end: log(topic).end,
            committed: group.committed(topic, partition),
        };
        // An output may have fewer partitions than the inputs.
        let outputs = self.spec.outputs.iter();
        let outputs = outputs.filter_map(|topic| Some((*topic, core.store.get(topic, partition)?.end)));
        Polled::Assigned(Assignment {
            partition,
            inputs: self.spec.inputs.iter().map(input).collect(),
            outputs: outputs.collect(),
        })
    }

    fn cursor(&mut self, topic: Topic, partition: Partition) -> Result<&mut Cursor, WorkError> {
        match self.shares.get_mut(&partition) {
            Some(Share::Started(cursors)) => cursors.get_mut(topic),
            _ => None,
        }
        .ok_or_else(|| WorkError::Storage(format!("{topic}-{partition} was not started by this worker")))
    }
}

impl Work for SimWork {
    fn poll(&mut self, wait: Duration) -> Result<Polled, WorkError> {
        self.life.call();
        let shared = Arc::clone(&self.shared);
        Ok(shared.until(wait, |core| self.step(core))?.unwrap_or(Polled::Idle))
    }

    fn start(&mut self, partition: Partition, from: &[(Topic, Offset)]) -> Result<(), WorkError> {
        self.life.alive().map_err(|e| WorkError::Storage(e.to_string()))?;
        if !matches!(self.shares.get(&partition), Some(Share::Restored | Share::Started(_))) {
            return Err(WorkError::Storage(format!("partition {partition} is not assigned to this worker")));
        }
        let shared = Arc::clone(&self.shared);
        let core = shared.lock();
        let mut cursors = BTreeMap::new();
        self.reached.retain(|p| p.partition != partition);
        for topic in &self.spec.inputs {
            let Some((_, wanted)) = from.iter().find(|(t, _)| t == topic) else {
                return Err(WorkError::Storage(format!("nothing says where {topic}-{partition} begins")));
            };
            let (wanted, log) = (*wanted, core.store.partition(topic, partition));
            let (earliest, end) = (log.start, log.end);
            if !(earliest..=end).contains(&wanted) {
                return Err(WorkError::OutOfRange { topic, partition, wanted, earliest, end });
            }
            cursors.insert(*topic, Cursor { next: wanted, held: false });
            self.reached.insert(Position { topic, partition, offset: wanted });
        }
        self.shares.insert(partition, Share::Started(cursors));
        Ok(())
    }

    fn end(&mut self, topic: Topic, partition: Partition) -> Result<Offset, WorkError> {
        self.life.alive().map_err(|e| WorkError::Storage(e.to_string()))?;
        let core = self.shared.lock();
        match core.store.get(topic, partition).filter(|_| self.spec.inputs.contains(&topic)) {
            // No newer than what this worker has been shown: the least that the port promises.
            Some(log) => Ok(log.end_at(self.seen)),
            None => Err(WorkError::Storage(format!("{topic}-{partition} is no input of this worker"))),
        }
    }

    fn hold(&mut self, topic: Topic, partition: Partition, at: Offset) -> Result<(), WorkError> {
        self.life.alive().map_err(|e| WorkError::Storage(e.to_string()))?;
        let cursor = self.cursor(topic, partition)?;
        *cursor = Cursor { next: cursor.next.min(at), held: true };
        Ok(())
    }

    fn release(&mut self, topic: Topic, partition: Partition) -> Result<(), WorkError> {
        self.life.alive().map_err(|e| WorkError::Storage(e.to_string()))?;
        self.cursor(topic, partition)?.held = false;
        Ok(())
    }

    fn commit(&mut self, transaction: Transaction) -> Result<Committed, CommitError> {
        let pulse = self.life.call();
        let shared = Arc::clone(&self.shared);
        let mut core = shared.lock();
        let refusing = core.refusing.clone();
        if let Some(reason) =
            [(pulse == Pulse::Dead).then(killed), core.closed.then_some(Reason::Closed), refusing]
                .into_iter()
                .flatten()
                .next()
        {
            return Err(CommitError::Aborted(reason));
        }
        self.check(&core, &transaction)?;
        let (first, second) = self.steps(transaction);
        let positions = &first.as_ref().unwrap_or(&second).positions;
        if self.is_fenced(&mut core, positions) {
            return Err(CommitError::Fenced);
        }
        let unknown = core.faults.commit_unknown;
        let in_doubt = pulse == Pulse::Dying || core.dice.chance(unknown);
        self.reached
            .retain(|p| !positions.iter().any(|new| (new.topic, new.partition) == (p.topic, p.partition)));
        self.reached.extend(positions);
        if let Some(first) = first {
            self.apply(&mut core, first);
        }
        let applied = (!in_doubt || core.dice.half()).then(|| self.apply(&mut core, second));
        match applied {
            Some(committed) if !in_doubt => Ok(committed),
            _ if pulse == Pulse::Dying => Err(CommitError::Aborted(killed())),
            _ => Err(CommitError::Aborted(Reason::Deadline)),
        }
    }

    fn pace(&self) -> Pace {
        Pace {
            max_batch: self.shared.max_batch,
            linger: self.shared.linger,
            max_record_bytes: self.shared.max_record_bytes,
        }
    }
}

impl Drop for SimWork {
    fn drop(&mut self) {
        let mut core = self.shared.lock();
        let Core { groups, store, .. } = &mut *core;
        let Some(group) = groups.get_mut(&self.spec.group) else { return };
        // The dead say nothing: their group finds out when the session runs out.
        if !self.life.is_dead() {
            group.leave(self.member);
            group.balance(store.partitions(self.spec.inputs[0]));
        }
        self.shared.changed.notify_all();
    }
}
