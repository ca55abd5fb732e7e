//! The log in a directory: for one process, on one disk, synced before anything is acknowledged.
//!
//! | file | what |
//! |---|---|
//! | `tail-*.wal` | the tail, a write-ahead log in segments: takes every commit |
//! | `log.redb` | everything older, packed, in full chunks |
//! | `log.lock` | held while the log is open; names the holder, and where it can be asked |
//! | `log.redb.doubt` | there after a failed sync, until the file is sound again (`doubt`) |
//!
//! Every topic has one partition. Two threads write: `writer` the tail, with everything that waits in one
//! commit; `janitor` the log file, into which it moves what the tail has gathered, removes what is too
//! old and compacts. Whoever reads does so a page at a time (`pages`).
//!
//! Why two places: a commit that someone waits for should be one write in one piece and one sync, and that is
//! all a segment takes. What it wrote stays in memory as well until it is moved, for those who read along. The
//! log file is a database, where many commits become a few large ones, packed, and nobody waits for them. Records
//! are moved by two commits: first durable in the log file, then forgotten in the tail. A crash between them
//! leaves them in both, and the tail knows which of its offsets count.
//!
//! What of a commit reached the disk is unknown when its write or its sync failed. The tail is then written anew
//! from memory, without that commit (`wal`); of the log file, what the failed sync was to write is written once
//! more, in place, before it is used again (`doubt`). What was acknowledged before stands on syncs that succeeded.
//!
//! A start looks at all files before it changes any, and changes none if something is wrong (`inspect`). Up to a
//! bound it compares every checksum of the log file, beyond it those of what it reads: a long history must not
//! hold up a start. Each chunk is compared whenever it is read (`stored`). Damage ends a follower that meets it, and
//! the log for everyone if a worker or the janitor does: they would take what is left for all there is.

mod backend;
mod backup;
mod build;
mod chunk;
mod compact;
mod contained;
mod doubt;
mod failure;
mod faults;
mod follow;
mod frame;
mod import;
mod inspect;
mod janitor;
mod lock;
mod log_file;
mod open;
mod pages;
mod private;
mod queue;
mod recover;
mod retention;
mod schema;
mod segment;
mod shared;
mod snapshot;
mod store;
mod stored;
mod tail;
#[cfg(test)]
mod tests;
mod wal;
mod work;
mod writer;

use std::{
    fmt,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::sync::oneshot;

#[doc(hidden)]
pub use self::faults::{Faults, WriteFault};
pub use self::{
    backup::{BackupContents, BackupTopic, backup_of, check_backup, read_backup, restore},
    import::Import,
    inspect::{Found, holder_address, is_file_of_log, is_in_use, look},
};
use self::{
    queue::Append,
    shared::{End, Shared},
};
use crate::{
    Backup, Follow, Log, Millis, OpenError, Partition, Publish, PublishError, Published, Reason, Record,
    Start, Topic, TopicSpec, Work, WorkSpec,
};

/// A record larger than this, key, value and headers together, is refused; in bytes.
pub const MAX_RECORD_BYTES: usize = 1_000_000;

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// Told how long it took to write and sync a commit, by the thread that did: be quick.
pub type CommitTimer = Arc<dyn Fn(Duration) + Send + Sync>;

/// How a log is opened.
#[derive(Clone)]
pub struct Options {
    /// Where its files are; made if it is missing.
    pub dir: PathBuf,
    /// What it must have. Topics that it has besides are left as they are.
    pub topics: Vec<TopicSpec>,
    /// The log's clock. Log time never falls even if this does.
    pub clock: Clock,
    /// When the janitor does what.
    pub thresholds: Thresholds,
    /// Told of every commit, also of those that failed.
    pub commit_timer: Option<CommitTimer>,
    /// Makes the files fail, for tests.
    #[doc(hidden)]
    pub faults: Option<Arc<Faults>>,
}

/// When a start and the janitor do what.
#[derive(Debug, Clone, Copy)]
pub struct Thresholds {
    /// A log file of at most this many bytes is checked as a whole by each start. Of a larger one a start reads what
    /// it needs, and each chunk is compared when it is read.
    pub check_bytes: u64,
    /// When the tail needs more memory than this, in bytes, its records are moved to the log file; with a 64th
    /// of it when nothing is urgent. With four times as much, and one commit more, nothing is taken until some
    /// has been moved: so large it may become, and the next start reads it. In its files the tail has about as
    /// much as in memory.
    pub move_bytes: u64,
    /// How often it looks for what is too old.
    pub check_every: Duration,
    /// A compacted topic is left alone while it has fewer records than this that may have been replaced.
    pub compact_records: u64,
    /// A pass of the compaction keeps about this many keys in memory; 38 bytes each, at least.
    pub compact_keys: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            // Months of a café, and an eighth of a second.
            check_bytes: 256 << 20,
            move_bytes: 64 << 20,
            check_every: Duration::from_mins(1),
            compact_records: 50_000,
            // 7/8 of 2^19: what a hash table of 17 MB holds.
            compact_keys: 458_752,
        }
    }
}

