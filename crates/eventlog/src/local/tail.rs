//! The tail in memory: what is durable and not yet in the log file.
//!
//! Whoever reads what was written a moment ago reads it here. The records of a topic that one commit wrote are
//! one or more chunks; a reader holds the lock while it takes handles of some, and reads them after.

use std::{
    collections::VecDeque,
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{
    chunk::{Header, Malformed},
    pages::PAGE_BYTES,
};
use crate::{Millis, Offset};

/// What a chunk needs besides its bytes: its place in the list, and what counts its handles.
const CHUNK_BYTES: usize = size_of::<Chunk>() + 32;

/// Some records of one topic, as [`super::chunk`] lays them out, not packed.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) first: Offset,
    /// The offset after the last record.
    pub(super) next: Offset,
    pub(super) bytes: Bytes,
    header: Header,
}

impl Chunk {
    pub(super) fn new(first: Offset, bytes: Bytes) -> Result<Self, Malformed> {
        let header = Header::read(&bytes)?;
        Ok(Self { first, next: header.last_offset.saturating_add(1), bytes, header })
    }

    /// The log time of the first record.
    pub(super) fn first_time(&self) -> Millis {
        self.header.first_time
    }

    /// The log time of the last record.
    pub(super) fn last_time(&self) -> Millis {
        self.header.last_time
    }

    fn size(&self) -> u64 {
        (self.bytes.len() + CHUNK_BYTES) as u64
    }
}

/// How a topic stands in the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// What is below this is in the log file; the tail has the rest.
    pub(super) moved: Offset,
    /// The offset after the newest record.
    pub(super) end: Offset,
    /// The log time of the newest record.
    pub(super) time: Millis,
}

impl Default for Mark {
    fn default() -> Self {
        Self { moved: 0, end: 0, time: Millis::MIN }
    }
}

/// One topic.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) mark: Mark,
    pub(super) chunks: VecDeque<Chunk>,
}

/// All topics that the files know, by number; also those that the program does not name.
#[derive(Debug)]
pub(super) struct Tail {
    topics: Vec<RwLock<Kept>>,
    bytes: AtomicU64,
}

impl Tail {
    pub(super) fn new(topics: Vec<Kept>) -> Self {
        let bytes = topics.iter().flat_map(|topic| &topic.chunks).map(Chunk::size).sum();
        Self { topics: topics.into_iter().map(RwLock::new).collect(), bytes: AtomicU64::new(bytes) }
    }

    /// The numbers of all topics.
    pub(super) fn ids(&self) -> impl Iterator<Item = u16> + use<> {
        // There are at most `MAX_TOPICS`.
        (0..self.topics.len()).filter_map(|id| u16::try_from(id).ok())
    }

    /// How many bytes of memory it needs.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    pub(super) fn topic(&self, id: u16) -> RwLockReadGuard<'_, Kept> {
        self.topics[usize::from(id)].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: u16) -> RwLockWriteGuard<'_, Kept> {
        self.topics[usize::from(id)].write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn mark(&self, id: u16) -> Mark {
        self.topic(id).mark
    }

    /// Adds records that are durable.
    pub(super) fn push(&self, id: u16, chunk: Chunk) {
        self.bytes.fetch_add(chunk.size(), Ordering::AcqRel);
        let mut topic = self.change(id);
        (topic.mark.end, topic.mark.time) = (chunk.next, chunk.last_time());
        topic.chunks.push_back(chunk);
    }

    /// Forgets what is in the log file.
    pub(super) fn trim(&self, id: u16, below: Offset) {
        let mut topic = self.change(id);
        topic.mark.moved = topic.mark.moved.max(below);
        let gone: Vec<_> =
            std::iter::from_fn(|| topic.chunks.pop_front_if(|chunk| chunk.next <= below)).collect();
        if topic.chunks.is_empty() {
            topic.chunks.shrink_to_fit();
        }
        // Giving the memory back takes a while.
        drop(topic);
        self.bytes.fetch_sub(gone.iter().map(Chunk::size).sum(), Ordering::AcqRel);
    }

    /// The chunks of a page that begins at `from`, before `end`. `None`: it begins in the log file.
    pub(super) fn page(&self, id: u16, from: Offset, end: Offset, max_records: usize) -> Option<Vec<Chunk>> {
        let topic = self.topic(id);
        if from < topic.mark.moved {
            return None;
        }
        let mut page = Vec::new();
        let (mut records, mut bytes) = (0, 0);
        let begin = topic.chunks.partition_point(|chunk| chunk.next <= from);
        for chunk in topic.chunks.range(begin..).take_while(|chunk| chunk.first < end) {
            page.push(chunk.clone());
            // Those of the first chunk that are before `from` do not count.
            if chunk.first >= from {
                records += chunk.header.count;
                bytes += chunk.bytes.len();
            }
            if records >= max_records || bytes > PAGE_BYTES {
                break;
            }
        }
        Some(page)
    }

    /// The oldest chunks before `end`, up to about `max_bytes`.
    pub(super) fn oldest(&self, id: u16, end: Offset, max_bytes: usize) -> Vec<Chunk> {
        let mut bytes = 0;
        let has_room = |chunk: &&Chunk| {
            let room = bytes < max_bytes;
            bytes += chunk.bytes.len();
            room
        };
        let topic = self.topic(id);
        topic.chunks.iter().take_while(|chunk| chunk.next <= end).take_while(has_room).cloned().collect()
    }
}
