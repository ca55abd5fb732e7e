//! The one thread that writes the tail.
//!
//! It takes everything that waits into one commit and answers when that is durable. It never lingers: while
//! one commit is being synced, the next gathers by itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    CommitTimer,
    chunk::{Builder, FULL_RECORDS},
    failure::{Failure, Result},
    frame::{Frame, Item},
    queue::{Append, Batch, Commit},
    segment::Failed,
    shared::Shared,
    snapshot,
    tail::Chunk,
    wal::Wal,
};
use crate::{CommitError, Committed, Millis, Offset, Position, PublishError, Reason, Record};

/// After a failed write nothing is tried for this long; twice as long after each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    shared: Arc<Shared>,
    wal: Wal,
    /// What the next commit is written from.
    frame: Frame,
    /// The newest log time.
    time: Millis,
    failing: Option<Failing>,
    timer: Option<CommitTimer>,
}

struct Failing {
    reason: Reason,
    pause: Duration,
    until: Instant,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, wal: Wal, timer: Option<CommitTimer>) -> Self {
        let time = shared.tail.ids().map(|id| shared.tail.mark(id).time).max().unwrap_or(Millis::MIN);
        shared.set_wal_bytes(wal.bytes());
        Self { shared, wal, frame: Frame::new(), time, failing: None, timer }
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            // What failed is made good also when nobody asks.
            let wait = self.failing.as_ref().filter(|_| self.wal.is_doubtful()).map(|f| f.pause);
            let mut batch = self.take(wait);
            let closed = batch.closed;
            for append in std::mem::take(&mut batch.late) {
                append.refuse(PublishError::not_written(Reason::Deadline));
            }
            for join in std::mem::take(&mut batch.joins) {
                // Whoever asked may have gone away.
                let _ = join.answer.send(Ok(self.join(&join.group)));
            }
            self.fence(&mut batch.commits);
            match self.ready() {
                Err(reason) => refuse(batch, &reason),
                Ok(()) if batch.has_writes() => self.write(batch),
                Ok(()) => {}
            }
            if closed {
                break;
            }
        }
        self.end();
    }

    /// Writes an empty commit: what is damaged before it can't be taken for one that was not finished.
    fn end(&mut self) {
        if self.failing.is_none() {
            self.frame.clear();
            // Nothing is lost without it.
            let _ = self.wal.commit(&mut self.frame, std::iter::empty(), || {
                snapshot::state(&self.shared.tail, &self.shared.state().groups)
            });
        }
    }

    fn take(&self, wait: Option<Duration>) -> Batch {
        if self.shared.tail_has_room() {
            return self.shared.queue.take(wait, true);
        }
        // The log file is filled more slowly than the tail: what comes waits for it, and may become late.
        self.shared.janitor.ring();
        self.shared.queue.take(Some(FIRST_PAUSE), false)
    }

    /// Whether it can write now, and what it writes stays; begins a new segment if it must and the pause is over.
    fn ready(&mut self) -> std::result::Result<(), Reason> {
        if let Some(failing) = self.failing.as_ref().filter(|failing| Instant::now() < failing.until) {
            return Err(failing.reason.clone());
        }
        if self.wal.is_removed() || self.shared.log.is_removed() {
            return Err(self.fail(&Failure::Removed));
        }
        if self.wal.is_doubtful() {
            self.renew().map_err(|failure| self.fail(&failure))?;
        }
        Ok(())
    }

    /// Makes certain that the commit that failed is not there, and never will be.
    fn renew(&mut self) -> Result<()> {
        let (mut all, ends) = snapshot::everything(&self.shared.tail, &self.shared.state().groups);
        match self.wal.renew(&mut all, ends) {
            Ok(()) => {
                tracing::info!("the log's tail was written anew after a failed write");
                self.shared.set_wal_bytes(self.wal.bytes());
                Ok(())
            }
            Err(failed) => Err(failed.into_error().into()),
        }
    }

    fn fail(&mut self, failure: &Failure) -> Reason {
        let reason = failure.reason();
        let pause =
            self.failing.as_ref().map_or(FIRST_PAUSE, |failing| (failing.pause * 2).min(LONGEST_PAUSE));
        if self.failing.is_none() {
            tracing::error!(%reason, "the log can't be written; trying again until it can");
        }
        self.failing = Some(Failing { reason: reason.clone(), pause, until: Instant::now() + pause });
        reason
    }

    fn join(&self, group: &str) -> u64 {
        let mut session = 0;
        self.shared.update(|state| {
            let current = state.workers.entry(group.to_owned()).or_default();
            *current += 1;
            session = *current;
        });
        session
    }

    fn fence(&self, commits: &mut Vec<Commit>) {
        if commits.is_empty() {
            return;
        }
        let workers = self.shared.state().workers.clone();
        commits.retain(|commit| {
            let current = workers.get(&commit.group) == Some(&commit.session);
            if !current {
                // Whoever asked may have gone away.
                let _ = commit.answer.send(Err(CommitError::Fenced));
            }
            current
        });
    }

    fn write(&mut self, batch: Batch) {
        let written = match Written::of(&batch, &self.shared, (self.shared.clock)().max(self.time)) {
            Ok(written) => written,
            Err(failure) => {
                let reason = self.fail(&failure);
                return refuse(batch, &reason);
            }
        };
        self.frame.clear();
        written.encode(&batch, &self.shared, &mut self.frame);
        let ends = written.chunks.iter().map(|(id, chunk)| (*id, chunk.next));
        let began = Instant::now();
        let outcome = self.wal.commit(&mut self.frame, ends, || {
            snapshot::state(&self.shared.tail, &self.shared.state().groups)
        });
        if let Some(tell) = &self.timer {
            tell(began.elapsed());
        }
        let failed = match outcome {
            Ok(()) => {
                self.failing = None;
                self.show(&written, &batch);
                return written.answer(batch);
            }
            Err(failed) => failed,
        };
        match failed {
            Failed::Nothing(error) => {
                let reason = self.fail(&error.into());
                refuse(batch, &reason);
            }
            Failed::Doubtful(error) => {
                let reason = self.fail(&error.into());
                match self.renew() {
                    Ok(()) => refuse(batch, &reason),
                    Err(_) => leave_open(batch, &reason),
                }
            }
        }
    }

    /// Shows what is durable now to everyone.
    fn show(&mut self, written: &Written, batch: &Batch) {
        self.time = written.time;
        let tail = &self.shared.tail;
        for (id, chunk) in &written.chunks {
            tail.push(*id, chunk.clone());
        }
        for trim in &batch.trims {
            tail.trim(trim.id, trim.below);
        }
        if !batch.trims.is_empty() {
            self.wal.forget(|id| tail.mark(id).moved);
        }
        self.shared.set_wal_bytes(self.wal.bytes());
        self.shared.update(|state| {
            for ((head, next), topic) in state.heads.iter_mut().zip(&written.next).zip(&self.shared.topics) {
                if head.end != *next {
                    (head.end, head.time) = (*next, tail.mark(topic.id).time);
                }
            }
            for commit in &batch.commits {
                for (topic, offset) in &commit.positions {
                    state.groups.insert((commit.group.clone(), self.shared.topics[*topic].id), *offset);
                }
            }
        });
        if tail.bytes() > self.shared.thresholds.move_bytes {
            self.shared.janitor.ring();
        }
    }
}

