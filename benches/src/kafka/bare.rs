//! librdkafka's own limit: the same records in a bare loop, with nothing decided and nothing read.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use eventlog::{Record, Start, Topic};
use order::topic;
use rdkafka::{
    ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, Headers as _, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
};

use super::Shop;
use crate::{line, load::Seen, table::sorted};

/// As many orders as the engine takes in one transaction.
const TRANSACTION: usize = 8_192;
const WITHIN: Duration = Duration::from_secs(10);

/// Writes records as a counter does, `in_flight` of them at any time, for this long.
pub(super) fn publish(shop: &Shop, in_flight: usize, lasts: Duration) -> anyhow::Result<Seen> {
    let (answer, answers) = mpsc::channel();
    let producer: ThreadedProducer<Answers> = config(shop)
        .set("enable.idempotence", "true")
        .set("linger.ms", "0")
        .create_with_context(Answers(Mutex::new(answer)))?;
    let topic = shop.topic(topic::RECEIVED);
    let send = || -> anyhow::Result<()> {
        let id = uuid::Uuid::new_v4().to_string();
        let record = line::order(&id, 1);
        let (key, value) = (record.key.unwrap_or_default(), record.value.unwrap_or_default());
        let record = BaseRecord::with_opaque_to(&topic, Box::new(Instant::now()))
            .partition(0)
            .key(&key[..])
            .payload(&value[..])
            .headers(headers(&record.headers));
        producer.send(record).map_err(|(error, _)| error)?;
        Ok(())
    };
    let began = Instant::now();
    for _ in 0..in_flight {
        send()?;
    }
    let (mut millis, mut open) = (Vec::new(), in_flight);
    while open > 0 {
        let took: Duration = answers.recv_timeout(WITHIN)?.context("a record was not written")?;
        millis.push(took.as_secs_f64() * 1_000.0);
        if began.elapsed() < lasts {
            send()?;
        } else {
            open -= 1;
        }
    }
    Ok(Seen { per_second: millis.len() as f64 / began.elapsed().as_secs_f64(), millis: sorted(millis) })
}

/// Hears of each record how long it took, or that it failed.
struct Answers(Mutex<mpsc::Sender<Option<Duration>>>);

impl ClientContext for Answers {}

impl ProducerContext for Answers {
    type DeliveryOpaque = Box<Instant>;

    fn delivery(&self, result: &DeliveryResult<'_>, began: Box<Instant>) {
        let took = result.as_ref().ok().map(|_| began.elapsed());
        // Nobody waits any more after an error.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).send(took);
    }
}

/// What the engine writes of one order.
pub(super) struct Sample(Vec<(Topic, Record)>);

impl Sample {
    /// Looks at the first order of a shop in which a barista of ours was.
    pub(super) fn of(shop: &Shop) -> anyhow::Result<Self> {
        let log = shop.log()?;
        let mut sample = Vec::new();
        for topic in [topic::STATE, topic::EVENT, topic::PROCESSED] {
            let mut follow = line::follow(&log, topic, Start::Beginning)?;
            let began = Instant::now();
            let first = loop {
                anyhow::ensure!(began.elapsed() < WITHIN, "nothing is in {topic}");
                let batch = follow.poll(Duration::from_millis(100))?;
                let is_order =
                    |record: &Record| record.key.as_deref() != Some(topic::POSITIONS_KEY.as_bytes());
                if let Some(entry) = batch.entries.into_iter().find(|entry| is_order(&entry.record)) {
                    break entry.record;
                }
            };
            sample.push((topic, first));
        }
        Ok(Self(sample))
    }
}

/// Reads orders and writes of each what [`Sample`] has, in transactions. Stopped when dropped.
pub(super) struct Barista {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Barista {
    pub(super) fn start(shop: &Shop, sample: &Sample) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = config(shop)
            .set("group.id", format!("{}barista_group", shop.prefix()))
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "50")
            .set("fetch.queue.backoff.ms", "5")
            .create()?;
        let producer: BaseProducer = config(shop)
            .set("transactional.id", format!("{}bare", shop.prefix()))
            .set("linger.ms", "0")
            .set("queue.buffering.max.messages", "200000")
            .set("delivery.report.only.error", "true")
            .create()?;
        producer.init_transactions(WITHIN)?;
        let received = shop.topic(topic::RECEIVED);
        consumer.subscribe(&[&received])?;
        let put =
            |(topic, record): &(Topic, Record)| (shop.topic(topic), record.clone(), headers(&record.headers));
        let records: Vec<_> = sample.0.iter().map(put).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                take(&consumer, &producer, &received, &records)?;
            }
            Ok(())
        });
        Ok(Self { stop, thread: Some(thread) })
    }
}

/// Waits for orders, takes what has come, and commits.
fn take(
    consumer: &BaseConsumer,
    producer: &BaseProducer,
    received: &str,
    records: &[(String, Record, OwnedHeaders)],
) -> anyhow::Result<()> {
    let Some(mut next) = consumer.poll(Duration::from_millis(100)) else { return Ok(()) };
    producer.begin_transaction()?;
    let mut taken = 0;
    let offset = loop {
        let order = next?;
        taken += 1;
        let key = order.key().unwrap_or_default();
        for (topic, record, headers) in records {
            let mut put = BaseRecord::to(topic)
                .partition(order.partition())
                .key(key)
                .payload(record.value.as_deref().unwrap_or_default());
            if headers.count() > 0 {
                put = put.headers(headers.clone());
            }
            while let Err((error, again)) = producer.send(put) {
                anyhow::ensure!(is_full(&error), error);
                producer.poll(Duration::from_millis(1));
                put = again;
            }
        }
        let offset = order.offset();
        let more = if taken < TRANSACTION { consumer.poll(Duration::ZERO) } else { None };
        let Some(more) = more else { break offset };
        next = more;
    };
    // `flush` waits in steps of 100 ms.
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
    let mut positions = TopicPartitionList::new();
    positions.add_partition_offset(received, 0, Offset::Offset(offset + 1))?;
    let member = consumer.group_metadata().context("no member of the group")?;
    producer.send_offsets_to_transaction(&positions, &member, WITHIN)?;
    producer.commit_transaction(WITHIN)?;
    Ok(())
}

fn is_full(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
}

impl Drop for Barista {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(error)) = self.thread.take().and_then(|thread| thread.join().ok()) {
            eprintln!("  the bare loop ended: {error}");
        }
    }
}

fn config(shop: &Shop) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", shop.brokers()).set("socket.nagle.disable", "true");
    config
}

fn headers(headers: &eventlog::Headers) -> OwnedHeaders {
    headers
        .iter()
        .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }))
}
