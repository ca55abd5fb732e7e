//! A wait to be let into the group, and when it is to be said.

use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode as Code;

use super::ears::Trouble;

/// Beyond its session time. Whoever was in the group and says nothing any more is out by then, and whoever is to hand
/// something back has had the time.
const BEYOND: Duration = Duration::from_secs(10);

/// Since when a member waits.
#[derive(Debug)]
pub(super) struct Waiting {
    since: Instant,
    /// How long that is nothing to speak of.
    patience: Duration,
    /// What it heard last.
    why: Option<Trouble>,
    told: bool,
}

impl Waiting {
    /// From now on. `session`: the session time in ms, as librdkafka was told it.
    pub(super) fn new(session: Option<&str>) -> Self {
        let session = session.and_then(|ms| ms.parse().ok()).map_or(Duration::ZERO, Duration::from_millis);
        Self { since: Instant::now(), patience: session.saturating_add(BEYOND), why: None, told: false }
    }

    /// It was let in.
    pub(super) fn end(&mut self) {
        (self.since, self.why, self.told) = (Instant::now(), None, false);
    }

    /// Why it is not let in, as it seems. That no broker is up follows from what was said before, and says less.
    pub(super) fn hear(&mut self, why: Trouble) {
        if why.code != Code::AllBrokersDown || self.why.is_none() {
            self.why = Some(why);
        }
    }

    /// How long it has waited, if that is to be said, and why; once.
    pub(super) fn is_long(&mut self) -> Option<(Duration, Option<&Trouble>)> {
        let waited = self.since.elapsed();
        // A group that is full says so itself: there is nothing to wait for first.
        let is_full = self.why.as_ref().is_some_and(|why| why.code == Code::GroupMaxSizeReached);
        if self.told || (waited < self.patience && !is_full) {
            return None;
        }
        self.told = true;
        Some((waited, self.why.as_ref()))
    }
}
