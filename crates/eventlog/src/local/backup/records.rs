//! A backup, record by record.

use std::io::Read;

use bytes::Bytes;

use super::{
    BackupContents,
    file::{self, Contents},
};
use crate::{
    Offset, OpenError, Topic, TopicSpec,
    local::chunk::{Records, unpack},
    transfer::{self, GroupPosition, Span, Take},
};

/// Reads a backup to its end and hands on what it has. All of it is compared as by [`super::check_backup`]: what was
/// taken counts only if this succeeds. `name` is what messages call it; `topics` are those that the caller knows.
///
/// # Errors
/// As [`super::check_backup`], as what the taker makes of it; [`OpenError::Newer`] if it has a topic that is not among
/// `topics`. The taker's own.
pub fn read_backup<T: Take>(
    from: impl Read,
    name: &str,
    topics: &[TopicSpec],
    take: &mut T,
) -> Result<BackupContents, T::Error> {
    let mut sink = Sink { known: topics, topics: Vec::new(), take, failed: None };
    let read = file::read(from, name, &mut sink);
    match sink.failed {
        Some(failed) => Err(failed),
        None => Ok(read?),
    }
}

struct Sink<'a, T: Take> {
    known: &'a [TopicSpec],
    /// By number.
    topics: Vec<Topic>,
    take: &'a mut T,
    /// Why the taker takes no more.
    failed: Option<T::Error>,
}

impl<T: Take> Sink<'_, T> {
    /// The reading ends by this; what it ends with is not said to anyone.
    fn note(&mut self, taken: Result<(), T::Error>) -> Result<(), OpenError> {
        taken.map_err(|error| {
            self.failed = Some(error);
            OpenError::Closed
        })
    }

    fn topic(&self, name: &str) -> Result<Topic, OpenError> {
        let known = self.known.iter().find(|spec| spec.name == name);
        known.map(|spec| spec.name).ok_or_else(|| {
            OpenError::Newer(format!(
                "the log has a topic {name}, which this program does not know: use the newer program"
            ))
        })
    }
}

impl<T: Take> file::Sink for Sink<'_, T> {
    fn begin(&mut self, contents: &Contents) -> Result<(), OpenError> {
        let mut begins = transfer::Contents {
            log: format!("local:{:016x}", contents.log),
            made_at: contents.made_at,
            ..transfer::Contents::default()
        };
        for (topic, newest) in &contents.topics {
            let name = self.topic(&topic.name)?;
            self.topics.push(name);
            let (start, end) = (topic.start, topic.end);
            begins.spans.push(Span { topic: name, partition: 0, start, end, newest: Some(*newest) });
        }
        for ((group, id), offset) in &contents.groups {
            let Some(topic) = self.topics.get(usize::from(*id)) else { continue };
            begins.groups.push(GroupPosition { group: group.clone(), topic, partition: 0, offset: *offset });
        }
        let taken = self.take.begin(&begins);
        self.note(taken)
    }

    fn chunk(&mut self, id: u16, first: Offset, chunk: &[u8]) -> Result<(), OpenError> {
        let damaged = |error: &dyn std::fmt::Display| OpenError::Broken(error.to_string());
        let plain: Bytes = unpack(chunk).map_err(|error| damaged(&error))?;
        let topic = self.topics[usize::from(id)];
        for raw in Records::of(first, &plain).map_err(|error| damaged(&error))? {
            let entry = raw.map_err(|error| damaged(&error))?.entry(topic, &plain);
            let taken = self.take.record(entry);
            self.note(taken)?;
        }
        Ok(())
    }
}
