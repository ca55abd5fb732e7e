//! Customers who order at a steady rate whatever happens, and what a foreign program says of it in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rdkafka::Message as _;

use crate::{
    bed::{Shop, id, place, text},
    support::{Answer, PATIENCE, get},
};

/// Where the workspace begins.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What customers were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Ids of a 202.
    pub(crate) accepted: Vec<String>,
    /// The id of each key that was accepted; two of them would be two orders.
    pub(crate) by_key: BTreeMap<String, BTreeSet<String>>,
    /// Ids of a 503 that says that nobody knows.
    pub(crate) unknown: Vec<String>,
    /// How often it was said that an order is not in the log.
    pub(crate) not_written: usize,
    /// How often there was no answer at all.
    pub(crate) unanswered: usize,
    /// The longest that an answer took.
    pub(crate) slowest: Duration,
}

impl Told {
    /// What customers of later were told, too.
    pub(crate) fn and(mut self, later: Self) -> Self {
        self.accepted.extend(later.accepted);
        for (key, ids) in later.by_key {
            self.by_key.entry(key).or_default().extend(ids);
        }
        self.unknown.extend(later.unknown);
        self.not_written += later.not_written;
        self.unanswered += later.unanswered;
        self.slowest = self.slowest.max(later.slowest);
        self
    }

    fn take(&mut self, key: Option<&str>, answer: io::Result<Answer>, took: Duration) -> bool {
        let Ok(answer) = answer else {
            self.unanswered += 1;
            return false;
        };
        self.slowest = self.slowest.max(took);
        if answer.status == 202 {
            let id = id(&answer);
            if let Some(key) = key {
                self.by_key.entry(key.to_owned()).or_default().insert(id.clone());
            }
            self.accepted.push(id);
            return true;
        }
        assert!(answer.status == 503 && answer.head.to_lowercase().contains("retry-after"), "{answer:?}");
        match answer.json()["code"].as_str().unwrap() {
            "not_written" => self.not_written += 1,
            "outcome_unknown" => self.unknown.push(id(&answer)),
            // Begins anew, and says so.
            "starting" => {}
            other => panic!("{other}: {answer:?}"),
        }
        false
    }
}

/// Customers who come until they are stopped.
pub(crate) struct Customers {
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Customers {
    pub(crate) fn new() -> Self {
        Self { stop: Arc::default(), told: Arc::default(), threads: Vec::new() }
    }

    /// Calls this so many times a second, until stopped. One that takes longer delays the next ones, and those catch
    /// up.
    fn come(&mut self, per_second: u32, mut each: impl FnMut(u32, &Mutex<Told>) + Send + 'static) {
        let (stop, told) = (self.stop.clone(), self.told.clone());
        self.threads.push(thread::spawn(move || {
            let began = Instant::now();
            for n in 0.. {
                let due = began + Duration::from_secs(1) * n / per_second;
                while Instant::now() < due && !stop.load(Ordering::Relaxed) {
                    thread::park_timeout(due.saturating_duration_since(Instant::now()));
                }
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                each(n, &told);
            }
        }));
    }

    /// Each orders 1 to 3 cups, and goes if it is refused.
    pub(crate) fn without_keys(mut self, at: SocketAddr, per_second: u32) -> Self {
        self.come(per_second, move |n, told| {
            let asked = Instant::now();
            let answer = place(at, 1 + n % 3, None);
            told.lock().unwrap().take(None, answer, asked.elapsed());
        });
        self
    }

    /// Each orders 2 cups, and asks with the same key until it is accepted.
    pub(crate) fn with_keys(mut self, at: SocketAddr, per_second: u32, name: &str) -> Self {
        let name = name.to_owned();
        self.come(per_second, move |n, told| {
            let key = format!("the-key-of-customer-{name}-{n}");
            let until = Instant::now() + PATIENCE;
            loop {
                let asked = Instant::now();
                let answer = place(at, 2, Some(&key));
                if told.lock().unwrap().take(Some(&key), answer, asked.elapsed()) {
                    return;
                }
                assert!(Instant::now() < until, "{key} was never accepted");
                thread::park_timeout(Duration::from_millis(50));
            }
        });
        self
    }

    /// Orders of no cup, which no counter of ours takes: someone else's writes them.
    pub(crate) fn of_no_cup(mut self, shop: &Shop, partitions: u32, per_second: u32) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (producer, topic, prefix) =
            (shop.stranger(&[]), shop.topic("order.received"), shop.prefix.clone());
        self.come(per_second, move |n, told| {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let id = format!("nothing-to-brew-{prefix}{number}");
            let value = format!(r#"{{"order_id":"{id}","amount":0,"status":0}}"#);
            let partition = i32::try_from(n % partitions).unwrap();
            crate::bed::write(&producer, &topic, partition, Some(&id), Some(value.as_bytes())).unwrap();
            told.lock().unwrap().accepted.push(id);
        });
        self
    }

    pub(crate) fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    /// Waits until this many more were accepted.
    pub(crate) fn more(&self, count: usize) {
        let before = self.told().accepted.len();
        self.wait("orders are accepted", |told| told.accepted.len() >= before + count);
    }

    /// Waits until they were told this.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Told) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds(&self.told()) {
            assert!(Instant::now() < until, "{what}: not so");
            assert!(self.threads.iter().all(|thread| !thread.is_finished()), "a customer gave up");
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Lets no more in; what all of them were told.
    pub(crate) fn end(self) -> Told {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        Arc::into_inner(self.told).unwrap().into_inner().unwrap()
    }
}

impl Shop {
    /// The ids in `order.received`.
    pub(crate) fn received(&self) -> BTreeSet<String> {
        self.records("order.received", "read_committed").iter().map(|record| text(record.key())).collect()
    }

