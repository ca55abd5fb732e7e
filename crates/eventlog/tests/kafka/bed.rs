//! A line of its own, by its prefix, for each test on one broker.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use eventlog::{
    Assignment, Entry, Follow, Log, Partition, Polled, Position, Record, Start, Topic, Work, WorkSpec,
    conformance::{Ability, Bed, COMMAND, INPUT, OUTPUT, STATE, TOPICS, block_on},
    kafka::{KafkaLog, Options},
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer as _},
};

/// Where the broker is.
pub(crate) fn broker() -> String {
    std::env::var("BREWLINE_TEST_KAFKA").expect(
        "these tests need a broker: run `scripts/kafka start --port 29092 --secure --java`, then say \
         BREWLINE_TEST_KAFKA=127.0.0.1:29092",
    )
}

/// One test at a time has brokers of its own, or times to keep: brokers take the machine from everyone when they start.
pub(crate) fn own_brokers() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{:x}-{number}.", std::process::id(), since.as_nanos())
}

pub(crate) fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", broker()).create().expect("a client")
}

/// Topics of one prefix, removed in the end.
pub(crate) struct KafkaBed {
    pub(crate) options: Options,
    log: Option<Arc<KafkaLog>>,
}

impl KafkaBed {
    pub(crate) fn new() -> Self {
        let mut options = Options::new(broker(), TOPICS);
        options.prefix = prefix();
        options.partitions = Some(3);
        // As the scenarios have it: no publish of theirs is meant to expire, however busy the machine is.
        options.publish_within = BOUND;
        // A worker that is not polled is given up as early as the broker allows: 6 s is its
        // group.min.session.timeout.ms.
        for (name, value) in [("session.timeout.ms", "6000"), ("max.poll.interval.ms", "6000")] {
            options.property(name, value).expect("a property");
        }
        Self { options, log: None }
    }

    /// Another process on the same line.
    pub(crate) fn process(&self) -> Arc<KafkaLog> {
        KafkaLog::open(self.options.clone()).expect("the log opens")
    }

    /// Someone who only looks.
    pub(crate) fn look(&self) -> Arc<KafkaLog> {
        KafkaLog::look(self.options.clone()).expect("it can be looked at")
    }

    /// Removes every topic of the line that is there.
    pub(crate) fn remove_all(&self) {
        let names: Vec<_> =
            TOPICS.iter().map(|topic| format!("{}{}", self.options.prefix, topic.name)).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        // What is left behind disturbs no other test.
        let _ = block_on(admin().delete_topics(&names, &AdminOptions::new()));
    }
}

impl Bed for KafkaBed {
    fn open(&mut self) -> Arc<dyn Log> {
        let log = self.process();
        self.log = Some(log.clone());
        log
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        if let Some(log) = self.log.take() {
            log.close();
        }
        self.open()
    }

    fn can(&self, ability: Ability) -> bool {
        ability == Ability::Share
    }

    fn pass_time(&mut self, by: Duration) {
        // The broker's clock moves by itself.
        std::thread::sleep(by);
    }
}

impl Drop for KafkaBed {
    fn drop(&mut self) {
        if self.log.is_some() {
            self.remove_all();
        }
    }
}

/// How long a test waits for anything. Only a failing one waits that long.
pub(crate) const BOUND: Duration = Duration::from_mins(1);
/// How long one poll waits.
pub(crate) const WAIT: Duration = Duration::from_millis(50);

/// Tries until it works.
pub(crate) fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + BOUND;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "waited {BOUND:?} in vain for {what}");
    }
}

pub(crate) fn publish(log: &dyn Log, topic: Topic, partition: Partition, key: &str) -> Position {
    block_on(log.publisher().publish(topic, partition, Record::new(key.to_owned(), "value"), BOUND))
        .expect("it is written")
}

pub(crate) fn read_to_end(follower: &mut dyn Follow) -> Vec<Entry> {
    let mut entries = Vec::new();
    until("a follower to reach the end", || {
        let batch = follower.poll(WAIT).expect("the follower goes on");
        entries.extend(batch.entries);
        batch.at_end.then_some(())
    });
    entries
}

pub(crate) fn everything(log: &dyn Log, topic: Topic) -> Vec<Entry> {
    read_to_end(&mut *log.follow(&[(topic, Start::Beginning)]).expect("it can be followed"))
}

