//! A session: who has which partition, its state, its inputs, its transactions.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{Offset as Wanted, TopicPartitionList, error::RDKafkaErrorCode as Code};

use super::{
    LOOK_UP, MAX_RECORD_BYTES, admin,
    bell::Bell,
    claim::claim,
    commit::{Uncommitted, Writer, session_ended},
    group::{Group, Told},
    members,
    native::{Read, Reader},
    offsets::{Ask, Offsets, ask},
    settle::{Last, is_all_marked},
    share::{Cursor, Hidden, Share},
    shared::{Failed, Shared, Slot},
};
use crate::{
    Assignment, CommitError, Committed, Entry, InputRange, Offset, OpenError, Pace, Partition, Partitions,
    Polled, Position, Reason, Topic, Transaction, Work, WorkError, WorkSpec,
};

/// The most records that one poll brings.
const BATCH: usize = 4_096;
/// How long to gather: a commit takes 2 to 4 ms, and one that takes everything of 5 ms loses nothing by it.
const LINGER: Duration = Duration::from_millis(5);
/// How long a session waits for the marks of its last transaction, when brokers answer again after one was lost. The
/// next one waits as well, but finds out which of them never come.
const MARKS_WITHIN: Duration = Duration::from_secs(10);
/// How long one look at them may take.
const LOOK_WITHIN: Duration = Duration::from_millis(500);
/// How long a commit waits for those of the one before it.
const COMMIT_WAITS: Duration = Duration::from_secs(2);
/// How long whoever commits in a generation that is over is waited for to hear of the one that is.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(2);
/// How often is looked whether it has.
const LOOK_FOR_GENERATION: Duration = Duration::from_millis(10);
/// With this many inputs a transaction is committed, although there is more: it stays far below the time that the
/// brokers give it.
const TRANSACTION: usize = 8_192;

pub(super) struct Session {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    spec: WorkSpec,
    // In this order they are dropped: first nothing is this session's any more.
    group: Group,
    reader: Reader,
    writer: Writer,
    _slot: Slot,
    shares: BTreeMap<Partition, Share>,
    /// The group's generation up to which everything is known that it has told.
    heard: Option<i32>,
    /// What came and was not yet handed out.
    ready: VecDeque<Polled>,
    /// The ends that were asked for since records were handed out last.
    ends: Offsets,
    /// Lower bounds of the next offset in each partition that is written to.
    floors: Offsets,
    /// The last transaction, and before it the one before, of which a mark may be missing as well.
    lasts: Vec<Last>,
    /// Whether the last one is committed, as the brokers say.
    is_answered: bool,
    /// Since when a mark of it is missing, and when that was looked at last.
    unmarked: Option<(Instant, Instant)>,
}

impl Session {
    pub(super) fn join(shared: &Arc<Shared>, spec: &WorkSpec) -> Result<Self, OpenError> {
        if shared.is_closed() {
            return Err(OpenError::Closed);
        }
        let topics = spec.inputs.iter().chain(&spec.outputs).chain([&spec.state]);
        if let Some(topic) = topics.into_iter().find(|topic| shared.partitions(topic) == 0) {
            return Err(OpenError::NotUsable(format!("the log has no topic {topic}")));
        }
        let bell = shared.bell();
        let slot = Slot::take(shared);
        let group = shared.options.prefixed(&spec.group);
        if shared.has_strangers(&group) {
            // Joining would only have the group share out its work once more.
            members::check(shared, &group)?;
        }
        let id = match &spec.instance {
            Some(instance) => {
                let id = format!("{group}-{instance}");
                claim(shared, spec, instance, &id)?;
                id
            }
            None => format!("{group}-{}-{}", shared.process, slot.number),
        };
        let writer = Writer::new(shared, &id, spec.state)?;
        Ok(Self {
            group: Group::join(shared, spec, &bell)?,
            reader: shared.reader(BATCH, &bell)?,
            writer,
            _slot: slot,
            shared: shared.clone(),
            bell,
            spec: spec.clone(),
            shares: BTreeMap::new(),
            heard: None,
            ready: VecDeque::new(),
            ends: Offsets::new(),
            floors: Offsets::new(),
            lasts: Vec::new(),
            is_answered: false,
            unmarked: None,
        })
    }

