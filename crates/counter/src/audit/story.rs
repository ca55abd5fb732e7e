//! The records of one order that nobody remembers any more, found in the log.
//!
//! Nothing says where an order of before stands. It is looked for back from a moment, a day at first and then twice as
//! far each time: who asks for an order has mostly seen it lately, and each record is read once.

use std::{collections::BTreeMap, ops::RangeInclusive};

use eventlog::{Entry, Log, Offset, Partition, Start, Topic};
use order::{Event, Millis, OrderId, topic};

use super::{
    Beside, PastError,
    begin::{Beginning, Ends, positions},
    past::{OF_ORDERS, read},
};

/// So far back is looked at first.
const STEP_MS: Millis = 24 * 60 * 60 * 1_000;
/// A finished order is remembered no longer: what is said of its id later is of another one. Source: the contract's
/// remembered window, and some.
const REMEMBERED_MS: Millis = 25 * 60 * 60 * 1_000;
/// Records that are read for one order, at most.
const RECORDS_MAX: u64 = 5_000_000;
/// Decisions on one order, at most.
const EVENTS_MAX: usize = 10_000;

/// What the log says of one order.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) partition: Partition,
    /// Where its record of `order.received` stands, and when that was written, if it was read.
    pub(crate) accepted: Option<(Offset, Millis)>,
    /// Where its decisions stand, when they were written, and what they say.
    pub(crate) events: Vec<(Offset, Millis, Event)>,
}

/// Finds the last order of this id that was there at a moment. Nothing: there never was one. `is_late`: it takes too long.
pub(crate) fn story_of(
    log: &dyn Log,
    id: &OrderId,
    until: Millis,
    now: Millis,
    is_late: impl Fn() -> bool,
) -> Result<Option<Story>, PastError> {
    let (first, end) = (places(log, &Start::Beginning)?, places(log, &Start::End)?);
    let moment = if until >= now { end.clone() } else { places(log, &Start::Time(until.saturating_add(1)))? };
    let mut search = Search { id, is_late, records: 0, accepted: BTreeMap::new(), events: BTreeMap::new() };
    let (mut to, mut time, mut step) = (moment.clone(), until, STEP_MS);
    loop {
        time = time.saturating_sub(step);
        step = step.saturating_mul(2);
        let mut from = places(log, &Start::Time(time))?;
        for (place, offset) in &mut from {
            *offset = to.get(place).map_or(*offset, |to| *to.min(offset));
        }
        search.look(log, &from, &to, &OF_ORDERS)?;
        if search.is_found() || from == first || time < 0 {
            break;
        }
        to = from;
    }
    let Some(partition) = search.partition() else {
        return match Beginning::of_all(log, now)? {
            Beginning::Kept(floors) => Err(PastError::Gone { kept: floors.time }),
            _ => Ok(None),
        };
    };
    let begins = search.begins(partition);
    if moment != end {
        search.go_on(log, partition, &moment, &end)?;
    }
    Ok(Some(search.told(partition, begins)))
}

fn places(log: &dyn Log, start: &Start) -> Result<Ends, PastError> {
    let mut places = positions(log, start)?;
    places.retain(|(topic, _), _| OF_ORDERS.contains(topic));
    Ok(places)
}

struct Search<'a, F> {
    id: &'a OrderId,
    is_late: F,
    records: u64,
    accepted: BTreeMap<(Partition, Offset), Millis>,
    events: BTreeMap<(Partition, Offset), (Millis, Event)>,
}

