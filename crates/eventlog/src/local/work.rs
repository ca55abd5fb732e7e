//! One worker a group has the one partition; the last that joined is it.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use super::{
    MAX_RECORD_BYTES,
    pages::{self, PAGE_RECORDS, Read},
    queue::{Commit, Join},
    shared::Shared,
};
use crate::{
    Assignment, CommitError, Committed, InputRange, Offset, OpenError, Pace, Partition, Polled, Reason,
    Topic, Transaction, Work, WorkError, WorkSpec,
};

/// How long a commit waits for its answer. Then the session is over, and the next one finds out: it joins by
/// way of the same queue.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub(super) struct Worker {
    shared: Arc<Shared>,
    spec: WorkSpec,
    session: u64,
    phase: Phase,
    inputs: Vec<Input>,
    outputs: Vec<usize>,
    /// Which input is read first: each has its turn.
    turn: usize,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The state is being handed out; what is next and where it ends.
    Restoring { topic: usize, next: Offset, end: Offset },
    /// The partition is assigned; [`Work::start`] was not called.
    Assigned,
    /// Records are handed out.
    Started,
}

#[derive(Debug, Clone, Copy)]
struct Input {
    topic: usize,
    next: Offset,
    /// Nothing at or after this offset is handed out.
    held_at: Option<Offset>,
}

impl Worker {
    pub(super) fn join(shared: Arc<Shared>, spec: WorkSpec) -> Result<Self, OpenError> {
        let find = |topic: Topic| {
            shared.topic(topic).ok_or_else(|| OpenError::NotUsable(format!("the log has no topic {topic}")))
        };
        let inputs = spec.inputs.iter().map(|topic| find(topic)).collect::<Result<Vec<_>, _>>()?;
        let outputs = spec.outputs.iter().map(|topic| find(topic)).collect::<Result<Vec<_>, _>>()?;
        let state = find(spec.state)?;
        let (answer, answers) = mpsc::sync_channel(1);
        if !shared.queue.join(Join { group: spec.group.clone(), answer }) {
            return Err(shared.ended_or_closed().into());
        }
        let session = answers.recv().map_err(|_| OpenError::from(shared.ended_or_closed()))??;
        let head = shared.head(state);
        Ok(Self {
            session,
            phase: Phase::Restoring { topic: state, next: head.start, end: head.end },
            inputs: inputs.into_iter().map(|topic| Input { topic, next: 0, held_at: None }).collect(),
            outputs,
            shared,
            spec,
            turn: 0,
        })
    }

    fn fenced(&self, state: &super::shared::State) -> Result<(), WorkError> {
        if let Some(end) = state.end.clone() {
            Err(end.into())
        } else if state.workers.get(&self.spec.group) != Some(&self.session) {
            Err(WorkError::Fenced)
        } else {
            Ok(())
        }
    }

    fn name(&self, topic: usize) -> Topic {
        self.shared.topics[topic].spec.name
    }

    fn read(
        &self,
        topic: usize,
        from: Offset,
        end: Offset,
        room: usize,
    ) -> Result<(Vec<crate::Entry>, Offset), WorkError> {
        match pages::read(&self.shared, topic, from, end, room) {
            Ok(Read::Page(entries, next)) => Ok((entries, next)),
            Ok(Read::Gone(_)) => Err(self.out_of_range(topic, from)),
            Err(error) => {
                self.shared.end_if_damaged(&error);
                let name = self.name(topic);
                // The files may also have been closed while it read.
                let ended = self.shared.ended().map(WorkError::from);
                Err(ended.unwrap_or_else(|| {
                    WorkError::Storage(format!("cannot read {name} from {from} on: {error}"))
                }))
            }
        }
    }

    fn out_of_range(&self, topic: usize, wanted: Offset) -> WorkError {
        let head = self.shared.head(topic);
        WorkError::OutOfRange {
            topic: self.name(topic),
            partition: 0,
            wanted,
            earliest: head.start,
            end: head.end,
        }
    }

    fn assignment(&self) -> Assignment {
        let mut inputs = Vec::new();
        for input in &self.inputs {
            let topic = self.name(input.topic);
            let head = self.shared.head(input.topic);
            inputs.push(InputRange {
                topic,
                earliest: head.start,
                end: head.end,
                committed: self.committed(input.topic),
            });
        }
        let end = |topic: &usize| (self.name(*topic), self.shared.head(*topic).end);
        Assignment { partition: 0, inputs, outputs: self.outputs.iter().map(end).collect() }
    }

    /// Waits for input. `None`: there was none in time.
    fn records(&mut self, deadline: Option<Instant>) -> Result<Option<Vec<crate::Entry>>, WorkError> {
        let shared = self.shared.clone();
        let mut state = shared.state();
        loop {
            self.fenced(&state)?;
            let ends: Vec<_> = self
                .inputs
                .iter()
                .map(|input| input.held_at.unwrap_or(Offset::MAX).min(state.heads[input.topic].end))
                .collect();
            let any = self.inputs.iter().zip(&ends).any(|(input, end)| input.next < *end);
            if any && matches!(self.phase, Phase::Started) {
                drop(state);
                let entries = self.read_inputs(&ends)?;
                if !entries.is_empty() {
                    return Ok(Some(entries));
                }
                state = shared.state();
                continue;
            }
            match shared.wait(state, deadline) {
                Some(changed) => state = changed,
                None => return Ok(None),
            }
        }
    }

