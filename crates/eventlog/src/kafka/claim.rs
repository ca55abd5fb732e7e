//! Whose the name of an instance is.
//!
//! The group shuts a member with a name out when the name joins again: by another process, or by its own client, whose
//! last join was answered into a connection that broke. It does not say which: of a member that takes another's place
//! a broker shows client id and address of the one before (4.3.0). So each process writes down that a name is its own
//! before it joins with it for the first time: as the metadata of a position, in a group of that name which nobody
//! joins. The process that came last has the name; whoever comes back to join again looks first.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset as Wanted, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, KafkaResult},
};

use super::{
    ears::{Ears, hear},
    group::leave,
    shared::{Failed, Shared},
};
use crate::{OpenError, WorkSpec};

/// How long the brokers' word is waited for. Shorter than the time that a clean stop has.
const WITHIN: Duration = Duration::from_secs(3);
/// One question's part of that.
const STEP: Duration = Duration::from_millis(1_500);

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
    let claim = Claim { shared, consumer: &consumer, tried: &tried, until: Instant::now() + WITHIN };
    let input = shared.options.prefixed(spec.inputs.first().copied().unwrap_or_default());
    let claimed = position(&input, &shared.process).map_err(|error| failed(&error).into()).and_then(|place| {
        match shared.has_claimed(id).then(|| claim.owner(&place)).transpose()? {
            Some(owner) if owner == shared.process => Ok(()),
            Some(owner) if !owner.is_empty() => Err(OpenError::InUse(format!(
                "another process works as instance {instance} in group {} now, so this one ends; give each its own \
                 name (--instance)",
                shared.options.prefixed(&spec.group)
            ))),
            // The brokers forget a position after a while.
            _ => claim.take(&place),
        }
    });
    leave(consumer);
    claimed?;
    shared.note_claim(id);
    Ok(())
}

/// Far behind every record, so that whoever watches how far groups are behind sees nothing of this one.
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
    consumer: &'a BaseConsumer<Ears>,
    tried: &'a str,
    until: Instant,
}

impl Claim<'_> {
    /// Writes down that this process has it.
    fn take(&self, place: &TopicPartitionList) -> Result<(), OpenError> {
        while let Err(error) = self.consumer.commit(place, CommitMode::Sync) {
            self.check(self.failed(&error))?;
        }
        Ok(())
    }

    /// Which process has it; empty if that is not known any more.
    fn owner(&self, place: &TopicPartitionList) -> Result<String, OpenError> {
        loop {
            let asked = self.consumer.committed_offsets(place.clone(), STEP);
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
