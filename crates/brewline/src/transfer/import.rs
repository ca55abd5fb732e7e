//! `brewline import`: a log from lines.

use std::{
    io::{self, BufReader, Read, Write as _},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::bail;
use eventlog::{
    Entry, OpenError, local,
    transfer::{Contents, Take},
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use shop::Settings;
use tokio_util::sync::CancellationToken;

use super::{
    Where,
    read::{Exported, read},
};
use crate::{
    backup::{Ending, counted, read_from},
    catalog,
    config::{Cluster, Keep, Place},
    kafka::{self, KafkaLog},
    opened::kafka_options,
    signals::stop_on_signals,
};

/// What `import` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(super) from: Where,
    /// `None`: it is only read.
    pub(super) to: Option<Place>,
    pub(super) keep: Keep,
    pub(super) again: bool,
}

/// Makes a log of it, and counts that; the exit code is 1 if an order is not accounted for.
pub(crate) async fn import(wanted: Import) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    tokio::task::spawn_blocking(move || imported(&wanted, &stop)).await?
}

fn imported(wanted: &Import, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
    let (from, name): (Box<dyn Read>, _) = match &wanted.from {
        Where::Pipe => (Box::new(io::stdin()), "what stdin has".to_owned()),
        Where::File(file) => (Box::new(read_from(file, "brewline export")?), file.display().to_string()),
    };
    let from = BufReader::with_capacity(1 << 20, Ending { of: from, stop: stop.clone() });
    let made = match &wanted.to {
        None => {
            read(from, &name, &catalog(wanted.keep.retention), &mut Nothing).map(|exported| (exported, None))
        }
        Some(Place::Local(dir)) => {
            to_directory(from, &name, dir).map(|exported| (exported, Some(dir.display().to_string())))
        }
        Some(Place::Kafka(cluster)) => to_kafka(from, &name, cluster, wanted, stop)
            .map(|exported| (exported, Some(format!("Kafka at {}", cluster.brokers)))),
    };
    let (exported, to) = match made {
        Err(_) if stop.is_cancelled() => bail!("stopped before everything was imported; there is no log"),
        made => made?,
    };
    let (holds, says) = match &wanted.to {
        None => (true, "can be read".to_owned()),
        Some(place) => {
            let holds = match place {
                Place::Local(dir) => counted(dir)?,
                Place::Kafka(cluster) => counted_there(cluster, &wanted.keep)?,
            };
            let every = if holds { "every order is accounted for" } else { "an order is NOT accounted for" };
            (holds, format!("imported to {}, {every}", to.unwrap_or_default()))
        }
    };
    let said = format!("{name}: {}; {says}\n", described(&exported));
    let _ = io::stdout().write_all(said.as_bytes());
    if !holds {
        bail!("an order is not accounted for in what was imported: brewline ledger says which");
    }
    Ok(ExitCode::SUCCESS)
}

fn to_directory(from: impl io::BufRead, name: &str, dir: &Path) -> Result<Exported, OpenError> {
    let mut to = local::Import::new(dir);
    let exported = read(from, name, &catalog(Keep::default().retention), &mut to)?;
    to.finish()?;
    Ok(exported)
}

fn to_kafka(
    from: impl io::BufRead,
    name: &str,
    cluster: &Cluster,
    wanted: &Import,
    stop: &CancellationToken,
) -> Result<Exported, OpenError> {
    let topics = catalog(wanted.keep.retention);
    let options = kafka_options(cluster, &wanted.keep, &topics)?;
    let stop = stop.clone();
    let stop = Arc::new(move || stop.is_cancelled());
    let mut to = kafka::Import::new(options, barista::GROUP, wanted.again, stop);
    let exported = read(from, name, &topics, &mut to)?;
    to.finish()?;
    Ok(exported)
}

/// Whether the ledger of a log on a cluster holds.
fn counted_there(cluster: &Cluster, keep: &Keep) -> anyhow::Result<bool> {
    let log = KafkaLog::look(kafka_options(cluster, keep, &catalog(keep.retention))?)?;
    let now = Timestamp::now().as_millisecond();
    // When days end is of no account to the equation.
    let counted = counter::ledger_of(log.as_ref(), &Settings::embedded(), None, now);
    log.close();
    Ok(serde_json::from_slice::<Value>(&counted?)?["holds"] == true)
}

/// What an export has, in a few words.
pub(super) fn described(exported: &Exported) -> String {
    let at = Timestamp::from_millisecond(exported.made_at).unwrap_or_default().to_zoned(TimeZone::system());
    format!("{} records as of {}", exported.records, at.strftime("%Y-%m-%d %H:%M:%S"))
}

/// Takes it, and makes nothing of it.
pub(super) struct Nothing;

impl Take for Nothing {
    type Error = OpenError;

    fn begin(&mut self, _: &Contents) -> Result<(), OpenError> {
        Ok(())
    }

    fn record(&mut self, _: Entry) -> Result<(), OpenError> {
        Ok(())
    }
}