    /// Hears what the group has decided.
    fn hear(&mut self) -> Result<(), WorkError> {
        // Asked for first: what a generation takes away is told before the next one begins.
        let generation = self.group.generation();
        let told = self.group.hear()?;
        if !told.is_empty() {
            self.group.check_members()?;
        }
        for told in told {
            match told {
                Told::Assigned(partitions) => self.begin(&partitions)?,
                Told::Revoked(partitions) => self.end_of(&partitions, Polled::Revoked),
                Told::Lost(partitions) => self.end_of(&partitions, Polled::Lost),
            }
        }
        self.heard = generation;
        Ok(())
    }

    fn end_of(&mut self, partitions: &[Partition], told: fn(Partition) -> Polled) {
        for &partition in partitions {
            if self.shares.remove(&partition).is_none() {
                continue;
            }
            for topic in self.spec.inputs.iter().chain([&self.spec.state]) {
                self.reader.stop(topic, partition);
            }
            self.forget_ready(|_, of| of == partition);
            // Before all else: whoever commits for it now is fenced, and its session lost for nothing.
            self.ready.push_front(told(partition));
        }
    }

    /// Hands out nothing of these any more.
    fn forget_ready(&mut self, of: impl Fn(Topic, Partition) -> bool) {
        self.ready.retain_mut(|ready| match ready {
            Polled::Records(entries) => {
                entries.retain(|entry| !of(entry.topic, entry.partition));
                !entries.is_empty()
            }
            Polled::State(partition, _) => !of(self.spec.state, *partition),
            Polled::Assigned(assigned) => !of(self.spec.state, assigned.partition),
            Polled::Revoked(_) | Polled::Lost(_) | Polled::Idle => true,
        });
    }

    /// Begins to read the state of partitions that have become this session's.
    fn begin(&mut self, partitions: &[Partition]) -> Result<(), WorkError> {
        self.writer.introduce(&self.group)?;
        let state = self.spec.state;
        self.check_partitions(partitions)?;
        let places: Vec<_> = partitions.iter().map(|partition| (state, *partition)).collect();
        // After the assignment, and as someone who sees what is not committed sees it: see `Share::Restoring`.
        let ends = self.ask(&places, Ask::End)?;
        let starts = self.ask(&places, Ask::Beginning)?;
        for &partition in partitions {
            let place = (state, partition);
            let (next, end) = (starts[&place], ends[&place]);
            self.floors.insert(place, end);
            self.shares
                .insert(partition, Share::Restoring { next, end, hidden: Hidden::Since(Instant::now()) });
            if next >= end {
                self.restored(partition)?;
            } else {
                let started = self.reader.start(state, partition, next);
                started.map_err(|code| self.failed("read", state, code, ""))?;
            }
        }
        Ok(())
    }

    /// Partitions of the first input may be added by someone who does not know the other topics: they get theirs
    /// before this session takes the new ones.
    fn check_partitions(&self, partitions: &[Partition]) -> Result<(), WorkError> {
        let most = partitions.iter().max().copied().unwrap_or(0);
        let topics = || self.spec.inputs.iter().chain([&self.spec.state]).chain(&self.spec.outputs);
        let has_one =
            |topic| self.shared.topic(topic).is_some_and(|known| known.spec.partitions == Partitions::One);
        let has_fewer = |topic: &Topic| !has_one(topic) && self.shared.partitions(topic) <= most;
        let missing = || topics().copied().find(has_fewer);
        if missing().is_some() {
            self.shared.look_at_topics();
        }
        if missing().is_some() {
            admin::ensure(&self.shared.options, &self.shared.probe).map_err(|error| match error {
                OpenError::Storage(why) => WorkError::Storage(why),
                error => WorkError::Refused(error.to_string()),
            })?;
            self.shared.look_at_topics();
        }
        match missing() {
            None => Ok(()),
            Some(topic) => Err(WorkError::Storage(format!(
                "topic {} has fewer partitions than {}; add them, or start the program anew, which does it",
                self.shared.options.prefixed(topic),
                self.shared.options.prefixed(self.spec.inputs[0]),
            ))),
        }
    }

    /// The state of a partition was read to its end.
    fn restored(&mut self, partition: Partition) -> Result<(), WorkError> {
        self.reader.stop(self.spec.state, partition);
        let assignment = self.assignment(partition)?;
        self.shares.insert(partition, Share::Restored);
        self.ready.push_back(Polled::Assigned(assignment));
        Ok(())
    }

