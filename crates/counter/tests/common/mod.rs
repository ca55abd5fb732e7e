//! A whole line for tests: a log in memory, a counter on a free port, and the real barista if asked for.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

pub mod described;
pub mod http;
pub mod ledger;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use counter::{Clock, Counter, CounterError, Options, PublicUrl, Started, view::Views};
use eventlog::{
    Cleanup, Log, Partitions, Record, TopicSpec,
    sim::{self, SimClock, SimLog},
};
use order::{Mode, Order, OrderId, Rules, topic};
use shop::Shop;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// No wait of a test is longer; a failing one says so instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn topics() -> Vec<TopicSpec> {
    let like = Partitions::Like(topic::RECEIVED);
    let delete = Cleanup::Delete(Duration::from_hours(30 * 24));
    let spec = |name, cleanup, partitions| TopicSpec { name, cleanup, partitions };
    let mut topics: Vec<_> = [topic::RECEIVED, topic::PROCESSED, topic::COMMAND, topic::EVENT, topic::DLQ]
        .map(|name| spec(name, delete, like))
        .to_vec();
    topics.push(spec(topic::STATE, Cleanup::Compact, like));
    topics.push(spec(topic::SHOP, Cleanup::Compact, Partitions::One));
    topics
}

pub fn log(partitions: u32) -> Arc<SimLog> {
    log_by(SimClock::machine(), partitions)
}

/// A log whose records have the times of this clock.
pub fn log_by(clock: SimClock, partitions: u32) -> Arc<SimLog> {
    SimLog::new(sim::Options {
        topics: topics(),
        partitions,
        clock,
        blocking: true,
        ..sim::Options::default()
    })
}

/// A counter on a log, served until dropped or stopped.
pub struct Line {
    pub log: Arc<SimLog>,
    pub address: SocketAddr,
    pub views: Views,
    pub token: Option<String>,
    pub stop: CancellationToken,
    _stops: tokio_util::sync::DropGuard,
    run: JoinHandle<Result<(), CounterError>>,
}

impl Line {
    /// A counter that has caught up.
    pub async fn start() -> Self {
        Self::on(log(1), options()).await
    }

    pub async fn on(log: Arc<SimLog>, options: Options) -> Self {
        let (mut line, started) = Self::begin(log, options);
        let started = within(started).await.expect("the counter starts");
        line.token = started.staff_token;
        line
    }

    /// A counter that has caught up, and that phones find there.
    pub async fn found_at(log: Arc<SimLog>, options: Options, url: Option<PublicUrl>) -> Self {
        let process = Arc::clone(&log) as Arc<dyn Log>;
        let (counter, started) = Counter::bind(options).expect("port 0 is always free");
        let mut line = Self::run(log, process, counter.found_at(url));
        line.token = within(started).await.expect("the counter starts").staff_token;
        line
    }

    /// A counter that has caught up, and reads and writes as one process of the log.
    pub async fn on_process(log: Arc<SimLog>, process: Arc<dyn Log>, options: Options) -> Self {
        let (mut line, started) = Self::begin_process(log, process, options);
        line.token = within(started).await.expect("the counter starts").staff_token;
        line
    }

    /// A counter that may not have caught up.
    pub fn begin(log: Arc<SimLog>, options: Options) -> (Self, tokio::sync::oneshot::Receiver<Started>) {
        let process = Arc::clone(&log) as Arc<dyn Log>;
        Self::begin_process(log, process, options)
    }

    pub fn begin_process(
        log: Arc<SimLog>,
        process: Arc<dyn Log>,
        options: Options,
    ) -> (Self, tokio::sync::oneshot::Receiver<Started>) {
        let (counter, started) = Counter::bind(options).expect("port 0 is always free");
        (Self::run(log, process, counter), started)
    }

    fn run(log: Arc<SimLog>, process: Arc<dyn Log>, counter: Counter) -> Self {
        let (address, views) = (counter.local_addr(), counter.views());
        let stop = CancellationToken::new();
        let run = tokio::spawn(counter.run(process, stop.clone()));
        Self { log, address, views, token: None, _stops: stop.clone().drop_guard(), stop, run }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().expect("the first counter on a log makes the token")
    }

