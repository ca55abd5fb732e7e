//! A transaction: whether it may be, and how it is applied; here the bugs are planted.

use super::{Bug, Core, share::Share, work::SimWork};
use crate::{CommitError, Committed, Partition, Position, Record, Topic, Transaction};

impl SimWork {
    /// Whether the program asks for something it must not.
    pub(super) fn check(&self, core: &Core, transaction: &Transaction) -> Result<(), CommitError> {
        let fatal = |what: String| Err(CommitError::Fatal(what));
        for (topic, partition, record) in &transaction.records {
            if *topic != self.spec.state && !self.spec.outputs.contains(topic) {
                return fatal(format!("{topic} is no output of this worker"));
            }
            if core.store.get(topic, *partition).is_none() {
                return fatal(format!("{topic} has no partition {partition}"));
            }
            let (size, limit) = (record.size(), self.shared.max_record_bytes);
            if size > limit {
                return fatal(format!(
                    "a record for {topic} has {size} bytes, the log takes at most {limit}"
                ));
            }
        }
        for Position { topic, partition, offset } in &transaction.positions {
            let log = core.store.get(topic, *partition).filter(|_| self.spec.inputs.contains(topic));
            if log.is_none_or(|log| *offset > log.end) {
                return fatal(format!("{topic}-{partition} has no position {offset} to commit"));
            }
        }
        Ok(())
    }

    /// Whether someone else has taken over: by the positions, as Kafka does it. Without any, nobody looks.
    pub(super) fn is_fenced(&self, core: &mut Core, positions: &[Position]) -> bool {
        if positions.is_empty() {
            return false;
        }
        let Core { groups, dice, faults, .. } = core;
        let group = &groups[&self.spec.group];
        let has =
            |p: Partition| self.holds(group, p) && matches!(self.shares.get(&p), Some(Share::Started(_)));
        positions.iter().any(|position| !has(position.partition))
            || (group.generation() != self.generation && dice.chance(faults.stale_generation))
    }

    /// Splits a transaction in two where a planted bug does.
    pub(super) fn steps(&self, mut transaction: Transaction) -> (Option<Transaction>, Transaction) {
        match self.shared.bug {
            Some(Bug::PositionsBeforeOutputs { key_prefix }) => {
                let early = |(topic, _, record): &(Topic, Partition, Record)| {
                    *topic == self.spec.state
                        && record.key.as_ref().is_some_and(|key| key.starts_with(key_prefix))
                };
                let (positions, outputs) = transaction.records.into_iter().partition(early);
                let first = Transaction { records: positions, positions: transaction.positions };
                (Some(first), Transaction { records: outputs, positions: Vec::new() })
            }
            Some(Bug::TimersWithoutPositions)
                if transaction.positions.iter().all(|p| self.reached.contains(p)) =>
            {
                transaction.positions.clear();
                (None, transaction)
            }
            _ => (None, transaction),
        }
    }

    pub(super) fn apply(&self, core: &mut Core, transaction: Transaction) -> Committed {
        let group = core.groups.get_mut(&self.spec.group).expect("groups never go");
        for position in &transaction.positions {
            group.commit(position.topic, position.partition, position.offset);
        }
        let ends = core.append(&self.shared, transaction.records);
        let compaction = core.faults.compaction;
        for end in &ends {
            if core.dice.chance(compaction) {
                core.store.compact(end.topic, end.partition, self.shared.clock.now());
            }
        }
        Committed { ends }
    }
}
