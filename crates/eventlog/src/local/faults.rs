//! Faults on demand, for tests: a full or broken disk, a slow one, and power that goes away.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fs::File,
    io::{Error, ErrorKind, Result},
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::lock_of;

/// What a disk remembers between two syncs, in bytes: one power loss keeps or drops each as a whole.
const BLOCK: usize = 4096;

/// How writes fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteFault {
    /// They do not.
    #[default]
    None,
    /// There is no space for anything.
    Full,
    /// There is space for half of what is written.
    Short,
    /// The device reports an error.
    Broken,
    /// There is no space for the next write; then all is well.
    OneWrite,
    /// The next sync reports an error after everything was written; then all is well.
    OneSync,
    /// The same for every sync.
    EverySync,
    /// The same for the next sync of the directory alone.
    OneNameSync,
}

/// Makes the files of a log fail. Given to [`super::Options::faults`]; shared by all files of the log.
#[derive(Debug)]
pub struct Faults {
    write: Mutex<WriteFault>,
    /// No byte may be written at or after this offset of a file.
    quota_bytes: AtomicU64,
    stalled: Mutex<bool>,
    resumed: Condvar,
    off: AtomicBool,
    /// What is not durable, by file; only when power loss is simulated.
    unsynced: Option<Mutex<BTreeMap<u64, Unsynced>>>,
    /// What was done to the names of files since they were last synced.
    names: Mutex<Vec<Named>>,
}

/// A change of the directory.
#[derive(Debug)]
enum Named {
    Renamed { from: PathBuf, to: PathBuf },
    Removed { path: PathBuf, content: Vec<u8> },
}

impl Named {
    /// As if it had never reached the disk.
    fn undo(&self) {
        // A test that can't undo something fails by what it reads.
        let _ = match self {
            Self::Renamed { from, to } => std::fs::rename(to, from),
            Self::Removed { path, content } => std::fs::write(path, content),
        };
    }
}

#[derive(Debug)]
struct Unsynced {
    file: File,
    /// How long the file is for certain.
    len: u64,
    /// By number: what each block may be after a loss of power besides what it is now. Oldest first.
    blocks: BTreeMap<u64, Vec<Box<[u8; BLOCK]>>>,
    /// Those that the next sync writes. After one that failed the system takes them for written, as Linux does:
    /// only what is written again becomes durable.
    dirty: BTreeSet<u64>,
}

impl Unsynced {
    fn of(file: &File) -> Result<Self> {
        Ok(Self {
            file: file.try_clone()?,
            len: file.metadata()?.len(),
            blocks: BTreeMap::new(),
            dirty: BTreeSet::new(),
        })
    }

    fn before_write(&mut self, offset: u64, len: usize) {
        let end = offset + len as u64;
        for number in offset / BLOCK as u64..end.div_ceil(BLOCK as u64) {
            let mut before = Box::new([0; BLOCK]);
            // What is beyond the end of the file was nothing.
            let _ = read_up_to(&self.file, number * BLOCK as u64, &mut before[..]);
            self.blocks.entry(number).or_default().push(before);
            self.dirty.insert(number);
        }
    }

    fn synced(&mut self) -> Result<()> {
        for number in std::mem::take(&mut self.dirty) {
            self.blocks.remove(&number);
        }
        self.len = self.file.metadata()?.len();
        Ok(())
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            write: Mutex::default(),
            quota_bytes: AtomicU64::new(u64::MAX),
            stalled: Mutex::new(false),
            resumed: Condvar::new(),
            off: AtomicBool::new(false),
            unsynced: None,
            names: Mutex::default(),
        }
    }
}

impl Faults {
    /// The same, and it remembers what was not synced, so that [`Faults::lose_power`] can take it back.
    pub fn with_power_loss() -> Self {
        Self { unsynced: Some(Mutex::default()), ..Self::default() }
    }

    /// From now on writes fail like this.
    pub fn fail_writes(&self, fault: WriteFault) {
        *lock_of(&self.write) = fault;
    }

    /// No file may have more bytes than this.
    pub fn set_quota(&self, bytes: u64) {
        self.quota_bytes.store(bytes, Ordering::Release);
    }

    /// Writes wait until [`Faults::resume`].
    pub fn stall(&self) {
        *lock_of(&self.stalled) = true;
    }

    /// Writes go on.
    pub fn resume(&self) {
        *lock_of(&self.stalled) = false;
        self.resumed.notify_all();
    }

