//! From the append to the announcement, at 500 orders/s.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use eventlog::{Log, Start};
use order::topic;

use crate::{
    line,
    table::{Table, percentile, sorted},
};

const ORDERS: usize = 10_000;
const EVERY: Duration = Duration::from_millis(2);

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let log = line::open(dir, line::MONTH)?;
    let working = line::Line::start(&log, barista::Options::default());
    // Everything is open and warm before the first order counts.
    flow(&log, 500)?;
    let millis = flow(&log, ORDERS)?;
    drop(working);
    log.close();
    let (p50, p99) = (percentile(&millis, 50.0), percentile(&millis, 99.0));
    table.row(
        "append → announced, 500 orders/s",
        "p50 ≤ 2 ms, p99 ≤ 8 ms",
        format!("p50 {p50:.2} ms, p99 {p99:.2} ms"),
    );
    Ok(())
}

/// Orders at a steady pace; milliseconds from each one's append, that is from when it was handed to the log,
/// until a follower read its announcement. Sorted.
pub(crate) fn flow(log: &Arc<impl Log>, orders: usize) -> anyhow::Result<Vec<f64>> {
    let sent: Arc<Mutex<HashMap<Vec<u8>, Instant>>> = Arc::default();
    let mut announced = line::follow(log, topic::PROCESSED, Start::End)?;
    let (publisher, sending) = (log.publisher(), sent.clone());
    let mut placing = Some(std::thread::spawn(move || -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        runtime.block_on(async {
            let mut pace = tokio::time::interval(EVERY);
            let mut waiting = Vec::new();
            for _ in 0..orders {
                pace.tick().await;
                let id = uuid::Uuid::new_v4().to_string();
                let lock =
                    |at| sending.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone().into(), at);
                lock(Instant::now());
                waiting.push(tokio::spawn(publisher.publish(
                    topic::RECEIVED,
                    0,
                    line::order(&id, 0),
                    Duration::from_secs(5),
                )));
            }
            for publish in waiting {
                publish.await??;
            }
            Ok(())
        })
    }));
    let mut millis = Vec::with_capacity(orders);
    let began = Instant::now();
    while millis.len() < orders {
        // An order that was not written never comes: the reason stands there.
        if let Some(placed) = placing.take_if(|placing| placing.is_finished()) {
            placed.join().map_err(|_| anyhow::anyhow!("the customers panicked"))??;
        }
        anyhow::ensure!(began.elapsed() < Duration::from_mins(2), "only {} of {orders} came", millis.len());
        let batch = announced.poll(Duration::from_millis(100))?;
        let now = Instant::now();
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = batch.entries.iter().filter_map(|entry| entry.record.key.as_deref());
        millis.extend(keys.filter_map(|key| sent.remove(key)).map(|at| (now - at).as_secs_f64() * 1_000.0));
    }
    Ok(sorted(millis))
}
