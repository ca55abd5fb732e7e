//! Tickets and slips, on a socket that records what a printer would print.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use common::{Barista, Line, PATIENCE, log, options, shop, within};
use counter::{Options, PrinterPatience};
use eventlog::{Log as _, Record, sim::SimLog};
use order::{Mode, topic};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// How a printer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It says how it is, and confirms what it was sent.
    Well,
    /// The same without paper: what it was sent before the roll ended waits in it.
    NoPaper,
    CoverOpen,
    /// It takes everything and says nothing.
    Silent,
    /// It says how it is, and takes no more than a few bytes of a sheet.
    Breaks,
    /// It lets in whoever comes, and does nothing.
    Hangs,
}

/// A printer that records what it prints.
struct Printer {
    address: SocketAddr,
    manner: watch::Sender<Manner>,
    /// Each sheet as it was cut off.
    sheets: mpsc::UnboundedReceiver<String>,
    listening: JoinHandle<()>,
}

const CUT: &[u8] = &[0x1d, b'V', b'B', 0];

impl Printer {
    async fn begin(manner: Manner) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), manner).await
    }

    async fn at(address: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (manner, is) = watch::channel(manner);
        let (sender, sheets) = mpsc::unbounded_channel();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, is.clone(), sender.clone()));
            }
        });
        Self { address, manner, sheets, listening }
    }

    /// The next sheet, as text.
    async fn sheet(&mut self) -> String {
        within(self.sheets.recv()).await.expect("a sheet")
    }

    /// Sheets that came out and nobody has looked at.
    fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.sheets.try_recv().ok()).collect()
    }

    /// Switches it off.
    async fn off(self) -> SocketAddr {
        self.listening.abort();
        let _ = self.listening.await;
        self.address
    }
}

async fn serve(
    mut stream: TcpStream,
    mut is: watch::Receiver<Manner>,
    sheets: mpsc::UnboundedSender<String>,
) {
    let (mut taken, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let manner = *is.borrow_and_update();
        if manner == Manner::Hangs {
            let _ = is.changed().await;
            continue;
        }
        // Someone changes the paper: what waited goes on.
        let read = tokio::select! {
            read = stream.read(&mut buffer) => read,
            _ = is.changed() => Ok(usize::MAX),
        };
        match read {
            Ok(usize::MAX) => {}
            Ok(0) | Err(_) => return,
            Ok(read) => taken.extend_from_slice(&buffer[..read]),
        }
        let manner = *is.borrow();
        // Real-time commands are answered at once, whatever waits.
        while let Some(at) = find(&taken, &[0x10, 0x04]).filter(|at| taken.len() > at + 2) {
            let asked = taken[at + 2];
            taken.drain(at..at + 3);
            let answer = match (manner, asked) {
                (Manner::Silent | Manner::Hangs, _) => continue,
                (Manner::CoverOpen, 2) => 0x16,
                (Manner::NoPaper, 4) => 0x72,
                _ => 0x12,
            };
            if stream.write_all(&[answer]).await.is_err() {
                return;
            }
        }
        if manner == Manner::Breaks && taken.len() > 16 {
            return;
        }
        if manner == Manner::NoPaper || manner == Manner::CoverOpen {
            continue;
        }
        while let Some(at) = find(&taken, CUT) {
            let sheet: Vec<u8> = taken.drain(..at + CUT.len()).collect();
            let _ = sheets.send(String::from_utf8_lossy(&sheet).into_owned());
        }
        if let Some(at) = find(&taken, &[0x1d, b'r', 1]) {
            taken.drain(..at + 3);
            if manner != Manner::Silent && stream.write_all(&[0]).await.is_err() {
                return;
            }
        }
    }
}

fn find(all: &[u8], wanted: &[u8]) -> Option<usize> {
    all.windows(wanted.len()).position(|window| window == wanted)
}

