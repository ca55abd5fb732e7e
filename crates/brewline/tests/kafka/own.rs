//! A broker of a test's own, or three, to be killed, paused and asked for what the shared one does not do.

use std::{
    io,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    metadata::{Metadata, MetadataTopic},
};
use rustix::process::{Pid, Signal};

use crate::{
    bed::broker,
    load::root,
    support::{PATIENCE, signal_to},
};

pub(crate) struct Broker {
    pub(crate) port: u16,
    secure: bool,
}

impl Broker {
    /// `beyond`: how far its port is from the shared one's; each takes three, and the next hundred is somebody else's.
    pub(crate) fn start(beyond: u16, secure: bool) -> Self {
        let broker = Self { port: shared_port() + beyond, secure };
        // Of a round that was cut off.
        broker.script("clean");
        broker.script("start");
        broker
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal_broker(self.port, signal).unwrap();
    }

    /// After it was killed: since when it takes connections again.
    pub(crate) fn start_again(&self) -> Instant {
        self.script("start");
        Instant::now()
    }

    fn script(&self, command: &str) {
        script(command, self.port, self.secure.then_some("--secure"));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may be paused.
        let _ = signal_broker(self.port, Signal::CONT);
        self.script("clean");
    }
}

/// Three brokers that are one cluster.
pub(crate) struct Cluster {
    pub(crate) ports: [u16; 3],
}

impl Cluster {
    /// `beyond`: how far the first one's port is from the shared one's; the others' are 10 and 20 further on.
    pub(crate) fn start(beyond: u16) -> Self {
        let first = shared_port() + beyond;
        let cluster = Self { ports: [first, first + 10, first + 20] };
        cluster.script("clean");
        cluster.script("start");
        // Each answers before it knows of the others, and topics in three copies are refused by one that knows of two.
        for port in cluster.ports {
            wait_for_metadata(&format!("127.0.0.1:{port}"), |metadata| {
                metadata.brokers().len() == cluster.ports.len()
            });
        }
        cluster
    }

    /// Of all of them.
    pub(crate) fn address(&self) -> String {
        self.ports.map(|port| format!("127.0.0.1:{port}")).join(",")
    }

    pub(crate) fn kill(&self, place: usize) {
        signal_broker(self.ports[place], Signal::KILL).unwrap();
    }

    /// Starts those that were killed, and waits until each has again whatever it is to have a copy of.
    pub(crate) fn start_again(&self) {
        self.script("start");
        wait_for_metadata(&self.address(), |metadata| {
            let mut partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
            partitions.all(|partition| partition.isr().len() == self.ports.len())
        });
    }

    fn script(&self, command: &str) {
        script(command, self.ports[0], ["--brokers", "3"]);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.script("clean");
    }
}

/// Waits until a broker at one of these addresses says that it is so.
fn wait_for_metadata(brokers: &str, is_so: impl Fn(&Metadata) -> bool) {
    let until = Instant::now() + PATIENCE;
    // A client of its own for each question: one that knows more brokers than these may ask those.
    let ask = || {
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
        consumer.fetch_metadata(None, PATIENCE).unwrap()
    };
    while !is_so(&ask()) {
        assert!(Instant::now() < until, "the brokers do not find together");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

fn shared_port() -> u16 {
    broker().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap()
}

fn dir(port: u16) -> PathBuf {
    root().join(format!("target/kafka/{port}"))
}

fn signal_broker(port: u16, signal: Signal) -> io::Result<()> {
    let pid = std::fs::read_to_string(dir(port).join("pid"))?;
    let pid = pid.trim().parse().ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    signal_to(pid, signal)
}

fn script<'a>(command: &str, port: u16, more: impl IntoIterator<Item = &'a str>) {
    let mut script = Command::new(root().join("scripts/kafka"));
    let said = script.args([command, "--java", "--port", &port.to_string()]).args(more).output().unwrap();
    assert!(said.status.success(), "scripts/kafka {command}: {said:?}");
}

/// Within this time of the broker's return the line takes orders again, and makes them.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(10);
