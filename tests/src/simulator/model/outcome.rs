//! The engine's other topics: bells, dead letters, state, positions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use barista::Positions;
use eventlog::{Entry, Topic};
use order::{CloudEvent, Event, Limits, OrderId, OrderState, Stage, topic};

use super::{Found, Kind, find, known::Known};

/// What goes with the decisions of one partition.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The bells that must ring, in their order.
    bells: VecDeque<(OrderId, u32)>,
    /// The orders that were decided on since the last look, and what the state says of them.
    touched: BTreeSet<OrderId>,
    states: BTreeMap<OrderId, Option<OrderState>>,
    positions: Option<Positions>,
    last_code: u32,
}

impl Outcome {
    /// How far the state says that an input has been read.
    pub(crate) fn read_to(&self, input: Topic) -> u64 {
        self.positions.as_ref().and_then(|p| p.of(input)).map_or(0, |read| read.next)
    }

    /// An event was followed.
    pub(crate) fn followed(&mut self, known: &Known, event: &Event) {
        self.touched.insert(known.id().clone());
        if event.refused.is_some() || event.repeat {
            return;
        }
        self.last_code = event.code.unwrap_or(self.last_code);
        // It became ready, and not only because a handing-over was taken back.
        let ready = event.to == Stage::Ready && event.from != Some(Stage::Ready);
        if ready && event.kind != order::Kind::Uncollect {
            self.bells.push_back((known.id().clone(), event.round));
        }
    }

    /// A bell rang. Says which, if it can be told.
    pub(crate) fn bell(&mut self, entry: &Entry, orders: &BTreeMap<OrderId, Known>, found: &mut Found) {
        let record = &entry.record;
        let header = |name| record.headers.get(name).and_then(|value| std::str::from_utf8(value).ok());
        let round: Option<u32> = header(CloudEvent::ROUND).and_then(|round| round.parse().ok());
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        let (Some(id), Some(round)) = (key.and_then(|key| OrderId::new(key).ok()), round) else {
            return find(found, Kind::Bell, format!("a bell for nobody: {entry:?}"));
        };
        let expected = self.bells.pop_front();
        if expected.as_ref() != Some(&(id.clone(), round)) {
            find(found, Kind::Bell, format!("the bell of {id}, round {round}, rang instead of {expected:?}"));
        }
        let value = record.value.as_deref().unwrap_or_default();
        let says =
            orders.get(&id).map(|known| serde_json::to_vec(&known.order.announced()).expect("plain JSON"));
        if says.as_deref() != Some(value) || contains(value, "\"note\"") {
            find(found, Kind::Bell, format!("the bell of {id} says {}", String::from_utf8_lossy(value)));
        }
    }

    /// A dead letter: it must be what came, or as much of it as may be kept.
    pub(crate) fn letter(entry: &Entry, expected: &Entry, found: &mut Found) {
        let header = |name: &str| {
            let value = entry.record.headers.get(name).unwrap_or_default();
            String::from_utf8_lossy(value).into_owned()
        };
        let place = (header("dlq_topic"), header("dlq_partition"), header("dlq_offset"));
        let came = expected.record.value.as_deref();
        let kept = came.map(|value| &value[..value.len().min(Limits::DEAD_LETTER_BYTES)]);
        let size = came.map_or(0, <[u8]>::len).to_string();
        let right = place
            == (expected.topic.to_owned(), expected.partition.to_string(), expected.offset.to_string())
            && entry.record.value.as_deref() == kept
            && header("dlq_size") == size
            && !header("dlq_reason").is_empty();
        if !right {
            let (topic, partition, offset) = place;
            find(
                found,
                Kind::DeadLetter,
                format!(
                    "the one of {topic}-{partition}@{offset} is not what came at {}-{}@{}",
                    expected.topic, expected.partition, expected.offset
                ),
            );
        }
    }

