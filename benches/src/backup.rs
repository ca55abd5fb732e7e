//! A backup of a large log while 500 orders/s flow, on the real binary.

use std::{
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use crate::{
    load::{self, Seen},
    process::{Up, binary},
    start,
    table::{Table, percentile},
};

const EVERY: Duration = Duration::from_millis(2);
/// So many of the same orders flow before it, to compare.
const ALONE: usize = 5_000;

pub(crate) fn run(dir: &Path, megabytes: usize, table: &mut Table) -> anyhow::Result<()> {
    let log = dir.join("log");
    let file = dir.join("line.backup").display().to_string();
    start::fill(&log, (megabytes * 1_000_000).div_ceil(start::RECORD_BYTES))?;
    let up = Up::start(&log, &["--seconds-per-cup", "0"])?;
    let token = up.program.staff_token()?;
    let counter = up.counter;
    let alone = load::steady(counter, EVERY, |answered| answered >= ALONE)?;
    let began = Instant::now();
    let (with, took) = meanwhile(counter, || {
        let at = format!("http://{counter}");
        let said = ask(&["backup", &file, "--counter", &at], &token)?;
        ensure!(said.contains("read back and compared"), "the backup was not verified: {said}");
        Ok(began.elapsed())
    })?;
    ask(&["ledger", "--counter", &format!("http://{counter}")], &token).context("an order is missing")?;
    let bytes = std::fs::metadata(&file)?.len() as f64 / 1e9;
    ensure!(bytes * 1_000.0 >= megabytes as f64, "the file has {bytes} GB");
    let latest = |seen: &Seen| percentile(&seen.millis, 100.0);
    let seen = format!(
        "latest {:.1} ms, p99 {:.1} ms of {} orders (before it latest {:.1} ms); {bytes:.2} GB in {:.1} s, read back and \
         compared",
        latest(&with),
        percentile(&with.millis, 99.0),
        with.millis.len(),
        latest(&alone),
        took.as_secs_f64()
    );
    let measure =
        format!("backup of a log of {:.1} GB while 500 orders/s flow", start::size(&log)? as f64 / 1e9);
    table.row(&measure, "no order over 250 ms, file verified", seen);
    up.program.stop()
}

/// Orders flow while this is done.
fn meanwhile<T>(counter: SocketAddr, done: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Seen, T)> {
    let over = Arc::new(AtomicBool::new(false));
    let sees = over.clone();
    let flow =
        std::thread::spawn(move || load::steady(counter, EVERY, move |_| sees.load(Ordering::Relaxed)));
    let done = done();
    over.store(true, Ordering::Relaxed);
    let seen = flow.join().map_err(|_| anyhow::anyhow!("the customers panicked"))??;
    Ok((seen, done?))
}

/// What a command says that succeeds.
fn ask(args: &[&str], token: &str) -> anyhow::Result<String> {
    let output = Command::new(binary()?).args(args).env("BREWLINE_TOKEN", token).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "brewline {} failed: {said}{error}", args[0]);
    Ok(said)
}
