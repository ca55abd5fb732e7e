//! A chunk as it stands in the log file: behind a checksum, which every read compares.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | checksum of the chunk: XXH3 with 64 bits, seeded with the chunk's key; little-endian |
//! | 8.. | the chunk, as [`super::chunk`] lays it out |
//!
//! redb has checksums too, but compares them only when it repairs a file. The key is the seed so that a chunk
//! that stands in the place of another one is not taken for it. In the tail the checksum of the frame counts.

use redb::Table;
use twox_hash::XxHash3_64;

use super::{
    chunk::Header,
    failure::{Failure, Result},
};
use crate::Offset;

const SUM: usize = 8;

fn checksum(key: u64, chunk: &[u8]) -> [u8; SUM] {
    XxHash3_64::oneshot_with_seed(key, chunk).to_le_bytes()
}

/// Puts a chunk into the table.
pub(super) fn put(chunks: &mut Table<'_, u64, &'static [u8]>, key: u64, chunk: &[u8]) -> Result<()> {
    let mut value = chunks.insert_reserve(key, SUM + chunk.len())?;
    let (sum, rest) = value.as_mut().split_at_mut(SUM);
    sum.copy_from_slice(&checksum(key, chunk));
    rest.copy_from_slice(chunk);
    Ok(())
}

/// The chunk in a value of the table, if it is the one that was put there.
pub(super) fn chunk(key: u64, value: &[u8]) -> Result<&[u8]> {
    match value.split_first_chunk() {
        Some((sum, chunk)) if *sum == checksum(key, chunk) => Ok(chunk),
        _ => Err(Failure::Damaged(key)),
    }
}

/// The offset of the last record in a value of the table.
pub(super) fn last_offset(key: u64, value: &[u8]) -> Result<Offset> {
    Ok(Header::read(chunk(key, value)?)?.last_offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_with_a_bit_changed_or_in_the_place_of_another_is_damaged() {
        let value = |key| [&checksum(key, b"records")[..], b"records"].concat();
        assert_eq!(chunk(7, &value(7)).unwrap(), b"records");
        for at in 0..value(7).len() {
            for bit in 0..8 {
                let mut value = value(7);
                value[at] ^= 1 << bit;
                assert!(chunk(7, &value).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(chunk(8, &value(7)).is_err());
        assert!(chunk(7, b"short").is_err());
    }
}
