//! The one thread that writes the tail.
//!
//! It takes everything that waits into one commit and answers when that is durable. It never lingers: while
//! one commit is being synced, the next gathers by itself.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use redb::ReadableTable;

use super::{
    chunk::{Builder, FULL_RECORDS, Header},
    failure::Result,
    queue::{Append, Batch, Commit, Trim},
    schema::{CHUNKS, GROUPS, HEADS, META, META_BYTES, META_COMMIT, chunk_key},
    shared::Shared,
};
use crate::{CommitError, Committed, Millis, Offset, OpenError, Position, PublishError, Reason, Record};

/// A commit adds to the last chunk of a topic while that has fewer records and fewer bytes: an order a
/// second does not make a row a record, and a commit does not write a whole chunk again and again.
const REOPEN_RECORDS: usize = 64;
const REOPEN_BYTES: usize = 16 * 1024;
/// A chunk of the tail has at most this many records.
const TAIL_RECORDS: usize = 256;
const _: () = assert!(TAIL_RECORDS <= FULL_RECORDS);

/// After a failed write nothing is tried for this long; twice as long after each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    shared: Arc<Shared>,
    topics: Vec<Ahead>,
    /// The newest log time.
    time: Millis,
    /// How many commits the tail has had.
    commits: u64,
    failing: Option<Failing>,
}

/// Where a topic goes on.
struct Ahead {
    next: Offset,
    /// What is below this is in the log file.
    moved: Offset,
    /// The log time of the newest record.
    time: Millis,
    chunk: Option<Builder>,
    /// Whether the transaction that is being made has changed it.
    touched: bool,
}

