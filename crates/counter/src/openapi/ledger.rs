//! Where every order is, now and at any moment; the log as a file.

use super::{
    operation::{Operation, Who},
    parameters::Parameter as P,
    schemas::Schemas,
};
use crate::{
    audit::Ledger,
    http::described::{Age, DayMinutes, DayOrders, Today},
    problem::Code as C,
};

pub(super) const TAG: &str = "Ledger";

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let ledger = schemas.answer::<Ledger<'_>>();
    vec![
        Operation::new(
            "GET /ledger",
            TAG,
            "showLedger",
            Who::Manager,
            "Show where every order is, and what is wrong",
        )
        .more("A browser that opens this path (`Accept: text/html`) gets the page.")
        .with(P::Language)
        .looks_back()
        .json_answer(200, "The ledger.", &ledger)
        .file(200, "The page.", "text/html"),
        Operation::new("GET /ledger/events", TAG, "followLedger", Who::Manager, "Follow the ledger").stream(
            &[
                ("ledger", "At first, and whenever it is different, at most once a second.", ledger),
                ("heartbeat", "At least every 2 s.", schemas.answer::<Age>()),
            ],
        ),
        Operation::new(
            "GET /ledger/orders",
            TAG,
            "searchLedger",
            Who::Manager,
            "List the orders of a day, the newest first",
        )
        .with(P::Query)
        .with(P::Filter)
        .with(P::After)
        .with(P::Limit)
        .looks_back()
        .json_answer(200, "The orders.", &schemas.answer::<DayOrders<'_>>())
        .leads_to(200, "searchLedger", "after", "/next")
        .leads_to(200, "tellOrder", "id", "/orders/0/order_id"),
        Operation::new(
            "GET /ledger/minutes",
            TAG,
            "showMinutes",
            Who::Manager,
            "Show how many orders were open, and how days closed",
        )
        .looks_back()
        .json_answer(200, "The minutes of the day, and the days.", &schemas.answer::<DayMinutes>()),
        Operation::new("GET /ledger/day", TAG, "showToday", Who::Staff, "Show today in numbers").json_answer(
            200,
            "The day.",
            &schemas.answer::<Today>(),
        ),
        Operation::new(
            "GET /ledger/export",
            TAG,
            "exportDay",
            Who::Manager,
            "Export the orders of a day, without names and notes",
        )
        .with(P::Format)
        .with(P::Day)
        .problems(&[C::Busy, C::PastGone, C::HistoryDamaged])
        .file(200, "A line for each order, below the names of the columns.", "text/csv")
        .file(200, "An object for each order.", "application/jsonl")
        .header(200, "Content-Disposition", "What to call the file."),
        Operation::new("GET /backup", TAG, "backUp", Who::Manager, "Back up the embedded log")
            .file(200, "All that is in the log at this moment.", "application/octet-stream")
            .header(200, "Content-Disposition", "What to call the file.")
            .problems(&[C::Busy, C::NoBackup, C::HistoryDamaged]),
    ]
}
