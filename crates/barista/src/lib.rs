//! The engine: takes records from the log, decides, keeps timers, and commits the outcome as one.
//!
//! | module | what it holds |
//! |---|---|
//! | [`run`] | sessions, one after the other: any error ends one, and the next is built from the log |
//! | [`Engine`] | one session, stepped by whoever owns the thread: poll → decide → fire timers → commit |
//! | `desk` | one partition: its orders, positions, timers and what is decided but not committed |
//! | `positions` | how far each input has been read, kept in the state |
//! | `outbox` | decisions as records: state, event, announcement, dead letter |
//! | `steps` | decisions as spans of their orders' traces, once they are committed |
//!
//! It knows the port of the log and the rules of `order`, and neither HTTP nor any storage.

mod desk;
mod engine;
mod metrics;
mod options;
mod outbox;
mod positions;
mod run;
mod steps;
mod stop;

pub use crate::{
    engine::{Engine, Step},
    metrics::Metrics,
    options::{Clock, Options, system_clock},
    positions::{Positions, Read},
    run::run,
    stop::{Ended, Stop, StopSignal},
};

use eventlog::{Topic, WorkSpec};
use order::topic;

/// What the engine reads: the first is shared out among baristas, the other follows it.
pub const INPUTS: [Topic; 2] = [topic::RECEIVED, topic::COMMAND];

/// What the engine writes besides the state.
pub const OUTPUTS: [Topic; 4] = [topic::EVENT, topic::PROCESSED, topic::DLQ, topic::SHOP];

/// The group of all who make orders.
pub const GROUP: &str = "barista_group";

/// The engine's share of the contract: its topics and its group.
pub fn work_spec(options: &Options) -> WorkSpec {
    WorkSpec {
        inputs: INPUTS.to_vec(),
        state: topic::STATE,
        outputs: OUTPUTS.to_vec(),
        group: GROUP.to_owned(),
        instance: options.instance.clone(),
    }
}
