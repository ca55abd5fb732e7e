//! How events are told: as lines for people, or as JSON for programs.

mod json;
mod plain;

use std::{
    io::{self, Write},
    time::SystemTime,
};

use indicatif::ProgressDrawTarget;

use crate::{event::Event, options::Output, summary::Summary};

/// Is told everything, in the order in which it happened.
pub trait Reporter: Send {
    /// Tells one event that happened at `at`; `so_far` includes it. An error ends the run.
    fn tell(&mut self, at: SystemTime, event: &Event, so_far: &Summary) -> io::Result<()>;
}

/// What the command line offers: orders and bells go to `out`, everything else to `err`, JSON to `out` alone.
/// With [`Output::Progress`] the progress line goes to the process's stderr.
///
/// Where `err` can't be written to, what it should have been told is lost; `out` is different: programs
/// rely on it.
pub fn reporter<O, E>(output: Output, out: O, err: E) -> Box<dyn Reporter>
where
    O: Write + Send + 'static,
    E: Write + Send + 'static,
{
    match output {
        Output::Plain => Box::new(plain::Plain::new(out, err, ProgressDrawTarget::hidden())),
        Output::Progress => Box::new(plain::Plain::new(out, err, ProgressDrawTarget::stderr())),
        Output::Json => Box::new(json::Json::new(out)),
    }
}
