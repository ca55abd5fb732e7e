//! No secret is said: the real program through all that has to do with one, as talkative as it gets, right and wrong; and
//! a look for each of them in whatever it wrote and answered.
//!
//! Shown on purpose, once: the staff token that was just made, the link that signs in the first device, a code for one
//! more to whoever has it shown, and the token of a program to who made it. The id that a program gave its command is no
//! secret of the line: the order's history, which is for staff, has it, and nothing else does.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{fs, net::TcpListener, path::Path, time::Duration};

use eventlog::{Log as _, Start, local::LocalLog};
use order::topic;
use support::{Answer, PATIENCE, Process, Up, address, brewline, get, local, request};

/// Nobody's code and token, and sent all the same.
const WRONG: [&str; 2] = ["4321 8765", "canary-wrong-token-0123456789abcdef"];
/// The key of an order: what the order's id is made from.
const ORDER_KEY: &str = "canary-idempotency-key-4711";
/// The key of a command, which is the command's id: the order's history has it, for staff.
const COMMAND_KEY: &str = "canary-command-id-4711";
/// What stands before the host in an address where it does not belong.
const PASSWORD: &str = "canary-password-4711";
/// What lets this line send traces to a collector.
const COLLECTOR_KEY: &str = "canary-collector-key-4711";

/// What was said, by whom.
#[derive(Default)]
struct Heard(Vec<(String, String)>);

impl Heard {
    fn add(&mut self, by: &str, text: impl Into<String>) {
        self.0.push((by.to_owned(), text.into()));
    }

    /// Who said it, and how often.
    fn saying(&self, secret: &str) -> Vec<String> {
        let said = self.0.iter().map(|(by, text)| (by, text.matches(secret).count()));
        said.filter(|(_, times)| *times > 0).map(|(by, times)| format!("{by}: {times}×")).collect()
    }
}

/// A line, as programs and browsers ask it.
struct Asker<'a> {
    up: &'a Up,
    heard: Heard,
}

impl Asker<'_> {
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str, status: u16) -> Answer {
        let answer = self.hear(method, path, headers, body);
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        answer
    }

    fn hear(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let all = [&[("Content-Type", "application/json")], headers].concat();
        let answer = request(self.up.counter, method, path, &all, body).unwrap();
        self.heard.add(&format!("{method} {path}"), format!("{}\n{}", answer.head, answer.body));
        answer
    }
}

/// The secrets of a day, each with those who may say it.
#[derive(Debug)]
struct Secret {
    what: &'static str,
    text: String,
    shown: Vec<String>,
}

fn secret(what: &'static str, text: impl Into<String>, shown: &[&str]) -> Secret {
    Secret { what, text: text.into(), shown: shown.iter().map(|by| format!("{by}: 1×")).collect() }
}