    fn assignment(&mut self, partition: Partition) -> Result<Assignment, WorkError> {
        let shared = &self.shared;
        // An output may have fewer partitions than the inputs.
        let outputs: Vec<_> =
            self.spec.outputs.iter().copied().filter(|topic| partition < shared.partitions(topic)).collect();
        let places = |topics: &[Topic]| topics.iter().map(|topic| (*topic, partition)).collect::<Vec<_>>();
        let ends = self.ask(&places(&[&self.spec.inputs[..], &outputs].concat()), Ask::End)?;
        let starts = self.ask(&places(&self.spec.inputs), Ask::Beginning)?;
        let committed = self.group.committed(partition, &self.spec.inputs)?;
        let input = |topic: &Topic| InputRange {
            topic,
            earliest: starts[&(*topic, partition)],
            end: ends[&(*topic, partition)],
            committed: committed.get(&(*topic, partition)).copied(),
        };
        let outputs: Vec<_> = outputs.into_iter().map(|topic| (topic, ends[&(topic, partition)])).collect();
        self.floors.extend(outputs.iter().map(|(topic, end)| ((*topic, partition), *end)));
        Ok(Assignment { partition, inputs: self.spec.inputs.iter().map(input).collect(), outputs })
    }

    /// What has come, without waiting.
    fn read(&mut self) -> Result<(), WorkError> {
        let (mut records, mut failed) = (Vec::new(), None);
        let mut states: BTreeMap<Partition, Vec<Entry>> = BTreeMap::new();
        let mut complete = Vec::new();
        let (shares, state) = (&mut self.shares, self.spec.state);
        self.reader.read(|read| match read {
            Read::Entry(entry) => {
                let Some(share) = shares.get_mut(&entry.partition) else { return };
                if entry.topic == state {
                    if share.has_restored(entry.offset + 1) {
                        complete.push(entry.partition);
                    }
                    states.entry(entry.partition).or_default().push(entry);
                } else if share.wants(entry.topic, entry.offset) {
                    records.push(entry);
                }
            }
            Read::End(topic, partition, end) => {
                let share = shares.get_mut(&partition).filter(|_| topic == state);
                if share.is_some_and(|share| share.has_restored(end)) {
                    complete.push(partition);
                }
            }
            Read::Failed(topic, partition, code, said) => failed = Some((topic, partition, code, said)),
        });
        self.ready.extend(states.into_iter().map(|(partition, entries)| Polled::State(partition, entries)));
        complete.dedup();
        for partition in complete {
            if matches!(self.shares.get(&partition), Some(Share::Restoring { .. })) {
                self.restored(partition)?;
            }
        }
        if !records.is_empty() {
            self.ready.push_back(Polled::Records(records));
        }
        match failed {
            None => Ok(()),
            Some((topic, partition, Code::OffsetOutOfRange | Code::AutoOffsetReset, _)) => {
                let share = self.shares.get_mut(&partition);
                let wanted = share.and_then(|share| share.cursor(topic)).map_or(0, |cursor| cursor.next);
                Err(self.out_of_range(topic, partition, wanted)?)
            }
            Some((topic, _, code, said)) => Err(self.failed("read", topic, code, &said)),
        }
    }

    /// Says which states can't be read, because a transaction that nobody ends hides the rest of them.
    fn tell_of_hidden(&mut self) -> Result<(), WorkError> {
        let state = self.spec.state;
        let hidden = self
            .shares
            .iter_mut()
            .filter_map(|(partition, share)| Some((*partition, share.is_hidden_from()?)));
        for (partition, from) in hidden.collect::<Vec<_>>() {
            // Without an answer it is the brokers that are missing.
            self.ask(&[(state, partition)], Ask::End)?;
            let (brokers, name) = (&self.shared.options.brokers, self.shared.options.prefixed(state));
            tracing::warn!(
                "partition {partition} waits: a transaction that is open from offset {from} of topic {name} on hides \
                 what comes after it; if no program works on that any more, end it with \
                 kafka-transactions.sh --bootstrap-server {brokers} abort --topic {name} --partition {partition} \
                 --start-offset {from}, which takes back what it wrote there: an order whose bell it rang may ring \
                 once more"
            );
        }
        Ok(())
    }

