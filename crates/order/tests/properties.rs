//! Whatever comes, in whatever order, however often: the invariants hold.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use std::collections::{BTreeMap, BTreeSet, HashSet};

use eventlog::{Entry, Headers, Record, Topic};
use ledger::Ledger;
use order::{
    Action, At, Book, By, Change, Command, CommandId, DeadLetter, Millis, Mode, Order, OrderId, OrderState,
    Placed, Presence, Promise, Refusal, Role, Rules, Seen, Stage, Verdict, topic,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// One thing that happens to the line.
#[derive(Debug, Clone)]
enum Step {
    Place { id: u8, amount: u16, unpaid: bool, foreign: bool },
    Unreadable,
    Command { id: u8, command: u8, action: Action, staff: bool, seen: Option<(Stage, u32)> },
    Wait(Millis),
    Hands(bool),
    Restart,
}

fn action() -> impl Strategy<Value = Action> {
    let reason = || Some("why".to_owned());
    select(vec![
        Action::Start,
        Action::Ready,
        Action::Recall { reason: reason() },
        Action::Collect,
        Action::Uncollect,
        Action::Cancel { reason: reason() },
        Action::Accept { promise: Promise::new(1_000, 2_000) },
        Action::Acknowledge,
        Action::Missing,
        Action::Tested,
        Action::Rang,
        Action::Presence { presence: Presence::Hidden },
        Action::Tick { line: 0 },
        Action::Untick { line: 0 },
        Action::Note { text: "by the window".to_owned() },
    ])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..8_u8, 0..4_u16, any::<bool>(), any::<bool>())
            .prop_map(|(id, amount, unpaid, foreign)| Step::Place { id, amount, unpaid: unpaid && id > 5, foreign }),
        1 => Just(Step::Unreadable),
        8 => (0..9_u8, 0..40_u8, action(), any::<bool>(), prop::option::of((select(&Stage::ALL[..]), 1..3_u32)))
            .prop_map(|(id, command, action, staff, seen)| Step::Command { id, command, action, staff, seen }),
        3 => select(vec![0, 1, 999, 1_000, 60_000, 600_000, 7_200_000, 90_000_000]).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Hands),
        1 => Just(Step::Restart),
    ]
}

/// A book, the log that it wrote, and what the outside saw of it.
struct Line {
    book: Book,
    rules: Rules,
    now: Millis,
    offset: u64,
    hands: bool,
    ledger: Ledger,
    states: BTreeMap<OrderId, Vec<u8>>,
    /// Everything that was decided, in its order.
    events: Vec<Vec<u8>>,
    bells: HashSet<(OrderId, u32)>,
    accepted: BTreeSet<OrderId>,
    unreadable: u64,
}

fn id(n: u8) -> OrderId {
    OrderId::new(format!("order-{n}")).unwrap()
}

impl Line {
    fn new(mode: Mode) -> Self {
        Self {
            book: Book::default(),
            rules: Rules { mode, uncollected_max: 3, remember_max: 3, ..Rules::default() },
            now: 1_000_000,
            offset: 0,
            hands: true,
            ledger: Ledger::default(),
            states: BTreeMap::new(),
            events: Vec::new(),
            bells: HashSet::new(),
            accepted: BTreeSet::new(),
            unreadable: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Place { id: n, amount, unpaid, foreign } => self.place(*n, *amount, *unpaid, *foreign),
            Step::Unreadable => {
                let at = self.next_place();
                self.unreadable += 1;
                let offset = at.offset.to_string();
                let letter = Headers::new([
                    (DeadLetter::REASON, &b"no order"[..]),
                    (DeadLetter::TOPIC, topic::RECEIVED.as_bytes()),
                    (DeadLetter::OFFSET, offset.as_bytes()),
                ]);
                self.count(topic::RECEIVED, at.offset, Record::new("x", "no order"));
                self.count(topic::DLQ, at.offset, Record::new("x", "no order").with_headers(letter));
            }
            Step::Command { id: n, command, action, staff, seen } => {
                let role = if *staff { Role::Staff } else { Role::Holder };
                self.command(&Command {
                    command_id: CommandId::new(format!("command-{command}")).unwrap(),
                    order_id: id(*n),
                    action: action.clone(),
                    seen: seen.map(|(state, round)| Seen { state, round }),
                    by: By { role, device: None },
                    order_at: None,
                });
            }
            Step::Wait(millis) => {
                self.now += millis;
                self.moves_on();
            }
            Step::Hands(free) => self.hands = *free,
            Step::Restart => self.restart(),
        }
        self.check();
    }

