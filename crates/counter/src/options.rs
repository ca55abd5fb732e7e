//! What can be set.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use prometheus_client::registry::Registry;
use shop::Shop;
use tokio::sync::watch;
use traces::Tracer;

use crate::{clock::Clock, printing::PrinterPatience, proxies::TrustedProxies, tls::Tls};

/// What can be set. `Default` is what the contract promises.
#[derive(Debug)]
pub struct Options {
    /// Where to listen. Port 0: any free one.
    pub listen: SocketAddr,
    /// Speak TLS there, and nothing else.
    pub tls: Option<Arc<Tls>>,
    /// No more orders than this are open; more are refused as `queue_full`.
    pub max_open: usize,
    /// The live orders, ready ones too, weigh no more than this together, in bytes ([`order::Order::weight`]);
    /// more are refused as `queue_full`. One order may bring along 60 KiB of its own.
    pub max_open_bytes: usize,
    /// No more streams than this are open. Connections without one have room beside them:
    /// [`Options::max_connections`].
    pub max_streams: usize,
    /// No more streams than this are open from one address. Loopback is not counted, unless a proxy there names the
    /// address.
    pub max_streams_per_address: usize,
    /// Connections beside the streams: orders are taken, and `/readyz` answers, however many pages are open.
    pub spare_connections: usize,
    /// The same for one address.
    pub spare_connections_per_address: usize,
    /// No more orders than this are taken from one address in a minute with `POST /orders`, staff's not counted. Loopback
    /// is not counted, unless a proxy there names the address.
    pub orders_per_minute: u32,
    /// The same for one device, as the page there names it.
    pub orders_per_minute_of_device: u32,
    /// Proxies on other machines that are believed when they name an address, as those on this one are. Their own
    /// connections are bounded in all alone.
    pub trusted_proxies: TrustedProxies,
    /// How long an order or a command may take to be answered.
    pub deadline: Duration,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// How long a request's head may take to arrive, and a connection may be idle. A tenth of it where half of the
    /// places for connections are taken that streams leave.
    pub head_timeout: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub write_timeout: Duration,
    /// How often a stream says that it is alive.
    pub heartbeat: Duration,
    /// How long a stop waits for those who are being answered.
    pub grace: Duration,
    /// Menu and settings, as they are now. `None`: there is no menu, and items are what clients say they are.
    pub shop: Option<watch::Receiver<Arc<Shop>>>,
    /// How long the shop's printer is waited for, where it has one.
    pub printer_patience: PrinterPatience,
    /// What tells the ledger when a business day is over. How old things are is told by the machine's clock.
    pub ledger_clock: Clock,
    /// Make a new staff token; the old one is void.
    pub reset_staff_token: bool,
    /// All of it is practice: `GET /shop` and every page say so.
    pub demo: bool,
    /// Make a code that signs in one device as a manager, also where some are signed in.
    pub sign_in_link: bool,
    /// Where `/metrics` come from; whoever wires the parts may have registered others' before.
    pub registry: Registry,
    /// Takes spans of what is done here.
    pub tracer: Tracer,
    /// Who this is: `ce_source` of every order.
    pub source: String,
    /// The program's version, for `/livez`.
    pub version: String,
}

impl Options {
    /// Streams, if nothing else is said.
    pub const MAX_STREAMS: usize = 20_000;
    /// Streams of one address, if nothing else is said.
    pub const MAX_STREAMS_PER_ADDRESS: usize = 512;
    /// Orders of one address in a minute, if nothing else is said: a whole café is behind one.
    pub const ORDERS_PER_MINUTE: u32 = 120;

    /// No more connections than this are open; more wait to be accepted.
    pub fn max_connections(&self) -> usize {
        self.max_streams.saturating_add(self.spare_connections)
    }

    /// No more connections than this are open from one address, but from proxies that are believed; more are closed.
    pub fn max_connections_per_address(&self) -> usize {
        self.max_streams_per_address.saturating_add(self.spare_connections_per_address)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            tls: None,
            max_open: 2_000_000,
            max_open_bytes: 512 * 1024 * 1024,
            max_streams: Self::MAX_STREAMS,
            max_streams_per_address: Self::MAX_STREAMS_PER_ADDRESS,
            spare_connections: 4_096,
            spare_connections_per_address: 512,
            orders_per_minute: Self::ORDERS_PER_MINUTE,
            orders_per_minute_of_device: 10,
            trusted_proxies: TrustedProxies::default(),
            deadline: Duration::from_secs(5),
            max_body_bytes: 64 * 1024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            grace: Duration::from_secs(3),
            shop: None,
            printer_patience: PrinterPatience::default(),
            ledger_clock: Clock::default(),
            reset_staff_token: false,
            demo: false,
            sign_in_link: false,
            registry: Registry::default(),
            tracer: Tracer::default(),
            source: "/brewline/counter".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_never_take_the_last_connection() {
        for max_streams in [1, Options::MAX_STREAMS, 1_000_000] {
            let options = Options { max_streams, max_streams_per_address: max_streams, ..Options::default() };
            assert!(options.max_connections() > max_streams);
            assert!(options.max_connections_per_address() > max_streams);
        }
    }
}
