//! Spans out of the queue, in batches, until told to stop. While the collector takes none, one batch is kept and tried
//! again ever later; the queue behind it fills, and what does not fit is counted.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use traces::{Otlp, Span, Spans};

use super::{
    Metrics,
    post::{Collector, Outcome},
};

/// Spans in one request at most.
const BATCH: usize = 512;
/// A span waits so long for others to go with it.
const LINGER: Duration = Duration::from_millis(500);
/// How often it is looked how many there are by then: the queue has room for what comes meanwhile.
const LOOK: Duration = Duration::from_millis(10);
/// The pauses before a batch is tried again: they double.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Sends spans.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) spans: Spans,
    pub(super) otlp: Otlp,
    pub(super) collector: Collector,
    pub(super) metrics: Metrics,
    pub(super) stop: CancellationToken,
}

impl Sender {
    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut trouble = Trouble::default();
        loop {
            batch.clear();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                some = self.spans.recv_many(&mut batch, BATCH) => if some == 0 { break },
            }
            self.gather(&mut batch).await;
            if !self.deliver(&batch, &mut trouble).await {
                break;
            }
        }
        self.flush(&mut trouble).await;
    }

    /// Waits a little for more. Who waits for a span is woken by each: that would cost more than the spans do.
    async fn gather(&mut self, batch: &mut Vec<Span>) {
        let latest = Instant::now() + LINGER;
        while batch.len() + self.spans.len() < BATCH && Instant::now() < latest {
            if self.stop.run_until_cancelled(sleep(LOOK)).await.is_none() {
                break;
            }
        }
        while batch.len() < BATCH
            && let Ok(span) = self.spans.try_recv()
        {
            batch.push(span);
        }
    }

    /// Sends a batch, however long that takes; false: it was told to stop before, and the batch is left out.
    async fn deliver(&self, batch: &[Span], trouble: &mut Trouble) -> bool {
        let body = bytes::Bytes::from(self.otlp.encode(batch));
        let mut pause = FIRST_PAUSE;
        loop {
            let after = match self.collector.post(body.clone()).await {
                Outcome::Again { why, after } => {
                    trouble.begins(&self.collector, &why);
                    after
                }
                done => {
                    self.settle(batch, done, trouble);
                    return true;
                }
            };
            let wait = sleep(jittered(pause).max(after.unwrap_or_default().min(LONGEST_PAUSE)));
            if self.stop.run_until_cancelled(wait).await.is_none() {
                self.metrics.dropped("not_sent").inc_by(count(batch));
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A batch that will not be tried again.
    fn settle(&self, batch: &[Span], outcome: Outcome, trouble: &mut Trouble) {
        let (rejected, why) = match outcome {
            Outcome::Taken { rejected, why } => (rejected.min(count(batch)), why),
            Outcome::Refused(why) => (count(batch), why),
            Outcome::Again { why, .. } => {
                trouble.begins(&self.collector, &why);
                self.metrics.dropped("not_sent").inc_by(count(batch));
                return;
            }
        };
        self.metrics.sent.inc_by(count(batch) - rejected);
        if rejected > 0 {
            self.metrics.dropped("refused").inc_by(rejected);
            trouble.begins(&self.collector, &why);
        } else {
            trouble.is_over(&self.collector);
        }
    }

    /// What is left, each batch once: the stop is not to wait for a collector that does not answer.
    async fn flush(&mut self, trouble: &mut Trouble) {
        let mut batch = Vec::with_capacity(BATCH);
        self.spans.close();
        while self.spans.recv_many(&mut batch, BATCH).await > 0 {
            if trouble.is_so() {
                self.metrics.dropped("not_sent").inc_by(count(&batch));
            } else {
                let outcome = self.collector.post(self.otlp.encode(&batch).into()).await;
                self.settle(&batch, outcome, trouble);
            }
            batch.clear();
        }
        // For processes whose metrics nobody can ask for any more.
        let left_out = self.metrics.left_out();
        if left_out > 0 {
            tracing::warn!(left_out, "not all spans were taken");
        }
    }
}

fn count(batch: &[Span]) -> u64 {
    u64::try_from(batch.len()).unwrap_or(u64::MAX)
}

/// Between half of it and all of it: a collector that comes back must not meet everyone at once.
fn jittered(pause: Duration) -> Duration {
    let share = RandomState::new().hash_one(()) % 512;
    pause / 2 + pause * u32::try_from(share).unwrap_or(0) / 1_024
}

/// Spans are not taken: said when it begins and when it is over.
#[derive(Debug, Default)]
struct Trouble(bool);

impl Trouble {
    fn is_so(&self) -> bool {
        self.0
    }

    fn begins(&mut self, collector: &Collector, why: &str) {
        if !std::mem::replace(&mut self.0, true) {
            let collector = collector.address();
            tracing::warn!(%collector, why, "traces are not taken; orders go on, and what is left out is counted");
        }
    }

    fn is_over(&mut self, collector: &Collector) {
        if std::mem::take(&mut self.0) {
            let collector = collector.address();
            tracing::warn!(%collector, "traces are taken again");
        }
    }
}
