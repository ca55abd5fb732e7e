//! A counter's whole API, for programs that speak more of it than customers do: requests that are repeated until they
//! are answered, and streams that are opened again when they break.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::{
    address::CounterAddress,
    counter::{Counter, Kind, Trouble, is_no_counters},
    error::ClientError,
    options::Limits,
    patience::Backoff,
    printable::printable,
    sse::Events,
    trust::{BadTrust, Trust},
};

/// Outcomes that are not known yet: the same request, with the same key, hears them.
const NOT_YET: [&str; 3] = ["no_answer_yet", "catching_up", "no_barista"];

/// A counter, as whoever has this token; without one as a customer. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Api {
    pub(crate) counter: Arc<Counter>,
    pub(crate) limits: Limits,
    /// `Bearer TOKEN`.
    token: Option<HeaderValue>,
}

/// One request. Every one of these may be sent again: what changes something has a key, or says how it is to be.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    body: Bytes,
    key: Option<String>,
}

/// What a counter answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` where it is no JSON.
    pub json: Value,
}

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What kind it is: `order`, `snapshot`, `heartbeat` …
    pub name: String,
    /// What it says; `null` where that is no JSON.
    pub json: Value,
}

/// Nobody answered for as long as one may wait.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}; tried for {:.0} s", tried_for.as_secs_f64().ceil())]
pub struct Silence {
    /// What the last attempt said.
    pub why: String,
    /// It may have been done all the same.
    pub may_be_done: bool,
    /// Somebody took the connection.
    pub is_there: bool,
    /// How long it was tried.
    pub tried_for: Duration,
}

impl Request {
    /// Asks for what is at this path.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: Bytes::new(), key: None }
    }

    /// Says how something is to be.
    pub fn put(path: impl Into<String>, json: &Value) -> Self {
        Self { method: Method::PUT, path: path.into(), body: json.to_string().into(), key: None }
    }

    /// Asks for something to be done, once for each `key` (16 to 128 visible characters).
    pub fn post(path: impl Into<String>, json: &Value, key: impl Into<String>) -> Self {
        Self { method: Method::POST, path: path.into(), body: json.to_string().into(), key: Some(key.into()) }
    }
}

impl Silence {
    /// The same of the counter at `address`, with the way out if nobody is there.
    pub fn of(&self, address: &CounterAddress) -> String {
        if self.is_there {
            return format!("the counter at {address}: {self}");
        }
        let (reason, tried_for) = (self.why.clone(), self.tried_for);
        ClientError::Unreachable { counter: address.clone(), reason, tried_for }.to_string()
    }
}

impl Reply {
    /// Whether it was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The code of a problem.
    pub fn code(&self) -> Option<&str> {
        self.json["code"].as_str()
    }

    /// Whether no counter answers like that.
    pub fn is_no_counters(&self) -> bool {
        is_no_counters(self.status, self.code()) || self.is_success() && self.json.is_null()
    }

    /// Why what was asked of the counter at `address` was not done: in its own words, or that it is none, with the way out.
    pub fn refusal(&self, address: &CounterAddress) -> String {
        if self.is_no_counters() {
            let reason = format!("the answer was {}", self.status);
            return ClientError::NotACounter { counter: address.clone(), reason }.to_string();
        }
        format!("the counter at {address} says: {}", self.detail())
    }

    /// A refusal in the counter's own words, as they may be shown.
    pub fn detail(&self) -> String {
        let said = self.json["detail"].as_str().or_else(|| self.json["title"].as_str());
        said.map_or_else(|| format!("the answer was {}", self.status), |said| printable(said).into_owned())
    }
}

impl Api {
    /// The counter at `address`. `ca` as in [`crate::Options::ca`]; of `limits` those of an order hold for each request,
    /// and those of a bell for each stream.
    pub fn new(address: CounterAddress, ca: Option<&Path>, limits: Limits) -> Result<Self, BadTrust> {
        let trust = Trust::at(&address, ca)?;
        Ok(Self { counter: Arc::new(Counter::new(address, &trust, &limits)), limits, token: None })
    }

