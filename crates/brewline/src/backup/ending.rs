//! A file that ends when the command is told to: what reads it then takes back what it began.

use std::io::{self, Read};

use tokio_util::sync::CancellationToken;

/// Fails once the token is cancelled.
pub(crate) struct Ending<R> {
    pub(crate) of: R,
    pub(crate) stop: CancellationToken,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("it was stopped"));
        }
        self.of.read(into)
    }
}
