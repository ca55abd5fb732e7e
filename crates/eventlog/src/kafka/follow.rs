//! Everyone sees everything that is committed.
//!
//! When that is all, two things say together. The brokers say where the committed part of each partition ends;
//! asked after a poll began, the answer covers everything that was committed then. And the reader says how far it
//! has come: behind its last record stand marks of transactions and records of those that were aborted, which
//! nobody sees; that they were passed is said by an end that was reached, or by the next record.
//!
//! A follower that does not get what is there, or no answer although the brokers give them, ends with an error after
//! 15 s, whatever the reason is: the next one has clients of its own.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::error::RDKafkaErrorCode as Code;

use super::{
    bell::Bell,
    native::{Asker, Read, Reader},
    offsets::{Ask, Offsets, WITHIN, ask, ask_within, list_of_ends},
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
/// How long between two questions while nobody answers, and how long the answer to each is waited for.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(1));
/// How long a poll that has something to hand out stays for the answer to its question.
const LINGER: Duration = Duration::from_millis(5);
/// How long a poll that has nothing waits for that answer beyond its time: without it, a broker that is further
/// away than the caller's patience would never be at its end.
const ANSWER_WITHIN: Duration = Duration::from_millis(100);

pub(super) struct Follower {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    reader: Reader,
    asker: Asker,
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
    /// Each has a number, so that a late answer is not taken for one to a later question.
    number: usize,
    asked: Option<Instant>,
    /// Whether it was asked in this poll and not answered.
    open: bool,
    /// Whether the last one was not answered.
    lost: bool,
    /// The answer, if it was waited for.
    answer: Option<Offsets>,
    /// The last time as of which the end was reached.
    confirmed: Option<Instant>,
    /// Answers that do not come.
    unanswered: Stall,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, topics: &[(Topic, Start)]) -> Result<Self, OpenError> {
        if shared.is_closed() {
            return Err(OpenError::Closed);
        }
        let bell = shared.bell();
        let reader = shared.reader(BATCH, &bell)?;
        let asker = Asker::new(&shared, &bell)
            .ok_or_else(|| shared.failed("begin to read", Code::CriticalSystemResource, ""))?;
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
    ///
    /// Where leaders may be unknown the answer is waited for: a question that does not wait then looks for them on two
    /// threads at once, and librdkafka 2.12.1 may free what the first still reads
    /// (`rd_kafka_topic_partition_list_query_leaders_async`; seen as a segmentation fault).
    fn ask_if_due(&mut self, has_entries: bool) {
        let since = |at: Option<Instant>| at.map_or(Duration::MAX, |at| at.elapsed());
        let due = if self.question.lost {
            since(self.question.asked) >= ASK_AGAIN.0
        } else if has_entries || self.told_end {
            since(self.question.confirmed) >= CONFIRM_EVERY && since(self.question.asked) >= CONFIRM_EVERY / 2
        } else {
            since(self.question.asked) >= ASK_EVERY
        };
        if due && !self.question.open {
            let partitions: Vec<_> = self.cursors.keys().copied().collect();
            self.question.number = self.question.number.wrapping_add(1);
            self.question.asked = Some(Instant::now());
            if self.question.lost {
                let consumer = self.reader.consumer();
                let ends = ask_within(&self.shared, consumer, &partitions, Ask::End, ASK_AGAIN.1);
                self.question.lost = ends.is_err();
                self.question.answer = ends.ok();
                if self.question.answer.is_some() {
                    self.question.unanswered.is_over();
                }
                return;
            }
            self.question.open = true;
            self.asker.ask_ends(&list_of_ends(&self.shared, &partitions), WITHIN, self.question.number);
        }
    }

    /// The answer to the question that is open, if it has come. Without one, nothing is known of the ends.
    fn take_answer(&mut self) -> Option<Offsets> {
        if let Some(answer) = self.question.answer.take() {
            return Some(answer);
        }
        while let Some((number, ends)) = self.asker.take_ends() {
            self.question.lost = ends.is_err();
            if ends.is_ok() {
                self.question.unanswered.is_over();
            }
            if self.question.open && number == self.question.number {
                self.question.open = false;
                let ends = ends.inspect_err(|code| tracing::debug!(%code, "nobody says where the log ends"));
                return Some(ends.ok()?.into_iter().map(|(topic, p, end)| ((topic, p), end)).collect());
            }
        }
        None
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

    /// Whether it still gets what the brokers have, and their answers.
    fn check(&mut self, answer: Option<&Offsets>, now: Instant) -> Result<(), FollowError> {
        match answer.map(|ends| self.behind(ends)) {
            Some(Some(topic)) if self.unread.is_missing(now) => {
                return Err(self.stalled(topic, "it has more, and nothing comes"));
            }
            Some(None) => self.unread.is_over(),
            // While nobody answers anyone, it does not count.
            None if self.question.lost
                && self.shared.is_complete()
                && self.question.unanswered.is_missing(now) =>
            {
                let topic = self.topics.first().copied().unwrap_or_default();
                return Err(self.stalled(topic, "nobody says where it ends"));
            }
            Some(Some(_)) | None => {}
        }
        Ok(())
    }

    fn stalled(&self, topic: Topic, why: &str) -> FollowError {
        let (topic, brokers) = (self.shared.options.prefixed(topic), &self.shared.options.brokers);
        FollowError::Storage(format!(
            "reading topic {topic} on Kafka at {brokers} has come to a stop: {why} for {} s; begin anew",
            PATIENCE.as_secs()
        ))
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
        self.question.lost |= std::mem::take(&mut self.question.open);
        self.question.answer = None;
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
            self.check(answer.as_ref(), now)?;
            ends = answer.or(ends);
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
            let look_up = if self.told_end { CONFIRM_EVERY / 2 } else { ASK_EVERY };
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
