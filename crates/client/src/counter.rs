//! The counter as its customers see it: requests with bounds on time and size, and what each answer means.

use std::{error::Error, io, iter::successors, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::Deserialize;
use tokio::{
    net::TcpStream,
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    address::CounterAddress,
    options::Limits,
    sse::Events,
    trust::{Trust, mistrust},
};

/// The contract's longest order id, in bytes.
const ORDER_ID_BYTES: usize = 128;

/// Response heads, and what a stream buffers: hyper's least is 8 KiB.
const HEAD_BYTES: usize = 16 * 1024;

/// One counter, over connections that are used again.
#[derive(Debug)]
pub(crate) struct Counter {
    address: CounterAddress,
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    posts: Semaphore,
    limits: Limits,
}

/// What came of asking for an order.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is in the log.
    Accepted { order_id: String },
    /// It is not, and asking again would not help.
    Refused(Problem),
    /// Nothing is settled: ask again, with the same key.
    Again(Trouble),
}

/// Why a request settled nothing.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    /// What happened, for people.
    pub(crate) why: String,
    /// When the counter wants to be asked again.
    pub(crate) after: Option<Duration>,
    /// The same each time for the same trouble, unlike `why`.
    pub(crate) cause: String,
}

/// What is known after a request that settled nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody accepted the connection: nothing was sent.
    Unreachable,
    /// Somebody did whose certificate is not trusted: nothing was sent, and asking again would not help.
    Untrusted,
    /// The counter may have done what it was asked for. It may have named the order.
    Unclear { order_id: Option<String> },
    /// The counter has surely not done it; it may be asked again.
    Declined(Problem),
    /// The counter knows no such order, or not yet.
    NotFound,
    /// The counter will never do it.
    Never,
    /// No counter answers like that, though it may have come through all the same.
    Strange,
}

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) detail: String,
}

impl Problem {
    /// Whether it says that nobody takes orders there, and not that this one is not taken.
    pub(crate) fn is_no_counters(&self) -> bool {
        is_no_counters(self.status, self.code.as_deref())
    }

    fn cause(&self) -> String {
        self.code.clone().unwrap_or_else(|| self.status.to_string())
    }
}

/// Whether an answer is none of a counter. Whoever names a code speaks as counters do; counters without codes refuse with
/// other statuses than these.
pub(crate) fn is_no_counters(status: u16, code: Option<&str>) -> bool {
    code.is_none() && matches!(status, 300..=399 | 404 | 405 | 501)
}

impl Kind {
    /// There is no counter to speak with, so nothing was sent.
    pub(crate) fn is_unsent(&self) -> bool {
        matches!(self, Self::Unreachable | Self::Untrusted)
    }
}