    /// The same counter, as whoever has this token; `None`: no token looks like that.
    pub fn with_token(&self, token: &str) -> Option<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(Self { token: Some(value), ..self.clone() })
    }

    /// Where it is.
    pub fn address(&self) -> &CounterAddress {
        self.counter.address()
    }

    /// Asks once.
    pub async fn once(&self, request: &Request) -> Result<Reply, Silence> {
        let began = Instant::now();
        self.attempt(request).await.map_err(|trouble| silence(trouble, began))
    }

    /// Asks until there is an answer that repeating would not change, or patience ends.
    pub async fn ask(&self, request: &Request) -> Result<Reply, Silence> {
        let (began, mut backoff) = (Instant::now(), Backoff::new(self.limits.order, rng()));
        loop {
            let trouble = match self.attempt(request).await {
                Ok(reply) => match unsettled(&reply) {
                    None => return Ok(reply),
                    Some(trouble) => trouble,
                },
                Err(trouble) => trouble,
            };
            tracing::debug!(path = request.path, why = trouble.why, "not answered");
            let pause = match trouble.kind {
                Kind::Never | Kind::Untrusted => None,
                _ => backoff.pause(began.elapsed(), trouble.after),
            };
            match pause {
                Some(pause) => sleep(pause).await,
                None => return Err(silence(trouble, began)),
            }
        }
    }

    /// The event stream at this path, opened again as often as it breaks.
    pub fn follow(&self, path: impl Into<String>) -> Follow {
        Follow {
            api: self.clone(),
            path: path.into(),
            open: None,
            last_event_id: None,
            backoff: Backoff::new(self.limits.bell, rng()),
            opened: Instant::now(),
            alive: Instant::now(),
            again_at: Instant::now(),
        }
    }

    async fn attempt(&self, request: &Request) -> Result<Reply, Trouble> {
        let _turn = self.counter.turn().await;
        let mut builder = http::Request::builder()
            .method(request.method.clone())
            .uri(self.address().at(&request.path))
            .header(header::ACCEPT, "application/json");
        if !request.body.is_empty() {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &request.key {
            builder = builder.header("idempotency-key", key);
        }
        let asking = async {
            let response = self.counter.send_with(self.signed(builder), request.body.clone()).await?;
            let (status, after) = (response.status(), crate::counter::retry_after(response.headers()));
            let body = self.counter.body(response).await.map_err(Trouble::unclear)?;
            let reply =
                Reply { status: status.as_u16(), json: serde_json::from_slice(&body).unwrap_or_default() };
            if crate::counter::may_be_asked_again(status) {
                let cause = reply.code().map_or_else(|| status.to_string(), str::to_owned);
                return Err(Trouble { after, cause, ..Trouble::unclear(reply.detail()) });
            }
            Ok(reply)
        };
        let within = self.limits.order.attempt;
        timeout(within, asking)
            .await
            .unwrap_or_else(|_| Err(Trouble::slow(&format!("no answer in {within:.0?}"))))
    }

    pub(crate) fn signed(&self, builder: http::request::Builder) -> http::request::Builder {
        match &self.token {
            Some(token) => builder.header(header::AUTHORIZATION, token),
            None => builder,
        }
    }
}

/// An event stream that is opened again as often as it breaks. Dropping it closes the connection.
#[derive(Debug)]
pub struct Follow {
    api: Api,
    path: String,
    open: Option<Events>,
    last_event_id: Option<String>,
    backoff: Backoff,
    opened: Instant,
    /// The last sign of life.
    alive: Instant,
    /// Not opened again before this.
    again_at: Instant,
}

impl Follow {
    /// The next event, or why there is none for as long as one may wait. Cancel safe.
    pub async fn next(&mut self) -> Result<Told, Silence> {
        loop {
            let trouble = match self.one().await {
                Ok(told) => return Ok(told),
                Err(trouble) => trouble,
            };
            self.open = None;
            tracing::debug!(path = self.path, why = trouble.why, "the stream ended");
            let pause = match trouble.kind {
                Kind::Never => None,
                _ => self.backoff.pause(self.alive.elapsed(), trouble.after),
            };
            match pause {
                Some(pause) => self.again_at = Instant::now() + pause,
                None => return Err(silence(trouble, self.alive)),
            }
        }
    }

