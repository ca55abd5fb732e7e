//! Records that wait until those before them are answered, partition by partition.
//!
//! librdkafka's idempotent producer sends nothing more of a partition while five of its records are on their way
//! (`RD_KAFKA_IDEMP_MAX_INFLIGHT` is meant to count requests: `rd_kafka_toppar_producer_serve`). While a record waits
//! for that longer than `linger.ms`, the thread of its broker asks without a pause whether it may go, and takes more
//! of a core than the rest of a counter. So what would have to wait is not handed over to it: it gathers here, and
//! goes together when everything before it is answered.

use std::collections::{BTreeMap, VecDeque};

use crate::{Partition, Topic};

/// A partition of a topic.
pub(super) type Place = (Topic, Partition);

/// The most that wait; in records and in bytes.
const MOST: (usize, usize) = (100_000, 128 << 20);

/// So many may be on their way for one that comes to go as well.
const ALONE: usize = 4;

/// The most that go at once: what fits into one request. Rather less, or the rest would wait after all.
const AT_ONCE: (usize, usize) = (8_192, 768 << 10);

/// Whoever waits, by partition.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    places: BTreeMap<Place, Lane<T>>,
    /// Where something waits and nothing is on its way any more.
    free: Vec<Place>,
    /// How many wait, and what they have together.
    waiting: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Lane<T> {
    on_its_way: usize,
    waiting: VecDeque<Waiting<T>>,
    /// How many have ever waited: each has a number.
    count: u64,
}

#[derive(Debug)]
struct Waiting<T> {
    number: u64,
    bytes: usize,
    record: T,
}

/// What becomes of a record that comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered<T> {
    /// It is to go at once.
    Go(T),
    /// It waits, with this number.
    Wait(u64),
    /// There is no room for it.
    Full(T),
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), free: Vec::new(), waiting: 0, bytes: 0 }
    }
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { on_its_way: 0, waiting: VecDeque::new(), count: 0 }
    }
}

impl<T> Lanes<T> {
    /// A record of so many bytes comes.
    pub(super) fn enter(&mut self, place: Place, bytes: usize, record: T) -> Entered<T> {
        let lane = self.places.entry(place).or_default();
        if lane.on_its_way < ALONE && lane.waiting.is_empty() {
            lane.on_its_way += 1;
            return Entered::Go(record);
        }
        if self.waiting >= MOST.0 || self.bytes.saturating_add(bytes) > MOST.1 {
            return Entered::Full(record);
        }
        lane.count += 1;
        lane.waiting.push_back(Waiting { number: lane.count, bytes, record });
        self.waiting += 1;
        self.bytes += bytes;
        Entered::Wait(lane.count)
    }

    /// One that was on its way is answered.
    pub(super) fn answered(&mut self, place: Place) {
        if let Some(lane) = self.places.get_mut(&place) {
            lane.on_its_way = lane.on_its_way.saturating_sub(1);
            if lane.on_its_way == 0 && !lane.waiting.is_empty() {
                self.free.push(place);
            }
        }
    }

    /// Those that are to go now, of one partition where they may: they are on their way by that.
    pub(super) fn go(&mut self) -> Option<(Place, Vec<T>)> {
        while let Some(place) = self.free.pop() {
            let Some(lane) = self.places.get_mut(&place).filter(|lane| lane.on_its_way == 0) else {
                continue;
            };
            let (mut records, mut room) = (Vec::new(), AT_ONCE.1);
            while let Some(next) = lane.waiting.front()
                && (records.is_empty() || next.bytes <= room)
                && records.len() < AT_ONCE.0
                && let Some(next) = lane.waiting.pop_front()
            {
                room = room.saturating_sub(next.bytes);
                self.waiting -= 1;
                self.bytes -= next.bytes;
                records.push(next.record);
            }
            lane.on_its_way = records.len();
            if !records.is_empty() {
                return Some((place, records));
            }
        }
        None
    }

    /// The one with this number waits no longer, if it still did.
    pub(super) fn withdraw(&mut self, place: Place, number: u64) -> Option<T> {
        let lane = self.places.get_mut(&place)?;
        let at = lane.waiting.binary_search_by_key(&number, |waiting| waiting.number).ok()?;
        let gone = lane.waiting.remove(at)?;
        self.waiting -= 1;
        self.bytes -= gone.bytes;
        Some(gone.record)
    }

    /// Nobody waits for this partition any longer.
    pub(super) fn clear(&mut self, place: Place) -> Vec<T> {
        let Some(lane) = self.places.get_mut(&place) else { return Vec::new() };
        self.waiting -= lane.waiting.len();
        self.bytes -= lane.waiting.iter().map(|waiting| waiting.bytes).sum::<usize>();
        lane.waiting.drain(..).map(|waiting| waiting.record).collect()
    }

