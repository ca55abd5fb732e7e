//! What stands in a segment of the tail: a header, and a frame for each commit.
//!
//! The header, 64 bytes, is the same in every version of the layout:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `BREWTAIL` |
//! | 8 | version of the layout: 1 |
//! | 16..24 | the log's id, the same as in the log file |
//! | 24..32 | the segment's sequence number |
//! | 32..40 | checksum of what is before it |
//!
//! A frame begins at a multiple of 8:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | checksum of the rest of the frame |
//! | 8..12 | length of the body |
//! | 12..16 | kind of the frame |
//! | 16..24 | the segment's sequence number: what a recycled file held before is no frame of this one |
//! | 24..32 | the commit's number |
//! | 32.. | the body: one [`Item`] after the other |
//!
//! Checksums are XXH3 with 64 bits, seeded with the log's id. Numbers are little-endian.

use twox_hash::XxHash3_64;

use crate::{Millis, Offset};

/// The newest version of the layout that this program knows, and the one that it writes.
pub(super) const VERSION: u8 = 1;
/// How long a segment's header is.
pub(super) const HEADER: usize = 64;

const MAGIC: &[u8; 8] = b"BREWTAIL";
/// How long a frame's own header is.
pub(super) const FRAME_HEADER: usize = 32;
/// Frames begin at multiples of this.
pub(super) const ALIGN: usize = 8;
/// No disk writes less at once.
const SECTOR: usize = 512;

/// Which segment of which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) log: u64,
    pub(super) sequence: u64,
}

/// What is wrong with a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// Something else was written to the file.
    NotALog,
    /// A newer program wrote it.
    Newer(u8),
    /// It can't be read.
    Broken,
}

impl Place {
    pub(super) fn header(self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8] = VERSION;
        header[16..24].copy_from_slice(&self.log.to_le_bytes());
        header[24..32].copy_from_slice(&self.sequence.to_le_bytes());
        let sum = checksum(self.log, &header[..32]);
        header[32..40].copy_from_slice(&sum.to_le_bytes());
        header
    }

    /// The place that the header of a segment names.
    pub(super) fn read(segment: &[u8]) -> Result<Self, BadHeader> {
        if !segment.starts_with(MAGIC) {
            return Err(BadHeader::NotALog);
        }
        let header = segment.get(..HEADER).ok_or(BadHeader::Broken)?;
        if header[8] > VERSION {
            return Err(BadHeader::Newer(header[8]));
        }
        let place = Self { log: word(header, 16), sequence: word(header, 24) };
        if header == place.header() { Ok(place) } else { Err(BadHeader::Broken) }
    }
}

/// What stands before the bytes that it was taken of.
pub(super) fn checksum(log: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(log, bytes)
}

/// The number at `at`, which is within `bytes`.
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One commit.
    Commit = 0,
    /// The first frame of a segment: how everything stood before the commit, then the commit.
    Opening = 1,
    /// The same with everything that the tail has: older segments do not count any more.
    Whole = 2,
    /// The last frame of a backup: what it has in all.
    End = 3,
}

