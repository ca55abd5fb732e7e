//! A log as lines.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use eventlog::{
    Entry, OpenError,
    transfer::{Contents, Cursors, Take},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::lines::{Count, FORMAT, First, Goes, Last, Line, Range, VERSION};

/// Writes lines.
pub(super) struct Writer<W> {
    to: W,
    sum: Sha256,
    cursors: Cursors,
    line: Vec<u8>,
    stop: CancellationToken,
}

/// Why no more lines are written.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWritten {
    #[error("stopped before everything was written; there is no export")]
    Stopped,
    #[error(transparent)]
    Log(#[from] OpenError),
    #[error("{0}")]
    File(#[from] io::Error),
}

impl<W: Write> Writer<W> {
    /// Writes until it is told to stop.
    pub(super) fn new(to: W, stop: CancellationToken) -> Self {
        Self { to, sum: Sha256::new(), cursors: Cursors::default(), line: Vec::new(), stop }
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        self.line.push(b'\n');
        self.sum.update(&self.line);
        self.to.write_all(&self.line)
    }

    /// Writes the last line; how many records there are.
    pub(super) fn finish(mut self) -> io::Result<(W, u64)> {
        let records = self.cursors.records();
        let counts = self.cursors.counts().map(|(span, records)| Count {
            topic: span.topic.to_owned(),
            partition: span.partition,
            records,
        });
        let last = Last { records, partitions: counts.collect(), sha256: hex(self.sum.clone()) };
        self.line(&last)?;
        self.to.flush()?;
        Ok((self.to, records))
    }
}

impl<W: Write> Take for Writer<W> {
    type Error = NotWritten;

    fn begin(&mut self, contents: &Contents) -> Result<(), NotWritten> {
        self.cursors = Cursors::new(&contents.spans);
        let ranges = contents.spans.iter().map(|span| Range {
            topic: span.topic.to_owned(),
            partition: span.partition,
            start: span.start,
            end: span.end,
            newest: span.newest.filter(|newest| *newest != i64::MIN),
        });
        let goes = contents.groups.iter().map(|position| Goes {
            group: position.group.clone(),
            topic: position.topic.to_owned(),
            partition: position.partition,
            offset: position.offset,
        });
        let first = First {
            format: FORMAT.to_owned(),
            version: VERSION,
            log: contents.log.clone(),
            made_at: contents.made_at,
            made_by: concat!("brewline ", env!("CARGO_PKG_VERSION")).to_owned(),
            partitions: ranges.collect(),
            groups: goes.collect(),
        };
        Ok(self.line(&first)?)
    }

    fn record(&mut self, entry: Entry) -> Result<(), NotWritten> {
        if self.stop.is_cancelled() {
            return Err(NotWritten::Stopped);
        }
        if self.cursors.take(entry.topic, entry.partition, entry.offset).is_none() {
            let Entry { topic, partition, offset, .. } = entry;
            let why =
                format!("a record of {topic}-{partition} stands at offset {offset}, where none may stand");
            return Err(OpenError::Broken(why).into());
        }
        Ok(self.line(&Line::of(&entry))?)
    }
}

/// A checksum as it is written.
pub(super) fn hex(sum: Sha256) -> String {
    sum.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
