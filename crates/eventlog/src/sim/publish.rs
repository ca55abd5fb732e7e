//! Adding records. Every answer is there at once.

use std::{future::ready, sync::Arc, time::Duration};

use super::{
    Core, Shared,
    process::{Life, Pulse, killed},
};
use crate::{Partition, Position, Publish, PublishError, Published, Reason, Record, Topic};

/// Adds records for one process.
#[derive(Debug)]
pub(super) struct SimPublish {
    pub(super) shared: Arc<Shared>,
    pub(super) life: Arc<Life>,
}

impl Publish for SimPublish {
    fn publish(&self, topic: Topic, partition: Partition, record: Record, _: Duration) -> Published {
        Box::pin(ready(self.write(topic, partition, record)))
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.shared.lock().store.partitions(topic)
    }
}

impl SimPublish {
    fn write(&self, topic: Topic, partition: Partition, record: Record) -> Result<Position, PublishError> {
        let pulse = self.life.call();
        let mut core = self.shared.lock();
        refusal(&core, &self.shared, pulse, topic, partition, &record).map_err(PublishError::not_written)?;
        let faults = core.faults;
        if core.dice.chance(faults.publish_refused) {
            return Err(PublishError::not_written(Reason::Overloaded));
        }
        if pulse == Pulse::Dying || core.dice.chance(faults.publish_unknown) {
            if core.dice.half() {
                core.append(&self.shared, vec![(topic, partition, record)]);
            }
            let reason = if pulse == Pulse::Dying { killed() } else { Reason::Deadline };
            return Err(PublishError::unknown(reason));
        }
        let end = core.append(&self.shared, vec![(topic, partition, record)])[0];
        Ok(Position { offset: end.offset - 1, ..end })
    }
}

/// Why the record is surely not written.
fn refusal(
    core: &Core,
    shared: &Shared,
    pulse: Pulse,
    topic: Topic,
    partition: Partition,
    record: &Record,
) -> Result<(), Reason> {
    let (size, limit) = (record.size(), shared.max_record_bytes);
    match &core.refusing {
        _ if pulse == Pulse::Dead => Err(killed()),
        _ if core.closed => Err(Reason::Closed),
        _ if core.store.get(topic, partition).is_none() => {
            Err(Reason::NoSuchPartition(topic.to_owned(), partition))
        }
        _ if size > limit => Err(Reason::TooLarge { size, limit }),
        Some(reason) => Err(reason.clone()),
        None => Ok(()),
    }
}
