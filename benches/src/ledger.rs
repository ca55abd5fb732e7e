//! The ledger: a million orders counted anew, alone and beside a line that is busy; and any moment of a day of 10,000.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use eventlog::{Headers, Log as _, Record, Start, Topic, local::LocalLog};
use order::{
    Action, At, Book, By, CloudEvent, Command, CommandId, Order, OrderId, Placed, Role, Rules, Verdict, topic,
};

use crate::{
    line, load,
    process::{Up, get},
    table::{Table, percentile, sorted},
};

const MILLION: usize = 1_000_000;
const DAY: usize = 10_000;
/// Records that are on their way at once.
const AT_ONCE: usize = 4_096;
const LASTS: Duration = Duration::from_secs(8);

/// A million orders: from the first record on in this process, and beside a load on the real binary.
pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let log = line::open(&dir.join("whole"), line::MONTH)?;
    let records = Story::default().write(&log, MILLION, &[Action::Collect])?;
    // What reading and writing have left behind is not the ledger's.
    fs::write("/proc/self/clear_refs", "5")?;
    let before = peak_mib()?;
    let began = Instant::now();
    let said = count(&log, None)?;
    let (took, peak) = (began.elapsed().as_secs_f64(), peak_mib()? - before);
    anyhow::ensure!(
        said["equation"]["accepted"] == MILLION && said["holds"] == true,
        "it does not hold: {said}"
    );
    let seen = format!("{took:.1} s and {peak:.0} MiB for {records} records");
    table.row("ledger: 1M orders counted anew", "≤ 10 s, ≤ 300 MB", seen);
    log.close();
    drop(log);

    let dir = dir.join("line");
    let log = line::open(&dir, line::MONTH)?;
    line::place(&log, MILLION, |_| 0)?;
    let mut announced = line::follow(&log, topic::PROCESSED, Start::Beginning)?;
    let began = Instant::now();
    let working = line::Line::start(&log, barista::Options::default());
    line::wait_for(announced.as_mut(), MILLION, began)?;
    drop((working, announced));
    log.close();
    drop(log);
    let up = Up::start(&dir, &["--max-open", "4000000"])?;
    let counter = up.counter;
    let counting = std::thread::spawn(move || until_counted(counter));
    let meanwhile = load::orders(up.counter, 64, LASTS)?;
    let counted = counting.join().map_err(|_| anyhow::anyhow!("who waits for the ledger panicked"))??;
    let alone = load::orders(up.counter, 64, LASTS)?;
    let seen = format!(
        "{:.0}/s meanwhile, {:.0}/s after it; counted {:.1} s after the start of the load",
        meanwhile.per_second,
        alone.per_second,
        counted.as_secs_f64()
    );
    table.row("`POST /order`, 64 connections, while 1M orders are counted", "not slower than half", seen);
    up.program.stop()
}

