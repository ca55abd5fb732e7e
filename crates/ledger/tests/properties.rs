//! A line that does everything right balances, however it is read; one record too few or too many is named.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::collections::BTreeMap;

use common::{Story, mixed, steps};
use eventlog::{Entry, Position};
use ledger::{Balance, Day, Fault, Ledger, Positions, Says, Wrong};
use order::{Event, Mode, Stage, topic};
use proptest::{collection::vec, prelude::*, sample::Index};

fn count(entries: &[Entry]) -> Ledger {
    let mut ledger = Ledger::default();
    for entry in entries {
        ledger.apply(entry);
    }
    ledger
}

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::Auto, Mode::Manual])
}

/// The orders as the history leaves them, counted without the ledger.
fn second_opinion(entries: &[Entry]) -> BTreeMap<Stage, u64> {
    let mut last: BTreeMap<(String, u64), Stage> = BTreeMap::new();
    let mut lives: BTreeMap<String, u64> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.topic == topic::EVENT) {
        let event = Event::parse(entry.record.value.as_deref().unwrap()).unwrap();
        if event.refused.is_some() || event.repeat {
            continue;
        }
        let id = event.order_id.as_str().to_owned();
        if event.version == 1 {
            *lives.entry(id.clone()).or_default() += 1;
        }
        last.insert((id.clone(), lives[&id]), event.to);
    }
    let mut counts = BTreeMap::new();
    for stage in last.into_values() {
        *counts.entry(stage).or_default() += 1;
    }
    counts
}

fn changes(entry: &Entry) -> Option<Event> {
    let event = Event::parse(entry.record.value.as_deref()?).ok().filter(|_| entry.topic == topic::EVENT)?;
    (event.refused.is_none() && !event.repeat).then_some(event)
}

