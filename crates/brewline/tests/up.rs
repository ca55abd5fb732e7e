//! What a newcomer does, and what a careless one does.

mod support;

use std::{
    fs,
    io::{BufRead as _, Read as _, Write as _},
    net::TcpListener,
    process::Stdio,
    time::Instant,
};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::{Pid, Signal, kill_process},
};
use support::{
    PATIENCE, Process, Up, brewline, findings, get, hear, local, open_stream, request, run, slow_order,
};

#[test]
fn ten_customers_are_accepted_and_hear_their_bells() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Up::start(dir.path(), &["--seconds-per-cup", "0.01"]);
    let counter = format!("http://{}", up.counter);
    let said = run(&["client", "-c", "10", "--once", "--counter", &counter]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let accepted: Vec<_> =
        said.stdout.lines().filter_map(|line| line.strip_prefix("Order accepted: ")).collect();
    assert_eq!(accepted.len(), 10, "{said:?}");
    for id in accepted {
        let bell = format!("Order ID {id} is ready for pickup. Enjoy your coffee!");
        assert_eq!(said.stdout.lines().filter(|line| **line == bell).count(), 1, "{said:?}");
        // `up` shows the same order's way.
        up.process.hear(|line| line.contains("the bell rings") && line.contains(id));
    }
    let (status, _) = up.stop();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn the_line_to_paste_works_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Process::start(brewline(&[
        "up",
        "--log",
        &format!("local:{}", dir.path().display()),
        "--listen",
        "127.0.0.1:0",
        "--seconds-per-cup",
        "0",
    ]));
    up.hear(|line| line.starts_with("practice: drinks make themselves"));
    let manual = up.hear(|line| line.contains(" up --mode manual"));
    assert!(manual.contains(" --log ") && manual.contains(" --listen "), "it opens this line: {manual}");
    let line = up.hear(|line| line.contains(" client -c 10"));
    let output = std::process::Command::new("sh").args(["-c", &format!("{line} --once")]).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
}

#[test]
fn a_restart_goes_on_where_it_was_and_ctrl_c_stops_with_streams_open_and_orders_brewing() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Up::start(dir.path(), &["--seconds-per-cup", "3600"]);
    let token = up.staff_token();
    up.process.hear(|line| line.starts_with("Ctrl-C stops"));
    assert!(
        !up.process.heard.iter().any(|line| line.contains("open from before")),
        "{:#?}",
        up.process.heard
    );
    let order = request(up.counter, "POST", "/order?amount=2", &[], "").unwrap();
    assert_eq!(order.status, 202, "{order:?}");
    let id = order.json()["order_id"].as_str().unwrap().to_owned();
    let path = format!("/orders/{id}/events");
    let counter = up.counter;
    hear(counter, &path, |order| order["state"] == "making");
    let due = get(counter, &format!("/orders/{id}")).unwrap().json()["due_at"].clone();
    assert!(due.is_i64(), "{due}");
    let open: Vec<_> = (0..5).map(|_| open_stream(counter, &path)).collect();
    let asked = Instant::now();
    let (status, lines) = up.stop();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(asked.elapsed().as_secs() < 5, "a clean stop took {:?}", asked.elapsed());
    for mut stream in open {
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("\r\n0\r\n\r\n"), "cut off instead of ended: {text}");
    }

    let mut up = Up::start(dir.path(), &["--seconds-per-cup", "1"]);
    up.process.hear(|line| line == "open from before: 0 received, 1 making, 0 ready");
    let again = get(up.counter, &format!("/orders/{id}")).unwrap().json();
    assert_eq!((&again["state"], &again["due_at"]), (&"making".into(), &due), "{again}");
    let authorization = format!("Bearer {token}");
    let answer = request(
        up.counter,
        "POST",
        &format!("/orders/{id}/commands"),
        &[("Authorization", &authorization), ("Content-Type", "application/json")],
        r#"{"command":"ready"}"#,
    );
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status, &answer.json()["state"]),
        (200, &"ready".into()),
        "the token outlives a restart: {answer:?}"
    );
}

