//! Adding records: one idempotent producer for everyone on the log.
//!
//! One that has met a fatal error, as when the brokers and it no longer agree on what it has written, refuses
//! everything from then on. Another one takes its place.

use std::{
    ffi::CString,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{DeliveryResult, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer},
};
use tokio::sync::oneshot;

use super::{
    ears::Ears,
    native::{self, Status},
    options::Options,
    revive::revive,
    shared::{Failed, Shared, lock},
};
use crate::{
    Offset, Partition, Position, Publish, PublishError, Published, Reason, Record, Topic,
    kafka::MAX_RECORD_BYTES,
};

/// How long a log that is closed waits for what was handed in.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long a producer that has failed stays at least, since it was made: doubling from the first to the last until one
/// works for that long.
const REPLACE_AFTER: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

type Producer = ThreadedProducer<Deliveries>;

/// The producer that all publishers of a log share.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    producer: RwLock<Producer>,
    turn: Mutex<Turn>,
}

/// When the producer may be replaced.
struct Turn {
    made: Instant,
    failed: Option<Instant>,
    wait: Duration,
}

impl Turn {
    fn new(now: Instant) -> Self {
        Self { made: now, failed: None, wait: REPLACE_AFTER.0 }
    }

    /// Whether the one that has failed may be replaced now. If so, this is tried: it counts from now on.
    fn is_due(&mut self, now: Instant) -> bool {
        let failed = *self.failed.get_or_insert(now);
        if failed.saturating_duration_since(self.made) >= REPLACE_AFTER.1 {
            self.wait = REPLACE_AFTER.0;
        }
        let due = now.saturating_duration_since(self.made) >= self.wait;
        if due {
            *self = Self { made: now, failed: None, wait: (self.wait * 2).min(REPLACE_AFTER.1) };
        }
        due
    }
}

/// Who waits for a record.
struct Waiting {
    topic: Topic,
    partition: Partition,
    answer: oneshot::Sender<Result<Offset, PublishError>>,
}

impl Publisher {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Self, Failed> {
        let (producer, turn) = (RwLock::new(producer(shared)?), Mutex::new(Turn::new(Instant::now())));
        Ok(Self { shared: shared.clone(), producer, turn })
    }

    fn producer(&self) -> RwLockReadGuard<'_, Producer> {
        self.producer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that there is a producer that works, and that it has brokers. Its own thread hears what it says.
    /// To be called about once a second.
    pub(super) fn look(&self) {
        let producer = self.producer();
        revive(producer.client(), &producer.context().ears);
        let Some(why) = self.fatal(&producer).cloned() else { return };
        drop(producer);
        if lock(&self.turn).is_due(Instant::now()) {
            self.replace(&why);
        }
    }

    /// Why a producer refuses everything, if it does.
    fn fatal<'a>(&self, producer: &'a Producer) -> Option<&'a String> {
        let (code, said) = producer.client().fatal_error()?;
        let sentence = || self.shared.failed("publish", code, &said).sentence;
        Some(producer.context().fatal.get_or_init(sentence))
    }

    /// Puts a new producer in the place of one that refuses everything.
    fn replace(&self, why: &str) {
        match producer(&self.shared) {
            Ok(new) => {
                tracing::warn!("{why}; what is published from now on goes by another producer");
                let mut place = self.producer.write().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *place, new);
                drop(place);
                end(&old);
            }
            Err(failed) => tracing::warn!("{why}; {}", failed.sentence),
        }
    }

    /// Writes what waits, if the brokers take it, and answers everyone.
    pub(super) fn close(&self) {
        end(&self.producer());
    }

    /// The producer meets a fatal error.
    #[cfg(feature = "kafka-tests")]
    pub(super) fn fail(&self) {
        native::fail(self.producer().client());
    }
}

fn producer(shared: &Arc<Shared>) -> Result<Producer, Failed> {
    let ears = Ears::new(&shared.options);
    let deliveries = Deliveries { shared: shared.clone(), ears, fatal: OnceLock::new() };
    let producer = config(&shared.options).create_with_context(deliveries);
    producer.map_err(|error| shared.failed_with("begin to publish", &error))
}

/// Waits for what is on its way, within a bound.
fn end(producer: &Producer) {
    // What it does not write is purged when the producer goes, and answered as such.
    let _ = producer.flush(LAST_WORDS);
    producer.purge(PurgeConfig::default().queue().inflight());
}

fn config(options: &Options) -> rdkafka::ClientConfig {
    // A retry of its own after this has no reader any more.
    let within = options.publish_within.as_millis().clamp(1, 900_000).to_string();
    let limit = super::MESSAGE_MAX_BYTES.to_string();
    options.client(
        &[
            // Bounds, over which a record is refused at once.
            ("queue.buffering.max.messages", "100000"),
            ("queue.buffering.max.kbytes", "131072"),
            // The one setting for all loads. Of 1 ms and more, every order has its share when there is one at a
            // time (p50 0.5 ms, 1.7 with 1); when there are many, those on their way let the others gather.
            ("linger.ms", "0"),
        ],
        &[
            // An answer means that all in-sync replicas have it, and a retry never stands there twice.
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("message.timeout.ms", &within),
            ("message.max.bytes", &limit),
        ],
    )
}