    pub async fn stopped(self) -> Result<(), CounterError> {
        self.stop.cancel();
        within(self.run).await.expect("the counter does not panic")
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> Result<(), CounterError> {
        within(self.run).await.expect("the counter does not panic")
    }

    /// Places an order of the core, and gives its id and its position.
    pub async fn order(&self, amount: u16) -> (String, String) {
        let reply = self.post(&format!("/order?amount={amount}"), &[], "").await;
        assert_eq!(reply.status, 202, "{reply:?}");
        let location = reply.header("location").expect("Location").to_owned();
        let (_, at) = location.split_once("?at=").expect("a position");
        (reply.json()["order_id"].as_str().expect("an id").to_owned(), at.to_owned())
    }

    /// Waits until the order is as wanted, and gives its snapshot.
    pub async fn shown(&self, id: &str, wanted: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let mut stream = self.events(&format!("/orders/{id}/events"), &[]).await;
        stream.until("order", wanted).await.json()
    }

    pub async fn command(&self, id: &str, headers: &[(&str, &str)], body: &str) -> http::Reply {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.post(&format!("/orders/{id}/commands"), &all, body).await
    }

    /// Says something of the shop as staff.
    pub async fn say(&self, what: &str, body: &str) -> http::Reply {
        let token = self.staff();
        let headers = [("content-type", "application/json"), ("authorization", token.as_str())];
        self.send("PUT", &format!("/shop/{what}"), &headers, body.as_bytes()).await
    }

    /// Orders with items, with these headers beside the needed ones.
    pub async fn order_items(&self, headers: &[(&str, &str)], body: &str) -> http::Reply {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.post("/orders", &all, body).await
    }

    pub fn staff(&self) -> String {
        format!("Bearer {}", self.token())
    }
}

pub fn options() -> Options {
    Options {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        heartbeat: Duration::from_millis(300),
        ..Options::default()
    }
}

/// The ledger's days, by a clock that someone sets.
pub fn ledger_clock(clock: &SimClock) -> Clock {
    let clock = clock.clone();
    Clock::new(move || clock.now())
}

/// The embedded menu, and settings with these lines in them.
pub fn shop(settings: &str) -> Arc<Shop> {
    let text = format!("name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"UTC\"\n{settings}");
    let settings = shop::Settings::parse(&text, "shop.toml").expect("settings");
    Arc::new(Shop::new(shop::Menu::embedded(), settings))
}

/// A counter with this shop, as long as that is not changed.
pub fn with_shop(shop: Arc<Shop>) -> (Options, watch::Sender<Arc<Shop>>) {
    let (change, shop) = watch::channel(shop);
    (Options { shop: Some(shop), ..options() }, change)
}

/// The real engine on a thread, until dropped.
pub struct Barista {
    stop: barista::StopSignal,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Barista {
    pub fn start(log: &Arc<SimLog>, mode: Mode) -> Self {
        let rules = Rules { mode, ..Rules::default() };
        Self::with(log, barista::Options { rules, ..barista::Options::default() })
    }

    pub fn with(log: &Arc<SimLog>, options: barista::Options) -> Self {
        Self::run(log, options, barista::system_clock())
    }

    pub fn by_clock(log: &Arc<SimLog>, options: barista::Options, clock: SimClock) -> Self {
        Self::run(log, options, Arc::new(move || clock.now()))
    }

    fn run(log: &Arc<SimLog>, options: barista::Options, clock: barista::Clock) -> Self {
        let stop = barista::StopSignal::default();
        let (log, signal) = (Arc::clone(log), stop.clone());
        let thread = std::thread::spawn(move || {
            barista::run(&*log, &options, &clock, &barista::Metrics::default(), &signal)
                .expect("the barista works");
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Barista {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || std::thread::panicking(), "the barista panicked");
        }
    }
}

/// An order as a counter of someone else writes it.
pub fn foreign_order(id: &str, amount: u16) -> Record {
    Record::new(id.to_owned(), Order::new(OrderId::new(id).expect("an id"), amount).to_json())
}

pub async fn within<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(PATIENCE, what).await.expect("it happens within the test's patience")
}
