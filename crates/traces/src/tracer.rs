//! Which traces are recorded, and the way from those who make spans to whoever sends them.

use std::{
    hash::{BuildHasher as _, RandomState},
    num::{NonZeroU64, NonZeroU128},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::SystemTime,
};

use order::TraceContext;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;

use crate::Span;

/// Nanoseconds since the Unix epoch.
pub type Nanos = u64;

/// Spans that wait at most; more are left out. At 300 bytes each they take 2.4 MB.
pub const QUEUE: usize = 8_192;

/// Spans that come out of the queue.
pub type Spans = mpsc::Receiver<Span>;

/// How many spans were left out.
pub type Dropped = Counter;

/// The system's clock. For spans alone: no decision rests on it.
pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Nanos::try_from(since.as_nanos()).unwrap_or(Nanos::MAX)
}

/// Which of the traces that begin here are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// Those whose last 63 bits are below this: what OpenTelemetry's `TraceIdRatioBased` does, so that programs with
    /// the same ratio agree.
    below: u64,
}

impl Ratio {
    /// So many of all: 0 none, 1 each.
    pub fn new(ratio: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a cast keeps within the bounds, and a bit more or less of 63 is no difference"
        )]
        Self { below: (ratio.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64 }
    }

    /// Whether a trace is one of those, by its last 64 bits.
    fn takes(self, low: u64) -> bool {
        low >> 1 < self.below
    }
}

/// Takes spans. Clones are the same one; the default is off, and then nothing is made and no time is asked for.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    ratio: Ratio,
    /// A secret that makes names of numbers: cheaper than asking the system each time, and as hard to guess.
    secret: RandomState,
    next: AtomicU64,
    queue: mpsc::Sender<Span>,
    dropped: Dropped,
}

impl Tracer {
    /// One that records `ratio` of the traces that begin here. What does not fit into the queue is counted as dropped.
    pub fn new(ratio: Ratio, dropped: Dropped) -> (Self, Spans) {
        let (queue, spans) = mpsc::channel(QUEUE);
        let (secret, next) = (RandomState::new(), AtomicU64::new(0));
        (Self(Some(Arc::new(Inner { ratio, secret, next, queue, dropped }))), spans)
    }

    /// Whether spans are made at all.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A place below `parent`, or at the beginning of a trace. `None` where nothing is to be recorded: tracing is off, or
    /// whoever began the trace does not record it, or it would begin here and is not one of those that are.
    pub fn begin(&self, parent: Option<TraceContext>) -> Option<TraceContext> {
        let inner = self.0.as_ref()?;
        if let Some(parent) = parent {
            return parent.is_sampled().then(|| parent.at(inner.span()));
        }
        // Most are not recorded: that is to cost as little as can be.
        let low = inner.random();
        if !inner.ratio.takes(low) {
            return None;
        }
        let trace = u128::from(inner.random()) << 64 | u128::from(low);
        let trace = NonZeroU128::new(trace).unwrap_or(NonZeroU128::MIN);
        Some(TraceContext::new(trace, inner.span(), true))
    }

    /// Hands a span over, if its trace is recorded. Never waits.
    pub fn record(&self, span: Span) {
        if let Some(inner) = &self.0
            && span.context.is_sampled()
            && inner.queue.try_send(span).is_err()
        {
            inner.dropped.inc();
        }
    }
}

impl Inner {
    fn random(&self) -> u64 {
        self.secret.hash_one(self.next.fetch_add(1, Relaxed))
    }

    fn span(&self) -> NonZeroU64 {
        NonZeroU64::new(self.random()).unwrap_or(NonZeroU64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::What;

    fn span(context: TraceContext) -> Span {
        Span {
            context,
            parent: None,
            start: 1,
            end: 2,
            what: What::Bell { order: order::OrderId::new("a").unwrap(), round: 1 },
        }
    }

    #[test]
    fn a_trace_that_came_is_gone_on_with_whatever_the_ratio() {
        for (ratio, flag) in [(0.0, "01"), (1.0, "00")] {
            let (tracer, mut spans) = Tracer::new(Ratio::new(ratio), Dropped::default());
            let text = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flag}");
            let parent = TraceContext::parse(text.as_bytes()).unwrap();
            let Some(context) = tracer.begin(Some(parent)) else {
                assert_eq!(flag, "00");
                continue;
            };
            assert_eq!((flag, context.trace, context.is_sampled()), ("01", parent.trace, true));
            assert_ne!(context.span, parent.span);
            tracer.record(span(context));
            assert!(spans.try_recv().is_ok());
        }
    }

    #[test]
    fn as_many_traces_are_recorded_as_the_ratio_says_and_no_two_are_the_same() {
        for (ratio, range) in [(0.0, 0..=0), (0.1, 900..=1_100), (1.0, 10_000..=10_000)] {
            let (tracer, _spans) = Tracer::new(Ratio::new(ratio), Dropped::default());
            let begun: Vec<_> = (0..10_000).filter_map(|_| tracer.begin(None)).collect();
            assert!(range.contains(&begun.len()) && begun.iter().all(|c| c.is_sampled()), "{ratio}");
            let distinct: std::collections::HashSet<_> = begun.iter().map(|c| (c.trace, c.span)).collect();
            assert_eq!(distinct.len(), begun.len());
        }
    }

    #[test]
    fn others_with_the_same_ratio_record_the_same_traces() {
        // The last 63 bits decide, as in OpenTelemetry's samplers.
        let half = Ratio::new(0.5);
        assert!(half.takes((1 << 63) - 1) && !half.takes(1 << 63));
    }

    #[test]
    fn what_does_not_fit_into_the_queue_is_counted_and_nobody_waits() {
        let dropped = Dropped::default();
        let (tracer, mut spans) = Tracer::new(Ratio::new(1.0), dropped.clone());
        for _ in 0..QUEUE + 3 {
            tracer.record(span(tracer.begin(None).unwrap()));
        }
        assert_eq!(dropped.get(), 3);
        assert_eq!(std::iter::from_fn(|| spans.try_recv().ok()).count(), QUEUE);
    }

    #[test]
    fn one_that_is_off_makes_nothing() {
        assert!(!Tracer::default().is_on() && Tracer::default().begin(None).is_none());
    }
}
