//! What stands in a backup: a header, and frames as the tail has them ([`super::super::frame`]).
//!
//! The header, 64 bytes, is the same in every version of the layout:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `BREWBACK` |
//! | 8 | version of the layout: 1 |
//! | 16..24 | the log's id |
//! | 24..32 | when it was made, in milliseconds since 1970; stands in each frame as well |
//! | 32..40 | checksum of what is before it |
//!
//! The first frame says what topics there are, from which offset to which, and where groups go on. Those after it have
//! the records, topic by topic, in chunks. The last one says how many there are of each. Frames are numbered, so that
//! none can be missing, and nothing stands behind the last.

use std::io::{ErrorKind, Read};

use super::{BackupContents, BackupTopic};
use crate::{
    Millis, Offset, OpenError,
    local::{
        chunk::{Header, Records, plain},
        frame::{ALIGN, FRAME_HEADER, Found, HEADER, Item, Kind, Place, checksum, word},
        recover::Groups,
    },
};

const MAGIC: &[u8; 8] = b"BREWBACK";
/// The newest version of the layout that this program knows, and the one that it writes.
const VERSION: u8 = 1;
/// No frame has more bytes: a piece, and what one step of reading adds to it when it is nearly full.
const MAX_FRAME_BYTES: usize = 32 << 20;

pub(super) fn header(place: Place) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8] = VERSION;
    header[16..24].copy_from_slice(&place.log.to_le_bytes());
    header[24..32].copy_from_slice(&place.sequence.to_le_bytes());
    let sum = checksum(place.log, &header[..32]);
    header[32..40].copy_from_slice(&sum.to_le_bytes());
    header
}

/// What a backup says before its records.
pub(super) struct Contents {
    /// The log's id.
    pub(super) log: u64,
    pub(super) made_at: Millis,
    /// By number, each with the log time of its newest record.
    pub(super) topics: Vec<(BackupTopic, Millis)>,
    pub(super) groups: Groups,
}

/// Who takes what a backup has. What it is given has been compared.
pub(super) trait Sink {
    fn begin(&mut self, contents: &Contents) -> Result<(), OpenError>;
    fn chunk(&mut self, id: u16, first: Offset, chunk: &[u8]) -> Result<(), OpenError>;
}

/// Reads a backup to its end.
pub(super) fn read(from: impl Read, name: &str, sink: &mut impl Sink) -> Result<BackupContents, OpenError> {
    let mut frames = Frames::open(from, name)?;
    let Place { log, sequence } = frames.place;
    let made_at = sequence.cast_signed();
    let broken = |what: &str| broken(name, what);
    let mut contents = match frames.next()? {
        Some(first) if first.kind == Kind::Whole => {
            contents(log, made_at, first).ok_or_else(|| broken("what it begins with makes no sense"))?
        }
        _ => return Err(broken("its beginning is missing")),
    };
    sink.begin(&contents)?;
    let mut next: Vec<_> = contents.topics.iter().map(|(topic, _)| (topic.start, Millis::MIN)).collect();
    let mut counts = None;
    while let Some(frame) = frames.next()? {
        if frame.kind == Kind::End {
            counts = Some(self::counts(frame).ok_or_else(|| broken("its end makes no sense"))?);
            continue;
        }
        for item in frame.items() {
            let Some(Item::Chunk { id, first, chunk }) = item else {
                return Err(broken("something in it makes no sense"));
            };
            let place = usize::from(id);
            let (Some((topic, _)), Some(next)) = (contents.topics.get_mut(place), next.get_mut(place)) else {
                return Err(broken("it has records of a topic that it does not name"));
            };
            let records = records(first, chunk, next, topic.end).ok_or_else(|| {
                broken(&format!("the records of {} from offset {first} on make no sense", topic.name))
            })?;
            topic.records += records;
            sink.chunk(id, first, chunk)?;
        }
    }
    let found: Vec<_> = contents.topics.iter().map(|(topic, _)| topic.records).collect();
    if counts != Some(found) {
        return Err(broken("it has not as many records as it says"));
    }
    Ok(BackupContents { made_at, topics: contents.topics.into_iter().map(|(topic, _)| topic).collect() })
}

fn contents(log: u64, made_at: Millis, frame: Found<'_>) -> Option<Contents> {
    let mut contents = Contents { log, made_at, topics: Vec::new(), groups: Groups::new() };
    for item in frame.items() {
        match item? {
            Item::Topic { id, name, moved: start, end, time } => {
                let follows = usize::from(id) == contents.topics.len() && start <= end && !name.is_empty();
                let topic = BackupTopic { name: name.to_owned(), start, end, records: 0 };
                contents.topics.push(follows.then_some((topic, time))?);
            }
            Item::Position { group, id, offset } => {
                contents.topics.get(usize::from(id))?;
                contents.groups.insert((group.to_owned(), id), offset);
            }
            _ => return None,
        }
    }
    Some(contents)
}

