//! What a process says of itself beside its counter and its barista, for `/metrics`.
//!
//! | file | of what |
//! |---|---|
//! | `process` | processor, memory, files: under the names that all programs have for them |
//! | `brokers` | whether a log on Apache Kafka answers |
//! | `disk` | the files of an embedded log, and the room beside them |

mod brokers;
mod disk;
mod process;

use std::{sync::Arc, time::SystemTime};

use eventlog::local::CommitTimer;
use prometheus_client::{
    metrics::{
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};

pub(crate) use self::{brokers::Brokers, disk::free};
use self::{disk::Disk, process::Process};
use crate::config::Place;

/// What is to be told as the process goes on.
#[derive(Default)]
pub(crate) struct Meters {
    /// Of an embedded log's commits.
    pub(crate) timer: Option<CommitTimer>,
    /// Which log it is, once it is open.
    pub(crate) brokers: Brokers,
}

/// Makes all of it known.
pub(crate) fn register(registry: &mut Registry, log: &Place) -> Meters {
    registry.register_collector(Box::new(Process { since: SystemTime::now() }));
    let registry = registry.sub_registry_with_prefix("brewline");
    let log_is = if matches!(log, Place::Local(_)) { "local" } else { "kafka" };
    let build = Info::new([("version", env!("CARGO_PKG_VERSION")), ("log", log_is)]);
    registry.register("build", "The program, and where its log is", build);
    let Place::Local(dir) = log else {
        let brokers = Brokers::default();
        registry.register_collector(Box::new(brokers.clone()));
        return Meters { timer: None, brokers };
    };
    registry.register_collector(Box::new(Disk(dir.clone())));
    // From a tenth of a millisecond to six seconds, doubling.
    let commits = Histogram::new(exponential_buckets(0.0001, 2.0, 17));
    registry.register_with_unit(
        "log_commit",
        "How long the embedded log took to write a commit and sync it to the disk",
        Unit::Seconds,
        commits.clone(),
    );
    let timer: CommitTimer = Arc::new(move |took| commits.observe(took.as_secs_f64()));
    Meters { timer: Some(timer), ..Meters::default() }
}
