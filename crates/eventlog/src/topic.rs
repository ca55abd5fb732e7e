//! Topics and their partitions.

use std::time::Duration;

use crate::{Partition, record::Millis};

/// A topic's name as the program knows it. An adapter may put a prefix before it.
pub type Topic = &'static str;

/// What a topic must be like. An adapter makes it so where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: Topic,
    /// What is removed, and when.
    pub cleanup: Cleanup,
    /// How many partitions it is made with.
    pub partitions: Partitions,
}

/// What is removed from a topic, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// Records older than this.
    Delete(Duration),
    /// Records whose key has a newer one.
    Compact,
}

/// How many partitions a topic is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitions {
    /// As many as this topic has, 1 if that is missing too.
    Like(Topic),
    /// Exactly one, whatever the others have.
    One,
}

impl Cleanup {
    /// The log time before which records may go at `now`; `None` where age does not count.
    pub fn horizon(self, now: Millis) -> Option<Millis> {
        match self {
            Self::Delete(age) => {
                Some(now.saturating_sub(Millis::try_from(age.as_millis()).unwrap_or(Millis::MAX)))
            }
            Self::Compact => None,
        }
    }
}

/// The partition that our own records with this key go to: [`fnv1a`] mod `count`.
///
/// Only whoever writes an order first chooses by this; everyone after reads where it landed. Others choose
/// otherwise, so it is never computed for a record that exists.
pub fn partition_for(key: &[u8], count: u32) -> Partition {
    Partition::try_from(fnv1a(key) % u64::from(count.max(1))).expect("less than a u32")
}

/// FNV-1a, 64 bit: for what must come out the same in every version of this program.
/// <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>
pub fn fnv1a<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a_gives_what_its_authors_give() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv1a(text.as_bytes()), hash, "{text:?}");
        }
    }
}
