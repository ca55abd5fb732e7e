//! 10,000 customers' pages open on one counter: what each costs, how soon the right phone rings, and a restart.
//!
//! Each page is a raw stream that does what a page does: it listens, and comes back after the time that the counter
//! told it. All are in one process on the same cores.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, ensure};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    load,
    process::Up,
    table::{Table, percentile, sorted},
};

const PAGERS: usize = 10_000;
/// One of so many rings while the pages are watched; the others wait for long.
const RINGS: usize = 10;
/// So long nothing happens but heartbeats.
const IDLE: Duration = Duration::from_secs(30);
/// The first ring comes after everything that is measured before it.
const FIRST_RING_S: usize = 75;
/// Rings are spread over so many seconds; the restart falls into the middle of those that come after them.
const RINGS_OVER_S: usize = 20;
/// A drink that is not ready before all is over.
const LONG_S: usize = 1_000;

/// What the pages hear.
#[derive(Debug, Clone, Copy)]
enum Heard {
    /// A page has its first snapshot on this connection.
    Snapshot,
    /// The bell rang so many milliseconds ago, by the counter's word and this machine's clock.
    Ready { after_ms: f64 },
}

/// What all pages share.
#[derive(Debug)]
struct Room {
    counter: SocketAddr,
    listening: AtomicUsize,
    tell: mpsc::UnboundedSender<Heard>,
}

pub(crate) fn run(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("10,000 pages need as many open files")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(dir, table))
}

async fn measure(dir: &Path, table: &mut Table) -> anyhow::Result<()> {
    let up = Up::start(dir, &["--seconds-per-cup", "1"])?;
    let placed = Instant::now();
    let ids = load::place(up.counter, PAGERS, cups).await?;
    // What the orders themselves take is not the pages'.
    sleep(Duration::from_secs(3)).await;
    let before_mib = up.program.memory_mib()?;

    let (tell, mut heard) = mpsc::unbounded_channel();
    let room = Arc::new(Room { counter: up.counter, listening: AtomicUsize::new(0), tell });
    let mut pages = JoinSet::new();
    for id in ids {
        pages.spawn(page(room.clone(), id));
    }
    snapshots(&mut heard, PAGERS).await?;
    sleep(Duration::from_secs(3)).await;
    let kib = (up.program.memory_mib()? - before_mib) * 1_024.0 / PAGERS as f64;
    table.row("10,000 pagers: memory each", "≤ 24 KiB", format!("{kib:.1} KiB"));

    let (began, used) = (Instant::now(), up.program.cpu_seconds()?);
    sleep(IDLE).await;
    let share = (up.program.cpu_seconds()? - used) / began.elapsed().as_secs_f64() * 100.0;
    table.row("10,000 pagers: idle", "≤ 3 % of a core", format!("{share:.1} %"));
    ensure!(placed.elapsed().as_secs_f64() < FIRST_RING_S as f64, "it took so long that phones ring already");

    let millis = rings(&mut heard, PAGERS / RINGS / 2).await?;
    let (p50, p99) = (percentile(&millis, 50.0), percentile(&millis, 99.0));
    table.row(
        "10,000 pagers: decided → its phone has it",
        "p99 ≤ 100 ms",
        format!("p50 {p50:.0} ms, p99 {p99:.0} ms"),
    );

    restart(up, dir, &room, &mut heard, table).await
}

/// Kills the counter while phones are about to ring, and starts it again.
async fn restart(
    up: Up,
    dir: &Path,
    room: &Room,
    heard: &mut mpsc::UnboundedReceiver<Heard>,
    table: &mut Table,
) -> anyhow::Result<()> {
    let log = format!("local:{}", dir.display());
    let counter = up.counter;
    up.program.kill()?;
    // Until every page has seen that it is alone; meanwhile drinks become due.
    while room.listening.load(Ordering::Relaxed) > 0 {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(5)).await;
    let (mut back, mut rung, mut all_back) = (0, 0, None);
    let began = Instant::now();
    let up = Up::run_at(counter, &crate::process::binary()?, &["up", "--quiet", "--log", &log])?;
    let rings_left = PAGERS / RINGS - PAGERS / RINGS / 2;
    while all_back.is_none() || rung < rings_left {
        let what = timeout(Duration::from_mins(2), heard.recv()).await;
        match what
            .with_context(|| format!("{back} came back, and {rung} of {rings_left} bells were heard"))?
        {
            Some(Heard::Snapshot) => back += 1,
            Some(Heard::Ready { .. }) => rung += 1,
            None => break,
        }
        // Those whose bell has rung are closed.
        if all_back.is_none() && back >= PAGERS - PAGERS / RINGS / 2 {
            all_back = Some(began.elapsed());
        }
    }
    ensure!(rung == rings_left, "{rung} of {rings_left} bells were heard");
    let seconds = all_back.context("not all came back")?.as_secs_f64();
    let cpu = up.program.cpu_seconds()?;
    table.row(
        "10,000 pagers: all back after kill -9 and restart",
        "≤ 15 s, no bell lost",
        format!("{seconds:.1} s, {rung} of {rings_left} bells, {cpu:.1} s of a core"),
    );
    up.program.stop()
}

