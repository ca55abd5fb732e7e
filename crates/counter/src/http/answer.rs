//! Answers that are no problems.

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

/// A file to be saved under this name, which nobody else may keep: it is about orders.
pub(super) fn file(kind: &'static str, name: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not every file system takes colons.
    if let Ok(named) = HeaderValue::try_from(format!("attachment; filename=\"{}\"", name.replace(':', "-"))) {
        headers.insert(header::CONTENT_DISPOSITION, named);
    }
    response
}

/// JSON that nobody may keep: it is about orders, and old at once.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // With what every answer says.
    headers.reserve(8);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
