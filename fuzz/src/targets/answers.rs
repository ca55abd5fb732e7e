//! What a counter, or whatever is at its address, says to a client, byte by byte: to whoever asks once, follows a stream,
//! takes a file, or comes as a customer.
//!
//! The first byte of an input says to whom. What follows is said to one connection after the other, parted by a line `---`, and
//! the last of it to all that come after; then the connection ends.
//!
//! The client's clock stands still but for what is said: each answer takes [`ANSWER`] of it. So an input is tried as often each
//! time, however busy the machine is.

use std::{
    collections::VecDeque,
    io::{self, Write},
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use client::{Api, CounterAddress, Limits, Options, Output, Patience, Request, reporter};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::{spawn, spawn_blocking},
    time::{advance, timeout},
};
use tokio_util::sync::CancellationToken;

/// Nothing takes as long as this, by any clock.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than that: each connection ends, so nothing is waited for until its time is over.
const NEVER: Duration = Duration::from_secs(40);
/// What an answer takes by the client's clock.
const ANSWER: Duration = Duration::from_millis(1);
/// Something that fails is tried again as long as fewer answers than this were no good.
const TRIES: u32 = 6;
/// So many events of a stream, and so many connections, are enough: it is opened again as often as it ends.
const EVENTS: usize = 8;
/// So many connections at the most are each told something else.
const PARTS: usize = 64;
/// What stands between what is said to one connection and to the next.
const BETWEEN: &[u8] = b"\n---\n";

/// Whatever is said: the client comes to an end, and what it tells of it can't steer a terminal.
pub(super) fn run(input: &[u8]) {
    let Some((to, says)) = input.split_first() else { return };
    // Its own: what is left of one input must not meet the next.
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let told = runtime.block_on(async {
        // A paused clock goes on by itself when nothing can be done but wait, unless something blocks: what an answer takes
        // on its way would count as the longest wait there is. Only one that never comes is to.
        let (_ended, ends) = mpsc::channel::<()>();
        spawn_blocking(move || ends.recv_timeout(PATIENCE));
        let stop = CancellationToken::new();
        let counter = listen(Script::of(says, &stop)).await;
        let hears = async {
            match to % 4 {
                0 => asks(counter).await,
                1 => follows(counter).await,
                2 => takes(counter).await,
                _ => comes(counter, stop).await,
            }
        };
        timeout(PATIENCE, hears).await
    });
    for line in told.expect("the client comes to an end") {
        assert_eq!(line.replace(char::is_control, "?"), line);
    }
}

async fn asks(counter: CounterAddress) -> Vec<String> {
    let _ = client::process(counter.clone(), NEVER).await;
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

/// Bounds that only answers use up. There is no pause, since no answer comes in one.
fn limits() -> Limits {
    let few = Patience {
        attempt: NEVER,
        overall: ANSWER * (TRIES - 1),
        first: Duration::ZERO,
        longest: Duration::ZERO,
    };
    Limits {
        contact: few,
        order: few,
        bell: few,
        silence: NEVER,
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whatever is at the address.
async fn listen(script: Script) -> CounterAddress {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let script = Arc::new(Mutex::new(script));
    spawn(async move {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                spawn(say(stream, Arc::clone(&script)));
            }
        }
    });
    format!("http://{address}").parse().expect("it is one")
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
        while parts.len() < PARTS
            && let Some(at) = says.windows(BETWEEN.len()).position(|window| window == BETWEEN)
        {
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
async fn say(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let (mut asked, mut bytes) = (Vec::new(), [0; 4_096]);
    while !asked.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut bytes).await {
            Ok(count) if count > 0 => asked.extend_from_slice(&bytes[..count]),
            _ => return,
        }
    }
    advance(ANSWER).await;
    let says = script.lock().unwrap_or_else(PoisonError::into_inner).next();
    // It may have heard enough before all was said.
    let _ = stream.write_all(&says).await;
}
