//! `GET /menu`.

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::negotiate::has_it;
use crate::{
    app::App,
    problem::{Code, Problem},
};

/// `GET /menu`: what is sold, to be asked for again each time; whoever has it gets 304.
pub(super) async fn menu(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(shop) = app.offer.shop() else {
        return Err(Problem::new(Code::NotFound, "This counter has no menu."));
    };
    let tag = format!("\"{}\"", shop.version());
    let mut response = if has_it(&headers, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(shop.menu_json().to_owned()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let into = response.headers_mut();
    into.insert(header::ETAG, HeaderValue::try_from(tag).expect("hexadecimal digits in quotes"));
    into.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    into.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
