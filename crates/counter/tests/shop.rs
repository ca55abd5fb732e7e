//! What staff and bar pages say of the shop: written, read back, and the same on every counter.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use common::{Barista, Line, log, options, shop, with_shop};
use eventlog::{Log as _, Record, sim::Faults};
use order::{Mode, topic};

const ONE: &str = r#"{"items":[{"item":"latte"}]}"#;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// Two counters on one log, each with the same shop.
async fn two() -> (Line, Line, tokio::sync::watch::Sender<Arc<::shop::Shop>>) {
    let (both, change) = with_shop(shop(""));
    let others = counter::Options { shop: both.shop.clone(), ..options() };
    let first = Line::on(log(1), both).await;
    let mut second = Line::on(Arc::clone(&first.log), others).await;
    second.token.clone_from(&first.token);
    (first, second, change)
}

#[tokio::test]
async fn two_counters_agree_about_what_is_sold_out() {
    let (first, second, _shop) = two().await;
    let mut seen = second.events("/shop/events", &[]).await;
    assert_eq!(seen.named("shop").await.json()["sold_out"], serde_json::json!([]));
    let said = first.say("sold-out/milk/oat", r#"{"sold_out":true}"#).await;
    assert_eq!((said.status, &said.json()["sold_out"]), (200, &serde_json::json!(["milk/oat"])), "{said:?}");
    first.say("sold-out/cold-brew", r#"{"sold_out":true}"#).await;
    let both = serde_json::json!(["cold-brew", "milk/oat"]);
    seen.until("shop", |shop| shop["sold_out"] == both).await;
    for line in [&first, &second] {
        assert_eq!(line.get("/shop", &[]).await.json()["sold_out"], both);
        let body =
            r#"{"items":[{"item":"cold-brew"},{"item":"latte","options":["milk/oat"]},{"item":"latte"}]}"#;
        let refused = line.order_items(&[], body).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "sold_out"));
        assert_eq!(refused.json()["sold_out"], both);
        assert_eq!(line.order_items(&[], ONE).await.status, 201);
    }
    second.say("sold-out/milk/oat", r#"{"sold_out":false}"#).await;
    seen.until("shop", |shop| shop["sold_out"] == serde_json::json!(["cold-brew"])).await;
    first
        .events("/shop/events", &[])
        .await
        .until("shop", |shop| shop["sold_out"].as_array().unwrap().len() == 1)
        .await;
    assert_eq!(first.log.history(topic::RECEIVED, 0).len(), 2, "what was refused is not in the log");
}

#[tokio::test]
async fn two_counters_agree_about_a_pause_and_staff_are_not_held_up_by_it() {
    let (first, second, _shop) = two().await;
    // Longer than whoever is refused is sent away for.
    let until = now() + 2 * 3_600_000;
    let said = second.say("pause", &format!(r#"{{"until":{until}}}"#)).await.json();
    assert_eq!((said["ordering"].as_str(), said["reason"].as_str()), (Some("paused"), Some("staff")));
    assert_eq!(said["reopens_at"], until);
    let mut seen = first.events("/shop/events", &[]).await;
    seen.until("shop", |shop| shop["ordering"] == "paused").await;
    for line in [&first, &second] {
        for body in [ONE, r#"{"amount":1}"#] {
            let refused = line.order_items(&[], body).await;
            assert_eq!((refused.status, refused.code().as_str()), (503, "ordering_paused"));
            assert_eq!(
                (&refused.json()["reopens_at"], &refused.json()["reason"]),
                (&until.into(), &"staff".into())
            );
            assert_eq!(refused.header("retry-after"), Some("3600"));
        }
        let staff = line.staff();
        assert_eq!(line.order_items(&[("authorization", &staff)], ONE).await.status, 201);
        line.order(1).await;
    }
    let said = first.say("pause", r#"{"paused":false}"#).await.json();
    assert_eq!((&said["ordering"], &said["reason"]), (&"open".into(), &serde_json::Value::Null));
    assert_eq!(first.order_items(&[], ONE).await.status, 201);
}

#[tokio::test]
async fn a_pause_ends_by_itself() {
    let (options, _shop) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    // As short as this machine is fast: before it is over it must have been seen.
    let mut pause = 250;
    loop {
        let said = line.say("pause", &format!(r#"{{"until":{}}}"#, now() + pause)).await;
        if said.status == 200 && said.json()["ordering"] == "paused" {
            break;
        }
        pause *= 2;
    }
    let mut seen = line.events("/shop/events", &[]).await;
    seen.until("shop", |shop| shop["ordering"] == "open").await;
    assert_eq!(line.order_items(&[], ONE).await.status, 201);
    assert_eq!(line.say("pause", r#"{"until":null}"#).await.status, 200);
    let refused = line.order_items(&[], ONE).await;
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("ordering_paused", Some("60")));
}

#[tokio::test]
async fn outside_its_hours_a_shop_takes_no_orders_of_customers_unless_staff_open_it() {
    let hour = |ahead: i64| format!("{:02}:00", (now() / 3_600_000 + ahead) % 24);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let hours = days.map(|day| format!("{day} = [\"{}-{}\"]", hour(6), hour(7))).join("\n");
    let (options, _shop) = with_shop(shop(&format!("[hours]\n{hours}")));
    let line = Line::on(log(1), options).await;
    let shop = line.get("/shop", &[]).await.json();
    assert_eq!((shop["ordering"].as_str(), shop["reason"].as_str()), (Some("closed"), Some("hours")));
    assert!(shop["opens_at"].as_i64().unwrap() > now());
    let refused = line.order_items(&[], ONE).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "shop_closed"));
    assert_eq!(refused.json()["opens_at"], shop["opens_at"]);
    line.order(1).await;
    let said = line.say("open", r#"{"open":true,"device":"till"}"#).await.json();
    assert_eq!((&said["ordering"], &said["open"]), (&"open".into(), &serde_json::json!({"open": true})));
    let written = line.log.history(topic::SHOP, 0).pop().unwrap().record.value.unwrap();
    let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["by"], "till", "who said so is for those who read the log");
    assert_eq!(line.order_items(&[], ONE).await.status, 201);
    assert_eq!(line.say("open", r#"{"open":null}"#).await.json()["reason"], "hours");
    let said = line.say("open", r#"{"open":false}"#).await.json();
    assert_eq!((said["reason"].as_str(), said.get("opens_at")), (Some("staff"), None));
}

#[tokio::test]
async fn where_people_make_drinks_customers_order_at_the_till_until_a_bar_page_is_there() {
    let (options, _shop) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    let mut seen = line.events("/shop/events", &[]).await;
    let till = seen.until("shop", |shop| shop["ordering"] == "till").await.json();
    assert_eq!(till["reason"], "no_bar");
    let refused = line.order_items(&[], ONE).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "order_at_till"));
    let said = line.say("bars/%EC%99%BC%EC%AA%BD", "{}").await;
    assert_eq!((said.status, &said.json()["ordering"]), (200, &"open".into()), "{said:?}");
    assert_eq!(line.order_items(&[], ONE).await.status, 201);
    let bars = || {
        let records = line.log.history(topic::SHOP, 0);
        records.iter().filter(|entry| entry.record.key.as_deref() == Some("bar/왼쪽".as_bytes())).count()
    };
    assert_eq!(line.say("bars/%EC%99%BC%EC%AA%BD", "{}").await.status, 200);
    assert_eq!(bars(), 1, "a page that says it too often fills no log");
}

#[tokio::test]
async fn a_word_of_a_bar_page_lets_go_of_one_that_has_been_silent_for_long() {
    let line = Line::start().await;
    for name in ["a", "b", "c"] {
        let record = eventlog::Record::new(format!("bar/{name}"), r#"{"at":1}"#);
        line.log.publisher().publish(topic::SHOP, 0, record, common::PATIENCE).await.unwrap();
    }
    let gone = || {
        let records = line.log.history(topic::SHOP, 0);
        records.iter().filter(|entry| entry.record.value.is_none()).count()
    };
    // Each word is read back before it is answered, and with it the silence of those before it.
    line.say("pace", r#"{"busy_minutes":0}"#).await;
    for n in 1..=3 {
        assert_eq!(line.say(&format!("bars/new-{n}"), "{}").await.status, 200);
        assert_eq!(gone(), n);
    }
}

#[tokio::test]
async fn only_staff_say_anything_of_the_shop() {
    let line = Line::start().await;
    for what in ["open", "pause", "pace", "sold-out/latte", "bars/left"] {
        for token in [None, Some("Bearer nonsense")] {
            let mut headers = vec![("content-type", "application/json")];
            headers.extend(token.map(|token| ("authorization", token)));
            let refused = line.send("PUT", &format!("/shop/{what}"), &headers, b"{}").await;
            assert_eq!((refused.status, refused.code().as_str()), (401, "unauthorized"), "{what}");
        }
        let refused = line.get(&format!("/shop/{what}"), &[]).await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some("PUT")), "{what}");
    }
}

#[tokio::test]
async fn what_can_not_be_said_of_the_shop_is_refused_with_what_may_be() {
    let (options, _shop) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let before = line.log.history(topic::SHOP, 0).len();
    let (past, far) = (now() - 1_000, now() * 2);
    for (what, body, code, says) in [
        ("open", "{}", "bad_json", "open"),
        ("open", r#"{"open":"yes"}"#, "bad_json", "boolean"),
        ("open", r#"{"open":true,"closed":false}"#, "bad_json", "closed"),
        ("open", r#"{"open":true,"device":"\u0007"}"#, "bad_field", "control"),
        ("pause", "{}", "bad_field", "until"),
        ("pause", r#"{"until":"noon"}"#, "bad_field", "until"),
        ("pause", &format!(r#"{{"until":{past}}}"#), "bad_field", "within a year"),
        ("pause", &format!(r#"{{"until":{far}}}"#), "bad_field", "within a year"),
        ("pause", r#"{"until":null,"paused":false}"#, "bad_field", "until"),
        ("pace", r#"{"busy_minutes":121}"#, "bad_field", "0 to 120"),
        ("pace", r#"{"busy_minutes":-1}"#, "bad_json", "u32"),
        ("sold-out/latte", "{}", "bad_json", "sold_out"),
        ("sold-out/Latte", r#"{"sold_out":true}"#, "bad_field", "a-z"),
        ("sold-out/a/b/c", r#"{"sold_out":true}"#, "bad_field", "a-z"),
        ("sold-out/%FF", r#"{"sold_out":true}"#, "bad_field", "a-z"),
        ("sold-out/tea-of-yesterday", r#"{"sold_out":true}"#, "unknown_item", "GET /menu"),
        ("sold-out/milk/cow", r#"{"sold_out":true}"#, "unknown_option", "GET /menu"),
        (&format!("bars/{}", "x".repeat(81)), "{}", "bad_field", "81 characters"),
        ("bars/%07", "{}", "bad_field", "control"),
        ("bars/left", "[]", "bad_json", "map"),
    ] {
        let refused = line.say(what, body).await;
        assert_eq!(refused.code(), code, "{what} {body}: {refused:?}");
        assert!(refused.json()["detail"].as_str().unwrap().contains(says), "{what} {body}: {refused:?}");
    }
    assert_eq!(line.log.history(topic::SHOP, 0).len(), before, "nothing of it was written");
}

#[tokio::test]
async fn how_long_it_has_been_busy_is_written_with_each_word_on_it() {
    let (options, _shop) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let mut since = Vec::new();
    for minutes in [5, 9, 0] {
        let said = line.say("pace", &format!(r#"{{"busy_minutes":{minutes}}}"#)).await;
        assert_eq!(said.json()["busy_minutes"], minutes, "{said:?}");
        let written = line.log.history(topic::SHOP, 0).pop().unwrap().record.value.unwrap();
        let written: serde_json::Value = serde_json::from_slice(&written).unwrap();
        since.push(written["since"].as_i64().unwrap());
    }
    assert_eq!(since, [since[0]; 3]);
    assert!((since[0] - now()).abs() < 60_000, "{since:?}");
}

#[tokio::test]
async fn the_shop_says_what_it_said_before_and_when() {
    let (options, shop) = with_shop(shop("payment = \"before\""));
    let line = Line::on(log(1), options).await;
    assert_eq!(line.say("pace", r#"{"busy_minutes":5}"#).await.json()["busy_minutes"], 5);
    line.order(1).await;
    let mut seen = line.events("/shop/events", &[]).await;
    seen.until("shop", |shop| shop["ahead"] == 1).await;
    let unpaid = line.order_items(&[], ONE).await;
    assert_eq!(unpaid.json()["unpaid"], true);
    let shown = seen.until("shop", |shop| shop["queue"]["undecided"] == 2).await.json();
    assert_eq!(shown["ahead"], 1, "what nobody makes is not ahead of anyone: {shown}");
    let (last, _) = line.order(1).await;
    assert_eq!(line.shown(&last, |_| true).await["queue"]["ahead"], 1, "of an order neither");
    let live = line.get("/orders?live", &[("authorization", &line.staff())]).await.json();
    assert_eq!((&live["total"], live["orders"].as_array().map(Vec::len)), (&3.into(), Some(3)), "{live}");
    assert_eq!((&shown["payment"], &shown["menu"]), (&"before".into(), &shop.borrow().version().into()));
    for field in ["as_of", "now"] {
        assert!((shown[field].as_i64().unwrap() - now()).abs() < 60_000, "{field}: {shown}");
    }
    for field in ["open", "mode", "hands", "cup_ms", "full", "no_barista"] {
        assert!(shown.get(field).is_some(), "{field}: {shown}");
    }
    assert!(seen.named("heartbeat").await.json()["now"].is_number());
}

#[tokio::test]
async fn without_a_menu_there_is_none_and_staff_can_close_all_the_same() {
    let line = Line::start().await;
    let missing = line.get("/menu", &[]).await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "not_found"));
    let free = r#"{"items":[{"item":"whatever","options":["this"]}]}"#;
    assert_eq!(line.order_items(&[], free).await.status, 201);
    let shop = line.get("/shop", &[]).await.json();
    assert_eq!((shop["ordering"].as_str(), shop.get("menu")), (Some("open"), None));
    line.say("open", r#"{"open":false}"#).await;
    assert_eq!(line.order_items(&[], free).await.code(), "shop_closed");
    let priced = line.order_items(&[("authorization", &line.staff())], r#"{"amount":1,"total":5}"#).await;
    assert_eq!((priced.status, &priced.json()["field"]), (400, &"total".into()));
}

#[tokio::test]
async fn while_the_view_begins_anew_no_guest_orders_where_staff_may_have_closed() {
    let line = Line::start().await;
    line.say("open", r#"{"open":false}"#).await;
    let mut stream = line.events("/orders/a/events", &[]).await;
    line.log.set_faults(Faults { poll_error: 1.0, ..Faults::none() });
    line.log.append(topic::DLQ, 0, Record::new("x", "y"));
    stream.named("waiting").await;
    for body in [r#"{"items":[{"item":"whatever"}]}"#, r#"{"amount":1,"total":5}"#] {
        let refused = line.order_items(&[], body).await;
        assert_eq!((refused.status, refused.code().as_str()), (503, "starting"), "{body}");
    }
    line.order(1).await;
    line.log.set_faults(Faults::none());
    stream.until("heartbeat", |heartbeat| heartbeat["ready"] == true).await;
    assert_eq!(line.order_items(&[], r#"{"amount":1}"#).await.code(), "shop_closed");
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 1);
}
