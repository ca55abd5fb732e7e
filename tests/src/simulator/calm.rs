//! After the faults: everything comes to an end, in time, and nothing happens twice.

use order::{At, OrderId, Stage, topic};

use super::{
    model::{Known, partitions},
    plan::Action,
    violation::{Kind, Violation},
    world::World,
};

/// More rounds than anything needs that is not stuck.
const ROUNDS_MAX: usize = 20_000;

/// More than the clock was ever set forward.
const MOST_JUMPED_MS: i64 = 1_000 * 3_600_000;

impl World {
    /// The faults stop, time moves on, and everything is decided.
    pub(super) fn calm(&mut self) -> Result<(), Violation> {
        self.no_more_faults();
        self.crew.recover(&self.plan, &self.log, &mut self.chance);
        self.tell("the faults are over");
        // What was due before everyone had a share again may be late.
        self.rest()?;
        self.model.take_fired();
        let since = self.clock.now();
        let mut waited_for = None;
        for round in 0..ROUNDS_MAX {
            self.rest()?;
            self.in_time(since)?;
            if round % 16 == 0 {
                self.counters.all_to_end(&self.log, &self.model)?;
            }
            if self.close_open_orders() {
                continue;
            }
            let Some(due) = self.model.next_due() else { return self.closed() };
            let now = self.clock.now();
            if due <= now && waited_for.replace(due) == Some(due) {
                return stuck(format!("something is due since {due}, and nothing happens at {now}"));
            }
            self.clock.set(due.max(now));
        }
        stuck("the shop does not come to an end".to_owned())
    }

    /// Everyone works until nothing happens any more.
    fn rest(&mut self) -> Result<(), Violation> {
        let mut quiet = 0;
        for _ in 0..ROUNDS_MAX {
            let commits = self.log.commits();
            for which in 0..self.crew.count() {
                let says = self.crew.step(which, &self.plan, &self.log, &mut self.chance)?;
                self.tell(&says);
                self.look()?;
            }
            if self.log.commits() != commits {
                quiet = 0;
                continue;
            }
            // What was gathered is committed now.
            self.clock.advance(self.plan.linger_ms());
            let all = usize::try_from(partitions(&self.log)).expect("few partitions");
            quiet = if self.crew.partitions() == all { quiet + 1 } else { 0 };
            // After a restart the last record of each input is read once more, and nothing follows from it.
            let silent = if self.plan.max_batch < 2 * all { 4 + 2 * all } else { 4 };
            if quiet == silent {
                return Ok(());
            }
        }
        stuck(format!("no rest, {} of {} partitions held", self.crew.partitions(), partitions(&self.log)))
    }

    /// Whatever became due since the faults stopped moved on in time.
    fn in_time(&mut self, since: i64) -> Result<(), Violation> {
        // What is due while another step is taken is noticed in the next one.
        let most = self.plan.linger_ms();
        for (due, at) in self.model.take_fired() {
            if due >= since && at - due > most {
                return Err(Violation::new(Kind::Timer, format!("due at {due}, moved on at {at}")));
            }
        }
        Ok(())
    }

    /// The staff finishes what does not move by itself. False if there is nothing.
    fn close_open_orders(&mut self) -> bool {
        let open: Vec<(OrderId, At)> = self
            .model
            .orders()
            .filter(|known| known.stage.is_open() && known.due.is_none())
            .map(|known| (known.id().clone(), known.at))
            .collect();
        for (id, at) in &open {
            let says = self.till.staff(id, *at, order::Action::Ready, &mut self.chance);
            self.tell(&says);
        }
        !open.is_empty()
    }

    /// Everything is finished: it is counted, forgotten in its time, and a restart adds nothing to it.
    fn closed(&mut self) -> Result<(), Violation> {
        if let Some(violation) = self.model.close().first() {
            return Err(violation.clone());
        }
        if let Some(open) = self.model.orders().find(|known| known.stage.is_live()) {
            return stuck(format!("order {} is {:?} for ever", open.id(), open.stage));
        }
        self.group_positions()?;
        if self.plan.forgets {
            // Whatever was finished while the clock was set forward is remembered until then.
            self.clock.advance(self.plan.rules.remember_ms + MOST_JUMPED_MS);
            self.rest()?;
            if let Some(known) = self.model.orders().find(|known| !known.forgotten) {
                return stuck(format!("order {} is remembered for ever", known.id()));
            }
        }
        self.counters.all_to_end(&self.log, &self.model)?;
        let before = self.decisions();
        self.crew.recover(&self.plan, &self.log, &mut self.chance);
        self.rest()?;
        if self.decisions() != before {
            return Err(Violation::new(Kind::Decision, "a restart made up decisions".to_owned()));
        }
        self.see_sights();
        Ok(())
    }

    /// What the group remembers, for lag tools, is what the state says.
    fn group_positions(&self) -> Result<(), Violation> {
        let expired = self.plan.weights.iter().any(|(action, _)| *action == Action::Expire);
        for partition in 0..partitions(&self.log) {
            for input in [topic::RECEIVED, topic::COMMAND] {
                let state = self.model.read_to(input, partition);
                let group = self.log.group_position("barista_group", input, partition);
                let forgot = group.is_none() && (expired || state == 0);
                if !forgot && group != Some(state) {
                    let what = format!("{input}-{partition}: the state says {state}, the group {group:?}");
                    return Err(Violation::new(Kind::State, what));
                }
            }
        }
        Ok(())
    }

    /// How many records stand in what the engine decides, without the state.
    fn decisions(&self) -> usize {
        let topics = [topic::EVENT, topic::PROCESSED, topic::DLQ];
        let count =
            |partition| topics.map(|topic| self.log.history(topic, partition).len()).iter().sum::<usize>();
        (0..partitions(&self.log)).map(count).sum()
    }

    /// What this story was good for.
    fn see_sights(&mut self) {
        let mut sights = std::mem::take(&mut self.sights);
        let mut see = |what, times: usize| {
            if times > 0 {
                *sights.entry(what).or_default() += u64::try_from(times).expect("a short story");
            }
        };
        let orders = |fits: &dyn Fn(&Known) -> bool| self.model.orders().filter(|known| fits(known)).count();
        see("an order", orders(&|_| true));
        see("an order in a second round", orders(&|known| known.round > 1));
        see("an order that was forgotten", orders(&|known| known.forgotten));
        see("an order that was collected", orders(&|known| known.stage == Stage::Collected));
        see("an order that nobody collected", orders(&|known| known.stage == Stage::Uncollected));
        see("an order that was cancelled", orders(&|known| known.stage == Stage::Cancelled));
        for (what, times) in self.model.sights() {
            see(what, times);
        }
        for (what, says) in [
            ("a worker was fenced", "another worker has taken over"),
            ("a commit in doubt", "the transaction was not confirmed"),
            ("a killed barista", "is dead"),
            ("a barista that stopped cleanly", "stops, and commits"),
            ("partitions were added", " partitions"),
            ("a lost connection", "lost its connection"),
            ("a view that was late", "and is late"),
            ("a view whose records were gone", "is gone"),
        ] {
            // The first line is the plan.
            see(what, self.told[1..].iter().filter(|told| told.contains(says)).count());
        }
        self.sights = sights;
    }
}

fn stuck<T>(what: String) -> Result<T, Violation> {
    Err(Violation::new(Kind::Stuck, what))
}
