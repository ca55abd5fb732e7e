//! How records are kept: chunks of them, one row each.
//!
//! A row per record would cost a page's worth of work for each; a chunk of some hundred costs the same once.
//! The key of a chunk is its topic and first offset. Its value:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | version of this layout: 1 |
//! | 1 | 0: the records stand as they are; 1: in one LZ4 block |
//! | 2..4 | number of records |
//! | 4..8 | bytes of the records before they were packed |
//! | 8..16 | offset of the last record |
//! | 16..24 | log time of the first record |
//! | 24..32 | log time of the last record |
//! | 32.. | the records |
//!
//! A record is its offset minus the chunk's first, its time minus the chunk's first, and three lengths (key
//! and value: 0 if there is none, else the length + 1; headers: the length) as variable-length integers,
//! then key, value and headers. Numbers are little-endian.
//!
//! A chunk is packed when it is closed: JSON becomes a third to a fifth, and a disk that writes 150 MB/s is
//! what limits a drain otherwise.

use std::{borrow::Cow, ops::Range};

use bytes::Bytes;

use crate::{Entry, Headers, Millis, Offset, Record, Topic};

/// A chunk is closed when it has this many bytes: with redb's own header it then fills 64 KiB, which is what
/// redb would allocate for it anyway. One larger record stands alone.
pub(super) const FULL_BYTES: usize = 64 * 1024 - 256;
/// A chunk is closed when it has this many records.
pub(super) const FULL_RECORDS: usize = 1024;

const VERSION: u8 = 1;
const HEADER: usize = 32;
/// A smaller chunk is not worth packing: it takes a page anyway.
const PACK_BYTES: usize = 4096;
/// No chunk unpacks to more: twice what the largest record can need.
const MAX_BYTES: usize = 2 * super::MAX_RECORD_BYTES;

/// What stands at the beginning of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    packed: bool,
    pub(super) count: usize,
    /// Bytes of the records, unpacked.
    pub(super) bytes: usize,
    pub(super) last_offset: Offset,
    pub(super) first_time: Millis,
    pub(super) last_time: Millis,
}

/// A chunk that can't be read; says where it stops making sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(&'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl Header {
    pub(super) fn read(chunk: &[u8]) -> Result<Self, Malformed> {
        let (header, _) = chunk.split_first_chunk::<HEADER>().ok_or(Malformed("shorter than its header"))?;
        if header[0] != VERSION {
            return Err(Malformed("an unknown layout"));
        }
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        if header[1] > 1 {
            return Err(Malformed("packed in an unknown way"));
        }
        let bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        Ok(Self {
            packed: header[1] == 1,
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            count: usize::from(u16::from_le_bytes([header[2], header[3]])),
            last_offset: word(8),
            first_time: word(16).cast_signed(),
            last_time: word(24).cast_signed(),
        })
    }
}

/// Takes a copy of a chunk, with its records as they are.
pub(super) fn unpack(chunk: &[u8]) -> Result<Bytes, Malformed> {
    Ok(match plain(chunk)? {
        Cow::Borrowed(plain) => Bytes::copy_from_slice(plain),
        Cow::Owned(plain) => plain.into(),
    })
}

/// A chunk with its records as they are.
pub(super) fn plain(chunk: &[u8]) -> Result<Cow<'_, [u8]>, Malformed> {
    let header = Header::read(chunk)?;
    if !header.packed {
        return Ok(Cow::Borrowed(chunk));
    }
    if header.bytes > MAX_BYTES {
        return Err(Malformed("it says that it unpacks to too much"));
    }
    let mut plain = vec![0; HEADER + header.bytes];
    plain[..HEADER].copy_from_slice(&chunk[..HEADER]);
    plain[1] = 0;
    match lz4_flex::block::decompress_into(&chunk[HEADER..], &mut plain[HEADER..]) {
        Ok(len) if len == header.bytes => Ok(plain.into()),
        _ => Err(Malformed("it can't be unpacked")),
    }
}

/// Whether a chunk is as full and as small as it gets, so that it need not be made anew.
pub(super) fn is_settled(header: &Header) -> bool {
    header.packed && header.bytes > FULL_BYTES / 2
}

/// A chunk that is being filled.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) first: Offset,
    /// The offset after the last record.
    pub(super) next: Offset,
    first_time: Millis,
    last_time: Millis,
    count: usize,
    bytes: Vec<u8>,
}

