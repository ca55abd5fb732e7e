//! `GET /orders/{id}/history`: every decision on one order, read from the log.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ::order::{Event, OrderId, OrderState, topic};
use axum::{extract::State, response::Response};
use eventlog::{Entry, FollowError, Log, Millis, Offset, Partition, Start};
use http::{StatusCode, Uri};
use serde::Serialize;

use super::{Id, answer, orders::not_found, past};
use crate::{
    access::Staff,
    app::App,
    audit::{BeginError, PastError, Story, story_of},
    problem::{Code, Problem},
    view::StaffRole,
};

/// Entries of a partition that are read for one history, at most.
const ENTRIES_MAX: usize = 2_000_000;
/// Decisions in one answer.
const EVENTS_MAX: usize = 10_000;
/// A poll of the scan waits no longer.
const POLL: Duration = Duration::from_millis(200);

/// No order is looked for longer than that where nobody remembers it.
const SEARCH_MAX: Duration = Duration::from_secs(10);

/// `GET /orders/{id}/history`, `?at=MS`
pub(super) async fn history(
    State(app): State<Arc<App>>,
    Staff(by): Staff,
    Id(id): Id,
    uri: Uri,
) -> Result<Response, Problem> {
    let at = past::moment(&app, &uri)?;
    let scan = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        match look.get(id.as_str()) {
            Some(state) => Some(Scan::of(state)),
            // Whoever may see the past may see orders that are forgotten.
            None if by.role == StaffRole::Manager && !look.is_old() => None,
            None => return Err(not_found(&look)),
        }
    };
    let history = past::run(&app, move |app| match scan {
        Some(scan) => scan.run(&*app.log).map(Some),
        None => forgotten(app, &id, at),
    });
    let (history, _place) = history.await?;
    match history {
        Some(history) => {
            Ok(answer::json(StatusCode::OK, serde_json::to_vec(&history).expect("keys are texts")))
        }
        None => Err(Problem::new(Code::UnknownOrder, "Nothing in the log is about an order with this id.")),
    }
}

/// An order that nobody remembers, as the log has it: the last one of this id that was there at the moment.
fn forgotten(app: &App, id: &OrderId, at: Option<Millis>) -> Result<Option<History>, PastError> {
    let (now, began) = (app.ledger_time(), Instant::now());
    let found = story_of(&*app.log, id, at.unwrap_or(now), now, || began.elapsed() > SEARCH_MAX);
    let story = found.map_err(|error| match error {
        PastError::Gone { kept } => PastError::OrderGone { kept },
        PastError::TooMuch => PastError::OrderTooFar,
        error => error,
    })?;
    Ok(story.map(|Story { partition, accepted, events }| {
        let events: Vec<_> =
            events.into_iter().map(|(offset, timestamp, event)| Told { offset, timestamp, event }).collect();
        let carried_over = events.first().is_some_and(|first| first.event.version > 1);
        let accepted = accepted.map(|(offset, timestamp)| Accepted { offset, timestamp });
        History { order_id: id.clone(), partition, complete: !carried_over, carried_over, accepted, events }
    }))
}

struct Scan {
    id: OrderId,
    partition: Partition,
    accepted: Option<Accepted>,
    from: Offset,
    version: u32,
}

/// What the log says of one order.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderHistory"))]
pub(crate) struct History {
    order_id: OrderId,
    partition: Partition,
    /// It reaches from the order's taking to the version that the view knew.
    complete: bool,
    /// Its beginning is older than what the log keeps.
    carried_over: bool,
    /// Where it stands in `order.received`, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<Accepted>,
    events: Vec<Told>,
}

/// A record of `order.received`.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "AcceptedRecord"))]
struct Accepted {
    offset: Offset,
    timestamp: Millis,
}

/// A decision, with its place in `order.event`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ToldEvent"))]
struct Told {
    offset: Offset,
    timestamp: Millis,
    #[serde(flatten)]
    event: Event,
}

impl Scan {
    fn of(state: &OrderState) -> Self {
        let accepted = Accepted { offset: state.at.offset, timestamp: state.received_at };
        Self {
            id: state.id().clone(),
            partition: state.at.partition,
            accepted: Some(accepted),
            from: state.history_from,
            version: state.version,
        }
    }

    fn run(&self, log: &dyn Log) -> Result<History, PastError> {
        match self.read(log, self.from) {
            // Retention took the beginning: what is left is told.
            Err(PastError::Begin(BeginError::Follow(FollowError::Gone { earliest, .. }))) => {
                self.read(log, earliest)
            }
            read => read,
        }
    }

    fn read(&self, log: &dyn Log, from: Offset) -> Result<History, PastError> {
        let ends = log.follow(&[(topic::EVENT, Start::End)])?.positions();
        // The others are of no interest: they begin, and stay, at their ends.
        let starts = ends.iter().map(|end| match end.partition {
            partition if partition == self.partition => (partition, from),
            partition => (partition, end.offset),
        });
        let mut follow = log.follow(&[(topic::EVENT, Start::Offsets(starts.collect()))])?;
        let mut events: Vec<Told> = Vec::new();
        let (mut seen, mut version) = (0, 0);
        while version < self.version && seen < ENTRIES_MAX && events.len() < EVENTS_MAX {
            let batch = follow.poll(POLL)?;
            seen += batch.entries.len();
            for told in batch.entries.iter().filter_map(|entry| self.told(entry)) {
                version = version.max(told.event.version);
                events.push(told);
            }
            if batch.at_end {
                break;
            }
        }
        let carried_over = events.first().is_none_or(|first| first.event.version > 1) && self.version > 0;
        Ok(History {
            order_id: self.id.clone(),
            partition: self.partition,
            complete: version >= self.version && !carried_over,
            carried_over,
            accepted: self.accepted,
            events,
        })
    }

    fn told(&self, entry: &Entry) -> Option<Told> {
        let of_this = entry.partition == self.partition
            && entry.record.key.as_deref() == Some(self.id.as_str().as_bytes());
        let event = Event::parse(entry.record.value.as_deref().filter(|_| of_this)?).ok()?;
        Some(Told { offset: entry.offset, timestamp: entry.timestamp, event })
    }
}
