//! A process of the line: a counter, a barista, or both. Ports first, then the log, then who works on it.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use barista::{Metrics, StopSignal, system_clock};
use counter::{Counter, Missing, Probes, Started, Tls, view::Views};
use eventlog::{Log, Millis, OpenError, Reason};
use prometheus_client::registry::Registry;
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use traces::Tracer;

use crate::{
    banner::{self, Next},
    cli::Mode,
    collector,
    config::{Brew, Place, Run, Serve},
    demo::Practice,
    door::Door,
    ending::{Ending, STOP_WITHIN},
    menu::KeepUp,
    meters::{self, Brokers, Meters},
    narrate::{self, Codes},
    opened::{self, Opened},
    practice::{left, stage::Stage},
    signals::stop_on_signals_and,
    systemd, taken,
};

/// Runs the process until it is told to stop, or can't go on.
pub async fn run(mut options: Run) -> anyhow::Result<()> {
    // Held to the end: with it goes a log that is thrown away.
    let stage = match &options.demo {
        Some(demo) => Some(Arc::new(Stage::take(demo.dir.as_deref())?)),
        None => None,
    };
    let practice = options.demo.as_ref().zip(stage.clone());
    let practice = practice.map(|(demo, stage)| Practice { stage, who: demo.who });
    if let Some(stage) = &stage {
        options.log = Place::Local(stage.dir().to_owned());
        stage.end_with_its_rush();
    }
    let stop = stop_with(stage.as_deref()).context("can't listen for Ctrl-C")?;
    raise_file_limit();
    let shop = match &options.counter {
        Some(serve) => Some(KeepUp::begin(serve.files.clone()).map_err(|lines| {
            anyhow::anyhow!("the shop can't open until this is corrected:\n{}", lines.join("\n"))
        })?),
        None => None,
    };
    let mut registry = Registry::default();
    let metrics = Metrics::default();
    if options.barista.is_some() {
        metrics.register(&mut registry);
    }
    let Meters { timer, brokers } = meters::register(&mut registry, &options.log);
    let (tracer, sending) = collector::begin(&options.traces, &options.log, &mut registry)?;
    let mut probed = None;
    let bound = match &options.counter {
        Some(serve) => Some(bind(serve, shop.as_ref(), &options, registry, tracer.clone()).await?),
        None => {
            let listen = options.metrics_listen;
            let works = Works { metrics: metrics.clone(), brokers: brokers.clone() };
            probed = listen.map(|listen| answer_probes(listen, registry, works)).transpose()?;
            None
        }
    };
    let (counter, started, door) = match bound {
        Some((counter, started, door)) => (Some(counter), Some(started), Some(door)),
        None => (None, None, None),
    };
    let ready = systemd::tell(counter.as_ref().map(Counter::views), stop.clone());
    let turning_away = async {
        match &counter {
            Some(counter) => counter.turn_away().await,
            None => std::future::pending().await,
        }
    };
    let opened = tokio::select! {
        opened = opened::open(&options.log, &options.keep, timer, &stop) => opened?,
        Err(error) = turning_away => return Err(error).context("can't serve HTTP"),
    };
    let Some(log) = opened else { return Ok(()) };
    brokers.are_of(&log);
    if let (Opened::Local(log), Some(door)) = (&log, &door) {
        log.say_address(&door.own_url());
    }
    let (settings, shown) = (options.clone(), door.clone());
    let menu = shop.as_ref().map(KeepUp::describe);
    if let Some(shop) = shop {
        tokio::spawn(shop.run(stop.clone()));
    }
    let printing =
        move || banner::print(&settings, menu.as_deref(), shown.as_ref(), probed, &mut io::stdout());
    tokio::select! {
        printed = tokio::task::spawn_blocking(printing) => printed?.context("can't write to stdout")?,
        // Nobody reads stdout.
        () = stop.cancelled() => return Ok(()),
    }

    let stop_working = StopSignal::default();
    let views = counter.as_ref().map(Counter::views);
    let shows = options.barista.as_ref().is_some_and(|brew| !brew.quiet);
    let narrator = shows.then(|| narrate::listen(log.log().as_ref())).flatten().map(|decisions| {
        let (log, stop) = (log.log(), stop_working.clone());
        let codes = views.clone().map_or_else(Codes::default, Codes::Views);
        let crew = metrics.clone();
        move || narrate::narrate(log.as_ref(), decisions, codes, &crew, &mut io::stdout(), &stop)
    });
    let crew = match &options.barista {
        Some(brew) => {
            Some(Crew::start(barista_options(brew, &options, tracer), log.log(), metrics, stop_working)?)
        }
        None => None,
    };
    match (started, views, door) {
        (Some(started), Some(views), Some(door)) => {
            let next = Next::of(&options);
            let practice = practice.map(|practice| (practice, stop.clone()));
            let opening = open_for_orders(started, views, door, next, practice, narrator, ready);
            tokio::spawn(opening);
        }
        _ => {
            ready.cancel();
            tell("narrator", move || {
                banner::at_work(narrator.is_none(), &mut io::stdout());
                narrator.map_or(Ok(()), |narrate| narrate())
            });
        }
    }
    let is_passing = options.demo.as_ref().is_some_and(|demo| demo.dir.is_none());
    Line { counter, crew, is_passing, sending }.serve(log, stop, STOP_WITHIN).await
}

