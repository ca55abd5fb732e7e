//! Programs as child processes, and what the system says of it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// A program in a process of its own. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    /// What it said first.
    said: Receiver<String>,
}

/// So many lines are kept of what a program says.
const SAID: usize = 100;

/// A counter, or a whole line, in a process of its own.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) program: Program,
    /// Where it listens.
    pub(crate) counter: SocketAddr,
    /// From its start until it was ready.
    pub(crate) ready_after: Duration,
}

/// The release binary, beside this one.
pub(crate) fn binary() -> anyhow::Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("brewline");
    if !binary.exists() {
        bail!("there is no {}; build it first: cargo build --release", binary.display());
    }
    Ok(binary)
}

impl Up {
    /// Starts `brewline up` on the log in `dir`, and waits until it is ready.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let log = format!("local:{}", dir.display());
        Self::run(&binary()?, &[&["up", "--quiet", "--log", &log], args].concat())
    }

    /// Starts a program that takes orders at `--listen`, and waits until it does.
    pub(crate) fn run(program: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Self::run_at(free, program, args)
    }

    /// The same at this address.
    pub(crate) fn run_at(counter: SocketAddr, program: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut program = Program::run(program, &[args, &["--listen", &counter.to_string()]].concat())?;
        while began.elapsed() < Duration::from_mins(2) {
            // Other people's counters have no `/readyz`.
            let is_ready = |answer: String| ["200", "404"].iter().any(|code| answer[9..].starts_with(code));
            if get(counter, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 ") && is_ready(answer))
            {
                return Ok(Self { program, counter, ready_after: began.elapsed() });
            }
            program.check()?;
            std::thread::park_timeout(Duration::from_millis(2));
        }
        bail!("the counter was not ready within 120 s")
    }
}

impl Program {
    pub(crate) fn run(program: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let output = child.stdout.take().context("its output is piped")?;
        let (say, said) = sync_channel(SAID);
        // Read to the end, so that it never waits for someone to listen.
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).for_each(|line| drop(say.try_send(line)));
        });
        Ok(Self { child, said })
    }

    /// The staff token, which the first start on a log shows.
    pub(crate) fn staff_token(&self) -> anyhow::Result<String> {
        let mut lines = std::iter::from_fn(|| self.said.recv_timeout(Duration::from_mins(1)).ok());
        lines.find(|line| line.contains("staff token")).context("no staff token was shown")?;
        let token = lines.find(|line| line.starts_with("  ")).context("no staff token was shown")?;
        Ok(token.trim().to_owned())
    }

    /// Whether it still runs.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        self.child.try_wait()?.map_or(Ok(()), |status| bail!("what is measured ended: {status}"))
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it as Ctrl-C would.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }

    /// Resident memory, in MiB.
    pub(crate) fn memory_mib(&self) -> anyhow::Result<f64> {
        memory_mib(&self.child.id().to_string())
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        cpu_seconds(&self.child.id().to_string())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time that a process has used so far, in seconds.
pub(crate) fn cpu_seconds(pid: &str) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
    // Fields 14 and 15 of proc(5), counted from the one after the name; a tick is 10 ms on Linux.
    Ok((ticks(11) + ticks(12)) / 100.0)
}

/// Resident memory of a process, in MiB.
pub(crate) fn memory_mib(pid: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

/// The whole answer to a GET.
pub(crate) fn get(counter: SocketAddr, path: &str) -> anyhow::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect_timeout(&counter, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: cafe\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
