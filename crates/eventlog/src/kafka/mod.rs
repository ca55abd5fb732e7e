//! The log on Apache Kafka: for many processes, on as many brokers as there are.
//!
//! | file | idea |
//! |---|---|
//! | `options`, `address` | how it is opened; what librdkafka is told for each job; where brokers are |
//! | `admin`, `verdict` | topics made and checked; what one must be like |
//! | `publish` | adding records: the producer that everyone on a log shares |
//! | `producer`, `lanes` | one idempotent producer; what waits until those before it are answered |
//! | `follow`, `asker` | everything committed, and when that is all; where it ends, asked for everyone who follows |
//! | `watch`, `fate` | everything, also what is not committed, and what became of it |
//! | `work`, `share`, `group`, `members` | a session; what it has of one partition; its place in the group; who else is in it |
//! | `claim`, `waiting`, `gap` | whose the name of an instance is; a wait to be let into the group, and when to say so; what the group has given to nobody |
//! | `commit`, `settle` | transactions; what became of the last one of a session that has ended |
//! | `copy` | all that there is at one moment |
//! | `import`, `pour` | a log made of records that another had; records that get the offsets they had |
//! | `offsets` | where partitions begin and end |
//! | `shared`, `bell`, `ears` | what everything on one log shares; waiting; what clients say of themselves |
//! | `lookout` | partitions that are new, topics that are gone, and whether brokers are there |
//! | `revive`, `stall` | brokers for a client that has lost all of them; what does not come although it is there |
//! | `failure`, `refusal`, `stranger` | librdkafka's errors as sentences; whether any broker may let us in yet; who is there that speaks no Kafka |
//! | `native` | what is called of librdkafka directly |
//!
//! Durable is what the topic's replication gives: a publish is answered when all in-sync replicas have the record.
//! Each record and position of a transaction becomes visible by one mark in each partition, or never.

mod address;
mod admin;
mod asker;
mod bell;
mod claim;
mod commit;
mod copy;
mod ears;
mod failure;
mod fate;
mod follow;
mod gap;
mod group;
mod import;
mod lanes;
mod lookout;
mod members;
mod native;
mod offsets;
mod options;
mod pour;
mod producer;
mod publish;
mod refusal;
mod revive;
mod settle;
mod share;
mod shared;
mod stall;
mod stranger;
mod verdict;
mod waiting;
mod watch;
mod work;

use std::{
    ffi::CString,
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, Consumer as _};

pub use self::{
    admin::{Remark, TopicReport, remarks},
    fate::{Fate, OPEN_AFTER, Sighting, Sightings},
    import::{Import, Stop as StopImport},
    options::{Options, check_property},
    verdict::Judged,
    watch::Watch,
};
use self::{
    asker::{Asker, Line},
    bell::Bell,
    ears::{Ears, hear},
    failure::Failure,
    follow::Follower,
    lookout::Lookout,
    publish::Publisher,
    refusal::Refusals,
    shared::{Known, Shared, lock},
    stranger::Stranger,
};
use crate::{Follow, Log, OpenError, Publish, Start, Topic, Work, WorkSpec};

/// What librdkafka takes as one message and, with its default settings, a broker too (1,048,588); in bytes.
const MESSAGE_MAX_BYTES: usize = 1_000_000;

/// A record larger than this, key, value and headers together, is refused; in bytes. What librdkafka adds to each
/// record and header is less than the rest of its own limit.
pub const MAX_RECORD_BYTES: usize = MESSAGE_MAX_BYTES - 10_000;

/// How long the first answer of a broker is waited for. Whoever can wait longer tries again.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How often partitions that were added, and topics that were removed, are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often who has nothing to do looks up, so that its clients can say what they have to say.
const LOOK_UP: Duration = Duration::from_secs(1);

/// A log on a cluster.
pub struct KafkaLog {
    shared: Arc<Shared>,
    publisher: Arc<Publisher>,
    lookout: Mutex<Option<Lookout>>,
    /// From the first follower on.
    asker: Mutex<Option<Asker>>,
}