    fn out_of_range(
        &self,
        topic: Topic,
        partition: Partition,
        wanted: Offset,
    ) -> Result<WorkError, WorkError> {
        let place = [(topic, partition)];
        let earliest = self.ask(&place, Ask::Beginning)?[&place[0]];
        let end = self.ask(&place, Ask::End)?[&place[0]];
        Ok(WorkError::OutOfRange { topic, partition, wanted, earliest, end })
    }

    /// Looks for the marks of the last transaction, once in a second, if a broker was lost that was to write them.
    /// False as long as one is missing: what is taken back then would take along what was committed.
    fn has_marks(&mut self) -> Result<bool, WorkError> {
        if self.lasts.is_empty() || !self.writer.may_be_open() {
            self.unmarked = None;
            return Ok(true);
        }
        let now = Instant::now();
        let (since, looked) = self.unmarked.unwrap_or((now, now));
        if self.unmarked.is_some() && now.saturating_duration_since(looked) < LOOK_UP {
            return Ok(false);
        }
        let places: BTreeSet<_> = self.lasts.iter().flat_map(Last::places).collect();
        let places: Vec<_> = places.into_iter().collect();
        match is_all_marked(&self.shared, &self.reader, &places, LOOK_WITHIN) {
            Ok(true) => {
                self.writer.note_marks();
                self.unmarked = None;
                return Ok(true);
            }
            Ok(false) if now.saturating_duration_since(since) >= MARKS_WITHIN => return Err(unmarked()),
            Ok(false) => self.unmarked = Some((since, now)),
            // It is the brokers that are missing.
            Err(_) => self.unmarked = Some((now, now)),
        }
        Ok(false)
    }

    /// Asks the log's probe, which also sees what is not committed.
    fn ask(&self, places: &[(Topic, Partition)], what: Ask) -> Result<Offsets, WorkError> {
        Ok(ask(&self.shared, &self.shared.probe, places, what)?)
    }

    fn failed(&self, what: &str, topic: Topic, code: Code, said: &str) -> WorkError {
        let tried = format!("{what} topic {}", self.shared.options.prefixed(topic));
        self.shared.failed(&tried, code, said).into()
    }

    fn cursor(&mut self, topic: Topic, partition: Partition) -> Result<&mut Cursor, WorkError> {
        let cursor = self.shares.get_mut(&partition).and_then(|share| share.cursor(topic));
        cursor
            .ok_or_else(|| WorkError::Storage(format!("{topic}-{partition} was not started by this worker")))
    }

    /// What a program must not ask.
    fn check(&self, transaction: &Transaction) -> Result<(), CommitError> {
        for (topic, partition, record) in &transaction.records {
            if *topic != self.spec.state && !self.spec.outputs.contains(topic) {
                return Err(CommitError::Fatal(format!("{topic} is no output of this worker")));
            }
            if *partition >= self.shared.partitions(topic) {
                return Err(CommitError::Fatal(format!("topic {topic} has no partition {partition}")));
            }
            let size = record.size();
            if size > MAX_RECORD_BYTES {
                return Err(CommitError::Fatal(format!(
                    "a record for {topic} has {size} bytes, the log takes at most {MAX_RECORD_BYTES}: nothing of \
                     the transaction was written"
                )));
            }
        }
        for Position { topic, partition, .. } in &transaction.positions {
            if !self.spec.inputs.contains(topic) || *partition >= self.shared.partitions(topic) {
                return Err(CommitError::Fatal(format!("{topic}-{partition} is no input of this worker")));
            }
        }
        Ok(())
    }

    fn positions(&self, positions: &[Position]) -> Result<TopicPartitionList, CommitError> {
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for Position { topic, partition, offset } in positions {
            let number = i32::try_from(*partition).unwrap_or(i32::MAX);
            let at = Wanted::Offset(i64::try_from(*offset).unwrap_or(i64::MAX));
            list.add_partition_offset(&self.shared.options.prefixed(topic), number, at)
                .map_err(|_| CommitError::Fatal(format!("{topic}-{partition} has no position {offset}")))?;
        }
        Ok(list)
    }

    fn check_shares(&self, positions: &[Position]) -> Result<(), CommitError> {
        let is_started = |p: &Position| self.shares.get(&p.partition).is_some_and(Share::is_started);
        if positions.iter().all(is_started) { Ok(()) } else { Err(CommitError::Fenced) }
    }

