//! The line that is started for a rush: `brewline up --demo=nobody` in a process of its own.

use std::{
    fs::{self, File},
    io,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::time::sleep;

use crate::{
    menu::{Files, Source},
    practice::stage::{Stage, Whereabouts},
};

/// It takes orders within this, on the slowest machine.
const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// A clean stop takes no longer; then it is killed.
const STOPS_WITHIN: Duration = Duration::from_secs(8);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What it says, beside its log.
const SAYS: &str = "brewline.txt";
/// Its settings: none. Those of the directory where the rush is started are a shop's.
const SETTINGS: &str = "brewline.toml";
/// Lines of what it said that are told when it fails.
const LAST_LINES: usize = 5;

/// A line that runs. Killed when dropped.
#[derive(Debug)]
pub(super) struct Line {
    stage: Stage,
    args: Vec<String>,
    child: Child,
    whereabouts: Whereabouts,
}

impl Line {
    /// Starts it on an empty stage, with the shop's own files if there are any.
    pub(super) async fn start(stage: Stage, files: &Files) -> anyhow::Result<Self> {
        let settings = stage.dir().join(SETTINGS);
        fs::write(&settings, "").with_context(|| format!("can't write {}", settings.display()))?;
        let mut args = ["up", "--demo=nobody", "--quiet", "--log"].map(str::to_owned).to_vec();
        args.push(format!("local:{}", stage.dir().display()));
        args.extend(["--config".to_owned(), settings.display().to_string()]);
        for (flag, Source { path, by }) in [("--menu", &files.menu), ("--shop", &files.shop)] {
            if by.is_some() {
                args.extend([flag.to_owned(), path.display().to_string()]);
            }
        }
        stage.write(&Whereabouts { rush: Some(std::process::id()), ..Whereabouts::default() })?;
        let child = spawn(&stage, &args, "127.0.0.1:0")?;
        let mut line = Self { stage, args, child, whereabouts: Whereabouts::default() };
        line.has_begun().await?;
        Ok(line)
    }

    pub(super) fn url(&self) -> &str {
        &self.whereabouts.url
    }

    pub(super) fn token(&self) -> &str {
        &self.whereabouts.token
    }

    /// Kills it as a power cut would, and starts it where it was. Says how long nobody took orders.
    pub(super) async fn kill_and_start(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.child.kill().and_then(|()| self.child.wait()).context("can't kill the line")?;
        let address = self.whereabouts.url.trim_start_matches("http://");
        self.child = spawn(&self.stage, &self.args, address)?;
        self.has_begun().await?;
        Ok(began.elapsed())
    }

    /// Whether it still runs.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait().context("can't ask for the line")? {
            None => Ok(()),
            Some(status) => anyhow::bail!("the line ended by itself ({status}):\n{}", said(self.stage.dir())),
        }
    }

    /// Ends it as its owner would.
    pub(super) async fn stop(mut self) {
        let _ = interrupt(&mut self.child); // it may be gone
        let until = Instant::now() + STOPS_WITHIN;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            sleep(LOOK_EVERY).await;
        }
    }

    async fn has_begun(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + STARTS_WITHIN;
        loop {
            self.check()?;
            let here = self.stage.whereabouts().filter(|here| here.process == self.child.id());
            if let Some(here) = here {
                self.whereabouts = here;
                return Ok(());
            }
            anyhow::ensure!(
                Instant::now() < until,
                "the line does not begin within {STARTS_WITHIN:.0?}:\n{}",
                said(self.stage.dir())
            );
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may be gone
        let _ = self.child.wait();
    }
}

/// As Ctrl-C would.
#[cfg(unix)]
fn interrupt(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    Ok(kill_process(Pid::from_child(child), Signal::INT)?)
}

/// Elsewhere a process can't be interrupted from outside; its log goes with it.
#[cfg(not(unix))]
fn interrupt(child: &mut Child) -> io::Result<()> {
    child.kill()
}

fn spawn(stage: &Stage, args: &[String], listen: &str) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("can't tell where this program is")?;
    let says = stage.dir().join(SAYS);
    let open = || {
        let file = File::options().create(true).append(true).open(&says)?;
        Ok::<_, io::Error>((file.try_clone()?, file))
    };
    let (stdout, stderr) = open().with_context(|| format!("can't write {}", says.display()))?;
    let mut command = Command::new(program);
    command.args(args).args(["--listen", listen]).stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    // What is set for a shop is not meant for practice.
    let is_setting = |name: &str| ["BREWLINE_", "OTEL_"].iter().any(|of| name.starts_with(of));
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.spawn().context("can't start the line")
}

/// The last that it said.
fn said(dir: &Path) -> String {
    let text = fs::read_to_string(dir.join(SAYS)).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}
