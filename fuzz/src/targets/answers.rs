//! What a counter, or whatever is at its address, says to a client, byte by byte: to whoever asks once, follows a stream,
//! takes a file, or comes as a customer.
//!
//! The first byte of an input says to whom. What follows is said to one connection after the other, parted by a line `---`, and
//! the last of it to all that come after; then the connection ends.

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use client::{Api, CounterAddress, Limits, Options, Output, Patience, Request, reporter};
use tokio::{runtime::Runtime, time::timeout};
use tokio_util::sync::CancellationToken;

/// Nothing takes as long as this.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many events of a stream, and so many connections, are enough: it is opened again as often as it ends.
const EVENTS: usize = 8;
/// What stands between what is said to one connection and to the next.
const BETWEEN: &[u8] = b"\n---\n";

/// Whatever is said: the client comes to an end, and what it tells of it can't steer a terminal.
pub(super) fn run(input: &[u8]) {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    let Some((to, says)) = input.split_first() else { return };
    let stage = STAGE.get_or_init(Stage::new);
    let _one_at_a_time = stage.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let stop = CancellationToken::new();
    *stage.script.lock().unwrap_or_else(PoisonError::into_inner) = Script::of(says, &stop);
    let hears = async {
        match to % 4 {
            0 => asks(stage.address()).await,
            1 => follows(stage.address()).await,
            2 => takes(stage.address()).await,
            _ => comes(stage.address(), stop).await,
        }
    };
    // A time can be set only inside.
    let told =
        stage.runtime.block_on(async { timeout(PATIENCE, hears).await }).expect("the client comes to an end");
    for line in told {
        assert_eq!(line.replace(char::is_control, "?"), line);
    }
}

async fn asks(counter: CounterAddress) -> Vec<String> {
    let _ = client::process(counter.clone(), PATIENCE).await;
    match api(counter.clone()).ask(&Request::get("/ledger")).await {
        Ok(reply) => vec![reply.refusal(&counter)],
        Err(silence) => vec![silence.of(&counter)],
    }
}

async fn follows(counter: CounterAddress) -> Vec<String> {
    let mut stream = api(counter.clone()).follow("/ledger/events");
    for _ in 0..EVENTS {
        if let Err(silence) = stream.next().await {
            return vec![silence.of(&counter)];
        }
    }
    Vec::new()
}

async fn takes(counter: CounterAddress) -> Vec<String> {
    let mut bytes = 0;
    let api = api(counter.clone());
    let taken = api.download("/backup", |piece| {
        bytes += piece.len() as u64;
        Ok(())
    });
    match taken.await {
        Ok(taken) => {
            assert_eq!(taken, bytes);
            Vec::new()
        }
        Err(not_taken) => vec![not_taken.of(&counter)],
    }
}

async fn comes(counter: CounterAddress, stop: CancellationToken) -> Vec<String> {
    let said = Said::default();
    let options = Options {
        counter,
        once: true,
        interval: Duration::ZERO,
        seed: Some(7),
        limits: limits(),
        ..Options::default()
    };
    let mut reporter = reporter(Output::Plain, said.clone(), said.clone());
    if let Err(error) = client::run(options, stop, &mut *reporter).await {
        return vec![error.to_string()];
    }
    let said = said.0.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8(said.clone()).expect("it is text").lines().map(str::to_owned).collect()
}

fn api(counter: CounterAddress) -> Api {
    Api::new(counter, None, limits()).expect("no certificate is asked for")
}

/// Whoever hears an answer hears it again a moment later: once is enough.
fn limits() -> Limits {
    let once = Patience {
        attempt: PATIENCE / 4,
        overall: Duration::from_millis(5),
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
    };
    Limits {
        contact: once,
        order: once,
        bell: once,
        silence: PATIENCE / 4,
        unknown: Duration::ZERO,
        notice: Duration::ZERO,
        grace: Duration::ZERO,
        ..Limits::default()
    }
}

/// What a program has written.
#[derive(Debug, Default, Clone)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whatever is at the address, and whoever asks there.
struct Stage {
    listens: SocketAddr,
    script: Arc<Mutex<Script>>,
    turn: Mutex<()>,
    runtime: Runtime,
}

impl Stage {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let listens = listener.local_addr().expect("it is bound");
        let script = Arc::new(Mutex::new(Script::default()));
        let saying = Arc::clone(&script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&saying);
                thread::spawn(move || say(stream, &script));
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { listens, script, turn: Mutex::new(()), runtime }
    }

    fn address(&self) -> CounterAddress {
        format!("http://{}", self.listens).parse().expect("it is one")
    }
}

/// What is said to one connection after the other.
#[derive(Debug, Default)]
struct Script {
    says: VecDeque<Vec<u8>>,
    /// So many connections are enough: a customer waits for as long as there is a counter.
    connections: usize,
    stop: CancellationToken,
}

impl Script {
    fn of(mut says: &[u8], stop: &CancellationToken) -> Self {
        let mut parts = VecDeque::new();
        while let Some(at) = says.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
            parts.push_back(says[..at].to_vec());
            says = &says[at + BETWEEN.len()..];
        }
        parts.push_back(says.to_vec());
        Self { connections: parts.len() + EVENTS, says: parts, stop: stop.clone() }
    }

    fn next(&mut self) -> Vec<u8> {
        self.connections = self.connections.saturating_sub(1);
        if self.connections == 0 {
            self.stop.cancel();
        }
        let next = if self.says.len() > 1 { self.says.pop_front() } else { self.says.front().cloned() };
        next.unwrap_or_default()
    }
}

/// Waits for the head of a request, says it, and ends.
fn say(mut stream: TcpStream, script: &Mutex<Script>) {
    let (mut asked, mut bytes) = (Vec::new(), [0; 4_096]);
    while !asked.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut bytes) {
            Ok(count) if count > 0 => asked.extend_from_slice(&bytes[..count]),
            _ => return,
        }
    }
    let says = script.lock().unwrap_or_else(PoisonError::into_inner).next();
    // It may have heard enough before all was said.
    let _ = stream.write_all(&says);
}
