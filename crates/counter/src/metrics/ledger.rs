//! What the counter says of the ledger.

use std::sync::atomic::AtomicU64;

use order::{Millis, Stage};
use prometheus_client::{
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{State, saturate, seconds};
use crate::audit::Audit;

#[derive(Debug, Default)]
pub(super) struct LedgerMetrics {
    holds: Gauge,
    faults: Gauge,
    age: Gauge<f64, AtomicU64>,
    records: Gauge,
    orders: Family<State, Gauge>,
    last_closed: Gauge<f64, AtomicU64>,
}

impl LedgerMetrics {
    pub(super) fn register(to: &mut Registry) -> Self {
        let metrics = Self::default();
        to.register(
            "ledger_holds",
            "1 while every order is accounted for, as far as the log was counted",
            metrics.holds.clone(),
        );
        to.register("ledger_faults", "What is wrong in the ledger", metrics.faults.clone());
        to.register_with_unit(
            "ledger_age",
            "How long ago the ledger had counted the log to its end; -1 while it is counted anew",
            Unit::Seconds,
            metrics.age.clone(),
        );
        to.register("ledger_records", "Records that the ledger has counted", metrics.records.clone());
        to.register(
            "ledger_orders",
            "Both sides of the ledger's equation since the last balance: accepted and carried over, and where they are",
            metrics.orders.clone(),
        );
        to.register_with_unit(
            "ledger_last_closed_timestamp",
            "When the last business day that is closed for good ended, in seconds since 1970; 0: none is",
            Unit::Seconds,
            metrics.last_closed.clone(),
        );
        metrics
    }

    pub(super) fn show(&self, audit: &Audit, now: Millis) {
        let closed = audit.days().values().rev().find(|balance| balance.over).map(|balance| balance.at);
        self.last_closed.set(seconds(closed.unwrap_or(0)));
        let orders = |name| self.orders.get_or_create_owned(&State { state: name });
        let Some(count) = audit.look() else {
            self.age.set(-1.0);
            return;
        };
        self.age.set(seconds(now - audit.as_of()));
        self.holds.set(i64::from(count.holds()));
        self.faults.set(saturate(count.faults.len()));
        self.records.set(saturate(count.ledger.records()));
        orders("accepted").set(saturate(count.equation.accepted));
        orders("carried_over").set(saturate(count.equation.carried_over));
        orders("dead_lettered").set(saturate(count.equation.dead_lettered));
        for stage in Stage::ALL {
            orders(stage.name()).set(saturate(count.equation.of(stage)));
        }
    }
}
