//! The line on a log whose files are damaged: one sentence with the way out, and nothing that is not so.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{path::Path, time::Duration};

use eventlog::local::{LocalLog, Options};
use rustix::process::Signal;
use support::{Up, get, hear, request, run};

/// A log on which one order is being made, all of it in the log file; the order's id.
fn one_order(dir: &Path) -> String {
    let up = Up::start(dir, &["--seconds-per-cup", "3600"]);
    let order = request(up.counter, "POST", "/order?amount=1", &[], "").unwrap();
    assert_eq!(order.status, 202, "{order:?}");
    let id = order.json()["order_id"].as_str().unwrap().to_owned();
    hear(up.counter, &format!("/orders/{id}/events"), |order| order["state"] == "making");
    let (status, lines) = up.stop();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    let log = LocalLog::open(Options::new(dir, &brewline::catalog(Duration::from_hours(720)))).unwrap();
    log.clean();
    log.close();
    id
}

/// `up` on that directory, which must end by itself with one sentence.
fn refused(dir: &Path, says: &[&str]) {
    let log = format!("local:{}", dir.display());
    let said = run(&["up", "--log", &log, "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let last = said.stderr.lines().last().unwrap();
    for part in [&["brewline: ", "log.redb is broken", "from a copy", "--log local:DIR"], says].concat() {
        assert!(last.contains(part), "{part:?} is not in {said:?}");
    }
    assert!(!said.stderr.contains("panicked"), "{said:?}");
}

#[test]
fn an_order_whose_state_is_damaged_is_not_forgotten_but_ends_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let id = one_order(dir.path());
    let path = dir.path().join("log.redb");
    let bytes = std::fs::read(&path).unwrap();
    // In the state itself: there the key comes before the JSON, which does not have the id.
    let state = br#""state":"making""#;
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(state)).collect();
    assert!(!places.is_empty(), "the state of {id} is in the file");
    let mut damaged = bytes.clone();
    for at in places {
        damaged[at + 1] ^= 1;
    }
    std::fs::write(&path, damaged).unwrap();
    refused(dir.path(), &["order.state-0 from offset"]);
    // What it was damaged from is all that is needed to go on.
    std::fs::write(&path, bytes).unwrap();
    let up = Up::start(dir.path(), &[]);
    assert_eq!(get(up.counter, &format!("/orders/{id}")).unwrap().json()["state"], "making");
}

#[test]
fn a_log_file_whose_pages_are_damaged_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    one_order(dir.path());
    let path = dir.path().join("log.redb");
    let sound = std::fs::read(&path).unwrap();
    // All but the first, which says where the others are.
    let mut damaged = sound.clone();
    damaged[4096..].chunks_mut(4096).for_each(|page| page[..24].fill(0xa5));
    std::fs::write(&path, damaged).unwrap();
    refused(dir.path(), &[]);
    std::fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    refused(dir.path(), &[]);
}

#[test]
fn a_last_commit_that_is_damaged_is_left_out_and_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &["--seconds-per-cup", "3600"]);
    let order = request(up.counter, "POST", "/order?amount=1", &[], "").unwrap();
    let id = order.json()["order_id"].as_str().unwrap().to_owned();
    hear(up.counter, &format!("/orders/{id}/events"), |order| order["state"] == "making");
    // A commit is one write, and whoever is stopped is not within one: the last frame is whole.
    up.process.signal(Signal::STOP);
    up.kill();
    let files = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let segment = files.filter(|path| path.extension().is_some_and(|is| is == "wal")).max().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end - 8] ^= 0x55;
    std::fs::write(&segment, bytes).unwrap();
    let mut up = Up::start(dir.path(), &[]);
    up.process.hear(|line| line.contains("WARN") && line.contains("is damaged and left out"));
}

#[test]
fn a_line_whose_directory_is_removed_takes_no_orders_and_says_why_also_when_it_stops() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("log");
    let up = Up::start(&dir, &[]);
    std::fs::remove_dir_all(&dir).unwrap();
    let ready = get(up.counter, "/readyz").unwrap();
    let missing = &ready.json()["missing"][0];
    assert_eq!((ready.status, &missing["what"]), (503, &"log".into()), "{ready:?}");
    assert!(missing["detail"].as_str().unwrap().contains("were removed"), "{ready:?}");
    assert_eq!(missing["reason"], "removed", "for programs: {ready:?}");
    let order = request(up.counter, "POST", "/order?amount=1", &[], "").unwrap();
    assert_eq!((order.status, &order.json()["reason"]), (503, &"removed".into()), "{order:?}");
    let (status, lines) = up.stop();
    let stopped: Vec<_> = lines.iter().filter(|line| line.starts_with("stopped")).collect();
    assert!(
        matches!(stopped[..], [line] if line.contains("was removed") && !line.contains("goes on")),
        "{lines:#?}"
    );
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}
