//! The topics as they must be: missing ones are made, existing ones are checked.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    admin::{
        AdminClient, AdminOptions, ConfigResource, NewPartitions, NewTopic, ResourceSpecifier,
        TopicReplication,
    },
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    types::RDKafkaErrorCode,
};

use super::{
    MESSAGE_MAX_BYTES,
    ears::Ears,
    failure::{Failure, parts},
    options::Options,
};
use crate::{Cleanup, OpenError, Partitions, Topic, TopicSpec, wait::block_on};

/// How long a request may take, and how long new topics may need until they have leaders.
const WITHIN: Duration = Duration::from_secs(15);

/// How a topic of the log is on the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicReport {
    /// As the log knows it.
    pub topic: Topic,
    /// As the cluster knows it: with the prefix.
    pub name: String,
    /// `None`: it is missing.
    pub partitions: Option<u32>,
    /// How many brokers have each record; of the partition that has fewest.
    pub copies: u32,
    /// What is said of it.
    pub judged: Judged,
}

/// What weakens the log's promise, or why the topic can't be used: each one sentence.
pub type Judged = Result<Vec<String>, String>;

/// The segments of a compacted topic that we make, in bytes.
const SEGMENT_BYTES: i64 = 16 << 20;
/// Larger segments of one that others made are warned about: about a second of reading.
const SEGMENT_MOST: i64 = 128 << 20;

/// A topic as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    partitions: u32,
    /// Of the partition that has fewest.
    replicas: u32,
    /// Whether each has a leader.
    led: bool,
}

