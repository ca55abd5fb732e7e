//! What became of each record: two readers of the same partitions, merged.
//!
//! Nobody tells a client of a transaction's mark. So one reader sees everything, and another what is committed: a
//! record that the second one returns is committed, and one that it passes without returning it is aborted. Until
//! then the record is open: in a transaction that has not ended, or behind one. A record that stands outside of
//! transactions counts as open there, too: nobody who reads what is committed has it yet.
//!
//! Pure: records, offsets and times come in, sightings come out.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use crate::{Entry, Millis, Offset, Partition, Topic};

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Who reads what is committed has it.
    Committed,
    /// Its transaction was taken back: who reads what is committed never sees it. (So looks a record, too, that
    /// compaction took away between the two looks at it, which are milliseconds apart.)
    Aborted,
    /// Not decided: it stands in a transaction that has not ended, or behind one.
    Open,
}

/// A record with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The record.
    pub entry: Entry,
    /// What became of it.
    pub fate: Fate,
    /// It was seen as [`Fate::Open`] before.
    pub was_open: bool,
}

/// What a look brought.
#[derive(Debug, Default)]
pub struct Sightings {
    /// Each record once with its fate, when that is known; before that once more as [`Fate::Open`] if it is not
    /// known within [`OPEN_AFTER`]. In the order of their offsets within each partition, but for the open ones.
    pub records: Vec<Sighting>,
    /// How many of those that were seen as open will not be seen again: too many were, or their partition was made
    /// anew.
    pub unfollowed: u64,
    /// Up to which log time everything has been seen, as long as a partition is not read to its end: what comes may
    /// be older than what another partition has brought. `None`: all of them are, as far as is known.
    pub behind: Option<Millis>,
}

/// A record whose fate is not known by then is seen as [`Fate::Open`].
pub const OPEN_AFTER: Duration = Duration::from_secs(1);

/// The most records whose fate is waited for, and the most bytes that they have together. When there are more, the
/// reader of everything waits for the other one, unless they can't be decided: then the oldest are given up.
pub(super) const UNDECIDED: usize = 16_384;
pub(super) const UNDECIDED_BYTES: usize = 64 << 20;
/// How many offsets the reader of what is committed may be ahead.
const AHEAD: usize = 1 << 20;
/// A partition of which the reader of what is committed has heard nothing for so long has nothing for it. Only one
/// that began behind the last end that it could reach is told so late.
const SILENT: Duration = Duration::from_secs(5);

type Place = (Topic, Partition);

/// Everything that is being watched.
#[derive(Debug, Default)]
pub(super) struct Fates {
    parts: BTreeMap<Place, Part>,
    undecided: usize,
    undecided_bytes: usize,
    ahead: usize,
}

/// One partition.
#[derive(Debug)]
struct Part {
    /// Seen, and not decided: rising offsets, rising times.
    undecided: VecDeque<Undecided>,
    /// How many of them, from the front, were said to be open.
    told: usize,
    /// Committed, and not seen yet: rising offsets.
    ahead: VecDeque<Offset>,
    /// What is seen next, and what is decided next.
    seen: Offset,
    decided: Offset,
    /// Whether the reader of what is committed stands at the end of it, as far as is known.
    at_end: bool,
    /// When it was heard of last.
    heard: Instant,
    /// The log time of the newest record that was handed out.
    time: Millis,
}

#[derive(Debug)]
struct Undecided {
    entry: Entry,
    since: Instant,
}

impl Part {
    /// Whether its oldest record can't be decided now.
    fn is_stuck(&self, now: Instant) -> bool {
        let silent = self.at_end || now.saturating_duration_since(self.heard) >= SILENT;
        silent && self.undecided.front().is_some_and(|oldest| now >= oldest.since + OPEN_AFTER)
    }

    /// Leaves out what is committed before this offset and will not be seen; how many they are.
    fn pass(&mut self, offset: Offset) -> usize {
        let passed = self.ahead.partition_point(|committed| *committed < offset);
        self.ahead.drain(..passed);
        passed
    }
}

