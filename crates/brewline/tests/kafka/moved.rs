//! A line with live orders, moved from the embedded log to Kafka and back.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::{
    bed::{Counter, Shop, id, place, until},
    support::{Answer, Process, Up, hear, local, request, run},
};

/// What a manager, and a device that is signed in, ask with.
struct Staff {
    token: String,
    cookie: String,
}

impl Staff {
    fn ask(&self, at: std::net::SocketAddr, method: &str, path: &str, body: &str) -> Answer {
        let token = format!("Bearer {}", self.token);
        let headers = [("Authorization", &*token), ("Content-Type", "application/json")];
        let answer = request(at, method, path, &headers, body).unwrap();
        assert!(answer.status < 300, "{method} {path} {body}: {answer:?}");
        answer
    }

    fn tell(&self, at: std::net::SocketAddr, id: &str, command: &str, state: &str, round: u32) {
        let reason = if matches!(command, "recall" | "cancel") { ",\"reason\":\"cold\"" } else { "" };
        let body = format!("{{\"command\":\"{command}\",\"state\":\"{state}\",\"round\":{round}{reason}}}");
        assert_eq!(self.ask(at, "POST", &format!("/orders/{id}/commands"), &body).status, 200, "{body}");
    }

    /// The device that was signed in still is.
    fn is_signed_in(&self, at: std::net::SocketAddr) {
        let answer = request(at, "GET", "/session", &[("Cookie", &self.cookie)], "").unwrap();
        assert_eq!((answer.status, &answer.json()["device"]), (200, &Value::from("Main bar")), "{answer:?}");
    }
}

/// A device that signs in.
fn sign_in(at: std::net::SocketAddr, token: String) -> Staff {
    let staff = Staff { token, cookie: String::new() };
    let code = staff.ask(at, "POST", "/session/codes", "{\"role\":\"barista\"}").json();
    let body = format!("{{\"code\":{},\"device\":\"Main bar\"}}", code["code"]);
    let headers = [("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin")];
    let answer = request(at, "POST", "/session", &headers, &body).unwrap();
    let cookie = answer
        .head
        .lines()
        .find_map(|line| line.to_lowercase().starts_with("set-cookie:").then(|| line.to_owned()));
    let cookie = cookie.unwrap_or_else(|| panic!("{answer:?}"));
    let cookie = cookie.split_once(':').unwrap().1.split(';').next().unwrap().trim().to_owned();
    Staff { cookie, ..staff }
}

/// Everything that is known of these orders: as snapshots, without what depends on the moment.
fn snapshots(at: std::net::SocketAddr, ids: &[String]) -> Vec<Value> {
    let one = |id: &String| {
        let path = format!("/orders/{id}");
        let mut shown = until("an order", || {
            let answer = request(at, "GET", &path, &[], "").unwrap();
            (answer.status == 200).then(|| answer.json())
        });
        for moment in ["as_of", "promise", "position", "age", "now", "ahead", "no_barista"] {
            shown.as_object_mut().unwrap().remove(moment);
        }
        shown
    };
    ids.iter().map(one).collect()
}

/// All records of an export, line by line.
fn records(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[1..lines.len() - 1].to_vec()
}

