//! A file that has its name when all of it is written and durable, or is not there at all.

use std::{
    fs::File,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use tempfile::NamedTempFile;

/// So much is written before it is synced: a disk that is told all of it at once keeps whoever shares it waiting.
const SYNC_BYTES: usize = 8 << 20;

/// A file that is being written, for its owner alone. It goes if it is dropped.
#[derive(Debug)]
pub(crate) struct Whole {
    file: NamedTempFile,
    to: PathBuf,
    unsynced: usize,
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Whole {
    pub(crate) fn begin(to: &Path) -> anyhow::Result<Self> {
        if std::fs::symlink_metadata(to).is_ok() {
            bail!("{} is there already; say another file, or move that one away", to.display());
        }
        let name = to.file_name().with_context(|| format!("{} is no name for a file", to.display()))?;
        let mut begins = std::ffi::OsString::from(".");
        begins.push(name);
        let file = tempfile::Builder::new().prefix(&begins).suffix(".part").tempfile_in(directory(to));
        let file = file.map_err(|error| {
            let dir = directory(to).display();
            match error.kind() {
                ErrorKind::NotFound => {
                    anyhow!("there is no directory {dir}; make it, or say a file in another one")
                }
                // The error itself names the file beside it that was tried.
                kind => anyhow!("no file can be made in {dir} ({kind}); say one in another directory"),
            }
        })?;
        Ok(Self { file, to: to.to_owned(), unsynced: 0 })
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.unsynced += bytes.len();
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            self.file.as_file().sync_data()?;
        }
        Ok(())
    }

    /// What was written, from its beginning.
    pub(crate) fn read_back(&mut self) -> anyhow::Result<File> {
        self.file.as_file().sync_all().with_context(|| self.cannot_be_written())?;
        File::open(self.file.path()).with_context(|| format!("cannot read {} back", self.to.display()))
    }

    /// Gives it its name.
    pub(crate) fn keep(self) -> anyhow::Result<()> {
        let to = self.to;
        self.file.persist_noclobber(&to).map_err(|kept| kept.error).with_context(|| {
            format!("what was written can't be called {}; say another file", to.display())
        })?;
        // That the name outlives a loss of power, where the system can.
        let _ = File::open(directory(&to)).and_then(|dir| dir.sync_all());
        Ok(())
    }

    pub(crate) fn cannot_be_written(&self) -> String {
        format!("{} can't be written; make room, or say another file", self.to.display())
    }
}

/// A file that is read; `writer` is the command that writes such files.
pub(crate) fn read_from(file: &Path, writer: &str) -> anyhow::Result<File> {
    let opened = File::open(file).and_then(|opened| {
        if opened.metadata()?.is_dir() { Err(ErrorKind::IsADirectory.into()) } else { Ok(opened) }
    });
    opened.map_err(|error| anyhow!("can't read {} ({error}); say a file that {writer} wrote", file.display()))
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
