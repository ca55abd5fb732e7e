//! What does not fit at first sight: the rest of it may be a moment away, and an order that was passed over may be the
//! repeat of one that was finished before the count began.

use std::collections::{BTreeMap, HashMap};

use eventlog::{Log, Millis, Partition, Start};
use ledger::{Fault, Says, Suspect, Wrong};
use order::topic;

use super::{
    Beside, Count,
    begin::{BeginError, positions},
    past::read,
};
use crate::view::Views;

/// What several brokers mark as committed, readers may see one after the other.
pub(super) const GRACE_MS: Millis = 3_000;
/// How far back an order that is remembered was decided on, at least once. Source: the contract's remembered window.
const WINDOW_MS: Millis = 25 * 60 * 60 * 1_000;
/// Records that are looked through for repeats.
const RECORDS_MAX: usize = 2_000_000;

/// What is in doubt, and since when.
#[derive(Debug, Default)]
pub(super) struct Doubts(BTreeMap<Fault, Millis>);

impl Doubts {
    /// The orders of which it must be known whether they are repeats before [`Doubts::look`]: the count takes them for passed
    /// over, and their time is over.
    pub(super) fn suspects(&self, count: &Count, now: Millis) -> Vec<Suspect> {
        let is_asked = |(fault, since): (&Fault, &Millis)| {
            fault.wrong == Wrong::PassedOver && is_due(*since, now) && !count.faults.contains(fault)
        };
        if self.0.iter().any(is_asked) { count.ledger.suspects() } else { Vec::new() }
    }

    /// Looks at what does not fit now. Says whether anything is in doubt still; what is not is in [`Count::faults`].
    pub(super) fn look(&mut self, count: &mut Count, now: Millis) -> bool {
        let mut faults = count.ledger.faults();
        self.0.retain(|fault, _| faults.binary_search(fault).is_ok());
        // A clock that is set back makes nothing certain.
        self.0.values_mut().for_each(|since| *since = now.min(*since));
        for fault in &faults {
            self.0.entry(fault.clone()).or_insert(now);
        }
        faults.retain(|fault| self.0.get(fault).is_some_and(|since| is_due(*since, now)));
        let in_doubt = faults.len() < self.0.len();
        count.faults = faults;
        in_doubt
    }
}

fn is_due(since: Millis, now: Millis) -> bool {
    now.saturating_sub(since) >= GRACE_MS
}

/// Whether this order was placed before, by what the counter shows.
pub(super) fn is_known(views: &Views, suspect: &Suspect) -> bool {
    views.look().is_some_and(|look| {
        look.get(&suspect.order_id.to_string()).is_some_and(|state| {
            state.version > 0 && state.at.partition == suspect.partition && state.at.offset < suspect.offset
        })
    })
}

/// Those of these orders that were decided on before they came, by what the log has.
pub(super) fn decided_before(log: &dyn Log, mut suspects: Vec<Suspect>) -> Result<Vec<Suspect>, BeginError> {
    let times = || suspects.iter().map(|suspect| suspect.received_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(suspects) };
    let mut decided: HashMap<(Partition, String), Millis> = HashMap::new();
    for suspect in &suspects {
        decided.insert((suspect.partition, suspect.order_id.to_string()), Millis::MAX);
    }
    let ends = positions(log, &Start::End)?;
    let mut follow = log.follow(&[(topic::EVENT, Start::Time(first.saturating_sub(WINDOW_MS)))])?;
    let mut records = 0;
    read(follow.as_mut(), &ends, last, &mut Beside::default(), |entry| {
        records += 1;
        let id = entry.record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        if let Some(id) = id
            && let Some(time) = decided.get_mut(&(entry.partition, id.to_owned()))
            && let Says::Decided(decision) = Says::of(entry)
            && decision.changes()
        {
            *time = entry.timestamp.min(*time);
        }
        records < RECORDS_MAX
    })?;
    suspects.retain(|suspect| {
        let decided = decided.get(&(suspect.partition, suspect.order_id.to_string()));
        decided.is_some_and(|time| *time <= suspect.received_at)
    });
    Ok(suspects)
}