    async fn one(&mut self) -> Result<Told, Trouble> {
        let limits = &self.api.limits;
        let events = match &mut self.open {
            Some(events) => events,
            None => {
                sleep_until(self.again_at).await;
                let opening = self
                    .api
                    .counter
                    .open(&self.path, self.last_event_id.as_deref(), |builder| self.api.signed(builder));
                let events = opening.await?;
                self.opened = Instant::now();
                self.open.insert(events)
            }
        };
        let event = match timeout(limits.silence, events.next()).await {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(why))) => return Err(Trouble::unclear(why)),
            Ok(None) => return Err(Trouble::unclear("the counter ended the stream".into())),
            Err(_) => {
                return Err(Trouble::slow(&format!("the stream said nothing for {:.0?}", limits.silence)));
            }
        };
        // A stream that always breaks after its first event must not be opened in a tight loop.
        if self.opened.elapsed() >= limits.bell.longest {
            self.backoff.settle();
        }
        self.alive = Instant::now();
        if event.id.is_some() {
            self.last_event_id = event.id;
        }
        let json = event.data.and_then(|data| serde_json::from_str(&data).ok()).unwrap_or_default();
        Ok(Told { name: event.event.unwrap_or_default(), json })
    }
}

/// Why an answer settles nothing, if it does not.
fn unsettled(reply: &Reply) -> Option<Trouble> {
    let code = reply.code().filter(|code| NOT_YET.contains(code))?;
    Some(Trouble { cause: code.to_owned(), ..Trouble::unclear(reply.detail()) })
}

pub(crate) fn silence(trouble: Trouble, since: Instant) -> Silence {
    let surely_not = trouble.kind.is_unsent() || trouble.kind == Kind::Never;
    let is_there = trouble.kind != Kind::Unreachable;
    Silence { why: trouble.why, may_be_done: !surely_not, is_there, tried_for: since.elapsed() }
}

/// For jitter alone: nothing is decided by it.
fn rng() -> StdRng {
    let mut seed = <StdRng as SeedableRng>::Seed::default();
    // Without randomness everyone comes back at the same time, which is no more than unkind.
    let _ = getrandom::fill(&mut seed);
    StdRng::from_seed(seed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, json: Value) -> Reply {
        Reply { status, json }
    }

    #[test]
    fn an_outcome_that_is_not_known_yet_is_asked_for_again_and_a_refusal_is_not() {
        for (status, code) in [(202, "no_answer_yet"), (202, "catching_up"), (409, "no_barista")] {
            assert!(unsettled(&reply(status, json!({"code": code}))).is_some(), "{code}");
        }
        // The first of them is what a counter says of an order that it has taken: its code is the pickup code.
        for said in
            [json!({"order_id": "a", "code": {"number": 7}}), json!({"code": "wrong_state"}), json!(null)]
        {
            assert!(unsettled(&reply(200, said.clone())).is_none(), "{said}");
        }
    }

    #[test]
    fn an_answer_that_is_no_counters_is_told_with_the_way_out() {
        let address = CounterAddress::default();
        for (status, said) in
            [(404, json!(null)), (405, json!({"detail": "no"})), (302, json!(null)), (200, json!(null))]
        {
            let told = reply(status, said).refusal(&address);
            assert!(told.contains("no brewline counter") && told.contains("--counter"), "{told}");
        }
        let told = reply(404, json!({"code": "not_found", "detail": "no such order"})).refusal(&address);
        assert_eq!(told, "the counter at http://127.0.0.1:8080 says: no such order");
        // Something in between may say so of a counter.
        let told = reply(502, json!(null)).refusal(&address);
        assert_eq!(told, "the counter at http://127.0.0.1:8080 says: the answer was 502");
    }

    #[test]
    fn a_counter_that_is_not_there_is_told_with_the_way_out() {
        let of = |trouble| silence(trouble, Instant::now()).of(&CounterAddress::default());
        let told = of(Trouble { kind: Kind::Unreachable, ..Trouble::unclear("Connection refused".into()) });
        assert!(told.contains("http://127.0.0.1:8080") && told.contains("Connection refused"), "{told}");
        assert!(told.contains("is `brewline up`") && told.contains("--counter"), "{told}");
        // It is there, and has its own way out.
        let mistrust = "its certificate is not trusted: --ca FILE names whom to trust";
        let told = of(Trouble { kind: Kind::Untrusted, ..Trouble::unclear(mistrust.into()) });
        assert!(told.contains(mistrust) && !told.contains("brewline up"), "{told}");
        let told = of(Trouble::slow("no answer within 10 s"));
        assert!(told.starts_with("the counter at http://127.0.0.1:8080: no answer within 10 s"), "{told}");
    }

    #[test]
    fn a_token_that_no_header_can_hold_is_none() {
        let api = Api::new(CounterAddress::default(), None, Limits::default()).unwrap();
        assert!(api.with_token("abc").is_some() && api.with_token("a\nb").is_none());
        assert!(!format!("{:?}", api.with_token("geheim")).contains("geheim"));
    }
}
