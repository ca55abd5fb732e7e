//! Writes records so that they get the offsets that they had.
//!
//! Between them offsets may be missing: those of marks of transactions, and of what was aborted or compacted away. Such
//! a place can't be skipped, so something stands there that nobody who reads what is committed sees: a transaction of as
//! many records and a mark, taken back; where one place alone is missing, the mark of a transaction that has the record
//! before it. What is missing at the beginning is written plainly, and removed when all is there.

use std::{
    ffi::CString,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message as _,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};

use super::{
    MAX_RECORD_BYTES, MESSAGE_MAX_BYTES,
    admin::{WITHIN as ASK_WITHIN, failed, failure},
    ears::Ears,
    import::{Stop, c_name},
    native,
    options::Options,
    shared::lock,
};
use crate::{Entry, Millis, Offset, OpenError, Partition, Record, Topic, transfer::Span};

/// How long the brokers may take for what is on its way.
const WITHIN: Duration = Duration::from_mins(1);
/// One step of waiting.
const STEP: Duration = Duration::from_millis(50);
/// Offsets that one transaction fills: far fewer than the brokers take within the time of a transaction.
const FILLED_AT_ONCE: u64 = 100_000;
/// How often is asked whether a mark has come; one more answer lies between.
const MARKED_STEP: Duration = Duration::from_millis(1);

pub(super) struct Pour {
    options: Options,
    probe: Arc<BaseConsumer<Ears>>,
    stop: Stop,
    plain: BaseProducer<Landings>,
    marked: BaseProducer<Landings>,
    introduced: bool,
    /// By the place of its span.
    lanes: Vec<Lane>,
}

/// One partition.
struct Lane {
    span: Span,
    name: CString,
    /// Written when it is known what stands behind it.
    waits: Option<Entry>,
    /// Where it begins when all is there.
    begins: Offset,
}

impl Pour {
    /// `name` is a transactional id of its own.
    pub(super) fn new(
        options: &Options,
        probe: Arc<BaseConsumer<Ears>>,
        stop: Stop,
        name: &str,
        spans: &[Span],
    ) -> Result<Self, OpenError> {
        let within = WITHIN.as_millis().to_string();
        let limit = MESSAGE_MAX_BYTES.to_string();
        let base = |linger, more: &[(&str, &str)]| {
            let mut ours = vec![
                ("acks", "all"),
                ("enable.idempotence", "true"),
                ("message.timeout.ms", &*within),
                ("message.max.bytes", &*limit),
            ];
            ours.extend_from_slice(more);
            options.client(
                &[
                    ("linger.ms", linger),
                    ("queue.buffering.max.messages", "100000"),
                    ("queue.buffering.max.kbytes", "65536"),
                ],
                &ours,
            )
        };
        let make = |config: ClientConfig| -> Result<BaseProducer<Landings>, OpenError> {
            let made = config.create_with_context(Landings::new(options));
            made.map_err(|error| failed(options, "begin to write", &error))
        };
        let lanes = spans.iter().map(|span| {
            let name = c_name(options, span.topic)?;
            Ok(Lane { span: *span, name, waits: None, begins: span.start })
        });
        Ok(Self {
            plain: make(base("5", &[]))?,
            marked: make(base("0", &[("transactional.id", name), ("transaction.timeout.ms", &within)]))?,
            introduced: false,
            probe,
            stop,
            lanes: lanes.collect::<Result<_, OpenError>>()?,
            options: options.clone(),
        })
    }

    /// Fills what is missing at the beginnings.
    pub(super) fn begin(&mut self) -> Result<(), OpenError> {
        for place in 0..self.lanes.len() {
            let Lane { span, .. } = self.lanes[place];
            // The last of them may have to be followed by a mark.
            for offset in 0..span.start.saturating_sub(1) {
                self.write(place, &Record::default(), span.newest.unwrap_or_default(), offset)?;
            }
            if let Some(last) = span.start.checked_sub(1) {
                let timestamp = span.newest.unwrap_or_default();
                let Span { topic, partition, .. } = span;
                self.lanes[place].waits =
                    Some(Entry { topic, partition, offset: last, timestamp, record: Record::default() });
            }
        }
        Ok(())
    }

    /// Writes the record before this one, now that it is known how far this one is from it.
    pub(super) fn record(&mut self, place: usize, entry: Entry) -> Result<(), OpenError> {
        let size = entry.record.size();
        if size > MAX_RECORD_BYTES {
            return Err(OpenError::NotUsable(format!(
                "the record at offset {} of {} has {size} bytes, Kafka takes at most {MAX_RECORD_BYTES}",
                entry.offset, entry.topic
            )));
        }
        self.go_on_to(place, entry.offset)?;
        self.lanes[place].waits = Some(entry);
        Ok(())
    }

