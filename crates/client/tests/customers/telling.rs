//! What stands on stdout and stderr.

use std::{
    io::{self, Write},
    time::{Duration, SystemTime},
};

use client::{ClientError, Event, Options, Output, Reporter, Summary, Wait, reporter};
use tokio_util::sync::CancellationToken;

use crate::support::{FakeCounter, Paper, customers};

/// Two customers: the first is refused, the second gets order `b`, which is called twice.
async fn scene(mut reporter: Box<dyn Reporter>) -> Result<Summary, ClientError> {
    let mut counter = FakeCounter::start().await;
    let mut options = Options { cups: 2..=2, ..customers(2, &counter) };
    // One order at a time, so that what is told has one order, too.
    options.limits.posts = 1;
    let stop = CancellationToken::new();
    let kitchen = async {
        counter.next().await.problem(409, "closed", "the shop is closed", &[]);
        let stream = counter.take_order("b").await;
        stream.show("b", "ready", 1, 3).show("b", "making", 2, 4).show("b", "cancelled", 2, 5);
        // Open until the customers have heard everything and left.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        end = client::run(options, stop, reporter.as_mut()) => end,
        () = kitchen => unreachable!(),
    }
}

#[tokio::test]
async fn plain_output_has_orders_and_bells_on_stdout_and_the_rest_on_stderr() {
    let (out, err) = (Paper::default(), Paper::default());
    let summary = scene(reporter(Output::Plain, out.clone(), err.clone())).await.expect("a summary");
    assert_eq!((summary.accepted, summary.ready, summary.refused, summary.cancelled), (1, 1, 1, 0));

    assert_eq!(out.text(), "Order accepted: b\nOrder ID b is ready for pickup. Enjoy your coffee!\n");
    let err = err.text();
    let lines: Vec<_> = err.lines().collect();
    assert_eq!(lines[0], "Order for 2 cups refused: the shop is closed (closed, HTTP 409)");
    assert!(lines[1].starts_with("1 of 2 have rung") && lines[1].ends_with("Ctrl-C ends it."), "{err}");
    assert_eq!(lines[2], "Order b is being made again (round 2) and will ring again.");
    assert_eq!(lines[3], "Order b was cancelled.");
    assert!(lines[4].starts_with("1 accepted, 1 ready, 1 refused; slowest from order to ready: "), "{err}");
    assert_eq!(lines.len(), 5);
}

#[tokio::test]
async fn a_progress_line_leaves_stdout_as_it_is() {
    let (out, err) = (Paper::default(), Paper::default());
    scene(reporter(Output::Progress, out.clone(), err)).await.expect("a summary");
    assert_eq!(out.text(), "Order accepted: b\nOrder ID b is ready for pickup. Enjoy your coffee!\n");
}

#[tokio::test]
async fn json_output_is_one_object_a_line_and_nothing_on_stderr() {
    let (out, err) = (Paper::default(), Paper::default());
    scene(reporter(Output::Json, out.clone(), err.clone())).await.expect("a summary");

    let lines: Vec<serde_json::Value> =
        out.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names: Vec<_> = lines.iter().map(|line| line["event"].as_str().expect("a name")).collect();
    assert_eq!(names, ["refused", "accepted", "ready", "all_over", "recalled", "cancelled", "summary"]);
    assert!(lines.iter().all(|line| line["at"].is_u64()), "{lines:?}");
    assert_eq!((&lines[0]["code"], &lines[0]["status"]), (&"closed".into(), &409.into()));
    assert_eq!((&lines[1]["order_id"], &lines[1]["amount"]), (&"b".into(), &2.into()));
    assert_eq!((&lines[2]["round"], &lines[2]["code"]), (&1.into(), &17.into()));
    assert!(lines[2]["waited_ms"].is_u64());
    assert_eq!((&lines[6]["accepted"], &lines[6]["ready"]), (&1.into(), &1.into()));
    assert!(lines[6]["slowest_ms"].is_u64());
    assert_eq!((&lines[6]["waiting"], &lines[6]["not_ordered"]), (&0.into(), &0.into()));
    assert_eq!(err.text(), "");
}

#[test]
fn programs_are_told_every_number_that_people_are() {
    let summary = Summary {
        customers: 10,
        accepted: 5,
        ready: 1,
        refused: 2,
        unanswered: 1,
        cancelled: 1,
        unheard: 1,
        slowest: Some(Duration::from_millis(5_021)),
    };
    let tell = |output| {
        let (out, err) = (Paper::default(), Paper::default());
        let mut reporter = reporter(output, out.clone(), err.clone());
        let event = Event::Summary(summary.clone());
        reporter.tell(SystemTime::UNIX_EPOCH, &event, &summary).expect("paper takes everything");
        out.text() + &err.text()
    };
    assert_eq!(
        tell(Output::Plain),
        "5 accepted, 1 ready, 2 refused, 1 without an answer, 1 cancelled, 1 not heard, 2 still waited for, \
         2 not ordered; slowest from order to ready: 5.02 s.\n"
    );
    let line: serde_json::Value = serde_json::from_str(&tell(Output::Json)).expect("JSON");
    let said = serde_json::json!({
        "event": "summary", "at": 0, "customers": 10, "accepted": 5, "ready": 1, "refused": 2, "unanswered": 1,
        "cancelled": 1, "unheard": 1, "waiting": 2, "not_ordered": 2, "slowest_ms": 5_021,
    });
    assert_eq!(line, said);
}

#[test]
fn what_is_waited_for_is_told_to_people_and_to_programs() {
    let event = Event::Waiting { wait: Wait::Bell, detail: "512 streams are open.".into() };
    let tell = |output| {
        let (out, err) = (Paper::default(), Paper::default());
        let mut reporter = reporter(output, out.clone(), err.clone());
        reporter.tell(SystemTime::UNIX_EPOCH, &event, &Summary::default()).expect("paper takes everything");
        (out.text(), err.text())
    };
    assert_eq!(tell(Output::Plain), (String::new(), "Waiting for a bell: 512 streams are open.\n".into()));
    let (out, err) = tell(Output::Json);
    let line: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&line["event"], &line["for"]), (&"waiting".into(), &"bell".into()));
    assert_eq!((line["detail"].as_str(), err.as_str()), (Some("512 streams are open."), ""));
}

#[tokio::test]
async fn an_output_that_is_gone_ends_the_run() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let end = scene(reporter(Output::Plain, Gone, Paper::default())).await;
    assert!(matches!(end, Err(ClientError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe));
}
