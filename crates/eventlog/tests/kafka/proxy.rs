//! Stands between clients and the broker: cuts them off, keeps some of its answers to itself, holds back what it is
//! asked, and lets it answer as one does that has just started.

use std::{
    collections::HashMap,
    io::{Read as _, Result, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI16, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use crate::bed::{BOUND, broker, until};

/// What is asked. Source: Kafka's protocol.
pub(crate) const PRODUCE: i16 = 0;
pub(crate) const FETCH: i16 = 1;
pub(crate) const LIST_OFFSETS: i16 = 2;
const METADATA: i16 = 3;
const FIND_COORDINATOR: i16 = 10;
pub(crate) const JOIN_GROUP: i16 = 11;
pub(crate) const END_TXN: i16 = 26;

pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepts: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The broker behind it.
    server: String,
    /// Where each broker says that it is, and the port to say instead.
    moves: Vec<(String, u16)>,
    is_cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    /// So many answers that name no broker are still to be given, and were.
    to_be_blind: AtomicUsize,
    blind: AtomicUsize,
    /// Whose broker goes is not told of it.
    is_quiet: AtomicBool,
    /// Answers to this do not come; one more than its number, 0 for nothing.
    unanswered: AtomicI16,
    requests: Hold,
    answers: Hold,
}

/// What is not passed on now, and whether some of it has come.
#[derive(Default)]
struct Hold {
    kind: Mutex<(Option<i16>, bool)>,
    passes: Condvar,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        Self::before(&[broker()]).pop().expect("one for one")
    }

    /// One before each of these brokers, which are one cluster.
    pub(crate) fn before(brokers: &[String]) -> Vec<Self> {
        let bind = |_: &String| TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listeners: Vec<_> = brokers.iter().map(bind).collect();
        let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
        let moves: Vec<_> = brokers.iter().cloned().zip(listeners.iter().map(port)).collect();
        let start = |(server, listener): (&String, TcpListener)| {
            let shared = Shared { server: server.clone(), moves: moves.clone(), ..Shared::default() };
            let mut proxy = Self { port: port(&listener), shared: Arc::new(shared), accepts: None };
            proxy.accept(listener);
            proxy
        };
        brokers.iter().zip(listeners).map(start).collect()
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Nobody gets through any more, and new connections are refused.
    pub(crate) fn cut(&mut self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next one.
        drop(TcpStream::connect(self.address()));
        if let Some(accepts) = self.accepts.take() {
            accepts.join().expect("it accepts until it is told to stop");
        }
        for stream in self.shared.streams.lock().expect("no thread has panicked").drain(..) {
            // It may have been closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets everyone through again. For so many answers the broker knows of topics and of no broker, as one that has
    /// just started.
    pub(crate) fn restore(&mut self, blind: usize) {
        let listener = until("the port to be free again", || TcpListener::bind(self.address()).ok());
        self.shared.to_be_blind.store(blind, Ordering::SeqCst);
        self.shared.is_cut.store(false, Ordering::SeqCst);
        self.accept(listener);
    }

    /// From now on nobody is told that the broker has gone, as where its machine went with it.
    pub(crate) fn keep_quiet(&self) {
        self.shared.is_quiet.store(true, Ordering::SeqCst);
    }

    /// Everyone is told.
    pub(crate) fn hang_up(&self) {
        self.shared.is_quiet.store(false, Ordering::SeqCst);
        for stream in self.shared.streams.lock().expect("no thread has panicked").drain(..) {
            // It may have been closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Nobody gets an answer to this any more.
    pub(crate) fn keep_answers(&self, to: i16) {
        self.shared.unanswered.store(to + 1, Ordering::SeqCst);
    }

    /// Every answer is passed on again, but those that were kept.
    pub(crate) fn pass_answers(&self) {
        self.shared.unanswered.store(0, Ordering::SeqCst);
    }

    /// What the broker is asked of this kind waits from now on, and everything behind it.
    pub(crate) fn hold(&self, kind: i16) {
        self.shared.requests.hold(kind);
    }

    /// Whether something has come that waits.
    pub(crate) fn holds(&self) -> bool {
        self.shared.requests.holds()
    }

    /// Passes on what waits.
    pub(crate) fn release(&self) {
        self.shared.requests.release();
    }

    /// Answers to this wait from now on, and everything behind them.
    pub(crate) fn hold_answers(&self, to: i16) {
        self.shared.answers.hold(to);
    }

    /// Whether there is one that waits.
    pub(crate) fn holds_answers(&self) -> bool {
        self.shared.answers.holds()
    }

    /// Passes on the answers that wait.
    pub(crate) fn release_answers(&self) {
        self.shared.answers.release();
    }

    /// How many answers named no broker.
    pub(crate) fn blind_answers(&self) -> usize {
        self.shared.blind.load(Ordering::Relaxed)
    }

    fn accept(&mut self, listener: TcpListener) {
        let shared = self.shared.clone();
        self.accepts = Some(thread::spawn(move || {
            for client in listener.incoming() {
                if shared.is_cut.load(Ordering::SeqCst) {
                    return;
                }
                // One that fails is tried again by the client.
                let _ = client.and_then(|client| connect(client, &shared));
            }
        }));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

fn connect(client: TcpStream, shared: &Arc<Shared>) -> Result<()> {
    let server = TcpStream::connect(&shared.server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut streams = shared.streams.lock().expect("no thread has panicked");
    streams.extend([client.try_clone()?, server.try_clone()?]);
    drop(streams);
    let asked = Arc::new(Mutex::new(HashMap::new()));
    let (mut from_client, mut to_server, asks) = (client.try_clone()?, server.try_clone()?, asked.clone());
    let holds = shared.clone();
    thread::spawn(move || {
        // Ends with the connection.
        let _ = pass(
            &mut from_client,
            &mut to_server,
            || true,
            |request| {
                let number = i32::from_be_bytes([request[4], request[5], request[6], request[7]]);
                let kind = i16::from_be_bytes([request[0], request[1]]);
                asks.lock().expect("no thread has panicked").insert(number, kind);
                holds.requests.wait_to_pass(kind);
                true
            },
        );
    });
    let (mut from_server, mut to_client, shared) = (server, client, shared.clone());
    thread::spawn(move || {
        let is_told = || !shared.is_quiet.load(Ordering::SeqCst);
        let _ = pass(&mut from_server, &mut to_client, is_told, |answer| {
            let number = i32::from_be_bytes([answer[0], answer[1], answer[2], answer[3]]);
            let kind = asked.lock().expect("no thread has panicked").remove(&number);
            let is_blind = || {
                let left = |left: usize| left.checked_sub(1);
                shared.to_be_blind.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok()
            };
            match kind {
                Some(METADATA) if is_blind() => {
                    shared.blind.fetch_add(1, Ordering::Relaxed);
                    remove_brokers(answer);
                }
                Some(METADATA | FIND_COORDINATOR) => move_brokers(answer, &shared.moves),
                _ => {}
            }
            if let Some(kind) = kind {
                shared.answers.wait_to_pass(kind);
            }
            let unanswered = shared.unanswered.load(Ordering::SeqCst);
            kind.is_none_or(|kind| kind + 1 != unanswered)
        });
    });
    Ok(())
}

/// Passes on messages until one side ends, each after a look that says whether it is.
fn pass(
    from: &mut TcpStream,
    to: &mut TcpStream,
    is_told: impl Fn() -> bool,
    mut look: impl FnMut(&mut Vec<u8>) -> bool,
) -> Result<()> {
    loop {
        let mut size = [0; 4];
        let read = from.read_exact(&mut size);
        let mut message = vec![0; u32::from_be_bytes(size) as usize];
        if let Err(error) = read.and_then(|()| from.read_exact(&mut message)) {
            // The other side is to see it, too.
            if is_told() {
                let _ = to.shutdown(Shutdown::Both);
            }
            return Err(error);
        }
        if !look(&mut message) {
            continue;
        }
        let size = u32::try_from(message.len()).expect("it was that long before");
        to.write_all(&[&size.to_be_bytes()[..], &message].concat())?;
    }
}

impl Hold {
    fn hold(&self, kind: i16) {
        *self.kind.lock().expect("no thread has panicked") = (Some(kind), false);
    }

    fn holds(&self) -> bool {
        self.kind.lock().expect("no thread has panicked").1
    }

    fn release(&self) {
        self.kind.lock().expect("no thread has panicked").0 = None;
        self.passes.notify_all();
    }

    fn wait_to_pass(&self, kind: i16) {
        let mut held = self.kind.lock().expect("no thread has panicked");
        if held.0 == Some(kind) {
            held.1 = true;
            let waits = |held: &mut (Option<i16>, bool)| held.0 == Some(kind);
            drop(self.passes.wait_timeout_while(held, BOUND, waits));
        }
    }
}

/// Each broker is where its proxy is.
fn move_brokers(answer: &mut [u8], moves: &[(String, u16)]) {
    for (broker, port) in moves {
        let (host, real) = broker.rsplit_once(':').expect("host:port");
        let real: u32 = real.parse().expect("a port");
        let place = [host.as_bytes(), &real.to_be_bytes()].concat();
        // An answer without brokers says what is wrong.
        if let Some(found) = answer.windows(place.len()).position(|window| window == place) {
            answer[found + host.len()..found + place.len()].copy_from_slice(&u32::from(*port).to_be_bytes());
        }
    }
}

/// Takes the brokers out of an answer about metadata, of which the versions from 9 on are alike in this part.
fn remove_brokers(answer: &mut Vec<u8>) {
    // Number, tags and throttle time stand before them.
    let count = answer[9] - 1;
    let mut end = 10;
    for _ in 0..count {
        // Node; host, of which the first byte is its length and one; port; rack, which may be missing; tags.
        end += 4;
        end += usize::from(answer[end]);
        end += 4;
        end += usize::from(answer[end].max(1));
        end += 1;
    }
    answer[9] = 1;
    answer.drain(10..end);
}
