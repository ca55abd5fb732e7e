//! The same count, stopped at a moment.

use std::{collections::BTreeMap, time::Duration};

use eventlog::{Entry, Follow, FollowError, Log, OpenError, Position, Start, Topic};
use ledger::{Balance, Fault, TOPICS};
use order::{Millis, topic};
use shop::Day;

use super::{
    Count,
    begin::{BeginError, Beginning, Ends, positions},
    doubt,
};

/// A poll waits no longer for records that are there.
const POLL: Duration = Duration::from_millis(200);
/// Records that are read for one look at the past, at most.
const RECORDS_MAX: u64 = 10_000_000;

/// How everything was at a moment.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) count: Count,
    /// Where each partition was at that moment.
    pub(crate) to: Vec<Position>,
    /// Where it began.
    pub(super) began: Beginning,
    /// When something was written beside that moment.
    pub(crate) beside: Beside,
    /// The rest of something stands behind that moment: no count can go on from there.
    pub(super) in_doubt: bool,
}

/// When something was written beside a moment: one steps from event to event by it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beside {
    /// The last time before it; `None`: nothing of what was counted is older.
    pub(crate) before: Option<Millis>,
    /// The first time after it; `None`: there is none yet.
    pub(crate) after: Option<Millis>,
}

impl Beside {
    fn see(&mut self, time: Millis, at: Millis) {
        if time < at {
            self.before = self.before.max(Some(time));
        } else if time > at {
            self.after = Some(self.after.map_or(time, |after| after.min(time)));
        }
    }
}

/// Why the past can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It is no longer in the log.
    #[error("the log is kept from {kept} on")]
    Gone {
        /// From this time on it is there.
        kept: Millis,
    },
    /// More was written on that day than is read for a look at it.
    #[error("that day has more than {RECORDS_MAX} records")]
    TooMuch,
    /// Nobody remembers the order, and what would be of it is no longer in the log.
    #[error("the log is kept from {kept} on, and has nothing of this order")]
    OrderGone {
        /// From this time on everything is there.
        kept: Millis,
    },
    /// More was written since than is read for one order.
    #[error("more was written since than is read for one order")]
    OrderTooFar,
    /// The log can't be read.
    #[error(transparent)]
    Begin(#[from] BeginError),
}

impl From<OpenError> for PastError {
    fn from(error: OpenError) -> Self {
        Self::Begin(error.into())
    }
}

impl From<FollowError> for PastError {
    fn from(error: FollowError) -> Self {
        Self::Begin(error.into())
    }
}

impl Past {
    /// How everything was at this moment, which belongs to that business day.
    pub(crate) fn at(
        log: &dyn Log,
        days: &BTreeMap<String, Balance>,
        day: Day,
        at: Millis,
        now: Millis,
    ) -> Result<Self, PastError> {
        let began = Beginning::of_day(log, days, &day, now)?;
        if let Beginning::Kept(floors) = &began
            && floors.time > at
        {
            return Err(PastError::Gone { kept: floors.time });
        }
        Self::count(log, began, day, at)
    }

    /// Counts from there up to this moment.
    pub(super) fn count(log: &dyn Log, began: Beginning, day: Day, at: Millis) -> Result<Self, PastError> {
        let mut count = began.count(day, log.partitions(topic::RECEIVED));
        let ends = positions(log, &Start::End)?;
        let mut to = Vec::new();
        let mut records = 0;
        let mut beside = Beside::default();
        // One follower for each: a topic with fewer records would else be read far beyond the moment.
        let mut follows = Vec::new();
        for (topic, start) in began.starts() {
            follows.push(log.follow(&[(topic, start)])?);
        }
        for follow in &mut follows {
            to.extend(read(follow.as_mut(), &ends, at, &mut beside, |entry| {
                count.take(entry);
                records += 1;
                records <= RECORDS_MAX
            })?);
        }
        if records > RECORDS_MAX {
            return Err(PastError::TooMuch);
        }
        let in_doubt = settle(log, &mut count, &to, &ends, at)?;
        Ok(Self { count, to, began, beside, in_doubt })
    }
}

