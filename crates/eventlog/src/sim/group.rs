//! Who works on which partition, and how far the group is.

use std::{collections::BTreeMap, sync::Arc};

use super::process::Life;
use crate::{Millis, Offset, Partition, Topic};

/// A session in a group.
pub(super) type MemberId = u64;

/// The workers that share the partitions of one input.
#[derive(Debug)]
pub(super) struct Group {
    first_input: Topic,
    /// Rises with every change of the shares.
    generation: u64,
    members: BTreeMap<MemberId, Member>,
    owners: BTreeMap<Partition, Tenure>,
    /// Partitions that their owner is to hand back, and to whom they then go.
    promised: BTreeMap<Partition, MemberId>,
    committed: BTreeMap<(Topic, Partition), Offset>,
}

/// Who has a partition, and since which generation: whoever lost it and has it again must begin anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tenure {
    member: MemberId,
    since: u64,
}

#[derive(Debug)]
struct Member {
    process: Arc<Life>,
    instance: Option<String>,
}

impl Group {
    pub(super) fn new(first_input: Topic) -> Self {
        Self {
            first_input,
            generation: 0,
            members: BTreeMap::new(),
            owners: BTreeMap::new(),
            promised: BTreeMap::new(),
            committed: BTreeMap::new(),
        }
    }

    pub(super) fn first_input(&self) -> Topic {
        self.first_input
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Lets a member in. One with the same instance name goes, and its share passes to the new one at once.
    pub(super) fn join(&mut self, id: MemberId, process: Arc<Life>, instance: Option<String>) {
        let same = self.members.iter().find(|(_, m)| instance.is_some() && m.instance == instance);
        if let Some((&before, _)) = same {
            self.members.remove(&before);
            self.promised.retain(|_, to| *to != before);
            for partition in self.owned_by(before) {
                self.give(partition, id);
            }
        }
        self.members.insert(id, Member { process, instance });
        self.generation += 1;
    }

    /// Lets a member go; its partitions are free. Nothing if it is not there.
    pub(super) fn leave(&mut self, id: MemberId) {
        if self.members.remove(&id).is_some() {
            self.owners.retain(|_, tenure| tenure.member != id);
            self.promised.retain(|partition, to| *to != id && self.owners.contains_key(partition));
            self.generation += 1;
        }
    }

    /// The dead leave once their session has run out, or the clock has been set back since.
    pub(super) fn expire(&mut self, now: Millis, timeout_ms: Millis) {
        let over = |since: Millis| now < since || now.saturating_sub(since) >= timeout_ms;
        let dead = self.members.iter().filter(|(_, m)| m.process.died_at().is_some_and(over));
        let gone: Vec<_> = dead.map(|(id, _)| *id).collect();
        for id in gone {
            self.leave(id);
        }
    }

    /// Throws out every member of a process, whether it is alive or not.
    pub(super) fn throw_out(&mut self, process: u64) {
        let theirs: Vec<_> =
            self.members.iter().filter(|(_, m)| m.process.id == process).map(|(id, _)| *id).collect();
        for id in theirs {
            self.leave(id);
        }
    }

    /// Throws out everyone but the member that joined last.
    pub(super) fn keep_newest(&mut self) {
        let mut others: Vec<_> = self.members.keys().copied().collect();
        others.pop();
        for id in others {
            self.leave(id);
        }
    }

    /// Gives free partitions to whoever has fewest, and asks for one back where the shares are uneven.
    pub(super) fn balance(&mut self, partitions: u32) {
        for partition in 0..partitions {
            if self.owners.contains_key(&partition) {
                continue;
            }
            let Some((_, to)) = self.loads().into_iter().min() else { return };
            self.give(partition, to);
        }
        let loads = self.loads();
        let (Some(&(least, to)), Some(&(most, from))) = (loads.iter().min(), loads.iter().max()) else {
            return;
        };
        if most > least + 1 && self.promised.is_empty() {
            let partition = self.owned_by(from).first().copied();
            self.promised.extend(partition.map(|p| (p, to)));
        }
    }

    /// How many partitions each member has.
    fn loads(&self) -> Vec<(usize, MemberId)> {
        let load = |id: &MemberId| self.owned_by(*id).len();
        self.members.keys().map(|id| (load(id), *id)).collect()
    }

    /// Asks the owner of `partition` to hand it to the member after it. False if there is no one else.
    pub(super) fn promise(&mut self, partition: Partition) -> bool {
        let Some(to) = self.other_than_owner(partition) else { return false };
        self.promised.insert(partition, to);
        true
    }

    /// Gives `partition` to the member after its owner without asking. False if there is no one else.
    pub(super) fn take_away(&mut self, partition: Partition) -> bool {
        let Some(to) = self.other_than_owner(partition) else { return false };
        self.promised.remove(&partition);
        self.give(partition, to);
        true
    }

    fn give(&mut self, partition: Partition, member: MemberId) {
        self.generation += 1;
        self.owners.insert(partition, Tenure { member, since: self.generation });
    }

    fn other_than_owner(&self, partition: Partition) -> Option<MemberId> {
        let owner = self.owners.get(&partition)?.member;
        let after = self.members.range(owner + 1..).next().or_else(|| self.members.iter().next());
        after.map(|(id, _)| *id).filter(|id| *id != owner)
    }

    /// Whether the owner is asked to hand `partition` back.
    pub(super) fn is_promised(&self, partition: Partition) -> bool {
        self.promised.contains_key(&partition)
    }

    /// The owner hands `partition` back.
    pub(super) fn hand_back(&mut self, partition: Partition) {
        if let Some(to) = self.promised.remove(&partition) {
            self.give(partition, to);
        }
    }

    pub(super) fn is_member(&self, id: MemberId) -> bool {
        self.members.contains_key(&id)
    }

    /// Whether another member has this instance name.
    pub(super) fn has_instance(&self, instance: Option<&String>) -> bool {
        instance.is_some() && self.members.values().any(|m| m.instance.as_ref() == instance)
    }

    /// Who has `partition`, if it is this member.
    pub(super) fn tenure(&self, id: MemberId, partition: Partition) -> Option<Tenure> {
        self.owners.get(&partition).copied().filter(|tenure| tenure.member == id)
    }

    pub(super) fn owned_by(&self, id: MemberId) -> Vec<Partition> {
        self.owners.iter().filter(|(_, tenure)| tenure.member == id).map(|(p, _)| *p).collect()
    }

    /// How far the group is, as far as that is still known.
    pub(super) fn committed(&self, topic: Topic, partition: Partition) -> Option<Offset> {
        self.committed.get(&(topic, partition)).copied()
    }

    pub(super) fn commit(&mut self, topic: Topic, partition: Partition, offset: Offset) {
        self.committed.insert((topic, partition), offset);
    }

    /// Kafka forgets the positions of a group that was empty for a week.
    pub(super) fn forget_positions(&mut self) {
        self.committed.clear();
    }
}
