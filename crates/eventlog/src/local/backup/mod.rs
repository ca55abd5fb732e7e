//! All of a log in one file, and a log from such a file.
//!
//! | file | what |
//! |---|---|
//! | `source` | what a log has at one moment, whether it is open or not, chunk by chunk |
//! | `pieces` | the same as the pieces of a file |
//! | `file` | what stands in such a file, read and compared |
//! | `records` | the same, record by record |
//!
//! A backup is what the log had at one moment, between two commits: what comes while it is made is not in it, and what
//! is in it is not removed meanwhile. It is read like any past, in short steps, and nobody waits for it. Records go
//! with their offsets and times, in the chunks in which they are kept, so that a restored log is the same log to
//! whoever reads it; only its id is another, because from there on the two differ.

mod file;
mod pieces;
mod records;
mod source;

use std::{io::Read, path::Path, sync::Arc};

pub use self::records::read_backup;
use self::{
    file::Contents,
    pieces::Pieces,
    source::{Running, Stopped},
};
use super::{build::Build, shared::Shared};
use crate::{Backup, Millis, Offset, OpenError};

/// What a backup has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupContents {
    /// The moment that it shows, by the log's clock.
    pub made_at: Millis,
    /// By number.
    pub topics: Vec<BackupTopic>,
}

/// What a backup has of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupTopic {
    /// Its name.
    pub name: String,
    /// The oldest offset that was kept.
    pub start: Offset,
    /// The offset after the newest record.
    pub end: Offset,
    /// How many records there are between.
    pub records: u64,
}

impl BackupContents {
    /// How many records it has in all.
    pub fn records(&self) -> u64 {
        self.topics.iter().map(|topic| topic.records).sum()
    }
}

/// A backup of a log that is open.
pub(super) fn of(shared: &Arc<Shared>) -> Result<Backup, OpenError> {
    let (running, cut) = Running::cut(shared)?;
    Ok(Box::new(Pieces::new(running, cut)))
}

/// A backup of a log that nobody has open. All of it is checked first, and nothing is changed.
///
/// # Errors
/// Those with which a start would be refused; [`OpenError::NotUsable`] if there is no log, or one in an older layout.
pub fn backup_of(dir: &Path) -> Result<Backup, OpenError> {
    let (stopped, cut) = Stopped::cut(dir)?;
    Ok(Box::new(Pieces::new(stopped, cut)))
}

/// Reads a backup to its end and compares all that it says of itself: each checksum, each offset, how many records
/// there are. `name` is what messages call it.
///
/// # Errors
/// [`OpenError::Broken`] if it is not what was written, [`OpenError::Newer`] if a newer program wrote it.
pub fn check_backup(from: impl Read, name: &str) -> Result<BackupContents, OpenError> {
    struct Nothing;
    impl file::Sink for Nothing {
        fn begin(&mut self, _: &Contents) -> Result<(), OpenError> {
            Ok(())
        }

        fn chunk(&mut self, _: u16, _: Offset, _: &[u8]) -> Result<(), OpenError> {
            Ok(())
        }
    }
    file::read(from, name, &mut Nothing)
}

/// Makes the log in `dir` that a backup has, or none: only when all of it was read, compared and written does a start
/// find it. `dir` is made if it is missing, and must be empty if it is there; of a file that is no backup it is left as it
/// is.
///
/// # Errors
/// As [`check_backup`]; [`OpenError::InUse`] or [`OpenError::NotUsable`] if there is something in `dir`.
pub fn restore(from: impl Read, name: &str, dir: &Path) -> Result<BackupContents, OpenError> {
    let mut making = Making { dir, build: None };
    let contents = file::read(from, name, &mut making)?;
    making.build.ok_or_else(nothing_begun)?.finish()?;
    Ok(contents)
}

/// A log that is made once the file has said what it has.
struct Making<'a> {
    dir: &'a Path,
    build: Option<Build>,
}

fn nothing_begun() -> OpenError {
    OpenError::NotUsable("nothing was begun to be restored".to_owned())
}

impl file::Sink for Making<'_> {
    fn begin(&mut self, contents: &Contents) -> Result<(), OpenError> {
        let build = self.build.insert(Build::begin(self.dir)?);
        for (topic, time) in &contents.topics {
            build.topic(&topic.name, topic.start, topic.end, *time)?;
        }
        build.groups(contents.groups.clone());
        Ok(())
    }

    fn chunk(&mut self, id: u16, first: Offset, chunk: &[u8]) -> Result<(), OpenError> {
        self.build.as_mut().ok_or_else(nothing_begun)?.chunk(id, first, chunk.to_vec())
    }
}
