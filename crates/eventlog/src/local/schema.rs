//! What stands in the log file, and which versions of it this program knows.
//!
//! `log.redb` holds everything that has left the tail; each of its commits costs a little more and leaves
//! nothing to repair.

use std::{fs::File, path::Path};

use redb::{ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};
use twox_hash::XxHash3_64;

use super::{
    failure::{Failure, Result},
    open::sync_dir,
    private, stored,
};
use crate::{Millis, Offset, OpenError};

/// Where records stay.
pub(super) const LOG_FILE: &str = "log.redb";

/// [`META_VERSION`], [`META_ID`].
pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// The version of the schema.
pub(super) const META_VERSION: &str = "version";
/// The log's id, the same as in the tail.
pub(super) const META_ID: &str = "id";

/// By topic number: see [`Row`]. The last number is a checksum of the others: redb compares its own only when it
/// checks or repairs a file, and a topic that seems to begin later would lose what stands before.
pub(super) const ROWS: TableDefinition<u16, [u64; 8]> = TableDefinition::new("rows");
/// Chunks by [`chunk_key`], as [`super::stored`] puts and reads them.
pub(super) const CHUNKS: TableDefinition<u64, &[u8]> = TableDefinition::new("chunks");

/// Bits of a chunk's key that are the offset.
const OFFSET_BITS: u32 = 52;
/// A log has at most this many topics.
pub(super) const MAX_TOPICS: u16 = 1 << (64 - OFFSET_BITS);

/// A chunk's key: 12 bits topic, 52 bits offset of its first record (a million records a second for 142
/// years).
pub(super) fn chunk_key(topic: u16, first: Offset) -> u64 {
    (u64::from(topic) << OFFSET_BITS) | first.min((1 << OFFSET_BITS) - 1)
}

/// The number of a chunk's topic.
pub(super) fn topic_of(key: u64) -> u16 {
    // The other bits are the offset.
    u16::try_from(key >> OFFSET_BITS).unwrap_or(u16::MAX)
}

/// The offset of a chunk's first record.
pub(super) fn first_of(key: u64) -> Offset {
    key & ((1 << OFFSET_BITS) - 1)
}

/// What the log file knows of a topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// The oldest offset that is kept.
    pub(super) start: Offset,
    /// The offset after the newest record that is in this file.
    pub(super) end: Offset,
    /// Compacted topics: below this offset each key stands once.
    pub(super) clean_end: Offset,
    /// How many records are below it.
    pub(super) clean_records: u64,
    /// How many are at it or after it.
    pub(super) dirty_records: u64,
    /// Below this offset the topic has been clean since `tombstones_since`.
    pub(super) tombstones_end: Offset,
    /// Log time of that.
    pub(super) tombstones_since: Millis,
}

impl Row {
    /// The row of a topic, if it is what was written there.
    pub(super) fn decode(topic: u16, row: [u64; 8]) -> Result<Self> {
        if row[7] == checksum(topic, &row) {
            Ok(Self::unchecked(row))
        } else {
            Err(Failure::corrupted(format!(
                "what it says of topic number {topic} is not what was written there"
            )))
        }
    }

    /// The same of a file of version 1, which had no checksums.
    pub(super) fn unchecked(row: [u64; 8]) -> Self {
        let [start, end, clean_end, clean_records, dirty_records, tombstones_end, since, _] = row;
        let tombstones_since = since.cast_signed();
        Self { start, end, clean_end, clean_records, dirty_records, tombstones_end, tombstones_since }
    }

    pub(super) fn encode(&self, topic: u16) -> [u64; 8] {
        let mut row = [
            self.start,
            self.end,
            self.clean_end,
            self.clean_records,
            self.dirty_records,
            self.tombstones_end,
            self.tombstones_since.cast_unsigned(),
            0,
        ];
        row[7] = checksum(topic, &row);
        row
    }
}

/// Of all but the last number, which holds it.
fn checksum(topic: u16, row: &[u64; 8]) -> u64 {
    let mut bytes = [0; 56];
    for (to, number) in bytes.chunks_exact_mut(8).zip(row) {
        to.copy_from_slice(&number.to_le_bytes());
    }
    XxHash3_64::oneshot_with_seed(u64::from(topic), &bytes)
}

