//! What does not fit at first sight: the rest of it may be a moment away, and an order that was passed over may be the
//! repeat of one that was finished before the count began.

use std::{collections::BTreeMap, time::Duration};

use eventlog::{Log, Millis, Start};
use ledger::{Fault, Says, Suspect, Wrong};
use order::topic;

use super::{Count, begin::BeginError};
use crate::view::Views;

/// What several brokers mark as committed, readers may see one after the other.
pub(super) const GRACE_MS: Millis = 3_000;
/// How far back an order that is remembered was decided on, at least once. Source: the contract's remembered window.
const WINDOW_MS: Millis = 25 * 60 * 60 * 1_000;
/// Records that are looked through for repeats.
const RECORDS_MAX: usize = 2_000_000;
const POLL: Duration = Duration::from_millis(200);

/// What is in doubt, and since when.
#[derive(Debug, Default)]
pub(super) struct Doubts(BTreeMap<Fault, Millis>);

impl Doubts {
    /// Looks at what does not fit now. Says whether anything is in doubt still; what is not is in [`Count::faults`].
    pub(super) fn look(
        &mut self,
        count: &mut Count,
        now: Millis,
        is_repeat: impl Fn(&Suspect) -> bool,
    ) -> bool {
        let mut faults = count.ledger.faults();
        if faults.is_empty() && self.0.is_empty() {
            count.faults.clear();
            return false;
        }
        self.0.retain(|fault, _| faults.binary_search(fault).is_ok());
        // A clock that is set back makes nothing certain.
        self.0.values_mut().for_each(|since| *since = now.min(*since));
        let is_due = |since: Millis| now.saturating_sub(since) >= GRACE_MS;
        let is_new = |fault: &Fault| !count.faults.contains(fault);
        let passed = |(fault, since): (&Fault, &Millis)| {
            fault.wrong == Wrong::PassedOver && is_due(*since) && is_new(fault)
        };
        if self.0.iter().any(passed) {
            for suspect in count.ledger.suspects() {
                if is_repeat(&suspect) {
                    count.ledger.is_repeat(&suspect);
                }
            }
            faults = count.ledger.faults();
            self.0.retain(|fault, _| faults.binary_search(fault).is_ok());
        }
        for fault in &faults {
            self.0.entry(fault.clone()).or_insert(now);
        }
        let is_certain = |fault: &Fault| self.0.get(fault).is_some_and(|since| is_due(*since));
        faults.retain(is_certain);
        let in_doubt = faults.len() < self.0.len();
        count.faults = faults;
        in_doubt
    }
}

/// Whether this order was placed before, by what the counter shows.
pub(super) fn is_known(views: &Views, suspect: &Suspect) -> bool {
    views.look().is_some_and(|look| {
        look.get(&suspect.order_id.to_string()).is_some_and(|state| {
            state.version > 0 && state.at.partition == suspect.partition && state.at.offset < suspect.offset
        })
    })
}

/// Whether this order was decided on before, by what the log has.
pub(super) fn was_decided(log: &dyn Log, suspect: &Suspect) -> Result<bool, BeginError> {
    let from = suspect.received_at.saturating_sub(WINDOW_MS);
    let mut follow = log.follow(&[(topic::EVENT, Start::Time(from))])?;
    let id = suspect.order_id.to_string();
    let mut read = 0;
    while read < RECORDS_MAX {
        let batch = follow.poll(POLL)?;
        read += batch.entries.len();
        for entry in batch.entries.iter().filter(|entry| entry.partition == suspect.partition) {
            if entry.timestamp > suspect.received_at {
                return Ok(false);
            }
            if entry.record.key.as_deref() == Some(id.as_bytes())
                && let Says::Decided(decision) = Says::of(entry)
                && decision.changes()
            {
                return Ok(true);
            }
        }
        if batch.at_end {
            break;
        }
    }
    Ok(false)
}
