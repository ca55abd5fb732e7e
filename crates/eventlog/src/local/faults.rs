//! Faults on demand, for tests: a full or broken disk, a slow one, and power that goes away.

use std::{
    collections::HashMap,
    fs::File,
    io::{Error, ErrorKind, Result},
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
    /// What was written since the last sync, by file; only when power loss is simulated.
    unsynced: Option<Mutex<HashMap<u64, Unsynced>>>,
}

#[derive(Debug)]
struct Unsynced {
    file: File,
    len: u64,
    /// Place and what stood there before, oldest first.
    undo: Vec<(u64, Vec<u8>)>,
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

    /// Nothing is read or written any more; what was written since the last sync is partly lost: each block
    /// by the toss of a coin that `seed` determines. Call [`Faults::power_on`] before the log is opened again.
    pub fn lose_power(&self, mut seed: u64) {
        self.off.store(true, Ordering::Release);
        self.resume();
        let Some(unsynced) = &self.unsynced else { return };
        for (_, lost) in lock_of(unsynced).drain() {
            for (offset, before) in lost.undo.iter().rev() {
                for (number, block) in before.chunks(BLOCK).enumerate() {
                    // xorshift64: any generator would do, and a test must be able to repeat it.
                    seed = seed.max(1);
                    seed ^= seed << 13;
                    seed ^= seed >> 7;
                    seed ^= seed << 17;
                    if !seed.is_multiple_of(3) {
                        put_back(&lost.file, offset + (number * BLOCK) as u64, block);
                    }
                }
            }
            // What was never there before reads as nothing: redb asks the length of the file at open.
            if seed.is_multiple_of(2) {
                let _ = lost.file.set_len(lost.len.max(1));
            }
        }
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
        if self.is_off() {
            return Err(ErrorKind::BrokenPipe.into());
        }
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
            WriteFault::None | WriteFault::OneSync => (data, None),
        };
        drop(fault);
        self.remember(file, Some((offset, part.len())))?;
        Ok((part, failure))
    }

    pub(super) fn before_set_len(&self, file: &File) -> Result<()> {
        self.remember(file, None)
    }

    pub(super) fn before_sync(&self, file: &File) -> Result<()> {
        if let Some(unsynced) = &self.unsynced {
            lock_of(unsynced).remove(&identity(file)?);
        }
        let mut fault = lock_of(&self.write);
        match *fault {
            WriteFault::Broken => Err(Error::other("the device reported an error")),
            WriteFault::OneSync => {
                *fault = WriteFault::None;
                Err(Error::other("the device reported an error"))
            }
            _ => Ok(()),
        }
    }

    fn remember(&self, file: &File, write: Option<(u64, usize)>) -> Result<()> {
        let Some(unsynced) = &self.unsynced else { return Ok(()) };
        let mut unsynced = lock_of(unsynced);
        let entry = match unsynced.entry(identity(file)?) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Unsynced {
                file: file.try_clone()?,
                len: file.metadata()?.len(),
                undo: Vec::new(),
            }),
        };
        if let Some((offset, len)) = write {
            let mut before = vec![0; len];
            // What is beyond the end of the file was nothing.
            let _ = read_up_to(file, offset, &mut before);
            entry.undo.push((offset, before));
        }
        Ok(())
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
