//! Which process is at an address, whoever is there.

use std::time::Duration;

use tokio::{net::TcpListener, time::timeout};

use crate::support::{FakeCounter, HANG};

#[tokio::test]
async fn a_counter_of_this_program_names_its_process_and_nobody_else_does() {
    for (status, body, process) in [
        (200, r#"{"status":"ok","service":"brewline","process":7}"#, Some(7)),
        (200, r#"{"status":"ok","service":"espresso","process":7}"#, None),
        (503, r#"{"service":"brewline","process":7}"#, None),
        (200, r#"{"service":"brewline","process":-1}"#, None),
        (200, "<html>", None),
    ] {
        let mut counter = FakeCounter::start().await;
        let address = counter.address.clone();
        let answer = async {
            let call = counter.next().await;
            assert_eq!(call.path(), "/livez");
            call.answer(status, &[], body);
        };
        assert_eq!(tokio::join!(client::process(address, HANG), answer).0, process, "{body}");
    }
}

/// Bytes that never stop coming, and never are an answer.
#[tokio::test]
async fn who_answers_byte_by_byte_is_not_listened_to_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("an address");
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.expect("a customer");
        socket.writable().await.expect("an open socket");
        let mut next: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n";
        while socket.try_write(next).is_ok() {
            next = b" ";
            // The pace of a slow peer, which is what is tested: nobody waits for it.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let asking = client::process(address, Duration::from_millis(100));
    assert_eq!(timeout(HANG, asking).await.expect("an end"), None);
    timeout(HANG, server).await.expect("the connection is closed, too").expect("no panic");
}