/// Makes what is missing and checks what is there. How many partitions each of the topics has then.
pub(super) fn ensure(options: &Options, probe: &BaseConsumer<Ears>) -> Result<Vec<u32>, OpenError> {
    let admin = Admin::new(options)?;
    let found = look_at_all(options, probe)?;
    // What holds for several topics is said once.
    let mut warnings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (spec, judged) in options.topics.iter().zip(admin.judge(&found)?) {
        for warning in judged.map_err(OpenError::NotUsable)? {
            warnings.entry(warning).or_default().push(options.prefixed(spec.name));
        }
    }
    for (warning, names) in warnings {
        tracing::warn!("{}: {warning}", names.join(", "));
    }
    let wanted = wanted(options, &found);
    // A topic that others are like comes last: nobody is given a partition of it that the others don't have yet.
    let mut order: Vec<usize> = (0..options.topics.len()).collect();
    order.sort_by_key(|place| {
        let spec = &options.topics[*place];
        options.topics.iter().any(|other| other.partitions == Partitions::Like(spec.name))
    });
    for place in order {
        let spec = &options.topics[place];
        match &found[place] {
            None => admin.make(spec, wanted[place])?,
            Some(found) if found.partitions < wanted[place] => {
                admin.add_partitions(spec.name, wanted[place])?;
            }
            Some(_) => {}
        }
    }
    let deadline = Instant::now() + WITHIN;
    let mut counts = Vec::new();
    for (spec, wanted) in options.topics.iter().zip(wanted) {
        counts.push(loop {
            match look(options, probe, spec.name)? {
                Some(found) if found.led && found.partitions >= wanted => break found.partitions,
                _ if Instant::now() >= deadline => {
                    let tried =
                        format!("see partitions of topic {} that have leaders", options.prefixed(spec.name));
                    return Err(failure(options, &tried, Code::LeaderNotAvailable, ""));
                }
                // The brokers tell each other, and nobody tells us: short, and bounded by the deadline.
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        });
    }
    Ok(counts)
}

/// How each of the topics is; nothing is made.
pub(super) fn report(options: &Options, probe: &BaseConsumer<Ears>) -> Result<Vec<TopicReport>, OpenError> {
    let found = look_at_all(options, probe)?;
    let judged = Admin::new(options)?.judge(&found)?;
    let topics = options.topics.iter().zip(found).zip(judged);
    Ok(topics
        .map(|((spec, found), judged)| TopicReport {
            topic: spec.name,
            name: options.prefixed(spec.name),
            partitions: found.as_ref().map(|found| found.partitions),
            copies: found.map_or(0, |found| found.replicas),
            judged,
        })
        .collect())
}

fn look_at_all(options: &Options, probe: &BaseConsumer<Ears>) -> Result<Vec<Option<Found>>, OpenError> {
    options.topics.iter().map(|spec| look(options, probe, spec.name)).collect()
}

/// How many partitions each of the topics has, 0 if it is missing. Nothing is made, changed or checked.
pub(super) fn count(options: &Options, probe: &BaseConsumer<Ears>) -> Result<Vec<u32>, OpenError> {
    let found = look_at_all(options, probe)?;
    Ok(found.into_iter().map(|found| found.map_or(0, |found| found.partitions)).collect())
}

/// How many partitions each topic is to have. Never fewer than it has.
fn wanted(options: &Options, found: &[Option<Found>]) -> Vec<u32> {
    let has = |topic: Topic| {
        let place = options.topics.iter().position(|spec| spec.name == topic);
        place.and_then(|place| found[place].as_ref()).map(|found| found.partitions)
    };
    let count = |spec: &TopicSpec| match spec.partitions {
        Partitions::One => 1,
        Partitions::Like(other) => {
            options.partitions.unwrap_or(1).max(has(other).unwrap_or(1)).max(has(spec.name).unwrap_or(1))
        }
    };
    options.topics.iter().map(count).collect()
}

/// A topic as the brokers know it now; `None` if it is missing.
fn look(options: &Options, probe: &BaseConsumer<Ears>, topic: Topic) -> Result<Option<Found>, OpenError> {
    let name = options.prefixed(topic);
    let tried = format!("look at topic {name}");
    let metadata =
        probe.fetch_metadata(Some(&name), WITHIN).map_err(|error| failed(options, &tried, &error))?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else { return Ok(None) };
    match found.error().map(RDKafkaErrorCode::from) {
        None | Some(Code::LeaderNotAvailable) => {}
        Some(Code::UnknownTopicOrPartition) => return Ok(None),
        Some(code) => return Err(failure(options, &tried, code, "")),
    }
    let replicas = found.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
    let led = found.partitions().iter().all(|partition| partition.leader() >= 0);
    Ok(Some(Found {
        partitions: u32::try_from(found.partitions().len()).unwrap_or(u32::MAX),
        replicas: u32::try_from(replicas).unwrap_or(u32::MAX),
        led,
    }))
}

fn failure(options: &Options, tried: &str, code: Code, said: &str) -> OpenError {
    Failure { brokers: &options.brokers, tried, code, said }.open_error()
}

fn failed(options: &Options, tried: &str, error: &KafkaError) -> OpenError {
    let (code, said) = parts(error);
    failure(options, tried, code, &said)
}

/// The session times that the brokers allow, as they stand in a sentence.
pub(super) fn session_times(options: &Options, probe: &BaseConsumer<Ears>) -> String {
    let [least, most] = ["group.min.session.timeout.ms", "group.max.session.timeout.ms"];
    let range = || {
        let name = options.prefixed(options.topics.first()?.name);
        let broker = probe.fetch_metadata(Some(&name), WITHIN).ok()?.brokers().first()?.id();
        let client = Admin::new(options).ok()?.client;
        let asked = [ResourceSpecifier::Broker(broker)];
        let told = block_on(client.describe_configs(&asked, &Admin::limits())).ok()?.pop()?.ok()?;
        let get = |setting| told.get(setting).and_then(|entry| entry.value.clone());
        Some((get(least)?, get(most)?))
    };
    match range() {
        Some((least, most)) => format!("{least} to {most} ms"),
        // Whoever may not see them knows whom to ask.
        None => format!("{least} to {most} of its brokers"),
    }
}

struct Admin<'a> {
    options: &'a Options,
    client: AdminClient<Ears>,
}

impl<'a> Admin<'a> {
    fn new(options: &'a Options) -> Result<Self, OpenError> {
        let client = options.client(&[], &[]).create_with_context(Ears::new(options));
        let client = client.map_err(|error| failed(options, "look after topics", &error))?;
        Ok(Self { options, client })
    }

    fn limits() -> AdminOptions {
        AdminOptions::new().request_timeout(Some(WITHIN)).operation_timeout(Some(WITHIN))
    }