    /// The group has shared out anew, and this has committed as if it had not: hears of it, and whether these are still
    /// this member's. Not where a broker was lost: what was taken back may have taken along what was committed before it,
    /// which the next session sees to.
    fn catch_up(&mut self, positions: &[Position]) -> Result<(), CommitError> {
        let deadline = Instant::now() + CATCHES_UP_WITHIN;
        while self.group.is_member() && self.group.generation() == self.heard {
            if self.shared.is_closed() {
                return Err(CommitError::Aborted(Reason::Closed));
            }
            if Instant::now() >= deadline {
                return Err(CommitError::Fenced);
            }
            // Its client hears of it by itself, and tells nobody.
            std::thread::sleep(LOOK_FOR_GENERATION);
        }
        if self.writer.may_be_open() {
            return Err(CommitError::Fenced);
        }
        self.hear().map_err(session_ended)?;
        self.check_shares(positions)?;
        tracing::debug!("the group has shared out anew meanwhile: it is committed once more");
        Ok(())
    }

    /// Waits until the last transaction is closed wherever it wrote.
    fn wait_for_marks(&mut self) -> Result<(), CommitError> {
        let deadline = Instant::now() + COMMIT_WAITS;
        let failed = |error: WorkError| CommitError::Aborted(Reason::Storage(error.to_string()));
        while !self.has_marks().map_err(failed)? {
            if self.shared.is_closed() {
                return Err(CommitError::Aborted(Reason::Closed));
            }
            if Instant::now() >= deadline {
                return Err(failed(unmarked()));
            }
            self.bell.wait_until(deadline.min(Instant::now() + LOOK_UP));
        }
        Ok(())
    }

    /// A transaction with these records was committed: each partition that it wrote to also has a mark of it now.
    fn raise_floors(&mut self, transaction: &Transaction) -> Committed {
        let mut counts: BTreeMap<(Topic, Partition), u64> = BTreeMap::new();
        for (topic, partition, _) in &transaction.records {
            *counts.entry((topic, *partition)).or_default() += 1;
        }
        let mut ends = Vec::new();
        for ((topic, partition), count) in counts {
            let floor = self.floors.entry((topic, partition)).or_default();
            ends.push(Position { topic, partition, offset: *floor + count });
            *floor += count + 1;
        }
        Committed { ends }
    }
}

fn unmarked() -> WorkError {
    let sentence = "a broker was lost that was to end the last transaction in each of its topics".to_owned();
    Failed { sentence, heals: true }.into()
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.lasts.is_empty() && self.writer.leaves_something() {
            let mut lasts = std::mem::take(&mut self.lasts);
            if let ([before, _], false) = (&mut lasts[..], self.is_answered) {
                before.note_next_is_taken_back();
            }
            self.shared.leave(self.writer.name(), lasts);
        }
        self.shared.note_member(self.writer.name(), self.group.member_id());
    }
}

impl Work for Session {
    fn poll(&mut self, wait: Duration) -> Result<Polled, WorkError> {
        // Longer is never asked for, and can't be added to any time.
        let deadline = Instant::now() + wait.min(Duration::from_hours(1));
        loop {
            if self.shared.is_closed() {
                return Err(WorkError::Closed);
            }
            if self.writer.has_predecessor() {
                self.writer.introduce(&self.group)?;
            }
            self.hear()?;
            self.group.tell_of_wait();
            if self.ready.is_empty() {
                self.read()?;
            }
            if let Some(ready) = self.ready.pop_front() {
                if matches!(ready, Polled::Records(_)) {
                    self.ends.clear();
                }
                return Ok(ready);
            }
            self.writer.hear();
            self.has_marks()?;
            self.tell_of_hidden()?;
            for topic in self.spec.inputs.iter().chain([&self.spec.state]).chain(&self.spec.outputs) {
                self.shared.check_is_there(topic)?;
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(Polled::Idle);
            }
            self.bell.wait_until(deadline.min(now + LOOK_UP));
        }
    }

