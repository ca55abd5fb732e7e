//! `brewline restore`: a log from a backup.

use std::{
    io::{self, BufReader, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::bail;
use eventlog::local::{self, BackupContents, LocalLog};
use jiff::Timestamp;
use serde_json::Value;
use shop::Settings;
use tokio_util::sync::CancellationToken;

use super::{described, ending::Ending, read_from};
use crate::{catalog::kept, signals::stop_on_signals};

/// What `restore` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restore {
    pub(crate) file: PathBuf,
    /// `None`: it is only tried.
    pub(crate) dir: Option<PathBuf>,
}

/// Restores, and counts what was restored; the exit code is 1 if an order is not accounted for.
pub(crate) async fn restore(wanted: Restore) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    tokio::task::spawn_blocking(move || restored(&wanted, &stop)).await?
}

fn restored(wanted: &Restore, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let file = read_from(&wanted.file, "brewline backup")?;
    let tried;
    let dir = match &wanted.dir {
        Some(dir) => dir.as_path(),
        None => {
            let beside = wanted.file.parent().filter(|parent| !parent.as_os_str().is_empty());
            let beside = beside.unwrap_or(Path::new("."));
            tried = tempfile::Builder::new().prefix("brewline-restore-").tempdir_in(beside);
            tried.as_ref().map(tempfile::TempDir::path).map_err(|error| {
                anyhow::anyhow!("cannot try it in {}: {error}; copy the file elsewhere", beside.display())
            })?
        }
    };
    let file = Ending { of: file, stop: stop.clone() };
    let contents = match local::restore(BufReader::new(file), &wanted.file.display().to_string(), dir) {
        Err(_) if stop.is_cancelled() => bail!("stopped before everything was restored; there is no log"),
        contents => contents?,
    };
    let holds = counted(dir)?;
    let did = match &wanted.dir {
        Some(dir) => format!("restored to {}", dir.display()),
        None => "can be restored".to_owned(),
    };
    let _ = io::stdout().write_all(said(&wanted.file, &contents, &did, holds).as_bytes());
    if !holds && wanted.dir.is_some() {
        bail!("an order is not accounted for in what was restored: brewline ledger says which");
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn said(file: &Path, contents: &BackupContents, did: &str, holds: bool) -> String {
    let every = if holds { "every order is accounted for" } else { "an order is NOT accounted for" };
    format!("{}: {}; {did}, {every}\n", file.display(), described(contents))
}

/// Whether the ledger of a log holds.
pub(crate) fn counted(dir: &Path) -> anyhow::Result<bool> {
    let log = LocalLog::open(local::Options::new(dir, &kept()))?;
    // When days end is of no account to the equation.
    let counted =
        counter::ledger_of(log.as_ref(), &Settings::embedded(), None, Timestamp::now().as_millisecond());
    log.close();
    Ok(serde_json::from_slice::<Value>(&counted?)?["holds"] == true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOPPED: &str = "stopped before everything was restored; there is no log";

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_is_stopped_before_it_begins_leaves_nothing_behind() {
        let beside = tempfile::tempdir().unwrap();
        let file = beside.path().join("line.backup");
        std::fs::write(&file, "never read").unwrap();
        let stop = CancellationToken::new();
        stop.cancel();
        for dir in [None, Some(beside.path().join("restored"))] {
            let why = restored(&Restore { file: file.clone(), dir }, &stop).unwrap_err();
            assert_eq!(why.to_string(), STOPPED);
        }
        assert_eq!(names(beside.path()), ["line.backup"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_stopped_leaves_nothing_behind_but_that_it_was_not_finished() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let beside = tempfile::tempdir().unwrap();
        let (log, pipe) = (beside.path().join("log"), beside.path().join("line.backup"));
        LocalLog::open(local::Options::new(&log, &kept())).unwrap().close();
        let mut backup = Vec::new();
        for piece in local::backup_of(&log).unwrap() {
            backup.extend_from_slice(&piece.unwrap());
        }
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let (stop, dir) = (CancellationToken::new(), beside.path().join("restored"));
        let wanted = Restore { file: pipe.clone(), dir: Some(dir.clone()) };
        std::thread::scope(|scope| {
            // It waits for the end, which never comes. Both of its ends are open, and it holds all: nobody waits for the other.
            let mut pipe = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
            assert!(backup.len() < 64 * 1024, "{} bytes are more than a pipe holds", backup.len());
            pipe.write_all(&backup[..backup.len() - 1]).unwrap();
            let restoring = scope.spawn(|| restored(&wanted, &stop).unwrap_err().to_string());
            let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
            while !dir.join("restore.part").exists() {
                assert!(std::time::Instant::now() < until, "it does not begin");
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            stop.cancel();
            drop(pipe);
            assert_eq!(restoring.join().unwrap(), STOPPED);
        });
        assert_eq!(names(&dir), ["log.lock", "restore.part"], "it can be restored there again");
        assert_eq!(names(&dir.join("restore.part")), [""; 0]);
        assert_eq!(names(beside.path()), ["line.backup", "log", "restored"]);
    }
}
