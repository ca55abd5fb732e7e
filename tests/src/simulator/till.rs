//! What counters write: orders, ours and of others, and commands on them.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use eventlog::{
    Certainty, Headers, Log, Partition, Publish, PublishError, Record, Topic, partition_for, sim::Process,
};
use order::{
    Action, At, By, Channel, CloudEvent, Command, CommandId, Details, Item, LineDetails, Order, OrderId,
    Presence, Promise, Role, Seen, Stage, topic,
};

use super::{chance::Chance, model::Model, poison};

/// All counters together.
pub(super) struct Till {
    publisher: Arc<dyn Publish>,
    placed: Vec<Placed>,
    sent: Vec<(Partition, Command)>,
    number: u64,
}

/// An order that may have been placed.
#[derive(Debug)]
struct Placed {
    id: OrderId,
    partition: Partition,
    record: Record,
    /// Where it stands, as far as that was answered.
    offset: Option<u64>,
}

impl Till {
    /// Counters that are one program on the log.
    pub(super) fn new(process: &Process) -> Self {
        Self { publisher: process.publisher(), placed: Vec::new(), sent: Vec::new(), number: 0 }
    }

    /// How many partitions there are.
    fn partitions(&self) -> u32 {
        self.publisher.partitions(topic::RECEIVED)
    }

    /// Our counter takes an order. `again`: what is in doubt is sent again.
    pub(super) fn order(&mut self, chance: &mut Chance, again: bool) -> String {
        self.number += 1;
        let id = OrderId::new(format!("ours-{}", self.number)).expect("an id");
        let mut order = Order::new(id.clone(), amount(chance));
        if chance.of(0.4) {
            order.details = Some(Box::new(details(chance)));
        }
        let kind = CloudEvent::RECEIVED;
        let event =
            CloudEvent { id: id.as_str(), kind, source: "/brewline/till", time: "2026-01-01T00:00:00Z" };
        let record =
            Record::new(id.as_str().to_owned(), order.to_json()).with_headers(Headers::new(event.headers()));
        let partition = partition_for(id.as_str().as_bytes(), self.partitions());
        self.place(id, partition, record, chance, again)
    }

    /// Our counters take many at once, of all sizes, for one partition.
    pub(super) fn rush(&mut self, chance: &mut Chance, again: bool) -> String {
        let (partition, count) = (self.any_partition(chance), chance.range(40, 110));
        for _ in 0..count {
            self.number += 1;
            let id = OrderId::new(format!("rush-{}", self.number)).expect("an id");
            let record =
                Record::new(id.as_str().to_owned(), Order::new(id.clone(), amount(chance)).to_json());
            self.place(id, partition, record, chance, again);
        }
        format!("{count} orders to {partition}")
    }

    /// A counter of someone else takes one, and writes it in its own way.
    pub(super) fn foreign(&mut self, chance: &mut Chance, again: bool) -> String {
        self.number += 1;
        let number = self.number;
        let name = match chance.below(4) {
            0 => format!("{number}"),
            1 => format!("주문 {number}"),
            2 => format!("{number:x<128}"),
            _ => format!("{{\\\"{number}\\\"}}"),
        };
        let json = format!(
            r#" {{"status":0, "till":{{"no":{number},"x":[1.50,null]}}, "amount":{},"order_id":"{name}"}} "#,
            amount(chance)
        );
        let id = Order::parse(json.as_bytes()).expect("it is an order").order_id;
        let key = (!chance.of(0.3)).then(|| id.as_str().to_owned().into());
        let mut record = Record { key, value: Some(json.into()), headers: Headers::default() };
        if chance.of(0.2) {
            record = record.with_headers(Headers::from_bytes(vec![0xff; 9].into()));
        }
        let partition = self.any_partition(chance);
        self.place(id, partition, record, chance, again)
    }

    fn place(
        &mut self,
        id: OrderId,
        partition: Partition,
        record: Record,
        chance: &mut Chance,
        again: bool,
    ) -> String {
        let offset = self.insist(topic::RECEIVED, partition, &record, chance, again);
        let says = format!("order {id} to {partition}: {offset:?}");
        self.placed.push(Placed { id, partition, record, offset: offset.ok() });
        says
    }

