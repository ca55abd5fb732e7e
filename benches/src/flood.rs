//! 10,000 connections that say nothing, and 1,000 that say it byte by byte, while customers order: what those notice of
//! it, and what it costs.
//!
//! All of them come again as soon as the counter cuts them. They are in this process, on the same cores.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{interval, sleep},
};

use crate::{
    load,
    process::Up,
    table::{Table, percentile},
};

const IDLE: usize = 10_000;
const SLOW: usize = 1_000;
/// Customers who order meanwhile.
const CUSTOMERS: usize = 64;
const LASTS: Duration = Duration::from_secs(8);
/// What a slow one waits between two bytes.
const DRIP: Duration = Duration::from_secs(1);
/// So many connect at once: more would wait before the door for each other.
const AT_ONCE: usize = 500;
/// Addresses that they come from, each with ports of its own.
const ADDRESSES: usize = 8;

/// How they are.
#[derive(Debug, Default)]
struct Flood {
    connected: AtomicUsize,
    /// How often one was cut.
    cut: AtomicUsize,
}

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("11,000 connections need as many open files")?;
    let up = Up::start(dir, &["--max-open", "4000000"])?;
    load::orders(up.counter, CUSTOMERS, Duration::from_secs(1))?;
    let off = load::orders(up.counter, CUSTOMERS, LASTS)?;
    // What the orders themselves take is not the flood's.
    std::thread::park_timeout(Duration::from_secs(3));
    let before_mib = up.program.memory_mib()?;

    let flood = Arc::new(Flood::default());
    let (runtime, counter) =
        (tokio::runtime::Builder::new_current_thread().enable_all().build()?, up.counter);
    let flooding = Arc::clone(&flood);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = begin(counter, &flooding) => {}
                _ = stopped => {}
            }
        });
    });
    wait_for(&flood)?;
    // Long enough for each to be cut once and to have come again.
    std::thread::park_timeout(Duration::from_secs(12));
    let after_mib = up.program.memory_mib()?;
    let cut = flood.cut.load(Ordering::Relaxed);
    let on = load::orders(up.counter, CUSTOMERS, LASTS)?;
    let (connected, cut) = (flood.connected.load(Ordering::Relaxed), flood.cut.load(Ordering::Relaxed) - cut);
    drop(stop);
    let _ = thread.join();

    let p99 = |seen: &load::Seen| percentile(&seen.millis, 99.0);
    table.row(
        "`POST /order`, 64 connections, beside 10,000 idle and 1,000 slow ones",
        "p99 at most doubled",
        format!(
            "p99 {:.1} ms ({:.1} ms without them, {:.2} times), {:.0}/s ({:.0}/s)",
            p99(&on),
            p99(&off),
            p99(&on) / p99(&off),
            on.per_second,
            off.per_second
        ),
    );
    let mib = after_mib - before_mib;
    table.row(
        "… their memory",
        "bounded",
        format!(
            "{mib:.0} MiB, {:.1} KiB each; {connected} were there in the end, {:.0} a second were cut",
            mib * 1_024.0 / (IDLE + SLOW) as f64,
            cut as f64 / LASTS.as_secs_f64()
        ),
    );
    up.program.stop()
}

/// Until all of them are there.
fn wait_for(flood: &Flood) -> anyhow::Result<()> {
    for _ in 0..1_200 {
        // A few are always on their way.
        if flood.connected.load(Ordering::Relaxed) >= (IDLE + SLOW) * 99 / 100 {
            return Ok(());
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    bail!("only {} connections were there after a minute", flood.connected.load(Ordering::Relaxed))
}

/// Comes, and stays until it is dropped.
async fn begin(counter: SocketAddr, flood: &Arc<Flood>) {
    let mut all = tokio::task::JoinSet::new();
    for number in 0..IDLE + SLOW {
        all.spawn(again_and_again(counter, number, Arc::clone(flood)));
        if number % AT_ONCE == 0 {
            sleep(Duration::from_millis(100)).await;
        }
    }
    while all.join_next().await.is_some() {}
}

async fn again_and_again(counter: SocketAddr, number: usize, flood: Arc<Flood>) {
    loop {
        // One that finds no port, or no place, tries again.
        if let Ok(stream) = connect(counter, number).await {
            flood.connected.fetch_add(1, Ordering::Relaxed);
            let _ = stay(stream, number).await;
            flood.connected.fetch_sub(1, Ordering::Relaxed);
            flood.cut.fetch_add(1, Ordering::Relaxed);
        } else {
            sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn connect(counter: SocketAddr, number: usize) -> std::io::Result<TcpStream> {
    let address = Ipv4Addr::LOCALHOST.to_bits() + 1 + u32::try_from(number % ADDRESSES).unwrap_or_default();
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::from_bits(address), 0).into())?;
    socket.connect(counter).await
}

/// Until it is cut.
async fn stay(mut stream: TcpStream, number: usize) -> std::io::Result<()> {
    if number >= IDLE {
        // One of two has a head that does not end, the other one a body.
        let begin: &[u8] = match number % 2 {
            0 => b"POST /order?amount=1 HTTP/1.1\r\nHost: ",
            _ => b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
        };
        stream.write_all(begin).await?;
    }
    let (mut from, mut to) = stream.split();
    let drip = async {
        if number < IDLE {
            return std::future::pending::<std::io::Result<()>>().await;
        }
        let mut pace = interval(DRIP);
        loop {
            pace.tick().await;
            to.write_all(b" ").await?;
        }
    };
    let mut answer = [0; 512];
    let listen = async {
        while from.read(&mut answer).await? > 0 {}
        Ok(())
    };
    tokio::select! {
        end = drip => end,
        end = listen => end,
    }
}
