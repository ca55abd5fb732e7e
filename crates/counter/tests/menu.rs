//! The menu, and orders priced by it.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{io::Read as _, sync::Arc, time::Duration};

use common::{Barista, Line, log, shop, with_shop, within};
use eventlog::sim::Faults;
use order::{Mode, topic};
use shop::{Menu, Shop};

/// The same shop where lattes cost so much.
fn latte_for(price: u64) -> Arc<Shop> {
    let menu = format!(
        "[[category]]\nid = \"coffee\"\nname = {{ en = \"Coffee\", ko = \"커피\" }}\n[[category.item]]\nid = \"latte\"\n\
         name = {{ en = \"Latte\", ko = \"라테\" }}\nprice = {price}\nseconds = 45\n"
    );
    let menu = Menu::parse(&menu, "menu.toml").unwrap();
    Arc::new(Shop::new(menu, shop("").settings().clone()))
}

const TWO: &str = r#"{"items":[{"item":"latte","quantity":2,"options":["milk/oat","size/large"],"note":"no nuts"},{"item":"americano"}],"total":17500,"name":"Kim"}"#;
const KEY: (&str, &str) = ("idempotency-key", "0123456789abcdef");

#[tokio::test]
async fn whoever_has_the_menu_is_told_so_until_it_changes() {
    let (options, change) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let first = line.get("/menu", &[]).await;
    assert_eq!((first.status, first.header("cache-control")), (200, Some("no-cache")));
    assert_eq!(first.json()["categories"][0]["items"][0]["price"], 5500);
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", first.json()["version"].as_str().unwrap()));
    for tags in [tag.clone(), format!("W/{tag}, \"other\"")] {
        let again = line.get("/menu", &[("if-none-match", &tags)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.header("etag"), Some(tag.as_str()));
    }
    let mut seen = line.events("/shop/events", &[]).await;
    change.send_replace(latte_for(6_000));
    let other = line.get("/menu", &[("if-none-match", &tag)]).await;
    assert_eq!((other.status, &other.json()["categories"][0]["items"][0]["price"]), (200, &6_000.into()));
    seen.until("shop", |shop| shop["menu"] == other.json()["version"]).await;
}

#[tokio::test]
async fn the_menu_comes_packed_to_whoever_can_unpack_it() {
    let (options, change) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    for _ in 0..2 {
        let plain = line.get("/menu", &[]).await;
        let packed = line.get("/menu", &[("accept-encoding", "gzip, br")]).await;
        assert_eq!(
            (plain.header("content-encoding"), packed.header("content-encoding")),
            (None, Some("gzip"))
        );
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == plain.body && packed.body.len() < plain.body.len());
        assert_ne!(packed.header("etag"), plain.header("etag"));
        for reply in [&plain, &packed] {
            assert_eq!(reply.header("vary"), Some("accept-encoding"));
        }
        let tag = packed.header("etag").unwrap();
        let again = line.get("/menu", &[("accept-encoding", "gzip"), ("if-none-match", tag)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        change.send_replace(latte_for(6_000));
    }
}

#[tokio::test]
async fn an_order_is_written_with_what_the_counter_computed() {
    let (options, change) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let placed = line.order_items(&[KEY], TWO).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let order = placed.json();
    assert_eq!(
        (&order["amount"], &order["total"], &order["currency"]),
        (&3.into(), &17_500.into(), &"KRW".into())
    );
    assert_eq!((&order["make_seconds"], &order["menu"]), (&120.into(), &change.borrow().version().into()));
    let latte = &order["items"][0];
    assert_eq!(latte["options"], serde_json::json!(["size/large", "temp/hot", "milk/oat"]));
    assert_eq!((&latte["unit_price"], &latte["title"]["ko"]), (&6_500.into(), &"카페라테".into()));
    assert_eq!(latte["option_titles"][2]["en"], "Oat");
    assert_eq!(latte["note"], "no nuts");
    let id = order["order_id"].as_str().unwrap();
    let written = line.log.history(topic::RECEIVED, 0)[0].record.value.clone().unwrap();
    let (whole, hash) = (written.strip_suffix(b"\"}").unwrap(), b",\"request_hash\":\"0123456789abcdef");
    assert_eq!(
        whole[..whole.len() - hash.len()],
        placed.body[..placed.body.len() - 1],
        "the answer is what was written"
    );

    let rules = order::Rules { mode: Mode::Manual, ..order::Rules::default() };
    let _barista = Barista::with(&line.log, barista::Options { rules, ..barista::Options::default() });
    line.shown(id, |order| order["decided"] == true).await;
    let staff = line.staff();
    line.command(id, &[("authorization", &staff)], r#"{"command":"ready"}"#).await;
    let shown = line.shown(id, |order| order["state"] == "ready").await;
    assert_eq!((&shown["total"], &shown["items"][0]["note"]), (&17_500.into(), &"no nuts".into()));
    for topic in [topic::PROCESSED, topic::EVENT] {
        let records = line.log.history(topic, 0);
        assert!(!records.is_empty());
        for entry in records {
            let json = String::from_utf8(entry.record.value.unwrap().to_vec()).unwrap();
            assert!(!json.contains("nuts"), "{topic}: {json}");
            assert!(!json.contains("request_hash"), "the note could be guessed by it; {topic}: {json}");
        }
    }
}

#[tokio::test]
async fn what_is_not_on_the_menu_or_costs_something_else_is_refused() {
    let (options, _change) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let one = |line: &str| format!(r#"{{"items":[{{"item":"latte"}},{line}]}}"#);
    for (body, status, code, field) in [
        (one(r#"{"item":"matcha"}"#), 422, "unknown_item", "items[1].item"),
        (
            one(r#"{"item":"latte","options":["milk/oat","milk/cow"]}"#),
            422,
            "unknown_option",
            "items[1].options[1]",
        ),
        (
            one(r#"{"item":"latte","options":["milk/oat","milk/whole"]}"#),
            400,
            "bad_field",
            "items[1].options[1]",
        ),
        (one(r#"{"item":"latte","unit_price":1}"#), 400, "bad_field", "items[1].unit_price"),
        (r#"{"amount":1,"total":5500}"#.to_owned(), 400, "bad_field", "total"),
    ] {
        let refused = line.order_items(&[], &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{body}");
        assert_eq!(refused.json()["field"], field, "{body}");
    }
    let refused = line.order_items(&[], &TWO.replace("17500", "17000")).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "price_changed"));
    let refused = refused.json();
    assert_eq!((&refused["total"], &refused["lines"][0]["unit_price"]), (&17_500.into(), &6_500.into()));
    assert_eq!(refused["lines"][1]["item"], "americano");
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 0);
    let bell = line.order_items(&[], r#"{"amount":2}"#).await;
    assert_eq!((bell.status, bell.json().get("total")), (201, None), "an order without items is as it was");
}

#[tokio::test]
async fn an_order_that_the_menu_makes_too_large_is_refused_before_it_is_counted() {
    let (options, _change) = with_shop(shop("largest_phone_order_cups = 100"));
    let line = Line::on(log(1), counter::Options { orders_per_minute_of_device: 1, ..options }).await;
    let phone = [("brewline-device", "mine")];
    let one = format!(r#"{{"item":"latte","note":"{}"}}"#, "가".repeat(180));
    let order = |lines| format!(r#"{{"items":[{}]}}"#, vec![one.as_str(); lines].join(","));
    let refused = line.order_items(&phone, &order(100)).await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "body_too_large"));
    assert!(refused.json()["detail"].as_str().unwrap().contains("fewer lines"), "{refused:?}");
    assert_eq!(line.order_items(&phone, &order(50)).await.status, 201, "it was not counted");
}

#[tokio::test]
async fn a_repeat_gets_the_first_order_whatever_has_changed_meanwhile() {
    let (first_options, change) = with_shop(shop(""));
    let line = Line::on(log(1), first_options).await;
    let placed = line.order_items(&[KEY], TWO).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let id = placed.json()["order_id"].as_str().unwrap().to_owned();
    let shown = line.shown(&id, |_| true).await;
    assert!(shown.get("request_hash").is_none(), "{shown}");
    line.say("sold-out/latte", r#"{"sold_out":true}"#).await;
    change.send_replace(latte_for(9_000));
    line.say("open", r#"{"open":false}"#).await;
    assert_eq!(line.order_items(&[], TWO).await.code(), "shop_closed");
    let (other_options, _other) = with_shop(latte_for(7_000));
    let other = Line::on(Arc::clone(&line.log), other_options).await;
    for line in [&line, &other] {
        for body in [TWO, &TWO.replace("17500", "1"), &TWO.replace(r#","total":17500"#, "")] {
            let again = line.order_items(&[KEY], body).await;
            assert_eq!((again.status, &again.body), (201, &placed.body), "{body}");
        }
        let reused = line.order_items(&[KEY], &TWO.replace("no nuts", "nuts")).await;
        assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency_key_reused"));
        assert_eq!(reused.json()["order_id"], id.as_str());
    }
    assert_eq!(line.log.history(topic::RECEIVED, 0).len(), 1);
}

#[tokio::test]
async fn a_repeat_is_never_told_that_nothing_was_ordered_while_the_first_may_be_on_its_way() {
    let log = log(1);
    let slow = log.process();
    let (quick, _shop) = with_shop(shop(""));
    let first = Line::on(Arc::clone(&log), quick).await;
    let (options, change) = with_shop(shop(""));
    let options = counter::Options { deadline: Duration::from_millis(300), ..options };
    let line = Line::on_process(Arc::clone(&log), Arc::clone(&slow) as _, options).await;
    slow.lag(true);
    let placed = first.order_items(&[KEY], TWO).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    change.send_replace(latte_for(9_000));
    assert_eq!(line.order_items(&[], TWO).await.code(), "unknown_option", "without a key it is no repeat");
    let again = line.order_items(&[KEY], TWO).await;
    assert_eq!((again.status, again.code().as_str()), (503, "starting"), "{again:?}");
    assert_eq!(again.header("retry-after"), Some("1"));
    slow.lag(false);
    line.shown(placed.json()["order_id"].as_str().unwrap(), |_| true).await;
    let again = line.order_items(&[KEY], TWO).await;
    assert_eq!((again.status, &again.body), (201, &placed.body));
    assert_eq!(log.history(topic::RECEIVED, 0).len(), 1);
}

#[tokio::test]
async fn after_an_outcome_that_nobody_knows_no_repeat_is_told_that_nothing_was_ordered() {
    let (options, change) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let before = change.borrow().clone();
    for n in 0..8 {
        let key = format!("0123456789abcde{n}");
        let key = [("idempotency-key", key.as_str())];
        line.log.set_faults(Faults { publish_unknown: 1.0, ..Faults::none() });
        let unknown = line.order_items(&key, TWO).await;
        assert_eq!((unknown.status, unknown.code().as_str()), (503, "outcome_unknown"), "{unknown:?}");
        line.log.set_faults(Faults::none());
        let written = line.log.history(topic::RECEIVED, 0).len();
        change.send_replace(latte_for(9_000));
        let again = line.order_items(&key, TWO).await;
        if again.status == 201 {
            assert_eq!(again.json()["order_id"], unknown.json()["order_id"], "the log had it");
        } else {
            assert_eq!((again.status, again.code().as_str()), (503, "outcome_unknown"), "{again:?}");
            assert_eq!(again.json()["order_id"], unknown.json()["order_id"]);
            change.send_replace(Arc::clone(&before));
            assert_eq!(line.order_items(&key, TWO).await.status, 201, "it becomes one");
            assert_eq!(line.log.history(topic::RECEIVED, 0).len(), written + 1);
        }
        change.send_replace(Arc::clone(&before));
    }
}

#[tokio::test]
async fn two_taps_at_once_are_one_order_and_a_refused_one_is_refused_twice() {
    let (options, _change) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let (a, b) = tokio::join!(line.order_items(&[KEY], TWO), line.order_items(&[KEY], TWO));
    assert_eq!((a.status, &a.body), (201, &b.body));
    let key = [("idempotency-key", "fedcba9876543210")];
    line.say("sold-out/latte", r#"{"sold_out":true}"#).await;
    let (a, b) = tokio::join!(line.order_items(&key, TWO), line.order_items(&key, TWO));
    assert_eq!((a.code(), b.code()), ("sold_out".to_owned(), "sold_out".to_owned()));
    line.say("sold-out/latte", r#"{"sold_out":false}"#).await;
    assert_eq!(line.order_items(&key, TWO).await.status, 201, "the key is free again");
}

#[tokio::test]
async fn where_it_is_paid_before_an_order_of_a_customer_waits_and_one_of_staff_does_not() {
    let (options, _change) = with_shop(shop("payment = \"before\""));
    let line = Line::on(log(1), options).await;
    let _barista = Barista::start(&line.log, Mode::Manual);
    line.say("bars/left", "{}").await;
    let staff = line.staff();
    let staff = [("authorization", staff.as_str())];
    let by_staff = line.order_items(&staff, TWO).await.json();
    assert_eq!((&by_staff["total"], by_staff.get("unpaid")), (&17_500.into(), None));
    let placed = line.order_items(&[], TWO).await.json();
    assert_eq!((&placed["unpaid"], placed.get("promise")), (&true.into(), None));
    let id = placed["order_id"].as_str().unwrap();
    line.shown(id, |order| order["decided"] == true && order["unpaid"] == true).await;
    assert_eq!(line.command(id, &staff, r#"{"command":"start"}"#).await.code(), "unpaid");
    let own = r#"{"command":"accept","promise":{"from":1,"to":2}}"#;
    assert_eq!(line.command(id, &staff, own).await.code(), "bad_field", "a promise is the counter's");
    let paid = line.command(id, &staff, r#"{"command":"accept"}"#).await.json();
    assert_eq!((&paid["unpaid"], &paid["paid"]), (&false.into(), &true.into()));
    let bell = line.order_items(&[], r#"{"amount":1}"#).await.json();
    assert_eq!(bell["unpaid"], true);
}

#[tokio::test]
async fn every_counter_says_which_menu_it_has() {
    let (options, change) = with_shop(shop(""));
    let line = Line::on(log(1), options).await;
    let told = async |version: String| {
        let mut changes = line.events("/shop/events", &[]).await;
        within(async {
            loop {
                let records = line.log.history(topic::SHOP, 0);
                let last = records.iter().rfind(|entry| entry.record.key.as_deref() == Some(b"menu"));
                let said = last.map(|entry| {
                    serde_json::from_slice::<serde_json::Value>(entry.record.value.as_deref().unwrap())
                        .unwrap()
                });
                if said.is_some_and(|said| said["version"] == version.as_str() && said["at"].is_number()) {
                    return;
                }
                changes.next().await;
            }
        })
        .await;
    };
    let version = change.borrow().version().to_owned();
    told(version).await;
    let other = latte_for(1);
    change.send_replace(Arc::clone(&other));
    told(other.version().to_owned()).await;
}
