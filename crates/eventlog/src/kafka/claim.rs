//! Whose the name of an instance is.
//!
//! The group shuts a member with a name out when the name joins again: by another process, or by its own client, whose
//! last join was answered into a connection that broke. It does not say which: of a member that takes another's place
//! a broker shows client id and address of the one before (4.3.0). So each process writes down that a name is its own
//! before it joins with it for the first time: as the metadata of a position, in a group of that name which nobody
//! joins. The process that came last has the name; whoever comes back to join again looks first. If that one is not in
//! the group, and does not come, it died on its way: the name is taken back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset as Wanted, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, KafkaResult},
};

use super::{
    ears::{Ears, hear},
    group::leave,
    members, native,
    shared::{Claimed, Failed, Shared},
};
use crate::{OpenError, WorkSpec};

/// How long the brokers' word is waited for. Shorter than the time that a clean stop has.
const WITHIN: Duration = Duration::from_secs(3);
/// One question's part of that.
const STEP: Duration = Duration::from_millis(1_500);
/// How long a process that has taken a name may need until it is in the group with it.
const COMES_WITHIN: Duration = Duration::from_secs(10);

/// Takes the name, if this process has not had it yet; else sees whether it still has.
///
/// `id` is the name's transactional id.
pub(super) fn claim(
    shared: &Arc<Shared>,
    spec: &WorkSpec,
    instance: &str,
    id: &str,
) -> Result<(), OpenError> {
    let tried = format!("work as instance {instance} (group {id})");
    let failed = |error: &KafkaError| shared.failed_with(&tried, error);
    let step = STEP.as_millis().to_string();
    let mut config = shared.options.client(
        &[],
        &[
            // By the first of them it gives up when nobody is found who keeps the group's positions, by the second
            // when nobody answers; the third has to be shorter.
            ("session.timeout.ms", &step),
            ("socket.timeout.ms", &step),
            ("fetch.wait.max.ms", "10"),
            ("group.protocol", "classic"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("allow.auto.create.topics", "false"),
        ],
    );
    config.set("group.id", id);
    let consumer = config.create_with_context(Ears::new(&shared.options)).map_err(|error| failed(&error))?;
    let until = Instant::now() + WITHIN;
    let claim = Claim { shared, spec, instance, consumer: &consumer, tried: &tried, until };
    let input = shared.options.prefixed(spec.inputs.first().copied().unwrap_or_default());
    let before = shared.claimed(id);
    let mut known = before.clone().unwrap_or_default();
    let claimed =
        position(&input, &shared.process).map_err(|error| failed(&error).into()).and_then(|place| {
            match before.is_some().then(|| claim.owner(&place)).transpose()? {
                Some(owner) if owner == shared.process => Ok(()),
                // The brokers forget a position after a while.
                Some(owner) if !owner.is_empty() => {
                    let result = claim.take_back(&place, &owner, &mut known);
                    shared.note_claim(id, known.clone());
                    result
                }
                _ => claim.take(&place),
            }
        });
    leave(consumer, until.saturating_duration_since(Instant::now()));
    claimed?;
    shared.note_claim(id, Claimed { missing: None, ..known });
    Ok(())
}

/// Far ahead of every record: nobody is to take this group for one that has something to read.
fn position(topic: &str, process: &str) -> KafkaResult<TopicPartitionList> {
    let mut place = TopicPartitionList::new();
    place.add_partition_offset(topic, 0, Wanted::Offset(i64::MAX))?;
    if let Some(mut place) = place.find_partition(topic, 0) {
        place.set_metadata(process);
    }
    Ok(place)
}

struct Claim<'a> {
    shared: &'a Shared,
    spec: &'a WorkSpec,
    instance: &'a str,
    consumer: &'a BaseConsumer<Ears>,
    tried: &'a str,
    until: Instant,
}

impl Claim<'_> {
    /// Writes down that this process has it.
    fn take(&self, place: &TopicPartitionList) -> Result<(), OpenError> {
        while let Err(code) = native::commit(self.consumer.client(), place, self.left()) {
            self.check(self.failed(&KafkaError::ConsumerCommit(code)))?;
        }
        Ok(())
    }

    /// Takes the name from a process that has not come to the group with it.
    fn take_back(
        &self,
        place: &TopicPartitionList,
        owner: &str,
        known: &mut Claimed,
    ) -> Result<(), OpenError> {
        let group = self.shared.options.prefixed(&self.spec.group);
        let instance = self.instance;
        if self.is_in(&group, owner, known)? {
            return Err(OpenError::InUse(format!(
                "another process works as instance {instance} in group {group} now, so this one ends; give each its \
                 own name (--instance)"
            )));
        }
        known.missing.take_if(|(missing, _)| missing != owner);
        let (_, since) = known.missing.get_or_insert_with(|| (owner.to_owned(), Instant::now()));
        if since.elapsed() < COMES_WITHIN {
            return Err(OpenError::Storage(format!(
                "another process is about to work as instance {instance} in group {group}; if it does not, this one \
                 goes on"
            )));
        }
        self.take(place)
    }

    /// Whether another process is in the group with this name: its member is not the one that was this process's.
    fn is_in(&self, group: &str, owner: &str, known: &Claimed) -> Result<bool, OpenError> {
        let (id, name) = (members::client_id(owner), self.shared.options.prefixed(self.instance));
        loop {
            match members::of(self.shared, group, STEP.min(self.left())) {
                Ok(members) => {
                    return Ok(members.iter().any(|member| {
                        member.client_id == id || member.has_name(&name) && member.id != known.member
                    }));
                }
                Err(code) => self.check(self.shared.failed(self.tried, code, ""))?,
            }
        }
    }

    /// Which process has it; empty if that is not known any more.
    fn owner(&self, place: &TopicPartitionList) -> Result<String, OpenError> {
        loop {
            let asked = self.consumer.committed_offsets(place.clone(), STEP.min(self.left()));
            let read = asked.and_then(|list| {
                let elements = list.elements();
                let Some(place) = elements.first() else { return Ok(String::new()) };
                place.error().map(|()| place.metadata().to_owned())
            });
            match read {
                Ok(owner) => return Ok(owner),
                Err(error) => self.check(self.failed(&error))?,
            }
        }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn failed(&self, error: &KafkaError) -> Failed {
        let failed = self.shared.failed_with(self.tried, error);
        hear(self.consumer);
        // Why says more.
        let why = self.consumer.context().take().filter(|_| failed.heals);
        why.map_or(failed, |trouble| self.shared.failed(self.tried, trouble.code, &trouble.said))
    }

    /// Whether it is worth trying on.
    fn check(&self, failed: Failed) -> Result<(), OpenError> {
        if self.shared.is_closed() {
            return Err(OpenError::Closed);
        }
        if !failed.heals || Instant::now() >= self.until {
            return Err(failed.into());
        }
        Ok(())
    }
}