    fn start(&mut self, partition: Partition, from: &[(Topic, Offset)]) -> Result<(), WorkError> {
        if !matches!(self.shares.get(&partition), Some(Share::Restored | Share::Started(_))) {
            return Err(WorkError::Storage(format!("partition {partition} is not assigned to this worker")));
        }
        let places: Vec<_> = self.spec.inputs.iter().map(|topic| (*topic, partition)).collect();
        let starts = self.ask(&places, Ask::Beginning)?;
        let ends = self.ask(&places, Ask::End)?;
        let mut cursors = BTreeMap::new();
        for place @ (topic, _) in places {
            let Some((_, wanted)) = from.iter().find(|(named, _)| *named == topic) else {
                return Err(WorkError::Storage(format!("nothing says where {topic}-{partition} begins")));
            };
            let (wanted, earliest, end) = (*wanted, starts[&place], ends[&place]);
            if !(earliest..=end).contains(&wanted) {
                return Err(WorkError::OutOfRange { topic, partition, wanted, earliest, end });
            }
            cursors.insert(topic, Cursor { next: wanted, held: false });
        }
        for (topic, cursor) in &cursors {
            let started = self.reader.start(topic, partition, cursor.next);
            started.map_err(|code| self.failed("read", topic, code, ""))?;
        }
        self.forget_ready(|topic, of| of == partition && cursors.contains_key(topic));
        self.shares.insert(partition, Share::Started(cursors));
        Ok(())
    }

    fn end(&mut self, topic: Topic, partition: Partition) -> Result<Offset, WorkError> {
        if !self.spec.inputs.contains(&topic) || partition >= self.shared.partitions(topic) {
            return Err(WorkError::Storage(format!("{topic}-{partition} is no input of this worker")));
        }
        let place = (topic, partition);
        if let Some(end) = self.ends.get(&place) {
            return Ok(*end);
        }
        // Also what is not committed yet: a record that is durable behind it is below this end.
        self.ends.extend(self.ask(&[place], Ask::End)?);
        Ok(self.ends[&place])
    }

    fn hold(&mut self, topic: Topic, partition: Partition, at: Offset) -> Result<(), WorkError> {
        let cursor = self.cursor(topic, partition)?;
        *cursor = Cursor { next: cursor.next.min(at), held: true };
        self.reader.stop(topic, partition);
        self.forget_ready(|of_topic, of| (of_topic, of) == (topic, partition));
        Ok(())
    }

    fn release(&mut self, topic: Topic, partition: Partition) -> Result<(), WorkError> {
        let cursor = self.cursor(topic, partition)?;
        if std::mem::take(&mut cursor.held) {
            let next = cursor.next;
            let started = self.reader.start(topic, partition, next);
            started.map_err(|code| self.failed("read", topic, code, ""))?;
        }
        Ok(())
    }

    fn commit(&mut self, transaction: Transaction) -> Result<Committed, CommitError> {
        self.check(&transaction)?;
        if self.shared.is_closed() {
            return Err(CommitError::Aborted(Reason::Closed));
        }
        if transaction.records.is_empty() && transaction.positions.is_empty() {
            return Ok(Committed::default());
        }
        if transaction.positions.is_empty() {
            // By them the brokers know who may commit; without any they let everyone.
            return Err(CommitError::Fatal(
                "records without a position of their input can't be fenced".to_owned(),
            ));
        }
        self.check_shares(&transaction.positions)?;
        self.wait_for_marks()?;
        let positions = self.positions(&transaction.positions)?;
        let shared = self.shared.clone();
        let name = |topic: Topic| shared.topic(topic).map(|known| known.name.as_c_str());
        let records = transaction
            .records
            .iter()
            .filter_map(|(topic, partition, record)| Some((name(topic)?, *partition, record)));
        let from = transaction.records.iter().map(|(topic, partition, _)| (*topic, *partition));
        let from = from.map(|place| (place, self.floors.get(&place).copied().unwrap_or_default())).collect();
        let mut done = self.writer.commit(records.clone(), &positions, &self.group, self.heard, false);
        if matches!(done, Err(Uncommitted::Outdated)) {
            let caught_up = self.catch_up(&transaction.positions).map_err(Uncommitted::from);
            done = caught_up
                .and_then(|()| self.writer.commit(records, &positions, &self.group, self.heard, true));
        }
        let done = match done {
            Ok(()) => Ok(self.raise_floors(&transaction)),
            Err(Uncommitted::Outdated) => Err(CommitError::Fenced),
            Err(Uncommitted::Failed(error)) => Err(error),
        };
        // One that was not answered is none that another may come after.
        let before = self.lasts.pop().filter(|_| self.is_answered);
        self.lasts = before.into_iter().collect();
        self.lasts.push(Last::new(transaction.records, from));
        self.is_answered = done.is_ok();
        done
    }

    fn pace(&self) -> Pace {
        Pace { max_batch: TRANSACTION, linger: LINGER, max_record_bytes: MAX_RECORD_BYTES }
    }
}
