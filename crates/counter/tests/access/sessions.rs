//! Sessions of devices: which counters know them, and how they end.

use std::sync::Arc;

use serde_json::json;

use crate::{
    common::{Line, http::Reply, log, options},
    support::{
        AS_STAFF, JSON, OWN_PAGE, as_device, code, cookie, device, ended, last_fact, session, try_sign_in,
        until, write_fact,
    },
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

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
        let known = until(|| session(counter, &cookie), |reply| reply.status == 200).await;
        assert_eq!(known.json(), signed_in);
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
    let name = first.split_once('=').unwrap().0;
    assert_eq!((left.status, cookie(&left)), (204, format!("{name}=")));
    assert_eq!(session(&line, &first).await.code(), "signed_out");
    assert_eq!(as_device(&line, "DELETE", "/session", &first, "").await.status, 204, "it is, however often");

    let mut stream = line.events("/events", &[("cookie", &second)]).await;
    stream.named("snapshot").await;
    assert_eq!(as_device(&line, "DELETE", &format!("/devices/{second_id}"), &manager, "").await.status, 204);
    ended(&mut stream).await;
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
async fn a_device_that_comes_back_stays_signed_in_and_one_that_does_not_is_out_after_a_month() {
    let line = Line::start().await;
    let (cookie, id) = device(&line, "barista", "Main bar").await;
    let fresh = session(&line, &cookie).await;
    assert_eq!(fresh.header("set-cookie"), None, "it was written down a moment ago");
    let (key, mut says) = last_fact(&line, "device/");
    let now = says["at"].as_i64().unwrap();

    says["at"] = (now - 2 * DAY_MS).into();
    write_fact(&line, &key, &says);
    let renewed = until(|| session(&line, &cookie), |reply| reply.header("set-cookie").is_some()).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert_eq!(renewed.header("set-cookie").unwrap().split(';').next(), Some(&*cookie));
    assert!(renewed.json()["expires_at"].as_i64().unwrap() >= now + 30 * DAY_MS);
    let (seen, _) = last_fact(&line, "seen/");
    assert_eq!(seen, format!("seen/{id}"));

    says["at"] = (now - 31 * DAY_MS).into();
    write_fact(&line, &key, &says);
    let gone = until(|| session(&line, &cookie), |reply| reply.status != 200).await;
    assert_eq!(gone.code(), "signed_out");
    let (manager, _) = device(&line, "manager", "Till").await;
    let listed = as_device(&line, "GET", "/devices", &manager, "").await.json();
    assert_eq!(listed["devices"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_signs_in_again_is_no_longer_what_it_was_before() {
    let line = Line::start().await;
    let (barista, _) = device(&line, "barista", "Main bar").await;
    let says = json!({"code": code(&line, "manager").await, "device": "Main bar"}).to_string();
    let again = line.post("/session", &[JSON, OWN_PAGE, ("cookie", &barista)], &says).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(session(&line, &barista).await.code(), "signed_out");
    let listed = as_device(&line, "GET", "/devices", &cookie(&again), "").await.json();
    assert_eq!(listed["devices"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_signed_in_at_two_lines_of_one_host_and_neither_signs_it_out_of_the_other() {
    let (line, other) = (Line::start().await, Line::start().await);
    let [(here, _), (there, _)] =
        [device(&line, "manager", "Till").await, device(&other, "manager", "Till").await];
    let name = |cookie: &str| cookie.split_once('=').unwrap().0.to_owned();
    assert_ne!(name(&here), name(&there), "a browser keeps one of each name for a host, whatever the port");
    // It sends both to either.
    for both in [format!("{here}; {there}"), format!("{there}; {here}")] {
        assert_eq!(session(&line, &both).await.status, 200);
        assert_eq!(session(&other, &both).await.status, 200);
    }
    let elsewhere = session(&line, &there).await;
    assert_eq!((elsewhere.status, elsewhere.code().as_str()), (401, "unauthorized"));
    let both = format!("{here}; {there}");
    let left = as_device(&other, "DELETE", "/session", &both, "").await;
    assert_eq!((left.status, cookie(&left)), (204, format!("{}=", name(&there))));
    assert_eq!(session(&line, &both).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_of_a_practice_is_gone_after_a_day_without_it() {
    let line = Line::on(log(1), counter::Options { demo: true, ..options() }).await;
    let reply = try_sign_in(&line, &code(&line, "barista").await, "Main bar").await;
    let back = session(&line, &cookie(&reply)).await;
    for reply in [reply, back] {
        let kept = reply.header("set-cookie").unwrap();
        assert!(kept.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"), "{kept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_never_goes_without_https_where_it_came_by_it() {
    // The tests ask for the host "counter".
    for (url, secure) in
        [("https://counter", true), ("https://other.example", false), ("http://counter", false)]
    {
        let line = Line::found_at(log(1), options(), Some(url.parse().unwrap())).await;
        let reply = try_sign_in(&line, &code(&line, "barista").await, "Main bar").await;
        let kept = reply.header("set-cookie").unwrap();
        assert_eq!(kept.ends_with("; Secure"), secure, "{url}: {kept}");
        let left = as_device(&line, "DELETE", "/session", &cookie(&reply), "").await;
        assert_eq!(left.header("set-cookie").unwrap().ends_with("; Secure"), secure, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_signs_a_device_in_or_out_or_says_anything_of_the_shop() {
    let line = Line::start().await;
    let (manager, _) = device(&line, "manager", "Till").await;
    let elsewhere = [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "http://evil.example")],
        vec![("origin", "null")],
    ];
    for site in elsewhere {
        let mut headers = vec![JSON, AS_STAFF, ("cookie", manager.as_str())];
        headers.extend(site.iter().copied());
        for (method, path, body) in [
            ("DELETE", "/session", ""),
            ("DELETE", "/devices", ""),
            ("POST", "/session/codes", r#"{"role":"manager"}"#),
            ("POST", "/tokens", r#"{"name":"a","role":"manager"}"#),
            ("PUT", "/shop/open", r#"{"open":false}"#),
            ("POST", "/orders", r#"{"items":[{"item":"a","quantity":1}]}"#),
        ] {
            let refused = line.send(method, path, &headers, body.as_bytes()).await;
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (403, "cross_site"),
                "{method} {path} {site:?}"
            );
        }
        let says = json!({"code": code(&line, "barista").await, "device": "Thief"}).to_string();
        let mut headers = vec![JSON];
        headers.extend(site.iter().copied());
        assert_eq!(line.post("/session", &headers, &says).await.code(), "cross_site", "{site:?}");
    }
    assert_eq!(session(&line, &manager).await.status, 200);
    let own = [JSON, ("origin", "http://counter"), ("cookie", manager.as_str())];
    let closed = line.send("PUT", "/shop/open", &own, br#"{"open":false,"device":"Somebody else"}"#).await;
    assert_eq!(closed.status, 200, "an older browser says it so: {closed:?}");
    assert_eq!(last_fact(&line, "open").1["by"], "Till", "and nobody is somebody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_open_at_another_counter_ends_when_its_device_is_signed_out() {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), options()).await;
    let other = Line::on(log, options()).await;
    let (cookie, _) = device(&line, "barista", "Main bar").await;
    let known = |reply: &Reply| reply.status == 200;
    until(|| session(&other, &cookie), known).await;
    let mut stream = other.events("/events", &[("cookie", &cookie)]).await;
    stream.named("snapshot").await;
    assert_eq!(as_device(&line, "DELETE", "/session", &cookie, "").await.status, 204);
    ended(&mut stream).await;
    assert_eq!(session(&other, &cookie).await.code(), "signed_out");
}
