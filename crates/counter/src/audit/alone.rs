//! The ledger of a log that no counter here serves: counted once, for whoever has the log and no counter to ask.

use std::{collections::BTreeMap, time::Duration};

use eventlog::{Log, Start};
use ledger::Balance;
use order::{Millis, topic};
use shop::Settings;

use super::{Calendar, Past, PastError, Shown, ledger_json};

const POLL: Duration = Duration::from_millis(200);

/// What `GET /ledger` would say of this log at `now`, or `at` a moment that has passed, as JSON. `settings` say when a
/// business day ends.
pub fn ledger_of(
    log: &dyn Log,
    settings: &Settings,
    at: Option<Millis>,
    now: Millis,
) -> Result<Vec<u8>, PastError> {
    let days = days(log)?;
    let day = Calendar::new(settings, &days).at(at.unwrap_or(now));
    let past = Past::at(log, &days, day, at.unwrap_or(now), now)?;
    Ok(ledger_json(&past.count, Shown { as_of: now, now, at, beside: past.beside }))
}

/// How days closed.
fn days(log: &dyn Log) -> Result<BTreeMap<String, Balance>, PastError> {
    let mut days = BTreeMap::new();
    let mut follow = log.follow(&[(topic::SHOP, Start::Beginning)])?;
    loop {
        let batch = follow.poll(POLL)?;
        for entry in &batch.entries {
            let key = entry.record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
            let Some(date) = key.and_then(|key| key.strip_prefix(Balance::PREFIX)) else { continue };
            let balance = entry.record.value.as_deref();
            match balance.and_then(|value| Balance::parse(key.unwrap_or_default(), value)) {
                Some(balance) => days.insert(date.to_owned(), balance),
                None => days.remove(date),
            };
        }
        if batch.at_end {
            return Ok(days);
        }
    }
}
