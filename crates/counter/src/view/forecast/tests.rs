use std::collections::BTreeMap;

use eventlog::{Entry, Record, Topic};
use order::{Details, Mode, OrderId, Placed, stamp, topic};

use super::*;
use crate::view::Changes;

const NOW: Millis = 1_795_363_866_253;
const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;

/// A log that a view and its forecasts read.
#[derive(Default)]
struct Bar {
    view: View,
    forecasts: Forecasts,
    offsets: BTreeMap<(Topic, Partition), u64>,
}

impl Bar {
    fn new(barista: &str) -> Self {
        let mut bar = Self::default();
        bar.says("bar", barista);
        bar
    }

    fn says(&mut self, name: &str, barista: &str) {
        self.entry(topic::SHOP, 0, Record::new(format!("barista/{name}"), barista.to_owned()), NOW);
    }

    fn entry(&mut self, topic: Topic, partition: Partition, record: Record, timestamp: Millis) {
        let next = self.offsets.entry((topic, partition)).or_default();
        let offset = *next;
        *next += 1;
        let entry = Entry { topic, partition, offset, timestamp, record };
        self.view.apply_to(&entry, &mut Changes::default());
    }

    /// An order of so many seconds' work, as it is taken so long ago.
    fn taken(&mut self, id: &str, seconds: u32, ago: Millis) -> OrderState {
        let details = Details { make_seconds: Some(seconds), ..Details::default() };
        let order = Order { details: Some(Box::new(details)), ..Order::new(OrderId::new(id).unwrap(), 1) };
        self.take(order, 0, Mode::Manual, ago)
    }

    fn take(&mut self, order: Order, partition: Partition, mode: Mode, ago: Millis) -> OrderState {
        let offset = self.view.iter().filter(|state| state.at.partition == partition).count() as u64;
        let at = At { partition, offset };
        let placed =
            Placed { at, received_at: NOW - ago, foreign: false, history_from: 0, traceparent: None };
        let state = OrderState { version: 1, code: 1, ..OrderState::undecided(order, placed, mode) };
        self.put(&state);
        state
    }

    fn put(&mut self, state: &OrderState) {
        let partition = state.at.partition;
        self.entry(
            topic::STATE,
            partition,
            Record::new(state.id().as_str().to_owned(), state.to_json()),
            NOW,
        );
    }

