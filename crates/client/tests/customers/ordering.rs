//! From wanting a coffee to having an order, or knowing why not.

use std::{collections::HashSet, time::Duration};

use client::{ClientError, Event, Options, Verdict, Wait};
use tokio::net::TcpListener;

use crate::support::{FakeCounter, Run, customers};

#[tokio::test]
async fn ten_customers_get_ten_coffees() {
    let mut counter = FakeCounter::start().await;
    let run = Run::start(Options { once: true, ..customers(10, &counter) });

    let (mut keys, mut streams) = (HashSet::new(), Vec::new());
    while streams.len() < 10 {
        let call = counter.next().await;
        if call.is_order() {
            assert!((1..=5).contains(&call.amount()));
            let key = call.key();
            assert!((16..=128).contains(&key.len()), "{key}");
            let id = format!("order-{}", keys.len());
            assert!(keys.insert(key), "every customer has a key of their own");
            call.accept(&id);
        } else {
            let id = call.path().split('/').nth(2).expect("an id").to_owned();
            let stream = call.open(&id);
            stream.show(&id, "making", 1, 2).heartbeat().show(&id, "ready", 1, 3);
            streams.push(stream);
        }
    }

    let (events, end) = run.rest().await;
    let summary = end.expect("a summary");
    assert_eq!((summary.accepted, summary.ready, summary.refused), (10, 10, 0));
    assert!(summary.slowest.is_some());
    assert_eq!(summary.verdict(), Verdict::AllReady);
    assert_eq!(events.last(), Some(&Event::Summary(summary)));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));

    let first = counter.next().await;
    let (key, amount) = (first.key(), first.amount());
    first.hang_up();
    for (status, code) in [(503, "outcome_unknown"), (503, "queue_full"), (500, "bug")] {
        let again = counter.next().await;
        assert_eq!((again.key(), again.amount()), (key.clone(), amount));
        again.problem(status, code, "later", &[("retry-after", "0")]);
    }
    let last = counter.next().await;
    assert_eq!(last.key(), key);
    last.accept("a");

    assert_eq!(run.hears().await, Event::Accepted { order_id: "a".into(), amount });
}

#[tokio::test]
async fn an_answer_without_an_order_is_no_order() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));
    counter.next().await.answer(202, &[], "thank you");
    counter.next().await.answer(202, &[], &"x".repeat(100_000));
    counter.next().await.accept("a");
    assert!(matches!(run.hears().await, Event::Accepted { order_id, .. } if order_id == "a"));
}

#[tokio::test]
async fn a_refused_order_is_told_once_and_the_others_go_on() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(Options { once: true, ..customers(2, &counter) });

    // Both orders may come before either stream.
    let mut refused = false;
    let stream = loop {
        let call = counter.next().await;
        if !call.is_order() {
            break call.open("b");
        } else if refused {
            call.accept("b");
        } else {
            refused = true;
            call.problem(409, "closed", "the shop is closed", &[]);
        }
    };
    stream.show("b", "ready", 1, 3);

    assert_eq!(run.bell().await, ("b".into(), 1));
    let summary = run.rest().await.1.expect("a summary");
    assert_eq!((summary.accepted, summary.ready, summary.refused), (1, 1, 1));
    assert_eq!(summary.verdict(), Verdict::Failed);
    assert!(counter.is_idle(), "a 4xx is not asked for again");
}

#[tokio::test]
async fn a_counter_that_stays_full_is_a_refusal_when_patience_is_over() {
    let mut counter = FakeCounter::start().await;
    let run = Run::start(customers(1, &counter));
    // Longer than any patience: there is no point in waiting for it.
    counter.next().await.problem(503, "queue_full", "too many are waiting", &[("retry-after", "3600")]);

    let (events, end) = run.rest().await;
    let [Event::Refused { status: 503, code, detail, .. }, Event::Summary(_)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((code.as_deref(), detail.as_str()), (Some("queue_full"), "too many are waiting"));
    assert_eq!(end.expect("a summary").verdict(), Verdict::Failed);
}

#[tokio::test]
async fn what_holds_an_order_up_is_told_once() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(1, &counter);
    options.limits.notice = Duration::ZERO;
    let mut run = Run::start(options);
    for already_open in ["7", "8", "9"] {
        let detail = format!("{already_open} orders are open");
        counter.next().await.problem(503, "queue_full", &detail, &[("retry-after", "0")]);
    }
    counter.next().await.accept("a");
    let mut waited_for = Vec::new();
    let accepted = loop {
        match run.hears().await {
            Event::Waiting { wait: Wait::Order, detail } => waited_for.push(detail),
            other => break other,
        }
    };
    assert!(matches!(accepted, Event::Accepted { .. }), "{accepted:?}");
    assert_eq!(waited_for.iter().filter(|detail| *detail == "7 orders are open").count(), 1);
    // Each answer took longer than no time at all.
    assert!(waited_for.iter().all(|why| why == "7 orders are open" || why.contains("has not answered")));
    assert!(waited_for.len() <= 2, "{waited_for:?}");
}

