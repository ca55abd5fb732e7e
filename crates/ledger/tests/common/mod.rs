//! What a line writes that does everything right: the real rules on one partition, and the records that a counter and a
//! barista would add.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

use eventlog::{Entry, Headers, Millis, Record, Topic};
use order::{
    Action, At, Book, By, Change, Command, CommandId, DeadLetter, Mode, Order, OrderId, Placed, Role, Rules,
    Verdict, topic,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// One thing that happens to the line.
#[derive(Debug, Clone)]
pub enum Step {
    Place {
        id: u8,
        amount: u16,
        unpaid: bool,
    },
    Unreadable,
    Command {
        id: u8,
        action: Action,
        staff: bool,
    },
    /// The barista does nothing for a while, and then reads what has come.
    Lag(bool),
    Wait(Millis),
}

fn action() -> impl Strategy<Value = Action> {
    let reason = || Some("why".to_owned());
    select(vec![
        Action::Start,
        Action::Ready,
        Action::Ready,
        Action::Recall { reason: reason() },
        Action::Collect,
        Action::Uncollect,
        Action::Cancel { reason: reason() },
        Action::Accept { promise: None },
        Action::Rang,
        Action::Tick { line: 0 },
    ])
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u8, 0..4_u16, any::<bool>())
            .prop_map(|(id, amount, unpaid)| Step::Place { id, amount, unpaid: unpaid && id > 9 }),
        1 => Just(Step::Unreadable),
        8 => (0..13_u8, action(), any::<bool>()).prop_map(|(id, action, staff)| Step::Command { id, action, staff }),
        1 => any::<bool>().prop_map(Step::Lag),
        3 => select(vec![0, 1, 999, 1_000, 60_000, 600_000, 7_200_000, 90_000_000]).prop_map(Step::Wait),
    ]
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 0..120)
}

/// A line and what it wrote.
pub struct Story {
    book: Book,
    rules: Rules,
    pub now: Millis,
    lags: bool,
    /// What the barista has not read.
    unread: Vec<Entry>,
    commands: u32,
    /// Whether an order that was forgotten may be placed anew.
    anew: bool,
    placed: std::collections::BTreeSet<u8>,
    /// All records in the order in which they were written.
    pub entries: Vec<Entry>,
    /// What had been written when it was whole: a place to cut the log at.
    pub cuts: Vec<usize>,
}

impl Story {
    pub fn new(mode: Mode) -> Self {
        Self {
            book: Book::default(),
            rules: Rules { mode, uncollected_max: 3, ..Rules::default() },
            now: 1_000_000_000_000,
            lags: false,
            unread: Vec::new(),
            commands: 0,
            anew: false,
            placed: std::collections::BTreeSet::new(),
            entries: Vec::new(),
            cuts: vec![0],
        }
    }

    pub fn told(mode: Mode, steps: &[Step]) -> Self {
        let mut story = Self::new(mode);
        for step in steps {
            story.step(step);
        }
        story
    }

    /// The same, in which orders that were forgotten are placed anew.
    pub fn anew(mode: Mode, steps: &[Step]) -> Self {
        let mut story = Self { anew: true, ..Self::new(mode) };
        for step in steps {
            story.step(step);
        }
        story
    }

    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Place { id, .. } if !self.anew && self.is_forgotten(*id) => {}
            Step::Place { id, amount, unpaid } => {
                self.placed.insert(*id);
                let more = if *unpaid { r#","unpaid":true,"items":[{"item":"x"}]"# } else { "" };
                let json = format!(r#"{{"order_id":"order-{id}","amount":{amount},"status":0{more}}}"#);
                let entry = self.add(topic::RECEIVED, Record::new(format!("order-{id}"), json));
                self.unread.push(entry);
            }
            Step::Unreadable => {
                let entry = self.add(topic::RECEIVED, Record::new("x", "no order"));
                self.unread.push(entry);
            }
            Step::Command { id, action, staff } => self.command(*id, action, *staff),
            Step::Lag(lags) => self.lags = *lags,
            Step::Wait(ms) => self.now += ms,
        }
        if !self.lags {
            self.read();
            self.moves_on();
        }
        self.cuts.push(self.entries.len());
    }