    /// Writes what waits, up to where each partition ended, and waits until the brokers have everything.
    pub(super) fn end(&mut self) -> Result<(), OpenError> {
        for place in 0..self.lanes.len() {
            self.go_on_to(place, self.lanes[place].span.end)?;
        }
        self.flush()
    }

    /// Where a partition begins when all is there.
    pub(super) fn begins(&self, span: &Span) -> Offset {
        self.lanes.iter().find(|lane| lane.span == *span).map_or(span.start, |lane| lane.begins)
    }

    /// Writes no more, and waits for nothing.
    pub(super) fn give_up(&self) {
        for producer in [&self.plain, &self.marked] {
            producer.purge(PurgeConfig::default().queue().inflight());
            producer.poll(Duration::ZERO);
        }
    }

    /// So that the next record of a partition gets this offset.
    fn go_on_to(&mut self, place: usize, offset: Offset) -> Result<(), OpenError> {
        let lane = &mut self.lanes[place];
        let Some(Entry { offset: before, timestamp, record, .. }) = lane.waits.take() else {
            // It begins with nothing.
            return match offset {
                0 => Ok(()),
                1 => {
                    lane.begins = lane.begins.max(1);
                    self.write(place, &Record::default(), Millis::default(), 0)
                }
                gap => self.fill(place, 0, gap, Millis::default()),
            };
        };
        match offset.saturating_sub(before + 1) {
            0 => self.write(place, &record, timestamp, before),
            1 => self.transaction(place, offset, |pour| {
                pour.put(&pour.marked, place, &record, timestamp, before)?;
                pour.flush_one(&pour.marked)?;
                pour.ended(pour.marked.commit_transaction(WITHIN))
            }),
            gap => {
                self.write(place, &record, timestamp, before)?;
                self.fill(place, before + 1, gap, timestamp)
            }
        }
    }

    fn write(&self, place: usize, record: &Record, time: Millis, offset: Offset) -> Result<(), OpenError> {
        self.put(&self.plain, place, record, time, offset)
    }

    /// Fills so many offsets, two or more.
    fn fill(&mut self, place: usize, mut first: Offset, gap: u64, time: Millis) -> Result<(), OpenError> {
        for part in parts(gap) {
            self.take_back(place, first, part - 1, time)?;
            first += part;
        }
        Ok(())
    }

    /// Writes so many records that nobody sees, and a mark.
    fn take_back(&mut self, place: usize, first: Offset, count: u64, time: Millis) -> Result<(), OpenError> {
        self.transaction(place, first + count + 1, |pour| {
            for offset in first..first + count {
                pour.put(&pour.marked, place, &Record::default(), time, offset)?;
            }
            // What is not sent yet an abort throws away.
            pour.flush_one(&pour.marked)?;
            pour.ended(pour.marked.abort_transaction(WITHIN))
        })
    }

    /// Writes a transaction, whose mark stands before `next`.
    fn transaction(
        &mut self,
        place: usize,
        next: Offset,
        write: impl FnOnce(&Self) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        // Two producers write to one partition, and one after the other.
        self.flush_one(&self.plain)?;
        if !self.introduced {
            self.ended(self.marked.init_transactions(WITHIN))?;
            self.introduced = true;
        }
        self.ended(self.marked.begin_transaction())?;
        write(self)?;
        self.wait_for_mark(place, next)
    }

    /// Waits until a partition ends at `next`. A transaction's coordinator answers when it has decided; the mark is
    /// written after that, and nothing else would keep the next record from taking its place.
    fn wait_for_mark(&self, place: usize, next: Offset) -> Result<(), OpenError> {
        let Span { topic, partition, .. } = self.lanes[place].span;
        let tried = format!("see a mark in topic {}", self.options.prefixed(topic));
        let deadline = Instant::now() + WITHIN;
        while end(&self.options, &self.probe, topic, partition)? < next {
            if Instant::now() >= deadline {
                return Err(failure(&self.options, &tried, Code::OperationTimedOut, ""));
            }
            thread::sleep(MARKED_STEP);
        }
        Ok(())
    }

    fn ended(&self, done: Result<(), KafkaError>) -> Result<(), OpenError> {
        done.map_err(|error| failed(&self.options, "write what was imported", &error))
    }

