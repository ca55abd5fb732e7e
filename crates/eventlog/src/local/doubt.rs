//! What a failed sync leaves behind.
//!
//! After a sync that failed, Linux takes the pages for written: who reads the file sees them, the next sync
//! succeeds, and a loss of power shows that they never reached the disk. What is added after them would be
//! acknowledged on sand. So what a failed sync was to write is written once more, in place, from what is read,
//! and synced before the file is used again. From then on what is read is what is on the disk; redb's checksums
//! say which commit that is.
//!
//! A program that is started anew reads from the same memory of the system. Therefore a mark beside the file
//! says that it is in doubt; then all of it is written once more. The mark needs no sync: a loss of power takes
//! the memory away as well.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::{lock_of, private};

/// Which bytes of a file may not be on the disk although they are read.
#[derive(Debug)]
pub(super) struct Doubts {
    mark: PathBuf,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// Since the last sync.
    fresh: Vec<Range<u64>>,
    /// Before one that failed.
    doubtful: Vec<Range<u64>>,
}

impl Doubts {
    /// Of the file at `path`, as far as its mark tells.
    pub(super) fn of(path: &Path) -> Self {
        let mut mark = path.as_os_str().to_owned();
        mark.push(".doubt");
        let mark = PathBuf::from(mark);
        let doubtful = mark.exists().then_some(0..u64::MAX).into_iter().collect();
        Self { mark, written: Mutex::new(Written { doubtful, ..Written::default() }) }
    }

    /// Something is written there, or a part of it.
    pub(super) fn write(&self, offset: u64, len: usize) {
        lock_of(&self.written).fresh.push(offset..offset + len as u64);
    }

    pub(super) fn sync(&self, succeeded: bool) {
        let mut written = lock_of(&self.written);
        let fresh = std::mem::take(&mut written.fresh);
        if !succeeded {
            written.doubtful.extend(fresh);
            // Where no file can be made the disk takes no writes either, and a new start fails.
            let _ = private::file().write(true).create(true).truncate(true).open(&self.mark);
        }
    }

    /// What must be written again before the file is used.
    pub(super) fn doubtful(&self) -> Vec<Range<u64>> {
        lock_of(&self.written).doubtful.clone()
    }

    /// It was, and it is durable.
    pub(super) fn settle(&self) {
        lock_of(&self.written).doubtful.clear();
        // A mark that stays costs the next start some time.
        let _ = std::fs::remove_file(&self.mark);
    }
}
