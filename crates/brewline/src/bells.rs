//! The bells in `order.processed`, for customers of any counter.

use std::time::Duration;

use anyhow::Context as _;
use client::Announcements;
use eventlog::{
    Entry, FollowError, Log as _, OpenError, Start,
    kafka::{KafkaLog, Options},
};
use order::{Order, topic};
use tokio_util::sync::CancellationToken;

use crate::{
    catalog,
    config::{Cluster, Keep},
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
    // Before the first barista there is no such topic, and all bells in it are of now.
    let first = if is_missing(&log) { None } else { Some(log.follow(&[(topic::PROCESSED, Start::End)])?) };
    let listening = move || {
        let mut start = Start::Beginning;
        let mut follow = first;
        while !stop.is_cancelled() {
            let Some(follower) = &mut follow else {
                std::thread::sleep(WAIT);
                if is_missing(&log) {
                    continue;
                }
                match log.follow(&[(topic::PROCESSED, start.clone())]) {
                    Ok(new) => follow = Some(new),
                    Err(OpenError::Storage(_)) => {}
                    Err(error) => return tracing::warn!(%error, "the bells can't be heard any more"),
                }
                continue;
            };
            match follower.poll(WAIT) {
                Ok(batch) => batch.entries.iter().for_each(|entry| announce(&heard, entry)),
                Err(FollowError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "the bells can't be heard; trying again");
                    let from = follower.positions().into_iter().map(|at| (at.partition, at.offset)).collect();
                    start = match error {
                        FollowError::Gone { .. } => Start::Beginning,
                        _ => Start::Offsets(from),
                    };
                    follow = None;
                }
            }
        }
    };
    std::thread::Builder::new().name("bells".to_owned()).spawn(listening).context("can't hear the bells")?;
    Ok(())
}

fn is_missing(log: &KafkaLog) -> bool {
    log.partitions(topic::PROCESSED) == 0
}

/// Whoever announced it: an order that can't be read is nobody's here, and no round is the first.
fn announce(heard: &Announcements, entry: &Entry) {
    let Some(Ok(order)) = entry.record.value.as_deref().map(Order::parse) else { return };
    let round =
        entry.record.headers.get("round").and_then(|round| std::str::from_utf8(round).ok()?.parse().ok());
    heard.announce(order.order_id.as_str(), round.unwrap_or(1));
}
