//! The pages that people open, and what those are made of.
//!
//! | request | answer |
//! |---|---|
//! | `GET /`, `/bar`, `/board`, `/sign-in`, `/table`, `/till`, `/privacy`, `/docs` | a page in the language that is asked for, to be asked for again each time |
//! | `GET /o/{id}` | the same page whatever the order, with 404 where nobody knows it; `?at=` as in its `Location` |
//! | `GET /web/{hash}/…` | what pages are made of, kept for ever: another build has another hash, of which the drawings of codes alone are given |

use std::sync::Arc;

use ::order::{At, OrderId};
use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use web::{Asset, Page, pages};

use super::{
    guard::{Kind, Reached},
    negotiate::{encodings, has_it, language},
    orders::at,
    routes::Routes,
};
use crate::{
    app::App,
    problem::{Code, Problem},
    view::Views,
};

/// A page names what it is made of by hash; whether it is still the newest is asked each time.
const ASK_EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");
/// A year, the longest that anyone keeps anything.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// A board hangs open for weeks, through upgrades, and asks for the drawing of a code when that is first called.
const DRAWINGS: &str = "symbols/";

/// The routes of the pages.
pub(super) fn routes() -> Routes {
    let always = |wanted: &'static Page| {
        get(move |State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap| async move {
            page(wanted, app.settings.demo, app.reached(), StatusCode::OK, &uri, &headers)
        })
    };
    Routes::new()
        .route("/", always(&pages::ORDER))
        .route("/o/{id}", get(pager))
        .route("/board", always(&pages::BOARD))
        .route("/table", always(&pages::TABLE))
        .route("/till", always(&pages::TILL))
        .route("/bar", always(&pages::BAR))
        .route("/privacy", always(&pages::PRIVACY))
        .route("/sign-in", always(&pages::SIGN_IN))
        .route("/docs", always(&pages::DOCS))
        .route("/web/{hash}/{*path}", get(asset))
}

async fn pager(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let id = id.ok().and_then(|Path(id)| OrderId::new(id).ok());
    // What is no place is none that this counter could still read.
    let at = at(&uri).ok().flatten();
    let is_there = id.is_some_and(|id| may_exist(&app.views, &id, at));
    let status = if is_there { StatusCode::OK } else { StatusCode::NOT_FOUND };
    page(&pages::PAGER, app.settings.demo, app.reached(), status, &uri, &headers)
}

/// A page while there is no log to say anything about orders: a phone that has it shows how things stand as soon as
/// anyone knows.
pub(crate) fn without_log(
    demo: bool,
    reached: Reached<'_>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<Response> {
    let wanted = match uri.path() {
        "/" => &pages::ORDER,
        "/board" => &pages::BOARD,
        "/table" => &pages::TABLE,
        "/till" => &pages::TILL,
        "/bar" => &pages::BAR,
        "/ledger" => &pages::LEDGER,
        "/privacy" => &pages::PRIVACY,
        "/sign-in" => &pages::SIGN_IN,
        "/docs" => &pages::DOCS,
        path if path.strip_prefix("/o/").is_some_and(|id| !id.is_empty()) => &pages::PAGER,
        path => {
            let (hash, path) = path.strip_prefix("/web/")?.split_once('/')?;
            return Some(made_of(hash, path, headers));
        }
    };
    Some(page(wanted, demo, reached, StatusCode::OK, uri, headers))
}

/// Only a view that is live, and has read as far as the order's place, can say that nobody knows it.
fn may_exist(views: &Views, id: &OrderId, at: Option<At>) -> bool {
    views.look().is_none_or(|look| {
        look.is_old() || look.get(id.as_str()).is_some() || at.is_some_and(|at| !look.has_read(at))
    })
}

fn page(
    page: &'static Page,
    demo: bool,
    reached: Reached<'_>,
    status: StatusCode,
    uri: &Uri,
    request: &HeaderMap,
) -> Response {
    let language = language(uri, request);
    let html = if demo { page.as_practice(language) } else { page.in_language(language) };
    let mut response = send(html, status, request, ASK_EACH_TIME);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, accept-language"));
    reached.page(request, &mut response);
    response
}

async fn asset(parts: Result<Path<(String, String)>, PathRejection>, headers: HeaderMap) -> Response {
    let (hash, path) = parts.map(|Path(parts)| parts).unwrap_or_default();
    made_of(&hash, &path, &headers)
}

fn made_of(hash: &str, path: &str, headers: &HeaderMap) -> Response {
    let is_ours = hash == web::HASH;
    let found = web::asset(path).filter(|_| is_ours || path.starts_with(DRAWINGS));
    match found {
        Some(asset) => {
            let keep = if is_ours { KEEP } else { ASK_EACH_TIME };
            let mut response = send(asset, StatusCode::OK, headers, keep);
            response.extensions_mut().insert(Kind::PartOfPage);
            response
        }
        None => Problem::new(
            Code::NotFound,
            "There is nothing at this path; another version of the page had it, so load the page again.",
        )
        .into_response(),
    }
}

/// One file, packed as the client likes it; nothing if the client has it.
fn send(asset: &'static Asset, status: StatusCode, request: &HeaderMap, keep: HeaderValue) -> Response {
    let packed = encodings(request).find_map(|encoding| Some((encoding, asset.packed(encoding)?)));
    let name = packed.map_or("identity", |(encoding, _)| encoding.name());
    let etag = format!("\"{}-{name}\"", asset.hash());
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.reserve(12);
    headers.insert(header::CACHE_CONTROL, keep);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // A page that says that there is no such order is no page that may be kept as if there were one.
    let is_known = status == StatusCode::OK && has_it(request, &etag);
    headers.insert(header::ETAG, HeaderValue::try_from(etag).expect("hexadecimal digits and a name"));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type()));
    if packed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    *response.status_mut() = status;
    *response.body_mut() = match packed {
        Some((_, bytes)) => Body::from(Bytes::from_static(bytes)),
        None => Body::from(asset.bytes()),
    };
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn only_a_live_view_that_has_read_so_far_can_say_that_there_is_no_such_order() {
        let (views, id) = (Views::new("boot".to_owned()), OrderId::new("a".to_owned()).unwrap());
        assert!(may_exist(&views, &id, None), "it has read nothing yet");
        views.at_end(clock::now());
        assert!(!may_exist(&views, &id, None));
        assert!(may_exist(&views, &id, Some(At { partition: 0, offset: 0 })), "it was placed a moment ago");
        views.at_end(clock::now() - 60_000);
        assert!(may_exist(&views, &id, None), "it was cut off from the log");
    }
}
