//! What the counter says of itself, as Prometheus text.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use order::Stage;
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

use crate::{
    audit::Audit,
    clock::{self, Clock},
    printing::PrinterMetrics,
    problem::Code,
    view::Views,
};

/// What the counter counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) requests: Counter,
    refusals: Family<Reason, Counter>,
    pub(crate) accepted: Counter,
    pub(crate) publish_seconds: Histogram,
    pub(crate) streams: Gauge,
    pub(crate) connections: Gauge,
    orders: Family<State, Gauge>,
    oldest_undecided: Gauge<f64, AtomicU64>,
    view_age: Gauge<f64, AtomicU64>,
    view_ready: Gauge<i64, AtomicI64>,
    promises: Family<Ready, Counter>,
    dead_letters: Gauge,
    unreadable_state: Gauge,
    ledger_holds: Gauge,
    ledger_faults: Gauge,
    ledger_age: Gauge<f64, AtomicU64>,
    ledger_records: Gauge,
    ledger_orders: Family<State, Gauge>,
    pub(crate) printer: PrinterMetrics,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ready {
    /// `inside`, `before` or `after`.
    ready: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

impl Metrics {
    pub(crate) fn new(mut registry: Registry) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Counter::default(),
            refusals: Family::default(),
            accepted: Counter::default(),
            // From a tenth of a millisecond to six seconds, doubling.
            publish_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 17)),
            streams: Gauge::default(),
            connections: Gauge::default(),
            orders: Family::default(),
            oldest_undecided: Gauge::default(),
            view_age: Gauge::default(),
            view_ready: Gauge::default(),
            promises: Family::default(),
            dead_letters: Gauge::default(),
            unreadable_state: Gauge::default(),
            ledger_holds: Gauge::default(),
            ledger_faults: Gauge::default(),
            ledger_age: Gauge::default(),
            ledger_records: Gauge::default(),
            ledger_orders: Family::default(),
            printer: PrinterMetrics::default(),
        };
        let to = registry.sub_registry_with_prefix("brewline");
        to.register("http_requests", "Requests", metrics.requests.clone());
        to.register(
            "refusals",
            "Requests that were not done, by the problem's code",
            metrics.refusals.clone(),
        );
        to.register("orders_accepted", "Orders written to the log by this counter", metrics.accepted.clone());
        to.register_with_unit(
            "publish",
            "How long the log took to make a record durable",
            Unit::Seconds,
            metrics.publish_seconds.clone(),
        );
        to.register("streams_open", "Open event streams", metrics.streams.clone());
        to.register("connections_open", "Open connections", metrics.connections.clone());
        to.register("orders", "Remembered orders by state", metrics.orders.clone());
        to.register_with_unit(
            "oldest_undecided_order_age",
            "How long the oldest order waits on which nobody decided",
            Unit::Seconds,
            metrics.oldest_undecided.clone(),
        );
        to.register_with_unit(
            "view_age",
            "How long ago the view last confirmed that it had read to the end of the log",
            Unit::Seconds,
            metrics.view_age.clone(),
        );
        to.register("view_ready", "1 while the view may be shown", metrics.view_ready.clone());
        to.register(
            "promises",
            "Orders that became ready since this counter began to follow, by when that was of their first promise",
            metrics.promises.clone(),
        );
        to.register(
            "dead_letters_seen",
            "Dead letters read since this counter began to follow",
            metrics.dead_letters.clone(),
        );
        to.register(
            "unreadable_states",
            "Records of order.state that this program could not read",
            metrics.unreadable_state.clone(),
        );
        to.register(
            "ledger_holds",
            "1 while every order is accounted for, as far as the log was counted",
            metrics.ledger_holds.clone(),
        );
        to.register("ledger_faults", "What is wrong in the ledger", metrics.ledger_faults.clone());
        to.register_with_unit(
            "ledger_age",
            "How long ago the ledger had counted the log to its end; -1 while it is counted anew",
            Unit::Seconds,
            metrics.ledger_age.clone(),
        );
        to.register("ledger_records", "Records that the ledger has counted", metrics.ledger_records.clone());
        to.register(
            "ledger_orders",
            "Both sides of the ledger's equation since the last balance: accepted and carried over, and where they are",
            metrics.ledger_orders.clone(),
        );
        metrics.printer.register(to);
        Self { registry, ..metrics }
    }

    pub(crate) fn refused(&self, code: Code) {
        self.refusals.get_or_create(&Reason { code: code.name() }).inc();
    }

    /// All of it, with the view's as it is now, and the ledger's by its clock.
    pub(crate) fn text(
        &self,
        views: &Views,
        audit: &Audit,
        ledger_clock: &Clock,
    ) -> Result<String, std::fmt::Error> {
        let now = clock::now();
        self.count(audit, ledger_clock.now());
        let look = views.look_anyway();
        let counts = look.counts();
        let oldest = look.oldest_undecided();
        self.dead_letters.set(saturate(look.dead_letters()));
        self.unreadable_state.set(saturate(look.unreadable()));
        drop(look);
        let state = |name| self.orders.get_or_create_owned(&State { state: name });
        state("undecided").set(saturate(counts.undecided));
        for stage in Stage::ALL {
            state(stage.name()).set(saturate(counts.of(stage)));
        }
        let kept = views.kept();
        for (ready, count) in [("inside", kept.inside), ("before", kept.before), ("after", kept.after)] {
            // The views count; this only shows it.
            self.promises.get_or_create_owned(&Ready { ready }).inner().store(count, Relaxed);
        }
        self.oldest_undecided.set(oldest.map_or(0.0, |since| seconds(now - since)));
        self.view_age.set(match views.as_of() {
            0 => seconds(now - views.since()),
            as_of => seconds(now - as_of),
        });
        self.view_ready.set(i64::from(views.is_caught_up()));
        let mut text = String::with_capacity(8 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Metrics {
    /// What the ledger says now.
    fn count(&self, audit: &Audit, now: i64) {
        let Some(count) = audit.look() else {
            self.ledger_age.set(-1.0);
            return;
        };
        self.ledger_age.set(seconds(now - audit.as_of()));
        self.ledger_holds.set(i64::from(count.holds()));
        self.ledger_faults.set(saturate(count.faults.len()));
        self.ledger_records.set(saturate(count.ledger.records()));
        let orders = |name| self.ledger_orders.get_or_create_owned(&State { state: name });
        orders("accepted").set(saturate(count.equation.accepted));
        orders("carried_over").set(saturate(count.equation.carried_over));
        orders("dead_lettered").set(saturate(count.equation.dead_lettered));
        for stage in Stage::ALL {
            orders(stage.name()).set(saturate(count.equation.of(stage)));
        }
    }
}

fn saturate(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "an age of 285,000 years is exact enough")]
fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1_000.0
}