/// Told to stop by signals; the second one takes along what would be removed in the end.
fn stop_with(stage: Option<&Stage>) -> io::Result<CancellationToken> {
    let passing = stage.and_then(Stage::passing);
    stop_on_signals_and(move || passing.map_or((), left::remove_at_once))
}

/// A barista that looked for work longer ago than this has no session, or is stuck: it does so four times a second.
const STUCK_MS: Millis = 15_000;

/// Has a barista alone say to machines whether it works, until the process ends. Says where.
fn answer_probes(listen: SocketAddr, registry: Registry, works: Works) -> anyhow::Result<SocketAddr> {
    // Where it is said that way, the way out is another flag.
    let named = |error: counter::BindError| error.to_string().replace("--listen", "--metrics-listen");
    let probes = Probes::bind(listen).map_err(|error| anyhow::Error::msg(named(error)))?;
    let at = probes.local_addr();
    let (began, silent_since) = (system_clock()(), AtomicI64::new(0));
    let missing = move |now| works.missing(began, &silent_since, now);
    tokio::spawn(async move { probes.run(env!("CARGO_PKG_VERSION"), registry, missing).await });
    Ok(at)
}

/// What tells whether a barista works.
struct Works {
    metrics: Metrics,
    brokers: Brokers,
}

impl Works {
    /// What it misses. `silent_since`: when it was first asked while no broker answered; 0: one does.
    fn missing(&self, began: Millis, silent_since: &AtomicI64, now: Millis) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut miss = |what, since, detail: &str| missing.push(Missing::new(what, since, detail));
        #[expect(clippy::cast_possible_truncation, reason = "it was a whole number of milliseconds")]
        let last = (self.metrics.last_step.get() * 1_000.0) as Millis;
        if self.brokers.answer() {
            silent_since.store(0, Relaxed);
        } else {
            let first = if last == 0 { began } else { now };
            let since = silent_since.compare_exchange(0, first, Relaxed, Relaxed).err().unwrap_or(first);
            miss("log", since, "No broker of the log answers; what this barista says on stderr tells why.");
        }
        if last == 0 {
            miss("session", began, "This barista has not begun to work on the log yet.");
        } else if now.saturating_sub(last) > STUCK_MS {
            miss("session", last, "This barista has not looked for work since then.");
        }
        missing
    }
}

/// Says what is known once the log has been read, and shows each order's way from then on.
async fn open_for_orders(
    started: oneshot::Receiver<Started>,
    views: Views,
    door: Door,
    next: Next,
    practice: Option<(Practice, CancellationToken)>,
    narrator: Option<impl FnOnce() -> Result<(), OpenError> + Send + 'static>,
    ready: CancellationToken,
) {
    let Ok(started) = started.await else { return };
    ready.cancel();
    let counts = views.counts();
    if let Some((practice, stop)) = practice {
        let (url, token) = (door.own_url(), started.staff_token.clone());
        tokio::spawn(async move { practice.begin(&url, token, stop).await });
    }
    tell("narrator", move || {
        banner::ready(&started, &door, counts, &next, narrator.is_none(), &mut io::stdout());
        narrator.map_or(Ok(()), |narrate| narrate())
    });
}

