//! The topics as they must be: missing ones are made, existing ones are checked.

use std::time::{Duration, Instant};

use rdkafka::{
    admin::{
        AdminClient, AdminOptions, ConfigResource, NewPartitions, NewTopic, ResourceSpecifier,
        TopicReplication,
    },
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    metadata::Metadata,
    types::RDKafkaErrorCode,
};

use super::{
    ears::Ears,
    failure::{Failure, parts},
    options::Options,
    verdict::{Found, Judged, settings, too_many, verdict},
};
use crate::{OpenError, Partitions, Topic, TopicSpec, block_on};

/// How long a request may take, and how long new topics may need until they have leaders.
pub(super) const WITHIN: Duration = Duration::from_secs(15);

/// How a topic of the log is on the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicReport {
    /// As the log knows it.
    pub topic: Topic,
    /// As the cluster knows it: with the prefix.
    pub name: String,
    /// `None`: it is missing.
    pub partitions: Option<u32>,
    /// How many it is to have.
    pub wanted: u32,
    /// How many brokers have each record; of the partition that has fewest.
    pub copies: u32,
    /// What is said of it.
    pub judged: Judged,
}

/// What is said of one topic or of several alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Which: "topic a", "topics a, b", "every topic", "every topic but a".
    pub topics: String,
    /// One sentence that follows their names: "it forgets …".
    pub says: String,
    /// They can't be used.
    pub is_refusal: bool,
}

/// What there is to say of these topics, what holds for several of them once. Refusals come first.
pub fn remarks(topics: &[TopicReport]) -> Vec<Remark> {
    let mut said: Vec<(bool, &str, Vec<&str>)> = Vec::new();
    for topic in topics {
        let (is_refusal, all) = match &topic.judged {
            Ok(warnings) => (false, warnings.as_slice()),
            Err(why) => (true, std::slice::from_ref(why)),
        };
        for says in all {
            match said.iter_mut().find(|(refusal, same, _)| *refusal == is_refusal && same == says) {
                Some((.., names)) => names.push(&topic.name),
                None => said.push((is_refusal, says, vec![&topic.name])),
            }
        }
    }
    said.sort_by_key(|(is_refusal, ..)| !is_refusal);
    let named = |names: &[&str]| match names {
        [name] => format!("topic {name}"),
        names if names.len() == topics.len() => "every topic".to_owned(),
        // With their prefix they fill lines.
        names if names.len() + 1 == topics.len() && names.len() > 2 => {
            let other = topics.iter().find(|topic| !names.contains(&topic.name.as_str()));
            format!("every topic but {}", other.map_or("", |topic| &topic.name))
        }
        names => format!("topics {}", names.join(", ")),
    };
    said.into_iter()
        .map(|(is_refusal, says, names)| Remark { topics: named(&names), says: says.to_owned(), is_refusal })
        .collect()
}

/// Makes what is missing and checks what is there, what was made included. How the topics are then.
pub(super) fn ensure(options: &Options, probe: &BaseConsumer<Ears>) -> Result<Vec<TopicReport>, OpenError> {
    let admin = Admin::new(options, probe)?;
    let found = admin.look_at_all()?;
    let reports = admin.report(&found)?;
    refuse(&reports)?;
    if found.iter().zip(&reports).all(|(found, report)| {
        found.as_ref().is_some_and(|found| found.led && found.partitions >= report.wanted)
    }) {
        return Ok(reports);
    }
    // A topic that others are like comes last: nobody is given a partition of it that the others don't have yet.
    let mut order: Vec<usize> = (0..options.topics.len()).collect();
    order.sort_by_key(|place| {
        let spec = &options.topics[*place];
        options.topics.iter().any(|other| other.partitions == Partitions::Like(spec.name))
    });
    for place in order {
        admin.make(&options.topics[place], found[place].as_ref(), reports[place].wanted)?;
    }
    let found = admin.wait_for_leaders(&reports)?;
    // Also of a topic that was made a moment ago it is said what it does not promise.
    let reports = admin.report(&found)?;
    refuse(&reports)?;
    Ok(reports)
}

/// An error if there is a topic that can't be used.
fn refuse(reports: &[TopicReport]) -> Result<(), OpenError> {
    match remarks(reports).into_iter().find(|remark| remark.is_refusal) {
        Some(Remark { topics, says, .. }) => {
            Err(OpenError::NotUsable(format!("{topics} can't be used: {says}")))
        }
        None => Ok(()),
    }
}