    fn is_forgotten(&self, id: u8) -> bool {
        let name = OrderId::new(format!("order-{id}")).unwrap();
        let waits =
            self.unread.iter().any(|entry| entry.record.key.as_deref() == Some(name.as_str().as_bytes()));
        self.placed.contains(&id) && !waits && self.book.find(&name).is_none()
    }

    fn add(&mut self, topic: Topic, record: Record) -> Entry {
        let offset = self.entries.iter().filter(|entry| entry.topic == topic).count() as u64;
        let entry = Entry { topic, partition: 0, offset, timestamp: self.now, record };
        self.entries.push(entry.clone());
        entry
    }

    fn read(&mut self) {
        for entry in std::mem::take(&mut self.unread) {
            let at = At { partition: 0, offset: entry.offset };
            match Order::parse(entry.record.value.as_deref().unwrap()) {
                Ok(order) => {
                    let placed = Placed {
                        at,
                        received_at: entry.timestamp,
                        foreign: false,
                        history_from: 0,
                        traceparent: None,
                    };
                    if let Verdict::Changed(change) =
                        self.book.take(order, placed, self.now, &self.rules, true)
                    {
                        self.changed(&change);
                    }
                }
                Err(_) => {
                    let offset = entry.offset.to_string();
                    let headers = Headers::new([
                        (DeadLetter::REASON, &b"no order"[..]),
                        (DeadLetter::TOPIC, topic::RECEIVED.as_bytes()),
                        (DeadLetter::PARTITION, b"0"),
                        (DeadLetter::OFFSET, offset.as_bytes()),
                    ]);
                    self.add(topic::DLQ, entry.record.with_headers(headers));
                }
            }
        }
    }

    fn command(&mut self, id: u8, action: &Action, staff: bool) {
        if self.lags {
            return;
        }
        self.commands += 1;
        let command = Command {
            command_id: CommandId::new(format!("c-{}", self.commands)).unwrap(),
            order_id: OrderId::new(format!("order-{id}")).unwrap(),
            action: action.clone(),
            seen: None,
            by: By { role: if staff { Role::Staff } else { Role::Holder }, device: None },
            order_at: None,
        };
        match self.book.command(&command, self.now, &self.rules, true) {
            Verdict::Changed(change) => self.changed(&change),
            Verdict::Answered(event) => {
                self.add(topic::EVENT, Record::new(event.order_id.as_str().to_owned(), event.to_json()));
            }
            Verdict::Repeat => {}
        }
    }

    fn moves_on(&mut self) {
        let mut due: Vec<_> = self
            .book
            .iter()
            .filter_map(|(key, s)| s.due().filter(|due| *due <= self.now).map(|due| (due, s.at, key)))
            .collect();
        due.sort_unstable();
        for (_, _, key) in due {
            if let Some(change) = self.book.due(key, self.now, &self.rules) {
                self.changed(&change);
            }
        }
        while let Some(change) = self.book.hands_free(self.now, &self.rules) {
            self.changed(&change);
        }
        while let Some(change) = self.book.give_up(self.now, &self.rules) {
            self.changed(&change);
        }
        while self.book.forget(self.now, &self.rules).is_some() {}
    }

    fn changed(&mut self, change: &Change) {
        let id = change.event.order_id.as_str().to_owned();
        self.add(topic::EVENT, Record::new(id.clone(), change.event.to_json()));
        if change.event.announces() {
            let state = self.book.get(change.key).unwrap();
            let json = serde_json::to_vec(&state.order.announced()).unwrap();
            let round = change.event.round.to_string();
            let headers =
                Headers::new([("ce_source", &b"/brewline/barista"[..]), ("round", round.as_bytes())]);
            self.add(topic::PROCESSED, Record::new(id, json).with_headers(headers));
        }
    }
}

/// All of them, each topic in its order, the topics mixed as the dice say.
pub fn mixed(entries: &[Entry], dice: &[usize]) -> Vec<Entry> {
    let mut topics: Vec<_> = ledger::TOPICS
        .iter()
        .map(|topic| {
            entries.iter().filter(|entry| entry.topic == *topic).cloned().collect::<Vec<_>>().into_iter()
        })
        .collect();
    let mut dice = dice.iter().copied().cycle();
    let mut all = Vec::new();
    while !topics.is_empty() {
        let at = dice.next().unwrap_or(0) % topics.len();
        match topics[at].next() {
            Some(entry) => all.push(entry),
            None => drop(topics.remove(at)),
        }
    }
    all
}
