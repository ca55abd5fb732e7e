//! A shop and what happens in it.

use std::{collections::BTreeMap, sync::Arc};

use eventlog::sim::{Faults, Options, SimClock, SimLog};
use order::topic;

use super::{
    chance::Chance,
    counters::Counters,
    crew::Crew,
    model::{Model, partitions},
    plan::{Action, Plan, topics},
    till::Till,
    violation::Violation,
};

/// When every story begins: 2026-01-01, noon.
const NOON: i64 = 1_767_268_800_000;
/// How long the partitions of a killed barista stay with it.
const SESSION_TIMEOUT_MS: i64 = 6_000;
/// The most partitions that a line grows to.
const PARTITIONS_MAX: u32 = 6;

/// A shop.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) clock: SimClock,
    pub(super) log: Arc<SimLog>,
    pub(super) chance: Chance,
    pub(super) crew: Crew,
    pub(super) till: Till,
    pub(super) counters: Counters,
    pub(super) model: Model,
    /// What has happened, in words.
    pub(super) told: Vec<String>,
    /// How often things happened that a good simulator sees.
    pub(super) sights: BTreeMap<&'static str, u64>,
}

impl World {
    /// A shop before it opens.
    pub(super) fn new(plan: Plan) -> Self {
        let told = format!("{plan:?}");
        let clock = SimClock::new(NOON);
        let log = SimLog::new(Options {
            topics: topics(),
            partitions: plan.partitions,
            seed: plan.seed,
            clock: clock.clone(),
            faults: plan.faults,
            bug: plan.bug,
            session_timeout_ms: SESSION_TIMEOUT_MS,
            max_batch: plan.max_batch,
            linger: plan.linger,
            ..Options::default()
        });
        let mut chance = Chance::new(plan.seed);
        let crew = Crew::new(&plan, &log, &clock, &mut chance);
        let counters = Counters::new(&log, &clock);
        let till = Till::new(&log.process());
        let model = Model::new(&plan);
        Self {
            plan,
            clock,
            log,
            chance,
            crew,
            till,
            counters,
            model,
            told: vec![told],
            sights: BTreeMap::new(),
        }
    }

    /// Everything that happens before the faults stop.
    pub(super) fn live(&mut self) -> Result<(), Violation> {
        for _ in 0..self.plan.actions {
            let action = self.chance.weighted(&self.plan.weights);
            let says = self.act(action)?;
            self.tell(&says);
            self.look()?;
        }
        Ok(())
    }

    /// Nothing goes wrong in the log from here on.
    pub(super) fn no_more_faults(&mut self) {
        self.log.set_faults(Faults::none());
    }

    /// Reads the log back, and says what is wrong with it.
    pub(super) fn look(&mut self) -> Result<(), Violation> {
        match self.model.read(&self.log).first() {
            Some(violation) => Err(violation.clone()),
            None => Ok(()),
        }
    }

    pub(super) fn tell(&mut self, says: &str) {
        if says.is_empty() {
            return;
        }
        self.told.push(format!("{:>9} {says}", self.clock.now() - NOON));
    }

    /// Everything that stands in the log, for whoever looks for the reason.
    pub(super) fn whole_log(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for partition in 0..partitions(&self.log) {
            for spec in topics().iter().filter(|spec| spec.name != topic::SHOP) {
                for entry in self.log.history(spec.name, partition) {
                    let text = |bytes: Option<&[u8]>| {
                        bytes.map_or_else(
                            || "-".to_owned(),
                            |b| String::from_utf8_lossy(&b[..b.len().min(600)]).into_owned(),
                        )
                    };
                    let (at, offset) = (entry.timestamp - NOON, entry.offset);
                    let (key, value) =
                        (text(entry.record.key.as_deref()), text(entry.record.value.as_deref()));
                    lines.push(format!("{at:>9} {}-{partition}@{offset} {key:?}: {value}", spec.name));
                }
            }
        }
        lines
    }

    fn act(&mut self, action: Action) -> Result<String, Violation> {
        let Self { plan, log, chance, crew, till, counters, model, .. } = self;
        let again = !plan.forgets;
        let which = chance.below(crew.count());
        Ok(match action {
            Action::Step => crew.step(which, plan, log, chance)?,
            Action::Order => till.order(chance, again),
            Action::Rush => till.rush(chance, again),
            Action::Foreign => till.foreign(chance, again),
            Action::Repeat => till.repeat(chance),
            Action::Poison => till.poison(chance),
            Action::Command => till.command(model, chance),
            Action::RepeatCommand => till.repeat_command(chance),
            Action::Time => self.pass_time(),
            Action::Jump => self.jump(),
            Action::Kill => crew.kill(which, chance),
            Action::Stop => crew.stop(which)?,
            Action::Pause => crew.pause(which, log, chance),
            Action::TakeAway => {
                let partition = any_partition(log, chance);
                format!("{partition} is taken away: {}", log.take_away("barista_group", partition))
            }
            Action::AskBack => {
                let partition = any_partition(log, chance);
                format!("{partition} is asked back: {}", log.ask_back("barista_group", partition))
            }
            Action::Partitions => {
                if partitions(log) < PARTITIONS_MAX {
                    log.add_partitions(1);
                }
                format!("{} partitions", partitions(log))
            }
            Action::Expire => {
                log.expire_positions("barista_group");
                "the group's positions expire".to_owned()
            }
            Action::Clean => self.clean(),
            Action::View => counters.act(log, model, chance)?,
        })
    }

    fn pass_time(&mut self) -> String {
        let ms = *self.chance.pick(&[1, 10, 100, 500, 1_000, 3_000, 10_000, 700_000]);
        self.clock.advance(ms);
        format!("{ms} ms pass")
    }

    fn jump(&mut self) -> String {
        let ms = *self.chance.pick(&[-3_600_000, -5_000, 3_600_000]);
        self.clock.advance(ms);
        format!("the clock jumps by {ms} ms")
    }

    /// Retention and compaction. Of the inputs only what has been read goes.
    fn clean(&mut self) -> String {
        let Self { log, chance, model, .. } = self;
        log.compact();
        let partition = any_partition(log, chance);
        let input = *chance.pick(&[topic::RECEIVED, topic::COMMAND]);
        let below = chance.range(0, model.read_to(input, partition));
        log.cut(input, partition, below);
        for output in [topic::EVENT, topic::PROCESSED, topic::DLQ] {
            log.cut(output, partition, chance.range(0, 50));
        }
        format!("what is below {below} of {input}-{partition} goes")
    }
}

fn any_partition(log: &SimLog, chance: &mut Chance) -> u32 {
    u32::try_from(chance.range(0, u64::from(partitions(log)) - 1)).expect("few partitions")
}
