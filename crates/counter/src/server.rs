//! The connections: accepted, bounded, served, and seen off.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::MatchedPath, response::Response};
use http::Request;
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::App,
    error::BindError,
    http::{Client, guard, place, probe, router},
    metrics::asks_for_an_order,
    peer,
    problem::Code,
    stall::{self, Impatient},
    steps::Asking,
    tls::{Accepted, Tls, answer_plain},
};

/// Connections that wait to be accepted. With the default, 512 at once see tails of a second.
const BACKLOG: i32 = 4_096;
/// What a request's line and headers may have together, in bytes; hyper's buffers grow up to it.
const HEAD_BYTES: usize = 16 * 1024;
/// The hot path, which goes past the routes.
const ORDER: &str = "/order";
/// Headers of one request.
const HEADERS: usize = 64;
/// Where places are scarce a head has this part of its time.
const HURRY: u32 = 10;
/// How long to wait when the system has no room for another connection: it will not have it at once.
const NO_ROOM: Duration = Duration::from_millis(50);
/// Who closes makes room for one; only when it has lasted this long is there room again.
const ROOM_AGAIN: Duration = Duration::from_secs(1);

/// Binds before anything works, so that a port that is taken is said at once. Connections to a client that
/// acknowledges nothing for `write_timeout` are given up.
pub(crate) fn bind(address: SocketAddr, write_timeout: Duration) -> Result<std::net::TcpListener, BindError> {
    let bind = || -> io::Result<std::net::TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A restart must not wait for connections of the last run; on Windows this would steal ports.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        stall::notice_the_gone(&socket, write_timeout)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    bind().map_err(|error| BindError::new(address, error))
}

/// How HTTP is spoken to anyone: heads so large, so slow, and no more.
pub(crate) fn http(head_timeout: Duration) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        // Some send their request and close their side: they still get the answer.
        .half_close(true);
    http
}

/// What connections need.
pub(crate) struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) max_connections: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) grace: Duration,
}

impl Server {
    /// Serves until the counter closes; then streams end, and what is being answered gets its answer, within
    /// the grace.
    pub(crate) async fn run(self) {
        let Self { app, listener, tls, max_connections, head_timeout, write_timeout, grace } = self;
        let service =
            Front { router: TowerToHyperService::new(router(Arc::clone(&app))), app: Arc::clone(&app) };
        let room = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
        let connections = TaskTracker::new();
        let cut = CancellationToken::new();
        let http = http(head_timeout);
        let mut shortage = Shortage::default();
        loop {
            let accept = async {
                let place = Arc::clone(&room).acquire_owned().await.expect("nobody closes this semaphore");
                (listener.accept().await, place)
            };
            let (accepted, place) = tokio::select! {
                biased;
                () = app.closing.cancelled() => break,
                accepted = accept => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => {
                    if shortage.is_over(Instant::now) {
                        tracing::info!("connections are accepted again");
                    }
                    accepted
                }
                Err(error) => {
                    // A connection that was gone before it was accepted is nobody's trouble.
                    if !is_gone(&error) {
                        if shortage.begins(Instant::now()) {
                            tracing::warn!(%error, "no connection can be accepted; trying again until one can");
                        }
                        sleep(NO_ROOM).await;
                    }
                    continue;
                }
            };
            // Without it small answers wait for the client's acknowledgement.
            let _ = stream.set_nodelay(true);
            // Else one address could take them all. Closed without an answer: it has plenty of others.
            let Ok(counted) = app.places.take_as(peer::of_connection(peer.ip(), &app.proxies)) else {
                app.metrics.connections_refused.inc();
                continue;
            };
            // Whoever floods it with connections that say nothing would keep everyone out for as long as those may last. A
            // stream has said all that it will, and a full shop has many.
            let patience =
                if app.places.are_scarce(app.seats.taken()) { head_timeout / HURRY } else { head_timeout };
            let mut http = http.clone();
            http.header_read_timeout(patience);
            let connection = Connection { front: service.clone(), http, client: peer.ip() };
            let connection = connection.run(stream, tls.clone(), patience, write_timeout);
            let cut = cut.clone();
            connections.spawn(async move {
                cut.run_until_cancelled(connection).await;
                drop((place, counted));
            });
        }
        drop(listener);
        connections.close();
        if timeout(grace, connections.wait()).await.is_err() {
            tracing::warn!(left = connections.len(), "connections did not end in time; they are cut");
            cut.cancel();
            connections.wait().await;
        }
    }
}

/// The system has no room for connections: said when it begins and when it is over, not twenty times a second.
#[derive(Debug, Default)]
struct Shortage {
    /// When it was felt last.
    felt: Option<Instant>,
}

