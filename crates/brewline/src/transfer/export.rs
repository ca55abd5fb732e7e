//! `brewline export`: all that a log has, as lines.

use std::{
    io::{self, BufReader, BufWriter, Write},
    path::Path,
    process::ExitCode,
    sync::mpsc::{Receiver, sync_channel},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use client::{Limits, NotTaken};
use eventlog::local;
use tokio_util::sync::CancellationToken;

use super::{
    Where,
    import::{Nothing, described},
    pieces::Pieces,
    read::read,
    write::{NotWritten, Writer},
};
use crate::{
    asked::Asked,
    backup::{Ending, Whole, opened},
    catalog,
    config::{Keep, Place},
    kafka::KafkaLog,
    opened::kafka_options,
    signals::stop_on_signals,
};

/// Pieces of a counter's backup that may wait; each has about half a megabyte.
const AHEAD: usize = 4;

/// What `export` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Export {
    pub(super) to: Where,
    pub(super) log: Place,
    pub(super) keep: Keep,
    pub(super) asked: Asked,
}

/// Writes all that is in a log to a file as lines, and reads it back.
pub(crate) async fn export(wanted: Export) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let file = match &wanted.to {
        Where::Pipe => {
            let writing = written(&wanted, BufWriter::with_capacity(1 << 16, io::stdout()), &stop);
            // Whoever writes may wait for the other end, and never hear of it.
            let Some(done) = stop.run_until_cancelled(writing).await else { bail!(NotWritten::Stopped) };
            return done.map(|_| ExitCode::SUCCESS);
        }
        Where::File(file) => file.clone(),
    };
    let whole = Whole::begin(&file)?;
    let to = written(&wanted, BufWriter::with_capacity(1 << 16, whole), &stop).await?;
    let to = to.into_inner().map_err(io::IntoInnerError::into_error);
    let to = to.with_context(|| format!("{} can't be written", file.display()))?;
    let said = tokio::task::spawn_blocking(move || kept(to, &file, &stop)).await??;
    let _ = io::stdout().write_all(said.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Reads it back, and gives it its name.
fn kept(mut to: Whole, file: &Path, stop: &CancellationToken) -> anyhow::Result<String> {
    let name = file.display().to_string();
    let back = BufReader::with_capacity(1 << 20, Ending { of: to.read_back()?, stop: stop.clone() });
    let exported = match read(back, &name, &catalog(Keep::default().retention), &mut Nothing) {
        Err(_) if stop.is_cancelled() => bail!("stopped before everything was read back; there is no file"),
        exported => exported?,
    };
    to.keep()?;
    let bytes = std::fs::metadata(file).map_or(0, |file| file.len());
    Ok(format!("{name}: {}, {bytes} bytes; read back and compared\n", described(&exported)))
}

/// Writes lines of wherever the log is.
async fn written<W: Write + Send + 'static>(
    wanted: &Export,
    to: W,
    stop: &CancellationToken,
) -> anyhow::Result<W> {
    let writer = Writer::new(to, stop.clone());
    if wanted.asked.is_named {
        return downloaded(&wanted.asked, writer, stop).await;
    }
    match &wanted.log {
        Place::Kafka(cluster) => {
            let options = kafka_options(cluster, &wanted.keep, &catalog(wanted.keep.retention))?;
            let writing = tokio::task::spawn_blocking(move || -> anyhow::Result<W> {
                let log = KafkaLog::look(options)?;
                let contents = log.contents(barista::GROUP)?;
                let mut writer = writer;
                log.hand_on(&contents, &mut writer)?;
                Ok(writer.finish()?.0)
            });
            writing.await?
        }
        Place::Local(dir) => match opened(dir.clone()).await? {
            Some(backup) => {
                let pieces = backup.map(|piece| piece.map_err(io::Error::other));
                tokio::task::spawn_blocking(move || lines(Pieces::new(pieces), "the log", writer)).await?
            }
            None => downloaded(&wanted.asked.of_holder(dir), writer, stop).await,
        },
    }
}

/// What is in a backup, as lines.
fn lines<W: Write>(from: impl io::Read, name: &str, mut writer: Writer<W>) -> anyhow::Result<W> {
    local::read_backup(from, name, &catalog(Keep::default().retention), &mut writer)?;
    Ok(writer.finish()?.0)
}

/// The same of a line that runs: its counter sends a backup, which becomes lines as it comes.
async fn downloaded<W: Write + Send + 'static>(
    asked: &Asked,
    writer: Writer<W>,
    stop: &CancellationToken,
) -> anyhow::Result<W> {
    let api = asked.api(Limits::default()).await?;
    let (give, pieces) = sync_channel::<Bytes>(AHEAD);
    let writing = tokio::task::spawn_blocking(move || {
        lines(Pieces::new(taken(pieces)), "the counter's backup", writer)
    });
    // A task of its own, because it waits for whoever writes.
    let mut taking = tokio::spawn(async move {
        let take = |piece: &[u8]| {
            let given = tokio::task::block_in_place(|| give.send(Bytes::copy_from_slice(piece)));
            given.map_err(|_| io::ErrorKind::BrokenPipe.into())
        };
        api.download("/backup", take).await
    });
    let Some(taken) = stop.run_until_cancelled(&mut taking).await else {
        taking.abort();
        // Then the file that was begun is gone.
        let _ = writing.await;
        bail!(NotWritten::Stopped)
    };
    match taken? {
        // Whoever writes has more to say.
        Ok(_) | Err(NotTaken::Taker(_)) => writing.await?,
        Err(error) => bail!(error.of(&asked.counter)),
    }
}

fn taken(pieces: Receiver<Bytes>) -> impl Iterator<Item = io::Result<Bytes>> {
    pieces.into_iter().map(Ok)
}
