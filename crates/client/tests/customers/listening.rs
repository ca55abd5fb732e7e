//! From an accepted order to its bell, through everything that can happen to a stream.

use std::time::Duration;

use client::{Event, Options, Verdict, Wait};
use tokio::net::TcpListener;

use crate::support::{FakeCounter, Run, customers};

#[tokio::test]
async fn a_stream_cut_in_the_middle_is_resumed_and_rings_once() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));

    let stream = counter.take_order("a").await;
    stream.show("a", "received", 1, 1).show("a", "making", 1, 2).show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));
    stream.send("id: 4\nevent: ord");
    stream.cut();

    let again = counter.next().await;
    assert_eq!(again.header("last-event-id"), Some("3"), "what was cut off is asked for again");
    // A counter that doesn't know where we were shows everything again, and may end the stream by itself.
    let stream = again.open("a");
    stream.show("a", "ready", 1, 3).show("a", "collected", 1, 4);
    drop(stream);
    let again = counter.next().await;
    assert_eq!(again.header("last-event-id"), Some("4"));
    let stream = again.open("a");
    stream.show("a", "ready", 2, 9);
    assert_eq!(run.bell().await, ("a".into(), 2), "round 1 rang no second time");
}

#[tokio::test]
async fn a_recalled_order_rings_again_once() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));
    let stream = counter.take_order("a").await;
    stream.show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));
    assert_eq!(run.hears().await, Event::AllOver { ready: 1, customers: 1 });

    stream.show("a", "making", 2, 4).show("a", "ready", 2, 5).show("a", "collected", 2, 6);
    assert_eq!(run.hears().await, Event::Recalled { order_id: "a".into(), round: 2 });
    assert!(matches!(run.hears().await, Event::Ready { round: 2, code: Some(17), again: true, .. }));

    let summary = run.stop().await;
    assert_eq!((summary.ready, summary.verdict()), (1, Verdict::AllReady));
}

#[tokio::test]
async fn an_order_that_was_collected_while_we_were_away_rings_late() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(Options { once: true, ..customers(1, &counter) });
    counter.next().await.accept("a");
    counter.next().await.problem(503, "starting", "the view is catching up", &[("retry-after", "0")]);
    let stream = counter.next().await.open("a");
    stream.show("a", "uncollected", 1, 4);
    assert_eq!(run.bell().await, ("a".into(), 1));
    assert_eq!(run.rest().await.1.expect("a summary").verdict(), Verdict::AllReady);
}

#[tokio::test]
async fn a_cancelled_order_is_told_and_ends_the_wait() {
    let mut counter = FakeCounter::start().await;
    let run = Run::start(customers(1, &counter));
    let stream = counter.take_order("a").await;
    stream.show("a", "making", 1, 2).show("a", "cancelled", 1, 3);

    let (events, end) = run.rest().await;
    assert!(events.contains(&Event::Cancelled { order_id: "a".into(), rang: false }), "{events:?}");
    let summary = end.expect("a summary");
    assert_eq!((summary.cancelled, summary.ready, summary.verdict()), (1, 0, Verdict::Failed));
}

#[tokio::test]
async fn other_peoples_bells_and_strange_events_are_ignored() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));
    let stream = counter.take_order("a").await;
    stream
        .send(": a comment\n\nretry: 5\n\nevent: weather\ndata: not json\n\n")
        .show("b", "ready", 1, 3)
        .show("a", "garnished", 1, 3)
        .show("a", "ready", 1, 4);
    assert_eq!(run.bell().await, ("a".into(), 1));
}

#[tokio::test]
async fn a_stream_that_says_nothing_is_opened_again() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(1, &counter);
    options.limits.silence = Duration::from_millis(50);
    let mut run = Run::start(options);
    let silent = counter.take_order("a").await;
    silent.heartbeat();
    let kitchen = async {
        let mut streams = Vec::new();
        loop {
            // A machine that is busy may let this one pass for silent, too: then there is another.
            let stream = counter.next().await.open("a");
            stream.show("a", "ready", 1, 3);
            streams.push(stream);
        }
    };
    tokio::select! {
        bell = run.bell() => assert_eq!(bell, ("a".into(), 1)),
        () = kitchen => unreachable!(),
    }
}