/// How each of the topics is, and whether those that are missing could be made; nothing is.
pub(super) fn report(options: &Options, probe: &BaseConsumer<Ears>) -> Result<Vec<TopicReport>, OpenError> {
    let admin = Admin::new(options, probe)?;
    let found = admin.look_at_all()?;
    let mut reports = admin.report(&found)?;
    for ((spec, found), report) in options.topics.iter().zip(&found).zip(&mut reports) {
        if report.judged.is_ok()
            && let Err(why) = admin.rehearse(spec, found.as_ref(), report.wanted)?
        {
            report.judged = Err(why);
        }
    }
    Ok(reports)
}

/// How many partitions each of the topics has, 0 if it is missing. Nothing is made, changed or checked.
pub(super) fn count(options: &Options, probe: &BaseConsumer<Ears>) -> Result<Vec<u32>, OpenError> {
    let found = Admin::new(options, probe)?.look_at_all()?;
    Ok(found.into_iter().map(|found| found.map_or(0, |found| found.partitions)).collect())
}

/// How many partitions a topic has; `None` if it is missing or none of the log's.
fn has(options: &Options, found: &[Option<Found>], topic: Topic) -> Option<u32> {
    let place = options.topics.iter().position(|spec| spec.name == topic);
    place.and_then(|place| found[place].as_ref()).map(|found| found.partitions)
}

/// How many partitions each topic is to have. Never fewer than it has.
fn wanted(options: &Options, found: &[Option<Found>]) -> Vec<u32> {
    let has = |topic| has(options, found, topic);
    let count = |spec: &TopicSpec| match spec.partitions {
        Partitions::One => 1,
        Partitions::Like(other) => {
            options.partitions.unwrap_or(1).max(has(other).unwrap_or(1)).max(has(spec.name).unwrap_or(1))
        }
    };
    options.topics.iter().map(count).collect()
}

pub(super) fn failure(options: &Options, tried: &str, code: Code, said: &str) -> OpenError {
    Failure { brokers: &options.brokers, tried, code, said }.open_error()
}

pub(super) fn failed(options: &Options, tried: &str, error: &KafkaError) -> OpenError {
    let (code, said) = parts(error);
    failure(options, tried, code, &said)
}

/// What a request came to for the one topic that it was about.
type Done = Result<Result<(), Code>, KafkaError>;