impl<F: Fn() -> bool> Search<'_, F> {
    /// Reads what stands between these places.
    fn look(&mut self, log: &dyn Log, from: &Ends, to: &Ends, topics: &[Topic]) -> Result<(), PastError> {
        for &topic in topics {
            let starts = from.iter().filter(|((of, _), _)| *of == topic);
            let starts = starts.map(|((_, partition), offset)| (*partition, *offset)).collect();
            let mut follow = log.follow(&[(topic, Start::Offsets(starts))])?;
            let mut is_enough = false;
            read(follow.as_mut(), to, Millis::MAX, &mut Beside::default(), |entry| {
                let is_wanted =
                    to.get(&(entry.topic, entry.partition)).is_some_and(|end| entry.offset < *end);
                is_enough = is_wanted && !self.take(entry);
                !is_enough
            })?;
            if is_enough {
                return Err(PastError::TooMuch);
            }
        }
        Ok(())
    }

    /// Whether more may be read.
    fn take(&mut self, entry: &Entry) -> bool {
        self.records += 1;
        if entry.record.key.as_deref() == Some(self.id.as_str().as_bytes()) {
            let place = (entry.partition, entry.offset);
            if entry.topic == topic::RECEIVED {
                self.accepted.insert(place, entry.timestamp);
            } else if let Some(event) = event(entry) {
                self.events.insert(place, (entry.timestamp, event));
            }
        }
        // The clock is asked now and then.
        let is_late = self.records.is_multiple_of(1_024) && (self.is_late)();
        !is_late && self.records < RECORDS_MAX && self.events.len().max(self.accepted.len()) < EVENTS_MAX
    }

    /// Whether what was found is all that there is of the order before the moment.
    fn is_found(&self) -> bool {
        let Some(partition) = self.partition() else { return false };
        self.events.range(all(partition)).next().is_none() || self.begins(partition).is_some()
    }

    /// The partition of what was written last.
    fn partition(&self) -> Option<Partition> {
        let accepted = self.accepted.iter().map(|(place, time)| (*time, place.0));
        let decided = self.events.iter().map(|(place, (time, _))| (*time, place.0));
        accepted.chain(decided).max().map(|(_, partition)| partition)
    }

    /// Where the last order of this id was taken.
    fn begins(&self, partition: Partition) -> Option<Offset> {
        let taken = self.events.range(all(partition)).rev().find(|(_, (_, event))| is_taken(event));
        taken.map(|((_, offset), _)| *offset)
    }

    /// Reads what became of it after the moment.
    fn go_on(
        &mut self,
        log: &dyn Log,
        partition: Partition,
        from: &Ends,
        end: &Ends,
    ) -> Result<(), PastError> {
        let of_this = |ends: &Ends| -> Ends {
            let place = (topic::EVENT, partition);
            ends.get(&place).map(|offset| (place, *offset)).into_iter().collect()
        };
        let mut starts = end.clone();
        starts.extend(of_this(from));
        let starts = starts.into_iter().filter(|((of, _), _)| *of == topic::EVENT);
        let starts = starts.map(|((_, partition), offset)| (partition, offset)).collect();
        let mut follow = log.follow(&[(topic::EVENT, Start::Offsets(starts))])?;
        let is_begun = self.events.range(all(partition)).next().is_some();
        let mut is_enough = false;
        read(follow.as_mut(), &of_this(end), Millis::MAX, &mut Beside::default(), |entry| {
            if entry.partition != partition {
                return true;
            }
            let last = self.events.range(all(partition)).next_back();
            let is_over = last.is_some_and(|(_, (time, event))| {
                !event.to.is_live() && entry.timestamp > time.saturating_add(REMEMBERED_MS)
            });
            let is_another = is_begun
                && entry.record.key.as_deref() == Some(self.id.as_str().as_bytes())
                && event(entry).is_some_and(|event| is_taken(&event));
            if is_over || is_another {
                return false;
            }
            is_enough = !self.take(entry);
            !is_enough
        })?;
        if is_enough { Err(PastError::TooMuch) } else { Ok(()) }
    }

    fn told(self, partition: Partition, begins: Option<Offset>) -> Story {
        let from = begins.unwrap_or_default();
        let events: Vec<_> = self
            .events
            .into_iter()
            .filter(|((of, offset), _)| *of == partition && *offset >= from)
            .map(|((_, offset), (time, event))| (offset, time, event))
            .collect();
        let taken = events.iter().find_map(|(_, _, event)| Some(event.taken.as_ref()?.at.offset));
        let mut accepted = self.accepted.into_iter().filter(|((of, _), _)| *of == partition);
        let accepted = match taken {
            Some(taken) => accepted.find(|((_, offset), _)| *offset == taken),
            None => accepted.next_back(),
        };
        Story { partition, accepted: accepted.map(|((_, offset), time)| (offset, time)), events }
    }
}

