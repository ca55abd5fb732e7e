//! What comes in pieces, read as one.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};

/// Reads pieces one after the other; an error ends it.
pub(super) struct Pieces<I> {
    from: I,
    piece: Bytes,
}

impl<I: Iterator<Item = io::Result<Bytes>>> Pieces<I> {
    pub(super) fn new(from: I) -> Self {
        Self { from, piece: Bytes::new() }
    }
}

impl<I: Iterator<Item = io::Result<Bytes>>> Read for Pieces<I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.from.next() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = into.len().min(self.piece.len());
        self.piece.split_to(count).copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_one_and_an_error_ends_them() {
        let piece = |text: &'static str| Ok(Bytes::from(text));
        let mut read = String::new();
        Pieces::new([piece("a"), piece(""), piece("bcd")].into_iter()).read_to_string(&mut read).unwrap();
        assert_eq!(read, "abcd");
        let broken = [piece("a"), Err(io::Error::other("gone"))].into_iter();
        assert_eq!(Pieces::new(broken).read_to_string(&mut read).unwrap_err().to_string(), "gone");
    }
}