    fn count(&mut self, topic: Topic, offset: u64, record: Record) {
        self.ledger.apply(&Entry { topic, partition: 0, offset, timestamp: self.now, record });
    }

    fn next_place(&mut self) -> At {
        self.offset += 1;
        At { partition: 0, offset: self.offset }
    }

    fn place(&mut self, n: u8, amount: u16, unpaid: bool, foreign: bool) {
        let json = if unpaid {
            format!(
                r#"{{"order_id":"order-{n}","amount":{amount},"status":0,"unpaid":true,"items":[{{"item":"x"}}]}}"#
            )
        } else {
            format!(r#"{{"order_id":"order-{n}","amount":{amount},"status":0}}"#)
        };
        let order = Order::parse(json.as_bytes()).unwrap();
        let at = self.next_place();
        let placed = Placed { at, received_at: self.now, foreign, history_from: 0, traceparent: None };
        let known = self.book.find(&order.order_id).and_then(|key| self.book.get(key)).cloned();
        // A forgotten id that comes again would be a new order to the book and a second one to the ledger:
        // the contract promises nothing there, so it is not placed.
        if known.is_none() && self.accepted.contains(&order.order_id) {
            return;
        }
        self.accepted.insert(order.order_id.clone());
        self.count(topic::RECEIVED, at.offset, Record::new("", json));
        match self.book.take(order, placed, self.now, &self.rules, self.hands) {
            Verdict::Changed(change) => {
                assert!(known.is_none(), "a known order was taken again");
                self.changed(&change);
            }
            Verdict::Repeat => assert!(known.is_some(), "a new order was ignored"),
            Verdict::Answered(_) => panic!("taking an order answers nothing"),
        }
        if let Some(known) = known {
            assert_eq!(self.book.find(known.id()).and_then(|key| self.book.get(key)), Some(&known));
        }
    }

    fn command(&mut self, command: &Command) {
        let before = self.book.find(&command.order_id).and_then(|key| self.book.get(key)).cloned();
        match self.book.command(command, self.now, &self.rules, self.hands) {
            Verdict::Answered(event) => {
                assert!(before.is_none());
                assert_eq!(event.refused, Some(Refusal::UnknownOrder));
                self.count(topic::EVENT, self.events.len() as u64, Record::new("", event.to_json()));
                self.events.push(event.to_json());
            }
            Verdict::Changed(change) => {
                let before = before.expect("only a known order changes");
                let event = &change.event;
                assert_eq!(event.command_id.as_ref(), Some(&command.command_id));
                if let Some(first) = before.answer(&command.command_id) {
                    assert!(event.repeat && !change.writes_state, "a repeat changes nothing");
                    if first.is_of(&command.action) {
                        assert_eq!((event.refused, event.version), (first.refused, first.version));
                    } else {
                        assert_eq!((event.refused, event.version), (Some(Refusal::IdReused), before.version));
                    }
                }
                if event.refused.is_some() || event.repeat {
                    let after = self.book.get(change.key).unwrap();
                    assert_eq!((after.stage, after.version), (before.stage, before.version));
                }
                self.changed(&change);
            }
            Verdict::Repeat => panic!("every command is answered"),
        }
    }

    /// Timers, free hands, what is given up and forgotten.
    fn moves_on(&mut self) {
        let mut due: Vec<_> = self
            .book
            .iter()
            .filter_map(|(key, s)| s.due().filter(|d| *d <= self.now).map(|d| (d, s.at, key)))
            .collect();
        due.sort_unstable();
        for (_, _, key) in due {
            if let Some(change) = self.book.due(key, self.now, &self.rules) {
                self.changed(&change);
            }
        }
        while self.hands
            && let Some(change) = self.book.hands_free(self.now, &self.rules)
        {
            self.changed(&change);
        }
        while let Some(change) = self.book.give_up(self.now, &self.rules) {
            self.changed(&change);
        }
        while let Some(id) = self.book.forget(self.now, &self.rules) {
            self.states.remove(&id);
        }
    }

    fn changed(&mut self, change: &Change) {
        let state = self.book.get(change.key).unwrap();
        let (id, announced) = (state.id().clone(), serde_json::to_vec(&state.order.announced()).unwrap());
        let state_json = change.writes_state.then(|| state.to_json());
        self.count(topic::EVENT, self.events.len() as u64, Record::new("", change.event.to_json()));
        self.events.push(change.event.to_json());
        if let Some(json) = state_json {
            self.states.insert(id.clone(), json);
        }
        if change.event.announces() {
            assert!(self.bells.insert((id, change.event.round)), "a round was announced twice: {change:?}");
            let round = change.event.round.to_string();
            let bell = Headers::new([("ce_source", &b"/brewline/barista"[..]), ("round", round.as_bytes())]);
            let record = Record::new("", announced).with_headers(bell);
            self.count(topic::PROCESSED, self.bells.len() as u64, record);
        }
    }

    /// A crash forgets everything but the log.
    fn restart(&mut self) {
        let mut book = Book::default();
        for (n, json) in self.states.values().enumerate() {
            let state = OrderState::parse(json).unwrap();
            if n % 2 == 0 {
                // An older state of the same order stands before it in a log that is not compacted.
                book.restore(OrderState { stage: Stage::Ready, code: 1, ..state.clone() });
            }
            book.restore(state);
        }
        book.settle(self.book.last_code());
        let known = |book: &Book| {
            let mut all: Vec<_> = book.iter().map(|(_, s)| s.clone()).collect();
            all.sort_unstable_by(|a, b| a.id().cmp(b.id()));
            all
        };
        assert_eq!(known(&self.book), known(&book));
        assert_eq!(Stage::ALL.map(|s| self.book.count(s)), Stage::ALL.map(|s| book.count(s)));
        assert_eq!(self.book.making_auto(), book.making_auto());
        assert_eq!(self.book.live_bytes(), book.live_bytes());
        assert_eq!(self.book.awaits_since(), book.awaits_since());
        self.book = book;
    }

    fn check(&self) {
        let mut numbers = HashSet::new();
        for (_, state) in self.book.iter().filter(|(_, s)| s.stage.is_live()) {
            assert!(numbers.insert(state.code), "two live orders have the number {}", state.code);
            assert!(state.code > 0);
        }
        let equation = self.ledger.equation();
        assert!(equation.holds(), "{equation:?}");
        assert_eq!(equation.accepted, self.accepted.len() as u64 + self.unreadable);
        assert_eq!(self.ledger.faults(), []);
        for stage in [Stage::Received, Stage::Making, Stage::Ready] {
            assert_eq!(equation.of(stage), self.book.count(stage) as u64, "{stage:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_repetition_and_truncation_keeps_the_invariants(
        steps in vec(step(), 0..120),
        mode in select(vec![Mode::Auto, Mode::Manual]),
    ) {
        let mut line = Line::new(mode);
        for step in &steps {
            line.step(step);
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_log(steps in vec(step(), 0..60)) {
        let run = |restarts: bool| {
            let mut line = Line::new(Mode::Auto);
            for step in steps.iter().filter(|s| restarts || !matches!(s, Step::Restart)) {
                line.step(step);
            }
            (line.events, line.states)
        };
        prop_assert_eq!(run(true), run(false), "a restart makes no difference");
    }

    #[test]
    fn no_json_panics(json in vec(any::<u8>(), 0..200)) {
        let _ = (Order::parse(&json), Command::parse(&json), OrderState::parse(&json), order::Event::parse(&json));
    }

    #[test]
    fn an_order_reads_back_as_it_was_written(
        amount in 0..=1_000_u16, name in prop::option::of(".{0,20}"), note in prop::option::of(".{0,20}"), other in ".{0,20}",
    ) {
        let json = serde_json::json!({
            "order_id": "a", "amount": amount, "status": 0, "name": name, "note": note, "other": {"deep": [other]},
        });
        let order = Order::parse(json.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&Order::parse(&order.to_json()).unwrap(), &order);
    }
}