    /// The log says what customers were told: what was accepted is there, and of the rest only what nobody knew.
    pub(crate) fn assert_as_told(&self, told: &Told) {
        let received = self.received();
        let lost: Vec<_> = told.accepted.iter().filter(|id| !received.contains(*id)).collect();
        assert!(lost.is_empty(), "accepted and not in the log: {lost:?}");
        let known: BTreeSet<_> = told.accepted.iter().chain(&told.unknown).collect();
        let more: Vec<_> = received.iter().filter(|id| !known.contains(id)).collect();
        assert!(more.is_empty(), "in the log, and nobody was told: {more:?}");
        let twice: Vec<_> = told.by_key.iter().filter(|(_, ids)| ids.len() > 1).collect();
        assert!(twice.is_empty(), "keys that made two orders: {twice:?}");
    }

    /// What Kafka's own Java library reads: every order that was received is announced, once. Waits until it is so.
    /// Says how many were received, and how many announcements were taken back.
    pub(crate) fn assert_announced_once(&self) -> (u64, u64) {
        let java = root().join("target/peers/java");
        assert!(java.exists(), "the checker is missing: run tests/peers/build");
        let mut check = Command::new(java);
        check.args(["check", "--json", "--wait", "60", "--brokers", &self.broker, "--prefix", &self.prefix]);
        let said = check.output().unwrap();
        assert!(said.status.success(), "{said:?}");
        let verdict: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        for wrong in ["missing_count", "twice_count", "unknown_count", "misplaced_count"] {
            assert_eq!(verdict[wrong], 0, "{verdict:#}");
        }
        (verdict["received"].as_u64().unwrap(), verdict["aborted_records"].as_u64().unwrap())
    }
}

/// How many orders are where, as this counter counts them.
fn counts(at: SocketAddr) -> BTreeMap<String, u64> {
    let metrics = get(at, "/metrics").unwrap().body;
    let count = |line: &str| {
        let (state, count) = line.strip_prefix("brewline_orders{state=\"")?.split_once("\"} ")?;
        Some((state.to_owned(), count.parse().ok()?))
    };
    let counts: BTreeMap<_, _> = metrics.lines().filter_map(count).collect();
    assert!(counts.contains_key("ready"), "{metrics}");
    counts
}

/// Waits until this counter counts so many orders that wait to be collected, and no others.
pub(crate) fn wait_for_ready(at: SocketAddr, ready: u64) {
    let until = Instant::now() + PATIENCE;
    loop {
        let counts = counts(at);
        if counts["ready"] == ready && counts.values().sum::<u64>() == ready {
            return;
        }
        assert!(Instant::now() < until, "{ready} orders are ready: {counts:?}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// Waits until this counter says this number of itself.
pub(crate) fn metric(at: SocketAddr, name: &str, wanted: u64) {
    let until = Instant::now() + PATIENCE;
    loop {
        let metrics = get(at, "/metrics").unwrap().body;
        let line = metrics.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
        if line.ends_with(&format!(" {wanted}")) {
            return;
        }
        assert!(Instant::now() < until, "{wanted} are wanted: {line}");
        thread::park_timeout(Duration::from_millis(20));
    }
}
