//! `GET /orders/{id}/history`: every decision on one order, read from the log.

use std::{sync::Arc, time::Duration};

use ::order::{Event, OrderId, topic};
use axum::{extract::State, response::Response};
use eventlog::{Entry, FollowError, Log, Millis, Offset, OpenError, Partition, Start};
use http::StatusCode;
use serde::Serialize;

use super::{Id, answer, orders::not_found};
use crate::{
    access::Staff,
    app::App,
    problem::{Code, Problem},
};

/// Entries of a partition that are read for one history, at most.
const ENTRIES_MAX: usize = 2_000_000;
/// Decisions in one answer.
const EVENTS_MAX: usize = 10_000;
/// A poll of the scan waits no longer.
const POLL: Duration = Duration::from_millis(200);

/// `GET /orders/{id}/history`
pub(super) async fn history(
    State(app): State<Arc<App>>,
    Staff(_): Staff,
    Id(id): Id,
) -> Result<Response, Problem> {
    let (partition, from, version) = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        let state = look.get(id.as_str()).ok_or_else(|| not_found(&look))?;
        (state.at.partition, state.history_from, state.version)
    };
    let busy =
        || Problem::new(Code::Busy, "Other histories are being read; try again in a second.").retry_after(1);
    let _place = app.scans.try_acquire().map_err(|_| busy())?;
    let log = Arc::clone(&app.log);
    let scan = Scan { id, partition, from, version };
    let read = tokio::task::spawn_blocking(move || scan.run(&*log)).await;
    match read {
        Ok(Ok(history)) => {
            Ok(answer::json(StatusCode::OK, serde_json::to_vec(&history).expect("keys are texts")))
        }
        Ok(Err(
            ScanError::Open(OpenError::Broken(error)) | ScanError::Follow(FollowError::Broken(error)),
        )) => {
            tracing::error!(error, "a history is damaged");
            Err(Problem::new(
                Code::HistoryDamaged,
                "What the log has of this order's past can't be read any more; the counter's diagnostics say where \
                 it is damaged.",
            ))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "a history could not be read");
            Err(Problem::new(Code::Busy, "The log can't be read at the moment; try again in a second.")
                .retry_after(1))
        }
        Err(_) => Err(busy()),
    }
}

struct Scan {
    id: OrderId,
    partition: Partition,
    from: Offset,
    version: u32,
}

/// What the log says of one order.
#[derive(Debug, Serialize)]
struct History {
    order_id: OrderId,
    partition: Partition,
    /// It reaches from the order's taking to the version that the view knew.
    complete: bool,
    /// Its beginning is older than what the log keeps.
    carried_over: bool,
    events: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    offset: Offset,
    timestamp: Millis,
    #[serde(flatten)]
    event: Event,
}

#[derive(Debug, thiserror::Error)]
enum ScanError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Follow(#[from] FollowError),
}

impl Scan {
    fn run(&self, log: &dyn Log) -> Result<History, ScanError> {
        match self.read(log, self.from) {
            // Retention took the beginning: what is left is told.
            Err(ScanError::Follow(FollowError::Gone { earliest, .. })) => self.read(log, earliest),
            read => read,
        }
    }

    fn read(&self, log: &dyn Log, from: Offset) -> Result<History, ScanError> {
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
