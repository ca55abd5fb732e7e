//! What the tail's files say at the start.
//!
//! The newest segment begins with how everything stood, and what follows it is read on top. Of the older ones
//! only records count that were not moved, from commits before the one that the next segment begins with.
//!
//! - A frame at the end that is not whole was never acknowledged: it is left out. It is at the end if no frame
//!   of a later commit stands behind it, for that is only written when the one before is durable. One that looks
//!   whole and is not may have been: nobody can tell, so it is left out as well, and that is said.
//! - Whatever else is wrong with the newest segment is damage: a segment gets its name, at its full length,
//!   when what it begins with is durable.
//! - What is wrong with an older segment matters only if records are missing then: the offsets of a topic
//!   have no gaps here.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    failure,
    frame::{BadHeader, Found, HEADER, Item, Kind, Place},
    segment::{self, SEGMENT_BYTES, sequence_in},
    tail::{Chunk, Kept, Mark},
    wal::{From, Older},
};
use crate::{Offset, OpenError};

/// Where groups go on, by their name and the number of the topic.
pub(super) type Groups = BTreeMap<(String, u16), Offset>;

/// The tail as it was.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) from: From,
    /// By number.
    pub(super) topics: Vec<Kept>,
    pub(super) groups: Groups,
    /// The chunks of the last frame, by topic; its sync may have failed, although it can be read.
    pub(super) last: Vec<(u16, Chunk)>,
    /// Whether that frame begins a segment that stands for all before it.
    pub(super) last_is_whole: bool,
    /// The file that was read last.
    pub(super) path: PathBuf,
    /// What of it was left out although it looks whole: where it is and how long, in bytes.
    pub(super) damaged: Option<(usize, usize)>,
}

impl Recovered {
    /// Of a log that is being made.
    pub(super) fn new(log: u64) -> Self {
        Self {
            from: From { log, commit: 0, sequence: 0, older: Vec::new() },
            topics: Vec::new(),
            groups: Groups::new(),
            last: Vec::new(),
            last_is_whole: false,
            path: PathBuf::new(),
            damaged: None,
        }
    }
}

/// Files that are of no use any more, and those that are.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Segments, oldest first.
    pub(super) segments: Vec<u64>,
    pub(super) leftovers: Vec<PathBuf>,
}

impl Listed {
    /// Where the segments are.
    pub(super) fn paths(&self, dir: &Path) -> Vec<PathBuf> {
        self.segments.iter().map(|sequence| dir.join(segment::name(*sequence))).collect()
    }
}

