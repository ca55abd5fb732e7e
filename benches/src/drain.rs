//! 500,000 waiting orders of amount 0: state, event and announcement for each.

use std::{path::Path, time::Instant};

use eventlog::Start;
use order::topic;

use crate::{line, table::Table};

const ORDERS: usize = 500_000;

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let log = line::open(dir, line::MONTH)?;
    line::place(&log, ORDERS, |_| 0)?;
    let mut announced = line::follow(&log, topic::PROCESSED, Start::End)?;
    let began = Instant::now();
    let working = line::Line::start(&log, barista::Options::default());
    let took = line::wait_for(announced.as_mut(), ORDERS, began)?;
    drop(working);
    log.close();
    let rate = ORDERS as f64 / took.as_secs_f64();
    table.row(
        "drain of 500k waiting orders of amount 0",
        "≥ 200,000 orders/s",
        format!("{rate:.0} orders/s"),
    );
    Ok(())
}
