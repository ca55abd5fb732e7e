//! The log in memory: many partitions, many workers, and faults by seed. For tests.
//!
//! | file | idea |
//! |---|---|
//! | `clock` | time that stands still until someone moves it |
//! | `faults` | what may go wrong, how often; bugs to plant; the dice |
//! | `store` | records in their partitions, commits in their order |
//! | `group` | who works on which partition, and how far the group is |
//! | `process` | one program on the log: it can be killed at any port call |
//! | `publish`, `follow`, `work`, `share`, `commit` | the port |
//! | `control` | what a scheduler does to all of it, and what a checker reads |
//!
//! One seed is one story: on one thread, the same calls give the same log to the byte. With
//! [`Options::blocking`] the same log serves real threads: a poll then waits for what is to come.
//!
//! ```
//! use std::time::Duration;
//! use eventlog::{Cleanup, Log, Partitions, Record, Start, TopicSpec, sim::{Options, SimLog}};
//!
//! let topic = TopicSpec { name: "t", cleanup: Cleanup::Compact, partitions: Partitions::One };
//! let log = SimLog::new(Options { topics: vec![topic], ..Options::default() });
//! let mut follower = log.follow(&[("t", Start::Beginning)]).unwrap();
//! log.append("t", 0, Record::new("key", "value"));
//! assert_eq!(follower.poll(Duration::ZERO).unwrap().entries.len(), 1);
//! ```

mod clock;
mod commit;
mod control;
mod faults;
mod follow;
mod group;
mod process;
mod publish;
mod share;
mod store;
mod work;

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

pub use self::{
    clock::SimClock,
    faults::{Bug, Faults},
    process::Process,
};
use self::{faults::Dice, group::Group, store::Store};
use crate::{Follow, Log, Millis, OpenError, Publish, Reason, Start, Topic, TopicSpec, Work, WorkSpec};

/// What a log in memory is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The topics that there are. Others are refused.
    pub topics: Vec<TopicSpec>,
    /// How many partitions the topics that are not [`crate::Partitions::One`] begin with.
    pub partitions: u32,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// What the log takes its time from.
    pub clock: SimClock,
    /// Whether a poll waits, in real time, for something to come. Without it nothing ever waits.
    pub blocking: bool,
    /// What goes wrong, and how often. [`SimLog::set_faults`] changes it later.
    pub faults: Faults,
    /// A known bug, to see whether it is found.
    pub bug: Option<Bug>,
    /// How long the partitions of a killed process stay with it, by the log's clock.
    pub session_timeout_ms: Millis,
    /// The largest record, key, value and headers together, in bytes.
    pub max_record_bytes: usize,
    /// The most records in what one poll brings.
    pub max_batch: usize,
    /// How long a worker is told to gather before it commits.
    pub linger: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            partitions: 1,
            seed: 0,
            clock: SimClock::new(0),
            blocking: false,
            faults: Faults::none(),
            bug: None,
            session_timeout_ms: 0,
            max_record_bytes: 1_000_000,
            max_batch: 4_096,
            linger: Duration::ZERO,
        }
    }
}

/// A log in memory. As a [`Log`] it is a process of its own that is never killed.
#[derive(Debug)]
pub struct SimLog {
    shared: Arc<Shared>,
    process: Arc<Process>,
}

impl SimLog {
    /// An empty log.
    pub fn new(options: Options) -> Arc<Self> {
        let shared = Arc::new(Shared {
            clock: options.clock,
            blocking: options.blocking,
            max_record_bytes: options.max_record_bytes,
            max_batch: options.max_batch.max(1),
            linger: options.linger,
            session_timeout_ms: options.session_timeout_ms,
            bug: options.bug,
            core: Mutex::new(Core {
                store: Store::new(&options.topics, options.partitions),
                groups: BTreeMap::new(),
                dice: Dice::new(options.seed),
                faults: options.faults,
                refusing: None,
                closed: false,
                next_id: 0,
            }),
            changed: Condvar::new(),
        });
        let process = Process::new(&shared);
        Arc::new(Self { shared, process })
    }

    /// Another program on this log.
    pub fn process(&self) -> Arc<Process> {
        Process::new(&self.shared)
    }
}

impl Log for SimLog {
    fn publisher(&self) -> Arc<dyn Publish> {
        self.process.publisher()
    }

    fn follow(&self, topics: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
        self.process.follow(topics)
    }

    fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
        self.process.work(spec)
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.process.partitions(topic)
    }
}

/// What everything on one log shares.
#[derive(Debug)]
struct Shared {
    clock: SimClock,
    blocking: bool,
    max_record_bytes: usize,
    max_batch: usize,
    linger: Duration,
    session_timeout_ms: Millis,
    bug: Option<Bug>,
    core: Mutex<Core>,
    /// Whenever something may have become readable. Only a blocking log listens.
    changed: Condvar,
}

/// What changes.
#[derive(Debug)]
struct Core {
    store: Store,
    groups: BTreeMap<String, Group>,
    dice: Dice,
    faults: Faults,
    /// Why nothing can be written at the moment.
    refusing: Option<Reason>,
    closed: bool,
    /// The next number for a process or a member.
    next_id: u64,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Core> {
        // A test that panicked on another thread has its own message; this one may go on.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `step` until it brings something; on a blocking log for at most `wait`, else once.
    fn until<T, E>(
        &self,
        wait: Duration,
        mut step: impl FnMut(&mut Core) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let deadline = Instant::now().checked_add(wait);
        let mut core = self.lock();
        loop {
            if let Some(found) = step(&mut core)? {
                return Ok(Some(found));
            }
            let left = deadline.map_or(wait, |deadline| deadline.saturating_duration_since(Instant::now()));
            if !self.blocking || left.is_zero() {
                return Ok(None);
            }
            core = self.changed.wait_timeout(core, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Core {
    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Takes the partitions from the dead whose session has run out.
    fn expire_sessions(&mut self, now: Millis, timeout_ms: Millis) {
        for group in self.groups.values_mut() {
            group.expire(now, timeout_ms);
            group.balance(self.store.partitions(group.first_input()));
        }
    }
}
