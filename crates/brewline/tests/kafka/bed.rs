//! A shop of its own on the broker, by its prefix; its processes, and what stands in its topics.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::Command,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::{Headers as _, OwnedMessage},
    producer::{BaseProducer, BaseRecord, Producer as _},
};

use crate::support::{Answer, PATIENCE, Process, address, brewline, get, request};

/// Where the broker is that all of these tests share.
pub(crate) fn broker() -> String {
    std::env::var("BREWLINE_TEST_KAFKA").expect(
        "these tests need a broker: run `scripts/kafka start --port 29092 --secure --java`, then say \
         BREWLINE_TEST_KAFKA=127.0.0.1:29092",
    )
}

/// Tries until it works.
pub(crate) fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain for {what}");
        // What is waited for needs the machine more.
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// A session time that a test can wait for; 6 s is the shortest that a broker allows by default.
pub(crate) const SHORT_SESSION: [&str; 4] =
    ["--kafka", "session.timeout.ms=6000", "--kafka", "heartbeat.interval.ms=500"];

/// A shop of its own. Its topics are removed in the end.
pub(crate) struct Shop {
    pub(crate) broker: String,
    pub(crate) prefix: String,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::at(broker())
    }

    /// On another broker than the one that is shared.
    pub(crate) fn at(broker: String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { broker, prefix: format!("shop-{}-{:x}-{number}.", std::process::id(), since.as_nanos()) }
    }

    /// With as many partitions.
    pub(crate) fn with_partitions(count: u32) -> Self {
        let shop = Self::new();
        let said = shop.run("topics", &["--partitions", &count.to_string()]);
        assert!(said.status.success(), "{said:?}");
        shop
    }

    pub(crate) fn topic(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// A command on this shop's log.
    pub(crate) fn command(&self, command: &str, args: &[&str]) -> Command {
        let log = format!("kafka://{}", self.broker);
        let all = [&[command, "--log", &log, "--prefix", &self.prefix], args].concat();
        brewline(&all)
    }

    /// A command that ends by itself.
    pub(crate) fn run(&self, command: &str, args: &[&str]) -> std::process::Output {
        self.command(command, args).output().unwrap()
    }

    /// A counter on a port that the system chooses, when it takes orders.
    pub(crate) fn counter(&self, args: &[&str]) -> Counter {
        let mut counter = self.counter_that_begins(args);
        counter.wait_until_ready();
        counter
    }

    /// The same on this address, where another one was.
    pub(crate) fn counter_at(&self, at: SocketAddr, args: &[&str]) -> Counter {
        let mut counter = self.counter_that_begins_at(at, args);
        counter.wait_until_ready();
        counter
    }

    /// A counter that has its address, and may not take orders yet.
    pub(crate) fn counter_that_begins(&self, args: &[&str]) -> Counter {
        self.counter_that_begins_at(SocketAddr::from(([127, 0, 0, 1], 0)), args)
    }

    fn counter_that_begins_at(&self, at: SocketAddr, args: &[&str]) -> Counter {
        let listen = at.to_string();
        let all = [&["--listen", &listen], args].concat();
        let mut process = Process::start(self.command("counter", &all));
        let at = address(&process.hear(|line| line.starts_with("  health")));
        Counter { process, at }
    }

    /// A barista; its partitions may come later.
    pub(crate) fn barista(&self, args: &[&str]) -> Process {
        let mut process = Process::start(self.command("barista", args));
        process.hear(|line| line.starts_with("Ctrl-C stops"));
        process
    }

    /// The bells of each order: how often it was announced, as a reader of what is committed sees it. Waits until
    /// every one of `ids` has been called.
    pub(crate) fn wait_for_bells(&self, ids: &[String]) -> BTreeMap<String, usize> {
        let until = Instant::now() + PATIENCE;
        loop {
            let bells = self.bells();
            if ids.iter().all(|id| bells.contains_key(id)) {
                return bells;
            }
            assert!(Instant::now() < until, "{} of {} were called", bells.len(), ids.len());
        }
    }

    /// The bells of each order, so far.
    pub(crate) fn bells(&self) -> BTreeMap<String, usize> {
        let mut bells = BTreeMap::new();
        for record in self.records("order.processed", "read_committed") {
            *bells.entry(text(record.key())).or_default() += 1;
        }
        bells
    }

    /// Everything in a topic, as a reader of this isolation sees it, to the end there is now.
    pub(crate) fn records(&self, topic: &str, isolation: &str) -> Vec<OwnedMessage> {
        let name = self.topic(topic);
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("group.id", "none")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("isolation.level", isolation)
            .create()
            .unwrap();
        let metadata = consumer.fetch_metadata(Some(&name), PATIENCE).unwrap();
        let mut places = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            places.add_partition_offset(&name, partition.id(), Offset::Beginning).unwrap();
        }
        consumer.assign(&places).unwrap();
        let (mut records, mut ended) = (Vec::new(), 0);
        let until = Instant::now() + PATIENCE;
        while ended < places.count() {
            assert!(Instant::now() < until, "the end of {name} was not reached");
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(record)) => records.push(record.detach()),
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => panic!("{name}: {error}"),
                None => {}
            }
        }
        records
    }

    /// A record of somebody else's program.
    pub(crate) fn publish(&self, topic: &str, partition: i32, key: &str, value: &str) {
        let value = Some(value.as_bytes());
        write(&self.stranger(&[]), &self.topic(topic), partition, Some(key), value).unwrap();
    }

    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.broker).create().unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let topics = ["order.received", "order.command", "order.processed", "order.event", "order.state"]
            .into_iter()
            .chain(["order.dlq", "shop.state"])
            .map(|topic| self.topic(topic))
            .collect::<Vec<_>>();
        let names: Vec<_> = topics.iter().map(String::as_str).collect();
        // What is left behind disturbs no other test.
        let deleting = async { drop(self.admin().delete_topics(&names, &AdminOptions::new()).await) };
        block_on(deleting);
    }
}