/// A topic's row, in a read transaction.
pub(super) fn row(transaction: &ReadTransaction, topic: u16) -> Result<Row> {
    let rows = transaction.open_table(ROWS)?;
    rows.get(topic)?.map_or_else(|| Ok(Row::default()), |row| Row::decode(topic, row.value()))
}

/// A step from one version to the next.
pub(super) type Migration = fn(&WriteTransaction) -> Result<()>;

/// `MIGRATIONS[n]` takes a file from version `n + 1` to `n + 2`.
pub(super) const MIGRATIONS: &[Migration] = &[add_checksums];

/// Version 1 had chunks and rows without checksums. Such a file is checked as a whole before this certifies it.
fn add_checksums(transaction: &WriteTransaction) -> Result<()> {
    let mut chunks = transaction.open_table(CHUNKS)?;
    let mut next = Some(0);
    while let Some(from) = next {
        let found = chunks.range(from..)?.next().transpose()?;
        let found = found.map(|(key, chunk)| (key.value(), chunk.value().to_vec()));
        if let Some((key, chunk)) = &found {
            stored::put(&mut chunks, *key, chunk)?;
        }
        next = found.and_then(|(key, _)| key.checked_add(1));
    }
    let mut rows = transaction.open_table(ROWS)?;
    let all: std::result::Result<Vec<_>, _> =
        rows.range(0..)?.map(|row| row.map(|(topic, row)| (topic.value(), row.value()))).collect();
    for (topic, row) in all? {
        rows.insert(topic, Row::unchecked(row).encode(topic))?;
    }
    Ok(())
}

/// The version that a program with these migrations writes.
pub(super) const fn newest(migrations: &[Migration]) -> u64 {
    1 + migrations.len() as u64
}

/// The version of an open file; `None` if nothing was written to it yet.
pub(super) fn version(transaction: &ReadTransaction) -> Result<Option<u64>> {
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(META_VERSION)?.map(|version| version.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Takes a file from version `from` to the newest; all steps belong into one transaction.
pub(super) fn migrate(transaction: &WriteTransaction, from: u64, migrations: &[Migration]) -> Result<()> {
    let done = usize::try_from(from.saturating_sub(1)).unwrap_or(usize::MAX);
    for migration in migrations.get(done..).unwrap_or(&[]) {
        migration(transaction)?;
    }
    transaction.open_table(META)?.insert(META_VERSION, newest(migrations))?;
    Ok(())
}

/// Keeps a copy of a file that is about to be changed: `log.redb` becomes `log.redb.v1` as well.
pub(super) fn keep_copy(path: &Path, version: u64) -> std::result::Result<(), OpenError> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".v{version}"));
    let copied = File::open(path).and_then(|mut from| {
        let mut to = private::file().write(true).create(true).truncate(true).open(&copy)?;
        std::io::copy(&mut from, &mut to)?;
        to.sync_all()?;
        sync_dir(path.parent().unwrap_or(Path::new(".")));
        Ok(())
    });
    copied.map_err(|error| {
        OpenError::Storage(format!(
            "cannot keep a copy of {} before it is changed to a newer version: {error}; nothing was changed; \
             make space for a second file of this size and start again",
            path.display()
        ))
    })
}

/// The id of the log that a file belongs to; `None` if nothing was written to it yet.
pub(super) fn id(transaction: &ReadTransaction) -> Result<Option<u64>> {
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(META_ID)?.map(|id| id.value())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A number that tells one log from another.
pub(super) fn new_id() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds each of these from the system's randomness.
    std::hash::RandomState::new().build_hasher().finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_a_bit_changed_or_of_another_topic_is_damaged() {
        let row = Row { start: 3, end: 7, clean_end: 5, ..Row::default() };
        assert_eq!(Row::decode(2, row.encode(2)).unwrap(), row);
        assert!(Row::decode(3, row.encode(2)).is_err());
        for bit in 0..512 {
            let mut numbers = row.encode(2);
            numbers[bit / 64] ^= 1 << (bit % 64);
            assert!(Row::decode(2, numbers).is_err(), "bit {bit}");
        }
    }
}
