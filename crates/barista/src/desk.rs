//! One partition: its orders, how far its inputs are read, its timers, and what waits to be committed.

use std::{cmp::Reverse, collections::BinaryHeap};

use eventlog::{Assignment, Entry, InputRange, Millis, Offset, Partition, Topic};
use order::{
    At, Book, Change, CloudEvent, Command, Event, Key, Limits, Order, OrderId, OrderState, ParseError,
    Placed, Refusal, SCHEMA, Status, TraceContext, Verdict, topic,
};
use traces::Nanos;

use crate::{
    INPUTS, Metrics, Options, Positions, Read, Stop,
    outbox::Outbox,
    positions::{LastRead, fingerprint},
    steps::Steps,
};

/// A partition's state while it comes in.
#[derive(Debug, Default)]
pub(crate) struct Restoring {
    book: Book,
    positions: Option<Positions>,
}

/// A partition that is held.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) book: Book,
    pub(crate) outbox: Outbox,
    pub(crate) steps: Steps,
    pub(crate) received: Input,
    pub(crate) command: Input,
    /// Due times, among equals in the log's order; an entry is void when its order has another one by now.
    timers: BinaryHeap<Reverse<(Millis, Offset, Key)>>,
    /// A lower bound of the next offset in `order.event`.
    event_next: Offset,
}

/// How far one input has been read.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) topic: Topic,
    /// The offset to be read next.
    pub(crate) next: Offset,
    /// The input is stopped from here on, until what it waits for has come.
    pub(crate) held: bool,
    /// The command at `next` waits until this offset of `order.received` has been read.
    pub(crate) waits_for: Option<Offset>,
    last: Option<LastRead>,
    /// The last record read since the last commit; its fingerprint is taken then.
    last_entry: Option<Entry>,
    /// Read once more, to see that this is still the same log.
    verify: Option<LastRead>,
}

/// What is the same for every decision of one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now<'a> {
    pub(crate) at: Millis,
    /// The same for spans; 0: none are made.
    pub(crate) nanos: Nanos,
    pub(crate) options: &'a Options,
    pub(crate) source: &'a str,
    pub(crate) metrics: &'a Metrics,
}

/// How much may still be decided in one go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Timers and what else moves by itself.
    pub(crate) moves: usize,
    /// What is written by it.
    pub(crate) bytes: usize,
}

impl Restoring {
    /// Takes in a piece of `order.state`.
    pub(crate) fn take(&mut self, entries: Vec<Entry>, metrics: &Metrics) -> Result<(), Stop> {
        for entry in entries {
            let Some(key) = entry.record.key.as_deref() else { continue };
            let value = entry.record.value.as_deref();
            match self.take_one(key, value) {
                Ok(()) => {}
                Err(ParseError::Newer(version)) => {
                    let Entry { partition, offset, .. } = entry;
                    return Err(Stop::Newer { topic: topic::STATE, partition, offset, version });
                }
                Err(ParseError::Invalid(why)) => {
                    metrics.unreadable_state.inc();
                    let Entry { partition, offset, .. } = entry;
                    tracing::warn!(partition, offset, %why, "passed over in order.state");
                }
            }
        }
        Ok(())
    }

    fn take_one(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), ParseError> {
        if key == topic::POSITIONS_KEY.as_bytes() {
            self.positions = value.map(Positions::parse).transpose()?;
        } else if let Some(value) = value {
            self.book.restore(OrderState::parse(value)?);
        } else if let Some(id) = std::str::from_utf8(key).ok().and_then(|id| OrderId::new(id).ok()) {
            self.book.unrestore(&id);
        }
        Ok(())
    }

