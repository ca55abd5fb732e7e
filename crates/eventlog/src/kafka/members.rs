//! Who is in a group, as its coordinator knows it.
//!
//! Programs of others share out work as we do, as Java's do, and would decide orders that ours never hear of; only their
//! client ids tell them from us. One that is there for a moment, or was killed and is still listed, is waited for: until
//! it is gone nobody of ours works.

use std::{collections::BTreeSet, ffi::CString, time::Duration};

use bytes::Buf as _;

use rdkafka::{consumer::Consumer as _, error::RDKafkaErrorCode as Code};

use super::{
    native::{self, Member, Members},
    options::CLIENT_ID,
    shared::{Failed, Shared},
};
use crate::Partition;

/// How long the answer is waited for: as long as this if one of the brokers is away, before others' work is taken over.
const WITHIN: Duration = Duration::from_secs(2);
/// So long somebody else's member is waited for; after that a person is needed.
const STRANGERS_FOR: Duration = Duration::from_secs(10);

/// The client id of this process as a member.
pub(super) fn client_id(process: &str) -> String {
    format!("{CLIENT_ID}-{process}")
}

/// Who is in the group; nobody in one that is not there.
pub(super) fn of(shared: &Shared, group: &str, within: Duration) -> Result<Vec<Member>, Code> {
    Ok(described(shared, group, within)?.all)
}

fn described(shared: &Shared, group: &str, within: Duration) -> Result<Members, Code> {
    let group = CString::new(group).map_err(|_| Code::InvalidGroupId)?;
    native::members(shared.probe.client(), &group, within)
}

/// Partitions of this topic, of so many, that a group has given to nobody. `None`: it shares them out now, or what it
/// says can't be read.
pub(super) fn not_given(
    shared: &Shared,
    group: &str,
    topic: &str,
    partitions: Partition,
) -> Option<BTreeSet<Partition>> {
    let group = described(shared, group, WITHIN).ok().filter(|group| group.state == "Stable")?;
    let mut left: BTreeSet<_> = (0..partitions).collect();
    for member in &group.all {
        given(&member.assignment, topic)?.iter().for_each(|partition| {
            left.remove(partition);
        });
    }
    Some(left)
}

/// What a member has of a topic. Source: `ConsumerProtocolAssignment` in Kafka's `clients/src/main/resources/common/message`,
/// whose versions 0 to 3 begin alike.
fn given(mut assignment: &[u8], topic: &str) -> Option<Vec<Partition>> {
    let mut partitions = Vec::new();
    if assignment.is_empty() {
        return Some(partitions);
    }
    let _version = assignment.try_get_i16().ok()?;
    for _ in 0..assignment.try_get_i32().ok()? {
        let length = usize::try_from(assignment.try_get_i16().ok()?).ok()?;
        let name = assignment.split_off(..length)?;
        for _ in 0..assignment.try_get_i32().ok()? {
            let partition = Partition::try_from(assignment.try_get_i32().ok()?).ok()?;
            if name == topic.as_bytes() {
                partitions.push(partition);
            }
        }
    }
    Some(partitions)
}

/// Whether everyone in the group is ours. A broker that does not answer now is asked again when the group changes; where
/// somebody else was seen, until it answers.
pub(super) fn check(shared: &Shared, group: &str) -> Result<(), Failed> {
    match keeps_out(of(shared, group, WITHIN), shared.has_strangers(group)) {
        None => Ok(()),
        Some(Code::InconsistentGroupProtocol) => Err(strangers(shared, group)),
        Some(code) => Err(shared.failed(&format!("see who is in group {group}"), code, "")),
    }
}

/// Why nobody of ours may work beside those who were found. `were_seen`: somebody else was, the last time.
fn keeps_out(found: Result<Vec<Member>, Code>, were_seen: bool) -> Option<Code> {
    match found {
        Ok(members) if members.iter().all(|member| member.client_id.starts_with(CLIENT_ID)) => None,
        Ok(_) => Some(Code::InconsistentGroupProtocol),
        Err(code) => were_seen.then_some(code),
    }
}

/// Somebody else is in the group.
pub(super) fn strangers(shared: &Shared, group: &str) -> Failed {
    let heals = shared.note_strangers(group).elapsed() < STRANGERS_FOR;
    Failed { heals, ..shared.failed(&format!("work in group {group}"), Code::InconsistentGroupProtocol, "") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_stranger_was_seen_no_answer_does_not_say_that_it_is_gone() {
        let member = |client_id: &str| Member {
            client_id: client_id.to_owned(),
            id: String::new(),
            assignment: Vec::new(),
        };
        let found = |ids: &[&str]| Ok(ids.iter().map(|id| member(id)).collect());
        let (ours, silence) = (client_id("1"), || Err(Code::OperationTimedOut));
        for were_seen in [false, true] {
            assert_eq!(keeps_out(found(&[]), were_seen), None);
            assert_eq!(keeps_out(found(&[&ours]), were_seen), None);
            let beside = keeps_out(found(&[&ours, "theirs"]), were_seen);
            assert_eq!(beside, Some(Code::InconsistentGroupProtocol));
        }
        assert_eq!(keeps_out(silence(), false), None, "most groups never had one");
        assert_eq!(keeps_out(silence(), true), Some(Code::OperationTimedOut));
    }

    #[test]
    fn what_a_member_has_is_read_as_the_brokers_keep_it_and_nothing_that_is_cut_off() {
        let assignment = b"\x00\x03\0\0\0\x02\0\x01a\0\0\0\x02\0\0\0\x02\0\0\0\x05\0\x01b\0\0\0\x01\0\0\0\x07\xff\xff\xff\xff";
        assert_eq!(given(assignment, "a"), Some(vec![2, 5]));
        assert_eq!(given(assignment, "b"), Some(vec![7]));
        assert_eq!(given(assignment, "c"), Some(vec![]));
        assert_eq!(given(b"", "a"), Some(vec![]));
        for length in 1..assignment.len() - 4 {
            assert_eq!(given(&assignment[..length], "a"), None, "{length}");
        }
    }
}