impl Builder {
    /// An empty chunk whose first record will have this offset and time.
    pub(super) fn new(first: Offset, time: Millis) -> Self {
        Self { first, next: first, first_time: time, last_time: time, count: 0, bytes: vec![0; HEADER] }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a record of about `size` bytes still belongs into it.
    pub(super) fn has_room(&self, size: usize, max_records: usize) -> bool {
        self.count == 0 || (self.count < max_records && self.bytes.len() + size + 24 <= FULL_BYTES)
    }

    pub(super) fn push(&mut self, offset: Offset, time: Millis, record: &Record) {
        self.place(offset, time);
        let optional = |bytes: Option<&Bytes>| bytes.map_or(0, |b| b.len() as u64 + 1);
        put(&mut self.bytes, optional(record.key.as_ref()));
        put(&mut self.bytes, optional(record.value.as_ref()));
        put(&mut self.bytes, record.headers.as_bytes().len() as u64);
        for part in [record.key.as_ref(), record.value.as_ref(), Some(record.headers.as_bytes())] {
            self.bytes.extend_from_slice(part.map_or(&[], |b| b));
        }
    }

    /// A record as it stands in another chunk.
    pub(super) fn push_raw(&mut self, raw: &Raw<'_>) {
        self.place(raw.offset, raw.time);
        self.bytes.extend_from_slice(raw.body);
    }

    fn place(&mut self, offset: Offset, time: Millis) {
        debug_assert!(offset >= self.next && time >= self.last_time);
        put(&mut self.bytes, offset.saturating_sub(self.first));
        put(&mut self.bytes, time.abs_diff(self.first_time));
        self.next = offset + 1;
        self.last_time = time;
        self.count += 1;
    }

    /// The chunk as it is now; more may be added after.
    pub(super) fn encoded(&mut self) -> &[u8] {
        let records = self.bytes.len() - HEADER;
        self.bytes[0] = VERSION;
        self.bytes[4..8].copy_from_slice(&u32::try_from(records).unwrap_or(u32::MAX).to_le_bytes());
        // At most FULL_RECORDS.
        self.bytes[2..4].copy_from_slice(&u16::try_from(self.count).unwrap_or(u16::MAX).to_le_bytes());
        self.bytes[8..16].copy_from_slice(&self.next.saturating_sub(1).to_le_bytes());
        self.bytes[16..24].copy_from_slice(&self.first_time.to_le_bytes());
        self.bytes[24..32].copy_from_slice(&self.last_time.to_le_bytes());
        &self.bytes
    }

    /// The chunk as it is now, for good and not packed.
    pub(super) fn into_plain(mut self) -> Bytes {
        self.encoded();
        self.bytes.shrink_to_fit();
        self.bytes.into()
    }

    /// The chunk as it stays, packed if that makes it smaller.
    pub(super) fn closed(&mut self) -> Cow<'_, [u8]> {
        self.encoded();
        if self.bytes.len() < PACK_BYTES {
            return Cow::Borrowed(&self.bytes);
        }
        let records = &self.bytes[HEADER..];
        let mut packed = vec![0; HEADER + lz4_flex::block::get_maximum_output_size(records.len())];
        match lz4_flex::block::compress_into(records, &mut packed[HEADER..]) {
            Ok(len) if len < records.len() => {
                packed.truncate(HEADER + len);
                packed[..HEADER].copy_from_slice(&self.bytes[..HEADER]);
                packed[1] = 1;
                Cow::Owned(packed)
            }
            _ => Cow::Borrowed(&self.bytes),
        }
    }
}

/// A record within a chunk.
#[derive(Debug)]
pub(super) struct Raw<'a> {
    pub(super) offset: Offset,
    pub(super) time: Millis,
    /// Lengths, key, value and headers: the same in whichever chunk it stands.
    body: &'a [u8],
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
    chunk: &'a [u8],
}

impl Raw<'_> {
    pub(super) fn key(&self) -> Option<&[u8]> {
        self.key.clone().and_then(|range| self.chunk.get(range))
    }

    pub(super) fn is_tombstone(&self) -> bool {
        self.value.is_none()
    }

    pub(super) fn size(&self) -> usize {
        self.body.len()
    }

    /// The same, as it is handed out: slices of `chunk`, nothing is copied.
    pub(super) fn entry(&self, topic: Topic, chunk: &Bytes) -> Entry {
        let slice = |range: &Range<usize>| chunk.slice(range.clone());
        Entry {
            topic,
            partition: 0,
            offset: self.offset,
            timestamp: self.time,
            record: Record {
                key: self.key.as_ref().map(slice),
                value: self.value.as_ref().map(slice),
                headers: if self.headers.is_empty() {
                    Headers::default()
                } else {
                    Headers::from_bytes(slice(&self.headers))
                },
            },
        }
    }
}