/// Writes a record, as its parts are, and waits until the broker has it.
pub(crate) fn write(
    producer: &BaseProducer,
    topic: &str,
    partition: i32,
    key: Option<&str>,
    value: Option<&[u8]>,
) -> Result<(), KafkaError> {
    let record =
        BaseRecord { key, payload: value, ..BaseRecord::<str, [u8]>::to(topic).partition(partition) };
    producer.send(record).map_err(|(error, _)| error)?;
    producer.flush(PATIENCE)
}

/// The one sentence with which a process ends that can't go on: the last thing it says, and nothing like it before.
/// Its exit code is 1.
pub(crate) fn last_word(process: Process) -> String {
    let (status, heard) = process.end();
    assert_eq!(status.code(), Some(1), "{heard:#?}");
    let errors: Vec<_> = heard.iter().filter_map(|line| line.strip_prefix("stderr: brewline: ")).collect();
    let [error] = errors[..] else { panic!("{heard:#?}") };
    assert!(heard.last().unwrap().ends_with(error), "{heard:#?}");
    error.to_owned()
}

/// A number that the environment sets, for rounds that are longer or are to be the same again.
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// For tests that have times to keep, and those that start programs of Java's, which take the machine from them: they
/// wait for each other.
pub(crate) fn quiet() -> MutexGuard<'static, ()> {
    static QUIET: Mutex<()> = Mutex::new(());
    QUIET.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for what a future comes to.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A text of a record.
pub(crate) fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

/// A header of a record.
pub(crate) fn header(record: &OwnedMessage, name: &str) -> Option<String> {
    let headers = record.headers()?;
    headers.iter().find(|header| header.key == name).map(|header| text(header.value))
}

/// A counter that listens.
pub(crate) struct Counter {
    pub(crate) process: Process,
    pub(crate) at: SocketAddr,
}

impl Counter {
    /// Until it takes orders. That nobody makes them is no reason to wait.
    pub(crate) fn wait_until_ready(&mut self) {
        let until = Instant::now() + PATIENCE;
        while !get(self.at, "/orders/none").is_ok_and(|answer| answer.status != 503) {
            assert!(Instant::now() < until, "never ready: {:#?}", self.process.heard);
            assert_eq!(self.process.child.try_wait().unwrap(), None, "{:#?}", self.process.heard);
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// An order; its id.
    pub(crate) fn order(&self, amount: u32) -> String {
        let answer = place(self.at, amount, None).unwrap();
        assert_eq!(answer.status, 202, "{answer:?}");
        id(&answer)
    }

    /// Where an order is, as this counter sees it; waits until it is there.
    pub(crate) fn wait_for_state(&self, id: &str, state: &str) -> serde_json::Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = get(self.at, &format!("/orders/{id}")).unwrap();
            if answer.status == 200 && answer.json()["state"] == state {
                return answer.json();
            }
            assert!(Instant::now() < until, "{id} is not {state}: {answer:?}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

/// An order, as a customer of the counter at this address sends it.
pub(crate) fn place(at: SocketAddr, amount: u32, key: Option<&str>) -> std::io::Result<Answer> {
    let headers: Vec<_> = key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
    request(at, "POST", &format!("/order?amount={amount}"), &headers, "")
}

/// The id in a counter's answer.
pub(crate) fn id(answer: &Answer) -> String {
    answer.json()["order_id"].as_str().unwrap().to_owned()
}
