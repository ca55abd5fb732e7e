//! `brewline watch`: every record as it comes, one line each, and what became of it.
//!
//! | file | idea |
//! |---|---|
//! | `from` | where to begin |
//! | `says` | what a record says, in a few words |
//! | `line`, `json` | a record for people, and for programs |

mod from;
mod json;
mod line;
mod says;

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use eventlog::{
    Log as _, Topic,
    kafka::{KafkaLog, Sighting, Sightings},
};
use jiff::tz::TimeZone;
use order::OrderId;
use tokio_util::sync::CancellationToken;

pub use self::from::start;
use self::line::Lines;
use crate::{
    catalog,
    config::{Keep, Watch},
    opened::kafka_options,
    signals::stop_on_signals,
};

/// How long a look waits: a bound on how late a stop is noticed.
const WAIT: Duration = Duration::from_millis(100);

/// How long a stop waits for the line that is being written. A terminal that was stopped takes none.
const LAST_LINE: Duration = Duration::from_secs(1);

/// Shows records until it is told to stop, or nobody reads them any more.
pub(crate) async fn watch(wanted: Watch) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let stopped = stop.clone();
    let mut work = tokio::task::spawn_blocking(move || show(&wanted, &stopped));
    tokio::select! {
        done = &mut work => done??,
        () = stop.cancelled() => match tokio::time::timeout(LAST_LINE, work).await {
            Ok(done) => done??,
            Err(_) => {}
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn show(wanted: &Watch, stop: &CancellationToken) -> anyhow::Result<()> {
    let keep = Keep::default();
    let options = kafka_options(&wanted.cluster, &keep, &catalog(keep.retention))?;
    let log = KafkaLog::look(options)?;
    let missing: Vec<_> = wanted.topics.iter().filter(|topic| log.partitions(topic) == 0).copied().collect();
    if !missing.is_empty() {
        tracing::warn!(
            "there is no {} yet; each is shown when it appears",
            named(&missing, &wanted.cluster.prefix)
        );
    }
    let topics: Vec<_> = wanted.topics.iter().map(|topic| (*topic, wanted.from.clone())).collect();
    let mut seen = log.watch(&topics)?;
    let mut printer = Printer::new(wanted, io::stdout());
    let mut is_silent = false;
    while !stop.is_cancelled() {
        // That nothing comes must not look like a quiet shop.
        let trouble = log.trouble();
        match &trouble {
            Some(why) if !is_silent => tracing::warn!("{why}; what is written meanwhile is shown then"),
            None if is_silent => tracing::warn!("Kafka at {} answers now", wanted.cluster.brokers),
            _ => {}
        }
        is_silent = trouble.is_some();
        match printer.print(seen.poll(WAIT)?) {
            // Whoever listened has heard enough: `brewline watch | head`.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            done => done.context("can't write what is seen to stdout")?,
        }
    }
    Ok(())
}

/// Topics as the cluster knows them.
fn named(topics: &[Topic], prefix: &str) -> String {
    let names: Vec<_> = topics.iter().map(|topic| format!("{prefix}{topic}")).collect();
    names.join(", ")
}

/// Writes what is wanted of what was seen.
struct Printer<W> {
    out: W,
    order: Option<OrderId>,
    /// `None`: for programs.
    lines: Option<Lines>,
    text: String,
}

impl Printer<io::Stdout> {
    fn new(wanted: &Watch, out: io::Stdout) -> Self {
        // NO_COLOR and the like; and whether it is a terminal at all.
        let has_colours = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
        let lines = (!wanted.json).then(|| Lines { zone: TimeZone::system(), has_colours });
        Self { out, order: wanted.order.clone(), lines, text: String::new() }
    }
}

impl<W: Write> Printer<W> {
    fn print(&mut self, sightings: Sightings) -> io::Result<()> {
        let Sightings { mut records, unfollowed } = sightings;
        // Of what came together, what was written first comes first; the offsets of a partition stay in order.
        records.sort_by_key(|seen| seen.entry.timestamp);
        for sighting in &records {
            self.add(sighting);
        }
        if unfollowed > 0 {
            tracing::warn!(
                "what becomes of {unfollowed} records that are open will not be said: there are too many"
            );
        }
        if self.text.is_empty() {
            return Ok(());
        }
        let written = self.out.write_all(self.text.as_bytes()).and_then(|()| self.out.flush());
        self.text.clear();
        written
    }

    fn add(&mut self, sighting: &Sighting) {
        if self.order.as_ref().is_some_and(|order| !says::is_about(&sighting.entry, order.as_str())) {
            return;
        }
        match &self.lines {
            Some(lines) => lines.add(sighting, &mut self.text),
            None => self.text += &json::line(sighting),
        }
    }
}
