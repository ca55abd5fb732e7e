//! Everyone who looks sees everything, also what is not committed, and what becomes of it.
//!
//! Two readers of the same partitions: one of everything, one of what is committed. `fate` merges them; here they
//! are read, begun where they are to begin, and begun again where a log was made anew.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::error::RDKafkaErrorCode as Code;

use super::{
    LOOK_EVERY, LOOK_UP,
    bell::Bell,
    fate::{Fates, Sightings},
    native::{Read, Reader},
    offsets::{Ask, Offsets, ask},
    shared::{Failed, Shared},
};
use crate::{FollowError, Offset, OpenError, Partition, Start, Topic};

/// The most records that one look at a reader brings.
const BATCH: usize = 1_024;

type Place = (Topic, Partition);

/// Sees every record, and what becomes of it. Made by [`super::KafkaLog::watch`].
pub struct Watch {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    /// Reads everything.
    everything: Reader,
    /// Reads what is committed.
    committed: Reader,
    topics: Vec<Topic>,
    fates: Fates,
    /// Partitions that could not be read, and when they are tried again.
    away: BTreeMap<Place, Instant>,
}

/// A reader that reads a partition no further.
struct Ended {
    place: Place,
    code: Code,
    said: String,
    /// What it wanted to read.
    wanted: Offset,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, topics: &[(Topic, Start)]) -> Result<Self, OpenError> {
        if shared.is_closed() {
            return Err(OpenError::Closed);
        }
        let bell = shared.bell();
        let everything = shared.reader_as(&shared.options.reader_of_everything(), BATCH, &bell)?;
        let committed = shared.reader(BATCH, &bell)?;
        let (fates, away) = (Fates::default(), BTreeMap::new());
        let mut watch = Self { shared, bell, everything, committed, topics: Vec::new(), fates, away };
        for (topic, start) in topics {
            if watch.shared.topic(topic).is_none() {
                let sentence = format!("the log has no topic {topic}");
                return Err(OpenError::NotUsable(sentence));
            }
            watch.place(topic, start)?;
            watch.topics.push(topic);
        }
        Ok(watch)
    }

    fn place(&mut self, topic: Topic, start: &Start) -> Result<(), Failed> {
        let places: Vec<_> = (0..self.shared.partitions(topic)).map(|p| (topic, p)).collect();
        let look = |what| self.ask(&places, what);
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
                    starts.entry((topic, *partition)).and_modify(|start| *start = (*wanted).max(*start));
                }
                starts
            }
        };
        for (place, from) in starts {
            self.begin(place, from, *start == Start::End)?;
        }
        Ok(())
    }

    /// As the reader of everything sees them: also behind transactions that are open.
    fn ask(&self, places: &[Place], what: Ask) -> Result<Offsets, Failed> {
        ask(&self.shared, self.everything.consumer(), places, what)
    }

    fn begin(&mut self, place: Place, from: Offset, at_end: bool) -> Result<(), Failed> {
        self.fates.begin(place, from, at_end, Instant::now());
        self.start(place)
    }

    /// Lets both readers read at what comes next of a partition that is watched.
    fn start(&mut self, place: Place) -> Result<(), Failed> {
        let Some((seen, decided)) = self.fates.next(place) else { return Ok(()) };
        let (topic, partition) = place;
        for (reader, from) in [(&mut self.everything, seen), (&mut self.committed, decided)] {
            let started = reader.start(topic, partition, from);
            started.map_err(|code| self.shared.failed(&tried(&self.shared, topic), code, ""))?;
        }
        Ok(())
    }

    fn end(&mut self, place: Place, out: &mut Sightings) {
        self.everything.stop(place.0, place.1);
        self.committed.stop(place.0, place.1);
        self.fates.forget(place, out);
    }

    /// Leaves topics that are gone, and begins with those, and with partitions, that have come.
    fn look_at_topics(&mut self, now: Instant, out: &mut Sightings) -> Result<(), Failed> {
        self.away.retain(|_, again| now < *again);
        for place in 0..self.topics.len() {
            let topic = self.topics[place];
            if self.shared.is_there(topic) {
                for place in (0..self.shared.partitions(topic)).map(|partition| (topic, partition)) {
                    if !self.fates.knows(place) && !self.away.contains_key(&place) {
                        self.begin(place, 0, false)?;
                    }
                }
            } else {
                for partition in self.fates.partitions(topic) {
                    self.end((topic, partition), out);
                }
            }
        }
        Ok(())
    }

    /// Takes in what has come, without waiting; true if that was something.
    fn read(&mut self, now: Instant, out: &mut Sightings) -> Result<bool, Failed> {
        let (fates, mut count, mut ended) = (&mut self.fates, 0, Vec::new());
        if fates.may_see() {
            count += self.everything.read(|read| match read {
                Read::Entry(entry) => fates.saw(entry, now, out),
                Read::End(..) => {}
                Read::Failed(topic, partition, code, said) => {
                    let wanted = fates.next((topic, partition)).unwrap_or_default().0;
                    ended.push(Ended { place: (topic, partition), code, said, wanted });
                }
            });
        }
        if fates.may_decide() {
            count += self.committed.read(|read| match read {
                Read::Entry(entry) => fates.committed((entry.topic, entry.partition), entry.offset, now, out),
                Read::End(topic, partition, end) => fates.reached((topic, partition), end, now, out),
                Read::Failed(topic, partition, code, said) => {
                    let wanted = fates.next((topic, partition)).unwrap_or_default().1;
                    ended.push(Ended { place: (topic, partition), code, said, wanted });
                }
            });
        }
        for ended in ended {
            self.go_on(&ended, now, out)?;
        }
        Ok(count > 0)
    }

    /// Goes on with a partition that one of the readers reads no further.
    fn go_on(&mut self, ended: &Ended, now: Instant, out: &mut Sightings) -> Result<(), Failed> {
        let place = ended.place;
        if !self.fates.knows(place) {
            return Ok(());
        }
        match ended.code {
            Code::OffsetOutOfRange | Code::AutoOffsetReset => {
                let earliest = self.ask(&[place], Ask::Beginning)?.get(&place).copied().unwrap_or_default();
                if ended.wanted < earliest {
                    // What it wanted was removed; the other reader may have it, and what comes behind.
                    self.fates.removed(place, earliest, now, out);
                    return self.start(place);
                }
                // The topic was made anew, and is new from its first record on.
                self.end(place, out);
                self.begin(place, earliest, false)
            }
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
                self.end(place, out);
                self.away.insert(place, now + LOOK_EVERY);
                Ok(())
            }
            code => Err(self.shared.failed(&tried(&self.shared, place.0), code, &ended.said)),
        }
    }

    /// Returns what was seen and decided since the last look, waiting at most `wait` for the first of it.
    ///
    /// A record comes when its fate is known, which takes milliseconds, and before that as [`super::Fate::Open`] if
    /// it is not known within [`super::OPEN_AFTER`]. Of records that are removed, and of topics that are removed or
    /// made anew, nothing is said but what was seen.
    ///
    /// # Errors
    /// [`FollowError::Closed`] if the log is, [`FollowError::Storage`] with one sentence if a topic can't be read.
    pub fn poll(&mut self, wait: Duration) -> Result<Sightings, FollowError> {
        // Longer is never asked for, and can't be added to any time.
        let deadline = Instant::now() + wait.min(Duration::from_hours(1));
        let mut out = Sightings::default();
        loop {
            if self.shared.is_closed() {
                return Err(FollowError::Closed);
            }
            let now = Instant::now();
            self.look_at_topics(now, &mut out)?;
            let has_read = self.read(now, &mut out)?;
            self.fates.look(now, &mut out);
            if !out.records.is_empty() || out.unfollowed > 0 || now >= deadline {
                out.behind = self.fates.behind();
                return Ok(out);
            }
            if !has_read {
                let again = self.away.values().copied().min();
                let due = [self.fates.due(), again].into_iter().flatten().min();
                let due = due.map_or(deadline, |due| due.min(deadline));
                self.bell.wait_until(due.min(now + LOOK_UP));
            }
        }
    }
}

fn tried(shared: &Shared, topic: Topic) -> String {
    format!("read topic {}", shared.options.prefixed(topic))
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("topics", &self.topics).finish_non_exhaustive()
    }
}