impl Fates {
    /// Both readers begin at this offset of a partition that is not watched yet. `at_end`: it is the end, so that nothing committed stands behind it.
    pub(super) fn begin(&mut self, place: Place, from: Offset, at_end: bool, now: Instant) {
        let (undecided, ahead) = (VecDeque::new(), VecDeque::new());
        let (heard, time) = (now, Millis::MIN);
        let part = Part { undecided, told: 0, ahead, seen: from, decided: from, at_end, heard, time };
        self.parts.insert(place, part);
    }

    /// Whether a partition is watched.
    pub(super) fn knows(&self, place: Place) -> bool {
        self.parts.contains_key(&place)
    }

    /// The partitions of a topic that are watched.
    pub(super) fn partitions(&self, topic: Topic) -> Vec<Partition> {
        self.parts.keys().filter(|(of, _)| *of == topic).map(|(_, partition)| *partition).collect()
    }

    /// The offset to be seen next, and the one to be decided next.
    pub(super) fn next(&self, place: Place) -> Option<(Offset, Offset)> {
        self.parts.get(&place).map(|part| (part.seen, part.decided))
    }

    /// The reader of everything has this record.
    pub(super) fn saw(&mut self, entry: Entry, now: Instant, out: &mut Sightings) {
        let Some(part) = self.parts.get_mut(&(entry.topic, entry.partition)) else { return };
        if entry.offset < part.seen {
            return;
        }
        part.seen = entry.offset + 1;
        if entry.offset >= part.decided {
            self.undecided += 1;
            self.undecided_bytes += entry.record.size();
            part.undecided.push_back(Undecided { entry, since: now });
            return;
        }
        self.ahead -= part.pass(entry.offset);
        let is_committed = part.ahead.front() == Some(&entry.offset);
        if is_committed {
            part.ahead.pop_front();
            self.ahead -= 1;
        }
        part.time = part.time.max(entry.timestamp);
        let fate = if is_committed { Fate::Committed } else { Fate::Aborted };
        out.records.push(Sighting { entry, fate, was_open: false });
    }

    /// The reader of what is committed has the record at this offset.
    pub(super) fn committed(&mut self, place: Place, offset: Offset, now: Instant, out: &mut Sightings) {
        let Some(part) = self.parts.get_mut(&place).filter(|part| offset >= part.decided) else { return };
        (part.decided, part.at_end, part.heard) = (offset + 1, false, now);
        if part.seen <= offset {
            part.ahead.push_back(offset);
            self.ahead += 1;
        }
        self.decide(place, Some(offset), out);
    }

    /// The reader of what is committed has come to the end: nothing that it returns stands before this offset.
    pub(super) fn reached(&mut self, place: Place, end: Offset, now: Instant, out: &mut Sightings) {
        let Some(part) = self.parts.get_mut(&place) else { return };
        (part.decided, part.at_end, part.heard) = (end.max(part.decided), true, now);
        self.decide(place, None, out);
    }

    /// Decides what was seen before the offset that comes next.
    fn decide(&mut self, place: Place, committed: Option<Offset>, out: &mut Sightings) {
        let decided = self.parts.get(&place).map_or(0, |part| part.decided);
        while let Some((Undecided { entry, .. }, was_open)) =
            self.take(place, |oldest, _| oldest.entry.offset < decided)
        {
            let fate = if committed == Some(entry.offset) { Fate::Committed } else { Fate::Aborted };
            out.records.push(Sighting { entry, fate, was_open });
        }
    }