    /// An order that was placed comes once more.
    pub(super) fn repeat(&mut self, chance: &mut Chance) -> String {
        if self.placed.is_empty() {
            return "no order to repeat".to_owned();
        }
        let Placed { id, partition, record, .. } = &self.placed[chance.below(self.placed.len())];
        let answer = self.publish(topic::RECEIVED, *partition, record);
        format!("order {id} again to {partition}: {answer:?}")
    }

    /// Something unreadable comes.
    pub(super) fn poison(&mut self, chance: &mut Chance) -> String {
        let to = *chance.pick(&[topic::RECEIVED, topic::RECEIVED, topic::COMMAND]);
        let (partition, record) = (self.any_partition(chance), poison::any(chance));
        let answer = self.publish(to, partition, &record);
        format!("{} unreadable bytes to {to}-{partition}: {answer:?}", record.size())
    }

    /// Somebody asks something of an order, once or several times at once.
    pub(super) fn command(&mut self, model: &Model, chance: &mut Chance) -> String {
        let times = *chance.pick(&[1, 1, 1, 2, 4]);
        let target = self.target(chance);
        let says: Vec<_> = (0..times).map(|_| self.one_command(target, model, chance)).collect();
        says.join("; ")
    }

    fn one_command(&mut self, target: Option<usize>, model: &Model, chance: &mut Chance) -> String {
        self.number += 1;
        let (id, mut partition, mut offset) = match target {
            Some(placed) => {
                let Placed { id, partition, offset, .. } = &self.placed[placed];
                (id.clone(), *partition, *offset)
            }
            None => (
                OrderId::new(format!("nobody-{}", self.number)).expect("an id"),
                self.any_partition(chance),
                None,
            ),
        };
        let at_partition = partition;
        if chance.of(0.1) {
            offset = None;
        }
        if chance.of(0.03) {
            partition = self.any_partition(chance);
        }
        if target.is_none() {
            offset = chance.of(0.5).then(|| chance.range(0, 1_000_000));
        }
        let known = model.order(partition, &id);
        let seen = match chance.below(6) {
            0 => Some(Seen { state: *chance.pick(&Stage::ALL), round: 1 }),
            1 | 2 => known.map(|known| Seen { state: known.stage, round: known.round }),
            _ => None,
        };
        let role = if chance.of(0.75) { Role::Staff } else { Role::Holder };
        let device = chance.of(0.3).then(|| "bar".to_owned());
        self.send(
            partition,
            &Command {
                command_id: CommandId::new(format!("command-{}", self.number)).expect("an id"),
                order_id: id,
                action: action(chance),
                seen,
                by: By { role, device },
                order_at: offset.map(|offset| At { partition: at_partition, offset }),
            },
            chance,
        )
    }

    /// The staff asks for this, whatever the order is like.
    pub(super) fn staff(&mut self, id: &OrderId, at: At, action: Action, chance: &mut Chance) -> String {
        self.number += 1;
        let command = Command {
            command_id: CommandId::new(format!("command-{}", self.number)).expect("an id"),
            order_id: id.clone(),
            action,
            seen: None,
            by: By { role: Role::Staff, device: None },
            order_at: Some(at),
        };
        self.send(at.partition, &command, chance)
    }

    fn send(&mut self, partition: Partition, command: &Command, chance: &mut Chance) -> String {
        let answer = self.insist(topic::COMMAND, partition, &record(command), chance, true);
        self.sent.push((partition, command.clone()));
        let Command { command_id, order_id, action, .. } = command;
        format!("{command_id}, {} of {order_id} to {partition}: {answer:?}", action.name())
    }

    /// A command comes once more, or its id with something else asked.
    pub(super) fn repeat_command(&mut self, chance: &mut Chance) -> String {
        if self.sent.is_empty() {
            return "no command to repeat".to_owned();
        }
        let (partition, first) = &self.sent[chance.below(self.sent.len())];
        let action = if chance.of(0.2) { action(chance) } else { first.action.clone() };
        let command = Command { action, ..first.clone() };
        let answer = self.publish(topic::COMMAND, *partition, &record(&command));
        format!("{} of {} again to {partition}: {answer:?}", command.action.name(), command.order_id)
    }

