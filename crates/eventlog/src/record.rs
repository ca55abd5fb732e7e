//! Records and where they stand.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::Topic;

/// A partition's number, from 0.
pub type Partition = u32;
/// A record's place in its partition, from 0, rising; gaps are allowed.
pub type Offset = u64;
/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// What is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Compaction keeps the last record of each key.
    pub key: Option<Bytes>,
    /// `None` deletes the key from a compacted topic.
    pub value: Option<Bytes>,
    /// Names and values beside the value.
    pub headers: Headers,
}

impl Record {
    /// A record with a key and a value.
    pub fn new(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self { key: Some(key.into()), value: Some(value.into()), headers: Headers::default() }
    }

    /// A record that deletes `key` from a compacted topic.
    pub fn tombstone(key: impl Into<Bytes>) -> Self {
        Self { key: Some(key.into()), value: None, headers: Headers::default() }
    }

    /// The same with these headers.
    #[must_use]
    pub fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Key, value and headers together, in bytes.
    pub fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len)
            + self.value.as_ref().map_or(0, Bytes::len)
            + self.headers.as_bytes().len()
    }
}

/// A record as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The topic it stands in.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: Partition,
    /// The place in the partition.
    pub offset: Offset,
    /// When the log wrote it. Never falls within a partition, whatever the clock does.
    pub timestamp: Millis,
    /// What was written.
    pub record: Record,
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: Partition,
    /// The place in the partition.
    pub offset: Offset,
}

/// Names and values beside a record's value, in order, a name possibly more than once.
///
/// Kept as one run of bytes (for each header: length of the name as `u16`, name, length of the value as
/// `u32`, value; little-endian), so that a record with six headers costs one allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Bytes);

impl Headers {
    /// Headers from pairs.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Self::within(&mut BytesMut::with_capacity(256), pairs)
    }

    /// Headers from pairs, written into the free space of `buffer`: whoever writes many records allocates
    /// once for all of them.
    ///
    /// # Panics
    /// If a name is longer than 65,535 bytes or a value longer than 4 GiB: whoever takes them from outside looks first.
    pub fn within<'a>(buffer: &mut BytesMut, pairs: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        for (name, value) in pairs {
            let name_len = u16::try_from(name.len()).expect("a header's name is at most 65,535 bytes");
            let value_len = u32::try_from(value.len()).expect("a header's value is at most 4 GiB");
            buffer.put_u16_le(name_len);
            buffer.put_slice(name.as_bytes());
            buffer.put_u32_le(value_len);
            buffer.put_slice(value);
        }
        Self(buffer.split().freeze())
    }

    /// Headers from the bytes of [`Headers::as_bytes`]. Bytes that are no headers read as fewer or none.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// As they are kept.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each name with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.pairs().map_while(|(name, value)| Some((std::str::from_utf8(name).ok()?, value)))
    }

    /// The last value of this name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.pairs().filter(|(n, _)| *n == name.as_bytes()).last().map(|(_, value)| value)
    }

    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let (name_len, tail) = rest.split_first_chunk::<2>()?;
            let (name, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes(*name_len)))?;
            let (value_len, tail) = tail.split_first_chunk::<4>()?;
            let value_len = usize::try_from(u32::from_le_bytes(*value_len)).ok()?;
            let (value, tail) = tail.split_at_checked(value_len)?;
            rest = tail;
            Some((name, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back_as_they_were_written() {
        let headers = Headers::new([("round", b"2".as_slice()), ("", b""), ("round", b"3")]);
        let read: Vec<_> = headers.iter().map(|(n, v)| (n.to_owned(), v.to_vec())).collect();
        assert_eq!(
            read,
            [("round".into(), b"2".to_vec()), (String::new(), vec![]), ("round".into(), b"3".to_vec())]
        );
        assert_eq!(headers.get("round"), Some(b"3".as_slice()));
        assert_eq!(headers.get("none"), None);
    }

    #[test]
    fn bytes_that_are_no_headers_do_not_panic() {
        for len in 0..40 {
            let headers = Headers::from_bytes(Bytes::from(vec![0x7f; len]));
            assert_eq!(headers.iter().count(), 0);
        }
    }
}