    fn made_by(&mut self, partition: Partition, name: &str) {
        let json = format!(r#"{{"v":1,"positions":[],"barista":"{name}"}}"#);
        self.entry(topic::STATE, partition, Record::new(topic::POSITIONS_KEY.to_owned(), json), NOW);
    }

    /// What is promised, in whole minutes from [`NOW`], rounded down.
    fn promised(&self, id: &str, now: Millis) -> Option<(Millis, Millis)> {
        let state = self.view.get(id).expect("it was taken");
        self.forecasts.of(&self.view, state, now, now).map(minutes)
    }

    fn placed(&self, seconds: u32) -> Option<(Millis, Millis)> {
        let details = Details { make_seconds: Some(seconds), ..Details::default() };
        let order = Order { details: Some(Box::new(details)), ..Order::new(OrderId::new("new").unwrap(), 1) };
        self.forecasts.placed(&self.view, &order, 0, NOW, NOW).map(minutes)
    }
}

fn minutes(promise: Promise) -> (Millis, Millis) {
    ((promise.from() - NOW).div_euclid(MINUTE), (promise.to() - NOW).div_euclid(MINUTE))
}

const TWO_HANDS: &str = r#"{"mode":"manual","hands":2,"cup_ms":1000,"at":1}"#;
const AUTO: &str = r#"{"mode":"auto","hands":null,"cup_ms":40000,"at":1}"#;

fn making(state: OrderState, ago: Millis) -> OrderState {
    OrderState { stage: Stage::Making, version: 2, making_at: stamp(NOW - ago), ..state }
}

#[test]
fn whoever_comes_later_is_promised_later_and_two_hands_make_two_at_once() {
    let mut bar = Bar::new(TWO_HANDS);
    for n in 0..10 {
        bar.taken(&format!("o-{n}"), 120, 10 * SECOND);
    }
    let ends: Vec<_> = (0..10).map(|n| bar.promised(&format!("o-{n}"), NOW).unwrap()).collect();
    assert_eq!(ends[0], ends[1]);
    assert!(ends.is_sorted(), "{ends:?}");
    assert!(ends[9].0 >= 7 && ends[9].1 <= 13, "five times two minutes: {ends:?}");
}

#[test]
fn who_is_placed_within_a_second_waits_for_those_who_were_too() {
    let bar = Bar::new(TWO_HANDS);
    let promises: Vec<_> = (0..5).map(|_| bar.placed(120).unwrap()).collect();
    assert_eq!(promises[0], promises[1]);
    assert!(promises[1] < promises[2] && promises[2] < promises[4], "{promises:?}");
}

#[test]
fn nothing_is_promised_where_nobody_can_say() {
    let mut bar = Bar::default();
    bar.taken("a", 60, 0);
    assert_eq!(bar.promised("a", NOW), None, "no barista of ours ever spoke");
    bar.says("bar", TWO_HANDS);
    assert!(bar.promised("a", NOW).is_some());
    let state = bar.view.get("a").unwrap();
    assert_eq!(bar.forecasts.of(&bar.view, state, NOW - 15_001, NOW), None, "the view is old");

    let record = Record::new("b", Order::new(OrderId::new("b").unwrap(), 1).to_json());
    bar.entry(topic::RECEIVED, 0, record, NOW);
    assert!(bar.promised("b", NOW + 1_000).is_some(), "someone is about to decide");
    assert_eq!(bar.promised("b", NOW + 5_001), None, "nobody decides");
    assert_eq!(bar.promised("a", NOW + 5_001), None, "on anything");
    assert!(bar.forecasts.one_more(&bar.view, NOW + 5_001, NOW + 5_001).is_none());
}

#[test]
fn nothing_is_promised_while_a_command_of_this_counter_is_not_decided_on() {
    let mut bar = Bar::new(TWO_HANDS);
    let read = |bar: &mut Bar, commands: u64| {
        let json = format!(
            r#"{{"v":1,"positions":[{{"topic":"order.received","next":1}},{{"topic":"order.command","next":{commands}}}]}}"#
        );
        bar.entry(topic::STATE, 0, Record::new(topic::POSITIONS_KEY.to_owned(), json), NOW);
    };
    let state = bar.taken("a", 60, 0);
    bar.put(&making(state, 0));
    let command = |offset| At { partition: 0, offset };
    read(&mut bar, 3);
    bar.view.asked(command(2), NOW - MINUTE);
    assert!(bar.promised("a", NOW).is_some(), "it was decided before this counter knew that it is written");
    bar.view.asked(command(3), NOW);
    bar.view.asked(command(4), NOW + SECOND);
    assert!(bar.promised("a", NOW + 5_000).is_some(), "someone is about to decide");
    assert_eq!(bar.promised("a", NOW + 5_001), None);
    read(&mut bar, 4);
    assert!(bar.promised("a", NOW + 5_001).is_some(), "the next one is not that old");
    assert_eq!(bar.promised("a", NOW + 6_001), None);
    read(&mut bar, 5);
    assert!(bar.promised("a", NOW + MINUTE).is_some());
}

#[test]
fn an_order_that_is_ready_or_not_paid_is_promised_nothing_and_holds_up_nobody() {
    let mut bar = Bar::new(r#"{"mode":"manual","hands":1,"at":1}"#);
    let details = Details { make_seconds: Some(3_000), unpaid: true, ..Details::default() };
    let unpaid = Order { details: Some(Box::new(details)), ..Order::new(OrderId::new("u").unwrap(), 1) };
    bar.take(unpaid, 0, Mode::Manual, MINUTE);
    let ready = bar.taken("r", 60, MINUTE);
    bar.put(&OrderState { stage: Stage::Ready, version: 2, ready_at: stamp(NOW), ..ready });
    bar.taken("a", 60, 0);
    assert_eq!((bar.promised("u", NOW), bar.promised("r", NOW)), (None, None));
    assert!(bar.promised("a", NOW).unwrap().1 <= 2);
    let unpaid = bar.view.get("u").unwrap().clone();
    let others = |bar: &Bar, now| (bar.promised("a", now), bar.forecasts.one_more(&bar.view, now, now));
    let before = others(&bar, NOW);
    let (from, to) = minutes(bar.forecasts.paid(&bar.view, &unpaid, NOW, NOW).unwrap());
    assert!((35..=50).contains(&from) && (50..=70).contains(&to), "its own fifty minutes: {from} {to}");
    assert_eq!(others(&bar, NOW), before, "to ask for it is not to pay it");
    bar.put(&OrderState { paid: true, version: 2, ..unpaid });
    assert!(others(&bar, NOW + SECOND).1.unwrap().from >= 35, "whoever comes now waits for it");
}

#[test]
fn a_look_that_is_a_moment_older_than_the_forecast_does_not_make_it_anew() {
    let mut bar = Bar::new(TWO_HANDS);
    let one_more = |bar: &Bar, now| bar.forecasts.one_more(&bar.view, now, now).unwrap();
    let quiet = one_more(&bar, NOW);
    for n in 0..10 {
        bar.taken(&format!("o-{n}"), 120, 0);
    }
    assert_eq!(one_more(&bar, NOW - 5), quiet);
    assert_ne!(one_more(&bar, NOW - MINUTE), quiet, "a clock that was set back is another thing");
}

#[test]
fn what_staff_add_is_in_new_promises_and_changes_none_that_was_made_before() {
    let mut bar = Bar::new(TWO_HANDS);
    let busy = |bar: &mut Bar, minutes: u32, at: Millis| {
        let since = NOW - 5 * SECOND;
        let pace = format!(r#"{{"busy_minutes":{minutes},"since":{since}}}"#);
        bar.entry(topic::SHOP, 0, Record::new("pace", pace), at);
    };
    bar.taken("before", 60, 10 * SECOND);
    let before = bar.promised("before", NOW).unwrap();
    busy(&mut bar, 10, NOW - 5 * SECOND);
    busy(&mut bar, 5, NOW - SECOND);
    let after = bar.taken("after", 60, 2 * SECOND);
    let later = NOW + 1_000;
    assert_eq!(bar.promised("before", later), Some(before));
    let (from, to) = bar.promised("after", later).unwrap();
    assert!(from >= 5 && to <= 8, "{from} {to}");
    let placed = bar.placed(60).unwrap();
    assert!(placed.0 >= 5 && placed.1 <= 8, "{placed:?}");
    assert!(bar.forecasts.one_more(&bar.view, NOW, NOW).unwrap().from >= 5);

    bar.put(&making(after, 0));
    let begun = bar.promised("after", later + 1_000).unwrap();
    assert!(begun.1 <= 3, "it is being made: {begun:?}");
    busy(&mut bar, 0, NOW);
    assert!(bar.forecasts.one_more(&bar.view, NOW, NOW).unwrap().to <= 3);
}

#[test]
fn what_makes_itself_is_promised_the_same_whoever_asks_and_whenever() {
    let mut bar = Bar::new(AUTO);
    let state = bar.take(Order::new(OrderId::new("a").unwrap(), 2), 0, Mode::Auto, 0);
    bar.put(&OrderState { due_at: stamp(NOW + 80 * SECOND), mode: Mode::Auto, ..making(state, 0) });
    assert_eq!(bar.placed(80), Some((1, 2)), "two drinks of 40 seconds");
    for after in [0, 1, 999, 30_000, 80_000] {
        assert_eq!(bar.promised("a", NOW + after), Some((1, 2)), "after {after} ms");
    }
    assert_eq!(bar.promised("a", NOW + 85 * SECOND), Some((1, 2)), "someone is about to announce it");
    assert_eq!(bar.promised("a", NOW + 85 * SECOND + 1), None, "nobody does");
    assert!(bar.forecasts.one_more(&bar.view, NOW + 2 * MINUTE, NOW + 2 * MINUTE).is_none());
}

#[test]
fn a_promise_stays_while_the_line_moves_as_it_was_said_to() {
    let mut bar = Bar::new(r#"{"mode":"manual","hands":1,"at":1}"#);
    let first = bar.taken("a", 120, 0);
    bar.taken("b", 120, 0);
    bar.put(&making(first.clone(), 0));
    let promised = bar.promised("b", NOW).unwrap();
    assert_eq!(bar.promised("b", NOW + 60 * SECOND), Some(promised));
    bar.put(&OrderState { stage: Stage::Ready, version: 3, ready_at: stamp(NOW + 120 * SECOND), ..first });
    assert_eq!(bar.promised("b", NOW + 121 * SECOND), Some(promised));
    let after = bar.promised("b", NOW + 20 * MINUTE).unwrap();
    assert!(after.1 > 20 && after.1 <= 23, "nobody begins it: {after:?}");
}

#[test]
fn hands_belong_to_the_barista_that_works_on_the_partition() {
    let hands = r#"{"mode":"auto","hands":1,"cup_ms":60000,"at":1}"#;
    let bar = |names: [&str; 2]| {
        let mut bar = Bar::new(hands);
        bar.view.set_partitions(2);
        for (partition, name) in (0..).zip(names) {
            bar.says(name, hands);
            bar.made_by(partition, name);
            bar.take(
                Order::new(OrderId::new(name.to_owned() + &partition.to_string()).unwrap(), 1),
                partition,
                Mode::Auto,
                Millis::from(9 - partition),
            );
        }
        bar
    };
    let one = bar(["x", "x"]);
    assert_eq!((one.promised("x0", NOW), one.promised("x1", NOW)), (Some((1, 2)), Some((2, 3))));
    let two = bar(["x", "y"]);
    assert_eq!((two.promised("x0", NOW), two.promised("y1", NOW)), (Some((1, 2)), Some((1, 2))));
}

#[test]
fn where_nobody_says_how_many_hands_there_are_they_are_counted() {
    let mut bar = Bar::new(r#"{"mode":"manual","at":1}"#);
    let alone = {
        for n in 0..4 {
            bar.taken(&format!("w-{n}"), 120, 0);
        }
        bar.promised("w-3", NOW).unwrap()
    };
    for n in 0..3 {
        let state = bar.view.get(&format!("w-{n}")).unwrap().clone();
        bar.put(&making(state, 0));
    }
    let together = bar.promised("w-3", NOW + 1_000).unwrap();
    assert!(together.1 < alone.1, "{alone:?}, then {together:?} behind three that are made at once");
}

#[test]
fn one_more_is_shown_in_minutes_and_waits_for_all() {
    let mut bar = Bar::new(TWO_HANDS);
    let ask = |bar: &Bar, now| bar.forecasts.one_more(&bar.view, now, now).unwrap();
    assert_eq!(ask(&bar, NOW), Minutes { from: 0, to: 1 });
    for n in 0..10 {
        bar.taken(&format!("o-{n}"), 120, 0);
    }
    let ten = ask(&bar, NOW + 1_000);
    assert!(ten.from >= 8 && ten.to <= 14, "five times two minutes, and one more: {ten:?}");
}

#[test]
fn orders_that_are_too_many_to_look_at_are_in_the_line_and_are_promised_nothing() {
    let mut bar = Bar::new(r#"{"mode":"auto","hands":1,"cup_ms":1000,"at":1}"#);
    let orders = LOOKED_AT + 1_000;
    for n in 0..orders {
        bar.take(Order::new(OrderId::new(format!("o-{n}")).unwrap(), 1), 0, Mode::Auto, 0);
    }
    assert!(bar.promised("o-0", NOW).is_some());
    assert_eq!(bar.promised(&format!("o-{}", orders - 1), NOW), None);
    let all = Millis::try_from(orders).unwrap() * SECOND;
    let minutes = u32::try_from((all + SECOND) / MINUTE).unwrap();
    let one_more = bar.forecasts.one_more(&bar.view, NOW, NOW);
    assert_eq!(one_more, Some(Minutes { from: minutes, to: minutes + 1 }));
}