    /// An order that was placed, mostly one of the last; or none.
    fn target(&self, chance: &mut Chance) -> Option<usize> {
        let last = self.placed.len().checked_sub(1)?;
        if chance.of(0.05) {
            return None;
        }
        Some(if chance.of(0.6) { last - chance.below(5).min(last) } else { chance.below(self.placed.len()) })
    }

    fn any_partition(&self, chance: &mut Chance) -> Partition {
        u32::try_from(chance.range(0, u64::from(self.partitions()) - 1)).expect("few partitions")
    }

    /// Publishes until it is written or, if the sender minds repeats, until that is in doubt; a few times.
    fn insist(
        &self,
        topic: Topic,
        partition: Partition,
        record: &Record,
        chance: &mut Chance,
        again: bool,
    ) -> Result<u64, PublishError> {
        let mut answer = self.publish(topic, partition, record);
        for _ in 0..3 {
            match &answer {
                Err(error) if again || error.certainty == Certainty::NotWritten => {
                    if chance.of(0.7) {
                        answer = self.publish(topic, partition, record);
                    }
                }
                _ => break,
            }
        }
        answer
    }

    fn publish(&self, topic: Topic, partition: Partition, record: &Record) -> Result<u64, PublishError> {
        let answer = self.publisher.publish(topic, partition, record.clone(), Duration::from_secs(5));
        match pin!(answer).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer.map(|position| position.offset),
            Poll::Pending => unreachable!("the log in memory answers at once"),
        }
    }
}

fn record(command: &Command) -> Record {
    Record::new(command.order_id.as_str().to_owned(), command.to_json())
}

fn amount(chance: &mut Chance) -> u16 {
    if chance.of(0.02) { 1_000 } else { u16::try_from(chance.range(0, 5)).expect("small") }
}

fn details(chance: &mut Chance) -> Details {
    let says = chance.of(0.5).then(|| {
        let note = Some("no sesame".to_owned());
        Box::new(LineDetails { unit_price: Some(5_500), note, ..LineDetails::default() })
    });
    let item = |name: &str, details| Item {
        item: name.to_owned(),
        quantity: 1,
        options: Vec::new(),
        details,
        extra: Vec::new(),
    };
    let channel = says.is_some().then_some(Channel::Till);
    Details {
        items: if chance.of(0.5) { vec![item("latte", says), item("tea", None)] } else { Vec::new() },
        name: chance.of(0.3).then(|| "Kim".to_owned()),
        note: chance.of(0.3).then(|| "no nuts".to_owned()),
        channel,
        make_seconds: chance.of(0.3).then(|| *chance.pick(&[0, 1, 90, u32::MAX])),
        unpaid: chance.of(0.3),
        promise: promise(chance),
        ..Details::default()
    }
}

fn promise(chance: &mut Chance) -> Option<Promise> {
    let from = i64::try_from(chance.range(0, 1_000_000)).expect("small");
    if chance.of(0.5) { Promise::new(from, from + 120_000) } else { None }
}

fn action(chance: &mut Chance) -> Action {
    let reason = chance.of(0.3).then(|| "cold".to_owned());
    match chance.below(20) {
        0..3 => Action::Start,
        3..6 => Action::Ready,
        6 | 7 => Action::Recall { reason },
        8 | 9 => Action::Collect,
        10 => Action::Uncollect,
        11 => Action::Cancel { reason },
        12 | 13 => Action::Accept { promise: promise(chance) },
        14 => Action::Acknowledge,
        15 => chance.pick(&[Action::Missing, Action::Tested, Action::Rang]).clone(),
        16 => Action::Presence { presence: Presence::Hidden },
        17 => Action::Tick { line: u16::try_from(chance.below(3)).expect("small") },
        18 => Action::Untick { line: 0 },
        _ => Action::Note { text: if chance.of(0.5) { "call twice".to_owned() } else { String::new() } },
    }
}