    fn read_inputs(&mut self, ends: &[Offset]) -> Result<Vec<crate::Entry>, WorkError> {
        let mut entries = Vec::new();
        let count = self.inputs.len();
        self.turn = self.turn.wrapping_add(1);
        for place in 0..count {
            let place = (self.turn + place) % count;
            let Input { topic, next, .. } = self.inputs[place];
            let room = PAGE_RECORDS.saturating_sub(entries.len());
            if next < ends[place] && room > 0 {
                let (more, next) = self.read(topic, next, ends[place], room)?;
                self.inputs[place].next = next;
                if entries.is_empty() {
                    entries = more;
                } else {
                    entries.extend(more);
                }
            }
        }
        Ok(entries)
    }

    fn input(&mut self, topic: Topic, partition: Partition) -> Result<&mut Input, WorkError> {
        let shared = &self.shared;
        let missing = || WorkError::Storage(format!("{topic}-{partition} is no input of this worker"));
        self.inputs
            .iter_mut()
            .find(|input| partition == 0 && shared.topics[input.topic].spec.name == topic)
            .ok_or_else(missing)
    }

    /// Where the group last committed.
    fn committed(&self, topic: usize) -> Option<Offset> {
        let id = self.shared.topics[topic].id;
        self.shared.state().groups.get(&(self.spec.group.clone(), id)).copied()
    }

    fn check(&self, transaction: Transaction) -> Result<Checked, CommitError> {
        let place = |topic: Topic, partition| {
            let found = self.shared.partition(topic, partition);
            found.ok_or_else(|| CommitError::Fatal(format!("topic {topic} has no partition {partition}")))
        };
        let mut checked =
            Checked { records: Vec::with_capacity(transaction.records.len()), positions: Vec::new() };
        for (topic, partition, record) in transaction.records {
            let topic_place = place(topic, partition)?;
            let size = record.size();
            if size > MAX_RECORD_BYTES {
                return Err(CommitError::Fatal(format!(
                    "a record for {topic} has {size} bytes, the log takes at most {MAX_RECORD_BYTES}: nothing of \
                     the transaction was written"
                )));
            }
            checked.records.push((topic_place, record));
        }
        for position in transaction.positions {
            checked.positions.push((place(position.topic, position.partition)?, position.offset));
        }
        Ok(checked)
    }
}

struct Checked {
    records: Vec<(usize, crate::Record)>,
    positions: Vec<(usize, Offset)>,
}

impl Work for Worker {
    fn poll(&mut self, wait: Duration) -> Result<Polled, WorkError> {
        let deadline = Instant::now().checked_add(wait);
        while let Phase::Restoring { topic, next, end } = self.phase {
            self.fenced(&self.shared.state())?;
            if next >= end {
                self.phase = Phase::Assigned;
                return Ok(Polled::Assigned(self.assignment()));
            }
            let (entries, next) = self.read(topic, next, end, PAGE_RECORDS)?;
            self.phase = Phase::Restoring { topic, next, end };
            if !entries.is_empty() {
                return Ok(Polled::State(0, entries));
            }
        }
        Ok(self.records(deadline)?.map_or(Polled::Idle, Polled::Records))
    }

    fn start(&mut self, partition: Partition, from: &[(Topic, Offset)]) -> Result<(), WorkError> {
        if partition != 0 || matches!(self.phase, Phase::Restoring { .. }) {
            return Err(WorkError::Storage(format!("partition {partition} is not assigned to this worker")));
        }
        for place in 0..self.inputs.len() {
            let topic = self.inputs[place].topic;
            let name = self.name(topic);
            let head = self.shared.head(topic);
            // An input that is not named begins at its oldest record.
            let wanted = from.iter().find(|(topic, _)| *topic == name).map_or(head.start, |(_, at)| *at);
            if !(head.start..=head.end).contains(&wanted) {
                return Err(self.out_of_range(topic, wanted));
            }
            self.inputs[place] = Input { topic, next: wanted, held_at: None };
        }
        self.phase = Phase::Started;
        Ok(())
    }

    fn end(&mut self, topic: Topic, partition: Partition) -> Result<Offset, WorkError> {
        let place = self.input(topic, partition)?.topic;
        Ok(self.shared.head(place).end)
    }

    fn hold(&mut self, topic: Topic, partition: Partition, at: Offset) -> Result<(), WorkError> {
        let input = self.input(topic, partition)?;
        input.held_at = Some(at);
        input.next = input.next.min(at);
        Ok(())
    }

    fn release(&mut self, topic: Topic, partition: Partition) -> Result<(), WorkError> {
        self.input(topic, partition)?.held_at = None;
        Ok(())
    }

    fn commit(&mut self, transaction: Transaction) -> Result<Committed, CommitError> {
        let Checked { records, positions } = self.check(transaction)?;
        let fenced = self.fenced(&self.shared.state());
        match fenced {
            Ok(()) => {}
            Err(WorkError::Fenced) => return Err(CommitError::Fenced),
            Err(_) => return Err(self.shared.ended_or_closed().into()),
        }
        if records.is_empty() && positions.is_empty() {
            return Ok(Committed::default());
        }
        let (answer, answers) = mpsc::sync_channel(1);
        let commit =
            Commit { group: self.spec.group.clone(), session: self.session, records, positions, answer };
        if !self.shared.queue.commit(commit) {
            return Err(self.shared.ended_or_closed().into());
        }
        match answers.recv_timeout(LONGEST_WAIT) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(CommitError::Aborted(Reason::Deadline)),
            Err(RecvTimeoutError::Disconnected) => Err(self.shared.ended_or_closed().into()),
        }
    }

    fn pace(&self) -> Pace {
        Pace { max_batch: PAGE_RECORDS, linger: Duration::ZERO, max_record_bytes: MAX_RECORD_BYTES }
    }
}
