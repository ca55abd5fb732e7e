//! What the threads of a log share.

use std::{
    collections::HashMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Clock, Thresholds,
    failure::{self, Failure},
    lock_of,
    queue::Queue,
    recover::Groups,
    store::Store,
    tail::Tail,
};
use crate::{
    CommitError, FollowError, Millis, Offset, OpenError, Partition, Reason, Topic, TopicSpec, WorkError,
};

/// A topic of this log.
#[derive(Debug, Clone, Copy)]
pub(super) struct TopicInfo {
    pub(super) spec: TopicSpec,
    /// Its number in the files.
    pub(super) id: u16,
}

/// How far a topic goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The oldest offset that is kept.
    pub(super) start: Offset,
    /// The offset after the newest record that is durable.
    pub(super) end: Offset,
    /// The log time of the newest record.
    pub(super) time: Millis,
}

/// What changes.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By topic, as in [`Shared::topics`].
    pub(super) heads: Vec<Head>,
    /// The session that has a group's work; those with a smaller number are fenced.
    pub(super) workers: HashMap<String, u64>,
    /// Where groups go on.
    pub(super) groups: Groups,
    /// Once it is there, it stays as it is.
    pub(super) end: Option<End>,
}

/// How a log came to its end.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// Its owner closed it, or a thread of it failed.
    Closed,
    /// Its files are damaged: which, where, and the way out.
    Broken(String),
}

macro_rules! means {
    ($($error:ident),*) => {
        $(impl From<End> for $error {
            fn from(end: End) -> Self {
                match end {
                    End::Closed => Self::Closed,
                    End::Broken(why) => Self::Broken(why),
                }
            }
        })*
    };
}

means!(OpenError, FollowError, WorkError);

impl From<End> for CommitError {
    fn from(end: End) -> Self {
        match end {
            End::Closed => Self::Aborted(Reason::Closed),
            End::Broken(why) => Self::Broken(why),
        }
    }
}

pub(super) struct Shared {
    pub(super) topics: Vec<TopicInfo>,
    pub(super) tail: Tail,
    pub(super) log: Store,
    pub(super) queue: Queue,
    pub(super) clock: Clock,
    pub(super) thresholds: Thresholds,
    state: Mutex<State>,
    /// Something is durable that was not before, or the log was closed.
    changed: Condvar,
    /// How many bytes the tail's files have.
    wal_bytes: AtomicU64,
    pub(super) janitor: Bell,
    /// How many backups are being made.
    holds: AtomicUsize,
}

/// While it lives nothing that is in the log is removed from it.
pub(super) struct Hold(Arc<Shared>);

impl Hold {
    pub(super) fn on(shared: Arc<Shared>) -> Self {
        shared.holds.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    pub(super) fn new(
        topics: Vec<TopicInfo>,
        tail: Tail,
        log: Store,
        clock: Clock,
        thresholds: Thresholds,
        heads: Vec<Head>,
        groups: Groups,
    ) -> Self {
        Self {
            topics,
            tail,
            log,
            queue: Queue::default(),
            clock,
            thresholds,
            state: Mutex::new(State { heads, groups, ..State::default() }),
            changed: Condvar::new(),
            wal_bytes: AtomicU64::new(0),
            janitor: Bell::default(),
            holds: AtomicUsize::new(0),
        }
    }

    /// Whether what is too old, or was replaced, has to stay for now.
    pub(super) fn is_held(&self) -> bool {
        self.holds.load(Ordering::SeqCst) > 0
    }

    /// A topic's place in [`Shared::topics`].
    pub(super) fn topic(&self, name: Topic) -> Option<usize> {
        self.topics.iter().position(|topic| topic.spec.name == name)
    }

    /// The same, if the topic has this partition.
    pub(super) fn partition(&self, name: Topic, partition: Partition) -> Option<usize> {
        if partition == 0 { self.topic(name) } else { None }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock_of(&self.state)
    }

    pub(super) fn head(&self, topic: usize) -> Head {
        self.state().heads[topic]
    }

    /// Changes the state and wakes whoever waits for a change.
    pub(super) fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// How the log ended, if it has.
    pub(super) fn ended(&self) -> Option<End> {
        self.state().end.clone()
    }

    /// How the log ended, for whoever was refused because it is about to.
    pub(super) fn ended_or_closed(&self) -> End {
        self.ended().unwrap_or(End::Closed)
    }

    /// What is damaged, and the way out, if the failure is damage.
    pub(super) fn damage(&self, failure: &Failure) -> Option<String> {
        let name = |id| self.tail.ids().any(|known| known == id).then(|| self.tail.topic(id).name.clone());
        failure.is_lasting().then(|| failure::broken(self.log.path(), &failure.describe(name)))
    }

    /// Ends the log for everyone if the failure is damage: who goes on would take what is left for all there is.
    pub(super) fn end_if_damaged(&self, failure: &Failure) {
        let Some(why) = self.damage(failure) else { return };
        self.update(|state| {
            state.end.get_or_insert(End::Broken(why));
        });
        self.queue.close();
        self.janitor.end();
    }

    /// Waits for a change until `deadline`; `None` when it has passed.
    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        deadline: Option<Instant>,
    ) -> Option<MutexGuard<'a, State>> {
        let Some(deadline) = deadline else {
            return Some(self.changed.wait(state).unwrap_or_else(PoisonError::into_inner));
        };
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Only the writer says.
    pub(super) fn set_wal_bytes(&self, bytes: u64) {
        self.wal_bytes.store(bytes, Ordering::Release);
    }

    /// Whether the tail's files have far more bytes than its records: those of commits that wrote little else
    /// than positions, with a record in each file that keeps it.
    pub(super) fn wal_is_long(&self) -> bool {
        self.wal_bytes.load(Ordering::Acquire) > self.thresholds.move_bytes.saturating_mul(2)
    }

    pub(super) fn tail_has_room(&self) -> bool {
        self.tail.bytes() <= self.thresholds.move_bytes.saturating_mul(4)
    }
}

/// Ends the log when one of its threads panics: nobody waits for an answer that never comes.
pub(super) struct Guard(pub(super) Arc<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a thread of the log has failed, the log is closed; start the program again");
            self.0.queue.abandon();
            self.0.update(|state| {
                state.end.get_or_insert(End::Closed);
            });
            self.0.janitor.end();
        }
    }
}

/// Wakes one thread that waits, and tells it when to end.
#[derive(Debug, Default)]
pub(super) struct Bell {
    told: Mutex<Told>,
    heard: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    rung: bool,
    over: bool,
}

impl Bell {
    pub(super) fn ring(&self) {
        lock_of(&self.told).rung = true;
        self.heard.notify_all();
    }

    /// The thread is to end.
    pub(super) fn end(&self) {
        lock_of(&self.told).over = true;
        self.heard.notify_all();
    }

    pub(super) fn is_over(&self) -> bool {
        lock_of(&self.told).over
    }

    /// Waits until it was rung or is over, at most `wait`.
    pub(super) fn wait(&self, wait: Duration) {
        let told = lock_of(&self.told);
        let (mut told, _) = self
            .heard
            .wait_timeout_while(told, wait, |told| !(told.rung || told.over))
            .unwrap_or_else(PoisonError::into_inner);
        told.rung = false;
    }
}
