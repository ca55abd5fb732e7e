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

use anyhow::ensure;

use crate::{
    load::{self, Seen},
    process::{Up, binary},
    start,
    table::{Table, percentile},
};

const EVERY: Duration = Duration::from_millis(2);
/// How long the same orders flow before it, to compare.
const ALONE: Duration = Duration::from_secs(10);

pub(crate) fn run(dir: &Path, megabytes: usize, table: &mut Table) -> anyhow::Result<()> {
    let (log, file) = (dir.join("log"), dir.join("line.backup"));
    start::fill(&log, (megabytes * 1_000_000).div_ceil(start::RECORD_BYTES))?;
    let up = Up::start(&log, &["--seconds-per-cup", "0"])?;
    let token = up.program.staff_token()?;
    let counter = up.counter;
    let (alone, ()) = meanwhile(counter, || {
        std::thread::sleep(ALONE);
        Ok(())
    })?;
    let began = Instant::now();
    let (with, took) = meanwhile(counter, || {
        let at = format!("http://{counter}");
        let mut command = Command::new(binary()?);
        command.arg("backup").arg(&file).args(["--counter", &at]).env("BREWLINE_TOKEN", &token);
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success() && said.contains("read back and compared"),
            "the backup failed: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(began.elapsed())
    })?;
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
    let flow = std::thread::spawn(move || load::steady(counter, EVERY, &sees));
    let done = done();
    over.store(true, Ordering::Relaxed);
    let seen = flow.join().map_err(|_| anyhow::anyhow!("the customers panicked"))??;
    Ok((seen, done?))
}
