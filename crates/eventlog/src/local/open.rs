//! Opening: the directory, the lock, the files, and whether they are what they should be.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
};

use redb::{ReadOnlyDatabase, ReadableDatabase};

use super::{
    LocalLog, Options, Running,
    failure::{self, Failure, Result, is_full},
    faults::Faults,
    janitor::Janitor,
    lock::Lock,
    recover::{self, Recovered},
    schema::{
        self, CHUNKS, LOG_FILE, MAX_TOPICS, META, META_ID, META_VERSION, MIGRATIONS, Migration, ROWS, Row,
        newest,
    },
    segment::{self, Disk, SEGMENT_BYTES},
    shared::{Guard, Head, Shared, TopicInfo},
    snapshot,
    store::Store,
    tail::{Kept, Mark, Tail},
    wal::Wal,
    writer::Writer,
};
use crate::{Offset, OpenError};

/// The tail's files, as a person calls them.
const TAIL_FILES: &str = "tail-*.wal";

/// What redb may keep of the log file in memory, in bytes.
const LOG_CACHE: usize = 12 << 20;

/// How every redb file begins.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

pub(super) fn open(options: Options) -> std::result::Result<Arc<LocalLog>, OpenError> {
    let Options { dir, topics, clock, thresholds, faults } = options;
    make_dir(&dir)?;
    let lock = Lock::take(&dir)?;
    // Everything is looked at before anything is changed.
    let log_file = OnDisk::new(&dir, LOG_FILE, LOG_CACHE);
    let is_made = log_file.look(MIGRATIONS)?;
    let listed = recover::list(&dir)?;
    let recovered = recover::recover(&dir, &listed.segments)?;
    let missing = |what: &dyn std::fmt::Display| {
        OpenError::Broken(format!(
            "{what} is missing: a log needs both; bring it back from where it went, or choose another directory \
             with --log local:DIR"
        ))
    };
    if let Some(recovered) = recovered.as_ref().filter(|_| !log_file.exists()) {
        let (there, gone) = (recovered.path.display(), log_file.path.display());
        return Err(missing(&format_args!("{there} is there, but {gone}")));
    }
    let no_tail = || missing(&format_args!("{} is there, but {TAIL_FILES}", log_file.path.display()));
    if is_made && recovered.is_none() {
        return Err(no_tail());
    }
    let log_store = log_file.open(faults.clone(), MIGRATIONS)?;
    let log_id = log_store.read(|| {}, schema::id).map_err(|error| log_file.error(&error))?;
    let recovered = match (recovered, log_id) {
        (None, Some(_)) => return Err(no_tail()),
        (Some(recovered), _) => recovered,
        (None, None) => Recovered::new(schema::new_id()),
    };
    let id = recovered.from.log;
    let starts = if log_id.is_some_and(|log_id| log_id != id) {
        Err(format!("{TAIL_FILES} and {LOG_FILE} are of different logs"))
    } else {
        compare(&recovered.topics, &log_store, log_id.is_some()).map_err(|error| log_file.error(&error))?
    };
    let starts = starts.map_err(|what| {
        OpenError::Broken(format!(
            "the files in {} don't belong together: {what}; bring all of them back from the same copy, or choose \
             another directory with --log local:DIR",
            dir.display()
        ))
    })?;
    let Recovered { from, topics: mut known, groups, last, last_is_whole, .. } = recovered;
    let named = name_topics(&mut known, &topics)?;
    let head = |topic: &TopicInfo| {
        let Mark { end, time, .. } = known[usize::from(topic.id)].mark;
        Head { start: starts.get(usize::from(topic.id)).copied().unwrap_or_default(), end, time }
    };
    let heads = named.iter().map(head).collect();
    let tail = Tail::new(known);
    let disk = Disk { dir: dir.clone(), faults };
    // Each start begins a segment. It stands for the older ones as well while that is quickly written.
    let whole = last_is_whole || tail.bytes() <= SEGMENT_BYTES;
    let (first, ends) =
        if whole { snapshot::everything(&tail, &groups) } else { snapshot::last(&tail, &groups, &last) };
    drop(last);
    let wal_file = OnDisk::new(&dir, &segment::name(from.sequence.saturating_add(1)), 0);
    let wal = Wal::open(disk, from, first, ends, whole)
        .map_err(|failed| wal_file.error(&failed.into_error().into()))?;
    // The log file is written last: only with it is the log made.
    if log_id.is_none() {
        make_log_file(&log_store, id, schema::VERSION).map_err(|error| log_file.error(&error))?;
        sync_dir(&dir);
    }
    wal.remove(&listed.leftovers);
    let shared = Arc::new(Shared::new(named, tail, log_store, clock, thresholds, heads, groups));
    let (ask, asked) = mpsc::channel();
    let writer = Writer::new(shared.clone(), wal);
    let writer = spawn("log-writer", &shared, move || writer.run())?;
    let janitor = Janitor::new(shared.clone(), asked);
    let janitor = match spawn("log-janitor", &shared, move || janitor.run()) {
        Ok(janitor) => janitor,
        Err(error) => {
            shared.queue.close();
            // It has nothing to do yet, so it ends at once.
            let _ = writer.join();
            return Err(error);
        }
    };
    let running = Mutex::new(Some(Running { writer, janitor, _lock: lock }));
    Ok(Arc::new(LocalLog { shared, ask: Mutex::new(ask), running }))
}