/// Writes to stdout, not on a thread of the runtime: a terminal that was stopped must not hold up anything else.
fn tell(name: &str, work: impl FnOnce() -> Result<(), OpenError> + Send + 'static) {
    let thread = thread(name, move || {
        if let Err(error) = work() {
            tracing::warn!(%error, "orders are no longer shown");
        }
    });
    if let Err(error) = thread {
        tracing::warn!(%error, "orders are not shown");
    }
}

/// Each open page is a connection, and each connection a file: many systems begin with 1,024 of them.
#[cfg(unix)]
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // More than this macOS refuses, "no limit" too: OPEN_MAX in its sys/syslimits.h.
    let most = cfg!(target_os = "macos").then_some(10_240);
    if let Err(error) = setrlimit(Resource::Nofile, raised(limit, most)) {
        tracing::warn!(%error, "the number of open connections stays limited by the system");
    }
}

/// Elsewhere no such limit is in the way.
#[cfg(not(unix))]
pub(crate) fn raise_file_limit() {}

/// As high as it may be without asking anybody, and no higher than `most`; never lower than it is.
#[cfg(unix)]
fn raised(limit: Rlimit, most: Option<u64>) -> Rlimit {
    // `None` is no limit.
    let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
    let current = least(limit.maximum, most);
    let is_lower = current.is_some_and(|new| limit.current.is_none_or(|now| new < now));
    Rlimit { current: if is_lower { limit.current } else { current }, ..limit }
}

/// A counter at its address, and how phones get in there. Whatever is wrong with its certificate is said before.
async fn bind(
    serve: &Serve,
    shop: Option<&KeepUp>,
    run: &Run,
    registry: Registry,
    tracer: Tracer,
) -> anyhow::Result<(Counter, oneshot::Receiver<Started>, Door)> {
    // Their messages hold what the system said: as their source that would be said twice.
    let said = |error: &dyn std::fmt::Display| anyhow::Error::msg(error.to_string());
    let tls = serve.tls.clone().map(|files| Tls::read(files, SystemTime::now())).transpose();
    let tls = tls.map_err(|error| said(&error))?.map(Arc::new);
    let options = counter::Options { registry, tracer, ..counter_options(serve, shop, tls.clone(), run) };
    let (counter, started) = match Counter::bind(options) {
        Ok(bound) => bound,
        Err(error) => return Err(anyhow::Error::msg(taken::refused(&error, &run.log).await)),
    };
    let quiet = run.barista.as_ref().is_some_and(|brew| brew.quiet);
    let door = Door::new(counter.local_addr(), serve, tls.as_deref(), quiet);
    Ok((counter.found_at(door.url.clone()), started, door))
}

fn counter_options(
    serve: &Serve,
    shop: Option<&KeepUp>,
    tls: Option<Arc<Tls>>,
    run: &Run,
) -> counter::Options {
    counter::Options {
        shop: shop.map(KeepUp::shop),
        listen: serve.listen,
        tls,
        max_open: run.max_open,
        demo: run.demo.is_some(),
        max_streams: serve.max_streams,
        max_streams_per_address: serve.max_streams_per_address,
        orders_per_minute: serve.orders_per_minute,
        trusted_proxies: serve.trusted_proxies.clone(),
        reset_staff_token: serve.new_staff_token,
        sign_in_link: serve.sign_in_link,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..counter::Options::default()
    }
}

fn barista_options(brew: &Brew, run: &Run, tracer: Tracer) -> barista::Options {
    // The range of the setting is checked where it is read: 0 to 3,600 seconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3,600,000")]
    let cup_ms = (brew.seconds_per_cup * 1_000.0).round() as u64;
    let mode = match brew.mode {
        Mode::Auto => order::Mode::Auto,
        Mode::Manual => order::Mode::Manual,
    };
    let defaults = barista::Options::default();
    let name = match (&brew.instance, &run.log) {
        (Some(instance), _) => instance.clone(),
        // An embedded log has one barista.
        (None, Place::Local(_)) => defaults.name.clone(),
        // It tells this process from others in what it says of itself; nothing rests on it.
        (None, Place::Kafka(_)) => format!("barista-{:016x}", RandomState::new().build_hasher().finish()),
    };
    barista::Options {
        rules: order::Rules { mode, cup_ms, ..order::Rules::default() },
        hands: brew.hands,
        max_open: run.max_open,
        accept_loss: brew.accept_loss,
        instance: brew.instance.clone(),
        name,
        tracer,
        ..defaults
    }
}