    /// The oldest undecided record of a partition, if it is wanted, and whether it was said to be open.
    fn take(
        &mut self,
        place: Place,
        wanted: impl Fn(&Undecided, &Part) -> bool,
    ) -> Option<(Undecided, bool)> {
        let part = self.parts.get_mut(&place)?;
        if !wanted(part.undecided.front()?, part) {
            return None;
        }
        let taken = part.undecided.pop_front()?;
        let was_open = part.told > 0;
        part.told = part.told.saturating_sub(1);
        part.time = part.time.max(taken.entry.timestamp);
        self.undecided -= 1;
        self.undecided_bytes -= taken.entry.record.size();
        Some((taken, was_open))
    }

    /// Says what has been open for long, and keeps the bounds.
    pub(super) fn look(&mut self, now: Instant, out: &mut Sightings) {
        for part in self.parts.values_mut().filter(|part| part.is_stuck(now)) {
            for open in part.undecided.iter().skip(part.told) {
                if now < open.since + OPEN_AFTER {
                    break;
                }
                part.told += 1;
                let entry = open.entry.clone();
                out.records.push(Sighting { entry, fate: Fate::Open, was_open: false });
            }
        }
        while self.is_full() {
            // Both readers waiting for each other would be the end of the watch.
            let is_blocked = self.ahead >= AHEAD;
            let stuck = self.parts.iter().filter(|(_, part)| part.is_stuck(now) || is_blocked);
            let oldest =
                stuck.filter_map(|(place, part)| Some((part.undecided.front()?.since, *place))).min();
            let Some((_, place)) = oldest else { return };
            self.give_up_oldest(place, Offset::MAX, out);
        }
    }

    /// Follows the oldest undecided record of a partition no further, if it stands before this offset.
    fn give_up_oldest(&mut self, place: Place, before: Offset, out: &mut Sightings) -> bool {
        let oldest = self.take(place, |oldest, _| oldest.entry.offset < before);
        let Some((Undecided { entry, .. }, was_open)) = oldest else { return false };
        if !was_open {
            out.records.push(Sighting { entry, fate: Fate::Open, was_open });
        }
        out.unfollowed += 1;
        true
    }

    /// What stood before this offset of a partition was removed: nobody can say any more what became of it. Both
    /// readers go on at what comes [`next`](Self::next).
    pub(super) fn removed(&mut self, place: Place, before: Offset, now: Instant, out: &mut Sightings) {
        while self.give_up_oldest(place, before, out) {}
        let Some(part) = self.parts.get_mut(&place) else { return };
        self.ahead -= part.pass(before);
        (part.seen, part.decided) = (part.seen.max(before), part.decided.max(before));
        (part.at_end, part.heard) = (false, now);
    }

    /// A partition is watched no longer, or will begin anew.
    pub(super) fn forget(&mut self, place: Place, out: &mut Sightings) {
        while self.give_up_oldest(place, Offset::MAX, out) {}
        if let Some(part) = self.parts.remove(&place) {
            self.ahead -= part.ahead.len();
        }
    }

    fn is_full(&self) -> bool {
        self.undecided >= UNDECIDED || self.undecided_bytes >= UNDECIDED_BYTES
    }

    /// Whether the reader of everything may go on.
    pub(super) fn may_see(&self) -> bool {
        !self.is_full()
    }

    /// Whether the reader of what is committed may go on.
    pub(super) fn may_decide(&self) -> bool {
        self.ahead < AHEAD
    }

    /// Up to which log time everything has been seen; `None`: each partition is read to its end.
    pub(super) fn behind(&self) -> Option<Millis> {
        let is_behind = |part: &&Part| !part.at_end || !part.ahead.is_empty();
        self.parts.values().filter(is_behind).map(|part| part.time).min()
    }