/// What a commit achieves.
struct Written {
    time: Millis,
    /// By topic number.
    chunks: Vec<(u16, Chunk)>,
    /// Of each append.
    positions: Vec<Position>,
    /// Of each transaction.
    ends: Vec<Vec<Position>>,
    /// By topic, as in [`Shared::topics`]: the offset after its last record.
    next: Vec<Offset>,
}

impl Written {
    fn of(batch: &Batch, shared: &Shared, time: Millis) -> Result<Self> {
        let topics = &shared.topics;
        let next = shared.state().heads.iter().map(|head| head.end).collect();
        let mut written = Self { time, chunks: Vec::new(), positions: Vec::new(), ends: Vec::new(), next };
        let mut open: Vec<Option<Builder>> = topics.iter().map(|_| None).collect();
        let mut add = |written: &mut Self, topic: usize, record: &Record| -> Result<Offset> {
            let offset = written.next[topic];
            if let Some(full) = open[topic].take_if(|chunk| !chunk.has_room(record.size(), FULL_RECORDS)) {
                written.close(topics[topic].id, full)?;
            }
            open[topic].get_or_insert_with(|| Builder::new(offset, time)).push(offset, time, record);
            written.next[topic] += 1;
            Ok(offset)
        };
        for Append { topic, record, .. } in &batch.appends {
            let offset = add(&mut written, *topic, record)?;
            written.positions.push(Position { topic: topics[*topic].spec.name, partition: 0, offset });
        }
        for commit in &batch.commits {
            for (topic, record) in &commit.records {
                add(&mut written, *topic, record)?;
            }
        }
        for (topic, last) in topics.iter().zip(open) {
            if let Some(last) = last {
                written.close(topic.id, last)?;
            }
        }
        for commit in &batch.commits {
            let mut touched = vec![false; topics.len()];
            for (topic, _) in &commit.records {
                touched[*topic] = true;
            }
            let ends = topics.iter().zip(&written.next).zip(touched).filter(|(_, touched)| *touched);
            let end = |(topic, next): (&super::shared::TopicInfo, &Offset)| Position {
                topic: topic.spec.name,
                partition: 0,
                offset: *next,
            };
            written.ends.push(ends.map(|(place, _)| end(place)).collect());
        }
        Ok(written)
    }

