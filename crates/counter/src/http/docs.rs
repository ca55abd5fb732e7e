//! The specifications: `GET /docs/openapi.json`, `GET /docs/asyncapi.json`.

use axum::{body::Body, response::Response, routing::get};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use web::{Document, Encoding, documents};

use super::{
    negotiate::{encodings, has_it},
    routes::Routes,
};

pub(super) fn routes() -> Routes {
    let always = |document: &'static Document| get(async move |headers: HeaderMap| send(document, &headers));
    Routes::new()
        .route("/docs/openapi.json", always(&documents::OPENAPI))
        .route("/docs/asyncapi.json", always(&documents::ASYNCAPI))
}

/// One of them, packed as the client likes it; nothing if the client has it.
fn send(document: &'static Document, request: &HeaderMap) -> Response {
    let encoding = encodings(request).next();
    let etag = format!("\"{}-{}\"", document.hash(), encoding.map_or("identity", Encoding::name));
    let mut response = Response::new(Body::empty());
    if has_it(request, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let packed = |encoding| Bytes::from_static(document.packed(encoding));
        *response.body_mut() = Body::from(encoding.map_or_else(|| document.bytes().into(), packed));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(encoding) = encoding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(etag).expect("hexadecimal digits and a name"));
    // Another build may have another one.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}
