//! What a log had, as the pieces of a file.

use bytes::Bytes;

use super::{
    file,
    source::{Cut, Source},
};
use crate::{
    FollowError, Offset,
    local::{
        frame::{Frame, Item, Kind, Place},
        janitor::Packer,
    },
};

/// A piece is closed when it has this many bytes.
const PIECE_BYTES: usize = 512 << 10;

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Header,
    Contents,
    /// The records of a topic from this offset on.
    Records(u16, Offset),
    End,
    Nothing,
}

pub(super) struct Pieces<S> {
    source: S,
    cut: Cut,
    place: Place,
    /// How many frames there were.
    frames: u64,
    next: Next,
    packer: Packer,
    /// Of each topic.
    records: Vec<u64>,
}

impl<S: Source> Pieces<S> {
    pub(super) fn new(source: S, cut: Cut) -> Self {
        let place = Place { log: cut.log, sequence: cut.made_at.cast_unsigned() };
        let records = vec![0; cut.topics.len()];
        Self { source, cut, place, frames: 0, next: Next::Header, packer: Packer::default(), records }
    }

    fn seal(&mut self, mut frame: Frame, kind: Kind) -> Bytes {
        let sealed = Bytes::copy_from_slice(frame.seal(kind, self.place, self.frames));
        self.frames += 1;
        sealed
    }

    fn contents(&mut self) -> Bytes {
        let mut frame = Frame::new();
        for (id, topic) in (0..).zip(&self.cut.topics) {
            let (name, moved, end, time) = (&topic.name, topic.start, topic.end, topic.time);
            frame.push(&Item::Topic { id, name, moved, end, time });
        }
        for ((group, id), offset) in &self.cut.groups {
            frame.push(&Item::Position { group, id: *id, offset: *offset });
        }
        self.next = self.topic(0);
        self.seal(frame, Kind::Whole)
    }

    fn topic(&self, id: u16) -> Next {
        self.cut.topics.get(usize::from(id)).map_or(Next::End, |topic| Next::Records(id, topic.start))
    }

    fn records(&mut self, mut id: u16, mut from: Offset) -> Result<Bytes, FollowError> {
        let mut frame = Frame::new();
        while frame.len() < PIECE_BYTES {
            let Some(topic) = self.cut.topics.get(usize::from(id)) else { break };
            let end = topic.end;
            if from < end {
                let part = self.source.part(id, from, end)?;
                for (first, chunk) in &part.chunks {
                    let wanted = from..end;
                    let added = self.packer.add_chunk(*first, chunk, |raw| wanted.contains(&raw.offset));
                    self.records[usize::from(id)] +=
                        added.map_err(|error| FollowError::Broken(error.to_string()))?;
                }
                from = part.next;
            }
            for (first, chunk) in self.packer.take_full(from >= end) {
                frame.push(&Item::Chunk { id, first, chunk: &chunk });
            }
            if from >= end {
                id += 1;
                from = self.cut.topics.get(usize::from(id)).map_or(0, |topic| topic.start);
            }
        }
        self.next = if usize::from(id) < self.cut.topics.len() { Next::Records(id, from) } else { Next::End };
        Ok(self.seal(frame, Kind::Commit))
    }

    fn end(&mut self) -> Bytes {
        let mut frame = Frame::new();
        for (id, records) in (0..).zip(&self.records) {
            frame.push(&Item::Count { id, records: *records });
        }
        self.next = Next::Nothing;
        self.seal(frame, Kind::End)
    }
}

impl<S: Source> Iterator for Pieces<S> {
    type Item = Result<Bytes, FollowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = match self.next {
            Next::Header => {
                self.next = Next::Contents;
                Ok(Bytes::copy_from_slice(&file::header(self.place)))
            }
            Next::Contents => Ok(self.contents()),
            Next::Records(id, from) => self.records(id, from),
            Next::End => Ok(self.end()),
            Next::Nothing => return None,
        };
        if piece.is_err() {
            self.next = Next::Nothing;
        }
        Some(piece)
    }
}
