//! Today's program on what earlier ones wrote, and on what later ones will have written.
//!
//! `old/log` is a log of the program before `Find a record that is damaged in the log file`, as it was when that was
//! killed: its log file has layout 1, and its states lack what came later. `old/line.jsonl` is an export of it, with version 1 of the lines. Nothing in them is
//! anybody's.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{fmt::Write as _, fs, path::Path};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::{Up, hear, local, request, run};

/// How a line was left: some of its orders, by where they were.
struct Left {
    waits: &'static str,
    making: &'static str,
    ready: &'static str,
    /// The staff token that it showed.
    token: &'static str,
    accepted: u32,
}

/// That of `old/log`.
const LOG: Left = Left {
    waits: "33254bd4-929f-4afb-a156-30db49223573",
    making: "d8898595-7efe-4750-8aba-d9aefbcb376c",
    ready: "ddfd1835-8a7d-49d7-b7f5-1efeb7d28e55",
    token: "a7658c453b47f77bfed486d8d71d55cec7955342fee1d3b097999931988b8332",
    accepted: 524,
};

/// That of `old/line.jsonl`.
const LINE: Left = Left {
    waits: "87e41100-0127-401d-9612-062edf97eedc",
    making: "25f4c55f-418f-47d7-9d53-d2a39db0f9fd",
    ready: "5584861f-076e-45ac-a33c-e354637b7348",
    token: "8030c169fda4b5d702d9d0bdc430c9a771df66702b2bc25bf0230961e7425d36",
    accepted: 4,
};

/// Of the day on which both were left, by the example shop's clock.
const LAST_MINUTE: &str = "2026-11-27T03:59";

/// Whenever the test runs, nothing of it is too old.
const KEEP: [&str; 4] = ["--mode", "manual", "--retention-days", "3650"];

fn old(name: &str) -> String {
    format!("{}/tests/old/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn tell(up: &Up, left: &Left, id: &str, what: &str, state: &str) -> Value {
    let body = format!("{{\"command\":\"{what}\",\"state\":\"{state}\",\"round\":1}}");
    let authorization = format!("Bearer {}", left.token);
    let headers = [("Authorization", &*authorization), ("Content-Type", "application/json")];
    let done = request(up.counter, "POST", &format!("/orders/{id}/commands"), &headers, &body).unwrap();
    assert_eq!(done.status, 200, "{id}: {done:?}");
    done.json()
}

/// Its orders go on, and each is accounted for.
fn goes_on(dir: &Path, left: &Left) {
    let Left { waits, making, ready, .. } = *left;
    let up = Up::start(dir, &KEEP);
    let state = |id: &str, state: &str| {
        hear(up.counter, &format!("/orders/{id}/events"), |shown| shown["state"] == state)
    };
    state(waits, "received");
    assert_eq!(state(making, "making")["round"], 1);
    // Whoever has the token that it showed is staff.
    tell(&up, left, waits, "ready", "received");
    tell(&up, left, making, "ready", "making");
    for id in [waits, making] {
        state(id, "ready");
        tell(&up, left, id, "collect", "ready");
    }
    let history = request(
        up.counter,
        "GET",
        &format!("/orders/{ready}/history"),
        &[("Authorization", &format!("Bearer {}", left.token))],
        "",
    );
    assert_eq!(history.unwrap().status, 200, "what was is still there");
    up.stop();
    let now = run(&["ledger", "--log", &local(dir)]);
    assert!(now.code == Some(0) && now.stdout.contains("Every order is accounted for."), "{now:?}");
    // Today that day is long closed.
    let then = run(&["ledger", "--log", &local(dir), "--at", LAST_MINUTE]);
    let accepted = format!("\n{} accepted = ", left.accepted);
    assert!(then.code == Some(0) && then.stdout.contains(&accepted), "{then:?}");
}

#[test]
fn a_log_of_an_earlier_layout_goes_on_and_a_copy_of_it_is_kept() {
    let at = tempfile::tempdir().unwrap();
    let (dir, back) = (at.path().join("log"), at.path().join("back"));
    for dir in [&dir, &back] {
        fs::create_dir(dir).unwrap();
        for file in fs::read_dir(old("log")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), dir.join(file.file_name())).unwrap();
        }
        // A segment of the tail is made as long as this at once; what is not written yet was left out.
        let tail = fs::File::options().write(true).open(dir.join("tail-0000000000000002.wal")).unwrap();
        tail.set_len(8 << 20).unwrap();
    }
    let file = at.path().join("a.backup");
    let backup = run(&["backup", file.to_str().unwrap(), "--log", &local(&dir)]);
    assert!(
        backup.stderr.contains("older version of this program"),
        "nothing was changed so far: {backup:?}"
    );
    goes_on(&dir, &LOG);
    // With the files that were there before the copy is that log.
    fs::copy(dir.join("log.redb.v1"), back.join("log.redb")).unwrap();
    let backup = run(&["backup", file.to_str().unwrap(), "--log", &local(&back)]);
    assert!(backup.stderr.contains("older version of this program"), "{backup:?}");
    goes_on(&back, &LOG);
}

