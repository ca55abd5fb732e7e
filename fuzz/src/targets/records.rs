//! What others write into the topics. An input is text with a record on each line: the number of its topic, its key, and
//! its value if it has one, with tabs between them.

use std::sync::Arc;

use barista::{Ended, Engine, Metrics, Options, work_spec};
use counter::view::View;
use eventlog::{
    Cleanup, Entry, Log as _, Partitions, Record, Topic, TopicSpec,
    sim::{self, SimClock, SimLog},
};
use ledger::Ledger;
use order::topic;

/// By number.
const TOPICS: [Topic; 7] =
    [topic::RECEIVED, topic::PROCESSED, topic::COMMAND, topic::EVENT, topic::STATE, topic::DLQ, topic::SHOP];
/// Records of one input that are looked at.
const RECORDS: usize = 64;
/// Steps within which a barista has read them all and has nothing left to do.
const STEPS: usize = 1_000;

/// A view and a count take whatever is there, and a barista moves past it, or stops with a sentence.
pub(super) fn run(input: &[u8]) {
    let log = SimLog::new(sim::Options {
        topics: topics(),
        clock: SimClock::new(1_000_000),
        ..sim::Options::default()
    });
    let records = input.split(|byte| *byte == b'\n').filter_map(record).take(RECORDS);
    for (topic, record) in records {
        log.append(topic, 0, record);
    }
    fold(&log);
    brew(&log);
    // What a barista has made of it is as readable as any.
    fold(&log);
}

fn record(line: &[u8]) -> Option<(Topic, Record)> {
    let mut parts = line.splitn(3, |byte| *byte == b'\t');
    let number = parts.next().filter(|number| number.len() == 1)?[0].checked_sub(b'0')?;
    let topic = TOPICS.get(usize::from(number))?;
    let key = parts.next()?.to_vec();
    let record = match parts.next() {
        Some(value) => Record::new(key, value.to_vec()),
        None => Record::tombstone(key),
    };
    Some((*topic, record))
}

fn topics() -> Vec<TopicSpec> {
    let spec = |name: Topic| {
        let is_compacted = [topic::STATE, topic::SHOP].contains(&name);
        let cleanup = if is_compacted {
            Cleanup::Compact
        } else {
            Cleanup::Delete(std::time::Duration::from_hours(720))
        };
        TopicSpec { name, cleanup, partitions: Partitions::One }
    };
    TOPICS.map(spec).to_vec()
}

fn fold(log: &SimLog) {
    let (mut view, mut ledger) = (View::default(), Ledger::default());
    let entries: Vec<Entry> = TOPICS.iter().flat_map(|topic| log.history(topic, 0)).collect();
    for entry in &entries {
        view.apply(entry);
        ledger.apply(entry);
    }
    let (counts, iter) = (view.counts(), view.iter().count());
    assert!(counts.open() <= iter.max(view.len()), "{counts:?}");
    let lists = [view.open(100).count(), view.unpaid(100).count(), view.ready().count(), view.done().count()];
    assert!(lists.iter().all(|list| *list <= iter), "{lists:?}");
    let equation = ledger.equation();
    // Whether it holds hangs on what stands in the log; that it can be asked, and that what does not is named, does not.
    if !equation.holds() {
        assert!(!ledger.faults().is_empty() || !ledger.suspects().is_empty(), "{equation:?}");
    }
}

fn brew(log: &Arc<SimLog>) {
    let (options, clock) = (Options::default(), log.clock().clone());
    let Ok(work) = log.process().work(&work_spec(&options)) else { return };
    let clock = { Arc::new(move || clock.now()) };
    let mut engine = match Engine::new(work, options, clock, Metrics::default()) {
        Ok(engine) => engine,
        Err(stop) => return assert!(!stop.to_string().is_empty()),
    };
    let mut idle = 0;
    for _ in 0..STEPS {
        match engine.step() {
            Ok(step) => idle = if step.committed == 0 { idle + 1 } else { 0 },
            Err(Ended::Stop(stop)) => return assert!(!stop.to_string().is_empty()),
            Err(Ended::Session(why)) => return assert!(!why.is_empty()),
        }
        // Timers are fired as time passes.
        log.clock().advance(60_000);
        if idle > 20 {
            return;
        }
    }
    panic!("it never comes to rest");
}