#[tokio::test]
async fn an_answer_that_takes_long_is_told_before_it_comes() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(1, &counter);
    options.limits.notice = Duration::ZERO;
    let mut run = Run::start(options);
    let call = counter.next().await;
    let detail = "the counter has not answered yet".to_owned();
    assert_eq!(run.hears().await, Event::Waiting { wait: Wait::Order, detail });
    call.accept("a");
    assert!(matches!(run.hears().await, Event::Accepted { .. }));
}

#[tokio::test]
async fn somebody_who_is_no_counter_is_one_clear_sentence() {
    for (status, body) in [
        (200, "<html>Welcome</html>"),
        (301, ""),
        (404, "<html>Not Found</html>"),
        (405, ""),
        (501, "<html>Unsupported method</html>"),
    ] {
        let mut counter = FakeCounter::start().await;
        let run = Run::start(Options { once: true, ..customers(3, &counter) });
        counter.next().await.answer(status, &[("content-type", "text/html")], body);
        let (events, end) = run.rest().await;
        let error = end.expect_err("no counter");
        assert!(matches!(error, ClientError::NotACounter { .. }), "{status}: {error}");
        let message = error.to_string();
        assert!(message.contains(&status.to_string()) && message.contains("--counter"), "{message}");
        assert_eq!(events, [], "{status}");
    }
}

#[tokio::test]
async fn a_final_refusal_without_a_code_is_one_of_that_order() {
    for status in [400, 401, 403, 409, 422, 505] {
        let mut counter = FakeCounter::start().await;
        let run = Run::start(Options { once: true, ..customers(2, &counter) });
        for _ in 0..2 {
            counter.next().await.answer(status, &[], r#"{"detail":"no more milk"}"#);
        }
        let (events, end) = run.rest().await;
        let told = |event: &&Event| {
            matches!(event, Event::Refused { status: told, code: None, detail, .. }
                if *told == status && detail == "no more milk")
        };
        assert_eq!(events.iter().filter(told).count(), 2, "{status}: {events:?}");
        assert_eq!(end.expect("a summary").refused, 2, "{status}");
    }
}

#[tokio::test]
async fn the_words_of_somebody_who_is_no_counter_cant_move_the_cursor() {
    let mut counter = FakeCounter::start().await;
    let run = Run::start(customers(1, &counter));
    let detail = format!(r"\u001b[2J\n{}", "x".repeat(10_000));
    counter.next().await.answer(404, &[], &format!(r#"{{"detail":"{detail}"}}"#));
    let message = run.rest().await.1.expect_err("no counter").to_string();
    assert!(message.contains("\u{fffd}[2J\u{fffd}xxx") && !message.contains(char::is_control), "{message}");
    assert!(message.chars().count() < 700 && message.ends_with("--counter"), "{message}");
}

#[tokio::test]
async fn somebody_who_speaks_no_http_is_no_counter() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let there = listener.local_addr().expect("bound");
    let server = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            socket.writable().await.expect("an open socket");
            socket.try_write(b"SSH-2.0-somebody\r\n").expect("an empty buffer");
            open.push(socket);
        }
    });
    let counter = FakeCounter::start().await;
    let address = format!("http://{there}").parse().expect("an address");
    let (_, end) = Run::start(Options { counter: address, ..customers(2, &counter) }).rest().await;
    assert!(matches!(&end, Err(ClientError::NotACounter { .. })), "{end:?}");
    server.abort();
}

#[tokio::test]
async fn a_counter_that_once_was_one_stays_one() {
    let mut counter = FakeCounter::start().await;
    let mut options = Options { once: true, ..customers(2, &counter) };
    options.limits.posts = 1;
    let run = Run::start(options);
    counter.next().await.accept("a");
    let mut streams = Vec::new();
    for _ in 0..2 {
        let call = counter.next().await;
        if call.is_order() {
            // A proxy in between may say anything for a while.
            call.answer(404, &[], "<html>");
        } else {
            let stream = call.open("a");
            stream.show("a", "ready", 1, 3);
            streams.push(stream);
        }
    }
    let (events, end) = run.rest().await;
    assert!(events.iter().any(|event| matches!(event, Event::Refused { status: 404, .. })), "{events:?}");
    assert_eq!(end.expect("a summary").verdict(), Verdict::Failed);
}

