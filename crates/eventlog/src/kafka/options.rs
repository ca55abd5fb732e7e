//! How a log on Kafka is opened, and what librdkafka is told for each job.

use std::{collections::BTreeMap, fmt, time::Duration};

use rdkafka::{ClientConfig, error::KafkaError};

use crate::{OpenError, TopicSpec};

/// How a log on Kafka is opened.
#[derive(Clone)]
pub struct Options {
    /// Where it is: `host:port`, several with commas between them. One that answers is enough.
    pub brokers: String,
    /// Stands before the names of topics, groups, transactional ids and instances, so that several lines, or
    /// tests, share one cluster. Empty by default.
    pub prefix: String,
    /// What it must have. Topics that the cluster has besides are left as they are.
    pub topics: Vec<TopicSpec>,
    /// How many partitions topics get that are not [`crate::Partitions::One`]; missing ones are added. `None`: as
    /// many as there are, 1 in a new log.
    pub partitions: Option<u32>,
    /// How many brokers must have a copy of each record. A topic that has fewer is refused. `None`: new topics as
    /// the cluster likes it, and existing ones as they are.
    pub replication: Option<u16>,
    /// A topic that is kept by age and forgets its records earlier than this is refused: the caller relies on
    /// them for so long.
    pub kept_at_least: Duration,
    /// How long a record that was handed to librdkafka may wait to be written. Shorter than the deadlines of those
    /// who publish by at least 1.25 s: it looks for what is late once a second, and only what it takes out of its
    /// queue itself is known not to be written. Whoever has a shorter deadline, or waited long behind others before,
    /// may be told that nobody knows.
    pub publish_within: Duration,
    properties: BTreeMap<String, String>,
}

/// How every client of ours names itself to the brokers; members of a group add their process.
pub(super) const CLIENT_ID: &str = "brewline";

/// What the guarantee rests on, or what follows from other options.
const OURS: &[&str] = &[
    "acks",
    "allow.auto.create.topics",
    "auto.commit.enable",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "isolation.level",
    "log.queue",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.max.bytes",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "request.required.acks",
    "retries",
    "transaction.timeout.ms",
    "transactional.id",
];

/// How librdkafka begins to say that it knows no such property.
const UNKNOWN: &str = "No such configuration property";

impl Options {
    /// A log with these topics, on the brokers at `host:port[,host:port]`.
    pub fn new(brokers: impl Into<String>, topics: &[TopicSpec]) -> Self {
        Self {
            brokers: brokers.into(),
            prefix: String::new(),
            topics: topics.to_vec(),
            partitions: None,
            replication: None,
            kept_at_least: Duration::ZERO,
            // A counter's publish has 4.75 s.
            publish_within: Duration::from_millis(3_500),
            properties: BTreeMap::new(),
        }
    }

    /// Passes a property on to librdkafka, for TLS and SASL for example. What they are called:
    /// <https://github.com/confluentinc/librdkafka/blob/v2.12.1/CONFIGURATION.md>
    ///
    /// # Errors
    /// As [`check_property`].
    pub fn property(&mut self, name: &str, value: &str) -> Result<&mut Self, OpenError> {
        check_property(name, value).map_err(OpenError::NotUsable)?;
        self.properties.insert(name.to_owned(), value.to_owned());
        Ok(self)
    }

