//! The log file before it is open: whether it is what it should be, and the steps to the newest layout.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use redb::ReadTransaction;

use super::{
    failure::{self, Failure, Result},
    faults::Faults,
    schema::{self, CHUNKS, LOG_FILE, META, META_ID, META_VERSION, MIGRATIONS, Migration, ROWS, Row, newest},
    store::Store,
    stored,
    tail::Kept,
};
use crate::OpenError;

/// What redb may keep of the file in memory, in bytes.
const CACHE_BYTES: usize = 12 << 20;

/// How every redb file begins.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";

/// What the file knows of the topics, by number.
pub(super) type Rows = BTreeMap<u16, Row>;

/// What was seen in a file that is sound.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The log's id; `None` if nothing was written to the file yet.
    pub(super) id: Option<u64>,
    pub(super) version: Option<u64>,
    pub(super) rows: Rows,
}

pub(super) struct LogFile {
    pub(super) path: PathBuf,
}

impl LogFile {
    pub(super) fn new(dir: &Path) -> Self {
        Self { path: dir.join(LOG_FILE) }
    }

    /// Reads it and changes nothing: what has to be repaired after a crash is repaired in memory. `None`: there
    /// is no such file, or one that a first start made and nothing more. `topics` are those of the tail, if there
    /// is one. Every checksum of a file of at most `checked` bytes is compared.
    pub(super) fn look(
        &self,
        migrations: &[Migration],
        topics: Option<&[Kept]>,
        checked: u64,
    ) -> std::result::Result<Option<Seen>, OpenError> {
        let mut begin = Vec::new();
        let read = File::open(&self.path).and_then(|file| {
            let len = file.metadata()?.len();
            file.take(MAGIC.len() as u64).read_to_end(&mut begin).map(|_| len)
        });
        let len = match read {
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.error(&error.into())),
        };
        if is_blank(&begin) && topics.is_none() {
            return Ok(None);
        }
        if begin.len() < MAGIC.len() && MAGIC.starts_with(&begin) {
            return Err(OpenError::Broken(failure::broken(&self.path, &"its end was cut off")));
        }
        if begin != MAGIC {
            return Err(OpenError::Broken(format!(
                "{} is not a log: something else has been written to it; move it away, or choose another \
                 directory",
                self.path.display()
            )));
        }
        let seen = self.see(len <= checked).and_then(|seen| match seen.version {
            // A step to a newer layout puts checksums on what it finds.
            Some(version) if version < newest(migrations) && len > checked => self.see(true),
            _ => Ok(seen),
        });
        let seen = seen.map_err(|error| match error {
            error if error.is_lasting() => {
                let error = self.damage(migrations).unwrap_or(error);
                let name = |id: u16| topics?.get(usize::from(id)).map(|topic| topic.name.clone());
                OpenError::Broken(failure::broken(&self.path, &error.describe(name)))
            }
            error => self.error(&error),
        })?;
        self.check(seen.version, migrations)?;
        Ok(Some(seen))
    }

    fn see(&self, checks: bool) -> Result<Seen> {
        let open = if checks { Store::check } else { Store::open_to_read };
        open(&self.path, CACHE_BYTES)?.read(|| {}, see)
    }

    /// The first damaged chunk of a file that is not sound.
    fn damage(&self, migrations: &[Migration]) -> Option<Failure> {
        let look = |transaction: &ReadTransaction| {
            // Those of an older layout have no checksums.
            if schema::version(transaction)? != Some(newest(migrations)) {
                return Ok(());
            }
            for chunk in transaction.open_table(CHUNKS)?.range(0..)? {
                let (key, value) = chunk?;
                stored::chunk(key.value(), value.value())?;
            }
            Ok(())
        };
        let found = Store::open_to_read(&self.path, CACHE_BYTES).and_then(|store| store.read(|| {}, look));
        found.err().filter(|error| matches!(error, Failure::Damaged(_)))
    }

    fn check(&self, version: Option<u64>, migrations: &[Migration]) -> std::result::Result<(), OpenError> {
        let known = newest(migrations);
        match version {
            Some(version) if version > known => Err(OpenError::Newer(format!(
                "{} was written by a newer version of this program (its layout is {version}, this one knows up \
                 to {known}): start the newer program, or choose another directory",
                self.path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Opens it, made if it is missing, and takes it to the newest layout.
    pub(super) fn open(
        &self,
        faults: Option<Arc<Faults>>,
        migrations: &[Migration],
    ) -> std::result::Result<Store, OpenError> {
        self.clear_if_blank().map_err(|error| self.error(&error.into()))?;
        let store = Store::open(&self.path, CACHE_BYTES, faults).map_err(|error| self.error(&error))?;
        let version = store.read(|| {}, schema::version).map_err(|error| self.error(&error))?;
        self.check(version, migrations)?;
        match version {
            Some(version) if version < newest(migrations) => {
                // The copy is made of a file that nobody has open, and that needs no repair.
                store.close();
                schema::keep_copy(&self.path, version)?;
                store.reopen().map_err(|error| self.error(&error))?;
                store
                    .write(|transaction| schema::migrate(transaction, version, migrations))
                    .map_err(|error| self.error(&error))?;
                tracing::warn!(
                    file = %self.path.display(), from = version, to = newest(migrations),
                    "the log was changed to a newer layout; a copy of the old file is beside it, to be deleted when \
                     it is needed no more"
                );
            }
            _ => {}
        }
        Ok(store)
    }

    /// redb takes a file with nothing in it for a new one, and refuses one that it had begun to make.
    fn clear_if_blank(&self) -> std::io::Result<()> {
        let mut file = match OpenOptions::new().read(true).write(true).open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        let mut begin = Vec::new();
        (&mut file).take(MAGIC.len() as u64).read_to_end(&mut begin)?;
        if is_blank(&begin) { file.set_len(0) } else { Ok(()) }
    }

    /// Writes down which log it is that of.
    pub(super) fn make(&self, store: &Store, id: u64) -> std::result::Result<(), OpenError> {
        make(store, id, newest(MIGRATIONS)).map_err(|error| self.error(&error))
    }

    fn error(&self, error: &Failure) -> OpenError {
        failure::cannot_open(&self.path, error)
    }
}

/// Whether a file begins like one that a first start did not finish: redb writes its magic number last.
fn is_blank(begin: &[u8]) -> bool {
    begin.iter().all(|byte| *byte == 0)
}

fn see(transaction: &ReadTransaction) -> Result<Seen> {
    let (id, version) = (schema::id(transaction)?, schema::version(transaction)?);
    let mut seen = Seen { id, version, rows: Rows::new() };
    if id.is_some() {
        for row in transaction.open_table(ROWS)?.range(0..)? {
            let (topic, row) = row.map(|(topic, row)| (topic.value(), row.value()))?;
            let row = if version == Some(1) { Row::unchecked(row) } else { Row::decode(topic, row)? };
            seen.rows.insert(topic, row);
        }
    }
    Ok(seen)
}

fn make(store: &Store, id: u64, version: u64) -> Result<()> {
    store.write(|transaction| {
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
    use redb::{ReadOnlyDatabase, ReadableDatabase, TableDefinition, WriteTransaction};

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
    fn first(dir: &Path) -> LogFile {
        let file = LogFile::new(dir);
        let store = file.open(None, &[]).unwrap();
        make(&store, 7, 1).unwrap();
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
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&copy.metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600, "it holds the same names and notes");
        }
        // It is changed once.
        std::fs::remove_file(&copy).unwrap();
        file.open(None, &[greet]).unwrap().close();
        assert!(!copy.exists());
        // The older program refuses it now.
        assert!(matches!(file.look(&[], None, u64::MAX), Err(OpenError::Newer(_))));
    }

    #[test]
    fn chunks_and_rows_of_the_first_layout_get_their_checksums() {
        let dir = tempfile::tempdir().unwrap();
        let file = first(dir.path());
        let store = file.open(None, &[]).unwrap();
        let row = Row { start: 3, end: 7, ..Row::default() };
        let write = |transaction: &WriteTransaction| {
            for key in [7, u64::MAX] {
                transaction.open_table(CHUNKS)?.insert(key, &b"records"[..])?;
            }
            let [numbers @ .., _] = row.encode(5);
            let mut without = [0; 8];
            without[..7].copy_from_slice(&numbers);
            transaction.open_table(ROWS)?.insert(5, without)?;
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
            assert_eq!(schema::row(transaction, 5)?, row);
            Ok(())
        };
        store.read(|| {}, read).unwrap();
    }

    #[test]
    fn a_file_of_an_older_layout_is_checked_as_a_whole_however_large_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = first(dir.path());
        let store = file.open(None, &[]).unwrap();
        let write = |transaction: &WriteTransaction| {
            for key in 0..200 {
                transaction.open_table(CHUNKS)?.insert(key, &[0xaa; 100][..])?;
            }
            Ok(())
        };
        store.write(write).unwrap();
        store.close();
        assert!(file.look(MIGRATIONS, None, 0).is_ok());
        let mut bytes = std::fs::read(&file.path).unwrap();
        let damaged: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&[0xaa; 100])).collect();
        for at in damaged {
            bytes[at] = 0xab;
        }
        std::fs::write(&file.path, bytes).unwrap();
        assert!(matches!(file.look(MIGRATIONS, None, 0), Err(OpenError::Broken(_))));
    }

    #[test]
    fn a_first_start_that_was_killed_can_be_repeated() {
        for begun in [&b""[..], &[0; 5], &[0; 8192]] {
            let dir = tempfile::tempdir().unwrap();
            let file = LogFile::new(dir.path());
            std::fs::write(&file.path, begun).unwrap();
            assert!(file.look(MIGRATIONS, None, u64::MAX).unwrap().is_none());
            file.make(&file.open(None, MIGRATIONS).unwrap(), 7).unwrap();
            assert_eq!(file.look(MIGRATIONS, None, u64::MAX).unwrap().unwrap().id, Some(7));
        }
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
