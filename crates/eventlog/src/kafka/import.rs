//! A log on a cluster, made of records that another log had: with their offsets and times, whole or not at all.
//!
//! The topics are made for it, set in a way in which no line works on them ([`super::verdict`]): compacted ones forget
//! nothing yet, and times are those of the records. When everything stands there they are set as they must be, the state
//! last. An import that fails removes what it made; one that was killed is told apart by those settings.

use std::{
    collections::BTreeMap,
    ffi::CString,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset as Wanted, TopicPartitionList,
    admin::{AlterConfig, NewTopic, ResourceSpecifier, TopicReplication},
    consumer::BaseConsumer,
    types::RDKafkaErrorCode,
};

use super::{
    admin::{Admin, WITHIN, ensure, failed, failure},
    connected,
    ears::Ears,
    native,
    options::Options,
    pour::{Pour, end},
    verdict::{ANY_TIME, filling, is_filling, settings},
};
use crate::{
    Cleanup, Entry, OpenError, Partitions, Topic, TopicSpec, block_on,
    transfer::{Contents, Cursors, Span, Take},
};

/// A log that is being made. Only [`Import::finish`] makes it one that a line works on.
pub struct Import {
    options: Options,
    /// Whose positions are taken over, and by whose name it writes.
    group: String,
    /// Whether what an import that was not finished left is removed first.
    again: bool,
    stop: Stop,
    making: Option<Making>,
}

/// Whether an import is to be given up, asked before each record that is written.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

struct Making {
    probe: Arc<BaseConsumer<Ears>>,
    /// What this has made, and may remove.
    made: Vec<Topic>,
    cursors: Cursors,
    pour: Pour,
    finished: bool,
}

impl Import {
    /// A log is to be made with these options, whose topics must not be there. `group` is the name of those who work on
    /// it; the user needs the same permissions as one of them, and may make, set and delete topics. `again`: topics that
    /// an import left, which was not finished, are removed first.
    pub fn new(options: Options, group: &str, again: bool, stop: Stop) -> Self {
        Self { options, group: group.to_owned(), again, stop, making: None }
    }

    /// Says that all is there; a line may work on it then. Gives how many records it has.
    ///
    /// # Errors
    /// [`OpenError::Storage`] or [`OpenError::NotUsable`]; what was made is removed again, unless a line could work on it
    /// by then.
    pub fn finish(mut self) -> Result<u64, OpenError> {
        let Self { options, making, .. } = &mut self;
        let nothing = || OpenError::NotUsable("nothing was begun to be imported".to_owned());
        let making = making.as_mut().ok_or_else(nothing)?;
        making.pour.end()?;
        let admin = Admin::new(options, &making.probe)?;
        admin.forget_before(making.cursors.counts().map(|(span, _)| *span), &making.pour)?;
        admin.see_the_ends(making.cursors.counts().map(|(span, _)| *span))?;
        // The state comes last: without it nobody works.
        let (state, others): (Vec<_>, Vec<_>) =
            options.topics.iter().partition(|spec| spec.cleanup == Cleanup::Compact);
        for spec in others.into_iter().chain(state) {
            admin.set(spec)?;
        }
        ensure(options, &making.probe)?;
        making.finished = true;
        Ok(making.cursors.records())
    }
}

impl Take for Import {
    type Error = OpenError;

    fn begin(&mut self, contents: &Contents) -> Result<(), OpenError> {
        let options = &self.options;
        let probe = Arc::new(connected(options)?);
        let admin = Admin::new(options, &probe)?;
        admin.make_room(self.again)?;
        let name = format!("{}-import", options.prefixed(&self.group));
        let making = Making {
            cursors: Cursors::new(&contents.spans),
            pour: Pour::new(options, probe.clone(), self.stop.clone(), &name, &contents.spans)?,
            probe: probe.clone(),
            made: Vec::new(),
            finished: false,
        };
        // From here on what was made is removed again if it is not finished.
        let making = self.making.insert(making);
        let counts = counts(&options.topics, &contents.spans);
        let mut topics: Vec<_> = options.topics.iter().zip(counts).collect();
        // The state comes first: once it is there, no line begins beside this.
        topics.sort_by_key(|(spec, _)| spec.cleanup != Cleanup::Compact);
        for (spec, count) in topics {
            admin.make_to_fill(spec, count)?;
            making.made.push(spec.name);
        }
        admin.wait_until_led()?;
        take_over(options, contents)?;
        making.pour.begin()
    }

