//! What the counter says of the orders and the shop, as the log has them.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use order::{Millis, Stage};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use shop::ordering;

use super::{State, saturate, seconds};
use crate::app::App;

#[derive(Debug, Default)]
pub(super) struct LineMetrics {
    orders: Family<State, Gauge>,
    live_bytes: Gauge,
    oldest_undecided: Gauge<f64, AtomicU64>,
    oldest_open: Gauge<f64, AtomicU64>,
    partitions: Gauge,
    lag: Family<Part, Gauge>,
    view_age: Gauge<f64, AtomicU64>,
    view_ready: Gauge<i64, AtomicI64>,
    promises: Family<Ready, Counter>,
    bells: Family<Heard, Counter>,
    dead_letters: Gauge,
    unreadable_state: Gauge,
    ordering: Family<State, Gauge>,
    bar_pages: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Part {
    partition: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ready {
    /// `inside`, `before` or `after`.
    ready: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Heard {
    /// `in_time`, `late`, `missed`, `away` or `no_phone`.
    heard: &'static str,
}

impl LineMetrics {
    pub(super) fn register(to: &mut Registry) -> Self {
        let metrics = Self::default();
        to.register("orders", "Remembered orders by state", metrics.orders.clone());
        to.register_with_unit(
            "orders_live",
            "What live orders weigh together beyond what every order takes",
            Unit::Bytes,
            metrics.live_bytes.clone(),
        );
        to.register_with_unit(
            "oldest_undecided_order_age",
            "How long the oldest order waits on which nobody decided",
            Unit::Seconds,
            metrics.oldest_undecided.clone(),
        );
        to.register_with_unit(
            "oldest_open_order_age",
            "How long ago the oldest order was placed that is not ready yet",
            Unit::Seconds,
            metrics.oldest_open.clone(),
        );
        to.register("partitions", "Partitions of order.received", metrics.partitions.clone());
        to.register(
            "lag_records",
            "Records of order.received that this counter has read, and no barista",
            metrics.lag.clone(),
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
            "bells",
            "Bells of orders that are no longer ready, by whether the phone said that it rang",
            metrics.bells.clone(),
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
        to.register("ordering", "1 for what customers are told", metrics.ordering.clone());
        to.register("bar_pages", "Bar pages that are there", metrics.bar_pages.clone());
        metrics
    }

    pub(super) fn show(&self, app: &App, now: Millis) {
        let views = &app.views;
        let shop = app.offer.shop();
        let look = views.look_anyway();
        let (counts, shop_facts) = (look.counts(), look.shop().facts());
        let (undecided, open) = (look.oldest_undecided(), look.oldest_open());
        let lags: Vec<_> = look.lags().collect();
        let partitions = look.partitions();
        let bar_pages = shop_facts.bars_there(now);
        let state = app.offer.ordering(&look, shop.as_deref()).ordering;
        self.dead_letters.set(saturate(look.dead_letters()));
        self.unreadable_state.set(saturate(look.unreadable()));
        drop(look);

        let orders = |name| self.orders.get_or_create_owned(&State { state: name });
        orders("undecided").set(saturate(counts.undecided));
        for stage in Stage::ALL {
            orders(stage.name()).set(saturate(counts.of(stage)));
        }
        self.live_bytes.set(saturate(views.live_bytes()));
        self.oldest_undecided.set(undecided.map_or(0.0, |since| seconds(now - since)));
        self.oldest_open.set(open.map_or(0.0, |since| seconds(now - since)));
        self.partitions.set(saturate(partitions));
        for (partition, lag) in lags {
            self.lag.get_or_create_owned(&Part { partition }).set(saturate(lag));
        }
        self.view_age.set(match views.as_of() {
            0 => seconds(now - views.since()),
            as_of => seconds(now - as_of),
        });
        self.view_ready.set(i64::from(views.is_caught_up()));
        // The views count; this only shows it.
        let (kept, heard) = (views.kept(), views.heard());
        for (ready, count) in [("inside", kept.inside), ("before", kept.before), ("after", kept.after)] {
            self.promises.get_or_create_owned(&Ready { ready }).inner().store(count, Relaxed);
        }
        for (name, count) in [
            ("in_time", heard.in_time),
            ("late", heard.late),
            ("missed", heard.missed),
            ("away", heard.away),
            ("no_phone", heard.no_phone),
        ] {
            self.bells.get_or_create_owned(&Heard { heard: name }).inner().store(count, Relaxed);
        }
        for each in ordering::State::ALL {
            self.ordering.get_or_create_owned(&State { state: each.name() }).set(i64::from(each == state));
        }
        self.bar_pages.set(saturate(bar_pages));
    }
}
