//! A database that can be given up and opened again while others read from it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redb::{Builder, Database, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::{
    backend::Backend,
    contained::contained,
    doubt::Doubts,
    failure::{Failure, Result, is_removed},
    faults::Faults,
};

/// How often a failed read is tried again while the database is being reopened.
const READ_ATTEMPTS: u32 = 40;
/// How long it waits before each.
const READ_PAUSE: Duration = Duration::from_millis(50);

/// How often it is looked whether the last reader is done, before the file is closed without it.
const CLOSE_ATTEMPTS: u32 = 1000;
/// How long it waits before each.
const CLOSE_PAUSE: Duration = Duration::from_millis(1);

/// One redb file. One thread writes and reopens; any number read.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    cache_bytes: usize,
    doubts: Arc<Doubts>,
    faults: Option<Arc<Faults>>,
    open: RwLock<Option<Open>>,
    /// Counts how often it was opened.
    epoch: AtomicU64,
    /// A reader met an error that only a reopened database gets over.
    suspect: AtomicBool,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Open {
    database: Arc<Database>,
    severed: Arc<AtomicBool>,
    /// What is written to it goes nowhere.
    read_only: bool,
}

/// What a database is opened for.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// A file that is missing is made.
    Make,
    Write,
    /// Nothing reaches the file.
    Read,
    /// Nothing reaches the file, and all of it is checked.
    Check,
}

impl Drop for Store {
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // It is closed then, or was never to be written to: what goes wrong is no loss.
        let _ = contained(|| {
            drop(open);
            Ok(())
        });
    }
}

impl Store {
    pub(super) fn open(path: &Path, cache_bytes: usize, faults: Option<Arc<Faults>>) -> Result<Self> {
        let store = Self::unopened(path, cache_bytes, faults);
        store.open_as(Mode::Make)?;
        Ok(store)
    }

    /// The same, to be read only; its file is not changed.
    pub(super) fn open_to_read(path: &Path, cache_bytes: usize) -> Result<Self> {
        let store = Self::unopened(path, cache_bytes, None);
        store.open_as(Mode::Read)?;
        Ok(store)
    }

    /// The same, and all that is in the file is compared with its checksums.
    pub(super) fn check(path: &Path, cache_bytes: usize) -> Result<Self> {
        let store = Self::unopened(path, cache_bytes, None);
        store.open_as(Mode::Check)?;
        Ok(store)
    }

