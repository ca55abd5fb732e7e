//! A broker of a test's own, to be killed, paused and asked for what the shared one does not do.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{bed::broker, load::root};

pub(crate) struct Broker {
    pub(crate) port: u16,
    secure: bool,
}

impl Broker {
    /// `beyond`: how far its port is from the shared one's; each takes three, and the next hundred is somebody else's.
    pub(crate) fn start(beyond: u16, secure: bool) -> Self {
        let shared = broker();
        let port: u16 = shared.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap();
        let broker = Self { port: port + beyond, secure };
        // Of a round that was cut off.
        broker.script("clean");
        broker.script("start");
        broker
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What it has written.
    pub(crate) fn dir(&self) -> PathBuf {
        root().join(format!("target/kafka/{}", self.port))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = std::fs::read_to_string(self.dir().join("pid")).unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// After it was killed: since when it takes connections again.
    pub(crate) fn start_again(&self) -> Instant {
        self.script("start");
        Instant::now()
    }

    fn script(&self, command: &str) {
        let port = self.port.to_string();
        let mut script = Command::new(root().join("scripts/kafka"));
        script.args([command, "--java", "--port", &port]).args(self.secure.then_some("--secure"));
        let said = script.output().unwrap();
        assert!(said.status.success(), "scripts/kafka {command}: {said:?}");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may be paused.
        if let Ok(pid) = std::fs::read_to_string(self.dir().join("pid"))
            && let Some(pid) = pid.trim().parse().ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, Signal::CONT);
        }
        self.script("clean");
    }
}

/// Within this time of the broker's return the line takes orders again, and makes them.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(10);
