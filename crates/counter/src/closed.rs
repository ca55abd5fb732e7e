//! What is answered before there is a log: that it lives, the pages, and to come again.

use std::{convert::Infallible, io, sync::Arc};

use ::order::Millis;
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{Method, Request};
use hyper::body::Incoming;

use crate::{
    brief::{self, Answers},
    clock,
    http::{lives, no_log, without_log},
    problem::Problem,
    tls::Tls,
};

/// Answers for as long as it is polled.
pub(crate) async fn turn_away(
    listener: std::net::TcpListener,
    tls: Option<&Arc<Tls>>,
    version: &str,
    demo: bool,
) -> io::Result<Infallible> {
    let closed = Closed { version: version.to_owned(), since: clock::now(), demo };
    brief::serve(listener, tls, closed).await
}

struct Closed {
    version: String,
    since: Millis,
    demo: bool,
}

impl Answers for Closed {
    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        match request.uri().path() {
            "/livez" => self.lives(),
            "/readyz" => no_log(self.since),
            _ if !matches!(*request.method(), Method::GET | Method::HEAD) => {
                Problem::starting().into_response()
            }
            _ => without_log(self.demo, request.uri(), request.headers())
                .unwrap_or_else(|| Problem::starting().into_response()),
        }
    }

    fn lives(&self) -> Response<Body> {
        lives(&self.version, self.since)
    }
}
