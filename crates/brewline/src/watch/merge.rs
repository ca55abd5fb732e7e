//! Records of several partitions in the order of their times, as far as waiting a little gives it.
//!
//! Each partition brings its own in order, and nobody promises which of them comes first. So a record waits a moment,
//! and until a partition that is not read to its end has come as far, and then goes in the order of times: an order
//! before its announcement. What was written in one millisecond goes in the order in which the line writes.
//!
//! Pure: sightings and times come in, sightings come out.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

use eventlog::{Millis, Partition, Topic};
use order::topic;

use crate::kafka::{Sighting, Sightings};

/// How long a record waits for older ones of other partitions: brokers and fetches are no further apart.
const LINGER: Duration = Duration::from_millis(150);
/// How long it waits for a partition that is not read to its end, and at most: a time of far ahead, which is possible
/// where whoever writes sets it, would hold back all that comes behind it.
const AT_MOST: Duration = Duration::from_secs(3);
/// The most that waits, in records and in bytes.
const MOST: usize = 16_384;
const MOST_BYTES: usize = 32 << 20;

/// Time, rank of the topic, number of arrival.
type Turn = (Millis, usize, u64);

/// Records that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Merge {
    waiting: BTreeMap<Turn, (Instant, Sighting)>,
    /// Their turns as they came; also of some that have gone.
    arrivals: VecDeque<(Instant, Turn)>,
    bytes: usize,
    arrived: u64,
    /// The latest time of each partition. Times that come from whoever writes may fall, offsets stay in order.
    latest: HashMap<(Topic, Partition), Millis>,
    behind: Option<Millis>,
}

impl Merge {
    /// Takes in what was seen.
    pub(super) fn add(&mut self, seen: Sightings, now: Instant) {
        self.behind = seen.behind;
        for sighting in seen.records {
            let entry = &sighting.entry;
            let latest = self.latest.entry((entry.topic, entry.partition)).or_insert(entry.timestamp);
            *latest = entry.timestamp.max(*latest);
            let turn = (*latest, rank(entry.topic), self.arrived);
            self.arrived += 1;
            self.bytes += entry.record.size();
            self.arrivals.push_back((now, turn));
            self.waiting.insert(turn, (now, sighting));
        }
    }

    /// What has waited long enough.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Sighting> {
        let mut due = Vec::new();
        while let Some((since, turn)) = self.arrivals.front().copied() {
            if self.waiting.contains_key(&turn) {
                if now.saturating_duration_since(since) < AT_MOST {
                    break;
                }
                due.extend(self.take(turn));
            }
            self.arrivals.pop_front();
        }
        while let Some(left) = self.wait(now) {
            let is_full = self.waiting.len() > MOST || self.bytes > MOST_BYTES;
            if !is_full && left > Duration::ZERO {
                break;
            }
            due.extend(self.next());
        }
        due
    }

    /// Everything that waits.
    pub(super) fn rest(&mut self) -> Vec<Sighting> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// How long until something is due, if nothing comes; `None`: nothing waits.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let ((time, ..), (since, _)) = self.waiting.first_key_value()?;
        let may_be_passed = self.behind.is_some_and(|behind| behind < *time);
        let enough = if may_be_passed { AT_MOST } else { LINGER };
        Some(enough.saturating_sub(now.saturating_duration_since(*since)))
    }

    fn next(&mut self) -> Option<Sighting> {
        self.take(*self.waiting.first_key_value()?.0)
    }

    fn take(&mut self, turn: Turn) -> Option<Sighting> {
        let (_, sighting) = self.waiting.remove(&turn)?;
        self.bytes -= sighting.entry.record.size();
        Some(sighting)
    }
}

/// In which order the line writes what it writes at once.
fn rank(topic: Topic) -> usize {
    let order = [topic::RECEIVED, topic::COMMAND, topic::EVENT, topic::STATE, topic::PROCESSED];
    order.iter().position(|one| *one == topic).unwrap_or(order.len())
}

#[cfg(test)]
mod tests {
    use eventlog::{Entry, Record};

    use super::*;
    use crate::kafka::Fate;

    struct Stage {
        merge: Merge,
        now: Instant,
    }

    impl Stage {
        fn new() -> Self {
            Self { merge: Merge::default(), now: Instant::now() }
        }

