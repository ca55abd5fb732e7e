//! What all requests share.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use eventlog::{Certainty, Log, Partition, Position, Publish, PublishError, Reason, Record, Topic};
use order::Millis;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use traces::Tracer;

use crate::{
    access::Guesses,
    audit::Audit,
    clock::{self, Clock},
    http::{Bodies, Codes, Freshness, Reached},
    idempotency::InFlight,
    metrics::{Bounds, Metrics},
    offer::Offer,
    options::Options,
    printing::Printing,
    problem::{Code, Problem},
    proxies::TrustedProxies,
    public::PublicUrl,
    rates::{Bucket, Rates},
    seats::Seats,
    view::Views,
};

/// How long before its deadline a record leaves the log's queue, so that "not written" is said in time.
const QUEUE_MARGIN: Duration = Duration::from_millis(250);
/// A failed write makes the counter unready for this long; then it is worth another try.
const WRITE_TROUBLE_MS: Millis = 30_000;
/// Histories read at once: each reads a partition of the log.
const SCANS: usize = 4;
/// What may be said of the shop in a minute: a page that goes wild must not fill the log.
const FACTS_PER_MINUTE: u32 = 600;

/// What all requests share.
pub(crate) struct App {
    pub(crate) settings: Settings,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Where phones find this counter.
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) publisher: Arc<dyn Publish>,
    pub(crate) views: Views,
    pub(crate) metrics: Metrics,
    /// Takes spans of what is done here.
    pub(crate) tracer: Tracer,
    /// The line's secret, once it is settled.
    pub(crate) secret: OnceLock<[u8; 32]>,
    pub(crate) in_flight: InFlight,
    /// Whose word on where requests come from is taken.
    pub(crate) proxies: TrustedProxies,
    /// For streams.
    pub(crate) seats: Arc<Seats>,
    /// For connections.
    pub(crate) places: Arc<Seats>,
    /// For orders with items that are not of staff.
    pub(crate) rates: Rates,
    /// For codes that sign a device in.
    pub(crate) guesses: Guesses,
    /// For what is said of the shop.
    pub(crate) facts: Bucket,
    pub(crate) offer: Offer,
    pub(crate) printing: Printing,
    pub(crate) scans: Arc<Semaphore>,
    /// One backup at a time.
    pub(crate) backups: Arc<Semaphore>,
    /// The ledger, counted from the log.
    pub(crate) audit: Audit,
    /// What tells it the time.
    pub(crate) ledger_clock: Clock,
    pub(crate) codes: Codes,
    /// What the public screens show, made once for all of them.
    pub(crate) board: watch::Sender<Bytes>,
    pub(crate) shop: watch::Sender<Bytes>,
    /// How old that is.
    pub(crate) public: Freshness,
    /// Cancelled when the counter stops: streams end first.
    pub(crate) closing: CancellationToken,
    pub(crate) began: Millis,
    /// Since when writing fails; 0: it does not.
    write_trouble: AtomicI64,
    /// When it failed last.
    write_failed: AtomicI64,
}

/// What of the options requests need.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) max_open: usize,
    pub(crate) max_open_bytes: usize,
    pub(crate) deadline: Duration,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    /// What bodies take at the moment.
    pub(crate) bodies: Bodies,
    pub(crate) heartbeat: Duration,
    pub(crate) source: String,
    pub(crate) version: String,
    pub(crate) demo: bool,
    /// Whether it speaks TLS itself.
    pub(crate) tls: bool,
}

impl Settings {
    /// Refuses one more order where so many are open, of so many bytes.
    pub(crate) fn check_room(&self, open: usize, bytes: usize) -> Result<(), Problem> {
        if open >= self.max_open {
            return Err(queue_full(self.max_open));
        }
        if bytes >= self.max_open_bytes {
            let detail = "The orders that are waiting or being made are as large together as the line takes; try \
                          again later.";
            let problem = Problem::new(Code::QueueFull, detail).with("max_open_bytes", self.max_open_bytes);
            return Err(problem.retry_after(5));
        }
        Ok(())
    }
}

impl App {
    pub(crate) fn new(
        options: Options,
        address: SocketAddr,
        public_url: Option<PublicUrl>,
        log: Arc<dyn Log>,
        views: Views,
        closing: CancellationToken,
    ) -> Self {
        let (max_connections, max_connections_per_address) =
            (options.max_connections(), options.max_connections_per_address());
        let bounds = Bounds::of(&options);
        let metrics = Metrics::new(options.registry, &bounds);
        Self {
            settings: Settings {
                max_open: options.max_open,
                max_open_bytes: options.max_open_bytes,
                deadline: options.deadline,
                max_body_bytes: options.max_body_bytes,
                body_timeout: options.body_timeout,
                bodies: Bodies::default(),
                heartbeat: options.heartbeat,
                source: options.source,
                version: options.version,
                demo: options.demo,
                tls: options.tls.is_some(),
            },
            address,
            public_url,
            publisher: log.publisher(),
            log,
            views,
            proxies: options.trusted_proxies,
            seats: Seats::new(options.max_streams, options.max_streams_per_address, metrics.streams.clone()),
            places: Seats::new(max_connections, max_connections_per_address, metrics.connections.clone()),
            facts: Bucket::new(FACTS_PER_MINUTE),
            offer: Offer::new(options.shop),
            guesses: Guesses::default(),
            printing: Printing::new(options.printer_patience),
            rates: Rates::new(options.orders_per_minute, options.orders_per_minute_of_device),
            metrics,
            tracer: options.tracer,
            secret: OnceLock::new(),
            in_flight: InFlight::default(),
            scans: Arc::new(Semaphore::new(SCANS)),
            backups: Arc::new(Semaphore::new(1)),
            audit: Audit::default(),
            ledger_clock: options.ledger_clock,
            codes: Codes::default(),
            board: watch::Sender::new(Bytes::new()),
            shop: watch::Sender::new(Bytes::new()),
            public: Freshness::default(),
            closing,
            began: clock::now(),
            write_trouble: AtomicI64::new(0),
            write_failed: AtomicI64::new(0),
        }
    }

