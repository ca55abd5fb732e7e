//! A broker that is paused, killed and started again: one of this test's own.

use std::{
    path::PathBuf,
    process::Command,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use eventlog::{
    Certainty, CommitError, Log as _, OpenError, PublishError, Record, Start, Transaction,
    conformance::{Bed as _, INPUT, OUTPUT, TOPICS, block_on},
    kafka::{KafkaLog, Options},
};

use crate::bed::{
    KafkaBed, WAIT, broker, everything, keys, own_brokers, prefix, publish, read_to_end, signal, spec,
    start_all, take_all, until,
};

/// How long a counter lets a record wait.
const DEADLINE: Duration = Duration::from_millis(4_750);
/// What ends within a bound of ours ends long before this, also on a busy machine; librdkafka alone would wait 30 s for
/// a connection, and 60 s for an answer.
const BOUNDED: Duration = Duration::from_secs(20);
/// So long after the broker's return everything goes on by itself.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(10);

struct Broker {
    port: u16,
}

impl Broker {
    fn start() -> Self {
        let broker = broker();
        let port: u16 = broker.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("host:port");
        let broker = Self { port: port + 100 };
        broker.script("start");
        broker
    }

    fn script(&self, command: &str) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let status = Command::new(root.join("scripts/kafka"))
            .args([command, "--java", "--port", &self.port.to_string()])
            .status()
            .expect("scripts/kafka runs");
        assert!(status.success(), "scripts/kafka {command}");
    }

    fn signal(&self, name: &str) {
        let file =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/kafka/{}/pid", self.port));
        let pid = std::fs::read_to_string(file).expect("it runs").trim().parse().expect("a number");
        signal(pid, name);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.script("clean");
    }
}

pub(crate) fn try_to_publish(log: &KafkaLog, key: &str) -> Result<eventlog::Position, PublishError> {
    block_on(log.publisher().publish(INPUT, 0, Record::new(key.to_owned(), "value"), DEADLINE))
}

#[test]
fn without_the_broker_nothing_is_said_that_is_not_so_and_all_goes_on_when_it_is_back() {
    let _turn = own_brokers();
    let broker = Broker::start();
    let mut options = Options::new(format!("127.0.0.1:{}", broker.port), TOPICS);
    options.prefix = prefix();
    let log = KafkaLog::open(options).expect("the log opens");
    let position = publish(&*log, INPUT, 0, "before");
    let mut follower = log.follow(&[(INPUT, Start::Beginning)]).expect("it can be followed");
    assert_eq!(keys(&read_to_end(&mut *follower)), ["before"]);
    let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    let (assigned, _) = take_all(&*log, &mut *work);
    start_all(&mut *work, &assigned);

    broker.signal("STOP");
    assert!(
        !follower.poll(Duration::from_millis(500)).expect("it waits").at_end,
        "who is cut off knows no end"
    );
    let began = Instant::now();
    let paused = try_to_publish(&log, "paused").expect_err("nobody answers");
    assert_eq!(paused.certainty, Certainty::Unknown, "it was sent: {paused}");
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
    let records = vec![(OUTPUT, 0, Record::new("paused", "value"))];
    let transaction = Transaction { records, positions: vec![position] };
    let failed = work.commit(transaction).expect_err("nobody answers");
    assert!(matches!(failed, CommitError::Aborted(_)), "{failed:?}");
    let began = Instant::now();
    drop(work);
    assert!(began.elapsed() < BOUNDED, "a session ends in bounded time: {:?}", began.elapsed());
    let began = Instant::now();
    let silent = log.work(&spec(Some("bar-2"))).err().expect("nobody says whose the name is");
    assert!(matches!(silent, OpenError::Storage(_)), "{silent:?}");
    assert!(began.elapsed() < BOUNDED / 2, "a name is taken in bounded time: {:?}", began.elapsed());
    broker.signal("CONT");
    until("the log to take records again", || try_to_publish(&log, "after the pause").ok());
    let seen = until("the follower to go on", || {
        Some(keys(&read_to_end(&mut *follower))).filter(|keys| !keys.is_empty())
    });
    // What was unknown is there once or not at all.
    assert!(seen.iter().filter(|key| *key == "paused").count() <= 1, "{seen:?}");

    broker.signal("KILL");
    until("the client to see that it is gone", || {
        let lost = try_to_publish(&log, "lost").err()?;
        (lost.certainty == Certainty::NotWritten).then_some(())
    });
    let short = Duration::from_millis(100);
    let mut short = log.publisher().publish(INPUT, 0, Record::new("short", "value"), short);
    let short = until("its deadline to be over", || {
        std::thread::park_timeout(WAIT);
        match short.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer.expect_err("nobody can write it")),
            Poll::Pending => None,
        }
    });
    assert_eq!(short.certainty, Certainty::Unknown, "it still waits to be sent: {short}");
    assert!(!follower.poll(WAIT).expect("it waits").at_end, "who is cut off knows no end");
    let why = until("who only looks to be told", || log.trouble());
    assert!(why.contains(&broker.port.to_string()) && why.contains("does not answer"), "{why}");
    broker.script("start");
    let began = Instant::now();
    let back = until("the log to take records again", || try_to_publish(&log, "back").ok());
    until("the follower to see it", || {
        let batch = follower.poll(WAIT).expect("it goes on");
        batch.entries.iter().any(|entry| entry.offset == back.offset).then_some(())
    });
    read_to_end(&mut *follower);
    let mut work = log.work(&spec(Some("bar-1"))).expect("it can be joined");
    take_all(&*log, &mut *work);
    assert!(began.elapsed() < BACK_WITHIN, "within 10 s of its return: {:?}", began.elapsed());
    until("who only looks to be told", || log.trouble().is_none().then_some(()));
    drop(work);

    broker.signal("STOP");
    let began = Instant::now();
    drop((follower, log));
    assert!(began.elapsed() < BOUNDED, "a log is closed in bounded time: {:?}", began.elapsed());
    broker.signal("CONT");
}

#[test]
fn after_a_fatal_error_of_the_producer_another_one_takes_its_place() {
    let mut bed = KafkaBed::new();
    let _ = bed.open();
    let log = bed.process();
    publish(&*log, INPUT, 0, "before");
    log.fail_producer();
    // Whoever comes before it is replaced is refused.
    if let Err(refused) = try_to_publish(&log, "refused") {
        assert_eq!(refused.certainty, Certainty::NotWritten, "{refused}");
        assert!(refused.to_string().contains("a test"), "it says why: {refused}");
    }
    until("another producer", || try_to_publish(&log, "after").ok());
    assert!(keys(&everything(&*log, INPUT)).ends_with(&["after".to_owned()]));
    // Again and again: each is let in.
    log.fail_producer();
    until("yet another one", || try_to_publish(&log, "later").ok());
}