/// A day of 10,000 orders, each tapped eight times, at a hundred of its moments.
pub(crate) fn past(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let taps = [
        Action::Tested,
        Action::Acknowledge,
        Action::Rang,
        Action::Note { text: "by the window".to_owned() },
        Action::Tick { line: 0 },
        Action::Collect,
    ];
    let log = line::open(dir, line::MONTH)?;
    let records = Story::default().write(&log, DAY, &taps)?;
    let mut follow = line::follow(&log, topic::EVENT, Start::Beginning)?;
    let mut times = Vec::new();
    loop {
        let batch = follow.poll(Duration::from_secs(1))?;
        times.extend(batch.entries.iter().map(|entry| entry.timestamp));
        if batch.at_end {
            break;
        }
    }
    let mut millis = Vec::new();
    for n in 1..=100 {
        let at = times[(times.len() - 1) * n / 100];
        let began = Instant::now();
        count(&log, Some(at))?;
        millis.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    let millis = sorted(millis);
    let seen = format!(
        "p50 {:.0} ms, latest {:.0} ms, of {records} records",
        percentile(&millis, 50.0),
        percentile(&millis, 100.0)
    );
    table.row("ledger at any moment of a 10,000-order day", "≤ 300 ms", seen);
    log.close();
    Ok(())
}

fn count(log: &Arc<LocalLog>, at: Option<i64>) -> anyhow::Result<serde_json::Value> {
    let settings = shop::Settings::embedded();
    Ok(serde_json::from_slice(&counter::ledger_of(log.as_ref(), &settings, at, now())?)?)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// How long it takes until the counter says that everything is counted.
fn until_counted(counter: std::net::SocketAddr) -> anyhow::Result<Duration> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(5) {
        let text = get(counter, "/metrics")?;
        let age = text.lines().find_map(|line| line.strip_prefix("brewline_ledger_age_seconds "));
        let records = text.lines().find_map(|line| line.strip_prefix("brewline_ledger_records "));
        let is_there = age.and_then(|age| age.parse::<f64>().ok()).is_some_and(|age| age >= 0.0);
        if is_there && records.and_then(|records| records.parse::<u64>().ok()).is_some_and(|n| n > 0) {
            return Ok(began.elapsed());
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    anyhow::bail!("the ledger was not counted within 5 minutes")
}

/// The most memory of this process so far, in MiB.
fn peak_mib() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

/// What a line of ours would write, by the real rules, as fast as the log takes it.
#[derive(Default)]
struct Story {
    book: Book,
    now: i64,
    commands: u64,
    records: Vec<(Topic, Record)>,
}

impl Story {
    /// Orders that are taken, become ready by themselves, and are tapped like that. How many records that made.
    fn write(mut self, log: &Arc<LocalLog>, orders: usize, taps: &[Action]) -> anyhow::Result<usize> {
        let rules = Rules { remember_max: 1_000, ..Rules::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let mut written = 0;
        for n in 0..orders {
            self.now += 1_500;
            self.order(n as u64, &rules, taps);
            while self.book.forget(self.now, &rules).is_some() {}
            if self.records.len() >= AT_ONCE || n + 1 == orders {
                written += self.records.len();
                let publisher = log.publisher();
                let sent: Vec<_> = self
                    .records
                    .drain(..)
                    .map(|(topic, record)| publisher.publish(topic, 0, record, Duration::from_mins(1)))
                    .collect();
                runtime.block_on(async {
                    for publish in sent {
                        publish.await?;
                    }
                    anyhow::Ok(())
                })?;
            }
        }
        Ok(written)
    }

    fn order(&mut self, offset: u64, rules: &Rules, taps: &[Action]) {
        let id = uuid::Uuid::new_v4().to_string();
        let json = format!(
            r#"{{"order_id":"{id}","amount":2,"status":0,"items":[{{"item":"latte","quantity":2,"options":["milk/oat"],"title":{{"en":"Latte","ko":"카페라테"}},"option_titles":[{{"en":"Oat","ko":"오트"}}],"unit_price":6000}}],"placed_at":{0},"make_seconds":1,"total":12000,"currency":"KRW","menu":"6f1d0c2b9a34","promise":{{"from":{0},"to":{1}}}}}"#,
            self.now,
            self.now + 60_000
        );
        let Ok(order) = Order::parse(json.as_bytes()) else { return };
        self.records.push((topic::RECEIVED, Record::new(id.clone(), json)));
        let at = At { partition: 0, offset };
        let placed = Placed { at, received_at: self.now, foreign: false, history_from: 0, traceparent: None };
        let Verdict::Changed(taken) = self.book.take(order, placed, self.now, rules, true) else { return };
        self.decided(&taken);
        self.now += 1_000;
        if let Some(ready) = self.book.due(taken.key, self.now, rules) {
            self.decided(&ready);
        }
        for action in taps {
            self.commands += 1;
            let by_staff = matches!(action, Action::Collect | Action::Note { .. } | Action::Tick { .. });
            let role = if by_staff { Role::Staff } else { Role::Holder };
            let (Ok(command_id), Ok(order_id)) =
                (CommandId::new(self.commands.to_string()), OrderId::new(id.clone()))
            else {
                return;
            };
            let by = By { role, device: Some("Main bar".to_owned()) };
            let command =
                Command { command_id, order_id, action: action.clone(), seen: None, by, order_at: None };
            if let Verdict::Changed(change) = self.book.command(&command, self.now, rules, true) {
                self.decided(&change);
            }
        }
    }

    fn decided(&mut self, change: &order::Change) {
        let Some(state) = self.book.get(change.key) else { return };
        let id = state.id().as_str().to_owned();
        self.records.push((topic::EVENT, Record::new(id.clone(), change.event.to_json())));
        if change.event.announces() {
            let round = change.event.round.to_string();
            let headers = Headers::new([
                (CloudEvent::SOURCE, &b"/brewline/barista"[..]),
                (CloudEvent::ROUND, round.as_bytes()),
            ]);
            let json = serde_json::to_vec(&state.order.announced()).unwrap_or_default();
            self.records.push((topic::PROCESSED, Record::new(id, json).with_headers(headers)));
        }
    }
}
