//! One entry of the log → what is different now. No threads, no clock: a simulator can step it.

use std::{borrow::Cow, collections::BTreeMap};

use eventlog::{Entry, Offset, Partition};
use order::{
    At, CloudEvent, DeadLetter, Key, Limits, Millis, Mode, Order, OrderId, OrderState, ParseError, Placed,
    Stage, Status, stamp, topic,
};
use serde::Deserialize;

use super::{
    Ahead, Counts, Heard, Shop, UNDECIDED_MS,
    foreign::Foreign,
    recent::{Before, Kept, Recent},
    table::Table,
    ways,
};

/// What is so, by everything that was applied so far.
///
/// Apply all of `order.state` and `shop.state` first, from the beginning; then `order.received` from
/// [`View::received_from`] on. Between topics and partitions any order gives the same.
#[derive(Debug, Default)]
pub struct View {
    table: Table,
    parts: BTreeMap<Partition, Part>,
    foreign: Foreign,
    shop: Shop,
    recent: Recent,
    dead_letters: u64,
    unreadable: u64,
    newer: Option<u64>,
    partitions: u32,
}

/// What is different after an entry.
#[derive(Debug, Default)]
pub struct Changes {
    /// Keys of orders that changed; one that was removed since is in `forgotten`.
    pub(super) orders: Vec<Key>,
    /// Orders that are no longer remembered.
    pub forgotten: Vec<OrderId>,
    /// The shop's facts changed.
    pub shop: bool,
    /// How the orders that became ready kept their first promises.
    pub kept: Kept,
    /// How the bells were heard of orders that are no longer ready.
    pub heard: Heard,
}

impl Changes {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty() && self.forgotten.is_empty() && !self.shop
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.orders.clear();
        self.forgotten.clear();
        self.shop = false;
        self.kept = Kept::default();
        self.heard = Heard::default();
    }
}

/// Commands of this counter whose decision is waited for, in each partition. The oldest tell whether anyone decides.
const ASKED_MAX: usize = 64;

/// What is known of one partition.
#[derive(Debug, Default)]
struct Part {
    /// The next offset of `order.received` that a barista of ours will read; `None`: none of ours was here.
    position: Option<Offset>,
    /// The next offset of `order.received` that this view will read.
    read_to: Offset,
    /// The same of `order.command`.
    commands: Offset,
    /// Where commands of this counter stand on which nobody has decided, and when each was written.
    asked: BTreeMap<Offset, Millis>,
    /// Records of the state, each a sign of a barista's life.
    signs: u64,
    /// The barista that worked here last, by its name; `None`: an older one, which did not say.
    barista: Option<Box<str>>,
}

impl View {
    /// Takes in one entry of any topic, in the order of its partition.
    pub fn apply(&mut self, entry: &Entry) {
        self.apply_to(entry, &mut Changes::default());
    }

    /// The same, and adds what is different to `changes`.
    pub fn apply_to(&mut self, entry: &Entry, changes: &mut Changes) {
        match entry.topic {
            topic::STATE => self.state(entry, changes),
            topic::RECEIVED => self.received(entry, changes),
            topic::PROCESSED => self.processed(entry, changes),
            topic::SHOP => {
                if let Some(key) = text(entry.record.key.as_deref()) {
                    let value = entry.record.value.as_deref();
                    self.shop.apply(entry.offset, key, value, entry.timestamp);
                    changes.shop = true;
                }
            }
            // Not the marks that one was seen to.
            topic::DLQ => {
                let is_mark = DeadLetter::is_mark(|name| entry.record.headers.get(name).is_some());
                self.dead_letters += u64::from(!is_mark);
            }
            _ => {}
        }
    }

    /// Everything that is committed has been applied. What the baristas have read past without a state of its
    /// own was a repeat or is a dead letter; only now, because a transaction may come in two batches.
    pub fn at_end(&mut self, changes: &mut Changes) {
        for (&partition, part) in &self.parts {
            let passed =
                part.position.map_or_else(Vec::new, |next| self.table.undecided_before(partition, next));
            changes.forgotten.extend(passed.into_iter().filter_map(|key| self.table.remove(key)));
        }
    }

    /// Where to begin in `order.received`: partitions that are not named, at their oldest record.
    pub fn received_from(&self) -> Vec<(Partition, Offset)> {
        self.parts.iter().filter_map(|(&partition, part)| Some((partition, part.position?))).collect()
    }

