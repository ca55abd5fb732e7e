//! Who may do what: sessions of devices, codes, tokens, and other sites.

mod common;

use std::sync::Arc;

use common::{Barista, Line, http::Reply, log, options, within};
use order::Mode;
use serde_json::json;

const JSON: (&str, &str) = ("content-type", "application/json");
/// As a page of the counter's own sends it.
const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");
const AS_STAFF: (&str, &str) = ("brewline-as", "staff");

/// A code for one device.
async fn code(line: &Line, role: &str) -> String {
    let token = line.staff();
    let headers = [JSON, ("authorization", token.as_str())];
    let made = line.post("/session/codes", &headers, &json!({"role": role}).to_string()).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["code"].as_str().expect("a code").to_owned()
}

async fn try_sign_in(line: &Line, code: &str, device: &str) -> Reply {
    line.post("/session", &[JSON, OWN_PAGE], &json!({"code": code, "device": device}).to_string()).await
}

/// The cookie that an answer has a browser keep, as it is sent.
fn cookie(reply: &Reply) -> String {
    let kept = reply.header("set-cookie").expect("a cookie");
    kept.split(';').next().expect("a split has a first part").to_owned()
}

/// A device that is signed in: its cookie, and its id.
async fn device(line: &Line, role: &str, name: &str) -> (String, String) {
    let reply = try_sign_in(line, &code(line, role).await, name).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    (cookie(&reply), reply.json()["id"].as_str().expect("an id").to_owned())
}

async fn session(line: &Line, cookie: &str) -> Reply {
    line.get("/session", &[("cookie", cookie)]).await
}

/// A request of one of the counter's own pages on a signed-in device.
async fn as_device(line: &Line, method: &str, path: &str, cookie: &str, body: &str) -> Reply {
    let headers = [JSON, OWN_PAGE, AS_STAFF, ("cookie", cookie)];
    line.send(method, path, &headers, body.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_signs_one_device_in_and_its_cookie_is_good_at_every_counter() {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), options()).await;
    let other = Line::on(log, options()).await;
    assert_eq!(other.token, None, "the token is there already");
    let reply = try_sign_in(&line, &code(&line, "barista").await, " Main bar ").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let kept = reply.header("set-cookie").unwrap();
    assert!(kept.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"), "{kept}");
    let (signed_in, cookie) = (reply.json(), cookie(&reply));
    assert_eq!((&signed_in["device"], &signed_in["role"]), (&json!("Main bar"), &json!("barista")));
    assert!(signed_in["expires_at"].as_i64().unwrap() > 0);
    for counter in [&line, &other] {
        // The other one reads it in a moment.
        let shown = within(async {
            loop {
                let shown = session(counter, &cookie).await;
                if shown.status == 200 {
                    return shown;
                }
                assert_eq!(shown.code(), "signed_out");
            }
        });
        assert_eq!(shown.await.json(), signed_in);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_sessions() {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), options()).await;
    let (cookie, _) = device(&line, "manager", "Main bar").await;
    let before = session(&line, &cookie).await.json();
    line.stopped().await.unwrap();
    let line = Line::on(log, options()).await;
    assert_eq!(session(&line, &cookie).await.json(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_or_a_token_nobody_is_staff() {
    let line = Line::start().await;
    for path in ["/session", "/orders?live", "/events", "/devices", "/tokens"] {
        let refused = line.get(path, &[]).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "unauthorized"), "{path}");
        let forged = format!("brewline_session={}.{}", "0".repeat(32), "0".repeat(64));
        let refused = line.get(path, &[("cookie", &forged)]).await;
        assert_eq!((refused.status, refused.code().as_str()), (401, "signed_out"), "{path}");
    }
    let made = line.post("/session/codes", &[JSON, OWN_PAGE], r#"{"role":"barista"}"#).await;
    assert_eq!(made.code(), "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_code_an_old_code_and_a_wrong_code_say_so_and_sign_nobody_in() {
    let line = Line::start().await;
    let used = code(&line, "barista").await;
    assert_eq!(try_sign_in(&line, &used, "First").await.status, 200);
    let replayed = try_sign_in(&line, &used, "Second").await;
    assert_eq!((replayed.status, replayed.code().as_str()), (410, "code_used"));
    assert_eq!(replayed.header("set-cookie"), None);
    let wrong = try_sign_in(&line, "0000 0000 0", "Third").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (403, "wrong_code"));
    assert_eq!(wrong.header("retry-after"), Some("1"));
    let hasty = try_sign_in(&line, &code(&line, "barista").await, "Third").await;
    assert_eq!((hasty.status, hasty.code().as_str()), (429, "too_many_codes"), "not even a good one");
    assert_eq!(hasty.header("retry-after"), Some("1"));
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
    let (barista, id) = device(&line, "barista", "Main bar").await;
    for (method, path, body) in [
        ("GET", "/devices", ""),
        ("DELETE", "/devices", ""),
        ("DELETE", &*format!("/devices/{id}"), ""),
        ("GET", "/tokens", ""),
        ("POST", "/tokens", r#"{"name":"a","role":"barista"}"#),
        ("DELETE", "/tokens/a", ""),
        ("POST", "/session/codes", r#"{"role":"manager"}"#),
    ] {
        let refused = as_device(&line, method, path, &barista, body).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "managers_only"), "{method} {path}");
    }
    let made = as_device(&line, "POST", "/session/codes", &barista, r#"{"role":"barista"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(session(&line, &barista).await.status, 200, "and nobody was signed out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_signed_out_by_itself_by_a_manager_and_together_with_all() {
    let line = Line::start().await;
    let (manager, _) = device(&line, "manager", "Till").await;
    let [(first, _), (second, second_id), (third, _)] = [
        device(&line, "barista", "A").await,
        device(&line, "barista", "B").await,
        device(&line, "barista", "C").await,
    ];
    let names = |listed: &Reply| {
        let listed = listed.json();
        let names = listed["devices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["device"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let listed = as_device(&line, "GET", "/devices", &manager, "").await;
    assert_eq!(names(&listed), ["Till", "A", "B", "C"]);
    assert_eq!(listed.json()["devices"][0]["this"], true);

    let left = as_device(&line, "DELETE", "/session", &first, "").await;
    assert_eq!((left.status, cookie(&left).as_str()), (204, "brewline_session="));
    assert_eq!(session(&line, &first).await.code(), "signed_out");
    assert_eq!(as_device(&line, "DELETE", "/session", &first, "").await.status, 204, "it is, however often");

    let mut stream = line.events("/events", &[("cookie", &second)]).await;
    stream.named("snapshot").await;
    assert_eq!(as_device(&line, "DELETE", &format!("/devices/{second_id}"), &manager, "").await.status, 204);
    while stream.next().await.is_some() {}
    assert_eq!(session(&line, &second).await.code(), "signed_out");
    assert_eq!(names(&as_device(&line, "GET", "/devices", &manager, "").await), ["Till", "C"]);

    assert_eq!(as_device(&line, "DELETE", "/devices", &manager, "").await.status, 204);
    for cookie in [&manager, &third] {
        assert_eq!(session(&line, cookie).await.code(), "signed_out");
    }
    let (again, _) = device(&line, "manager", "Till").await;
    assert_eq!(names(&as_device(&line, "GET", "/devices", &again, "").await), ["Till"]);
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
