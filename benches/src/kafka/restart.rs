//! How soon somebody decides again: after a planned restart under the same name, and after SIGKILL.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use eventlog::{Log as _, Start, kafka::KafkaLog};
use order::topic;

use super::{Cluster, Shop, Who, barista, median};
use crate::{line, process::Program, table::Table};

/// How often an order comes by which the next decision is seen.
const EVERY: Duration = Duration::from_millis(20);
/// How long a second barista has for joining before the first one dies.
const JOINS_WITHIN: Duration = Duration::from_secs(4);

pub(super) fn run(cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let planned = cluster.in_turns(&[Who::Alone], |who| {
        let shop = Shop::new(cluster)?;
        let log = shop.log()?;
        let mut bar = barista(who, &shop, &["--instance", "bar"])?;
        decides(&log, &mut bar)?;
        let began = Instant::now();
        bar.stop()?;
        let mut bar = barista(who, &shop, &["--instance", "bar"])?;
        decides(&log, &mut bar)?;
        Ok(began.elapsed().as_secs_f64())
    })?;
    for (_, seconds) in planned {
        let text = format!("{:.2} s", median(seconds));
        table.row("planned restart of the same instance: SIGTERM → first decision", "≤ 1 s", text);
    }
    let who: Vec<_> = Who::all().into_iter().filter(|who| !matches!(who, Who::Line | Who::Bare)).collect();
    let killed = cluster.in_turns(&who, |who| {
        let shop = Shop::new(cluster)?;
        let log = shop.log()?;
        let mut first = barista(who, &shop, &[])?;
        decides(&log, &mut first)?;
        let mut second = barista(who, &shop, &[])?;
        std::thread::park_timeout(JOINS_WITHIN);
        // In the midst of work: a transaction that is open then hides the tail for as long as it lives.
        decides(&log, &mut first)?;
        first.kill()?;
        let began = Instant::now();
        decides(&log, &mut second)?;
        Ok(began.elapsed().as_secs_f64())
    })?;
    for (who, seconds) in killed {
        let measure = "take-over by another barista: SIGKILL → first decision";
        let (row, target) = match who {
            Who::Alone => (measure.to_owned(), "≤ 10 s (session time 6 s + 4 s)"),
            peer => (peer.row(measure, ""), "to compare (session time 10 s)"),
        };
        let worst = seconds.iter().copied().fold(0.0, f64::max);
        table.row(&row, target, format!("{:.2} s, at most {worst:.2} s", median(seconds)));
    }
    Ok(())
}

/// Waits until an order that is placed from now on is announced.
pub(super) fn decides(log: &Arc<KafkaLog>, program: &mut Program) -> anyhow::Result<()> {
    let mut announced = line::follow(log, topic::PROCESSED, Start::End)?;
    let began = Instant::now();
    let mut placed = HashSet::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let publisher = log.publisher();
    loop {
        program.check()?;
        anyhow::ensure!(began.elapsed() < Duration::from_mins(2), "nobody decides");
        let id = uuid::Uuid::new_v4().to_string();
        let order = line::order(&id, 0);
        runtime.block_on(publisher.publish(topic::RECEIVED, 0, order, Duration::from_secs(5)))?;
        placed.insert(id.into_bytes());
        let until = Instant::now() + EVERY;
        while Instant::now() < until {
            let batch = announced.poll(until.saturating_duration_since(Instant::now()))?;
            let mut keys = batch.entries.iter().filter_map(|entry| entry.record.key.as_deref());
            if keys.any(|key| placed.contains(key)) {
                return Ok(());
            }
        }
    }
}
