//! The counter: takes orders over HTTP, and shows what became of them. All it knows it reads from the log.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Options`], [`Counter`] | what can be set; bind, then run until told to stop |
//! | [`view`] | the log folded: [`view::View`] is pure, [`view::Views`] is shared by threads |
//! | `http` | the contract's requests, one file each kind |
//! | [`problem`] | every refusal, each with a code that `docs/errors.md` explains |
//! | `app` | what all requests share |
//! | `audit` | the ledger, counted from the log by a thread of its own |
//! | `closed` | what is answered before there is a log |
//! | [`Probes`] | `/livez`, `/readyz` and `/metrics` of a process that is no counter |
//! | `brief` | what those two are answered with |
//! | `server`, `stall`, `seats` | connections: accepted, bounded, seen off |
//! | [`PublicUrl`] | where phones find it |
//! | [`Tls`] | TLS on its own port, by two files that are read again when they change |
//! | [`Watched`] | when files that change are worth reading again |
//! | [`TrustedProxies`] | whose word on where a request comes from is taken |
//! | `peer`, `rates` | where a request comes from; how often one may order |
//! | `offer` | menu and settings, and whether orders are taken |
//! | `printing` | tickets and slips on a receipt printer |
//! | `claims` | the line's secret and the staff token, settled through the log |
//! | `access` | who asks, and what they may do |
//! | `openapi` | what is served, as an `OpenAPI` document, with the feature `schema` |
//! | `shop_state` | what stands in `shop.state`, with the feature `schema` |
//! | `steps` | what it does for an order, as spans of its trace |
//! | `say` | what this counter says of the shop |
//! | `idempotency`, `metrics` | one idea each |

mod access;
mod app;
mod audit;
mod brief;
mod claims;
mod clock;
mod closed;
mod doubts;
mod error;
mod http;
mod idempotency;
mod metrics;
mod offer;
#[cfg(feature = "schema")]
pub mod openapi;
mod options;
mod peer;
mod printing;
mod probes;
pub mod problem;
mod proxies;
mod public;
mod rates;
mod say;
mod seats;
mod server;
#[cfg(feature = "schema")]
pub mod shop_state;
mod stall;
mod steps;
mod tls;
pub mod view;
mod watched;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use eventlog::{FollowError, Log, OpenError};
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    audit::Auditor,
    claims::Claims,
    http::Screens,
    offer::Menus,
    server::Server,
    view::{Runner, Trouble, Views},
};
pub use crate::{
    audit::{BeginError, PastError, ledger_of},
    clock::Clock,
    error::{BindError, CounterError},
    http::Missing,
    options::Options,
    printing::{PrinterPatience, State as PrinterState, printer_state},
    probes::Probes,
    proxies::{BadProxies, TrustedProxies},
    public::{BadPublicUrl, PublicUrl, Reach},
    tls::{Tls, TlsError, TlsFiles},
    watched::{Due, Watched},
};

/// A counter that has its address, and does not serve yet.
#[derive(Debug)]
pub struct Counter {
    options: Options,
    listener: std::net::TcpListener,
    address: SocketAddr,
    public_url: Option<PublicUrl>,
    views: Views,
    started: oneshot::Sender<Started>,
}

/// What is known once a counter has read the log and settled its claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// A staff token that was made just now. It is shown once; only its hash is kept.
    pub staff_token: Option<String>,
    /// A code that signs in one device as a manager, if none is signed in or it was asked for: the end of a link,
    /// `/sign-in#CODE`. It is good for a day.
    pub sign_in_code: Option<String>,
}