    /// Whether a barista of ours has ever decided in every one of `partitions`.
    pub fn is_ours(&self, partitions: u32) -> bool {
        partitions > 0
            && (0..partitions).all(|p| self.parts.get(&p).is_some_and(|part| part.position.is_some()))
    }

    /// The order with this id; version 0: nobody has decided on it.
    pub fn get(&self, id: &str) -> Option<&OrderState> {
        self.table.find(id).and_then(|key| self.table.get(key))
    }

    /// All orders, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &OrderState> {
        self.table.iter()
    }

    /// How many orders are remembered.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no order is remembered.
    pub fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// How many orders are where.
    pub fn counts(&self) -> Counts {
        self.table.counts
    }

    /// What the open orders weigh together, in bytes beyond what every order takes.
    pub fn live_bytes(&self) -> usize {
        self.table.live_bytes
    }

    /// Open orders of its partition that were placed before it, without those that wait for payment.
    pub fn ahead(&self, state: &OrderState) -> Ahead {
        self.table.ahead(state)
    }

    /// Open orders that are made next, at most `limit` of each partition, the oldest first within it: those that wait
    /// for payment are none of them.
    pub fn open(&self, limit: usize) -> impl Iterator<Item = &OrderState> {
        self.table.open(limit)
    }

    /// The same of those that wait for payment.
    pub fn unpaid(&self, limit: usize) -> impl Iterator<Item = &OrderState> {
        self.table.unpaid(limit)
    }

    /// Orders that wait to be collected, the newest first.
    pub fn ready(&self) -> impl Iterator<Item = &OrderState> {
        self.table.ready()
    }

    /// Orders that are ready or finished, the last that became so first: the newest 1,000 of them.
    pub fn done(&self) -> impl Iterator<Item = &OrderState> {
        self.table.done()
    }

    /// How many orders of a partition are open, without those that wait for payment.
    pub(super) fn open_in(&self, partition: Partition) -> usize {
        self.table.open_in(partition)
    }

    /// How fast the bar was lately.
    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// The barista that worked in a partition last, by its name.
    pub(super) fn barista_of(&self, partition: Partition) -> Option<&str> {
        self.parts.get(&partition)?.barista.as_deref()
    }

    /// What is known of the shop.
    pub fn shop(&self) -> &Shop {
        &self.shop
    }

    /// How many partitions there are, as far as was told or read.
    pub fn partitions(&self) -> u32 {
        let read = self.parts.keys().next_back().map_or(0, |last| last.saturating_add(1));
        self.partitions.max(read)
    }

    /// There are this many partitions, be there something in them or not.
    pub fn set_partitions(&mut self, partitions: u32) {
        self.partitions = partitions;
    }

    /// Dead letters seen.
    pub fn dead_letters(&self) -> u64 {
        self.dead_letters
    }

    /// Records of the state that could not be read.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// The newest schema version of a state that a newer program wrote.
    pub fn newer(&self) -> Option<u64> {
        self.newer
    }

    /// Whether this place of `order.received` has been read.
    pub fn has_read(&self, at: At) -> bool {
        self.parts
            .get(&at.partition)
            .is_some_and(|part| at.offset < part.read_to.max(part.position.unwrap_or(0)))
    }

    /// How often a barista of ours gave a sign in this partition: compare two of them.
    pub(crate) fn signs(&self, partition: Partition) -> u64 {
        self.parts.get(&partition).map_or(0, |part| part.signs)
    }

    /// When the oldest order of a partition was placed on which nobody decided.
    pub fn undecided_since(&self, partition: Partition) -> Option<Millis> {
        let from = self.parts.get(&partition)?.position.unwrap_or(0);
        self.table.undecided_from(partition, from).next().map(|state| state.received_at)
    }

    /// For each partition how many records of `order.received` were read here that no barista has read.
    pub(crate) fn lags(&self) -> impl Iterator<Item = (Partition, u64)> + '_ {
        self.parts.iter().map(|(&partition, part)| {
            let lag = match part.position {
                Some(next) => part.read_to.saturating_sub(next),
                // None of ours was ever here: what others have made is not behind.
                None => self.table.undecided_in(partition) as u64,
            };
            (partition, lag)
        })
    }

    /// When the oldest order was placed that is not made yet, without those that wait for payment.
    pub(crate) fn oldest_open(&self) -> Option<Millis> {
        self.table.open(1).map(|state| state.received_at).min()
    }

    /// When the oldest order of all was placed on which nobody decided.
    pub fn oldest_undecided(&self) -> Option<Millis> {
        self.parts.keys().filter_map(|&partition| self.undecided_since(partition)).min()
    }

    /// Whether nobody decides in this partition.
    pub fn nobody_decides(&self, partition: Partition, now: Millis) -> bool {
        self.waits_since(partition).is_some_and(|since| is_late(since, now))
    }

    /// Whether nobody decides in some partition.
    pub fn nobody_decides_somewhere(&self, now: Millis) -> bool {
        self.nobody_decides_since(now).is_some()
    }

    /// Since when that is so.
    pub(crate) fn nobody_decides_since(&self, now: Millis) -> Option<Millis> {
        let waits = self.parts.keys().filter_map(|&partition| self.waits_since(partition));
        waits.filter(|since| is_late(*since, now)).min()
    }

    /// A command of this counter stands there since then.
    pub(crate) fn asked(&mut self, at: At, now: Millis) {
        let part = self.parts.entry(at.partition).or_default();
        if at.offset >= part.commands && part.asked.len() < ASKED_MAX {
            part.asked.insert(at.offset, now);
        }
    }

    /// Since when something waits that a barista sees to at once: an order or a command to be decided on, an order that
    /// goes on by itself.
    fn waits_since(&self, partition: Partition) -> Option<Millis> {
        let order = self.undecided_since(partition);
        let command = self.parts.get(&partition).and_then(|part| part.asked.values().min().copied());
        [order, command, self.table.due_first(partition)].into_iter().flatten().min()
    }

    /// Whether somebody else's baristas work in this partition, and none of ours ever did.
    pub(crate) fn is_foreign(&self, state: &OrderState) -> bool {
        let part = self.parts.get(&state.at.partition);
        is_made_by_others(state)
            || part.is_some_and(|part| part.position.is_none() && self.foreign.has_worked())
    }

    pub(super) fn by_key(&self, key: Key) -> Option<&OrderState> {
        self.table.get(key)
    }

    fn state(&mut self, entry: &Entry, changes: &mut Changes) {
        let part = self.parts.entry(entry.partition).or_default();
        part.signs += 1;
        let Some(key) = entry.record.key.as_deref() else { return };
        if key == topic::POSITIONS_KEY.as_bytes() {
            if let Some(read) = entry.record.value.as_deref().and_then(read_up_to) {
                part.position = read.next.or(part.position);
                if let Some(commands) = read.commands {
                    part.commands = commands;
                    part.asked = part.asked.split_off(&commands);
                }
                if part.barista.as_deref() != read.barista.as_deref() {
                    part.barista = read.barista.map(Into::into);
                }
            }
            return;
        }
        let Some(value) = entry.record.value.as_deref() else {
            self.forget(entry.partition, text(Some(key)), changes);
            return;
        };
        match OrderState::parse(value) {
            Ok(state) if state.version > 0 && state.at.partition == entry.partition => {
                let known = self.table.find(state.id().as_str());
                if let Some(was) = known.and_then(|key| self.table.get(key))
                    && (state.stage != Stage::Ready || state.round != was.round)
                {
                    changes.heard.count(was);
                }
                self.notice(known, &state, changes);
                let key = self.table.put(known, state);
                changes.orders.push(key);
            }
            Ok(_) | Err(ParseError::Invalid(_)) => self.unreadable += 1,
            Err(ParseError::Newer(version)) => {
                self.newer = self.newer.max(Some(version));
                self.unreadable += 1;
            }
        }
    }

    /// Learns from an order that becomes ready, and not for the second time.
    fn notice(&mut self, known: Option<Key>, state: &OrderState, changes: &mut Changes) {
        if state.round != 1 || state.ready_at.is_none() {
            return;
        }
        let known = known.and_then(|key| self.table.get(key));
        let making = self.table.counts.of(Stage::Making);
        let before = known.map(|known| Before { stage: known.stage, making });
        if before.is_some_and(|before| !before.stage.is_open()) {
            return;
        }
        changes.kept.count(state);
        let barista = self.shop.barista();
        let cup_ms = barista.and_then(|barista| barista.cup_ms).unwrap_or_default();
        let work = ways::work(&state.order, state.mode, cup_ms);
        self.recent.became_ready(state, before, work, barista.and_then(|barista| barista.hands));
    }

    fn forget(&mut self, partition: Partition, id: Option<&str>, changes: &mut Changes) {
        let Some(key) = id.and_then(|id| self.table.find(id)) else { return };
        // Another partition's order of the same id, or one placed anew, is not the one that is forgotten.
        if self.table.get(key).is_some_and(|s| s.at.partition == partition && s.version > 0) {
            changes.forgotten.extend(self.table.remove(key));
        }
    }

    fn received(&mut self, entry: &Entry, changes: &mut Changes) {
        let part = self.parts.entry(entry.partition).or_default();
        part.read_to = entry.offset + 1;
        if part.position.is_some_and(|next| entry.offset < next) {
            return;
        }
        let at = At { partition: entry.partition, offset: entry.offset };
        // What can't be read will be a dead letter; what is known is a repeat.
        let Some(order) = new_order(entry) else { return };
        if self.table.find(order.order_id.as_str()).is_some() {
            return;
        }
        let foreign = !is_ours(entry);
        let placed = Placed { at, received_at: entry.timestamp, foreign, history_from: 0, traceparent: None };
        let mut state = OrderState::undecided(order, placed, Mode::Auto);
        if let Some(rang_at) = self.foreign.rang(state.id()) {
            self.foreign.remember(state.id().clone(), rang_at);
            ring(&mut state, rang_at);
        }
        let key = self.table.insert(state);
        changes.orders.push(key);
    }

    /// A bell that a barista of someone else rang. Ours are in the state already.
    fn processed(&mut self, entry: &Entry, changes: &mut Changes) {
        if is_ours(entry) {
            return;
        }
        let Some(Ok(order)) = entry.record.value.as_deref().map(Order::parse) else { return };
        let at = entry.timestamp;
        let id = order.order_id;
        match self.table.find(id.as_str()) {
            Some(key) if self.table.get(key).is_some_and(|state| state.version == 0) => {
                self.table.change(key, |state| ring(state, at));
                self.foreign.remember(id, at);
                changes.orders.push(key);
            }
            Some(_) => {}
            // Where ours decide, an order without a state is forgotten.
            None if self.parts.values().any(|part| part.position.is_some()) => {}
            None => self.foreign.ring_early(id, at),
        }
        while let Some(id) = self.foreign.forget(at) {
            if let Some(key) = self.table.find(id.as_str())
                && self.table.get(key).is_some_and(is_made_by_others)
            {
                changes.forgotten.extend(self.table.remove(key));
            }
        }
    }
}