#[test]
fn the_first_device_is_signed_in_by_a_link_and_then_none_is_shown_unless_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let link = |up: &mut Up| up.process.hear(|line| line.contains("/sign-in#")).trim().to_owned();
    let sign_in = |up: &Up, link: &str| {
        let (_, code) = link.split_once("/sign-in#").unwrap();
        let says = format!(r#"{{"code":"{code}","device":"Main bar"}}"#);
        request(up.counter, "POST", "/session", &[("Content-Type", "application/json")], &says).unwrap()
    };
    let mut up = Up::start(dir.path(), &[]);
    let first = link(&mut up);
    assert!(first.starts_with(&format!("http://{}/sign-in#", up.counter)), "{first}");
    up.kill();

    let mut up = Up::start(dir.path(), &[]);
    let second = link(&mut up);
    let answer = sign_in(&up, &second);
    assert_eq!((answer.status, &answer.json()["role"]), (200, &"manager".into()), "{answer:?}");
    assert_eq!(sign_in(&up, &second).status, 410, "it is good once");
    up.stop();

    let mut up = Up::start(dir.path(), &[]);
    up.process.hear(|line| line.starts_with("Ctrl-C stops"));
    assert!(!up.process.heard.iter().any(|line| line.contains("/sign-in#")), "{:#?}", up.process.heard);
    up.stop();

    let mut up = Up::start(dir.path(), &["--sign-in-link"]);
    let third = link(&mut up);
    assert_eq!(sign_in(&up, &third).status, 200, "the way back in");
}

#[test]
fn a_bell_that_rings_in_the_first_moment_of_a_restart_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &["--hands", "1", "--seconds-per-cup", "3600"]);
    let order =
        || request(up.counter, "POST", "/order?amount=1", &[], "").unwrap().json()["order_id"].clone();
    // The first has the only hands: the second waits, and is ready as soon as a line with more hands begins.
    let (first, second) = (order(), order());
    let state = |id: &serde_json::Value, state: &str| {
        let path = format!("/orders/{}/events", id.as_str().unwrap());
        hear(up.counter, &path, |order| order["state"] == state);
    };
    state(&first, "making");
    state(&second, "received");
    up.stop();

    // A new token is written to the log first: the bell rings before there is anything on the screen.
    let mut up = Up::start(dir.path(), &["--seconds-per-cup", "0", "--new-staff-token"]);
    let id = second.as_str().unwrap();
    up.process.hear(|line| line.contains("the bell rings") && line.contains(id));
}

#[test]
fn customers_of_a_line_that_comes_back_with_another_log_leave() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let up = Up::start(first.path(), &["--seconds-per-cup", "3600"]);
    let counter = up.counter;
    let url = format!("http://{counter}");
    let mut customers = Process::start(brewline(&["client", "-c", "1", "--once", "--counter", &url]));
    customers.hear(|line| line.starts_with("Order accepted: "));
    up.stop();
    let _another = Up::start_at(counter, second.path(), &[]);
    let (status, lines) = customers.end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("knows no such order")), "{lines:#?}");
}

#[test]
fn who_waits_for_the_last_bell_and_is_stopped_before_it_did_not_hear_it() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &["--seconds-per-cup", "3600"]);
    let url = format!("http://{}", up.counter);
    for (once, code) in [(&["--once"][..], 1), (&[], 0)] {
        let mut customers =
            Process::start(brewline(&[&["client", "-c", "1", "--counter", &url], once].concat()));
        customers.hear(|line| line.starts_with("Order accepted: "));
        customers.signal(Signal::INT);
        let (status, lines) = customers.end();
        assert_eq!(status.code(), Some(code), "{once:?}: {lines:#?}");
    }
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    Up::start(dir.path(), &[]).stop_twice();
}

#[test]
fn a_terminal_that_is_closed_stops_the_line_cleanly() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_on_terminal(dir.path());
    up.process.signal(Signal::HUP);
    let (status, lines) = up.process.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("stopped")), "{lines:#?}");
}