    fn make(&self, spec: &TopicSpec, partitions: u32) -> Result<(), OpenError> {
        let name = self.options.prefixed(spec.name);
        let settings = settings(spec, self.options);
        // -1: as many copies as the cluster gives to a topic by default.
        let copies = self.options.replication.map_or(-1, i32::from);
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        let mut topic = NewTopic::new(&name, count, TopicReplication::Fixed(copies));
        for (name, value) in &settings {
            topic = topic.set(name, value);
        }
        let made = block_on(self.client.create_topics([&topic], &Self::limits()));
        let made = made.map(|results| results.into_iter().next().unwrap_or(Ok(name.clone())));
        self.done(&format!("make topic {name}"), made, Code::TopicAlreadyExists)
    }

    fn add_partitions(&self, topic: Topic, count: u32) -> Result<(), OpenError> {
        let name = self.options.prefixed(topic);
        let more = NewPartitions::new(&name, usize::try_from(count).unwrap_or(usize::MAX));
        let made = block_on(self.client.create_partitions([&more], &Self::limits()));
        let made = made.map(|results| results.into_iter().next().unwrap_or(Ok(name.clone())));
        self.done(&format!("add partitions to topic {name}"), made, Code::InvalidPartitions)
    }

    /// `meanwhile`: what it says if another process was faster.
    fn done(
        &self,
        tried: &str,
        made: Result<Result<String, (String, Code)>, KafkaError>,
        meanwhile: Code,
    ) -> Result<(), OpenError> {
        match made {
            Ok(Ok(_)) => Ok(()),
            Ok(Err((_, code))) if code == meanwhile => Ok(()),
            Ok(Err((_, code))) => Err(failure(self.options, tried, code, "")),
            Err(error) => Err(failed(self.options, tried, &error)),
        }
    }

    /// What is said of each topic; nothing of those that are missing.
    fn judge(&self, found: &[Option<Found>]) -> Result<Vec<Judged>, OpenError> {
        let there: Vec<_> = self
            .options
            .topics
            .iter()
            .zip(found)
            .enumerate()
            .filter_map(|(place, (spec, found))| Some((place, spec, found.as_ref()?)))
            .collect();
        let mut judged = vec![Ok(Vec::new()); found.len()];
        let names: Vec<_> = there.iter().map(|(_, spec, _)| self.options.prefixed(spec.name)).collect();
        let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        if asked.is_empty() {
            return Ok(judged);
        }
        let tried = |name: &str| format!("look at the settings of topic {name}");
        let told = block_on(self.client.describe_configs(&asked, &Self::limits()));
        let told = told.map_err(|error| failed(self.options, &tried(&names[0]), &error))?;
        for (((place, spec, found), name), told) in there.into_iter().zip(&names).zip(told) {
            let told = told.map_err(|code| failure(self.options, &tried(name), code, ""))?;
            judged[place] = verdict(spec, self.options, found, &told);
        }
        Ok(judged)
    }
}

/// How a topic is made.
fn settings(spec: &TopicSpec, options: &Options) -> Vec<(&'static str, String)> {
    // Times come from the log, never from whoever writes.
    let mut settings = vec![("message.timestamp.type", "LogAppendTime".to_owned())];
    match spec.cleanup {
        Cleanup::Delete(age) => {
            settings.push(("cleanup.policy", "delete".to_owned()));
            settings.push(("retention.ms", age.as_millis().to_string()));
            settings.push(("retention.bytes", "-1".to_owned()));
        }
        Cleanup::Compact => {
            settings.push(("cleanup.policy", "compact".to_owned()));
            // The segment that is written to is never compacted, and whoever takes the partition reads it all.
            settings.push(("segment.bytes", SEGMENT_BYTES.to_string()));
            settings.push(("segment.ms", "600000".to_owned()));
            settings.push(("min.cleanable.dirty.ratio", "0.2".to_owned()));
        }
    }
    // With three copies one broker may be away, and what is acknowledged still stands on two.
    if options.replication.is_some_and(|copies| copies >= 3) {
        settings.push(("min.insync.replicas", "2".to_owned()));
    }
    settings
}