/// The records of a chunk, in order.
pub(super) struct Records<'a> {
    chunk: &'a [u8],
    at: usize,
    left: usize,
    first: Offset,
    first_time: Millis,
}

impl<'a> Records<'a> {
    pub(super) fn of(first: Offset, chunk: &'a [u8]) -> Result<Self, Malformed> {
        let header = Header::read(chunk)?;
        if header.packed {
            return Err(Malformed("it was not unpacked"));
        }
        Ok(Self { chunk, at: HEADER, left: header.count, first, first_time: header.first_time })
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.chunk.get(self.at).ok_or(Malformed("it ends within a number"))?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed("a number has more than 64 bits"))
    }

    fn take(&mut self, len: u64) -> Result<Range<usize>, Malformed> {
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        let end = end.filter(|end| *end <= self.chunk.len()).ok_or(Malformed("it ends within a record"))?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }

    fn record(&mut self) -> Result<Raw<'a>, Malformed> {
        let offset = self.first.checked_add(self.number()?).ok_or(Malformed("an offset is too large"))?;
        let time = self.first_time.saturating_add_unsigned(self.number()?);
        let body = self.at;
        let (key, value, headers) = (self.number()?, self.number()?, self.number()?);
        let key = if key == 0 { None } else { Some(self.take(key - 1)?) };
        let value = if value == 0 { None } else { Some(self.take(value - 1)?) };
        let headers = self.take(headers)?;
        let body = &self.chunk[body..self.at];
        Ok(Raw { offset, time, body, key, value, headers, chunk: self.chunk })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Raw<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let record = self.record();
        if record.is_err() {
            self.left = 0;
        }
        Some(record)
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part() -> impl Strategy<Value = Option<Bytes>> {
        proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from))
    }

    fn records() -> impl Strategy<Value = Vec<(u64, u64, Record)>> {
        let record = (part(), part(), proptest::collection::vec(any::<u8>(), 0..40)).prop_map(
            |(key, value, headers)| Record { key, value, headers: Headers::from_bytes(headers.into()) },
        );
        proptest::collection::vec((0..100_000_u64, 0..1_000_000_u64, record), 1..50)
    }

    proptest! {
        #[test]
        fn a_chunk_reads_back_as_it_was_written(records in records(), first in 0..u64::MAX / 2, time: i32) {
            let mut time = i64::from(time);
            let mut builder = Builder::new(first, time);
            let mut expected = Vec::new();
            for (gap, pause, record) in records {
                time += i64::try_from(pause).unwrap();
                let offset = if expected.is_empty() { first } else { builder.next + gap };
                builder.push(offset, time, &record);
                expected.push((offset, time, record));
            }
            let chunk = Bytes::copy_from_slice(builder.encoded());
            let header = Header::read(&chunk).unwrap();
            prop_assert_eq!(header.count, expected.len());
            prop_assert_eq!(header.last_offset, expected.last().unwrap().0);
            prop_assert_eq!(header.last_time, time);
            let mut again = Builder::new(first, header.first_time);
            for (raw, (offset, time, record)) in Records::of(first, &chunk).unwrap().zip(expected) {
                let raw = raw.unwrap();
                let entry = raw.entry("t", &chunk);
                prop_assert_eq!((entry.offset, entry.timestamp), (offset, time));
                prop_assert_eq!(raw.key(), record.key.as_deref());
                prop_assert_eq!(raw.is_tombstone(), record.value.is_none());
                prop_assert_eq!(entry.record, record);
                again.push_raw(&raw);
            }
            prop_assert_eq!(again.encoded(), &chunk[..]);
            prop_assert_eq!(unpack(&again.closed()).unwrap(), chunk);
        }

        #[test]
        fn bytes_that_are_no_chunk_do_not_panic(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200), packed in 0..2_u8, count: u8, len: u8,
        ) {
            // Else nearly none would come past the header.
            for (byte, value) in bytes.iter_mut().zip([VERSION, packed, count, 0, len, 0, 0, 0]) {
                *byte = value;
            }
            let Ok(bytes) = unpack(&bytes) else { return Ok(()) };
            if let Ok(records) = Records::of(u64::MAX - 5, &bytes) {
                for raw in records.flatten() {
                    let _ = raw.entry("t", &bytes);
                }
            }
        }
    }
}