        /// Of these topics and times, in this order.
        fn add(&mut self, behind: Option<Millis>, records: &[(Topic, Millis)]) {
            let seen = records.iter().zip(0..).map(|((topic, timestamp), offset)| {
                let (topic, timestamp, record) = (*topic, *timestamp, Record::new("", vec![0; 1]));
                let entry = Entry { topic, partition: 0, offset, timestamp, record };
                Sighting { entry, fate: Fate::Committed, was_open: false }
            });
            let records = seen.collect();
            self.merge.add(Sightings { records, behind, ..Sightings::default() }, self.now);
        }

        fn pass(&mut self, time: Duration) -> Vec<(Topic, Millis)> {
            self.now += time;
            let due = self.merge.due(self.now).into_iter();
            due.map(|seen| (seen.entry.topic, seen.entry.timestamp)).collect()
        }
    }

    use topic::{EVENT, PROCESSED, RECEIVED, STATE};

    #[test]
    fn an_announcement_that_comes_before_its_order_is_shown_after_it() {
        let mut stage = Stage::new();
        stage.add(None, &[(PROCESSED, 12)]);
        assert_eq!(stage.pass(LINGER / 2), []);
        stage.add(None, &[(RECEIVED, 10)]);
        assert_eq!(stage.pass(LINGER / 2), []);
        assert_eq!(stage.pass(LINGER / 2), [(RECEIVED, 10), (PROCESSED, 12)]);
        assert_eq!(stage.merge.wait(stage.now), None);
    }

    #[test]
    fn what_was_written_in_one_millisecond_goes_in_the_order_of_the_line() {
        let mut stage = Stage::new();
        stage.add(None, &[(PROCESSED, 10), (STATE, 10), (EVENT, 10), (RECEIVED, 10)]);
        let topics: Vec<_> = stage.pass(LINGER).into_iter().map(|(topic, _)| topic).collect();
        assert_eq!(topics, [RECEIVED, EVENT, STATE, PROCESSED]);
    }

    #[test]
    fn a_partition_that_is_not_read_to_its_end_is_waited_for_and_not_for_ever() {
        let mut stage = Stage::new();
        stage.add(Some(11), &[(RECEIVED, 10), (PROCESSED, 12)]);
        assert_eq!(stage.pass(LINGER), [(RECEIVED, 10)]);
        stage.add(None, &[(EVENT, 11)]);
        assert_eq!(stage.pass(LINGER), [(EVENT, 11), (PROCESSED, 12)]);
        stage.add(Some(11), &[(PROCESSED, 14)]);
        assert_eq!(stage.pass(AT_MOST / 2), []);
        assert_eq!(stage.pass(AT_MOST / 2), [(PROCESSED, 14)]);
    }

    #[test]
    fn a_time_of_far_ahead_holds_back_its_partition_for_a_moment_only() {
        let mut stage = Stage::new();
        stage.add(None, &[(RECEIVED, 1_000_000), (RECEIVED, 20)]);
        for time in 30.. {
            stage.add(None, &[(PROCESSED, time)]);
            let shown = stage.pass(LINGER / 2);
            if shown.contains(&(RECEIVED, 20)) {
                assert_eq!(shown[..2], [(RECEIVED, 1_000_000), (RECEIVED, 20)]);
                break;
            }
            assert!(time < 90, "others go on, and it waits");
        }
    }

    #[test]
    fn offsets_of_a_partition_stay_in_order_though_times_fall() {
        let mut stage = Stage::new();
        stage.add(None, &[(RECEIVED, 20), (RECEIVED, 10), (PROCESSED, 15)]);
        assert_eq!(stage.pass(LINGER), [(PROCESSED, 15), (RECEIVED, 20), (RECEIVED, 10)]);
    }

    #[test]
    fn what_waits_is_bounded_and_the_rest_comes_in_the_end() {
        let mut stage = Stage::new();
        let times: Vec<_> = (0..).map(|time| (RECEIVED, time)).take(MOST + 2).collect();
        stage.add(None, &times);
        assert_eq!(stage.pass(Duration::ZERO), [(RECEIVED, 0), (RECEIVED, 1)]);
        assert_eq!(stage.merge.wait(stage.now), Some(LINGER));
        assert_eq!((stage.merge.rest().len(), stage.merge.bytes), (MOST, 0));
    }
}
