//! One program on the log: it can be killed at any port call.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use super::{Shared, SimClock, follow::SimFollow, publish::SimPublish, work::SimWork};
use crate::{Follow, Log, Millis, OpenError, Publish, Reason, Start, Topic, Work, WorkSpec};

/// What a killed process's calls say.
pub(super) const KILLED: &str = "the process was killed";

/// One program on a [`super::SimLog`]. Whatever is made from it lives and dies with it.
#[derive(Debug)]
pub struct Process {
    shared: Arc<Shared>,
    life: Arc<Life>,
}

impl Process {
    pub(super) fn new(shared: &Arc<Shared>) -> Arc<Self> {
        let id = shared.lock().id();
        let life = Life {
            id,
            clock: shared.clock.clone(),
            calls: AtomicU64::new(0),
            last_call: AtomicU64::new(u64::MAX),
            died_at: OnceLock::new(),
            lags: AtomicBool::new(false),
        };
        Arc::new(Self { shared: Arc::clone(shared), life: Arc::new(life) })
    }

    /// Kills it now: every call from here on fails, and its sessions leave no word to their groups.
    pub fn kill(&self) {
        self.life.last_call.store(0, Ordering::SeqCst);
        self.life.die();
        self.shared.changed.notify_all();
    }

    /// Kills it in the middle of the `k`-th port call from now, counted from 1: that call fails, and whatever it
    /// was to write is written or not.
    pub fn kill_at_call(&self, k: u64) {
        self.life.last_call.store(self.calls() + k, Ordering::SeqCst);
    }

    /// Whether it has been killed.
    pub fn is_dead(&self) -> bool {
        self.calls() >= self.life.last_call.load(Ordering::SeqCst)
    }

    /// How many port calls it has made.
    pub fn calls(&self) -> u64 {
        self.life.calls.load(Ordering::SeqCst)
    }

    /// Whether its followers' polls bring nothing until told otherwise.
    pub fn lag(&self, lags: bool) {
        self.life.lags.store(lags, Ordering::SeqCst);
        self.shared.changed.notify_all();
    }

    /// The number that the log knows it by.
    pub(super) fn id(&self) -> u64 {
        self.life.id
    }
}

impl Log for Process {
    fn publisher(&self) -> Arc<dyn Publish> {
        Arc::new(SimPublish { shared: Arc::clone(&self.shared), life: Arc::clone(&self.life) })
    }

    fn follow(&self, topics: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
        let storage = |e: &dyn std::fmt::Display| OpenError::Storage(e.to_string());
        self.life.alive().map_err(|e| storage(&e))?;
        let mut follower = SimFollow::new(Arc::clone(&self.shared), Arc::clone(&self.life));
        for (topic, start) in topics {
            follower.add(topic, start.clone()).map_err(|e| storage(&e))?;
        }
        Ok(Box::new(follower))
    }

    fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
        self.life.alive().map_err(|e| OpenError::Storage(e.to_string()))?;
        SimWork::join(&self.shared, Arc::clone(&self.life), spec).map(|work| Box::new(work) as _)
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.shared.lock().store.partitions(topic)
    }
}

/// How long a process lives.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) id: u64,
    calls: AtomicU64,
    clock: SimClock,
    /// The call in which it dies.
    last_call: AtomicU64,
    died_at: OnceLock<Millis>,
    lags: AtomicBool,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulse {
    /// It goes through.
    Alive,
    /// The process is killed in it.
    Dying,
    /// The process was killed before it.
    Dead,
}

impl Life {
    /// Counts a call.
    pub(super) fn call(&self) -> Pulse {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match call.cmp(&self.last_call.load(Ordering::SeqCst)) {
            std::cmp::Ordering::Less => Pulse::Alive,
            std::cmp::Ordering::Equal => {
                self.die();
                Pulse::Dying
            }
            std::cmp::Ordering::Greater => Pulse::Dead,
        }
    }

    /// Counts a call that writes nothing.
    pub(super) fn alive(&self) -> Result<(), Reason> {
        if self.call() == Pulse::Alive { Ok(()) } else { Err(killed()) }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.calls.load(Ordering::SeqCst) >= self.last_call.load(Ordering::SeqCst)
    }

    /// When it died, if it did.
    pub(super) fn died_at(&self) -> Option<Millis> {
        self.died_at.get().copied()
    }

    fn die(&self) {
        self.died_at.get_or_init(|| self.clock.now());
    }

    pub(super) fn lags(&self) -> bool {
        self.lags.load(Ordering::SeqCst)
    }
}

pub(super) fn killed() -> Reason {
    Reason::Storage(KILLED.to_owned())
}