struct Failing {
    reason: Reason,
    pause: Duration,
    until: Instant,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, commits: u64) -> Self {
        let mut writer = Self { shared, topics: Vec::new(), time: Millis::MIN, commits, failing: None };
        writer.reset();
        writer
    }

    /// Goes on from what is durable.
    fn reset(&mut self) {
        let heads = self.shared.state().heads.clone();
        self.time = heads.iter().map(|head| head.time).max().unwrap_or(Millis::MIN);
        self.topics = heads
            .iter()
            .map(|head| Ahead {
                next: head.end,
                moved: head.moved,
                time: head.time,
                chunk: None,
                touched: false,
            })
            .collect();
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self) {
        loop {
            // Readers wait for the file as well: it is opened again without being asked.
            let wait = self.failing.as_ref().filter(|_| self.shared.tail.needs_reopen()).map(|f| f.pause);
            let mut batch = self.take(wait);
            let closed = batch.closed;
            for append in std::mem::take(&mut batch.late) {
                append.refuse(PublishError::not_written(Reason::Deadline));
            }
            let ready = self.ready();
            for join in std::mem::take(&mut batch.joins) {
                let answer = self.join(&join.group);
                // Whoever asked may have gone away.
                let _ = join.answer.send(answer);
            }
            self.fence(&mut batch.commits);
            match ready {
                Err(reason) => refuse(batch, &reason),
                Ok(()) if batch.has_writes() => self.write(batch),
                Ok(()) => {}
            }
            if closed {
                break;
            }
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

    /// Whether it can write now; opens the file again if it must be and the pause is over.
    fn ready(&mut self) -> std::result::Result<(), Reason> {
        if let Some(failing) = self.failing.as_ref().filter(|failing| Instant::now() < failing.until) {
            return Err(failing.reason.clone());
        }
        if self.shared.tail.needs_reopen()
            && let Err(error) = self.reopen()
        {
            self.shared.tail.reopen_to_read();
            let reason = error.reason();
            self.fail(reason.clone());
            return Err(reason);
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<()> {
        self.shared.tail.reopen()?;
        let (heads, commits) = self.shared.tail.read(
            || {},
            |transaction| {
                let table = transaction.open_table(HEADS)?;
                let mut heads = Vec::new();
                for topic in &self.shared.topics {
                    heads.push(table.get(topic.id)?.map(|head| head.value()).unwrap_or_default());
                }
                let commits = transaction.open_table(META)?.get(META_COMMIT)?.map_or(0, |n| n.value());
                Ok((heads, commits))
            },
        )?;
        self.commits = commits;
        self.shared.update(|state| {
            for (head, (end, moved, time)) in state.heads.iter_mut().zip(heads) {
                (head.end, head.moved, head.time) = (end, moved, time);
            }
        });
        self.reset();
        tracing::info!("the log was opened again after a failed write");
        Ok(())
    }

    fn fail(&mut self, reason: Reason) {
        let pause =
            self.failing.as_ref().map_or(FIRST_PAUSE, |failing| (failing.pause * 2).min(LONGEST_PAUSE));
        if self.failing.is_none() {
            tracing::error!(%reason, "the log can't be written; trying again until it can");
        }
        self.failing = Some(Failing { reason, pause, until: Instant::now() + pause });
    }

    fn join(&self, group: &str) -> std::result::Result<u64, OpenError> {
        if self.shared.tail.needs_reopen() {
            let reason = self.failing.as_ref().map_or_else(String::new, |failing| failing.reason.to_string());
            return Err(OpenError::Storage(format!("the log is not readable now: {reason}; try again")));
        }
        let mut session = 0;
        self.shared.update(|state| {
            let current = state.workers.entry(group.to_owned()).or_default();
            *current += 1;
            session = *current;
        });
        Ok(session)
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
        let attempt = self.commits + 1;
        match self.transact(&batch) {
            Ok(written) => {
                self.failing = None;
                self.commits = attempt;
                self.shared.set_tail_bytes(written.tail_bytes);
                self.publish();
                written.answer(batch);
            }
            Err(error) => {
                let reason = error.reason();
                // Cut off and opened again, the file says whether the commit is in it.
                self.shared.tail.give_up();
                let certain = match self.reopen() {
                    Ok(()) => self.commits < attempt,
                    Err(_) => {
                        self.shared.tail.reopen_to_read();
                        false
                    }
                };
                self.fail(reason.clone());
                if certain {
                    refuse(batch, &reason);
                } else {
                    leave_open(batch, &reason);
                }
            }
        }
    }

    /// Everything of the batch in one transaction, durable when this returns.
    fn transact(&mut self, batch: &Batch) -> Result<Written> {
        let transaction = self.shared.tail.write()?;
        let mut written = Written::default();
        let now = (self.shared.clock)().max(self.time);
        let mut bytes = 0;
        {
            let mut chunks = transaction.open_table(CHUNKS)?;
            let mut append = |writer: &mut Self, topic: usize, record: &Record| -> Result<Offset> {
                let id = writer.shared.topics[topic].id;
                let ahead = &mut writer.topics[topic];
                (ahead.touched, ahead.time) = (true, now);
                if let Some(full) = ahead.chunk.take_if(|chunk| !chunk.has_room(record.size(), TAIL_RECORDS))
                {
                    insert(&mut chunks, id, full)?;
                }
                let offset = ahead.next;
                let chunk = ahead.chunk.get_or_insert_with(|| Builder::new(offset, now));
                let before = chunk.len();
                chunk.push(offset, now, record);
                bytes += (chunk.len() - before) as u64;
                ahead.next += 1;
                Ok(offset)
            };
            for Append { topic, record, .. } in &batch.appends {
                let offset = append(self, *topic, record)?;
                written.offsets.push(offset);
            }
            for commit in &batch.commits {
                for (topic, record) in &commit.records {
                    append(self, *topic, record)?;
                }
            }
            for trim in &batch.trims {
                self.trim(&mut chunks, trim)?;
            }
            for (topic, ahead) in self.shared.topics.iter().zip(&mut self.topics) {
                let is_done = |c: &mut Builder| c.count() >= REOPEN_RECORDS || c.len() >= REOPEN_BYTES;
                if let Some(done) = ahead.chunk.take_if(is_done) {
                    insert(&mut chunks, topic.id, done)?;
                } else if let (Some(chunk), true) = (ahead.chunk.as_mut(), ahead.touched) {
                    chunks.insert(chunk_key(topic.id, chunk.first), chunk.encoded())?;
                }
            }
        }
        {
            let mut heads = transaction.open_table(HEADS)?;
            for (topic, ahead) in self.shared.topics.iter().zip(&mut self.topics) {
                if std::mem::take(&mut ahead.touched) {
                    heads.insert(topic.id, (ahead.next, ahead.moved, ahead.time))?;
                }
            }
            let mut meta = transaction.open_table(META)?;
            meta.insert(META_COMMIT, self.commits + 1)?;
            let gone: u64 = batch.trims.iter().map(|trim| trim.bytes).sum();
            written.tail_bytes = (self.shared.tail_bytes() + bytes).saturating_sub(gone);
            meta.insert(META_BYTES, written.tail_bytes)?;
        }
        if batch.commits.iter().any(|commit| !commit.positions.is_empty()) {
            let mut groups = transaction.open_table(GROUPS)?;
            for commit in &batch.commits {
                for (topic, offset) in &commit.positions {
                    groups.insert((commit.group.as_str(), self.shared.topics[*topic].spec.name), *offset)?;
                }
            }
        }
        transaction.commit()?;
        self.time = now;
        for commit in &batch.commits {
            let mut ends: Vec<Position> = Vec::new();
            for (topic, ahead) in self.shared.topics.iter().zip(&self.topics) {
                if commit.records.iter().any(|(t, _)| self.shared.topics[*t].id == topic.id) {
                    ends.push(Position { topic: topic.spec.name, partition: 0, offset: ahead.next });
                }
            }
            written.ends.push(ends);
        }
        let topics = &self.shared.topics;
        written.topics = batch.appends.iter().map(|append| topics[append.topic].spec.name).collect();
        Ok(written)
    }

    fn trim(&mut self, chunks: &mut redb::Table<'_, u64, &'static [u8]>, trim: &Trim) -> Result<()> {
        let id = self.shared.topics[trim.topic].id;
        let ahead = &mut self.topics[trim.topic];
        // The chunk that is being filled stays while it has something that was not moved.
        if ahead.chunk.as_ref().is_some_and(|chunk| chunk.next <= trim.below) {
            ahead.chunk = None;
        }
        for first in &trim.chunks {
            let key = chunk_key(id, *first);
            // It may have grown since it was moved.
            let last = match chunks.get(key)? {
                Some(chunk) => Header::read(chunk.value())?.last_offset,
                None => continue,
            };
            if last < trim.below {
                chunks.remove(key)?;
            }
        }
        ahead.moved = ahead.moved.max(trim.below);
        ahead.touched = true;
        Ok(())
    }

    /// Shows what is durable now to everyone.
    fn publish(&self) {
        self.shared.update(|state| {
            for (head, ahead) in state.heads.iter_mut().zip(&self.topics) {
                (head.end, head.moved, head.time) = (ahead.next, ahead.moved, ahead.time);
            }
        });
        if self.shared.tail_bytes() > self.shared.thresholds.move_bytes {
            self.shared.janitor.ring();
        }
    }
}

fn insert(chunks: &mut redb::Table<'_, u64, &'static [u8]>, id: u16, mut chunk: Builder) -> Result<()> {
    chunks.insert(chunk_key(id, chunk.first), &*chunk.closed())?;
    Ok(())
}

/// What a commit achieved.
#[derive(Default)]
struct Written {
    /// Of each append.
    offsets: Vec<Offset>,
    topics: Vec<crate::Topic>,
    /// Of each transaction.
    ends: Vec<Vec<Position>>,
    tail_bytes: u64,
}

impl Written {
    // Whoever asked may have gone away: then nobody hears the answer.
    fn answer(self, batch: Batch) {
        for ((append, offset), topic) in batch.appends.into_iter().zip(self.offsets).zip(self.topics) {
            let _ = append.answer.send(Ok(Position { topic, partition: 0, offset }));
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
