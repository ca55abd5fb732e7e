//! The file below redb, with a way to cut it off and, for tests, to make it fail.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Error, ErrorKind, Result},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::StorageBackend;

use super::{doubt::Doubts, faults::Faults, lock_of, private};

const BLOCK: usize = 4096;
/// An overlay has at most this many blocks: a repair writes a few.
const MAX_BLOCKS: usize = 4096;

/// Doubtful parts are written again in pieces of this size.
const PIECE: usize = 1 << 20;

/// A file that redb writes to. The log's own lock keeps others away, so this one locks nothing.
#[derive(Debug)]
pub(super) struct Backend {
    file: File,
    /// Set when a database was given up: whoever still holds it must not write over its successor.
    severed: Arc<AtomicBool>,
    doubts: Arc<Doubts>,
    faults: Option<Arc<Faults>>,
    /// Where writes go that must not reach the file.
    overlay: Option<Mutex<Overlay>>,
}

impl Backend {
    /// The file at `path`, made with `create` if it is missing; with `read_only` nothing is ever written to it, what
    /// redb writes is kept in memory. Also a switch that cuts it off.
    pub(super) fn open(
        path: &Path,
        doubts: Arc<Doubts>,
        faults: Option<Arc<Faults>>,
        read_only: bool,
        create: bool,
    ) -> Result<(Self, Arc<AtomicBool>)> {
        let file = private::file().read(true).write(!read_only).create(create).truncate(false).open(path)?;
        let overlay = if read_only {
            Some(Mutex::new(Overlay { len: file.metadata()?.len(), blocks: BTreeMap::new() }))
        } else {
            None
        };
        let severed = Arc::new(AtomicBool::new(false));
        Ok((Self { file, severed: severed.clone(), doubts, faults, overlay }, severed))
    }

    /// Makes durable what a failed sync left in doubt.
    pub(super) fn settle(&self) -> Result<()> {
        let doubtful = self.doubts.doubtful();
        if doubtful.is_empty() {
            return Ok(());
        }
        let len = self.len()?;
        for range in doubtful {
            let end = range.end.min(len);
            for at in (range.start..end).step_by(PIECE) {
                let mut piece = vec![0; usize::try_from(end - at).unwrap_or(PIECE).min(PIECE)];
                self.read(at, &mut piece)?;
                self.write_through(at, &piece)?;
            }
        }
        self.sync_data()?;
        self.doubts.settle();
        Ok(())
    }

    fn write_through(&self, offset: u64, data: &[u8]) -> Result<()> {
        if let Some(faults) = &self.faults {
            let (part, failure) = faults.before_write(&self.file, offset, data)?;
            write_at(&self.file, offset, part)?;
            return failure.map_or(Ok(()), Err);
        }
        write_at(&self.file, offset, data)
    }

    fn sync_through(&self) -> Result<()> {
        if let Some(faults) = &self.faults {
            faults.before_sync(&self.file)?;
        }
        self.file.sync_data()
    }

    fn check(&self) -> Result<()> {
        let off = self.severed.load(Ordering::Acquire) || self.faults.as_ref().is_some_and(|f| f.is_off());
        if off { Err(Error::new(ErrorKind::BrokenPipe, "the file was given up")) } else { Ok(()) }
    }
}

/// What was written over a file that must not be touched.
#[derive(Debug)]
struct Overlay {
    len: u64,
    /// By number.
    blocks: BTreeMap<u64, Box<[u8; BLOCK]>>,
}

impl Overlay {
    fn read(&self, file: &File, offset: u64, out: &mut [u8]) -> Result<()> {
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > self.len) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        // What is beyond the end of the file, and not in the overlay, reads as zeros.
        let there = usize::try_from(file.metadata()?.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let (from_file, beyond) = out.split_at_mut(there.min(out.len()));
        read_at(file, offset, from_file)?;
        beyond.fill(0);
        let end = offset + out.len() as u64;
        for (number, block) in self.blocks.range(offset / BLOCK as u64..end.div_ceil(BLOCK as u64)) {
            let begin = number * BLOCK as u64;
            let (from, to) = (begin.max(offset), (begin + BLOCK as u64).min(end));
            // Both within a slice that is in memory: they fit a usize.
            #[expect(clippy::cast_possible_truncation)]
            out[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&block[(from - begin) as usize..(to - begin) as usize]);
        }
        Ok(())
    }

    fn write(&mut self, file: &File, offset: u64, data: &[u8]) -> Result<()> {
        let mut done = 0;
        while done < data.len() {
            let at = offset + done as u64;
            let number = at / BLOCK as u64;
            if !self.blocks.contains_key(&number) {
                if self.blocks.len() >= MAX_BLOCKS {
                    return Err(ErrorKind::StorageFull.into());
                }
                let mut block = Box::new([0; BLOCK]);
                let begin = number * BLOCK as u64;
                let there = usize::try_from(file.metadata()?.len().saturating_sub(begin)).unwrap_or(BLOCK);
                read_at(file, begin, &mut block[..there.min(BLOCK)])?;
                self.blocks.insert(number, block);
            }
            // Less than a block.
            #[expect(clippy::cast_possible_truncation)]
            let within = (at % BLOCK as u64) as usize;
            let len = (BLOCK - within).min(data.len() - done);
            if let Some(block) = self.blocks.get_mut(&number) {
                block[within..within + len].copy_from_slice(&data[done..done + len]);
            }
            done += len;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, out: &mut [u8]) -> Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

/// Writes some of `data`; how much.
#[cfg(unix)]
pub(super) fn write_some_at(file: &File, offset: u64, data: &[u8]) -> Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, data, offset)
}

#[cfg(windows)]
pub(super) fn write_some_at(file: &File, offset: u64, data: &[u8]) -> Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, data, offset)
}

#[cfg(unix)]
fn write_at(file: &File, offset: u64, data: &[u8]) -> Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, data, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => {
                out = &mut out[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_at(file: &File, mut offset: u64, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        match write_some_at(file, offset, data)? {
            0 => return Err(ErrorKind::WriteZero.into()),
            written => {
                data = &data[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

impl StorageBackend for Backend {
    fn len(&self) -> Result<u64> {
        self.check()?;
        if let Some(overlay) = &self.overlay {
            return Ok(lock_of(overlay).len);
        }
        Ok(self.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.check()?;
        if let Some(overlay) = &self.overlay {
            return lock_of(overlay).read(&self.file, offset, out);
        }
        read_at(&self.file, offset, out)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.check()?;
        if let Some(overlay) = &self.overlay {
            lock_of(overlay).len = len;
            return Ok(());
        }
        if let Some(faults) = &self.faults {
            faults.before_set_len(&self.file)?;
        }
        self.file.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.check()?;
        if self.overlay.is_some() {
            return Ok(());
        }
        let outcome = self.sync_through();
        self.doubts.sync(outcome.is_ok());
        outcome
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.check()?;
        if let Some(overlay) = &self.overlay {
            return lock_of(overlay).write(&self.file, offset, data);
        }
        self.doubts.write(offset, data.len());
        self.write_through(offset, data)
    }
}
