//! `brewline ledger`: where every order is, and whether each is accounted for.
//!
//! | file | idea |
//! |---|---|
//! | `show` | what a counter, or the count of the log itself, says of it, for people |
//!
//! A log that nobody else has open is counted here. The embedded log of a line that runs is its own: then the counter is
//! asked.

mod show;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use client::{Api, Limits, Patience, Request, Silence};
use eventlog::{
    Log,
    local::{self, LocalLog},
};
use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::{catalog, kept},
    config::{Ledger, Place},
    kafka::KafkaLog,
    opened::kafka_options,
    signals::stop_on_signals,
    watch,
};

/// How often a log without a counter is counted anew for whoever follows.
const AGAIN: Duration = Duration::from_secs(2);

/// The largest answer: a whole day's chart, and a hundred of what is wrong or needs someone.
const BODY_BYTES: usize = 512 * 1024;

/// A counter that is not there, or has no answer yet, is asked again for so long, for each of the two things that are
/// asked: someone waits for what it says.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says how everything is, or was; with `--follow` until it is told to stop. The exit code is 1 if the equation does not
/// hold.
pub(crate) async fn ledger(mut wanted: Ledger) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let holds = match source(&mut wanted).await? {
        Source::Counter(api) => ask(&api, &wanted, &stop).await?,
        Source::Log(log) => count(log, &wanted, &stop).await?,
    };
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who says it.
enum Source {
    Counter(Box<Api>),
    Log(Opened),
}

/// A log that is read here.
#[derive(Clone)]
enum Opened {
    Local(Arc<LocalLog>),
    Kafka(Arc<KafkaLog>),
}

impl Opened {
    fn log(&self) -> &dyn Log {
        match self {
            Self::Local(log) => log.as_ref(),
            Self::Kafka(log) => log.as_ref(),
        }
    }

    fn close(&self) {
        match self {
            Self::Local(log) => log.close(),
            Self::Kafka(log) => log.close(),
        }
    }
}

async fn source(wanted: &mut Ledger) -> anyhow::Result<Source> {
    if wanted.asked.is_named {
        return counter(wanted).await;
    }
    let line = wanted.line.clone();
    let dir = match &line.log {
        Place::Kafka(cluster) => {
            let options = kafka_options(cluster, &line.keep, &catalog(line.keep.retention))?;
            let log = tokio::task::spawn_blocking(move || KafkaLog::look(options)).await??;
            return Ok(Source::Log(Opened::Kafka(log)));
        }
        Place::Local(dir) => dir.clone(),
    };
    let looked_at = dir.clone();
    let opened = tokio::task::spawn_blocking(move || {
        Ok::<_, eventlog::OpenError>(match local::look(&looked_at)? {
            local::Found::Nothing => Err(looked_at),
            local::Found::InUse { .. } => Ok(None),
            local::Found::Sound { .. } | local::Found::Older { .. } => {
                Ok(Some(LocalLog::open(local::Options::new(looked_at, &kept()))?))
            }
        })
    });
    match opened.await?? {
        Err(dir) => bail!("there is no log in {}; say another with --log local:DIR", dir.display()),
        Ok(Some(log)) => Ok(Source::Log(Opened::Local(log))),
        Ok(None) => {
            wanted.asked = wanted.asked.of_holder(&dir);
            counter(wanted).await
        }
    }
}

async fn counter(wanted: &Ledger) -> anyhow::Result<Source> {
    let defaults = Limits::default();
    let order = Patience { overall: PATIENCE, ..defaults.order };
    let limits = Limits { body_bytes: BODY_BYTES, order, ..defaults };
    Ok(Source::Counter(Box::new(wanted.asked.api(limits).await?)))
}

