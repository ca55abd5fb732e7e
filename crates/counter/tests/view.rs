//! The fold: whatever the order in which topics are read, the view is the same.

use std::collections::BTreeMap;

use bytes::Bytes;
use counter::view::{Changes, View};
use eventlog::{Entry, Headers, Record, Topic};
use order::{
    At, Book, CloudEvent, DeadLetter, Millis, Mode, Order, OrderId, OrderState, Placed, Rules, Stage,
    Verdict, topic,
};
use proptest::prelude::*;

type Streams = BTreeMap<(Topic, u32), Vec<Entry>>;

/// A log in the making.
#[derive(Debug, Default)]
struct Script {
    streams: Streams,
    now: Millis,
}

impl Script {
    fn append(&mut self, topic: Topic, partition: u32, record: Record) -> u64 {
        self.now += 1;
        let stream = self.streams.entry((topic, partition)).or_default();
        let offset = stream.len() as u64;
        stream.push(Entry { topic, partition, offset, timestamp: self.now, record });
        offset
    }

    /// What a barista of ours makes of everything received in a partition, `open` of the last ones left alone.
    fn decide(&mut self, partition: u32, undecided: usize) {
        let rules = Rules { mode: Mode::Auto, cup_ms: 0, ..Rules::default() };
        let mut book = Book::default();
        let received = self.streams.get(&(topic::RECEIVED, partition)).cloned().unwrap_or_default();
        let decided = received.len().saturating_sub(undecided);
        for entry in &received[..decided] {
            if let Ok(order) = Order::parse(entry.record.value.as_deref().unwrap_or_default()) {
                let at = At { partition, offset: entry.offset };
                let placed = Placed {
                    at,
                    received_at: entry.timestamp,
                    foreign: false,
                    history_from: 0,
                    traceparent: None,
                };
                if let Verdict::Changed(change) = book.take(order, placed, self.now, &rules, true) {
                    let state: &OrderState = book.get(change.key).expect("it was just changed");
                    let record = Record::new(state.id().as_str().to_owned(), state.to_json());
                    self.append(topic::STATE, partition, record);
                }
            }
            let next = entry.offset + 1;
            let positions =
                format!(r#"{{"v":1,"positions":[{{"topic":"order.received","next":{next}}}],"later":[]}}"#);
            self.append(topic::STATE, partition, Record::new(topic::POSITIONS_KEY, positions));
        }
    }

    /// All entries, each stream in its order, taken from the streams as `dice` say.
    fn interleaved(&self, dice: &[usize]) -> Vec<Entry> {
        let mut streams: Vec<_> = self.streams.values().map(|s| s.iter().cloned().peekable()).collect();
        let mut all = Vec::new();
        let mut dice = dice.iter().copied().cycle();
        while !streams.is_empty() {
            let at = dice.next().unwrap_or(0) % streams.len();
            match streams[at].next() {
                Some(entry) => all.push(entry),
                None => drop(streams.remove(at)),
            }
        }
        all
    }
}

fn core(id: &str) -> Record {
    Record::new(id.to_owned(), Order::new(OrderId::new(id).expect("an id"), 1).to_json())
}

fn bell(id: &str, headers: Headers) -> Record {
    let value = format!(r#"{{"order_id":"{id}","amount":1,"status":1}}"#);
    Record::new(id.to_owned(), value).with_headers(headers)
}

fn ours() -> Headers {
    Headers::new([(CloudEvent::SOURCE, b"/brewline/barista".as_slice())])
}

/// What a reader sees of it.
fn seen(view: &View) -> BTreeMap<String, (Stage, u32)> {
    view.iter().map(|state| (state.id().to_string(), (state.stage, state.version))).collect()
}

fn folded(entries: &[Entry]) -> View {
    let mut view = View::default();
    let mut changes = Changes::default();
    for entry in entries {
        view.apply_to(entry, &mut changes);
    }
    view.at_end(&mut changes);
    view
}

fn check_counts(view: &View) {
    let mut stages = [0; Stage::ALL.len()];
    let mut undecided = 0;
    for state in view.iter() {
        if state.version == 0 { undecided += 1 } else { stages[state.stage as usize] += 1 }
    }
    assert_eq!((view.counts().stages, view.counts().undecided), (stages, undecided));
    assert_eq!(view.open(usize::MAX).count(), view.counts().open());
    assert_eq!(view.ready().count(), view.counts().of(Stage::Ready));
    assert_eq!(
        view.live_bytes(),
        view.iter().filter(|s| s.stage.is_live()).map(|s| s.order.weight()).sum::<usize>()
    );
}

proptest! {
    #[test]
    fn any_interleaving_of_the_topics_shows_the_same(
        received in prop::collection::vec((0_u32..3, 0_usize..12, any::<bool>()), 0..40),
        undecided in 0_usize..4,
        forgotten in prop::collection::vec(0_usize..12, 0..4),
        dice in prop::collection::vec(any::<usize>(), 1..200),
    ) {
        let mut script = Script::default();
        for (partition, name, readable) in received {
            // An id stays in its partition: anything else is another program's fault.
            let id = format!("{partition}-{name}");
            let record = if readable { core(&id) } else { Record::new(id, Bytes::from_static(b"nonsense")) };
            script.append(topic::RECEIVED, partition, record);
        }
        for partition in 0..3 {
            script.decide(partition, undecided);
            for name in &forgotten {
                let id = format!("{partition}-{name}");
                let known = script.streams.get(&(topic::STATE, partition)).is_some_and(|stream| {
                    stream.iter().any(|entry| entry.record.key.as_deref() == Some(id.as_bytes()))
                });
                if known && undecided == 0 {
                    script.append(topic::STATE, partition, Record::tombstone(id.clone()));
                }
                script.append(topic::PROCESSED, partition, bell(&id, ours()));
            }
        }
        // As a start reads it: the state first, then what was received.
        let mut in_turn: Vec<Entry> = script.interleaved(&[0]);
        in_turn.sort_by_key(|entry| entry.topic != topic::STATE);
        let expected = folded(&in_turn);
        let view = folded(&script.interleaved(&dice));
        prop_assert_eq!(seen(&view), seen(&expected));
        check_counts(&view);
        check_counts(&expected);
    }

    #[test]
    fn with_a_foreign_barista_every_bell_rings_whatever_is_read_first(
        orders in prop::collection::vec((0_u32..3, any::<bool>()), 1..30),
        dice in prop::collection::vec(any::<usize>(), 1..100),
    ) {
        let mut script = Script::default();
        for (n, (partition, made)) in orders.iter().enumerate() {
            let id = format!("theirs-{n}");
            script.append(topic::RECEIVED, *partition, core(&id));
            script.append(topic::RECEIVED, *partition, core(&id));
            if *made {
                // From any partition, and twice.
                script.append(topic::PROCESSED, (partition + 1) % 3, bell(&id, Headers::default()));
                script.append(topic::PROCESSED, (partition + 2) % 3, bell(&id, Headers::default()));
            }
        }
        let view = folded(&script.interleaved(&dice));
        for (n, (_, made)) in orders.iter().enumerate() {
            let state = view.get(&format!("theirs-{n}")).unwrap();
            let expected = if *made { (Stage::Ready, 1) } else { (Stage::Received, 0) };
            prop_assert_eq!((state.stage, state.version), expected);
        }
        check_counts(&view);
    }
}

#[test]
fn an_id_without_state_before_the_recorded_position_is_forgotten_and_never_open() {
    let mut script = Script::default();
    script.append(topic::RECEIVED, 0, core("old"));
    script.append(topic::RECEIVED, 0, core("new"));
    let positions =
        r#"{"v":1,"positions":[{"topic":"order.command","next":9},{"topic":"order.received","next":1}]}"#;
    script.append(topic::STATE, 0, Record::new(topic::POSITIONS_KEY, positions));
    for dice in [[0], [1]] {
        let view = folded(&script.interleaved(&dice));
        assert_eq!(view.received_from(), [(0, 1)]);
        assert!(view.get("old").is_none());
        assert_eq!(view.get("new").map(|state| state.version), Some(0));
    }
}

#[test]
fn a_state_of_a_newer_program_is_noticed_and_a_broken_one_counted() {
    let mut script = Script::default();
    script.append(topic::STATE, 0, Record::new("a", r#"{"v":77,"order":{}}"#));
    script.append(topic::STATE, 0, Record::new("b", "nonsense"));
    let view = folded(&script.interleaved(&[0]));
    assert_eq!((view.newer(), view.unreadable(), view.len()), (Some(77), 2, 0));
}

#[test]
fn orders_without_a_decision_show_their_age_and_that_nobody_decides() {
    let mut script = Script::default();
    script.append(topic::RECEIVED, 1, core("a"));
    script.append(topic::RECEIVED, 1, core("b"));
    let view = folded(&script.interleaved(&[0]));
    assert_eq!(view.oldest_undecided(), Some(1));
    assert!(!view.nobody_decides(1, 5_001) && view.nobody_decides(1, 5_002));
    assert!(!view.nobody_decides(0, 1_000_000));
    let b = view.get("b").unwrap();
    assert_eq!(view.ahead(b).ahead, 1);
}

#[test]
fn a_mark_that_a_dead_letter_was_seen_to_is_no_dead_letter() {
    let mut script = Script::default();
    let mut view = View::default();
    let reason: (&str, &[u8]) = (DeadLetter::REASON, b"not JSON");
    let mark: (&str, &[u8]) = (DeadLetter::MARK, DeadLetter::DROPPED.as_bytes());
    // What could not be read may have had any header of its own; others write no headers at all.
    for headers in [vec![reason], vec![mark, reason], vec![], vec![mark]] {
        let record = Record { value: None, ..Record::new("a", "") }.with_headers(Headers::new(headers));
        script.append(topic::DLQ, 0, record);
    }
    script.streams[&(topic::DLQ, 0)].iter().for_each(|entry| view.apply(entry));
    assert_eq!(view.dead_letters(), 3);
}
