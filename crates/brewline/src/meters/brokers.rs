//! Whether a log on Apache Kafka answers. Whoever reads from it notices nothing of brokers that are gone but that nothing
//! comes.

use std::{
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::gauge::ConstGauge,
};

use crate::{kafka::KafkaLog, opened::Opened};

/// The brokers of this process' log, once that is open. Clones ask the same.
#[derive(Clone, Default)]
pub(crate) struct Brokers(Arc<OnceLock<Weak<KafkaLog>>>);

impl Brokers {
    /// They are this log's, if it is on a cluster.
    pub(crate) fn are_of(&self, log: &Opened) {
        if let Opened::Kafka(log) = log {
            // A process opens one log.
            let _ = self.0.set(Arc::downgrade(log));
        }
    }

    /// Whether one of them answered when they were asked last.
    pub(crate) fn answer(&self) -> bool {
        self.0.get().and_then(Weak::upgrade).is_some_and(|log| log.trouble().is_none())
    }
}

impl Collector for Brokers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new(i64::from(self.answer()));
        let help = "1 while an Apache Kafka's broker answered when one was asked last";
        gauge.encode(encoder.encode_descriptor("kafka_up", help, None, gauge.metric_type())?)
    }
}

impl fmt::Debug for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Brokers").field(&self.answer()).finish()
    }
}