#[test]
fn an_export_of_the_first_version_of_its_lines_is_imported() {
    let dir = tempfile::tempdir().unwrap();
    let imported = run(&["import", &old("line.jsonl"), "--log", &local(dir.path())]);
    assert!(imported.code == Some(0), "{imported:?}");
    assert!(imported.stdout.contains("every order is accounted for"), "{imported:?}");
    goes_on(dir.path(), &LINE);
}

/// The lines of an export, some of them changed, with the checksum of those. The others stay to the byte: the records that
/// were read last are known again by theirs.
fn changed(change: impl Fn(&mut Value)) -> String {
    let text = fs::read_to_string(old("line.jsonl")).unwrap();
    let (lines, last) = text.trim_end().rsplit_once('\n').unwrap();
    let (mut body, mut sum) = (String::new(), String::new());
    for line in lines.lines() {
        let before: Value = serde_json::from_str(line).unwrap();
        let mut after = before.clone();
        change(&mut after);
        let line = if after == before { line.to_owned() } else { after.to_string() };
        writeln!(body, "{line}").unwrap();
    }
    for byte in Sha256::digest(&body) {
        write!(sum, "{byte:02x}").unwrap();
    }
    let mut last: Value = serde_json::from_str(last).unwrap();
    last["sha256"] = sum.into();
    format!("{body}{last}\n")
}

#[test]
fn what_a_later_program_wrote_is_refused_in_one_sentence_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let (file, to) = (dir.path().join("line.jsonl"), dir.path().join("log"));
    let import = |text: String| {
        fs::write(&file, text).unwrap();
        run(&["import", file.to_str().unwrap(), "--log", &local(&to)])
    };
    // Lines of a later version, and topics that are to come.
    for (lines, why) in [
        (
            changed(|line| {
                if line.get("format").is_some() {
                    line["version"] = 2.into();
                }
            }),
            "use the newer program",
        ),
        (
            changed(|line| {
                if let Some(range) = line.pointer_mut("/partitions/6/topic") {
                    *range = "order.cup".into();
                }
            }),
            "use the newer program",
        ),
    ] {
        let refused = import(lines);
        assert_eq!((refused.code, refused.stderr.lines().count()), (Some(1), 1), "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
    // An order's state with a schema that is to come.
    let imported = import(changed(|line| {
        if line["topic"] == "order.state" && line["key"] == LINE.waits && line["value"].is_object() {
            line["value"]["v"] = 2.into();
            line["value"]["state"] = "steaming".into();
        }
    }));
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let log = local(&to);
    let said = run(&["up", "--listen", "127.0.0.1:0", "--log", &log]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let last = said.stderr.lines().last().unwrap();
    assert!(last.contains("newer brewline (schema version 2, this one knows 1)"), "{said:?}");
}

#[test]
fn fields_that_a_later_program_added_are_kept_or_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (file, to) = (dir.path().join("line.jsonl"), dir.path().join("log"));
    let lines = changed(|line| {
        let is_input = line["topic"] == "order.received" || line["topic"] == "order.command";
        if line["value"].is_object() && !is_input {
            line["value"]["to_come"] = 1.into();
            if let Some(order) = line.pointer_mut("/value/order").and_then(Value::as_object_mut) {
                order.insert("latte_art".to_owned(), "swan".into());
            }
        }
    });
    fs::write(&file, lines).unwrap();
    let imported = run(&["import", file.to_str().unwrap(), "--log", &local(&to)]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let up = Up::start(&to, &KEEP);
    let shown = tell(&up, &LINE, LINE.waits, "ready", "received");
    assert_eq!(shown["latte_art"], "swan", "of an order all is kept: {shown}");
    up.stop();
}
