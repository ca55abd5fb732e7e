//! The real binary as a child process, and what the system says of it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// `brewline up` in a process of its own. Ended when dropped.
#[derive(Debug)]
pub(crate) struct Up {
    child: Child,
    /// Where it listens.
    pub(crate) counter: SocketAddr,
    /// From its start until `/readyz` said yes.
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
    /// Starts it on the log in `dir`, and waits until it is ready.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> anyhow::Result<Self> {
        let counter = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let began = Instant::now();
        let mut child = Command::new(binary()?)
            .arg("up")
            .args(["--quiet", "--listen", &counter.to_string()])
            .arg("--log")
            .arg(format!("local:{}", dir.display()))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("its output is piped")?;
        // Read to the end, so that it never waits for someone to listen.
        std::thread::spawn(move || BufReader::new(output).lines().for_each(drop));
        while began.elapsed() < Duration::from_mins(2) {
            if get(counter, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(Self { child, counter, ready_after: began.elapsed() });
            }
            if let Some(status) = child.try_wait()? {
                bail!("brewline up ended: {status}");
            }
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let _ = child.kill();
        bail!("brewline up was not ready within 120 s")
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
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|t| t.parse::<f64>().ok()).unwrap_or(0.0);
        // Fields 14 and 15 of proc(5), counted from the one after the name; a tick is 10 ms on Linux.
        Ok((ticks(11) + ticks(12)) / 100.0)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
