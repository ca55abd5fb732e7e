//! The thread that keeps the view up to date.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use eventlog::{Batch, Entry, Follow, FollowError, Log, Offset, OpenError, Partition, Start};
use order::{Event, topic};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Changes, Views};
use crate::clock;

/// How long a poll waits: a bound on how old `as_of` gets while nothing happens, and on how late a stop is
/// noticed.
const POLL: Duration = Duration::from_millis(500);
/// The same while it catches up: a log without anything to read says so only after the wait.
const CATCH_UP_POLL: Duration = Duration::from_millis(5);
/// Entries taken in under one lock: readers wait no longer than that.
const CHUNK: usize = 256;
/// How long to wait before beginning anew, doubling from the first to the last while it fails.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How far back bells of other baristas are looked for. Source: the contract's remembered window.
const WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;

/// Keeps the view up to date.
pub(crate) struct Runner {
    pub(crate) views: Views,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) stop: CancellationToken,
    pub(crate) runtime: Handle,
}

/// Why the view begins anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// No follower could be had.
    #[error("the log can't be followed: {0}")]
    Open(#[from] OpenError),
    /// The follower can't go on.
    #[error("following the log ended: {0}")]
    Follow(#[from] FollowError),
}

impl Runner {
    /// Folds the log until told to stop; after an error from the beginning, unless the log is closed for good or
    /// broken.
    pub(crate) fn run(&self) -> Result<(), Trouble> {
        let mut floor = BTreeMap::new();
        let mut wait = BACKOFF.0;
        while !self.stop.is_cancelled() {
            let Err(trouble) = self.follow(&floor) else { return Ok(()) };
            if self.stop.is_cancelled() {
                return Ok(());
            }
            if let Trouble::Open(OpenError::Closed | OpenError::Broken(_))
            | Trouble::Follow(FollowError::Closed | FollowError::Broken(_)) = trouble
            {
                return Err(trouble);
            }
            if let Trouble::Follow(FollowError::Gone {
                topic: topic::RECEIVED, partition, earliest, ..
            }) = trouble
            {
                floor.insert(partition, earliest);
            }
            wait = if self.views.is_caught_up() { BACKOFF.0 } else { (wait * 2).min(BACKOFF.1) };
            tracing::warn!(%trouble, "the view begins anew");
            self.views.restart();
            let pause = async { tokio::time::timeout(wait, self.stop.cancelled()).await };
            // Over early: told to stop, which the loop sees.
            let _ = self.runtime.block_on(pause);
        }
        Ok(())
    }

    /// From the beginning until told to stop. `floor`: what is kept of `order.received`, where a recorded
    /// position was older.
    fn follow(&self, floor: &BTreeMap<Partition, Offset>) -> Result<(), Trouble> {
        let mut changes = Changes::default();
        let mut outcomes = Vec::new();
        let mut follow =
            self.log.follow(&[(topic::STATE, Start::Beginning), (topic::SHOP, Start::Beginning)])?;
        if !self.to_end(&mut *follow, &mut changes)? {
            return Ok(());
        }
        let (mut positions, ours) = {
            let look = self.views.look_anyway();
            (look.received_from(), look.is_ours(self.log.partitions(topic::RECEIVED)))
        };
        for (partition, offset) in &mut positions {
            *offset = (*offset).max(floor.get(partition).copied().unwrap_or(0));
        }
        follow.add(topic::RECEIVED, Start::Offsets(positions))?;
        follow.add(topic::EVENT, Start::End)?;
        follow.add(topic::DLQ, Start::End)?;
        // Where all partitions are ours, bells say nothing that the state does not: they are not even read.
        if !ours {
            follow.add(topic::PROCESSED, Start::Time(clock::now().saturating_sub(WINDOW_MS)))?;
        }
        while !self.stop.is_cancelled() {
            let began = clock::now();
            let batch = follow.poll(if self.views.is_caught_up() { POLL } else { CATCH_UP_POLL })?;
            self.take(&batch, &mut changes, &mut outcomes);
            if batch.at_end {
                let partitions = self.log.partitions(topic::RECEIVED);
                self.views.fold(&mut changes, |view, changes| {
                    view.set_partitions(partitions);
                    view.at_end(changes);
                });
                self.views.at_end(began);
            }
        }
        Ok(())
    }

    /// Reads to the end; false if told to stop before.
    fn to_end(&self, follow: &mut dyn Follow, changes: &mut Changes) -> Result<bool, Trouble> {
        while !self.stop.is_cancelled() {
            let batch = follow.poll(CATCH_UP_POLL)?;
            self.take(&batch, changes, &mut Vec::new());
            if batch.at_end {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take(&self, batch: &Batch, changes: &mut Changes, outcomes: &mut Vec<Event>) {
        for chunk in batch.entries.chunks(CHUNK) {
            self.views.fold(changes, |view, changes| {
                for entry in chunk {
                    view.apply_to(entry, changes);
                }
            });
            if !self.views.nobody_asks() {
                outcomes.extend(chunk.iter().filter_map(outcome));
            }
            self.views.answer(outcomes);
        }
    }
}

/// The outcome of a command, if the entry is one.
fn outcome(entry: &Entry) -> Option<Event> {
    let value = entry.record.value.as_deref().filter(|_| entry.topic == topic::EVENT)?;
    Event::parse(value).ok().filter(|event| event.command_id.is_some())
}
