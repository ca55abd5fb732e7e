//! What the tests of the embedded log's files are written with.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use eventlog::{
    Entry, Log, Record, Topic, Transaction, WorkSpec,
    conformance::{COMMAND, INPUT, OUTPUT, STATE, TOPICS, block_on},
    local::{Faults, LocalLog, Options},
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

pub(crate) fn open_with(dir: &Path, faults: &Arc<Faults>) -> Arc<LocalLog> {
    let mut options = options(dir);
    options.faults = Some(faults.clone());
    LocalLog::open(options).expect("the log opens")
}

/// The newest segment of the tail.
pub(crate) fn tail(dir: &Path) -> PathBuf {
    files(dir).into_iter().map(|(path, _)| PathBuf::from(path)).rfind(|path| is_tail(path)).expect("a tail")
}

pub(crate) fn is_tail(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wal")
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

/// Every file of the directory with its content, except the lock's.
pub(crate) fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(dir)
        .expect("the directory can be read")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file() && path.file_name().is_some_and(|name| name != "log.lock"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("a file")))
        .collect();
    all.sort();
    all
}

/// A directory with the files of another one.
pub(crate) fn copy(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("the files can be copied");
    for entry in std::fs::read_dir(dir).expect("the files can be copied") {
        let entry = entry.expect("the files can be copied");
        // Without the zeros at the end, which take as long as everything else together.
        let bytes = std::fs::read(entry.path()).expect("the files can be copied");
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let file =
            std::fs::File::create(copy.path().join(entry.file_name())).expect("the files can be copied");
        (&file).write_all(&bytes[..used]).expect("the files can be copied");
        file.set_len(bytes.len() as u64).expect("the files can be copied");
    }
    copy
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