/// Where each topic begins, by number; or what does not fit.
fn compare(topics: &[Kept], log: &Store, is_made: bool) -> Result<std::result::Result<Vec<Offset>, String>> {
    let mut starts = Vec::new();
    for (id, topic) in (0..).zip(topics) {
        let row = if is_made {
            log.read(|| {}, |transaction| schema::row(transaction, id))?
        } else {
            Row::default()
        };
        // The log file has what was moved, and nothing that was not in the tail first. An older tail would give
        // offsets away a second time that were acknowledged.
        if row.end < topic.mark.moved || row.end > topic.mark.end {
            return Ok(Err(format!("{TAIL_FILES} and {LOG_FILE} are of different times")));
        }
        starts.push(row.start);
    }
    Ok(Ok(starts))
}

/// Gives numbers to the topics that are new, and finds those of the others.
fn name_topics(
    known: &mut Vec<Kept>,
    specs: &[crate::TopicSpec],
) -> std::result::Result<Vec<TopicInfo>, OpenError> {
    let mut topics = Vec::new();
    for spec in specs {
        let place = known.iter().position(|topic| topic.name == spec.name).unwrap_or_else(|| {
            known.push(Kept { name: spec.name.to_owned(), ..Kept::default() });
            known.len() - 1
        });
        let id = u16::try_from(place).ok().filter(|id| *id < MAX_TOPICS);
        let id = id.ok_or_else(|| OpenError::NotUsable(format!("a log has at most {MAX_TOPICS} topics")))?;
        topics.push(TopicInfo { spec: *spec, id });
    }
    Ok(topics)
}

fn make_dir(dir: &Path) -> std::result::Result<(), OpenError> {
    std::fs::create_dir_all(dir).map_err(|error| {
        let what =
            if dir.exists() { "is not a directory".to_owned() } else { format!("cannot be made: {error}") };
        OpenError::NotUsable(format!(
            "the directory {} for the log {what}; choose another one with --log local:DIR",
            dir.display()
        ))
    })
}

/// Makes the names of new files outlive a loss of power, where the system can.
fn sync_dir(dir: &Path) {
    if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
        tracing::debug!(dir = %dir.display(), %error, "the directory can't be synced");
    }
}

fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    run: impl FnOnce() + Send + 'static,
) -> std::result::Result<JoinHandle<()>, OpenError> {
    let guard = Guard(shared.clone());
    let guarded = move || {
        let _guard = guard;
        run();
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(guarded).map_err(|error| {
        OpenError::Storage(format!(
            "cannot start a thread for the log: {error}; raise the limit of threads for this user"
        ))
    })
}

/// A file of the log before it is open.
struct OnDisk {
    path: PathBuf,
    cache_bytes: usize,
}

impl OnDisk {
    fn new(dir: &Path, name: &str, cache_bytes: usize) -> Self {
        Self { path: dir.join(name), cache_bytes }
    }

    fn exists(&self) -> bool {
        self.path.metadata().is_ok_and(|file| file.len() > 0)
    }

    /// Looks at it without changing a byte, as far as that goes: a file that was not closed cleanly has to be
    /// repaired before it can be read. Whether something of a log surely stands in it.
    fn look(&self, migrations: &[Migration]) -> std::result::Result<bool, OpenError> {
        let mut begin = Vec::new();
        match File::open(&self.path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut begin)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.error(&error.into())),
        }
        if begin.is_empty() {
            return Ok(false);
        }
        if begin != MAGIC {
            return Err(OpenError::Broken(format!(
                "{} is not a log: something else has been written to it; move it away, or choose another \
                 directory with --log local:DIR",
                self.path.display()
            )));
        }
        let version = ReadOnlyDatabase::open(&self.path)
            .map_err(Failure::from)
            .and_then(|database| schema::version(&database.begin_read()?));
        match version {
            Ok(version) => self.check(version, migrations).map(|version| version.is_some()),
            // Whether it is broken shows when it is repaired.
            Err(_) => Ok(false),
        }
    }

    fn check(
        &self,
        version: Option<u64>,
        migrations: &[Migration],
    ) -> std::result::Result<Option<u64>, OpenError> {
        let known = newest(migrations);
        match version {
            Some(version) if version > known => Err(OpenError::Newer(format!(
                "{} was written by a newer version of this program (its layout is {version}, this one knows up \
                 to {known}): start the newer program, or choose another directory with --log local:DIR",
                self.path.display()
            ))),
            version => Ok(version),
        }
    }

    fn open(
        &self,
        faults: Option<Arc<Faults>>,
        migrations: &[Migration],
    ) -> std::result::Result<Store, OpenError> {
        let store = Store::open(&self.path, self.cache_bytes, faults).map_err(|error| self.error(&error))?;
        let version = store.read(|| {}, schema::version).map_err(|error| self.error(&error))?;
        let version = self.check(version, migrations)?;
        match version {
            Some(version) if version < newest(migrations) => {
                // The copy is made of a file that nobody has open, and that needs no repair.
                store.close();
                schema::keep_copy(&self.path, version)?;
                store.reopen().map_err(|error| self.error(&error))?;
                store
                    .write(|transaction| schema::migrate(transaction, version, migrations))
                    .map_err(|error| self.error(&error))?;
                tracing::info!(
                    file = %self.path.display(), from = version, to = newest(migrations),
                    "the log was changed to a newer layout; a copy of the old one is beside it"
                );
            }
            _ => {}
        }
        Ok(store)
    }

    /// What an error of the storage means to whoever opens it.
    fn error(&self, error: &Failure) -> OpenError {
        let path = self.path.display();
        match error {
            Failure::Storage(redb::Error::Io(error)) if is_full(error) => OpenError::Storage(format!(
                "cannot open {path}: the disk is full; make space, or choose another directory with --log local:DIR"
            )),
            Failure::Storage(redb::Error::Io(error)) if error.kind() == ErrorKind::PermissionDenied => {
                OpenError::NotUsable(format!(
                    "cannot open {path}: {error}; make it readable and writable for this user, or choose another \
                 directory with --log local:DIR"
                ))
            }
            Failure::Storage(redb::Error::Io(error))
                if !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
            {
                OpenError::NotUsable(format!(
                    "cannot open {path}: {error}; choose another directory with --log local:DIR"
                ))
            }
            error => OpenError::Broken(failure::broken(&self.path, error)),
        }
    }
}

