//! `POST /order` without traces and with one in ten recorded, turn by turn in the same run: what the difference is, how sure
//! that is, and what a collector gets of it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    load,
    process::{Up, get},
    table::{Table, percentile, sorted},
};

const LASTS: Duration = Duration::from_secs(3);
/// Turns with and without, each after the other: what else the machine does falls on both. One pair says little: on two cores
/// that the load shares, pairs of the same program differ by some percent.
const PAIRS: usize = 31;
/// Between the pair at this place of all of them in their order and the one as far from the end lies the true median in 97 of
/// 100 runs, however they are spread: it is below the tenth of 31 as often as a coin thrown 31 times shows heads at most nine
/// times.
const SURE: usize = 10;
const CONNECTIONS: usize = 512;

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let collector = format!("http://{}", collector()?);
    let on = ["--otlp-endpoint", &collector, "--trace-ratio", "0.1"];
    let (mut without, mut with, mut fewer, mut taken, mut left_out) = (vec![], vec![], vec![], 0.0, 0.0);
    let mut dearer = vec![];
    for pair in 0..PAIRS {
        let mut turn = |name: &str, args: &[&str]| {
            let up =
                Up::start(&dir.join(format!("{pair}-{name}")), &[&["--max-open", "4000000"], args].concat())?;
            load::orders(up.counter, CONNECTIONS, Duration::from_secs(1))?;
            let before = up.program.cpu_seconds()?;
            let seen = load::orders(up.counter, CONNECTIONS, LASTS)?;
            let micros = (up.program.cpu_seconds()? - before) * 1e6 / seen.millis.len() as f64;
            let metrics = get(up.counter, "/metrics")?;
            taken += counted(&metrics, "brewline_spans_sent_total ");
            left_out += counted(&metrics, "brewline_spans_dropped_total{reason=\"queue_full\"} ");
            up.program.stop()?;
            anyhow::Ok((seen.per_second, micros))
        };
        // Whoever begins finds the machine as the last one left it: each begins as often, or once more.
        let (off, traced) = if pair % 2 == 0 {
            let off = turn("off", &[])?;
            (off, turn("on", &on)?)
        } else {
            let traced = turn("on", &on)?;
            (turn("off", &[])?, traced)
        };
        eprintln!("  off {:.0}/s, {:.1} µs; on {:.0}/s, {:.1} µs", off.0, off.1, traced.0, traced.1);
        without.push(off.0);
        with.push(traced.0);
        fewer.push((1.0 - traced.0 / off.0) * 100.0);
        dearer.push(traced.1 - off.1);
    }
    anyhow::ensure!(taken > 0.0, "the collector got nothing");
    let median = |samples: Vec<f64>| percentile(&sorted(samples), 50.0);
    let fewer = sorted(fewer);
    let (low, high) = (fewer[SURE - 1], fewer[PAIRS - SURE]);
    table.row(
        "`POST /order`, 512 connections, 10 % of the traces recorded",
        "≤ 5 % fewer than without, same run",
        format!(
            "{:.1} % fewer (median of {PAIRS} pairs, 97 % sure: {low:.1} to {high:.1} %): {:.0}/s, {:.0}/s without; \
             {:.1} µs more of a core for each order; {taken:.0} spans, {left_out:.0} left out",
            percentile(&fewer, 50.0),
            median(with),
            median(without),
            median(dearer),
        ),
    );
    Ok(())
}

/// A metric; 0 where there is none.
fn counted(metrics: &str, name: &str) -> f64 {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.parse().ok()).unwrap_or(0.0)
}

/// A collector that takes everything and looks at nothing, as cheap as it can be; served to the end of this process.
fn collector() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                if let Err(error) = take(stream) {
                    eprintln!("  the collector lost a connection: {error:#}");
                }
            });
        }
    });
    Ok(address)
}

fn take(stream: TcpStream) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().context("a length that is none")?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    }
}