/// What is committed, once so much of it is seen: whoever has committed is answered before the marks stand in the log.
pub(crate) fn everything_of(log: &dyn Log, topic: Topic, count: usize) -> Vec<Entry> {
    until("what was committed to be seen", || Some(everything(log, topic)).filter(|all| all.len() >= count))
}

pub(crate) fn keys(entries: &[Entry]) -> Vec<String> {
    let key = |entry: &Entry| String::from_utf8_lossy(entry.record.key.as_deref().unwrap_or_default()).into();
    entries.iter().map(key).collect()
}

pub(crate) fn spec(instance: Option<&str>) -> WorkSpec {
    WorkSpec {
        inputs: vec![INPUT, COMMAND],
        state: STATE,
        outputs: vec![OUTPUT],
        group: "tests".to_owned(),
        instance: instance.map(str::to_owned),
    }
}

/// Polls until every partition is this session's; what there is of their state.
pub(crate) fn take_all(log: &dyn Log, work: &mut dyn Work) -> (Vec<Assignment>, Vec<Entry>) {
    let (mut assigned, mut state) = (Vec::new(), Vec::new());
    until("every partition to be assigned", || {
        match work.poll(WAIT).expect("the session goes on") {
            Polled::Assigned(assignment) => assigned.push(assignment),
            Polled::State(_, entries) => state.extend(entries),
            _ => {}
        }
        (assigned.len() == log.partitions(INPUT) as usize).then_some(())
    });
    assigned.sort_by_key(|assignment| assignment.partition);
    (assigned, state)
}

/// Starts every partition at its oldest records.
pub(crate) fn start_all(work: &mut dyn Work, assigned: &[Assignment]) {
    for assignment in assigned {
        let from: Vec<_> = assignment.inputs.iter().map(|range| (range.topic, range.earliest)).collect();
        work.start(assignment.partition, &from).expect("it can be started");
    }
}

/// Someone else's producer.
pub(crate) fn stranger(properties: &[(&str, &str)]) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker()).set("linger.ms", "0");
    for (name, value) in properties {
        config.set(*name, *value);
    }
    config.create().expect("a producer")
}

/// A producer that has begun a transaction under this name.
pub(crate) fn transaction(name: &str, timeout_ms: &str) -> BaseProducer {
    let producer = stranger(&[("transactional.id", name), ("transaction.timeout.ms", timeout_ms)]);
    producer.init_transactions(BOUND).expect("it is let in");
    producer.begin_transaction().expect("it begins");
    producer
}

impl KafkaBed {
    /// No member is given up while a test runs, polled or not.
    pub(crate) fn keep_members(&mut self) {
        for name in ["session.timeout.ms", "max.poll.interval.ms"] {
            self.options.property(name, "180000").expect("a property");
        }
    }

    /// Removes what stands before `offset`, as retention does.
    pub(crate) fn remove_before(&self, topic: Topic, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        let name = format!("{}{topic}", self.options.prefix);
        list.add_partition_offset(&name, partition, Offset::Offset(offset)).expect("an offset");
        block_on(admin().delete_records(&list, &AdminOptions::new())).expect("they are removed");
    }

    /// Removes a whole topic.
    pub(crate) fn remove(&self, topic: Topic) {
        let name = format!("{}{topic}", self.options.prefix);
        let removed = block_on(admin().delete_topics(&[&name], &AdminOptions::new())).expect("an answer");
        assert!(removed.iter().all(Result::is_ok), "{removed:?}");
    }

    /// Writes as a stranger, and waits until the broker has it.
    pub(crate) fn write(&self, producer: &BaseProducer, topic: Topic, partition: i32, key: &str) {
        let name = format!("{}{topic}", self.options.prefix);
        let record = BaseRecord::to(&name).partition(partition).key(key).payload("value");
        producer.send(record).map_err(|(error, _)| error).expect("it is taken");
        producer.flush(BOUND).expect("it is written");
    }
}

/// Sends a signal to a process that a test has started. One that is stopped has stopped when this returns: a thread
/// that waits for a processor runs on after the signal was sent, by more than 10 ms on two cores, and may answer.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.expect("kill runs").success(), "kill -{name} {pid}");
    if name == "STOP" {
        until("every thread to stop", || has_stopped(pid).then_some(()));
    }
}

fn has_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it is there");
    // A thread that ends meanwhile has no state any more.
    let mut states =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok());
    // The state stands behind the name, which may have brackets of its own.
    states.all(|stat| stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T')))
}