#[tokio::test]
async fn an_order_whose_outcome_stays_unknown_is_never_called_refused() {
    let mut counter = FakeCounter::start().await;
    let run = Run::start(customers(1, &counter));
    let body = r#"{"code":"outcome_unknown","detail":"the log did not answer","order_id":"a"}"#;
    counter.next().await.answer(503, &[("retry-after", "0")], body);
    counter.next().await.problem(503, "queue_full", "too many are waiting", &[("retry-after", "3600")]);

    let (events, end) = run.rest().await;
    let [Event::Unanswered { order_id, maybe_taken: true, .. }, Event::Summary(_)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(order_id.as_deref(), Some("a"));
    assert_eq!(end.expect("a summary").unanswered, 1);
}

#[tokio::test]
async fn an_order_on_its_way_is_told_before_the_run_stops_and_none_begins() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(5, &counter);
    options.limits.posts = 1;
    let run = Run::start(options);
    let call = counter.next().await;
    run.stop.cancel();
    call.accept("a");

    let (events, end) = run.rest().await;
    assert!(events.iter().any(|event| matches!(event, Event::Accepted { order_id, .. } if order_id == "a")));
    let summary = end.expect("a summary");
    assert_eq!((summary.accepted, summary.served(), summary.verdict()), (1, 1, Verdict::Stopped));
    assert!(counter.is_idle(), "those who stood in line have left");
}

#[tokio::test]
async fn customers_come_one_interval_after_the_other() {
    let mut counter = FakeCounter::start().await;
    let hour = Duration::from_hours(1);
    let mut run = Run::start(Options { interval: hour, ..customers(2, &counter) });
    let stream = counter.take_order("a").await;
    stream.show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));

    let summary = run.stop().await;
    assert_eq!((summary.accepted, summary.ready, summary.served()), (1, 1, 1));
    assert_eq!(summary.verdict(), Verdict::Stopped, "the second customer never came");
}

#[tokio::test]
async fn a_counter_that_is_not_there_is_one_clear_sentence() {
    // Bound and let go, so that nobody listens there.
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = gone.local_addr().expect("bound").port();
    drop(gone);
    let counter = FakeCounter::start().await;
    let address = format!("http://127.0.0.1:{port}");
    let run = Run::start(Options { counter: address.parse().expect("an address"), ..customers(3, &counter) });

    let (events, end) = run.rest().await;
    let message = end.expect_err("nobody is there").to_string();
    assert!(
        message.contains(&address) && message.contains("is `brewline up` or `brewline counter` running?"),
        "{message}"
    );
    assert!(message.contains("--counter") && !message.contains("os error"), "{message}");
    assert!(matches!(&events[..], [Event::Lost { .. }]), "told once: {events:?}");
}

#[tokio::test]
async fn a_counter_that_comes_a_little_later_is_found() {
    let counter = FakeCounter::start().await;
    let place = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let there = place.local_addr().expect("bound");
    drop(place);
    let mut options = customers(1, &counter);
    options.counter = format!("http://{there}").parse().expect("an address");
    options.limits.contact.overall = Duration::from_secs(20);
    let mut run = Run::start(options);
    assert!(matches!(run.hears().await, Event::Lost { .. }));

    let mut late = FakeCounter::on(TcpListener::bind(there).await.expect("still free"));
    late.next().await.accept("a");
    assert!(matches!(run.hears().await, Event::Back { .. }));
    assert!(matches!(run.hears().await, Event::Accepted { .. }));
}

#[tokio::test]
async fn options_outside_their_range_send_nothing() {
    let mut counter = FakeCounter::start().await;
    let fine = customers(1, &counter);
    for (wrong, named) in [
        (Options { customers: 0, ..fine.clone() }, "from 1 to 10000"),
        (Options { customers: 10_001, ..fine.clone() }, "from 1 to 10000"),
        (Options { interval: Duration::MAX, ..fine.clone() }, "an hour"),
        (Options { cups: 0..=5, ..fine.clone() }, "1 to 1000"),
        (Options { cups: 1..=1_001, ..fine.clone() }, "1 to 1000"),
    ] {
        let message = Run::start(wrong).rest().await.1.expect_err("out of range").to_string();
        assert!(message.contains(named), "{message}");
    }
    assert!(counter.is_idle());
}