    /// The state is complete: finds where to read on, or why this is not the line's log.
    pub(crate) fn finish(mut self, assigned: &Assignment, options: &Options) -> Result<Desk, Stop> {
        let positions = self.positions;
        let event_next =
            assigned.outputs.iter().find(|(t, _)| *t == topic::EVENT).map_or(0, |(_, next)| *next);
        // The group's word alone is enough after baristas of others, who write no events.
        let read =
            assigned.inputs.iter().find(|range| range.topic == topic::RECEIVED).and_then(|r| r.committed);
        if let Some(read) = read.filter(|read| *read > 0)
            && positions.is_none()
            && event_next > 0
            && !options.accept_loss
        {
            return Err(Stop::StateGone { topic: topic::STATE, partition: assigned.partition, read });
        }
        self.book.settle(positions.as_ref().map_or(0, |p| p.last_code));
        let [received, command] = INPUTS.map(|topic| {
            let range = assigned.inputs.iter().find(|range| range.topic == topic);
            let read = positions.as_ref().and_then(|p| p.of(topic));
            Input::at(topic, assigned.partition, range, read, options)
        });
        let timers = self
            .book
            .iter()
            .filter_map(|(key, s)| s.due().map(|due| Reverse((due, s.at.offset, key))))
            .collect();
        let (book, outbox, steps) = (self.book, Outbox::default(), Steps::default());
        Ok(Desk { book, outbox, steps, received: received?, command: command?, timers, event_next })
    }
}

impl Input {
    fn at(
        topic: Topic,
        partition: Partition,
        range: Option<&InputRange>,
        read: Option<&Read>,
        options: &Options,
    ) -> Result<Self, Stop> {
        let (earliest, end) = range.map_or((0, 0), |r| (r.earliest, r.end));
        let committed = range.and_then(|r| r.committed);
        // The state's own word first; the group's is only a help for logs without one.
        let next = read.map(|r| r.next).or(committed).unwrap_or(earliest);
        if let Some(committed) = committed.filter(|committed| *committed != next) {
            tracing::warn!(
                topic,
                partition,
                next,
                committed,
                "the group's position is another than the state's; going on from the state's"
            );
        }
        if next > end {
            let found = format!("it ends at {end}");
            return Err(Stop::OtherLog { topic, partition, next, found });
        }
        if next < earliest && !options.accept_loss {
            let (from, to, missing) = (next, earliest - 1, earliest - next);
            return Err(Stop::Gone { topic, partition, missing, from, to });
        }
        let last = read.and_then(|r| r.last.clone());
        let verify = last.clone().filter(|l| l.last >= earliest && next >= earliest);
        let next = next.max(earliest);
        Ok(Self { topic, next, held: false, waits_for: None, last, last_entry: None, verify })
    }

    /// Where to begin or, after a hold, go on: at the last record once more, if it is still to be compared.
    pub(crate) fn start(&self) -> Offset {
        self.verify.as_ref().map_or(self.next, |l| l.last)
    }

    /// Whether this record is to be read now. The one that was read last is only compared.
    pub(crate) fn wants(&mut self, entry: &Entry) -> Result<bool, Stop> {
        if let Some(expected) = self.verify.take() {
            let same = entry.offset == expected.last && hash(entry) == expected.hash;
            if !same {
                let found = format!("another record than the one last read now stands at {}", expected.last);
                let (topic, partition) = (self.topic, entry.partition);
                return Err(Stop::OtherLog { topic, partition, next: self.next, found });
            }
            return Ok(false);
        }
        Ok(!self.held && entry.offset >= self.next)
    }

    fn read(&mut self, entry: Entry) {
        self.next = entry.offset + 1;
        self.last_entry = Some(entry);
    }

    fn position(&mut self) -> Read {
        if let Some(entry) = self.last_entry.take() {
            self.last = Some(LastRead { last: entry.offset, hash: hash(&entry) });
        }
        Read { topic: self.topic.to_owned(), next: self.next, last: self.last.clone() }
    }
}

fn hash(entry: &Entry) -> String {
    format!("{:016x}", fingerprint(entry))
}

impl Desk {
    /// Takes one record of `order.received`.
    pub(crate) fn take(&mut self, entry: Entry, now: Now<'_>, hands_free: bool) {
        self.outbox.count();
        match read_order(&entry) {
            Ok(order) => {
                let placed = self.placed(&entry);
                match self.book.take(order, placed, now.at, &now.options.rules, hands_free) {
                    Verdict::Changed(change) => {
                        let waited = u32::try_from((now.at - entry.timestamp).max(0)).unwrap_or(u32::MAX);
                        now.metrics.decided_after_seconds.observe(f64::from(waited) / 1_000.0);
                        self.changed(&change, Some(&entry), now);
                    }
                    _ => drop(now.metrics.repeats.inc()),
                }
            }
            Err(why) => self.dead_letter(&entry, &why, now),
        }
        self.received.read(entry);
    }

