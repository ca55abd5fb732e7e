//! Copies of a log: made, and made a log again.
//!
//! | file | idea |
//! |---|---|
//! | `ending` | a file that ends when the command is told to |
//! | `whole` | a file that is there when it is whole, or not at all |
//! | `restore` | a log from a backup |
//!
//! The embedded log of a line that runs is its own: then its counter is asked.

mod ending;
mod restore;
mod whole;

use std::{
    io::{self, BufReader, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use client::{Limits, NotTaken};
use eventlog::{
    OpenError,
    local::{self, BackupContents},
};
use jiff::{Timestamp, tz::TimeZone};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    ending::Ending,
    restore::{Restore, counted, restore},
    whole::{Whole, read_from},
};
use crate::{
    asked::Asked,
    cli::{BackupArgs, LineArgs, RestoreArgs},
    config::{Line, Place},
    file::File,
    log_address::LogAddress,
    signals::stop_on_signals,
};

/// What `backup` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backup {
    file: PathBuf,
    /// `None`: the counter was named, and the log is not looked at.
    dir: Option<PathBuf>,
    asked: Asked,
}

impl File {
    /// A backup of an embedded log.
    pub(crate) fn backup(&self, args: &BackupArgs) -> Result<Backup, String> {
        let asked = self.asked(&args.asked, args.log.as_ref());
        let instead = "its brokers keep the copies there";
        let dir =
            if asked.is_named { None } else { Some(self.directory(args.log.as_ref(), "backup", instead)?) };
        Ok(Backup { file: args.file.clone(), dir, asked })
    }

    /// A log from a backup.
    pub(crate) fn restore(&self, args: &RestoreArgs) -> Result<Restore, String> {
        let instead = "say a directory with --log local:DIR";
        let dir =
            if args.check { None } else { Some(self.directory(args.log.as_ref(), "restore", instead)?) };
        Ok(Restore { file: args.file.clone(), dir })
    }

    /// The directory of an embedded log. `who` asks; `instead` is what to do on a cluster.
    fn directory(&self, log: Option<&LogAddress>, who: &str, instead: &str) -> Result<PathBuf, String> {
        let args = LineArgs { log: log.cloned(), ..LineArgs::default() };
        let Line { log, .. } = self.line(&args)?;
        match log {
            Place::Local(dir) => Ok(dir),
            Place::Kafka(cluster) => Err(format!(
                "brewline {who} works on an embedded log, and kafka://{} is a cluster's; {instead}",
                cluster.brokers
            )),
        }
    }
}

/// Writes all that is in a log to a file, and reads it back.
pub(crate) async fn backup(mut wanted: Backup) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let mut to = Whole::begin(&wanted.file)?;
    let open = match &wanted.dir {
        Some(dir) => opened(dir.clone()).await?,
        None => None,
    };
    let mut to = match open {
        Some(backup) => {
            let stop = stop.clone();
            tokio::task::spawn_blocking(move || written(backup, to, &stop)).await??
        }
        None => {
            if let Some(dir) = &wanted.dir {
                wanted.asked = wanted.asked.of_holder(dir);
            }
            downloaded(&wanted, &mut to, &stop).await?;
            to
        }
    };
    let name = wanted.file.display().to_string();
    let of_file = name.clone();
    let (to, contents) = tokio::task::spawn_blocking(move || {
        let back = Ending { of: to.read_back()?, stop: stop.clone() };
        match local::check_backup(BufReader::with_capacity(1 << 20, back), &of_file) {
            _ if stop.is_cancelled() => bail!("stopped before everything was read back; there is no file"),
            contents => Ok((to, contents?)),
        }
    })
    .await??;
    to.keep()?;
    let bytes = std::fs::metadata(&wanted.file).map_or(0, |file| file.len());
    let said = format!("{name}: {}, {bytes} bytes; read back and compared\n", described(&contents));
    let _ = io::stdout().write_all(said.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// What a backup has, in a few words.
fn described(contents: &BackupContents) -> String {
    let at = Timestamp::from_millisecond(contents.made_at).unwrap_or_default().to_zoned(TimeZone::system());
    format!("{} records as of {}", contents.records(), at.strftime("%Y-%m-%d %H:%M:%S"))
}

/// A backup of the log in `dir`; `None` if a process has it.
pub(crate) async fn opened(dir: PathBuf) -> anyhow::Result<Option<eventlog::Backup>> {
    match tokio::task::spawn_blocking(move || local::backup_of(&dir)).await? {
        Ok(backup) => Ok(Some(backup)),
        Err(OpenError::InUse(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn written(backup: eventlog::Backup, mut to: Whole, stop: &CancellationToken) -> anyhow::Result<Whole> {
    for piece in backup {
        if stop.is_cancelled() {
            bail!("stopped before everything was written; there is no file");
        }
        to.add(&piece?).with_context(|| to.cannot_be_written())?;
    }
    Ok(to)
}

async fn downloaded(wanted: &Backup, to: &mut Whole, stop: &CancellationToken) -> anyhow::Result<()> {
    let api = wanted.asked.api(Limits::default()).await?;
    let taking = api.download("/backup", |piece| tokio::task::block_in_place(|| to.add(piece)));
    let taken = tokio::select! {
        taken = taking => taken,
        () = stop.cancelled() => bail!("stopped before everything was written; there is no file"),
    };
    match taken {
        Ok(_) => Ok(()),
        Err(NotTaken::Taker(error)) => Err(error).with_context(|| to.cannot_be_written()),
        Err(error) => bail!(error.of(&wanted.asked.counter)),
    }
}
