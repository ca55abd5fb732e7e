//! A log made of records that have their offsets and times already: those of a backup, or of an export.
//!
//! It is made in a directory of its own inside the one that is to have it, looked at as a start would, and moved: the
//! tail first, the log file last. A start takes nothing for a log before that is done.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    failure::{self, Failure, Result},
    inspect::inspect,
    lock::{self, Lock},
    log_file::LogFile,
    open::sync_dir,
    private::create_dir,
    recover::{self, Groups, Recovered},
    schema::{CHUNKS, LOG_FILE, MAX_TOPICS, MIGRATIONS, ROWS, Row, chunk_key, new_id},
    segment::{Disk, sequence_in},
    snapshot,
    store::Store,
    stored,
    tail::{Kept, Mark, Tail},
    wal::Wal,
};
use crate::{Millis, Offset, OpenError};

/// Where the files are while they are made.
pub(super) const PART: &str = "restore.part";
/// So many bytes of chunks are written in one transaction.
const WRITE_BYTES: usize = 16 << 20;

/// A log that is being made.
pub(super) struct Build {
    dir: PathBuf,
    part: PathBuf,
    id: u64,
    log_file: LogFile,
    store: Store,
    topics: Vec<Topic>,
    groups: Groups,
    waiting: Vec<(u64, Vec<u8>)>,
    waiting_bytes: usize,
    finished: bool,
    _lock: Lock,
}

struct Topic {
    name: String,
    start: Offset,
    end: Offset,
    time: Millis,
    records: u64,
}

/// Says so if a log was to be made in `dir`, and was not finished.
pub(super) fn refuse_unfinished(dir: &Path) -> std::result::Result<(), OpenError> {
    if !is_unfinished(dir) {
        return Ok(());
    }
    Err(OpenError::NotUsable(format!(
        "in {} a log was to be restored or imported, and that was not finished: do so again, or remove the directory {PART} \
         in it to begin with an empty log",
        dir.display()
    )))
}

/// What is left when the log was moved and its maker died then.
pub(super) fn remove_trace(dir: &Path) {
    // It is empty, or not there.
    let _ = fs::remove_dir(dir.join(PART));
}

fn is_unfinished(dir: &Path) -> bool {
    dir.join(PART).exists() && !dir.join(LOG_FILE).exists()
}

impl Build {
    /// Begins a log in `dir`, which is made if it is missing and must be empty. Whatever was not finished there goes.
    pub(super) fn begin(dir: &Path) -> std::result::Result<Self, OpenError> {
        create_dir(dir).map_err(|error| cannot("make", dir, &error))?;
        // Where nobody has had a log it is looked at before: else the lock would stay among somebody else's files.
        if !dir.join(lock::NAME).exists() {
            refuse_others(dir, false)?;
        }
        let lock = Lock::take(dir)?;
        let unfinished = is_unfinished(dir);
        refuse_others(dir, unfinished)?;
        let part = dir.join(PART);
        if unfinished {
            clear(dir, &part)?;
        }
        create_dir(&part).map_err(|error| cannot("make", &part, &error))?;
        sync_dir(dir);
        let (id, log_file) = (new_id(), LogFile::new(&part));
        let store = log_file.open(None, MIGRATIONS)?;
        log_file.make(&store, id)?;
        let (topics, groups, waiting) = (Vec::new(), Groups::new(), Vec::new());
        Ok(Self {
            dir: dir.to_owned(),
            part,
            id,
            log_file,
            store,
            topics,
            groups,
            waiting,
            waiting_bytes: 0,
            finished: false,
            _lock: lock,
        })
    }

    /// Adds a topic, and gives its number. `time` is the log time of its newest record.
    pub(super) fn topic(
        &mut self,
        name: &str,
        start: Offset,
        end: Offset,
        time: Millis,
    ) -> std::result::Result<u16, OpenError> {
        let id = u16::try_from(self.topics.len()).ok().filter(|id| *id < MAX_TOPICS);
        let id = id.ok_or_else(|| OpenError::NotUsable(format!("a log has at most {MAX_TOPICS} topics")))?;
        self.topics.push(Topic { name: name.to_owned(), start, end, time, records: 0 });
        Ok(id)
    }

    /// Says the log time of a topic's newest record, where it was not known before.
    pub(super) fn newest(&mut self, id: u16, time: Millis) {
        let topic = &mut self.topics[usize::from(id)];
        topic.time = topic.time.max(time);
    }

    pub(super) fn groups(&mut self, groups: Groups) {
        self.groups = groups;
    }