    /// A record of the state.
    pub(crate) fn state(&mut self, entry: &Entry, orders: &mut BTreeMap<OrderId, Known>, found: &mut Found) {
        let key = entry.record.key.as_deref().unwrap_or_default();
        let value = entry.record.value.as_deref();
        if key == topic::POSITIONS_KEY.as_bytes() {
            return self.positions(value.unwrap_or_default(), found);
        }
        let Some(id) = std::str::from_utf8(key).ok().and_then(|key| OrderId::new(key).ok()) else {
            return find(found, Kind::State, format!("a state of nothing: {entry:?}"));
        };
        let state = match value.map(OrderState::parse).transpose() {
            Ok(state) => state,
            Err(why) => return find(found, Kind::State, format!("order {id}: {why}")),
        };
        match orders.get_mut(&id) {
            Some(known) if state.is_none() && known.stage.is_live() => {
                find(found, Kind::State, format!("order {id} is forgotten while {:?}", known.stage));
            }
            Some(known) => known.forgotten = state.is_none(),
            None => find(found, Kind::State, format!("a state of {id}, which was never taken")),
        }
        self.touched.insert(id.clone());
        self.states.insert(id, state);
    }

    fn positions(&mut self, value: &[u8], found: &mut Found) {
        match Positions::parse(value) {
            Ok(positions) => {
                for read in &positions.inputs {
                    let before =
                        self.positions.as_ref().and_then(|p| p.inputs.iter().find(|r| r.topic == read.topic));
                    if before.is_some_and(|before| before.next > read.next) {
                        find(found, Kind::State, format!("positions went back: {before:?}, {read:?}"));
                    }
                }
                self.positions = Some(positions);
            }
            Err(why) => find(found, Kind::State, format!("unreadable positions: {why}")),
        }
    }

    /// After all that a transaction wrote: the bells rang, and the state is what the decisions make of it.
    pub(crate) fn settle(&mut self, orders: &BTreeMap<OrderId, Known>, found: &mut Found) {
        for (id, round) in self.bells.drain(..) {
            find(
                found,
                Kind::Bell,
                format!("order {id} is ready, and the bell of round {round} did not ring"),
            );
        }
        let touched = std::mem::take(&mut self.touched);
        if touched.is_empty() {
            return;
        }
        for known in touched.iter().filter_map(|id| orders.get(id)) {
            if let Some(difference) = differs(known, self.states.get(known.id()).and_then(Option::as_ref)) {
                find(found, Kind::State, format!("order {}: {difference}", known.id()));
            }
        }
        let (open, last_code) = self.positions.as_ref().map_or((0, 0), |p| (p.open, p.last_code));
        let really = orders.values().filter(|known| known.stage.is_open()).count();
        if open != really || last_code != self.last_code {
            find(
                found,
                Kind::State,
                format!("{open} open and last number {last_code}, not {really} and {}", self.last_code),
            );
        }
    }
}

/// What the state says otherwise than the decisions.
fn differs(known: &Known, state: Option<&OrderState>) -> Option<String> {
    let Some(state) = state else {
        return (!known.forgotten).then(|| "decided on, and not in the state".to_owned());
    };
    let answers: Vec<_> = state.answers.iter().map(|a| (&a.command_id, a.version, a.refused)).collect();
    let expected: Vec<_> = known.answers.iter().map(|a| (&a.command_id, a.version, a.refused)).collect();
    let here = (state.stage, state.round, state.version, state.code, state.due(), state.mode, state.at);
    let there = (known.stage, known.round, known.version, known.code, known.due, known.mode, known.at);
    if here != there {
        return Some(format!("the state says {here:?}, the decisions {there:?}"));
    }
    if answers != expected {
        return Some(format!("the state remembers {answers:?}, the decisions say {expected:?}"));
    }
    if state.promised() != known.promised {
        return Some(format!(
            "the state promises {:?}, the decisions {:?}",
            state.promised(),
            known.promised
        ));
    }
    if state.order != known.order || state.foreign != known.foreign {
        return Some("the state holds another order than was placed".to_owned());
    }
    (state.history_from > known.history_from)
        .then(|| "its history is said to begin after its first event".to_owned())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