    fn record(&mut self, entry: Entry) -> Result<(), OpenError> {
        let (topic, offset) = (entry.topic, entry.offset);
        let misplaced = || {
            OpenError::Broken(format!("a record of {topic} stands at offset {offset}, where none may stand"))
        };
        let making = self.making.as_mut().ok_or_else(misplaced)?;
        let place = making.cursors.take(topic, entry.partition, offset).ok_or_else(misplaced)?;
        making.pour.record(place, entry)
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        let Some(making) = self.making.take().filter(|making| !making.finished) else { return };
        making.pour.give_up();
        match Admin::new(&self.options, &making.probe).and_then(|admin| admin.remove_unfinished(&making.made))
        {
            Ok(true) => {}
            Ok(false) => tracing::warn!("the topics are left as they are: a line may work on them by now"),
            Err(error) => {
                tracing::warn!(%error, "what was imported so far could not be removed; say --again with the next import");
            }
        }
    }
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").field("options", &self.options).finish_non_exhaustive()
    }
}

/// How many partitions each topic gets: as many as it had, or as the one that it is like.
fn counts(topics: &[TopicSpec], spans: &[Span]) -> Vec<u32> {
    let mut had: BTreeMap<Topic, u32> = BTreeMap::new();
    for span in spans {
        let count = had.entry(span.topic).or_default();
        *count = (*count).max(span.partition + 1);
    }
    let count = |spec: &TopicSpec| match spec.partitions {
        Partitions::One => 1,
        Partitions::Like(other) => had.get(spec.name).or_else(|| had.get(other)).copied().unwrap_or(1),
    };
    topics.iter().map(count).collect()
}

