//! What is too old goes.

use redb::ReadableTable;

use super::{
    chunk::Header,
    janitor::{Janitor, Step},
    schema::{CHUNKS, ROWS, Row, chunk_key, first_of},
    stored,
    tail::Chunk,
};
use crate::{Cleanup, Millis, Offset};

/// One step removes at most about this many records.
const STEP_RECORDS: usize = 10_000;

impl Janitor {
    /// Removes what is too old, chunk by chunk.
    pub(super) fn remove_old(&self) -> Step<()> {
        for topic in 0..self.shared.topics.len() {
            let cleanup = self.shared.topics[topic].spec.cleanup;
            let Some(horizon) = cleanup.horizon(self.now()) else { continue };
            debug_assert!(matches!(cleanup, Cleanup::Delete(_)));
            // A quiet topic may become too old where it first stood.
            let id = self.shared.topics[topic].id;
            let oldest = self.shared.tail.topic(id).chunks.front().map(Chunk::first_time);
            if oldest.is_some_and(|time| time < horizon) {
                self.move_all(id, self.shared.head(topic).end)?;
            }
            while !self.shared.is_held() && self.remove_step(topic, horizon)? {
                self.make_way()?;
            }
        }
        Ok(())
    }

    /// Whether there may be more.
    fn remove_step(&self, topic: usize, horizon: Millis) -> Step<bool> {
        let id = self.shared.topics[topic].id;
        let last = chunk_key(id, Offset::MAX);
        let old = self.shared.log.read(
            || {},
            |transaction| {
                let mut old = Vec::new();
                let mut records = 0;
                for chunk in transaction.open_table(CHUNKS)?.range(chunk_key(id, 0)..=last)? {
                    let (key, value) = chunk?;
                    let header = Header::read(stored::chunk(key.value(), value.value())?)?;
                    if header.last_time >= horizon || records >= STEP_RECORDS {
                        break;
                    }
                    records += header.count;
                    old.push(key.value());
                }
                Ok(old)
            },
        )?;
        if old.is_empty() {
            return Ok(false);
        }
        let row = self.row(id)?;
        let start = self.shared.log.write(|transaction| {
            let mut chunks = transaction.open_table(CHUNKS)?;
            for key in old {
                chunks.remove(key)?;
            }
            let first = chunks.range(chunk_key(id, 0)..=last)?.next().transpose()?;
            let start = first.map_or(row.end, |(key, _)| first_of(key.value()));
            transaction.open_table(ROWS)?.insert(id, Row { start, ..row }.encode(id))?;
            Ok(start)
        })?;
        self.shared.update(|state| state.heads[topic].start = start);
        Ok(true)
    }
}
