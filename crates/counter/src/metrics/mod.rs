//! What the counter says of itself, as Prometheus text. `docs/metrics.md` explains each.
//!
//! | file | of what |
//! |---|---|
//! | `mod` | requests, connections, and whether it can take orders |
//! | `line` | the orders, as the view has them, and the shop |
//! | `ledger` | the ledger |
//! | `backup` | backups that it gave |

mod backup;
mod ledger;
mod line;

use std::time::Duration;

use http::{Method, Request, StatusCode};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use self::{backup::LastBackup, ledger::LedgerMetrics, line::LineMetrics};
use crate::{
    app::App,
    clock,
    http::{Missing, WHAT},
    options::Options,
    printing::PrinterMetrics,
    problem::Code,
};

/// What the counter counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Counter,
    refusals: Family<Reason, Counter>,
    pub(crate) accepted: Counter,
    order_requests: Family<Outcome, Histogram, fn() -> Histogram>,
    pub(crate) publish_seconds: Histogram,
    pub(crate) streams: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) connections_refused: Counter,
    missing: Family<What, Gauge>,
    line: LineMetrics,
    ledger: LedgerMetrics,
    pub(crate) last_backup: LastBackup,
    pub(crate) printer: PrinterMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    /// `accepted`, `refused` or `failed`.
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct What {
    what: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// How a request for an order may end.
const OUTCOMES: [&str; 3] = ["accepted", "refused", "failed"];

/// An order is answered within so many seconds. `deploy/prometheus` looks for this bucket by its name, `1.0`.
const PROMISED: f64 = 1.0;

/// What does not change.
fn fixed(value: usize) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(saturate(value));
    gauge
}

/// From a tenth of a millisecond to six seconds, doubling.
fn seconds_buckets() -> impl Iterator<Item = f64> {
    exponential_buckets(0.0001, 2.0, 17)
}

/// With a bucket more, of what is promised to whoever orders: an answer within a second.
fn order_histogram() -> Histogram {
    let below = seconds_buckets().filter(|bound| *bound < PROMISED);
    let above = seconds_buckets().filter(|bound| *bound > PROMISED);
    Histogram::new(below.chain([PROMISED]).chain(above))
}

impl Metrics {
    pub(crate) fn new(mut registry: Registry, bounds: &Bounds) -> Self {
        let to = registry.sub_registry_with_prefix("brewline");
        let metrics = Self {
            requests: Counter::default(),
            refusals: Family::default(),
            accepted: Counter::default(),
            order_requests: Family::new_with_constructor(order_histogram),
            publish_seconds: Histogram::new(seconds_buckets()),
            streams: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            missing: Family::default(),
            line: LineMetrics::register(to),
            ledger: LedgerMetrics::register(to),
            last_backup: LastBackup::register(to),
            printer: PrinterMetrics::default(),
            registry: Registry::default(),
        };
        to.register("http_requests", "Requests", metrics.requests.clone());
        to.register(
            "refusals",
            "Requests that were not done, by the problem's code",
            metrics.refusals.clone(),
        );
        to.register("orders_accepted", "Orders written to the log by this counter", metrics.accepted.clone());
        to.register_with_unit(
            "order_request",
            "How long requests for an order took, by how they ended: accepted; refused, as it should be; failed here",
            Unit::Seconds,
            metrics.order_requests.clone(),
        );
        to.register_with_unit(
            "publish",
            "How long the log took to make a record durable",
            Unit::Seconds,
            metrics.publish_seconds.clone(),
        );
        to.register("streams_open", "Open event streams", metrics.streams.clone());
        to.register("connections_open", "Open connections", metrics.connections.clone());
        to.register(
            "connections_refused",
            "Connections that were closed at once, because their address has too many",
            metrics.connections_refused.clone(),
        );
        to.register("missing", "1 for what /readyz says is missing", metrics.missing.clone());
        for (name, help, bound) in [
            ("streams_max", "Event streams at most", bounds.streams),
            ("connections_max", "Connections at most", bounds.connections),
            ("orders_open_max", "Orders that are not ready at most", bounds.orders),
        ] {
            to.register(name, help, fixed(bound));
        }
        let help = "What live orders may weigh together";
        to.register_with_unit("orders_live_max", help, Unit::Bytes, fixed(bounds.order_bytes));
        metrics.printer.register(to);
        // What has not happened yet is 0, and not unknown: a rate needs a value before the first one.
        for code in Code::ALL {
            metrics.refusals.get_or_create_owned(&Reason { code: code.name() });
        }
        for outcome in OUTCOMES {
            metrics.order_requests.get_or_create_owned(&Outcome { outcome });
        }
        Self { registry, ..metrics }
    }

    pub(crate) fn refused(&self, code: Code) {
        self.refusals.get_or_create(&Reason { code: code.name() }).inc();
    }

    /// A request for an order was answered.
    pub(crate) fn order_asked(&self, code: Option<Code>, status: StatusCode, took: Duration) {
        let outcome = outcome(code, status);
        self.order_requests.get_or_create(&Outcome { outcome }).observe(took.as_secs_f64());
    }

    /// All of it, with the view's and the ledger's as they are now.
    pub(crate) fn text(&self, app: &App, missing: &[Missing]) -> Result<String, std::fmt::Error> {
        for what in WHAT {
            let is_missing = missing.iter().any(|missing| missing.what == what);
            self.missing.get_or_create_owned(&What { what }).set(i64::from(is_missing));
        }
        self.ledger.show(&app.audit, app.ledger_clock.now());
        self.line.show(app, clock::now());
        let mut text = String::with_capacity(32 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// What is bounded, and by how much.
pub(crate) struct Bounds {
    streams: usize,
    connections: usize,
    orders: usize,
    order_bytes: usize,
}

impl Bounds {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            streams: options.max_streams,
            connections: options.max_connections(),
            orders: options.max_open,
            order_bytes: options.max_open_bytes,
        }
    }
}

/// Whether someone asks for an order with this.
pub(crate) fn asks_for_an_order<B>(request: &Request<B>) -> bool {
    *request.method() == Method::POST && matches!(request.uri().path(), "/order" | "/orders")
}

/// Whether the line did what it is there for. It also does where it says no for a good reason: what the sender asked can't be
/// had, or the shop wants no orders now.
fn outcome(code: Option<Code>, status: StatusCode) -> &'static str {
    match code {
        Some(Code::Starting | Code::QueueFull | Code::NotWritten | Code::OutcomeUnknown) => "failed",
        Some(_) => "refused",
        None if status.is_success() => "accepted",
        None => "failed",
    }
}

fn saturate(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "an age of 285,000 years is exact enough")]
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_line_could_not_do_is_a_failure() {
        for (code, status, is) in [
            (None, StatusCode::ACCEPTED, "accepted"),
            (None, StatusCode::CREATED, "accepted"),
            (Some(Code::OrderingPaused), StatusCode::SERVICE_UNAVAILABLE, "refused"),
            (Some(Code::TooManyOrders), StatusCode::TOO_MANY_REQUESTS, "refused"),
            (Some(Code::NotWritten), StatusCode::SERVICE_UNAVAILABLE, "failed"),
            (Some(Code::QueueFull), StatusCode::SERVICE_UNAVAILABLE, "failed"),
            (None, StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        ] {
            assert_eq!(outcome(code, status), is, "{code:?}");
        }
    }
}
