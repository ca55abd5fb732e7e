//! One idempotent producer: records handed in when they may go, and what became of them.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message as _,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};
use tokio::sync::oneshot;

use super::{
    LOOK_UP, MESSAGE_MAX_BYTES,
    bell::Bell,
    ears::Ears,
    lanes::{Entered, Lanes, Place},
    native::{self, News, Status},
    options::Options,
    revive::revive,
    shared::{Failed, Shared, lock},
};
use crate::{Offset, Position, PublishError, Published, Reason, Record};

/// How long the reports of what was purged are waited for.
const PURGED_WITHIN: Duration = Duration::from_secs(1);

/// A producer with its thread, which hears what became of records, and hands in those that have waited.
pub(super) struct Producer {
    line: Arc<Line>,
    thread: Option<JoinHandle<()>>,
}

struct Line {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    ended: AtomicBool,
    // Rings the bell; made of the producer, so dropped before it.
    _news: News,
    producer: BaseProducer<Deliveries>,
}

/// A record that is not handed in yet.
struct Letter {
    record: Record,
    waiting: Box<Waiting>,
}

/// Who waits for the answer to a record.
struct Waiting {
    place: Place,
    answer: oneshot::Sender<Result<Offset, PublishError>>,
}

impl Waiting {
    fn tell(self, told: Result<Offset, PublishError>) {
        // Whoever dropped the future does not want to know.
        let _ = self.answer.send(told);
    }
}

impl Producer {
    pub(super) fn new(shared: &Arc<Shared>) -> Result<Self, Failed> {
        let producer = config(&shared.options).create_with_context(Deliveries::new(shared));
        let producer: BaseProducer<Deliveries> =
            producer.map_err(|error| shared.failed_with("begin to publish", &error))?;
        let bell = shared.bell();
        let none = || shared.failed("begin to publish", Code::CriticalSystemResource, "");
        let news = News::new(producer.client(), &bell).ok_or_else(none)?;
        let ended = AtomicBool::new(false);
        let line = Arc::new(Line { shared: shared.clone(), bell, ended, _news: news, producer });
        let hears = line.clone();
        let thread = std::thread::Builder::new().name("kafka-publish".to_owned()).spawn(move || hears.run());
        Ok(Self { line, thread: Some(thread.map_err(|_| none())?) })
    }

    /// Hands a record in, now or when those before it are answered.
    pub(super) fn publish(&self, place: Place, record: Record, deadline: Option<Instant>) -> Published {
        let (answer, mut answers) = oneshot::channel();
        let waiting = Box::new(Waiting { place, answer });
        let bytes = record.size();
        let entered = lock(self.line.lanes()).enter(place, bytes, Letter { record, waiting });
        let number = match entered {
            Entered::Go(letter) => {
                self.line.hand_in(letter);
                None
            }
            Entered::Wait(number) => Some(number),
            Entered::Full(letter) => {
                letter.waiting.tell(Err(PublishError::not_written(Reason::Overloaded)));
                None
            }
        };
        let line = Arc::downgrade(&self.line);
        Box::pin(std::future::poll_fn(move |context| {
            let polled = Pin::new(&mut answers).poll(context);
            if polled.is_pending() && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                let waits = number.is_some_and(|number| withdraw(&line, place, number));
                // Of what was handed in, librdkafka has not said whether it was sent.
                let told = if waits { PublishError::not_written } else { PublishError::unknown };
                return Poll::Ready(Err(told(Reason::Deadline)));
            }
            // Without an answer the producer has gone: nobody can say how far it came.
            let (topic, partition) = place;
            polled
                .map(|answer| answer.unwrap_or_else(|_| Err(PublishError::unknown(Reason::Closed))))
                .map_ok(|offset| Position { topic, partition, offset })
        }))
    }

    /// Sees to it that it has brokers.
    pub(super) fn look(&self) {
        revive(self.line.producer.client(), &self.line.deliveries().ears);
    }

    /// Why it refuses everything, if it does.
    pub(super) fn fatal(&self) -> Option<&String> {
        self.line.fatal()
    }

    /// Waits for what was handed in, within this time, and answers everyone. What was not written then is purged
    /// when the producer goes, and answered as such.
    pub(super) fn end(&self, within: Duration) {
        const STEP: Duration = Duration::from_millis(50);
        let (line, deadline) = (&self.line, Instant::now() + within);
        loop {
            let done = line.producer.flush(STEP).is_ok() && lock(line.lanes()).is_idle();
            if done || Instant::now() >= deadline || line.fatal().is_some() {
                break;
            }
            // The flush may have heard the answer for which others wait.
            line.bell.ring();
        }
        let reason = || line.deliveries().fatal.get().cloned().map_or(Reason::Closed, Reason::Storage);
        let waiting = lock(line.lanes()).clear_all();
        for letter in waiting {
            letter.waiting.tell(Err(PublishError::not_written(reason())));
        }
        line.producer.purge(PurgeConfig::default().queue().inflight());
        // What was purged is reported: what nobody hears would be answered by nobody.
        let deadline = Instant::now() + PURGED_WITHIN;
        while line.producer.in_flight_count() > 0 && Instant::now() < deadline {
            line.producer.poll(STEP);
        }
    }

    /// It meets a fatal error.
    #[cfg(feature = "kafka-tests")]
    pub(super) fn fail(&self) {
        native::fail(self.line.producer.client());
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.line.ended.store(true, Ordering::Release);
        self.line.bell.ring();
        if let Some(thread) = self.thread.take() {
            // One that has panicked has said so on stderr; there is nothing to add.
            let _ = thread.join();
        }
    }
}

