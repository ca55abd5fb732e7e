//! What can go wrong, and what the caller can do about it.

use crate::{Offset, Partition, Topic};

/// Whether a record that failed may stand in the log all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It does not, and never will: it may be sent again.
    NotWritten,
    /// It may: whoever sends it again must be able to tell a repeat.
    Unknown,
}

/// Why the log did not take a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// No space left where the log is kept. Works again by itself when there is.
    #[error("the disk that holds the log is full")]
    DiskFull,
    /// The files were removed while the log was open: what is added now would be lost. Start anew.
    #[error("the files of the log were removed while it was open")]
    Removed,
    /// More is waiting to be written than the log lets wait. Try again later.
    #[error("more records are waiting to be written than the log lets wait")]
    Overloaded,
    /// It waited longer than its deadline.
    #[error("the log did not write it within the deadline")]
    Deadline,
    /// It is larger than the log takes.
    #[error("the record has {size} bytes, the log takes at most {limit}")]
    TooLarge {
        /// Key, value and headers together, in bytes.
        size: usize,
        /// What the log takes, in bytes.
        limit: usize,
    },
    /// There is no such partition.
    #[error("topic {0} has no partition {1}")]
    NoSuchPartition(String, Partition),
    /// The log is being closed.
    #[error("the log is being closed")]
    Closed,
    /// The storage or the broker said something else.
    #[error("{0}")]
    Storage(String),
}

/// A record was not added, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", match certainty { Certainty::NotWritten => "", Certainty::Unknown => " (it may have been written)" })]
pub struct PublishError {
    /// Whether it may stand in the log all the same.
    pub certainty: Certainty,
    /// Why.
    pub reason: Reason,
}

impl PublishError {
    /// It was surely not written.
    pub fn not_written(reason: Reason) -> Self {
        Self { certainty: Certainty::NotWritten, reason }
    }

    /// It may have been written.
    pub fn unknown(reason: Reason) -> Self {
        Self { certainty: Certainty::Unknown, reason }
    }
}

/// A log could not be opened, or something of it. The message names what was tried and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Someone else has it.
    #[error("{0}")]
    InUse(String),
    /// The place can't be used.
    #[error("{0}")]
    NotUsable(String),
    /// What is there is not a log, or is broken.
    #[error("{0}")]
    Broken(String),
    /// A newer program wrote it.
    #[error("{0}")]
    Newer(String),
    /// The log is closed, by its owner or because a part of it failed: nothing of it will open again.
    #[error("the log is closed")]
    Closed,
    /// The storage or the broker said something else.
    #[error("{0}")]
    Storage(String),
}

/// A follower can't go on. Build a new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// Records it wanted are no longer kept.
    #[error("{topic}-{partition} is kept from offset {earliest} on, {wanted} is gone")]
    Gone {
        /// The topic.
        topic: Topic,
        /// The partition of the topic.
        partition: Partition,
        /// What it wanted to read next.
        wanted: Offset,
        /// The oldest record that is kept.
        earliest: Offset,
    },
    /// It ends before what it wanted to read next: it was removed and made again.
    #[error("{topic}-{partition} ends before offset {wanted}, which was to be read next: it was made anew")]
    MadeAnew {
        /// The topic.
        topic: Topic,
        /// The partition of the topic.
        partition: Partition,
        /// What it wanted to read next.
        wanted: Offset,
    },
    /// The log is closed, by its owner or because a part of it failed: nothing will follow it again.
    #[error("the log is being closed")]
    Closed,
    /// What was written can't be read any more, by anyone: a person is needed. The message names the way out.
    #[error("{0}")]
    Broken(String),
    /// It may not be followed: a person is needed, and a new follower meets the same until somebody has changed
    /// something. The message names the way out.
    #[error("{0}")]
    Refused(String),
    /// The storage or the broker said something else; it may heal.
    #[error("{0}")]
    Storage(String),
}

/// A worker's session is over. Drop it and build a new one from the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// Another worker has taken over.
    #[error("another worker has taken over")]
    Fenced,
    /// A position it was told to read from is no longer kept, or not yet written.
    #[error("{topic}-{partition} has offsets {earliest} to {end}, {wanted} is not among them")]
    OutOfRange {
        /// The topic.
        topic: Topic,
        /// The partition of the topic.
        partition: Partition,
        /// What it was told to read.
        wanted: Offset,
        /// The oldest record that is kept.
        earliest: Offset,
        /// The offset after the newest record.
        end: Offset,
    },
    /// The log is closed, by its owner or because a part of it failed: no session on it will go on.
    #[error("the log is being closed")]
    Closed,
    /// What was written can't be read any more, by anyone: a person is needed. The message names the way out.
    #[error("{0}")]
    Broken(String),
    /// It may not be worked on: a person is needed, and a new session meets the same until somebody has changed
    /// something. The message names the way out.
    #[error("{0}")]
    Refused(String),
    /// The storage or the broker said something else; it may heal.
    #[error("{0}")]
    Storage(String),
}

/// A transaction was not committed, or nobody knows. In every case the session is dropped and built anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Another worker has taken over: nothing was written.
    #[error("another worker has taken over")]
    Fenced,
    /// Nothing was written, or all of it: the log tells.
    #[error("the transaction was not confirmed: {0}")]
    Aborted(Reason),
    /// What was written can't be read any more, by anyone: a person is needed. Of the transaction nothing was
    /// written, or all of it. The message names the way out.
    #[error("{0}")]
    Broken(String),
    /// The program asked for something the log can't do: a mistake in the program, not in the data.
    #[error("{0}")]
    Fatal(String),
}
