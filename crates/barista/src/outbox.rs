//! Decisions as records. Everything decided and not yet committed for one partition.

use bytes::{BufMut as _, Bytes, BytesMut};
use eventlog::{Entry, Headers, Millis, Partition, Record, Topic};
use order::{CloudEvent, DeadLetter, Event, Limits, OrderId, OrderState, TraceContext, rfc3339, topic};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What every decision needs at most in one record, in bytes: a dead letter with its headers. A log that takes
/// less is refused when a session begins. State and events stay below it, because an order's record has at most
/// [`Limits::RECORD_BYTES`], reads back no longer but for what its lines leave unsaid, and what is added to it
/// (texts of commands, 32 answers) is bounded: the tests below write the largest.
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
    /// `trace`: what the announcement is part of.
    pub(crate) fn decided(
        &mut self,
        state: &OrderState,
        event: &Event,
        writes_state: bool,
        source: &str,
        trace: Option<TraceContext>,
    ) {
        let key = self.cut_off(state.id().as_str().as_bytes());
        if writes_state {
            let value = self.json(state);
            self.push(topic::STATE, Record::new(key.clone(), value));
        }
        let value = self.json(event);
        self.push(topic::EVENT, Record::new(key.clone(), value));
        if event.announces() {
            let headers = self.announcement_headers(event, source, trace);
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

    /// A record that could not be read, as it came, with the reason and the place it stood in. Headers of more
    /// than [`Limits::RECORD_BYTES`] are left out; then `dlq_headers_left_out` says how many bytes they had.
    pub(crate) fn dead_letter(&mut self, entry: &Entry, reason: &str) {
        let value = entry.record.value.as_ref();
        let size = value.map_or(0, Bytes::len);
        let (offset, partition) = (entry.offset.to_string(), entry.partition.to_string());
        let (size_text, hash) =
            (size.to_string(), value.map(|v| hex(&Sha256::digest(v))).unwrap_or_default());
        let reason: String = reason.chars().take(500).collect();
        let ours = [
            (DeadLetter::REASON, reason.as_bytes()),
            (DeadLetter::TOPIC, entry.topic.as_bytes()),
            (DeadLetter::PARTITION, partition.as_bytes()),
            (DeadLetter::OFFSET, offset.as_bytes()),
            (DeadLetter::SIZE, size_text.as_bytes()),
            (DeadLetter::SHA256, hash.as_bytes()),
        ];
        let theirs = &entry.record.headers;
        let theirs_size = theirs.as_bytes().len();
        let fits = theirs_size <= Limits::RECORD_BYTES;
        let left_out = (!fits).then(|| theirs_size.to_string());
        let left_out = left_out.iter().map(|size| (DeadLetter::HEADERS_LEFT_OUT, size.as_bytes()));
        let headers = Headers::new(theirs.iter().filter(|_| fits).chain(ours).chain(left_out));
        let key = entry.record.key.as_ref().map(|key| cut(key, Limits::RECORD_BYTES));
        let value = value.map(|value| cut(value, Limits::DEAD_LETTER_BYTES));
        self.push(topic::DLQ, Record { key, value, headers });
    }

    fn announcement_headers(&mut self, event: &Event, source: &str, trace: Option<TraceContext>) -> Headers {
        if self.time.0 != event.at || self.time.1.is_empty() {
            self.time = (event.at, rfc3339(event.at));
        }
        let round = event.round.to_string();
        let id = format!("{}/{round}", event.order_id);
        let cloud_event = CloudEvent { id: &id, kind: CloudEvent::PROCESSED, source, time: &self.time.1 };
        let trace = trace.map(TraceContext::text);
        let pairs = cloud_event
            .headers()
            .into_iter()
            .chain([(CloudEvent::ROUND, round.as_bytes())])
            .chain(trace.as_ref().map(|text| (TraceContext::HEADER, text.as_bytes())));
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

#[cfg(test)]
mod tests {
    use order::{Action, At, Book, By, Change, Command, CommandId, Order, Placed, Role, Rules, Verdict};

    use super::*;

    fn largest(outbox: &mut Outbox) -> usize {
        let bytes = outbox.bytes();
        let sizes: Vec<_> = outbox.drain().map(|(_, record)| record.size()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), bytes);
        sizes.into_iter().max().unwrap_or_default()
    }

    fn command(n: usize, action: Action) -> Command {
        let device = Some("\u{1f375}".repeat(Limits::DEVICE_CHARS));
        Command {
            command_id: CommandId::new(format!("{n:\"<128}")).unwrap(),
            order_id: largest_id(),
            action,
            seen: None,
            by: By { role: Role::Staff, device },
            order_at: None,
        }
    }

    /// As JSON six times as long.
    fn largest_id() -> OrderId {
        OrderId::new("\u{1}".repeat(Limits::ID_BYTES)).unwrap()
    }

    /// The order that grows most when it is written again, as long as a record may be.
    fn largest_order() -> Order {
        let id = "\\u0001".repeat(Limits::ID_BYTES);
        let lines = vec![r#"{"item":""}"#; Limits::ITEMS].join(",");
        let core = format!(r#"{{"order_id":"{id}","amount":1,"status":0,"items":[{lines}],"x":""}}"#);
        let pad = "x".repeat(Limits::RECORD_BYTES - core.len());
        let json = core.replace(r#""x":"""#, &format!(r#""x":"{pad}""#));
        assert_eq!(json.len(), Limits::RECORD_BYTES);
        Order::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn the_largest_state_fits_into_a_record() {
        let (rules, mut book, mut outbox) = (Rules::default(), Book::default(), Outbox::default());
        let placed = Placed {
            at: At { partition: u32::MAX, offset: u64::MAX },
            received_at: i64::MAX,
            foreign: false,
            history_from: u64::MAX,
            traceparent: TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        };
        let mut sizes = Vec::new();
        let mut write = |book: &Book, Change { key, event, writes_state, .. }: Change| {
            assert_eq!(event.refused, None);
            outbox.decided(book.get(key).unwrap(), &event, writes_state, "/brewline/barista", None);
            sizes.push(largest(&mut outbox));
        };
        let Verdict::Changed(taken) = book.take(largest_order(), placed, 1_800_000_000_000, &rules, true)
        else {
            panic!("a new order is taken")
        };
        write(&book, taken);
        let reason = || Some("\u{1f375}".repeat(Limits::REASON_CHARS));
        let lines = (0..Limits::ITEMS).map(|line| Action::Tick { line: u16::try_from(line).unwrap() });
        let text = "\u{1f375}".repeat(Limits::NOTE_CHARS);
        let others = [Action::Ready, Action::Recall { reason: reason() }, Action::Note { text }];
        for (n, action) in others.into_iter().chain(lines).enumerate() {
            let asked = book.command(&command(n, action), 1_800_000_000_001, &rules, true);
            let Verdict::Changed(change) = asked else { panic!("the order is known") };
            write(&book, change);
        }
        let most = *sizes.iter().max().unwrap();
        assert!(most > Limits::RECORD_BYTES, "nothing was added: {most}");
        assert!(most <= RECORD_BYTES_MAX / 2, "{most} bytes leave too little room below {RECORD_BYTES_MAX}");
    }

    #[test]
    fn the_largest_dead_letter_fits_into_a_record_and_says_what_was_left_out() {
        let mut outbox = Outbox::default();
        let mut letter = |headers: usize| {
            let headers = Headers::new([("h", vec![7; headers].as_slice())]);
            let value = vec![b' '; 1_000_000];
            let record = Record { key: Some(value.clone().into()), value: Some(value.into()), headers };
            let (partition, offset, timestamp) = (u32::MAX, u64::MAX, 0);
            let entry = Entry { topic: topic::RECEIVED, partition, offset, timestamp, record };
            outbox.dead_letter(&entry, &"\u{1f375}".repeat(1_000));
            let headers = outbox.records[0].1.headers.clone();
            (largest(&mut outbox), headers)
        };
        let frame = Headers::new([("h", b"".as_slice())]).as_bytes().len();
        let (size, headers) = letter(Limits::RECORD_BYTES - frame);
        assert!((RECORD_BYTES_MAX - 8 * 1024..=RECORD_BYTES_MAX).contains(&size), "{size}");
        assert!(headers.get("h").is_some() && headers.get("dlq_headers_left_out").is_none());
        let (_, headers) = letter(Limits::RECORD_BYTES - frame + 1);
        assert_eq!(headers.get("h"), None);
        assert_eq!(headers.get("dlq_headers_left_out"), Some(b"65537".as_slice()));
    }
}
