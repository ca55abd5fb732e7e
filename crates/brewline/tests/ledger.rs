//! `brewline ledger`: the count of a log that nobody has, and of a line that runs.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    sync::Arc,
    time::Duration,
};

use eventlog::{Entry, Log as _, Start, local};
use jiff::Timestamp;
use ledger::TOPICS;
use order::topic;
use support::{Said, Up, brewline, get, hear, local as address, request, run};

const DAY: Duration = Duration::from_hours(24);

fn open(dir: &Path) -> Arc<local::LocalLog> {
    local::LocalLog::open(local::Options::new(dir, &brewline::catalog(30 * DAY))).unwrap()
}

/// Every record that the ledger reads.
fn records(log: &local::LocalLog) -> Vec<Entry> {
    let mut follow = log.follow(&TOPICS.map(|topic| (topic, Start::Beginning))).unwrap();
    let mut entries = Vec::new();
    loop {
        let batch = follow.poll(Duration::from_secs(1)).unwrap();
        entries.extend(batch.entries);
        if batch.at_end {
            return entries;
        }
    }
}

/// Writes these records behind what is there.
fn write(log: &local::LocalLog, entries: &[Entry]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for entry in entries {
        let publish = log.publisher().publish(entry.topic, 0, entry.record.clone(), Duration::from_mins(1));
        runtime.block_on(publish).unwrap();
    }
}

fn said(dir: &Path, args: &[&str]) -> Said {
    run(&[&["ledger", "--log", &address(dir)], args].concat())
}

/// Three orders that have rung.
fn busy(up: &Up) -> Vec<String> {
    let order = |_| {
        let placed = request(up.counter, "POST", "/order?amount=1", &[], "").unwrap();
        assert_eq!(placed.status, 202, "{placed:?}");
        let id = placed.json()["order_id"].as_str().unwrap().to_owned();
        hear(up.counter, &format!("/orders/{id}/events"), |shown| shown["state"] == "ready");
        id
    };
    (0..3).map(order).collect()
}

#[test]
fn what_is_lost_or_doubled_in_a_log_is_named_and_the_exit_code_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let up = Up::start(&whole, &["--seconds-per-cup", "0"]);
    let ids = busy(&up);
    up.stop();
    let good = said(&whole, &[]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.contains("3 accepted = 3 ready\n"), "{good:?}");
    assert!(good.stdout.contains("Every order is accounted for."), "{good:?}");
    assert!(good.stdout.lines().next().unwrap().contains(" in Asia/Seoul"), "{good:?}");
    let wrong = said(&whole, &["--at", "noon"]);
    assert!(wrong.stderr.contains("say a time as in 14:30"), "{wrong:?}");

    let log = open(&whole);
    let entries = records(&log);
    log.close();
    let is = |entry: &Entry, topic, id: &str| {
        entry.topic == topic && entry.record.key.as_deref() == Some(id.as_bytes())
    };
    for (n, lost) in [topic::RECEIVED, topic::EVENT, topic::PROCESSED].into_iter().enumerate() {
        let dir = dir.path().join(n.to_string());
        let log = open(&dir);
        // Nothing stands behind the last one: where orders were placed stays as it was.
        let order = if lost == topic::RECEIVED { &ids[2] } else { &ids[0] };
        let kept: Vec<_> = entries.iter().filter(|entry| !is(entry, lost, order)).cloned().collect();
        assert_eq!(kept.len(), entries.len() - 1);
        write(&log, &kept);
        log.close();
        let bad = said(&dir, &[]);
        assert_eq!(bad.code, Some(1), "without {lost}: {bad:?}");
        assert!(bad.stdout.contains("WRONG") && bad.stdout.contains(order), "without {lost}: {bad:?}");
        assert!(!ids.iter().any(|id| id != order && bad.stdout.contains(id)), "{bad:?}");
    }

    let bell = entries.iter().find(|entry| is(entry, topic::PROCESSED, &ids[1])).unwrap().clone();
    let log = open(&whole);
    write(&log, &[bell]);
    log.close();
    let bad = said(&whole, &["--json"]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    let json: serde_json::Value = serde_json::from_str(&bad.stdout).unwrap();
    assert_eq!((&json["holds"], &json["faults"][0]["order_id"]), (&false.into(), &ids[1].as_str().into()));
    assert_eq!(json["faults"][0]["kind"], "announced");
}

