//! What is sent to a counter's port, byte by byte: method, path, query, headers and body.
//!
//! In an input `TOKEN` stands for the staff's token, and `ORDER` for the id of an order that is there.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use barista::{Metrics, StopSignal, system_clock};
use counter::{Counter, Options};
use eventlog::{
    Cleanup, Partitions, TopicSpec,
    sim::{self, SimClock, SimLog},
};
use order::{Mode, Rules, topic};
use tokio_util::sync::CancellationToken;

/// Nothing takes as long as this.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many inputs one line takes; then there is a new one, whose log is empty.
const INPUTS: u32 = 20_000;
/// An answer is read so far: streams have no end.
const HEAD_BYTES: usize = 64 * 1024;

/// Whatever is sent is answered, or the connection ends; the line goes on, and no answer says that it was the line's fault.
pub(super) fn run(input: &[u8]) {
    static LINE: Mutex<Option<Line>> = Mutex::new(None);
    let mut kept = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    kept.take_if(|line| line.inputs >= INPUTS);
    let line = kept.get_or_insert_with(Line::start);
    line.inputs += 1;
    let request =
        replaced(&replaced(input, b"TOKEN", line.token.as_bytes()), b"ORDER", line.order.as_bytes());
    let answer = ask(line.address, &request);
    let Some(status) = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)) else {
        return assert!(answer.is_empty(), "{answer:?}");
    };
    let status: u16 = status.parse().unwrap_or_else(|_| panic!("{answer:?}"));
    assert!((100..600).contains(&status) && status != 500, "{answer}");
    // What HTTP itself refuses has no body.
    let is_guarded = answer.contains("\r\nx-content-type-options: nosniff\r\n");
    let is_bare = status < 200 || answer.contains("\r\ncontent-length: 0\r\n");
    assert!(is_guarded || is_bare, "{answer}");
}

/// The head of the answer to these bytes; empty if there is none.
fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a duration that is not zero");
    // It may have said enough before all was sent.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(Shutdown::Write);
    let (mut answer, mut bytes) = (Vec::new(), [0; 4_096]);
    while answer.len() < HEAD_BYTES && !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&bytes[..count]),
            Err(error) => {
                let is_late =
                    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                assert!(!is_late, "no answer to {:?}", String::from_utf8_lossy(request));
                break;
            }
        }
    }
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |end| end + 2);
    String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase().replacen("http/1.", "HTTP/1.", 1)
}

fn replaced(input: &[u8], name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(input.len() + value.len());
    let mut rest = input;
    while let Some(at) = rest.windows(name.len()).position(|window| window == name) {
        output.extend_from_slice(&rest[..at]);
        output.extend_from_slice(value);
        rest = &rest[at + name.len()..];
    }
    output.extend_from_slice(rest);
    output
}

/// A counter and a barista on a log in memory.
struct Line {
    address: SocketAddr,
    token: String,
    order: String,
    inputs: u32,
    stop: CancellationToken,
    barista: StopSignal,
    threads: Vec<JoinHandle<()>>,
}

impl Line {
    fn start() -> Self {
        let log = SimLog::new(sim::Options {
            topics: topics(),
            clock: SimClock::machine(),
            blocking: true,
            ..sim::Options::default()
        });
        let (stop, barista) = (CancellationToken::new(), StopSignal::default());
        let rules = Rules { mode: Mode::Auto, cup_ms: 0, ..Rules::default() };
        let (of_barista, stops) = (Arc::clone(&log), barista.clone());
        let brewing = thread::spawn(move || {
            let options = barista::Options { rules, ..barista::Options::default() };
            barista::run(&*of_barista, &options, &system_clock(), &Metrics::default(), &stops)
                .expect("the barista works");
        });
        // A menu and settings, so that orders have prices, and printing is refused.
        let (shop, kept) = tokio::sync::watch::channel(Arc::new(shop::Shop::embedded()));
        let (tell, told) = std::sync::mpsc::channel();
        let stops = stop.clone();
        let serving = thread::spawn(move || {
            let _shop = shop;
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listen = (Ipv4Addr::LOCALHOST, 0).into();
                let (counter, started) =
                    Counter::bind(Options { listen, shop: Some(kept), ..Options::default() })
                        .expect("a port");
                let running = tokio::spawn(counter.run(log, stops));
                tell.send(started.await.expect("it starts")).expect("someone waits for it");
                running.await.expect("it does not panic").expect("it serves until it is stopped");
            });
        });
        let started = told.recv().expect("it starts");
        let address = started.address;
        let placed = ask(address, b"POST /order?amount=1 HTTP/1.1\r\nhost: a\r\n\r\n");
        let (_, id) = placed.split_once("location: /orders/").expect("an order has a place");
        let order = id.split('?').next().expect("a split has a first part").to_owned();
        let token = started.staff_token.expect("the first counter on a log makes it");
        Self { address, token, order, inputs: 0, stop, barista, threads: vec![serving, brewing] }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.stop.cancel();
        self.barista.stop();
        for thread in self.threads.drain(..) {
            assert!(thread.join().is_ok() || thread::panicking(), "a part of the line panicked");
        }
    }
}

fn topics() -> Vec<TopicSpec> {
    let spec = |name| {
        let is_compacted = [topic::STATE, topic::SHOP].contains(&name);
        let cleanup =
            if is_compacted { Cleanup::Compact } else { Cleanup::Delete(Duration::from_hours(720)) };
        TopicSpec { name, cleanup, partitions: Partitions::One }
    };
    let names = [
        topic::RECEIVED,
        topic::PROCESSED,
        topic::COMMAND,
        topic::EVENT,
        topic::STATE,
        topic::DLQ,
        topic::SHOP,
    ];
    names.map(spec).to_vec()
}
