//! `/livez`, `/readyz` and `/metrics`.

use std::sync::Arc;

use ::order::Millis;
use axum::{body::Body, extract::State, response::Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::answer;
use crate::{
    app::{App, reason_of},
    clock,
    view::{Views, is_old},
};

/// `GET /livez`: the process answers.
pub(super) async fn live(State(app): State<Arc<App>>) -> Response {
    of_life(&app)
}

fn of_life(app: &App) -> Response {
    lives(&app.settings.version, app.began)
}

/// A counter that lives.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Liveness"))]
pub(crate) struct Live<'a> {
    /// `brewline`.
    service: &'static str,
    /// `live`.
    status: &'static str,
    version: &'a str,
    /// When it was started.
    since: Millis,
    /// Its process id.
    process: u32,
}

/// This process lives, `since` then.
pub(crate) fn lives(version: &str, since: Millis) -> Response {
    let live = Live { service: "brewline", status: "live", version, since, process: std::process::id() };
    answer::json(StatusCode::OK, serde_json::to_vec(&live).expect("texts and a number"))
}

/// What `GET /readyz` says before there is a log.
pub(crate) fn no_log(since: Millis) -> Response {
    readiness(0, vec![Missing::new("log", since, "The log can't be reached yet.")])
}

/// Since when the view shows nothing, or something old, and which.
fn stale(views: &Views, now: Millis) -> Option<(Millis, &'static str)> {
    if !views.is_caught_up() {
        return Some((views.since(), "The view has not read the log to its end."));
    }
    let as_of = views.as_of();
    is_old(as_of, now)
        .then_some((as_of, "The view has not confirmed for long that it had read to the end of the log."))
}

/// Whether orders are taken and decided.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Readiness {
    ready: bool,
    as_of: Millis,
    missing: Vec<Missing>,
}

/// Something without which a process does not do what it is there for.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Missing {
    /// Stable; of a counter one of those in `docs/metrics.md`.
    pub what: &'static str,
    /// Since when, in milliseconds since 1970.
    pub since: Millis,
    /// One sentence.
    pub detail: String,
    /// Why the last write failed, if that is why: as `reason` of `not_written` in `docs/errors.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

impl Missing {
    /// Missing since then, for no reason that has a name.
    pub fn new(what: &'static str, since: Millis, detail: impl Into<String>) -> Self {
        Self { what, since, detail: detail.into(), reason: None }
    }
}

/// What a counter may miss.
pub(crate) const WHAT: [&str; 5] = ["view", "secret", "newer_log", "barista", "log"];

/// `GET /readyz`: whether orders are taken and decided, and if not, what is missing and since when.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    of_readiness(&app)
}

fn of_readiness(app: &App) -> Response {
    readiness(app.views.as_of(), missing(app, clock::now()))
}

/// What `/livez` and `/readyz` say, also to whoever speaks plain HTTP to a port with TLS: nothing that is anybody's.
/// `None`: it is another path.
pub(crate) fn probe(app: &App, path: &str) -> Option<Response> {
    match path {
        "/livez" => Some(of_life(app)),
        "/readyz" => Some(of_readiness(app)),
        _ => None,
    }
}

/// What `GET /readyz` says where this is missing.
pub(crate) fn readiness(as_of: Millis, missing: Vec<Missing>) -> Response {
    let status = if missing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let ready = Readiness { ready: missing.is_empty(), as_of, missing };
    answer::json(status, serde_json::to_vec(&ready).expect("texts and numbers"))
}

/// What a counter misses.
fn missing(app: &App, now: Millis) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut miss = |what, since, detail: &str| missing.push(Missing::new(what, since, detail));
    if let Some((since, why)) = stale(&app.views, now) {
        miss("view", since, why);
    } else if app.secret.get().is_none() {
        miss("secret", app.views.since(), "The line's secret is not settled: the log may not be writable.");
    }
    let look = app.views.look_anyway();
    if let Some(since) = look.nobody_decides_since(now) {
        miss("barista", since, "No barista decides: an order or a command waits for it since then.");
    }
    if let Some(version) = look.newer() {
        let detail =
            format!("A newer program (schema {version}) writes this line's state: update this counter.");
        miss("newer_log", app.views.since(), &detail);
    }
    let known = app.known_trouble(now);
    if let Some(since) = app.write_trouble(now) {
        let reason = known.as_ref().map(reason_of);
        let why = known.map_or_else(|| "the last write failed".to_owned(), |reason| reason.to_string());
        missing.push(Missing {
            reason,
            ..Missing::new("log", since, format!("The log takes no records: {why}."))
        });
    }
    missing
}

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let ask = move || {
        app.metrics.printer.show(*app.printing.shown().borrow());
        app.metrics.text(&app, &missing(&app, clock::now()))
    };
    // The system is asked, too, and a disk may take its time.
    let text = tokio::task::spawn_blocking(ask).await;
    openmetrics(text.map_or(Err(std::fmt::Error), |text| text))
}

/// All of a registry.
pub(crate) fn openmetrics(text: Result<String, std::fmt::Error>) -> Response {
    // Text always takes more text; were it otherwise, half of the metrics would be worse than none.
    let mut response = Response::new(Body::from(text.unwrap_or_default()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_is_old_is_missing_since_it_was_fresh() {
        let views = Views::new("boot".to_owned());
        assert!(stale(&views, 0).is_some(), "it never was");
        views.at_end(1_000);
        assert_eq!(stale(&views, 16_000), None);
        assert_eq!(stale(&views, 16_001).map(|(since, _)| since), Some(1_000));
    }
}
