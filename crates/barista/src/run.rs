//! Sessions, one after the other.

use std::time::Duration;

use eventlog::{Log, OpenError};

use crate::{Clock, Ended, Engine, Metrics, Options, Stop, StopSignal, work_spec};

/// How long to wait before the next session, doubling from the first to the last while they fail.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Works on the log until told to stop, one session after the other. Returns early only when going on needs
/// a person.
pub fn run(
    log: &dyn Log,
    options: &Options,
    clock: &Clock,
    metrics: &Metrics,
    stop: &StopSignal,
) -> Result<(), Stop> {
    let mut wait = BACKOFF.0;
    while !stop.is_stopped() {
        match session(log, options, clock, metrics, stop) {
            Ok(()) => return Ok(()),
            Err((Ended::Stop(why), _)) => return Err(why),
            Err((Ended::Session(why), worked)) => {
                wait = if worked { BACKOFF.0 } else { (wait * 2).min(BACKOFF.1) };
                tracing::warn!(%why, "the session ended; going on from the log");
                stop.wait(wait);
            }
        }
    }
    Ok(())
}

/// One session; with an error comes whether anything was committed in it.
fn session(
    log: &dyn Log,
    options: &Options,
    clock: &Clock,
    metrics: &Metrics,
    stop: &StopSignal,
) -> Result<(), (Ended, bool)> {
    let mut worked = false;
    let mut steps = || {
        let work = log.work(&work_spec(options)).map_err(opened)?;
        let mut engine = Engine::new(work, options.clone(), clock.clone(), metrics.clone())?;
        while !stop.is_stopped() {
            worked |= engine.step()?.committed > 0;
        }
        engine.finish().map(drop)
    };
    steps().map_err(|ended| (ended, worked))
}

fn opened(error: OpenError) -> Ended {
    match error {
        OpenError::Storage(why) => Ended::Session(why),
        other => Ended::Stop(Stop::Open(other)),
    }
}
