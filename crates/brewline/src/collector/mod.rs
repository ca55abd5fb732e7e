//! Traces on their way to a collector. Off unless one is named; and whatever it does, no order waits for it.

mod address;
mod post;
mod send;

use std::{collections::BTreeMap, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use traces::{Otlp, Ratio, Tracer};
use uuid::Uuid;

pub(crate) use self::address::pairs;
pub use self::address::{CollectorAddress, Headers, Pairs};
use self::{post::Collector, send::Sender};
use crate::config::{Place, Traces};

/// A clean stop waits so long for the last spans.
pub(crate) const FLUSH_WITHIN: Duration = Duration::from_millis(1_500);

/// What is counted of spans.
#[derive(Debug, Clone, Default)]
struct Metrics {
    sent: Counter,
    dropped: Family<Reason, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("brewline");
        registry.register("spans_sent", "Spans of traces that a collector took", self.sent.clone());
        registry.register(
            "spans_dropped",
            "Spans of traces that were left out: queue_full, refused by the collector, or not_sent at a stop",
            self.dropped.clone(),
        );
        // Shown from the beginning, so that a rate can be taken of the first one.
        self.left_out();
    }

    /// All that were dropped.
    fn left_out(&self) -> u64 {
        ["queue_full", "refused", "not_sent"].into_iter().map(|reason| self.dropped(reason).get()).sum()
    }

    fn dropped(&self, reason: &'static str) -> Counter {
        self.dropped.get_or_create(&Reason { reason }).clone()
    }
}

/// Spans are being sent.
#[derive(Debug)]
pub(crate) struct Sending {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sending {
    /// Sends what is still to be sent. Nobody makes spans any more.
    pub(crate) async fn finish(self) {
        self.stop.cancel();
        let _ = self.task.await; // it has panicked, and has said so on stderr
    }
}

/// Begins to send spans as `settings` say, if they name a collector. Whoever makes spans takes the tracer.
pub(crate) fn begin(
    settings: &Traces,
    log: &Place,
    registry: &mut Registry,
) -> anyhow::Result<(Tracer, Option<Sending>)> {
    let metrics = Metrics::default();
    metrics.register(registry);
    let Some(address) = &settings.collector else { return Ok((Tracer::default(), None)) };
    let (tracer, spans) = Tracer::new(Ratio::new(settings.ratio), metrics.dropped("queue_full"));
    let collector = Collector::at(address, &settings.headers)?;
    let stop = CancellationToken::new();
    let otlp = otlp(settings, log);
    let sender = Sender { spans, otlp, collector, metrics, stop: stop.clone() };
    Ok((tracer, Some(Sending { stop, task: tokio::spawn(sender.run()) })))
}

fn otlp(settings: &Traces, log: &Place) -> Otlp {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let prefix = match log {
        Place::Kafka(cluster) => cluster.prefix.clone(),
        Place::Local(_) => String::new(),
    };
    // What the user says of the process wins over what is known of it.
    let mut resource = BTreeMap::from([
        ("service.name".to_owned(), settings.service.clone()),
        ("service.version".to_owned(), version.clone()),
        // Two baristas have one name. A number of the system's would tell them apart on one machine alone.
        ("service.instance.id".to_owned(), Uuid::new_v4().to_string()),
    ]);
    resource.extend(settings.resource.clone());
    Otlp {
        resource: resource.into_iter().collect(),
        version,
        is_kafka: matches!(log, Place::Kafka(_)),
        prefix,
        group: barista::work_spec(&barista::Options::default()).group,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(resource: &str) -> String {
        let settings = Traces {
            collector: None,
            headers: Headers::default(),
            ratio: 1.0,
            service: "brewline-barista".to_owned(),
            resource: pairs(resource).expect("it is well formed"),
        };
        let said = otlp(&settings, &Place::Local("log".into())).resource;
        let found = said.into_iter().find(|(key, _)| key == "service.instance.id");
        found.expect("it is always said").1
    }

    #[test]
    fn processes_of_one_name_are_told_apart_and_may_be_given_names() {
        assert_ne!(instance(""), instance(""));
        assert_eq!(instance("service.instance.id=bar-1"), "bar-1");
    }
}
