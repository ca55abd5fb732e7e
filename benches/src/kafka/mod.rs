//! The line on Apache Kafka, side by side on one broker with librdkafka's own limit (the same records in a bare loop)
//! and with programs on other people's libraries, where `tests/peers/build` has built them.

mod bare;
mod brewing;
mod drain;
mod latency;
mod post;
mod restart;
mod shop;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use self::shop::Shop;
use crate::{
    process::{Program, binary},
    table::Table,
};

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Measure on this broker [default: one is started for it with scripts/kafka, and removed afterwards]
    #[arg(long, value_name = "HOST:PORT")]
    brokers: Option<String>,

    /// Where the broker that is started listens; the next port must be free, too
    #[arg(long, default_value_t = 29_292)]
    port: u16,

    /// How often each Kafka row is measured, in turns; the table has the medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,

    /// How many orders wait, or are brewing, in the Kafka rows
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    orders: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    Post,
    Drain,
    Latency,
    Brewing,
    Restart,
}

/// A broker, and what is measured on it.
#[derive(Debug)]
pub(crate) struct Cluster {
    brokers: String,
    runs: usize,
    orders: usize,
    /// Ours to end, at this port.
    port: Option<u16>,
}

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// A counter whose views fold and a barista, in one process.
    Line,
    /// `brewline counter` or `brewline barista` alone.
    Alone,
    /// A loop around librdkafka that decides nothing.
    Bare,
    /// A program of `tests/peers`.
    Peer(&'static str),
}

impl Who {
    /// Stands behind the measure; the line's own row has the bare name.
    fn row(self, measure: &str, alone: &str) -> String {
        match self {
            Self::Line => measure.to_owned(),
            Self::Alone => format!("{measure}: {alone}"),
            Self::Bare => format!("{measure}: librdkafka in a bare loop"),
            Self::Peer("confluent") => format!("{measure}: Go, confluent-kafka-go"),
            Self::Peer("java") => format!("{measure}: Java"),
            Self::Peer(name) => format!("{measure}: {name}"),
        }
    }

    fn target(self, target: &str) -> &str {
        if self == Self::Line { target } else { "to compare" }
    }

    fn all() -> Vec<Self> {
        let peers = ["confluent", "java"].into_iter().filter(|name| peer(name).exists()).map(Self::Peer);
        [Self::Line, Self::Alone, Self::Bare].into_iter().chain(peers).collect()
    }

    /// The program, if it is one of its own.
    fn program(self) -> anyhow::Result<PathBuf> {
        match self {
            Self::Peer(name) => Ok(peer(name)),
            _ => binary(),
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn peer(name: &str) -> PathBuf {
    root().join("target/peers").join(name)
}

impl Cluster {
    pub(crate) fn start(settings: &Settings) -> anyhow::Result<Self> {
        let port = settings.brokers.is_none().then_some(settings.port);
        if let Some(port) = port {
            script("start", port)?;
        }
        Ok(Self {
            brokers: settings.brokers.clone().unwrap_or_else(|| format!("127.0.0.1:{}", settings.port)),
            runs: settings.runs.into(),
            orders: settings.orders as usize,
            port,
        })
    }

    pub(crate) fn measure(&self, measure: Measure, table: &mut Table) -> anyhow::Result<()> {
        match measure {
            Measure::Post => post::run(self, table),
            Measure::Drain => drain::run(self, table),
            Measure::Latency => latency::run(self, table),
            Measure::Brewing => brewing::run(self, table),
            Measure::Restart => restart::run(self, table),
        }
    }

    /// Measures everyone in turns, [`Settings::runs`] times.
    fn in_turns<T>(
        &self,
        who: &[Who],
        mut measure: impl FnMut(Who) -> anyhow::Result<T>,
    ) -> anyhow::Result<Vec<(Who, Vec<T>)>> {
        let mut seen: Vec<_> = who.iter().map(|who| (*who, Vec::new())).collect();
        for run in 1..=self.runs {
            for (who, seen) in &mut seen {
                eprintln!("  run {run}: {who:?}");
                seen.push(measure(*who).with_context(|| format!("{who:?}"))?);
            }
        }
        Ok(seen)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(port) = self.port
            && let Err(error) = script("clean", port)
        {
            eprintln!("  the broker was left as it is: {error}");
        }
    }
}

fn script(command: &str, port: u16) -> anyhow::Result<()> {
    let script = root().join("scripts/kafka");
    let status = std::process::Command::new(&script)
        .args([command, "--java", "--port", &port.to_string()])
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {}", script.display()))?;
    if !status.success() {
        bail!("{} {command}: {status}", script.display());
    }
    Ok(())
}

/// Starts whoever makes the orders of a shop, with cups that take no time unless `args` say otherwise.
fn barista(who: Who, shop: &Shop, args: &[&str]) -> anyhow::Result<Program> {
    let place = format!("kafka://{}", shop.brokers());
    let place = match who {
        Who::Peer(_) => ["--brokers", shop.brokers(), "--prefix", shop.prefix()],
        _ => ["--log", &place, "--prefix", shop.prefix()],
    };
    let quiet: &[&str] = if let Who::Peer(_) = who { &[] } else { &["--quiet"] };
    Program::run(&who.program()?, &[&["barista"], quiet, &place, args].concat())
}

/// Starts a counter, or the whole line, of a shop.
fn counter(who: Who, shop: &Shop, args: &[&str]) -> anyhow::Result<crate::process::Up> {
    let place = format!("kafka://{}", shop.brokers());
    let place = match who {
        Who::Peer(_) => ["--brokers", shop.brokers(), "--prefix", shop.prefix()],
        _ => ["--log", &place, "--prefix", shop.prefix()],
    };
    let command: &[&str] = if who == Who::Line { &["up", "--quiet"] } else { &["counter"] };
    crate::process::Up::run(&who.program()?, &[command, &place, args].concat())
}

fn median(samples: impl IntoIterator<Item = f64>) -> f64 {
    crate::table::percentile(&crate::table::sorted(samples.into_iter().collect()), 50.0)
}
