//! One session on the log, stepped by whoever owns the thread.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included, Unbounded},
    time::Duration,
};

use eventlog::{Assignment, Entry, Millis, Partition, Polled, Position, Record, Transaction, Work};
use order::{Command, Refusal, topic};
use traces::Nanos;

use crate::{
    Clock, Ended, Metrics, Options, Stop,
    desk::{Desk, Now, Restoring, Room, read_command},
    outbox::{RECORD_BYTES_MAX, placed},
};

/// With this many bytes or more, what is decided is committed at once: everyone waits while a transaction is
/// written, and it is in memory several times on its way.
const TRANSACTION_BYTES: usize = 8 << 20;

/// One session: poll → decide → fire due timers → commit. After any error it is dropped, and the next one
/// is built from the log; there is no other way back.
pub struct Engine {
    work: Box<dyn Work>,
    options: Options,
    clock: Clock,
    metrics: Metrics,
    source: String,
    restoring: BTreeMap<Partition, Restoring>,
    desks: BTreeMap<Partition, Desk>,
    /// Since when something waits to be committed.
    pending_since: Option<Millis>,
    /// Too many orders are open: `order.received` is held everywhere.
    full: bool,
    /// Said once in each session: who decides here, and how. True when it is committed.
    introduced: bool,
    /// Whose timers are fired first: each partition has its turn.
    first: Partition,
    /// When this step began, for spans; 0: none are made.
    nanos: Nanos,
}

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Inputs read and timers fired that are committed now. 0: nothing was, or only who decides here.
    pub committed: usize,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("partitions", &self.desks.keys()).finish_non_exhaustive()
    }
}

impl Engine {
    /// A session on `work`.
    pub fn new(work: Box<dyn Work>, options: Options, clock: Clock, metrics: Metrics) -> Result<Self, Stop> {
        let limit = work.pace().max_record_bytes;
        if limit < RECORD_BYTES_MAX {
            return Err(Stop::SmallRecords { limit, needed: RECORD_BYTES_MAX });
        }
        metrics.sessions.inc();
        // What an earlier session said is no longer so.
        metrics.hold(std::iter::empty());
        for gauge in [&metrics.open, &metrics.full] {
            gauge.set(0);
        }
        Ok(Self {
            work,
            source: format!("/brewline/{}", options.name),
            options,
            clock,
            metrics,
            restoring: BTreeMap::new(),
            desks: BTreeMap::new(),
            pending_since: None,
            full: false,
            introduced: false,
            first: 0,
            nanos: 0,
        })
    }

    /// Waits at most [`Options::max_wait`] for something to do, does it, and commits it.
    pub fn step(&mut self) -> Result<Step, Ended> {
        let polled = self.work.poll(self.wait((self.clock)()))?;
        let now = (self.clock)();
        self.nanos = if self.options.tracer.is_on() { traces::now() } else { 0 };
        let mut committed = 0;
        match polled {
            Polled::State(partition, entries) => {
                self.restoring.entry(partition).or_default().take(entries, &self.metrics)?;
            }
            Polled::Assigned(assigned) => self.assigned(&assigned)?,
            Polled::Revoked(partition) | Polled::Lost(partition) => self.gone(partition),
            Polled::Records(entries) => {
                for entry in entries {
                    self.entry(entry, now)?;
                    if self.waiting_bytes() >= TRANSACTION_BYTES {
                        committed += self.commit()?.committed;
                    }
                }
                self.release_commands()?;
            }
            Polled::Idle => {}
        }
        self.fire(now)?;
        committed += self.commit_if_due(now)?.committed;
        self.metrics.stepped(now);
        Ok(Step { committed })
    }

    /// Commits what is decided: the last thing before a clean stop.
    pub fn finish(&mut self) -> Result<Step, Ended> {
        self.commit()
    }

    /// How many partitions are held.
    pub fn partitions(&self) -> usize {
        self.desks.len()
    }

    fn wait(&self, now: Millis) -> Duration {
        let linger = Millis::try_from(self.work.pace().linger.as_millis()).unwrap_or(Millis::MAX);
        let commit = self.pending_since.map(|since| since.saturating_add(linger));
        let due = self.desks.values().filter_map(|desk| desk.next_due(&self.options)).min();
        match commit.into_iter().chain(due).min() {
            Some(at) => {
                self.options.max_wait.min(Duration::from_millis(u64::try_from(at - now).unwrap_or(0)))
            }
            None => self.options.max_wait,
        }
    }

    fn assigned(&mut self, assigned: &Assignment) -> Result<(), Ended> {
        let partition = assigned.partition;
        let mut desk =
            self.restoring.remove(&partition).unwrap_or_default().finish(assigned, &self.options)?;
        let from = [&desk.received, &desk.command].map(|input| (input.topic, input.start()));
        self.work.start(partition, &from)?;
        if self.full {
            self.work.hold(topic::RECEIVED, partition, desk.received.start())?;
            desk.received.held = true;
        }
        tracing::info!(
            partition,
            orders = desk.book.iter().count(),
            open = desk.book.open(),
            "partition taken"
        );
        self.desks.insert(partition, desk);
        self.count();
        Ok(())
    }

