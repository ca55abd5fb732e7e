//! Orders as they were at a moment, for the bar and the board: the same rules and the same screens, from the events up to
//! then.

use std::{collections::HashMap, time::Duration};

use eventlog::{Entry, FollowError, Log, Record, Start, Topic};
use ledger::{DayOrder, Name};
use order::{At, Event, Kind, Millis, Mode, Order, OrderId, OrderState, Placed, Stage, apply, stamp, topic};

use super::{
    Beside, Past, PastError,
    begin::positions,
    past::{OF_ORDERS, read},
};
use crate::view::{Changes, Views};

/// Orders of before the day that are looked up where they stand; of more, only the codes are shown.
const LOOKED_UP_MAX: usize = 100;
const POLL: Duration = Duration::from_millis(200);

/// What everything looked like at this moment, to whoever may see all of it. `known`: what an order of another day is, if
/// that is remembered.
pub(crate) fn as_it_was(
    log: &dyn Log,
    past: &Past,
    at: Millis,
    known: impl Fn(&str) -> Option<Order>,
) -> Result<Views, PastError> {
    let live = past.count.day.orders().iter().filter(|order| order.stage.is_live());
    let mut orders: HashMap<(u32, Name), Was> = HashMap::new();
    for order in live {
        orders.insert((order.partition, order.order_id.clone()), Was::default());
    }
    let ends = positions(log, &Start::End)?;
    // First what was ordered, then what became of it.
    for topic in OF_ORDERS {
        let starts: Vec<(Topic, Start)> =
            past.began.starts().into_iter().filter(|(of, _)| *of == topic).collect();
        let mut follow = log.follow(&starts)?;
        read(follow.as_mut(), &ends, at, &mut Beside::default(), |entry| {
            let id = entry.record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
            if let Some(was) = id.and_then(|id| orders.get_mut(&(entry.partition, Name::of(id)))) {
                was.take(entry);
            }
            true
        })?;
    }
    let views = Views::new(String::new());
    let mut looked_up = 0;
    let mut changes = Changes::default();
    let mut states = Vec::new();
    for order in past.count.day.orders() {
        let Some(was) = orders.remove(&(order.partition, order.order_id.clone())) else { continue };
        let id = order.order_id.to_string();
        let received = match was.received {
            Some(received) => Some(received),
            None => match known(&id) {
                Some(known) => Some((known, order.offset, order.received_at)),
                None if looked_up < LOOKED_UP_MAX => {
                    looked_up += 1;
                    look_up(log, order)?
                }
                None => None,
            },
        };
        states.extend(state(order, received, &was.events));
    }
    views.fold(&mut changes, |view, changes| {
        view.set_partitions(past.count.partitions);
        for state in &states {
            view.apply_to(&entry_of(state), changes);
        }
    });
    views.at_end(at);
    Ok(views)
}

/// What was read of one order.
#[derive(Debug, Default)]
struct Was {
    received: Option<(Order, Option<u64>, Millis)>,
    events: Vec<Event>,
}

impl Was {
    fn take(&mut self, entry: &Entry) {
        let Some(value) = entry.record.value.as_deref() else { return };
        if entry.topic == topic::EVENT {
            self.events.extend(Event::parse(value));
        } else if self.received.is_none() {
            self.received =
                Order::parse(value).ok().map(|order| (order, Some(entry.offset), entry.timestamp));
        }
    }
}

/// The record of `order.received` of an order that was placed before the day began.
fn look_up(log: &dyn Log, order: &DayOrder) -> Result<Option<(Order, Option<u64>, Millis)>, PastError> {
    let Some(offset) = order.offset else { return Ok(None) };
    let ends = log.follow(&[(topic::RECEIVED, Start::End)])?.positions();
    let starts = ends.iter().map(|end| match end.partition {
        partition if partition == order.partition => (partition, offset),
        partition => (partition, end.offset),
    });
    let mut follow = log.follow(&[(topic::RECEIVED, Start::Offsets(starts.collect()))])?;
    let batch = match follow.poll(POLL) {
        Ok(batch) => batch,
        Err(FollowError::Gone { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let is_it = |entry: &&Entry| entry.partition == order.partition && entry.offset == offset;
    let entry = batch.entries.iter().find(is_it);
    let read = |entry: &Entry| {
        let order = Order::parse(entry.record.value.as_deref()?).ok()?;
        Some((order, Some(entry.offset), entry.timestamp))
    };
    Ok(entry.and_then(read))
}

/// The order as it was after these events.
fn state(
    order: &DayOrder,
    received: Option<(Order, Option<u64>, Millis)>,
    events: &[Event],
) -> Option<OrderState> {
    let id = OrderId::new(order.order_id.to_string()).ok()?;
    let (placed, offset, received_at) =
        received.unwrap_or_else(|| (Order::new(id, order.amount), order.offset, order.received_at));
    let at = At { partition: order.partition, offset: offset.or(order.offset).unwrap_or(u64::MAX) };
    let placed_at = Placed { at, received_at, foreign: false, history_from: 0, traceparent: None };
    let mut state = OrderState::undecided(placed, placed_at, order.mode.unwrap_or(Mode::Manual));
    let before = match events.iter().find(|event| event.refused.is_none() && !event.repeat) {
        // It was there before the day began: the first event says where.
        Some(first) => first.from.map(|from| (first.version.saturating_sub(1), from, round_before(first))),
        None => (order.version > 0).then_some((order.version, order.stage, order.round)),
    };
    if let Some((version, stage, round)) = before {
        state.version = version;
        state.stage = stage;
        state.round = round;
    }
    for event in events {
        apply(&mut state, event);
    }
    if state.code == 0 {
        state.code = order.code;
    }
    if state.stage == Stage::Ready && state.ready_at.is_none() {
        state.ready_at = order.ready_at.and_then(stamp);
    }
    Some(state)
}

fn round_before(event: &Event) -> u32 {
    if event.kind == Kind::Recall { event.round.saturating_sub(1).max(1) } else { event.round }
}

fn entry_of(state: &OrderState) -> Entry {
    let topic = if state.version > 0 { topic::STATE } else { topic::RECEIVED };
    let value = if state.version > 0 { state.to_json() } else { state.order.to_json() };
    let record = Record::new(state.id().as_str().to_owned(), value);
    let At { partition, offset } = state.at;
    Entry { topic, partition, offset, timestamp: state.received_at, record }
}