/// The order in a record of `order.received`, if a barista will read one in it.
fn new_order(entry: &Entry) -> Option<Order> {
    let value = entry.record.value.as_deref().filter(|_| entry.record.size() <= Limits::RECORD_BYTES)?;
    Order::parse(value).ok().filter(|order| order.status == Status::Received)
}

/// Somebody else's barista made it: all that is known is that it is ready.
fn ring(state: &mut OrderState, at: Millis) {
    state.stage = Stage::Ready;
    state.version = 1;
    state.ready_at = stamp(at);
    state.changed_at = at;
}

/// Ours always give a pickup code.
pub(super) fn is_made_by_others(state: &OrderState) -> bool {
    state.version > 0 && state.code == 0
}

/// Whether what waits since then should have been seen to.
fn is_late(since: Millis, now: Millis) -> bool {
    now.saturating_sub(since) > UNDECIDED_MS
}

fn is_ours(entry: &Entry) -> bool {
    let source = text(entry.record.headers.get(CloudEvent::SOURCE));
    source.is_some_and(|source| source.starts_with(CloudEvent::SOURCE_PREFIX))
}

fn text(bytes: Option<&[u8]>) -> Option<&str> {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
}

/// What a barista says with every transaction.
struct ReadUpTo<'a> {
    /// Its position in `order.received`.
    next: Option<Offset>,
    /// The same in `order.command`.
    commands: Option<Offset>,
    /// Its name.
    barista: Option<Cow<'a, str>>,
}

fn read_up_to(json: &[u8]) -> Option<ReadUpTo<'_>> {
    #[derive(Deserialize)]
    struct Positions<'a> {
        positions: Vec<Read>,
        #[serde(borrow, default)]
        barista: Option<Cow<'a, str>>,
    }
    #[derive(Deserialize)]
    struct Read {
        topic: String,
        next: Offset,
    }
    let read: Positions<'_> = serde_json::from_slice(json).ok()?;
    let of = |topic| read.positions.iter().find(|read| read.topic == topic).map(|read| read.next);
    Some(ReadUpTo { next: of(topic::RECEIVED), commands: of(topic::COMMAND), barista: read.barista })
}