/// Devices and programs that come and go, with codes, cookies and tokens that are right, wrong, old and taken back.
fn day(asker: &mut Asker<'_>, staff_token: &str, link: &str) -> Vec<Secret> {
    let staff = format!("Bearer {staff_token}");
    let (staff, own) = (("Authorization", staff.as_str()), ("Sec-Fetch-Site", "same-origin"));
    let sign_in = |code: &str| format!(r#"{{"code":"{code}","device":"Main bar"}}"#);
    let cookie_of = |answer: &Answer| {
        let (_, rest) = answer.head.split_once("set-cookie: ").unwrap();
        let cookie = rest.split(';').next().unwrap().to_owned();
        let value = cookie.split_once('=').unwrap().1.to_owned();
        (cookie, value)
    };
    let (first, first_value) = cookie_of(&asker.ask("POST", "/session", &[own], &sign_in(link), 200));
    asker.ask("POST", "/session", &[own], &sign_in(link), 410);
    let code = asker.ask("POST", "/session/codes", &[own, ("Cookie", &first)], r#"{"role":"barista"}"#, 201);
    let code = code.json()["code"].as_str().unwrap().to_owned();
    let (_, second_value) = cookie_of(&asker.ask("POST", "/session", &[own], &sign_in(&code), 200));
    asker.ask("POST", "/session", &[own], &sign_in(WRONG[0]), 403);
    // Each wrong one makes the wait for the next one longer: sooner or later one comes too soon.
    let came_too_soon =
        (0..100).any(|_| asker.hear("POST", "/session", &[own], &sign_in(WRONG[0])).status == 429);
    assert!(came_too_soon);
    asker.ask("GET", "/session", &[("Cookie", &first)], "", 200);
    asker.ask("DELETE", "/session", &[("Cookie", &first)], "", 403);
    asker.ask("GET", "/session", &[("Cookie", &format!("{first}0"))], "", 401);
    let made =
        asker.ask("POST", "/tokens", &[own, ("Cookie", &first)], r#"{"name":"till","role":"manager"}"#, 201);
    let (id, token) =
        (made.json()["id"].as_str().unwrap().to_owned(), made.json()["token"].as_str().unwrap().to_owned());
    let program = format!("Bearer {token}");
    asker.ask("GET", "/tokens", &[("Authorization", &program)], "", 200);
    asker.ask("GET", "/devices", &[staff], "", 200);
    let wrong = format!("Bearer {}", WRONG[1]);
    asker.ask("GET", "/orders?live", &[("Authorization", &wrong)], "", 401);
    asker.ask("GET", &format!("/orders?live&token={}", WRONG[1]), &[staff], "", 200);
    asker.ask("GET", "/nothing", &[("Authorization", &program), ("Cookie", &first)], "", 404);
    let key = ("Idempotency-Key", ORDER_KEY);
    let placed = asker.ask("POST", "/order?amount=1", &[key], "", 202);
    asker.ask("POST", "/order?amount=2", &[key], "", 422);
    let order = placed.json()["order_id"].as_str().unwrap().to_owned();
    let commands = format!("/orders/{order}/commands");
    let by = [("Authorization", program.as_str()), ("Idempotency-Key", COMMAND_KEY)];
    asker.ask("POST", &commands, &by, r#"{"command":"start"}"#, 200);
    asker.ask("POST", &commands, &[by[0]], r#"{"command":"accept"}"#, 409);
    let history = format!("/orders/{order}/history");
    asker.ask("GET", &history, &[staff], "", 200);
    asker.ask("GET", &format!("/orders/{order}"), &[], "", 200);
    for path in
        ["/metrics", "/readyz", "/livez", "/shop", "/board/codes", "/menu", "/table/qr.svg", "/sign-in"]
    {
        let answer = get(asker.up.counter, path).unwrap();
        asker.heard.add(path, format!("{}\n{}", answer.head, answer.body));
    }
    for path in ["/ledger", "/ledger/orders", "/ledger/day", "/ledger/export?format=jsonl", "/orders?recent"]
    {
        asker.ask("GET", path, &[staff], "", 200);
    }
    asker.ask("DELETE", &format!("/tokens/{id}"), &[staff], "", 204);
    asker.ask("GET", "/tokens", &[("Authorization", &program)], "", 401);
    asker.ask("DELETE", "/devices", &[staff], "", 204);
    asker.ask("GET", "/session", &[("Cookie", &first)], "", 401);
    let mut secrets = vec![
        secret("the session of a device", first_value, &["POST /session"]),
        secret("the session of another device", second_value, &["POST /session"]),
        secret("a code for one more", code.clone(), &["POST /session/codes"]),
        secret("the same as it is typed", code.replace(' ', ""), &["POST /session/codes"]),
        secret("the token of a program", token, &["POST /tokens"]),
        secret("the key of an order", ORDER_KEY, &[]),
        secret("the id of a command", COMMAND_KEY, &[&format!("GET {history}")]),
    ];
    secrets.extend(WRONG.map(|wrong| secret("what was wrong", wrong, &[])));
    secrets
}

/// What commands beside the line say, with the token where they take one.
fn commands(heard: &mut Heard, up: &Up, dir: &Path, token: &str) {
    let (log, listen) = (local(dir), up.counter.to_string());
    let counter = format!("http://{listen}");
    let copy = dir.with_extension("backup");
    let to = copy.to_str().unwrap();
    let bad = |scheme: &str| format!("{scheme}://me:{PASSWORD}@host");
    let (to_kafka, public, to_http) = (bad("kafka"), bad("https"), bad("http"));
    let password = format!("sasl.password={PASSWORD}");
    let (misspelt, misplaced) =
        (format!("sasl.passwort={PASSWORD}"), format!("security.protocol={PASSWORD}"));
    let header = format!("authorization={COLLECTOR_KEY}");
    let right = [
        &["doctor", "--log", &log, "--listen", &listen, "-vv"][..],
        &["ledger", "--log", &log, "--counter", &counter, "--token", token, "-vv"],
        &["backup", to, "--log", &log, "--counter", &counter, "--token", token, "-vv"],
        &["config", "show", "--json", "ledger", "--token", token],
        &["config", "show", "counter", "--kafka", &password],
        &["config", "show", "up", "--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-headers", &header],
    ];
    let wrong = [
        &["ledger", "--log", &log, "--counter", &counter, "--token", WRONG[1], "-vv"][..],
        &["up", "--log", &to_kafka],
        &["up", "--public-url", &public],
        &["up", "--otlp-endpoint", &to_http],
        &["up", "--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-headers", COLLECTOR_KEY],
        &["ledger", "--counter", &to_http],
        &["up", "--log", &log, "--kafka", &password],
        &["up", "--kafka", &misspelt],
        &["up", "--kafka", &misplaced],
    ];
    let right = right.into_iter().map(|args| (args, true));
    for (args, succeeds) in right.chain(wrong.into_iter().map(|args| (args, false))) {
        let output = brewline(args).env("BREWLINE_LOG_FORMAT", "json").output().unwrap();
        assert_eq!(output.status.success(), succeeds, "{args:?}: {output:?}");
        let by = format!("{} {}", args[0], args[1]);
        heard.add(&by, String::from_utf8_lossy(&output.stdout));
        heard.add(&by, String::from_utf8_lossy(&output.stderr));
    }
    // A file with mistakes in what is secret.
    let settings = tempfile::tempdir().unwrap();
    for text in [
        format!("log = \"kafka://me:{PASSWORD}@host\"\n"),
        format!("public_url = \"https://me:{PASSWORD}@cafe.example\"\n"),
        format!("[kafka]\nsasl.password = {PASSWORD}\n"),
        format!("[kafka]\nsasl.password = [\"{PASSWORD}\"]\n"),
        format!("token = \"{PASSWORD}\"\n"),
    ] {
        fs::write(settings.path().join("brewline.toml"), text).unwrap();
        for args in [&["config", "check"][..], &["config", "show"], &["up"]] {
            let output = brewline(args).current_dir(settings.path()).output().unwrap();
            assert_ne!(output.status.code(), Some(0), "{output:?}");
            heard.add(args[0], String::from_utf8_lossy(&output.stdout));
            heard.add(args[0], String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// The claims on the line's secret, as they stand in the log.
fn lines_secrets(dir: &Path) -> Vec<String> {
    let topics = brewline::catalog(Duration::from_hours(720));
    let log = LocalLog::open(eventlog::local::Options::new(dir, &topics)).unwrap();
    let mut follow = log.follow(&[(topic::SHOP, Start::Beginning)]).unwrap();
    let (mut secrets, mut at_end) = (Vec::new(), false);
    while !at_end {
        let batch = follow.poll(PATIENCE).unwrap();
        at_end = batch.at_end;
        let claims = batch
            .entries
            .into_iter()
            .filter(|entry| entry.record.key.as_deref().is_some_and(|key| key.starts_with(b"secret/")));
        secrets.extend(claims.map(|claim| {
            let json: serde_json::Value = serde_json::from_slice(&claim.record.value.unwrap()).unwrap();
            json["secret"].as_str().unwrap().to_owned()
        }));
    }
    log.close();
    secrets
}

fn assert_silent(heard: &Heard, secrets: &[Secret]) {
    for Secret { what, text, shown } in secrets {
        assert!(text.len() >= 8, "{what} is no secret: {text:?}");
        assert_eq!(&heard.saying(text), shown, "{what}: {text:?}");
    }
}

#[test]
fn no_secret_of_a_line_is_said_but_to_whom_it_is_shown() {
    for format in ["text", "json"] {
        // Nobody is there, and that is said.
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (collector, header) = (format!("http://{nobody}"), format!("authorization={COLLECTOR_KEY}"));
        let traced = ["--otlp-endpoint", &collector, "--otlp-headers", &header, "--trace-ratio", "1"];
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let talkative = ["--mode", "manual", "-vv", "--log-format", format];
        let public = ["--public-url", "https://cafe.example"];
        let mut up = Up::start(&log, &[&talkative[..], &public, &traced].concat());
        let staff_token = up.staff_token();
        let link = up.process.hear(|line| line.contains("/sign-in#"));
        let link = link.split_once('#').unwrap().1.trim().to_owned();
        let mut asker = Asker { up: &up, heard: Heard::default() };
        let mut secrets = day(&mut asker, &staff_token, &link);
        let mut heard = asker.heard;
        commands(&mut heard, &up, &log, &staff_token);
        let (status, said) = up.stop();
        assert_eq!(status.code(), Some(0), "{said:#?}");
        for part in ["DEBUG", "traces are not taken"] {
            assert!(said.iter().any(|line| line.contains(part)), "{part} is not said: {said:#?}");
        }
        heard.add("up", said.join("\n"));
        secrets.push(secret("the staff token", staff_token, &["up"]));
        secrets.push(secret("the link of the first device", link, &["up"]));
        secrets.push(secret("a password that belongs elsewhere", PASSWORD, &[]));
        secrets.push(secret("the key of the collector", COLLECTOR_KEY, &[]));
        let of_line = lines_secrets(&log);
        assert!(!of_line.is_empty());
        secrets.extend(of_line.into_iter().map(|text| secret("the line's secret", text, &[])));
        assert_silent(&heard, &secrets);
    }
}

#[test]
fn no_part_of_a_tls_key_is_said_whether_it_can_be_used_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["cafe.example".to_owned()]).unwrap();
    let pem = made.signing_key.serialize_pem();
    let body: Vec<String> =
        pem.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned).collect();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    let mut heard = Heard::default();
    let (log, cert_arg, key_arg) =
        (local(&dir.path().join("log")), cert.to_str().unwrap(), key.to_str().unwrap());
    let args = [
        "up",
        "--log",
        &log,
        "--listen",
        "127.0.0.1:0",
        "-vvv",
        "--tls-cert",
        cert_arg,
        "--tls-key",
        key_arg,
    ];
    for unusable in [
        pem.replace("PRIVATE KEY", "SECRET"),
        body.concat(),
        pem[..pem.len() / 2].to_owned(),
        pem.replacen(&body[0][..8], "AAAAAAAA", 1),
    ] {
        fs::write(&key, unusable).unwrap();
        let output = brewline(&args).output().unwrap();
        assert_ne!(output.status.code(), Some(0), "{output:?}");
        heard.add("up", String::from_utf8_lossy(&output.stderr));
        let output = brewline(&["config", "check"]).args(&args[6..]).output().unwrap();
        heard.add("config", String::from_utf8_lossy(&output.stderr));
    }
    fs::write(&key, &pem).unwrap();
    let mut process = Process::start(brewline(&args));
    let health = process.hear(|line| line.starts_with("  health")).replace("https://", "http://");
    // Without TLS, and with something that is none.
    for garbage in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}\0\u{5}hello"] {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(address(&health)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(garbage.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        heard.add("answer", String::from_utf8_lossy(&answer));
    }
    process.signal(rustix::process::Signal::INT);
    let (status, said) = process.end();
    assert_eq!(status.code(), Some(0), "{said:#?}");
    heard.add("up", said.join("\n"));
    let secrets: Vec<_> = body
        .iter()
        .flat_map(|line| line.as_bytes().chunks(16))
        .filter(|part| part.len() == 16)
        .map(|part| secret("a part of the key", String::from_utf8_lossy(part), &[]))
        .collect();
    assert!(secrets.len() > 3);
    assert_silent(&heard, &secrets);
}
