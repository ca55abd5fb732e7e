//! When files that change are worth reading: once they have stopped changing, for an editor may be about to write more,
//! and whoever renews a certificate writes two files, one after the other.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Files that somebody reads, and reads again when they have changed.
#[derive(Debug)]
pub struct Watched<const N: usize> {
    paths: [PathBuf; N],
    /// How they were when they were read last.
    read: [Look; N],
    /// How they were at the last look.
    seen: [Look; N],
    /// What was read last can't be used.
    failed: bool,
}

/// Why files are worth reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// They have changed, and are done changing.
    Changed,
    /// They could not be used when they were read last: what was in the way may be over, and they look as before.
    Again,
}

/// How a file looks from outside; `None`: it can't be seen.
type Look = Option<Seen>;

/// Another file may have been put in the place of one, as old and as large; and who may read it changes the time of the
/// change alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
    identity: Identity,
}

/// Its inode, and when that was changed, in seconds and nanoseconds.
#[cfg(unix)]
type Identity = (u64, i64, i64);

/// When it was made: elsewhere nothing else tells two files of one name apart.
#[cfg(not(unix))]
type Identity = Option<SystemTime>;

impl<const N: usize> Watched<N> {
    /// Files that are about to be read. Not afterwards: what changes meanwhile would not be seen.
    pub fn new(paths: [PathBuf; N]) -> Self {
        let read = looks(&paths);
        Self { paths, read, seen: read, failed: false }
    }

    /// Where they are.
    pub fn paths(&self) -> &[PathBuf; N] {
        &self.paths
    }

    /// Which of them were there at the last look.
    pub fn there(&self) -> [bool; N] {
        self.seen.each_ref().map(Option::is_some)
    }

    /// Looks at them, and says whether to read them now. A change is due at the second look that finds it.
    pub fn look(&mut self) -> Option<Due> {
        let now = looks(&self.paths);
        let is_settled = std::mem::replace(&mut self.seen, now) == now;
        let due = if now == self.read { self.failed.then_some(Due::Again) } else { Some(Due::Changed) };
        let due = due.filter(|_| is_settled)?;
        (self.read, self.failed) = (now, false);
        Some(due)
    }

    /// They could not be used: they are due again at the next look.
    pub fn failed(&mut self) {
        self.failed = true;
    }
}

fn looks<const N: usize>(paths: &[PathBuf; N]) -> [Look; N] {
    paths.each_ref().map(|path| seen(path).ok())
}

fn seen(path: &Path) -> io::Result<Seen> {
    let data = fs::metadata(path)?;
    Ok(Seen { bytes: data.len(), modified: data.modified().ok(), identity: identity(&data) })
}

#[cfg(unix)]
fn identity(data: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (data.ino(), data.ctime(), data.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(data: &Metadata) -> Identity {
    data.created().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn two() -> (tempfile::TempDir, Watched<2>) {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| dir.path().join(name));
        for path in &paths {
            fs::write(path, "1").unwrap();
        }
        (dir, Watched::new(paths))
    }

    #[test]
    fn what_changes_is_read_once_when_it_has_stopped_changing() {
        let (_dir, mut files) = two();
        let [a, b] = files.paths().clone();
        assert_eq!([files.look(), files.look()], [None; 2]);
        fs::write(&a, "22").unwrap();
        assert_eq!(files.look(), None, "one is there, and the other not yet");
        fs::write(&b, "22").unwrap();
        assert_eq!(files.look(), None);
        assert_eq!(files.look(), Some(Due::Changed));
        assert_eq!(files.look(), None);
        fs::remove_file(&b).unwrap();
        assert_eq!([files.look(), files.look(), files.look()], [None, Some(Due::Changed), None]);
        assert_eq!(files.there(), [true, false]);
    }

    #[test]
    fn a_file_that_is_made_readable_has_changed() {
        let (_dir, mut files) = two();
        let [a, _] = files.paths().clone();
        let before = seen(&a).unwrap();
        // The clock of a file system may take a while to go on.
        while seen(&a).unwrap() == before {
            fs::set_permissions(&a, fs::Permissions::from_mode(0o644)).unwrap();
        }
        assert_eq!([files.look(), files.look(), files.look()], [None, Some(Due::Changed), None]);
    }

    #[test]
    fn what_could_not_be_used_is_read_again_though_it_has_not_changed() {
        let (_dir, mut files) = two();
        files.failed();
        assert_eq!([files.look(), files.look()], [Some(Due::Again), None]);
        files.failed();
        fs::write(&files.paths()[0], "22").unwrap();
        assert_eq!(files.look(), None, "it may still be written");
        assert_eq!([files.look(), files.look()], [Some(Due::Changed), None]);
    }
}
