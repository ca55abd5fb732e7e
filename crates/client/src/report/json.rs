//! One JSON object a line.

use std::{
    io::{self, Write},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use super::Reporter;
use crate::{event::Event, summary::Summary};

/// Tells each event as one line of JSON.
pub(super) struct Json<O> {
    out: O,
}

impl<O> Json<O> {
    pub(super) fn new(out: O) -> Self {
        Self { out }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// Milliseconds since 1970, by this computer's clock.
    at: u64,
}

impl<O: Write + Send> Reporter for Json<O> {
    fn tell(&mut self, at: SystemTime, event: &Event, _so_far: &Summary) -> io::Result<()> {
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let line = Line { event, at: u64::try_from(at).unwrap_or(u64::MAX) };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.out.write_all(&text)?;
        self.out.flush()
    }
}
