//! Everyone sees everything that is committed.
//!
//! When that is all, two things say together. The brokers say where the committed part of each partition ends;
//! asked after a poll began, the answer covers everything that was committed then. And the reader says how far it
//! has come: behind its last record stand marks of transactions and records of those that were aborted, which
//! nobody sees; that they were passed is said by an end that was reached, or by the next record.
//!
//! A follower that does not get what is there ends with an error after 15 s, whatever the reason is: the next one has
//! a client of its own.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::error::RDKafkaErrorCode as Code;

use super::{
    asker::Line,
    bell::Bell,
    native::{Read, Reader},
    offsets::{Ask, Offsets, ask},
    shared::{Failed, Shared},
    stall::{PATIENCE, Stall},
};
use crate::{Batch, Entry, Follow, FollowError, Offset, OpenError, Partition, Position, Start, Topic};

/// The most records in a batch.
const BATCH: usize = 4_096;
/// How old the last word about the end may get before the brokers are asked again, while records come.
const CONFIRM_EVERY: Duration = Duration::from_millis(200);
/// How long between two questions, while nothing comes and the end is not known.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// How long a poll that has something to hand out stays for the answer to its question.
const LINGER: Duration = Duration::from_millis(5);
/// How long a poll that has nothing waits for that answer beyond its time: without it, a broker that is further
/// away than the caller's patience would never be at its end. Enough for one of 100 ms, behind somebody else's
/// question.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);

pub(super) struct Follower {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    reader: Reader,
    asker: Arc<Line>,
    topics: Vec<Topic>,
    cursors: BTreeMap<(Topic, Partition), Offset>,
    /// What it was told to read and is not kept any more.
    gone: Option<FollowError>,
    question: Question,
    /// Records, or ends, that are not read although they are there.
    unread: Stall,
    /// Whether it was said that the end was reached, and nothing came since.
    told_end: bool,
}

/// What the brokers were asked about the ends, and when.
#[derive(Debug, Default)]
struct Question {
    asked: Option<Instant>,
    /// Whether it was asked in this poll and not answered.
    open: bool,
    /// The last time as of which the end was reached.
    confirmed: Option<Instant>,
}

impl Follower {
    pub(super) fn new(
        shared: Arc<Shared>,
        bell: Arc<Bell>,
        asker: Arc<Line>,
        topics: &[(Topic, Start)],
    ) -> Result<Self, OpenError> {
        let reader = shared.reader(BATCH, &bell)?;
        let mut follower = Self {
            shared,
            bell,
            reader,
            asker,
            topics: Vec::new(),
            cursors: BTreeMap::new(),
            gone: None,
            question: Question::default(),
            unread: Stall::default(),
            told_end: false,
        };
        for (topic, start) in topics {
            follower.place(topic, start)?;
        }
        Ok(follower)
    }

    fn place(&mut self, topic: Topic, start: &Start) -> Result<(), Failed> {
        let count = self.shared.partitions(topic);
        if count == 0 {
            let sentence = format!("the log has no topic {topic}");
            return Err(Failed { sentence, heals: false });
        }
        let partitions: Vec<_> = (0..count).map(|partition| (topic, partition)).collect();
        let look = |what| ask(&self.shared, self.reader.consumer(), &partitions, what);
        let starts = match start {
            Start::Beginning => look(Ask::Beginning)?,
            Start::End => look(Ask::End)?,
            Start::Time(time) => {
                // The end first: a record that comes between the two questions is younger than the time.
                let mut starts = look(Ask::End)?;
                starts.extend(look(Ask::Time(*time))?);
                starts
            }
            Start::Offsets(offsets) => {
                let mut starts = look(Ask::Beginning)?;
                for (partition, wanted) in offsets {
                    if let Some(start) = starts.get_mut(&(topic, *partition)) {
                        let earliest = std::mem::replace(start, *wanted);
                        if *wanted < earliest {
                            let (partition, wanted) = (*partition, *wanted);
                            self.gone = Some(FollowError::Gone { topic, partition, wanted, earliest });
                        }
                    }
                }
                starts
            }
        };
        for ((topic, partition), next) in starts {
            self.read_from(topic, partition, next)?;
        }
        if !self.topics.contains(&topic) {
            self.topics.push(topic);
        }
        Ok(())
    }

    fn read_from(&mut self, topic: Topic, partition: Partition, next: Offset) -> Result<(), Failed> {
        let started = self.reader.start(topic, partition, next);
        started.map_err(|code| self.shared.failed(&tried(&self.shared, topic), code, ""))?;
        self.cursors.insert((topic, partition), next);
        self.told_end = false;
        Ok(())
    }

    /// Sees whether its topics are there, and begins to read partitions that were added since, from their first
    /// record. They are found within [`super::LOOK_EVERY`]; until then the end is said without them.
    fn look_at_topics(&mut self) -> Result<(), Failed> {
        for place in 0..self.topics.len() {
            let topic = self.topics[place];
            self.shared.check_is_there(topic)?;
            for partition in 0..self.shared.partitions(topic) {
                if !self.cursors.contains_key(&(topic, partition)) {
                    self.read_from(topic, partition, 0)?;
                }
            }
        }
        Ok(())
    }

