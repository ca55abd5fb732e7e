//! How everything stands, as items of a frame: what a segment begins with.

use std::collections::BTreeMap;

use super::{
    frame::{Frame, Item},
    recover::Groups,
    tail::{Chunk, Tail},
};
use crate::Offset;

/// The offset after the last record of each topic that has records in a frame.
pub(super) type Ends = BTreeMap<u16, Offset>;

/// Topics and positions.
pub(super) fn state(tail: &Tail, groups: &Groups) -> Frame {
    let mut frame = Frame::new();
    for id in tail.ids() {
        let topic = tail.topic(id);
        let mark = topic.mark;
        let item = Item::Topic { id, name: &topic.name, moved: mark.moved, end: mark.end, time: mark.time };
        frame.push(&item);
    }
    for ((group, id), offset) in groups {
        frame.push(&Item::Position { group, id: *id, offset: *offset });
    }
    frame
}

/// Topics and positions, and some records.
pub(super) fn last(tail: &Tail, groups: &Groups, chunks: &[(u16, Chunk)]) -> (Frame, Ends) {
    let mut frame = state(tail, groups);
    for (id, chunk) in chunks {
        frame.push(&Item::Chunk { id: *id, first: chunk.first, chunk: &chunk.bytes });
    }
    (frame, chunks.iter().map(|(id, chunk)| (*id, chunk.next)).collect())
}

/// Topics, positions and all records. For a moment this needs as much memory as the tail once more.
pub(super) fn everything(tail: &Tail, groups: &Groups) -> (Frame, Ends) {
    let all: Vec<_> = tail
        .ids()
        .flat_map(|id| tail.topic(id).chunks.iter().map(|c| (id, c.clone())).collect::<Vec<_>>())
        .collect();
    last(tail, groups, &all)
}