    /// Takes one record of `order.command`; the order it waits for has been read.
    pub(crate) fn command(
        &mut self,
        entry: Entry,
        command: Result<Command, String>,
        now: Now<'_>,
        hands_free: bool,
    ) {
        self.outbox.count();
        match command {
            Ok(command) => match self.book.command(&command, now.at, &now.options.rules, hands_free) {
                Verdict::Changed(change) => self.changed(&change, Some(&entry), now),
                Verdict::Answered(event) => {
                    now.metrics.decisions.inc();
                    self.outbox.answered(&event);
                }
                Verdict::Repeat => {} // only orders repeat
            },
            Err(why) => self.dead_letter(&entry, &why, now),
        }
        self.command.read(entry);
    }

    /// Answers a command without asking the order.
    pub(crate) fn refuse(&mut self, entry: Entry, command: &Command, refusal: Refusal, now: Now<'_>) {
        self.outbox.count();
        self.outbox.answered(&Event::unknown(command, refusal, now.at));
        now.metrics.decisions.inc();
        self.command.read(entry);
    }

    /// Moves on what is due, gives up what too many wait for, forgets what is old, as far as there is room. Says
    /// how much of it is left.
    pub(crate) fn fire(&mut self, now: Now<'_>, room: Room) -> Room {
        let end = Room { moves: self.outbox.inputs() + room.moves, bytes: self.outbox.bytes() + room.bytes };
        // However many timers are late: what frees memory keeps its share, and an order has at most two timers
        // for the one time that it is forgotten.
        self.fire_timers(now, Room { moves: end.moves - room.moves.div_ceil(3), ..end });
        while self.is_within(end)
            && let Some(change) = self.book.give_up(now.at, &now.options.rules)
        {
            self.outbox.count();
            self.changed(&change, None, now);
        }
        while self.is_within(end)
            && let Some(id) = self.book.forget(now.at, &now.options.rules)
        {
            self.outbox.count();
            self.outbox.forgotten(&id);
        }
        self.fire_timers(now, end);
        Room {
            moves: end.moves.saturating_sub(self.outbox.inputs()),
            bytes: end.bytes.saturating_sub(self.outbox.bytes()),
        }
    }

    fn fire_timers(&mut self, now: Now<'_>, end: Room) {
        while self.is_within(end)
            && let Some(&Reverse((due, _, key))) = self.timers.peek()
            && due <= now.at
        {
            self.timers.pop();
            // A void one costs nothing: it must not make the others late.
            self.due(key, due, now);
        }
    }

    fn is_within(&self, end: Room) -> bool {
        self.outbox.inputs() < end.moves && self.outbox.bytes() < end.bytes
    }

    /// Begins one order that waits for a hand; says whether there was one.
    pub(crate) fn begin(&mut self, now: Now<'_>) -> bool {
        let Some(change) = self.book.hands_free(now.at, &now.options.rules) else { return false };
        self.outbox.count();
        self.changed(&change, None, now);
        true
    }

    /// When something moves on by itself.
    pub(crate) fn next_due(&self, options: &Options) -> Option<Millis> {
        let timer = self.timers.peek().map(|Reverse((due, ..))| *due);
        let forget = self.book.next_forget(&options.rules);
        timer.into_iter().chain(forget).min()
    }

    /// The positions reached, to be committed with everything that is decided.
    pub(crate) fn positions(&mut self, options: &Options) -> Positions {
        Positions {
            schema: SCHEMA,
            inputs: vec![self.received.position(), self.command.position()],
            last_code: self.book.last_code(),
            open: self.book.open(),
            mode: options.rules.mode,
            barista: Some(options.name.clone()),
        }
    }

