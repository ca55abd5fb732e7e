//! What the doctor finds, and that it only looks.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
};

use rustix::process::Signal;
use support::{Said, Up, brewline, findings, hear, local, request, run};

#[test]
fn the_doctor_says_what_is_well_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let said = run(&["doctor", "--log", &local(&dir.path().join("log")), "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for check in ["port", "directory", "space", "clock", "log", "menu"] {
        assert!(said.stdout.contains(check), "{check}: {said:?}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let said =
        run(&["doctor", "--log", &local(dir.path()), "--listen", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("--listen"), "{said:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_doctor_whom_nobody_hears_still_says_how_it_went() {
    let dir = tempfile::tempdir().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut doctor = brewline(&["doctor", "--log", &local(dir.path()), "--listen", "127.0.0.1:0"]);
    let said = doctor.stdout(full).output().unwrap();
    assert_eq!((said.status.code(), String::from_utf8(said.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn the_doctor_finds_a_running_line_well() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let said = run(&["doctor", "--log", &local(dir.path()), "--listen", &up.counter.to_string()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for well in ["is held by a brewline", &format!("in use by process {}", up.process.child.id())] {
        let line = findings(&said.stdout).into_iter().find(|line| line.contains(well));
        assert!(line.is_some_and(|line| line.starts_with("ok ")), "{well}: {said:?}");
    }
}

#[test]
fn the_doctor_finds_a_line_that_was_told_another_port() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = taken.local_addr().unwrap().to_string();
    let said = run(&["doctor", "--log", &local(dir.path()), "--listen", &elsewhere]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = findings(&said.stdout).into_iter().find(|line| line.contains("  port ")).unwrap();
    assert!(line.starts_with("ok ") && line.contains(&format!("http://{} is held", up.counter)), "{line}");
}

#[test]
fn the_doctor_says_which_line_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    up.process.signal(Signal::STOP);
    let said = run(&["doctor", "--log", &local(dir.path()), "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let line = findings(&said.stdout).into_iter().find(|line| line.contains("  port ")).unwrap();
    assert!(line.starts_with("BAD ") && line.contains(&up.counter.to_string()), "{line}");
    assert!(line.contains(&format!("process {}", up.process.child.id())), "{line}");
}

#[test]
fn the_doctor_says_that_a_running_line_has_another_log() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let up = Up::start(dir.path(), &[]);
    let said = run(&["doctor", "--log", &local(other.path()), "--listen", &up.counter.to_string()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let line = findings(&said.stdout).into_iter().find(|line| line.contains("with another log")).unwrap();
    let process = format!("process {}", up.process.child.id());
    assert!(line.starts_with("BAD ") && line.contains(&process), "{line}");
    assert!(line.contains("--listen") && line.contains("--log local:DIR"), "{line}");
}

#[test]
#[cfg(unix)]
fn the_doctor_says_that_the_log_of_a_running_line_was_moved_and_how_to_go_on() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, moved) = (parent.path().join("log"), parent.path().join("moved"));
    let up = Up::start(&dir, &["--mode", "manual"]);
    // Its barista has committed what it begins with, and writes nothing more by itself: a commit that finds the log moved ends
    // the line.
    let order = request(up.counter, "POST", "/order?amount=1", &[], "").unwrap().json();
    let stream = format!("/orders/{}/events", order["order_id"].as_str().unwrap());
    hear(up.counter, &stream, |shown| shown["version"].as_u64() > Some(0));
    fs::rename(&dir, &moved).unwrap();
    let process = format!("process {}", up.process.child.id());
    for (log, here) in [(&dir, false), (&moved, true)] {
        let said = run(&["doctor", "--log", &local(log), "--listen", &up.counter.to_string()]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let lines = findings(&said.stdout);
        let of = |check: &str| lines.iter().find(|line| line.contains(&format!("  {check} "))).unwrap();
        let port = of("port");
        for says in ["takes no orders", &process, "were moved or removed", "--log local:DIR"] {
            assert!(port.starts_with("BAD ") && port.contains(says), "{says}: {said:?}");
        }
        assert!(!said.stdout.contains("another log"), "{said:?}");
        assert_eq!(of("log").contains("would begin an empty one"), !here, "{said:?}");
        assert!(!of("log").contains("the first start makes it"), "{said:?}");
    }
}

#[test]
fn the_doctor_says_that_a_directory_is_somebody_elses() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.odt"), "mine").unwrap();
    let said = run(&["doctor", "--log", &local(dir.path()), "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let line = findings(&said.stdout).into_iter().find(|line| line.contains("thesis.odt")).unwrap();
    assert!(line.starts_with("BAD ") && line.contains("--log local:DIR"), "{line}");
}

#[test]
fn the_doctor_finds_what_would_keep_the_shop_closed() {
    let dir = tempfile::tempdir().unwrap();
    let menu = dir.path().join("menu.toml");
    std::fs::write(&menu, "[[category]]\n").unwrap();
    let log = local(&dir.path().join("log"));
    let said = run(&["doctor", "--log", &log, "--listen", "127.0.0.1:0", "--menu", menu.to_str().unwrap()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let line = findings(&said.stdout).into_iter().find(|line| line.contains("menu.toml:1: ")).unwrap();
    assert!(
        line.starts_with("BAD ") && line.ends_with("; see all with brewline menu check (2 more)"),
        "{line}"
    );
}

#[test]
fn the_doctor_looks_at_the_printer_if_there_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let shop = dir.path().join("shop.toml");
    let log = local(&dir.path().join("log"));
    let ask = |address: SocketAddr| {
        let says = format!(
            "name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"Asia/Seoul\"\n[printer]\naddress = \"{address}\"\n"
        );
        fs::write(&shop, says).unwrap();
        run(&["doctor", "--log", &log, "--listen", "127.0.0.1:0", "--shop", shop.to_str().unwrap()])
    };
    let of_printer = |said: &Said| {
        let lines = findings(&said.stdout);
        lines.into_iter().find(|line| line.contains("  printer ")).unwrap_or_else(|| panic!("{said:?}"))
    };
    // It says that its paper is at the end, to whoever asks.
    let printer = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = printer.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = printer.accept().unwrap();
        stream.read_exact(&mut [0; 6]).unwrap();
        stream.write_all(&[0x12, 0x72]).unwrap();
    });
    let said = ask(address);
    assert_eq!(said.code, Some(0), "orders are taken without it: {said:?}");
    assert!(of_printer(&said).starts_with("note") && of_printer(&said).contains("no paper"), "{said:?}");
    answering.join().unwrap();
    let said = ask(address);
    assert_eq!(said.code, Some(1), "{said:?}");
    let line = of_printer(&said);
    assert!(line.starts_with("BAD ") && line.contains("[printer] in shop.toml"), "{line}");
}

#[test]
fn the_doctor_names_the_file_that_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    Up::start(dir.path(), &[]).stop();
    let path = dir.path().join("log.redb");
    let len = fs::metadata(&path).unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len - 5000).unwrap();
    let said = run(&["doctor", "--log", &local(dir.path()), "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let line = findings(&said.stdout).into_iter().find(|line| line.contains("log.redb is broken")).unwrap();
    assert!(line.starts_with("BAD ") && line.contains("--log local:DIR"), "{line}");
}

#[test]
fn the_doctor_only_looks() {
    let dir = tempfile::tempdir().unwrap();
    let files = || -> BTreeMap<_, _> {
        let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
        files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    };
    let ask = |says: &str| {
        let before = files();
        let said = run(&["doctor", "--log", &local(dir.path()), "--listen", "127.0.0.1:0"]);
        assert!(said.code == Some(0) && said.stdout.contains(says), "{said:?}");
        assert!(files() == before, "it changed the directory");
    };
    ask("none yet");
    Up::start(dir.path(), &[]).kill();
    ask("nobody uses it");
}