    /// Nobody waits any longer.
    pub(super) fn clear_all(&mut self) -> Vec<T> {
        let places: Vec<_> = self.places.keys().copied().collect();
        places.into_iter().flat_map(|place| self.clear(place)).collect()
    }

    /// Whether nobody waits and nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.places.values().all(|lane| lane.on_its_way == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = ("orders", 0);
    const THERE: Place = ("orders", 1);

    /// Lanes in which as many are on their way as may be alone.
    fn busy<T: PartialEq + std::fmt::Debug + Copy>(first: T) -> Lanes<T> {
        let mut lanes = Lanes::default();
        for _ in 0..ALONE {
            assert_eq!(lanes.enter(HERE, 1, first), Entered::Go(first));
        }
        lanes
    }

    /// All that are alone on their way are answered.
    fn answer<T>(lanes: &mut Lanes<T>) {
        for _ in 0..ALONE {
            lanes.answered(HERE);
        }
    }

    #[test]
    fn a_few_go_at_once_and_the_others_together_when_those_are_answered() {
        let mut lanes = busy("a");
        assert_eq!(lanes.enter(HERE, 10, "b"), Entered::Wait(1));
        assert_eq!(lanes.enter(HERE, 10, "c"), Entered::Wait(2));
        assert_eq!(lanes.enter(THERE, 10, "d"), Entered::Go("d"), "each partition has a lane of its own");
        for _ in 1..ALONE {
            lanes.answered(HERE);
            assert_eq!(lanes.go(), None, "one is still on its way");
        }
        lanes.answered(HERE);
        assert_eq!(lanes.go(), Some((HERE, vec!["b", "c"])));
        assert!(!lanes.is_idle());
        lanes.answered(HERE);
        assert_eq!(lanes.go(), None, "one of the two is still on its way");
        lanes.answered(HERE);
        lanes.answered(THERE);
        assert_eq!(lanes.go(), None);
        assert!(lanes.is_idle());
        assert_eq!(lanes.enter(HERE, 10, "f"), Entered::Go("f"));
    }

    #[test]
    fn nobody_passes_whoever_waits() {
        let mut lanes = busy(0);
        assert_eq!(lanes.enter(HERE, 1, 1), Entered::Wait(1));
        answer(&mut lanes);
        // Free, and what waits has not gone yet.
        assert_eq!(lanes.enter(HERE, 1, 2), Entered::Wait(2));
        assert_eq!(lanes.go(), Some((HERE, vec![1, 2])));
    }

    #[test]
    fn what_goes_at_once_fits_into_a_request_and_one_record_always_goes() {
        let mut lanes = busy(0);
        let large = AT_ONCE.1 * 2 / 3;
        for n in 1..=3 {
            let bytes = if n == 1 { AT_ONCE.1 * 2 } else { large };
            assert_eq!(lanes.enter(HERE, bytes, n), Entered::Wait(n));
        }
        answer(&mut lanes);
        for n in 1..=3 {
            assert_eq!(lanes.go(), Some((HERE, vec![n])));
            lanes.answered(HERE);
        }
        let mut lanes = busy(0);
        for n in 0..=AT_ONCE.0 {
            lanes.enter(HERE, 1, n);
        }
        answer(&mut lanes);
        assert_eq!(lanes.go().map(|(_, records)| records.len()), Some(AT_ONCE.0));
    }

    #[test]
    fn more_than_the_bound_do_not_wait() {
        let mut lanes = busy(0);
        for n in 1..=MOST.0 {
            assert!(matches!(lanes.enter(HERE, 1, n), Entered::Wait(_)));
        }
        assert_eq!(lanes.enter(HERE, 1, 7), Entered::Full(7));
        assert_eq!(lanes.clear_all().len(), MOST.0);
        assert!(matches!(lanes.enter(HERE, MOST.1, 8), Entered::Wait(_)));
        assert_eq!(lanes.enter(HERE, 1, 9), Entered::Full(9));
    }

    #[test]
    fn who_gives_up_while_it_waits_never_goes() {
        let mut lanes = busy("a");
        for record in ["b", "c", "d"] {
            lanes.enter(HERE, 1, record);
        }
        assert_eq!(lanes.withdraw(HERE, 2), Some("c"));
        assert_eq!(lanes.withdraw(HERE, 2), None);
        answer(&mut lanes);
        assert_eq!(lanes.go(), Some((HERE, vec!["b", "d"])));
        assert_eq!(lanes.withdraw(HERE, 1), None, "it is on its way");
        assert_eq!((lanes.waiting, lanes.bytes), (0, 0));
    }
}
