//! Partitions that the group has given to nobody.
//!
//! A cooperative rebalance has two steps: in the first everyone learns what to hand back, then they join once more, and
//! what was handed back is given out. A member with an instance's name that ends between the two comes back into the
//! generation that it left, with its share of the first step (KIP-345: a name that is known is answered with what it
//! had), and nobody joins once more. What it was to hand back is nobody's then, until somebody joins or leaves. So
//! whoever comes with a name looks whether everything is given out; if it is not, a member without a name joins for a
//! moment, which has the group share out anew: one with a name can't ask for that.

use std::{
    collections::BTreeSet,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer as _;

use super::{
    group::{leave_at_once, member, subscribe},
    members, native,
    shared::Shared,
};
use crate::{OpenError, Partition, Topic};

/// How often is looked. The second step of a rebalance that is on its way is over by then, but where somebody is slow to
/// hand back; then one more does no harm.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What joining did not mend is looked at less and less often, but this often.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_mins(1);
/// How long a member that is to join for a moment tries to.
const JOIN_WITHIN: Duration = Duration::from_secs(10);
/// One step of that.
const STEP: Duration = Duration::from_millis(100);

/// A thread that looks until everything is given out, or this is dropped.
pub(super) struct Watch(#[expect(dead_code, reason = "the thread sees whether it is there")] Arc<()>);

impl Watch {
    /// `None`: there is no thread to be had, and everything else goes on.
    pub(super) fn start(shared: &Arc<Shared>, group: &str, input: Topic) -> Option<Self> {
        let wanted = Arc::new(());
        let (shared, group, is_wanted) = (shared.clone(), group.to_owned(), Arc::downgrade(&wanted));
        let watching = move || watch(&shared, &group, input, &is_wanted);
        let started = std::thread::Builder::new().name("kafka-gap".to_owned()).spawn(watching);
        started.is_ok().then_some(Self(wanted))
    }
}

fn watch(shared: &Shared, group: &str, input: Topic, is_wanted: &Weak<()>) {
    let (bell, topic) = (shared.bell(), shared.options.prefixed(input));
    let (mut gap, mut every) = (Gap::default(), LOOK_EVERY);
    loop {
        let next = Instant::now() + every;
        while Instant::now() < next {
            bell.wait_until(next);
            if shared.is_closed() || is_wanted.strong_count() == 0 {
                return;
            }
        }
        match gap.look(members::not_given(shared, group, &topic, shared.partitions(input))) {
            Found::Nothing => return,
            Found::Perhaps => {}
            Found::Gap => {
                tracing::info!("partitions of group {group} are nobody's: it shares out anew");
                if let Err(error) = join_for_a_moment(shared, group, &topic) {
                    // It is tried again.
                    tracing::debug!(%error, "nobody else could join");
                }
                every = (every * 2).min(LOOK_AT_LEAST_EVERY);
            }
        }
    }
}

/// Another member joins, and leaves when it is let in.
fn join_for_a_moment(shared: &Shared, group: &str, topic: &str) -> Result<(), OpenError> {
    let (consumer, _) = member(shared, group, None)?;
    subscribe(shared, &consumer, group, topic)?;
    let until = Instant::now() + JOIN_WITHIN;
    while native::generation(consumer.client()).is_none() && Instant::now() < until && !shared.is_closed() {
        // What it has to say, whoever works there says too.
        let _ = consumer.poll(STEP);
    }
    leave_at_once(consumer);
    Ok(())
}

/// What the looks so far have found.
#[derive(Debug, Default)]
struct Gap {
    seen: BTreeSet<Partition>,
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Everything is given out.
    Nothing,
    /// That can't be said yet.
    Perhaps,
    /// The same was nobody's twice.
    Gap,
}

impl Gap {
    /// What is nobody's now; `None`: nothing can be said.
    fn look(&mut self, now: Option<BTreeSet<Partition>>) -> Found {
        if now.as_ref().is_some_and(BTreeSet::is_empty) {
            return Found::Nothing;
        }
        let now = now.unwrap_or_default();
        if now.is_empty() || now != self.seen {
            self.seen = now;
            return Found::Perhaps;
        }
        self.seen.clear();
        Found::Gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_nobodys_is_a_gap_and_what_is_only_on_its_way_is_none() {
        let mut gap = Gap::default();
        let mut look = |partitions: &[Partition]| gap.look(Some(partitions.iter().copied().collect()));
        assert_eq!(look(&[0, 1]), Found::Perhaps);
        assert_eq!(look(&[1]), Found::Perhaps, "another one");
        assert_eq!(look(&[1]), Found::Gap);
        assert_eq!(look(&[1]), Found::Perhaps, "whoever joined takes a moment");
        assert_eq!(look(&[1]), Found::Gap);
        assert_eq!(look(&[]), Found::Nothing);
        let mut gap = Gap::default();
        let seen = Some(BTreeSet::from([2]));
        assert_eq!(gap.look(seen.clone()), Found::Perhaps);
        assert_eq!(gap.look(None), Found::Perhaps, "the group shares out");
        assert_eq!(gap.look(seen), Found::Perhaps);
    }
}
