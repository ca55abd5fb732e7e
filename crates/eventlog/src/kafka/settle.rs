//! What became of the last transaction of a session that has ended, and how all of it comes to one end.
//!
//! The brokers decide a transaction in one place, the coordinator's log, and then write a mark of it into each
//! partition that it wrote to. In Kafka 4.3.0 to 4.4.0 some of the marks may never be written: while a partition has
//! no leader (its only broker is away, or has just come back and is not let in yet), a coordinator takes it for one
//! that was deleted ("these partitions are likely deleted already and hence can be skipped"), calls the transaction
//! complete, and never comes back to it (<https://issues.apache.org/jira/browse/KAFKA-20734>; 4.2 waits for the
//! leader). So a transaction may be committed in one topic and open in another, where it hides for ever what comes
//! after it. Nobody ends it but its own producer: the next mark of the same producer in that partition closes it
//! too, with whatever that mark says.
//!
//! Whoever comes after such a session, with its transactional id and so with its producer's, asks the log itself what
//! became of each part:
//!
//! - Nothing of it is committed: nobody has seen it, and it is taken back.
//! - Something is: somebody may have seen that, so the rest becomes committed as well. In the state's topic by the last
//!   of its records once more, which changes nothing there, and by whose mark all before it are visible at once. In
//!   others nothing may stand twice: what is hidden there is taken back, and all of it written anew.
//!
//! The end of a transaction is answered before its marks are written, and the next one may begin before it is heard that a
//! broker was lost. So the one before the last is asked for, too: that one is committed, wherever its marks are.
//!
//! The state comes last, in the transaction that is committed. Whoever has the partition by then waits for its state
//! and goes on when it is whole, so it does not decide the same once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    LOOK_UP,
    native::{Read, Reader},
    offsets::{Ask, Offsets, WITHIN, ask, ask_within},
    shared::{Failed, Shared},
};
use crate::{Offset, Partition, Record, Topic};

/// The most records that one look at a reader brings.
const BATCH: usize = 1_024;

/// A partition of a topic.
pub(super) type Place = (Topic, Partition);

/// The last transaction of a session.
#[derive(Debug, Clone)]
pub(super) struct Last {
    /// What it wrote, in this order.
    records: Arc<[(Topic, Partition, Record)]>,
    /// A lower bound of where that stands in each place.
    from: Offsets,
    /// Where it was taken back to be written anew.
    taken_back: BTreeSet<Place>,
    /// The brokers have said that it is committed, wherever that can be seen: another one had begun after it.
    is_committed: bool,
}

/// What became of it in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// It is not there: it never was, or was removed since.
    None,
    Committed,
    Aborted,
    /// It has no mark, and hides what comes after it.
    Open,
    /// Somebody else's has none and stands before it: whether it has one itself can't be seen.
    Behind,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Where it is to be taken back.
    pub(super) take_back: BTreeSet<Place>,
    /// Which of its records are to be written anew then: by their places among all.
    pub(super) anew: Vec<usize>,
}

impl Last {
    pub(super) fn new(records: Vec<(Topic, Partition, Record)>, from: Offsets) -> Self {
        Self { records: records.into(), from, taken_back: BTreeSet::new(), is_committed: false }
    }

    /// It was answered, and the one that began after it was not: what takes that back takes along what is open of this one.
    pub(super) fn note_next_is_taken_back(&mut self) {
        self.is_committed = true;
    }

    /// Where it wrote.
    pub(super) fn places(&self) -> Vec<Place> {
        self.from.keys().copied().collect()
    }

    /// The first record of a place: what is written after it can't be there without it.
    pub(super) fn first(&self, place: Place) -> Option<&Record> {
        self.records.iter().find(|(topic, partition, _)| (*topic, *partition) == place).map(|(.., it)| it)
    }

    pub(super) fn record(&self, at: usize) -> Option<&(Topic, Partition, Record)> {
        self.records.get(at)
    }