impl Counter {
    pub(crate) fn new(address: CounterAddress, trust: &Trust, limits: &Limits) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(limits.contact.attempt));
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(limits.posts)
            .http1_max_buf_size(HEAD_BYTES)
            .build(trust.over(connector));
        Self { address, http, posts: Semaphore::new(limits.posts), limits: limits.clone() }
    }

    pub(crate) fn address(&self) -> &CounterAddress {
        &self.address
    }

    /// Whether somebody accepts connections there, and can be trusted if it is https.
    pub(crate) async fn knock(&self) -> Result<(), Trouble> {
        let unreachable = |why| Err(Trouble { kind: Kind::Unreachable, ..Trouble::unclear(why) });
        if self.address.is_secure() {
            let request = self.send(Request::get(self.address.at("/livez")));
            return match timeout(self.limits.contact.attempt, request).await {
                Ok(Err(trouble)) if trouble.kind.is_unsent() => Err(trouble),
                // Who it is is seen by how it answers an order.
                Ok(_) => Ok(()),
                Err(_) => unreachable("the connection timed out".into()),
            };
        }
        match timeout(self.limits.contact.attempt, TcpStream::connect(self.address.host_and_port())).await {
            Ok(Ok(_connection)) => Ok(()),
            Ok(Err(error)) => unreachable(innermost(&error)),
            Err(_) => unreachable("the connection timed out".into()),
        }
    }

    /// Waits until one more order may be on its way; it may be for as long as the permit is held.
    pub(crate) async fn turn(&self) -> SemaphorePermit<'_> {
        self.posts.acquire().await.expect("nobody closes this semaphore")
    }

    /// Asks for one order, once.
    pub(crate) async fn order(&self, amount: u32, key: &str) -> Answer {
        let request = Request::post(self.address.at(&format!("/order?amount={amount}")))
            .header("idempotency-key", key)
            .header(header::ACCEPT, "application/json");
        let attempt = async {
            let response = self.send(request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok((status, headers, self.body(response).await))
        };
        match timeout(self.limits.order.attempt, attempt).await {
            Err(_) => Answer::Again(Trouble::slow(&too_slow(self.limits.order.attempt))),
            Ok(Err(trouble)) => Answer::Again(trouble),
            Ok(Ok((status, headers, body))) => judge_order(status, &headers, body),
        }
    }

    /// Opens the event stream of an order, from after `last_event_id` on.
    pub(crate) async fn stream(
        &self,
        order_id: &str,
        last_event_id: Option<&str>,
    ) -> Result<Events, Trouble> {
        let path = format!("/orders/{}/events", path_segment(order_id));
        self.open(&path, last_event_id, |request| request).await
    }

    /// Opens the event stream at this path, from after `last_event_id` on; `dress` adds to the request.
    pub(crate) async fn open(
        &self,
        path: &str,
        last_event_id: Option<&str>,
        dress: impl FnOnce(http::request::Builder) -> http::request::Builder,
    ) -> Result<Events, Trouble> {
        let mut request =
            dress(Request::get(self.address.at(path))).header(header::ACCEPT, "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let attempt = async {
            let response = self.send(request).await?;
            if response.status() == StatusCode::OK && is_event_stream(response.headers()) {
                return Ok(Events::of(response.into_body(), self.limits.event_bytes));
            }
            let (status, headers) = (response.status(), response.headers().clone());
            Err(judge_stream(status, &headers, self.body(response).await))
        };
        let slow = |_| Err(Trouble::slow(&too_slow(self.limits.bell.attempt)));
        timeout(self.limits.bell.attempt, attempt).await.unwrap_or_else(slow)
    }

    pub(crate) async fn send(&self, request: http::request::Builder) -> Result<Response<Incoming>, Trouble> {
        self.send_with(request, Bytes::new()).await
    }

    pub(crate) async fn send_with(
        &self,
        request: http::request::Builder,
        body: Bytes,
    ) -> Result<Response<Incoming>, Trouble> {
        let request = request
            .header(header::USER_AGENT, concat!("brewline-client/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| Trouble { kind: Kind::Never, ..Trouble::unclear(error.to_string()) })?;
        self.http.request(request).await.map_err(|error| {
            if let Some(why) = mistrust(&error) {
                return Trouble { kind: Kind::Untrusted, ..Trouble::unclear(why) };
            }
            if error.is_connect() {
                return Trouble { kind: Kind::Unreachable, ..Trouble::unclear(innermost(&error)) };
            }
            let broken: Option<&hyper::Error> = error.source().and_then(|source| source.downcast_ref());
            if broken.is_some_and(hyper::Error::is_parse) {
                return Trouble { kind: Kind::Strange, ..Trouble::unclear("its answer is not HTTP".into()) };
            }
            Trouble::unclear(root_cause(&error))
        })
    }

    pub(crate) async fn body(&self, response: Response<Incoming>) -> Result<Bytes, String> {
        match Limited::new(response.into_body(), self.limits.body_bytes).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => Err(root_cause(&*error)),
        }
    }
}

impl Trouble {
    pub(crate) fn unclear(why: String) -> Self {
        Self { kind: Kind::Unclear { order_id: None }, cause: why.clone(), why, after: None }
    }

    /// No answer in time.
    pub(crate) fn slow(why: &str) -> Self {
        Self { cause: "slow".into(), ..Self::unclear(why.into()) }
    }
}

/// The body of a 202: the order; of a problem: its fields. Everything may be missing.
#[derive(Debug, Default, Deserialize)]
struct Fields {
    order_id: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    title: Option<String>,
}

impl Fields {
    fn problem(self, status: StatusCode) -> Problem {
        let detail = self.detail.or(self.title).unwrap_or_else(|| format!("the answer was {status}"));
        Problem { status: status.as_u16(), code: self.code, detail }
    }
}

fn judge_order(status: StatusCode, headers: &HeaderMap, body: Result<Bytes, String>) -> Answer {
    let fields = match body.map(|bytes| serde_json::from_slice::<Fields>(&bytes)) {
        Ok(Ok(fields)) => fields,
        // A refusal stands without its reason; an order without its id may exist.
        _ if !status.is_success() => Fields::default(),
        Ok(Err(error)) => {
            return Answer::Again(no_order(status, &format!("the answer is no order: {error}")));
        }
        Err(why) => return Answer::Again(Trouble::unclear(why)),
    };
    if status.is_success() {
        return match fields.order_id {
            Some(order_id) if (1..=ORDER_ID_BYTES).contains(&order_id.len()) => Answer::Accepted { order_id },
            _ => Answer::Again(no_order(status, "the answer has no order id")),
        };
    }
    let order_id = fields.order_id.clone();
    let problem = fields.problem(status);
    if !may_be_asked_again(status) {
        return Answer::Refused(problem);
    }
    let (why, cause) = (problem.detail.clone(), problem.cause());
    // Only the counter's own word says that nothing was written; a bare 503 may come from anything in between.
    let surely_not = matches!(problem.code.as_deref(), Some(code) if code != "outcome_unknown")
        && matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    let kind = if surely_not { Kind::Declined(problem) } else { Kind::Unclear { order_id } };
    Answer::Again(Trouble { kind, why, after: retry_after(headers), cause })
}

/// A success without an order. Counters say 202: with another status somebody else speaks.
fn no_order(status: StatusCode, why: &str) -> Trouble {
    if status == StatusCode::ACCEPTED {
        return Trouble::unclear(why.into());
    }
    Trouble { kind: Kind::Strange, ..Trouble::unclear(format!("the answer was {status}, without an order")) }
}

fn judge_stream(status: StatusCode, headers: &HeaderMap, body: Result<Bytes, String>) -> Trouble {
    let fields: Fields = body.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let kind = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Kind::NotFound,
        // A view that is catching up, or something that is no stream: it may become one.
        _ if status.is_success() || may_be_asked_again(status) => Kind::Unclear { order_id: None },
        _ => Kind::Never,
    };
    let problem = fields.problem(status);
    Trouble { kind, cause: problem.cause(), why: problem.detail, after: retry_after(headers) }
}

