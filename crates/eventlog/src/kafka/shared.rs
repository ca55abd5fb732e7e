//! What everything on one log shares.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::CString,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
};

use super::{
    bell::Bell,
    ears::{Ears, hear},
    failure::{Failure, parts},
    native::Reader,
    options::Options,
    settle::Last,
};
use crate::{FollowError, OpenError, Topic, TopicSpec, WorkError};

/// How long a look at a topic may take.
const LOOK_WITHIN: Duration = Duration::from_millis(500);

/// What everything on one log shares.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) topics: Vec<Known>,
    /// Asks the brokers, and sees what is not committed yet.
    pub(super) probe: BaseConsumer<Ears>,
    /// Tells the transactions of this process from those of others, over all of its sessions.
    pub(super) process: String,
    closed: AtomicBool,
    /// Of everyone who may be waiting.
    bells: Mutex<Vec<Weak<Bell>>>,
    /// Names of instances that this process has taken, by their transactional ids.
    claimed: Mutex<BTreeMap<String, Claimed>>,
    /// Since when somebody else's programs are in a group.
    strangers: Mutex<BTreeMap<String, Instant>>,
    /// Why no broker answered when one was asked last.
    silent: Mutex<Option<String>>,
    /// How many looks were answered.
    looks: AtomicUsize,
    /// Whether somebody waits for one that is.
    look_wanted: AtomicBool,
    /// Numbers of the sessions that there are.
    slots: Mutex<BTreeSet<usize>>,
    /// By transactional id, the last transactions of a session that has ended, if they may be open somewhere.
    left: Mutex<BTreeMap<String, Vec<Last>>>,
}

/// A topic of the log.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) spec: TopicSpec,
    /// As the cluster knows it.
    pub(super) name: CString,
    partitions: AtomicU32,
    /// How often in a row the brokers said that there is none.
    missed: AtomicU32,
}

impl Known {
    pub(super) fn new(spec: TopicSpec, name: CString, partitions: u32) -> Self {
        Self { spec, name, partitions: AtomicU32::new(partitions), missed: AtomicU32::new(0) }
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions.load(Ordering::Relaxed)
    }
}

/// A name that this process has taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Claimed {
    /// What the group called the last member that had it.
    pub(super) member: String,
    /// Another process that has it and is not in the group, and since when.
    pub(super) missing: Option<(String, Instant)>,
}

/// A session's number among those of its process: the lowest that is free, so that the one that comes after it has
/// the same transactional id and takes back what this one left open.
pub(super) struct Slot {
    shared: Arc<Shared>,
    pub(super) number: usize,
}

impl Slot {
    pub(super) fn take(shared: &Arc<Shared>) -> Self {
        let mut slots = lock(&shared.slots);
        let number = (0..=slots.len()).find(|number| !slots.contains(number)).unwrap_or_default();
        slots.insert(number);
        Self { shared: shared.clone(), number }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.shared.slots).remove(&self.number);
    }
}

/// Something that could not be done, as one sentence.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) sentence: String,
    /// Whether trying again may be enough.
    pub(super) heals: bool,
}

impl From<Failed> for OpenError {
    fn from(failed: Failed) -> Self {
        if failed.heals { Self::Storage(failed.sentence) } else { Self::NotUsable(failed.sentence) }
    }
}

impl From<Failed> for FollowError {
    fn from(failed: Failed) -> Self {
        if failed.heals { Self::Storage(failed.sentence) } else { Self::Refused(failed.sentence) }
    }
}

impl From<Failed> for WorkError {
    fn from(failed: Failed) -> Self {
        if failed.heals { Self::Storage(failed.sentence) } else { Self::Refused(failed.sentence) }
    }
}

impl Shared {
    pub(super) fn new(options: Options, topics: Vec<Known>, probe: BaseConsumer<Ears>) -> Self {
        Self {
            options,
            topics,
            probe,
            process: format!("{:016x}", RandomState::new().build_hasher().finish()),
            closed: AtomicBool::new(false),
            bells: Mutex::default(),
            claimed: Mutex::default(),
            strangers: Mutex::default(),
            silent: Mutex::default(),
            looks: AtomicUsize::new(0),
            look_wanted: AtomicBool::new(false),
            slots: Mutex::default(),
            left: Mutex::default(),
        }
    }

    /// A session with this transactional id has ended, and its last transactions may be open somewhere.
    pub(super) fn leave(&self, id: &str, lasts: Vec<Last>) {
        lock(&self.left).insert(id.to_owned(), lasts);
    }

    /// What one with this transactional id may have left open.
    pub(super) fn left(&self, id: &str) -> Option<Vec<Last>> {
        lock(&self.left).get(id).cloned()
    }

    /// That has come to its end.
    pub(super) fn forget_left(&self, id: &str) {
        lock(&self.left).remove(id);
    }

    pub(super) fn topic(&self, topic: Topic) -> Option<&Known> {
        self.topics.iter().find(|known| known.spec.name == topic)
    }

    /// How many partitions a topic has; 0 if it is none of the log's.
    pub(super) fn partitions(&self, topic: Topic) -> u32 {
        self.topic(topic).map_or(0, Known::partitions)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Ends everything that reads or works. True if this was the first time.
    pub(super) fn close(&self) -> bool {
        let first = !self.closed.swap(true, Ordering::AcqRel);
        self.ring();
        first
    }

    fn ring(&self) {
        for bell in lock(&self.bells).iter().filter_map(Weak::upgrade) {
            bell.ring();
        }
    }

    /// A bell that also rings when the log is closed.
    pub(super) fn bell(&self) -> Arc<Bell> {
        let bell = Arc::new(Bell::default());
        let mut bells = lock(&self.bells);
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(&bell));
        bell
    }