    /// Says what is held.
    fn count(&self) {
        self.metrics.hold(self.desks.keys().copied());
        self.metrics.open.set(i64::try_from(self.open()).unwrap_or(i64::MAX));
    }

    /// Who decides here, and how, for `shop.state`.
    fn introduction(&self) -> Record {
        let fact = serde_json::json!({
            "mode": self.options.rules.mode,
            "hands": self.options.hands,
            "cup_ms": self.options.rules.cup_ms,
            "at": (self.clock)(),
        });
        let key = format!("barista/{}", self.options.name);
        Record::new(key, fact.to_string())
    }

    /// What was decided for the partition and not committed is forgotten: whoever has it next decides it.
    fn gone(&mut self, partition: Partition) {
        self.restoring.remove(&partition);
        self.desks.remove(&partition);
        self.count();
        tracing::info!(partition, "partition handed on");
    }

    fn entry(&mut self, entry: Entry, now: Millis) -> Result<(), Ended> {
        // First in, first out: nobody passes an order that waits for a hand.
        let hands_free = self.hands_free() && self.longest_waiting().is_none();
        let Some(desk) = self.desks.get_mut(&entry.partition) else { return Ok(()) };
        let input = if entry.topic == topic::RECEIVED { &mut desk.received } else { &mut desk.command };
        if !input.wants(&entry)? {
            return Ok(());
        }
        if entry.topic == topic::RECEIVED {
            self.received(entry, now, hands_free)
        } else {
            self.command(entry, now, hands_free)
        }
    }

    fn received(&mut self, entry: Entry, now: Millis, hands_free: bool) -> Result<(), Ended> {
        if self.open() >= self.options.max_open || self.live_bytes() >= self.options.max_open_bytes {
            return self.set_full(true);
        }
        let (partition, now) =
            (entry.partition, now_of(now, self.nanos, &self.options, &self.source, &self.metrics));
        let Some(desk) = self.desks.get_mut(&partition) else { return Ok(()) };
        desk.take(entry, now, hands_free);
        Ok(())
    }

    fn command(&mut self, entry: Entry, now: Millis, hands_free: bool) -> Result<(), Ended> {
        let partition = entry.partition;
        let Some(desk) = self.desks.get_mut(&partition) else { return Ok(()) };
        let command = read_command(&entry);
        let now = now_of(now, self.nanos, &self.options, &self.source, &self.metrics);
        if let Ok(command) = &command
            && let Some(offset) = unread_order(command, partition, desk)
        {
            // It never waits for what is paused, or the `ready` behind it could not make room.
            if desk.received.held {
                desk.refuse(entry, command, Refusal::QueueFull, now);
                return Ok(());
            }
            if offset < self.work.end(topic::RECEIVED, partition)? {
                self.work.hold(topic::COMMAND, partition, entry.offset)?;
                desk.command.held = true;
                desk.command.waits_for = Some(offset);
                return Ok(());
            }
        }
        desk.command(entry, command, now, hands_free);
        Ok(())
    }

    /// Goes on with commands whose order has been read, or can't be read because too many are open: those come
    /// again, to be refused. Never before the end of a batch, because the commands in it that stand behind a
    /// held one come again as well.
    fn release_commands(&mut self) -> Result<(), Ended> {
        for (&partition, desk) in &mut self.desks {
            if desk.command.waits_for.is_some_and(|offset| self.full || offset < desk.received.next) {
                desk.command.held = false;
                desk.command.waits_for = None;
                self.work.release(topic::COMMAND, partition)?;
            }
        }
        Ok(())
    }

    fn fire(&mut self, now: Millis) -> Result<(), Ended> {
        let max_batch = self.work.pace().max_batch;
        let mut room = Room {
            // At least some timers move on in every step, however full it is of records, and something is
            // forgotten.
            moves: max_batch.saturating_sub(self.waiting()).max(max_batch / 4).max(2),
            bytes: TRANSACTION_BYTES.saturating_sub(self.waiting_bytes()),
        };
        let at = now_of(now, self.nanos, &self.options, &self.source, &self.metrics);
        for turn in [(Included(self.first), Unbounded), (Unbounded, Excluded(self.first))] {
            for desk in self.desks.range_mut::<Partition, _>(turn).map(|(_, desk)| desk) {
                room = desk.fire(at, room);
            }
        }
        let mut after = self.desks.range((Excluded(self.first), Unbounded));
        self.first = after.next().map_or(0, |(partition, _)| *partition);
        while room.moves > 0 && self.waiting_bytes() < TRANSACTION_BYTES && self.hands_free() {
            let Some(partition) = self.longest_waiting() else { break };
            let at = now_of(now, self.nanos, &self.options, &self.source, &self.metrics);
            if !self.desks.get_mut(&partition).is_some_and(|desk| desk.begin(at)) {
                break;
            }
            room.moves -= 1;
        }
        // A hundredth of room before reading goes on, so that it does not stop and go with every order.
        let below = |most: usize| most - (most / 100).max(1).min(most);
        if self.full
            && self.open() <= below(self.options.max_open)
            && self.live_bytes() <= below(self.options.max_open_bytes)
        {
            self.set_full(false)?;
        }
        Ok(())
    }

