//! How phones get in: the address and its QR code on a terminal, and https.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Instant,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use support::{PATIENCE, Process, Up, brewline, findings, local, request, run};

const PUBLIC: [&str; 4] = ["--listen", "127.0.0.1:0", "--public-url", "https://cafe.example"];

/// `brewline up` on a terminal of this width.
struct OnTerminal {
    child: Child,
    lines: Receiver<String>,
}

impl OnTerminal {
    fn start(log: &Path, columns: u16, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).and_then(|()| unlockpt(&ours)).unwrap();
        tcsetwinsize(&ours, Winsize { ws_row: 60, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = fs::File::options().read(true).write(true).open(name).unwrap();
        let mut command = brewline(&["up", "--log", &local(log)]);
        command.args(args).stdout(theirs).stderr(Stdio::null());
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        command.envs(variables.iter().copied());
        let child = command.spawn().unwrap();
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(fs::File::from(ours)).lines().map_while(Result::ok);
            lines.for_each(|line| drop(tell.send(line.trim_end_matches('\r').to_owned())));
        });
        Self { child, lines }
    }

    /// What it says until it is open for orders.
    fn banner(&self) -> Vec<String> {
        let (mut heard, until) = (Vec::new(), Instant::now() + PATIENCE);
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.starts_with("Ctrl-C stops") => return heard,
                Ok(line) => heard.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => panic!("{heard:#?}"),
            }
        }
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_code(line: &str) -> bool {
    line.contains("\u{1b}[48;5;231m")
}

/// What a phone reads on the terminal.
fn read(lines: &[String]) -> String {
    const MODULE: usize = 4;
    let blocks =
        |line: &str| -> Vec<char> { line.chars().filter(|c| " ▀▄█".contains(*c)).skip(2).collect() };
    let rows: Vec<Vec<bool>> = lines
        .iter()
        .filter(|line| is_code(line))
        .flat_map(|line| {
            let blocks = blocks(line);
            let halves = |half: char| blocks.iter().map(|c| *c == half || *c == '█').collect();
            [halves('▀'), halves('▄')]
        })
        .collect();
    let dark = |x: usize, y: usize| if rows[y / MODULE][x / MODULE] { 0 } else { 255 };
    let (width, height) = (rows[0].len() * MODULE, rows.len() * MODULE);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, dark);
    image.detect_grids()[0].decode().unwrap().1
}

#[test]
fn on_a_terminal_the_address_is_a_code_that_phones_read() {
    let dir = tempfile::tempdir().unwrap();
    let up = OnTerminal::start(dir.path(), 80, &PUBLIC, &[]);
    let banner = up.banner();
    assert!(banner.contains(&"  phones   https://cafe.example".to_owned()), "{banner:#?}");
    assert_eq!(read(&banner), "https://cafe.example");
}

