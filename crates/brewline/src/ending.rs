//! The end of a clean stop: one bound on all of its steps, whatever disk and terminal do.

use std::{future::Future, io::Write as _, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

/// A clean stop takes no longer than this, all of its steps together; what is not done then is done by the next
/// start.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Of which this is left for saying how it went: a terminal that was stopped takes nothing at all.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A stop that is going on.
#[derive(Debug)]
pub(crate) struct Ending {
    latest: Instant,
    /// What was given up. Said at the end: stderr may be what is stuck.
    late: Vec<&'static str>,
}

impl Ending {
    /// The stop begins, and has this long.
    pub(crate) fn begin(within: Duration) -> Self {
        Self { latest: Instant::now() + within.saturating_sub(LAST_WORDS), late: Vec::new() }
    }

    /// Waits for `step` as long as there is time; else it is given up, and `otherwise` says what that means.
    pub(crate) async fn step<T>(
        &mut self,
        step: impl Future<Output = T>,
        otherwise: &'static str,
    ) -> Option<T> {
        let done = timeout_at(self.latest, step).await.ok();
        if done.is_none() {
            self.late.push(otherwise);
        }
        done
    }

    /// The same for what gets no more than `within`, however much time there is.
    pub(crate) async fn brief_step<T>(
        &mut self,
        within: Duration,
        step: impl Future<Output = T>,
        otherwise: &'static str,
    ) -> Option<T> {
        let all = self.latest;
        self.latest = all.min(Instant::now() + within);
        let done = self.step(step, otherwise).await;
        self.latest = all;
        done
    }

    /// The same for `work` that blocks. Its thread is left behind if it takes too long, and ends with the process.
    pub(crate) async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
        otherwise: &'static str,
    ) -> Option<T> {
        self.step(blocking(work), otherwise).await.flatten()
    }

    /// Says what was given up on stderr, and `well` on stdout.
    pub(crate) async fn last_words(self, well: Option<&'static str>) {
        let say = move || {
            for late in self.late {
                tracing::warn!("{late}");
            }
            if let Some(well) = well {
                let _ = writeln!(std::io::stdout(), "{well}");
            }
        };
        let _ = timeout(LAST_WORDS, blocking(say)).await;
    }
}

/// Resolves when `work` has been done on a thread of its own; `None`: it never can be.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, wait) = oneshot::channel();
    let spawned = std::thread::Builder::new().name("ending".to_owned()).spawn(move || {
        let _ = done.send(work()); // nobody waits any more
    });
    spawned.ok()?;
    wait.await.ok()
}
