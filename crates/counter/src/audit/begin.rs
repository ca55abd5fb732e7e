//! With which balance a count can begin, or else with which record.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use eventlog::{FollowError, Log, Millis, Offset, OpenError, Partition, Start, Topic};
use ledger::{Balance, Floors, Ledger, TOPICS};
use order::topic;
use shop::Day;

use super::Count;

/// Polls for the first records that are kept; each waits no longer than that.
const LOOKS: usize = 50;
const LOOK: Duration = Duration::from_millis(200);

/// Topics in which each order has records. Dead letters are rare: that the oldest is young says nothing of the others.
const DENSE: [Topic; 3] = [topic::RECEIVED, topic::EVENT, topic::PROCESSED];

/// Where a count begins.
#[derive(Debug, Clone)]
pub(super) enum Beginning {
    /// Where a day closed.
    Balance(Box<Balance>),
    /// With the first record that there ever was.
    First,
    /// With what is kept, from this time on.
    Kept(Floors),
    /// With this time, although there is more before it.
    Time(Floors),
}

/// Offsets of partitions of topics.
pub(super) type Ends = BTreeMap<(Topic, Partition), Offset>;

pub(super) fn positions(log: &dyn Log, start: &Start) -> Result<Ends, OpenError> {
    let topics = TOPICS.map(|topic| (topic, start.clone()));
    let positions = log.follow(&topics)?.positions();
    Ok(positions.into_iter().map(|at| ((at.topic, at.partition), at.offset)).collect())
}

impl Beginning {
    /// What is kept, whatever days say.
    pub(super) fn of_all(log: &dyn Log, now: Millis) -> Result<Self, BeginError> {
        let (first, end) = (positions(log, &Start::Beginning)?, positions(log, &Start::End)?);
        Self::kept(log, &first, &end, now)
    }

    /// The last balance of a day before this one that everything behind is kept of; else what is kept.
    pub(super) fn before(
        log: &dyn Log,
        days: &BTreeMap<String, Balance>,
        day: &Day,
        now: Millis,
    ) -> Result<Self, BeginError> {
        let (first, end) = (positions(log, &Start::Beginning)?, positions(log, &Start::End)?);
        match balance(days, day, &first, &end) {
            Some(balance) => Ok(Self::Balance(Box::new(balance.clone()))),
            None => Self::kept(log, &first, &end, now),
        }
    }

    /// The same for a count that needs to know nothing of before this day.
    pub(super) fn of_day(
        log: &dyn Log,
        days: &BTreeMap<String, Balance>,
        day: &Day,
        now: Millis,
    ) -> Result<Self, BeginError> {
        let (first, end) = (positions(log, &Start::Beginning)?, positions(log, &Start::End)?);
        if let Some(balance) = balance(days, day, &first, &end) {
            return Ok(Self::Balance(Box::new(balance.clone())));
        }
        let from = positions(log, &Start::Time(day.from))?;
        // Where nothing of before the day is kept, something of the day may be gone, too.
        let is_cut =
            |topic: &Topic| of(&first, topic).any(|at| at.1 > 0 && from.get(&(*topic, at.0)) == Some(&at.1));
        if DENSE.iter().any(is_cut) || TOPICS.iter().all(|topic| of(&from, topic).eq(of(&first, topic))) {
            return Self::kept(log, &first, &end, now);
        }
        Ok(Self::Time(Floors { time: day.from, received: of(&from, topic::RECEIVED).collect() }))
    }

    fn kept(log: &dyn Log, first: &Ends, end: &Ends, now: Millis) -> Result<Self, BeginError> {
        let cut = first.iter().filter(|(at, offset)| DENSE.contains(&at.0) && **offset > 0);
        let cut: Vec<_> = cut.map(|(at, offset)| (*at, *offset)).collect();
        if cut.is_empty() {
            return Ok(Self::First);
        }
        let is_kept = |(at, offset): &(_, Offset)| end.get(at).is_some_and(|end| end > offset);
        let mut wanted: BTreeSet<_> = cut.into_iter().filter(is_kept).map(|(at, _)| at).collect();
        let mut follow = log.follow(&DENSE.map(|topic| (topic, Start::Beginning)))?;
        let mut time = Millis::MIN;
        for _ in 0..LOOKS {
            if wanted.is_empty() {
                break;
            }
            let batch = follow.poll(LOOK)?;
            for entry in &batch.entries {
                if wanted.remove(&(entry.topic, entry.partition)) {
                    time = time.max(entry.timestamp);
                }
            }
            if batch.at_end {
                break;
            }
        }
        // Where nothing is left it begins with what comes.
        let time = if time == Millis::MIN { now } else { time };
        Ok(Self::Kept(Floors { time, received: of(first, topic::RECEIVED).collect() }))
    }

    /// Where to begin in each topic.
    pub(super) fn starts(&self) -> Vec<(Topic, Start)> {
        let start = |topic| match self {
            Self::Balance(balance) => Start::Offsets(balance.to.of(topic).collect()),
            Self::First | Self::Kept(_) => Start::Beginning,
            Self::Time(floors) => Start::Time(floors.time),
        };
        TOPICS.map(|topic| (topic, start(topic))).to_vec()
    }

    /// A count of this day that begins here.
    pub(super) fn count(&self, business: Day, partitions: u32) -> Count {
        let (ledger, day) = match self {
            Self::Balance(balance) => (Ledger::after(balance), ledger::Day::after(&balance.live)),
            Self::First => (Ledger::default(), ledger::Day::default()),
            Self::Kept(floors) | Self::Time(floors) => (Ledger::since(floors), ledger::Day::default()),
        };
        Count::new(ledger, day, business, partitions)
    }
}

/// Why nothing can be counted from the log at the moment.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// No follower could be had.
    #[error("the log can't be followed: {0}")]
    Open(#[from] OpenError),
    /// The follower can't go on.
    #[error("following the log ended: {0}")]
    Follow(#[from] FollowError),
}

fn of(ends: &Ends, topic: Topic) -> impl Iterator<Item = (Partition, Offset)> + '_ {
    ends.range((topic, 0)..=(topic, Partition::MAX)).map(|((_, partition), offset)| (*partition, *offset))
}

/// The last balance before a day with which a count can begin.
fn balance<'a>(
    days: &'a BTreeMap<String, Balance>,
    day: &Day,
    first: &Ends,
    end: &Ends,
) -> Option<&'a Balance> {
    let is_there = |balance: &&Balance| {
        balance.is_whole()
            && TOPICS.iter().all(|&topic| {
                balance.to.of(topic).all(|(partition, offset)| {
                    let at = (topic, partition);
                    first.get(&at).is_some_and(|first| *first <= offset)
                        && end.get(&at).is_some_and(|end| offset <= *end)
                })
            })
    };
    days.range(..day.date.to_string()).rev().map(|(_, balance)| balance).find(is_there)
}
