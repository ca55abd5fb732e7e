//! The engine on a log in memory, stepped by the test.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use barista::{Clock, Ended, Engine, Metrics, Options, Step, work_spec};
use eventlog::{
    Cleanup, Log as _, Partitions, Record, TopicSpec,
    sim::{self, SimClock, SimLog},
};
use order::{Order, OrderId, topic};
use tracing::{Metadata, field::Field, span};

/// When every story begins.
pub const NOON: i64 = 1_767_268_800_000;

pub fn topics() -> Vec<TopicSpec> {
    let like = Partitions::Like(topic::RECEIVED);
    let delete = Cleanup::Delete(Duration::from_hours(30 * 24));
    let spec = |name, cleanup, partitions| TopicSpec { name, cleanup, partitions };
    let mut topics: Vec<_> = [topic::RECEIVED, topic::PROCESSED, topic::COMMAND, topic::EVENT, topic::DLQ]
        .map(|name| spec(name, delete, like))
        .to_vec();
    topics.push(spec(topic::STATE, Cleanup::Compact, like));
    topics.push(spec(topic::SHOP, Cleanup::Compact, Partitions::One));
    topics
}

pub fn log(change: impl FnOnce(&mut sim::Options)) -> Arc<SimLog> {
    let mut options =
        sim::Options { topics: topics(), clock: SimClock::new(NOON), ..sim::Options::default() };
    change(&mut options);
    SimLog::new(options)
}

pub fn clock(log: &SimLog) -> Clock {
    let clock = log.clock().clone();
    Arc::new(move || clock.now())
}

pub fn options() -> Options {
    Options { max_wait: Duration::ZERO, ..Options::default() }
}

/// A session on the log.
pub fn engine(log: &SimLog, options: &Options, metrics: &Metrics) -> Result<Engine, Ended> {
    let work = log.work(&work_spec(options))?;
    Ok(Engine::new(work, options.clone(), clock(log), metrics.clone())?)
}

/// Steps until nothing is left to be done now, and gives the steps that committed something.
pub fn settle(engine: &mut Engine, log: &SimLog) -> Result<Vec<Step>, Ended> {
    let mut steps = Vec::new();
    let mut quiet = 0;
    // Three in a row: one for each thing that a poll may bring instead of records.
    while quiet < 3 {
        let before = log.commits();
        let step = engine.step()?;
        quiet = if log.commits() == before { quiet + 1 } else { 0 };
        if log.commits() > before {
            steps.push(step);
        }
    }
    Ok(steps)
}

/// A session that does what there is to do, and ends.
pub fn session(log: &SimLog, options: &Options) -> Result<(), Ended> {
    settle(&mut engine(log, options, &Metrics::default())?, log).map(drop)
}

pub fn order(id: &str, amount: u16) -> Record {
    Record::new(id.to_owned(), Order::new(OrderId::new(id).expect("an id"), amount).to_json())
}

/// An order with a note of so many bytes.
pub fn heavy_order(id: &str, bytes: usize) -> Record {
    let json = format!(r#"{{"order_id":"{id}","amount":1,"status":0,"note":"{}"}}"#, "x".repeat(bytes));
    Record::new(id.to_owned(), json)
}

/// How many records of a topic's first partition there are.
pub fn count(log: &SimLog, topic: eventlog::Topic) -> usize {
    log.history(topic, 0).len()
}

/// What is warned of meanwhile, by this thread.
pub fn warnings(during: impl FnOnce()) -> Vec<String> {
    let heard = Heard::default();
    tracing::subscriber::with_default(heard.clone(), during);
    heard.0.lock().expect("nobody panics with it").clone()
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Heard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(&mut |field: &Field, value: &dyn Debug| {
            write!(text, "{field}={value:?} ").expect("writing to memory cannot fail");
        });
        self.0.lock().expect("nobody panics with it").push(text);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
