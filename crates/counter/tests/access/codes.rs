//! Codes that sign one device in.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    common::{Line, log, options, within},
    support::{JSON, OWN_PAGE, as_device, code, device, has_fact, last_fact, try_sign_in, until, write_fact},
};

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
async fn of_many_who_use_one_code_at_once_at_two_counters_one_is_signed_in() {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), options()).await;
    let other = Line::on(log, options()).await;
    for round in 0..5 {
        let code = code(&line, "barista").await;
        // Each comes from an address of its own: who tries too fast is not looked at.
        let says = json!({"code": code, "device": "Main bar"}).to_string();
        let tries = (0..8).map(|n| {
            let (counter, says) = (if n % 2 == 0 { &line } else { &other }, says.clone());
            async move {
                let from = format!("10.0.{round}.{n}");
                counter.post("/session", &[JSON, OWN_PAGE, ("x-forwarded-for", &from)], &says).await
            }
        });
        let replies = join_all(tries).await;
        let signed_in = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(signed_in, 1, "{replies:#?}");
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(reply.code(), "code_used");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_another_counter_gave_out_a_moment_ago_is_known() {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), options()).await;
    let slow = log.process();
    let hasty = counter::Options { deadline: Duration::from_millis(300), ..options() };
    let other = Line::on_process(Arc::clone(&log), Arc::clone(&slow) as _, hasty).await;
    slow.lag(true);
    let code = code(&line, "barista").await;
    let early = try_sign_in(&other, &code, "Main bar").await;
    assert_eq!((early.status, early.code().as_str()), (503, "starting"), "nobody is told that it is wrong");
    slow.lag(false);
    // It was no wrong code: nobody has to wait.
    let reply = until(|| try_sign_in(&other, &code, "Main bar"), |reply| reply.status != 503).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_ten_minutes() {
    let line = Line::start().await;
    let code = code(&line, "barista").await;
    let (key, mut says) = last_fact(&line, "code/");
    assert!(!says.to_string().contains(&code.replace(' ', "")), "nobody reads it in the log: {says}");
    let expires_at = says["expires_at"].as_i64().unwrap();
    says["expires_at"] = (expires_at - 10 * 60 * 1_000).into();
    write_fact(&line, &key, &says);
    // What is said after it is read after it.
    assert_eq!(line.say("open", r#"{"open":null}"#).await.status, 200);
    let late = try_sign_in(&line, &code, "Main bar").await;
    assert_eq!((late.status, late.code().as_str()), (410, "code_expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_make_a_used_code_good_again_nor_does_signing_its_device_out() {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), options()).await;
    let (token, used) = (line.staff(), code(&line, "barista").await);
    assert_eq!(try_sign_in(&line, &used, "Main bar").await.status, 200);
    assert_eq!(line.send("DELETE", "/devices", &[("authorization", &token)], b"").await.status, 204);
    line.stopped().await.unwrap();
    log.compact();
    let line = Line::on(log, options()).await;
    assert_eq!(try_sign_in(&line, &used, "Main bar").await.code(), "code_used");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_wait_to_be_used_are_bounded() {
    let line = Line::start().await;
    let token = line.staff();
    let headers = [JSON, ("authorization", token.as_str())];
    for _ in 0..16 {
        code(&line, "barista").await;
    }
    let refused = line.post("/session/codes", &headers, r#"{"role":"barista"}"#).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "busy"));
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn however_often_a_line_is_started_its_last_link_signs_a_device_in() {
    let log = log(1);
    let mut links = Vec::new();
    for _ in 0..18 {
        let (line, started) = Line::begin(Arc::clone(&log), options());
        let started = within(started).await.expect("the counter starts");
        links.push(started.sign_in_code.expect("nobody is signed in"));
        line.stopped().await.unwrap();
    }
    let line = Line::on(Arc::clone(&log), options()).await;
    let gone = try_sign_in(&line, &links[0], "First").await;
    assert_eq!(gone.code(), "wrong_code", "there are never more than a few");
    let last = links.last().unwrap();
    let reply = until(|| try_sign_in(&line, last, "First"), |reply| reply.status != 429).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_goes_with_whoever_had_it_shown() {
    let line = Line::start().await;
    let (manager, _) = device(&line, "manager", "Till").await;
    let shown = |cookie: String| {
        let line = &line;
        async move {
            let made = as_device(line, "POST", "/session/codes", &cookie, r#"{"role":"barista"}"#).await;
            made.json()["code"].as_str().expect("a code").to_owned()
        }
    };
    // Signed out alone, or with all.
    let (stolen, id) = device(&line, "barista", "Stolen").await;
    let of_stolen = shown(stolen).await;
    assert_eq!(as_device(&line, "DELETE", &format!("/devices/{id}"), &manager, "").await.status, 204);
    assert_eq!(try_sign_in(&line, &of_stolen, "Thief").await.code(), "code_expired");
    let made = as_device(&line, "POST", "/tokens", &manager, r#"{"name":"a","role":"manager"}"#).await.json();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let of_program =
        line.post("/session/codes", &[JSON, ("authorization", &bearer)], r#"{"role":"manager"}"#).await;
    let of_program = of_program.json()["code"].as_str().unwrap().to_owned();
    let path = format!("/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(as_device(&line, "DELETE", &path, &manager, "").await.status, 204);
    assert_eq!(try_sign_in(&line, &of_program, "Thief").await.code(), "code_expired");
    let (of_manager, of_nobody) = (shown(manager.clone()).await, code(&line, "manager").await);
    assert_eq!(as_device(&line, "DELETE", "/devices", &manager, "").await.status, 204);
    for code in [of_manager, of_nobody] {
        assert_eq!(try_sign_in(&line, &code, "Thief").await.code(), "code_expired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_the_way_in_while_all_are_signed_out_does_not_get_in() {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), options()).await;
    let slow = log.process();
    let other = Line::on_process(Arc::clone(&log), Arc::clone(&slow) as _, options()).await;
    let code = code(&line, "manager").await;
    // Whoever has read this has read the code.
    assert_eq!(line.say("open", r#"{"open":true}"#).await.status, 200);
    until(|| other.get("/shop", &[]), |reply| reply.json()["open"]["open"] == true).await;
    slow.lag(true);
    let (reply, ()) = tokio::join!(try_sign_in(&other, &code, "Thief"), async {
        within(async {
            while !has_fact(&line, "claim/") {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let token = line.staff();
        assert_eq!(line.send("DELETE", "/devices", &[("authorization", &token)], b"").await.status, 204);
        slow.lag(false);
    });
    assert_eq!((reply.status, reply.code().as_str()), (410, "code_expired"), "{reply:?}");
    // It reads a moment after the other that the device went.
    let token = line.staff();
    let headers = [("authorization", token.as_str())];
    until(|| line.get("/devices", &headers), |reply| reply.json()["devices"] == json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_says_of_itself_is_looked_at_before_its_code() {
    let line = Line::start().await;
    let good = code(&line, "barista").await;
    for (body, refused) in [
        (String::new(), "bad_json"),
        ("[]".to_owned(), "bad_json"),
        (json!({"code": good}).to_string(), "bad_json"),
        (json!({"code": 48_217_730, "device": "Main bar"}).to_string(), "bad_json"),
        (json!({"code": good, "device": "Main bar", "role": "manager"}).to_string(), "bad_json"),
        (json!({"code": good, "device": " "}).to_string(), "bad_field"),
        (json!({"code": good, "device": "Main\u{7}bar"}).to_string(), "bad_field"),
        (json!({"code": good, "device": "Main bar\u{c}"}).to_string(), "bad_field"),
        (json!({"code": good, "device": "Main\nbar"}).to_string(), "bad_field"),
        (json!({"code": good, "device": format!("{} ", "x".repeat(80))}).to_string(), "bad_field"),
        (json!({"code": good, "device": format!("{}\u{202e}", "x".repeat(80))}).to_string(), "bad_field"),
        (json!({"code": good, "device": "x".repeat(81)}).to_string(), "bad_field"),
    ] {
        assert_eq!(line.post("/session", &[JSON, OWN_PAGE], &body).await.code(), refused, "{body}");
    }
    assert_eq!(try_sign_in(&line, &good, "\u{202e}\u{2069}").await.code(), "bad_field", "nobody sees that");
    let named = try_sign_in(&line, &good, "\u{202e}<script>alert(1)</script>\u{2069}").await;
    assert_eq!(named.json()["device"], "<script>alert(1)</script>", "a text that turns none beside it");
}