/// Whether anyone who reads only the four topics can see that this record is gone: what was the last word on an order
/// leaves a log behind that could as well have ended there.
fn is_missed(entries: &[Entry], at: usize) -> bool {
    let entry = &entries[at];
    let later = &entries[at + 1..];
    let taken_behind = |offset: u64| {
        later.iter().any(|entry| match entry.topic {
            topic::EVENT => {
                changes(entry).and_then(|event| event.taken).is_some_and(|taken| taken.at.offset > offset)
            }
            topic::DLQ => entry
                .record
                .headers
                .get("dlq_offset")
                .is_some_and(|text| std::str::from_utf8(text).unwrap().parse::<u64>().unwrap() > offset),
            _ => false,
        })
    };
    match entry.topic {
        topic::PROCESSED => true,
        // A repeat that was ignored, and what nobody has seen to, leave nothing behind.
        topic::RECEIVED => {
            let seen_to = |other: &Entry| match other.topic {
                topic::EVENT => changes(other)
                    .and_then(|event| event.taken)
                    .is_some_and(|taken| taken.at.offset == entry.offset),
                topic::DLQ => {
                    other.record.headers.get("dlq_offset") == Some(entry.offset.to_string().as_bytes())
                }
                _ => false,
            };
            later.iter().any(seen_to)
        }
        topic::EVENT => changes(entry).is_some_and(|event| {
            event.announces()
                || event.taken.as_ref().is_some_and(|taken| taken_behind(taken.at.offset))
                || later
                    .iter()
                    .filter_map(changes)
                    .any(|later| later.order_id == event.order_id && later.version > 1)
        }),
        _ => {
            let offset = std::str::from_utf8(entry.record.headers.get("dlq_offset").unwrap()).unwrap();
            taken_behind(offset.parse().unwrap())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_order_is_accounted_for_in_whichever_order_topics_are_read(
        steps in steps(), mode in modes(), dice in vec(0..4_usize, 1..40),
    ) {
        let story = Story::anew(mode, &steps);
        let ledger = count(&mixed(&story.entries, &dice));
        prop_assert_eq!(ledger.faults(), []);
        let equation = ledger.equation();
        prop_assert!(equation.holds(), "{:?}", equation);
        let second = second_opinion(&story.entries);
        let undecided = equation.of(Stage::Received) - second.get(&Stage::Received).copied().unwrap_or(0);
        for stage in &Stage::ALL[1..] {
            prop_assert_eq!(equation.of(*stage), second.get(stage).copied().unwrap_or(0), "{:?}", stage);
        }
        let letters = story.entries.iter().filter(|entry| entry.topic == topic::DLQ).count() as u64;
        prop_assert_eq!(equation.dead_lettered, letters);
        prop_assert_eq!(equation.accepted, second.values().sum::<u64>() + letters + undecided);
    }

    #[test]
    fn a_record_that_is_lost_turns_it_red_unless_nothing_came_after_it(
        steps in steps(), mode in modes(), which in any::<Index>(), dice in vec(0..4_usize, 1..40),
    ) {
        let story = Story::told(mode, &steps);
        prop_assume!(!story.entries.is_empty());
        let at = which.index(story.entries.len());
        let mut entries = story.entries.clone();
        let lost = entries.remove(at);
        let ledger = count(&mixed(&entries, &dice));
        let faults = ledger.faults();
        if is_missed(&story.entries, at) {
            prop_assert!(!faults.is_empty(), "{:?} is not missed", lost);
            let named = |fault: &Fault| match &fault.order_id {
                Some(id) => lost.record.key.as_deref() == Some(id.to_string().as_bytes()),
                None => true,
            };
            prop_assert!(faults.iter().all(named), "{:?} for {:?}", faults, lost);
            if lost.topic == topic::RECEIVED {
                prop_assert!(!ledger.equation().holds() || lost.record.key.as_deref() == Some(b"x"));
            }
        }
    }

    #[test]
    fn a_record_that_stands_twice_turns_it_red(
        steps in steps(), mode in modes(), which in any::<Index>(), dice in vec(0..4_usize, 1..40),
    ) {
        let story = Story::told(mode, &steps);
        let doubled = |entry: &&Entry| entry.topic != topic::RECEIVED && (entry.topic != topic::EVENT || changes(entry).is_some());
        let candidates: Vec<&Entry> = story.entries.iter().filter(doubled).collect();
        prop_assume!(!candidates.is_empty());
        let entry = candidates[which.index(candidates.len())].clone();
        let end = story.entries.iter().filter(|other| other.topic == entry.topic).count() as u64;
        let mut entries = story.entries.clone();
        entries.push(Entry { offset: end, ..entry.clone() });
        prop_assert!(!count(&mixed(&entries, &dice)).faults().is_empty(), "{:?}", entry);
    }

    #[test]
    fn a_recount_that_begins_with_a_balance_says_the_same_as_one_from_the_first_record(
        steps in steps(), mode in modes(), cut in any::<Index>(), dice in vec(0..4_usize, 1..40),
    ) {
        let mut story = Story::told(mode, &steps);
        // Nothing waits in the end, and something came behind all of it.
        story.step(&common::Step::Lag(false));
        story.step(&common::Step::Place { id: 200, amount: 1, unpaid: false });
        let cut = story.cuts[cut.index(story.cuts.len())];
        let (before, after) = story.entries.split_at(cut);
        let first = count(before);
        let position = |topic| {
            let offset = before.iter().filter(|entry| entry.topic == topic).count() as u64;
            Position { topic, partition: 0, offset }
        };
        let live = first.live();
        let balance = Balance {
            date: "2026-11-22".to_owned(),
            at: first.time(),
            begins_at: None,
            over: true,
            from: Positions::default(),
            to: Positions::new(&ledger::TOPICS.map(position)),
            tally: ledger::Tally::default(),
            equation: first.equation().into(),
            holds: true,
            faults: Vec::new(),
            live_total: live.len(),
            live,
        };
        let balance = Balance::parse(&balance.key(), &balance.to_json()).unwrap();
        let mut second = Ledger::after(&balance);
        for entry in mixed(after, &dice) {
            second.apply(&entry);
        }
        // One that was finished before, and is remembered, may come again: whoever can read what was before tells.
        for suspect in second.suspects() {
            prop_assert!(before.iter().any(|entry| entry.record.key.as_deref() == Some(suspect.order_id.to_string().as_bytes())));
            second.is_repeat(&suspect);
        }
        let whole = count(&story.entries);
        prop_assert_eq!(second.faults(), []);
        prop_assert!(second.equation().holds(), "{:?}", second.equation());
        // Of one that came back nobody says where it was placed.
        let live = |ledger: &Ledger| {
            let mut live: Vec<_> =
                ledger.live().into_iter().map(|live| (live.id, live.stage, live.round, live.version)).collect();
            live.sort_unstable();
            live
        };
        prop_assert_eq!(live(&second), live(&whole));
        for stage in [Stage::Received, Stage::Making, Stage::Ready] {
            prop_assert_eq!(second.equation().of(stage), whole.equation().of(stage), "{:?}", stage);
        }
    }

    #[test]
    fn what_is_let_go_of_stays_counted(steps in steps(), mode in modes(), cut in any::<Index>()) {
        let steps: Vec<_> = steps.into_iter().filter(|step| !matches!(step, common::Step::Lag(_))).collect();
        let story = Story::told(mode, &steps);
        let cut = story.cuts[cut.index(story.cuts.len())];
        let mut ledger = count(&story.entries[..cut]);
        let before = ledger.equation();
        ledger.forget();
        prop_assert_eq!(ledger.equation(), before);
        for entry in &story.entries[cut..] {
            ledger.apply(entry);
        }
        prop_assert_eq!(ledger.faults(), []);
        prop_assert_eq!(ledger.equation(), count(&story.entries).equation());
    }

    #[test]
    fn a_day_has_every_order_where_the_count_has_it(
        steps in steps(), mode in modes(), dice in vec(0..4_usize, 1..40),
    ) {
        let story = Story::anew(mode, &steps);
        let (mut day, mut in_order) = (Day::default(), Day::default());
        for entry in mixed(&story.entries, &dice) {
            day.observe(&entry, &Says::of(&entry));
        }
        for entry in &story.entries {
            in_order.observe(entry, &Says::of(entry));
        }
        let equation = count(&story.entries).equation();
        prop_assert_eq!(day.tally().orders, equation.accepted);
        let made = day.orders().iter().filter(|order| order.stage != Stage::Cancelled);
        prop_assert_eq!(day.tally().drinks, made.map(|order| u64::from(order.amount)).sum::<u64>());
        for stage in [Stage::Making, Stage::Ready, Stage::Collected, Stage::Uncollected, Stage::Cancelled] {
            let here = day.orders().iter().filter(|order| order.stage == stage).count() as u64;
            prop_assert_eq!(here, equation.of(stage), "{:?}", stage);
        }
        prop_assert_eq!(day.percentiles(), in_order.percentiles());
        prop_assert_eq!(day.tally(), in_order.tally());
        prop_assert_eq!(day.chart(story.now), in_order.chart(story.now));
        let open = day.orders().iter().filter(|order| order.stage.is_open()).count();
        prop_assert_eq!(day.minutes(story.now).last().map_or(0, |(_, open)| *open as usize), open);
    }

    #[test]
    fn nothing_that_stands_in_a_topic_stops_the_count(
        records in vec((0..4_usize, vec(any::<u8>(), 0..60), "[a-z]{0,3}"), 0..60),
    ) {
        let (mut ledger, mut day) = (Ledger::default(), Day::default());
        for (offset, (topic, value, key)) in records.into_iter().enumerate() {
            let record = eventlog::Record::new(key, value);
            let entry = Entry { topic: ledger::TOPICS[topic], partition: 0, offset: offset as u64, timestamp: 5, record };
            ledger.apply(&entry);
            day.observe(&entry, &Says::of(&entry));
        }
        let _ = (ledger.faults(), ledger.equation(), day.chart(i64::MAX), day.needs(i64::MAX));
    }
}

#[test]
fn each_fault_is_named_with_the_order_and_the_last_thing_the_log_says_of_it() {
    let place = common::Step::Place { id: 1, amount: 1, unpaid: false };
    let other = common::Step::Place { id: 2, amount: 1, unpaid: false };
    let story =
        Story::told(Mode::Auto, &[place, common::Step::Wait(10_000), other, common::Step::Wait(600_000)]);
    let entries = &story.entries;
    let without = |gone: &dyn Fn(&Entry) -> bool| {
        count(&entries.iter().filter(|entry| !gone(entry)).cloned().collect::<Vec<_>>())
    };
    let of_first = |entry: &Entry| entry.record.key.as_deref() == Some(b"order-1");
    let wrong = |ledger: &Ledger| ledger.faults().into_iter().map(|fault| fault.wrong).collect::<Vec<_>>();
    assert_eq!(wrong(&without(&|_| false)), []);

    let lost = without(&|entry| of_first(entry) && entry.topic == topic::RECEIVED);
    assert_eq!(wrong(&lost), [Wrong::NeverAccepted]);
    assert!(!lost.equation().holds());

    let silent = without(&|entry| of_first(entry) && entry.topic == topic::PROCESSED);
    assert_eq!(wrong(&silent), [Wrong::NotAnnounced { round: 1 }]);

    let forgotten = without(&|entry| of_first(entry) && entry.topic != topic::RECEIVED);
    assert_eq!(wrong(&forgotten), [Wrong::PassedOver]);
    assert!(!forgotten.equation().holds(), "it is accepted, and nowhere");
    assert_eq!(forgotten.faults()[0].order_id.as_ref().unwrap().to_string(), "order-1");

    let first = entries.iter().position(|entry| of_first(entry) && entry.topic == topic::EVENT).unwrap();
    let mut torn = entries.clone();
    torn.remove(first);
    let torn = count(&torn);
    assert!(wrong(&torn).contains(&Wrong::Gap { after: 0, found: 2 }), "{:?}", torn.faults());
    assert!(!torn.equation().holds());
    assert_eq!(torn.faults()[0].place.topic, topic::EVENT);
}
