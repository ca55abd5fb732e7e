//! `brewline watch`: every record as it comes, one line each, and what became of it.
//!
//! | file | idea |
//! |---|---|
//! | `from` | where to begin |
//! | `merge` | records of several partitions in the order of their times |
//! | `says` | what a record says, in a few words |
//! | `line`, `json` | a record for people, and for programs |

mod from;
mod json;
mod line;
mod merge;
mod says;

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use eventlog::{Log as _, Topic};
use jiff::tz::TimeZone;
use order::OrderId;
use terminal_size::{Width, terminal_size_of};
use tokio_util::sync::CancellationToken;

pub use self::from::{moment, said_moment, start};
use self::{line::Lines, merge::Merge};
use crate::{
    catalog,
    config::{Keep, Watch},
    kafka::{Fate, KafkaLog, Sighting},
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
    let (mut merge, mut printer) = (Merge::default(), Printer::new(wanted, io::stdout()));
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
        let wait = merge.wait(Instant::now()).unwrap_or(WAIT).min(WAIT);
        let sightings = seen.poll(wait)?;
        if sightings.unfollowed > 0 {
            tracing::warn!(
                "what becomes of {} records that are open will not be said: there are too many",
                sightings.unfollowed
            );
        }
        let now = Instant::now();
        merge.add(sightings, now);
        match printer.print(&merge.due(now)) {
            // Whoever listened has heard enough: `brewline watch | head`.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            done => done.context("can't write what is seen to stdout")?,
        }
    }
    // Whoever is gone needs no last word.
    if printer.print(&merge.rest()).is_ok() {
        let _ = writeln!(io::stderr(), "{}", printer.shown.said());
    }
    Ok(())
}

/// Topics as the cluster knows them.
fn named(topics: &[Topic], prefix: &str) -> String {
    let names: Vec<_> = topics.iter().map(|topic| format!("{prefix}{topic}")).collect();
    names.join(", ")
}

/// How many records were shown, by what is known of them.
#[derive(Debug, Default)]
struct Shown {
    committed: u64,
    aborted: u64,
    open: u64,
}

impl Shown {
    fn count(&mut self, sighting: &Sighting) {
        // It comes once more when its fate is known.
        self.open -= u64::from(sighting.was_open && self.open > 0);
        *match sighting.fate {
            Fate::Committed => &mut self.committed,
            Fate::Aborted => &mut self.aborted,
            Fate::Open => &mut self.open,
        } += 1;
    }

    /// The last word.
    fn said(&self) -> String {
        let Self { committed, aborted, open } = self;
        let all = committed + aborted + open;
        let records = if all == 1 { "1 record was".to_owned() } else { format!("{all} records were") };
        format!("stopped; {records} shown: {committed} committed, {aborted} aborted, {open} open")
    }
}

/// Writes what is wanted of what was seen.
struct Printer<W> {
    out: W,
    order: Option<OrderId>,
    /// `None`: for programs.
    lines: Option<Lines>,
    text: String,
    shown: Shown,
}

impl Printer<io::Stdout> {
    fn new(wanted: &Watch, out: io::Stdout) -> Self {
        // NO_COLOR and the like; and whether it is a terminal at all.
        let has_colours = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
        let lines = (!wanted.json).then(|| Lines { zone: TimeZone::system(), has_colours, columns: None });
        Self { out, order: wanted.order.clone(), lines, text: String::new(), shown: Shown::default() }
    }

    /// Writes them as wide as the terminal is now.
    fn print(&mut self, sightings: &[Sighting]) -> io::Result<()> {
        if let Some(lines) = &mut self.lines {
            lines.columns = columns(&self.out);
        }
        self.write(sightings)
    }
}

/// How wide the terminal is, if it is one that says so.
fn columns(out: &io::Stdout) -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(out)?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}

impl<W: Write> Printer<W> {
    fn write(&mut self, sightings: &[Sighting]) -> io::Result<()> {
        for sighting in sightings {
            self.add(sighting);
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
        self.shown.count(sighting);
        match &self.lines {
            Some(lines) => lines.add(sighting, &mut self.text),
            None => self.text += &json::line(sighting),
        }
    }
}
