//! `up` with nothing to do, and the size of the binary.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    process::{Up, binary},
    table::Table,
};

const LASTS: Duration = Duration::from_secs(30);

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let up = Up::start(dir, &[])?;
    std::thread::park_timeout(Duration::from_secs(3));
    let (began, used) = (Instant::now(), up.program.cpu_seconds()?);
    std::thread::park_timeout(LASTS);
    let share = (up.program.cpu_seconds()? - used) / began.elapsed().as_secs_f64() * 100.0;
    let seen = format!("{:.1} MiB, {share:.2} % of a core", up.program.memory_mib()?);
    table.row("idle `up`", "≤ 20 MB, < 0.5 % of a core", seen);
    let size = std::fs::metadata(binary()?)?.len() as f64 / 1e6;
    table.row("release binary", "≤ 25 MB", format!("{size:.1} MB"));
    up.program.stop()
}
