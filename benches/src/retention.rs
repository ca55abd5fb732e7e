//! A million old orders are removed while 500 orders/s flow.

use std::{path::Path, time::Duration};

use eventlog::Start;
use order::topic;

use crate::{
    latency, line,
    table::{Table, percentile},
};

const ORDERS: usize = 1_000_000;

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let log = line::open(dir, line::MONTH)?;
    line::place(&log, ORDERS, |_| 0)?;
    let mut announced = line::follow(&log, topic::PROCESSED, Start::Beginning)?;
    let began = std::time::Instant::now();
    let working = line::Line::start(&log, barista::Options::default());
    line::wait_for(announced.as_mut(), ORDERS, began)?;
    drop(working);
    log.close();
    drop(log);

    // The same log, kept for a second only: everything in it is too old now.
    let log = line::open(dir, Duration::from_secs(1))?;
    let working = line::Line::start(&log, barista::Options::default());
    // The first of them wait until everything is restored.
    latency::flow(&log, 500)?;
    let without = latency::flow(&log, 2_000)?;
    let (cleaning, flowing) = (log.clone(), log.clone());
    let flow = std::thread::spawn(move || latency::flow(&flowing, 10_000));
    let began = std::time::Instant::now();
    cleaning.clean();
    let cleaned = began.elapsed();
    let with = flow.join().map_err(|_| anyhow::anyhow!("the customers panicked"))??;
    let left = line::follow(&log, topic::RECEIVED, Start::Beginning)?.poll(Duration::from_secs(1))?;
    let first = left.entries.first().map_or(0, |entry| entry.offset);
    drop(working);
    log.close();
    let worst = |millis: &[f64]| percentile(millis, 100.0);
    let seen = format!(
        "latest {:.1} ms (before it {:.1} ms), {first} records of order.received gone in {:.1} s",
        worst(&with),
        worst(&without),
        cleaned.as_secs_f64()
    );
    table.row(
        "retention of 1M old orders while 500 orders/s flow",
        "no answer later than 25 ms because of it",
        seen,
    );
    Ok(())
}
