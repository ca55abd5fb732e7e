//! No secret of a certificate is said: the real program, as talkative as it gets, with keys that can be used and that can't.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::fs;

use support::{PATIENCE, Process, address, brewline, local};

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
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    assert!(secrets.len() > 3);
    for secret in secrets {
        assert_eq!(heard.saying(&secret), Vec::<String>::new(), "a part of the key: {secret}");
    }
}
