//! Opening: the directory, the lock, the two files, and whether they are what they should be.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
};

use redb::{ReadOnlyDatabase, ReadableDatabase, ReadableTable};

use super::{
    LocalLog, Options, Running,
    failure::{Failure, Result, is_full},
    faults::Faults,
    janitor::Janitor,
    lock::Lock,
    schema::{
        self, CHUNKS, GROUPS, HEADS, LOG_FILE, MAX_TOPICS, META, META_BYTES, META_COMMIT, META_ID,
        META_VERSION, MIGRATIONS, Migration, ROWS, TAIL_FILE, TOPICS, newest,
    },
    shared::{Guard, Head, Shared, TopicInfo},
    store::Store,
    writer::Writer,
};
use crate::{Millis, OpenError};

/// What redb may keep of each file in memory, in bytes.
const TAIL_CACHE: usize = 20 << 20;
const LOG_CACHE: usize = 12 << 20;

/// How every redb file begins.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

pub(super) fn open(options: Options) -> std::result::Result<Arc<LocalLog>, OpenError> {
    let Options { dir, topics, clock, thresholds, faults } = options;
    make_dir(&dir)?;
    let lock = Lock::take(&dir)?;
    let tail = OnDisk::new(&dir, TAIL_FILE, TAIL_CACHE);
    let log = OnDisk::new(&dir, LOG_FILE, LOG_CACHE);
    for file in [&tail, &log] {
        file.look(MIGRATIONS)?;
    }
    if tail.exists() != log.exists() {
        let (there, missing) = if tail.exists() { (&tail, &log) } else { (&log, &tail) };
        return Err(OpenError::Broken(format!(
            "{} is there, but {} is missing: a log needs both; bring it back from where it went, or choose \
             another directory with --log local:DIR",
            there.path.display(),
            missing.path.display()
        )));
    }
    let tail_store = tail.open(faults.clone(), MIGRATIONS)?;
    let log_store = log.open(faults, MIGRATIONS)?;
    let prepared = prepare(&tail_store, &log_store, &topics).map_err(|error| match error {
        Unprepared::Tail(error) => tail.error(&error),
        Unprepared::Log(error) => log.error(&error),
        Unprepared::Unlike(what) => OpenError::Broken(format!(
            "the files in {} don't belong together: {TAIL_FILE} and {LOG_FILE} are of {what}; bring both back \
             from the same copy, or choose another directory with --log local:DIR",
            dir.display()
        )),
    })?;
    let Prepared { topics, heads, commits, tail_bytes } = prepared;
    sync_dir(&dir);
    let shared = Arc::new(Shared::new(topics, tail_store, log_store, clock, thresholds, heads, tail_bytes));
    let (ask, asked) = mpsc::channel();
    let writer = Writer::new(shared.clone(), commits);
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

/// One of the two files, before it is open.
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
    /// repaired before it can be read.
    fn look(&self, migrations: &[Migration]) -> std::result::Result<(), OpenError> {
        let mut begin = Vec::new();
        match File::open(&self.path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut begin)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.error(&error.into())),
        }
        if begin.is_empty() {
            return Ok(());
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
            Ok(version) => self.check(version, migrations).map(|_| ()),
            // Whether it is broken shows when it is repaired.
            Err(_) => Ok(()),
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
                let transaction = store.write().map_err(|error| self.error(&error))?;
                schema::migrate(transaction, version, migrations).map_err(|error| self.error(&error))?;
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
        match error.inner() {
            redb::Error::Io(error) if is_full(error) => OpenError::Storage(format!(
                "cannot open {path}: the disk is full; make space, or choose another directory with --log local:DIR"
            )),
            redb::Error::Io(error) if error.kind() == ErrorKind::PermissionDenied => {
                OpenError::NotUsable(format!(
                    "cannot open {path}: {error}; make it readable and writable for this user, or choose another \
                 directory with --log local:DIR"
                ))
            }
            redb::Error::Io(error)
                if !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
            {
                OpenError::NotUsable(format!(
                    "cannot open {path}: {error}; choose another directory with --log local:DIR"
                ))
            }
            error => OpenError::Broken(format!(
                "{path} is broken: {error}; bring {TAIL_FILE} and {LOG_FILE} back from a copy, or choose another \
                 directory with --log local:DIR"
            )),
        }
    }
}

