//! Reading: a page at a time, from the tail in memory or in one short transaction on the log file.

use bytes::Bytes;
use redb::{ReadOnlyTable, ReadTransaction};

use super::{
    chunk::{Header, Records, unpack},
    failure::Result,
    schema::{CHUNKS, chunk_key, first_of, row},
    shared::{Shared, TopicInfo},
    stored::{self, last_offset},
    tail::Chunk,
};
use crate::{Entry, Millis, Offset, Topic};

/// A page has at most this many records.
pub(super) const PAGE_RECORDS: usize = 4096;
/// A page is closed when it has this many bytes.
pub(super) const PAGE_BYTES: usize = 4 << 20;

/// What reading brought.
#[derive(Debug)]
pub(super) enum Read {
    /// The entries, and the offset to read next.
    Page(Vec<Entry>, Offset),
    /// The offset is no longer kept; the oldest that is.
    Gone(Offset),
}

/// Reads what stands from `from` to before `end`: at most `max_records`, and something if anything is there.
pub(super) fn read(
    shared: &Shared,
    topic: usize,
    from: Offset,
    end: Offset,
    max_records: usize,
) -> Result<Read> {
    let TopicInfo { id, spec } = shared.topics[topic];
    let span = Span { id, topic: spec.name, from, end, max_records };
    // What the tail has forgotten is durable in the log file.
    if let Some(chunks) = shared.tail.page(id, from, end, max_records) {
        return span.of_tail(&chunks);
    }
    shared.log.read(|| shared.janitor.ring(), |transaction| span.of_log(transaction))
}

struct Span {
    id: u16,
    topic: Topic,
    from: Offset,
    end: Offset,
    max_records: usize,
}

/// What a page has so far.
struct Page {
    entries: Vec<Entry>,
    bytes: usize,
}

impl Span {
    fn begin(&self) -> Page {
        let most = usize::try_from(self.end.saturating_sub(self.from)).unwrap_or(usize::MAX);
        Page { entries: Vec::with_capacity(self.max_records.min(most)), bytes: 0 }
    }

    fn of_tail(&self, chunks: &[Chunk]) -> Result<Read> {
        let mut page = self.begin();
        for chunk in chunks {
            if let Some(next) = self.add(&mut page, chunk.first, &chunk.bytes, self.end)? {
                return Ok(Read::Page(page.entries, next));
            }
        }
        let next = chunks.last().map_or(self.end, |chunk| chunk.next.min(self.end));
        Ok(Read::Page(page.entries, next.max(self.from)))
    }

    fn of_log(&self, transaction: &ReadTransaction) -> Result<Read> {
        let row = row(transaction, self.id)?;
        if self.from < row.start {
            return Ok(Read::Gone(row.start));
        }
        let end = self.end.min(row.end);
        let chunks = transaction.open_table(CHUNKS)?;
        let mut page = self.begin();
        for chunk in
            chunks.range(first_chunk(&chunks, self.id, self.from)?..=chunk_key(self.id, Offset::MAX))?
        {
            let (key, value) = chunk?;
            let chunk = unpack(stored::chunk(key.value(), value.value())?)?;
            drop(value);
            if let Some(next) = self.add(&mut page, first_of(key.value()), &chunk, end)? {
                return Ok(Read::Page(page.entries, next));
            }
        }
        // Behind the last record there may be offsets whose records are no longer there.
        Ok(Read::Page(page.entries, end.max(self.from)))
    }

    /// Adds the records of a chunk. What is next, if the page is full or at its end.
    fn add(&self, page: &mut Page, first: Offset, chunk: &Bytes, end: Offset) -> Result<Option<Offset>> {
        for raw in Records::of(first, chunk)? {
            let raw = raw?;
            if raw.offset < self.from {
                continue;
            }
            if raw.offset >= end {
                return Ok(Some(end.max(self.from)));
            }
            if page.entries.len() == self.max_records || page.bytes > PAGE_BYTES {
                return Ok(Some(raw.offset));
            }
            page.bytes += raw.size();
            page.entries.push(raw.entry(self.topic, chunk));
        }
        Ok(None)
    }
}

/// The key of the chunk that `offset` is in, else of the next one.
fn first_chunk(chunks: &ReadOnlyTable<u64, &'static [u8]>, id: u16, offset: Offset) -> Result<u64> {
    let key = chunk_key(id, offset);
    let before = chunks.range(chunk_key(id, 0)..=key)?.next_back().transpose()?;
    match before {
        Some((key, value)) if last_offset(key.value(), value.value())? >= offset => Ok(key.value()),
        _ => Ok(key),
    }
}

/// The offset of the first record whose log time is at or after `time`; the end if there is none.
pub(super) fn find_time(shared: &Shared, topic: usize, time: Millis) -> Result<Offset> {
    let head = shared.head(topic);
    let id = shared.topics[topic].id;
    if head.time < time || head.start == head.end {
        return Ok(head.end);
    }
    // Only if the tail begins before `time` is the place surely there, if there is one.
    let (chunk, moved) = {
        let tail = shared.tail.topic(id);
        let here = tail.chunks.front().is_some_and(|chunk| chunk.first_time() < time);
        let place = tail.chunks.partition_point(|chunk| chunk.last_time() < time);
        (here.then(|| tail.chunks.get(place).cloned()), tail.mark.moved)
    };
    if let Some(chunk) = chunk {
        let found = chunk.map(|chunk| first_since(chunk.first, &chunk.bytes, time)).transpose()?.flatten();
        return Ok(found.unwrap_or(head.end));
    }
    let found = shared.log.read(
        || shared.janitor.ring(),
        |transaction| {
            let row = row(transaction, id)?;
            search(&transaction.open_table(CHUNKS)?, id, row.start, row.end, time)
        },
    )?;
    Ok(found.unwrap_or(moved))
}

/// Halves the offsets between `low` and `high`: log time never falls.
fn search(
    chunks: &ReadOnlyTable<u64, &'static [u8]>,
    id: u16,
    mut low: Offset,
    mut high: Offset,
    time: Millis,
) -> Result<Option<Offset>> {
    let last = chunk_key(id, Offset::MAX);
    let mut found = None;
    while low < high {
        let middle = low.midpoint(high);
        let key = first_chunk(chunks, id, middle)?;
        let Some((key, value)) = chunks.range(key..=last)?.next().transpose()? else {
            high = middle;
            continue;
        };
        let chunk = stored::chunk(key.value(), value.value())?;
        let header = Header::read(chunk)?;
        if header.last_time < time {
            low = header.last_offset + 1;
        } else {
            found = Some((key.value(), unpack(chunk)?));
            high = middle.min(first_of(key.value()));
        }
    }
    let Some((key, chunk)) = found else { return Ok(None) };
    first_since(first_of(key), &chunk, time)
}

/// The first record of a chunk whose log time is at or after `time`.
fn first_since(first: Offset, chunk: &[u8], time: Millis) -> Result<Option<Offset>> {
    for raw in Records::of(first, chunk)? {
        let raw = raw?;
        if raw.time >= time {
            return Ok(Some(raw.offset));
        }
    }
    Ok(None)
}
