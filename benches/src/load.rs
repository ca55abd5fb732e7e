//! Customers in a closed loop over keep-alive connections, as cheap as they can be: they share the cores
//! with what is measured.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::table::sorted;

/// What a load saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Answers per second.
    pub(crate) per_second: f64,
    /// Milliseconds from request to answer, sorted.
    pub(crate) millis: Vec<f64>,
}

/// `connections` customers order at `counter` for this long, each as soon as the last answer is there.
pub(crate) fn orders(counter: SocketAddr, connections: usize, lasts: Duration) -> anyhow::Result<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let began = Instant::now();
        let mut customers = JoinSet::new();
        for _ in 0..connections {
            customers.spawn(customer(counter, began + lasts));
        }
        let mut millis = Vec::new();
        while let Some(done) = customers.join_next().await {
            millis.extend(done??);
        }
        let per_second = millis.len() as f64 / began.elapsed().as_secs_f64();
        Ok(Seen { per_second, millis: sorted(millis) })
    })
}

/// Customers order at `counter` at a steady pace, `every` so often, until it is over, which is asked with how many were
/// answered. An order's time begins when it was due: what the one before it waited counts for it as well.
pub(crate) fn steady(
    counter: SocketAddr,
    every: Duration,
    is_over: impl Fn(usize) -> bool + Clone + Send + 'static,
) -> anyhow::Result<Seen> {
    const CONNECTIONS: u32 = 64;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let began = Instant::now();
        let answered = Arc::new(AtomicUsize::new(0));
        let mut customers = JoinSet::new();
        for n in 0..CONNECTIONS {
            let first = tokio::time::Instant::from_std(began + every * n);
            let (answered, is_over) = (answered.clone(), is_over.clone());
            customers.spawn(async move {
                let mut customer = Customer::come(counter).await?;
                let mut pace = tokio::time::interval_at(first, every * CONNECTIONS);
                pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
                let mut millis = Vec::new();
                while !is_over(answered.load(Ordering::Relaxed)) {
                    let due = pace.tick().await;
                    customer.order().await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                    millis.push(due.elapsed().as_secs_f64() * 1_000.0);
                }
                anyhow::Ok(millis)
            });
        }
        let mut millis = Vec::new();
        while let Some(done) = customers.join_next().await {
            millis.extend(done??);
        }
        let per_second = millis.len() as f64 / began.elapsed().as_secs_f64();
        Ok(Seen { per_second, millis: sorted(millis) })
    })
}

async fn customer(counter: SocketAddr, until: Instant) -> anyhow::Result<Vec<f64>> {
    let mut customer = Customer::come(counter).await?;
    let mut millis = Vec::new();
    while Instant::now() < until {
        let asked = Instant::now();
        customer.order().await?;
        millis.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(millis)
}

/// One connection, and what was last answered on it.
struct Customer {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Customer {
    async fn come(counter: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(counter).await.context("the counter does not answer")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, answer: Vec::with_capacity(2_048) })
    }

    /// Orders one cup, and waits for the answer.
    async fn order(&mut self) -> anyhow::Result<()> {
        let request = b"POST /order?amount=1 HTTP/1.1\r\nHost: cafe\r\nContent-Length: 0\r\n\r\n";
        self.stream.write_all(request).await?;
        self.answer.clear();
        while !is_whole(&self.answer)? {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the counter hung up");
            }
        }
        Ok(())
    }
}

/// Places `count` orders at `counter`, one after the other; `cups` says how many the first, the second … has. Their ids.
pub(crate) async fn place(
    counter: SocketAddr,
    count: usize,
    cups: impl Fn(usize) -> usize,
) -> anyhow::Result<Vec<String>> {
    let mut stream = TcpStream::connect(counter).await.context("the counter does not answer")?;
    stream.set_nodelay(true)?;
    let mut ids = Vec::with_capacity(count);
    let mut answer = Vec::with_capacity(2_048);
    for n in 0..count {
        let cups = cups(n);
        let request =
            format!("POST /order?amount={cups} HTTP/1.1\r\nHost: cafe\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        while !is_whole(&answer)? {
            if stream.read_buf(&mut answer).await? == 0 {
                bail!("the counter hung up");
            }
        }
        let text = std::str::from_utf8(&answer)?;
        let id = text.split("\"order_id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        ids.push(id.context("an order without its id")?.to_owned());
    }
    Ok(ids)
}

fn is_whole(answer: &[u8]) -> anyhow::Result<bool> {
    let Some(head) = answer.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(false) };
    if !answer.starts_with(b"HTTP/1.1 202") {
        bail!("the counter refused: {}", String::from_utf8_lossy(answer));
    }
    let text = std::str::from_utf8(&answer[..head])?.to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
    let length: usize = length.context("an answer without a length")?.trim().parse()?;
    Ok(answer.len() >= head + 4 + length)
}