#[test]
fn where_a_line_has_the_log_its_counter_is_asked_with_a_managers_token() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Up::start(dir.path(), &["--seconds-per-cup", "0"]);
    let token = up.staff_token();
    let ids = busy(&up);
    let authorization = format!("Bearer {token}");
    let counted = || {
        let answer = request(up.counter, "GET", "/ledger", &[("Authorization", &authorization)], "").unwrap();
        answer.status == 200 && answer.json()["equation"]["ready"] == ids.len()
    };
    let until = std::time::Instant::now() + support::PATIENCE;
    while !counted() {
        assert!(std::time::Instant::now() < until, "it is never counted");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let counter = format!("http://{}", up.counter);
    let good = said(dir.path(), &["--counter", &counter, "--token", &token]);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.contains("3 accepted = 3 ready\n"), "{good:?}");
    assert!(good.stdout.lines().next().unwrap().contains(" in Asia/Seoul"), "{good:?}");
    let by_the_shops_clock = Timestamp::now().in_tz("Asia/Seoul").unwrap().datetime().to_string();
    let then = said(dir.path(), &["--counter", &counter, "--token", &token, "--at", &by_the_shops_clock]);
    assert!(then.stdout.contains("3 accepted = 3 ready\n"), "{then:?}");
    let then = said(dir.path(), &["--counter", &counter, "--token", &token, "--at", "1h"]);
    assert_eq!(then.code, Some(0), "{then:?}");
    assert!(then.stdout.contains("0 accepted = 0\n") && then.stdout.contains("as it was then"), "{then:?}");

    let alone = said(dir.path(), &[]);
    assert_eq!((alone.code, alone.stderr.lines().count()), (Some(1), 1), "{alone:?}");
    assert!(alone.stderr.contains("--token") && alone.stderr.contains(&counter), "{alone:?}");
    // By the name under which the first start shows it.
    assert!(alone.stderr.contains("staff token"), "{alone:?}");
    for command in ["ledger", "backup", "export", "rush"] {
        let help = run(&[command, "--help"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("--token <TOKEN> The staff token"), "{command}: {help}");
    }
    let found = said(dir.path(), &["--token", &token]);
    assert_eq!(found.code, Some(0), "the line that has the log says where it listens: {found:?}");
    assert!(found.stdout.contains("3 accepted = 3 ready\n"), "{found:?}");
    let wrong = said(dir.path(), &["--counter", &counter, "--token", "wrong"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.stderr.contains("token is not the staff's"), "{wrong:?}");

    let metrics = get(up.counter, "/metrics").unwrap().body;
    for line in [
        "brewline_ledger_holds 1",
        "brewline_ledger_faults 0",
        "brewline_ledger_orders{state=\"accepted\"} 3",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    up.stop();
    let nothing = said(&dir.path().join("elsewhere"), &[]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.stderr.contains("there is no log in"), "{nothing:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_ledger_that_can_not_be_written_is_no_good_one() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close();
    assert_eq!(said(dir.path(), &[]).code, Some(0));
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [&[][..], &["--json"]] {
        let mut ledger = brewline(&["ledger", "--log", &address(dir.path())]);
        let ended = ledger.args(args).stdout(full()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(
            ended.status.code() == Some(1) && said.contains("can't write the ledger to stdout"),
            "{said}"
        );
    }
}

#[test]
fn the_help_names_no_address_to_listen_at_which_is_taken_all_the_same() {
    let said = run(&["ledger", "--help"]);
    assert!(said.code == Some(0) && !said.stdout.contains("--listen"), "{said:?}");
    let said = run(&["ledger", "--listen", "127.0.0.1:1", "--help"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn who_is_no_counter_is_told_apart_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file").display().to_string();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", other.local_addr().unwrap());
    // Whoever has no token yet needs none for that.
    let token = ["--token", &"a".repeat(32)];
    for (answer, token) in [("404 Not Found", &token[..]), ("200 OK", &token[..]), ("200 OK", &[])] {
        for command in
            [&["ledger"] as &[&str], &["ledger", "--follow"], &["backup", &file], &["export", &file]]
        {
            let said = std::thread::scope(|scope| {
                let answering = scope.spawn(|| {
                    let (mut stream, _) = other.accept().unwrap();
                    let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
                    while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                    let page = "<html>a page</html>";
                    let length = page.len();
                    write!(
                        stream,
                        "HTTP/1.1 {answer}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{page}"
                    )
                    .unwrap();
                });
                let said = run(&[command, &["--counter", &url], token].concat());
                answering.join().unwrap();
                said
            });
            assert_eq!(said.code, Some(1), "{command:?}: {said:?}");
            let is_told = said.stderr.contains("is no brewline counter") && said.stderr.contains("--counter");
            assert!(is_told && said.stderr.contains(&url), "{command:?}: {said:?}");
        }
    }
    drop(other);
    for token in [&token[..], &[]] {
        let said = run(&[&["backup", &file, "--counter", &url], token].concat());
        assert!(said.stderr.contains("is `brewline up` or `brewline counter` running?"), "{said:?}");
    }
}
