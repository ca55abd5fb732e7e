//! Who is in a group, as its coordinator knows it.
//!
//! Programs of others share out work as we do, as Java's do, and would decide orders that ours never hear of; only their
//! client ids tell them from us. One that is there for a moment, or was killed and is still listed, is waited for: until
//! it is gone nobody of ours works.

use std::{ffi::CString, time::Duration};

use rdkafka::{consumer::Consumer as _, error::RDKafkaErrorCode as Code};

use super::{
    native::{self, Member},
    options::CLIENT_ID,
    shared::{Failed, Shared},
};

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
    let group = CString::new(group).map_err(|_| Code::InvalidGroupId)?;
    native::members(shared.probe.client(), &group, within)
}

/// Whether everyone in the group is ours. A broker that does not answer now is asked again when the group changes.
pub(super) fn check(shared: &Shared, group: &str) -> Result<(), Failed> {
    match of(shared, group, WITHIN) {
        Ok(members) if !members.iter().all(|member| member.client_id.starts_with(CLIENT_ID)) => {
            Err(strangers(shared, group))
        }
        _ => Ok(()),
    }
}

/// Somebody else is in the group.
pub(super) fn strangers(shared: &Shared, group: &str) -> Failed {
    let heals = shared.note_strangers(group).elapsed() < STRANGERS_FOR;
    Failed { heals, ..shared.failed(&format!("work in group {group}"), Code::InconsistentGroupProtocol, "") }
}
