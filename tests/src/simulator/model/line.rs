//! One partition: its topics read side by side, in the order that a transaction gives them.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::{Entry, Millis, Partition, Topic, sim::SimLog};
use ledger::Ledger;
use order::{At, CloudEvent, Command, Event, Limits, Order, OrderId, Status, topic};

use super::{Found, Kind, Setting, find, input::Input, known::Known, outcome::Outcome};

/// One partition.
#[derive(Debug)]
pub(crate) struct Line {
    pub(super) partition: Partition,
    /// How many records of each topic have been read.
    pub(super) skip: BTreeMap<Topic, usize>,
    pub(super) received: Input<(Order, bool)>,
    pub(super) commands: Input<Command>,
    pub(super) orders: BTreeMap<OrderId, Known>,
    /// Which order was placed where.
    pub(super) by_offset: BTreeMap<u64, OrderId>,
    /// Which live order has which pickup number.
    pub(super) codes: BTreeMap<u32, OrderId>,
    pub(super) ledger: Ledger,
    pub(super) outcome: Outcome,
    /// Refused as unknown although the order was known: it must have been forgotten by then.
    pub(super) denied: BTreeSet<OrderId>,
    pub(super) fired: Vec<(Millis, Millis)>,
    pub(super) sights: BTreeMap<&'static str, usize>,
}

impl Line {
    pub(crate) fn new(partition: Partition) -> Self {
        Self {
            partition,
            skip: BTreeMap::new(),
            received: Input::default(),
            commands: Input::default(),
            orders: BTreeMap::new(),
            by_offset: BTreeMap::new(),
            codes: BTreeMap::new(),
            ledger: Ledger::default(),
            outcome: Outcome::default(),
            denied: BTreeSet::new(),
            fired: Vec::new(),
            sights: BTreeMap::new(),
        }
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = &Known> {
        self.orders.values()
    }

    /// Orders that were placed, and nobody has decided on.
    pub(crate) fn undecided(&self) -> Vec<At> {
        let mut ids = BTreeSet::new();
        let mut fresh =
            |order: &Order| !self.orders.contains_key(&order.order_id) && ids.insert(order.order_id.clone());
        let unread = self.received.unread().filter(|(_, (order, _))| fresh(order));
        unread.map(|(offset, _)| At { partition: self.partition, offset }).collect()
    }

    pub(crate) fn order_at(&self, offset: u64) -> Option<&Known> {
        self.orders.get(self.by_offset.get(&offset)?)
    }

    pub(crate) fn order(&self, id: &OrderId) -> Option<&Known> {
        self.orders.get(id)
    }

    pub(crate) fn take_fired(&mut self) -> Vec<(Millis, Millis)> {
        std::mem::take(&mut self.fired)
    }

    /// How often things happened that a good simulator sees.
    pub(crate) fn sights(&self) -> &BTreeMap<&'static str, usize> {
        &self.sights
    }

    pub(crate) fn unread(&self) -> usize {
        self.received.waiting() + self.commands.waiting()
    }

    pub(crate) fn read_to(&self, input: Topic) -> u64 {
        self.outcome.read_to(input)
    }

    /// Reads what has come.
    pub(crate) fn read(&mut self, log: &SimLog, setting: &Setting, found: &mut Found) {
        for entry in self.new_entries(log, topic::RECEIVED) {
            self.asked(&entry);
        }
        for entry in self.new_entries(log, topic::COMMAND) {
            self.commands.push(&entry, read_command(&entry));
        }
        for entry in self.new_entries(log, topic::EVENT) {
            match Event::parse(entry.record.value.as_deref().unwrap_or_default()) {
                Ok(event) => self.event(&event, &entry, setting, found),
                Err(why) => find(found, Kind::Decision, format!("an unreadable event: {why}")),
            }
        }
        for entry in self.new_entries(log, topic::PROCESSED) {
            self.ledger.apply(&entry);
            self.outcome.bell(&entry, &self.orders, found);
        }
        for entry in self.new_entries(log, topic::DLQ) {
            self.letter(&entry, found);
        }
        for entry in self.new_entries(log, topic::STATE) {
            self.outcome.state(&entry, &mut self.orders, found);
        }
        self.settle(found);
    }

    fn new_entries(&mut self, log: &SimLog, topic: Topic) -> Vec<Entry> {
        let skip = self.skip.entry(topic).or_default();
        let entries = log.history_since(topic, self.partition, *skip);
        *skip += entries.len();
        entries
    }

    fn asked(&mut self, entry: &Entry) {
        let order = read_order(entry);
        self.ledger.apply(entry);
        self.received.push(entry, order);
    }

