//! A trace that goes from one process to the next in the records' headers.

use rdkafka::Message as _;

use crate::{
    bed::{Counter, Shop, header, id, text},
    collector::{Collector, has, is_below, named, trace_with},
    support::{hear, request},
};

fn order(counter: &Counter, headers: &[(&str, &str)]) -> String {
    let answer = request(counter.at, "POST", "/order?amount=1", headers, "").unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    id(&answer)
}

/// The header of the order's record in a topic.
fn traceparent(shop: &Shop, topic: &str, id: &str) -> Option<String> {
    let records = shop.records(topic, "read_committed");
    header(records.iter().find(|record| text(record.key()) == id).unwrap(), "traceparent")
}

#[test]
fn a_trace_goes_from_the_counter_through_the_barista_to_the_bell_in_the_records_headers() {
    let (shop, mut collector) = (Shop::new(), Collector::start());
    let url = collector.url();
    let traces = ["--otlp-endpoint", &url];
    let counter = shop.counter(&traces);
    let barista = shop.barista(&[&traces[..], &["--seconds-per-cup", "0"]].concat());
    let id = order(&counter, &[]);
    hear(counter.at, &format!("/orders/{id}/events"), |order| order["state"] == "ready");
    let told = collector.hear(|told| {
        has(told, "bell") && told.iter().any(|told| told.span.name.ends_with("order.processed"))
    });
    let trace = trace_with(&told, "POST /order");
    let [received, processed, process] =
        ["send order.received", "send order.processed", "process order.received"]
            .map(|name| name.replace("order.", &format!("{}order.", shop.prefix)));
    for (below, above) in [
        (&*received, "POST /order"),
        (&*process, &*received),
        (&*processed, &*process),
        ("bell", &*processed),
    ] {
        assert!(is_below(&trace, below, above), "{below} is not below {above}: {trace:#?}");
    }
    let [sent, taken] = [&received, &process].map(|name| named(&trace, name));
    assert_eq!((sent.service.as_str(), taken.service.as_str()), ("brewline-counter", "brewline-barista"));
    assert_eq!(sent.says("messaging.system"), "kafka");
    assert_eq!(sent.says("messaging.kafka.offset"), taken.says("messaging.kafka.offset"));
    assert_eq!(taken.says("messaging.consumer.group.name"), format!("{}barista_group", shop.prefix));
    // Programs of others find the same in the records.
    for (topic, name) in [("order.received", &received), ("order.processed", &processed)] {
        let span = &named(&trace, name).span;
        let trace = u128::from_be_bytes(span.trace_id.as_slice().try_into().unwrap());
        let place = u64::from_be_bytes(span.span_id.as_slice().try_into().unwrap());
        let expected = format!("00-{trace:032x}-{place:016x}-01");
        assert_eq!(traceparent(&shop, topic, &id), Some(expected), "{topic}");
    }
    drop((counter, barista));
}

#[test]
fn that_a_trace_that_came_is_not_recorded_is_carried_on_too_and_else_nothing_is_added() {
    let (shop, mut collector) = (Shop::new(), Collector::start());
    let barista = shop.barista(&["--seconds-per-cup", "0", "--otlp-endpoint", &collector.url()]);
    let traced = shop.counter(&["--otlp-endpoint", &collector.url(), "--trace-ratio", "0"]);
    let plain = shop.counter(&[]);
    let none = [order(&traced, &[]), order(&plain, &[])];
    let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let passed = order(&plain, &[("traceparent", theirs)]);
    let not_recorded = "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00";
    let unsampled = order(&traced, &[("traceparent", not_recorded)]);
    shop.wait_for_bells(&[&none[..], &[passed.clone(), unsampled.clone()]].concat());

    for topic in ["order.received", "order.processed"] {
        assert_eq!(traceparent(&shop, topic, &unsampled).as_deref(), Some(not_recorded));
        for none in &none {
            assert_eq!(traceparent(&shop, topic, none), None);
        }
    }
    assert_eq!(traceparent(&shop, "order.received", &passed).as_deref(), Some(theirs));

    // The barista records the one that asks for it, and no other.
    let name = format!("send {}order.processed", shop.prefix);
    let told = collector.hear(|told| has(told, &name));
    let passed_on = traceparent(&shop, "order.processed", &passed).unwrap();
    assert!(passed_on.starts_with(&theirs[..36]) && passed_on.ends_with("-01"), "{passed_on}");
    assert!(told.iter().all(|told| told.says("brewline.order.id") == passed), "{told:#?}");
    drop((traced, plain, barista));
}
