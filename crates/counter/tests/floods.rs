//! Whoever is slow, sends too much, takes nothing or comes too often is held off, and an ordinary order is answered
//! meanwhile.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{
    io,
    time::{Duration, Instant},
};

use common::{Line, http::raw, log, options, within};
use counter::Options;
use eventlog::Record;
use order::topic;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::yield_now,
    time::interval,
};

/// What a slow client waits between two bytes.
const DRIP: Duration = Duration::from_millis(20);

/// Sends `begin` at once, and then one byte after the other until the counter has had enough; gives what it said.
async fn drip(line: &Line, begin: &str, byte: u8) -> String {
    let mut stream = TcpStream::connect(line.address).await.unwrap();
    stream.write_all(begin.as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let drip = async {
        let mut pace = interval(DRIP);
        loop {
            pace.tick().await;
            if to.write_all(&[byte]).await.is_err() {
                // It may have said something before: the other half hears it.
                std::future::pending::<()>().await;
            }
        }
    };
    let listen = async {
        // Who is cut off may hear of it as an error.
        let _ = from.read_to_end(&mut answer).await;
    };
    within(async {
        tokio::select! {
            () = drip => {}
            () = listen => {}
        }
    })
    .await;
    String::from_utf8(answer).unwrap()
}

/// Waits until so many orders are open: the view reads what was answered already.
async fn are_open(line: &Line, orders: usize) {
    let wait = async {
        while line.views.open() != orders {
            yield_now().await;
        }
    };
    within(wait).await;
}

/// A connection is seen to end before it is counted as ended.
async fn only_who_asks_is_left(line: &Line) {
    within(async { while connections_open(line).await > 1 {} }).await;
}

async fn connections_open(line: &Line) -> u64 {
    let metrics = line.get("/metrics", &[]).await;
    let open = metrics.text().lines().find_map(|line| line.strip_prefix("brewline_connections_open "));
    open.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_come_byte_by_byte_are_cut_when_their_time_is_over_and_orders_are_answered() {
    let line = Line::on(log(1), Options { head_timeout: Duration::from_secs(2), ..options() }).await;
    let slow = (0..100).map(|_| drip(&line, "POST /order?amount=1 HTTP/1.1\r\nhost: ", b'a'));
    let slow = futures_util::future::join_all(slow);
    let orders = async {
        for _ in 0..20 {
            line.order(1).await;
        }
    };
    let (answers, ()) = tokio::join!(slow, orders);
    assert!(answers.iter().all(String::is_empty), "{answers:?}");
    only_who_asks_is_left(&line).await;
    are_open(&line, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_come_byte_by_byte_are_refused_when_their_time_is_over_and_orders_are_answered() {
    let line = Line::on(log(1), Options { body_timeout: Duration::from_secs(2), ..options() }).await;
    let long = "content-type: application/json\r\ncontent-length: 60000\r\n\r\n{";
    let heads = [
        format!("POST /orders HTTP/1.1\r\nhost: a\r\n{long}"),
        format!("POST /order?amount=1 HTTP/1.1\r\nhost: a\r\n{long}"),
    ];
    let slow = (0..50).map(|n| drip(&line, &heads[n % 2], b' '));
    let (answers, _) = tokio::join!(futures_util::future::join_all(slow), line.order(1));
    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
    }
    are_open(&line, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_too_large_are_refused_without_a_look_at_the_rest() {
    let line = Line::start().await;
    let many = "x: y\r\n".repeat(65);
    let (long, url) = ("x".repeat(20_000), "y".repeat(20_000));
    for head in [
        format!("GET /livez HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
        format!("GET /livez HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\nhost: a\r\n{long}: x\r\n\r\n"),
        format!("GET /{url} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("GET /livez?{url} HTTP/1.1\r\nhost: a\r\n\r\n"),
        // It never ends.
        format!("GET /livez HTTP/1.1\r\nhost: a\r\nx: {}", "x".repeat(200_000)),
    ] {
        let reply = raw(line.address, head.as_bytes()).await;
        assert_eq!((reply.status, reply.body.len()), (431, 0), "{head:.60}");
    }
    line.order(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_without_an_end_are_not_read_to_it() {
    let line = Line::start().await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    for (request, status) in [
        ("POST /order?amount=1", 413),
        ("POST /table/qr.svg", 413),
        // Nobody asked for one.
        ("GET /livez", 200),
        ("GET /menu", 404),
        ("POST /nothing", 404),
    ] {
        let mut stream = TcpStream::connect(line.address).await.unwrap();
        let head = format!("{request} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut from, mut to) = stream.split();
        let flood = async { while to.write_all(chunk.as_bytes()).await.is_ok() {} };
        let mut answer = vec![0; 12];
        let listen = from.read_exact(&mut answer);
        // It is answered, and then the counter hangs up: both ends come.
        let ((), heard) = within(async { tokio::join!(flood, listen) }).await;
        heard.unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), format!("HTTP/1.1 {status}"), "{request}");
    }
    only_who_asks_is_left(&line).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_many_requests_at_once_gets_all_answers_in_turn_and_holds_nobody_up() {
    const MANY: usize = 2_000;
    let line = Line::start().await;
    let greedy = async {
        let mut stream = TcpStream::connect(line.address).await.unwrap();
        let (mut from, mut to) = stream.split();
        let all = "POST /order?amount=1 HTTP/1.1\r\nhost: a\r\n\r\n".repeat(MANY);
        let send = async {
            to.write_all(all.as_bytes()).await.unwrap();
            to.shutdown().await.unwrap();
        };
        let mut answers = String::new();
        let (read, ()) = tokio::join!(from.read_to_string(&mut answers), send);
        read.unwrap();
        answers.matches("HTTP/1.1 202 ").count()
    };
    let (answered, _) = within(async { tokio::join!(greedy, line.order(1)) }).await;
    assert_eq!(answered, MANY);
    are_open(&line, MANY + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_reads_is_cut_and_its_place_is_free_again() {
    let patience = Duration::from_millis(300);
    let line = Line::on(log(1), Options { write_timeout: patience, ..options() }).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut deaf = socket.connect(line.address).await.unwrap();
    let token = line.staff();
    let head = format!("GET /events HTTP/1.1\r\nhost: a\r\nauthorization: {token}\r\n\r\n");
    deaf.write_all(head.as_bytes()).await.unwrap();
    let is_open = async |n: u32| {
        let metrics = line.get("/metrics", &[]).await;
        metrics.text().contains(&format!("brewline_streams_open {n}\n"))
    };
    within(async { while !is_open(1).await {} }).await;
    let large = "x".repeat(60_000);
    let mut placed = 0;
    // Until every buffer on the way is full, and a little longer.
    within(async {
        while !is_open(0).await {
            let json = format!(r#"{{"order_id":"o-{placed}","amount":1,"status":0,"x":"{large}"}}"#);
            line.log.append(topic::RECEIVED, 0, Record::new(format!("o-{placed}"), json));
            placed += 1;
        }
    })
    .await;
    line.order(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_connections_that_say_nothing_keeps_an_order_out_for_a_moment_only() {
    let head_timeout = Duration::from_secs(10);
    let line =
        Line::on(log(1), Options { head_timeout, max_streams: 4, spare_connections: 4, ..options() }).await;
    let connect = async || TcpStream::connect(line.address).await.unwrap();
    let mut silent = Vec::new();
    // Eight have places, and the others wait before the door, where an order comes after them.
    for _ in 0..12 {
        silent.push(connect().await);
    }
    let began = Instant::now();
    line.order(1).await;
    assert!(began.elapsed() < head_timeout, "those who came first still have their time");
    assert_eq!(silent[0].try_read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_phone_has_its_time_although_open_pages_have_half_of_all_places() {
    let head_timeout = Duration::from_secs(10);
    let line =
        Line::on(log(1), Options { head_timeout, max_streams: 4, spare_connections: 4, ..options() }).await;
    let mut pages = Vec::new();
    for _ in 0..4 {
        let mut page = TcpStream::connect(line.address).await.unwrap();
        page.write_all(b"GET /board/events HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        page.read_exact(&mut [0; 12]).await.unwrap();
        pages.push(page);
    }
    let head =
        format!("GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {}\r\n\r\n", "x".repeat(30));
    let slow = DRIP * u32::try_from(head.len()).unwrap();
    assert!(slow > head_timeout / 10 && slow < head_timeout / 2, "{slow:?}");
    let mut phone = TcpStream::connect(line.address).await.unwrap();
    let mut pace = interval(DRIP);
    for byte in head.bytes() {
        pace.tick().await;
        phone.write_all(&[byte]).await.unwrap();
    }
    let mut answer = String::new();
    phone.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_come_and_go_at_once_leave_nothing_behind() {
    let line = Line::start().await;
    for begin in [
        &b""[..],
        b"GET",
        b"POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n{",
        b"\x16\x03\x01",
        b"\0\0\0\0",
    ] {
        for _ in 0..200 {
            let mut stream = TcpStream::connect(line.address).await.unwrap();
            let _ = stream.write_all(begin).await;
        }
        line.order(1).await;
    }
    only_who_asks_is_left(&line).await;
}
