//! From the append to the announcement as a read committed reader sees it, at 500 orders/s.

use super::{Cluster, Shop, Who, bare, barista, counter, median};
use crate::{
    latency::flow,
    table::{Table, percentile},
};

const ORDERS: usize = 5_000;

pub(super) fn run(cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let mut sample = None;
    let seen = cluster.in_turns(&Who::all(), |who| {
        let shop = Shop::new(cluster)?;
        let log = shop.log()?;
        let mut programs = Vec::new();
        let mut loops = Vec::new();
        match who {
            Who::Line => programs.push(counter(who, &shop, &[])?.program),
            Who::Alone | Who::Peer(_) => programs.push(barista(who, &shop, &[])?),
            Who::Bare => {
                let sample = sample.as_ref().expect("the line came first");
                loops.push(bare::Barista::start(&shop, sample)?);
            }
        }
        // Everyone is awake and warm before the first order counts.
        flow(&log, 1_000)?;
        let millis = flow(&log, ORDERS)?;
        if sample.is_none() {
            sample = Some(bare::Sample::of(&shop)?);
        }
        drop((programs, loops));
        Ok(millis)
    })?;
    for (who, runs) in seen {
        let at = |percent| median(runs.iter().map(|millis| percentile(millis, percent)));
        let row = who.row("append → announced (read committed), 500 orders/s", "barista alone");
        let text = format!("p50 {:.2} ms, p99 {:.1} ms", at(50.0), at(99.0));
        table.row(&row, who.target("p50 ≤ 12 ms, p99 ≤ 60 ms"), text);
    }
    Ok(())
}
