//! The tail's files: a write-ahead log in segments.
//!
//! A commit is one frame, written in one piece behind the last one and synced; then it counts. When a segment
//! is full the next one begins with how everything stands, and with the commit that did not fit. A segment
//! that has nothing but what was moved to the log file goes.
//!
//! After a failed write or sync nobody knows what of the frame is on the disk, or will be: Linux takes pages
//! for written whose sync failed. So nothing is written behind it. Instead a new segment is begun with
//! everything that the tail has, from memory, and without the commit that failed; from then on the older
//! segments do not count, and the commit was not written. Until that works its outcome is unknown.

use std::path::PathBuf;

use super::{
    frame::{Frame, Kind, Place},
    segment::{Disk, Failed, Segment, Spare, name},
    snapshot::Ends,
};
use crate::Offset;

/// So many files of segments that have gone are kept to be written again.
const MAX_SPARES: usize = 4;

/// A segment that is full, or from before the start.
#[derive(Debug)]
pub(super) struct Older {
    pub(super) sequence: u64,
    /// For each topic that it has records of, the offset after the last.
    pub(super) ends: Ends,
    pub(super) bytes: u64,
    /// Only of one that this process has written.
    segment: Option<Segment>,
}

impl Older {
    pub(super) fn found(sequence: u64, ends: Ends, bytes: u64) -> Self {
        Self { sequence, ends, bytes, segment: None }
    }
}

/// Where the tail goes on after a start.
#[derive(Debug)]
pub(super) struct From {
    /// The log's id.
    pub(super) log: u64,
    /// The newest commit.
    pub(super) commit: u64,
    /// No segment has had a larger number.
    pub(super) sequence: u64,
    pub(super) older: Vec<Older>,
}

#[derive(Debug)]
pub(super) struct Wal {
    disk: Disk,
    log: u64,
    commit: u64,
    sequence: u64,
    active: Segment,
    /// As in [`Older`].
    ends: Ends,
    older: Vec<Older>,
    spares: Vec<Spare>,
    doubtful: bool,
}

impl Wal {
    /// Begins a segment with `first`, which stands for the newest commit: it was read, but maybe its sync had
    /// failed before the start. If `whole`, `first` has everything, and the older segments go.
    pub(super) fn open(
        disk: Disk,
        from: From,
        mut first: Frame,
        ends: Ends,
        whole: bool,
    ) -> Result<Self, Failed> {
        let From { log, commit, sequence, older } = from;
        let sequence = sequence.saturating_add(1);
        let place = Place { log, sequence };
        let kind = if whole { Kind::Whole } else { Kind::Opening };
        let active = Segment::create(&disk, place, first.seal(kind, place, commit), None)?;
        let spares = Vec::new();
        let mut wal = Self { disk, log, commit, sequence, active, ends, older, spares, doubtful: false };
        if whole {
            wal.forget(|_| Offset::MAX);
        }
        Ok(wal)
    }

    /// Removes files that are no segments.
    pub(super) fn remove(&self, leftovers: &[PathBuf]) {
        for path in leftovers {
            self.disk.remove(path);
        }
    }

    /// Whether [`Wal::renew`] is to be called before the next commit.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// Whether someone removed the file that is being written.
    pub(super) fn is_removed(&self) -> bool {
        self.active.is_removed()
    }

    /// How many bytes all segments together have.
    pub(super) fn bytes(&self) -> u64 {
        self.active.at + self.older.iter().map(|older| older.bytes).sum::<u64>()
    }

    /// Makes a commit durable. `ends` are the offsets after its records, `state` how everything stood before.
    pub(super) fn commit(
        &mut self,
        frame: &mut Frame,
        ends: impl Iterator<Item = (u16, Offset)>,
        state: impl FnOnce() -> Frame,
    ) -> Result<(), Failed> {
        let number = self.commit.saturating_add(1);
        let done = if self.active.has_room(frame.len()) {
            self.active.append(&self.disk, frame.seal(Kind::Commit, self.active.place, number))
        } else {
            let mut opening = state();
            opening.append(frame);
            self.begin(&mut opening, Kind::Opening, number)
        };
        match done {
            Ok(()) => {
                self.commit = number;
                self.ends.extend(ends);
            }
            Err(Failed::Doubtful(_)) => self.doubtful = true,
            Err(Failed::Nothing(_)) => {}
        }
        done
    }

    /// Begins anew with `all` that the tail has, without the commit that failed.
    pub(super) fn renew(&mut self, all: &mut Frame, ends: Ends) -> Result<(), Failed> {
        self.begin(all, Kind::Whole, self.commit)?;
        self.doubtful = false;
        self.ends = ends;
        // Not one of them is to be trusted with anything.
        for older in self.older.drain(..) {
            self.disk.remove(&self.disk.dir.join(name(older.sequence)));
        }
        Ok(())
    }

    fn begin(&mut self, first: &mut Frame, kind: Kind, commit: u64) -> Result<(), Failed> {
        self.sequence = self.sequence.saturating_add(1);
        let place = Place { log: self.log, sequence: self.sequence };
        let spare = self.spares.pop();
        let next = Segment::create(&self.disk, place, first.seal(kind, place, commit), spare)?;
        let full = std::mem::replace(&mut self.active, next);
        self.older.push(Older {
            sequence: full.place.sequence,
            ends: std::mem::take(&mut self.ends),
            bytes: full.at,
            segment: Some(full),
        });
        Ok(())
    }

    /// Lets segments go that have nothing but what was moved; `moved` says of each topic up to where.
    pub(super) fn forget(&mut self, moved: impl Fn(u16) -> Offset) {
        let is_needed = |older: &mut Older| older.ends.iter().any(|(topic, end)| *end > moved(*topic));
        for older in self.older.extract_if(.., |older| !is_needed(older)) {
            match older.segment {
                Some(segment) if self.spares.len() < MAX_SPARES => {
                    self.spares.extend(segment.into_spare(&self.disk));
                }
                _ => self.disk.remove(&self.disk.dir.join(name(older.sequence))),
            }
        }
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        for spare in self.spares.drain(..) {
            self.disk.remove(spare.path());
        }
    }
}
