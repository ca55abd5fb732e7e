//! What the counter says of backups that it gave.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use order::Millis;
use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{MetricType, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::seconds;

/// When a backup was handed out wholly the last time. Nothing is shown while none was: 0 would be one of 1970, and old.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastBackup(Arc<Gauge<f64, AtomicU64>>);

impl LastBackup {
    pub(super) fn register(to: &mut Registry) -> Self {
        let last = Self::default();
        let help = "When this process last handed out a backup wholly, in seconds since 1970";
        to.register_with_unit("backup_timestamp", help, Unit::Seconds, last.clone());
        last
    }

    pub(crate) fn was_at(&self, now: Millis) {
        self.0.set(seconds(now));
    }
}

impl EncodeMetric for LastBackup {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        if self.0.get() > 0.0 { self.0.encode(encoder) } else { Ok(()) }
    }

    fn metric_type(&self) -> MetricType {
        self.0.metric_type()
    }
}