impl Shortage {
    /// No connection could be accepted; true if that is new.
    fn begins(&mut self, now: Instant) -> bool {
        self.felt.replace(now).is_none()
    }

    /// A connection was accepted; true if that ends it.
    fn is_over(&mut self, now: impl FnOnce() -> Instant) -> bool {
        let over = self.felt.is_some_and(|felt| now().saturating_duration_since(felt) >= ROOM_AGAIN);
        if over {
            self.felt = None;
        }
        over
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted)
}

/// One connection, and whose it is.
struct Connection {
    front: Front,
    http: http1::Builder,
    client: IpAddr,
}

impl Connection {
    async fn run(
        self,
        stream: TcpStream,
        tls: Option<Arc<Tls>>,
        head_timeout: Duration,
        write_timeout: Duration,
    ) {
        let Some(tls) = tls else { return self.serve(Impatient::new(stream, write_timeout)).await };
        // Boxed: plain connections must not hold the place that these need.
        Box::pin(self.shake_hands(stream, tls, head_timeout, write_timeout)).await;
    }

    /// The handshake has as long as a request's head.
    async fn shake_hands(
        self,
        stream: TcpStream,
        tls: Arc<Tls>,
        head_timeout: Duration,
        write_timeout: Duration,
    ) {
        let deadline = Instant::now() + head_timeout;
        let accepting = tls.accept(stream, write_timeout, deadline);
        let Some(accepted) = self.front.app.closing.run_until_cancelled(accepting).await else { return };
        match accepted {
            Ok(Accepted::Tls(stream)) => self.serve(stream).await,
            Ok(Accepted::Plain(stream)) => {
                if let Err(error) = answer_plain(self.http, stream, |path| probe(&self.front.app, path)).await
                {
                    tracing::debug!(%error, "a connection without TLS ended");
                }
            }
            // The client's doing: it went, it was too slow, or it does not trust the certificate.
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { front, http, client } = self;
        let app = Arc::clone(&front.app);
        let service = service_fn(|request| front.answer(client, request));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = app.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // The client's doing: it went, it was too slow, or it did not speak HTTP.
            tracing::debug!(%error, "a connection ended");
        }
    }
}

/// Where every request comes in.
#[derive(Clone)]
struct Front {
    app: Arc<App>,
    router: TowerToHyperService<Router>,
}

impl Front {
    async fn answer(
        &self,
        client: IpAddr,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        self.app.metrics.requests.inc();
        let asked_at = asks_for_an_order(&request).then(Instant::now);
        let (asking, trace) = if is_of_a_probe(request.uri().path()) {
            (None, None)
        } else {
            Asking::begin(&self.app.tracer, request.method(), request.headers())
        };
        let is_order = request.uri().path() == ORDER;
        let mut response = if is_order {
            place(&self.app, request, trace).await
        } else {
            if let Some(trace) = trace {
                request.extensions_mut().insert(trace);
            }
            let client = Client(peer::address(client, request.headers(), &self.app.proxies));
            request.extensions_mut().insert(client);
            // Boxed: an idle connection must not hold the place of the largest handler.
            let routed = Box::pin(self.router.call(request));
            match routed.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
        let code = response.extensions().get::<Code>().copied();
        if let Some(code) = code {
            self.app.metrics.refused(code);
        }
        if let Some(asked_at) = asked_at {
            self.app.metrics.order_asked(code, response.status(), asked_at.elapsed());
        }
        if let Some(asking) = asking {
            let routed = response.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
            let status = response.status().as_u16();
            let problem = code.map(Code::name);
            asking.done(
                &self.app.tracer,
                routed.or(is_order.then_some(ORDER)),
                self.app.settings.tls,
                status,
                problem,
            );
        }
        guard(&mut response);
        Ok(response)
    }
}

/// Whoever looks whether the counter lives does so all day, and is on no order's way.
fn is_of_a_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/metrics")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_of_files_is_said_when_it_begins_and_when_it_is_over() {
        let (mut shortage, began) = (Shortage::default(), Instant::now());
        let at = |ms| began + Duration::from_millis(ms);
        assert!(!shortage.is_over(|| panic!("without a shortage nobody asks for the time")));
        assert!(shortage.begins(at(0)));
        assert!(!shortage.begins(at(50)));
        assert!(!shortage.is_over(|| at(60)), "one closed, and one came");
        assert!(!shortage.begins(at(110)));
        assert!(shortage.is_over(|| at(1_110)));
        assert!(!shortage.is_over(|| at(1_120)), "said already");
        assert!(shortage.begins(at(9_000)));
    }
}
