//! Devices, and what they ask.

use order::topic;
use serde_json::{Value, json};

use crate::common::{
    Line,
    http::{Events, Reply},
    within,
};

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
/// As a page of the counter's own sends it.
pub(crate) const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");
pub(crate) const AS_STAFF: (&str, &str) = ("brewline-as", "staff");

/// A code for one device.
pub(crate) async fn code(line: &Line, role: &str) -> String {
    let token = line.staff();
    let headers = [JSON, ("authorization", token.as_str())];
    let made = line.post("/session/codes", &headers, &json!({"role": role}).to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["code"].as_str().expect("a code").to_owned()
}

pub(crate) async fn try_sign_in(line: &Line, code: &str, device: &str) -> Reply {
    line.post("/session", &[JSON, OWN_PAGE], &json!({"code": code, "device": device}).to_string()).await
}

/// The cookie that an answer has a browser keep, as it is sent.
pub(crate) fn cookie(reply: &Reply) -> String {
    let kept = reply.header("set-cookie").expect("a cookie");
    kept.split(';').next().expect("a split has a first part").to_owned()
}

/// A device that is signed in: its cookie, and its id.
pub(crate) async fn device(line: &Line, role: &str, name: &str) -> (String, String) {
    let reply = try_sign_in(line, &code(line, role).await, name).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    (cookie(&reply), reply.json()["id"].as_str().expect("an id").to_owned())
}

pub(crate) async fn session(line: &Line, cookie: &str) -> Reply {
    line.get("/session", &[("cookie", cookie)]).await
}

/// A request of one of the counter's own pages on a signed-in device.
pub(crate) async fn as_device(line: &Line, method: &str, path: &str, cookie: &str, body: &str) -> Reply {
    let headers = [JSON, OWN_PAGE, AS_STAFF, ("cookie", cookie)];
    line.send(method, path, &headers, body.as_bytes()).await
}

/// Waits until a counter answers so.
pub(crate) async fn until<F: Future<Output = Reply>>(
    ask: impl Fn() -> F,
    wanted: impl Fn(&Reply) -> bool,
) -> Reply {
    within(async {
        loop {
            let reply = ask().await;
            if wanted(&reply) {
                return reply;
            }
        }
    })
    .await
}

/// Whether there is a record of `shop.state` whose key begins so.
pub(crate) fn has_fact(line: &Line, prefix: &str) -> bool {
    let records = line.log.history(topic::SHOP, 0);
    records
        .iter()
        .any(|entry| entry.record.key.as_deref().is_some_and(|key| key.starts_with(prefix.as_bytes())))
}

/// The last record of `shop.state` whose key begins so: its key, and its value.
pub(crate) fn last_fact(line: &Line, prefix: &str) -> (String, Value) {
    let records = line.log.history(topic::SHOP, 0);
    let key = |entry: &eventlog::Entry| {
        let key = entry.record.key.as_deref().expect("a key");
        String::from_utf8(key.to_vec()).expect("UTF-8")
    };
    let last = records.iter().rev().find(|entry| key(entry).starts_with(prefix)).expect("such a fact");
    let value = last
        .record
        .value
        .as_deref()
        .map_or(Value::Null, |value| serde_json::from_slice(value).expect("JSON"));
    (key(last), value)
}

/// Writes a fact of the shop, as a counter of another time may have done.
pub(crate) fn write_fact(line: &Line, key: &str, value: &Value) {
    line.log.append(topic::SHOP, 0, eventlog::Record::new(key.to_owned(), value.to_string()));
}

/// Waits until the counter ends a stream.
pub(crate) async fn ended(stream: &mut Events) {
    within(async { while stream.next().await.is_some() {} }).await;
}
