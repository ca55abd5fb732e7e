//! What a session has of one partition.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{Offset, Topic};

/// A transaction of a worker that died is over by then: after 6 s, and the brokers look for such every 10 s.
const HIDDEN_FOR: Duration = Duration::from_secs(20);

/// What a session has of one partition.
#[derive(Debug)]
pub(super) enum Share {
    /// Its state is being read.
    ///
    /// `end` is where the state ended for someone who also sees what is not committed, after the partition was
    /// given to this session: whoever had it before may have died within a transaction, and what that wrote is
    /// hidden until it is committed or times out. When everything up to there is committed or void, it is complete,
    /// for nobody else writes it any more.
    Restoring { next: Offset, end: Offset, hidden: Hidden },
    /// The state was read; the worker has not yet said where to begin.
    Restored,
    /// Its inputs are read.
    Started(BTreeMap<Topic, Cursor>),
}

/// Since when no more of a state has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hidden {
    Since(Instant),
    /// It was said.
    Told,
}

/// How far one input has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) next: Offset,
    pub(super) held: bool,
}

impl Share {
    /// Takes note of what was read of the state up to `next`; true if it is complete by that.
    pub(super) fn has_restored(&mut self, upto: Offset) -> bool {
        let Self::Restoring { next, end, hidden } = self else { return false };
        if upto > *next {
            (*next, *hidden) = (upto, Hidden::Since(Instant::now()));
        }
        *next >= *end
    }

    /// The offset from which on the state has been hidden for so long that somebody is to be told; once.
    pub(super) fn is_hidden_from(&mut self) -> Option<Offset> {
        let Self::Restoring { next, hidden, .. } = self else { return None };
        match *hidden {
            Hidden::Since(since) if since.elapsed() >= HIDDEN_FOR => {
                *hidden = Hidden::Told;
                Some(*next)
            }
            _ => None,
        }
    }

    /// Whether a record is to be handed out, and takes note of it.
    pub(super) fn wants(&mut self, topic: Topic, offset: Offset) -> bool {
        let Self::Started(cursors) = self else { return false };
        let Some(cursor) = cursors.get_mut(topic) else { return false };
        let wants = !cursor.held && offset >= cursor.next;
        if wants {
            cursor.next = offset + 1;
        }
        wants
    }

    pub(super) fn cursor(&mut self, topic: Topic) -> Option<&mut Cursor> {
        match self {
            Self::Started(cursors) => cursors.get_mut(topic),
            _ => None,
        }
    }

    pub(super) fn is_started(&self) -> bool {
        matches!(self, Self::Started(_))
    }
}