#[test]
fn a_terminal_that_hangs_up_twice_stops_the_line_as_cleanly() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_on_terminal(dir.path());
    let mut stream = open_stream(up.counter, "/shop/events");
    let mut slow = slow_order(up.counter);
    up.process.signal(Signal::HUP);
    // Streams end first: the stop has begun.
    stream.read_to_string(&mut String::new()).unwrap();
    up.process.signal(Signal::HUP);
    slow.write_all(&[b' '; 100]).unwrap();
    let (status, lines) = up.process.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn a_line_that_is_to_outlive_its_terminal_does() {
    let dir = tempfile::tempdir().unwrap();
    let log = local(dir.path());
    let mut nohup = std::process::Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_brewline")).args(["up", "--log", &log, "--listen", "127.0.0.1:0"]);
    nohup.current_dir(dir.path()).stdin(Stdio::null());
    let mut up = Process::start(nohup);
    let counter = support::address(&up.hear(|line| line.starts_with("  health")));
    up.hear(|line| line.starts_with("Ctrl-C stops"));
    up.signal(Signal::HUP);
    let order = request(counter, "POST", "/order?amount=1", &[], "").unwrap();
    assert_eq!(order.status, 202, "{order:?}");
    up.signal(Signal::TERM);
    let (status, lines) = up.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn systemd_is_told_that_the_line_takes_orders_lives_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let systemd = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut message = [0; 256];
        let len = systemd.recv(&mut message).unwrap();
        String::from_utf8(message[..len].to_vec()).unwrap()
    };
    let log = local(dir.path());
    let mut command = brewline(&["up", "--log", &log, "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    let mut up = Process::start(command);
    let counter = support::address(&up.hear(|line| line.starts_with("  health")));
    assert_eq!(told(), "EXTEND_TIMEOUT_USEC=300000\n");
    let ready = std::iter::repeat_with(told).find(|said| !said.starts_with("EXTEND_TIMEOUT_USEC"));
    assert_eq!(ready.unwrap(), "READY=1\n");
    assert_eq!(get(counter, "/readyz").unwrap().status, 200);
    for _ in 0..3 {
        assert_eq!(told(), "WATCHDOG=1\n");
    }
    up.signal(Signal::TERM);
    let last = std::iter::repeat_with(told).find(|said| said != "WATCHDOG=1\n");
    assert_eq!(last.unwrap(), "STOPPING=1\n");
    let (status, lines) = up.end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_screen_that_takes_nothing_does_not_stop_the_line() {
    let dir = tempfile::tempdir().unwrap();
    // The banner comes through; what comes after it fails, on both, as on a terminal that is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let log = local(dir.path());
    let mut command =
        brewline(&["up", "-vv", "--log", &log, "--listen", "127.0.0.1:0", "--seconds-per-cup", "0"]);
    let mut child = command.stdout(writer).stderr(full()).spawn().unwrap();
    drop(command);
    let mut lines = std::io::BufReader::new(reader).lines();
    let health = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("  health")).unwrap();
    let counter = support::address(&health);
    lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("Ctrl-C stops")).unwrap();
    drop(lines);
    for _ in 0..3 {
        let order = request(counter, "POST", "/order?amount=1", &[], "").unwrap();
        assert_eq!(order.status, 202, "{order:?}");
        let path = format!("/orders/{}/events", order.json()["order_id"].as_str().unwrap());
        hear(counter, &path, |order| order["state"] == "ready");
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_stdout_that_nobody_reads_does_not_hold_up_the_stop() {
    let dir = tempfile::tempdir().unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let log = local(dir.path());
    let mut command = brewline(&["up", "--log", &log, "--listen", "127.0.0.1:0", "--seconds-per-cup", "0"]);
    let child = command.stdout(writer.try_clone().unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let mut lines = std::io::BufReader::new(reader).lines();
    let mut hear = |what: &str| lines.by_ref().find(|line| line.as_ref().unwrap().contains(what)).unwrap();
    let counter = support::address(&hear("  health").unwrap());
    hear("Ctrl-C stops").unwrap();

    // Up to the last byte. The flag is the pipe's, and so the line's, too, but it says nothing without orders.
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    for size in [4_096, 1] {
        while writer.write(&vec![b' '; size]).is_ok() {}
    }
    fcntl_setfl(&writer, flags).unwrap();
    let order = request(counter, "POST", "/order?amount=1", &[], "").unwrap().json();
    let path = format!("/orders/{}/events", order["order_id"].as_str().unwrap());
    support::hear(counter, &path, |order| order["state"] == "ready");

    kill_process(pid, Signal::INT).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || tell.send({ child }.wait()));
    let Ok(status) = told.recv_timeout(PATIENCE) else {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("it hangs");
    };
    assert_eq!(status.unwrap().code(), Some(0));
    // The log was closed all the same: whoever comes next has it.
    let (status, _) = Up::start(dir.path(), &[]).stop();
    assert_eq!(status.code(), Some(0));
}

/// Runs `up` with what can't work, and expects one sentence with the way out.
fn refused(args: &[&str], says: &[&str]) {
    let args: Vec<_> = ["up"].into_iter().chain(args.iter().copied()).collect();
    let said = run(&args);
    assert_ne!(said.code, Some(0), "{said:?}");
    for word in says {
        assert!(said.stderr.contains(word), "{word:?} is not in {said:?}");
    }
    assert!(!said.stderr.contains("panicked"), "{said:?}");
    let system = said.stderr.matches("os error").count();
    assert!(system <= 1, "the system's words are said {system} times: {said:?}");
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&["--log", &local(&log), "--listen", &address], &[&address, "--listen", ":PORT\n"]);
    assert!(!log.exists(), "nothing is made when the port is taken");
}

#[test]
fn a_directory_in_use_names_the_process_that_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let pid = up.process.child.id().to_string();
    refused(&["--log", &local(dir.path()), "--listen", "127.0.0.1:0"], &[&pid, "--log local:"]);
    assert_eq!(get(up.counter, "/readyz").unwrap().status, 200, "the one that runs goes on");
}