#[test]
fn there_is_no_code_where_it_would_not_fit_or_nobody_asked_for_it() {
    let quiet: Vec<&str> = PUBLIC.into_iter().chain(["--quiet"]).collect();
    for (columns, args, variables) in [
        (30, &PUBLIC[..], &[][..]),
        (80, &quiet, &[]),
        (80, &PUBLIC, &[("NO_COLOR", "1")]),
        (80, &PUBLIC, &[("LC_ALL", "C")]),
        (80, &["--listen", "127.0.0.1:0"], &[]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let banner = OnTerminal::start(dir.path(), columns, args, variables).banner();
        assert!(!banner.iter().any(|line| is_code(line)), "{columns} {args:?} {variables:?}: {banner:#?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let log = local(dir.path());
    let args: Vec<&str> = ["up", "--log", &log].into_iter().chain(PUBLIC).collect();
    let mut piped = Process::start(brewline(&args));
    piped.hear(|line| line.starts_with("Ctrl-C stops"));
    assert!(!piped.heard.iter().any(|line| line.contains('\u{1b}')), "{:#?}", piped.heard);
}

#[test]
fn on_loopback_one_line_says_how_to_let_phones_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut up = Process::start(brewline(&["up", "--log", &local(dir.path()), "--listen", "127.0.0.1:0"]));
    let line = up.hear(|line| line.starts_with("  phones "));
    assert!(line.contains("--listen 0.0.0.0:"), "{line}");
}

/// A certificate for `localhost` in `cert.pem` and `key.pem`, and its issuer's in `ca.pem`.
fn certificate(dir: &Path) -> [String; 3] {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "the café's own issuer");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = params.signed_by(&key, &issuer).unwrap();
    [("cert.pem", cert.pem()), ("key.pem", key.serialize_pem()), ("ca.pem", issuer.pem())].map(
        |(name, pem)| {
            let path = dir.join(name);
            fs::write(&path, pem).unwrap();
            path.to_str().unwrap().to_owned()
        },
    )
}

#[test]
fn customers_order_over_https_where_they_trust_the_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let [cert, key, ca] = certificate(dir.path());
    let log = local(&dir.path().join("log"));
    let tls = ["--listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key, "--seconds-per-cup", "0"];
    let args: Vec<&str> = ["up", "--log", &log].into_iter().chain(tls).collect();
    let mut up = Process::start(brewline(&args));
    let health = up.hear(|line| line.starts_with("  health"));
    let (_, address) = health.split_once("https://127.0.0.1:").unwrap();
    let port = address.split('/').next().unwrap().to_owned();
    up.hear(|line| line.starts_with("Ctrl-C stops"));
    let counter = format!("https://localhost:{port}");
    let said = run(&["client", "-c", "1", "--once", "--counter", &counter, "--ca", &ca]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("is ready for pickup"), "{said:?}");

    let strangers = Path::new(&cert).with_file_name("strangers.pem");
    fs::write(&strangers, rcgen::generate_simple_self_signed(vec!["x".to_owned()]).unwrap().cert.pem())
        .unwrap();
    let strangers = strangers.to_str().unwrap();
    let said = run(&["client", "-c", "1", "--once", "--counter", &counter, "--ca", strangers]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let says_one_way_out = |stderr: &str| {
        stderr.contains("its certificate is not trusted")
            && stderr.contains("--ca")
            && !stderr.contains("another terminal")
    };
    assert!(says_one_way_out(&said.stderr), "{said:?}");
    let token = "0".repeat(43);
    let said = run(&["ledger", "--counter", &counter, "--ca", strangers, "--token", &token]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(says_one_way_out(&said.stderr), "{said:?}");

    // Whoever closes before TLS is agreed on is no counter that was lost.
    let closes = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("https://{}", closes.local_addr().unwrap());
    let closing = thread::spawn(move || closes.accept().unwrap().0.read(&mut [0; 4096]).unwrap());
    let copy = dir.path().join("copy");
    let copy = copy.to_str().unwrap();
    let said = run(&["backup", copy, "--counter", &nobody, "--ca", &ca, "--token", &token]);
    assert!(closing.join().unwrap() > 0, "{said:?}");
    assert!(said.stderr.contains("can't be reached") && !said.stderr.contains("was lost"), "{said:?}");

    // A health check asks for no certificate, and finds the line by its log.
    let said = run(&["healthcheck", "--log", &log]);
    assert_eq!(said.code, Some(0), "{said:?}");

    let hint = up.heard.iter().find(|line| line.starts_with("ten customers"));
    assert!(hint.is_some_and(|line| line.contains("--ca FILE")), "{hint:?}");

    // The doctor asks no certificate of whoever has the port.
    let listen = format!("127.0.0.1:{port}");
    let said = run(&["doctor", "--log", &log, "--listen", &listen]);
    let found = findings(&said.stdout);
    assert!(found.iter().any(|line| line.contains("is held by a brewline that is running")), "{found:#?}");
    fs::rename(dir.path().join("log"), dir.path().join("moved")).unwrap();
    let said = run(&["doctor", "--log", &log, "--listen", &listen]);
    let found = findings(&said.stdout);
    assert!(found.iter().any(|line| line.contains("were moved or removed while it ran")), "{found:#?}");
}

#[test]
fn a_wrong_certificate_stops_the_start_with_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let [cert, key, _] = certificate(dir.path());
    let log = local(&dir.path().join("log"));
    let nowhere = format!("{}/none.pem", dir.path().display());
    for (tls, says) in [
        (&["--tls-cert", &cert][..], "name it with --tls-key"),
        (&["--tls-key", &key], "name that with --tls-cert"),
        (&["--tls-cert", &nowhere, "--tls-key", &key], "can't read"),
        (&["--tls-cert", &key, "--tls-key", &cert], "it belongs to --tls-key"),
        (&["--public-url", "https://cafe.example/shop"], "at the root"),
    ] {
        let args: Vec<&str> =
            ["up", "--log", &log, "--listen", "127.0.0.1:0"].into_iter().chain(tls.iter().copied()).collect();
        let said = run(&args);
        assert!(said.code.is_some_and(|code| code != 0) && said.stderr.contains(says), "{tls:?}: {said:?}");
        assert!(!dir.path().join("log").exists(), "nothing was begun: {tls:?}");
    }
}

#[test]
fn a_certificate_for_another_name_is_said_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let [cert, key, _] = certificate(dir.path());
    let log = local(&dir.path().join("log"));
    let mut up = Process::start(brewline(&[
        "up",
        "--log",
        &log,
        "--listen",
        "0.0.0.0:0",
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
        "--public-url",
        "https://cafe.example",
    ]));
    up.hear(|line| line.contains("the certificate is not for cafe.example"));
    up.hear(|line| line.contains("--public-url"));
}

/// A proxy on this machine passes on what one elsewhere asks for: the phone is who that names.
#[test]
fn phones_behind_a_proxy_elsewhere_are_one_until_it_is_named() {
    for (named, status) in [(&[][..], 429), (&["--trusted-proxies", "10.0.0.0/8"], 201)] {
        let dir = tempfile::tempdir().unwrap();
        let up = Up::start(dir.path(), &[named, &["--orders-per-minute", "1"]].concat());
        let order = |chain: &str| {
            let headers = [("Content-Type", "application/json"), ("X-Forwarded-For", chain)];
            request(up.counter, "POST", "/orders", &headers, r#"{"items":[{"item":"latte"}]}"#).unwrap()
        };
        assert_eq!(order("203.0.113.9, 10.0.0.1").status, 201);
        let next = order("203.0.113.10, 10.0.0.1");
        assert_eq!(next.status, status, "{named:?}: {next:?}");
    }
}

/// As `openssl req -x509` makes one unless it is told otherwise.
#[test]
fn a_certificate_that_may_issue_others_is_refused_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    let [cert, key] = [("cert.pem", cert.pem()), ("key.pem", key.serialize_pem())].map(|(name, pem)| {
        let path = dir.path().join(name);
        fs::write(&path, pem).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let log = local(&dir.path().join("log"));
    let tls = ["--listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key];
    let args: Vec<&str> = ["up", "--log", &log].into_iter().chain(tls).collect();
    let mut up = Process::start(brewline(&args));
    let health = up.hear(|line| line.starts_with("  health"));
    let (_, address) = health.split_once("https://127.0.0.1:").unwrap();
    let counter = format!("https://localhost:{}", address.split('/').next().unwrap());
    up.hear(|line| line.starts_with("Ctrl-C stops"));
    let said = run(&["client", "-c", "1", "--once", "--counter", &counter, "--ca", &cert]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("CA:FALSE") && !said.stderr.contains("OtherError"), "{said:?}");
}