    /// Nothing is read or written any more; what is not durable is partly lost: each block as the toss of a coin
    /// says that `seed` determines. Call [`Faults::power_on`] before the log is opened again.
    pub fn lose_power(&self, mut seed: u64) {
        self.off.store(true, Ordering::Release);
        self.resume();
        let Some(unsynced) = &self.unsynced else { return };
        // xorshift64: any generator would do, and a test must be able to repeat it.
        let mut toss = |sides: u64| {
            seed = seed.max(1);
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % sides
        };
        for lost in std::mem::take(&mut *lock_of(unsynced)).into_values() {
            for (number, versions) in &lost.blocks {
                let kept = toss(versions.len() as u64 + 1);
                if let Some(block) = usize::try_from(kept).ok().and_then(|kept| versions.get(kept)) {
                    put_back(&lost.file, number * BLOCK as u64, &block[..]);
                }
            }
            // What was never there before reads as nothing: redb asks the length of the file at open.
            if toss(2) == 0 {
                let _ = lost.file.set_len(lost.len.max(1));
            }
        }
        // Changes of a directory reach the disk in their order.
        let mut names = lock_of(&self.names);
        let kept = toss(names.len() as u64 + 1);
        for lost in names.drain(usize::try_from(kept).unwrap_or(usize::MAX)..).rev() {
            lost.undo();
        }
        names.clear();
    }

    /// The files can be used again.
    pub fn power_on(&self) {
        self.off.store(false, Ordering::Release);
    }

    pub(super) fn is_off(&self) -> bool {
        self.off.load(Ordering::Acquire)
    }