    /// The shop's settings; of a shop that has none, the embedded ones: days need a time zone.
    pub(crate) fn settings_of_shop(&self) -> shop::Settings {
        self.offer.shop().map_or_else(shop::Settings::embedded, |shop| shop.settings().clone())
    }

    /// The time by which the ledger tells days apart: that of its clock, or the log's if that is ahead.
    pub(crate) fn ledger_time(&self) -> Millis {
        self.ledger_clock.now().max(self.audit.newest())
    }

    /// How it is reached, for whoever comes with a browser.
    pub(crate) fn reached(&self) -> Reached<'_> {
        Reached { tls: self.settings.tls, public_url: self.public_url.as_ref() }
    }

    /// Refuses what would be more work than the line takes. A view that begins anew stops no orders: what was
    /// open before, and what came since, is counted on.
    pub(crate) fn check_room(&self) -> Result<(), Problem> {
        if !self.views.is_caught_up() && self.views.as_of() == 0 {
            return Err(Problem::starting());
        }
        self.settings.check_room(self.views.open(), self.views.live_bytes())
    }

    /// Adds a record to the log within the deadline.
    pub(crate) async fn publish(
        &self,
        topic: Topic,
        partition: Partition,
        record: Record,
    ) -> Result<Position, PublishError> {
        let deadline = self.settings.deadline;
        let began = Instant::now();
        let publish = self.publisher.publish(topic, partition, record, deadline.saturating_sub(QUEUE_MARGIN));
        let outcome = match tokio::time::timeout(deadline, publish).await {
            Ok(outcome) => outcome,
            Err(_) => Err(PublishError::unknown(Reason::Deadline)),
        };
        self.metrics.publish_seconds.observe(began.elapsed().as_secs_f64());
        match &outcome {
            Ok(_) if self.write_trouble.load(Ordering::Relaxed) == 0 => {}
            Ok(_) => {
                if self.write_trouble.swap(0, Ordering::Relaxed) != 0 {
                    tracing::warn!("the log takes records again");
                }
            }
            // That is the record's fault, not the log's.
            Err(PublishError { reason: Reason::TooLarge { .. }, .. }) => {}
            Err(error) => {
                if self.note_write_trouble(clock::now()) {
                    tracing::warn!(%error, topic, "the log takes no records");
                }
            }
        }
        outcome
    }

    /// Whether that is new.
    fn note_write_trouble(&self, now: Millis) -> bool {
        self.write_failed.store(now, Ordering::Relaxed);
        self.write_trouble.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Why the log says that it takes no records, also where nobody has tried.
    pub(crate) fn known_trouble(&self, now: Millis) -> Option<Reason> {
        let trouble = self.publisher.trouble()?;
        if self.note_write_trouble(now) {
            tracing::warn!(%trouble, "the log takes no records");
        }
        Some(trouble)
    }

    /// Since when the log takes no records, as far as was tried.
    pub(crate) fn write_trouble(&self, now: Millis) -> Option<Millis> {
        let since = self.write_trouble.load(Ordering::Relaxed);
        let last = self.write_failed.load(Ordering::Relaxed);
        (since != 0 && now.saturating_sub(last) < WRITE_TROUBLE_MS).then_some(since)
    }
}

/// Too much work is open.
pub(crate) fn queue_full(max_open: usize) -> Problem {
    Problem::new(
        Code::QueueFull,
        format!("{max_open} orders are waiting or being made, and the line takes no more; try again later."),
    )
    .with("max_open", max_open)
    .retry_after(5)
}

/// Why a write failed, for programs.
pub(crate) fn reason_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::DiskFull => "disk_full",
        Reason::Removed => "removed",
        Reason::Overloaded => "overloaded",
        Reason::Deadline => "deadline",
        Reason::TooLarge { .. } => "too_large",
        Reason::NoSuchPartition(..) => "no_such_partition",
        Reason::Closed => "closing",
        Reason::Storage(_) => "storage",
    }
}

/// What a failed write means to who asked for it.
pub(crate) fn not_taken(error: &PublishError) -> Problem {
    const NOT_TAKEN: &str = "The log did not take it";
    if let Reason::TooLarge { .. } = &error.reason {
        return Problem::new(Code::BodyTooLarge, format!("With all it needs, {}.", error.reason));
    }
    let reason = reason_of(&error.reason);
    // What a storage says of itself names files and hosts: that is for the log, not for strangers.
    let said = match &error.reason {
        Reason::Storage(_) => "the storage failed".to_owned(),
        reason => reason.to_string(),
    };
    let (code, what, advice) = match error.certainty {
        Certainty::NotWritten if error.reason == Reason::Removed => (
            Code::NotWritten,
            NOT_TAKEN,
            "nothing was written, and nothing will be until the files are back where they were, or the line is started anew",
        ),
        Certainty::NotWritten => (Code::NotWritten, NOT_TAKEN, "nothing was written; try again"),
        Certainty::Unknown => (
            Code::OutcomeUnknown,
            "The log did not confirm it",
            "it may have been written all the same: repeat it with the same Idempotency-Key, or look it up",
        ),
    };
    let problem = Problem::new(code, format!("{what}: {said}; {advice}.")).with("reason", reason);
    if error.reason == Reason::Removed { problem } else { problem.retry_after(1) }
}