impl Options {
    /// A log with these topics in `dir`, by the system's clock.
    pub fn new(dir: impl Into<PathBuf>, topics: &[TopicSpec]) -> Self {
        Self {
            dir: dir.into(),
            topics: topics.to_vec(),
            clock: Arc::new(system_time),
            thresholds: Thresholds::default(),
            commit_timer: None,
            faults: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("dir", &self.dir)
            .field("topics", &self.topics)
            .field("thresholds", &self.thresholds)
            .finish_non_exhaustive()
    }
}

fn system_time() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// A log in a directory.
pub struct LocalLog {
    shared: Arc<Shared>,
    ask: Mutex<mpsc::Sender<mpsc::SyncSender<()>>>,
    running: Mutex<Option<Running>>,
}

struct Running {
    writer: JoinHandle<()>,
    janitor: JoinHandle<()>,
    /// Given back when both have ended.
    lock: lock::Lock,
}

impl LocalLog {
    /// Opens the log, or makes it.
    ///
    /// # Errors
    /// Each says what was tried, on what, and the way out. What is there and can't be used is not changed.
    pub fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        open::open(options)
    }

    /// Writes what waits, closes the files so that the next start has nothing to repair, and lets others
    /// have the directory. Followers and workers end with `Closed`. Dropping the log does the same.
    pub fn close(&self) {
        let Some(running) = lock_of(&self.running).take() else { return };
        // The janitor first, while the writer still answers it; the files last, when nobody needs them.
        self.shared.janitor.end();
        // A thread that has panicked has said so on stderr; there is nothing to add.
        let _ = running.janitor.join();
        self.shared.queue.close();
        let _ = running.writer.join();
        self.shared.update(|state| {
            state.end.get_or_insert(End::Closed);
        });
        match self.shared.ended() {
            // Whoever looks into it finds it as it was when the damage was found.
            Some(End::Broken(_)) => self.shared.log.give_up(),
            _ => self.shared.log.close(),
        }
    }

    /// Leaves in the directory where this process can be asked about the log, one line of text, for
    /// [`holder_address`] and for whoever is refused because the log is in use. It is gone when the log is closed.
    pub fn say_address(&self, address: &str) {
        let running = lock_of(&self.running);
        let Some(Running { lock, .. }) = &*running else { return };
        if let Err(error) = lock.say_address(address) {
            tracing::debug!(%error, "the lock of the log does not say where its holder can be asked");
        }
    }

    /// What is damaged, and the way out, if the log has ended because of it.
    pub fn damage(&self) -> Option<String> {
        match self.shared.ended()? {
            End::Broken(why) => Some(why),
            End::Closed => None,
        }
    }

    /// Removes what is too old and compacts, now and to the end; else that comes by itself.
    pub fn clean(&self) {
        let (answer, answers) = mpsc::sync_channel(1);
        let asked = lock_of(&self.ask).send(answer);
        self.shared.janitor.ring();
        if asked.is_ok() {
            // Fails only when the log is closed meanwhile.
            let _ = answers.recv();
        }
    }
}

impl Drop for LocalLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for LocalLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLog").finish_non_exhaustive()
    }
}

impl Log for LocalLog {
    fn publisher(&self) -> Arc<dyn Publish> {
        Arc::new(Publisher(self.shared.clone()))
    }

    fn follow(&self, topics: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
        Ok(Box::new(follow::Follower::new(self.shared.clone(), topics)?))
    }

    fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
        Ok(Box::new(work::Worker::join(self.shared.clone(), spec.clone())?))
    }

    fn partitions(&self, topic: Topic) -> u32 {
        u32::from(self.shared.topic(topic).is_some())
    }

    fn backup(&self) -> Option<Result<Backup, OpenError>> {
        Some(backup::of(&self.shared))
    }
}

struct Publisher(Arc<Shared>);

impl Publish for Publisher {
    fn publish(&self, topic: Topic, partition: Partition, record: Record, deadline: Duration) -> Published {
        let refuse =
            |reason| -> Published { Box::pin(std::future::ready(Err(PublishError::not_written(reason)))) };
        let Some(place) = self.0.partition(topic, partition) else {
            return refuse(Reason::NoSuchPartition(topic.to_owned(), partition));
        };
        let size = record.size();
        if size > MAX_RECORD_BYTES {
            return refuse(Reason::TooLarge { size, limit: MAX_RECORD_BYTES });
        }
        let (answer, mut answers) = oneshot::channel();
        let deadline = Instant::now().checked_add(deadline);
        self.0.queue.append(Append { topic: place, record, deadline, answer });
        let shared = self.0.clone();
        Box::pin(std::future::poll_fn(move |context| {
            let mut polled = Pin::new(&mut answers).poll(context);
            let now = Instant::now();
            if polled.is_pending() && deadline.is_some_and(|deadline| now >= deadline) {
                // The writer may be held up by the disk. What it has not taken can be answered without it.
                shared.queue.expire(now);
                polled = Pin::new(&mut answers).poll(context);
            }
            // Without an answer the writer has gone: nobody can say how far it came.
            polled.map(|answer| answer.unwrap_or_else(|_| Err(PublishError::unknown(Reason::Closed))))
        }))
    }

    fn partitions(&self, topic: Topic) -> u32 {
        u32::from(self.0.topic(topic).is_some())
    }

    fn trouble(&self) -> Option<Reason> {
        self.0.log.is_removed().then_some(Reason::Removed)
    }
}

/// Locks, also after a thread has panicked with the lock: no code here leaves what it guards half changed.
fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