#[tokio::test]
async fn streams_that_are_refused_are_told_once_and_the_bell_rings_all_the_same() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(without_patience(&counter));
    counter.next().await.accept("a");
    for _ in 0..3 {
        let again = [("retry-after", "0")];
        counter.next().await.problem(429, "too_many_streams", "512 streams are open", &again);
    }
    counter.next().await.open("a").show("a", "ready", 1, 3);
    let mut reasons = Vec::new();
    loop {
        match run.hears().await {
            Event::Waiting { wait: Wait::Bell, detail } => reasons.push(detail),
            Event::Ready { .. } => break,
            _ => {}
        }
    }
    assert_eq!(reasons.iter().filter(|reason| *reason == "512 streams are open").count(), 1, "{reasons:?}");
}

#[tokio::test]
async fn a_stream_without_a_word_of_the_order_is_told() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(without_patience(&counter));
    counter.next().await.accept("a");
    // As a counter that still reads its log.
    let stream = counter.next().await.open("a");
    stream.heartbeat();
    loop {
        if let Event::Waiting { wait: Wait::Bell, .. } = run.hears().await {
            break;
        }
    }
    stream.show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));
}

/// One customer, who tells at once what holds him up.
fn without_patience(counter: &FakeCounter) -> Options {
    let mut options = customers(1, counter);
    options.limits.notice = Duration::ZERO;
    options
}

#[tokio::test]
async fn an_event_without_end_is_not_kept_in_memory() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(1, &counter);
    options.limits.event_bytes = 10_000;
    let mut run = Run::start(options);
    let endless = counter.take_order("a").await;
    endless.send("event: order\ndata: ");
    for _ in 0..20 {
        endless.send(&"x".repeat(1_000));
    }
    let stream = counter.next().await.open("a");
    stream.show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));
}

#[tokio::test]
async fn a_snapshot_that_cant_be_read_must_come_again() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));
    let stream = counter.take_order("a").await;
    stream.show("a", "making", 1, 2).send("id: 3\nevent: order\ndata: {\"order_id\":\n\n");
    let again = counter.next().await;
    assert_eq!(again.header("last-event-id"), Some("2"));
    let stream = again.open("a");
    stream.show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));
}

#[tokio::test]
async fn a_stream_that_knows_no_such_order_is_left_however_alive_it_is() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(1, &counter);
    options.limits.unknown = Duration::ZERO;
    let run = Run::start(Options { once: true, ..options });
    let stream = counter.take_order("a").await;
    // As our counter does: it answers 200, says so once, and goes on with heartbeats.
    stream.heartbeat().unknown("a").heartbeat();

    let (events, end) = run.rest().await;
    let detail = "the counter knows no such order".into();
    assert!(events.contains(&Event::Unheard { order_id: "a".into(), detail }), "{events:?}");
    assert_eq!(end.expect("a summary").verdict(), Verdict::Failed);
}

#[tokio::test]
async fn patience_with_an_unknown_order_goes_on_from_stream_to_stream() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(1, &counter);
    options.limits.unknown = Duration::from_millis(20);
    let mut run = Run::start(options);
    let mut stream = counter.take_order("a").await;
    // Each stream ends before patience does, as behind something that spreads requests over counters.
    let unheard = run.unheard();
    tokio::pin!(unheard);
    let unheard = loop {
        stream.unknown("a");
        drop(stream);
        tokio::select! {
            call = counter.next() => stream = call.open("a"),
            event = &mut unheard => break event,
        }
    };
    assert_eq!(
        unheard,
        Event::Unheard { order_id: "a".into(), detail: "the counter knows no such order".into() }
    );
}

