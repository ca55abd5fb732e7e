//! One file of the tail: made whole under another name, then written from front to back.

use std::{
    fs::File,
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    backend::write_some_at,
    failure::is_removed,
    faults::Faults,
    frame::{HEADER, Place},
    private,
};

/// A segment has this many bytes, or more if its first frame alone needs more.
pub(super) const SEGMENT_BYTES: u64 = 8 << 20;
/// So much is written with zeros before it is needed: a commit that finds its blocks there changes nothing but
/// their content, and its sync writes nothing else.
const AHEAD_BYTES: usize = 1 << 20;
const ZEROS: &[u8] = &[0; 64 * 1024];

/// How the name of a segment ends; it has it when everything that it begins with is durable.
const SEGMENT: &str = "wal";
/// One that is being made.
const NEW: &str = "new";
/// One that is none any more.
const OLD: &str = "old";

/// The name of a segment.
pub(super) fn name(sequence: u64) -> String {
    named(sequence, SEGMENT)
}

fn named(sequence: u64, ending: &str) -> String {
    format!("tail-{sequence:016x}.{ending}")
}

/// The number in the name of a segment.
pub(super) fn sequence_in(name: &str) -> Option<u64> {
    number_in(name, SEGMENT)
}

/// Whether a file became no segment, or is none any more.
pub(super) fn is_leftover(name: &str) -> bool {
    [NEW, OLD].into_iter().any(|ending| number_in(name, ending).is_some())
}

fn number_in(name: &str, ending: &str) -> Option<u64> {
    let sequence = u64::from_str_radix(name.get(5..21)?, 16).ok()?;
    (named(sequence, ending) == name).then_some(sequence)
}

/// How a write failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nothing of it can ever be read back.
    Nothing(Error),
    /// Some or all of it may be in the file, durable or not.
    Doubtful(Error),
}

impl Failed {
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Nothing(error) | Self::Doubtful(error) => error,
        }
    }
}

/// The directory, with what may fail in it.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) dir: PathBuf,
    pub(super) faults: Option<Arc<Faults>>,
}