impl Counter {
    /// Takes the address. What it returns beside the counter resolves once that has caught up with the log.
    pub fn bind(options: Options) -> Result<(Self, oneshot::Receiver<Started>), BindError> {
        let listener = server::bind(options.listen, options.write_timeout)?;
        let address = listener.local_addr().map_err(|error| BindError::new(options.listen, error))?;
        let mut boot = [0; view::BOOT_ID_LEN / 2];
        // Without randomness two runs have one name, and a screen may miss a change after a restart.
        let _ = getrandom::fill(&mut boot);
        let (started, start) = oneshot::channel();
        let views = Views::new(view::to_hex(&boot));
        Ok((Self { options, listener, address, public_url: None, views, started }, start))
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Phones find it there; `None`: they don't.
    #[must_use]
    pub fn found_at(mut self, url: Option<PublicUrl>) -> Self {
        self.public_url = url;
        self
    }

    /// A handle on its view.
    pub fn views(&self) -> Views {
        self.views.clone()
    }

    /// Answers, for as long as it is polled, that it lives and can't take orders yet: for whoever has no log to run
    /// on so far.
    pub async fn turn_away(&self) -> io::Result<Infallible> {
        closed::turn_away(self.listener.try_clone()?, &self.options, self.public_url.clone()).await
    }

    /// Serves until `stop`, or until it can't read the log any more: then streams end first, and what is being
    /// answered gets its answer.
    pub async fn run(self, log: Arc<dyn Log>, stop: CancellationToken) -> Result<(), CounterError> {
        let Self { mut options, listener, address, public_url, views, started } = self;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // A stop of this run, also when it ends by itself.
        let closing = stop.child_token();
        let _close = closing.clone().drop_guard();
        let runner = Runner {
            views: views.clone(),
            log: Arc::clone(&log),
            stop: closing.clone(),
            runtime: Handle::current(),
        };
        let (end, mut ended) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || drop(end.send(runner.run())))?; // nobody waits when this run is dropped

        let claims = Claims {
            reset_staff_token: options.reset_staff_token,
            sign_in_link: options.sign_in_link,
            address,
            started,
        };
        let (max_connections, head_timeout) = (options.max_connections(), options.head_timeout);
        let (write_timeout, grace) = (options.write_timeout, options.grace);
        let tls = options.tls.clone();
        let renewing = tls.clone().map(|tls| tokio::spawn(tls.keep_fresh()));
        options.max_open = options.max_open.max(1);
        if let Some(tls) = tls.clone() {
            options.registry.register_collector(Box::new(tls::Expiry(tls)));
        }
        let app = Arc::new(App::new(options, address, public_url, log, views, closing.clone()));
        let auditor = Auditor::new(Arc::clone(&app), Handle::current());
        let counting = std::thread::Builder::new().name("audit".to_owned()).spawn(move || auditor.run())?;
        let claims = tokio::spawn(claims.settle(Arc::clone(&app)));
        let menus = tokio::spawn(Menus(Arc::clone(&app)).run());
        let printing = tokio::spawn(printing::Run::new(Arc::clone(&app)).run());
        let screens = tokio::spawn(Screens(Arc::clone(&app)).run());
        let server = Server { app, listener, tls, max_connections, head_timeout, write_timeout, grace }.run();
        tokio::pin!(server);
        let early = tokio::select! {
            () = &mut server => None,
            ended = &mut ended => {
                // Without its view a counter would show the past as the present.
                closing.cancel();
                server.await;
                Some(ended)
            }
        };
        claims.abort();
        printing.abort();
        screens.abort();
        if let Some(renewing) = renewing {
            renewing.abort();
        }
        menus.abort();
        // The thread sees the stop within one poll.
        let ended = match early {
            Some(ended) => ended,
            None => ended.await,
        };
        // It has nothing left to do, or has panicked and said so on stderr.
        let _ = thread.join();
        let _ = counting.join();
        match ended {
            Ok(result) => result.map_err(|trouble| match trouble {
                Trouble::Open(OpenError::Broken(why)) | Trouble::Follow(FollowError::Broken(why)) => {
                    CounterError::Broken(why)
                }
                trouble => CounterError::View(trouble.to_string()),
            }),
            // A panic in the fold is a bug of ours: it must not pass for a clean stop.
            Err(_) => Err(CounterError::View("the thread that reads it has failed".to_owned())),
        }
    }
}
