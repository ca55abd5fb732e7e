//! Looks for partitions that are new and topics that are gone, and so finds out whether brokers are there.
//!
//! While none answers, librdkafka spends most of a core on waiting for its answer (measured: 0.7 of one). So a
//! connection is tried first, which costs nothing, and only where somebody takes it a look is worth its price.

use std::{
    io,
    net::TcpStream,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{LOOK_EVERY, LOOK_UP, address, bell::Bell, ears::hear, publish::Publisher, shared::Shared};

/// After a look that nobody answered, how often a connection is tried.
const KNOCK_EVERY: Duration = Duration::from_secs(1);
/// How long each try may take, and all of one round together.
const KNOCK_WITHIN: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(1));
/// How long between two looks that nobody answers where connections are taken.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// And where none is: brokers may be there that the log was not told of.
const LOOK_ANYWAY: Duration = Duration::from_secs(30);
/// How long its end is waited for. A look takes less; only to find an address by its name may take longer.
const END_WITHIN: Duration = Duration::from_secs(2);

/// The thread that looks, until the log is closed.
pub(super) struct Lookout {
    thread: JoinHandle<()>,
    ended: Arc<Bell>,
}

impl Lookout {
    pub(super) fn start(shared: &Arc<Shared>, publisher: &Arc<Publisher>) -> io::Result<Self> {
        let (shared, publisher, ended) = (shared.clone(), publisher.clone(), Arc::new(Bell::default()));
        let bell = ended.clone();
        let thread = std::thread::Builder::new().name("kafka-lookout".to_owned()).spawn(move || {
            look_out(&shared, &publisher);
            bell.ring();
        })?;
        Ok(Self { thread, ended })
    }

    /// Waits for its end, after the log was closed.
    pub(super) fn join(self) {
        self.ended.wait_until(Instant::now() + END_WITHIN);
        if self.thread.is_finished() {
            // A thread that has panicked has said so on stderr; there is nothing to add.
            let _ = self.thread.join();
        }
    }
}

fn look_out(shared: &Shared, publisher: &Publisher) {
    let bell = shared.bell();
    let (mut answered, mut looked, mut round) = (true, Instant::now(), 0);
    loop {
        let next = if answered { looked + LOOK_EVERY } else { Instant::now() + KNOCK_EVERY };
        // The bell also rings when partitions are found.
        while !shared.is_closed() && Instant::now() < next && !(answered && shared.is_look_wanted()) {
            bell.wait_until(next.min(Instant::now() + LOOK_UP));
            hear(&shared.probe);
            publisher.look();
        }
        if shared.is_closed() {
            return;
        }
        if !answered {
            let since = looked.elapsed();
            round += 1;
            let worth_it = since >= LOOK_AGAIN && takes_connections(&shared.options.brokers, round);
            if !worth_it && since < LOOK_ANYWAY {
                continue;
            }
        }
        answered = shared.look_at_topics();
        looked = Instant::now();
    }
}

/// Whether somebody takes a connection at one of these, `host:port[,host:port]`. Each round begins with another one,
/// so that some that can't be reached do not hide the others.
fn takes_connections(brokers: &str, round: usize) -> bool {
    let brokers: Vec<_> = address::each(brokers).collect();
    let end = Instant::now() + KNOCK_WITHIN.1;
    (0..brokers.len())
        .map(|place| brokers[(place + round) % brokers.len()])
        .flat_map(address::sockets)
        .take_while(|_| Instant::now() < end)
        .any(|at| TcpStream::connect_timeout(&at, KNOCK_WITHIN.0).is_ok())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn one_broker_that_takes_connections_is_enough_wherever_it_stands() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = listener.local_addr().unwrap();
        let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for round in 0..3 {
            for brokers in
                [format!("{there}"), format!("{away},{there}"), format!("{there}, SASL_SSL://{away}")]
            {
                assert!(takes_connections(&brokers, round), "{brokers}");
            }
            for brokers in [format!("{away}"), format!("{away},{away}"), String::new(), ",".to_owned()] {
                assert!(!takes_connections(&brokers, round), "{brokers}");
            }
        }
    }
}
