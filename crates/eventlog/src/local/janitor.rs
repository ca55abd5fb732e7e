//! The one thread that writes the log file: it moves what the tail has gathered, removes what is too old,
//! and compacts.
//!
//! All in small steps, one transaction each, in another file than the one that appends wait for.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};

use super::{
    Thresholds,
    chunk::{Builder, FULL_BYTES, FULL_RECORDS, Header, Raw, Records, is_settled, plain},
    failure::{Failure, Result},
    queue::Trim,
    schema::{CHUNKS, ROWS, Row, chunk_key, first_of, row},
    shared::Shared,
    stored::{self, last_offset},
    tail::Chunk,
};
use crate::{Millis, Offset};

/// A step of the compaction reads at most about this many bytes, as they stand on the disk. Appends wait for the
/// same disk: this is how long it is busy with something else.
pub(super) const STEP_BYTES: usize = 1 << 20;
/// A step moves at most about this many bytes of records; packed, a third to a fifth of it reaches the disk.
const MOVE_BYTES: usize = 4 << 20;
/// The same when there is much to move.
const URGENT_MOVE_BYTES: usize = 16 << 20;
/// When nothing is urgent the tail is emptied when it has more than this part of what it may have.
const IDLE_PART: u64 = 64;
/// After a failed write nothing is tried for this long; twice as long after each further failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The first check comes this long after the start, which has enough to do.
const FIRST_CHECK: Duration = Duration::from_secs(10);

/// Where [`super::LocalLog::clean`] asks, and is answered.
pub(super) type Asked = mpsc::Receiver<mpsc::SyncSender<()>>;

pub(super) struct Janitor {
    pub(super) shared: Arc<Shared>,
    asked: Asked,
    next_check: Instant,
}

/// Why a step ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The log is being closed.
    Closed,
    /// The storage failed.
    Failed(Failure),
}

