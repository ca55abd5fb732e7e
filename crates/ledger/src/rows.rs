//! Orders in memory, by their partitions and names: what the count knows of each.

use std::hash::BuildHasher as _;

use eventlog::{Millis, Offset, Partition};
use hashbrown::{DefaultHashBuilder, HashTable};
use order::Stage;
use slab::Slab;

use crate::Name;

/// What the count knows of one order.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: Name,
    /// Where it stands in `order.received`, if that was read or said.
    pub(crate) at: Option<Offset>,
    /// When that was written, by the log's time.
    pub(crate) received_at: Millis,
    /// Where its last decision stands.
    pub(crate) event: Offset,
    /// When the last record about it was written, by the log's time.
    pub(crate) changed_at: Millis,
    pub(crate) partition: Partition,
    /// Of its last decision; 0: there is none.
    pub(crate) version: u32,
    pub(crate) round: u32,
    /// Up to this round each bell rang once, but for those that are looked into.
    pub(crate) rung: u32,
    pub(crate) stage: Stage,
    pub(crate) flags: Flags,
}

/// What is so of an order besides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    /// It was there before the count began.
    pub(crate) carried: bool,
    /// Its history has a hole: nobody knows where it is.
    pub(crate) broken: bool,
    /// Somebody else's barista made it: all that is said of it is its bell.
    pub(crate) foreign: bool,
}

/// An order's place, good as long as the order is in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(u32);

#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    slab: Slab<Row>,
    by_name: HashTable<Found>,
    hasher: DefaultHashBuilder,
}

/// The hash stands beside the place, so that the table can grow without looking at a million names.
#[derive(Debug, Clone, Copy)]
struct Found {
    hash: u32,
    key: Key,
}

/// Both ends of the number count in a table: the low bits say where, the high ones tell neighbours apart.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Rows {
    pub(crate) fn find(&self, partition: Partition, name: &Name) -> Option<Key> {
        let hash = self.hash(partition, name);
        let is_it = |found: &Found| {
            found.hash == hash && {
                let row = self.get(found.key);
                row.partition == partition && row.name == *name
            }
        };
        self.by_name.find(spread(hash), is_it).map(|found| found.key)
    }

    /// Adds an order that is not in it yet.
    pub(crate) fn insert(&mut self, row: Row) -> Key {
        let hash = self.hash(row.partition, &row.name);
        // Fewer than 4 billion orders are in memory; what is settled is let go of.
        let key = Key(u32::try_from(self.slab.insert(row)).unwrap_or(u32::MAX));
        self.by_name.insert_unique(spread(hash), Found { hash, key }, |found| spread(found.hash));
        key
    }

    pub(crate) fn get(&self, key: Key) -> &Row {
        &self.slab[key.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> &mut Row {
        &mut self.slab[key.0 as usize]
    }

    pub(crate) fn remove(&mut self, key: Key) {
        let Some(row) = self.slab.try_remove(key.0 as usize) else { return };
        let hash = self.hash(row.partition, &row.name);
        if let Ok(entry) = self.by_name.find_entry(spread(hash), |found| found.key == key) {
            entry.remove();
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Row)> {
        self.slab.iter().map(|(at, row)| (Key(u32::try_from(at).unwrap_or(u32::MAX)), row))
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    fn hash(&self, partition: Partition, name: &Name) -> u32 {
        let [a, b, c, d, ..] = self.hasher.hash_one((partition, name)).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}