/// What there is in `dir`.
pub(super) fn list(dir: &Path) -> Result<Listed, OpenError> {
    let mut listed = Listed::default();
    let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    for entry in entries.map_err(|error| cannot("list", dir, &error))? {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        listed.segments.extend(sequence_in(name));
        if segment::is_leftover(name) {
            listed.leftovers.push(entry.path());
        }
    }
    listed.segments.sort_unstable();
    Ok(listed)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> OpenError {
    OpenError::NotUsable(format!(
        "cannot {what} {}: {error}; make it readable and writable for this user, or choose another directory",
        path.display()
    ))
}

fn broken(path: &Path, what: &str) -> OpenError {
    OpenError::Broken(failure::broken(path, &what))
}

/// Reads the segments in `dir`; changes nothing. `None` if there is none.
pub(super) fn recover(dir: &Path, segments: &[u64]) -> Result<Option<Recovered>, OpenError> {
    let Some(newest) = segments.last() else { return Ok(None) };
    let mut older = Vec::new();
    let mut runs = Vec::new();
    let mut limit = u64::MAX;
    let (mut log, mut damaged) = (None, None);
    for sequence in segments.iter().rev() {
        let path = dir.join(segment::name(*sequence));
        let run = match read(&path, *sequence) {
            Ok(run) => run,
            Err(error) if sequence == newest => return Err(error),
            // Whether anything is missing shows in the offsets.
            Err(_) => continue,
        };
        if sequence == newest {
            damaged = run.damaged;
        }
        if *log.get_or_insert(run.place.log) != run.place.log {
            return Err(broken(&path, "it is of another log than the newest one"));
        }
        let mut ends = BTreeMap::new();
        let frames: Vec<_> = run.frames.into_iter().filter(|frame| frame.number < limit).collect();
        limit = limit.min(run.begins);
        for part in frames.iter().flat_map(|frame| &frame.parts) {
            if let Part::Chunk(id, chunk) = part {
                ends.insert(*id, chunk.next);
            }
        }
        older.push(Older::found(*sequence, ends, run.bytes));
        let is_whole = frames.first().is_some_and(|frame| frame.kind == Kind::Whole);
        runs.push(frames);
        if is_whole {
            break;
        }
    }
    let path = dir.join(segment::name(*newest));
    // Those that stand before a whole one, and those that can't be read, go as soon as nothing needs them.
    let read: BTreeSet<_> = older.iter().map(|older| older.sequence).collect();
    let rest = segments.iter().filter(|sequence| !read.contains(sequence));
    older.extend(rest.map(|sequence| Older::found(*sequence, BTreeMap::new(), 0)));
    let mut state = State::default();
    let frames: Vec<_> = runs.into_iter().rev().flatten().collect();
    let (commit, last, last_is_whole) = match frames.last() {
        Some(frame) => (frame.number, frame.chunks(), frame.kind == Kind::Whole),
        None => return Err(broken(&path, "it has no commit")),
    };
    for frame in frames {
        state.apply(frame);
    }
    state.finish().map_err(|what| broken(&path, &what))?;
    let from = From { log: log.unwrap_or_default(), commit, sequence: *newest, older };
    Ok(Some(Recovered {
        from,
        topics: state.topics,
        groups: state.groups,
        last,
        last_is_whole,
        path,
        damaged,
    }))
}

/// What one segment has.
struct Run {
    place: Place,
    /// The commit that it begins with.
    begins: u64,
    frames: Vec<Commit>,
    bytes: u64,
    damaged: Option<(usize, usize)>,
}

/// One frame.
struct Commit {
    kind: Kind,
    number: u64,
    parts: Vec<Part>,
}

/// An [`Item`] that stands on its own.
enum Part {
    Topic(u16, String, Mark),
    Moved(u16, Offset),
    Position(String, u16, Offset),
    Chunk(u16, Chunk),
}

impl Commit {
    /// `None` if it makes no sense.
    fn of(found: Found<'_>) -> Option<Self> {
        let mut parts = Vec::new();
        for item in found.items() {
            parts.push(match item? {
                Item::Topic { id, name, moved, end, time } => {
                    Part::Topic(id, name.to_owned(), Mark { moved, end, time })
                }
                Item::Moved { id, below } => Part::Moved(id, below),
                Item::Position { group, id, offset } => Part::Position(group.to_owned(), id, offset),
                Item::Chunk { id, first, chunk } => {
                    Part::Chunk(id, Chunk::new(first, Bytes::copy_from_slice(chunk)).ok()?)
                }
                // Only a backup has these.
                Item::Count { .. } => return None,
            });
        }
        Some(Self { kind: found.kind, number: found.commit, parts })
    }

    fn chunks(&self) -> Vec<(u16, Chunk)> {
        let chunk = |part: &Part| match part {
            Part::Chunk(id, chunk) => Some((*id, chunk.clone())),
            _ => None,
        };
        self.parts.iter().filter_map(chunk).collect()
    }
}

fn read(path: &Path, sequence: u64) -> Result<Run, OpenError> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => broken(path, &error.to_string()),
        _ => cannot("open", path, &error),
    })?;
    let place = Place::read(&bytes).map_err(|bad| match bad {
        BadHeader::NotALog => OpenError::Broken(format!(
            "{} is not a log: something else has been written to it; move it away, or choose another directory",
            path.display()
        )),
        BadHeader::Newer(version) => OpenError::Newer(format!(
            "{} was written by a newer version of this program (layout {version}, this one knows up to {}): start \
             the newer program, or choose another directory",
            path.display(),
            super::frame::VERSION
        )),
        BadHeader::Broken => broken(path, "its header can't be read"),
    })?;
    if place.sequence != sequence {
        return Err(broken(path, "it stands under the name of another file"));
    }
    if (bytes.len() as u64) < SEGMENT_BYTES {
        return Err(broken(path, "its end was cut off"));
    }
    let Some(first) = Found::at(&bytes, HEADER, place).filter(|first| first.kind != Kind::Commit) else {
        return Err(broken(path, "what it begins with is damaged"));
    };
    let begins = first.commit;
    let mut frames = Vec::new();
    let mut next = Some(first);
    let mut at = HEADER;
    while let Some(found) = next {
        at = found.next;
        frames.push(Commit::of(found).ok_or_else(|| broken(path, "a commit makes no sense"))?);
        let follows =
            |next: &Found<'_>| next.kind == Kind::Commit && Some(next.commit) == found.commit.checked_add(1);
        next = Found::at(&bytes, at, place).filter(follows);
    }
    let newest = frames.last().map_or(begins, |frame| frame.number);
    if Found::is_later(&bytes, at, place, newest) {
        return Err(broken(path, "a commit in its middle is damaged"));
    }
    let next = newest.saturating_add(1);
    let damaged = Found::is_damaged(&bytes, at, place, next).map(|len| (at, len));
    Ok(Run { place, begins, frames, bytes: at as u64, damaged })
}

