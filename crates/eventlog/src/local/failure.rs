//! What can go wrong in the files.

use std::{
    fmt::{self, Display},
    io::ErrorKind,
    path::Path,
};

use super::{chunk::Malformed, schema};
use crate::{OpenError, Reason};

/// Why the files could not be read or written.
#[derive(Debug)]
pub(super) enum Failure {
    /// What redb said, or the system.
    Storage(redb::Error),
    /// What stands in the log file under this key makes no sense, or is not what was written there.
    Damaged(u64),
    /// A file has no name any more: what is written to it goes with the process.
    Removed,
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The content of a file makes no sense.
    pub(super) fn corrupted(what: impl Into<String>) -> Self {
        Self::Storage(redb::Error::Corrupted(what.into()))
    }

    /// There is no database at the moment.
    pub(super) fn closed() -> Self {
        Self::Storage(redb::Error::DatabaseClosed)
    }

    /// Whether it would be the same after the database was opened again: the file is damaged, or cut off.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Storage(redb::Error::Io(error)) => error.kind() == ErrorKind::UnexpectedEof,
            Self::Storage(redb::Error::PreviousIo | redb::Error::DatabaseClosed) | Self::Removed => false,
            Self::Storage(_) | Self::Damaged(_) => true,
        }
    }

    /// What is broken, for people; `name` knows what topics are called.
    pub(super) fn describe(&self, name: impl Fn(u16) -> Option<String>) -> String {
        match self {
            Self::Damaged(key) => match name(schema::topic_of(*key)) {
                Some(name) => {
                    format!(
                        "the records of {name}-0 from offset {} on are not what was written there",
                        schema::first_of(*key)
                    )
                }
                None => self.to_string(),
            },
            Self::Storage(_) | Self::Removed => self.to_string(),
        }
    }

    /// What it means to a publisher.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Storage(redb::Error::Io(error)) if is_full(error) => Reason::DiskFull,
            Self::Removed => Reason::Removed,
            other => Reason::Storage(format!("the log's file can't be written: {other}")),
        }
    }
}

/// What is said of a file that can't be read as it is.
pub(super) fn broken(path: &Path, what: &dyn Display) -> String {
    format!(
        "{} is broken: {what}; bring all files of the log back from a copy, or choose another directory",
        path.display()
    )
}

/// What a failure means to whoever opens the file at `path`.
pub(super) fn cannot_open(path: &Path, failure: &Failure) -> OpenError {
    let Failure::Storage(redb::Error::Io(error)) = failure else {
        return OpenError::Broken(broken(path, failure));
    };
    let file = path.display();
    match error.kind() {
        _ if is_full(error) => OpenError::Storage(format!(
            "cannot open {file}: the disk is full; make space, or choose another directory"
        )),
        ErrorKind::PermissionDenied => OpenError::NotUsable(format!(
            "cannot open {file}: {error}; make it readable and writable for this user, or choose another \
             directory"
        )),
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => OpenError::Broken(broken(path, error)),
        _ => OpenError::NotUsable(format!("cannot open {file}: {error}; choose another directory")),
    }
}

/// Whether nothing has the name of an open file any more. The name is looked up and the file left alone: whoever asks
/// Linux for a file's times makes it keep them exactly for the next write, and each sync half as long again (0.22 to
/// 0.33 ms, measured with 6.18).
#[cfg(unix)]
pub(super) fn is_removed(path: &Path) -> bool {
    use rustix::{fs::Access, io::Errno};
    matches!(rustix::fs::access(path, Access::EXISTS), Err(Errno::NOENT | Errno::NOTDIR))
}

/// Elsewhere an open file can't be removed.
#[cfg(not(unix))]
pub(super) fn is_removed(_: &Path) -> bool {
    false
}

/// Whether an error says that there is no space left.
pub(super) fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Removed => Reason::Removed.fmt(f),
            Self::Damaged(key) => {
                let (topic, first) = (schema::topic_of(*key), schema::first_of(*key));
                write!(
                    f,
                    "the records of topic number {topic} from offset {first} on are not what was written there"
                )
            }
        }
    }
}

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Storage(error.into())
            }
        })*
    };
}

from!(
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::DatabaseError,
    std::io::Error
);

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::corrupted(format!("a chunk of records can't be read: {malformed}"))
    }
}
