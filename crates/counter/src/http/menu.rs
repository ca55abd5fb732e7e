//! `GET /menu`.

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use web::Encoding;

use super::negotiate::{encodings, has_it};
use crate::{
    app::App,
    problem::{Code, Problem},
};

/// `GET /menu`: what is sold, to be asked for again each time; whoever has it gets 304.
pub(super) async fn menu(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(menu) = app.offer.menu() else {
        return Err(Problem::new(Code::NotFound, "This counter has no menu."));
    };
    let is_packed = encodings(&headers).any(|encoding| encoding == Encoding::Gzip);
    // Two ways to write one menu are two things to keep.
    let tag = format!("\"{}{}\"", menu.version, if is_packed { "-gzip" } else { "" });
    let mut response = Response::new(Body::empty());
    if has_it(&headers, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(if is_packed { menu.gzip } else { menu.json });
        let into = response.headers_mut();
        into.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if is_packed {
            into.insert(header::CONTENT_ENCODING, HeaderValue::from_static(Encoding::Gzip.name()));
        }
    }
    let into = response.headers_mut();
    into.insert(header::ETAG, HeaderValue::try_from(tag).expect("hexadecimal digits in quotes"));
    into.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    into.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}
