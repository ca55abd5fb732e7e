//! One request to the collector, with bounds on its time and on its answer.

use std::{error::Error, sync::Arc, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::timeout;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::{CollectorAddress, Headers};

/// A request takes no longer: what OpenTelemetry's exporters wait by default.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer has no more, in bytes.
const ANSWER_BYTES: usize = 64 * 1024;

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The collector took it, but for so many spans.
    Taken { rejected: u64, why: String },
    /// It never will.
    Refused(String),
    /// It may, later.
    Again { why: String, after: Option<Duration> },
}

/// A collector, over connections that are used again.
#[derive(Debug)]
pub(super) struct Collector {
    address: CollectorAddress,
    headers: Headers,
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Collector {
    pub(super) fn at(address: &CollectorAddress, headers: &Headers) -> anyhow::Result<Self> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has both versions");
        let config = if address.is_secure() {
            config.with_native_roots().with_context(|| {
                format!("this system has no certificates that it trusts, which {address} needs")
            })?
        } else {
            // Nobody's certificate is asked for.
            config.with_root_certificates(RootCertStore::empty())
        };
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(TIMEOUT));
        connector.set_nodelay(true);
        let tls = HttpsConnectorBuilder::new().with_tls_config(config.with_no_client_auth());
        let http = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(1)
            .build(tls.https_or_http().enable_http1().wrap_connector(connector));
        Ok(Self { address: address.clone(), headers: headers.clone(), http })
    }

    pub(super) fn address(&self) -> &CollectorAddress {
        &self.address
    }

    /// Sends these spans, once.
    pub(super) async fn post(&self, body: Bytes) -> Outcome {
        let again = |why: String| Outcome::Again { why, after: None };
        match timeout(TIMEOUT, self.ask(body)).await {
            Ok(Ok((status, headers, body))) => judge(status, &headers, &body),
            Ok(Err(why)) => again(why),
            Err(_) => again(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }

    async fn ask(&self, body: Bytes) -> Result<(StatusCode, HeaderMap, Bytes), String> {
        let mut request = Request::post(self.address.uri())
            .header(header::USER_AGENT, concat!("brewline/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/x-protobuf");
        for (name, value) in &self.headers.0 {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|error| error.to_string())?;
        let response = self.http.request(request).await.map_err(|error| root_cause(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await.map_err(|error| root_cause(&*error))?;
        Ok((head.status, head.headers, body.to_bytes()))
    }
}

/// What an answer means. Source: OTLP 1.x, section "OTLP/HTTP response".
fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Outcome {
    if status.is_success() {
        let (rejected, why) = traces::rejected(body);
        return Outcome::Taken { rejected, why };
    }
    let why = format!("the answer was {status}");
    let is_passing = matches!(status.as_u16(), 429 | 502 | 503 | 504);
    if !is_passing {
        return Outcome::Refused(why);
    }
    let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Outcome::Again { why, after: after.map(Duration::from_secs) }
}

/// The innermost cause says it best: "Connection refused" instead of "client error (Connect)".
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let judge = |status: u16, after: Option<&'static str>| {
            let headers = after.map(|after| (header::RETRY_AFTER, after.parse().unwrap()));
            judge(StatusCode::from_u16(status).unwrap(), &headers.into_iter().collect(), b"")
        };
        for status in [200, 202] {
            assert_eq!(judge(status, None), Outcome::Taken { rejected: 0, why: String::new() });
        }
        for status in [301, 400, 401, 404, 413, 500] {
            assert!(matches!(judge(status, None), Outcome::Refused(_)), "{status}");
        }
        for status in [429, 502, 503, 504] {
            assert!(matches!(judge(status, None), Outcome::Again { after: None, .. }), "{status}");
        }
        let after = |text| match judge(503, Some(text)) {
            Outcome::Again { after, .. } => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Thu, 26 Nov 2026 15:00:00 GMT"), None);
    }
}