#[derive(Default)]
struct State {
    topics: Vec<Kept>,
    groups: Groups,
}

impl State {
    fn topic(&mut self, id: u16) -> &mut Kept {
        let needed = usize::from(id) + 1;
        if self.topics.len() < needed {
            self.topics.resize_with(needed, Kept::default);
        }
        &mut self.topics[usize::from(id)]
    }

    fn apply(&mut self, frame: Commit) {
        if frame.kind == Kind::Whole {
            *self = Self::default();
        }
        for part in frame.parts {
            match part {
                Part::Topic(id, name, mark) => {
                    let topic = self.topic(id);
                    (topic.name, topic.mark) = (name, mark);
                }
                Part::Moved(id, below) => {
                    let mark = &mut self.topic(id).mark;
                    mark.moved = mark.moved.max(below);
                }
                Part::Position(group, id, offset) => {
                    self.groups.insert((group, id), offset);
                }
                Part::Chunk(id, chunk) => self.topic(id).add(chunk),
            }
        }
    }

    /// Leaves out what was moved, and says what is missing.
    fn finish(&mut self) -> Result<(), String> {
        for topic in &mut self.topics {
            let Mark { moved, end, .. } = topic.mark;
            while topic.chunks.pop_front_if(|chunk| chunk.next <= moved).is_some() {}
            let first = topic.chunks.front().map_or(end, |chunk| chunk.first);
            let next = topic.chunks.back().map_or(end, |chunk| chunk.next);
            if first > moved || next != end || topic.name.is_empty() {
                return Err(format!(
                    "of topic {:?} records from {moved} to {end} are missing, {first} to {next} are there",
                    topic.name
                ));
            }
        }
        Ok(())
    }
}

impl Kept {
    fn add(&mut self, chunk: Chunk) {
        let next = self.chunks.back().map(|last| last.next);
        match next {
            // The last commit before a start stands in two segments.
            Some(next) if chunk.next <= next => return,
            // What is missing between was moved, or `finish` finds out.
            Some(next) if chunk.first != next => self.chunks.clear(),
            _ => {}
        }
        self.mark.end = self.mark.end.max(chunk.next);
        self.mark.time = self.mark.time.max(chunk.last_time());
        self.chunks.push_back(chunk);
    }
}