/// Warnings, or why the topic can't be used: each one sentence.
fn verdict(spec: &TopicSpec, options: &Options, found: &Found, told: &ConfigResource) -> Judged {
    let name = options.prefixed(spec.name);
    let get = |setting| told.get(setting).and_then(|entry| entry.value.as_deref()).unwrap_or_default();
    let number = |setting| get(setting).parse::<i64>().ok();
    let policy = get("cleanup.policy");
    match spec.cleanup {
        Cleanup::Delete(_) if policy.contains("compact") => {
            return Err(format!(
                "topic {name} is compacted (cleanup.policy={policy}), which removes records that were not read; set \
                 cleanup.policy=delete"
            ));
        }
        Cleanup::Compact if policy != "compact" => {
            return Err(format!(
                "topic {name} forgets by age what must be kept (cleanup.policy={policy}); set cleanup.policy=compact"
            ));
        }
        Cleanup::Delete(_) => {
            let least = i64::try_from(options.kept_at_least.as_millis()).unwrap_or(i64::MAX);
            if let Some(kept) = number("retention.ms").filter(|kept| (0..least).contains(kept)) {
                return Err(format!(
                    "topic {name} keeps its records for {kept} ms, the line needs them for {least}; raise retention.ms"
                ));
            }
        }
        Cleanup::Compact => {}
    }
    if let Some(asked) = options.replication.map(u32::from).filter(|asked| found.replicas < *asked) {
        return Err(format!(
            "topic {name} has {} copies of each record, {asked} were asked for; add replicas or ask for fewer",
            found.replicas
        ));
    }
    let in_sync = number("min.insync.replicas").unwrap_or(1);
    if in_sync > i64::from(found.replicas) {
        return Err(format!(
            "topic {name} takes no records, because it wants {in_sync} copies in sync and has {}; lower \
             min.insync.replicas or add replicas",
            found.replicas
        ));
    }
    let room = i64::try_from(MESSAGE_MAX_BYTES).unwrap_or(i64::MAX);
    if let Some(limit) = number("max.message.bytes").filter(|limit| *limit < room) {
        return Err(format!(
            "topic {name} takes records of at most {limit} bytes, the line needs {room}; raise max.message.bytes"
        ));
    }
    let mut warnings = Vec::new();
    if get("message.timestamp.type") != "LogAppendTime" {
        warnings.push(
            "its times come from whoever writes (message.timestamp.type=CreateTime), and the barista's own time is \
             used instead; set LogAppendTime"
                .to_owned(),
        );
    }
    if found.replicas == 1 {
        warnings.push(
            "one broker alone has its records, so losing that disk loses them; add replicas".to_owned(),
        );
    } else if in_sync == 1 {
        warnings.push(
            "what is acknowledged may stand on one broker alone (min.insync.replicas=1); set it to 2"
                .to_owned(),
        );
    }
    if found.replicas > 1 && get("unclean.leader.election.enable") == "true" {
        warnings.push(
            "a broker that lacks what was acknowledged may become its leader (unclean.leader.election.enable=true); \
             set it to false"
                .to_owned(),
        );
    }
    if spec.cleanup == Cleanup::Compact && number("segment.bytes").is_some_and(|bytes| bytes > SEGMENT_MOST) {
        warnings.push(format!(
            "its newest segment is never compacted, and whoever takes a partition reads all of it first; set \
             segment.bytes={SEGMENT_BYTES}"
        ));
    }
    if matches!(spec.cleanup, Cleanup::Delete(_)) && number("retention.bytes").is_some_and(|bytes| bytes >= 0)
    {
        warnings
            .push("it forgets by size (retention.bytes), however young a record is; set it to -1".to_owned());
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use rdkafka::admin::{ConfigEntry, ConfigSource, OwnedResourceSpecifier};

    use super::*;

    const OLD: TopicSpec = TopicSpec {
        name: "old",
        cleanup: Cleanup::Delete(Duration::from_hours(720)),
        partitions: Partitions::Like("old"),
    };
    const STATE: TopicSpec =
        TopicSpec { name: "state", cleanup: Cleanup::Compact, partitions: Partitions::Like("old") };

    /// What is said of a topic that is as we make it, but for these settings.
    fn said(spec: &TopicSpec, replicas: u32, changed: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut options = Options::new("cafe:9092", &[OLD, STATE]);
        options.kept_at_least = Duration::from_hours(24);
        options.replication = (replicas == 2).then_some(2);
        let mut all: BTreeMap<String, String> =
            settings(spec, &options).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        all.insert("max.message.bytes".to_owned(), "1048588".to_owned());
        all.insert("min.insync.replicas".to_owned(), "2".to_owned());
        all.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let entry = |(name, value)| ConfigEntry {
            name,
            value: Some(value),
            source: ConfigSource::DynamicTopic,
            is_read_only: false,
            is_default: false,
            is_sensitive: false,
        };
        let told = ConfigResource {
            specifier: OwnedResourceSpecifier::Topic(spec.name.to_owned()),
            entries: all.into_iter().map(entry).collect(),
        };
        verdict(spec, &options, &Found { partitions: 1, replicas, led: true }, &told)
    }

    #[test]
    fn a_topic_as_we_make_it_has_nothing_said_of_it() {
        assert_eq!(said(&OLD, 2, &[]), Ok(vec![]));
        assert_eq!(said(&STATE, 3, &[]), Ok(vec![]));
    }

    #[test]
    fn what_would_lose_records_is_refused_in_one_sentence_with_the_way_out() {
        for (spec, changed, way_out) in [
            (OLD, ("cleanup.policy", "compact"), "set cleanup.policy=delete"),
            (OLD, ("cleanup.policy", "compact,delete"), "set cleanup.policy=delete"),
            (STATE, ("cleanup.policy", "delete"), "set cleanup.policy=compact"),
            (STATE, ("cleanup.policy", "compact,delete"), "set cleanup.policy=compact"),
            (OLD, ("retention.ms", "3600000"), "raise retention.ms"),
            (OLD, ("min.insync.replicas", "3"), "lower min.insync.replicas"),
            (OLD, ("max.message.bytes", "65536"), "raise max.message.bytes"),
        ] {
            let error = said(&spec, 2, &[changed]).unwrap_err();
            assert!(error.contains(way_out) && error.contains(spec.name), "{changed:?}: {error}");
        }
        // Kept for ever is long enough.
        assert_eq!(said(&OLD, 2, &[("retention.ms", "-1")]), Ok(vec![]));
    }

    #[test]
    fn what_weakens_the_promise_is_warned_of() {
        for (replicas, changed, says) in [
            (2, ("message.timestamp.type", "CreateTime"), "set LogAppendTime"),
            (2, ("min.insync.replicas", "1"), "set it to 2"),
            (1, ("min.insync.replicas", "1"), "add replicas"),
            (2, ("retention.bytes", "1000"), "set it to -1"),
            (2, ("unclean.leader.election.enable", "true"), "set it to false"),
        ] {
            let warnings = said(&OLD, replicas, &[changed]).unwrap();
            assert!(matches!(&warnings[..], [one] if one.contains(says)), "{changed:?}: {warnings:?}");
        }
        let warnings = said(&STATE, 2, &[("segment.bytes", "1073741824")]).unwrap();
        assert!(matches!(&warnings[..], [one] if one.contains("segment.bytes=16777216")), "{warnings:?}");
    }

    #[test]
    fn topics_get_as_many_partitions_as_the_one_they_are_like() {
        let one = TopicSpec { name: "one", cleanup: Cleanup::Compact, partitions: Partitions::One };
        let mut options = Options::new("", &[OLD, STATE, one]);
        let found = |partitions| Some(Found { partitions, replicas: 1, led: true });
        assert_eq!(wanted(&options, &[None, None, None]), [1, 1, 1]);
        assert_eq!(wanted(&options, &[found(6), found(2), None]), [6, 6, 1]);
        options.partitions = Some(4);
        assert_eq!(wanted(&options, &[None, None, None]), [4, 4, 1]);
        assert_eq!(wanted(&options, &[found(6), None, found(1)]), [6, 6, 1], "never fewer");
    }
}
