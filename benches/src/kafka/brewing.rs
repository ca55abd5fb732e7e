//! Very many orders brewing: the barista's memory, how late its timers are, how soon it has them again.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use eventlog::Start;
use order::{Event, Stage, topic};

use super::{Cluster, Shop, Who, barista, counter, restart};
use crate::{
    line,
    process::Program,
    table::{Table, percentile, sorted},
};

/// With 100 to 1,000 cups the drinks become due one to ten minutes after they were taken, of a million about 1,850
/// a second.
const SECONDS_PER_CUP: &str = "0.6";
/// How many of them are looked at.
const TIMERS: usize = 40_000;

fn cups(order: usize) -> u16 {
    u16::try_from(100 + order % 901).unwrap_or(1_000)
}

pub(super) fn run(cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let orders = cluster.orders;
    let shop = Shop::new(cluster)?;
    let log = shop.log()?;
    let args = ["--instance", "bar", "--seconds-per-cup", "3600"];
    // What a barista takes that has nothing to do is not the orders'.
    let mut bar = barista(Who::Alone, &shop, &args)?;
    restart::decides(&log, &mut bar)?;
    let before = bar.memory_mib()?;
    // Before they are placed: the barista takes them meanwhile.
    let all = orders + shop.taken()?;
    line::place(&log, orders, cups)?;
    let rate = shop.take(all, Some(&mut bar))?.per_second;
    let with = bar.memory_mib()?;
    let seen = format!("{:.0} MiB, taken at {rate:.0} orders/s", with - before);
    table.row(&format!("{orders} brewing: engine"), "≤ 300 MB", seen);
    let seen = format!("{with:.0} MiB");
    table.row(&format!("{orders} brewing: whole process of the barista"), "reported", seen);

    let mut seen = Vec::new();
    for _ in 0..cluster.runs {
        bar.stop()?;
        let began = Instant::now();
        bar = barista(Who::Alone, &shop, &args)?;
        restart::decides(&log, &mut bar)?;
        seen.push(began.elapsed().as_secs_f64());
    }
    bar.stop()?;
    let seen = format!("{:.2} s", super::median(seen));
    table.row(&format!("{orders} brewing: restored, from the start to the first decision"), "≤ 3 s", seen);

    let mut up = counter(Who::Line, &shop, &["--instance", "bar"])?;
    restart::decides(&log, &mut up.program)?;
    let seen = format!("{:.0} MiB", up.program.memory_mib()?);
    table.row(&format!("{orders} brewing: whole process with views"), "reported", seen);
    up.program.stop()?;
    drop((log, shop));

    let shop = Shop::new(cluster)?;
    let log = shop.log()?;
    let mut up = counter(Who::Line, &shop, &["--seconds-per-cup", SECONDS_PER_CUP])?;
    let follow = line::follow(&log, topic::EVENT, Start::End)?;
    line::place(&log, orders, cups)?;
    lateness(follow, orders, &mut up.program, table)
}

/// With all of them brewing, drinks become due; each is decided, written and seen that much late: by the barista's
/// clock, by the log's, and by that of a reader, all on the same machine.
fn lateness(
    mut events: Box<dyn eventlog::Follow>,
    orders: usize,
    program: &mut Program,
    table: &mut Table,
) -> anyhow::Result<()> {
    let (mut due, mut fired, mut late, mut seen_late) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
    let wanted = TIMERS.min(orders / 2);
    let began = Instant::now();
    while late.len() < wanted {
        program.check()?;
        anyhow::ensure!(began.elapsed() < Duration::from_mins(5), "only {} of {wanted} came", late.len());
        let batch = events.poll(Duration::from_millis(100))?;
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        for entry in batch.entries {
            let event = entry.record.value.as_deref().and_then(|value| Event::parse(value).ok());
            match event {
                Some(Event { to: Stage::Making, due_at: Some(at), order_id, .. }) => {
                    due.insert(order_id, at.get());
                }
                Some(Event { to: Stage::Ready, at, order_id, .. }) => {
                    if let Some(due) = due.remove(&order_id) {
                        fired.push((at - due) as f64);
                        late.push((entry.timestamp - due) as f64);
                        seen_late.push((now - due) as f64);
                    }
                }
                _ => {}
            }
        }
    }
    for (late, what, target) in [
        (fired, "decided after the due time", "p99 ≤ 10 ms"),
        (late, "written after the due time", "reported"),
        (seen_late, "seen by a read committed reader after the due time", "reported"),
    ] {
        let late = sorted(late);
        let text = format!("p50 {:.0} ms, p99 {:.0} ms", percentile(&late, 50.0), percentile(&late, 99.0));
        table.row(&format!("{orders} brewing: {what}"), target, text);
    }
    Ok(())
}
