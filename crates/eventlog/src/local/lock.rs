//! One process at a time.

use std::{
    fs::{File, TryLockError},
    io::{Error, ErrorKind, Seek, Write},
    path::Path,
    time::Duration,
};

use super::private;
use crate::OpenError;

/// The file that is locked; it holds the process id of whoever has the lock, and below it where that process can be asked.
pub(super) const NAME: &str = "log.lock";

/// How often a lock that someone has is tried again, and how long after.
const LOOKS: u32 = 5;
const LOOK: Duration = Duration::from_millis(20);

/// Held as long as the log is open. The system takes it back from a process that dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// `None` where a directory can't be locked.
    #[expect(dead_code, reason = "the lock goes with the file")]
    dir: Option<File>,
}

impl Lock {
    /// Takes the lock of `dir`, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        Self::take_and(dir, |file| sign(file, None))
    }

    /// Writes down where whoever has the lock can be asked. On a full disk that can't be, and nobody is worse off.
    pub(super) fn say_address(&self, address: &str) -> std::io::Result<()> {
        sign(&self.file, Some(address))
    }

    fn take_and(dir: &Path, sign: impl Fn(&File) -> std::io::Result<()>) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let not_usable = |what: &str, error: Error| not_usable(what, &path, &error);
        let file = private::file()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| not_usable("open", error))?;
        match try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(dir)),
            Err(TryLockError::Error(error)) => return Err(not_usable("lock", error)),
        }
        // Someone may have deleted the file of a process that still runs; the directory is the same all the
        // while.
        let locked_dir = File::open(dir).ok();
        if let Some(Err(TryLockError::WouldBlock)) = locked_dir.as_ref().map(try_lock) {
            return Err(in_use(dir));
        }
        match sign(&file) {
            // On a full disk the id can't be written, but the lock is held all the same.
            Err(error) if !super::failure::is_full(&error) => Err(not_usable("write", error)),
            _ => Ok(Self { file, dir: locked_dir }),
        }
    }
}

/// Locks it. Whoever only looks who has the lock has it for a moment, too.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            done => return done,
        }
    }
    file.try_lock()
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Who comes next is not to read the id of a process that is gone. If that fails it may.
        let _ = self.file.set_len(0);
    }
}

/// Who has a lock: the process, if that can be told.
#[derive(Debug)]
pub(super) struct Holder(pub(super) Option<u32>);

/// Who has the lock of `dir`, if someone has. It is looked at with a shared lock, for a moment.
pub(super) fn holder(dir: &Path) -> Result<Option<Holder>, OpenError> {
    let path = dir.join(NAME);
    for place in [&path, dir] {
        let file = match File::open(place) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            // Not every system opens directories.
            Err(_) if place == dir => continue,
            Err(error) => return Err(not_usable("open", &path, &error)),
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Ok(Some(Holder(process(&path)))),
            Err(TryLockError::Error(error)) if place != dir => return Err(not_usable("lock", &path, &error)),
            _ => {}
        }
    }
    Ok(None)
}

/// The process that has signed. It may be between taking the lock and writing its id: then nobody is named.
fn process(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}

/// Where whoever has the lock of `dir` can be asked, if someone has it and has said so.
pub(super) fn address(dir: &Path) -> Option<String> {
    holder(dir).ok()??;
    signed_address(&dir.join(NAME))
}

fn signed_address(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()?.lines().nth(1).map(str::to_owned)
}

fn not_usable(what: &str, path: &Path, error: &Error) -> OpenError {
    OpenError::NotUsable(format!(
        "cannot {what} {}: {error}; make the directory writable for this user, or choose another directory",
        path.display()
    ))
}

/// Writes down who has the lock, and where it can be asked.
fn sign(mut file: &File, address: Option<&str>) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let address = address.map(|address| format!("{address}\n")).unwrap_or_default();
    file.write_all(format!("{}\n{address}", std::process::id()).as_bytes())
}

fn in_use(dir: &Path) -> OpenError {
    let path = dir.join(NAME);
    let holder =
        process(&path).map_or_else(|| "another process".to_owned(), |process| format!("process {process}"));
    let address = signed_address(&path).map(|address| format!(" at {address}")).unwrap_or_default();
    OpenError::InUse(format!(
        "the log in {} is in use by {holder}: stop it, or talk to it over HTTP{address}, or choose another directory",
        dir.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_full_disk_the_lock_is_held_all_the_same() {
        for full in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let dir = tempfile::tempdir().unwrap();
            let held = Lock::take_and(dir.path(), |_| Err(full.into())).unwrap();
            assert!(matches!(Lock::take(dir.path()), Err(OpenError::InUse(_))), "nobody else gets it");
            drop(held);
            Lock::take(dir.path()).expect("it was given back");
        }
    }

    #[test]
    fn whoever_only_looks_keeps_nobody_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        drop(Lock::take(dir.path()).unwrap());
        assert_eq!(process(&dir.path().join(NAME)), None, "its holder has gone");
        let looking = File::open(dir.path().join(NAME)).unwrap();
        looking.try_lock_shared().unwrap();
        std::thread::scope(|scope| {
            let starting = scope.spawn(|| Lock::take(dir.path()));
            // It has been refused once by then, or was not there yet: both must end well.
            std::thread::yield_now();
            drop(looking);
            starting.join().unwrap().expect("the look has ended");
        });
    }

    #[test]
    fn a_lock_that_cannot_be_signed_for_another_reason_is_refused_and_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let error = Lock::take_and(dir.path(), |_| Err(ErrorKind::PermissionDenied.into())).unwrap_err();
        assert!(matches!(error, OpenError::NotUsable(_)), "{error:?}");
        Lock::take(dir.path()).expect("nobody has it");
    }
}