/// How many cups the nth order has, each taking a second: half of those that ring do so before the restart, half in
/// the middle of it or after it.
fn cups(n: usize) -> usize {
    if !n.is_multiple_of(RINGS) {
        return LONG_S;
    }
    let ring = n / RINGS;
    let second_half = if ring.is_multiple_of(2) { 0 } else { RINGS_OVER_S };
    FIRST_RING_S + second_half + ring % RINGS_OVER_S
}

async fn snapshots(heard: &mut mpsc::UnboundedReceiver<Heard>, count: usize) -> anyhow::Result<()> {
    for seen in 0..count {
        let what = timeout(Duration::from_mins(1), heard.recv()).await;
        ensure!(
            matches!(what, Ok(Some(Heard::Snapshot))),
            "{seen} of {count} pages have a snapshot, then {what:?}"
        );
    }
    Ok(())
}

async fn rings(heard: &mut mpsc::UnboundedReceiver<Heard>, count: usize) -> anyhow::Result<Vec<f64>> {
    let mut millis = Vec::with_capacity(count);
    while millis.len() < count {
        match timeout(Duration::from_mins(2), heard.recv()).await {
            Ok(Some(Heard::Ready { after_ms })) => millis.push(after_ms),
            Ok(Some(Heard::Snapshot)) => {}
            other => anyhow::bail!("{} of {count} bells rang, then {other:?}", millis.len()),
        }
    }
    Ok(sorted(millis))
}

/// A page until its bell rings.
async fn page(room: Arc<Room>, id: String) -> anyhow::Result<()> {
    let mut wait = Duration::from_secs(2);
    // Who finds no counter comes back after the time that the last one told, as a browser does.
    while !matches!(listen(&room, &id, &mut wait).await, Ok(true)) {
        sleep(wait).await;
    }
    Ok(())
}

/// One connection: whether the bell has rung. `wait` becomes what the counter tells to wait before the next one.
async fn listen(room: &Room, id: &str, wait: &mut Duration) -> anyhow::Result<bool> {
    let mut stream = TcpStream::connect(room.counter).await?;
    let request =
        format!("GET /orders/{id}/events HTTP/1.1\r\nHost: cafe\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    room.listening.fetch_add(1, Ordering::Relaxed);
    let end = hear(room, &mut stream, wait).await;
    room.listening.fetch_sub(1, Ordering::Relaxed);
    end
}

async fn hear(room: &Room, stream: &mut TcpStream, wait: &mut Duration) -> anyhow::Result<bool> {
    let (mut text, mut has_snapshot) = (Vec::new(), false);
    loop {
        // A small buffer: ten thousand of them.
        let mut bytes = [0; 2_048];
        // Like a page, it does not believe in a silence of more than two heartbeats.
        let count = timeout(Duration::from_secs(25), stream.read(&mut bytes)).await??;
        if count == 0 {
            return Ok(false);
        }
        text.extend_from_slice(&bytes[..count]);
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event = String::from_utf8_lossy(&text[..end]).into_owned();
            text.drain(..end + 2);
            if let Some(ms) = number(&event, "retry: ") {
                *wait = Duration::from_millis(ms);
            }
            if !event.contains("event: order") {
                continue;
            }
            if !has_snapshot {
                has_snapshot = true;
                room.tell.send(Heard::Snapshot)?;
            }
            if event.contains("\"state\":\"ready\"") {
                let rang = number(&event, "\"ready_at\":").context("a ready order without its time")?;
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0;
                room.tell.send(Heard::Ready { after_ms: now - rang as f64 })?;
                return Ok(true);
            }
        }
    }
}

/// The number behind `name`.
fn number(text: &str, name: &str) -> Option<u64> {
    let rest = &text[text.find(name)? + name.len()..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}
