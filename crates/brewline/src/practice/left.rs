//! What practices that were killed left behind: temporary directories, which the next practice removes.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use eventlog::local;

use super::stage::FILE;

/// How the name of each of them begins.
pub(super) const PREFIX: &str = "brewline-practice-";
/// In each of them; locked as long as whoever made it lives.
const LOCK: &str = "practice.lock";
/// So many are looked at, at most.
const LOOKED_AT: usize = 1_000;

/// Says, for as long as the file is open, that somebody practises in this directory.
pub(super) fn hold(dir: &Path) -> io::Result<File> {
    let file = File::create_new(dir.join(LOCK))?;
    file.try_lock()?;
    Ok(file)
}

/// Removes those within this directory that nobody holds any more. What can't be removed is left to the next one.
pub(super) fn remove(within: &Path) {
    let entries = fs::read_dir(within).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for dir in named.take(LOOKED_AT).map(|entry| entry.path()) {
        // What was taken is held until it is gone.
        if let Some(_held) = taken(&dir)
            && let Err(error) = fs::remove_dir_all(&dir)
        {
            tracing::debug!(dir = %dir.display(), %error, "an earlier practice stays");
        }
    }
}

/// A process that ends at once has so long to remove its own.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Removes the one of this process, which ends now, whatever still goes on there. Where the disk takes longer, what
/// is left stays among the system's temporary files.
pub(crate) fn remove_at_once(dir: PathBuf) {
    let (done, told) = channel::<()>();
    let removing = thread::Builder::new().spawn(move || {
        let _done = done;
        // Who still works may have made a file meanwhile.
        while fs::remove_dir_all(&dir).is_err_and(|error| error.kind() == io::ErrorKind::DirectoryNotEmpty) {}
    });
    if removing.is_ok() {
        let _ = told.recv_timeout(AT_ONCE);
    }
}

/// Takes a directory over, if it is a practice of this user that nobody runs any more.
fn taken(dir: &Path) -> Option<File> {
    let is_practice = is_own(dir) && dir.join(FILE).is_file();
    let file = File::options().write(true).open(dir.join(LOCK)).ok().filter(|_| is_practice)?;
    file.try_lock().ok()?;
    // The line of a rush that was killed may take a moment to end.
    local::is_in_use(dir).is_ok_and(|is_in_use| !is_in_use).then_some(file)
}

/// Whether this is a directory, and no way to one elsewhere, of this user: others may write here, too.
fn is_own(dir: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(dir) else { return false };
    #[cfg(unix)]
    let is_ours = std::os::unix::fs::MetadataExt::uid(&found) == rustix::process::geteuid().as_raw();
    #[cfg(not(unix))]
    let is_ours = true;
    found.is_dir() && is_ours
}

#[cfg(test)]
mod tests {
    use eventlog::local::{LocalLog, Options};

    use super::*;

    fn practice(within: &Path, name: &str) -> std::path::PathBuf {
        let dir = within.join(format!("{PREFIX}{name}"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(FILE), "{}").unwrap();
        dir
    }

    #[test]
    fn only_a_practice_that_nobody_runs_any_more_is_removed() {
        let within = tempfile::tempdir().unwrap();
        let within = within.path();
        let [left, held, busy, unmarked, old] =
            ["left", "held", "busy", "unmarked", "old"].map(|name| practice(within, name));
        for dir in [&left, &busy, &unmarked] {
            drop(hold(dir).unwrap());
        }
        let _held = hold(&held).unwrap();
        let log = LocalLog::open(Options::new(&busy, &[])).unwrap();
        fs::remove_file(unmarked.join(FILE)).unwrap();
        // Whoever made it knew nothing of locks, and may be there.
        assert!(!old.join(LOCK).exists());
        let elsewhere = within.join("elsewhere");
        fs::rename(practice(within, "elsewhere"), &elsewhere).unwrap();
        drop(hold(&elsewhere).unwrap());
        #[cfg(unix)]
        std::os::unix::fs::symlink(&elsewhere, within.join(format!("{PREFIX}link"))).unwrap();
        remove(within);
        assert!(!left.exists());
        for dir in [&held, &busy, &unmarked, &old, &elsewhere] {
            assert!(dir.exists(), "{}", dir.display());
        }
        log.close();
        remove(within);
        assert!(!busy.exists());
    }
}
