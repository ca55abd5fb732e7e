//! `POST /order` at 1, 64 and 512 connections, with a barista at work; and what librdkafka and HTTP can do at all.

use std::{fmt::Write as _, time::Duration};

use super::{Cluster, Shop, Who, bare, barista, counter, median};
use crate::{
    load::{self, Seen},
    post::plain,
    table::{Table, percentile},
};

const WARM: Duration = Duration::from_secs(2);
const LASTS: Duration = Duration::from_secs(4);

pub(super) fn run(cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let plain = plain()?;
    for (connections, target) in
        [(1, "p50 ≤ 1.5 ms"), (64, "≥ 25,000/s"), (512, "≥ 40,000/s, ≥ 0.4 of a plain handler")]
    {
        let mut plains = Vec::new();
        let seen = cluster.in_turns(&Who::all(), |who| {
            let seen = measure(cluster, who, connections)?;
            if connections == 512 && who == Who::Line {
                plains.push(load::orders(plain, connections, LASTS)?.per_second);
            }
            Ok(seen)
        })?;
        for (who, runs) in seen {
            let rate = median(runs.iter().map(|seen| seen.per_second));
            let at = |percent| median(runs.iter().map(|seen| percentile(&seen.millis, percent)));
            let row = who.row(&format!("`POST /order`, {connections} connections"), "without a barista");
            let mut text = format!("{rate:.0}/s, p50 {:.2} ms, p99 {:.1} ms", at(50.0), at(99.0));
            if connections == 512 && who == Who::Line {
                let shares = runs.iter().zip(&plains).map(|(seen, plain)| seen.per_second / plain);
                let _ = write!(text, ", {:.2} of a plain handler", median(shares));
            }
            table.row(&row, who.target(target), text);
        }
        if !plains.is_empty() {
            let seen = format!("{:.0}/s", median(plains));
            table.row("a plain handler that writes nothing, 512 connections", "to compare", seen);
        }
    }
    Ok(())
}

fn measure(cluster: &Cluster, who: Who, connections: usize) -> anyhow::Result<Seen> {
    let shop = Shop::new(cluster)?;
    if who == Who::Bare {
        bare::publish(&shop, connections, WARM)?;
        return bare::publish(&shop, connections, LASTS);
    }
    let args: &[&str] = if let Who::Peer(_) = who { &[] } else { &["--max-open", "4000000"] };
    let up = counter(who, &shop, args)?;
    let barista = if let Who::Peer(_) = who { Some(barista(who, &shop, &[])?) } else { None };
    load::orders(up.counter, connections, WARM)?;
    let seen = load::orders(up.counter, connections, LASTS)?;
    barista.map_or(Ok(()), crate::process::Program::kill)?;
    up.program.kill()?;
    Ok(seen)
}
