//! Reading: a page at a time, each in one short transaction.

use redb::{ReadOnlyTable, ReadTransaction};

use super::{
    chunk::{Header, Records, unpack},
    failure::Result,
    schema::{CHUNKS, HEADS, chunk_key, first_of, row},
    shared::Shared,
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
    let span =
        Span { id: shared.topics[topic].id, topic: shared.topics[topic].spec.name, from, end, max_records };
    // What is below the hint is in the log file for certain; of the rest the tail itself knows.
    if from >= shared.head(topic).moved {
        let wake = || shared.wake_writer();
        if let Some(page) = shared.tail.read(wake, |transaction| span.of_tail(transaction))? {
            return Ok(page);
        }
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

impl Span {
    /// `None` if it begins in the log file.
    fn of_tail(&self, transaction: &ReadTransaction) -> Result<Option<Read>> {
        if self.from < moved(transaction, self.id)? {
            return Ok(None);
        }
        self.page(transaction, self.end).map(Some)
    }

    fn of_log(&self, transaction: &ReadTransaction) -> Result<Read> {
        let row = row(transaction, self.id)?;
        if self.from < row.start {
            return Ok(Read::Gone(row.start));
        }
        self.page(transaction, self.end.min(row.end))
    }

    fn page(&self, transaction: &ReadTransaction, end: Offset) -> Result<Read> {
        let chunks = transaction.open_table(CHUNKS)?;
        let most = usize::try_from(end.saturating_sub(self.from)).unwrap_or(usize::MAX);
        let mut entries = Vec::with_capacity(self.max_records.min(most));
        let mut bytes = 0;
        for chunk in
            chunks.range(first_chunk(&chunks, self.id, self.from)?..=chunk_key(self.id, Offset::MAX))?
        {
            let (key, value) = chunk?;
            let chunk = unpack(value.value())?;
            drop(value);
            for raw in Records::of(first_of(key.value()), &chunk)? {
                let raw = raw?;
                if raw.offset < self.from {
                    continue;
                }
                if raw.offset >= end {
                    return Ok(Read::Page(entries, end.max(self.from)));
                }
                if entries.len() == self.max_records || bytes > PAGE_BYTES {
                    return Ok(Read::Page(entries, raw.offset));
                }
                bytes += raw.size();
                entries.push(raw.entry(self.topic, &chunk));
            }
        }
        // Behind the last record there may be offsets whose records are no longer there.
        Ok(Read::Page(entries, end.max(self.from)))
    }
}

/// The oldest offset that is in the tail and not in the log file.
fn moved(transaction: &ReadTransaction, id: u16) -> Result<Offset> {
    let heads = transaction.open_table(HEADS)?;
    Ok(heads.get(id)?.map_or(0, |head| head.value().1))
}

/// The key of the chunk that `offset` is in, else of the next one.
fn first_chunk(chunks: &ReadOnlyTable<u64, &'static [u8]>, id: u16, offset: Offset) -> Result<u64> {
    let key = chunk_key(id, offset);
    let before = chunks.range(chunk_key(id, 0)..=key)?.next_back().transpose()?;
    match before {
        Some((before, chunk)) if Header::read(chunk.value())?.last_offset >= offset => Ok(before.value()),
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
    let (found, moved) = shared.tail.read(
        || shared.wake_writer(),
        |transaction| {
            let moved = moved(transaction, id)?;
            let chunks = transaction.open_table(CHUNKS)?;
            let key = first_chunk(&chunks, id, moved)?;
            let first = chunks.range(key..=chunk_key(id, Offset::MAX))?.next().transpose()?;
            // Only if it begins before `time` is the place surely here, if there is one.
            let here = match first {
                Some((_, chunk)) => Header::read(chunk.value())?.first_time < time,
                None => false,
            };
            let found = if here {
                Some(search(&chunks, id, moved, head.end, time)?.unwrap_or(head.end))
            } else {
                None
            };
            Ok((found, moved))
        },
    )?;
    if let Some(found) = found {
        return Ok(found);
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
        let Some((key, chunk)) = chunks.range(key..=last)?.next().transpose()? else {
            high = middle;
            continue;
        };
        let header = Header::read(chunk.value())?;
        if header.last_time < time {
            low = header.last_offset + 1;
        } else {
            found = Some((key.value(), unpack(chunk.value())?));
            high = middle.min(first_of(key.value()));
        }
    }
    let Some((key, chunk)) = found else { return Ok(None) };
    for raw in Records::of(first_of(key), &chunk)? {
        let raw = raw?;
        if raw.time >= time {
            return Ok(Some(raw.offset));
        }
    }
    Ok(None)
}
