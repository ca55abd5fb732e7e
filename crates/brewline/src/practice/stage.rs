//! The directory of a practice line. A file in it says whose it is, so that no shop's log is ever practised on, and
//! where the line is that runs there.

use std::{
    env,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::left;

/// In the directory of each practice line.
pub(crate) const FILE: &str = "practice.json";

/// The directory of a practice line.
#[derive(Debug)]
pub(crate) struct Stage {
    dir: PathBuf,
    /// It is removed in the end, and held until then.
    passing: Option<(File, TempDir)>,
}

/// The line that runs on a stage.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whereabouts {
    /// `http://127.0.0.1:8080`
    pub(crate) url: String,
    /// What makes whoever has it staff there.
    pub(crate) token: String,
    /// The process.
    pub(crate) process: u32,
    /// The rush that it was started for: it ends with that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rush: Option<u32>,
}

impl Stage {
    /// Takes this directory: a new one, an empty one, or one that was practised in before. `None`: one that is removed in
    /// the end.
    pub(crate) fn take(dir: Option<&Path>) -> anyhow::Result<Self> {
        let Some(dir) = dir else {
            left::remove(&env::temp_dir());
            let make = || {
                let passing = tempfile::Builder::new().prefix(left::PREFIX).tempdir()?;
                Ok::<_, io::Error>((left::hold(passing.path())?, passing))
            };
            let (held, passing) = make().context("can't make a directory for practice")?;
            let stage = Self { dir: passing.path().to_owned(), passing: Some((held, passing)) };
            return stage.write(&Whereabouts::default()).map(|()| stage);
        };
        let stage = Self { dir: dir.to_owned(), passing: None };
        if stage.whereabouts().is_some() {
            return Ok(stage);
        }
        let is_free = match fs::read_dir(dir) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error).with_context(|| format!("can't practise in {}", dir.display())),
        };
        anyhow::ensure!(
            is_free,
            "{} holds something that is no practice; name a directory that is empty or not there yet, or none, and \
             a temporary one is made",
            dir.display()
        );
        make_private(dir).with_context(|| format!("can't make {}", dir.display()))?;
        stage.write(&Whereabouts::default()).map(|()| stage)
    }

    /// The same, if nobody has practised there.
    pub(crate) fn take_new(dir: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(dir) = dir {
            let is_used = dir.join(FILE).exists();
            anyhow::ensure!(!is_used, "{} holds an earlier practice; name another directory", dir.display());
        }
        Self::take(dir)
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same if it is removed in the end.
    pub(crate) fn passing(&self) -> Option<PathBuf> {
        self.passing.as_ref().map(|(_, dir)| dir.path().to_owned())
    }

    /// Ends this process with the rush that it was started for, however that one ends: nobody would stop it.
    pub(crate) fn end_with_its_rush(&self) {
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
            let rush = self.whereabouts().and_then(|here| here.rush);
            let is_parent = rush.is_some_and(|rush| {
                getppid().is_some_and(|parent| i64::from(Pid::as_raw(Some(parent))) == i64::from(rush))
            });
            if is_parent && let Err(error) = set_parent_process_death_signal(Some(Signal::INT)) {
                tracing::debug!(%error, "it may outlive its rush");
            }
        }
    }

    /// Says who runs here now.
    pub(crate) fn write(&self, whereabouts: &Whereabouts) -> anyhow::Result<()> {
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(&serde_json::to_vec(whereabouts)?)?;
            file.persist(self.dir.join(FILE)).map(drop).map_err(|error| error.error)
        };
        write().with_context(|| format!("can't write {}", self.dir.join(FILE).display()))
    }

    /// Who ran here last; `None`: nobody has practised here.
    pub(crate) fn whereabouts(&self) -> Option<Whereabouts> {
        let text = fs::read(self.dir.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_anything_else_in_it_is_never_practised_in() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("log.redb"), "a shop's").unwrap();
        let refused = Stage::take(Some(dir.path())).unwrap_err().to_string();
        assert!(refused.contains("no practice") && !refused.contains('\n'), "{refused}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was written");
    }

    #[test]
    fn a_practice_goes_on_where_it_was_and_a_passing_one_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("new");
        let whereabouts = Whereabouts { url: "http://x".into(), token: "t".into(), process: 7, rush: None };
        Stage::take(Some(&place)).unwrap().write(&whereabouts).unwrap();
        assert_eq!(Stage::take(Some(&place)).unwrap().whereabouts(), Some(whereabouts));
        assert!(Stage::take_new(Some(&place)).unwrap_err().to_string().contains("earlier practice"));
        let passing = Stage::take(None).unwrap();
        let gone = passing.dir().to_owned();
        assert!(gone.exists());
        drop(passing);
        assert!(!gone.exists());
    }
}