    fn commit_if_due(&mut self, now: Millis) -> Result<Step, Ended> {
        let pace = self.work.pace();
        let nothing = self.desks.values().all(|desk| desk.outbox.is_empty());
        if nothing && (self.introduced || self.desks.is_empty()) {
            self.pending_since = None;
            return Ok(Step::default());
        }
        let since = *self.pending_since.get_or_insert(now);
        let linger = Millis::try_from(pace.linger.as_millis()).unwrap_or(Millis::MAX);
        // A clock that was set back must not make it wait for an hour.
        let enough = self.waiting() >= pace.max_batch || self.waiting_bytes() >= TRANSACTION_BYTES;
        if enough || now - since >= linger || now < since { self.commit() } else { Ok(Step::default()) }
    }

    fn commit(&mut self) -> Result<Step, Ended> {
        let mut transaction = Transaction::default();
        let mut committed = 0;
        let mut introduction = (!self.introduced).then(|| self.introduction());
        for (&partition, desk) in &mut self.desks {
            if let Some(introduction) = introduction.take() {
                desk.outbox.push(topic::SHOP, introduction);
            }
            if desk.outbox.is_empty() {
                continue;
            }
            committed += desk.outbox.inputs();
            let positions = desk.positions(&self.options);
            let json = desk.outbox.json(&positions);
            desk.outbox.push(topic::STATE, Record::new(topic::POSITIONS_KEY.as_bytes(), json));
            transaction.records.extend(placed(desk.outbox.drain(), partition));
            transaction.positions.extend([&desk.received, &desk.command].map(|input| Position {
                topic: input.topic,
                partition,
                offset: input.next,
            }));
        }
        self.pending_since = None;
        if transaction.positions.is_empty() {
            return Ok(Step::default());
        }
        let tracer = &self.options.tracer;
        let nanos = if tracer.is_on() { traces::now() } else { 0 };
        let began = std::time::Instant::now(); // for the histogram alone, no decision rests on it
        let done = self.work.commit(transaction)?;
        self.metrics.commit_seconds.observe(began.elapsed().as_secs_f64());
        for desk in self.desks.values_mut() {
            desk.steps.committed(tracer, nanos, committed);
        }
        self.introduced = true;
        self.count();
        for end in done.ends {
            if let Some(desk) = self.desks.get_mut(&end.partition) {
                desk.committed(end.topic, end.offset);
            }
        }
        Ok(Step { committed })
    }

    fn open(&self) -> usize {
        self.desks.values().map(|desk| desk.book.open()).sum()
    }

    fn live_bytes(&self) -> usize {
        self.desks.values().map(|desk| desk.book.live_bytes()).sum()
    }

    /// Inputs and timers that wait to be committed.
    fn waiting(&self) -> usize {
        self.desks.values().map(|desk| desk.outbox.inputs()).sum()
    }

    /// The bytes that wait to be committed.
    fn waiting_bytes(&self) -> usize {
        self.desks.values().map(|desk| desk.outbox.bytes()).sum()
    }

    fn hands_free(&self) -> bool {
        match self.options.hands {
            None => true,
            Some(hands) => self.desks.values().map(|desk| desk.book.making_auto()).sum::<usize>() < hands,
        }
    }

    fn longest_waiting(&self) -> Option<Partition> {
        let waiting = self.desks.iter().filter_map(|(p, desk)| Some((desk.book.awaits_since()?, *p)));
        waiting.min().map(|(_, partition)| partition)
    }

    /// Stops reading new orders everywhere, or goes on with it.
    fn set_full(&mut self, full: bool) -> Result<(), Ended> {
        self.full = full;
        self.metrics.full.set(i64::from(full));
        for (&partition, desk) in &mut self.desks {
            if desk.received.held == full {
                continue;
            }
            desk.received.held = full;
            if full {
                self.work.hold(topic::RECEIVED, partition, desk.received.start())?;
            } else {
                self.work.release(topic::RECEIVED, partition)?;
            }
        }
        Ok(())
    }
}

fn now_of<'a>(
    at: Millis,
    nanos: Nanos,
    options: &'a Options,
    source: &'a str,
    metrics: &'a Metrics,
) -> Now<'a> {
    Now { at, nanos, options, source, metrics }
}

/// Where the command's order stands, if it is in this partition and not read yet.
fn unread_order(command: &Command, partition: Partition, desk: &Desk) -> Option<u64> {
    let at = command.order_at.filter(|at| at.partition == partition && at.offset >= desk.received.next)?;
    desk.book.find(&command.order_id).is_none().then_some(at.offset)
}