impl KafkaLog {
    /// Connects, makes the topics that are missing and checks the others.
    ///
    /// # Errors
    /// Each is one sentence that says what was tried, at which address, and the way out. [`OpenError::Storage`]
    /// may heal; the others need a person.
    pub fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        Self::open_with(options, |options, probe| {
            let topics = admin::ensure(options, probe)?;
            for Remark { topics, says, .. } in remarks(&topics) {
                tracing::warn!("{topics}: {says}");
            }
            Ok(topics.into_iter().map(|topic| topic.partitions.unwrap_or_default()).collect())
        })
    }

    /// Connects and takes the topics as they are: nothing is made, changed or checked, so that who only looks
    /// leaves no traces. A topic that is missing has no partitions until someone else makes it, which is seen
    /// within 5 s.
    ///
    /// # Errors
    /// Each is one sentence, as in [`KafkaLog::open`].
    pub fn look(options: Options) -> Result<Arc<Self>, OpenError> {
        Self::open_with(options, admin::count)
    }

    fn open_with(
        options: Options,
        count: impl FnOnce(&Options, &BaseConsumer<Ears>) -> Result<Vec<u32>, OpenError>,
    ) -> Result<Arc<Self>, OpenError> {
        let probe = connected(&options)?;
        let counts = count(&options, &probe)?;
        let mut topics = Vec::new();
        for (spec, count) in options.topics.iter().zip(counts) {
            let name = CString::new(options.prefixed(spec.name)).map_err(|_| {
                OpenError::NotUsable(
                    "the prefix has a zero byte in it, which no topic's name can have".to_owned(),
                )
            })?;
            topics.push(Known::new(*spec, name, count));
        }
        let shared = Arc::new(Shared::new(options, topics, probe));
        let publisher = Arc::new(Publisher::new(&shared)?);
        let lookout = Lookout::start(&shared, &publisher)
            .map_err(|error| OpenError::Storage(format!("cannot start a thread for the log: {error}")))?;
        let (lookout, asker) = (Mutex::new(Some(lookout)), Mutex::default());
        Ok(Arc::new(Self { shared, publisher, lookout, asker }))
    }

    /// Sees every record of `topics`, each from its own start, then live, and what becomes of it. A topic that is
    /// missing, or a partition that is added, is seen from its first record on when it appears.
    pub fn watch(&self, topics: &[(Topic, Start)]) -> Result<Watch, OpenError> {
        Watch::new(self.shared.clone(), topics)
    }

    /// Why no broker answered when one was asked last, as one sentence; `None`: one did. They are asked every 5 s, and
    /// at once when something was not answered: who reads notices nothing of it but that nothing comes.
    pub fn trouble(&self) -> Option<String> {
        self.shared.silent()
    }

    /// A follower's line to the asker, whom the first one makes.
    fn line(&self, bell: &Arc<Bell>) -> Result<Arc<Line>, OpenError> {
        let mut asker = lock(&self.asker);
        // With the lock: whoever closes the log ends the asker after that.
        if self.shared.is_closed() {
            return Err(OpenError::Closed);
        }
        let asker = match &mut *asker {
            Some(asker) => asker,
            none => none.insert(Asker::start(&self.shared)?),
        };
        Ok(asker.line(bell))
    }

    /// Its producer meets an error after which it refuses everything.
    #[cfg(feature = "kafka-tests")]
    #[doc(hidden)]
    pub fn fail_producer(&self) {
        self.publisher.fail();
    }

    /// Writes what waits, within a bound, and ends everything on this log: followers and workers get `Closed`.
    /// Dropping the log does the same.
    pub fn close(&self) {
        if self.shared.close() {
            self.publisher.close();
        }
        if let Some(lookout) = lock(&self.lookout).take() {
            lookout.join();
        }
        if let Some(asker) = lock(&self.asker).take() {
            asker.join();
        }
    }
}

/// How the topics are that the log must have, and whether the brokers would make those that are missing. Nothing is
/// made or changed.
///
/// # Errors
/// As [`KafkaLog::open`]; what is wrong with a topic is no error.
pub fn topics(options: &Options) -> Result<Vec<TopicReport>, OpenError> {
    admin::report(options, &connected(options)?)
}

/// Makes the topics and partitions that are missing, as [`KafkaLog::open`] does. How they are then.
///
/// # Errors
/// As [`KafkaLog::open`].
pub fn make_topics(options: &Options) -> Result<Vec<TopicReport>, OpenError> {
    admin::ensure(options, &connected(options)?)
}

/// A client to ask with, after a broker has answered it.
fn connected(options: &Options) -> Result<BaseConsumer<Ears>, OpenError> {
    let ears = Ears::new(options);
    let probe = options.probe().create_with_context(ears.clone()).map_err(|error| {
        let (code, said) = failure::parts(&error);
        Failure { brokers: &options.brokers, tried: "work", code, said: &said }.open_error()
    })?;
    connect(options, &probe, &ears)?;
    Ok(probe)
}

/// Waits for the first answer. One address that is wrong does no harm beside one that works.
fn connect(options: &Options, probe: &BaseConsumer<Ears>, ears: &Ears) -> Result<(), OpenError> {
    let deadline = Instant::now() + CONNECT_WITHIN;
    let mut refusals = Refusals::new(&options.brokers);
    // The wait between two tries costs nothing, and a try that nobody answers half a core: see `Shared`.
    let mut pause = Duration::from_millis(20);
    loop {
        // Asks for one topic, since a cluster may have very many; whether it is there matters later.
        let name = options
            .topics
            .first()
            .map_or_else(|| options::CLIENT_ID.to_owned(), |spec| options.prefixed(spec.name));
        let Err(error) = probe.fetch_metadata(Some(&name), Duration::from_millis(250)) else { return Ok(()) };
        hear(probe);
        ears.take_all().into_iter().for_each(|trouble| refusals.hear(trouble));
        if refusals.are_all() || Instant::now() >= deadline {
            return Err(refusals.into_error(&error, Stranger::at));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaLog").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Log for KafkaLog {
    fn publisher(&self) -> Arc<dyn Publish> {
        self.publisher.clone()
    }

    fn follow(&self, topics: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
        let bell = self.shared.bell();
        let line = self.line(&bell)?;
        Ok(Box::new(Follower::new(self.shared.clone(), bell, line, topics)?))
    }

    fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
        Ok(Box::new(work::Session::join(&self.shared, spec)?))
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.shared.partitions(topic)
    }
}
