//! Orders of amount 0 that wait: state, event and announcement for each.

use super::{Cluster, Shop, Who, bare, barista, median};
use crate::{
    process::{Program, binary},
    table::Table,
};

pub(super) fn run(cluster: &Cluster, table: &mut Table) -> anyhow::Result<()> {
    let orders = cluster.orders;
    let mut sample = None;
    let seen = cluster.in_turns(&Who::all(), |who| {
        let shop = Shop::new(cluster)?;
        shop.place(orders, |_| 0)?;
        match who {
            Who::Line => {
                let mut line = start_line(&shop)?;
                let rate = shop.take(orders, Some(&mut line))?;
                if sample.is_none() {
                    sample = Some(bare::Sample::of(&shop)?);
                }
                Ok(rate)
            }
            Who::Alone | Who::Peer(_) => {
                let mut program = barista(who, &shop, &[])?;
                shop.take(orders, Some(&mut program))
            }
            Who::Bare => {
                let sample = sample.as_ref().expect("the line came first");
                let _barista = bare::Barista::start(&shop, sample)?;
                shop.take(orders, None)
            }
        }
    })?;
    for (who, runs) in seen {
        let row = who.row(&format!("drain of {orders} waiting orders of amount 0"), "barista alone");
        let rate = median(runs.iter().map(|taken| taken.per_second));
        let cpu = median(runs.iter().map(|taken| taken.cpu_micros));
        let text = format!("{rate:.0} orders/s, {cpu:.1} µs of a core each");
        table.row(&row, who.target("≥ 150,000 orders/s"), text);
    }
    Ok(())
}

/// The whole line, not waiting until its views are complete: by then nothing would wait any more.
fn start_line(shop: &Shop) -> anyhow::Result<Program> {
    let log = format!("kafka://{}", shop.brokers());
    let args = ["up", "--quiet", "--listen", "127.0.0.1:0", "--log", &log, "--prefix", shop.prefix()];
    Program::run(&binary()?, &args)
}