    /// What is known of the name that belongs to a transactional id; `None`: this process has never taken it.
    pub(super) fn claimed(&self, id: &str) -> Option<Claimed> {
        lock(&self.claimed).get(id).cloned()
    }

    /// This process has taken it, or knows more of it.
    pub(super) fn note_claim(&self, id: &str, claimed: Claimed) {
        lock(&self.claimed).insert(id.to_owned(), claimed);
    }

    /// The group's last name for a member of this process that had it.
    pub(super) fn note_member(&self, id: &str, member: String) {
        if let Some(claimed) = lock(&self.claimed).get_mut(id) {
            claimed.member = member;
        }
    }

    /// Somebody else's program is in this group: since when.
    pub(super) fn note_strangers(&self, group: &str) -> Instant {
        *lock(&self.strangers).entry(group.to_owned()).or_insert_with(Instant::now)
    }

    /// Whether one was when this process last tried to be in it.
    pub(super) fn has_strangers(&self, group: &str) -> bool {
        lock(&self.strangers).contains_key(group)
    }

    /// It is in it, and nobody else's is.
    pub(super) fn forget_strangers(&self, group: &str) {
        lock(&self.strangers).remove(group);
    }

    pub(super) fn failed(&self, tried: &str, code: Code, said: &str) -> Failed {
        let failure = Failure { brokers: &self.options.brokers, tried, code, said };
        Failed { sentence: failure.sentence(), heals: failure.heals() }
    }

    /// The same of an error of `rdkafka`.
    pub(super) fn failed_with(&self, tried: &str, error: &KafkaError) -> Failed {
        let (code, said) = parts(error);
        self.failed(tried, code, &said)
    }

    /// A reader of what is committed in these topics.
    pub(super) fn reader(&self, most: usize, bell: &Arc<Bell>) -> Result<Reader, Failed> {
        self.reader_as(&self.options.reader(), most, bell)
    }

    /// A reader of these topics that reads as it is told.
    pub(super) fn reader_as(
        &self,
        config: &ClientConfig,
        most: usize,
        bell: &Arc<Bell>,
    ) -> Result<Reader, Failed> {
        let consumer = config.create_with_context(Ears::new(&self.options));
        let consumer = consumer.map_err(|error| self.failed_with("begin to read", &error))?;
        let topics: Vec<_> =
            self.topics.iter().map(|known| (known.spec.name, known.name.as_c_str())).collect();
        Reader::new(consumer, &topics, most, bell)
            .ok_or_else(|| self.failed("begin to read", Code::CriticalSystemResource, ""))
    }

    /// Looks how many partitions the topics have now, and whether they are there. Never fewer. False if no broker
    /// answers.
    pub(super) fn look_at_topics(&self) -> bool {
        hear(&self.probe);
        let mut news = false;
        for known in &self.topics {
            if self.is_closed() {
                return true;
            }
            let name = self.options.prefixed(known.spec.name);
            let metadata = match self.probe.fetch_metadata(Some(&name), LOOK_WITHIN) {
                Ok(metadata) => metadata,
                Err(error) => {
                    *lock(&self.silent) = Some(self.failed_with("see what is new", &error).sentence);
                    return false;
                }
            };
            *lock(&self.silent) = None;
            let Some(found) = metadata.topics().iter().find(|topic| topic.name() == name) else { continue };
            match found.error().map(Code::from) {
                None => {
                    known.missed.store(0, Ordering::Relaxed);
                    let count = u32::try_from(found.partitions().len()).unwrap_or(0);
                    news |= known.partitions.fetch_max(count, Ordering::Relaxed) < count;
                }
                Some(Code::UnknownTopicOrPartition) => {
                    known.missed.fetch_add(1, Ordering::Relaxed);
                    news = true;
                }
                Some(_) => {}
            }
        }
        self.looks.fetch_add(1, Ordering::Release);
        if self.look_wanted.swap(false, Ordering::AcqRel) || news {
            self.ring();
        }
        true
    }

    /// How many looks were answered. All bells ring when there is another one that was wanted.
    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::Acquire)
    }

    /// Something was not answered: the lookout is to see whether anybody answers.
    pub(super) fn look_soon(&self) {
        self.look_wanted.store(true, Ordering::Release);
        self.ring();
    }

    pub(super) fn is_look_wanted(&self) -> bool {
        self.look_wanted.load(Ordering::Acquire)
    }

    /// Why no broker answered when one was asked last.
    pub(super) fn silent(&self) -> Option<String> {
        lock(&self.silent).clone()
    }

    /// Whether a topic is there, as far as is known. Brokers must have said twice that it is not, since one that
    /// hears of a topic late says the same.
    pub(super) fn is_there(&self, topic: Topic) -> bool {
        self.topic(topic).is_some_and(|known| known.missed.load(Ordering::Relaxed) < 2)
    }

    /// Whether a topic was removed: librdkafka goes on to read it in silence.
    pub(super) fn check_is_there(&self, topic: Topic) -> Result<(), Failed> {
        if self.is_there(topic) {
            return Ok(());
        }
        let tried = format!("read topic {}", self.options.prefixed(topic));
        Err(self.failed(&tried, Code::UnknownTopicOrPartition, ""))
    }
}

/// Locks, also after a thread has panicked with the lock: no code here leaves what it guards half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