    /// The log's word after a commit.
    pub(crate) fn committed(&mut self, topic: Topic, next: Offset) {
        if topic == topic::EVENT {
            self.event_next = self.event_next.max(next);
        }
    }

    /// Moves on an order that was due, unless it is due no longer.
    fn due(&mut self, key: Key, due: Millis, now: Now<'_>) {
        if self.book.get(key).and_then(OrderState::due) != Some(due) {
            return;
        }
        let Some(change) = self.book.due(key, now.at, &now.options.rules) else { return };
        let late = u32::try_from(now.at - due).unwrap_or(u32::MAX);
        now.metrics.late_seconds.observe(f64::from(late) / 1_000.0);
        self.outbox.count();
        self.changed(&change, None, now);
    }

    /// `entry`: what was decided on; `None`: its time had come.
    fn changed(&mut self, change: &Change, entry: Option<&Entry>, now: Now<'_>) {
        let Some(state) = self.book.get(change.key) else { return };
        let trace = state.marks.as_ref().and_then(|marks| marks.traceparent);
        let onward = match trace.filter(|trace| now.nanos > 0 && trace.is_sampled()) {
            Some(trace) => Some(self.steps.decided(trace, state, &change.event, entry, now.nanos)),
            None => trace,
        };
        self.outbox.decided(state, &change.event, change.writes_state, now.source, onward);
        now.metrics.decisions.inc();
        if change.event.announces() {
            now.metrics.announced.inc();
        }
        if let Some(due) = change.due {
            self.timers.push(Reverse((due, state.at.offset, change.key)));
            self.drop_void_timers();
        }
    }

    /// An order that went on early leaves its old due time behind; when those outweigh the others, all of
    /// them go at once.
    fn drop_void_timers(&mut self) {
        let live = self.book.open() + self.book.count(order::Stage::Ready);
        if self.timers.len() > 2 * live + 4_096 {
            let book = &self.book;
            self.timers
                .retain(|Reverse((due, _, key))| book.get(*key).and_then(OrderState::due) == Some(*due));
        }
    }

    fn dead_letter(&mut self, entry: &Entry, why: &str, now: Now<'_>) {
        now.metrics.dead_letters.inc();
        let Entry { topic, partition, offset, .. } = entry;
        tracing::warn!(topic, partition, offset, why, "dead letter");
        self.outbox.dead_letter(entry, why);
    }

    fn placed(&self, entry: &Entry) -> Placed {
        let header = |name: &str| entry.record.headers.get(name).and_then(|v| std::str::from_utf8(v).ok());
        let ours = header(CloudEvent::SOURCE).is_some_and(|s| s.starts_with(CloudEvent::SOURCE_PREFIX));
        Placed {
            at: At { partition: entry.partition, offset: entry.offset },
            received_at: entry.timestamp,
            foreign: !ours,
            history_from: self.event_next,
            traceparent: trace_of(entry),
        }
    }
}

/// The trace that a record came with.
pub(crate) fn trace_of(entry: &Entry) -> Option<TraceContext> {
    entry.record.headers.get(TraceContext::HEADER).and_then(TraceContext::parse)
}

/// The order in a record of `order.received`, or one sentence that says why it is none.
fn read_order(entry: &Entry) -> Result<Order, String> {
    within_limit(entry)?;
    let value = entry.record.value.as_deref().ok_or("the record has no value")?;
    let order = Order::parse(value)?;
    match order.status {
        Status::Received => Ok(order),
        Status::Processed => Err("status 1, a new order has 0".to_owned()),
    }
}

/// The command in a record of `order.command`, or one sentence that says why it is none.
pub(crate) fn read_command(entry: &Entry) -> Result<Command, String> {
    within_limit(entry)?;
    Command::parse(entry.record.value.as_deref().ok_or("the record has no value")?)
}

fn within_limit(entry: &Entry) -> Result<(), String> {
    let size = entry.record.size();
    if size > Limits::RECORD_BYTES {
        return Err(format!("the record has {size} bytes, at most {} are read", Limits::RECORD_BYTES));
    }
    Ok(())
}
