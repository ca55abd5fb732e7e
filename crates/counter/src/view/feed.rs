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

/// Changes, each with the number to go on from after it.
pub(super) type Numbered<K> = Vec<(u64, K)>;

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

    /// The changes from number `from` on, at most `max` of them: each with the number to go on from after it, and
    /// of those of one order only the last. Second, the number to go on from after all of them.
    pub(super) fn since(&self, from: u64, max: usize) -> Result<(Numbered<K>, u64), Missed> {
        let behind = self.next.checked_sub(from).ok_or(Missed)?;
        let behind = usize::try_from(behind).map_err(|_| Missed)?;
        let start = self.keys.len().checked_sub(behind).ok_or(Missed)?;
        let count = behind.min(max);
        let mut seen = HashSet::new();
        let numbered = (from + 1..).zip(self.keys.range(start..start + count).copied());
        let mut changes: Vec<_> = numbered.collect();
        changes.reverse();
        changes.retain(|(_, key)| seen.insert(*key));
        changes.reverse();
        Ok((changes, from + count as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_too_far_behind_gets_each_order_once() {
        let mut ring = Ring::default();
        ring.push(&[1, 2, 1, 3]);
        assert_eq!(ring.since(0, 9), Ok((vec![(2, 2), (3, 1), (4, 3)], 4)));
        assert_eq!(ring.since(3, 9), Ok((vec![(4, 3)], 4)));
        assert_eq!(ring.since(4, 9), Ok((vec![], 4)));
        assert_eq!(ring.since(5, 9), Err(Missed), "a number of another ring");
        assert_eq!(ring.since(0, 2), Ok((vec![(1, 1), (2, 2)], 2)), "the rest comes with the next look");
        assert_eq!(ring.since(2, 2), Ok((vec![(3, 1), (4, 3)], 4)));
        let many: Vec<u32> = (0..u32::try_from(RING).unwrap()).collect();
        ring.push(&many);
        assert_eq!(ring.since(3, 9), Err(Missed));
        assert_eq!(ring.since(4, usize::MAX).unwrap().0.len(), RING);
        ring.restart();
        assert_eq!(ring.since(4, 9), Err(Missed));
        assert_eq!(ring.since(ring.next(), 9), Ok((vec![], ring.next())));
    }
}
