//! The counters' views: the real fold, over followers that are late, stand still, or begin anew.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use counter::view::{Changes, View};
use eventlog::{
    Batch, Follow, FollowError, Log, Millis, Offset, Partition, Start,
    sim::{Process, SimClock, SimLog},
};
use order::topic;

use super::{
    chance::Chance,
    model::Model,
    violation::{Kind, Violation},
};

/// How far back bells of other baristas are looked for, by the contract.
const WINDOW_MS: Millis = 24 * 60 * 60 * 1_000;

/// More polls than any view needs to read to the end.
const POLLS_MAX: usize = 50_000;

/// Everyone who shows orders.
pub(super) struct Counters {
    counters: Vec<Counter>,
    clock: SimClock,
}

struct Counter {
    name: String,
    process: Arc<Process>,
    session: Option<Session>,
    /// What is kept of `order.received`, where a recorded position was older.
    floor: BTreeMap<Partition, Offset>,
}

/// A view since it last began.
struct Session {
    follow: Box<dyn Follow>,
    view: View,
    changes: Changes,
    /// Whether it reads orders and not yet only what became of them.
    caught_up: bool,
}

impl Counters {
    /// Two of them: one that follows, and one to compare.
    pub(super) fn new(log: &SimLog, clock: &SimClock) -> Self {
        let open = |name: &str| Counter {
            name: name.to_owned(),
            process: log.process(),
            session: None,
            floor: BTreeMap::new(),
        };
        Self { counters: vec![open("counter-0"), open("counter-1")], clock: clock.clone() }
    }

    /// One reads on, stands still, or begins anew; what it shows must be true.
    pub(super) fn act(
        &mut self,
        log: &SimLog,
        model: &Model,
        chance: &mut Chance,
    ) -> Result<String, Violation> {
        let counter = &mut self.counters[chance.below(2)];
        let name = counter.name.clone();
        match chance.below(20) {
            0 => {
                counter.process.lag(true);
                Ok(format!("{name} stands still"))
            }
            1 => {
                counter.process.kill();
                counter.process = log.process();
                counter.session = None;
                Ok(format!("{name} begins anew"))
            }
            2..6 => {
                counter.process.lag(false);
                Ok(format!("{name} follows"))
            }
            _ => Ok(match counter.poll(log, self.clock.now()) {
                Ok(at_end) => {
                    counter.check(model, at_end)?;
                    format!("{name} reads{}", if at_end { ", to the end" } else { ", and is late" })
                }
                Err(why) => format!("{name} begins anew: {why}"),
            }),
        }
    }

    /// All of them read to the end, and show what is so.
    pub(super) fn all_to_end(&mut self, log: &SimLog, model: &Model) -> Result<(), Violation> {
        for counter in &mut self.counters {
            counter.process.lag(false);
            let now = self.clock.now();
            let mut last = Ok(false);
            for _ in 0..POLLS_MAX {
                last = counter.poll(log, now);
                if last == Ok(true) {
                    break;
                }
            }
            if last != Ok(true) {
                let what = format!("{} never reads to the end: {last:?}", counter.name);
                return Err(Violation::new(Kind::View, what));
            }
            counter.check(model, true)?;
        }
        Ok(())
    }
}

impl Counter {
    /// Reads on. Says whether everything has been read.
    fn poll(&mut self, log: &SimLog, now: Millis) -> Result<bool, String> {
        let session = match &mut self.session {
            Some(session) => session,
            None => {
                let topics = [(topic::STATE, Start::Beginning), (topic::SHOP, Start::Beginning)];
                let follow = self.process.follow(&topics).map_err(|e| e.to_string())?;
                let (view, changes) = (View::default(), Changes::default());
                self.session.insert(Session { follow, view, changes, caught_up: false })
            }
        };
        match session.poll(log, &self.floor, now) {
            Ok(at_end) => Ok(at_end),
            Err(error) => {
                if let FollowError::Gone { topic: topic::RECEIVED, partition, earliest, .. } = error {
                    self.floor.insert(partition, earliest);
                }
                self.session = None;
                Err(error.to_string())
            }
        }
    }

    /// What it shows must have been so; at the end of the log it must be so.
    fn check(&self, model: &Model, at_end: bool) -> Result<(), Violation> {
        let Some(session) = self.session.as_ref().filter(|session| session.caught_up) else { return Ok(()) };
        let wrong = |what: String| Err(Violation::new(Kind::View, format!("{}: {what}", self.name)));
        let undecided = model.undecided();
        for shown in session.view.iter() {
            let (id, at, version) = (shown.id(), shown.at, shown.version);
            let Some(known) = model.order_at(at) else {
                if version == 0 && undecided.contains(&at) {
                    continue;
                }
                return wrong(format!("order {id} of {at:?}, version {version}, is none"));
            };
            let was = known.was(version);
            if known.id() != id || was.is_some_and(|was| was != (shown.stage, shown.round)) || was.is_none() {
                return wrong(format!(
                    "order {id} is {:?} in version {version}, it was {was:?}",
                    shown.stage
                ));
            }
            let now = (known.version, known.code, known.due, known.forgotten);
            if at_end && now != (version, shown.code, shown.due(), false) {
                return wrong(format!("order {id} shows version {version} of {now:?}"));
            }
        }
        let remembered = model.orders().filter(|known| !known.forgotten).count();
        let expected = remembered + undecided.len();
        if at_end && session.view.len() != expected {
            return wrong(format!("{} orders, there are {expected}", session.view.len()));
        }
        Ok(())
    }
}

impl Session {
    fn poll(
        &mut self,
        log: &SimLog,
        floor: &BTreeMap<Partition, Offset>,
        now: Millis,
    ) -> Result<bool, FollowError> {
        let Batch { entries, at_end } = self.follow.poll(Duration::ZERO)?;
        self.changes.clear();
        for entry in &entries {
            self.view.apply_to(entry, &mut self.changes);
        }
        if !at_end {
            return Ok(false);
        }
        if self.caught_up {
            self.view.at_end(&mut self.changes);
            return Ok(true);
        }
        // All of the state has been read: now what came after it.
        self.caught_up = true;
        let mut from = self.view.received_from();
        for (partition, offset) in &mut from {
            *offset = (*offset).max(floor.get(partition).copied().unwrap_or(0));
        }
        self.follow.add(topic::RECEIVED, Start::Offsets(from))?;
        if !self.view.is_ours(log.partitions(topic::RECEIVED)) {
            self.follow.add(topic::PROCESSED, Start::Time(now - WINDOW_MS))?;
        }
        Ok(false)
    }
}
