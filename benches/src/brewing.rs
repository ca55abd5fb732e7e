//! A million orders brewing: the engine's memory, how late its timers are, and how soon it decides again
//! after SIGKILL.

use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use barista::{Engine, Metrics, system_clock, work_spec};
use eventlog::{Log as _, Start, local::LocalLog};
use order::{Event, Rules, Stage, topic};

use crate::{
    line,
    process::{Up, get, memory_mib},
    table::{Table, percentile, sorted},
};

const ORDERS: usize = 1_000_000;
/// How long a cup takes; with 100 to 1,000 cups the drinks become due one to ten minutes after they were taken,
/// about 1,850 a second.
const CUP_MS: u64 = 600;
/// How many of them are looked at.
const TIMERS: usize = 40_000;

fn cups(order: usize) -> u16 {
    u16::try_from(100 + order % 901).unwrap_or(1_000)
}

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let log = line::open(dir, line::MONTH)?;
    line::place(&log, ORDERS, cups)?;
    let rules = Rules { cup_ms: CUP_MS, ..Rules::default() };
    let options = barista::Options { rules, ..barista::Options::default() };
    engine_memory(&log, &options, table)?;
    lateness(&log, options, table)?;
    log.close();
    drop(log);
    restart(dir, table)
}

/// What a session holds after it has taken a million orders, beyond what the process had before.
fn engine_memory(log: &LocalLog, options: &barista::Options, table: &mut Table) -> anyhow::Result<()> {
    // What the log keeps until it is moved is at most 64 MiB, and none of the engine's.
    log.clean();
    let before = memory_mib("self")?;
    let began = Instant::now();
    let work = log.work(&work_spec(options))?;
    let mut engine = Engine::new(work, options.clone(), system_clock(), Metrics::default())?;
    let mut decided = 0;
    while decided < ORDERS {
        decided += engine.step().map_err(|e| anyhow::anyhow!("{e}"))?.committed;
    }
    let rate = ORDERS as f64 / began.elapsed().as_secs_f64();
    log.clean();
    let seen = memory_mib("self")? - before;
    table.row("1M brewing: engine", "≤ 300 MB", format!("{seen:.0} MiB, taken at {rate:.0} orders/s"));
    Ok(())
}

/// With a million brewing, drinks become due; each is announced that much late, by the log's clock.
fn lateness(log: &Arc<LocalLog>, options: barista::Options, table: &mut Table) -> anyhow::Result<()> {
    let mut events = line::follow(log, topic::EVENT, Start::Beginning)?;
    let working = line::Line::start(log, options);
    let (mut due, mut late) = (HashMap::new(), Vec::new());
    let began = Instant::now();
    while late.len() < TIMERS {
        anyhow::ensure!(began.elapsed() < Duration::from_mins(5), "only {} of {TIMERS} came", late.len());
        for entry in events.poll(Duration::from_millis(100))?.entries {
            let event = entry.record.value.as_deref().and_then(|value| Event::parse(value).ok());
            match event {
                Some(Event { to: Stage::Making, due_at: Some(at), order_id, .. }) => {
                    due.insert(order_id, at.get());
                }
                Some(Event { to: Stage::Ready, order_id, .. }) => {
                    late.extend(due.remove(&order_id).map(|due| (entry.timestamp - due) as f64));
                }
                _ => {}
            }
        }
    }
    drop(working);
    let late = sorted(late);
    let seen = format!("p50 {:.0} ms, p99 {:.0} ms", percentile(&late, 50.0), percentile(&late, 99.0));
    table.row("1M brewing: announced after the due time, 1,850 a second", "p99 ≤ 10 ms", seen);
    Ok(())
}

/// The real binary with a million orders brewing, killed and started again.
fn restart(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let dir = dir.join("restart");
    let log = line::open(&dir, line::MONTH)?;
    line::place(&log, ORDERS, cups)?;
    log.close();
    drop(log);
    let args = ["--seconds-per-cup", "3600"];
    let up = Up::start(&dir, &args)?;
    let began = Instant::now();
    while !get(up.counter, "/metrics")?.contains(&format!("making\"}} {ORDERS}\n")) {
        anyhow::ensure!(began.elapsed() < Duration::from_mins(2), "the million was not taken");
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let whole = up.program.memory_mib()?;
    up.program.kill()?;
    let log_began = Instant::now();
    let log = line::open(&dir, line::MONTH)?;
    let opened = log_began.elapsed();
    let mut events = line::follow(&log, topic::EVENT, Start::End)?;
    line::place(&log, 1, |_| 0)?;
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
