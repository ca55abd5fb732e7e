//! The whole line on the embedded log: a full disk, unreadable records, too many orders, few hands.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use barista::{Metrics, StopSignal};
use eventlog::{
    Entry, Headers, Log as _, Record, Start,
    local::{Faults, LocalLog, Options, WriteFault},
};
use ledger::{Ledger, TOPICS};
use order::{Rules, Stage, topic};
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A barista and a counter at work on a log.
struct Line {
    log: Arc<LocalLog>,
    counter: SocketAddr,
    stop: StopSignal,
    counter_stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

fn open(dir: &Path, faults: Option<Arc<Faults>>) -> Arc<LocalLog> {
    let month = Duration::from_hours(30 * 24);
    LocalLog::open(Options { faults, ..Options::new(dir, &brewline::catalog(month)) }).unwrap()
}

impl Line {
    fn start(log: Arc<LocalLog>, options: barista::Options) -> Self {
        let (stop, counter_stop) = (StopSignal::default(), CancellationToken::new());
        let settings = counter::Options {
            listen: ([127, 0, 0, 1], 0).into(),
            max_open: options.max_open,
            ..counter::Options::default()
        };
        let (counter, started) = counter::Counter::bind(settings).unwrap();
        let address = counter.local_addr();
        let (of_barista, stops) = (log.clone(), stop.clone());
        let barista = std::thread::spawn(move || {
            let clock = barista::system_clock();
            barista::run(of_barista.as_ref(), &options, &clock, &Metrics::default(), &stops).unwrap();
        });
        let (of_counter, stops) = (log.clone(), counter_stop.clone());
        let counter = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(counter.run(of_counter, stops)).unwrap();
        });
        started.blocking_recv().unwrap();
        Self { log, counter: address, stop, counter_stop, threads: vec![barista, counter] }
    }

    fn ask(&self, method: &str, path: &str) -> (u16, serde_json::Value) {
        let mut stream = TcpStream::connect(self.counter).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: cafe\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
    }

    fn order(&self, amount: u16) -> (u16, serde_json::Value) {
        self.ask("POST", &format!("/order?amount={amount}"))
    }

    /// Stops the line, and counts what stands in the log.
    fn stop(self) -> Ledger {
        self.stop.stop();
        self.counter_stop.cancel();
        for thread in self.threads {
            thread.join().unwrap();
        }
        let ledger = count(&self.log);
        self.log.close();
        ledger
    }
}

/// Reads `topic` until this many records of it have come.
fn wait_for(log: &LocalLog, topic: eventlog::Topic, count: usize) -> Vec<Entry> {
    let mut follow = log.follow(&[(topic, Start::Beginning)]).unwrap();
    let (mut entries, began) = (Vec::new(), Instant::now());
    while entries.len() < count {
        assert!(began.elapsed() < PATIENCE, "only {} of {count} records of {topic}", entries.len());
        entries.extend(follow.poll(Duration::from_secs(1)).unwrap().entries);
    }
    entries
}

fn count(log: &LocalLog) -> Ledger {
    let mut follow = log.follow(&TOPICS.map(|topic| (topic, Start::Beginning))).unwrap();
    let mut ledger = Ledger::default();
    loop {
        let batch = follow.poll(Duration::from_secs(1)).unwrap();
        batch.entries.iter().for_each(|entry| ledger.apply(entry));
        if batch.at_end {
            return ledger;
        }
    }
}

fn at_once() -> barista::Options {
    barista::Options { rules: Rules { cup_ms: 0, ..Rules::default() }, ..barista::Options::default() }
}

#[test]
fn a_full_disk_refuses_orders_with_the_reason_and_takes_them_when_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Arc::new(Faults::default());
    let line = Line::start(open(dir.path(), Some(faults.clone())), at_once());
    assert_eq!(line.order(1).0, 202);
    wait_for(&line.log, topic::PROCESSED, 1);

    faults.fail_writes(WriteFault::Full);
    // Nothing of the order that meets the failing write came anywhere; the next one is not tried.
    for _ in 0..2 {
        let (status, problem) = line.order(1);
        assert_eq!((status, &problem["code"]), (503, &"not_written".into()), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("full"), "{problem}");
    }
    let (status, ready) = line.ask("GET", "/readyz");
    assert_eq!((status, &ready["missing"][0]["what"]), (503, &"log".into()), "{ready}");

    faults.fail_writes(WriteFault::None);
    let began = Instant::now();
    while line.order(1).0 != 202 {
        assert!(began.elapsed() < PATIENCE, "orders are taken again when there is space");
    }
    wait_for(&line.log, topic::PROCESSED, 2);
    let ledger = line.stop();
    assert_eq!(ledger.faults(), []);
    assert_eq!(ledger.equation().accepted, 2, "what was refused is not in the log");
}

