//! `brewline backup` and `brewline restore`: of a line that runs and of one that is stopped.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::path::Path;

use support::{Said, Up, hear, local, request, run};

/// An order; its id.
fn order(up: &Up, amount: u32) -> String {
    let placed = request(up.counter, "POST", &format!("/order?amount={amount}"), &[], "").unwrap();
    assert_eq!(placed.status, 202, "{placed:?}");
    placed.json()["order_id"].as_str().unwrap().to_owned()
}

fn until(up: &Up, id: &str, state: &str) -> serde_json::Value {
    hear(up.counter, &format!("/orders/{id}/events"), |shown| shown["state"] == state)
}

fn backup(up: &Up, dir: &Path, token: &str, file: &Path) -> Said {
    let counter = format!("http://{}", up.counter);
    let log = ["--log", &local(dir), "--token", token].map(str::to_owned);
    // The counter's port is the system's choice here; it is still the log that says that it runs.
    let mut command = support::brewline(&["backup", file.to_str().unwrap()]);
    let output = command.args(log).env("BREWLINE_COUNTER", counter).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn refused(said: &Said, why: &str) {
    assert_eq!((said.code, said.stderr.lines().count()), (Some(1), 1), "{said:?}");
    assert!(said.stderr.contains(why), "{why:?} is not in {said:?}");
}

#[test]
fn a_line_restored_from_a_backup_of_the_running_one_goes_on_with_its_orders() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file, to) =
        (dir.path().join("log"), dir.path().join("line.backup"), dir.path().join("restored"));
    let mut up = Up::start(&log, &["--mode", "manual"]);
    let token = up.staff_token();
    let authorization = ("Authorization", &*format!("Bearer {token}"));
    let tell = |up: &Up, id: &str, what: &str| {
        let body = format!("{{\"command\":\"{what}\",\"state\":\"received\",\"round\":1}}");
        let headers = [authorization, ("Content-Type", "application/json")];
        let done = request(up.counter, "POST", &format!("/orders/{id}/commands"), &headers, &body).unwrap();
        assert_eq!(done.status, 200, "{done:?}");
    };
    let (ready, waiting) = (order(&up, 1), order(&up, 2));
    until(&up, &waiting, "received");
    tell(&up, &ready, "ready");
    let code = until(&up, &waiting, "received")["code"].clone();

    refused(&backup(&up, &log, "wrong", &file), "token is not the staff's");
    assert!(!file.exists());
    let made = backup(&up, &log, &token, &file);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(
        made.stdout.contains("records as of") && made.stdout.contains("read back and compared"),
        "{made:?}"
    );
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "it holds names, notes and the line's secret");
    }
    refused(&backup(&up, &log, &token, &file), "is there already");
    let later = order(&up, 1);
    until(&up, &later, "received");
    refused(&run(&["restore", file.to_str().unwrap(), "--log", &local(&log)]), "is in use by process");
    up.stop();

    let restored = run(&["restore", file.to_str().unwrap(), "--log", &local(&to)]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert!(restored.stdout.contains("every order is accounted for"), "{restored:?}");
    let up = Up::start(&to, &["--mode", "manual"]);
    assert_eq!(until(&up, &ready, "ready")["round"], 1);
    assert_eq!(until(&up, &waiting, "received")["code"], code);
    let unknown = request(up.counter, "GET", &format!("/orders/{later}"), &[], "").unwrap();
    assert_eq!(unknown.status, 404, "it came after the backup: {unknown:?}");
    // Who was signed in still is, and the order goes on.
    tell(&up, &waiting, "ready");
    up.stop();
    let ledger = run(&["ledger", "--log", &local(&to)]);
    assert!(ledger.stdout.contains("2 accepted = 2 ready\n"), "{ledger:?}");
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing half done is left: {names:?}");
}

#[test]
fn a_stopped_line_is_backed_up_without_a_counter_and_the_backup_can_be_tried() {
    let dir = tempfile::tempdir().unwrap();
    let (log, file) = (dir.path().join("log"), dir.path().join("line.backup"));
    let file_name = file.to_str().unwrap();
    refused(&run(&["backup", file_name, "--log", &local(&log)]), "there is no log in");
    let up = Up::start(&log, &["--seconds-per-cup", "0"]);
    let id = order(&up, 1);
    until(&up, &id, "ready");
    refused(&run(&["backup", file_name, "--log", &local(&log)]), "--token");
    up.stop();
    let made = run(&["backup", file_name, "--log", &local(&log)]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let tried = run(&["restore", file_name, "--check"]);
    assert_eq!(tried.code, Some(0), "{tried:?}");
    assert!(tried.stdout.contains("can be restored, every order is accounted for"), "{tried:?}");
    refused(&run(&["restore", file_name, "--log", &local(&log)]), "is not empty");
    refused(
        &run(&["restore", file_name, "--log", "kafka://127.0.0.1:1"]),
        "say a directory with --log local:DIR",
    );

    // What is none, and what can't be: each with the way out.
    let missing = dir.path().join("missing").join("line.backup");
    let missing = missing.to_str().unwrap();
    refused(&run(&["restore", missing, "--check"]), "say a file that brewline backup wrote");
    let here = dir.path().to_str().unwrap();
    refused(&run(&["restore", here, "--check"]), "say a file that brewline backup wrote");
    refused(&run(&["import", missing, "--check"]), "say a file that brewline export wrote");
    for command in ["backup", "export"] {
        let said = run(&[command, missing, "--log", &local(&log)]);
        refused(&said, "missing; make it, or say a file in another one");
        assert!(said.stderr.contains("there is no directory") && !said.stderr.contains(".part"), "{said:?}");
    }

    let to = dir.path().join("restored");
    let empty = dir.path().join("empty.backup");
    std::fs::write(&empty, "").unwrap();
    refused(&run(&["restore", empty.to_str().unwrap(), "--log", &local(&to)]), "is no backup of a log");
    assert!(!to.exists(), "nothing is made of what is no backup");
    std::fs::remove_file(&empty).unwrap();

    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let broken = dir.path().join("broken.backup");
    std::fs::write(&broken, bytes).unwrap();
    refused(&run(&["restore", broken.to_str().unwrap(), "--check"]), "is broken");
    refused(&run(&["restore", broken.to_str().unwrap(), "--log", &local(&to)]), "is broken");
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "nothing half done is left: {names:?}");
}
