//! What a guest, a barista, a manager and a program may do.

use order::Mode;
use serde_json::json;

use crate::{
    common::{Barista, Line, described::DOCUMENT},
    support::{AS_STAFF, JSON, OWN_PAGE, as_device, device, last_fact, session},
};

type Asked = (&'static str, &'static str, &'static str);

/// What staff alone may ask: each path of the counter that is for them.
const FOR_STAFF: [Asked; 13] = [
    ("GET", "/session", ""),
    ("POST", "/session/codes", r#"{"role":"barista"}"#),
    ("GET", "/orders?live", ""),
    ("GET", "/orders?recent", ""),
    ("GET", "/orders/a/history", ""),
    ("POST", "/orders/a/print", r#"{"what":"ticket"}"#),
    ("GET", "/events", ""),
    ("GET", "/ledger/day", ""),
    ("PUT", "/shop/open", r#"{"open":false}"#),
    ("PUT", "/shop/pause", r#"{"until":null}"#),
    ("PUT", "/shop/pace", r#"{"busy_minutes":1}"#),
    ("PUT", "/shop/sold-out/latte", r#"{"sold_out":true}"#),
    ("PUT", "/shop/bars/bar", "{}"),
];

/// What of it is for managers.
const FOR_MANAGERS: [Asked; 14] = [
    ("GET", "/devices", ""),
    ("DELETE", "/devices", ""),
    ("DELETE", "/devices/a", ""),
    ("GET", "/tokens", ""),
    ("POST", "/tokens", r#"{"name":"a","role":"barista"}"#),
    ("DELETE", "/tokens/a", ""),
    ("POST", "/session/codes", r#"{"role":"manager"}"#),
    ("GET", "/ledger", ""),
    ("GET", "/ledger/events", ""),
    ("GET", "/ledger/orders", ""),
    ("GET", "/ledger/minutes", ""),
    ("GET", "/ledger/export?format=csv", ""),
    ("GET", "/orders?at=1", ""),
    ("GET", "/board/codes?at=1", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_or_a_token_nobody_is_staff() {
    let line = Line::start().await;
    let (own, _) = device(&line, "barista", "Main bar").await;
    let name = own.split_once('=').unwrap().0;
    let forged = format!("{name}={}.{}", "0".repeat(32), "0".repeat(64));
    for (method, path, body) in FOR_STAFF.into_iter().chain(FOR_MANAGERS) {
        let refused = line.send(method, path, &[JSON, OWN_PAGE], body.as_bytes()).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "unauthorized"), "{method} {path}");
        let refused = as_device(&line, method, path, &forged, body).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "signed_out"), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_counts_where_staff_alone_may_ask_and_elsewhere_only_if_it_says_so() {
    let line = Line::start().await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let (cookie, _) = device(&line, "barista", "Main bar").await;
    assert_eq!(line.get("/orders?live", &[("cookie", &cookie)]).await.status, 200);
    let (id, _) = line.order(1).await;
    line.shown(&id, |order| order["decided"] == true).await;
    let path = format!("/orders/{id}/commands");
    let start = |headers: Vec<(&'static str, String)>| {
        let (line, path) = (&line, &path);
        async move {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            line.post(path, &headers, r#"{"command":"start","device":"Somebody else"}"#).await
        }
    };
    let own = |name: (&'static str, &str)| (name.0, name.1.to_owned());
    let cookie_of = || ("cookie", cookie.clone());
    let as_holder = start(vec![own(JSON), own(OWN_PAGE), cookie_of()]).await;
    assert_eq!(as_holder.code(), "not_allowed", "a page of customers asks on the same device");
    let elsewhere =
        start(vec![own(JSON), ("sec-fetch-site", "cross-site".to_owned()), own(AS_STAFF), cookie_of()]);
    assert_eq!(elsewhere.await.code(), "cross_site");
    assert_eq!(
        start(vec![own(JSON), own(AS_STAFF), cookie_of()]).await.code(),
        "cross_site",
        "no browser's mark"
    );
    let started = start(vec![own(JSON), own(OWN_PAGE), own(AS_STAFF), cookie_of()]).await;
    assert_eq!(started.status, 200, "{started:?}");
    let history = line.get(&format!("/orders/{id}/history"), &[("cookie", &cookie)]).await.json();
    let events = history["events"].as_array().unwrap();
    let by = events.iter().map(|event| &event["by"]).rfind(|by| !by.is_null()).expect("who did it");
    assert_eq!(
        *by,
        json!({"role": "staff", "device": "Main bar"}),
        "nobody else's name, whatever the body says"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_barista_may_not_do_what_is_for_managers() {
    let line = Line::start().await;
    let (barista, _) = device(&line, "barista", "Main bar").await;
    for (method, path, body) in FOR_MANAGERS {
        let refused = as_device(&line, method, path, &barista, body).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "managers_only"), "{method} {path}");
    }
    let made = as_device(&line, "POST", "/session/codes", &barista, r#"{"role":"barista"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(session(&line, &barista).await.status, 200, "and nobody was signed out");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_something_of_the_shop_stands_in_the_log_beside_it() {
    let line = Line::start().await;
    let (manager, id) = device(&line, "manager", "Till").await;
    for (method, path, body, key) in [
        ("PUT", "/shop/open", r#"{"open":true}"#, "open"),
        ("PUT", "/shop/pause", r#"{"until":null}"#, "pause"),
        ("PUT", "/shop/pace", r#"{"busy_minutes":5}"#, "pace"),
        ("PUT", "/shop/sold-out/latte", r#"{"sold_out":true}"#, "sold_out/latte"),
        ("POST", "/tokens", r#"{"name":"a","role":"barista"}"#, "token/"),
    ] {
        let said = as_device(&line, method, path, &manager, body).await;
        assert!(said.status < 300, "{path}: {said:?}");
        let (_, fact) = last_fact(&line, key);
        assert_eq!(fact["by"], "Till", "{path}: {fact}");
    }
    as_device(&line, "POST", "/session/codes", &manager, r#"{"role":"barista"}"#).await;
    assert_eq!(last_fact(&line, "code/").1["shown_by"], format!("device/{id}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_a_token_of_its_own_until_it_is_taken_back() {
    let line = Line::start().await;
    let (manager, _) = device(&line, "manager", "Till").await;
    let made = as_device(&line, "POST", "/tokens", &manager, r#"{"name":"delivery","role":"barista"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let as_program = [("authorization", bearer.as_str()), ("cookie", manager.as_str())];
    let shown = line.get("/session", &as_program).await.json();
    assert_eq!(shown, json!({"device": "delivery", "role": "barista"}), "the token wins over a cookie");
    assert_eq!(line.get("/devices", &as_program).await.code(), "managers_only");
    let listed = as_device(&line, "GET", "/tokens", &manager, "").await;
    assert_eq!(listed.json()["tokens"][0]["name"], "delivery");
    assert!(!listed.text().contains(made["token"].as_str().unwrap()), "it is shown once");
    let path = format!("/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(as_device(&line, "DELETE", &path, &manager, "").await.status, 204);
    assert_eq!(line.get("/session", &as_program).await.code(), "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_where_the_specification_says_so_and_refused_where_not() {
    let line = Line::start().await;
    let (manager, _) = device(&line, "manager", "Till").await;
    let described = &DOCUMENT["components"]["schemas"]["Program"]["properties"]["name"];
    let described = jsonschema::validator_for(described).unwrap();
    for (name, is_one) in [
        ("till", true),
        (" 계산대 2 ", true),
        ("\u{202e}till\u{200e}", true),
        ("x", true),
        ("", false),
        (" ", false),
        ("\u{200e}", false),
        ("\u{61c} \u{200f}\u{202a}\u{202e}\u{2066}\u{2069}", false),
        ("till\n2", false),
        ("till\u{7}", false),
        (&"x".repeat(81), false),
    ] {
        let body = json!({"name": name, "role": "barista"}).to_string();
        let answer = as_device(&line, "POST", "/tokens", &manager, &body).await;
        assert_eq!((answer.status == 201, described.is_valid(&json!(name))), (is_one, is_one), "{name:?}");
    }
}
