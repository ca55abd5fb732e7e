//! `POST /order` at 1, 64 and 512 connections, on the real binary; and what this machine's HTTP can do at all.

use std::{net::SocketAddr, path::Path, time::Duration};

use axum::{Router, http::StatusCode, routing::post};

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
        up.program.stop()?;
    }
    let seen = load::orders(plain()?, 512, LASTS)?;
    let seen = format!("{:.0}/s", seen.per_second);
    table.row("a plain handler that writes nothing, 512 connections", "to compare", seen);
    Ok(())
}

/// The same answer from the same libraries, with no line behind it; served to the end of this process.
pub(crate) fn plain() -> anyhow::Result<SocketAddr> {
    let handler = || async {
        let order = r#"{"order_id":"3f0c2f0e-6a3b-4a53-9d0e-6b1f1f3f8a11","amount":1,"status":0}"#;
        (StatusCode::ACCEPTED, [("content-type", "application/json")], order)
    };
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, Router::new().route("/order", post(handler))).await
        })
    });
    Ok(address)
}
