//! What a reader has of each partition, and what the next batch is made of.

use std::collections::BTreeMap;

use super::{Core, Store};
use crate::{Entry, Offset, Partition, Topic, WorkError};

/// What a worker has of one partition.
#[derive(Debug)]
pub(super) enum Share {
    /// Its state is being read.
    Restoring {
        /// What comes next of it.
        next: Offset,
        /// Where it ends too early, if that bug is planted.
        stop: Offset,
    },
    /// Its state was read; the worker has not yet said where to begin.
    Restored,
    /// Its inputs are being read.
    Started(BTreeMap<Topic, Cursor>),
}

/// How far one input of a partition has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) next: Offset,
    pub(super) held: bool,
}

/// A partition with something to read, and where.
pub(super) type Source = (Topic, Partition, Offset);

/// The inputs that have something for whoever sees up to `seen`.
pub(super) fn readable(
    shares: &BTreeMap<Partition, Share>,
    store: &Store,
    seen: u64,
) -> Result<Vec<Source>, WorkError> {
    let mut sources = Vec::new();
    for (&partition, share) in shares {
        let Share::Started(cursors) = share else { continue };
        for (&topic, cursor) in cursors.iter().filter(|(_, cursor)| !cursor.held) {
            let log = store.partition(topic, partition);
            let wanted = cursor.next;
            if wanted < log.start {
                let (earliest, end) = (log.start, log.end);
                return Err(WorkError::OutOfRange { topic, partition, wanted, earliest, end });
            }
            if log.read(wanted, seen).next().is_some() {
                sources.push((topic, partition, wanted));
            }
        }
    }
    Ok(sources)
}

/// A batch from these sources: in order within each, by chance between them.
pub(super) fn mix(core: &mut Core, sources: &[Source], seen: u64, max_batch: usize) -> Vec<Entry> {
    if sources.is_empty() {
        return Vec::new();
    }
    let split = core.faults.split;
    let few = core.dice.chance(split);
    let mut room = if few { core.dice.up_to(max_batch.min(12)) } else { max_batch };
    let mut lines = Vec::new();
    // Whoever comes first may take all the room: so it is not always the same.
    let first = core.dice.below(sources.len());
    for &(topic, partition, from) in sources[first..].iter().chain(&sources[..first]) {
        let most = if few && !lines.is_empty() { core.dice.below(room + 1) } else { room };
        let log = core.store.partition(topic, partition);
        let line: Vec<Entry> = log.read(from, seen).take(most).cloned().collect();
        room -= line.len();
        lines.push(line.into_iter());
    }
    if !few {
        return lines.into_iter().flatten().collect();
    }
    let mut entries = Vec::new();
    lines.retain(|line| line.len() > 0);
    while !lines.is_empty() {
        let line = core.dice.below(lines.len());
        entries.extend(lines[line].next());
        lines.retain(|line| line.len() > 0);
    }
    entries
}
