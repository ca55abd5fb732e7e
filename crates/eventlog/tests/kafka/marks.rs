//! A broker that forgets to end a transaction in some of the topics that it wrote to: `settle` says why.

use std::{path::PathBuf, process::Command, thread};

use eventlog::{
    CommitError, Entry, Log as _, Position, Record, Transaction,
    conformance::{INPUT, OUTPUT, STATE, TOPICS, block_on},
    kafka::{KafkaLog, Options},
};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
};

use crate::{
    bed::{
        BOUND, broker, everything, keys, own_brokers, prefix, publish, signal, spec, start_all, take_all,
        until,
    },
    proxy::{END_TXN, Proxy},
};

/// Who decides about transactions and about the group, and who is killed.
const DECIDES: i32 = 1;
const VICTIM: i32 = 2;
/// Of this partition the victim has the state, and of that one the output.
const HIDES_STATE: u32 = 0;
const HIDES_OUTPUT: u32 = 1;

/// Three brokers that are one cluster; their numbers are 1 to 3.
struct Cluster {
    first: u16,
}

impl Cluster {
    fn start() -> Self {
        let port: u16 = broker().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("host:port");
        let cluster = Self { first: port + 60 };
        // Of a round that was cut off.
        cluster.script("clean");
        cluster.script("start");
        until("the brokers to find together", || (cluster.brokers_seen() == 3).then_some(()));
        cluster
    }

    fn port(&self, number: i32) -> u16 {
        self.first + 10 * u16::try_from(number - 1).expect("1 to 3")
    }

    fn addresses(&self) -> Vec<String> {
        (1..=3).map(|number| format!("127.0.0.1:{}", self.port(number))).collect()
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.addresses().join(","));
        config
    }

    fn brokers_seen(&self) -> usize {
        let probe: BaseConsumer = self.config().create().expect("a client");
        probe.fetch_metadata(None, BOUND).expect("an answer").brokers().len()
    }

    /// Who leads a partition.
    fn leader(&self, topic: &str, partition: u32) -> Option<i32> {
        let probe: BaseConsumer = self.config().create().expect("a client");
        let metadata = probe.fetch_metadata(Some(topic), BOUND).ok()?;
        let found =
            metadata.topics()[0].partitions().iter().find(|found| found.id().cast_unsigned() == partition)?;
        (found.leader() > 0).then(|| found.leader())
    }

    fn script(&self, command: &str) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let status = Command::new(root.join("scripts/kafka"))
            .args([command, "--java", "--brokers", "3", "--port", &self.first.to_string()])
            .status()
            .expect("scripts/kafka runs");
        assert!(status.success(), "scripts/kafka {command}");
    }

    fn kill(&self, number: i32) {
        let file = format!("../../target/kafka/{}/pid", self.port(number));
        let pid = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file));
        signal(pid.expect("it runs").trim().parse().expect("a number"), "KILL");
    }

    /// Makes topics with one copy of each partition, on the brokers that are to have them; those as well that Kafka
    /// would make for itself, so that whoever decides is not the victim. The log makes the others as always.
    fn make_topics(&self, prefix: &str) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("a client");
        let other = 3;
        let topics = [
            ("__transaction_state".to_owned(), "compact", vec![DECIDES; 5]),
            ("__consumer_offsets".to_owned(), "compact", vec![DECIDES; 5]),
            (format!("{prefix}{STATE}"), "compact", vec![VICTIM, other, other]),
            (format!("{prefix}{OUTPUT}"), "delete", vec![other, VICTIM, other]),
        ];
        for (name, cleanup, brokers) in &topics {
            let copies: Vec<_> = brokers.iter().map(std::slice::from_ref).collect();
            let count = i32::try_from(brokers.len()).expect("few");
            let topic = NewTopic::new(name, count, TopicReplication::Variable(&copies));
            let topic = topic.set("min.insync.replicas", "1").set("cleanup.policy", cleanup);
            let made = block_on(admin.create_topics([&topic], &AdminOptions::new())).expect("an answer");
            assert!(made.iter().all(Result::is_ok), "{made:?}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.script("clean");
    }
}

fn open(addresses: &[String], prefix: &str) -> std::sync::Arc<KafkaLog> {
    let mut options = Options::new(addresses.join(","), TOPICS);
    prefix.clone_into(&mut options.prefix);
    options.partitions = Some(3);
    KafkaLog::open(options).expect("the log opens")
}

