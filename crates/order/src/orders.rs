//! Orders in memory, by their place and by their id.

use std::{
    hash::BuildHasher,
    ops::{Index, IndexMut},
};

use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;

use crate::OrderState;

/// An order's place in [`Orders`], good as long as the order is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u32);

/// Orders, each under a place that stays its own, found by their ids.
#[derive(Debug, Default)]
pub struct Orders {
    states: Slab<OrderState>,
    by_id: HashTable<Found>,
    hasher: DefaultHashBuilder,
}

/// The hash stands beside the place: while the table grows, and where two orders fall together, nobody has to
/// look at the ids of a million orders all over the memory.
#[derive(Debug, Clone, Copy)]
struct Found {
    hash: u32,
    key: Key,
}

/// Both ends of the number count in a table: the low bits say where, the high ones tell neighbours apart.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Orders {
    /// The order with this id.
    pub fn find(&self, id: &str) -> Option<Key> {
        let hash = self.hash(id);
        let is_it = |found: &Found| found.hash == hash && self[found.key].id().as_str() == id;
        self.by_id.find(spread(hash), is_it).map(|found| found.key)
    }

    /// The order at this place.
    pub fn get(&self, key: Key) -> Option<&OrderState> {
        self.states.get(key.0 as usize)
    }

    /// All orders, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &OrderState)> {
        self.states.iter().map(|(at, state)| (key(at), state))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Adds an order whose id is not in it yet.
    pub fn insert(&mut self, state: OrderState) -> Key {
        let hash = self.hash(state.id().as_str());
        let key = key(self.states.insert(state));
        self.by_id.insert_unique(spread(hash), Found { hash, key }, |found| spread(found.hash));
        key
    }

    /// Takes an order out.
    pub fn remove(&mut self, key: Key) -> Option<OrderState> {
        let hash = self.hash(self.get(key)?.id().as_str());
        if let Ok(entry) = self.by_id.find_entry(spread(hash), |found| found.key == key) {
            entry.remove();
        }
        self.states.try_remove(key.0 as usize)
    }

    fn hash(&self, id: &str) -> u32 {
        let [a, b, c, d, ..] = self.hasher.hash_one(id).to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

/// # Panics
/// If there is no order at this place.
impl Index<Key> for Orders {
    type Output = OrderState;

    fn index(&self, key: Key) -> &OrderState {
        &self.states[key.0 as usize]
    }
}

/// Whoever changes an order leaves its id as it is.
///
/// # Panics
/// If there is no order at this place.
impl IndexMut<Key> for Orders {
    fn index_mut(&mut self, key: Key) -> &mut OrderState {
        &mut self.states[key.0 as usize]
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