    fn unopened(path: &Path, cache_bytes: usize, faults: Option<Arc<Faults>>) -> Self {
        Self {
            path: path.to_owned(),
            cache_bytes,
            doubts: Arc::new(Doubts::of(path)),
            faults,
            open: RwLock::new(None),
            epoch: AtomicU64::new(0),
            suspect: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the database up and opens it again. Readers that are in the middle of it fail and try again.
    pub(super) fn reopen(&self) -> Result<()> {
        self.open_as(Mode::Write)
    }

    /// The same, so that it can be read while its file can't be written: what the opening has to repair it
    /// repairs in memory. It still needs to be reopened then.
    pub(super) fn reopen_to_read(&self) {
        if let Err(error) = self.open_as(Mode::Read) {
            tracing::warn!(file = %self.path.display(), %error, "the log can't be read either");
        }
    }

    fn open_as(&self, mode: Mode) -> Result<()> {
        let read_only = matches!(mode, Mode::Read | Mode::Check);
        let create = matches!(mode, Mode::Make);
        self.give_up();
        let mut slot = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let (backend, severed) =
            Backend::open(&self.path, self.doubts.clone(), self.faults.clone(), read_only, create)?;
        if !read_only {
            backend.settle()?;
        }
        let mut builder = Builder::new();
        builder.set_cache_size(self.cache_bytes).set_check_integrity_on_open(matches!(mode, Mode::Check));
        let database = contained(|| Ok(builder.create_with_backend(backend)?))?;
        *slot = Some(Open { database: Arc::new(database), severed, read_only });
        self.closed.store(false, Ordering::Release);
        self.suspect.store(false, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// It must be reopened before it is used.
    pub(super) fn suspect(&self) {
        self.suspect.store(true, Ordering::Release);
    }

    /// Forgets the database without writing anything more to its file.
    pub(super) fn give_up(&self) {
        let old = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(old) = old {
            // Before it is dropped: whoever drops the last handle, here or in a reader, would write to it.
            old.severed.store(true, Ordering::Release);
            // Of what goes wrong then nobody needs to know.
            let _ = contained(|| {
                drop(old);
                Ok(())
            });
        }
    }

    /// Closes the database so that the next open need not repair it.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let old = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Open { mut database, severed, read_only }) = old else { return };
        // Reads are short. One that is not must not close the file later, when it may be someone else's.
        for _ in 0..CLOSE_ATTEMPTS {
            match Arc::try_unwrap(database) {
                Ok(last) => {
                    severed.store(read_only, Ordering::Release);
                    if let Err(error) = contained(|| Ok(last.close()?)) {
                        tracing::warn!(
                            file = %self.path.display(), %error,
                            "the log was not closed cleanly; the next start repairs it"
                        );
                    }
                    return;
                }
                Err(shared) => database = shared,
            }
            std::thread::sleep(CLOSE_PAUSE);
        }
        severed.store(true, Ordering::Release);
    }

    /// Whether it must be reopened before it can be used.
    pub(super) fn needs_reopen(&self) -> bool {
        self.suspect.load(Ordering::Acquire)
            || self
                .open
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
                .is_none_or(|open| open.read_only)
    }

    /// Whether the database is still the one of that epoch.
    fn is_current(&self, epoch: u64) -> bool {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.is_some() && self.epoch.load(Ordering::Acquire) == epoch
    }

    /// Whether someone removed the file while it is open.
    pub(super) fn is_removed(&self) -> bool {
        is_removed(&self.path)
    }

    fn database(&self) -> Result<Arc<Database>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| open.database.clone()).ok_or_else(Failure::closed)
    }

    /// Changes something in one transaction, which leaves nothing to repair, however large the file is. Only for
    /// the one thread that owns the store.
    pub(super) fn write<T>(&self, change: impl FnOnce(&WriteTransaction) -> Result<T>) -> Result<T> {
        contained(|| {
            let mut transaction = self.begin_write()?;
            transaction.set_quick_repair(true);
            let value = change(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
    }

    fn begin_write(&self) -> Result<WriteTransaction> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        // What went to a file that can only be read would be lost.
        let open = open.as_ref().filter(|open| !open.read_only).ok_or_else(Failure::closed)?;
        Ok(open.database.begin_write()?)
    }

    /// Reads in one short transaction. While the database is being reopened it is tried again, for a while;
    /// `wake` tells the thread that owns the store to do it.
    pub(super) fn read<T>(&self, wake: impl Fn(), read: impl Fn(&ReadTransaction) -> Result<T>) -> Result<T> {
        let mut attempt = 0;
        loop {
            let epoch = self.epoch.load(Ordering::Acquire);
            let error = match self.read_once(&read) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            attempt += 1;
            // What is written wrongly reads no better the second time. Whoever read from a database that was
            // given up meanwhile may have met what its successor wrote.
            let lasting = error.is_lasting() && self.is_current(epoch);
            if attempt == READ_ATTEMPTS || lasting || self.closed.load(Ordering::Acquire) {
                return Err(error);
            }
            if self.epoch.load(Ordering::Acquire) == epoch {
                self.suspect();
                wake();
                std::thread::sleep(READ_PAUSE);
            }
        }
    }

    fn read_once<T>(&self, read: impl Fn(&ReadTransaction) -> Result<T>) -> Result<T> {
        contained(|| read(&self.database()?.begin_read()?))
    }
}

#[cfg(test)]
mod tests {
    use redb::TableDefinition;

    use super::*;

    const NUMBERS: TableDefinition<u64, u64> = TableDefinition::new("numbers");

    fn put(store: &Store, number: u64) {
        let insert = |transaction: &WriteTransaction| {
            transaction.open_table(NUMBERS)?.insert(number, number)?;
            Ok(())
        };
        store.write(insert).unwrap();
    }

    fn count(store: &Store) -> usize {
        store.read(|| {}, |transaction| Ok(transaction.open_table(NUMBERS)?.range(0..)?.count())).unwrap()
    }

    #[test]
    fn a_reader_that_outlives_its_database_does_not_write_over_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let store = Store::open(&path, 1 << 20, None).unwrap();
        put(&store, 0);
        let mut once = true;
        let once = std::sync::Mutex::new(&mut once);
        let _ = store.read(
            || {},
            |transaction| {
                // The read before it holds the first database until it ends.
                let first = transaction.open_table(NUMBERS)?;
                if std::mem::take(*once.lock().unwrap()) {
                    store.reopen()?;
                    for number in 1..100 {
                        put(&store, number);
                    }
                }
                Ok(first.get(0)?.map(|n| n.value()))
            },
        );
        // As after a crash, with the file as it is now.
        std::mem::forget(store);
        assert_eq!(count(&Store::open(&path, 1 << 20, None).unwrap()), 100);
    }

    #[test]
    fn damage_under_an_open_database_is_an_error_and_no_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let store = Store::open(&path, 0, None).unwrap();
        let fill = |transaction: &WriteTransaction| {
            let mut numbers = transaction.open_table(NUMBERS)?;
            (0..2000).try_for_each(|number| numbers.insert(number, number).map(drop).map_err(Failure::from))
        };
        store.write(fill).unwrap();
        store.close();
        let sound = std::fs::read(&path).unwrap();
        let mut failed = 0;
        for page in 0..sound.len() / 4096 {
            std::fs::write(&path, &sound).unwrap();
            let Ok(store) = Store::open(&path, 0, None) else { panic!("it is sound") };
            let mut damaged = sound.clone();
            // What a page is, how much it has, and where that begins.
            damaged[page * 4096..page * 4096 + 24].fill(0xa5);
            std::fs::write(&path, damaged).unwrap();
            let read = store.read_once(|transaction| {
                let numbers = transaction.open_table(NUMBERS)?;
                numbers.range(0..)?.try_for_each(|number| number.map(drop).map_err(Failure::from))
            });
            let written = store.write(|transaction| {
                transaction.open_table(NUMBERS)?.retain(|number, _| number % 3 > 0).map_err(Failure::from)
            });
            failed += usize::from(read.is_err() || written.is_err());
            store.give_up();
        }
        assert!(failed > 5, "the damage was met {failed} times");
    }

    #[test]
    fn a_reader_waits_for_a_reopen_also_after_a_close() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("file"), 1 << 20, None).unwrap();
        put(&store, 1);
        // As before a change of the layout.
        store.close();
        store.reopen().unwrap();
        store.give_up();
        let wake = || store.reopen().unwrap();
        let count = store.read(wake, |transaction| Ok(transaction.open_table(NUMBERS)?.range(0..)?.count()));
        assert_eq!(count.unwrap(), 1);
    }

    #[test]
    fn a_file_that_is_open_to_be_read_takes_no_writes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let store = Store::open(&path, 1 << 20, None).unwrap();
        put(&store, 1);
        store.give_up();
        let before = std::fs::read(&path).unwrap();
        store.reopen_to_read();
        assert_eq!(count(&store), 1, "it can be read");
        assert!(store.needs_reopen() && store.write(|_| Ok(())).is_err());
        assert!(std::fs::read(&path).unwrap() == before, "nothing was written");
        store.reopen().unwrap();
        put(&store, 2);
        assert_eq!(count(&store), 2);
    }
}
