//! Tickets for the bar and slips for customers, on a receipt printer in the shop's network.
//!
//! | file | what it holds |
//! |---|---|
//! | `link` | a connection to the printer: how it is, and one sheet after the other |
//! | `run` | what is printed next, and what becomes of it |
//! | `metrics` | what is counted of it |
//!
//! An order that is to be printed is owed: a record `print/ID` of `shop.state` says so, and is written together with the
//! order, so that no crash loses it; a sheet that staff want once more is owed by `copy/WHAT/ID`. Before the first byte goes to the printer the record says that it is being printed, and
//! once it has been, it is taken back. Whoever finds it in between, after a crash or a broken connection, can't know
//! whether it came out, and prints it as a copy. A counter that is gone leaves what it owed to any other counter with the
//! same printer.

mod link;
mod metrics;
mod run;

use std::time::Duration;

use eventlog::{Headers, Record};
use order::{Channel, Millis, Order, OrderId, topic};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop::{Printer, Tickets};
use tokio::sync::watch;

use self::link::{Habits, Link};
pub(crate) use self::{metrics::PrinterMetrics, run::Run};
use crate::{
    app::App,
    problem::{Code, Problem},
    view::{COPY_PREFIX, PRINT_PREFIX, PRINTS_MAX, Print},
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PrinterState"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It prints.
    Ok,
    /// It can't be reached, does not answer, or says that something is wrong with it.
    Offline,
    /// The roll is at its end.
    NoPaper,
    /// Its cover is open.
    CoverOpen,
}

impl State {
    /// Each of them, by its name on the wire.
    pub(crate) const ALL: [(Self, &str); 4] = [
        (Self::Ok, "ok"),
        (Self::Offline, "offline"),
        (Self::NoPaper, "no_paper"),
        (Self::CoverOpen, "cover_open"),
    ];
}

/// How the printer at this address is, `HOST:PORT`. One that says nothing of itself is taken to be well if it lets one in.
pub async fn printer_state(address: &str, patience: &PrinterPatience) -> State {
    let ask = async { Link::open(address, patience).await?.status(&mut Habits::default()).await };
    ask.await.err().unwrap_or(State::Ok)
}

/// The same with what waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Printer"))]
pub(crate) struct Shown {
    pub(crate) state: State,
    /// Orders and copies that wait to be printed.
    pub(crate) waiting: usize,
    /// Since when it is in this state.
    pub(crate) since: Millis,
}

/// A sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Sheet"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Ticket,
    Slip,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Slip => "slip",
        }
    }
}

/// What requests and the one who prints share.
#[derive(Debug)]
pub(crate) struct Printing {
    shown: watch::Sender<Option<Shown>>,
    patience: PrinterPatience,
}

impl Printing {
    pub(crate) fn new(patience: PrinterPatience) -> Self {
        Self { shown: watch::Sender::new(None), patience }
    }

    /// How the printer is, as it changes; `None`: there is none.
    pub(crate) fn shown(&self) -> watch::Receiver<Option<Shown>> {
        self.shown.subscribe()
    }
}

/// Has a sheet of an order printed once more, by the printer at this address. One that waits already comes out once.
pub(crate) async fn copy(app: &App, id: &OrderId, what: What, printer: &str) -> Result<(), Problem> {
    let waiting = app.views.look().ok_or_else(Problem::starting)?.shop().prints().len();
    if waiting >= PRINTS_MAX {
        let detail = format!("{PRINTS_MAX} sheets wait for the printer already; see to it first.");
        return Err(Problem::new(Code::Busy, detail).with("max", PRINTS_MAX).retry_after(60));
    }
    let print = Print {
        printer: printer.to_owned(),
        by: app.views.boot().to_owned(),
        ticket: what == What::Ticket,
        slip: what == What::Slip,
        trying: false,
    };
    app.say(format!("{COPY_PREFIX}{}/{id}", what.name()), Some(json!(print))).await
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
        tracing::warn!(waiting, "too many sheets wait for the printer; this one is not printed");
    } else if let Err(why) = say(app, &format!("{PRINT_PREFIX}{}", order.order_id), Some(&print)).await {
        tracing::warn!(why, "that an order is to be printed could not be written; it is not printed");
    }
}

/// Says under this key what is to be printed, or that nothing is any more; where that stands.
async fn say(app: &App, key: &str, print: Option<&Print>) -> Result<eventlog::Offset, String> {
    let record = Record {
        key: Some(key.to_owned().into()),
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
