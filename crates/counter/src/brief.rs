//! A server for answers that need nothing but a request's first line and headers: each connection gets one, and is closed.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use crate::{
    http::guard,
    server,
    tls::{Accepted, Tls, answer_plain},
};

/// Connections at once; each gets one answer and is closed.
const CONNECTIONS: usize = 256;
/// How long one may take in all.
const WITHIN: Duration = Duration::from_secs(10);
/// How long to wait when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(50);

/// What is answered.
pub(crate) trait Answers: Send + Sync + 'static {
    /// The answer to a request.
    fn answer(&self, request: &Request<Incoming>) -> Response<Body>;
    /// What `GET /livez` and `GET /readyz` are answered, also in plain HTTP on a port that speaks TLS; `None`: it is
    /// another path.
    fn probe(&self, path: &str) -> Option<Response<Body>>;
}

/// Answers for as long as it is polled.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    tls: Option<&Arc<Tls>>,
    answers: impl Answers,
) -> io::Result<Infallible> {
    let listener = TcpListener::from_std(listener)?;
    let (room, answers) = (Arc::new(Semaphore::new(CONNECTIONS)), Arc::new(answers));
    let mut http = server::http(WITHIN);
    http.keep_alive(false);
    loop {
        let place = Arc::clone(&room).acquire_owned().await.expect("nobody closes this semaphore");
        let Ok((stream, _)) = listener.accept().await else {
            sleep(NO_ROOM).await;
            continue;
        };
        let (answers, http, tls) = (Arc::clone(&answers), http.clone(), tls.cloned());
        tokio::spawn(async move {
            // Whoever is too slow, or speaks no HTTP, gets no answer.
            let _ = timeout(WITHIN, answer(stream, tls, http, answers)).await;
            drop(place);
        });
    }
}

async fn answer(stream: TcpStream, tls: Option<Arc<Tls>>, http: http1::Builder, answers: Arc<impl Answers>) {
    let service = service_fn(|request| {
        let mut answer = answers.answer(&request);
        guard(&mut answer);
        async { Ok::<_, Infallible>(answer) }
    });
    let _ = match tls {
        None => http.serve_connection(TokioIo::new(stream), service).await,
        Some(tls) => match tls.accept(stream, WITHIN, Instant::now() + WITHIN).await {
            Ok(Accepted::Tls(stream)) => http.serve_connection(TokioIo::new(stream), service).await,
            Ok(Accepted::Plain(stream)) => answer_plain(http, stream, |path| answers.probe(path)).await,
            Err(_) => Ok(()),
        },
    };
}