    /// Here it is about to be taken back, to be written anew.
    pub(super) fn note_taken_back(&mut self, places: &BTreeSet<Place>) {
        self.taken_back.extend(places);
    }

    /// What is to be done about it; `None`: what became of it can't be seen yet.
    pub(super) fn plan(&self, marks: &Marks, state: Topic) -> Option<Plan> {
        let is = |wanted: Mark| move |(_, mark): &(&Place, &Mark)| **mark == wanted;
        let open = || marks.0.iter().filter(is(Mark::Open)).map(|(place, _)| *place);
        if !self.is_committed && !marks.0.iter().any(|it| is(Mark::Committed)(&it)) {
            let is_known = !marks.0.iter().any(|it| is(Mark::Behind)(&it));
            return is_known.then(|| Plan { take_back: open().collect(), anew: Vec::new() });
        }
        let (of_state, take_back): (BTreeSet<_>, BTreeSet<_>) =
            open().partition(|(topic, _)| *topic == state);
        let is_gone = |place: &Place| marks.0.get(place) == Some(&Mark::Aborted);
        let may_be_gone = |place: &Place| self.is_committed || self.taken_back.contains(place);
        let again: BTreeSet<_> =
            self.from.keys().copied().filter(|place| may_be_gone(place) && is_gone(place)).collect();
        let (mut anew, mut last_of_state) = (Vec::new(), BTreeMap::new());
        for (at, (topic, partition, _)) in self.records.iter().enumerate() {
            let place = (*topic, *partition);
            if take_back.contains(&place) || again.contains(&place) {
                anew.push(at);
            } else if of_state.contains(&place) {
                last_of_state.insert(place, at);
            }
        }
        anew.extend(last_of_state.into_values());
        Some(Plan { take_back, anew })
    }
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.take_back.is_empty() && self.anew.is_empty()
    }
}

/// What became of a transaction in each place that it wrote to.
#[derive(Debug)]
pub(super) struct Marks(BTreeMap<Place, Mark>);

impl Marks {
    /// As if nothing of it were where that can't be seen.
    pub(super) fn without_unseen(mut self) -> Self {
        for mark in self.0.values_mut().filter(|mark| **mark == Mark::Behind) {
            *mark = Mark::None;
        }
        self
    }
}

/// `copies`: where its first record stands, rising; `committed`: those of them that whoever reads what is committed
/// gets; `stable`: up to where that reader gets.
fn mark(copies: &[Offset], committed: &[Offset], stable: Offset) -> Mark {
    if !committed.is_empty() {
        Mark::Committed
    } else if copies.contains(&stable) {
        // The reader stops at the first record of the oldest transaction without a mark.
        Mark::Open
    } else if copies.last().is_some_and(|last| *last > stable) {
        Mark::Behind
    } else if copies.is_empty() {
        Mark::None
    } else {
        Mark::Aborted
    }
}

/// Whether every transaction in these places has its mark, as far as that can be seen. `reader` sees what is
/// committed.
pub(super) fn is_all_marked(
    shared: &Shared,
    reader: &Reader,
    places: &[Place],
    within: Duration,
) -> Result<bool, Failed> {
    // In this order: what is written between the two questions must not look like a mark that is missing.
    let ends = ask_within(shared, &shared.probe, places, Ask::End, within)?;
    let stable = ask_within(shared, reader.consumer(), places, Ask::End, within)?;
    Ok(places.iter().all(|place| stable.get(place) >= ends.get(place)))
}