/// Writes down where groups go on, before there is anything that somebody could read.
fn take_over(options: &Options, contents: &Contents) -> Result<(), OpenError> {
    let mut groups: BTreeMap<&str, TopicPartitionList> = BTreeMap::new();
    for position in &contents.groups {
        let list = groups.entry(&position.group).or_default();
        let place = (options.prefixed(position.topic), i32::try_from(position.partition).unwrap_or(i32::MAX));
        let offset = Wanted::Offset(i64::try_from(position.offset).unwrap_or(i64::MAX));
        let tried = "take over where groups go on";
        list.add_partition_offset(&place.0, place.1, offset)
            .map_err(|error| failed(options, tried, &error))?;
    }
    for (group, list) in groups {
        let name = options.prefixed(group);
        let tried = format!("take over where group {name} goes on");
        let mut config = options.asker();
        config.set("group.id", &name).set("group.protocol", "classic").set("enable.auto.commit", "false");
        let consumer: BaseConsumer<Ears> = config
            .create_with_context(Ears::new(options))
            .map_err(|error| failed(options, &tried, &error))?;
        let deadline = Instant::now() + WITHIN;
        while let Err(code) = native::commit(rdkafka::consumer::Consumer::client(&consumer), &list, WITHIN) {
            let error = failure(options, &tried, code, "");
            // Its coordinator is being found.
            if !matches!(error, OpenError::Storage(_)) || Instant::now() >= deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// What an import does with topics.
impl Admin<'_> {
    /// Sees to it that none of the topics is there.
    fn make_room(&self, again: bool) -> Result<(), OpenError> {
        let found = self.look_at_all()?;
        let there = |(spec, found): (&TopicSpec, &Option<_>)| found.as_ref().map(|_| spec.name);
        let there: Vec<_> = self.options.topics.iter().zip(&found).filter_map(there).collect();
        if there.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = there.iter().map(|topic| self.options.prefixed(topic)).collect();
        match (self.fills(&there)?.contains(&true), again) {
            (true, true) => self.remove(&there),
            (true, false) => Err(OpenError::NotUsable(format!(
                "an import into the topics of prefix {:?} on Kafka at {} is going on, or was not finished; if none is, say --again \
                 to remove what it left and begin anew",
                self.options.prefix, self.options.brokers
            ))),
            (false, _) => Err(OpenError::NotUsable(format!(
                "on Kafka at {} there is already {}, and an import makes its topics itself, so that all offsets are the same; say \
                 another --prefix, or delete the topics if nobody needs what is in them",
                self.options.brokers,
                names.join(", ")
            ))),
        }
    }

    /// Of each of these topics that has the state, whether it is being filled.
    fn fills(&self, topics: &[Topic]) -> Result<Vec<bool>, OpenError> {
        let is_state = |spec: &&TopicSpec| spec.cleanup == Cleanup::Compact && topics.contains(&spec.name);
        let states = self.options.topics.iter().filter(is_state);
        let states: Vec<_> = states.map(|spec| self.options.prefixed(spec.name)).collect();
        Ok(self.settings_of(&states)?.iter().map(is_filling).collect())
    }

    fn make_to_fill(&self, spec: &TopicSpec, partitions: u32) -> Result<(), OpenError> {
        let name = self.options.prefixed(spec.name);
        let settings = filling(spec, self.options);
        let tried = format!("make topic {name}");
        let make = |settings: &[(&str, String)]| -> Result<Option<RDKafkaErrorCode>, OpenError> {
            let copies = self.options.replication.map_or(-1, i32::from);
            let count = i32::try_from(partitions).unwrap_or(i32::MAX);
            let mut topic = NewTopic::new(&name, count, TopicReplication::Fixed(copies));
            for (name, value) in settings {
                topic = topic.set(name, value);
            }
            let made = block_on(self.client.create_topics([&topic], &Self::limits()));
            let made = made.map_err(|error| failed(self.options, &tried, &error))?;
            Ok(made.into_iter().next().and_then(Result::err).map(|(_, code)| code))
        };
        let any_time = (ANY_TIME.0, ANY_TIME.1.to_string());
        let mut refused = make(&[&settings[..], &[any_time]].concat())?;
        // Brokers that do not know it take any time.
        if refused == Some(RDKafkaErrorCode::InvalidConfig) {
            refused = make(&settings)?;
        }
        match refused {
            Some(code) => Err(failure(self.options, &tried, code, &self.says_more(&name, code)?)),
            None => Ok(()),
        }
    }

    fn wait_until_led(&self) -> Result<(), OpenError> {
        let deadline = Instant::now() + WITHIN;
        for spec in &self.options.topics {
            while !self.look(spec.name)?.is_some_and(|found| found.led && found.partitions > 0) {
                if Instant::now() >= deadline {
                    let tried = format!("see leaders of topic {}", self.options.prefixed(spec.name));
                    let code = RDKafkaErrorCode::LeaderNotAvailable;
                    return Err(failure(self.options, &tried, code, ""));
                }
                // The brokers tell each other, and nobody tells us.
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(())
    }

    /// Removes what stands below the offset with which each partition begins.
    fn forget_before(&self, spans: impl Iterator<Item = Span>, pour: &Pour) -> Result<(), OpenError> {
        let mut list = TopicPartitionList::new();
        let tried = "remove what fills the places of records that are gone";
        for span in spans {
            let begins = pour.begins(&span);
            if begins > 0 {
                let offset = Wanted::Offset(i64::try_from(begins).unwrap_or(i64::MAX));
                let number = i32::try_from(span.partition).unwrap_or(i32::MAX);
                list.add_partition_offset(&self.options.prefixed(span.topic), number, offset)
                    .map_err(|error| failed(self.options, tried, &error))?;
            }
        }
        if list.count() == 0 {
            return Ok(());
        }
        let done = block_on(self.client.delete_records(&list, &Self::limits()));
        let done = done.map_err(|error| failed(self.options, tried, &error))?;
        done.elements()
            .iter()
            .try_for_each(|place| place.error().map_err(|error| failed(self.options, tried, &error)))
    }

    /// Each partition must end where it ended.
    fn see_the_ends(&self, spans: impl Iterator<Item = Span>) -> Result<(), OpenError> {
        for span in spans {
            let end = end(self.options, self.probe, span.topic, span.partition)?;
            if end != span.end {
                let (name, number) = (self.options.prefixed(span.topic), span.partition);
                return Err(OpenError::NotUsable(format!(
                    "partition {number} of topic {name} ends at {end}, and should at {}: somebody else writes to it; stop whoever \
                     does, and import again",
                    span.end
                )));
            }
        }
        Ok(())
    }

    /// Sets a topic as it must be.
    fn set(&self, spec: &TopicSpec) -> Result<(), OpenError> {
        let name = self.options.prefixed(spec.name);
        let settings = settings(spec, self.options);
        let mut set = AlterConfig::new(ResourceSpecifier::Topic(&name));
        for (name, value) in &settings {
            set = set.set(name, value);
        }
        let tried = format!("set topic {name} as it must be");
        let done = block_on(self.client.alter_configs([&set], &Self::limits()));
        match done.map_err(|error| failed(self.options, &tried, &error))?.into_iter().next() {
            Some(Err((_, code))) => return Err(failure(self.options, &tried, code, "")),
            _ => {}
        }
        // Whoever asks another broker is told a moment later.
        let deadline = Instant::now() + WITHIN;
        while self.settings_of(std::slice::from_ref(&name))?.iter().any(is_filling) {
            if Instant::now() >= deadline {
                let code = rdkafka::types::RDKafkaErrorCode::OperationTimedOut;
                return Err(failure(self.options, &tried, code, ""));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Removes what an import has made, unless someone works on it: topics of the same names that another import made and
    /// finished meanwhile. Whether it was removed.
    fn remove_unfinished(&self, made: &[Topic]) -> Result<bool, OpenError> {
        let removable = !self.fills(made)?.contains(&false);
        if removable {
            self.remove(made)?;
        }
        Ok(removable)
    }

    /// Removes topics, and waits until they are gone.
    fn remove(&self, topics: &[Topic]) -> Result<(), OpenError> {
        if topics.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = topics.iter().map(|topic| self.options.prefixed(topic)).collect();
        let tried = "remove the topics of an import";
        let all: Vec<_> = names.iter().map(String::as_str).collect();
        let done = block_on(self.client.delete_topics(&all, &Self::limits()));
        for done in done.map_err(|error| failed(self.options, tried, &error))? {
            match done {
                Err((_, code)) if code != rdkafka::types::RDKafkaErrorCode::UnknownTopicOrPartition => {
                    return Err(failure(self.options, tried, code, ""));
                }
                _ => {}
            }
        }
        let deadline = Instant::now() + WITHIN;
        for topic in topics {
            while self.look(topic)?.is_some() {
                if Instant::now() >= deadline {
                    let code = rdkafka::types::RDKafkaErrorCode::OperationTimedOut;
                    return Err(failure(self.options, tried, code, ""));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    }
}

/// The name of a topic for librdkafka.
pub(super) fn c_name(options: &Options, topic: Topic) -> Result<CString, OpenError> {
    CString::new(options.prefixed(topic)).map_err(|_| {
        OpenError::NotUsable("the prefix has a zero byte in it, which no topic's name can have".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn topics_get_as_many_partitions_as_they_had() {
        let spec =
            |name, partitions| TopicSpec { name, cleanup: Cleanup::Delete(Duration::ZERO), partitions };
        let topics = [
            spec("a", Partitions::Like("a")),
            spec("b", Partitions::Like("a")),
            spec("c", Partitions::Like("a")),
            spec("one", Partitions::One),
        ];
        let span = |topic, partition| Span { topic, partition, start: 0, end: 0, newest: None };
        assert_eq!(counts(&topics, &[span("a", 0), span("a", 2), span("b", 0)]), [3, 1, 3, 1]);
        assert_eq!(counts(&topics, &[]), [1, 1, 1, 1]);
    }
}
