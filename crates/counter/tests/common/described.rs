//! Every answer that a test gets is one that `docs/openapi.json` describes, whatever else the test is about.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::http::{Event, Reply};

/// What is committed, and embedded.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../docs/openapi.json")).expect("it is JSON")
});

/// What the HTTP layer answers to what is no request, without a body.
const NO_REQUEST: [u16; 3] = [400, 414, 431];
/// What is answered by whatever path and method: of another path, another method, plain HTTP on a port with TLS, and
/// before there is a log.
const ANYWHERE: [(u16, &str); 4] =
    [(404, "not_found"), (405, "method_not_allowed"), (400, "https_only"), (503, "starting")];

/// Panics unless the answer to this request is described.
pub fn check(request: &[u8], reply: &Reply) {
    let line = request.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
    let Some((method, target)) = line.and_then(|line| line.split_once(' ')) else { return };
    let path = target.split([' ', '?']).next().unwrap_or_default();
    let Reply { status, body, .. } = reply;
    if body.is_empty() && NO_REQUEST.contains(status) || *status == 307 {
        return;
    }
    let kind = reply.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default());
    let is_refused = |(of, code): &(u16, &str)| of == status && reply.json()["code"] == *code;
    if kind == Some("application/problem+json") && ANYWHERE.iter().any(is_refused) {
        return;
    }
    let method = if method == "HEAD" { "get" } else { &method.to_ascii_lowercase() };
    let answer = operation(path).map(|(name, at)| (name, &at[method]["responses"][status.to_string()]));
    let Some((name, answer)) = answer.filter(|(_, answer)| answer.is_object()) else {
        panic!("{method} {path} was answered with {status}, which is not described: {reply:?}");
    };
    let Some(kind) = kind else {
        assert!(
            answer["content"].is_null() || *status == 304,
            "{method} {path} {status} has no body: {reply:?}"
        );
        return;
    };
    let content = &answer["content"][kind];
    assert!(content.is_object(), "{method} {path} {status} is {kind}, which is not described: {reply:?}");
    // What is packed is the same as where it is not.
    if kind.ends_with("json") && !body.is_empty() && reply.header("content-encoding").is_none() {
        fits(&format!("{method} {name} {status} {kind}"), &content["schema"], &reply.json());
    }
}

/// Panics unless the event is one that the stream at this path may have.
pub fn check_event(path: &str, event: &Event) {
    let (name, at) =
        operation(path.split('?').next().unwrap_or_default()).expect("a stream that is described");
    let described = &at["get"]["responses"]["200"]["content"]["text/event-stream"]["x-events"][&event.name];
    assert!(described.is_object(), "{name} has an event that is not described: {event:?}");
    fits(&format!("{name} {}", event.name), &described["schema"], &event.json());
}

/// The path as the document has it, and what can be asked there.
pub fn operation(path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object()?;
    // What is written out comes before what may be anything.
    let found = paths
        .iter()
        .filter(|(known, _)| is_of(known, path))
        .min_by_key(|(known, _)| known.matches('{').count());
    found.map(|(known, at)| (known.as_str(), at))
}

/// The method, the path and the description of an operation.
pub fn operation_called(id: &str) -> (&'static str, &'static str, &'static Value) {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, at)| {
        at.as_object().into_iter().flatten().map(move |(method, it)| (method.as_str(), path.as_str(), it))
    });
    all.into_iter().find(|(_, _, it)| it["operationId"] == id).unwrap_or_else(|| panic!("there is no {id}"))
}

fn is_of(known: &str, path: &str) -> bool {
    // The last part of these may have slashes.
    let parts = if known.contains("/web/") || known.contains("/sold-out/") { 4 } else { usize::MAX };
    let (mut known, mut path) = (known.splitn(parts, '/'), path.splitn(parts, '/'));
    loop {
        match (known.next(), path.next()) {
            (None, None) => return true,
            (Some(known), Some(part)) if known == part || (known.starts_with('{') && !part.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Panics unless the value fits the schema. `what` tells schemas apart: each is compiled once.
fn fits(what: &str, schema: &Value, value: &Value) {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let validator = {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            let mut whole = json!({"components": {"schemas": DOCUMENT["components"]["schemas"]}});
            whole["allOf"] = json!([schema]);
            Arc::new(jsonschema::draft202012::new(&whole).unwrap_or_else(|error| panic!("{what}: {error}")))
        };
        Arc::clone(known.entry(what.to_owned()).or_insert_with(compile))
    };
    let wrong: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{what} is not as it is described:\n{}\n{value:#}", wrong.join("\n"));
}
