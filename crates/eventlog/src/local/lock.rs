//! One process at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use crate::OpenError;

/// The file that is locked; it holds the process id of whoever has the lock.
const NAME: &str = "log.lock";

/// Held as long as the log is open. The system takes it back from a process that dies.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the lock goes with the file")] File);

impl Lock {
    /// Takes the lock of `dir`, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let not_usable = |what: &str, error: std::io::Error| {
            OpenError::NotUsable(format!(
                "cannot {what} {}: {error}; make the directory writable for this user, or choose another one \
                 with --log local:DIR",
                path.display()
            ))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| not_usable("open", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(dir, &mut file)),
            Err(TryLockError::Error(error)) => return Err(not_usable("lock", error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map(|()| Self(file))
            .or_else(|error| {
                // On a full disk the id can't be written, but the lock is held all the same.
                if super::failure::is_full(&error) { Ok(()) } else { Err(not_usable("write", error)) }
                    .and_then(|()| File::open(&path).map_err(|error| not_usable("open", error)).map(Self))
            })
    }
}

fn in_use(dir: &Path, file: &mut File) -> OpenError {
    let mut text = String::new();
    // The holder may be between taking the lock and writing its id: then nobody is named.
    let holder = match file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    OpenError::InUse(format!(
        "the log in {} is in use by {holder}: stop it, or talk to it over HTTP, or choose another directory \
         with --log local:DIR",
        dir.display()
    ))
}