fn event(entry: &Entry) -> Option<Event> {
    Event::parse(entry.record.value.as_deref()?).ok()
}

/// Whether an order begins with it.
fn is_taken(event: &Event) -> bool {
    event.version == 1 && event.from.is_none() && event.refused.is_none() && !event.repeat
}

fn all(partition: Partition) -> RangeInclusive<(Partition, Offset)> {
    (partition, 0)..=(partition, Offset::MAX)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use eventlog::{
        Cleanup, Partitions, Record, TopicSpec,
        sim::{self, SimClock, SimLog},
    };

    use order::{At, Book, Order, Placed, Rules, Verdict};

    use super::*;

    fn log(partitions: u32) -> Arc<SimLog> {
        let spec = |name| TopicSpec {
            name,
            cleanup: Cleanup::Delete(Duration::from_hours(24)),
            partitions: Partitions::Like(topic::RECEIVED),
        };
        SimLog::new(sim::Options {
            topics: ledger::TOPICS.map(spec).to_vec(),
            partitions,
            clock: SimClock::new(1_000),
            ..sim::Options::default()
        })
    }

    #[test]
    fn an_order_that_nobody_decided_on_is_found_in_any_partition() {
        let (log, id) = (log(3), OrderId::new("lost").unwrap());
        log.append(topic::RECEIVED, 2, Record::new("other", "{}"));
        log.append(topic::RECEIVED, 2, Record::new("lost", "{}"));
        let story = story_of(&*log, &id, 1_000, 1_000, || false).unwrap().unwrap();
        assert_eq!((story.partition, story.accepted, story.events.len()), (2, Some((1, 1_000)), 0));
        assert!(story_of(&*log, &id, 999, 1_000, || false).unwrap().is_none(), "it was not there yet");
    }

    /// What a barista decides on the order whose record stands there.
    fn taken(log: &SimLog, id: &str, offset: Offset) {
        let at = At { partition: 0, offset };
        let placed = Placed { at, received_at: 5, foreign: true, history_from: 0, traceparent: None };
        let order = Order::new(OrderId::new(id).unwrap(), 1);
        let verdict = Book::default().take(order, placed, 5, &Rules::default(), true);
        let Verdict::Changed(change) = verdict else { panic!("it is new") };
        log.append(topic::EVENT, 0, Record::new(id.to_owned(), change.event.to_json()));
    }

    #[test]
    fn of_an_id_that_was_used_twice_one_order_is_told_of() {
        let (log, id) = (log(1), OrderId::new("again").unwrap());
        for time in [1_000, 2_000] {
            log.clock().set(time);
            let at = log.append(topic::RECEIVED, 0, Record::new("again", "{}"));
            taken(&log, "again", at.offset);
        }
        for (until, accepted, event) in [(1_500, (0, 1_000), 0), (2_000, (1, 2_000), 1)] {
            let story = story_of(&*log, &id, until, 2_000, || false).unwrap().unwrap();
            let events: Vec<_> = story.events.iter().map(|(offset, ..)| *offset).collect();
            assert_eq!((story.accepted, events), (Some(accepted), vec![event]), "as it was at {until}");
        }
    }

    #[test]
    fn a_search_that_takes_too_long_ends_and_says_so() {
        let (log, id) = (log(1), OrderId::new("rare").unwrap());
        log.append(topic::RECEIVED, 0, Record::new("rare", "{}"));
        for _ in 0..2_000 {
            log.append(topic::RECEIVED, 0, Record::new("other", "{}"));
        }
        let late = story_of(&*log, &id, 1_000, 1_000, || true);
        assert!(matches!(late, Err(PastError::TooMuch)), "{late:?}");
        assert!(story_of(&*log, &id, 1_000, 1_000, || false).unwrap().is_some());
    }
}
