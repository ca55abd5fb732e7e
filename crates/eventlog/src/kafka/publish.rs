//! Adding records: one idempotent producer for everyone on the log.

use std::{
    ffi::CString,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};
use tokio::sync::oneshot;

use super::{
    ears::Ears,
    native::{self, Status},
    options::Options,
    revive::revive,
    shared::{Failed, Shared},
};
use crate::{
    Offset, Partition, Position, Publish, PublishError, Published, Reason, Record, Topic,
    kafka::MAX_RECORD_BYTES,
};

/// How long a log that is closed waits for what was handed in.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The producer that all publishers of a log share.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    producer: ThreadedProducer<Deliveries>,
}

/// Who waits for a record.
struct Waiting {
    topic: Topic,
    partition: Partition,
    answer: oneshot::Sender<Result<Offset, PublishError>>,
}

impl Publisher {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Self, Failed> {
        let config = config(&shared.options);
        let deliveries = Deliveries { shared: shared.clone(), ears: Ears::new(&shared.options) };
        let producer = config.create_with_context(deliveries);
        let producer = producer.map_err(|error| shared.failed_with("begin to publish", &error))?;
        Ok(Self { shared: shared.clone(), producer })
    }

    /// Sees to it that the producer has brokers. Its own thread hears what it says.
    pub(super) fn look(&self) {
        revive(self.producer.client(), &self.producer.context().ears);
    }

    /// Writes what waits, if the brokers take it, and answers everyone.
    pub(super) fn close(&self) {
        // What it does not write is purged when the producer goes, and answered as such.
        let _ = self.producer.flush(LAST_WORDS);
        self.producer.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
    }
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
        if let Err(code) = native::produce(self.producer.client(), name, partition, &record, waiting) {
            return refuse(self.producer.context().reason(code, topic, partition));
        }
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
}

impl Deliveries {
    fn reason(&self, code: Code, topic: Topic, partition: Partition) -> Reason {
        match code {
            Code::QueueFull => Reason::Overloaded,
            Code::MessageTimedOut => Reason::Deadline,
            Code::PurgeQueue | Code::PurgeInflight => Reason::Closed,
            Code::UnknownPartition | Code::UnknownTopic | Code::UnknownTopicOrPartition => {
                Reason::NoSuchPartition(topic.to_owned(), partition)
            }
            code => {
                let tried = format!("write to topic {}", self.shared.options.prefixed(topic));
                let said = self.ears.take().map(|trouble| trouble.said).unwrap_or_default();
                Reason::Storage(self.shared.failed(&tried, code, &said).sentence)
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