    fn close(&mut self, id: u16, chunk: Builder) -> Result<()> {
        let first = chunk.first;
        self.chunks.push((id, Chunk::new(first, chunk.into_plain())?));
        Ok(())
    }

    fn encode(&self, batch: &Batch, shared: &Shared, frame: &mut Frame) {
        for (id, chunk) in &self.chunks {
            frame.push(&Item::Chunk { id: *id, first: chunk.first, chunk: &chunk.bytes });
        }
        for trim in &batch.trims {
            frame.push(&Item::Moved { id: trim.id, below: trim.below });
        }
        for commit in &batch.commits {
            for (topic, offset) in &commit.positions {
                let id = shared.topics[*topic].id;
                frame.push(&Item::Position { group: &commit.group, id, offset: *offset });
            }
        }
    }

    // Whoever asked may have gone away: then nobody hears the answer.
    fn answer(self, batch: Batch) {
        for (append, position) in batch.appends.into_iter().zip(self.positions) {
            let _ = append.answer.send(Ok(position));
        }
        for (commit, ends) in batch.commits.into_iter().zip(self.ends) {
            let _ = commit.answer.send(Ok(Committed { ends }));
        }
        for trim in batch.trims {
            let _ = trim.answer.send(true);
        }
    }
}

/// Nothing of the batch was written.
fn refuse(batch: Batch, reason: &Reason) {
    fail_with(batch, &PublishError::not_written(reason.clone()), reason);
}

/// Nobody knows whether the batch was written.
fn leave_open(batch: Batch, reason: &Reason) {
    fail_with(batch, &PublishError::unknown(reason.clone()), reason);
}

fn fail_with(batch: Batch, error: &PublishError, reason: &Reason) {
    for append in batch.appends {
        append.refuse(error.clone());
    }
    for commit in batch.commits {
        // Whoever asked may have gone away.
        let _ = commit.answer.send(Err(CommitError::Aborted(reason.clone())));
    }
    for trim in batch.trims {
        let _ = trim.answer.send(false);
    }
}
