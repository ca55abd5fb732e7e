//! `brewline export` and `brewline import`: of an embedded log that runs, of one that is stopped, and back.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{fs::File, io::Read as _, path::Path, process::Stdio, sync::mpsc::channel, time::Duration};

use eventlog::{
    Log as _, Record,
    local::{LocalLog, Options},
};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use support::{PATIENCE, Said, Up, brewline, hear, local, request, run, signal_to};

/// An order; its id.
fn order(up: &Up, amount: u32) -> String {
    let placed = request(up.counter, "POST", &format!("/order?amount={amount}"), &[], "").unwrap();
    assert_eq!(placed.status, 202, "{placed:?}");
    placed.json()["order_id"].as_str().unwrap().to_owned()
}

fn refused(said: &Said, why: &str) {
    assert_eq!((said.code, said.stderr.lines().count()), (Some(1), 1), "{said:?}");
    assert!(said.stderr.contains(why), "{why:?} is not in {said:?}");
}

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_exported_while_it_runs_is_imported_as_the_same_line() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let mut up = Up::start(&at("log"), &["--mode", "manual"]);
    let token = up.staff_token();
    let tell = |up: &Up, id: &str, what: &str| {
        let body = format!("{{\"command\":\"{what}\",\"state\":\"received\",\"round\":1}}");
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", &*authorization), ("Content-Type", "application/json")];
        let done = request(up.counter, "POST", &format!("/orders/{id}/commands"), &headers, &body).unwrap();
        assert_eq!(done.status, 200, "{done:?}");
    };
    let (ready, waiting) = (order(&up, 1), order(&up, 2));
    hear(up.counter, &format!("/orders/{waiting}/events"), |shown| shown["state"] == "received");
    tell(&up, &ready, "ready");

    let export = |args: &[&str]| {
        let counter = format!("http://{}", up.counter);
        let mut command = brewline(args);
        let output = command.args(["--log", &local(&at("log"))]).env("BREWLINE_COUNTER", counter).output();
        let output = output.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    let (file, name) = (at("line.jsonl"), at("line.jsonl").display().to_string());
    refused(&export(&["export", &name, "--token", "wrong"]), "token is not the staff's");
    let made = export(&["export", &name, "--token", &token]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(made.stdout.contains("read back and compared"), "{made:?}");
    refused(&export(&["export", &name, "--token", &token]), "is there already");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "it holds names, notes and the line's secret");
    }
    let exported = lines(&file);
    let (first, last) = (&exported[0], exported.last().unwrap());
    assert_eq!((&first["format"], &first["version"]), (&Value::from("brewline-export"), &Value::from(1)));
    assert_eq!(last["records"], exported.len() - 2);
    let order = exported.iter().find(|line| line["key"] == *ready).unwrap();
    assert_eq!(
        (&order["topic"], &order["value"]["amount"]),
        (&Value::from("order.received"), &Value::from(1))
    );
    let lives = run(&["import", &name, "--log", &local(&at("log"))]);
    refused(&lives, "is in use by process");
    up.stop();

    let imported = run(&["import", &name, "--log", &local(&at("imported"))]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert!(imported.stdout.contains("every order is accounted for"), "{imported:?}");
    // The same records at the same places, and no others.
    let again = at("again.jsonl");
    let made = run(&["export", again.to_str().unwrap(), "--log", &local(&at("imported"))]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let (first_again, rest) = (lines(&again).remove(0), lines(&again).split_off(1));
    assert_eq!(first_again["partitions"], first["partitions"]);
    assert_eq!(first_again["groups"], first["groups"]);
    assert_eq!(rest[..rest.len() - 1], exported[1..exported.len() - 1]);
    let up = Up::start(&at("imported"), &["--mode", "manual"]);
    hear(up.counter, &format!("/orders/{ready}/events"), |shown| shown["state"] == "ready");
    // Who was signed in still is, and the order goes on.
    tell(&up, &waiting, "ready");
    up.stop();
    let ledger = run(&["ledger", "--log", &local(&at("imported"))]);
    assert!(ledger.stdout.contains("2 accepted = 2 ready\n"), "{ledger:?}");
}

#[test]
fn a_stopped_line_is_exported_into_a_pipe_and_what_is_no_whole_export_makes_no_log() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let up = Up::start(&at("log"), &["--seconds-per-cup", "0"]);
    let id = order(&up, 1);
    hear(up.counter, &format!("/orders/{id}/events"), |shown| shown["state"] == "ready");
    up.stop();
    refused(&run(&["export", "-", "--log", &local(&at("nothing"))]), "there is no log in");
    let piped = run(&["export", "-", "--log", &local(&at("log"))]);
    assert_eq!((piped.code, &*piped.stderr), (Some(0), ""), "{piped:?}");

    let import = |text: &str, args: &[&str]| {
        std::fs::write(at("in.jsonl"), text).unwrap();
        let mut command = brewline(&[&["import", "-"], args].concat());
        let output = command.stdin(File::open(at("in.jsonl")).unwrap()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    };
    let to = local(&at("to"));
    let checked = import(&piped.stdout, &["--check"]);
    assert!(checked.code == Some(0) && checked.stdout.contains("can be read"), "{checked:?}");
    let without_its_last_line = piped.stdout.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    for (text, why) in [
        (&*without_its_last_line, "its end is missing"),
        (&piped.stdout.replacen("\"amount\":1", "\"amount\":9", 1), "something in it was changed"),
        ("", "is no export of a log"),
        ("{}\n", "is no export of a log"),
    ] {
        refused(&import(text, &["--log", &to]), why);
        refused(&import(text, &["--check"]), why);
        let names: Vec<_> = std::fs::read_dir(at("to"))
            .map_or_else(|_| Vec::new(), |entries| entries.map(|entry| entry.unwrap().file_name()).collect());
        assert!(names.iter().all(|name| name == "log.lock" || name == "restore.part"), "{why}: {names:?}");
    }
    refused(&import(&piped.stdout, &["--log", &local(&at("log"))]), "is not empty");
    refused(&import(&piped.stdout, &["--log", &to, "--again"]), "say --log kafka://HOST:PORT");
    let imported = import(&piped.stdout, &["--log", &to]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
}

#[test]
fn an_export_into_a_pipe_that_takes_nothing_ends_with_the_first_ctrl_c() {
    let dir = tempfile::tempdir().unwrap();
    let log =
        LocalLog::open(Options::new(dir.path(), &brewline::catalog(Duration::from_hours(720)))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Far more than a pipe and what is read ahead take, and nothing that gets smaller on the way.
    let mut seed = 1_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    for number in 0..20 {
        let noise: Vec<_> = std::iter::repeat_with(&mut noise).take(500_000).collect();
        let record = Record::new(number.to_string(), noise);
        runtime.block_on(log.publisher().publish(order::topic::DLQ, 0, record, PATIENCE)).unwrap();
    }
    log.close();
    let mut up = Up::start(dir.path(), &[]);
    let mut command = brewline(&["export", "-", "--log", &local(dir.path()), "--token", &up.staff_token()]);
    let mut export = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut stdout, mut stderr) = (export.stdout.take().unwrap(), export.stderr.take().unwrap());
    stdout.read_exact(&mut [0; 1]).unwrap();
    signal_to(Pid::from_child(&export), Signal::INT).unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut said = String::new();
        let _ = stderr.read_to_string(&mut said);
        let _ = tell.send(said);
    });
    let said = told.recv_timeout(PATIENCE);
    let _ = export.kill();
    assert_eq!(export.wait().unwrap().code(), Some(1), "{said:?}");
    assert!(
        said.as_ref().is_ok_and(|said| said.contains("stopped before everything was written")),
        "{said:?}"
    );
}
