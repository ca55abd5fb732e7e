//! The bells in `order.processed`, for customers of any counter.

use std::{
    io::{Write as _, stderr},
    time::Duration,
};

use anyhow::Context as _;
use client::Announcements;
use eventlog::{Entry, Log as _, OpenError};
use order::{Order, topic};
use tokio_util::sync::CancellationToken;

use crate::{
    catalog,
    config::{Cluster, Keep},
    hearing::Hearing,
    kafka::{KafkaLog, Options},
    opened::kafka_options,
    value::Told,
};

/// How long a poll waits: a bound on how late a stop is noticed.
const WAIT: Duration = Duration::from_millis(250);

/// Hears every bell from now on, until `stop`. Only looks: a topic that is missing is somebody else's to make.
/// Says where: whoever named a log for something else would wait at the wrong place, and nothing would tell.
pub(crate) async fn hear(told: &Told<Cluster>, stop: &CancellationToken) -> anyhow::Result<Announcements> {
    let cluster = &told.value;
    let keep = Keep::default();
    let topics: Vec<_> =
        catalog(keep.retention).into_iter().filter(|spec| spec.name == topic::PROCESSED).collect();
    let options = kafka_options(cluster, &keep, &topics)?;
    let announcements = Announcements::default();
    let (heard, stopped) = (announcements.clone(), stop.clone());
    let is_there = tokio::task::spawn_blocking(move || begin(options, heard, stopped)).await??;
    // Not with `eprintln!`, which panics when the terminal is gone.
    let _ = writeln!(stderr(), "{}", place(told, is_there));
    Ok(announcements)
}

/// Where the bells are heard, in one line.
fn place(told: &Told<Cluster>, is_there: bool) -> String {
    let Told { value: Cluster { brokers, prefix, .. }, by } = told;
    let is_there = if is_there { "" } else { ", which is not there yet" };
    format!(
        "The bells are heard in {prefix}{} on Kafka at {brokers}{is_there}, as {by} says, and not from the counter, \
         which must work on the same log and prefix",
        topic::PROCESSED
    )
}

/// Returns when the first bell would be heard, and whether there is anything to hear it in.
fn begin(options: Options, heard: Announcements, stop: CancellationToken) -> anyhow::Result<bool> {
    let log = KafkaLog::look(options)?;
    let is_there = log.partitions(topic::PROCESSED) > 0;
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
    Ok(is_there)
}

/// Whoever announced it: an order that can't be read is nobody's here, and no round is the first.
fn announce(heard: &Announcements, entry: &Entry) {
    let Some(Ok(order)) = entry.record.value.as_deref().map(Order::parse) else { return };
    let round =
        entry.record.headers.get("round").and_then(|round| std::str::from_utf8(round).ok()?.parse().ok());
    heard.announce(order.order_id.as_str(), round.unwrap_or(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_where_the_bells_are_heard_and_who_says_so() {
        let (brokers, prefix) = ("cafe:9092".to_owned(), "seoul.".to_owned());
        let value = Cluster { brokers, prefix, properties: std::collections::BTreeMap::new() };
        let told = Told { value, by: "the environment variable BREWLINE_LOG".to_owned() };
        let said = place(&told, true);
        assert!(said.contains("seoul.order.processed on Kafka at cafe:9092, as the environment"), "{said}");
        assert!(said.contains("not from the counter") && !said.contains('\n'), "{said}");
        assert!(place(&told, false).contains("not there yet"));
    }
}