    fn put(
        &self,
        producer: &BaseProducer<Landings>,
        place: usize,
        record: &Record,
        time: Millis,
        offset: Offset,
    ) -> Result<(), OpenError> {
        if (self.stop)() {
            return Err(OpenError::NotUsable("it was stopped".to_owned()));
        }
        let lane = &self.lanes[place];
        let deadline = Instant::now() + WITHIN;
        let mut landing = Box::new(offset);
        loop {
            let put =
                native::produce_at(producer.client(), &lane.name, lane.span.partition, record, time, landing);
            landing = match put {
                Ok(()) => {
                    producer.poll(Duration::ZERO);
                    return self.check(producer);
                }
                Err((Code::QueueFull, landing)) if Instant::now() < deadline => landing,
                Err((code, _)) => return Err(self.failure(code, &self.options.prefixed(lane.span.topic))),
            };
            producer.poll(STEP);
            self.check(producer)?;
        }
    }

    fn flush(&self) -> Result<(), OpenError> {
        self.flush_one(&self.plain)
    }

    /// Waits until it is known what became of everything.
    fn flush_one(&self, producer: &BaseProducer<Landings>) -> Result<(), OpenError> {
        let deadline = Instant::now() + WITHIN;
        // A flush waits in steps for those whom nobody hears; this ends with the last answer.
        while producer.in_flight_count() > 0 {
            producer.poll(STEP);
            self.check(producer)?;
            if Instant::now() >= deadline {
                return Err(failure(&self.options, "write what was imported", Code::OperationTimedOut, ""));
            }
        }
        self.check(producer)
    }

    /// Whether everything landed where it belongs.
    fn check(&self, producer: &BaseProducer<Landings>) -> Result<(), OpenError> {
        match lock(&producer.context().wrong).take() {
            None => Ok(()),
            Some((topic, Wrong::Refused(code))) => Err(self.failure(code, &topic)),
            Some((topic, Wrong::Landed { at, expected })) => Err(OpenError::NotUsable(format!(
                "a record of topic {topic} got offset {at}, and should get {expected}: somebody else writes to it; stop whoever \
                 does, and import again"
            ))),
        }
    }

    fn failure(&self, code: Code, topic: &str) -> OpenError {
        failure(&self.options, &format!("write to topic {topic}"), code, "")
    }
}

/// How many offsets each transaction takes that fills a gap of two or more: a record at least, and its mark.
fn parts(gap: u64) -> impl Iterator<Item = u64> {
    let mut left = gap;
    std::iter::from_fn(move || {
        // One alone is none.
        let part = if left > FILLED_AT_ONCE + 1 { FILLED_AT_ONCE } else { left };
        left -= part;
        (part > 0).then_some(part)
    })
}

/// Where a partition ends.
pub(super) fn end(
    options: &Options,
    probe: &BaseConsumer<Ears>,
    topic: Topic,
    partition: Partition,
) -> Result<Offset, OpenError> {
    let name = options.prefixed(topic);
    let number = i32::try_from(partition).unwrap_or(i32::MAX);
    let (_, end) = probe
        .fetch_watermarks(&name, number, ASK_WITHIN)
        .map_err(|error| failed(options, &format!("see where topic {name} ends"), &error))?;
    Ok(Offset::try_from(end).unwrap_or_default())
}

/// Hears where records landed.
struct Landings {
    ears: Ears,
    /// The first that went wrong.
    wrong: Mutex<Option<(String, Wrong)>>,
}

#[derive(Debug, Clone, Copy)]
enum Wrong {
    Refused(Code),
    Landed { at: i64, expected: Offset },
}

impl Landings {
    fn new(options: &Options) -> Self {
        Self { ears: Ears::new(options), wrong: Mutex::default() }
    }
}

impl ClientContext for Landings {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, said: &str) {
        Ears::note(level, facility, said);
    }

    fn error(&self, error: KafkaError, said: &str) {
        self.ears.hear(&error, said);
    }
}

impl ProducerContext for Landings {
    type DeliveryOpaque = Box<Offset>;

    fn delivery(&self, result: &DeliveryResult<'_>, expected: Box<Offset>) {
        let wrong = match result {
            Ok(record) if Offset::try_from(record.offset()) == Ok(*expected) => return,
            Ok(record) => (record, Wrong::Landed { at: record.offset(), expected: *expected }),
            Err((error, record)) => {
                (record, Wrong::Refused(error.rdkafka_error_code().unwrap_or(Code::Fail)))
            }
        };
        lock(&self.wrong).get_or_insert_with(|| (wrong.0.topic().to_owned(), wrong.1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_filled_by_transactions_of_a_record_at_least_and_of_few_enough() {
        for gap in [2, 3, FILLED_AT_ONCE, FILLED_AT_ONCE + 1, FILLED_AT_ONCE + 2, 7 * FILLED_AT_ONCE + 1] {
            let parts: Vec<_> = parts(gap).collect();
            assert_eq!(parts.iter().sum::<u64>(), gap);
            assert!(parts.iter().all(|part| (2..=FILLED_AT_ONCE + 1).contains(part)), "{gap}: {parts:?}");
        }
    }
}
