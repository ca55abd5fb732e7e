//! Lines that `brewline import` reads: as they are, or with an end that is right, because no mutation finds its checksum.
//!
//! The first byte of an input says which.

use std::{fmt::Write as _, path::Path, time::Duration};

use brewline::transfer::read;
use eventlog::{
    Entry, OpenError, TopicSpec,
    local::{Import, LocalLog, Options},
    transfer::{Contents, Take},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What is read in full makes a log that opens and has as many records; of anything else one sentence says what is wrong.
pub(super) fn run(input: &[u8]) {
    let Some((how, lines)) = input.split_first() else { return };
    let lines = if how % 2 == 0 { lines.to_vec() } else { ended(lines) };
    let topics = brewline::catalog(Duration::ZERO);
    let mut kept = Kept::default();
    let exported = match read(&*lines, "a.jsonl", &topics, &mut kept) {
        Ok(exported) => exported,
        Err(error) => return sentence(&error),
    };
    assert_eq!(exported.records, kept.records);
    let dir = tempfile::tempdir_in(super::database::room()).expect("a directory");
    let dir = dir.path().join("log");
    let mut import = Import::new(&dir);
    if let Err(error) = read(&*lines, "a.jsonl", &topics, &mut import) {
        return sentence(&error);
    }
    match import.finish() {
        Ok(records) => assert_eq!(records, exported.records),
        Err(error) => return sentence(&error),
    }
    open(&dir);
}

fn open(dir: &Path) {
    match LocalLog::open(Options::new(dir, &[] as &[TopicSpec])) {
        Ok(log) => log.close(),
        Err(error) => panic!("what was imported can't be opened: {error}"),
    }
}

fn sentence(error: &OpenError) {
    let said = error.to_string();
    assert!(!said.is_empty() && !said.contains(char::is_control), "{said:?}");
}

/// Counts them, where they may stand.
#[derive(Default)]
struct Kept {
    contents: Contents,
    records: u64,
}

impl Take for Kept {
    type Error = OpenError;

    fn begin(&mut self, contents: &Contents) -> Result<(), OpenError> {
        self.contents = contents.clone();
        Ok(())
    }

    fn record(&mut self, entry: Entry) -> Result<(), OpenError> {
        self.records += 1;
        let is_its = |span: &&eventlog::transfer::Span| {
            (span.topic, span.partition) == (entry.topic, entry.partition)
                && (span.start..span.end).contains(&entry.offset)
        };
        assert!(self.contents.spans.iter().any(|span| is_its(&span)), "{entry:?}");
        Ok(())
    }
}

/// These lines and an end of theirs.
fn ended(lines: &[u8]) -> Vec<u8> {
    let mut lines = lines.to_vec();
    if lines.last() != Some(&b'\n') {
        lines.push(b'\n');
    }
    let mut parsed =
        lines.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap_or(Value::Null));
    let first = parsed.next().unwrap_or(Value::Null);
    let rest: Vec<Value> = parsed.filter(Value::is_object).collect();
    let of = |range: &Value| {
        rest.iter().filter(|line| ["topic", "partition"].iter().all(|name| line[name] == range[name])).count()
    };
    let ranges = first["partitions"].as_array().cloned().unwrap_or_default();
    let counts = ranges
        .iter()
        .map(|range| json!({"topic": range["topic"], "partition": range["partition"], "records": of(range)}));
    let counts: Vec<Value> = counts.collect();
    let mut sum = String::new();
    for byte in Sha256::digest(&lines) {
        let _ = write!(sum, "{byte:02x}");
    }
    let records = rest.len();
    lines.extend(json!({"records": records, "partitions": counts, "sha256": sum}).to_string().into_bytes());
    lines.push(b'\n');
    lines
}
