//! The topics of the contract as the log must keep them.

use std::time::Duration;

use eventlog::{Cleanup, Partitions, TopicSpec};
use order::topic;

/// How long records are kept unless told otherwise, in days.
pub const RETENTION_DAYS: u32 = 30;

/// Every topic of the line, what ages being kept for `retention`.
pub fn catalog(retention: Duration) -> Vec<TopicSpec> {
    let aging = Cleanup::Delete(retention);
    let like_received = Partitions::Like(topic::RECEIVED);
    [
        (topic::RECEIVED, aging, like_received),
        (topic::COMMAND, aging, like_received),
        (topic::PROCESSED, aging, like_received),
        (topic::EVENT, aging, like_received),
        (topic::DLQ, aging, like_received),
        (topic::STATE, Cleanup::Compact, like_received),
        (topic::SHOP, Cleanup::Compact, Partitions::One),
    ]
    .map(|(name, cleanup, partitions)| TopicSpec { name, cleanup, partitions })
    .to_vec()
}

/// The same for whoever only reads a log: nothing in it is too old for them.
pub(crate) fn kept() -> Vec<TopicSpec> {
    catalog(Duration::MAX)
}