/// What does not fit is wrong, unless the rest of it stands a moment later: brokers write the records of one transaction
/// one after the other, each by its own clock. Says whether there was anything of that kind.
fn settle(
    log: &dyn Log,
    count: &mut Count,
    to: &[Position],
    ends: &Ends,
    at: Millis,
) -> Result<bool, PastError> {
    for repeat in doubt::decided_before(log, count.ledger.suspects())? {
        count.ledger.is_repeat(&repeat);
    }
    count.equation = count.ledger.equation();
    count.faults = count.ledger.faults();
    if count.faults.is_empty() {
        return Ok(false);
    }
    let mut later = count.ledger.clone();
    for topic in TOPICS {
        let of_topic = to.iter().filter(|position| position.topic == topic);
        let starts = of_topic.map(|position| (position.partition, position.offset)).collect();
        let mut follow = log.follow(&[(topic, Start::Offsets(starts))])?;
        read(follow.as_mut(), ends, at.saturating_add(doubt::GRACE_MS), &mut Beside::default(), |entry| {
            later.apply(entry);
            true
        })?;
    }
    let rest = later.faults();
    let is_wrong = |fault: &Fault| rest.iter().any(|other| fault.is_like(other));
    let before = count.faults.len();
    count.faults.retain(is_wrong);
    if count.faults.is_empty() && !count.equation.holds() && later.equation().holds() {
        count.equation = later.equation();
    }
    Ok(count.faults.len() < before)
}

/// Hands over what was written up to this moment, as long as it is wanted; says where that ends in each partition, and
/// what is beside it.
pub(super) fn read(
    follow: &mut dyn Follow,
    ends: &Ends,
    at: Millis,
    beside: &mut Beside,
    mut take: impl FnMut(&Entry) -> bool,
) -> Result<Vec<Position>, FollowError> {
    let mut beyond = Ends::new();
    let mut is_end = false;
    loop {
        let positions = follow.positions();
        let is_open = |position: &Position| {
            let place = (position.topic, position.partition);
            !beyond.contains_key(&place) && ends.get(&place).is_some_and(|end| position.offset < *end)
        };
        if is_end || !positions.iter().any(is_open) {
            let cut = |position: Position| {
                let offset = beyond.get(&(position.topic, position.partition)).copied();
                Position { offset: offset.unwrap_or(position.offset), ..position }
            };
            return Ok(positions.into_iter().map(cut).collect());
        }
        let batch = follow.poll(POLL)?;
        for entry in &batch.entries {
            beside.see(entry.timestamp, at);
            let place = (entry.topic, entry.partition);
            // Where times run backwards, what stands behind the moment is of later all the same: a count that goes on
            // from here reads it.
            if entry.timestamp > at {
                beyond.entry(place).or_insert(entry.offset);
            } else if !beyond.contains_key(&place) && !take(entry) {
                return Ok(follow.positions());
            }
        }
        // Behind the last record there may be offsets without one.
        is_end = batch.at_end;
    }
}

/// The topics of a count, of which only those are read that orders as they were are made from.
pub(super) const OF_ORDERS: [Topic; 2] = [TOPICS[0], TOPICS[1]];

#[cfg(test)]
mod tests {
    use eventlog::{Batch, Offset, Record};

    use super::*;

    /// One partition in which times run backwards, as they do where a broker with another clock takes over.
    struct Backwards {
        times: Vec<Millis>,
        read: usize,
    }

    impl Follow for Backwards {
        fn poll(&mut self, _: Duration) -> Result<Batch, FollowError> {
            let entry = |(timestamp, offset): (&Millis, Offset)| Entry {
                topic: topic::EVENT,
                partition: 0,
                offset,
                timestamp: *timestamp,
                record: Record::new("a", "b"),
            };
            let entries: Vec<_> = self.times.iter().zip(0..).skip(self.read).map(entry).collect();
            self.read = self.times.len();
            Ok(Batch { at_end: true, entries })
        }

        fn add(&mut self, _: Topic, _: Start) -> Result<(), FollowError> {
            Ok(())
        }

        fn positions(&self) -> Vec<Position> {
            vec![Position { topic: topic::EVENT, partition: 0, offset: self.read as Offset }]
        }
    }

    #[test]
    fn where_times_run_backwards_a_count_that_goes_on_from_a_moment_reads_each_record_once() {
        let mut follow = Backwards { times: vec![10, 30, 20, 40], read: 0 };
        let ends = BTreeMap::from([((topic::EVENT, 0), 4)]);
        let (mut taken, mut beside) = (Vec::new(), Beside::default());
        let to = read(&mut follow, &ends, 25, &mut beside, |entry| {
            taken.push(entry.offset);
            true
        })
        .unwrap();
        assert_eq!(taken, [0], "what stands behind the moment is of later");
        assert_eq!(to[0].offset, 1, "and the next count begins with it");
    }
}