impl<E> From<E> for Stop
where
    Failure: From<E>,
{
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What a step comes to.
pub(super) type Step<T> = std::result::Result<T, Stop>;

impl Janitor {
    pub(super) fn new(shared: Arc<Shared>, asked: Asked) -> Self {
        let next_check = Instant::now() + shared.thresholds.check_every.min(FIRST_CHECK);
        Self { shared, asked, next_check }
    }

    /// Until the log is closed.
    pub(super) fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut waiting = Vec::new();
        loop {
            waiting.extend(self.asked.try_iter());
            match self.turn(!waiting.is_empty()) {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    for answer in waiting.drain(..) {
                        // Whoever asked may have gone away.
                        let _ = answer.send(());
                    }
                    let wait = self.next_check.saturating_duration_since(Instant::now());
                    self.shared.janitor.wait(wait);
                }
                Err(Stop::Closed) => break,
                Err(Stop::Failed(error)) if error.is_lasting() => {
                    self.shared.end_if_damaged(&error);
                    break;
                }
                Err(Stop::Failed(error)) => {
                    tracing::warn!(
                        file = %self.shared.log.path().display(), %error,
                        "the log's file can't be written; trying again"
                    );
                    // The next turn opens it again: a transaction that failed leaves it unusable.
                    self.shared.log.suspect();
                    self.shared.janitor.wait(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            if self.shared.janitor.is_over() {
                break;
            }
        }
    }

    fn turn(&mut self, all: bool) -> Step<()> {
        if self.shared.log.is_removed() {
            // It can still be read, and that is all: what is moved there is not forgotten here.
            self.next_check = Instant::now() + self.thresholds().check_every;
            return Ok(());
        }
        if self.shared.log.needs_reopen()
            && let Err(error) = self.shared.log.reopen()
        {
            self.shared.log.reopen_to_read();
            return Err(error.into());
        }
        let due = all || Instant::now() >= self.next_check;
        let limit = self.thresholds().move_bytes / if due { IDLE_PART } else { 1 };
        let full = self.shared.tail.bytes() > limit || self.shared.wal_is_long();
        if full || all {
            self.empty_tail(all)?;
        }
        if due {
            self.next_check = Instant::now() + self.thresholds().check_every;
            self.remove_old()?;
            // Not after a move alone: a rush needs the processor for itself.
            self.compact(all)?;
        }
        Ok(())
    }

    /// Whether the tail has so much that everything else has to wait.
    pub(super) fn make_way(&self) -> Step<()> {
        if self.shared.tail.bytes() > self.thresholds().move_bytes.saturating_mul(2) {
            self.empty_tail(false)?;
        }
        self.go_on()
    }

    pub(super) fn go_on(&self) -> Step<()> {
        if self.shared.janitor.is_over() { Err(Stop::Closed) } else { Ok(()) }
    }

    pub(super) fn thresholds(&self) -> &Thresholds {
        &self.shared.thresholds
    }

    /// Moves all topics, until the tail has nearly nothing, or with `all` nothing.
    fn empty_tail(&self, all: bool) -> Step<()> {
        let tail = &self.shared.tail;
        let ends: Vec<_> = tail.ids().map(|id| (id, tail.mark(id).end)).collect();
        loop {
            let mut moved = false;
            for (id, end) in &ends {
                moved |= self.move_step(*id, *end)?;
                self.go_on()?;
            }
            if !moved {
                return Ok(());
            }
            if !all && !self.shared.wal_is_long() && tail.bytes() < self.thresholds().move_bytes / IDLE_PART {
                return Ok(());
            }
        }
    }

    /// Moves a topic up to `end`.
    pub(super) fn move_all(&self, id: u16, end: Offset) -> Step<()> {
        while self.move_step(id, end)? {
            self.go_on()?;
        }
        Ok(())
    }

    /// Copies some records before `end` into the log file, and lets the tail forget them when they are
    /// durable there. Whether there were any.
    fn move_step(&self, id: u16, end: Offset) -> Step<bool> {
        let urgent = self.shared.tail.bytes() > self.thresholds().move_bytes.saturating_mul(2);
        let chunks = self.shared.tail.oldest(id, end, if urgent { URGENT_MOVE_BYTES } else { MOVE_BYTES });
        let Some(below) = chunks.last().map(|chunk| chunk.next) else { return Ok(false) };
        let row = self.row(id)?;
        // Some may be there already: a crash or a failure may have come between the two commits.
        if below > row.end {
            self.add(id, row, &chunks, below)?;
        }
        drop(chunks);
        let (answer, answers) = mpsc::sync_channel(1);
        if !self.shared.queue.trim(Trim { id, below, answer }) {
            return Err(Stop::Closed);
        }
        // The writer could not: its file is full or broken. Later, then.
        Ok(answers.recv().unwrap_or(false))
    }

    /// Adds to the log file what it does not have yet.
    fn add(&self, id: u16, row: Row, source: &[Chunk], end: Offset) -> Result<()> {
        self.shared.log.write(|transaction| {
            let mut packer = Packer::default();
            let mut chunks = transaction.open_table(CHUNKS)?;
            // A last chunk with room is filled up.
            let all = chunk_key(id, 0)..=chunk_key(id, Offset::MAX);
            if let Some((key, value)) = chunks.range(all)?.next_back().transpose()? {
                let chunk = stored::chunk(key.value(), value.value())?;
                if Header::read(chunk)?.bytes < FULL_BYTES / 2 {
                    packer.add_chunk(first_of(key.value()), chunk, |_| true)?;
                }
            }
            let mut records = 0;
            for chunk in source {
                records += packer.add_chunk(chunk.first, &chunk.bytes, |raw| raw.offset >= row.end)?;
            }
            packer.write(&mut chunks, id)?;
            let row = Row { end, dirty_records: row.dirty_records + records, ..row };
            transaction.open_table(ROWS)?.insert(id, row.encode(id))?;
            Ok(())
        })
    }

    pub(super) fn row(&self, id: u16) -> Result<Row> {
        self.shared.log.read(|| {}, |transaction| row(transaction, id))
    }

    /// The log's clock, for what is too old.
    pub(super) fn now(&self) -> Millis {
        (self.shared.clock)()
    }
}

/// Chunks as they were read.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) chunks: Vec<(Offset, Vec<u8>)>,
    /// What is next after them.
    pub(super) next: Offset,
}

/// Chunks with what stands from `from` to before `end`, up to about `max_bytes`.
pub(super) fn load(
    transaction: &ReadTransaction,
    id: u16,
    from: Offset,
    end: Offset,
    max_bytes: usize,
) -> Result<Source> {
    let chunks: ReadOnlyTable<u64, &[u8]> = transaction.open_table(CHUNKS)?;
    let mut source = Source::default();
    let (mut bytes, mut plain_bytes) = (0, 0);
    let before = chunks.range(chunk_key(id, 0)..chunk_key(id, from))?.next_back().transpose()?;
    let first = match before {
        Some((key, value)) if last_offset(key.value(), value.value())? >= from => key.value(),
        _ => chunk_key(id, from),
    };
    for chunk in chunks.range(first..chunk_key(id, end))? {
        let (key, value) = chunk?;
        let chunk = stored::chunk(key.value(), value.value())?;
        let header = Header::read(chunk)?;
        plain_bytes += header.bytes;
        bytes += chunk.len();
        source.chunks.push((first_of(key.value()), chunk.to_vec()));
        source.next = (header.last_offset + 1).min(end);
        // What is packed well is many records.
        if bytes >= max_bytes || plain_bytes >= 8 * max_bytes {
            return Ok(source);
        }
    }
    source.next = end;
    Ok(source)
}

/// Packs records into full chunks.
#[derive(Default)]
pub(super) struct Packer {
    full: Vec<Full>,
    open: Option<Builder>,
}

enum Full {
    New(Builder),
    /// As it stands elsewhere.
    Same(Offset, Vec<u8>),
}

impl Packer {
    /// Adds the records of a chunk that are wanted; how many those were.
    pub(super) fn add_chunk(
        &mut self,
        first: Offset,
        chunk: &[u8],
        wanted: impl Fn(&Raw<'_>) -> bool,
    ) -> Result<u64> {
        let header = Header::read(chunk)?;
        let plain = plain(chunk)?;
        let mut kept = Vec::with_capacity(header.count);
        for raw in Records::of(first, &plain)? {
            let raw = raw?;
            if wanted(&raw) {
                kept.push(raw);
            }
        }
        if kept.len() == header.count && is_settled(&header) {
            self.add_same(first, chunk);
        } else {
            for raw in &kept {
                let full = self.open.take_if(|open| !open.has_room(raw.size(), FULL_RECORDS));
                self.full.extend(full.map(Full::New));
                self.open.get_or_insert_with(|| Builder::new(raw.offset, raw.time)).push_raw(raw);
            }
        }
        Ok(kept.len() as u64)
    }

    fn add_same(&mut self, first: Offset, chunk: &[u8]) {
        self.full.extend(self.open.take().map(Full::New));
        self.full.push(Full::Same(first, chunk.to_vec()));
    }

    /// Where the last chunk begins and how many records it has, if there is room for more.
    pub(super) fn open(&self) -> Option<(Offset, u64)> {
        let open = self.open.as_ref().filter(|open| open.len() < FULL_BYTES / 2)?;
        Some((open.first, open.count() as u64))
    }

    /// What is full so far, with the offset of its first record; with `all` also what has room.
    pub(super) fn take_full(&mut self, all: bool) -> Vec<(Offset, Vec<u8>)> {
        let open = if all { self.open.take() } else { None };
        let full = self.full.drain(..).chain(open.map(Full::New));
        full.map(|full| match full {
            Full::New(mut chunk) => (chunk.first, chunk.closed().into_owned()),
            Full::Same(first, chunk) => (first, chunk),
        })
        .collect()
    }

    pub(super) fn write(self, chunks: &mut redb::Table<'_, u64, &'static [u8]>, id: u16) -> Result<()> {
        for full in self.full.into_iter().chain(self.open.map(Full::New)) {
            match full {
                Full::New(mut chunk) => stored::put(chunks, chunk_key(id, chunk.first), &chunk.closed())?,
                Full::Same(first, chunk) => stored::put(chunks, chunk_key(id, first), &chunk)?,
            }
        }
        Ok(())
    }
}
