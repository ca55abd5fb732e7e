//! What is answered before there is a log: that it lives, the pages, and to come again.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use ::order::Millis;
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{Method, Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use crate::{
    clock,
    http::{lives, no_log, without_log},
    problem::Problem,
    tls::{Accepted, Tls, answer_plain},
};

/// Connections at once; each gets one answer and is closed.
const CONNECTIONS: usize = 256;
/// How long one may take in all.
const WITHIN: Duration = Duration::from_secs(10);
/// How long to wait when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(50);

/// Answers for as long as it is polled.
pub(crate) async fn turn_away(
    listener: std::net::TcpListener,
    tls: Option<&Arc<Tls>>,
    version: &str,
    demo: bool,
) -> io::Result<Infallible> {
    let (listener, since) = (TcpListener::from_std(listener)?, clock::now());
    let (room, version) = (Arc::new(Semaphore::new(CONNECTIONS)), Arc::<str>::from(version));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(WITHIN).keep_alive(false);
    loop {
        let place = Arc::clone(&room).acquire_owned().await.expect("nobody closes this semaphore");
        let Ok((stream, _)) = listener.accept().await else {
            sleep(NO_ROOM).await;
            continue;
        };
        let (version, http, tls) = (Arc::clone(&version), http.clone(), tls.cloned());
        tokio::spawn(async move {
            // Whoever is too slow, or speaks no HTTP, gets no answer.
            let _ = timeout(WITHIN, answer(stream, tls, http, &version, since, demo)).await;
            drop(place);
        });
    }
}

async fn answer(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    http: http1::Builder,
    version: &str,
    since: Millis,
    demo: bool,
) {
    let service = service_fn(move |request| {
        let answer = say(&request, version, since, demo);
        async { Ok::<_, Infallible>(answer) }
    });
    let _ = match tls {
        None => http.serve_connection(TokioIo::new(stream), service).await,
        Some(tls) => match tls.accept(stream, WITHIN, Instant::now() + WITHIN).await {
            Ok(Accepted::Tls(stream)) => http.serve_connection(TokioIo::new(stream), service).await,
            Ok(Accepted::Plain(stream)) => answer_plain(http, stream, || lives(version, since)).await,
            Err(_) => Ok(()),
        },
    };
}

fn say(request: &Request<Incoming>, version: &str, since: Millis, demo: bool) -> Response<Body> {
    match request.uri().path() {
        "/livez" => lives(version, since),
        "/readyz" => no_log(since),
        _ if !matches!(*request.method(), Method::GET | Method::HEAD) => Problem::starting().into_response(),
        _ => without_log(demo, request.uri(), request.headers())
            .unwrap_or_else(|| Problem::starting().into_response()),
    }
}
