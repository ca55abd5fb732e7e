//! The simulator: the real engine on a log in memory, in a shop where everything goes wrong that can.
//!
//! A seed is a story. It decides how large the shop is, what happens in it and what goes wrong ([`Plan`]); the
//! clock moves only when the story says so, and nothing waits. A model reads the log back after every step
//! and holds against it what the contract promises. Then the faults stop, and everything must come to an end.
//!
//! | file | idea |
//! |---|---|
//! | `plan`, `chance` | what a seed decides |
//! | `world` | the shop, and what happens in it |
//! | `till`, `poison` | what counters write |
//! | `crew` | baristas that are killed, stand still and begin again |
//! | `counters` | the real views, over followers that are late or begin anew |
//! | `model` | a second opinion on what must follow |
//! | `calm` | after the faults |
//! | `seeds` | many stories, and how to hear one again |

mod calm;
mod chance;
mod counters;
mod crew;
mod model;
mod plan;
mod poison;
mod seeds;
mod till;
mod violation;
mod world;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use self::world::World;
pub use self::{
    plan::{Action, Modes, Plan},
    seeds::{Seeds, replay_command},
    violation::{Kind, Violation},
};

/// A story that came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Differs when anything in the log does.
    pub digest: u64,
    /// How often things happened that a good simulator sees.
    pub sights: BTreeMap<&'static str, u64>,
}

/// A story in which something happened that must not.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What that was.
    pub violation: Violation,
    /// Everything that happened before.
    pub told: Vec<String>,
    /// Everything that stands in the log.
    pub log: Vec<String>,
}

/// Tells the story of a plan.
pub fn tell(plan: Plan) -> Result<Story, Box<Failure>> {
    let mut world = World::new(plan);
    let ended = catch_unwind(AssertUnwindSafe(|| world.live().and_then(|()| world.calm())));
    let violation = match ended {
        Ok(Ok(())) => return Ok(Story { digest: world.log.digest(), sights: world.sights }),
        Ok(Err(violation)) => violation,
        Err(panic) => {
            let says = panic.downcast_ref::<String>().cloned();
            let says = says.or_else(|| panic.downcast_ref::<&str>().map(|says| (*says).to_owned()));
            Violation::new(Kind::Panic, says.unwrap_or_default())
        }
    };
    Err(Box::new(Failure { violation, log: world.whole_log(), told: world.told }))
}
