//! What is in memory by the hundred thousand: by its place, and by its name.

use std::{
    hash::{BuildHasher, Hash},
    ops::{Index, IndexMut},
};

use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;

use crate::OrderState;

/// Orders, found by their ids.
pub type Orders = Places<OrderState>;

/// What can be found by its name.
pub trait Named {
    /// Its name, as long as it stays what it is.
    type Name<'a>: Hash + Eq
    where
        Self: 'a;

    /// The name.
    fn name(&self) -> Self::Name<'_>;
}

impl Named for OrderState {
    type Name<'a> = &'a str;

    fn name(&self) -> &str {
        self.id().as_str()
    }
}

/// A place in [`Places`], good as long as what stands there is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u32);

/// Values, each under a place that stays its own, found by their names.
#[derive(Debug, Clone)]
pub struct Places<T> {
    slab: Slab<T>,
    by_name: HashTable<Found>,
    hasher: DefaultHashBuilder,
}

/// The hash stands beside the place: while the table grows, and where two names fall together, nobody has to look at a
/// million names all over the memory.
#[derive(Debug, Clone, Copy)]
struct Found {
    hash: u32,
    key: Key,
}

/// Both ends of the number count in a table: the low bits say where, the high ones tell neighbours apart.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { slab: Slab::new(), by_name: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<T: Named> Places<T> {
    /// What has this name.
    #[expect(clippy::needless_pass_by_value, reason = "a name is a reference, or a few")]
    pub fn find<'a>(&'a self, name: T::Name<'a>) -> Option<Key> {
        let hash = self.hash(&name);
        let is_it = |found: &Found| found.hash == hash && self[found.key].name() == name;
        self.by_name.find(spread(hash), is_it).map(|found| found.key)
    }

    /// What stands at this place.
    pub fn get(&self, key: Key) -> Option<&T> {
        self.slab.get(key.0 as usize)
    }

    /// All there is, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.slab.iter().map(|(at, value)| (key(at), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// Adds one whose name is not in it yet.
    pub fn insert(&mut self, value: T) -> Key {
        let hash = self.hash(&value.name());
        let key = key(self.slab.insert(value));
        self.by_name.insert_unique(spread(hash), Found { hash, key }, |found| spread(found.hash));
        key
    }

    /// Takes one out.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let hash = self.hash(&self.get(key)?.name());
        if let Ok(entry) = self.by_name.find_entry(spread(hash), |found| found.key == key) {
            entry.remove();
        }
        self.slab.try_remove(key.0 as usize)
    }

    fn hash(&self, name: &T::Name<'_>) -> u32 {
        let [a, b, c, d, ..] = self.hasher.hash_one(name).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

/// # Panics
/// If nothing stands at this place.
impl<T> Index<Key> for Places<T> {
    type Output = T;

    fn index(&self, key: Key) -> &T {
        &self.slab[key.0 as usize]
    }
}

/// Whoever changes a value leaves its name as it is.
///
/// # Panics
/// If nothing stands at this place.
impl<T> IndexMut<Key> for Places<T> {
    fn index_mut(&mut self, key: Key) -> &mut T {
        &mut self.slab[key.0 as usize]
    }
}

fn key(at: usize) -> Key {
    // What is open and what is remembered are bounded far below this.
    Key(u32::try_from(at).expect("fewer than 4 billion orders are in memory"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{At, Mode, Order, OrderId, Placed};

    fn state(id: &str) -> OrderState {
        let at = At { partition: 0, offset: 0 };
        let placed = Placed { at, received_at: 0, foreign: false, history_from: 0, traceparent: None };
        OrderState::undecided(Order::new(OrderId::new(id).unwrap(), 1), placed, Mode::Auto)
    }

    #[test]
    fn an_order_is_found_by_its_id_as_long_as_it_is_in() {
        let mut orders = Orders::default();
        let keys: Vec<_> = (0..1_000).map(|n| orders.insert(state(&n.to_string()))).collect();
        assert_eq!(orders.remove(keys[500]).unwrap().id().as_str(), "500");
        assert!(orders.remove(keys[500]).is_none());
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(orders.find(&n.to_string()), (n != 500).then_some(*key));
        }
        let again = orders.insert(state("500"));
        assert_eq!((orders.find("500"), orders.len()), (Some(again), 1_000));
        assert_eq!(orders.iter().count(), 1_000);
    }
}