/// The barista's thread.
struct Crew {
    stop: StopSignal,
    /// Resolves when the thread has ended, with the reason if it can't go on.
    ended: oneshot::Receiver<Result<(), barista::Stop>>,
    thread: JoinHandle<()>,
}

impl Crew {
    fn start(
        options: barista::Options,
        log: Arc<dyn Log>,
        metrics: Metrics,
        stop: StopSignal,
    ) -> anyhow::Result<Self> {
        let (end, ended) = oneshot::channel();
        let stopped = stop.clone();
        let thread = thread("barista", move || {
            let result = barista::run(log.as_ref(), &options, &system_clock(), &metrics, &stopped);
            let _ = end.send(result); // nobody waits any more when the process ends anyway
        })?;
        Ok(Self { stop, ended, thread })
    }
}

/// What of the line this process is.
struct Line {
    counter: Option<Counter>,
    crew: Option<Crew>,
    /// Its log goes with it.
    is_passing: bool,
    /// Spans on their way to a collector.
    sending: Option<collector::Sending>,
}

impl Line {
    /// Serves until told to stop or until one part can't go on, then stops them all and closes the log.
    async fn serve(self, log: Opened, stop: CancellationToken, stop_within: Duration) -> anyhow::Result<()> {
        let Self { counter, mut crew, is_passing, sending } = self;
        let (of_log, stopping) = (log.log(), stop.clone());
        let serving = async move {
            match counter {
                Some(counter) => counter.run(of_log, stopping).await.map_err(anyhow::Error::from),
                None => {
                    stopping.cancelled().await;
                    Ok(())
                }
            }
        };
        tokio::pin!(serving);
        let crew_ends = async {
            match &mut crew {
                Some(crew) => (&mut crew.ended).await,
                None => std::future::pending().await,
            }
        };
        let early = tokio::select! {
            served = &mut serving => Some(served),
            ended = crew_ends => Some(Err(match ended {
                Ok(Err(why)) => why.into(),
                _ => anyhow::anyhow!("the barista ended unasked; please report this as a bug"),
            })),
            () = stop.cancelled() => None,
        };
        stop.cancel();
        let mut ending = Ending::begin(stop_within);
        let result = match early {
            Some(result) => result,
            // The counter ends its streams and answers what it had begun; for that it needs the barista.
            None => match ending.step(&mut serving, "some connections did not end in time").await {
                Some(served) => served,
                None => Ok(()),
            },
        };
        if let Some(crew) = crew {
            crew.stop.stop();
            // What it ended with has come through the channel.
            let join = move || drop(crew.thread.join());
            let late = "the barista did not stop in time; the next start goes on where it was";
            ending.blocking(join, late).await;
        }
        let late = "the log was not closed in time; the next start takes a moment longer";
        let closed = ending.blocking(move || log.close(), late).await.unwrap_or_default();
        // Last, so that it takes nothing from what others wait for.
        if let Some(sending) = sending {
            let late = "the last spans were not taken in time";
            ending.brief_step(collector::FLUSH_WITHIN, sending.finish(), late).await;
        }
        // Who met it may have had nobody left to tell: the next start will not go on here.
        let result = result.and_then(|()| closed.damage.map_or(Ok(()), |why| Err(anyhow::Error::msg(why))));
        let well = result.is_ok().then_some(last_word(is_passing, closed.trouble.as_ref()));
        ending.last_words(well).await;
        result
    }
}

/// What a clean stop leaves to the next start.
fn last_word(is_passing: bool, trouble: Option<&Reason>) -> &'static str {
    match trouble {
        _ if is_passing => "stopped; nothing is left of this practice",
        Some(Reason::Removed) => {
            "stopped; the log was removed: put a copy back, or the next start begins anew"
        }
        _ => "stopped; the next start goes on here",
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .with_context(|| format!("can't start {name}"))
}

