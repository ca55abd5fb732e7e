//! The line in this process: a log, a barista, a counter whose views fold. For what a load over HTTP can't
//! see.

use std::{
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use barista::{Metrics, StopSignal};
use bytes::Bytes;
use eventlog::{
    Follow, Log, Record, Start,
    local::{LocalLog, Options},
};
use order::{CloudEvent, Order, OrderId, topic};
use tokio_util::sync::CancellationToken;

/// A log in `dir`, kept for this long.
pub(crate) fn open(dir: &Path, retention: Duration) -> anyhow::Result<Arc<LocalLog>> {
    Ok(LocalLog::open(Options::new(dir, &brewline::catalog(retention)))?)
}

/// A month: nothing is removed.
pub(crate) const MONTH: Duration = Duration::from_hours(720);

/// A barista and a counter at work on a log. Stopped when dropped.
pub(crate) struct Line {
    stop: StopSignal,
    counter_stop: CancellationToken,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Line {
    pub(crate) fn start(log: &Arc<LocalLog>, options: barista::Options) -> Self {
        let (stop, counter_stop) = (StopSignal::default(), CancellationToken::new());
        let mut threads = vec![];
        let (of_barista, stops) = (log.clone(), stop.clone());
        threads.push(named("barista", move || {
            let clock = barista::system_clock();
            Ok(barista::run(of_barista.as_ref(), &options, &clock, &Metrics::default(), &stops)?)
        }));
        let (of_counter, stops) = (log.clone(), counter_stop.clone());
        threads.push(named("counter", move || {
            let options =
                counter::Options { listen: ([127, 0, 0, 1], 0).into(), ..counter::Options::default() };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let (counter, _) = counter::Counter::bind(options)?;
                Ok(counter.run(of_counter, stops).await?)
            })
        }));
        Self { stop, counter_stop, threads }
    }
}

/// A thread that profilers and debuggers show by its name.
fn named<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).expect("there is room for a thread")
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.stop();
        self.counter_stop.cancel();
        for thread in self.threads.drain(..) {
            match thread.join() {
                Ok(Ok(())) => {}
                other => eprintln!("  a part of the line ended with {other:?}"),
            }
        }
    }
}

/// The record that our counter would write.
pub(crate) fn order(id: &str, amount: u16) -> Record {
    let order = Order::new(OrderId::new(id).expect("a UUID is an id"), amount);
    let event = CloudEvent {
        id,
        kind: CloudEvent::RECEIVED,
        source: "/brewline/counter",
        time: "2026-01-01T00:00:00.000Z",
    };
    let headers = eventlog::Headers::new(event.headers());
    Record::new(Bytes::copy_from_slice(id.as_bytes()), order.to_json()).with_headers(headers)
}

/// Writes `count` orders, many at a time; `amount` says how many cups the first, the second … has.
pub(crate) fn place(log: &Arc<impl Log>, count: usize, amount: impl Fn(usize) -> u16) -> anyhow::Result<()> {
    const AT_ONCE: usize = 512;
    let publisher = log.publisher();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        for first in (0..count).step_by(AT_ONCE) {
            let sent: Vec<_> = (first..count.min(first + AT_ONCE))
                .map(|n| {
                    let id = uuid::Uuid::new_v4().to_string();
                    publisher.publish(topic::RECEIVED, 0, order(&id, amount(n)), Duration::from_mins(1))
                })
                .collect();
            for publish in sent {
                publish.await?;
            }
        }
        Ok(())
    })
}

/// Counts records of `topic` as they come, until there are `count`. Says how long that took from `began`.
pub(crate) fn wait_for(follow: &mut dyn Follow, count: usize, began: Instant) -> anyhow::Result<Duration> {
    let mut seen = 0;
    while seen < count {
        anyhow::ensure!(began.elapsed() < Duration::from_mins(5), "only {seen} of {count} came");
        seen += follow.poll(Duration::from_millis(100))?.entries.len();
    }
    Ok(began.elapsed())
}

/// Follows one topic.
pub(crate) fn follow(
    log: &Arc<impl Log>,
    topic: eventlog::Topic,
    start: Start,
) -> anyhow::Result<Box<dyn Follow>> {
    Ok(log.follow(&[(topic, start)])?)
}
