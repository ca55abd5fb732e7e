//! A shell whose output goes to a terminal, as a reader of a lesson has one.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process_group},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// What stands before the exit code when a command has ended; nothing prints it by chance.
const END: char = '\u{1e}';

/// Wide enough for what `watch` says in one row.
const COLUMNS: u16 = 120;

pub(crate) struct Terminal {
    shell: Child,
    keys: ChildStdin,
    output: Receiver<Vec<u8>>,
    /// Bytes that are not yet whole characters.
    bytes: Vec<u8>,
    /// What was said since the last command.
    pub(crate) said: String,
    /// The exit code, once the command has ended.
    pub(crate) ended: Option<i32>,
    /// Ctrl-C was pressed since the last command.
    pub(crate) interrupted: bool,
    /// Processes of the shell that were there before the last command.
    before: Vec<i32>,
}

impl Terminal {
    /// A bash in `dir` with these variables; job control is on, so that `%1` is the first job.
    pub(crate) fn open<'a>(
        dir: &Path,
        variables: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> std::io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&ours).and_then(|()| unlockpt(&ours))?;
        tcsetwinsize(&ours, Winsize { ws_row: 40, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 })?;
        let name = ptsname(&ours, Vec::new())?;
        let theirs = File::options()
            .read(true)
            .write(true)
            .open(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name.as_bytes()))?;
        // Tests that run in the background of a script have Ctrl-C ignored, and a shell hands that on.
        let mut command = Command::new("perl");
        command.args(["-e", "$SIG{INT} = 'DEFAULT'; exec @ARGV", "bash", "--norc", "--noprofile"]);
        command.current_dir(dir).stdin(Stdio::piped());
        command.stdout(theirs.try_clone()?).stderr(theirs).envs(variables);
        let mut shell = command.spawn()?;
        let keys = shell.stdin.take().expect("stdin is piped");
        let (tell, output) = channel();
        std::thread::spawn(move || {
            let (mut ours, mut buffer) = (File::from(ours), [0; 4096]);
            // It fails when nobody has the terminal open any more.
            while let Ok(length @ 1..) = ours.read(&mut buffer) {
                if tell.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Self {
            shell,
            keys,
            output,
            bytes: Vec::new(),
            said: String::new(),
            ended: Some(0),
            interrupted: false,
            before: Vec::new(),
        };
        // A shell without a keyboard would end with what Ctrl-C ends.
        writeln!(terminal.keys, "set -m; trap : INT")?;
        Ok(terminal)
    }

    /// Types a command. What came before it is forgotten.
    pub(crate) fn type_command(&mut self, command: &str) {
        self.said.clear();
        self.ended = None;
        self.interrupted = false;
        self.before = self.processes();
        // A command must not read what is typed after it, and Ctrl-C ends the whole line that it is in.
        let typed = format!("{{ {command}\n}} </dev/null\nprintf '\\036%d\\n' $?");
        writeln!(self.keys, "{typed}").expect("the shell reads what is typed");
    }

    /// Ctrl-C for what runs in the foreground.
    pub(crate) fn interrupt(&mut self) {
        self.interrupted = true;
        // The first process of a pipe gives its group the number; the others have none of their own.
        let started = self.processes().into_iter().filter(|pid| !self.before.contains(pid));
        let reached = started
            .filter_map(Pid::from_raw)
            .filter(|process| kill_process_group(*process, Signal::INT).is_ok())
            .count();
        assert!(reached > 0, "nothing runs in this terminal: {:?}", self.said);
    }

    /// Waits until more has been said; false if it is not by then.
    pub(crate) fn listen(&mut self, until: Instant) -> bool {
        match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(bytes) => {
                self.bytes.extend(bytes);
                self.take();
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the shell of this terminal has ended: {:?}", self.said)
            }
        }
    }

    fn take(&mut self) {
        let whole = match std::str::from_utf8(&self.bytes) {
            Ok(text) => text.len(),
            Err(cut) => cut.valid_up_to(),
        };
        let text: Vec<u8> = self.bytes.drain(..whole).collect();
        let text = String::from_utf8(text).expect("only whole characters were taken");
        self.said.extend(text.chars().filter(|c| *c != '\r'));
        // What runs in the background may go on behind it.
        if let Some((at, length)) = self.said.find(END).and_then(|at| Some((at, self.said[at..].find('\n')?)))
        {
            self.ended = self.said[at..at + length].trim_start_matches(END).parse().ok();
            self.said.drain(at..=at + length);
        }
    }

    /// What was said, without what a shell says of its jobs: each shell has other words for it.
    pub(crate) fn text(&self) -> String {
        self.said.split_inclusive('\n').filter(|line| !is_of_the_shell(line)).collect()
    }

    /// The processes of this shell, by their ids: each job is a group of its own.
    fn processes(&self) -> Vec<i32> {
        let listed = Command::new("ps").args(["-A", "-o", "pid=", "-o", "ppid="]).output();
        let listed = String::from_utf8(listed.expect("there is a ps").stdout).expect("ps says numbers");
        let shell = self.shell.id().to_string();
        let children = listed.lines().filter_map(|line| {
            let (pid, parent) = line.trim().split_once(char::is_whitespace)?;
            if parent.trim() == shell { pid.parse().ok() } else { None }
        });
        children.collect()
    }
}

/// `[1]+  Stopped …`, `bash: line 3: 4711 Killed …`.
fn is_of_the_shell(line: &str) -> bool {
    let of_job = line.strip_prefix('[').is_some_and(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with([']'])
            && rest.starts_with(|c: char| c.is_ascii_digit())
    });
    let of_process =
        line.strip_prefix("bash: line ").and_then(|rest| rest.split_once(": ")).is_some_and(|(_, rest)| {
            rest.split_whitespace().next().is_some_and(|pid| pid.parse::<u32>().is_ok())
        });
    of_job || of_process
}

impl Drop for Terminal {
    /// Ends all that was started here, as closing the window would.
    fn drop(&mut self) {
        for process in self.processes().into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process_group(process, Signal::KILL);
        }
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// The last moment for something that is to happen within `patience` from now.
pub(crate) fn within(patience: Duration) -> Instant {
    Instant::now() + patience
}

#[test]
fn what_a_shell_says_of_its_jobs_is_told_from_what_programs_say() {
    for line in ["[1] 4711", "[2]+  Stopped   brewline barista", "bash: line 3:  4711 Killed   brewline up"] {
        assert!(is_of_the_shell(line), "{line}");
    }
    for line in ["[{\"a\":1}]", "bash: line 3: brewlin: command not found", "10:00:01 anchor 1"] {
        assert!(!is_of_the_shell(line), "{line}");
    }
}
