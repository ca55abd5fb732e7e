//! Doing what a page says.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt::Write as _,
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use snapbox::{Assert, Data};
use tempfile::TempDir;

use crate::{
    page::{ELISION, Step, Typed, steps},
    terminal::{Terminal, within},
};

/// No step takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a reader's broker and counter are.
const BROKER: &str = "localhost:9092";
const COUNTER: &str = "127.0.0.1:8080";

/// An empty directory, with terminals as they are needed.
pub(crate) struct Room {
    terminals: BTreeMap<String, Terminal>,
    variables: Vec<(&'static str, OsString)>,
    broker: String,
    counter: String,
    prefix: String,
    programs: PathBuf,
    dir: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = std::env::var("BREWLINE_TEST_KAFKA").unwrap_or_else(|_| BROKER.to_owned());
        let counter = format!("127.0.0.1:{}", free_port());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let prefix = format!("lesson-{}-{:x}.", std::process::id(), since.as_nanos());
        let brewline = Path::new(env!("CARGO_BIN_EXE_brewline"));
        let programs = dir.path().join("programs");
        fs::create_dir(&programs).unwrap();
        let work = dir.path().join("work");
        fs::create_dir(&work).unwrap();
        // Its client asks the counter of this page. Only the client: for other commands it would mean something else.
        let wrapper = programs.join("brewline");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = client ]; then unset BREWLINE_LOG; export BREWLINE_COUNTER=http://{counter}; fi\n\
             exec '{}' \"$@\"\n",
            brewline.display()
        );
        fs::write(&wrapper, script).unwrap();
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
        let examples = brewline.parent().unwrap().join("examples");
        for example in ["naive-barista", "by-hand", "print-shop"] {
            symlink(examples.join(example), programs.join(example)).unwrap();
        }
        let mut path = OsString::from(&programs);
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let variables = vec![
            ("PATH", path),
            ("HOME", work.into_os_string()),
            ("TERM", "dumb".into()),
            ("NO_COLOR", "1".into()),
            ("LC_ALL", "C.UTF-8".into()),
            // What counter, barista and watch take where nobody says more.
            ("BREWLINE_LOG", format!("kafka://{broker}").into()),
            ("BREWLINE_LISTEN", counter.clone().into()),
            ("BREWLINE_PREFIX", prefix.clone().into()),
        ];
        Self { terminals: BTreeMap::new(), variables, broker, counter, prefix, programs, dir }
    }

    /// Does what the page in this file says.
    pub(crate) fn read(self, page: &Path) {
        eprintln!("{}", page.display());
        self.follow(&fs::read_to_string(page).unwrap());
    }

    /// Does what the page says.
    pub(crate) fn follow(mut self, page: &str) {
        for step in steps(page) {
            if let Err(why) = self.step(&step) {
                let typed = match &step.typed {
                    Typed::Command(command) => command,
                    Typed::Interrupt => "^C",
                    Typed::Nothing => ELISION,
                };
                let mut others = String::new();
                for (name, terminal) in &mut self.terminals {
                    // What has been said and not been read yet may tell why.
                    while terminal.listen(within(Duration::from_millis(50))) {}
                    let _ = writeln!(others, "--- terminal {name:?}\n{}", terminal.text());
                }
                panic!("line {}: {}$ {typed}\n{why}\n{others}", step.line, step.terminal);
            }
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let began = Instant::now();
        if !self.terminals.contains_key(&step.terminal) {
            let variables = self.variables.iter().map(|(name, value)| (*name, value.as_os_str()));
            let dir = self.dir.path().join("work");
            let terminal =
                Terminal::open(&dir, variables).map_err(|e| format!("there is no terminal: {e}"))?;
            self.terminals.insert(step.terminal.clone(), terminal);
        }
        let until = within(PATIENCE);
        let typed = match &step.typed {
            Typed::Command(command) => Some(self.elsewhere(command)),
            Typed::Interrupt | Typed::Nothing => None,
        };
        let terminal = self.terminals.get_mut(&step.terminal).expect("it is open");
        match typed {
            Some(command) => {
                while terminal.ended.is_none() {
                    if !terminal.listen(until) {
                        return Err("what runs in this terminal does not end".to_owned());
                    }
                }
                if let Some(code @ 1..) = terminal.ended
                    && !terminal.interrupted
                {
                    return Err(format!("what ran in this terminal before ended with exit code {code}"));
                }
                terminal.type_command(&command);
            }
            None if step.typed == Typed::Interrupt => terminal.interrupt(),
            None => {}
        }
        let result = self.see(step, until);
        eprintln!("{:>7} ms  line {}", began.elapsed().as_millis(), step.line);
        result
    }

    /// Waits until all is seen that the page shows.
    fn see(&mut self, step: &Step, until: Instant) -> Result<(), String> {
        let expected = pattern(&step.shown);
        loop {
            let terminal = &self.terminals[&step.terminal];
            let ended = terminal.ended;
            let seen = compare(&self.back(&terminal.text()), &expected);
            let goes_on = step.runs_on() || step.typed == Typed::Nothing;
            let seen = match (ended, seen) {
                (Some(code @ 1..), _) if step.typed != Typed::Interrupt => {
                    return Err(format!("it ended with exit code {code}"));
                }
                (_, Ok(())) if goes_on => return Ok(()),
                (Some(_), seen) if !goes_on => return seen,
                (_, seen) => seen,
            };
            let terminal = self.terminals.get_mut(&step.terminal).expect("it is open");
            if !terminal.listen(until) {
                return Err(format!("not within {PATIENCE:?}\n{}", seen.err().unwrap_or_default()));
            }
        }
    }

    /// A command as it has to be typed here.
    fn elsewhere(&self, command: &str) -> String {
        command.replace(BROKER, &self.broker).replace(COUNTER, &self.counter)
    }

    /// What is shown here, as a reader would see it.
    fn back(&self, text: &str) -> String {
        let text = anstream::adapter::strip_str(text).to_string();
        let text =
            text.replace(&self.broker, BROKER).replace(&self.counter, COUNTER).replace(&self.prefix, "");
        let brewline = Path::new(env!("CARGO_BIN_EXE_brewline")).display().to_string();
        text.replace(&brewline, "brewline").replace(&format!("{}/", self.programs.display()), "")
    }
}

/// What is shown, as snapbox has it.
fn pattern(shown: &[String]) -> String {
    let line = |line: &String| match line.as_str() {
        ELISION => "...\n".to_owned(),
        line => line.replace(ELISION, "[..]") + "\n",
    };
    shown.iter().map(line).collect()
}

fn compare(said: &str, expected: &str) -> Result<(), String> {
    let said = if said.is_empty() || said.ends_with('\n') { said.to_owned() } else { format!("{said}\n") };
    Assert::new()
        .try_eq(Some(&"the terminal"), Data::text(said), Data::text(expected.to_owned()))
        .map_err(|difference| difference.to_string())
}

/// A port that is free, and that the system gives to nobody who does not ask for it by its number.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + u16::try_from(std::process::id() % 997).expect("below 997") * 16;
    (0..16)
        .map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of so many ports is free")
}