/// The session times that the brokers allow, as they stand in a sentence.
pub(super) fn session_times(options: &Options, probe: &BaseConsumer<Ears>) -> String {
    let [least, most] = ["group.min.session.timeout.ms", "group.max.session.timeout.ms"];
    let range = || {
        let name = options.prefixed(options.topics.first()?.name);
        let broker = probe.fetch_metadata(Some(&name), WITHIN).ok()?.brokers().first()?.id();
        let client = Admin::new(options, probe).ok()?.client;
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

pub(super) struct Admin<'a> {
    pub(super) options: &'a Options,
    pub(super) probe: &'a BaseConsumer<Ears>,
    pub(super) client: AdminClient<Ears>,
}

impl<'a> Admin<'a> {
    pub(super) fn new(options: &'a Options, probe: &'a BaseConsumer<Ears>) -> Result<Self, OpenError> {
        let client = options.client(&[], &[]).create_with_context(Ears::new(options));
        let client = client.map_err(|error| failed(options, "look after topics", &error))?;
        Ok(Self { options, probe, client })
    }

    pub(super) fn limits() -> AdminOptions {
        AdminOptions::new().request_timeout(Some(WITHIN)).operation_timeout(Some(WITHIN))
    }

    pub(super) fn look_at_all(&self) -> Result<Vec<Option<Found>>, OpenError> {
        self.options.topics.iter().map(|spec| self.look(spec.name)).collect()
    }

    fn ask(&self, name: &str) -> Result<Metadata, OpenError> {
        let metadata = self.probe.fetch_metadata(Some(name), WITHIN);
        metadata.map_err(|error| failed(self.options, &format!("look at topic {name}"), &error))
    }

    /// A topic as the brokers know it now; `None` if it is missing.
    pub(super) fn look(&self, topic: Topic) -> Result<Option<Found>, OpenError> {
        let name = self.options.prefixed(topic);
        let metadata = self.ask(&name)?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else {
            return Ok(None);
        };
        match found.error().map(RDKafkaErrorCode::from) {
            None | Some(Code::LeaderNotAvailable) => {}
            Some(Code::UnknownTopicOrPartition) => return Ok(None),
            Some(code) => return Err(failure(self.options, &format!("look at topic {name}"), code, "")),
        }
        let replicas = found.partitions().iter().map(|partition| partition.replicas().len()).min();
        let led = found.partitions().iter().all(|partition| partition.leader() >= 0);
        Ok(Some(Found {
            partitions: u32::try_from(found.partitions().len()).unwrap_or(u32::MAX),
            replicas: u32::try_from(replicas.unwrap_or(0)).unwrap_or(u32::MAX),
            led,
        }))
    }

    fn wait_for_leaders(&self, reports: &[TopicReport]) -> Result<Vec<Option<Found>>, OpenError> {
        let deadline = Instant::now() + WITHIN;
        let wait = |report: &TopicReport| loop {
            match self.look(report.topic)? {
                Some(found) if found.led && found.partitions >= report.wanted => return Ok(Some(found)),
                _ if Instant::now() >= deadline => {
                    let tried = format!("see partitions of topic {} that have leaders", report.name);
                    return Err(failure(self.options, &tried, Code::LeaderNotAvailable, ""));
                }
                // The brokers tell each other, and nobody tells us: short, and bounded by the deadline.
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        reports.iter().map(wait).collect()
    }

    /// How each of the topics is that were found so.
    fn report(&self, found: &[Option<Found>]) -> Result<Vec<TopicReport>, OpenError> {
        let (wanted, judged) = (wanted(self.options, found), self.judge(found)?);
        let topics = self.options.topics.iter().zip(found).zip(wanted).zip(judged);
        Ok(topics
            .map(|(((spec, found), wanted), judged)| TopicReport {
                topic: spec.name,
                name: self.options.prefixed(spec.name),
                partitions: found.as_ref().map(|found| found.partitions),
                wanted,
                copies: found.as_ref().map_or(0, |found| found.replicas),
                judged,
            })
            .collect())
    }

    /// Makes a topic, or the partitions that it lacks.
    fn make(&self, spec: &TopicSpec, found: Option<&Found>, wanted: u32) -> Result<(), OpenError> {
        let name = self.options.prefixed(spec.name);
        let (tried, done) = match found {
            None => (format!("make topic {name}"), self.create(spec, wanted, &Self::limits())),
            Some(found) if found.partitions < wanted => {
                (format!("add partitions to topic {name}"), self.extend(&name, wanted, &Self::limits()))
            }
            Some(_) => return Ok(()),
        };
        match done.map_err(|error| failed(self.options, &tried, &error))? {
            Ok(()) => Ok(()),
            Err(code) => Err(failure(self.options, &tried, code, &self.says_more(&name, code)?)),
        }
    }

    /// Has the brokers say whether they would do that. `Err`: why not, as a sentence that follows the topic's name.
    fn rehearse(
        &self,
        spec: &TopicSpec,
        found: Option<&Found>,
        wanted: u32,
    ) -> Result<Result<(), String>, OpenError> {
        let (name, limits) = (self.options.prefixed(spec.name), Self::limits().validate_only(true));
        let (tried, done) = match found {
            None => ("it can't be made", self.create(spec, wanted, &limits)),
            Some(found) if found.partitions < wanted => {
                ("no partitions can be added to it", self.extend(&name, wanted, &limits))
            }
            Some(_) => return Ok(Ok(())),
        };
        let done = done.map_err(|error| failed(self.options, &format!("rehearse topic {name}"), &error))?;
        let Err(code) = done else { return Ok(Ok(())) };
        let said = self.says_more(&name, code)?;
        let why = Failure { brokers: &self.options.brokers, tried: "", code, said: &said }.why();
        Ok(Err(format!("{tried}: {why}")))
    }

    fn create(&self, spec: &TopicSpec, partitions: u32, limits: &AdminOptions) -> Done {
        let name = self.options.prefixed(spec.name);
        let settings = settings(spec, self.options);
        // -1: as many copies as the cluster gives to a topic by default.
        let copies = self.options.replication.map_or(-1, i32::from);
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        let mut topic = NewTopic::new(&name, count, TopicReplication::Fixed(copies));
        for (name, value) in &settings {
            topic = topic.set(name, value);
        }
        let made = block_on(self.client.create_topics([&topic], limits));
        // Another process was faster.
        made.map(|results| done(results, Code::TopicAlreadyExists))
    }

    fn extend(&self, name: &str, count: u32, limits: &AdminOptions) -> Done {
        let more = NewPartitions::new(name, usize::try_from(count).unwrap_or(usize::MAX));
        let made = block_on(self.client.create_partitions([&more], limits));
        made.map(|results| done(results, Code::InvalidPartitions))
    }

    /// What the code alone leaves out.
    pub(super) fn says_more(&self, name: &str, code: Code) -> Result<String, OpenError> {
        if code != Code::InvalidReplicationFactor {
            return Ok(String::new());
        }
        let asked = match self.options.replication {
            Some(1) => "1 copy was asked for".to_owned(),
            Some(copies) => format!("{copies} copies were asked for"),
            None => "its default.replication.factor is more".to_owned(),
        };
        let brokers = match self.ask(name)?.brokers().len() {
            1 => "1 broker".to_owned(),
            count => format!("{count} brokers"),
        };
        Ok(format!("the cluster has {brokers}, and {asked}"))
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
        for ((place, spec, there), told) in there.into_iter().zip(self.settings_of(&names)?) {
            let like = match spec.partitions {
                Partitions::Like(other) => has(self.options, found, other),
                Partitions::One => None,
            };
            judged[place] = match too_many(self.options.partitions, there.partitions, like) {
                Some(why) => Err(why),
                None => verdict(spec, self.options, there, &told),
            };
        }
        Ok(judged)
    }

    /// How these topics are set, in their order.
    pub(super) fn settings_of(&self, names: &[String]) -> Result<Vec<ConfigResource>, OpenError> {
        let asked: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let tried = |name: &str| format!("look at the settings of topic {name}");
        let deadline = Instant::now() + WITHIN;
        loop {
            let told = block_on(self.client.describe_configs(&asked, &Self::limits()));
            let told = told.map_err(|error| failed(self.options, &tried(&names[0]), &error))?;
            let is_late = |told: &Result<ConfigResource, Code>| match told {
                // Every topic has one. Seen of a topic just made, with a cluster of three just started.
                Ok(told) => told
                    .get("cleanup.policy")
                    .is_none_or(|entry| entry.value.as_deref().is_none_or(str::is_empty)),
                Err(code) => *code == LATE,
            };
            if !told.iter().any(is_late) || Instant::now() >= deadline {
                let told = names.iter().zip(told);
                return told
                    .map(|(name, told)| told.map_err(|code| failure(self.options, &tried(name), code, "")))
                    .collect();
            }
            // As above.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// What a broker says that has not heard yet of a topic that was made.
const LATE: Code = Code::UnknownTopicOrPartition;

/// `meanwhile`: what it says if another process was faster.
fn done(results: Vec<Result<String, (String, Code)>>, meanwhile: Code) -> Result<(), Code> {
    match results.into_iter().next() {
        Some(Err((_, code))) if code != meanwhile => Err(code),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::verdict::tests::{OLD, STATE},
        *,
    };
    use crate::Cleanup;

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

    #[test]
    fn what_holds_for_several_topics_is_said_once_and_refusals_come_first() {
        let topic = |name: &str, judged| TopicReport {
            topic: "t",
            name: name.to_owned(),
            partitions: Some(1),
            wanted: 1,
            copies: 1,
            judged,
        };
        let weak = || Ok(vec!["it is weak".to_owned()]);
        let bad = || Err("it is bad".to_owned());
        let says = |topics: &[TopicReport]| {
            let remarks = remarks(topics).into_iter();
            remarks.map(|r| format!("{}: {} {}", r.topics, r.says, r.is_refusal)).collect::<Vec<_>>()
        };
        assert_eq!(
            says(&[topic("a", weak()), topic("b", bad()), topic("c", weak()), topic("d", bad())]),
            ["topics b, d: it is bad true", "topics a, c: it is weak false"]
        );
        assert_eq!(says(&[topic("a", weak()), topic("b", weak())]), ["every topic: it is weak false"]);
        assert_eq!(says(&[topic("a", bad())]), ["topic a: it is bad true"]);
        let four = [topic("a", bad()), topic("b", bad()), topic("c", Ok(vec![])), topic("d", bad())];
        assert_eq!(says(&four), ["every topic but c: it is bad true"]);
    }
}
