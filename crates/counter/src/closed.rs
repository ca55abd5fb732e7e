//! What is answered before there is a log: that it lives, the pages, and to come again.

use std::{convert::Infallible, io};

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
    http::{Reached, lives, no_log, without_log},
    options::Options,
    problem::Problem,
    public::PublicUrl,
};

/// Answers for as long as it is polled.
pub(crate) async fn turn_away(
    listener: std::net::TcpListener,
    options: &Options,
    public_url: Option<PublicUrl>,
) -> io::Result<Infallible> {
    let Options { tls, version, demo, .. } = options;
    let (version, since) = (version.clone(), clock::now());
    let closed = Closed { version, since, demo: *demo, tls: tls.is_some(), public_url };
    brief::serve(listener, tls.as_ref(), closed).await
}

struct Closed {
    version: String,
    since: Millis,
    demo: bool,
    tls: bool,
    public_url: Option<PublicUrl>,
}

impl Answers for Closed {
    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        if let Some(probe) = self.probe(request.uri().path()) {
            return probe;
        }
        let reached = Reached { tls: self.tls, public_url: self.public_url.as_ref() };
        let may_look = matches!(*request.method(), Method::GET | Method::HEAD);
        let shown =
            may_look.then(|| without_log(self.demo, reached, request.uri(), request.headers())).flatten();
        shown.unwrap_or_else(|| Problem::starting().into_response())
    }

    fn probe(&self, path: &str) -> Option<Response<Body>> {
        match path {
            "/livez" => Some(lives(&self.version, self.since)),
            "/readyz" => Some(no_log(self.since)),
            _ => None,
        }
    }
}