    /// What of `data` is written, and how the write fails after it.
    pub(super) fn before_write<'a>(
        &self,
        file: &File,
        offset: u64,
        data: &'a [u8],
    ) -> Result<(&'a [u8], Option<Error>)> {
        let mut stalled = lock_of(&self.stalled);
        while *stalled {
            stalled = self.resumed.wait(stalled).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        drop(stalled);
        self.check_power()?;
        let full = || Some(Error::from(ErrorKind::StorageFull));
        let quota = self.quota_bytes.load(Ordering::Acquire);
        let room = usize::try_from(quota.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut fault = lock_of(&self.write);
        let (part, failure) = match *fault {
            WriteFault::OneWrite => {
                *fault = WriteFault::None;
                (&data[..0], full())
            }
            WriteFault::Full => (&data[..0], full()),
            WriteFault::Short => (&data[..data.len() / 2], full()),
            WriteFault::Broken => (&data[..0], Some(Error::other("the device reported an error"))),
            WriteFault::None if room < data.len() => (&data[..room], full()),
            WriteFault::None | WriteFault::OneSync | WriteFault::EverySync | WriteFault::OneNameSync => {
                (data, None)
            }
        };
        drop(fault);
        self.remember(file, Some((offset, part.len())))?;
        Ok((part, failure))
    }

    pub(super) fn before_set_len(&self, file: &File) -> Result<()> {
        self.remember(file, None)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut names = lock_of(&self.names);
        self.check_power()?;
        std::fs::rename(from, to)?;
        if self.unsynced.is_some() {
            names.push(Named::Renamed { from: from.to_owned(), to: to.to_owned() });
        }
        Ok(())
    }

    pub(super) fn remove(&self, path: &Path) -> Result<()> {
        let mut names = lock_of(&self.names);
        self.check_power()?;
        if self.unsynced.is_some() {
            names.push(Named::Removed { path: path.to_owned(), content: std::fs::read(path)? });
        }
        std::fs::remove_file(path)
    }

    /// Whether a sync of the directory succeeds.
    pub(super) fn before_sync_names(&self) -> Result<()> {
        let mut names = lock_of(&self.names);
        self.check_power()?;
        self.fail_sync(WriteFault::OneNameSync)?;
        names.clear();
        Ok(())
    }

    /// How a sync ends that `one` lets fail once.
    fn fail_sync(&self, one: WriteFault) -> Result<()> {
        let mut fault = lock_of(&self.write);
        let fails = *fault == one || matches!(*fault, WriteFault::Broken | WriteFault::EverySync);
        if *fault == one {
            *fault = WriteFault::None;
        }
        if fails { Err(Error::other("the device reported an error")) } else { Ok(()) }
    }

    /// Whether the sync succeeds.
    pub(super) fn before_sync(&self, file: &File) -> Result<()> {
        let mut unsynced = self.unsynced.as_ref().map(lock_of);
        self.check_power()?;
        let outcome = self.fail_sync(WriteFault::OneSync);
        if let Some(unsynced) = &mut unsynced
            && let Some(of_file) = unsynced.get_mut(&identity(file)?)
        {
            if outcome.is_err() {
                of_file.dirty.clear();
            } else {
                of_file.synced()?;
            }
        }
        outcome
    }

    fn remember(&self, file: &File, write: Option<(u64, usize)>) -> Result<()> {
        let Some(unsynced) = &self.unsynced else { return Ok(()) };
        let mut unsynced = lock_of(unsynced);
        self.check_power()?;
        let of_file = match unsynced.entry(identity(file)?) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Unsynced::of(file)?),
        };
        if let Some((offset, len)) = write {
            of_file.before_write(offset, len);
        }
        Ok(())
    }

    /// Asked with `unsynced` locked, as the loss of power locks it: nothing is remembered and nothing becomes
    /// durable after that.
    fn check_power(&self) -> Result<()> {
        if self.is_off() { Err(ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

#[cfg(unix)]
fn identity(file: &File) -> Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::ino(&file.metadata()?))
}

#[cfg(unix)]
fn read_up_to(file: &File, offset: u64, out: &mut [u8]) -> Result<()> {
    let mut at = 0;
    while at < out.len() {
        match std::os::unix::fs::FileExt::read_at(file, &mut out[at..], offset + at as u64)? {
            0 => break,
            read => at += read,
        }
    }
    Ok(())
}

#[cfg(unix)]
fn put_back(file: &File, offset: u64, block: &[u8]) {
    // A test that can't undo a write fails by what it reads.
    let _ = std::os::unix::fs::FileExt::write_all_at(file, block, offset);
}

#[cfg(windows)]
fn identity(_: &File) -> Result<u64> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(windows)]
fn read_up_to(_: &File, _: u64, _: &mut [u8]) -> Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(windows)]
fn put_back(_: &File, _: u64, _: &[u8]) {}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::sync::Arc;

    use redb::StorageBackend;

    use super::{
        super::{backend::Backend, doubt::Doubts},
        *,
    };

    /// What the two blocks of a file may be after `story` and a loss of power.
    fn outcomes(story: impl Fn(&Backend, &Faults)) -> BTreeSet<[u8; 2]> {
        let mut outcomes = BTreeSet::new();
        for seed in 1..100 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            let faults = Arc::new(Faults::with_power_loss());
            let (file, _) =
                Backend::open(&path, Arc::new(Doubts::of(&path)), Some(faults.clone()), false, true).unwrap();
            write(&file, 0, b'a');
            write(&file, 1, b'a');
            file.sync_data().unwrap();
            story(&file, &faults);
            faults.lose_power(seed);
            let bytes = std::fs::read(&path).unwrap();
            outcomes.insert([bytes[0], bytes[BLOCK]]);
        }
        outcomes
    }

    fn write(file: &Backend, block: usize, byte: u8) {
        file.write((block * BLOCK) as u64, &[byte; BLOCK]).unwrap();
    }

    #[test]
    fn what_was_not_synced_is_lost_or_not() {
        let outcomes = outcomes(|file, _| write(file, 0, b'b'));
        assert_eq!(outcomes, BTreeSet::from([*b"aa", *b"ba"]));
    }

    #[test]
    fn what_was_synced_is_kept() {
        let outcomes = outcomes(|file, _| {
            write(file, 0, b'b');
            file.sync_data().unwrap();
        });
        assert_eq!(outcomes, BTreeSet::from([*b"ba"]));
    }

    #[test]
    fn after_a_failed_sync_only_what_is_written_again_becomes_durable() {
        let outcomes = outcomes(|file, faults| {
            write(file, 0, b'b');
            write(file, 1, b'b');
            faults.fail_writes(WriteFault::OneSync);
            file.sync_data().unwrap_err();
            write(file, 1, b'c');
            file.sync_data().unwrap();
        });
        assert_eq!(outcomes, BTreeSet::from([*b"ac", *b"bc"]));
    }

    #[test]
    fn nothing_becomes_durable_after_the_power_went() {
        let dir = tempfile::tempdir().unwrap();
        let file = File::create(dir.path().join("file")).unwrap();
        let faults = Faults::with_power_loss();
        faults.lose_power(1);
        // As if they had looked a moment earlier whether there is power.
        faults.before_sync(&file).unwrap_err();
        faults.remember(&file, Some((0, 1))).unwrap_err();
        faults.power_on();
        faults.before_sync(&file).unwrap();
    }
}