#[tokio::test]
async fn an_order_that_becomes_known_in_time_rings() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));
    let stream = counter.take_order("a").await;
    stream.unknown("a").show("a", "making", 1, 2).heartbeat().show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));
}

#[tokio::test]
async fn an_order_that_the_counter_forgets_is_told_as_unheard_unless_it_rang() {
    for (states, unheard) in [(&["making"][..], 1), (&["making", "ready"], 0)] {
        let mut counter = FakeCounter::start().await;
        let run = Run::start(customers(1, &counter));
        let stream = counter.take_order("a").await;
        for (state, version) in states.iter().zip(2..) {
            stream.show("a", state, 1, version);
        }
        stream.send("event: forgotten\ndata: {\"order_id\":\"a\",\"as_of\":1}\n\n");
        // It ends by itself: there is nothing left to listen for.
        let (events, end) = run.rest().await;
        assert_eq!(end.expect("a summary").unheard, unheard, "{events:?}");
    }
}

#[tokio::test]
async fn an_order_that_a_counter_answers_404_for_is_told_as_unheard() {
    let mut counter = FakeCounter::start().await;
    let mut options = customers(1, &counter);
    options.limits.unknown = Duration::ZERO;
    let run = Run::start(options);
    counter.next().await.accept("a");
    counter.next().await.problem(404, "no_such_order", "there is no order a", &[]);

    let (events, end) = run.rest().await;
    let unheard = Event::Unheard { order_id: "a".into(), detail: "there is no order a".into() };
    assert!(events.contains(&unheard), "{events:?}");
    assert_eq!(end.expect("a summary").verdict(), Verdict::Failed);
}

#[tokio::test]
async fn an_order_that_the_view_has_not_seen_yet_is_asked_for_again() {
    let mut counter = FakeCounter::start().await;
    let mut run = Run::start(customers(1, &counter));
    counter.next().await.accept("a");
    counter.next().await.problem(404, "no_such_order", "there is no order a", &[]);
    counter.next().await.answer(202, &[], r#"{"code":"catching_up"}"#);
    let stream = counter.next().await.open("a");
    stream.show("a", "ready", 1, 3);
    assert_eq!(run.bell().await, ("a".into(), 1));
}

#[tokio::test]
async fn a_counter_that_restarts_is_found_again_and_every_order_rings() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let there = listener.local_addr().expect("bound");
    let mut counter = FakeCounter::on(listener);
    let mut run = Run::start(customers(1, &counter));
    let stream = counter.take_order("a").await;
    stream.show("a", "making", 1, 2);
    assert!(matches!(run.hears().await, Event::Accepted { .. }));
    drop(counter);
    stream.cut();
    assert!(matches!(run.hears().await, Event::Lost { .. }));

    let mut counter = FakeCounter::on(TcpListener::bind(there).await.expect("still free"));
    let stream = counter.next().await.open("a");
    stream.show("a", "ready", 1, 3);
    assert!(matches!(run.hears().await, Event::Back { .. }));
    assert_eq!(run.bell().await, ("a".into(), 1));
}

#[tokio::test]
async fn more_orders_than_places_for_streams_all_ring() {
    let mut counter = FakeCounter::start().await;
    let mut options = Options { once: true, ..customers(6, &counter) };
    options.limits.streams = 2;
    let run = Run::start(options);

    let kitchen = async {
        let (mut orders, mut streams) = (0, Vec::new());
        loop {
            let call = counter.next().await;
            if call.is_order() {
                call.accept(&format!("order-{orders}"));
                orders += 1;
            } else {
                let id = call.path().split('/').nth(2).expect("an id").to_owned();
                let stream = call.open(&id);
                stream.show(&id, "ready", 1, 3);
                // Kept open: the customers must give their places up by themselves.
                streams.push(stream);
            }
        }
    };
    let summary = tokio::select! {
        (_, end) = run.rest() => end.expect("a summary"),
        () = kitchen => unreachable!(),
    };
    assert_eq!((summary.accepted, summary.ready), (6, 6));
}