    /// When something may be said to be open, if nothing comes.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = |part: &Part| {
            let next = part.undecided.get(part.told)?.since + OPEN_AFTER;
            Some(if part.at_end { next } else { next.max(part.heard + SILENT) })
        };
        self.parts.values().filter_map(due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    const TOPIC: Topic = "t";
    const HERE: Place = (TOPIC, 0);

    /// Two readers of two partitions, from the beginning, and what was seen.
    struct Stage {
        fates: Fates,
        now: Instant,
        out: Sightings,
    }

    impl Stage {
        fn new() -> Self {
            let (mut fates, now) = (Fates::default(), Instant::now());
            for partition in 0..2 {
                fates.begin((TOPIC, partition), 0, true, now);
            }
            Self { fates, now, out: Sightings::default() }
        }

        fn saw(&mut self, partition: Partition, offset: Offset) {
            self.saw_bytes(partition, offset, 1);
        }

        fn saw_bytes(&mut self, partition: Partition, offset: Offset, bytes: usize) {
            let record = Record::new("", vec![0; bytes]);
            let entry = Entry { topic: TOPIC, partition, offset, timestamp: 0, record };
            self.fates.saw(entry, self.now, &mut self.out);
        }

        fn committed(&mut self, offset: Offset) {
            self.fates.committed(HERE, offset, self.now, &mut self.out);
        }

        /// What the reader of what is committed says next: a record, or the end.
        fn decided(&mut self, next: Option<Offset>) {
            match next {
                Some(offset) => self.committed(offset),
                None => self.reached(6),
            }
        }

        fn reached(&mut self, end: Offset) {
            self.fates.reached(HERE, end, self.now, &mut self.out);
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
            self.fates.look(self.now, &mut self.out);
        }

        /// What was seen since the last look: offset, fate, and whether it was open before.
        fn seen(&mut self) -> Vec<(Offset, Fate, bool)> {
            let records = std::mem::take(&mut self.out.records);
            records.into_iter().map(|seen| (seen.entry.offset, seen.fate, seen.was_open)).collect()
        }
    }

    use Fate::{Aborted, Committed, Open};

    #[test]
    fn a_record_that_is_returned_is_committed_and_one_that_is_passed_is_aborted() {
        let mut stage = Stage::new();
        for offset in 0..4 {
            stage.saw(0, offset);
        }
        assert_eq!(stage.seen(), []);
        stage.committed(1);
        assert_eq!(stage.seen(), [(0, Aborted, false), (1, Committed, false)]);
        // 4 is a mark.
        stage.reached(5);
        assert_eq!(stage.seen(), [(2, Aborted, false), (3, Aborted, false)]);
    }

    #[test]
    fn the_order_in_which_the_two_readers_come_changes_nothing() {
        // 0 and 3 committed, 1 and 4 aborted, 2 and 5 marks: every way to merge the two.
        let (seen, decided) = ([0, 1, 3, 4], [Some(0), Some(3), None]);
        for choice in 0..1_u32 << 7 {
            let mut stage = Stage::new();
            let (mut seen, mut decided) = (seen.into_iter(), decided.into_iter());
            for step in 0..7 {
                if choice >> step & 1 == 0
                    && let Some(offset) = seen.next()
                {
                    stage.saw(0, offset);
                } else if let Some(next) = decided.next() {
                    stage.decided(next);
                }
            }
            seen.for_each(|offset| stage.saw(0, offset));
            decided.for_each(|next| stage.decided(next));
            let fates =
                [(0, Committed, false), (1, Aborted, false), (3, Committed, false), (4, Aborted, false)];
            assert_eq!(stage.seen(), fates, "{choice:b}");
            assert_eq!((stage.fates.undecided, stage.fates.undecided_bytes, stage.fates.ahead), (0, 0, 0));
        }
    }

    #[test]
    fn what_is_not_decided_within_a_second_is_open_once_and_decided_later() {
        let mut stage = Stage::new();
        stage.saw(0, 0);
        assert_eq!(stage.fates.due(), Some(stage.now + OPEN_AFTER));
        stage.pass(Duration::from_millis(500));
        stage.saw(0, 1);
        stage.pass(Duration::from_millis(500));
        assert_eq!(stage.seen(), [(0, Open, false)]);
        stage.pass(Duration::from_millis(500));
        assert_eq!(stage.seen(), [(1, Open, false)]);
        stage.saw(0, 2);
        stage.pass(Duration::from_millis(500));
        assert_eq!(stage.seen(), []);
        stage.committed(1);
        stage.reached(4);
        assert_eq!(stage.seen(), [(0, Aborted, true), (1, Committed, true), (2, Aborted, false)]);
        assert_eq!(stage.fates.due(), None);
    }

    #[test]
    fn what_the_other_reader_has_only_not_come_to_is_not_called_open() {
        let mut stage = Stage::new();
        (0..9).for_each(|offset| stage.saw(0, offset));
        // It is on its way: there was no end since.
        stage.committed(0);
        stage.seen();
        stage.pass(SILENT.checked_sub(Duration::from_millis(1)).unwrap());
        assert_eq!(stage.seen(), []);
        stage.reached(1);
        stage.pass(Duration::ZERO);
        assert_eq!(stage.seen().len(), 8);
    }

    #[test]
    fn one_that_can_reach_no_end_is_not_waited_for_without_a_bound() {
        let mut stage = Stage::new();
        stage.fates.begin(HERE, 7, false, stage.now);
        stage.saw(0, 7);
        assert_eq!(stage.fates.due(), Some(stage.now + SILENT));
        stage.pass(SILENT);
        assert_eq!(stage.seen(), [(7, Open, false)]);
    }

    #[test]
    fn a_reader_that_is_ahead_by_too_much_waits_for_the_other() {
        let mut stage = Stage::new();
        (0..UNDECIDED as u64).for_each(|offset| stage.saw(0, offset));
        assert!(!stage.fates.may_see() && stage.fates.may_decide());
        stage.committed(0);
        assert!(stage.fates.may_see(), "there is room again");
        stage.fates.forget(HERE, &mut stage.out);
        stage.fates.begin(HERE, 0, true, stage.now);
        (0..AHEAD as u64).for_each(|offset| stage.committed(offset));
        assert!(!stage.fates.may_decide());
        stage.saw(0, 0);
        assert!(stage.fates.may_decide());
    }

    #[test]
    fn the_oldest_that_cant_be_decided_are_given_up_when_there_are_too_many() {
        let mut stage = Stage::new();
        stage.saw(1, 70);
        stage.pass(Duration::from_millis(1));
        (0..UNDECIDED as u64 - 1).for_each(|offset| stage.saw(0, offset));
        stage.pass(Duration::ZERO);
        assert!(!stage.fates.may_see(), "they are young: the other reader is waited for");
        stage.pass(OPEN_AFTER);
        assert_eq!(stage.seen().len(), UNDECIDED, "each is seen as open");
        assert!(stage.fates.may_see());
        assert_eq!((stage.out.unfollowed, stage.fates.undecided), (1, UNDECIDED - 1));
        assert!(stage.fates.parts[&(TOPIC, 1)].undecided.is_empty(), "it was the oldest");
        stage.committed(0);
        assert_eq!(stage.seen(), [(0, Committed, true)], "the others are followed");
    }

    #[test]
    fn their_bytes_are_bounded_too() {
        let mut stage = Stage::new();
        for offset in 0..64 {
            assert!(stage.fates.may_see());
            stage.saw_bytes(0, offset, 1 << 20);
        }
        assert!(!stage.fates.may_see());
        stage.pass(OPEN_AFTER);
        assert_eq!((stage.seen().len(), stage.out.unfollowed), (64, 1));
    }

    #[test]
    fn two_readers_that_would_wait_for_each_other_do_not() {
        let mut stage = Stage::new();
        stage.fates.begin((TOPIC, 1), 0, false, stage.now);
        (0..UNDECIDED as u64).for_each(|offset| stage.saw(1, offset));
        (0..AHEAD as u64).for_each(|offset| stage.committed(offset));
        stage.pass(Duration::ZERO);
        assert_eq!((stage.seen(), stage.out.unfollowed), (vec![(0, Open, false)], 1));
        assert!(stage.fates.may_see());
    }

    #[test]
    fn a_partition_that_begins_anew_leaves_nothing_behind() {
        let mut stage = Stage::new();
        stage.saw(0, 5);
        stage.pass(OPEN_AFTER);
        stage.saw(0, 6);
        stage.fates.forget(HERE, &mut stage.out);
        assert_eq!((stage.seen(), stage.out.unfollowed), (vec![(5, Open, false), (6, Open, false)], 2));
        assert!(!stage.fates.knows(HERE));
        stage.fates.begin(HERE, 0, false, stage.now);
        stage.committed(0);
        stage.fates.forget(HERE, &mut stage.out);
        assert_eq!((stage.fates.undecided, stage.fates.undecided_bytes, stage.fates.ahead), (0, 0, 0));
    }

    #[test]
    fn what_is_still_there_when_older_records_are_removed_is_followed_to_its_end() {
        // 3, 4 and 5 are left, all committed, and 6 is a mark; the readers had come so far.
        for (seen, decided) in [(0, 0), (6, 0), (0, 6), (6, 2), (2, 6), (4, 4)] {
            let mut stage = Stage::new();
            (0..seen).for_each(|offset| stage.saw(0, offset));
            (0..decided).for_each(|offset| stage.committed(offset));
            let known = stage.seen().len() as u64;
            assert_eq!(known, seen.min(decided));
            stage.fates.removed(HERE, 3, stage.now, &mut stage.out);
            let given_up: Vec<_> = (known..seen.min(3)).map(|offset| (offset, Open, false)).collect();
            assert_eq!((stage.seen(), stage.out.unfollowed), (given_up.clone(), given_up.len() as u64));
            assert_eq!(stage.fates.next(HERE), Some((seen.max(3), decided.max(3))));
            (seen.max(3)..6).for_each(|offset| stage.saw(0, offset));
            (decided.max(3)..6).for_each(|offset| stage.committed(offset));
            stage.reached(7);
            let left: Vec<_> = (known.max(3)..6).map(|offset| (offset, Committed, false)).collect();
            assert_eq!(stage.seen(), left, "{seen} seen, {decided} decided");
            assert_eq!(stage.fates.behind(), None);
            assert_eq!((stage.fates.undecided, stage.fates.undecided_bytes, stage.fates.ahead), (0, 0, 0));
        }
    }

    #[test]
    fn when_all_is_removed_nothing_is_waited_for() {
        let mut stage = Stage::new();
        stage.committed(0);
        stage.fates.removed(HERE, 1, stage.now, &mut stage.out);
        assert_eq!((stage.seen(), stage.fates.behind()), (vec![], Some(Millis::MIN)));
        stage.reached(1);
        assert_eq!(stage.fates.behind(), None);
    }

    #[test]
    fn what_is_not_read_to_its_end_says_up_to_which_time_it_was_seen() {
        let mut stage = Stage::new();
        assert_eq!(stage.fates.behind(), None);
        // The reader of what is committed goes on before the other one has come to it.
        stage.committed(0);
        stage.reached(1);
        assert_eq!(stage.fates.behind(), Some(Millis::MIN));
        stage.saw(0, 0);
        assert_eq!((stage.fates.behind(), stage.seen()), (None, vec![(0, Committed, false)]));
        stage.saw(0, 1);
        stage.committed(1);
        assert_eq!(stage.fates.behind(), Some(0), "whether more follows is not known");
        stage.reached(2);
        assert_eq!(stage.fates.behind(), None);
        stage.fates.begin((TOPIC, 2), 0, false, stage.now);
        assert_eq!(stage.fates.behind(), Some(Millis::MIN), "nothing of it has come yet");
    }

    #[test]
    fn what_was_read_before_is_not_seen_twice() {
        let mut stage = Stage::new();
        for _ in 0..2 {
            stage.saw(0, 0);
            stage.committed(0);
        }
        assert_eq!(stage.seen(), [(0, Committed, false)]);
    }
}