/// Asks the log what became of a transaction. Its coordinator has called it complete: no mark comes any more.
pub(super) fn look(shared: &Arc<Shared>, last: &Last, deadline: Instant) -> Result<Marks, Failed> {
    let (bell, places) = (shared.bell(), last.places());
    let mut committed = Scan::new(shared.reader(BATCH, &bell)?);
    let may_be_gone = last.is_committed || !last.taken_back.is_empty();
    if !may_be_gone && is_all_marked(shared, &committed.reader, &places, WITHIN)? {
        return Ok(Marks(BTreeMap::new()));
    }
    let mut everything = Scan::new(shared.reader_as(&shared.options.reader_of_everything(), BATCH, &bell)?);
    let earliest = ask(shared, everything.reader.consumer(), &places, Ask::Beginning)?;
    let stable = ask(shared, committed.reader.consumer(), &places, Ask::End)?;
    let ends = ask(shared, everything.reader.consumer(), &places, Ask::End)?;
    for place in &places {
        let from = last.from[place].max(earliest[place]);
        everything.begin(shared, *place, from, ends[place])?;
        committed.begin(shared, *place, from, stable[place])?;
    }
    while !(everything.is_done() && committed.is_done()) {
        let has_read = everything.read(shared, last)? + committed.read(shared, last)? > 0;
        let now = Instant::now();
        if shared.is_closed() || now >= deadline {
            let sentence = "what became of the last transaction could not be read in time".to_owned();
            return Err(Failed { sentence, heals: true });
        }
        if !has_read {
            bell.wait_until(deadline.min(now + LOOK_UP));
        }
    }
    let found = |scan: &Scan, place| scan.found.get(&place).cloned().unwrap_or_default();
    let mark = |place| mark(&found(&everything, place), &found(&committed, place), stable[&place]);
    Ok(Marks(places.into_iter().map(|place| (place, mark(place))).collect()))
}

/// Looks for the first records of a transaction.
struct Scan {
    reader: Reader,
    /// What is still to be read, and up to where.
    upto: Offsets,
    found: BTreeMap<Place, Vec<Offset>>,
}

impl Scan {
    fn new(reader: Reader) -> Self {
        Self { reader, upto: Offsets::new(), found: BTreeMap::new() }
    }