/// Whoever answers is waited for, however slow the machine is.
fn patience() -> PrinterPatience {
    PrinterPatience {
        connect: PATIENCE,
        status: PATIENCE,
        send: PATIENCE,
        confirm: PATIENCE,
        again: (Duration::from_millis(20), Duration::from_millis(100)),
        idle: Duration::from_millis(100),
        others: PATIENCE,
    }
}

/// For a printer that says nothing.
fn impatience() -> PrinterPatience {
    let soon = Duration::from_millis(300);
    PrinterPatience { status: soon, confirm: soon, ..patience() }
}

/// For what another counter owes, which is not there any more.
fn heir() -> PrinterPatience {
    PrinterPatience { others: Duration::from_millis(200), ..patience() }
}

/// A counter whose shop has this printer.
fn with_printer(address: SocketAddr, settings: &str, patience: PrinterPatience) -> Options {
    let settings = format!("[printer]\naddress = \"{address}\"\n{settings}");
    let (_, shop) = watch::channel(shop(&settings));
    Options { shop: Some(shop), printer_patience: patience, ..options() }
}

async fn line(printer: &Printer, settings: &str) -> (Line, Barista, Arc<SimLog>) {
    line_with(printer, settings, patience()).await
}

async fn line_with(
    printer: &Printer,
    settings: &str,
    patience: PrinterPatience,
) -> (Line, Barista, Arc<SimLog>) {
    let log = log(1);
    let line = Line::on(Arc::clone(&log), with_printer(printer.address, settings, patience)).await;
    let barista = Barista::start(&log, Mode::Manual);
    // Customers order only where a bar page is there.
    assert_eq!(line.say("bars/main", "{}").await.status, 200);
    (line, barista, log)
}

