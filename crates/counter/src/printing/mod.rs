//! Tickets for the bar and slips for customers, on a receipt printer in the shop's network.
//!
//! | file | what it holds |
//! |---|---|
//! | `link` | a connection to the printer: how it is, and one sheet after the other |
//! | `run` | what is printed next, and what becomes of it |
//!
//! An order that is to be printed is owed: a record `print/ID` of `shop.state` says so, and is written together with the
//! order, so that no crash loses it. Before the first byte goes to the printer the record says that it is being printed, and
//! once it has been, it is taken back. Whoever finds it in between, after a crash or a broken connection, can't know
//! whether it came out, and prints it as a copy. A counter that is gone leaves what it owed to any other counter with the
//! same printer.

mod link;
mod run;

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use eventlog::{Headers, Record};
use order::{Channel, Millis, Order, OrderId, topic};
use serde::{Deserialize, Serialize};
use shop::{Printer, Tickets};
use tokio::sync::{Notify, watch};

pub(crate) use self::run::Run;
use crate::{
    app::App,
    problem::{Code, Problem},
    view::{PRINT_PREFIX, PRINTS_MAX, Print},
};

/// How long the printer is waited for.
#[derive(Debug, Clone)]
pub struct PrinterPatience {
    /// To be connected.
    pub connect: Duration,
    /// To say how it is.
    pub status: Duration,
    /// To take what is sent.
    pub send: Duration,
    /// To confirm that it has taken all of it.
    pub confirm: Duration,
    /// Before it is tried again, doubling from the first to the last.
    pub again: (Duration, Duration),
    /// Between two looks at it while there is nothing to print.
    pub idle: Duration,
    /// For another counter to print what it owes, and once more for it to say that it does.
    pub others: Duration,
}

impl Default for PrinterPatience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            status: Duration::from_secs(1),
            send: Duration::from_secs(10),
            confirm: Duration::from_secs(15),
            again: (Duration::from_secs(1), Duration::from_secs(10)),
            idle: Duration::from_secs(30),
            others: Duration::from_secs(10),
        }
    }
}

/// How the printer is, as staff see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Ok,
    /// It can't be reached, does not answer, or says that something is wrong with it.
    Offline,
    NoPaper,
    CoverOpen,
}

/// The same with what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    pub(crate) state: State,
    /// Orders and copies that wait to be printed.
    pub(crate) waiting: usize,
    /// Since when it is in this state.
    pub(crate) since: Millis,
}

/// A sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Ticket,
    Slip,
}

/// What requests and the one who prints share.
#[derive(Debug)]
pub(crate) struct Printing {
    shown: watch::Sender<Option<Shown>>,
    /// Copies that were asked for. They are not in the log: whoever asked sees that none comes.
    copies: Mutex<VecDeque<(OrderId, What)>>,
    asked: Notify,
    patience: PrinterPatience,
}

impl Printing {
    pub(crate) fn new(patience: PrinterPatience) -> Self {
        Self { shown: watch::Sender::new(None), copies: Mutex::default(), asked: Notify::new(), patience }
    }

    /// How the printer is, as it changes; `None`: there is none.
    pub(crate) fn shown(&self) -> watch::Receiver<Option<Shown>> {
        self.shown.subscribe()
    }

    /// Has a sheet of an order printed once more.
    pub(crate) fn copy(&self, id: OrderId, what: What) -> Result<(), Problem> {
        let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        if copies.len() >= PRINTS_MAX {
            let detail = format!("{PRINTS_MAX} copies wait for the printer already; see to it first.");
            return Err(Problem::new(Code::Busy, detail).with("max", PRINTS_MAX).retry_after(60));
        }
        copies.push_back((id, what));
        drop(copies);
        self.asked.notify_one();
        Ok(())
    }

    fn first_copy(&self) -> Option<(OrderId, What)> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).front().cloned()
    }

    fn copy_is_done(&self) {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    }

    fn copies(&self) -> usize {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// What is to be printed of an order that this counter takes.
pub(crate) fn owed(printer: &Printer, order: &Order, boot: &str) -> Option<Print> {
    let is_tills = order.details().and_then(|details| details.channel) == Some(Channel::Till);
    let ticket = match printer.tickets {
        Tickets::All => true,
        Tickets::Till => is_tills,
        Tickets::None => false,
    };
    let slip = printer.slips && is_tills;
    let print = Print { printer: printer.address.clone(), by: boot.to_owned(), ticket, slip, trying: false };
    (ticket || slip).then_some(print)
}

/// Says in the log that an order is owed, while it is being written: whoever takes over knows of it. It does not keep
/// the order from being taken.
pub(crate) async fn owe(app: &App, order: &Order) {
    let Some(shop) = app.offer.shop() else { return };
    let Some(printer) = shop.settings().printer.as_ref() else { return };
    let Some(print) = owed(printer, order, app.views.boot()) else { return };
    let waiting = app.views.look().map_or(0, |look| look.shop().prints().len());
    if waiting >= PRINTS_MAX {
        tracing::warn!(waiting, "too many orders wait for the printer; this one is not printed");
    } else if let Err(why) = say(app, order.order_id.as_str(), Some(&print)).await {
        tracing::warn!(why, "that an order is to be printed could not be written; it is not printed");
    }
}

/// Says of an order what is to be printed, or that nothing is any more; where that stands.
async fn say(app: &App, id: &str, print: Option<&Print>) -> Result<eventlog::Offset, String> {
    let record = Record {
        key: Some(format!("{PRINT_PREFIX}{id}").into()),
        value: print.map(|print| serde_json::to_vec(print).expect("texts and booleans").into()),
        headers: Headers::default(),
    };
    let written = app.publish(topic::SHOP, 0, record).await;
    written.map(|at| at.offset).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use shop::Encoding;

    use super::*;

    #[test]
    fn what_is_printed_hangs_on_who_gave_the_order_to_the_counter() {
        let says = |tickets, slips, json: &str| {
            let printer =
                Printer { address: "a:1".to_owned(), tickets, slips, encoding: Encoding::Ascii, columns: 42 };
            owed(&printer, &Order::parse(json.as_bytes()).unwrap(), "boot")
                .map(|print| (print.ticket, print.slip))
        };
        let (core, phone, till) = (
            r#"{"order_id":"a","amount":1,"status":0}"#,
            r#"{"order_id":"a","amount":1,"status":0,"channel":"phone"}"#,
            r#"{"order_id":"a","amount":1,"status":0,"channel":"till"}"#,
        );
        for (tickets, slips, by_core, by_phone, by_till) in [
            (Tickets::All, false, Some((true, false)), Some((true, false)), Some((true, false))),
            (Tickets::All, true, Some((true, false)), Some((true, false)), Some((true, true))),
            (Tickets::Till, false, None, None, Some((true, false))),
            (Tickets::None, true, None, None, Some((false, true))),
            (Tickets::None, false, None, None, None),
        ] {
            let said = [core, phone, till].map(|json| says(tickets, slips, json));
            assert_eq!(said, [by_core, by_phone, by_till], "{tickets:?} {slips}");
        }
    }
}
