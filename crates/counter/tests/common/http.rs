//! A small client that says exactly what it is told to.

use std::{collections::VecDeque, fmt::Write};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Line, described, within};

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("UTF-8")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The code of a problem, whose form is checked.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status);
        for member in ["type", "title", "detail"] {
            assert!(json[member].is_string(), "{member}: {json}");
        }
        json["code"].as_str().expect("a code").to_owned()
    }
}

/// Sends bytes as they are, and reads one answer to the end of the connection.
pub async fn raw(address: std::net::SocketAddr, request: &[u8]) -> Reply {
    within(async {
        let mut stream = TcpStream::connect(address).await.expect("the counter listens");
        // A counter that has said enough may close before everything was sent.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let reply = parse(&answer);
        described::check(request, &reply);
        reply
    })
    .await
}

/// Sends one request, and reads the head of its answer, which may go on for ever.
pub async fn head(
    address: std::net::SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    within(async {
        let mut stream = TcpStream::connect(address).await.expect("the counter listens");
        let _ = stream.write_all(&request(method, path, headers, body)).await;
        let mut read = Vec::new();
        while !read.windows(4).any(|w| w == b"\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut read).await.expect("a head"), 0, "the head ends");
        }
        parse(&read)
    })
    .await
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: counter\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").expect("a String takes everything");
    }
    if !body.is_empty() {
        write!(request, "content-length: {}\r\n", body.len()).expect("a String takes everything");
    }
    request += "\r\n";
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn parse(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or_else(|| {
        panic!("no head in {:?}", String::from_utf8_lossy(answer));
    });
    let head = std::str::from_utf8(&answer[..end]).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok()).expect("a status");
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
    Reply { status, headers: headers.collect(), body: answer[end + 4..].to_vec() }
}

impl Line {
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send("GET", path, headers, b"").await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send("POST", path, headers, body.as_bytes()).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        raw(self.address, &request(method, path, headers, body)).await
    }

    /// Opens a stream. HTTP/1.0, so that it comes without chunks.
    pub async fn events(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        let mut request = format!("GET {path} HTTP/1.0\r\naccept: text/event-stream\r\n");
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").expect("a String takes everything");
        }
        request += "\r\n";
        within(async {
            let mut stream = TcpStream::connect(self.address).await.expect("the counter listens");
            stream.write_all(request.as_bytes()).await.expect("it reads");
            let mut read = Vec::new();
            while !read.windows(4).any(|w| w == b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut read).await.expect("a head"), 0, "the head ends");
            }
            let head = parse(&read);
            assert_eq!(head.status, 200, "{head:?}");
            assert_eq!(head.header("content-type"), Some("text/event-stream"));
            Events { path: path.to_owned(), stream, read: head.body, waiting: VecDeque::new(), retry: None }
        })
        .await
    }
}

/// An open stream.
pub struct Events {
    path: String,
    stream: TcpStream,
    read: Vec<u8>,
    waiting: VecDeque<Event>,
    pub retry: Option<u64>,
}

#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    pub id: Option<String>,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

impl Events {
    /// The next event; `None` when the counter ended the stream.
    pub async fn next(&mut self) -> Option<Event> {
        within(async {
            loop {
                if let Some(event) = self.waiting.pop_front() {
                    return Some(event);
                }
                if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                    return None;
                }
                self.split();
            }
        })
        .await
    }

    /// The next event of this name, those of others left out.
    pub async fn named(&mut self, name: &str) -> Event {
        self.until(name, |_| true).await
    }

    /// The next event of this name that is as wanted, the others left out.
    pub async fn until(&mut self, name: &str, wanted: impl Fn(&serde_json::Value) -> bool) -> Event {
        within(async {
            loop {
                let event =
                    self.next().await.unwrap_or_else(|| panic!("{name} comes before the stream ends"));
                if event.name == name && wanted(&event.json()) {
                    return event;
                }
            }
        })
        .await
    }

    fn split(&mut self) {
        while let Some(end) = self.read.windows(2).position(|w| w == b"\n\n") {
            let block: Vec<u8> = self.read.drain(..end + 2).collect();
            let block = String::from_utf8(block).expect("UTF-8");
            let mut event = Event { name: String::new(), id: None, data: String::new() };
            for (field, value) in block.lines().filter_map(|line| line.split_once(": ")) {
                match field {
                    "event" => value.clone_into(&mut event.name),
                    "id" => event.id = Some(value.to_owned()),
                    "data" => event.data += value,
                    "retry" => self.retry = value.parse().ok(),
                    other => panic!("a field {other}"),
                }
            }
            if !event.data.is_empty() {
                described::check_event(&self.path, &event);
                self.waiting.push_back(event);
            }
        }
    }
}
