//! When files that change are worth reading: once they have stopped changing. Whoever renews a certificate writes two
//! files, one after the other, and between them they are no pair.

use std::{fs, path::Path, time::SystemTime};

use super::TlsFiles;

/// How a file looks from outside; `None`: it can't be seen.
pub(super) type Look = Option<(SystemTime, u64)>;

impl TlsFiles {
    /// How both files look.
    pub(super) fn looks(&self) -> [Look; 2] {
        [look(&self.cert), look(&self.key)]
    }
}

fn look(path: &Path) -> Look {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// How files looked when they were read, and when they were looked at last.
#[derive(Debug)]
pub(super) struct Fresh<L> {
    read: L,
    seen: L,
}

impl<L: PartialEq + Clone> Fresh<L> {
    /// `looks`: as they were when they were read.
    pub(super) fn new(looks: L) -> Self {
        Self { seen: looks.clone(), read: looks }
    }

    /// Whether they are to be read: they look other than when they were read, and as at the last look. It is for them as
    /// they look now then, whether they can be used or not.
    pub(super) fn is_worth_reading(&mut self, looks: L) -> bool {
        let is_new = looks != self.read && looks == self.seen;
        if is_new {
            self.read = looks.clone();
        }
        self.seen = looks;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_read_once_when_it_has_stopped_changing() {
        let mut fresh = Fresh::new([1, 1]);
        let mut read = |looks| fresh.is_worth_reading(looks);
        assert!(!read([1, 1]));
        assert!(!read([2, 1]), "the certificate is there, and not the key yet");
        assert!(!read([2, 2]));
        assert!(read([2, 2]));
        assert!(!read([2, 2]), "once, whether it could be used or not");
        assert!(!read([3, 2]));
        assert!(!read([2, 2]), "it is what was read");
        assert!(!read([2, 2]));
    }
}
