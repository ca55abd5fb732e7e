//! The whole line in one process: ports first, then the log, then who works on it.

use std::{
    future::Future,
    io::{self, Write as _},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use anyhow::Context as _;
use barista::{Metrics, StopSignal, system_clock};
use counter::{Counter, Started};
use eventlog::{Log, OpenError, local};
use prometheus_client::registry::Registry;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::{
    banner, catalog, cli::Mode, config::Up, log_address::LogAddress, narrate, signals::stop_on_signals,
};

/// A clean stop takes no longer than this; what is not done then is done by the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Runs the line until it is told to stop, or can't go on.
pub async fn up(options: Up) -> anyhow::Result<()> {
    let stop = stop_on_signals().context("can't listen for Ctrl-C")?;
    raise_file_limit();
    let mut registry = Registry::default();
    let metrics = Metrics::default();
    metrics.register(&mut registry);
    let (counter, started) = Counter::bind(counter_options(&options, registry))?;
    let log = open(&options)?;
    banner::print(&options, counter.local_addr(), &mut io::stdout()).context("can't write to stdout")?;

    let line = Line::start(&options, log.clone(), metrics)?;
    let narrator = (!options.quiet).then(|| {
        let (log, views, stop) = (log.clone(), counter.views(), line.stop.clone());
        move || narrate::narrate(log.as_ref(), views, &mut io::stdout(), &stop)
    });
    tokio::spawn(open_for_orders(started, narrator));
    let served = line.serve(counter, log.clone(), stop).await;
    // The writer commits what waits, however long the rest took.
    let closed = tokio::task::spawn_blocking(move || log.close());
    let closed = tokio::time::timeout(STOP_WITHIN, closed).await;
    if closed.is_err() {
        tracing::warn!("the log was not closed in time; the next start takes a moment longer");
    }
    served
}

/// Says what is known once the log has been read, and shows each order's way from then on.
async fn open_for_orders(
    started: oneshot::Receiver<Started>,
    narrator: Option<impl FnOnce() -> Result<(), OpenError> + Send + 'static>,
) {
    let Ok(started) = started.await else { return };
    banner::ready(&started, narrator.is_none(), &mut io::stdout());
    let Some(narrate) = narrator else { return };
    let thread = thread("narrator", move || {
        if let Err(error) = narrate() {
            tracing::warn!(%error, "orders are no longer shown");
        }
    });
    if let Err(error) = thread {
        tracing::warn!(%error, "orders are not shown");
    }
}

/// Each open page is a connection, and each connection a file: many systems begin with 1,024 of them.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "the number of open connections stays limited by the system");
    }
}

fn counter_options(options: &Up, registry: Registry) -> counter::Options {
    counter::Options {
        listen: options.line.listen,
        max_open: options.max_open,
        max_streams: options.max_streams,
        max_streams_per_address: options.max_streams_per_address,
        reset_staff_token: options.new_staff_token,
        registry,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..counter::Options::default()
    }
}

fn barista_options(options: &Up) -> barista::Options {
    // The range of the setting is checked where it is read: 0 to 3,600 seconds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3,600,000")]
    let cup_ms = (options.seconds_per_cup * 1_000.0).round() as u64;
    let mode = match options.mode {
        Mode::Auto => order::Mode::Auto,
        Mode::Manual => order::Mode::Manual,
    };
    barista::Options {
        rules: order::Rules { mode, cup_ms, ..order::Rules::default() },
        hands: options.hands,
        max_open: options.max_open,
        accept_loss: options.accept_loss,
        ..barista::Options::default()
    }
}

fn open(options: &Up) -> anyhow::Result<Arc<local::LocalLog>> {
    let LogAddress::Local(dir) = &options.line.log;
    Ok(local::LocalLog::open(local::Options::new(dir, &catalog(options.retention)))?)
}

/// The barista's thread.
struct Line {
    stop: StopSignal,
    /// Resolves when the thread has ended, with the reason if it can't go on.
    ended: oneshot::Receiver<Result<(), barista::Stop>>,
    barista: JoinHandle<()>,
}

impl Line {
    fn start(options: &Up, log: Arc<dyn Log>, metrics: Metrics) -> anyhow::Result<Self> {
        let stop = StopSignal::default();
        let (end, ended) = oneshot::channel();
        let (stopped, settings) = (stop.clone(), barista_options(options));
        let barista = thread("barista", move || {
            let result = barista::run(log.as_ref(), &settings, &system_clock(), &metrics, &stopped);
            let _ = end.send(result); // nobody waits any more when the process ends anyway
        })?;
        Ok(Self { stop, ended, barista })
    }

    /// Serves until told to stop or until one part can't go on, then stops them all.
    async fn serve(
        mut self,
        counter: Counter,
        log: Arc<dyn Log>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let serving = counter.run(log, stop.clone());
        tokio::pin!(serving);
        let early = tokio::select! {
            served = &mut serving => Some(served.map_err(anyhow::Error::from)),
            ended = &mut self.ended => Some(Err(match ended {
                Ok(Err(why)) => why.into(),
                _ => anyhow::anyhow!("the barista ended unasked; please report this as a bug"),
            })),
            () = stop.cancelled() => None,
        };
        stop.cancel();
        let result = match early {
            Some(result) => result,
            None => finish(serving.as_mut()).await,
        };
        self.stop.stop();
        let joined = tokio::task::spawn_blocking(move || {
            drop(self.barista.join()); // what it ended with has come through the channel
        });
        if tokio::time::timeout(STOP_WITHIN, joined).await.is_err() {
            tracing::warn!("the barista did not stop in time; the next start goes on where it was");
        }
        if result.is_ok() {
            let _ = writeln!(io::stdout(), "stopped; the next start goes on here");
        }
        result
    }
}

/// Waits until the counter has ended its streams and answered what it had begun.
async fn finish(serving: impl Future<Output = Result<(), counter::CounterError>>) -> anyhow::Result<()> {
    match tokio::time::timeout(STOP_WITHIN, serving).await {
        Ok(served) => Ok(served?),
        Err(_) => {
            tracing::warn!("some connections did not end in time");
            Ok(())
        }
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .with_context(|| format!("can't start {name}"))
}
