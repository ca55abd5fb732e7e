//! What a directory holds: all of it is read, and nothing is changed.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    build, failure,
    lock::{self, Holder},
    log_file::{LogFile, Rows, Seen},
    recover::{self, Recovered},
    schema::{LOG_FILE, MIGRATIONS, newest},
    segment,
    tail::Kept,
};
use crate::OpenError;

/// The tail's files, as a person calls them.
const TAIL_FILES: &str = "tail-*.wal";

/// What a directory holds for whoever opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// No log yet; the directory may be missing too.
    Nothing,
    /// A log that is sound; nobody has it open.
    Sound {
        /// How large its files are.
        bytes: u64,
    },
    /// The same, in a layout that the next start changes; it keeps a copy of the old file.
    Older {
        /// How large its files are.
        bytes: u64,
    },
    /// A log that some process has open.
    InUse {
        /// Which one, if that can be told.
        process: Option<u32>,
    },
}

/// Whether a log in a directory leaves files of this name, whole, not finished, or in another layout.
pub fn is_file_of_log(name: &str) -> bool {
    let is_of_tail = segment::sequence_in(name).is_some() || segment::is_leftover(name);
    is_of_tail || name == lock::NAME || name == build::PART || name.starts_with(LOG_FILE)
}

/// Looks at a log as a start does, and changes nothing. Of a log of any size all is read.
///
/// Whoever starts in the moment in which it is asked who has the log is told that it is in use, and can start again.
///
/// # Errors
/// Those with which a start would be refused.
pub fn look(dir: &Path) -> Result<Found, OpenError> {
    if let Some(Holder(process)) = lock::holder(dir)? {
        return Ok(Found::InUse { process });
    }
    let looked = look_inside(dir);
    // Whoever has come since has changed something under our eyes.
    match lock::holder(dir)? {
        Some(Holder(process)) => Ok(Found::InUse { process }),
        None => looked,
    }
}

/// Whether a process has the log in this directory open.
///
/// # Errors
/// If that can't be told.
pub fn is_in_use(dir: &Path) -> Result<bool, OpenError> {
    lock::holder(dir).map(|holder| holder.is_some())
}

/// Where the process that has the log in this directory open can be asked, if one has it and has
/// [said so](super::LocalLog::say_address).
pub fn holder_address(dir: &Path) -> Option<String> {
    lock::address(dir)
}

fn look_inside(dir: &Path) -> Result<Found, OpenError> {
    if std::fs::symlink_metadata(dir).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(Found::Nothing);
    }
    let Inspected { made, version, files, .. } = inspect(dir, u64::MAX)?;
    if made.is_none() {
        return Ok(Found::Nothing);
    }
    let mut bytes = 0;
    for path in files {
        // A start writes to them.
        let opened = OpenOptions::new().read(true).write(true).open(&path).and_then(|file| file.metadata());
        bytes += opened.map_err(|error| failure::cannot_open(&path, &error.into()))?.len();
    }
    let is_older = version.is_some_and(|version| version < newest(MIGRATIONS));
    Ok(if is_older { Found::Older { bytes } } else { Found::Sound { bytes } })
}

/// A log whose parts are sound and belong together.
pub(super) struct Inspected {
    pub(super) log_file: LogFile,
    /// Everything that makes up the log.
    pub(super) files: Vec<PathBuf>,
    pub(super) leftovers: Vec<PathBuf>,
    /// What the tail has, if there is one.
    pub(super) recovered: Option<Recovered>,
    /// The log's id, if the log file knows it.
    pub(super) made: Option<u64>,
    pub(super) version: Option<u64>,
    pub(super) rows: Rows,
}

/// `checked` bounds the log file whose every checksum is compared, in bytes: that takes about half a second for
/// each GB.
pub(super) fn inspect(dir: &Path, checked: u64) -> Result<Inspected, OpenError> {
    build::refuse_unfinished(dir)?;
    let listed = recover::list(dir)?;
    let recovered = recover::recover(dir, &listed.segments)?;
    let log_file = LogFile::new(dir);
    let seen =
        log_file.look(MIGRATIONS, recovered.as_ref().map(|recovered| &recovered.topics[..]), checked)?;
    let missing = |what: &dyn std::fmt::Display| {
        OpenError::Broken(format!(
            "{what} is missing: a log needs both; bring it back from where it went, or choose another directory"
        ))
    };
    if let Some(recovered) = recovered.as_ref().filter(|_| seen.is_none()) {
        let (there, gone) = (recovered.path.display(), log_file.path.display());
        return Err(missing(&format_args!("{there} is there, but {gone}")));
    }
    let Seen { id: made, version, rows } = seen.unwrap_or_default();
    if made.is_some() && recovered.is_none() {
        return Err(missing(&format_args!("{} is there, but {TAIL_FILES}", log_file.path.display())));
    }
    let fits = |recovered: &Recovered| {
        belongs(made, recovered.from.log).and_then(|()| compare(&recovered.topics, &rows))
    };
    if let Some(Err(what)) = recovered.as_ref().map(fits) {
        return Err(OpenError::Broken(format!(
            "the files in {} don't belong together: {what}; bring all of them back from the same copy, or choose \
             another directory",
            dir.display()
        )));
    }
    let mut files = listed.paths(dir);
    files.push(log_file.path.clone());
    Ok(Inspected { log_file, files, leftovers: listed.leftovers, recovered, made, version, rows })
}

/// Whether the log file is that of the tail.
fn belongs(made: Option<u64>, id: u64) -> Result<(), String> {
    match made {
        Some(made) if made != id => Err(format!("{TAIL_FILES} and {LOG_FILE} are of different logs")),
        _ => Ok(()),
    }
}

/// Whether they are of the same time. The log file has what was moved, and nothing that was not in the tail
/// first: an older tail would give offsets away a second time that were acknowledged.
fn compare(topics: &[Kept], rows: &Rows) -> Result<(), String> {
    let fits = |(id, topic): (u16, &Kept)| {
        let end = rows.get(&id).copied().unwrap_or_default().end;
        (topic.mark.moved..=topic.mark.end).contains(&end)
    };
    if (0..).zip(topics).all(fits) {
        Ok(())
    } else {
        Err(format!("{TAIL_FILES} and {LOG_FILE} are of different times"))
    }
}
