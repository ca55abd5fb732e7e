//! Which orders changed, for whoever follows all of them: a ring of keys, so that a change costs four bytes.

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
};

use order::Key;

/// How many changes can be caught up with; who is further behind begins anew.
const RING: usize = 16_384;

/// Digits of the random number that names this ring: a restart begins another.
pub(crate) const BOOT_ID_LEN: usize = 16;

/// The last changes, each with a number from 0 on.
#[derive(Debug)]
pub(super) struct Ring<K = Key> {
    keys: VecDeque<K>,
    next: u64,
}

/// The changes are no longer in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missed;

impl<K> Default for Ring<K> {
    fn default() -> Self {
        Self { keys: VecDeque::new(), next: 0 }
    }
}

impl<K: Copy + Eq + Hash> Ring<K> {
    pub(super) fn push(&mut self, keys: &[K]) {
        for &key in keys {
            if self.keys.len() == RING {
                self.keys.pop_front();
            }
            self.keys.push_back(key);
        }
        self.next += keys.len() as u64;
    }

    /// The number that the next change will get.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Nothing before this can be caught up with: the keys mean other orders now.
    pub(super) fn restart(&mut self) {
        self.keys.clear();
        self.next += 1;
    }

    /// Keys of the orders that changed from number `from` on, each once, in the order of their last change.
    pub(super) fn since(&self, from: u64) -> Result<Vec<K>, Missed> {
        let behind = self.next.checked_sub(from).ok_or(Missed)?;
        let behind = usize::try_from(behind).map_err(|_| Missed)?;
        let start = self.keys.len().checked_sub(behind).ok_or(Missed)?;
        let mut seen = HashSet::new();
        let mut keys: Vec<K> =
            self.keys.range(start..).rev().copied().filter(|key| seen.insert(*key)).collect();
        keys.reverse();
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_too_far_behind_gets_each_order_once() {
        let mut ring = Ring::default();
        ring.push(&[1, 2, 1, 3]);
        assert_eq!(ring.since(0), Ok(vec![2, 1, 3]));
        assert_eq!(ring.since(3), Ok(vec![3]));
        assert_eq!(ring.since(4), Ok(vec![]));
        assert_eq!(ring.since(5), Err(Missed), "a number of another ring");
        let many: Vec<u32> = (0..u32::try_from(RING).unwrap()).collect();
        ring.push(&many);
        assert_eq!(ring.since(3), Err(Missed));
        assert_eq!(ring.since(4).unwrap().len(), RING);
        ring.restart();
        assert_eq!(ring.since(4), Err(Missed));
        assert_eq!(ring.since(ring.next()), Ok(vec![]));
    }
}
