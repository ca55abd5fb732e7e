//! A log made of records that another log had, one by one: with their offsets and times, whole or not at all.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    MAX_RECORD_BYTES,
    build::Build,
    chunk::{Builder, FULL_RECORDS},
    recover::Groups,
};
use crate::{
    Entry, Millis, OpenError, Topic,
    transfer::{Contents, Cursors, Take},
};

/// A log that is being made in a directory. Only [`Import::finish`] makes it one; dropped before, it leaves nothing.
pub struct Import {
    dir: PathBuf,
    making: Option<Making>,
}

struct Making {
    build: Build,
    cursors: Cursors,
    /// By number, which is the place of its span.
    topics: Vec<Part>,
}

/// What is being made of one topic.
struct Part {
    open: Option<Builder>,
    /// The log time of the last record.
    time: Millis,
}

impl Import {
    /// A log is to be made in `dir`, which is made if it is missing and must be empty if it is there.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), making: None }
    }

    /// Makes it the log of its directory, and gives how many records it has.
    ///
    /// # Errors
    /// [`OpenError::Storage`] if the disk is full, [`OpenError::NotUsable`] if nothing was ever begun.
    pub fn finish(self) -> Result<u64, OpenError> {
        let nothing = || OpenError::NotUsable("nothing was begun to be imported".to_owned());
        let Making { mut build, cursors, topics } = self.making.ok_or_else(nothing)?;
        for (id, topic) in (0..).zip(topics) {
            if let Some(mut open) = topic.open {
                build.chunk(id, open.first, open.closed().into_owned())?;
            }
            build.newest(id, topic.time);
        }
        build.finish()?;
        Ok(cursors.records())
    }
}

impl Take for Import {
    type Error = OpenError;

    fn begin(&mut self, contents: &Contents) -> Result<(), OpenError> {
        if let Some(span) = contents.spans.iter().find(|span| span.partition > 0) {
            let count = contents.spans.iter().filter(|other| other.topic == span.topic).count();
            return Err(OpenError::NotUsable(format!(
                "{} has {count} partitions, and an embedded log has one of each topic: what is spread over several stays on \
                 Kafka; to leave it, let its orders finish and begin a new log",
                span.topic
            )));
        }
        let mut build = Build::begin(&self.dir)?;
        let mut ids: BTreeMap<Topic, u16> = BTreeMap::new();
        for span in &contents.spans {
            let id = build.topic(span.topic, span.start, span.end, span.newest.unwrap_or(Millis::MIN))?;
            ids.insert(span.topic, id);
        }
        let mut groups = Groups::new();
        for position in &contents.groups {
            if let (Some(id), 0) = (ids.get(position.topic), position.partition) {
                groups.insert((position.group.clone(), *id), position.offset);
            }
        }
        build.groups(groups);
        let topics = contents.spans.iter().map(|_| Part { open: None, time: Millis::MIN }).collect();
        self.making = Some(Making { build, cursors: Cursors::new(&contents.spans), topics });
        Ok(())
    }

    fn record(&mut self, entry: Entry) -> Result<(), OpenError> {
        let Entry { topic, partition, offset, timestamp, record } = entry;
        let misplaced = || {
            OpenError::Broken(format!("a record of {topic} stands at offset {offset}, where none may stand"))
        };
        let Making { build, cursors, topics } = self.making.as_mut().ok_or_else(misplaced)?;
        let place = cursors.take(topic, partition, offset).ok_or_else(misplaced)?;
        let size = record.size();
        if size > MAX_RECORD_BYTES {
            return Err(OpenError::NotUsable(format!(
                "the record at offset {offset} of {topic} has {size} bytes, an embedded log takes at most {MAX_RECORD_BYTES}"
            )));
        }
        let id = u16::try_from(place).map_err(|_| misplaced())?;
        let making = &mut topics[place];
        // A cluster's time may fall when another broker leads; here it never does.
        making.time = making.time.max(timestamp);
        if let Some(mut full) = making.open.take_if(|open| !open.has_room(size, FULL_RECORDS)) {
            build.chunk(id, full.first, full.closed().into_owned())?;
        }
        let open = making.open.get_or_insert_with(|| Builder::new(offset, making.time));
        open.push(offset, making.time, &record);
        Ok(())
    }
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").field("dir", &self.dir).finish_non_exhaustive()
    }
}