/// What a commit is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// How a topic stands.
    Topic { id: u16, name: &'a str, moved: Offset, end: Offset, time: Millis },
    /// What is below this offset of a topic is in the log file.
    Moved { id: u16, below: Offset },
    /// Where a group goes on in a topic.
    Position { group: &'a str, id: u16, offset: Offset },
    /// Records of a topic, as `chunk` lays them out.
    Chunk { id: u16, first: Offset, chunk: &'a [u8] },
    /// How many records of a topic a backup has.
    Count { id: u16, records: u64 },
}

/// A frame that is being made.
#[derive(Debug)]
pub(super) struct Frame(Vec<u8>);

impl Frame {
    pub(super) fn new() -> Self {
        Self(vec![0; FRAME_HEADER])
    }

    /// Makes it empty again, and gives back the memory if it is much.
    pub(super) fn clear(&mut self) {
        self.0.truncate(FRAME_HEADER);
        self.0.shrink_to(1 << 20);
    }

    /// How many bytes it takes in a segment.
    pub(super) fn len(&self) -> usize {
        self.0.len().next_multiple_of(ALIGN)
    }

    pub(super) fn push(&mut self, item: &Item<'_>) {
        let out = &mut self.0;
        match *item {
            Item::Topic { id, name, moved, end, time } => {
                out.push(1);
                out.extend(id.to_le_bytes());
                out.extend(moved.to_le_bytes());
                out.extend(end.to_le_bytes());
                out.extend(time.to_le_bytes());
                put(out, name.as_bytes());
            }
            Item::Moved { id, below } => {
                out.push(2);
                out.extend(id.to_le_bytes());
                out.extend(below.to_le_bytes());
            }
            Item::Position { group, id, offset } => {
                out.push(3);
                out.extend(id.to_le_bytes());
                out.extend(offset.to_le_bytes());
                put(out, group.as_bytes());
            }
            Item::Chunk { id, first, chunk } => {
                out.push(4);
                out.extend(id.to_le_bytes());
                out.extend(first.to_le_bytes());
                put(out, chunk);
            }
            Item::Count { id, records } => {
                out.push(5);
                out.extend(id.to_le_bytes());
                out.extend(records.to_le_bytes());
            }
        }
    }

    /// Adds the items of another one.
    pub(super) fn append(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0[FRAME_HEADER..]);
    }

    /// The frame as it is written.
    pub(super) fn seal(&mut self, kind: Kind, place: Place, commit: u64) -> &[u8] {
        let body = self.0.len() - FRAME_HEADER;
        let end = self.0.len();
        // A commit is bounded by the queue and the engine's transactions, far below 4 GiB; one beyond it would
        // read as damaged, never as something else.
        let len = u32::try_from(body).unwrap_or(u32::MAX);
        self.0[8..12].copy_from_slice(&len.to_le_bytes());
        self.0[12..16].copy_from_slice(&(kind as u32).to_le_bytes());
        self.0[16..24].copy_from_slice(&place.sequence.to_le_bytes());
        self.0[24..32].copy_from_slice(&commit.to_le_bytes());
        let sum = checksum(place.log, &self.0[8..end]);
        self.0[..8].copy_from_slice(&sum.to_le_bytes());
        self.0.resize(end.next_multiple_of(ALIGN), 0);
        &self.0
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Longer is nothing that a program hands in: a record has at most 1 MB.
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// A frame that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) kind: Kind,
    pub(super) commit: u64,
    body: &'a [u8],
    /// Where the next one begins.
    pub(super) next: usize,
}

impl<'a> Found<'a> {
    /// The frame that begins at `at`, if there is one of this segment.
    pub(super) fn at(segment: &'a [u8], at: usize, place: Place) -> Option<Self> {
        let header = segment.get(at..at.checked_add(FRAME_HEADER)?)?;
        if word(header, 16) != place.sequence {
            return None;
        }
        let second = word(header, 8);
        let kind = match second >> 32 {
            0 => Kind::Commit,
            1 => Kind::Opening,
            2 => Kind::Whole,
            3 => Kind::End,
            _ => return None,
        };
        let len = usize::try_from(second & u64::from(u32::MAX)).ok()?;
        let body = at + FRAME_HEADER;
        let end = body.checked_add(len)?;
        let frame = segment.get(at..end)?;
        let next = end.next_multiple_of(ALIGN);
        if word(frame, 0) != checksum(place.log, &frame[8..]) {
            return None;
        }
        Some(Self { kind, commit: word(header, 24), body: &segment[body..end], next })
    }

    /// Whether a frame of a commit after `commit` begins behind `at`. Each commit is durable before the next one
    /// is written, so what stands before such a frame was whole.
    pub(super) fn is_later(segment: &'a [u8], at: usize, place: Place, commit: u64) -> bool {
        let numbers = commit.saturating_add(1)..=commit.saturating_add((segment.len() / FRAME_HEADER) as u64);
        (at..segment.len().saturating_sub(FRAME_HEADER)).step_by(ALIGN).any(|at| {
            // A checksum is taken only of what looks like a frame.
            word(segment, at + 16) == place.sequence
                && numbers.contains(&word(segment, at + 24))
                && Self::at(segment, at, place).is_some()
        })
    }

    /// How many bytes the frame of `commit` at `at` has, if it was written to its end and can't be read all the same. One that
    /// a loss of power cut off has a place where nothing was written, unless the file held something else before.
    pub(super) fn is_damaged(segment: &'a [u8], at: usize, place: Place, commit: u64) -> Option<usize> {
        let header = segment.get(at..at.checked_add(FRAME_HEADER)?)?;
        if word(header, 16) != place.sequence || word(header, 24) != commit {
            return None;
        }
        let len = usize::try_from(word(header, 8) & u64::from(u32::MAX)).ok()?;
        let end = (at + FRAME_HEADER).checked_add(len)?;
        let mut rest = segment.get(at..end)?;
        let mut first = SECTOR - at % SECTOR;
        while !rest.is_empty() {
            let (sector, behind) = rest.split_at(first.min(rest.len()));
            if sector.iter().all(|byte| *byte == 0) {
                return None;
            }
            (rest, first) = (behind, SECTOR);
        }
        Self::at(segment, at, place).is_none().then_some(end - at)
    }

    /// Its items; `None` in place of one that makes no sense.
    pub(super) fn items(self) -> Items<'a> {
        Items(self.body)
    }
}

pub(super) struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_le_bytes([b[0], b[1]]))
    }

    fn word(&mut self) -> Option<u64> {
        self.take(8).map(|b| word(b, 0))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.take(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))?;
        self.take(usize::try_from(len).ok()?)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn item(&mut self) -> Option<Item<'a>> {
        let tag = self.take(1)?[0];
        let id = self.short()?;
        let number = self.word()?;
        Some(match tag {
            1 => {
                let (end, time) = (self.word()?, self.word()?.cast_signed());
                Item::Topic { id, moved: number, end, time, name: self.text()? }
            }
            2 => Item::Moved { id, below: number },
            3 => Item::Position { id, offset: number, group: self.text()? },
            4 => Item::Chunk { id, first: number, chunk: self.bytes()? },
            5 => Item::Count { id, records: number },
            _ => return None,
        })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Option<Item<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let item = self.item();
        if item.is_none() {
            self.0 = &[];
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place = Place { log: 7, sequence: 3 };

    fn frame(commit: u64, place: Place) -> Vec<u8> {
        let mut frame = Frame::new();
        for item in items() {
            frame.push(&item);
        }
        assert_eq!(frame.len() % ALIGN, 0);
        frame.seal(Kind::Commit, place, commit).to_vec()
    }

    fn items() -> [Item<'static>; 5] {
        [
            Item::Topic { id: 1, name: "a topic", moved: 2, end: 3, time: -4 },
            Item::Moved { id: 5, below: 6 },
            Item::Position { group: "a group", id: 7, offset: 8 },
            Item::Chunk { id: 9, first: 10, chunk: b"records" },
            Item::Count { id: 11, records: 12 },
        ]
    }

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        let bytes = frame(11, PLACE);
        let found = Found::at(&bytes, 0, PLACE).unwrap();
        assert_eq!((found.kind, found.commit, found.next), (Kind::Commit, 11, bytes.len()));
        assert!(found.items().eq(items().map(Some)));
    }

    #[test]
    fn a_frame_of_another_segment_or_log_is_none() {
        let bytes = frame(11, PLACE);
        assert!(Found::at(&bytes, 0, Place { sequence: 4, ..PLACE }).is_none());
        assert!(Found::at(&bytes, 0, Place { log: 8, ..PLACE }).is_none());
        assert!(!Found::is_later(&bytes, 0, Place { sequence: 4, ..PLACE }, 10));
    }

    #[test]
    fn a_later_frame_is_found_behind_a_damaged_one() {
        let mut bytes = frame(11, PLACE);
        let second = bytes.len();
        bytes.extend(frame(12, PLACE));
        bytes[8] ^= 1;
        assert!(Found::is_later(&bytes, 8, PLACE, 11));
        bytes[second + 40] ^= 1;
        assert!(!Found::is_later(&bytes, 8, PLACE, 11));
    }

    #[test]
    fn a_damaged_frame_that_was_written_to_its_end_is_told_from_one_that_was_cut_off() {
        let long = |at: usize| {
            let mut frame = Frame::new();
            frame.push(&Item::Chunk { id: 9, first: 10, chunk: &[7; 3000] });
            [&vec![0; at], frame.seal(Kind::Commit, PLACE, 11), &[0; 4096]].concat()
        };
        for at in [0, 8, 504, 512, 1000] {
            let sound = long(at);
            let after = |change: &dyn Fn(&mut Vec<u8>)| {
                let mut bytes = sound.clone();
                change(&mut bytes);
                Found::is_damaged(&bytes, at, PLACE, 11)
            };
            assert_eq!(after(&|_| {}), None, "it is sound");
            let changed = after(&|bytes| bytes[at + 2000] ^= 1).unwrap();
            assert!((3000..3100).contains(&changed), "{changed}");
            assert_eq!(after(&|bytes| bytes[at + 2000..].fill(0)), None, "its end is missing");
            assert_eq!(after(&|bytes| bytes[at + 700..at + 2000].fill(0)), None, "its middle is missing");
            assert_eq!(after(&|bytes| bytes.truncate(at + 2000)), None, "the file ends before it");
            assert_eq!(after(&|bytes| bytes[at..].fill(0)), None, "there is none");
        }
        assert_eq!(Found::is_damaged(&long(0), 0, PLACE, 12), None, "it is another one");
    }

    #[test]
    fn a_header_says_what_it_is() {
        assert_eq!(Place::read(&PLACE.header()), Ok(PLACE));
        let change = |at: usize, to: u8| {
            let mut header = PLACE.header();
            header[at] = to;
            Place::read(&header)
        };
        assert_eq!(change(0, b'b'), Err(BadHeader::NotALog));
        assert_eq!(change(8, 2), Err(BadHeader::Newer(2)));
        assert_eq!(change(16, 9), Err(BadHeader::Broken));
        assert_eq!(Place::read(&PLACE.header()[..40]), Err(BadHeader::Broken));
    }

    proptest! {
        #[test]
        fn one_changed_byte_is_noticed(at in 0..100_usize, by in 1..=255_u8) {
            let mut bytes = frame(11, PLACE);
            // What fills the frame up to a multiple of 8 counts for nothing.
            let end = bytes.len() - ALIGN;
            bytes[at % end] ^= by;
            prop_assert!(Found::at(&bytes, 0, PLACE).is_none());
        }

        #[test]
        fn bytes_that_are_no_items_do_not_panic(bytes in proptest::collection::vec(0..7_u8, 0..100)) {
            let _ = Items(&bytes).count();
        }
    }
}
