//! `/livez`, `/readyz` and `/metrics` of a process that is no counter, on a port of their own.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use ::order::Millis;
use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, Request, header};
use hyper::body::Incoming;
use prometheus_client::{encoding::text, registry::Registry};

use crate::{
    brief::{self, Answers},
    clock,
    error::BindError,
    http::{Missing, lives, openmetrics, readiness},
    problem::{Code, Problem},
    server,
};

/// How long whoever asks may acknowledge nothing.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// A port for machines: whether the process lives, whether it does what it is there for, and Prometheus text.
#[derive(Debug)]
pub struct Probes {
    listener: std::net::TcpListener,
    address: SocketAddr,
}

impl Probes {
    /// Takes the address. Port 0: any free one.
    pub fn bind(listen: SocketAddr) -> Result<Self, BindError> {
        let listener = server::bind(listen, WRITE_TIMEOUT)?;
        let address = listener.local_addr().map_err(|error| BindError::new(listen, error))?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers for as long as it is polled, plain HTTP: what is registered, and what is `missing` at the moment.
    pub async fn run(
        self,
        version: &str,
        registry: Registry,
        missing: impl Fn(Millis) -> Vec<Missing> + Send + Sync + 'static,
    ) -> io::Result<Infallible> {
        let asked = Asked { version: version.to_owned(), since: clock::now(), registry, missing };
        brief::serve(self.listener, None, asked).await
    }
}

struct Asked<M> {
    version: String,
    since: Millis,
    registry: Registry,
    missing: M,
}

impl<M: Fn(Millis) -> Vec<Missing> + Send + Sync + 'static> Answers for Asked<M> {
    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let problem = Problem::new(Code::MethodNotAllowed, "This port only answers GET and HEAD.");
            return problem.header(header::ALLOW, HeaderValue::from_static("GET, HEAD")).into_response();
        }
        match request.uri().path() {
            "/metrics" => {
                let mut all = String::with_capacity(16 * 1024);
                openmetrics(text::encode(&mut all, &self.registry).map(|()| all))
            }
            path => self.probe(path).unwrap_or_else(|| {
                let detail = "This port has /livez, /readyz and /metrics; orders are taken by a counter.";
                Problem::new(Code::NotFound, detail).into_response()
            }),
        }
    }

    fn probe(&self, path: &str) -> Option<Response<Body>> {
        match path {
            "/livez" => Some(lives(&self.version, self.since)),
            "/readyz" => {
                let now = clock::now();
                Some(readiness(now, (self.missing)(now)))
            }
            _ => None,
        }
    }
}