/// 408 and 429 are the two of the 400s that say "try again" by themselves (RFC 9110 15.5.9, RFC 6585 4); 501 and 505
/// are those of the 500s that say "never".
pub(crate) fn may_be_asked_again(status: StatusCode) -> bool {
    let is_never = matches!(status, StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    status.is_server_error() && !is_never
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// `Retry-After` in seconds. Its other form, a date, would need the counter's clock to agree with ours.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}

fn too_slow(after: Duration) -> String {
    format!("no answer within {:.0} s", after.as_secs_f64().ceil())
}

/// Why nothing more came over a connection.
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    if causes(error).any(is_cut_off) { "the connection was lost".to_owned() } else { innermost(error) }
}

/// The innermost cause says it best: "Connection refused" instead of "client error (Connect)". The system's number
/// for it says nothing to people.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let text = causes(error).last().unwrap_or(error).to_string();
    text.split_once(" (os error ").map_or(text.as_str(), |(words, _)| words).to_owned()
}

/// The error, and what it comes from.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

/// Whether the other side went away in the middle; what was being read then says nothing to people.
fn is_cut_off(error: &(dyn Error + 'static)) -> bool {
    let of_io: Option<&io::Error> = error.downcast_ref();
    let of_http: Option<&hyper::Error> = error.downcast_ref();
    of_io.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
        || of_http.is_some_and(hyper::Error::is_incomplete_message)
}

/// An order id in a path: ids of other counters may hold anything.
fn path_segment(order_id: &str) -> String {
    use std::fmt::Write;
    let mut segment = String::with_capacity(order_id.len());
    for byte in order_id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            write!(segment, "%{byte:02X}").expect("a String takes everything");
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &'static str) -> Answer {
        judge_order(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), Ok(body.into()))
    }

    #[test]
    fn only_an_answer_with_an_order_in_it_is_an_order() {
        assert!(matches!(
            judge(202, r#"{"order_id":"a","amount":3,"status":0,"more":1}"#),
            Answer::Accepted { order_id } if order_id == "a"
        ));
        for body in ["", "ok", "{}", r#"{"order_id":""}"#, r#"{"order_id":7}"#] {
            assert!(
                matches!(judge(202, body), Answer::Again(Trouble { kind: Kind::Unclear { .. }, .. })),
                "{body}"
            );
        }
    }

    #[test]
    fn a_bad_request_is_refused_and_a_full_engine_is_asked_again() {
        let refused = r#"{"code":"bad_amount","detail":"amount must be 1 to 1000"}"#;
        assert!(
            matches!(judge(400, refused), Answer::Refused(problem) if problem.code.as_deref() == Some("bad_amount"))
        );
        assert!(matches!(judge(404, "<html>"), Answer::Refused(problem) if problem.status == 404));
        assert!(matches!(
            judge(503, r#"{"code":"queue_full"}"#),
            Answer::Again(Trouble { kind: Kind::Declined(_), .. })
        ));
    }

    #[test]
    fn what_may_have_been_written_is_never_called_declined() {
        for (status, body) in [
            (503, r#"{"code":"outcome_unknown","order_id":"a"}"#),
            (503, ""),
            (500, r#"{"code":"x"}"#),
            (504, ""),
        ] {
            let answer = judge(status, body);
            assert!(
                matches!(answer, Answer::Again(Trouble { kind: Kind::Unclear { .. }, .. })),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn a_counter_that_goes_away_in_the_middle_is_told_in_words_for_customers() {
        #[derive(Debug, thiserror::Error)]
        #[error("error reading a body from connection")]
        struct Within(#[source] io::Error);
        let within = |error| root_cause(&Within(error));
        let inside = io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF during chunk size line");
        assert_eq!(within(inside), "the connection was lost");
        assert_eq!(within(io::ErrorKind::ConnectionRefused.into()), "connection refused");
    }

    #[test]
    fn any_order_id_fits_into_a_path() {
        assert_eq!(path_segment("3f0c-9_~."), "3f0c-9_~.");
        assert_eq!(path_segment("a/b ?#커"), "a%2Fb%20%3F%23%EC%BB%A4");
        // A segment that is dots alone would be taken out of the path, but no server of ours normalizes it.
        assert_eq!(path_segment(".."), "..");
    }
}
