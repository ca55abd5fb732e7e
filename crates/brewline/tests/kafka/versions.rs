//! Processes side by side that should not be, or that are not the same.

use rustix::process::Signal;

use crate::{
    bed::{Shop, last_word, text, write},
    support::{Process, get},
};

use rdkafka::Message as _;

fn named(shop: &Shop, args: &[&str]) -> Process {
    shop.barista(&[&["-v", "--seconds-per-cup", "0", "--instance", "one"], args].concat())
}

#[test]
fn of_two_baristas_with_one_name_the_older_ends_with_one_sentence_and_the_line_goes_on() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let older = named(&shop, &[]);
    let first = counter.order(1);
    shop.wait_for_bells(std::slice::from_ref(&first));
    let mut newer = named(&shop, &[]);
    newer.hear(|line| line.contains("partition taken"));
    let said = last_word(older);
    assert!(
        said.starts_with("another process works as instance one") && said.contains("--instance"),
        "{said}"
    );
    let second = counter.order(1);
    let bells = shop.wait_for_bells(&[first, second]);
    assert!(bells.len() == 2 && bells.values().all(|bells| *bells == 1), "{bells:?}");
    assert_eq!(newer.child.try_wait().unwrap(), None, "{:#?}", newer.heard);
}

#[test]
fn an_older_barista_that_meets_a_newer_ones_state_refuses_it_and_the_newer_loses_nothing() {
    let shop = Shop::new();
    let counter = shop.counter(&[]);
    let barista = shop.barista(&["--seconds-per-cup", "0"]);
    let order = counter.order(1);
    shop.wait_for_bells(std::slice::from_ref(&order));
    barista.signal(Signal::TERM);
    assert!(barista.end().0.success());
    // What a newer program made of it.
    let states = shop.records("order.state", "read_committed");
    let state = states.iter().rfind(|state| text(state.key()) == order).unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(state.payload().unwrap()).unwrap();
    (json["v"], json["state"]) = (2.into(), "steaming".into());
    let (producer, newer) = (shop.stranger(&[]), json.to_string());
    write(&producer, &shop.topic("order.state"), 0, Some(&order), Some(newer.as_bytes())).unwrap();
    let waiting = counter.order(1);
    for _ in 0..2 {
        let said = last_word(shop.barista(&[]));
        assert!(said.starts_with("order.state-0@"), "{said}");
        assert!(said.contains("newer brewline (schema version 2, this one knows 1)"), "{said}");
    }
    // A counter goes on taking orders, and says what is missing.
    let ready = get(counter.at, "/readyz").unwrap();
    assert!(ready.status == 503 && ready.body.contains("newer_log"), "{ready:?}");
    let after = counter.order(1);
    let received = shop.received();
    assert!([&order, &waiting, &after].iter().all(|id| received.contains(*id)), "{received:?}");
    let last = shop.records("order.state", "read_committed").pop().unwrap();
    assert_eq!(text(last.payload()), newer, "nothing was written over it");
    assert_eq!(shop.bells().len(), 1);
}