#[cfg(test)]
mod tests {
    use eventlog::local;

    use super::*;
    use crate::catalog;

    fn idle_counter() -> (Counter, oneshot::Receiver<Started>) {
        let listen = ([127, 0, 0, 1], 0).into();
        Counter::bind(counter::Options { listen, ..counter::Options::default() }).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn the_file_limit_is_raised_as_far_as_the_system_lets_it() {
        for ((current, maximum, most), new) in [
            ((Some(1_024), Some(4_096), None), Some(4_096)),
            ((Some(1_024), None, None), None),
            ((Some(256), None, Some(10_240)), Some(10_240)),
            ((Some(256), Some(2_048), Some(10_240)), Some(2_048)),
            ((Some(20_000), None, Some(10_240)), Some(20_000)),
        ] {
            assert_eq!(raised(Rlimit { current, maximum }, most), Rlimit { current: new, maximum });
        }
    }

    #[test]
    fn a_log_that_was_found_damaged_while_everything_stops_is_no_clean_stop() {
        let dir = tempfile::tempdir().unwrap();
        let options = || local::Options::new(dir.path(), &catalog(Duration::from_hours(720)));
        let log = local::LocalLog::open(options()).unwrap();
        let record = eventlog::Record::new("key", "damage me");
        let written = log.publisher().publish(order::topic::STATE, 0, record, Duration::from_mins(1));
        crate::block_on(written).unwrap().unwrap();
        log.clean();
        log.close();
        let file = dir.path().join("log.redb");
        let mut bytes = std::fs::read(&file).unwrap();
        let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"damage me")).collect();
        for at in places {
            bytes[at] ^= 1;
        }
        std::fs::write(&file, bytes).unwrap();
        let mut options = options();
        options.thresholds.check_bytes = 0;
        let log = local::LocalLog::open(options).unwrap();
        let mut work = log.work(&barista::work_spec(&barista::Options::default())).unwrap();
        work.poll(Duration::from_mins(1)).expect_err("the record is damaged");

        // Nobody is left who could tell: the stop came first, and the barista has ended.
        let (_barista_lives, ended) = oneshot::channel();
        let barista = thread("barista", || {}).unwrap();
        let crew = Crew { stop: StopSignal::default(), ended, thread: barista };
        let stop = CancellationToken::new();
        stop.cancel();
        let stopped = crate::block_on(async {
            let (counter, _) = idle_counter();
            let line = Line { counter: Some(counter), crew: Some(crew), is_passing: false, sending: None };
            line.serve(Opened::Local(log), stop, Duration::from_secs(1)).await
        });
        let why = stopped.unwrap().expect_err("the next start will not go on here").to_string();
        assert!(why.contains("log.redb is broken"), "{why}");
    }

    /// On a thread of its own, so that a stop that hangs fails the test instead of hanging it.
    #[test]
    fn a_disk_that_stops_answering_does_not_hold_up_the_stop() {
        let dir = tempfile::tempdir().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let faults = Arc::new(local::Faults::default());
            let log = local::LocalLog::open(local::Options {
                faults: Some(faults.clone()),
                ..local::Options::new(dir.path(), &catalog(Duration::from_hours(720)))
            });
            let log = log.unwrap();
            let stop = CancellationToken::new();
            let stopped = crate::block_on(async {
                let (counter, started) = idle_counter();
                let (options, signal) = (barista::Options::default(), StopSignal::default());
                let crew = Crew::start(options, log.clone(), Metrics::default(), signal).unwrap();
                let line =
                    Line { counter: Some(counter), crew: Some(crew), is_passing: false, sending: None };
                let serving = line.serve(Opened::Local(log), stop.clone(), Duration::from_secs(1));
                let stall = async {
                    // What is settled at the start has been written; closing the log writes once more.
                    started.await.unwrap();
                    faults.stall();
                    stop.cancel();
                };
                tokio::join!(serving, stall).0
            });
            tell.send(stopped.unwrap().is_ok()).unwrap();
        });
        assert_eq!(told.recv_timeout(Duration::from_mins(1)), Ok(true));
    }
}