    fn event(&mut self, event: &Event, entry: &Entry, setting: &Setting, found: &mut Found) {
        self.ledger.apply(entry);
        self.see(event);
        if entry.record.key.as_deref() != Some(event.order_id.as_str().as_bytes()) {
            find(found, Kind::Decision, format!("event of {} under another key", event.order_id));
        }
        let wrong = match &event.command_id {
            None if event.kind == order::Kind::Received => self.taken(event, entry.offset, setting),
            None => self.by_itself(event, setting),
            Some(_) => self.answered(event, setting),
        };
        if let Err((kind, why)) = wrong {
            let Event { order_id, kind: what, version, from, to, at, refused, .. } = event;
            let partition = self.partition;
            find(
                found,
                kind,
                format!(
                    "{why}: order {order_id} in {partition}, {what:?}, version {version}, {from:?} to {to:?}, \
                     refused {refused:?}, at {at}"
                ),
            );
        }
    }

    fn letter(&mut self, entry: &Entry, found: &mut Found) {
        *self.sights.entry("a dead letter").or_default() += 1;
        self.ledger.apply(entry);
        let expected = match entry.record.headers.get("dlq_topic") {
            Some(topic) if topic == topic::RECEIVED.as_bytes() => self.received.letter(),
            Some(topic) if topic == topic::COMMAND.as_bytes() => self.commands.letter(),
            _ => None,
        };
        let Some(expected) = expected else {
            return find(found, Kind::DeadLetter, format!("a dead letter of nothing: {entry:?}"));
        };
        Outcome::letter(entry, &expected, found);
    }

    /// After everything that a transaction wrote has been read: nothing may be half done.
    fn settle(&mut self, found: &mut Found) {
        let partition = self.partition;
        self.outcome.settle(&self.orders, found);
        for id in std::mem::take(&mut self.denied) {
            if !self.orders.get(&id).is_some_and(|known| known.forgotten) {
                find(found, Kind::Answer, format!("order {id} is remembered and was called unknown"));
            }
        }
        let orders = &self.orders;
        let next = self.outcome.read_to(topic::RECEIVED);
        for (offset, (order, _)) in
            self.received.pass(next, |(order, _)| orders.contains_key(&order.order_id))
        {
            let id = order.order_id;
            find(
                found,
                Kind::Lost,
                format!("order {id} at {partition}@{offset} was read past, and not taken"),
            );
        }
        let next = self.outcome.read_to(topic::COMMAND);
        for (offset, command) in self.commands.pass(next, |_| false) {
            let id = command.command_id;
            find(
                found,
                Kind::Lost,
                format!("command {id} at {partition}@{offset} was read past, and not answered"),
            );
        }
        let inputs = [
            (topic::RECEIVED, self.received.passed(), &self.received.unlettered(u64::MAX)),
            (topic::COMMAND, self.commands.passed(), &self.commands.unlettered(u64::MAX)),
        ];
        for (topic, passed, unlettered) in inputs {
            let next = self.outcome.read_to(topic);
            if passed > next {
                find(
                    found,
                    Kind::State,
                    format!("{topic}-{partition} was read to {passed}, the state says {next}"),
                );
            }
            if let Some(offset) = unlettered.filter(|offset| *offset < next) {
                find(
                    found,
                    Kind::DeadLetter,
                    format!("{topic}-{partition}@{offset} was read past without one"),
                );
            }
        }
    }

    /// Everything is at rest.
    pub(crate) fn close(&mut self, found: &mut Found) {
        let partition = self.partition;
        if self.unread() > 0 {
            find(found, Kind::Stuck, format!("{} inputs of {partition} are not read", self.unread()));
        }
        let equation = self.ledger.equation();
        if !equation.holds() {
            find(found, Kind::Ledger, format!("it does not add up in {partition}: {equation:?}"));
        }
        for fault in self.ledger.faults() {
            find(found, Kind::Ledger, format!("{fault}, in {partition}"));
        }
    }
}

/// The order in a record and whether it is foreign, by the contract; `None` if there is none.
fn read_order(entry: &Entry) -> Option<(Order, bool)> {
    let record = &entry.record;
    let order = Order::parse(within_limit(entry)?).ok().filter(|order| order.status == Status::Received)?;
    let source = record.headers.get(CloudEvent::SOURCE);
    let ours = source.is_some_and(|source| source.starts_with(CloudEvent::SOURCE_PREFIX.as_bytes()));
    Some((order, !ours))
}

fn read_command(entry: &Entry) -> Option<Command> {
    Command::parse(within_limit(entry)?).ok()
}

fn within_limit(entry: &Entry) -> Option<&[u8]> {
    entry.record.value.as_deref().filter(|_| entry.record.size() <= Limits::RECORD_BYTES)
}
