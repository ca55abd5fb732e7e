//! Only the last record of each key stays.
//!
//! The way Kafka's cleaner goes about it: below `clean_end` each key stands once. A pass learns the last
//! offset of each key from there on, as far as its map reaches, then rewrites everything before that point
//! without the records that have a later one, from the oldest on. Offsets stay; chunks that lose nothing
//! are left alone. Records that are still in the tail are never touched. A pass that is interrupted is done
//! again: it has only removed what has a later record.
//!
//! A deletion (a record without a value) must outlive what it deletes for whoever has read that and not yet
//! the deletion: it goes in a pass at least [`KEEP_TOMBSTONES`] after the one that removed what it deletes.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use super::{
    chunk::{Header, Raw, Records, unpack},
    janitor::{Janitor, Packer, STEP_BYTES, Step, load},
    schema::{CHUNKS, ROWS, Row, chunk_key},
};
use crate::{Cleanup, Millis, Offset};

/// How long a deletion is kept after what it deletes has gone.
const KEEP_TOMBSTONES: Duration = Duration::from_hours(24);

/// The last offset of each key of the part that is not clean yet.
///
/// By the key's hash: two of 64 bits with seeds of their own, so that no one can make two keys meet.
struct Latest {
    seeds: [RandomState; 2],
    offsets: HashMap<u128, Offset>,
}

impl Latest {
    fn hash(&self, key: &[u8]) -> u128 {
        let [high, low] = self.seeds.each_ref().map(|seed| {
            let mut hasher = seed.build_hasher();
            hasher.write(key);
            u128::from(hasher.finish())
        });
        high << 64 | low
    }

    /// Whether a later record has the same key.
    fn replaces(&self, raw: &Raw<'_>) -> bool {
        let key = raw.key().map(|key| self.hash(key));
        key.and_then(|key| self.offsets.get(&key)).is_some_and(|last| *last > raw.offset)
    }
}

impl Janitor {
    /// Compacts what is worth it, or with `all` everything.
    pub(super) fn compact(&self, all: bool) -> Step<()> {
        for topic in 0..self.shared.topics.len() {
            if self.shared.topics[topic].spec.cleanup != Cleanup::Compact {
                continue;
            }
            let id = self.shared.topics[topic].id;
            loop {
                let row = self.row(id)?;
                // Asked after the row was read: a backup that begins now reaches beyond it, and what this pass removes
                // has a later record there.
                if self.shared.is_held() {
                    return Ok(());
                }
                let worth = row.dirty_records > row.clean_records.max(self.thresholds().compact_records);
                if row.clean_end >= row.end || !(worth || all) {
                    break;
                }
                self.compact_once(id, row)?;
            }
        }
        Ok(())
    }

    fn compact_once(&self, id: u16, row: Row) -> Step<()> {
        let (latest, upto, seen) = self.learn(id, row)?;
        let now = self.now();
        let kept = Millis::try_from(KEEP_TOMBSTONES.as_millis()).unwrap_or(Millis::MAX);
        let forget = row.tombstones_since.saturating_add(kept) <= now;
        let forget_below = if forget { row.tombstones_end } else { 0 };
        let wanted =
            |raw: &Raw<'_>| !(latest.replaces(raw) || raw.is_tombstone() && raw.offset < forget_below);
        let mut from = row.start;
        let mut clean_records = 0;
        while from < upto {
            let (next, records) = self.rewrite(id, from, upto, &wanted)?;
            clean_records += records;
            from = next;
            self.make_way()?;
        }
        // Records may have been moved here meanwhile: the row is read anew.
        let now_row = self.row(id)?;
        let mut row = Row {
            clean_end: upto,
            clean_records,
            dirty_records: now_row.dirty_records.saturating_sub(seen),
            ..now_row
        };
        if forget {
            (row.tombstones_end, row.tombstones_since) = (upto, now);
        }
        self.shared.log.write(|transaction| {
            transaction.open_table(ROWS)?.insert(id, row.encode(id))?;
            Ok(())
        })?;
        Ok(())
    }

    /// The last offset of each key from `clean_end` on, how far that reaches, and how many records it saw.
    fn learn(&self, id: u16, row: Row) -> Step<(Latest, Offset, u64)> {
        let mut latest = Latest { seeds: [RandomState::new(), RandomState::new()], offsets: HashMap::new() };
        let mut from = row.clean_end;
        let mut seen = 0;
        while from < row.end && latest.offsets.len() < self.thresholds().compact_keys {
            let source = self
                .shared
                .log
                .read(|| {}, |transaction| load(transaction, id, from, row.end, STEP_BYTES))?;
            for (first, chunk) in &source.chunks {
                if latest.offsets.len() >= self.thresholds().compact_keys {
                    return Ok((latest, (*first).max(from), seen));
                }
                for raw in Records::of(*first, &unpack(chunk)?)? {
                    let raw = raw?;
                    if raw.offset < from {
                        continue;
                    }
                    seen += 1;
                    if let Some(key) = raw.key() {
                        latest.offsets.insert(latest.hash(key), raw.offset);
                    }
                }
            }
            from = source.next;
            self.make_way()?;
        }
        Ok((latest, from, seen))
    }

    /// Rewrites some chunks from `from` on. What is next, and how many records stay before that.
    fn rewrite(
        &self,
        id: u16,
        from: Offset,
        upto: Offset,
        wanted: &impl Fn(&Raw<'_>) -> bool,
    ) -> Step<(Offset, u64)> {
        let source =
            self.shared.log.read(|| {}, |transaction| load(transaction, id, from, upto, STEP_BYTES))?;
        let mut packer = Packer::default();
        let mut records = 0;
        let mut loses = false;
        for (first, chunk) in &source.chunks {
            // A chunk that reaches beyond keeps what is there.
            let all = Header::read(chunk)?.count as u64;
            let kept = packer.add_chunk(*first, chunk, |raw| raw.offset >= upto || wanted(raw))?;
            loses |= kept < all;
            records += kept;
        }
        let mut next = source.next;
        if loses {
            // A last chunk with room goes on with the next step.
            if let Some((open, unfinished)) = packer.open().filter(|(open, _)| *open > from && next < upto) {
                next = open;
                records -= unfinished;
            }
            self.shared.log.write(|transaction| {
                let mut chunks = transaction.open_table(CHUNKS)?;
                for (first, _) in &source.chunks {
                    chunks.remove(chunk_key(id, *first))?;
                }
                packer.write(&mut chunks, id)
            })?;
        }
        Ok((next, records))
    }
}
