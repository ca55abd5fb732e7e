//! Sessions, one after the other.

use std::time::Duration;

use eventlog::Log;

use crate::{Clock, Ended, Engine, Metrics, Options, Stop, StopSignal, work_spec};

/// Works on the log until told to stop, one session after the other. Returns early only when going on needs
/// a person.
pub fn run(
    log: &dyn Log,
    options: &Options,
    clock: &Clock,
    metrics: &Metrics,
    stop: &StopSignal,
) -> Result<(), Stop> {
    let mut backoff = Backoff::default();
    let mut said = None;
    while !stop.is_stopped() {
        match session(log, options, clock, metrics, stop) {
            Ok(()) => return Ok(()),
            // Whoever stops the line may close the log before the engine has seen it.
            Err((Ended::Stop(Stop::Closed), _)) if stop.is_stopped() => return Ok(()),
            Err((Ended::Stop(why), _)) => return Err(why),
            Err((Ended::Session(why), did)) => {
                // What keeps one session after the other from beginning is said once.
                if did.begin || said.as_ref() != Some(&why) {
                    tracing::warn!(%why, "the session ended; going on from the log");
                }
                said = Some(why);
                stop.wait(backoff.after(did.work));
            }
        }
    }
    Ok(())
}

/// How long to wait before the next session.
#[derive(Debug)]
struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(1);

    /// The wait after a session: the first one if anything was done in it, else twice the last.
    fn after(&mut self, worked: bool) -> Duration {
        let wait = if worked { Self::FIRST } else { self.0 };
        self.0 = (wait * 2).min(Self::LONGEST);
        wait
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self(Self::FIRST)
    }
}

/// What a session did.
#[derive(Debug, Clone, Copy, Default)]
struct Did {
    /// It had a partition.
    begin: bool,
    /// It committed an input or a timer.
    work: bool,
}

/// One session; with an error comes what was done in it.
fn session(
    log: &dyn Log,
    options: &Options,
    clock: &Clock,
    metrics: &Metrics,
    stop: &StopSignal,
) -> Result<(), (Ended, Did)> {
    let mut did = Did::default();
    let mut steps = || {
        let work = log.work(&work_spec(options))?;
        let mut engine = Engine::new(work, options.clone(), clock.clone(), metrics.clone())?;
        while !stop.is_stopped() {
            did.work |= engine.step()?.committed > 0;
            did.begin |= engine.partitions() > 0;
        }
        engine.finish().map(drop)
    };
    steps().map_err(|ended| (ended, did))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_do_nothing_come_ever_later_and_one_that_works_starts_anew() {
        let mut backoff = Backoff::default();
        let mut after = |worked| backoff.after(worked).as_millis();
        assert_eq!([after(false), after(false), after(false)], [20, 40, 80]);
        assert_eq!([after(true), after(false)], [20, 40]);
        for _ in 0..10 {
            after(false);
        }
        assert_eq!(after(false), 1_000);
    }
}