    /// A name as the cluster knows it.
    pub(super) fn prefixed(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// What holds for every client. `job` comes first and can be overruled by the user's properties, `ours`
    /// last.
    pub(super) fn client(&self, job: &[(&str, &str)], ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = begin();
        let common = [
            ("client.id", CLIENT_ID),
            // The default is 10 s: the line is to be back soon after the broker.
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            // The default is 5 minutes: partitions that are added are to be worked on soon.
            ("topic.metadata.refresh.interval.ms", "5000"),
            // A record waits for nobody.
            ("socket.nagle.disable", "true"),
        ];
        for (name, value) in common.into_iter().chain(job.iter().copied()) {
            config.set(name, value);
        }
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        for (name, value) in ours {
            config.set(*name, *value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// For whoever asks: what there is, where it ends. It sees what is not committed yet, too.
    pub(super) fn probe(&self) -> ClientConfig {
        self.client(&[], &[("isolation.level", "read_uncommitted"), ("allow.auto.create.topics", "false")])
    }

    /// For whoever asks where what is committed ends.
    pub(super) fn asker(&self) -> ClientConfig {
        self.client(&[], &[("isolation.level", "read_committed"), ("allow.auto.create.topics", "false")])
    }

    /// For whoever reads what is committed, without a group.
    pub(super) fn reader(&self) -> ClientConfig {
        self.reader_of("read_committed")
    }

    /// For whoever reads everything, without a group: also what is not committed yet, or never will be.
    pub(super) fn reader_of_everything(&self) -> ClientConfig {
        self.reader_of("read_uncommitted")
    }

    fn reader_of(&self, isolation: &str) -> ClientConfig {
        self.client(
            &[
                // A bound on memory, and a fetch as soon as there is room again; the default waits 1 s for that.
                ("queued.max.messages.kbytes", "16384"),
                ("fetch.queue.backoff.ms", "5"),
                ("fetch.max.bytes", "8388608"),
                // How long a broker holds a fetch that brings nothing. The end behind a transaction's mark is seen
                // only then, and a partition that is started or released waits for it too. A record is not held.
                ("fetch.wait.max.ms", "50"),
                ("fetch.error.backoff.ms", "100"),
            ],
            &[
                ("isolation.level", isolation),
                ("enable.partition.eof", "true"),
                // What is gone is said, never skipped.
                ("auto.offset.reset", "error"),
                ("enable.auto.commit", "false"),
                ("enable.auto.offset.store", "false"),
                ("allow.auto.create.topics", "false"),
            ],
        )
    }
}

/// Where the settings of every client begin.
fn begin() -> ClientConfig {
    // librdkafka's own way lets OpenSSL free, when the process ends, what threads still use: librdkafka's own, and one
    // that has made a client and ends just then. Who initialises first decides.
    openssl_sys::init();
    ClientConfig::new()
}

/// Whether a property may be passed on with this value: to be asked where it is said, so that the right place is blamed.
///
/// # Errors
/// One sentence if librdkafka does not know it, it can't have this value, or the guarantee rests on it. It never has
/// the value in it.
pub fn check_property(name: &str, value: &str) -> Result<(), String> {
    if OURS.contains(&name) {
        return Err(format!(
            "the Kafka property {name} is not yours to set, because what the line promises rests on it; leave it out"
        ));
    }
    // librdkafka takes it for "no limit".
    if name == "queue.buffering.max.messages" && value.trim() == "0" {
        return Err(
            "the Kafka property queue.buffering.max.messages can't be 0, which is no bound; say how many"
                .to_owned(),
        );
    }
    match begin().set(name, value).create_native_config() {
        Ok(_) => Ok(()),
        Err(KafkaError::ClientConfig(_, says, ..)) if says.starts_with(UNKNOWN) => Err(format!(
            "there is no Kafka property {name}; they are listed in librdkafka's CONFIGURATION.md"
        )),
        Err(_) => Err(format!(
            "the Kafka property {name} can't have the value it was given; what it can be is in librdkafka's \
             CONFIGURATION.md"
        )),
    }
}

/// Without the values of properties: passwords and keys are among them.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("brokers", &self.brokers)
            .field("prefix", &self.prefix)
            .field("topics", &self.topics)
            .field("partitions", &self.partitions)
            .field("replication", &self.replication)
            .field("kept_at_least", &self.kept_at_least)
            .field("publish_within", &self.publish_within)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, value: &str) -> String {
        Options::new("localhost:9092", &[]).property(name, value).unwrap_err().to_string()
    }

    #[test]
    fn properties_that_the_guarantee_rests_on_are_refused() {
        for name in ["acks", "enable.idempotence", "isolation.level", "transactional.id", "group.id"] {
            let error = refusal(name, "1");
            assert!(error.contains(name) && error.contains("leave it out"), "{error}");
        }
        for name in OURS {
            // A name that librdkafka does not know would stand here in vain.
            let says =
                ClientConfig::new().set(*name, "?").create_native_config().err().map(|e| e.to_string());
            assert!(!says.unwrap_or_default().contains(UNKNOWN), "{name}");
        }
    }

    #[test]
    fn a_property_that_is_unknown_or_has_a_wrong_value_is_refused_without_its_value() {
        let error = refusal("sasl.passwort", "geheim");
        assert!(error.contains("sasl.passwort") && !error.contains("geheim"), "{error}");
        let error = refusal("security.protocol", "geheim");
        assert!(error.contains("security.protocol") && !error.contains("geheim"), "{error}");
    }

    #[test]
    fn secrets_are_not_in_what_debug_shows() {
        let mut options = Options::new("localhost:9092", &[]);
        options.property("sasl.password", "geheim").unwrap();
        options.property("ssl.key.password", "geheim").unwrap();
        let shown = format!("{options:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("geheim"), "{shown}");
    }

    #[test]
    fn a_users_property_overrules_a_default_and_no_promise() {
        let mut options = Options::new("localhost:9092", &[]);
        options.property("fetch.wait.max.ms", "7").unwrap();
        options.properties.insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
        let config = options.reader();
        assert_eq!(config.get("fetch.wait.max.ms"), Some("7"));
        assert_eq!(config.get("isolation.level"), Some("read_committed"));
    }
}