    /// What has come, without waiting.
    fn read(&mut self, entries: &mut Vec<Entry>) -> Result<(), FollowError> {
        let mut failed = None;
        let cursors = &mut self.cursors;
        let count = self.reader.read(|read| match read {
            Read::Entry(entry) => {
                let next = cursors.entry((entry.topic, entry.partition)).or_default();
                if entry.offset >= *next {
                    *next = entry.offset + 1;
                    entries.push(entry);
                }
            }
            Read::End(topic, partition, end) => {
                let next = cursors.entry((topic, partition)).or_default();
                *next = end.max(*next);
            }
            Read::Failed(topic, partition, code, said) => failed = Some((topic, partition, code, said)),
        });
        if count > 0 {
            self.unread.is_over();
        }
        let Some((topic, partition, code, said)) = failed else { return Ok(()) };
        if let Code::OffsetOutOfRange | Code::AutoOffsetReset = code {
            let wanted = self.cursors.get(&(topic, partition)).copied().unwrap_or_default();
            let place = (topic, partition);
            let earliest = ask(&self.shared, self.reader.consumer(), &[place], Ask::Beginning)?;
            if let Some(&earliest) = earliest.get(&place).filter(|earliest| wanted < **earliest) {
                return Err(FollowError::Gone { topic, partition, wanted, earliest });
            }
            return Err(FollowError::MadeAnew { topic, partition, wanted });
        }
        Err(self.shared.failed(&tried(&self.shared, topic), code, &said).into())
    }

    /// Asks where the ends are, if it is time.
    fn ask_if_due(&mut self, has_entries: bool) {
        let since = |at: Option<Instant>| at.map_or(Duration::MAX, |at| at.elapsed());
        let due = if has_entries || self.told_end {
            since(self.question.confirmed) >= CONFIRM_EVERY && since(self.question.asked) >= CONFIRM_EVERY / 2
        } else {
            since(self.question.asked) >= ASK_EVERY
        };
        if due && !self.question.open {
            self.question.open = true;
            self.question.asked = Some(Instant::now());
            self.asker.ask(self.cursors.keys().copied().collect());
        }
    }

    /// The answer to the question that is open, if it has come. Without one, nothing is known of the ends.
    fn take_answer(&mut self) -> Option<Offsets> {
        let ends = self.asker.take()?;
        self.question.open = false;
        Some(ends)
    }

    fn has_reached(&self, ends: &Offsets) -> bool {
        self.behind(ends).is_none()
    }

    /// A topic that has more than was read.
    fn behind(&self, ends: &Offsets) -> Option<Topic> {
        let is_unread = |((topic, partition), next): (&(Topic, Partition), &Offset)| {
            ends.get(&(*topic, *partition)).is_none_or(|end| next < end).then_some(*topic)
        };
        self.cursors.iter().find_map(is_unread)
    }

    /// Whether it still gets what the brokers have.
    fn check(&mut self, ends: &Offsets, now: Instant) -> Result<(), FollowError> {
        let Some(topic) = self.behind(ends) else {
            self.unread.is_over();
            return Ok(());
        };
        if !self.unread.is_missing(now) {
            return Ok(());
        }
        let (topic, brokers) = (self.shared.options.prefixed(topic), &self.shared.options.brokers);
        Err(FollowError::Storage(format!(
            "reading topic {topic} on Kafka at {brokers} has come to a stop: it has more, and nothing comes for {} s; \
             begin anew",
            PATIENCE.as_secs()
        )))
    }
}

fn tried(shared: &Shared, topic: Topic) -> String {
    format!("read topic {}", shared.options.prefixed(topic))
}

impl Follow for Follower {
    fn poll(&mut self, wait: Duration) -> Result<Batch, FollowError> {
        if let Some(gone) = self.gone.clone() {
            return Err(gone);
        }
        self.look_at_topics()?;
        let began = Instant::now();
        // Longer is never asked for, and can't be added to any time.
        let deadline = began + wait.min(Duration::from_hours(1));
        // A question of before covers only what was committed then.
        self.asker.forget();
        self.question.open = false;
        let (mut entries, mut ends, mut come) = (Vec::new(), None, None);
        loop {
            if self.shared.is_closed() {
                return Err(FollowError::Closed);
            }
            if entries.len() < BATCH {
                self.read(&mut entries)?;
            }
            self.ask_if_due(!entries.is_empty());
            let answer = self.take_answer();
            let now = Instant::now();
            if let Some(answer) = answer {
                self.check(&answer, now)?;
                ends = Some(answer);
            }
            let at_end = entries.len() < BATCH && ends.as_ref().is_some_and(|ends| self.has_reached(ends));
            if at_end {
                self.question.confirmed = self.question.asked;
            }
            let until = if entries.is_empty() {
                // That the end was reached is said once without waiting, so that a view knows when it is complete.
                if at_end && !self.told_end { now } else { deadline }
            } else {
                let come = *come.get_or_insert(now);
                let waits =
                    !at_end && entries.len() < BATCH && self.question.asked.is_some_and(|at| at >= began);
                if waits { deadline.min(come + LINGER) } else { now }
            };
            let until = if self.question.open && entries.is_empty() {
                until.max(began + ANSWER_WITHIN)
            } else {
                until
            };
            if now >= until {
                if at_end || !entries.is_empty() {
                    self.told_end = at_end;
                }
                return Ok(Batch { entries, at_end });
            }
            // Not only for the bell: a question may be due.
            let look_up = if self.told_end || self.question.open { CONFIRM_EVERY / 2 } else { ASK_EVERY };
            self.bell.wait_until(until.min(now + look_up));
        }
    }

    fn add(&mut self, topic: Topic, start: Start) -> Result<(), FollowError> {
        Ok(self.place(topic, &start)?)
    }

    fn positions(&self) -> Vec<Position> {
        let position = |(&(topic, partition), &offset)| Position { topic, partition, offset };
        self.cursors.iter().map(position).collect()
    }
}