async fn bell(line: &Line, reference: &str) -> String {
    let body = format!(r#"{{"amount":2,"ref":"{reference}"}}"#);
    let placed = line.order_items(&[("authorization", &line.staff())], &body).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    placed.json()["order_id"].as_str().unwrap().to_owned()
}

/// Waits until staff are told that the printer is like this.
async fn told(line: &Line, wanted: impl Fn(&serde_json::Value) -> bool) {
    let mut staff = line.events("/events", &[("authorization", &line.staff())]).await;
    let first = staff.until("snapshot", |_| true).await.json();
    if !wanted(&first["printer"]) {
        staff.until("printer", wanted).await;
    }
}

/// Waits until nothing is owed on paper any more.
async fn paid_up(line: &Line) {
    told(line, |printer| printer["state"] == "ok" && printer["waiting"] == 0).await;
}

async fn state(line: &Line, wanted: &str) {
    told(line, |printer| printer["state"] == wanted).await;
}

#[tokio::test]
async fn an_order_of_the_till_gets_its_ticket_and_its_slip_and_one_of_a_phone_gets_none() {
    let mut printer = Printer::begin(Manner::Well).await;
    let (line, _barista, _) = line(&printer, "tickets = \"till\"\nslips = true").await;
    line.order_items(&[], r#"{"items":[{"item":"latte"}]}"#).await;
    bell(&line, "A-17").await;
    let (ticket, slip) = (printer.sheet().await, printer.sheet().await);
    assert!(ticket.contains("A-17") && ticket.contains("2 cups") && ticket.contains("Till"), "{ticket:?}");
    assert!(slip.contains("A-17") && slip.contains("We call this code"), "no phone gets here: {slip:?}");
    assert!(!ticket.contains("COPY"));
    paid_up(&line).await;
    assert_eq!(printer.rest().len(), 0);
}

#[tokio::test]
async fn every_order_gets_a_ticket_where_the_shop_wants_that_and_options_that_all_get_are_left_out() {
    let mut printer = Printer::begin(Manner::Well).await;
    let (line, _barista, _) = line(&printer, "tickets = \"all\"").await;
    line.order_items(&[], r#"{"items":[{"item":"latte","options":["milk/oat"],"note":"no lid"}]}"#).await;
    let ticket = printer.sheet().await;
    assert!(
        ticket.contains("1 x Latte") && ticket.contains("Oat") && ticket.contains("no lid"),
        "{ticket:?}"
    );
    assert!(!ticket.contains("Regular") && !ticket.contains("Till"), "{ticket:?}");
    line.order(3).await;
    assert!(printer.sheet().await.contains("3 cups"));
}

#[tokio::test]
async fn an_order_is_printed_once_it_is_paid_and_not_if_it_is_cancelled_before() {
    let mut printer = Printer::begin(Manner::Well).await;
    let (line, _barista, _) = line(&printer, "tickets = \"all\"").await;
    let (_, before) = watch::channel(shop(&format!(
        "payment = \"before\"\n[printer]\naddress = \"{}\"\ntickets = \"all\"",
        printer.address
    )));
    let mut other = Line::on(
        Arc::clone(&line.log),
        Options { shop: Some(before), printer_patience: patience(), ..options() },
    )
    .await;
    other.token.clone_from(&line.token);
    let unpaid = other.order_items(&[], r#"{"items":[{"item":"latte"}]}"#).await.json()["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let gone = other.order_items(&[], r#"{"items":[{"item":"americano"}]}"#).await.json()["order_id"]
        .as_str()
        .unwrap()
        .to_owned();
    other.shown(&gone, |order| order["unpaid"] == true && order["decided"] == true).await;
    other.command(&gone, &[], r#"{"command":"cancel"}"#).await;
    line.shown(&unpaid, |order| order["unpaid"] == true && order["decided"] == true).await;
    let staff = line.staff();
    let paid = line.command(&unpaid, &[("authorization", &staff)], r#"{"command":"accept"}"#).await;
    assert_eq!(paid.status, 200, "{paid:?}");
    assert!(printer.sheet().await.contains("Latte"));
    bell(&line, "last").await;
    assert!(
        printer.sheet().await.contains("last"),
        "the cancelled one does not come out, and nothing comes out twice"
    );
    paid_up(&other).await;
    assert_eq!(printer.rest().len(), 0);
}

#[tokio::test]
async fn staff_see_why_nothing_comes_out_and_what_waits_comes_out_once_after_that() {
    for (manner, says) in [(Manner::NoPaper, "no_paper"), (Manner::CoverOpen, "cover_open")] {
        let mut printer = Printer::begin(manner).await;
        let (line, _barista, _) = line(&printer, "tickets = \"all\"").await;
        state(&line, says).await;
        bell(&line, "A-1").await;
        bell(&line, "A-2").await;
        told(&line, |printer| printer["state"] == says && printer["waiting"] == 2).await;
        let live = line.get("/orders?live", &[("authorization", &line.staff())]).await.json();
        assert_eq!(live["printer"]["state"], says);
        assert!(line.get("/shop", &[]).await.json().get("printer").is_none(), "guests are not told");
        printer.manner.send_replace(Manner::Well);
        for reference in ["A-1", "A-2"] {
            let ticket = printer.sheet().await;
            assert!(ticket.contains(reference) && !ticket.contains("COPY"), "{ticket:?}");
        }
        paid_up(&line).await;
        assert_eq!(printer.rest().len(), 0);
    }
}

#[tokio::test]
async fn a_printer_that_is_not_there_is_tried_until_it_is() {
    let address = Printer::begin(Manner::Well).await.off().await;
    let log = log(1);
    let line = Line::on(Arc::clone(&log), with_printer(address, "tickets = \"all\"", patience())).await;
    let _barista = Barista::start(&log, Mode::Manual);
    bell(&line, "A-1").await;
    state(&line, "offline").await;
    let mut printer = Printer::at(address, Manner::Well).await;
    assert!(printer.sheet().await.contains("A-1"));
}

#[tokio::test]
async fn what_broke_off_in_the_middle_is_printed_again_as_a_copy() {
    let mut printer = Printer::begin(Manner::Breaks).await;
    let (line, _barista, _) = line(&printer, "tickets = \"all\"").await;
    bell(&line, "A-1").await;
    state(&line, "offline").await;
    printer.manner.send_replace(Manner::Well);
    let ticket = printer.sheet().await;
    assert!(ticket.contains("COPY") && ticket.contains("A-1"), "{ticket:?}");
}

#[tokio::test]
async fn a_printer_that_says_nothing_prints_all_the_same_and_one_that_fell_silent_is_offline() {
    let mut printer = Printer::begin(Manner::Silent).await;
    let (line, _barista, _) = line_with(&printer, "tickets = \"all\"", impatience()).await;
    for reference in ["A-1", "A-2"] {
        bell(&line, reference).await;
        assert!(printer.sheet().await.contains(reference));
    }
    printer.manner.send_replace(Manner::Well);
    bell(&line, "A-3").await;
    assert!(printer.sheet().await.contains("A-3"));
    paid_up(&line).await;
    printer.manner.send_replace(Manner::Hangs);
    bell(&line, "A-4").await;
    state(&line, "offline").await;
    assert_eq!(printer.rest().len(), 0);
}

#[tokio::test]
async fn a_restart_prints_what_was_owed_and_marks_what_may_have_come_out() {
    let address = Printer::begin(Manner::Well).await.off().await;
    let log = log(1);
    let line = Line::on(Arc::clone(&log), with_printer(address, "tickets = \"all\"", patience())).await;
    let _barista = Barista::start(&log, Mode::Manual);
    let ids = [bell(&line, "A-1").await, bell(&line, "A-2").await];
    state(&line, "offline").await;
    let token = line.token.clone();
    line.stopped().await.unwrap();
    // The counter before was killed when it had sent the first of them.
    let trying = format!(r#"{{"printer":"{address}","by":"gone","ticket":true,"trying":true}}"#);
    let record = Record::new(format!("print/{}", ids[0]), trying);
    log.publisher().publish(topic::SHOP, 0, record, Duration::from_secs(5)).await.unwrap();

    let mut printer = Printer::at(address, Manner::Well).await;
    let mut line = Line::on(Arc::clone(&log), with_printer(address, "tickets = \"all\"", heir())).await;
    line.token = token;
    let mut sheets = [printer.sheet().await, printer.sheet().await];
    sheets.sort_by_key(|sheet| sheet.contains("A-2"));
    let [first, second] = sheets;
    assert!(first.contains("A-1") && first.contains("COPY"), "{first:?}");
    assert!(second.contains("A-2") && !second.contains("COPY"), "{second:?}");
    paid_up(&line).await;
    assert_eq!(printer.rest().len(), 0);
    drop(line);
}

#[tokio::test]
async fn of_two_counters_each_order_is_printed_where_it_was_taken() {
    let (mut here, mut there) = (Printer::begin(Manner::Well).await, Printer::begin(Manner::Well).await);
    let (first, _barista, log) = line(&here, "tickets = \"all\"").await;
    let second = Line::on(log, with_printer(there.address, "tickets = \"all\"", patience())).await;
    first.order(1).await;
    second.order(2).await;
    assert!(here.sheet().await.contains("1 cup"));
    assert!(there.sheet().await.contains("2 cups"));
    first.order(3).await;
    assert!(here.sheet().await.contains("3 cups"));
    assert_eq!(there.rest().len(), 0);
}

#[tokio::test]
async fn a_sheet_that_staff_ask_for_once_more_is_marked_and_nobody_else_may() {
    let mut printer = Printer::begin(Manner::Well).await;
    let (line, _barista, _) = line(&printer, "slips = true").await;
    let id = bell(&line, "A-1").await;
    printer.sheet().await;
    let (staff, json) = (line.staff(), ("content-type", "application/json"));
    let path = format!("/orders/{id}/print");
    for (what, says) in [("slip", "We call this code"), ("ticket", "2 cups")] {
        let body = format!(r#"{{"what":"{what}"}}"#);
        let reply = line.post(&path, &[json, ("authorization", &staff)], &body).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        let sheet = printer.sheet().await;
        assert!(sheet.contains("COPY") && sheet.contains(says), "{sheet:?}");
    }
    let body = r#"{"what":"slip"}"#;
    assert_eq!(line.post(&path, &[json], body).await.status, 401);
    let reply = line.post("/orders/nobody/print", &[json, ("authorization", &staff)], body).await;
    assert_eq!((reply.status, reply.code().as_str()), (404, "unknown_order"));
    let reply = line.post(&path, &[json, ("authorization", &staff)], r#"{"what":"receipt"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "bad_json"));
}

#[tokio::test]
async fn a_copy_that_waits_comes_out_after_a_restart_and_once_however_often_it_was_asked_for() {
    let address = Printer::begin(Manner::Well).await.off().await;
    let log = log(1);
    let line = Line::on(Arc::clone(&log), with_printer(address, "tickets = \"none\"", patience())).await;
    let _barista = Barista::start(&log, Mode::Manual);
    let id = bell(&line, "A-1").await;
    line.shown(&id, |order| order["decided"] == true).await;
    let (staff, json) = (line.staff(), ("content-type", "application/json"));
    for _ in 0..2 {
        let headers = [json, ("authorization", &*staff)];
        let reply = line.post(&format!("/orders/{id}/print"), &headers, r#"{"what":"slip"}"#).await;
        assert_eq!(reply.status, 202, "{reply:?}");
    }
    told(&line, |printer| printer["state"] == "offline" && printer["waiting"] == 1).await;
    // Whoever asked for it still waits, whatever becomes of the order.
    let collected = [r#"{"command":"ready"}"#, r#"{"command":"collect"}"#];
    for command in collected {
        assert_eq!(line.command(&id, &[("authorization", &staff)], command).await.status, 200);
    }
    let token = line.token.clone();
    line.stopped().await.unwrap();

    let mut printer = Printer::at(address, Manner::Well).await;
    let mut line = Line::on(Arc::clone(&log), with_printer(address, "tickets = \"none\"", heir())).await;
    line.token = token;
    let sheet = printer.sheet().await;
    assert!(sheet.contains("COPY") && sheet.contains("A-1"), "{sheet:?}");
    paid_up(&line).await;
    assert_eq!(printer.rest().len(), 0);
}

#[tokio::test]
async fn the_printer_and_what_came_out_of_it_are_in_the_metrics() {
    let mut printer = Printer::begin(Manner::NoPaper).await;
    let (line, _barista, _) = line(&printer, "tickets = \"all\"").await;
    state(&line, "no_paper").await;
    bell(&line, "A-1").await;
    told(&line, |printer| printer["waiting"] == 1).await;
    let says = |text: &str, wanted: &[&str]| {
        for wanted in wanted {
            assert!(text.lines().any(|line| line == *wanted), "{wanted}: {text}");
        }
    };
    let metrics = line.get("/metrics", &[]).await;
    says(
        metrics.text(),
        &[
            "brewline_printer_state{state=\"no_paper\"} 1",
            "brewline_printer_state{state=\"ok\"} 0",
            "brewline_prints_waiting 1",
        ],
    );
    printer.manner.send_replace(Manner::Well);
    printer.sheet().await;
    paid_up(&line).await;
    let metrics = line.get("/metrics", &[]).await;
    says(
        metrics.text(),
        &[
            "brewline_printer_state{state=\"ok\"} 1",
            "brewline_prints_waiting 0",
            "brewline_prints_total{copy=\"false\"} 1",
            "brewline_prints_broken_total 0",
        ],
    );
}

#[tokio::test]
async fn a_counter_without_a_printer_says_so_and_owes_nothing() {
    let line = Line::start().await;
    let id = bell(&line, "A-1").await;
    let headers = [("content-type", "application/json"), ("authorization", &*line.staff())];
    let reply = line.post(&format!("/orders/{id}/print"), &headers, r#"{"what":"slip"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (409, "no_printer"));
    let owed = line.log.history(topic::SHOP, 0);
    assert!(owed.iter().all(|entry| !entry.record.key.as_deref().unwrap().starts_with(b"print/")));
}
