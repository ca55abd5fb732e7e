//! The baristas: programs that are killed, stand still, stop and begin again.

use std::sync::Arc;

use barista::{Clock, Ended, Engine, Metrics, Options, Step, work_spec};
use eventlog::{
    Log,
    sim::{Process, SimClock, SimLog},
};
use order::{Mode, Rules};

use super::{
    chance::Chance,
    plan::{Modes, Plan},
    violation::{Kind, Violation},
};

/// Everyone who makes drinks.
pub(super) struct Crew {
    baristas: Vec<Barista>,
    clock: SimClock,
}

/// One barista.
struct Barista {
    name: String,
    options: Options,
    clock: Clock,
    process: Arc<Process>,
    engine: Option<Engine>,
    /// For how many of its steps it stands still.
    rests: u64,
}

impl Crew {
    /// As many as the plan says.
    pub(super) fn new(plan: &Plan, log: &SimLog, clock: &SimClock, chance: &mut Chance) -> Self {
        let clock = clock.clone();
        let hire = |number| {
            let name = format!("barista-{number}");
            let options = options(plan, &name, chance);
            let clock = wrong_clock(plan, &clock, chance);
            Barista { name, options, clock, process: log.process(), engine: None, rests: 0 }
        };
        Self { baristas: (0..plan.baristas).map(hire).collect(), clock }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.baristas.len()
    }

    /// How many partitions they hold together.
    pub(super) fn partitions(&self) -> usize {
        self.baristas.iter().filter_map(|b| b.engine.as_ref()).map(Engine::partitions).sum()
    }

    /// One takes a step. Empty if there is nothing to tell.
    pub(super) fn step(
        &mut self,
        which: usize,
        plan: &Plan,
        log: &SimLog,
        chance: &mut Chance,
    ) -> Result<String, Violation> {
        let barista = &mut self.baristas[which];
        let name = &barista.name;
        if barista.rests > 0 {
            barista.rests -= 1;
            return Ok(format!("{name} stands still"));
        }
        if barista.process.is_dead() {
            barista.engine = None;
            if chance.of(0.5) {
                return Ok(format!("{name} is dead"));
            }
            barista.process = log.process();
            barista.options = options(plan, name, chance);
            barista.clock = wrong_clock(plan, &self.clock, chance);
        }
        let Some(engine) = &mut barista.engine else {
            let session = barista.process.work(&work_spec(&barista.options));
            let Ok(work) = session else { return Ok(format!("{name} finds no log")) };
            let engine =
                Engine::new(work, barista.options.clone(), Arc::clone(&barista.clock), Metrics::default());
            barista.engine = Some(engine.map_err(|stop| stopped(name, &Ended::Stop(stop)))?);
            return Ok(format!("{name} joins"));
        };
        match engine.step() {
            // Most steps bring nothing to commit, and a story must be read by someone.
            Ok(Step { committed: 0 }) => Ok(String::new()),
            Ok(Step { committed }) => Ok(format!("{name} commits {committed}")),
            Err(Ended::Session(why)) => {
                barista.engine = None;
                Ok(format!("{name} begins anew: {why}"))
            }
            Err(ended) => Err(stopped(name, &ended)),
        }
    }

    /// One is killed, now or in one of its next port calls.
    pub(super) fn kill(&mut self, which: usize, chance: &mut Chance) -> String {
        let Barista { name, process, .. } = &self.baristas[which];
        let calls = chance.range(0, 8);
        match calls {
            0 => process.kill(),
            calls => process.kill_at_call(calls),
        }
        format!("{name} is killed in {calls} calls")
    }

    /// One stops cleanly, and begins again in its next step.
    pub(super) fn stop(&mut self, which: usize) -> Result<String, Violation> {
        let Barista { name, engine, .. } = &mut self.baristas[which];
        match engine.take().map(|mut engine| engine.finish()) {
            Some(Err(ended @ Ended::Stop(_))) => Err(stopped(name, &ended)),
            Some(Err(Ended::Session(why))) => Ok(format!("{name} can't stop cleanly: {why}")),
            Some(Ok(step)) => Ok(format!("{name} stops, and commits {}", step.committed)),
            None => Ok(format!("{name} has nothing to stop")),
        }
    }

    /// One stands still, mostly so long that its session runs out.
    pub(super) fn pause(&mut self, which: usize, log: &SimLog, chance: &mut Chance) -> String {
        let Barista { name, process, rests, .. } = &mut self.baristas[which];
        *rests = chance.range(1, 6);
        let thrown = chance.of(0.8);
        if thrown {
            log.throw_out(process);
        }
        format!("{name} stands still for {rests} steps{}", if thrown { ", thrown out" } else { "" })
    }

    /// Everyone is well from here on: who is dead or stood still begins anew.
    pub(super) fn recover(&mut self, plan: &Plan, log: &SimLog, chance: &mut Chance) {
        for barista in &mut self.baristas {
            barista.rests = 0;
            // Also a death that was still to come.
            barista.engine = None;
            barista.process.kill();
            barista.process = log.process();
            barista.options = options(plan, &barista.name, chance);
            barista.clock = clock(&self.clock, 0);
        }
        log.end_dead_sessions();
    }
}

fn wrong_clock(plan: &Plan, right: &SimClock, chance: &mut Chance) -> Clock {
    let skew_ms = i64::try_from(chance.range(0, 2 * plan.skew_ms)).expect("small");
    clock(right, skew_ms - i64::try_from(plan.skew_ms).expect("small"))
}

fn clock(right: &SimClock, skew_ms: i64) -> Clock {
    let right = right.clone();
    Arc::new(move || right.now() + skew_ms)
}

fn options(plan: &Plan, name: &str, chance: &mut Chance) -> Options {
    let mode = match plan.modes {
        Modes::One(mode) => mode,
        Modes::Mixed => *chance.pick(&[Mode::Auto, Mode::Manual]),
    };
    Options {
        rules: Rules { mode, ..plan.rules.clone() },
        hands: plan.hands,
        max_open: plan.max_open,
        instance: plan.named.then(|| name.to_owned()),
        name: name.to_owned(),
        ..Options::default()
    }
}

fn stopped(name: &str, ended: &Ended) -> Violation {
    Violation::new(Kind::Stopped, format!("{name}: {ended}"))
}
