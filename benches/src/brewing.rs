//! A million orders brewing: the engine's memory, how late its timers are, and how soon it decides again
//! after SIGKILL.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use barista::{Engine, Metrics, system_clock, work_spec};
use eventlog::{Log as _, Start, local::LocalLog};
use order::{Rules, topic};

use crate::{
    line,
    process::{Up, get, memory_mib},
    table::{Table, percentile, sorted},
};

const ORDERS: usize = 1_000_000;

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let log = line::open(dir, line::MONTH)?;
    line::place(&log, ORDERS, 1_000)?;
    let options =
        barista::Options { rules: Rules { cup_ms: 120, ..Rules::default() }, ..barista::Options::default() };
    engine_memory(&log, &options, table)?;
    lateness(&log, &options, table)?;
    log.close();
    drop(log);
    restart(dir, table)
}

/// What a session holds after it has taken a million orders, beyond what the process had before.
fn engine_memory(log: &LocalLog, options: &barista::Options, table: &mut Table) -> anyhow::Result<()> {
    let before = memory_mib("self")?;
    let began = Instant::now();
    let work = log.work(&work_spec(options))?;
    let mut engine = Engine::new(work, options.clone(), system_clock(), Metrics::default())?;
    let mut decided = 0;
    while decided < ORDERS {
        decided += engine.step().map_err(|e| anyhow::anyhow!("{e}"))?.committed;
    }
    let seen = memory_mib("self")? - before;
    let rate = ORDERS as f64 / began.elapsed().as_secs_f64();
    table.row("1M brewing: engine", "≤ 300 MB", format!("{seen:.0} MiB, taken at {rate:.0} orders/s"));
    Ok(())
}

/// The drinks become due over some seconds, as they were taken; each is announced that much late.
fn lateness(log: &LocalLog, options: &barista::Options, table: &mut Table) -> anyhow::Result<()> {
    let mut announced = line::follow(log, topic::PROCESSED, Start::Beginning)?;
    let mut events = line::follow(log, topic::EVENT, Start::Beginning)?;
    let work = log.work(&work_spec(options))?;
    let mut engine = Engine::new(work, options.clone(), system_clock(), Metrics::default())?;
    let (mut due, mut late) = (std::collections::HashMap::new(), Vec::new());
    let began = Instant::now();
    while late.len() < ORDERS {
        anyhow::ensure!(began.elapsed() < Duration::from_mins(5), "only {} of {ORDERS} came", late.len());
        engine.step().map_err(|e| anyhow::anyhow!("{e}"))?;
        for entry in events.poll(Duration::ZERO)?.entries {
            let event = entry.record.value.as_deref().and_then(|v| order::Event::parse(v).ok());
            let Some(event) = event else { continue };
            match (event.to, event.due_at) {
                (order::Stage::Making, Some(at)) => drop(due.insert(event.order_id, at.get())),
                (order::Stage::Ready, _) => {
                    let at = due.remove(&event.order_id).unwrap_or(event.at);
                    late.push((entry.timestamp - at) as f64);
                }
                _ => {}
            }
        }
        announced.poll(Duration::ZERO)?;
    }
    let late = sorted(late);
    let seen = format!("p50 {:.0} ms, p99 {:.0} ms", percentile(&late, 50.0), percentile(&late, 99.0));
    table.row("1M brewing: announced after the due time", "p99 ≤ 10 ms", seen);
    Ok(())
}

/// The real binary with a million orders brewing, killed and started again.
fn restart(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let dir = dir.join("restart");
    let log = line::open(&dir, line::MONTH)?;
    line::place(&log, ORDERS, 1_000)?;
    log.close();
    drop(log);
    let args = ["--seconds-per-cup", "3600"];
    let up = Up::start(&dir, &args)?;
    let began = Instant::now();
    while !get(up.counter, "/metrics")?.contains(&format!("making\"}} {ORDERS}\n")) {
        anyhow::ensure!(began.elapsed() < Duration::from_mins(2), "the million was not taken");
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let whole = up.memory_mib()?;
    up.kill()?;
    let log_began = Instant::now();
    let log = line::open(&dir, line::MONTH)?;
    let opened = log_began.elapsed();
    let mut events = line::follow(&log, topic::EVENT, Start::End)?;
    line::place(&log, 1, 0)?;
    let began = Instant::now();
    let working = line::Line::start(&log, barista::Options::default());
    let decided = opened + line::wait_for(events.as_mut(), 1, began)?;
    drop(working);
    log.close();
    table.row("1M brewing: whole process with views", "reported", format!("{whole:.0} MiB"));
    let seen = format!("{:.2} s (log open after {:.2} s)", decided.as_secs_f64(), opened.as_secs_f64());
    table.row("1M brewing: SIGKILL → first decision", "≤ 2 s", seen);
    Ok(())
}
