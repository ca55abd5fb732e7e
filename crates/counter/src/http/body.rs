//! Bodies: so large, so slow, so deep, and no more.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    app::Settings,
    problem::{Code, Problem},
};

/// What the bodies of all connections may take together, in bytes: a thousand of the largest.
const ROOM_BYTES: usize = 64 << 20;
/// A body of this size has room in any case: most orders are smaller.
const SMALL_BYTES: usize = 4 << 10;

/// Brackets within brackets. Deeper ones are a way to make others' parsers fail, not an order.
const DEPTH_MAX: usize = 32;

/// Reads a body that says that it is JSON, and is an object of a bearable depth.
pub(super) async fn json(request: Request<Body>, settings: &Settings) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send the body as JSON, with \"Content-Type: application/json\".",
        ));
    }
    let bytes = all(request.into_body(), settings).await?;
    if let Err(error) = std::str::from_utf8(&bytes) {
        return Err(bad_json(format_args!("it is not UTF-8: {error}")));
    }
    if depth(&bytes) > DEPTH_MAX {
        return Err(bad_json(format_args!("brackets are nested deeper than {DEPTH_MAX}")));
    }
    Ok(bytes)
}

/// Reads a body, whatever it is.
pub(super) async fn all<B>(body: B, settings: &Settings) -> Result<Bytes, Problem>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let max = settings.max_body_bytes;
    match tokio::time::timeout(settings.body_timeout, gather(body, max, &settings.bodies)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(Failed::NoRoom)) => {
            let detail =
                "Other requests have all the room that there is for large ones; try again in a second.";
            Err(Problem::new(Code::Busy, detail).retry_after(1))
        }
        Ok(Err(Failed::Read(error))) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::BodyTooLarge, format!("The body may have at most {max} bytes."))
                .with("max_bytes", max))
        }
        Ok(Err(Failed::Read(_))) => Err(bad_json("it ended before its end")),
        Err(_) => {
            let seconds = settings.body_timeout.as_secs();
            Err(Problem::new(Code::RequestTimeout, format!("The body did not arrive within {seconds} s.")))
        }
    }
}

/// What the bodies take that are read at the moment, or looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bodies(Arc<AtomicUsize>);

/// One of them.
struct Held {
    bytes: Vec<u8>,
    all: Bodies,
}

enum Failed {
    Read(Box<dyn std::error::Error + Send + Sync>),
    NoRoom,
}

/// A body of at most `max` bytes, which counts until nobody holds it any more.
async fn gather<B>(body: B, max: usize, all: &Bodies) -> Result<Bytes, Failed>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut held = Held { bytes: Vec::new(), all: all.clone() };
    let mut body = pin!(Limited::new(body, max));
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(Failed::Read)?.into_data() {
            held.add(&data)?;
        }
    }
    Ok(Bytes::from_owner(held))
}

impl Held {
    fn add(&mut self, data: &[u8]) -> Result<(), Failed> {
        let before = self.all.0.fetch_add(data.len(), Ordering::Relaxed);
        self.bytes.extend_from_slice(data);
        let has_room = before + data.len() <= ROOM_BYTES || self.bytes.len() <= SMALL_BYTES;
        if has_room { Ok(()) } else { Err(Failed::NoRoom) }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

pub(super) fn bad_json(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::BadJson, format!("The body can't be read: {why}."))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// How deep brackets are nested, outside of texts.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_have_a_bound_together_and_small_ones_room_beside_it() {
        let all = Bodies::default();
        let gathered = async |bytes: usize| {
            gather(http_body_util::Full::new(Bytes::from(vec![b' '; bytes])), ROOM_BYTES, &all).await
        };
        let Ok(large) = gathered(ROOM_BYTES - 1).await else { panic!("there was room") };
        assert_eq!(large.len(), ROOM_BYTES - 1);
        assert!(matches!(gathered(SMALL_BYTES + 1).await, Err(Failed::NoRoom)));
        let Ok(small) = gathered(SMALL_BYTES).await else { panic!("small ones have room") };
        drop(large);
        assert!(gathered(SMALL_BYTES + 1).await.is_ok());
        drop(small);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn only_brackets_outside_of_texts_count() {
        assert_eq!(depth(br#"{"a":[1,{"b":"[[[\"[["}]}"#), 3);
        assert_eq!(depth(b"]]]["), 1);
        assert_eq!(depth("[".repeat(10_000).as_bytes()), 10_000);
    }
}
