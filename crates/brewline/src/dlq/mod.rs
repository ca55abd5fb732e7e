//! `brewline dlq`: dead letters listed, shown, retried and dropped.
//!
//! | file | idea |
//! |---|---|
//! | `letter` | a letter, what it was when it came, and the marks that one was seen to |
//! | `list`, `show` | letters for people |
//!
//! Nothing takes a record out of a log: what is retried or dropped gets a mark behind it, by which `list` leaves it
//! out.

mod letter;
mod list;
mod show;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use eventlog::{Entry, Log as _, Partition, Record, Start, Topic};
use jiff::tz::TimeZone;
use order::{DeadLetter, topic};

pub use self::letter::Place;
use self::letter::{mark, marking, original};
use crate::{
    catalog,
    config::{Cluster, Keep},
    kafka::KafkaLog,
    opened::kafka_options,
};

/// How long brokers may be silent while the letters are read.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a record may take to be written.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// What to do with which letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// List those that nobody has seen to, or `all`.
    List { all: bool },
    /// Show everything about one.
    Show(Place),
    /// Publish one where it came from; `again`: also if that was done.
    Retry { letter: Place, again: bool },
    /// Mark one as seen to.
    Drop(Place),
}

/// Does it, and says what was done on stdout.
pub(crate) async fn dlq(cluster: Cluster, what: What) -> anyhow::Result<ExitCode> {
    let keep = Keep::default();
    let options = kafka_options(&cluster, &keep, &catalog(keep.retention))?;
    let log = tokio::task::spawn_blocking(move || KafkaLog::look(options)).await??;
    if log.partitions(topic::DLQ) == 0 {
        // That nothing is there must not look like a good shop.
        let name = format!("{}{}", cluster.prefix, topic::DLQ);
        tracing::warn!("there is no {name} yet; say --prefix if the line has one");
    }
    let said = match what {
        What::List { all } => list(&log, all).await?,
        What::Show(place) => {
            let Found { letter, done } = find(&log, place).await?;
            show::show(&letter, &done, &TimeZone::system())
        }
        What::Retry { letter, again } => retry(&log, letter, again).await?,
        What::Drop(place) => give_up(&log, place).await?,
    };
    // Whoever reads it may have gone away.
    let _ = io::stdout().write_all(said.as_bytes()).and_then(|()| io::stdout().flush());
    Ok(ExitCode::SUCCESS)
}

async fn list(log: &Arc<KafkaLog>, all: bool) -> anyhow::Result<String> {
    let letters = read(log, list::Letters::default(), list::Letters::add).await?;
    Ok(letters.table(all, &TimeZone::system()))
}

/// A letter, and what was done about it.
struct Found {
    letter: Entry,
    done: Vec<String>,
}

async fn find(log: &Arc<KafkaLog>, place: Place) -> anyhow::Result<Found> {
    let found = read(log, (None, Vec::new()), move |(letter, done), entry| {
        if Place::of(entry) == place {
            *letter = Some(entry.clone());
        } else if let Some(mark) = mark(entry).filter(|mark| mark.letter == place)
            && !done.contains(&mark.done)
        {
            done.push(mark.done);
        }
    });
    let (letter, done) = found.await?;
    let letter =
        letter.with_context(|| format!("there is no dead letter {place}; brewline dlq list shows them"))?;
    ensure!(
        mark(&letter).is_none(),
        "{place} is no dead letter but the mark that one was seen to; brewline dlq list shows the letters"
    );
    Ok(Found { letter, done })
}

/// Folds every record of `order.dlq`, as it is now.
async fn read<T: Send + 'static>(
    log: &Arc<KafkaLog>,
    mut into: T,
    fold: impl Fn(&mut T, &Entry) + Send + 'static,
) -> anyhow::Result<T> {
    if log.partitions(topic::DLQ) == 0 {
        return Ok(into);
    }
    let log = log.clone();
    let reading = move || {
        let mut follow = log.follow(&[(topic::DLQ, Start::Beginning)])?;
        let mut heard = Instant::now();
        loop {
            let batch = follow.poll(Duration::from_secs(1))?;
            batch.entries.iter().for_each(|entry| fold(&mut into, entry));
            if batch.at_end {
                return Ok(into);
            }
            if !batch.entries.is_empty() {
                heard = Instant::now();
            }
            ensure!(
                heard.elapsed() < SILENCE,
                "no broker has answered for {SILENCE:?}; try again when they do"
            );
        }
    };
    tokio::task::spawn_blocking(reading).await?
}

async fn retry(log: &Arc<KafkaLog>, place: Place, again: bool) -> anyhow::Result<String> {
    let Found { letter, done } = find(log, place).await?;
    ensure!(
        again || done.is_empty(),
        "dead letter {place} was {} before; say --again to retry it all the same",
        done.join(" and ")
    );
    let (topic, partition, record) =
        original(&letter).map_err(|why| anyhow::anyhow!("dead letter {place} {why}"))?;
    let at = write(log, topic, partition, record)
        .await
        .with_context(|| format!("can't retry dead letter {place}"))?;
    // Between the two, nothing is lost: it is listed still, and a repeat of an order changes nothing.
    let marked = write(log, topic::DLQ, place.partition, marking(&letter, DeadLetter::RETRIED)).await;
    marked.with_context(|| format!("dead letter {place} was published as {at}, but it can't be marked as retried, and is listed still"))?;
    Ok(format!("{place} was published as {at}\n"))
}

async fn give_up(log: &Arc<KafkaLog>, place: Place) -> anyhow::Result<String> {
    let Found { letter, done } = find(log, place).await?;
    if !done.is_empty() {
        return Ok(format!("{place} was {} before\n", done.join(" and ")));
    }
    let marked = write(log, topic::DLQ, place.partition, marking(&letter, DeadLetter::DROPPED)).await;
    marked.with_context(|| format!("can't drop dead letter {place}"))?;
    Ok(format!("{place} is dropped: brewline dlq list --all shows it as long as it is kept\n"))
}

/// Where it stands now.
async fn write(log: &KafkaLog, topic: Topic, partition: Partition, record: Record) -> anyhow::Result<String> {
    let at = log.publisher().publish(topic, partition, record, WRITE_WITHIN).await?;
    Ok(format!("{}-{}@{}", at.topic, at.partition, at.offset))
}