#[test]
fn a_port_that_a_line_has_is_said_to_be_its_with_how_to_use_it() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let up = Up::start(dir.path(), &[]);
    let (listen, process) = (up.counter.to_string(), format!("process {}", up.process.child.id()));
    let url = format!("use it at http://{listen}");
    refused(
        &["--log", &local(dir.path()), "--listen", &listen],
        &["the line with this log runs there already", &process, &url, "stop it first"],
    );
    refused(
        &["--log", &local(other.path()), "--listen", &listen],
        &["another brewline listens there", &process, &url, "--listen 127.0.0.1:PORT"],
    );
    assert_eq!(fs::read_dir(other.path()).unwrap().count(), 0, "nothing was made");
    // Who says nothing is another program.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    refused(
        &["--log", &local(other.path()), "--listen", &listen],
        &["another program", "--listen 127.0.0.1:"],
    );
}

#[test]
fn a_directory_with_somebodys_files_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("photos")).unwrap();
    fs::write(dir.path().join("thesis.odt"), "mine").unwrap();
    let inside = dir.path().join("brewline");
    let up = brewline(&["up", "--log", &local(dir.path()), "--listen", "127.0.0.1:0"]);
    let (status, lines) = Process::start(up).end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    for says in ["photos, thesis.odt", "move away", &local(&inside)] {
        assert!(matches!(&lines[..], [line] if line.contains(says)), "{says}: {lines:#?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing was made");
    // The way out, and what is put beside a log later is in nobody's way.
    Up::start(&inside, &[]).stop();
    fs::write(inside.join("thesis.odt"), "mine").unwrap();
    Up::start(&inside, &[]).stop();
}

#[test]
fn a_log_begins_beside_what_a_shop_and_a_system_put_there() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["lost+found", ".snapshot", "tls"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    for name in ["brewline.toml", "cert.pem", "cert.key", "brewline.env", "old.backup"] {
        fs::write(dir.path().join(name), "").unwrap();
    }
    Up::start(dir.path(), &[]).stop();
}

#[test]
fn a_directory_that_can_not_be_used_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "not a directory").unwrap();
    // The second holds for root as well, who may write anywhere else.
    for dir in [&file, &file.join("log")] {
        refused(&["--log", &local(dir), "--listen", "127.0.0.1:0"], &["directory", "--log local:"]);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a directory");
}

#[test]
fn a_broken_database_is_one_sentence_and_left_as_it_is() {
    for file in ["log.redb", "tail-0000000000000001.wal"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file);
        let broken = "not a database ".repeat(1_000);
        fs::write(&path, &broken).unwrap();
        refused(&["--log", &local(dir.path()), "--listen", "127.0.0.1:0"], &[file, "--log local:"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), broken);
    }
}

#[test]
fn wrong_settings_are_one_sentence_each() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("brewline.toml");
    fs::write(&config, "hands = 2\nhandz = 3\n").unwrap();
    let path = config.display().to_string();
    refused(&["--config", &path], &["brewline.toml:2", "handz"]);
    refused(&["--config", "/nowhere/brewline.toml"], &["/nowhere/brewline.toml", "--config"]);
    refused(&["--log", "debug"], &["--verbose", "local:DIR"]);
    refused(&["--log", "kafka://localhost:none"], &["kafka://localhost:9092"]);
    refused(&["--log", "kafka://localhost", "--kafka", "acks=0"], &["acks"]);
    refused(&["--log", "kafka://localhost", "--kafka", "nonsense=1"], &["nonsense"]);
    refused(&["--log", "kafka://localhost", "--kafka", "nonsense"], &["--kafka KEY=VALUE"]);
    refused(&["--hands", "0"], &["--hands"]);
    refused(&["--seconds-per-cup", "-1"], &["seconds"]);
    refused(&["--listen", "nonsense"], &["--listen"]);
}

