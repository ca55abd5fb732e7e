//! The real binary in a process of its own, and the few words of HTTP that the tests speak.
#![allow(dead_code, reason = "each test binary uses its part of this")]
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Nothing here takes longer, on the slowest machine; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Sends a signal. A process that is stopped has stopped when this returns: a thread that waits for a processor runs on
/// after the signal was sent, by more than 10 ms on two cores, and may answer.
pub(crate) fn signal_to(pid: Pid, signal: Signal) -> io::Result<()> {
    kill_process(pid, signal)?;
    let until = Instant::now() + PATIENCE;
    while signal == Signal::STOP && !has_stopped(pid)? {
        assert!(Instant::now() < until, "it does not stop");
    }
    Ok(())
}

fn has_stopped(pid: Pid) -> io::Result<bool> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"))?;
    // A thread that ends meanwhile has no state any more.
    let mut states =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    // The state stands behind the name, which may have brackets of its own.
    Ok(states.all(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T'))))
}

/// The binary with these arguments, in a directory without settings.
pub(crate) fn brewline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brewline"));
    command.args(args).current_dir(std::env::temp_dir()).stdin(Stdio::null());
    for (name, _) in
        std::env::vars().filter(|(name, _)| ["BREWLINE_", "OTEL_"].iter().any(|of| name.starts_with(of)))
    {
        command.env_remove(name);
    }
    command
}

/// What a command that ends by itself said.
#[derive(Debug)]
pub(crate) struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

pub(crate) fn run(args: &[&str]) -> Said {
    let output = brewline(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A process whose lines are read as they come. Killed when dropped.
pub(crate) struct Process {
    pub child: Child,
    lines: Receiver<String>,
    /// Every line that was read so far; those of stderr begin with [`STDERR`].
    pub heard: Vec<String>,
    /// How far in `heard` each stream was waited for: stdout, stderr. Which of two lines in different streams is read
    /// first says nothing of which was written first.
    passed: [usize; 2],
}

const STDERR: &str = "stderr: ";

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr): (ChildStdout, ChildStderr) =
            (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (tell, lines) = channel();
        let tell_errors = tell.clone();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(tell.send(line)));
        });
        std::thread::spawn(move || {
            BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| {
                let _ = tell_errors.send(format!("{STDERR}{line}"));
            });
        });
        Self { child, lines, heard: Vec::new(), passed: [0; 2] }
    }

    /// Waits for the next line that this holds for, behind the last one that was waited for in its stream.
    pub(crate) fn hear(&mut self, what: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut next = 0;
        loop {
            while let Some(line) = self.heard.get(next) {
                let passed = &mut self.passed[usize::from(line.starts_with(STDERR))];
                next += 1;
                if next > *passed && what(line) {
                    *passed = next;
                    return line.clone();
                }
            }
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("not heard within {PATIENCE:?}: {:#?}", self.heard),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before: {:#?}", self.heard),
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal_to(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended, and reads what it still said.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>) {
        let until = Instant::now() + PATIENCE;
        // Both pipes close when it ends.
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("no end within {PATIENCE:?}: {:#?}", self.heard),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.heard))
    }
}

impl Drop for Process {
    /// Where a test has failed, what it said tells why.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.heard.extend(self.lines.try_iter());
            eprintln!("process {} said {:#?}", self.child.id(), self.heard);
        }
    }
}

/// `brewline up` on a directory of its own.
pub(crate) struct Up {
    pub process: Process,
    pub counter: SocketAddr,
}

