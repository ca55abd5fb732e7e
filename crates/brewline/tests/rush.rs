//! Practice with the real binary: a rush that is judged, and a demo line that leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    thread,
};

use rustix::process::Signal;
use serde_json::json;
use support::{Process, Up, address, brewline, get, hear, local, open_stream, request, run};

/// A short morning: as many customers as there are, at the bar as fast as the clock lets them.
const SHORT: [&str; 6] = ["--customers", "25", "--minutes", "2", "--speed", "60x"];

fn rush(more: &[&str]) -> support::Said {
    let args: Vec<_> = ["rush"].into_iter().chain(SHORT).chain(more.iter().copied()).collect();
    run(&args)
}

/// What a row of the verdict counts.
fn count(stdout: &str, row: &str) -> u32 {
    let line = stdout.lines().find(|line| line.trim_start().starts_with(row));
    let line = line.unwrap_or_else(|| panic!("no {row}: {stdout}"));
    let number = line.trim_start()[row.len()..].trim_start();
    number.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

#[test]
fn every_order_of_a_rush_is_accounted_for() {
    let said = rush(&["--seed", "3"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.stdout.trim_end().ends_with("every order accounted for, each bell rang once"), "{said:#?}");
    let [orders, collected, nobody, cancelled] =
        ["orders", "collected", "nobody came", "cancelled"].map(|row| count(&said.stdout, row));
    assert!(orders > 20 && orders == collected + nobody + cancelled, "{said:#?}");
    // The line's own ledger counts the same.
    assert_eq!(count(&said.stdout, "in the log"), orders);
    assert!(said.stdout.contains("the equation holds"), "{said:#?}");
    // In a pipe each line stands for itself.
    assert!(!said.stdout.contains('\r') && !said.stdout.contains('\u{1b}'), "{said:#?}");
}

#[test]
fn a_line_that_is_killed_in_between_loses_no_order() {
    let said = rush(&["--seed", "4", "--faults"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(count(&said.stdout, "killed") >= 1, "{said:#?}");
}

#[test]
fn the_same_seed_has_the_same_customers_and_what_is_kept_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let keep = dir.path().join("kept");
    let [first, again] = [&["--seed", "5", "--keep", keep.to_str().unwrap()][..], &["--seed", "5"]].map(rush);
    let title = |said: &support::Said| said.stdout.lines().next().unwrap().to_owned();
    assert_eq!(title(&first), title(&again));
    let drinks = |said: &support::Said| {
        let row = said.stdout.lines().find(|line| line.contains("orders ")).unwrap();
        row.split(" drinks").next().unwrap().to_owned()
    };
    assert_eq!(drinks(&first), drinks(&again));
    assert!(keep.join("log.redb").exists() && keep.join("brewline.txt").exists());
    // A second morning would be counted with the first.
    let refused = rush(&["--keep", keep.to_str().unwrap()]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("earlier practice"), "{refused:#?}");
}

#[test]
fn a_shop_is_never_practised_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Up::start(dir.path(), &["--mode", "manual"]);
    let token = up.staff_token();
    let url = format!("http://{}", up.counter);
    let said = rush(&["--counter", &url, "--token", &token]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:#?}");
    assert!(said.stderr.contains("is no practice line") && said.stderr.lines().count() == 1, "{said:#?}");
    let shop = get(up.counter, "/shop").unwrap().json();
    let queue = &shop["queue"];
    assert_eq!(
        (&queue["received"], &queue["making"], &queue["ready"], &queue["undecided"]),
        (&json!(0), &json!(0), &json!(0), &json!(0)),
        "nothing was ordered"
    );
    drop(up);
    let demo = run(&["up", "--demo", "--listen", "127.0.0.1:0", "--log", &local(dir.path())]);
    assert_eq!(demo.code, Some(1));
    assert!(demo.stderr.contains("no practice"), "{demo:#?}");
}

#[test]
fn what_can_not_be_practised_is_refused_in_a_sentence() {
    for (args, says) in [
        (&["rush", "--counter", "http://127.0.0.1:1"][..], "--token"),
        (
            &["rush", "--counter", "http://127.0.0.1:1", "--token", "t", "--faults"],
            "only what it started itself",
        ),
        (&["up", "--demo", "--log", "kafka://127.0.0.1:1"], "throw-away log of its own"),
        (&["up", "--demo", "--mode", "auto"], "leave out --mode"),
        (&["rush", "--speed", "0"], "1 to 1000"),
    ] {
        let said = run(args);
        assert!(said.code.is_some_and(|code| code != 0) && said.stderr.contains(says), "{args:?}: {said:#?}");
    }
}

/// Between the customers and their line; it answers one order of a phone by itself, and the line never hears of it.
fn thief(line: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut has_stolen = false;
        for client in listener.incoming().map_while(Result::ok) {
            let mut client = BufReader::new(client);
            // One request a connection, as whoever sends `Connection: close` gets it.
            let Some((head, body)) = read_request(&mut client) else { continue };
            let is_theft =
                !has_stolen && head.starts_with("POST /orders HTTP") && !head.contains("authorization");
            if is_theft {
                has_stolen = true;
                let answer = r#"{"order_id":"11111111-2222-4333-8444-555555555555","amount":1,"status":0}"#;
                let length = answer.len();
                let _ = write!(
                    client.get_mut(),
                    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{answer}"
                );
                continue;
            }
            thread::spawn(move || pass_on(client.into_inner(), line, &head, &body));
        }
    });
    here
}

fn read_request(client: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// The request as it is, but for one a connection; then whatever is answered, as it comes.
fn pass_on(mut client: TcpStream, line: SocketAddr, head: &str, body: &[u8]) {
    let mut there = TcpStream::connect(line).unwrap();
    let head = head.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
    let _ = there.write_all(head.as_bytes()).and_then(|()| there.write_all(body));
    let _ = std::io::copy(&mut there, &mut client); // either may hang up
}

#[test]
fn an_order_that_the_line_never_had_is_missed() {
    let mut up = Up::practice(&["--demo=nobody"]);
    let token = up.staff_token();
    let url = format!("http://{}", thief(up.counter));
    let said = rush(&["--counter", &url, "--token", &token, "--seed", "6"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let lost = "order 11111111-2222-4333-8444-555555555555 was accepted, and the line does not know it";
    assert!(said.stdout.contains(lost) && said.stdout.contains("NOT every order accounted for"), "{said:#?}");
    // What was stolen is all that is wrong.
    assert!(said.stdout.contains("1 thing is wrong"), "{said:#?}");
    up.stop();
}

#[test]
fn a_demo_is_alive_says_so_on_every_page_and_is_gone_with_its_log() {
    let mut up = Up::practice(&["--demo"]);
    let log = up.process.heard.iter().find_map(|line| line.strip_prefix("  log      ")).unwrap().to_owned();
    assert!(Path::new(&log).exists());
    for path in ["/", "/bar", "/till", "/board", "/sign-in", "/table", "/privacy", "/o/nobody"] {
        assert!(get(up.counter, path).unwrap().body.contains("<aside class=\"demo\">"), "{path}");
    }
    assert_eq!(get(up.counter, "/shop").unwrap().json()["demo"], true);
    // Somebody has come, ordered, and somebody makes it.
    hear(up.counter, "/board/events", |board| board["making_count"].as_u64().is_some_and(|count| count > 0));
    up.process.hear(|line| line.contains("Ctrl-C stops"));
    let (status, heard) = up.stop();
    assert!(status.success(), "{heard:#?}");
    assert!(heard.last().is_some_and(|line| line.contains("nothing is left")), "{heard:#?}");
    assert!(!Path::new(&log).exists());
}

#[test]
#[cfg(unix)]
fn what_a_practice_that_was_killed_left_behind_goes_with_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let stages = || fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    Up::practice_within(dir.path(), &["--demo=nobody"]).kill();
    let left = stages();
    let up = Up::practice_within(dir.path(), &["--demo=nobody"]);
    let there = stages();
    assert!(left.len() == 1 && there.len() == 1 && left != there, "{left:?} {there:?}");
    let another = Up::practice_within(dir.path(), &["--demo=nobody"]);
    assert!(stages().len() == 2 && stages().contains(&there[0]), "nobody takes it from one that runs");
    another.stop();
    up.stop();
    assert_eq!(stages().len(), 0);
}

#[test]
fn a_practice_that_is_stopped_at_once_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::practice_within(dir.path(), &["--demo=nobody"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    up.stop_twice();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn who_practises_alone_goes_on_where_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("practice");
    let args = ["--demo=nobody", "--log", &local(&place)];
    let mut up = Up::practice(&args);
    let token = up.staff_token();
    let order = request(up.counter, "POST", "/order?amount=1", &[], "").unwrap().json();
    up.kill();
    let up = Up::practice(&args);
    let path = format!("/orders/{}", order["order_id"].as_str().unwrap());
    assert_eq!(get(up.counter, &path).unwrap().status, 200);
    let staff = format!("Bearer {token}");
    assert_eq!(
        request(up.counter, "GET", "/orders?live", &[("Authorization", &staff)], "").unwrap().status,
        200
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_line_of_a_rush_that_is_killed_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = brewline(&["rush", "--customers", "50", "--minutes", "60", "--speed", "1x"]);
    command.env("TMPDIR", dir.path());
    let mut rush = Process::start(command);
    rush.hear(|line| line.contains("customers in 60 min"));
    let line = line_below(dir.path());
    let mut stream = open_stream(line, "/shop/events");
    rush.child.kill().unwrap();
    // It ends with the line; what is read until then is of no interest.
    let _ = stream.read_to_string(&mut String::new());
    let until = std::time::Instant::now() + support::PATIENCE;
    while TcpStream::connect(line).is_ok() {
        assert!(std::time::Instant::now() < until, "its line lives on");
    }
}

#[test]
fn ctrl_c_in_the_middle_of_a_rush_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = brewline(&["rush", "--customers", "50", "--minutes", "60", "--speed", "1x"]);
    command.env("TMPDIR", dir.path());
    let mut rush = Process::start(command);
    rush.hear(|line| line.contains("customers in 60 min"));
    let line = line_below(dir.path());
    assert_eq!(get(line, "/readyz").unwrap().status, 200);
    rush.signal(Signal::INT);
    let (status, heard) = rush.end();
    assert_eq!(status.code(), Some(1));
    assert!(heard.iter().any(|line| line.contains("nothing is judged")), "{heard:#?}");
    assert!(TcpStream::connect(line).is_err(), "its line is gone");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Where the line is whose stage is the one directory in here.
fn line_below(dir: &Path) -> SocketAddr {
    let stage = fs::read_dir(dir).unwrap().next().unwrap().unwrap().path();
    let says = fs::read(stage.join("practice.json")).unwrap();
    let says: serde_json::Value = serde_json::from_slice(&says).unwrap();
    address(says["url"].as_str().unwrap())
}
