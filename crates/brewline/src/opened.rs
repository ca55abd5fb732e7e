//! The log of the line, wherever it is: opened, and closed in the end.

use std::{sync::Arc, time::Duration};

use eventlog::{
    Log, OpenError, Reason, TopicSpec,
    local::{self, CommitTimer, LocalLog},
};
use tokio_util::sync::CancellationToken;

use crate::{
    catalog,
    config::{Cluster, Keep, Place},
    foreign,
    kafka::{self, KafkaLog},
};

/// How long until a cluster that can't be used yet is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// A log that is open.
#[derive(Clone)]
pub(crate) enum Opened {
    Local(Arc<LocalLog>),
    Kafka(Arc<KafkaLog>),
}

/// What there is to say of a log that was closed.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// Why it would have taken no more records.
    pub(crate) trouble: Option<Reason>,
    /// Why the next start will not go on with it.
    pub(crate) damage: Option<String>,
}

impl Opened {
    pub(crate) fn log(&self) -> Arc<dyn Log> {
        match self {
            Self::Local(log) => log.clone(),
            Self::Kafka(log) => log.clone(),
        }
    }

    /// Ends everything that reads or works on it. Blocks.
    pub(crate) fn close(&self) -> Closed {
        match self {
            Self::Local(log) => {
                // Asked of the disk, which may take its time.
                let trouble = log.publisher().trouble();
                log.close();
                Closed { trouble, damage: log.damage() }
            }
            Self::Kafka(log) => {
                log.close();
                Closed::default()
            }
        }
    }
}

/// Opens the line's log. A cluster that can't be used for now is tried until it can, or until `stop`: then `None`.
pub(crate) async fn open(
    place: &Place,
    keep: &Keep,
    timer: Option<CommitTimer>,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Opened>> {
    let cluster = match place {
        Place::Local(dir) => {
            foreign::refuse(dir).map_err(anyhow::Error::msg)?;
            let options =
                local::Options { commit_timer: timer, ..local::Options::new(dir, &catalog(keep.retention)) };
            return Ok(Some(Opened::Local(LocalLog::open(options)?)));
        }
        Place::Kafka(cluster) => cluster,
    };
    let options = kafka_options(cluster, keep, &catalog(keep.retention))?;
    let mut said = None;
    loop {
        let options = options.clone();
        let opening = tokio::task::spawn_blocking(move || KafkaLog::open(options));
        let Some(opened) = stop.run_until_cancelled(opening).await else { return Ok(None) };
        match opened? {
            Ok(log) => {
                if said.is_some() {
                    tracing::warn!("Kafka at {} answers now", cluster.brokers);
                }
                return Ok(Some(Opened::Kafka(log)));
            }
            Err(OpenError::Storage(why)) => {
                if said.as_ref() != Some(&why) {
                    tracing::warn!("{why}; trying until it works");
                    said = Some(why);
                }
            }
            Err(error) => return Err(error.into()),
        }
        if stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
            return Ok(None);
        }
    }
}

/// How a cluster's log is opened.
pub(crate) fn kafka_options(
    cluster: &Cluster,
    keep: &Keep,
    topics: &[TopicSpec],
) -> Result<kafka::Options, OpenError> {
    let mut options = kafka::Options::new(&cluster.brokers, topics);
    options.prefix.clone_from(&cluster.prefix);
    options.replication = keep.replication_factor;
    // As long as the line remembers orders it must be able to read them again.
    let remembered = order::Rules::default().remember_ms;
    options.kept_at_least = Duration::from_millis(u64::try_from(remembered).unwrap_or_default());
    for (name, value) in &cluster.properties {
        options.property(name, value)?;
    }
    Ok(options)
}
