//! `POST /order` at 1, 64 and 512 connections, on the real binary.

use std::{path::Path, time::Duration};

use crate::{
    load,
    process::Up,
    table::{Table, percentile},
};

const LASTS: Duration = Duration::from_secs(8);

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let targets = [(1, "p50 ≤ 1 ms"), (64, "≥ 25,000/s"), (512, "≥ 35,000/s, p99 ≤ 60 ms")];
    for (connections, target) in targets {
        let up = Up::start(&dir.join(connections.to_string()), &["--max-open", "4000000"])?;
        load::orders(up.counter, connections, Duration::from_secs(1))?;
        let seen = load::orders(up.counter, connections, LASTS)?;
        let (p50, p99) = (percentile(&seen.millis, 50.0), percentile(&seen.millis, 99.0));
        table.row(
            &format!("`POST /order`, {connections} connections"),
            target,
            format!("{:.0}/s, p50 {p50:.2} ms, p99 {p99:.1} ms", seen.per_second),
        );
        up.stop()?;
    }
    Ok(())
}
