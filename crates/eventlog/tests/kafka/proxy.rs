//! Stands between clients and the broker: cuts them off, keeps some of its answers to itself, and lets it answer as one
//! does that has just started.

use std::{
    collections::HashMap,
    io::{Read as _, Result, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI16, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::bed::{broker, until};

/// What is asked. Source: Kafka's protocol.
pub(crate) const PRODUCE: i16 = 0;
pub(crate) const FETCH: i16 = 1;
pub(crate) const LIST_OFFSETS: i16 = 2;
const METADATA: i16 = 3;
const FIND_COORDINATOR: i16 = 10;

pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepts: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    /// Until then answers name no broker.
    blind_until: Mutex<Option<Instant>>,
    blind: AtomicUsize,
    /// Answers to this do not come; one more than its number, 0 for nothing.
    unanswered: AtomicI16,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let mut proxy = Self { port, shared: Arc::default(), accepts: None };
        proxy.accept(listener);
        proxy
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

    /// Lets everyone through again. For a while the broker knows of topics and of no broker, as one that has just
    /// started.
    pub(crate) fn restore(&mut self, blind_for: Duration) {
        let listener = until("the port to be free again", || TcpListener::bind(self.address()).ok());
        *self.shared.blind_until.lock().expect("no thread has panicked") = Some(Instant::now() + blind_for);
        self.shared.is_cut.store(false, Ordering::SeqCst);
        self.accept(listener);
    }

    /// Nobody gets an answer to this any more.
    pub(crate) fn keep_answers(&self, to: i16) {
        self.shared.unanswered.store(to + 1, Ordering::SeqCst);
    }

    /// Every answer is passed on again, but those that were kept.
    pub(crate) fn pass_answers(&self) {
        self.shared.unanswered.store(0, Ordering::SeqCst);
    }

    /// How many answers named no broker.
    pub(crate) fn blind_answers(&self) -> usize {
        self.shared.blind.load(Ordering::Relaxed)
    }

    fn accept(&mut self, listener: TcpListener) {
        let (port, shared) = (self.port, self.shared.clone());
        self.accepts = Some(thread::spawn(move || {
            for client in listener.incoming() {
                if shared.is_cut.load(Ordering::SeqCst) {
                    return;
                }
                // One that fails is tried again by the client.
                let _ = client.and_then(|client| connect(client, port, &shared));
            }
        }));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
    }
}

fn connect(client: TcpStream, port: u16, shared: &Arc<Shared>) -> Result<()> {
    let server = TcpStream::connect(broker())?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut streams = shared.streams.lock().expect("no thread has panicked");
    streams.extend([client.try_clone()?, server.try_clone()?]);
    drop(streams);
    let asked = Arc::new(Mutex::new(HashMap::new()));
    let (mut from_client, mut to_server, asks) = (client.try_clone()?, server.try_clone()?, asked.clone());
    thread::spawn(move || {
        // Ends with the connection.
        let _ = pass(&mut from_client, &mut to_server, |request| {
            let number = i32::from_be_bytes([request[4], request[5], request[6], request[7]]);
            let kind = i16::from_be_bytes([request[0], request[1]]);
            asks.lock().expect("no thread has panicked").insert(number, kind);
            true
        });
    });
    let (mut from_server, mut to_client, shared) = (server, client, shared.clone());
    thread::spawn(move || {
        let _ = pass(&mut from_server, &mut to_client, |answer| {
            let number = i32::from_be_bytes([answer[0], answer[1], answer[2], answer[3]]);
            let kind = asked.lock().expect("no thread has panicked").remove(&number);
            let is_blind = *shared.blind_until.lock().expect("no thread has panicked") > Some(Instant::now());
            match kind {
                Some(METADATA) if is_blind => {
                    shared.blind.fetch_add(1, Ordering::Relaxed);
                    remove_brokers(answer);
                }
                Some(METADATA | FIND_COORDINATOR) => move_broker(answer, port),
                _ => {}
            }
            let unanswered = shared.unanswered.load(Ordering::SeqCst);
            kind.is_none_or(|kind| kind + 1 != unanswered)
        });
    });
    Ok(())
}

/// Passes on messages until one side ends, each after a look that says whether it is.
fn pass(from: &mut TcpStream, to: &mut TcpStream, mut look: impl FnMut(&mut Vec<u8>) -> bool) -> Result<()> {
    loop {
        let mut size = [0; 4];
        let read = from.read_exact(&mut size);
        let mut message = vec![0; u32::from_be_bytes(size) as usize];
        if let Err(error) = read.and_then(|()| from.read_exact(&mut message)) {
            // The other side is to see it, too.
            let _ = to.shutdown(Shutdown::Both);
            return Err(error);
        }
        if !look(&mut message) {
            continue;
        }
        let size = u32::try_from(message.len()).expect("it was that long before");
        to.write_all(&[&size.to_be_bytes()[..], &message].concat())?;
    }
}

/// The broker is where the proxy is.
fn move_broker(answer: &mut [u8], port: u16) {
    let broker = broker();
    let (host, real) = broker.rsplit_once(':').expect("host:port");
    let real: u32 = real.parse().expect("a port");
    let place = [host.as_bytes(), &real.to_be_bytes()].concat();
    let found = answer.windows(place.len()).position(|window| window == place).expect("it says where it is");
    answer[found + host.len()..found + place.len()].copy_from_slice(&u32::from(port).to_be_bytes());
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
