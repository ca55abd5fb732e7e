//! What a seed decides before its story begins: how large the shop is, what happens there, and what goes wrong.
//!
//! Each seed leaves out a good part of what could happen (swarm testing, Groce et al. 2012): with everything at
//! once, one fault hides the others.

use std::time::Duration;

use eventlog::{
    TopicSpec,
    sim::{Bug, Faults},
};
use order::{Mode, Rules};

use super::chance::Chance;

/// One thing that may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A barista takes a step.
    Step,
    /// Our counter takes an order.
    Order,
    /// Our counters take so many at once that the short pickup numbers run out.
    Rush,
    /// A counter of someone else takes one.
    Foreign,
    /// An order that was placed comes once more.
    Repeat,
    /// Something unreadable comes.
    Poison,
    /// Somebody asks something of an order, possibly several things at once.
    Command,
    /// A command comes once more.
    RepeatCommand,
    /// Time passes.
    Time,
    /// The clock is set back or forward.
    Jump,
    /// A barista is killed, now or in one of its next port calls.
    Kill,
    /// A barista stops cleanly.
    Stop,
    /// A barista stands still, mostly long enough to lose its session.
    Pause,
    /// A partition is taken from its barista, who does not know.
    TakeAway,
    /// A barista is asked to hand a partition to another.
    AskBack,
    /// Partitions are added.
    Partitions,
    /// The group's positions expire.
    Expire,
    /// Old records go.
    Clean,
    /// The views read on, stand still, or begin anew.
    View,
}

/// How the drinks of a shop are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modes {
    /// All baristas in this mode.
    One(Mode),
    /// Each in one by chance.
    Mixed,
}

/// What a seed decides.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// A planted bug.
    pub bug: Option<Bug>,
    /// How many things happen before the faults stop.
    pub actions: usize,
    /// How often each of them does.
    pub weights: Vec<(Action, u32)>,
    /// How many partitions there are at first.
    pub partitions: u32,
    /// How many baristas work.
    pub baristas: usize,
    /// Whether baristas have names that outlive a restart.
    pub named: bool,
    /// How drinks are made.
    pub modes: Modes,
    /// By how much the clock of a barista may be wrong, either way.
    pub skew_ms: u64,
    /// How many drinks make themselves at once.
    pub hands: Option<usize>,
    /// How many orders may be open.
    pub max_open: usize,
    /// The line's times and bounds.
    pub rules: Rules,
    /// Finished orders are forgotten within the story. Then no order comes again: it would be a new one.
    pub forgets: bool,
    /// What goes wrong in the log.
    pub faults: Faults,
    /// The most records in one poll, and inputs in one transaction.
    pub max_batch: usize,
    /// How long a barista gathers before it commits.
    pub linger: Duration,
}

impl Plan {
    /// What this seed decides.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x706c_616e);
        let chance = &mut chance;
        let forgets = chance.of(0.3);
        let modes = *chance.pick(&[
            Modes::One(Mode::Auto),
            Modes::One(Mode::Auto),
            Modes::One(Mode::Manual),
            Modes::Mixed,
        ]);
        Self {
            seed,
            bug: None,
            actions: usize::try_from(chance.range(60, 260)).expect("small"),
            weights: weights(chance, forgets),
            partitions: u32::try_from(chance.range(1, 4)).expect("small"),
            baristas: usize::try_from(chance.range(1, 3)).expect("small"),
            named: chance.of(0.3),
            modes,
            skew_ms: *chance.pick(&[0, 0, 40, 3_000]),
            hands: chance.of(0.25).then(|| 1 + chance.below(3)),
            max_open: if chance.of(0.25) { 1 + chance.below(12) } else { 2_000_000 },
            rules: rules(chance, forgets),
            forgets,
            faults: faults(chance),
            max_batch: *chance.pick(&[1, 2, 5, 20, 4_096, 4_096]),
            linger: Duration::from_millis(*chance.pick(&[0, 0, 5, 20])),
        }
    }

    /// How late something may be although nothing is wrong: what is gathered before a commit.
    pub(super) fn linger_ms(&self) -> i64 {
        i64::try_from(self.linger.as_millis()).expect("small")
    }
}

/// The topics of the contract.
pub(super) fn topics() -> Vec<TopicSpec> {
    brewline::catalog(Duration::from_hours(30 * 24))
}

fn weights(chance: &mut Chance, forgets: bool) -> Vec<(Action, u32)> {
    use Action as A;
    let mut weights = vec![(A::Step, 40), (A::Order, 8), (A::Time, 10), (A::View, 4)];
    let sometimes = [
        (A::Foreign, 3),
        (A::Repeat, 3),
        (A::Poison, 2),
        (A::Command, 8),
        (A::RepeatCommand, 2),
        (A::Jump, 1),
        (A::Kill, 2),
        (A::Stop, 1),
        (A::Pause, 2),
        (A::TakeAway, 2),
        (A::AskBack, 2),
        (A::Partitions, 1),
        (A::Expire, 1),
        (A::Clean, 2),
    ];
    if chance.of(0.05) {
        weights.push((A::Rush, 1));
    }
    for (action, weight) in sometimes {
        let possible = !(forgets && action == A::Repeat);
        if possible && chance.of(0.6) {
            weights.push((action, weight * u32::try_from(chance.range(1, 2)).expect("small")));
        }
    }
    weights
}

fn rules(chance: &mut Chance, forgets: bool) -> Rules {
    let default = Rules::default();
    let uncollected_ms = *chance.pick(&[5_000, 60_000, default.uncollected_auto_ms]);
    Rules {
        cup_ms: *chance.pick(&[0, 10, 1_000, 1_000]),
        uncollected_auto_ms: uncollected_ms,
        uncollected_manual_ms: uncollected_ms * 2,
        unpaid_ms: *chance.pick(&[3_000, default.unpaid_ms]),
        remember_ms: if forgets { *chance.pick(&[500, 20_000]) } else { 400 * 24 * 3_600_000 },
        remember_max: if forgets { *chance.pick(&[0, 3, 1_000_000]) } else { 1_000_000 },
        uncollected_max: *chance.pick(&[2, 1_000_000, 1_000_000]),
        ..default
    }
}

fn faults(chance: &mut Chance) -> Faults {
    // Mostly a worker is told soon that it lost its share; the ones that are not are the dangerous ones.
    let unnoticed = *chance.pick(&[0.0, 0.5, 0.9]);
    let mut sometimes = |most: f64| {
        // Of a thousand steps to the most, one; or none at all.
        if chance.of(0.5) {
            most * f64::from(u32::try_from(chance.range(1, 1000)).expect("small")) / 1000.0
        } else {
            0.0
        }
    };
    Faults {
        delay: sometimes(0.6),
        idle: sometimes(0.3),
        split: sometimes(1.0),
        gap: sometimes(0.3),
        publish_refused: sometimes(0.2),
        publish_unknown: sometimes(0.3),
        commit_unknown: sometimes(0.15),
        poll_error: sometimes(0.03),
        unnoticed,
        thrown: sometimes(1.0),
        stale_generation: sometimes(0.5),
        compaction: sometimes(0.3),
    }
}
