//! A counter with TLS on its own port.

#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{Line, log, options, within};
use counter::{Counter, Options, Tls, TlsFiles};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};

/// A certificate for a name, in two files, and for whoever is to trust it.
fn certificate(dir: &Path) -> (TlsFiles, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["cafe.example".to_owned()]).unwrap();
    let files = TlsFiles { cert: dir.join("cert.pem"), key: dir.join("key.pem") };
    std::fs::write(&files.cert, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    (files, made.cert.der().clone())
}

fn with_tls(files: TlsFiles) -> Options {
    let tls = Tls::read(files, SystemTime::now()).unwrap();
    Options { tls: Some(Arc::new(tls)), head_timeout: Duration::from_secs(2), ..options() }
}

async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    alpn: &[&str],
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("cafe.example").unwrap();
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // Who is cut off may hear of it as an error.
    let _ = within(stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

async fn get(address: SocketAddr, trusted: &CertificateDer<'static>, path: &str) -> String {
    let mut stream = within(connect(address, trusted, &["h2", "http/1.1"])).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let request = format!("GET {path} HTTP/1.1\r\nhost: cafe.example\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    read_to_end(&mut stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_trusts_the_certificate_is_served_and_streams_end_when_the_counter_stops() {
    let dir = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(dir.path());
    let line = Line::on(log(1), with_tls(files)).await;
    let answer = get(line.address, &trusted, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

    let mut stream = within(connect(line.address, &trusted, &[])).await.unwrap();
    stream.write_all(b"GET /shop/events HTTP/1.1\r\nhost: cafe.example\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    within(stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let stopped = tokio::spawn(line.stopped());
    let rest = read_to_end(&mut stream).await;
    assert!(rest.ends_with("\r\n0\r\n\r\n"), "cut off instead of ended: {rest}");
    stopped.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_that_the_counter_does_not_speak_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(dir.path());
    let line = Line::on(log(1), with_tls(files)).await;
    let refused = within(connect(line.address, &trusted, &["h2"])).await.unwrap_err();
    assert!(refused.to_string().contains("NoApplicationProtocol"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_sent_to_https_and_its_body_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let (files, _) = certificate(dir.path());
    let line = Line::on(log(1), with_tls(files)).await;
    let reply = line.get("/o/some-order", &[]).await;
    let location = reply.header("location").unwrap();
    assert_eq!((reply.status, location), (307, "https://counter/o/some-order"));
    let reply = line.post("/order?amount=2", &[], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "https_only"));
    assert!(reply.json()["detail"].as_str().unwrap().contains("https instead of http"), "{reply:?}");
    assert_eq!(line.views.counts().open(), 0);
    // Whoever looks what has the port needs no certificate for it.
    let reply = line.get("/livez", &[]).await;
    assert_eq!((reply.status, &reply.json()["service"]), (200, &"brewline".into()));
    assert_eq!(line.get("/readyz", &[]).await.json()["ready"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_a_body_without_tls_hears_why_it_was_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (files, _) = certificate(dir.path());
    let line = Line::on(log(1), with_tls(files)).await;
    let mut stream = TcpStream::connect(line.address).await.unwrap();
    let (head, half) =
        ("POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n", "x".repeat(30_000));
    stream.write_all(format!("{head}{half}").as_bytes()).await.unwrap();
    // Plenty of time for an answer that does not wait for the rest.
    for _ in 0..5 {
        assert_eq!(line.get("/livez", &[]).await.status, 200);
    }
    let early = stream.try_read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(early, Err(io::ErrorKind::WouldBlock), "whoever still sends does not listen yet");
    stream.write_all(half.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.expect("it ends without a reset");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https_only"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_until_when_the_certificate_is_good_that_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["cafe.example".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2096, 1, 1);
    let made = params.self_signed(&key).unwrap();
    let files = TlsFiles { cert: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
    std::fs::write(&files.cert, made.pem()).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    let line = Line::on(log(1), with_tls(files)).await;
    let text = get(line.address, made.der(), "/metrics").await;
    let name = "brewline_tls_certificate_expiry_timestamp_seconds";
    assert!(text.contains(&format!("{name} 3976214400.0\n")), "{text}");
    // The other metrics are compared with this page where a line runs without a certificate.
    assert!(
        include_str!("../../../docs/metrics.md").contains(&format!("| `{name}` | gauge | seconds | – |"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_never_ends_the_handshake_is_counted_and_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(dir.path());
    let line = Line::on(log(1), Options { head_timeout: Duration::from_secs(3), ..with_tls(files) }).await;
    let mut silent = TcpStream::connect(line.address).await.unwrap();
    // The head of a record that never comes.
    let mut slow = TcpStream::connect(line.address).await.unwrap();
    slow.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
    let mut plain = TcpStream::connect(line.address).await.unwrap();
    plain.write_all(b"GET / HT").await.unwrap();
    within(async { while !get(line.address, &trusted, "/metrics").await.contains("connections_open 4") {} })
        .await;
    for stream in [&mut silent, &mut slow, &mut plain] {
        let answer = read_to_end(stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    assert!(get(line.address, &trusted, "/readyz").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_neither_tls_nor_http_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(dir.path());
    let line = Line::on(log(1), with_tls(files)).await;
    for bytes in [&[22; 600][..], &[0; 600], b"\r\n\r\n\r\n", b"SSH-2.0-OpenSSH_9\r\n\r\n"] {
        let mut stream = TcpStream::connect(line.address).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = within(stream.read_to_end(&mut answer)).await;
        assert!(answer.len() < 400, "{bytes:?}: {answer:?}");
    }
    assert!(get(line.address, &trusted, "/readyz").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn before_there_is_a_log_phones_hear_over_tls_that_they_are_too_early() {
    let dir = tempfile::tempdir().unwrap();
    let (files, trusted) = certificate(dir.path());
    let (counter, _) = Counter::bind(with_tls(files)).unwrap();
    let address = counter.local_addr();
    tokio::select! {
        _ = counter.turn_away() => panic!("it answers for as long as it is polled"),
        answer = get(address, &trusted, "/readyz") => assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}"),
    }
}
