//! The bells in `order.processed`, for customers of any counter.

use std::time::Duration;

use anyhow::Context as _;
use client::Announcements;
use eventlog::{
    Entry, OpenError,
    kafka::{KafkaLog, Options},
};
use order::{Order, topic};
use tokio_util::sync::CancellationToken;

use crate::{
    catalog,
    config::{Cluster, Keep},
    hearing::Hearing,
    opened::kafka_options,
};

/// How long a poll waits: a bound on how late a stop is noticed.
const WAIT: Duration = Duration::from_millis(250);

/// Hears every bell from now on, until `stop`. Only looks: a topic that is missing is somebody else's to make.
pub(crate) async fn hear(cluster: &Cluster, stop: &CancellationToken) -> anyhow::Result<Announcements> {
    let keep = Keep::default();
    let topics: Vec<_> =
        catalog(keep.retention).into_iter().filter(|spec| spec.name == topic::PROCESSED).collect();
    let options = kafka_options(cluster, &keep, &topics)?;
    let announcements = Announcements::default();
    let (heard, stopped) = (announcements.clone(), stop.clone());
    tokio::task::spawn_blocking(move || begin(options, heard, stopped)).await??;
    Ok(announcements)
}

/// Returns when the first bell would be heard.
fn begin(options: Options, heard: Announcements, stop: CancellationToken) -> anyhow::Result<()> {
    let log = KafkaLog::look(options)?;
    let mut bells = Hearing::begin(log.as_ref(), topic::PROCESSED)?;
    let listening = move || {
        while !stop.is_cancelled() {
            match bells.poll(log.as_ref(), WAIT) {
                Ok(batch) => batch.entries.iter().for_each(|entry| announce(&heard, entry)),
                Err(OpenError::Closed) => return,
                Err(error) => return tracing::warn!(%error, "the bells can't be heard any more"),
            }
        }
    };
    std::thread::Builder::new().name("bells".to_owned()).spawn(listening).context("can't hear the bells")?;
    Ok(())
}

/// Whoever announced it: an order that can't be read is nobody's here, and no round is the first.
fn announce(heard: &Announcements, entry: &Entry) {
    let Some(Ok(order)) = entry.record.value.as_deref().map(Order::parse) else { return };
    let round =
        entry.record.headers.get("round").and_then(|round| std::str::from_utf8(round).ok()?.parse().ok());
    heard.announce(order.order_id.as_str(), round.unwrap_or(1));
}
