//! What a log has at one moment, and its chunks from then on.

use std::{path::Path, sync::Arc};

use bytes::Bytes;

use super::super::{
    failure::{self, Failure, Result},
    inspect::{Inspected, inspect},
    janitor::{STEP_BYTES, load},
    lock::Lock,
    pages::PAGE_RECORDS,
    recover::Groups,
    schema::{self, LOG_FILE, MIGRATIONS, newest, row},
    shared::{Hold, Shared},
    store::Store,
    system_time,
    tail::Tail,
};
use crate::{FollowError, Millis, Offset, OpenError};

/// What redb may keep of a file that is read from front to back, in bytes.
const CACHE_BYTES: usize = 4 << 20;

/// How everything stands between two commits.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) log: u64,
    pub(super) made_at: Millis,
    /// By number.
    pub(super) topics: Vec<CutTopic>,
    pub(super) groups: Groups,
}

#[derive(Debug)]
pub(super) struct CutTopic {
    pub(super) name: String,
    pub(super) start: Offset,
    pub(super) end: Offset,
    pub(super) time: Millis,
}

/// Some chunks, and the offset to read next.
pub(super) struct Part {
    pub(super) chunks: Vec<(Offset, Bytes)>,
    pub(super) next: Offset,
}

/// Where the chunks are.
pub(super) trait Source: Send {
    /// What stands from `from` to before `end`, about a megabyte of it. Records at the edges may be beyond them.
    fn part(&self, id: u16, from: Offset, end: Offset) -> std::result::Result<Part, FollowError>;
}

/// A log that is open. What is too old stays while this lives.
pub(super) struct Running(Hold);

impl Running {
    pub(super) fn cut(shared: &Arc<Shared>) -> std::result::Result<(Self, Cut), OpenError> {
        // Before the moment is chosen: what is in the log then must be there when it is read.
        let hold = Hold::on(shared.clone());
        if let Some(ended) = shared.ended() {
            return Err(ended.into());
        }
        let failed = |error: Failure| match shared.damage(&error) {
            Some(why) => OpenError::Broken(why),
            None => OpenError::Storage(format!("the log can't be read at the moment: {error}")),
        };
        let log = shared.log.read(|| shared.janitor.ring(), schema::id).map_err(failed)?;
        let mut topics = Vec::new();
        for id in shared.tail.ids() {
            let start = shared.log.read(|| shared.janitor.ring(), |transaction| row(transaction, id));
            let start = start.map_err(failed)?.start;
            let topic = shared.tail.topic(id);
            let (name, mark) = (topic.name.clone(), topic.mark);
            topics.push(CutTopic { name, start, end: mark.end, time: mark.time });
        }
        let (made_at, groups) = {
            let state = shared.state();
            // What one commit wrote is seen here at once, and only here.
            for (head, topic) in state.heads.iter().zip(&shared.topics) {
                let cut = &mut topics[usize::from(topic.id)];
                (cut.start, cut.end, cut.time) = (head.start, head.end, head.time);
            }
            ((shared.clock)(), state.groups.clone())
        };
        let cut = Cut { log: log.unwrap_or_default(), made_at, topics, groups };
        Ok((Self(hold), cut))
    }
}

impl Source for Running {
    fn part(&self, id: u16, from: Offset, end: Offset) -> std::result::Result<Part, FollowError> {
        let shared = self.0.shared();
        if let Some(ended) = shared.ended() {
            return Err(ended.into());
        }
        part(&shared.tail, &shared.log, || shared.janitor.ring(), id, from, end).map_err(|error| {
            match (shared.ended(), shared.damage(&error)) {
                (Some(ended), _) => ended.into(),
                (None, Some(why)) => FollowError::Broken(why),
                (None, None) => FollowError::Storage(format!("cannot read the log for a backup: {error}")),
            }
        })
    }
}

/// A log that nobody has open, and that nobody opens while this lives.
pub(super) struct Stopped {
    tail: Tail,
    log: Store,
    _lock: Lock,
}

impl Stopped {
    pub(super) fn cut(dir: &Path) -> std::result::Result<(Self, Cut), OpenError> {
        let nothing = || {
            OpenError::NotUsable(format!(
                "there is no log in {}; say another with --log local:DIR",
                dir.display()
            ))
        };
        // Whoever takes the lock leaves a file.
        if !dir.join(LOG_FILE).exists() {
            return Err(nothing());
        }
        let lock = Lock::take(dir)?;
        let Inspected { log_file, recovered, made, version, rows, .. } = inspect(dir, u64::MAX)?;
        let (Some(id), Some(recovered)) = (made, recovered) else { return Err(nothing()) };
        if version.is_some_and(|version| version < newest(MIGRATIONS)) {
            return Err(OpenError::NotUsable(format!(
                "{} was written by an older version of this program: back it up with that one, or start this one on it \
                 once; it keeps a copy of the old file",
                log_file.path.display()
            )));
        }
        let store = Store::open_to_read(&log_file.path, CACHE_BYTES)
            .map_err(|error| failure::cannot_open(&log_file.path, &error))?;
        let topic = |(id, topic): (u16, &super::super::tail::Kept)| CutTopic {
            name: topic.name.clone(),
            start: rows.get(&id).copied().unwrap_or_default().start,
            end: topic.mark.end,
            time: topic.mark.time,
        };
        let topics = (0..).zip(&recovered.topics).map(topic).collect();
        let cut = Cut { log: id, made_at: system_time(), topics, groups: recovered.groups };
        Ok((Self { tail: Tail::new(recovered.topics), log: store, _lock: lock }, cut))
    }
}

impl Source for Stopped {
    fn part(&self, id: u16, from: Offset, end: Offset) -> std::result::Result<Part, FollowError> {
        part(&self.tail, &self.log, || {}, id, from, end).map_err(|error| {
            let topic = |id: u16| Some(self.tail.topic(id).name.clone());
            FollowError::Broken(failure::broken(self.log.path(), &error.describe(topic)))
        })
    }
}

fn part(tail: &Tail, log: &Store, wake: impl Fn(), id: u16, from: Offset, end: Offset) -> Result<Part> {
    // What the tail has forgotten is durable in the log file.
    if let Some(chunks) = tail.page(id, from, end, PAGE_RECORDS) {
        let next = chunks.last().map_or(end, |chunk| chunk.next.min(end));
        return Ok(Part {
            chunks: chunks.into_iter().map(|chunk| (chunk.first, chunk.bytes)).collect(),
            next,
        });
    }
    log.read(wake, |transaction| {
        // What is not moved yet is not here.
        let end = end.min(row(transaction, id)?.end);
        let source = load(transaction, id, from, end, STEP_BYTES)?;
        let chunks = source.chunks.into_iter().map(|(first, chunk)| (first, chunk.into())).collect();
        Ok(Part { chunks, next: source.next })
    })
}