fn counts(frame: Found<'_>) -> Option<Vec<u64>> {
    let mut counts = Vec::new();
    for item in frame.items() {
        let Item::Count { id, records } = item? else { return None };
        counts.push((usize::from(id) == counts.len()).then_some(records)?);
    }
    Some(counts)
}

/// How many records a chunk has, if they stand behind those before, and before `end`.
fn records(first: Offset, chunk: &[u8], next: &mut (Offset, Millis), end: Offset) -> Option<u64> {
    let header = Header::read(chunk).ok()?;
    let plain = plain(chunk).ok()?;
    let mut count = 0;
    for raw in Records::of(first, &plain).ok()? {
        let raw = raw.ok()?;
        let starts = count > 0 || raw.offset == first;
        if !starts || raw.offset < next.0 || raw.offset >= end || raw.time < next.1 {
            return None;
        }
        *next = (raw.offset + 1, raw.time);
        count += 1;
    }
    let is_whole = count > 0 && count == header.count as u64 && header.last_offset + 1 == next.0;
    is_whole.then_some(count)
}

fn broken(name: &str, what: &str) -> OpenError {
    OpenError::Broken(format!("the backup {name} is broken: {what}; take another one"))
}

/// The frames of a backup, in order.
struct Frames<'a, R> {
    from: R,
    name: &'a str,
    place: Place,
    next: u64,
    bytes: Vec<u8>,
    is_over: bool,
}

impl<'a, R: Read> Frames<'a, R> {
    fn open(mut from: R, name: &'a str) -> Result<Self, OpenError> {
        let mut bytes = Vec::new();
        (&mut from).take(HEADER as u64).read_to_end(&mut bytes).map_err(|error| unread(name, &error))?;
        if !bytes.starts_with(MAGIC) {
            return Err(OpenError::Broken(format!(
                "{name} is no backup of a log; say a file that brewline backup wrote"
            )));
        }
        if bytes.len() < HEADER {
            return Err(broken(name, "its end is missing"));
        }
        if bytes[8] > VERSION {
            return Err(OpenError::Newer(format!(
                "the backup {name} was written by a newer version of this program (layout {}, this one knows up to \
                 {VERSION}): use the newer program",
                bytes[8]
            )));
        }
        let place = Place { log: word(&bytes, 16), sequence: word(&bytes, 24) };
        if bytes != header(place) {
            return Err(broken(name, "its header is damaged"));
        }
        Ok(Self { from, name, place, next: 0, bytes, is_over: false })
    }

    /// The next one; `None` behind the last.
    fn next(&mut self) -> Result<Option<Found<'_>>, OpenError> {
        let name = self.name;
        self.bytes.clear();
        self.fill(FRAME_HEADER)?;
        if self.is_over {
            return if self.bytes.is_empty() {
                Ok(None)
            } else {
                Err(broken(name, "something stands behind its end"))
            };
        }
        if self.bytes.len() < FRAME_HEADER {
            return Err(broken(name, "its end is missing"));
        }
        let body = u32::from_le_bytes([self.bytes[8], self.bytes[9], self.bytes[10], self.bytes[11]]);
        let len = usize::try_from(body).unwrap_or(usize::MAX).saturating_add(FRAME_HEADER);
        let number = self.next;
        let damaged = || broken(name, &format!("its part {number} is damaged"));
        if len > MAX_FRAME_BYTES {
            return Err(damaged());
        }
        let len = len.next_multiple_of(ALIGN);
        self.fill(len)?;
        if self.bytes.len() < len {
            return Err(broken(name, "its end is missing"));
        }
        let found = Found::at(&self.bytes, 0, self.place).filter(|found| found.commit == number);
        let found = found.ok_or_else(damaged)?;
        self.next += 1;
        self.is_over = found.kind == Kind::End;
        Ok(Some(found))
    }

    /// Reads until there are `len` bytes, or no more.
    fn fill(&mut self, len: usize) -> Result<(), OpenError> {
        let missing = (len - self.bytes.len()) as u64;
        let read = (&mut self.from).take(missing).read_to_end(&mut self.bytes);
        read.map(drop).map_err(|error| unread(self.name, &error))
    }
}

fn unread(name: &str, error: &std::io::Error) -> OpenError {
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => broken(name, &error.to_string()),
        _ => OpenError::Storage(format!("cannot read {name}: {error}; try again")),
    }
}