#[test]
fn unreadable_records_are_dead_lettered_as_they_came_and_the_line_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), None);
    let huge = format!(r#"{{"order_id":"{}","amount":1,"status":0}}"#, "x".repeat(200_000));
    let poison: [(&str, Option<Vec<u8>>); 9] = [
        ("no value", None),
        ("EOF", Some(vec![])),
        ("expected", Some(b"not json".to_vec())),
        ("invalid", Some(br#"{"order_id":"a","amount":"three","status":0}"#.to_vec())),
        ("0 to 1000", Some(br#"{"order_id":"a","amount":100000,"status":0}"#.to_vec())),
        ("invalid", Some(br#"{"order_id":"a","amount":-5,"status":0}"#.to_vec())),
        ("bytes", Some(huge.into_bytes())),
        ("bytes", Some(vec![b' '; 990_000])),
        ("zero character", Some(br#"{"order_id":"\u0000positions","amount":1,"status":0}"#.to_vec())),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let write = |topic, value: Option<Vec<u8>>| {
        let record = Record { key: None, value: value.map(Into::into), headers: Headers::default() };
        runtime.block_on(log.publisher().publish(topic, 0, record, PATIENCE)).unwrap();
    };
    for (_, value) in &poison {
        write(topic::RECEIVED, value.clone());
    }
    write(topic::COMMAND, Some(b"explode".to_vec()));
    let good = br#"{"order_id":"theirs","amount":0,"status":0}"#;
    write(topic::RECEIVED, Some(good.to_vec()));
    write(topic::RECEIVED, Some(good.to_vec()));

    let line = Line::start(log.clone(), at_once());
    assert_eq!(line.order(1).0, 202);
    let bells = wait_for(&line.log, topic::PROCESSED, 2);
    assert_eq!(
        bells[0].record.value.as_deref(),
        Some(br#"{"order_id":"theirs","amount":0,"status":1}"#.as_slice())
    );
    let letters = wait_for(&line.log, topic::DLQ, poison.len() + 1);
    let header =
        |letter: &Entry, name| String::from_utf8(letter.record.headers.get(name).unwrap().to_vec()).unwrap();
    let of_orders = letters.iter().filter(|letter| header(letter, "dlq_topic") == topic::RECEIVED);
    for (offset, (letter, (says, value))) in of_orders.zip(&poison).enumerate() {
        assert_eq!(header(letter, "dlq_offset"), offset.to_string());
        assert!(header(letter, "dlq_reason").contains(says), "{says}: {}", header(letter, "dlq_reason"));
        let size = value.as_ref().map_or(0, Vec::len);
        assert_eq!(header(letter, "dlq_size"), size.to_string());
        let kept = value.as_ref().map(|v| &v[..v.len().min(256 * 1024)]);
        assert_eq!(letter.record.value.as_deref(), kept);
    }
    let ledger = line.stop();
    assert_eq!(ledger.faults(), []);
    let equation = ledger.equation();
    assert!(equation.holds(), "{equation:?}");
    assert_eq!((equation.accepted, equation.dead_lettered), (11, 9));
}

#[test]
fn more_open_orders_than_the_bound_are_refused_and_those_accepted_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let rules = Rules { cup_ms: 3_600_000, ..Rules::default() };
    let options = barista::Options { rules, max_open: 5, ..barista::Options::default() };
    let line = Line::start(open(dir.path(), None), options);
    let began = Instant::now();
    let refused = loop {
        let (status, answer) = line.order(1);
        if status != 202 {
            break (status, answer);
        }
        assert!(began.elapsed() < PATIENCE, "it is full at some time");
    };
    assert_eq!((refused.0, &refused.1["code"]), (503, &"queue_full".into()), "{refused:?}");
    let ledger = line.stop();
    assert_eq!(ledger.faults(), []);
    let accepted = ledger.equation().accepted;

    // The same log with more room: everything that was accepted is taken.
    let rules = Rules { cup_ms: 3_600_000, ..Rules::default() };
    let line = Line::start(open(dir.path(), None), barista::Options { rules, ..barista::Options::default() });
    wait_for(&line.log, topic::EVENT, usize::try_from(accepted).unwrap());
    let equation = line.stop().equation();
    assert_eq!(equation.of(Stage::Making), accepted);
}

#[test]
fn one_hand_makes_one_drink_at_a_time_in_the_order_they_came() {
    let dir = tempfile::tempdir().unwrap();
    let rules = Rules { cup_ms: 20, ..Rules::default() };
    let line = Line::start(
        open(dir.path(), None),
        barista::Options { rules, hands: Some(1), ..barista::Options::default() },
    );
    let placed: Vec<_> = (0..6).map(|_| line.order(1).1["order_id"].as_str().unwrap().to_owned()).collect();
    let bells = wait_for(&line.log, topic::PROCESSED, placed.len());
    let heard: Vec<_> = bells
        .iter()
        .map(|bell| String::from_utf8(bell.record.key.as_ref().unwrap().to_vec()).unwrap())
        .collect();
    assert_eq!(heard, placed);
    let mut making = 0;
    for entry in wait_for(&line.log, topic::EVENT, 1) {
        let event = order::Event::parse(entry.record.value.as_deref().unwrap()).unwrap();
        making += i32::from(event.to == Stage::Making) - i32::from(event.from == Some(Stage::Making));
        assert!((0..=1).contains(&making), "{event:?}");
    }
    assert_eq!(line.stop().faults(), []);
}
