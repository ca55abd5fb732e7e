//! What the tests of the embedded log's files are written with.

use std::{path::Path, sync::Arc, time::Duration};

use eventlog::{
    Entry, Log, Record, Start, Topic, Transaction, WorkSpec,
    conformance::{COMMAND, INPUT, OUTPUT, STATE, TOPICS, block_on},
    local::{LocalLog, Options},
};

pub(crate) fn options(dir: &Path) -> Options {
    Options::new(dir, TOPICS)
}

pub(crate) fn open(dir: &Path) -> Arc<LocalLog> {
    LocalLog::open(options(dir)).expect("the log opens")
}

#[expect(clippy::needless_pass_by_value, reason = "a number or a text, as it comes")]
pub(crate) fn record(key: impl ToString, value: impl ToString) -> Record {
    Record::new(key.to_string(), value.to_string())
}

/// Bytes that can't be packed, the same for the same seed.
pub(crate) fn noise(mut seed: u64, bytes: usize) -> Vec<u8> {
    seed += 1;
    let next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    std::iter::repeat_with(next).take(bytes.div_ceil(8)).flatten().take(bytes).collect()
}

pub(crate) fn publish(log: &dyn Log, topic: Topic, record: Record) {
    block_on(log.publisher().publish(topic, 0, record, Duration::from_mins(1))).expect("it is written");
}

pub(crate) fn everything(log: &dyn Log, topic: Topic) -> Vec<Entry> {
    let mut follower = log.follow(&[(topic, Start::Beginning)]).expect("it can be followed");
    let mut entries = Vec::new();
    loop {
        let batch = follower.poll(Duration::from_mins(1)).expect("it can be read");
        entries.extend(batch.entries);
        if batch.at_end {
            return entries;
        }
    }
}

/// The number that an entry's key is.
pub(crate) fn number(entry: &Entry) -> u64 {
    let key = entry.record.key.as_deref().expect("a key");
    std::str::from_utf8(key).expect("text").parse().expect("a number")
}

pub(crate) fn spec() -> WorkSpec {
    WorkSpec {
        inputs: vec![INPUT, COMMAND],
        state: STATE,
        outputs: vec![OUTPUT],
        group: "tests".to_owned(),
        instance: None,
    }
}

pub(crate) fn one(topic: Topic) -> Transaction {
    Transaction { records: vec![(topic, 0, record("one", ""))], positions: vec![] }
}

/// A transaction of 50 records.
pub(crate) fn fifty() -> Transaction {
    Transaction {
        records: (0..50).map(|i| (OUTPUT, 0, record(i, "x".repeat(300)))).collect(),
        positions: vec![],
    }
}