fn done(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stop(process: Process) {
    process.signal(rustix::process::Signal::INT);
    let (status, heard) = process.end();
    assert!(status.success(), "{heard:#?}");
}

#[test]
fn a_line_with_live_orders_moves_to_kafka_and_back_and_every_order_finishes() {
    let (dir, shop) = (tempfile::tempdir().unwrap(), Shop::new());
    let at = |name: &str| dir.path().join(name);
    let file = |name: &str| at(name).display().to_string();
    let mut up = Up::start(&at("log"), &["--mode", "manual"]);
    let token = up.staff_token();
    let staff = sign_in(up.counter, token);
    // A day that was closed has its balance in the log.
    let first = id(&place(up.counter, 1, None).unwrap());
    hear(up.counter, &format!("/orders/{first}/events"), |shown| shown["state"] == "received");
    staff.tell(up.counter, &first, "ready", "received", 1);
    staff.tell(up.counter, &first, "collect", "ready", 1);
    staff.ask(up.counter, "PUT", "/shop/open", "{\"open\":false}");
    until("the balance", || {
        let minutes = staff.ask(up.counter, "GET", "/ledger/minutes", "").json();
        minutes["days"].as_array().filter(|days| !days.is_empty()).map(|_| ())
    });
    staff.ask(up.counter, "PUT", "/shop/open", "{\"open\":true}");
    staff.ask(up.counter, "PUT", "/shop/sold-out/latte", "{\"sold_out\":true}");
    // One in each stage.
    let key = "the-same-key-as-before-the-move";
    let placed: Vec<_> =
        (1..=6).map(|n| id(&place(up.counter, n, (n == 1).then_some(key)).unwrap())).collect();
    let [waits, making, ready, collected, cancelled, again] = &placed[..] else { panic!("{placed:?}") };
    hear(up.counter, &format!("/orders/{again}/events"), |shown| shown["state"] == "received");
    staff.tell(up.counter, making, "start", "received", 1);
    for order in [ready, collected, again] {
        staff.tell(up.counter, order, "ready", "received", 1);
    }
    staff.tell(up.counter, collected, "collect", "ready", 1);
    staff.tell(up.counter, cancelled, "cancel", "received", 1);
    staff.tell(up.counter, again, "recall", "ready", 1);
    let before = snapshots(up.counter, &placed);
    up.stop();

    // There.
    let exported = run(&["export", &file("line.jsonl"), "--log", &local(&at("log"))]);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert!(fs::read_to_string(at("line.jsonl")).unwrap().contains("\"key\":\"day/"), "a day is closed");
    let said = done(&shop.run("import", &[&file("line.jsonl")]));
    assert!(said.contains("every order is accounted for"), "{said}");
    done(&shop.run("export", &[&file("there.jsonl")]));
    assert_eq!(
        records(&at("there.jsonl")),
        records(&at("line.jsonl")),
        "the same records at the same places"
    );
    let again_there = shop.run("import", &[&file("line.jsonl")]);
    assert!(String::from_utf8_lossy(&again_there.stderr).contains("there is already"), "{again_there:?}");

    let Counter { process: counter, at: there } = shop.counter(&[]);
    assert_eq!(snapshots(there, &placed), before, "pages of customers show the same");
    let mut barista = shop.barista(&["--mode", "manual", "-v"]);
    // Only who has its partition decides a command in time.
    barista.hear(|line| line.contains("partition taken"));
    staff.is_signed_in(there);
    let shown = staff.ask(there, "GET", "/shop", "").json();
    assert!(shown.to_string().contains("latte"), "sold out before and after: {shown}");
    let repeated = place(there, 1, Some(key)).unwrap();
    assert_eq!((repeated.status, &id(&repeated)), (202, waits), "a repeat is the same order");
    staff.tell(there, making, "ready", "making", 1);
    staff.tell(there, again, "ready", "making", 2);
    hear(there, &format!("/orders/{again}/events"), |shown| shown["state"] == "ready" && shown["round"] == 2);
    let new = id(&place(there, 2, None).unwrap());
    hear(there, &format!("/orders/{new}/events"), |shown| shown["state"] == "received");
    let bells: BTreeMap<_, _> = shop.wait_for_bells(&[making.clone(), again.clone()]);
    let rang = |id: &String| bells.get(id).copied().unwrap_or_default();
    let expected = [(waits, 0), (making, 1), (ready, 1), (collected, 1), (cancelled, 0), (again, 2)];
    for (id, count) in expected {
        assert_eq!(rang(id), count, "{id}: {bells:?}");
    }
    let ledger = shop.run("ledger", &[]);
    assert!(ledger.status.success(), "{ledger:?}");
    let all: Vec<_> = placed.iter().chain([&new]).cloned().collect();
    let before = snapshots(there, &all);
    stop(counter);
    stop(barista);

    // And back.
    done(&shop.run("export", &[&file("back.jsonl")]));
    let imported = run(&["import", &file("back.jsonl"), "--log", &local(&at("back"))]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let exported = run(&["export", &file("again.jsonl"), "--log", &local(&at("back"))]);
    assert_eq!(exported.code, Some(0), "{exported:?}");
    assert_eq!(records(&at("again.jsonl")), records(&at("back.jsonl")));
    let up = Up::start(&at("back"), &["--mode", "manual"]);
    assert_eq!(snapshots(up.counter, &all), before);
    staff.is_signed_in(up.counter);
    for order in [waits, &new] {
        staff.tell(up.counter, order, "ready", "received", 1);
    }
    for order in [making, ready, again, waits, &new] {
        let round = if order == again { 2 } else { 1 };
        staff.tell(up.counter, order, "collect", "ready", round);
    }
    up.stop();
    let ledger = run(&["ledger", "--log", &local(&at("back"))]);
    assert_eq!(ledger.code, Some(0), "{ledger:?}");

    // What Kafka left between records has no place in the way: once more there, with all the gaps.
    let other = Shop::new();
    done(&other.run("import", &[&file("again.jsonl")]));
    done(&other.run("export", &[&file("other.jsonl")]));
    assert_eq!(records(&at("other.jsonl")), records(&at("again.jsonl")));
}

#[test]
fn an_import_that_was_killed_is_nobodys_line_and_is_begun_anew() {
    let (dir, shop) = (tempfile::tempdir().unwrap(), Shop::new());
    let (log, file) = (dir.path().join("log"), dir.path().join("line.jsonl"));
    let name = file.display().to_string();
    let up = Up::start(&log, &["--seconds-per-cup", "0"]);
    let order = id(&place(up.counter, 1, None).unwrap());
    hear(up.counter, &format!("/orders/{order}/events"), |shown| shown["state"] == "ready");
    up.stop();
    let exported = run(&["export", &name, "--log", &local(&log)]);
    assert_eq!(exported.code, Some(0), "{exported:?}");

    // Most of it comes, and then nothing.
    let text = fs::read_to_string(&file).unwrap();
    let mut import: Child = shop.command("import", &["-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = import.stdin.take().unwrap();
    pipe.write_all(&text.as_bytes()[..text.len() / 2]).unwrap();
    until("the topics", || {
        let shown = shop.run("topics", &["--dry-run"]);
        String::from_utf8_lossy(&shown.stdout).contains("an import fills it").then_some(())
    });
    for command in ["counter", "barista"] {
        let refused = shop.run(command, &[]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(1) && said.contains("an import fills it"), "{command}: {said}");
    }
    import.kill().unwrap();
    import.wait().unwrap();
    drop(pipe);
    let refused = shop.run("import", &[&name]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("say --again"), "{said}");
    done(&shop.run("import", &[&name, "--again"]));
    // Only that is removed which no line has ever worked on.
    let refused = shop.run("import", &[&name, "--again"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && said.contains("there is already"), "{said}");

    // What is cut, or can't be, leaves no topics.
    let other = Shop::new();
    fs::write(&file, text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n").unwrap();
    let refused = other.run("import", &[&name]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("its end is missing"), "{refused:?}");
    let shown = other.run("topics", &["--dry-run"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("missing"), "{shown:?}");
}

#[test]
fn several_partitions_move_to_another_cluster_and_not_into_an_embedded_log() {
    let (dir, shop, other) = (tempfile::tempdir().unwrap(), Shop::with_partitions(3), Shop::new());
    let file = |name: &str| dir.path().join(name).display().to_string();
    let counter = shop.counter(&[]);
    let barista = shop.barista(&["--seconds-per-cup", "0"]);
    let ids: Vec<_> = (0..9).map(|_| counter.order(1)).collect();
    shop.wait_for_bells(&ids);
    stop(barista);
    let waiting = counter.order(1);
    stop(counter.process);
    done(&shop.run("export", &[&file("line.jsonl")]));
    let refused = run(&["import", &file("line.jsonl"), "--log", &local(&dir.path().join("log"))]);
    assert!(refused.code == Some(1) && refused.stderr.contains("has 3 partitions"), "{refused:?}");
    done(&other.run("import", &[&file("line.jsonl")]));
    done(&other.run("export", &[&file("other.jsonl")]));
    let sorted = |name: &str| {
        let mut records = records(&dir.path().join(name));
        records.sort_unstable();
        records
    };
    assert_eq!(sorted("other.jsonl"), sorted("line.jsonl"));
    let _barista = other.barista(&["--seconds-per-cup", "0"]);
    let bells = other.wait_for_bells(&[waiting]);
    assert!(bells.len() == 10 && bells.values().all(|count| *count == 1), "{bells:?}");
}
