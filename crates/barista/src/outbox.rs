//! Decisions as records. Everything decided and not yet committed for one partition.

use bytes::{BufMut as _, Bytes, BytesMut};
use eventlog::{Entry, Headers, Millis, Partition, Record, Topic};
use order::{CloudEvent, Event, Limits, OrderId, OrderState, rfc3339, topic};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What every decision needs at most in one record, in bytes: a dead letter with its headers. State and
/// events stay below it, because an order's record has at most [`Limits::RECORD_BYTES`] and what is added
/// to it (texts of commands, 32 answers) is bounded.
pub(crate) const RECORD_BYTES_MAX: usize = Limits::DEAD_LETTER_BYTES + 2 * Limits::RECORD_BYTES + 8 * 1024;

/// Decided and not yet committed.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    records: Vec<(Topic, Record)>,
    inputs: usize,
    /// What the records have together.
    bytes: usize,
    time: (Millis, String),
    /// Keys, values and headers are written one behind the other and cut off from here: a few allocations
    /// for thousands of records, which another thread frees.
    buffer: BytesMut,
    /// JSON is written here first: it comes in many small pieces.
    scratch: Vec<u8>,
}

/// The buffer grows by this much at a time, in bytes.
const BLOCK: usize = 64 * 1024;

impl Outbox {
    /// How many inputs and timers the records rest on.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// How many bytes the records have together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.inputs == 0 && self.records.is_empty()
    }

    /// One more input was read or timer fired; it may have brought no record.
    pub(crate) fn count(&mut self) {
        self.inputs += 1;
    }

    /// Hands over what is to be committed.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (Topic, Record)> + '_ {
        (self.inputs, self.bytes) = (0, 0);
        self.records.drain(..)
    }

    /// A decision with the state after it, and the announcement if the bell rings by it.
    pub(crate) fn decided(&mut self, state: &OrderState, event: &Event, writes_state: bool, source: &str) {
        let key = self.cut_off(state.id().as_str().as_bytes());
        if writes_state {
            let value = self.json(state);
            self.push(topic::STATE, Record::new(key.clone(), value));
        }
        let value = self.json(event);
        self.push(topic::EVENT, Record::new(key.clone(), value));
        if event.announces() {
            let headers = self.announcement_headers(state, event, source);
            let value = self.json(&state.order.announced());
            self.push(topic::PROCESSED, Record::new(key, value).with_headers(headers));
        }
    }

    /// An answer without an order to it.
    pub(crate) fn answered(&mut self, event: &Event) {
        let (key, value) = (self.cut_off(event.order_id.as_str().as_bytes()), self.json(event));
        self.push(topic::EVENT, Record::new(key, value));
    }

    /// An order is forgotten.
    pub(crate) fn forgotten(&mut self, id: &OrderId) {
        let key = self.cut_off(id.as_str().as_bytes());
        self.push(topic::STATE, Record::tombstone(key));
    }

    /// `value` as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Bytes {
        let mut json = std::mem::take(&mut self.scratch);
        json.clear();
        serde_json::to_writer(&mut json, value)
            .expect("writing to memory cannot fail, and every key is text");
        let bytes = self.cut_off(&json);
        self.scratch = json;
        bytes
    }

    fn cut_off(&mut self, bytes: &[u8]) -> Bytes {
        self.make_room();
        self.buffer.put_slice(bytes);
        self.buffer.split().freeze()
    }

    /// A new block when the rest of this one is too short for most records; else what does not fit would be
    /// copied.
    fn make_room(&mut self) {
        if self.buffer.capacity() < 1_024 {
            self.buffer = BytesMut::with_capacity(BLOCK);
        }
    }

    /// Any other record.
    pub(crate) fn push(&mut self, topic: Topic, record: Record) {
        self.bytes += record.size();
        self.records.push((topic, record));
    }

    /// A record that could not be read, as it came, with the reason and the place it stood in.
    pub(crate) fn dead_letter(&mut self, entry: &Entry, reason: &str) {
        let value = entry.record.value.as_ref();
        let size = value.map_or(0, Bytes::len);
        let (offset, partition) = (entry.offset.to_string(), entry.partition.to_string());
        let (size_text, hash) =
            (size.to_string(), value.map(|v| hex(&Sha256::digest(v))).unwrap_or_default());
        let reason: String = reason.chars().take(500).collect();
        let ours = [
            ("dlq_reason", reason.as_bytes()),
            ("dlq_topic", entry.topic.as_bytes()),
            ("dlq_partition", partition.as_bytes()),
            ("dlq_offset", offset.as_bytes()),
            ("dlq_size", size_text.as_bytes()),
            ("dlq_sha256", hash.as_bytes()),
        ];
        let theirs = &entry.record.headers;
        let fits = theirs.as_bytes().len() <= Limits::RECORD_BYTES;
        let headers = Headers::new(theirs.iter().filter(|_| fits).chain(ours));
        let key = entry.record.key.as_ref().map(|key| cut(key, Limits::RECORD_BYTES));
        let value = value.map(|value| cut(value, Limits::DEAD_LETTER_BYTES));
        self.push(topic::DLQ, Record { key, value, headers });
    }

    fn announcement_headers(&mut self, state: &OrderState, event: &Event, source: &str) -> Headers {
        if self.time.0 != event.at || self.time.1.is_empty() {
            self.time = (event.at, rfc3339(event.at));
        }
        let round = event.round.to_string();
        let id = format!("{}/{round}", event.order_id);
        let cloud_event = CloudEvent { id: &id, kind: CloudEvent::PROCESSED, source, time: &self.time.1 };
        let traceparent = state.marks.as_ref().and_then(|m| m.traceparent.as_deref());
        let pairs = cloud_event
            .headers()
            .into_iter()
            .chain([(CloudEvent::ROUND, round.as_bytes())])
            .chain(traceparent.map(|t| ("traceparent", t.as_bytes())));
        Headers::within(&mut self.buffer, pairs)
    }
}

/// The bytes, or as many of them as fit; copied then, so that a large batch is not kept alive by them.
fn cut(bytes: &Bytes, limit: usize) -> Bytes {
    if bytes.len() <= limit { bytes.clone() } else { Bytes::copy_from_slice(&bytes[..limit]) }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

/// The partition's records with their places, ready for a transaction.
pub(crate) fn placed(
    records: impl Iterator<Item = (Topic, Record)>,
    partition: Partition,
) -> impl Iterator<Item = (Topic, Partition, Record)> {
    // Shop-wide facts have one partition, whatever the others have.
    records.map(move |(topic, record)| (topic, if topic == topic::SHOP { 0 } else { partition }, record))
}