fn make_log_file(log: &Store, id: u64, version: u64) -> Result<()> {
    log.write(|transaction| {
        transaction.open_table(ROWS)?;
        transaction.open_table(CHUNKS)?;
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_VERSION, version)?;
        meta.insert(META_ID, id)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use redb::{TableDefinition, WriteTransaction};

    use super::{super::stored, *};

    const GREETING: TableDefinition<&str, &str> = TableDefinition::new("greeting");

    fn greet(transaction: &WriteTransaction) -> Result<()> {
        transaction.open_table(GREETING)?.insert("hello", "world")?;
        Ok(())
    }

    fn fail(transaction: &WriteTransaction) -> Result<()> {
        greet(transaction)?;
        Err(Failure::corrupted("on purpose"))
    }

    /// A file of version 1.
    fn first(dir: &Path) -> OnDisk {
        let file = OnDisk::new(dir, LOG_FILE, LOG_CACHE);
        let store = file.open(None, &[]).unwrap();
        make_log_file(&store, 7, 1).unwrap();
        store.close();
        file
    }

    fn version_of(path: &Path) -> Option<u64> {
        schema::version(&ReadOnlyDatabase::open(path).unwrap().begin_read().unwrap()).unwrap()
    }

    #[test]
    fn a_file_is_copied_before_it_is_changed_to_a_newer_layout() {
        let dir = tempfile::tempdir().unwrap();
        let file = first(dir.path());
        let store = file.open(None, &[greet]).unwrap();
        let greeting = store.read(
            || {},
            |transaction| Ok(transaction.open_table(GREETING)?.get("hello")?.map(|g| g.value().to_owned())),
        );
        assert_eq!(greeting.unwrap().as_deref(), Some("world"));
        store.close();
        assert_eq!(version_of(&file.path), Some(2));
        let copy = dir.path().join("log.redb.v1");
        assert_eq!(version_of(&copy), Some(1), "the copy is the old file");
        // It is changed once.
        std::fs::remove_file(&copy).unwrap();
        file.open(None, &[greet]).unwrap().close();
        assert!(!copy.exists());
        // The older program refuses it now.
        assert!(matches!(file.look(&[]), Err(OpenError::Newer(_))));
    }

    #[test]
    fn chunks_of_the_first_layout_get_their_checksums() {
        let dir = tempfile::tempdir().unwrap();
        let file = first(dir.path());
        let store = file.open(None, &[]).unwrap();
        let write = |transaction: &WriteTransaction| {
            for key in [7, u64::MAX] {
                transaction.open_table(CHUNKS)?.insert(key, &b"records"[..])?;
            }
            Ok(())
        };
        store.write(write).unwrap();
        store.close();
        let store = file.open(None, MIGRATIONS).unwrap();
        let read = |transaction: &redb::ReadTransaction| {
            let chunks = transaction.open_table(CHUNKS)?;
            for key in [7, u64::MAX] {
                let value = chunks.get(key)?.expect("it was there");
                assert_eq!(stored::chunk(key, value.value())?, b"records");
            }
            Ok(())
        };
        store.read(|| {}, read).unwrap();
    }

    #[test]
    fn a_change_of_layout_that_fails_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = first(dir.path());
        let error = file.open(None, &[fail]).unwrap_err();
        assert!(error.to_string().contains("on purpose"), "{error}");
        assert_eq!(file.open(None, &[]).unwrap().read(|| {}, schema::version).unwrap(), Some(1));
    }

    #[test]
    fn no_layout_is_changed_where_no_copy_can_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = first(dir.path());
        std::fs::create_dir(dir.path().join("log.redb.v1")).unwrap();
        let error = file.open(None, &[greet]).unwrap_err();
        assert!(error.to_string().contains("cannot keep a copy"), "{error}");
        assert_eq!(version_of(&file.path), Some(1));
    }
}