fn transaction(round: &str, position: Position) -> Transaction {
    let Position { partition, offset, .. } = position;
    let record = |topic, key| (topic, partition, Record::new(format!("{key} {round}"), ""));
    let records = [(OUTPUT, "bell 1"), (STATE, "making"), (OUTPUT, "bell 2"), (STATE, "ready")];
    Transaction {
        records: records.map(|(topic, key)| record(topic, key)).into(),
        positions: vec![Position { offset: offset + 1, ..position }],
    }
}

fn keys_of(partition: u32, entries: &[Entry]) -> Vec<String> {
    keys(&entries.iter().filter(|entry| entry.partition == partition).cloned().collect::<Vec<_>>())
}

#[test]
fn what_is_committed_in_one_topic_is_so_in_all_although_a_broker_forgets_the_marks() {
    let _turn = own_brokers();
    let (cluster, prefix) = (Cluster::start(), prefix());
    cluster.make_topics(&prefix);
    let proxies = Proxy::before(&cluster.addresses());
    let log = open(&proxies.iter().map(Proxy::address).collect::<Vec<_>>(), &prefix);
    let state = format!("{prefix}{STATE}");
    let mut bells = Vec::new();
    for round in ["unanswered", "answered", "unheard of"] {
        let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
        let (assigned, _) = take_all(&*log, &mut *work);
        start_all(&mut *work, &assigned);
        let positions = [HIDES_STATE, HIDES_OUTPUT].map(|partition| publish(&*log, INPUT, partition, "cup"));
        let [mut all, other] = positions.map(|position| transaction(round, position));
        all.records.extend(other.records);
        all.positions.extend(other.positions);
        for proxy in &proxies {
            proxy.hold(END_TXN);
        }
        let commits = thread::spawn(move || (work.commit(all), work));
        until("all to be written but the end", || proxies.iter().any(Proxy::holds).then_some(()));
        if round == "unheard of" {
            proxies.iter().for_each(Proxy::keep_quiet);
        }
        cluster.kill(VICTIM);
        for proxy in proxies.iter().filter(|_| round == "unanswered") {
            proxy.keep_answers(END_TXN);
        }
        proxies.iter().for_each(Proxy::release);
        let (done, mut work) = commits.join().expect("it does not panic");
        until("the victim to be missed", || cluster.leader(&state, HIDES_STATE).is_none().then_some(()));
        if round == "unanswered" {
            assert!(matches!(done, Err(CommitError::Aborted(_))), "nobody says what became of it: {done:?}");
        } else if round == "unheard of" {
            done.expect("it is decided, whoever is away");
            // It begins all the same, and takes the place of what is still open.
            let next = work.commit(transaction("next", positions[1]));
            assert!(matches!(next, Err(CommitError::Aborted(_))), "nobody is there to take it: {next:?}");
        } else {
            done.expect("it is decided, whoever is away");
            // Were that one taken back, it would take along what is still open of this one.
            let next = work.commit(transaction("next", positions[1]));
            let Err(CommitError::Aborted(why)) = next else { panic!("{next:?}") };
            assert!(why.to_string().contains("a broker was lost"), "{why}");
        }
        drop(work);
        proxies.iter().for_each(Proxy::pass_answers);
        if round == "unheard of" {
            proxies.iter().for_each(Proxy::hang_up);
        }
        cluster.script("start");
        until("the victim to lead again", || cluster.leader(&state, HIDES_STATE));
        let rung = everything(&*log, OUTPUT);
        assert_eq!(keys_of(HIDES_OUTPUT, &rung), bells, "{round}: the brokers have forgotten it here");
        bells.extend([format!("bell 1 {round}"), format!("bell 2 {round}")]);
        assert_eq!(keys_of(HIDES_STATE, &rung), bells, "{round}");

        let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
        let (_, state) = take_all(&*log, &mut *work);
        let rung = everything(&*log, OUTPUT);
        for partition in [HIDES_STATE, HIDES_OUTPUT] {
            assert_eq!(keys_of(partition, &state).last(), Some(&format!("ready {round}")), "of {partition}");
            assert_eq!(keys_of(partition, &rung), bells, "{round}, of {partition}");
        }
    }
}