#[test]
fn a_wrong_value_is_blamed_on_who_said_it_in_plain_words() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("brewline.toml");
    fs::write(&config, "mode = \"auto\"\nhands = \"two\"\n").unwrap();
    let config = config.display().to_string();
    let whole = "is \"two\": say a whole number from 1 to 1000000";
    let refused = |variables: &[(&str, &str)], args: &[&str], says: &[&str]| {
        let output = brewline(args).envs(variables.iter().copied()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{stderr}");
        for words in says {
            assert!(stderr.contains(words), "{words:?} is not in {stderr}");
        }
        stderr
    };
    refused(&[], &["up", "--hands", "two"], &[&format!("--hands {whole}")]);
    refused(&[], &["up", "--config", &config], &[&format!("{config}:2: hands {whole}, without quotes")]);
    for (name, value, says) in [
        ("BREWLINE_HANDS", "two", whole),
        ("BREWLINE_LISTEN", "8080", "127.0.0.1:8080"),
        ("BREWLINE_LOG", "/somewhere", "local:DIR"),
        ("BREWLINE_MODE", "fast", "say auto or manual"),
        ("BREWLINE_QUIET", "perhaps", "say true or false"),
        ("BREWLINE_SECONDS_PER_CUP", "3601", "from 0 to 3600"),
        ("BREWLINE_LOG_FORMAT", "xml", "say text or json"),
        ("BREWLINE_CONFIG", "/nowhere/b.toml", "/nowhere/b.toml"),
    ] {
        let stderr = refused(&[(name, value)], &["up"], &[says, &format!("the environment variable {name}")]);
        assert!(!stderr.contains(" '--"), "no flag was said: {stderr}");
    }
    let counter = ["the environment variable BREWLINE_COUNTER is \"ftp://cafe\"", "http://127.0.0.1:8080"];
    refused(&[("BREWLINE_COUNTER", "ftp://cafe")], &["client"], &counter);
    refused(&[], &["client", "-c", "0"], &["--customers is \"0\": say a whole number from 1 to 10000"]);
    refused(&[], &["client", "--seed", "x"], &["--seed is \"x\": say a whole number from 0 to"]);
}

#[test]
fn a_tilde_in_the_log_is_the_home_directory_wherever_it_is_said() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("brewline.toml");
    fs::write(&config, "log = \"local:~/by-file\"\n").unwrap();
    let config = config.display().to_string();
    for (variable, args, says) in [
        (None, ["--log", "local:~/by-flag"], "by-flag"),
        (Some("local:~/by-variable"), ["--listen", "127.0.0.1:0"], "by-variable"),
        (None, ["--config", &config], "by-file"),
    ] {
        let mut doctor = brewline(&["doctor"]);
        doctor.args(args).env("HOME", home.path()).envs(variable.map(|log| ("BREWLINE_LOG", log)));
        let said = findings(&String::from_utf8(doctor.output().unwrap().stdout).unwrap());
        let made = format!("{} will be made", home.path().join(says).display());
        assert!(said.iter().any(|line| line.contains(&made)), "{said:?}");
    }
}

#[test]
fn a_line_that_others_reach_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (listen, is_reached) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let mut up =
            Process::start(brewline(&["up", "--log", &local(dir.path()), "--listen", listen, "--quiet"]));
        up.hear(|line| line.starts_with("practice: "));
        let warned = up.heard.iter().any(|line| line.starts_with("warning: whoever is on this network"));
        assert_eq!(warned, is_reached, "{:#?}", up.heard);
    }
}

#[test]
fn an_empty_variable_is_not_set() {
    let dir = tempfile::tempdir().unwrap();
    let log = local(dir.path());
    let mut command = brewline(&["up", "--log", &log, "--listen", "127.0.0.1:0"]);
    for name in ["CONFIG", "LOG", "LISTEN", "MODE", "HANDS", "SECONDS_PER_CUP", "MAX_OPEN", "MAX_STREAMS"] {
        command.env(format!("BREWLINE_{name}"), "");
    }
    for name in ["MAX_STREAMS_PER_ADDRESS", "RETENTION_DAYS", "QUIET", "LOG_FORMAT"] {
        command.env(format!("BREWLINE_{name}"), "");
    }
    let mut up = Process::start(command);
    up.hear(|line| line.starts_with("Ctrl-C stops"));
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("brewline.toml");
    fs::write(&config, "quiet = true\n").unwrap();
    let (config, log) = (config.display().to_string(), local(&dir.path().join("log")));
    let args = ["up", "--config", &config, "--log", &log, "--listen", "127.0.0.1:0"];
    for (environment, flag, is_quiet) in [
        (None, None, true),
        (Some("false"), None, false),
        (Some("false"), Some("-q"), true),
        (Some("1"), Some("--quiet=no"), false),
    ] {
        let mut command = brewline(&args);
        command.args(flag).envs(environment.map(|value| ("BREWLINE_QUIET", value)));
        let mut up = Process::start(command);
        let says = up.hear(|line| line.starts_with("Ctrl-C stops"));
        assert_eq!(!says.contains("Each order's way"), is_quiet, "{environment:?} {flag:?}");
    }
}