/// What the counter says.
async fn ask(api: &Api, wanted: &Ledger, stop: &CancellationToken) -> anyhow::Result<bool> {
    let zone = tokio::select! {
        zone = zone_of_shop(api) => zone?,
        () = stop.cancelled() => bail!("stopped before the counter answered"),
    };
    if wanted.follow {
        let mut follow = api.follow("/ledger/events");
        let mut holds = true;
        loop {
            let told = tokio::select! {
                told = follow.next() => told.map_err(|silence| silent(api, &silence))?,
                () = stop.cancelled() => return Ok(holds),
            };
            if told.name == "ledger" {
                holds = told.json["holds"] == true;
                if !say(&told.json, wanted, &zone)? {
                    return Ok(holds);
                }
            }
        }
    }
    let path = moment(wanted, &zone)?.map_or_else(|| "/ledger".to_owned(), |at| format!("/ledger?at={at}"));
    let request = Request::get(path);
    let reply = tokio::select! {
        reply = api.ask(&request) => reply.map_err(|silence| silent(api, &silence))?,
        () = stop.cancelled() => bail!("stopped before the counter answered"),
    };
    if !reply.is_success() {
        bail!(reply.refusal(&wanted.asked.counter));
    }
    say(&reply.json, wanted, &zone)?;
    Ok(reply.json["holds"] == true)
}

fn silent(api: &Api, silence: &Silence) -> anyhow::Error {
    anyhow::Error::msg(silence.of(api.address()))
}

/// Where the shop's clock hangs, as its menu says; a counter without one has no clock but this machine's.
async fn zone_of_shop(api: &Api) -> anyhow::Result<TimeZone> {
    let menu = api.ask(&Request::get("/menu".to_owned())).await.map_err(|silence| silent(api, &silence))?;
    if menu.is_no_counters() {
        bail!(menu.refusal(api.address()));
    }
    Ok(menu.json["shop"]["time_zone"].as_str().map_or_else(TimeZone::system, zone_named))
}

/// The bundled ones, as the shop's own files are read with.
fn zone_named(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or_else(|_| TimeZone::system())
}

/// The moment that is asked for, in milliseconds since 1970.
fn moment(wanted: &Ledger, zone: &TimeZone) -> anyhow::Result<Option<i64>> {
    let Some(text) = &wanted.at else { return Ok(None) };
    let now = Timestamp::now().to_zoned(zone.clone());
    match watch::moment(text, &now) {
        Ok(at) => Ok(Some(at)),
        Err(why) => bail!("--at {text}: {why}"),
    }
}

/// What the log itself says.
async fn count(log: Opened, wanted: &Ledger, stop: &CancellationToken) -> anyhow::Result<bool> {
    let settings = wanted.files.shop().map_err(|lines| anyhow::anyhow!(lines.join("\n")))?.settings().clone();
    let zone = zone_named(&settings.time_zone);
    let at = moment(wanted, &zone)?;
    let holds = loop {
        let (counted, settings) = (log.clone(), settings.clone());
        let now = Timestamp::now().as_millisecond();
        let counting =
            tokio::task::spawn_blocking(move || counter::ledger_of(counted.log(), &settings, at, now));
        let json = tokio::select! {
            json = counting => json??,
            () = stop.cancelled() => bail!("stopped before everything was counted"),
        };
        let json: Value = serde_json::from_slice(&json)?;
        let holds = json["holds"] == true;
        if !say(&json, wanted, &zone)? || !wanted.follow {
            break holds;
        }
        if stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
            break holds;
        }
    };
    tokio::task::spawn_blocking(move || log.close()).await?;
    Ok(holds)
}

/// Whether somebody reads on.
fn say(json: &Value, wanted: &Ledger, zone: &TimeZone) -> anyhow::Result<bool> {
    let mut out = io::stdout();
    let text = if wanted.json {
        format!("{json}\n")
    } else {
        // What follows stands in the place of what was said before.
        let clear = if wanted.follow && out.is_terminal() { "\x1b[2J\x1b[H" } else { "" };
        format!("{clear}{}", show::text(json, zone))
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        said => said.map(|()| true).context("can't write the ledger to stdout"),
    }
}