struct Prepared {
    topics: Vec<TopicInfo>,
    heads: Vec<Head>,
    commits: u64,
    tail_bytes: u64,
}

/// Why a log can't be prepared.
enum Unprepared {
    Tail(Failure),
    Log(Failure),
    /// The two files are of different ones of these.
    Unlike(&'static str),
}

impl<E> From<E> for Unprepared
where
    Failure: From<E>,
{
    fn from(error: E) -> Self {
        Self::Tail(error.into())
    }
}

/// Makes what is missing in the files.
fn prepare(
    tail: &Store,
    log: &Store,
    specs: &[crate::TopicSpec],
) -> std::result::Result<Prepared, Unprepared> {
    let transaction = tail.write()?;
    let known = schema::meta(&transaction, META_ID)?;
    let new = known.is_none();
    let id = known.unwrap_or_else(schema::new_id);
    let log_id = log
        .read(
            || {},
            |transaction| match transaction.open_table(META) {
                Ok(meta) => Ok(meta.get(META_ID)?.map(|id| id.value())),
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(error.into()),
            },
        )
        .map_err(Unprepared::Log)?;
    if log_id.is_some_and(|log_id| !new && log_id != id) {
        return Err(Unprepared::Unlike("different logs"));
    }
    // The tail is written last: only with it is the log made.
    if new || log_id.is_none() {
        make_log_file(log, id).map_err(Unprepared::Log)?;
    }
    let mut topics = Vec::new();
    let mut heads = Vec::new();
    let commits;
    let tail_bytes;
    let mut changed = new;
    {
        let mut names = transaction.open_table(TOPICS)?;
        let mut count = u16::try_from(redb::ReadableTableMetadata::len(&names)?).unwrap_or(u16::MAX);
        for spec in specs {
            let known = names.get(spec.name)?.map(|id| id.value());
            let id = match known {
                Some(id) => id,
                None if count >= MAX_TOPICS => {
                    return Err(Failure::corrupted(format!("a log has at most {MAX_TOPICS} topics")).into());
                }
                None => {
                    names.insert(spec.name, count)?;
                    count += 1;
                    changed = true;
                    count - 1
                }
            };
            topics.push(TopicInfo { spec: *spec, id });
        }
        let table = transaction.open_table(HEADS)?;
        for topic in &topics {
            let head = table.get(topic.id)?.map(|head| head.value());
            let (end, moved, time) = head.unwrap_or((0, 0, Millis::MIN));
            heads.push(Head { start: 0, moved, end, time });
        }
        transaction.open_table(GROUPS)?;
        transaction.open_table(CHUNKS)?;
        let mut meta = transaction.open_table(META)?;
        commits = meta.get(META_COMMIT)?.map_or(0, |n| n.value());
        tail_bytes = meta.get(META_BYTES)?.map_or(0, |n| n.value());
        if changed {
            meta.insert(META_VERSION, schema::VERSION)?;
            meta.insert(META_ID, id)?;
        }
    }
    if changed {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    for (topic, head) in topics.iter().zip(&mut heads) {
        let row =
            log.read(|| {}, |transaction| schema::row(transaction, topic.id)).map_err(Unprepared::Log)?;
        // The log file has what was moved, and nothing that was not in the tail first. An older tail would give
        // offsets away a second time that were acknowledged.
        if row.end < head.moved || row.end > head.end {
            return Err(Unprepared::Unlike("different times"));
        }
        head.start = row.start;
    }
    Ok(Prepared { topics, heads, commits, tail_bytes })
}

fn make_log_file(log: &Store, id: u64) -> Result<()> {
    let mut transaction = log.write()?;
    transaction.set_quick_repair(true);
    transaction.open_table(ROWS)?;
    transaction.open_table(CHUNKS)?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_VERSION, schema::VERSION)?;
        meta.insert(META_ID, id)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use redb::{TableDefinition, WriteTransaction};

    use super::*;

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
        make_log_file(&store, 7).unwrap();
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
