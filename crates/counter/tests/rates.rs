//! How often phones may order: 429 with `Retry-After`, and who is not held up.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use common::{Line, http::Reply, log, options};
use counter::Options;

const ORDER: &str = r#"{"items":[{"item":"latte"}]}"#;

async fn order(line: &Line, headers: &[(&str, &str)]) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    line.post("/orders", &all, ORDER).await
}

async fn line(orders_per_minute: u32, orders_per_minute_of_device: u32) -> Line {
    Line::on(log(1), Options { orders_per_minute, orders_per_minute_of_device, ..options() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_orders_too_often_is_told_when_to_come_again_and_others_are_served() {
    let line = line(120, 1).await;
    assert_eq!(order(&line, &[("brewline-device", "mine")]).await.status, 201);
    let refused = order(&line, &[("brewline-device", "mine")]).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_orders"), "{refused:?}");
    let after: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&after), "{refused:?}");
    assert_eq!((&refused.json()["whose"], &refused.json()["max"]), (&"device".into(), &1.into()));
    assert_eq!(order(&line, &[("brewline-device", "another")]).await.status, 201);
    assert_eq!(order(&line, &[]).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_on_this_machine_the_address_is_the_one_that_the_proxy_names() {
    let line = line(1, 10).await;
    let mine = [("x-forwarded-for", "10.0.0.1, 203.0.113.9")];
    assert_eq!(order(&line, &mine).await.status, 201);
    let refused = order(&line, &mine).await;
    assert_eq!((refused.status, &refused.json()["whose"]), (429, &"address".into()), "{refused:?}");
    assert_eq!(order(&line, &[("x-forwarded-for", "203.0.113.10")]).await.status, 201);
    for _ in 0..3 {
        assert_eq!(order(&line, &[]).await.status, 201, "without a proxy loopback is not counted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_proxies_that_are_believed_each_phone_is_counted_and_behind_others_all_are_one() {
    let trusted_proxies = "10.0.0.0/8".parse().unwrap();
    let line = Line::on(log(1), Options { orders_per_minute: 1, trusted_proxies, ..options() }).await;
    // The ingress wrote down the phone, and a proxy on this machine the ingress.
    let mine = [("x-forwarded-for", "198.51.100.1, 203.0.113.9"), ("x-forwarded-for", "10.0.0.1")];
    assert_eq!(order(&line, &mine).await.status, 201);
    let again = [("x-forwarded-for", "198.51.100.2, 203.0.113.9, 10.0.0.2")];
    let refused = order(&line, &again).await;
    assert_eq!((refused.status, &refused.json()["whose"]), (429, &"address".into()), "{refused:?}");
    assert_eq!(order(&line, &[("x-forwarded-for", "203.0.113.10, 10.0.0.1")]).await.status, 201);
    let others =
        [("x-forwarded-for", "203.0.113.11, 172.16.0.1"), ("x-forwarded-for", "203.0.113.12, 172.16.0.1")];
    assert_eq!(order(&line, &others[..1]).await.status, 201);
    assert_eq!(order(&line, &others[1..]).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_not_counted_and_staff_are_not_held_up() {
    let line = line(1, 1).await;
    let phone = [("brewline-device", "mine"), ("x-forwarded-for", "203.0.113.9")];
    let first = [phone[0], phone[1], ("idempotency-key", "0123456789abcdef")];
    let placed = order(&line, &first).await;
    assert_eq!(placed.status, 201);
    let again = order(&line, &first).await;
    assert_eq!((again.status, &again.json()["order_id"]), (201, &placed.json()["order_id"]), "{again:?}");
    assert_eq!(order(&line, &phone).await.code(), "too_many_orders");
    let staff = line.staff();
    for _ in 0..3 {
        assert_eq!(order(&line, &[phone[0], phone[1], ("authorization", &staff)]).await.status, 201);
    }
    let stranger = order(&line, &[("authorization", "Bearer guessed")]).await;
    assert_eq!(stranger.code(), "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_orders_of_the_core_are_not_counted() {
    let line = line(1, 1).await;
    for _ in 0..5 {
        let headers = [("brewline-device", "mine"), ("x-forwarded-for", "203.0.113.9")];
        assert_eq!(line.post("/order?amount=1", &headers, "").await.status, 202);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_count_by_the_same_address() {
    let line = Line::on(log(1), Options { max_streams_per_address: 1, ..options() }).await;
    let phone = [("x-forwarded-for", "203.0.113.9")];
    let _open = line.events("/shop/events", &phone).await;
    let refused = line.get("/shop/events", &phone).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_streams"));
    let _another = line.events("/shop/events", &[("x-forwarded-for", "203.0.113.10")]).await;
    let _local = (line.events("/shop/events", &[]).await, line.events("/shop/events", &[]).await);
}
