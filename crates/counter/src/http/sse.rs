//! Event streams. Source: the HTML standard, section 9.2 (server-sent events).
//!
//! A stream is asked for its next event only when its client has taken the last one: a slow client holds up
//! itself, and no more is kept for it than one look at the view gave.

use std::fmt::Write;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::StreamBody;
use hyper::body::Frame;

/// How long a client waits before it comes back, in milliseconds: ten thousand of them must not come at once.
const RETRY_MS: std::ops::Range<u64> = 500..4_500;

/// An answer that goes on.
pub(super) fn stream<S>(events: S) -> Response
where
    S: Stream<Item = Bytes> + Send + 'static,
{
    let frames = events.map(|event| Ok::<_, std::convert::Infallible>(Frame::data(event)));
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather answers would hold the bell back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// One event. `data` is JSON, of whatever layout.
pub(super) fn event(name: &str, id: Option<&str>, data: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(data.len() + 64);
    if let Some(id) = id {
        event.extend_from_slice(b"id: ");
        event.extend_from_slice(id.as_bytes());
        event.push(b'\n');
    }
    event.extend_from_slice(b"event: ");
    event.extend_from_slice(name.as_bytes());
    event.extend_from_slice(b"\ndata: ");
    // A line break would end the field. Fields that nobody here knows are passed on as they were written, with
    // breaks between their values; within a JSON text a break is always escaped.
    event.extend(data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    event.extend_from_slice(b"\n\n");
    event.into()
}

/// What a stream begins with: how long to wait before coming back.
pub(super) fn retry() -> Bytes {
    let mut random = [0; 8];
    // Without randomness all come back at once: bad, but no reason to send nobody away.
    let _ = getrandom::fill(&mut random);
    let ms = RETRY_MS.start + u64::from_le_bytes(random) % (RETRY_MS.end - RETRY_MS.start);
    let mut text = String::with_capacity(24);
    write!(text, "retry: {ms}\n\n").expect("a String takes everything");
    text.into()
}

/// The last event that the client has, if it says so.
pub(super) fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("last-event-id")?;
    // One that nobody gave is as good as none.
    value.to_str().ok().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_of_data_however_the_json_was_laid_out() {
        let event = event("order", Some("7"), b"{\"x\":[1,\r\n2],\"y\":\"a\\n\"\n}");
        let event = std::str::from_utf8(&event).unwrap();
        assert_eq!(event, "id: 7\nevent: order\ndata: {\"x\":[1,  2],\"y\":\"a\\n\" }\n\n");
    }
}
