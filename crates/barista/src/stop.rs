//! Why the engine stops, and how it is told to.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use eventlog::{CommitError, Offset, OpenError, Partition, Reason, Topic, WorkError};

/// Why the engine can't go on by itself. Each is one sentence with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// A position beyond the log's end, or a last-read record that is no longer the same.
    #[error(
        "{topic}-{partition} is not the log this line was working on: it had been read up to offset {next}, and \
         {found}; give the line its own log back, or start it with a new one (--log)"
    )]
    OtherLog {
        /// The input.
        topic: Topic,
        /// Its partition.
        partition: Partition,
        /// The offset to be read next, by the state.
        next: Offset,
        /// What is there instead.
        found: String,
    },
    /// Records that were never read are gone.
    #[error(
        "{missing} records of {topic}-{partition} were removed before they were read (offsets {from} to {to}); \
         start with --accept-loss to go on without them"
    )]
    Gone {
        /// The input.
        topic: Topic,
        /// Its partition.
        partition: Partition,
        /// How many offsets.
        missing: u64,
        /// The first one that is gone.
        from: Offset,
        /// The last one that is gone.
        to: Offset,
    },
    /// Ours have decided in this partition, and the state that they left is not there any more.
    #[error(
        "{topic}-{partition} is empty, although order.received had been read up to offset {read}: what was being made \
         and what was called is not known any more; put the topic back, or start with --accept-loss to go on from \
         that offset without it"
    )]
    StateGone {
        /// The state's topic.
        topic: Topic,
        /// Its partition.
        partition: Partition,
        /// Where the group last committed.
        read: Offset,
    },
    /// The state was written by a newer program.
    #[error(
        "{topic}-{partition}@{offset} was written by a newer brewline (schema version {version}, this one knows {}); start that one instead",
        order::SCHEMA
    )]
    Newer {
        /// The state's topic.
        topic: Topic,
        /// Its partition.
        partition: Partition,
        /// Where it stands.
        offset: Offset,
        /// Its schema version.
        version: u64,
    },
    /// The log takes only smaller records than decisions may have.
    #[error("the log takes records of at most {limit} bytes, the line needs {needed}; raise the log's limit")]
    SmallRecords {
        /// What the log takes.
        limit: usize,
        /// What is needed.
        needed: usize,
    },
    /// The log was closed under the engine: a part of it failed, and nothing of it will open again.
    #[error("the log was closed while the line was working on it; start the program again")]
    Closed,
    /// The log refuses what the engine asks of it.
    #[error("the log refuses to commit: {0}")]
    Fatal(String),
    /// The log can't be worked on at all, or not any more.
    #[error("{0}")]
    Open(OpenError),
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// It can be built anew from the log.
    #[error("{0}")]
    Session(String),
    /// It can't.
    #[error("{0}")]
    Stop(#[from] Stop),
}

impl From<WorkError> for Ended {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Closed => Self::Stop(Stop::Closed),
            WorkError::Broken(why) => Self::Stop(Stop::Open(OpenError::Broken(why))),
            WorkError::Refused(why) => Self::Stop(Stop::Open(OpenError::NotUsable(why))),
            other => Self::Session(other.to_string()),
        }
    }
}

impl From<OpenError> for Ended {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Closed => Self::Stop(Stop::Closed),
            OpenError::Storage(why) => Self::Session(why),
            other => Self::Stop(Stop::Open(other)),
        }
    }
}

impl From<CommitError> for Ended {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Fatal(why) => Self::Stop(Stop::Fatal(why)),
            CommitError::Aborted(Reason::Closed) => Self::Stop(Stop::Closed),
            // Nothing brings them back while it is open.
            CommitError::Aborted(Reason::Removed) => Self::Stop(Stop::Open(OpenError::NotUsable(format!(
                "{}; bring them back from a copy, or start anew",
                Reason::Removed
            )))),
            CommitError::Broken(why) => Self::Stop(Stop::Open(OpenError::Broken(why))),
            other => Self::Session(other.to_string()),
        }
    }
}

/// Tells the engine's thread to stop.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<(Mutex<bool>, Condvar)>);

impl StopSignal {
    /// Tells it.
    pub fn stop(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Whether it was told.
    pub fn is_stopped(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits to be told, at most this long, and says whether it was.
    pub fn wait(&self, at_most: Duration) -> bool {
        let stopped = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(stopped, at_most, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