    fn begin(&mut self, shared: &Shared, place: Place, from: Offset, upto: Offset) -> Result<(), Failed> {
        if from < upto {
            let started = self.reader.start(place.0, place.1, from);
            started.map_err(|code| shared.failed(&tried(shared, place.0), code, ""))?;
            self.upto.insert(place, upto);
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.upto.is_empty()
    }

    fn read(&mut self, shared: &Shared, last: &Last) -> Result<usize, Failed> {
        let (upto, found, mut failed) = (&mut self.upto, &mut self.found, None);
        let count = self.reader.read(|read| {
            let (place, next) = match read {
                Read::Entry(entry) => {
                    let place = (entry.topic, entry.partition);
                    let is_wanted = upto.get(&place).is_some_and(|upto| entry.offset < *upto);
                    if is_wanted && last.first(place) == Some(&entry.record) {
                        found.entry(place).or_default().push(entry.offset);
                    }
                    (place, entry.offset + 1)
                }
                Read::End(topic, partition, end) => ((topic, partition), end),
                Read::Failed(topic, _, code, said) => {
                    failed.get_or_insert_with(|| shared.failed(&tried(shared, topic), code, &said));
                    return;
                }
            };
            if upto.get(&place).is_some_and(|upto| next >= *upto) {
                upto.remove(&place);
            }
        });
        failed.map_or(Ok(count), Err)
    }
}

fn tried(shared: &Shared, topic: Topic) -> String {
    format!("read topic {}", shared.options.prefixed(topic))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BELLS: Topic = "bells";
    const EVENTS: Topic = "events";
    const STATE: Topic = "state";

    fn last() -> Last {
        let records = [(BELLS, "b1"), (STATE, "s1"), (EVENTS, "e1"), (BELLS, "b2"), (STATE, "s2")];
        let records = records.map(|(topic, key)| (topic, 0, Record::new(key, "")));
        let from = [BELLS, EVENTS, STATE].map(|topic| ((topic, 0), 0));
        Last::new(records.to_vec(), from.into())
    }

    fn plan(last: &Last, bells: Mark, events: Mark, state: Mark) -> Option<(Vec<Topic>, Vec<usize>)> {
        let marks = [((BELLS, 0), bells), ((EVENTS, 0), events), ((STATE, 0), state)];
        let Plan { take_back, anew } = last.plan(&Marks(marks.into()), STATE)?;
        Some((take_back.into_iter().map(|(topic, _)| topic).collect(), anew))
    }

    use Mark::{Aborted, Behind, Committed, Open};

    #[test]
    fn what_has_its_mark_everywhere_is_left_alone() {
        for mark in [Committed, Aborted, Mark::None] {
            assert_eq!(plan(&last(), mark, mark, mark), Some((vec![], vec![])), "{mark:?}");
        }
        // The state of what is committed may have been compacted.
        assert_eq!(plan(&last(), Committed, Committed, Mark::None), Some((vec![], vec![])));
    }

    #[test]
    fn what_nobody_has_seen_is_taken_back() {
        assert_eq!(plan(&last(), Open, Open, Open), Some((vec![BELLS, EVENTS, STATE], vec![])));
        assert_eq!(plan(&last(), Aborted, Open, Mark::None), Some((vec![EVENTS], vec![])));
    }

    #[test]
    fn what_somebody_may_have_seen_becomes_committed_everywhere_and_nothing_stands_twice() {
        assert_eq!(plan(&last(), Committed, Committed, Open), Some((vec![], vec![4])));
        assert_eq!(plan(&last(), Committed, Open, Open), Some((vec![EVENTS], vec![2, 4])));
        assert_eq!(plan(&last(), Open, Committed, Committed), Some((vec![BELLS], vec![0, 3])));
    }

    #[test]
    fn what_was_taken_back_to_be_written_anew_is_written_anew_also_by_the_next_session() {
        let mut last = last();
        assert_eq!(plan(&last, Aborted, Committed, Open), Some((vec![], vec![4])), "by whom is not known");
        last.note_taken_back(&[(BELLS, 0)].into());
        assert_eq!(plan(&last, Aborted, Committed, Open), Some((vec![], vec![0, 3, 4])));
        assert_eq!(plan(&last, Open, Committed, Open), Some((vec![BELLS], vec![0, 3, 4])));
        assert_eq!(plan(&last, Committed, Committed, Committed), Some((vec![], vec![])));
    }

    #[test]
    fn what_was_answered_before_the_next_one_began_becomes_committed_everywhere_also_where_that_took_it_along()
     {
        let mut last = last();
        last.note_next_is_taken_back();
        assert_eq!(plan(&last, Committed, Committed, Open), Some((vec![], vec![4])));
        assert_eq!(plan(&last, Aborted, Committed, Open), Some((vec![], vec![0, 3, 4])));
        assert_eq!(plan(&last, Open, Open, Open), Some((vec![BELLS, EVENTS], vec![0, 2, 3, 4])));
        assert_eq!(plan(&last, Committed, Mark::None, Committed), Some((vec![], vec![])));
    }

    #[test]
    fn what_cant_be_seen_is_waited_for_before_anything_is_taken_back() {
        assert_eq!(plan(&last(), Behind, Aborted, Open), None);
        assert_eq!(plan(&last(), Behind, Committed, Open), Some((vec![], vec![4])));
    }

    #[test]
    fn a_mark_is_seen_by_how_far_the_reader_of_what_is_committed_comes() {
        assert_eq!(mark(&[], &[], 7), Mark::None);
        assert_eq!(mark(&[5], &[5], 7), Committed);
        assert_eq!(mark(&[5], &[], 7), Aborted);
        assert_eq!(mark(&[5], &[], 5), Open);
        assert_eq!(mark(&[5], &[], 3), Behind);
        // Taken back and written anew.
        assert_eq!(mark(&[5, 8], &[8], 10), Committed);
        assert_eq!(mark(&[5, 8], &[], 8), Open);
        assert_eq!(mark(&[5, 8], &[], 10), Aborted);
    }
}
