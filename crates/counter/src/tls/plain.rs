//! What is answered to those who speak plain HTTP to a port with TLS, as browsers do to an address that was typed
//! without https: the same address with it. Beside that only whether the process lives and is ready, for whoever looks what
//! has the port: what is said there anyone reads along.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header, uri::Authority};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::{
    http::guard,
    problem::{Code, Problem},
    stall::Impatient,
};

/// How much of a body is read, and thrown away, and for how long.
const BODY_BYTES: usize = 128 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// One answer; then the connection ends. `probe` is what paths for machines say, `http` bounds how long the head may take.
pub(crate) async fn answer_plain(
    mut http: http1::Builder,
    stream: Impatient,
    probe: impl Fn(&str) -> Option<Response>,
) -> hyper::Result<()> {
    http.keep_alive(false);
    let service = service_fn(|request: Request<Incoming>| {
        let probed = (request.method() == Method::GET).then(|| probe(request.uri().path())).flatten();
        let mut answer = probed.unwrap_or_else(|| answer(&request));
        guard(&mut answer);
        async {
            read_off(request.into_body()).await;
            Ok::<_, Infallible>(answer)
        }
    });
    http.serve_connection(TokioIo::new(stream), service).await
}

/// Who is still sending when the connection ends may hear of that end alone, and not of the answer.
async fn read_off(mut body: Incoming) {
    let reading = async {
        let mut left = BODY_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    // Who takes longer has no claim to hear it.
    let _ = timeout(BODY_TIMEOUT, reading).await;
}

fn answer<B>(request: &Request<B>) -> Response {
    let may_follow = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(location) = location(request).filter(|_| may_follow) else {
        let detail = "This port speaks TLS: say https instead of http. What was sent was not looked at.";
        return Problem::new(Code::HttpsOnly, detail).into_response();
    };
    let mut response = Response::new(Body::empty());
    // Not for ever: a shop may go back to plain HTTP.
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

fn location<B>(request: &Request<B>) -> Option<HeaderValue> {
    let host: Authority = request.headers().get(header::HOST)?.to_str().ok()?.parse().ok()?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let is_plain = !host.host().is_empty() && !host.as_str().contains('@') && path.starts_with('/');
    HeaderValue::try_from(format!("https://{host}{path}")).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(method: &str, host: Option<&str>, uri: &str) -> (u16, Option<String>) {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let response = answer(&request.body(()).unwrap());
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), location)
    }

    #[test]
    fn a_page_that_was_asked_for_without_https_is_found_with_it() {
        let to = |url: &str| (307, Some(url.to_owned()));
        assert_eq!(answered("GET", Some("cafe.example"), "/"), to("https://cafe.example/"));
        assert_eq!(
            answered("HEAD", Some("192.168.1.5:8443"), "/o/a?b=c"),
            to("https://192.168.1.5:8443/o/a?b=c")
        );
        for (method, host, uri) in [
            ("POST", Some("cafe.example"), "/orders"),
            ("GET", None, "/"),
            ("GET", Some("me@cafe.example"), "/"),
            ("GET", Some("no host"), "/"),
            ("OPTIONS", Some("cafe.example"), "*"),
            ("GET", Some(""), "/"),
        ] {
            assert_eq!(answered(method, host, uri), (400, None), "{method} {host:?} {uri}");
        }
    }
}
