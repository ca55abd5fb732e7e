//! Bodies: so large, so slow, so deep, and no more.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{
    app::Settings,
    problem::{Code, Problem},
};

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
    match tokio::time::timeout(settings.body_timeout, Limited::new(body, max).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Problem::new(Code::BodyTooLarge, format!("The body may have at most {max} bytes."))
                .with("max_bytes", max))
        }
        Ok(Err(_)) => Err(bad_json("it ended before its end")),
        Err(_) => {
            let seconds = settings.body_timeout.as_secs();
            Err(Problem::new(Code::RequestTimeout, format!("The body did not arrive within {seconds} s.")))
        }
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

    #[test]
    fn only_brackets_outside_of_texts_count() {
        assert_eq!(depth(br#"{"a":[1,{"b":"[[[\"[["}]}"#), 3);
        assert_eq!(depth(b"]]]["), 1);
        assert_eq!(depth("[".repeat(10_000).as_bytes()), 10_000);
    }
}