impl Publish for Publisher {
    fn publish(&self, topic: Topic, partition: Partition, record: Record, deadline: Duration) -> Published {
        let refuse =
            |reason| -> Published { Box::pin(std::future::ready(Err(PublishError::not_written(reason)))) };
        if self.shared.is_closed() {
            return refuse(Reason::Closed);
        }
        let Some(known) = self.shared.topic(topic).filter(|known| partition < known.partitions()) else {
            return refuse(Reason::NoSuchPartition(topic.to_owned(), partition));
        };
        let size = record.size();
        if size > MAX_RECORD_BYTES {
            return refuse(Reason::TooLarge { size, limit: MAX_RECORD_BYTES });
        }
        let (answer, mut answers) = oneshot::channel();
        let name: &CString = &known.name;
        let waiting = Box::new(Waiting { topic, partition, answer });
        let producer = self.producer();
        if let Err(code) = native::produce(producer.client(), name, partition, &record, waiting) {
            self.fatal(&producer);
            return refuse(producer.context().reason(code, topic, partition));
        }
        drop(producer);
        let deadline = Instant::now().checked_add(deadline);
        Box::pin(std::future::poll_fn(move |context| {
            let polled = Pin::new(&mut answers).poll(context);
            if polled.is_pending() && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                // librdkafka has not said whether it was sent.
                return std::task::Poll::Ready(Err(PublishError::unknown(Reason::Deadline)));
            }
            // Without an answer the producer has gone: nobody can say how far it came.
            polled
                .map(|answer| answer.unwrap_or_else(|_| Err(PublishError::unknown(Reason::Closed))))
                .map_ok(|offset| Position { topic, partition, offset })
        }))
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.shared.partitions(topic)
    }
}

/// Hears what became of each record.
struct Deliveries {
    shared: Arc<Shared>,
    ears: Ears,
    /// Why the producer refuses everything.
    fatal: OnceLock<String>,
}

impl Deliveries {
    fn reason(&self, code: Code, topic: Topic, partition: Partition) -> Reason {
        match code {
            Code::QueueFull => Reason::Overloaded,
            Code::MessageTimedOut => Reason::Deadline,
            Code::PurgeQueue | Code::PurgeInflight if self.shared.is_closed() => Reason::Closed,
            Code::UnknownPartition | Code::UnknownTopic | Code::UnknownTopicOrPartition => {
                Reason::NoSuchPartition(topic.to_owned(), partition)
            }
            code => {
                let tried = format!("write to topic {}", self.shared.options.prefixed(topic));
                let said = self.ears.take().map(|trouble| trouble.said).unwrap_or_default();
                let failed = || self.shared.failed(&tried, code, &said).sentence;
                Reason::Storage(self.fatal.get().cloned().unwrap_or_else(failed))
            }
        }
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, said: &str) {
        Ears::note(level, facility, said);
    }

    fn error(&self, error: KafkaError, said: &str) {
        self.ears.hear(&error, said);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Waiting>;

    fn delivery(&self, result: &DeliveryResult<'_>, waiting: Box<Waiting>) {
        let Waiting { topic, partition, answer } = *waiting;
        let told = match result {
            Ok(message) => Offset::try_from(message.offset()).map_err(|_| {
                PublishError::unknown(Reason::Storage("the broker gave it no offset".to_owned()))
            }),
            Err((error, message)) => {
                let reason = self.reason(error.rdkafka_error_code().unwrap_or(Code::Fail), topic, partition);
                Err(match native::status(message) {
                    Status::NotPersisted => PublishError::not_written(reason),
                    Status::PossiblyPersisted | Status::Persisted => PublishError::unknown(reason),
                })
            }
        };
        // Whoever dropped the future does not want to know.
        let _ = answer.send(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_that_fail_are_replaced_ever_more_rarely_and_one_that_has_worked_at_once() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let (mut turn, mut replaced) = (Turn::new(begin), Vec::new());
        for seconds in 1..=300 {
            if turn.is_due(begin + second * seconds) {
                replaced.push(seconds);
            }
        }
        assert_eq!(replaced, [1, 3, 7, 15, 31, 63, 123, 183, 243]);
        // This one works until it fails after ten minutes.
        let mut turn = Turn { made: begin, failed: None, ..turn };
        assert!(turn.is_due(begin + second * 600));
        assert!(!turn.is_due(begin + second * 601) && turn.is_due(begin + second * 602));
    }
}