impl Up {
    /// On a port that the system chooses.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), dir, args)
    }

    pub(crate) fn start_at(listen: SocketAddr, dir: &Path, args: &[&str]) -> Self {
        let (log, listen) = (format!("local:{}", dir.display()), listen.to_string());
        let all: Vec<&str> =
            ["up", "--log", &log, "--listen", &listen].into_iter().chain(args.iter().copied()).collect();
        Self::ready(brewline(&all))
    }

    /// A practice line, on a port that the system chooses.
    pub(crate) fn practice(args: &[&str]) -> Self {
        Self::practice_within(&std::env::temp_dir(), args)
    }

    /// The same, with its temporary files there.
    pub(crate) fn practice_within(dir: &Path, args: &[&str]) -> Self {
        let all: Vec<&str> =
            ["up", "--listen", "127.0.0.1:0"].into_iter().chain(args.iter().copied()).collect();
        let mut command = brewline(&all);
        command.env("TMPDIR", dir);
        Self::ready(command)
    }

    /// A line that hears when its terminal is closed, also where the tests run under `nohup` and so everything that they
    /// start does not. (Only GNU's `env` can do that.)
    pub(crate) fn start_on_terminal(dir: &Path) -> Self {
        if cfg!(not(target_os = "linux")) {
            return Self::start(dir, &[]);
        }
        let log = format!("local:{}", dir.display());
        let line = brewline(&["up", "--log", &log, "--listen", "127.0.0.1:0"]);
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(line.get_program()).args(line.get_args());
        for (name, value) in line.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(dir).stdin(Stdio::null());
        Self::ready(command)
    }

    fn ready(command: Command) -> Self {
        let mut process = Process::start(command);
        let counter = address(&process.hear(|line| line.starts_with("  health")));
        let until = Instant::now() + PATIENCE;
        // The port is bound before the log is opened, so the first connection waits until it is served.
        while !get(counter, "/readyz").is_ok_and(|answer| answer.status == 200) {
            assert!(Instant::now() < until, "never ready: {:#?}", process.heard);
            if let Some(status) = process.child.try_wait().unwrap() {
                let lines: Vec<_> = process.lines.try_iter().collect();
                panic!("up ended with {status}: {lines:#?}");
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Self { process, counter }
    }

    /// The token that the first start shows.
    pub(crate) fn staff_token(&mut self) -> String {
        self.process.hear(|line| line.contains("staff token"));
        self.process.hear(|line| line.starts_with("  ")).trim().to_owned()
    }

    /// Ctrl-C, and the end that follows.
    pub(crate) fn stop(self) -> (ExitStatus, Vec<String>) {
        self.process.signal(Signal::INT);
        self.process.end()
    }

    /// Ctrl-C, and once more while the clean stop waits for an order.
    pub(crate) fn stop_twice(self) {
        let mut stream = open_stream(self.counter, "/shop/events");
        let _slow = slow_order(self.counter);
        self.process.signal(Signal::INT);
        // Streams end first: the stop has begun.
        stream.read_to_string(&mut String::new()).unwrap();
        self.process.signal(Signal::INT);
        let (status, lines) = self.process.end();
        assert_eq!(status.code(), Some(130), "{lines:#?}");
    }

    /// As a power cut would.
    pub(crate) fn kill(mut self) {
        self.process.child.kill().unwrap();
        self.process.child.wait().unwrap();
    }
}

/// The address in a line of the banner.
pub(crate) fn address(line: &str) -> SocketAddr {
    let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
    rest.split('/').next().unwrap().parse().unwrap()
}

/// An answer over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

pub(crate) fn get(counter: SocketAddr, path: &str) -> std::io::Result<Answer> {
    request(counter, "GET", path, &[], "")
}

pub(crate) fn request(
    counter: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&counter, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let more = headers.iter().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\r\n");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: cafe\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, answer.clone());
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.get(9..12).and_then(|s| s.parse().ok()).ok_or_else(broken)?;
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// A stream of events that has begun, to be read on.
pub(crate) fn open_stream(counter: SocketAddr, path: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(counter).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: cafe\r\n\r\n").unwrap();
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    stream
}

/// An order whose body does not come: a clean stop waits for it.
pub(crate) fn slow_order(counter: SocketAddr) -> TcpStream {
    let mut slow = TcpStream::connect(counter).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(
        b"POST /orders HTTP/1.1\r\nHost: cafe\r\nContent-Type: application/json\r\n\
          Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
    )
    .unwrap();
    // The 100 says that it has begun.
    let mut begun = [0; 12];
    slow.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 100");
    slow
}

/// Reads a stream of events until one holds; gives its data.
pub(crate) fn hear(
    counter: SocketAddr,
    path: &str,
    what: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let mut stream = TcpStream::connect(counter).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: cafe\r\nAccept: text/event-stream\r\n\r\n").unwrap();
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap();
        if let Some(data) = line.strip_prefix("data:")
            && let Ok(json) = serde_json::from_str(data.trim())
            && what(&json)
        {
            return json;
        }
    }
    panic!("the stream of {path} ended before");
}

/// The log in this directory, as a flag says it.
pub(crate) fn local(dir: &std::path::Path) -> String {
    format!("local:{}", dir.display())
}

/// What the doctor found, each in one line: what is wrapped begins below the text.
pub(crate) fn findings(stdout: &str) -> Vec<String> {
    stdout.replace(&format!("\n{:17}", ""), " ").lines().map(str::to_owned).collect()
}