impl Disk {
    fn write(&self, file: &File, offset: u64, data: &[u8]) -> Result<(), Failed> {
        let (mut part, failure) = match &self.faults {
            Some(faults) => faults.before_write(file, offset, data).map_err(Failed::Nothing)?,
            None => (data, None),
        };
        let mut done = 0;
        let failed =
            |done: u64, error| if done == 0 { Failed::Nothing(error) } else { Failed::Doubtful(error) };
        while !part.is_empty() {
            match write_some_at(file, offset + done, part) {
                Ok(0) => return Err(failed(done, ErrorKind::WriteZero.into())),
                Ok(written) => {
                    done += written as u64;
                    part = &part[written..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(done, error)),
            }
        }
        failure.map_or(Ok(()), |error| Err(failed(done, error)))
    }

    fn sync(&self, file: &File) -> Result<(), Error> {
        if let Some(faults) = &self.faults {
            faults.before_sync(file)?;
        }
        file.sync_data()
    }

    fn set_len(&self, file: &File, len: u64) -> Result<(), Error> {
        if let Some(faults) = &self.faults {
            faults.before_set_len(file)?;
        }
        file.set_len(len)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), Error> {
        match &self.faults {
            Some(faults) => faults.rename(from, to),
            None => std::fs::rename(from, to),
        }
    }

    pub(super) fn remove(&self, path: &Path) {
        let removed = match &self.faults {
            Some(faults) => faults.remove(path),
            None => std::fs::remove_file(path),
        };
        // What stays is known for what it is by the next start, which tries again.
        if let Err(error) = removed {
            tracing::debug!(file = %path.display(), %error, "a file of the log's tail can't be removed");
        }
    }

    /// Makes names outlive a loss of power, where the system can.
    pub(super) fn sync_names(&self) -> Result<(), Error> {
        if let Some(faults) = &self.faults {
            faults.before_sync_names()?;
        }
        if cfg!(unix) { File::open(&self.dir)?.sync_all() } else { Ok(()) }
    }
}

/// A file that was a segment, whose blocks can be used again.
#[derive(Debug)]
pub(super) struct Spare {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Spare {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The file that is being written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    pub(super) place: Place,
    path: PathBuf,
    /// Where the next frame goes.
    pub(super) at: u64,
    /// Up to here there are blocks for it.
    ready: u64,
    len: u64,
}

impl Segment {
    /// Makes a segment that begins with `frame`. It is there when it is durable, or not at all.
    pub(super) fn create(
        disk: &Disk,
        place: Place,
        frame: &[u8],
        spare: Option<Spare>,
    ) -> Result<Self, Failed> {
        let at = (HEADER + frame.len()) as u64;
        let new = disk.dir.join(named(place.sequence, NEW));
        let path = disk.dir.join(name(place.sequence));
        let (file, written_as, len, ready) = match spare {
            Some(Spare { file, path, len }) if len >= at => (file, path, len, len),
            spare => {
                if let Some(spare) = spare {
                    disk.remove(&spare.path);
                }
                (open(&new).map_err(Failed::Nothing)?, new, at.max(SEGMENT_BYTES), at)
            }
        };
        let begin = || {
            if file.metadata()?.len() != len {
                disk.set_len(&file, len)?;
            }
            for (offset, part) in [(0, &place.header()[..]), (HEADER as u64, frame)] {
                disk.write(&file, offset, part).map_err(Failed::into_error)?;
            }
            disk.sync(&file)
        };
        if let Err(error) = begin() {
            disk.remove(&written_as);
            // Nobody reads a file of that name.
            return Err(Failed::Nothing(error));
        }
        if let Err(error) = disk.rename(&written_as, &path).and_then(|()| disk.sync_names()) {
            disk.remove(&path);
            return Err(Failed::Doubtful(error));
        }
        Ok(Self { file, place, path, at, ready, len })
    }

    /// Whether someone removed the file.
    pub(super) fn is_removed(&self) -> bool {
        is_removed(&self.path)
    }

    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.at + bytes as u64 <= self.len
    }

    /// Adds a frame; it is durable when this returns.
    pub(super) fn append(&mut self, disk: &Disk, frame: &[u8]) -> Result<(), Failed> {
        let end = self.at + frame.len() as u64;
        while self.ready < end {
            self.make_ready(disk, end).map_err(Failed::Nothing)?;
        }
        disk.write(&self.file, self.at, frame)?;
        disk.sync(&self.file).map_err(Failed::Doubtful)?;
        self.at = end;
        Ok(())
    }

    /// Gets blocks for what comes. If there is no space, that shows before anything of a commit is written.
    fn make_ready(&mut self, disk: &Disk, end: u64) -> Result<(), Error> {
        let upto = (end + AHEAD_BYTES as u64).min(self.len);
        while self.ready < upto {
            let part = usize::try_from(upto - self.ready).unwrap_or(usize::MAX).min(ZEROS.len());
            disk.write(&self.file, self.ready, &ZEROS[..part]).map_err(Failed::into_error)?;
            self.ready += part as u64;
        }
        Ok(())
    }

    /// Gives the file away for another segment, if that saves making a new one; it is none from now on.
    pub(super) fn into_spare(self, disk: &Disk) -> Option<Spare> {
        let old = self.path.with_extension(OLD);
        if self.ready < self.len || disk.rename(&self.path, &old).is_err() {
            disk.remove(&self.path);
            return None;
        }
        Some(Spare { file: self.file, path: old, len: self.len })
    }
}

fn open(path: &Path) -> Result<File, Error> {
    // One of that name was left behind by a failure.
    private::file().read(true).write(true).create(true).truncate(true).open(path)
}