    /// Adds a chunk behind those of its topic.
    pub(super) fn chunk(
        &mut self,
        id: u16,
        first: Offset,
        chunk: Vec<u8>,
    ) -> std::result::Result<(), OpenError> {
        let count = super::chunk::Header::read(&chunk).map_or(0, |header| header.count as u64);
        self.topics[usize::from(id)].records += count;
        self.waiting_bytes += chunk.len();
        self.waiting.push((chunk_key(id, first), chunk));
        if self.waiting_bytes < WRITE_BYTES { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> std::result::Result<(), OpenError> {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let written: Result<()> = self.store.write(|transaction| {
            let mut chunks = transaction.open_table(CHUNKS)?;
            waiting.iter().try_for_each(|(key, chunk)| stored::put(&mut chunks, *key, chunk))
        });
        written.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &Failure) -> OpenError {
        failure::cannot_open(&self.log_file.path, error)
    }

    /// Makes it the log of its directory.
    pub(super) fn finish(mut self) -> std::result::Result<(), OpenError> {
        self.write()?;
        let topics = &self.topics;
        let rows = self.store.write(|transaction| {
            let mut rows = transaction.open_table(ROWS)?;
            for (id, topic) in (0..).zip(topics) {
                // Which keys stand more than once is for the first compaction to find out.
                let Topic { start, end, records: dirty_records, .. } = *topic;
                rows.insert(id, Row { start, end, dirty_records, ..Row::default() }.encode(id))?;
            }
            Ok(())
        });
        rows.map_err(|error| self.failed(&error))?;
        self.store.close();
        let kept = |topic: &Topic| {
            let mark = Mark { moved: topic.end, end: topic.end, time: topic.time };
            Kept { name: topic.name.clone(), mark, ..Kept::default() }
        };
        let tail = Tail::new(self.topics.iter().map(kept).collect());
        let (first, ends) = snapshot::everything(&tail, &self.groups);
        let disk = Disk { dir: self.part.clone(), faults: None };
        drop(
            Wal::open(disk, Recovered::new(self.id).from, first, ends, true)
                .map_err(|failed| failure::cannot_open(&self.part, &failed.into_error().into()))?,
        );
        inspect(&self.part, u64::MAX)?;
        self.move_there()
    }

    fn move_there(&mut self) -> std::result::Result<(), OpenError> {
        let segments = recover::list(&self.part)?.segments;
        let tail = segments.into_iter().map(super::segment::name);
        for name in tail.chain([LOG_FILE.to_owned()]) {
            // What is moved last makes it a log: what it needs is there by then, also after a loss of power.
            sync_dir(&self.dir);
            let (from, to) = (self.part.join(&name), self.dir.join(&name));
            fs::rename(&from, &to).map_err(|error| cannot("move", &from, &error))?;
        }
        sync_dir(&self.dir);
        self.finished = true;
        remove_trace(&self.dir);
        Ok(())
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        if !self.finished {
            self.store.give_up();
            // What says so stays: whoever starts a line here after a restore that was refused is told, and has no empty log.
            let _ = clear(&self.dir, &self.part);
        }
    }
}

/// Refuses a directory in which is more than what a log that is not finished leaves.
fn refuse_others(dir: &Path, unfinished: bool) -> std::result::Result<(), OpenError> {
    for entry in fs::read_dir(dir).map_err(|error| cannot("list", dir, &error))? {
        let name = entry.map_err(|error| cannot("list", dir, &error))?.file_name();
        let ours = name.to_str().is_some_and(|name| {
            name == lock::NAME || unfinished && (name == PART || sequence_in(name).is_some())
        });
        // A file system of its own begins with this.
        if !ours && name != "lost+found" {
            return Err(OpenError::NotUsable(format!(
                "the directory {} is not empty, and what is in it would be lost: say an empty one with --log local:DIR, \
                 or move away what is there",
                dir.display()
            )));
        }
    }
    Ok(())
}

/// Removes all that was made, but what says that it was not finished.
fn clear(dir: &Path, part: &Path) -> std::result::Result<(), OpenError> {
    for segment in recover::list(dir)?.paths(dir) {
        fs::remove_file(&segment).map_err(|error| cannot("remove", &segment, &error))?;
    }
    for entry in fs::read_dir(part).map_err(|error| cannot("list", part, &error))? {
        let entry = entry.map_err(|error| cannot("list", part, &error))?.path();
        fs::remove_file(&entry).map_err(|error| cannot("remove", &entry, &error))?;
    }
    Ok(())
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> OpenError {
    let said = format!(
        "cannot {what} {}: {error}; make it writable for this user, or choose another directory",
        path.display()
    );
    if failure::is_full(error) { OpenError::Storage(said) } else { OpenError::NotUsable(said) }
}