/// Whether it waited until now, and does so no longer.
fn withdraw(line: &Weak<Line>, place: Place, number: u64) -> bool {
    line.upgrade().is_some_and(|line| lock(line.lanes()).withdraw(place, number).is_some())
}

impl Line {
    fn deliveries(&self) -> &Deliveries {
        self.producer.context()
    }

    fn lanes(&self) -> &Mutex<Lanes<Letter>> {
        &self.deliveries().lanes
    }

    fn run(&self) {
        while !self.ended.load(Ordering::Acquire) {
            while native::has_news(self.producer.client()) {
                self.producer.poll(Duration::ZERO);
                self.hand_in_those_whose_turn_it_is();
            }
            self.hand_in_those_whose_turn_it_is();
            self.bell.wait_until(Instant::now() + LOOK_UP);
        }
    }

    fn hand_in_those_whose_turn_it_is(&self) {
        loop {
            let Some((_, letters)) = lock(self.lanes()).go() else { return };
            for letter in letters {
                self.hand_in(letter);
            }
        }
    }

    fn hand_in(&self, letter: Letter) {
        let Letter { record, waiting } = letter;
        let place @ (topic, partition) = waiting.place;
        let produced = match self.shared.topic(topic) {
            Some(known) => native::produce(self.producer.client(), &known.name, partition, &record, waiting),
            None => Err((Code::UnknownTopic, waiting)),
        };
        if let Err((code, waiting)) = produced {
            self.fatal();
            lock(self.lanes()).answered(place);
            waiting.tell(Err(PublishError::not_written(self.deliveries().reason(code, place))));
            self.bell.ring();
        }
    }

    fn fatal(&self) -> Option<&String> {
        let (code, said) = self.producer.client().fatal_error()?;
        let sentence = || self.shared.failed("publish", code, &said).sentence;
        Some(self.deliveries().fatal.get_or_init(sentence))
    }
}

/// Hears what became of each record.
struct Deliveries {
    shared: Arc<Shared>,
    ears: Ears,
    lanes: Mutex<Lanes<Letter>>,
    /// Why the producer refuses everything.
    fatal: OnceLock<String>,
}

impl Deliveries {
    fn new(shared: &Arc<Shared>) -> Self {
        let ears = Ears::new(&shared.options);
        Self { shared: shared.clone(), ears, lanes: Mutex::default(), fatal: OnceLock::new() }
    }

    fn reason(&self, code: Code, (topic, partition): Place) -> Reason {
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
        let place = waiting.place;
        let told = match result {
            Ok(message) => Offset::try_from(message.offset()).map_err(|_| {
                PublishError::unknown(Reason::Storage("the broker gave it no offset".to_owned()))
            }),
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
                if code == Code::MessageTimedOut {
                    // Nothing gets through: those behind it would wait as long once more, beyond their time.
                    let waiting = lock(&self.lanes).clear(place);
                    for letter in waiting {
                        letter.waiting.tell(Err(PublishError::not_written(Reason::Deadline)));
                    }
                }
                let reason = self.reason(code, place);
                Err(match native::status(message) {
                    Status::NotPersisted => PublishError::not_written(reason),
                    Status::PossiblyPersisted | Status::Persisted => PublishError::unknown(reason),
                })
            }
        };
        // Before whoever waits for it goes on, and comes with the next one.
        lock(&self.lanes).answered(place);
        waiting.tell(told);
    }
}

fn config(options: &Options) -> ClientConfig {
    // A retry of its own after this has no reader any more.
    let within = options.publish_within.as_millis().clamp(1, 900_000).to_string();
    let limit = MESSAGE_MAX_BYTES.to_string();
    options.client(
        &[
            // Bounds, over which a record is refused at once.
            ("queue.buffering.max.messages", "100000"),
            ("queue.buffering.max.kbytes", "131072"),
            // The one setting for all loads. librdkafka waits in whole milliseconds: with 0.2 a single order takes
            // 1.5 ms (p50) instead of 0.5. When there are many, those on their way let the others gather.
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
