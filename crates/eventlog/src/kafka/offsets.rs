//! Where partitions begin and end, asked of the brokers and waited for.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset as Wanted, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
};

use super::{
    ears::Ears,
    failure::parts,
    shared::{Failed, Shared},
};
use crate::{Millis, Offset, Partition, Topic};

/// How long an answer is waited for.
pub(super) const WITHIN: Duration = Duration::from_secs(5);

/// An offset for each partition that was asked about.
pub(super) type Offsets = BTreeMap<(Topic, Partition), Offset>;

/// What is asked of a partition.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    /// The oldest offset that is kept.
    Beginning,
    /// The offset after the newest record: of those that are committed, as far as `consumer` sees no others.
    End,
    /// The first record at or after this time; partitions without one are not in the answer.
    Time(Millis),
}

/// Asks about all these partitions at once.
pub(super) fn ask(
    shared: &Shared,
    consumer: &BaseConsumer<Ears>,
    partitions: &[(Topic, Partition)],
    what: Ask,
) -> Result<Offsets, Failed> {
    ask_within(shared, consumer, partitions, what, WITHIN)
}

/// The same, and waits so long for the answer.
pub(super) fn ask_within(
    shared: &Shared,
    consumer: &BaseConsumer<Ears>,
    partitions: &[(Topic, Partition)],
    ask: Ask,
    within: Duration,
) -> Result<Offsets, Failed> {
    if partitions.is_empty() {
        return Ok(Offsets::new());
    }
    let failed = |topic: Option<Topic>, error: &KafkaError| {
        let (code, said) = parts(error);
        let tried = match topic {
            Some(topic) => format!("ask where topic {} begins and ends", shared.options.prefixed(topic)),
            None => "ask where its topics begin and end".to_owned(),
        };
        shared.failed(&tried, code, &said)
    };
    let deadline = Instant::now() + within;
    loop {
        let list = list(shared, partitions, ask).map_err(|error| failed(None, &error))?;
        let left = deadline.saturating_duration_since(Instant::now());
        let (topic, error) = match consumer.offsets_for_times(list, left) {
            Ok(answer) => match read(shared, partitions, &answer, ask) {
                Ok(offsets) => return Ok(offsets),
                Err((topic, error)) => (Some(topic), error),
            },
            Err(error) => (None, error),
        };
        let failure = failed(topic, &error);
        if !failure.heals || Instant::now() >= deadline {
            // Of a topic that is gone nobody says so in time.
            for (topic, _) in partitions {
                shared.check_is_there(topic)?;
            }
            return Err(failure);
        }
        // A leader is being found, which nothing tells us of: short, and bounded by the deadline.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// These partitions by their names in Kafka. librdkafka takes the end and the beginning as times before all others.
fn list(
    shared: &Shared,
    partitions: &[(Topic, Partition)],
    ask: Ask,
) -> Result<TopicPartitionList, KafkaError> {
    let wanted = match ask {
        Ask::Beginning => Wanted::Beginning,
        Ask::End => Wanted::End,
        Ask::Time(time) => Wanted::Offset(time.max(0)),
    };
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        let number =
            i32::try_from(*partition).map_err(|_| KafkaError::OffsetFetch(Code::UnknownPartition))?;
        list.add_partition_offset(&shared.options.prefixed(topic), number, wanted)?;
    }
    Ok(list)
}

fn read(
    shared: &Shared,
    partitions: &[(Topic, Partition)],
    answer: &TopicPartitionList,
    ask: Ask,
) -> Result<Offsets, (Topic, KafkaError)> {
    let mut offsets = Offsets::new();
    for (topic, partition) in partitions {
        let number = i32::try_from(*partition).unwrap_or(-1);
        let found = answer.find_partition(&shared.options.prefixed(topic), number);
        let found = found.ok_or((*topic, KafkaError::OffsetFetch(Code::UnknownPartition)))?;
        found.error().map_err(|error| (*topic, error))?;
        match (found.offset(), ask) {
            (Wanted::Offset(offset), _) if offset >= 0 => {
                offsets.insert((*topic, *partition), offset.unsigned_abs());
            }
            (_, Ask::Time(_)) => {}
            _ => return Err((*topic, KafkaError::OffsetFetch(Code::LeaderNotAvailable))),
        }
    }
    Ok(offsets)
}
