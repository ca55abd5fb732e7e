//! What can go wrong in the files.

use std::fmt;

use super::chunk::Malformed;
use crate::Reason;

/// What the storage said.
#[derive(Debug)]
pub(super) struct Failure(redb::Error);

pub(super) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The content of a file makes no sense.
    pub(super) fn corrupted(what: impl Into<String>) -> Self {
        Self(redb::Error::Corrupted(what.into()))
    }

    /// There is no database at the moment.
    pub(super) fn closed() -> Self {
        Self(redb::Error::DatabaseClosed)
    }

    /// Whether it would be the same after the database was opened again.
    pub(super) fn is_lasting(&self) -> bool {
        matches!(self.0, redb::Error::Corrupted(_))
    }

    pub(super) fn inner(&self) -> &redb::Error {
        &self.0
    }

    /// What it means to a publisher.
    pub(super) fn reason(&self) -> Reason {
        match &self.0 {
            redb::Error::Io(error) if is_full(error) => Reason::DiskFull,
            other => Reason::Storage(format!("the log's file can't be written: {other}")),
        }
    }
}

/// Whether an error says that there is no space left.
pub(super) fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self(error.into())
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
