//! `GET /ledger/export?format=csv|jsonl&day=DATE`: a day's orders as a file. No names, no notes.

use std::sync::Arc;

use ::ledger::DayOrder;
use ::order::{Channel, Code as PickupCode, Millis, rfc3339};
use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::Uri;
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::{answer, parameter, past::look_back};
use crate::{
    access::Manager,
    app::App,
    audit::{Calendar, Count, Past, drinks, order_json},
    problem::Problem,
};

/// Orders that are written before the client has to take them.
const AT_ONCE: usize = 256;

const COLUMNS: [&str; 16] = [
    "order_id",
    "code",
    "received_at",
    "ready_at",
    "finished_at",
    "state",
    "round",
    "cups",
    "drinks",
    "channel",
    "ref",
    "promised_from",
    "promised_to",
    "late",
    "wait_ms",
    "partition",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Jsonl,
}

/// `GET /ledger/export`
pub(super) async fn export(
    State(app): State<Arc<App>>,
    Manager(_): Manager,
    uri: Uri,
) -> Result<Response, Problem> {
    let format = match parameter(&uri, "format") {
        Ok(Some("csv")) => Format::Csv,
        Ok(Some("jsonl")) => Format::Jsonl,
        _ => return Err(Problem::field("format", "format must be csv or jsonl.")),
    };
    let settings = app.settings_of_shop();
    let now = app.ledger_time();
    let day = match parameter(&uri, "day") {
        Ok(None) => app.audit.day_at(&settings, now),
        Ok(Some(date)) => {
            let date = date.parse().map_err(|_| bad_day())?;
            let day = Calendar::new(&settings, &app.audit.days()).on(date);
            if day.from <= now { day } else { return Err(bad_day()) }
        }
        Err(()) => return Err(bad_day()),
    };
    let until = day.to.saturating_sub(1).min(now);
    let past = look_back(&app, until).await?;
    let name = format!("brewline-{}.{}", day.date, if format == Format::Csv { "csv" } else { "jsonl" });
    let body =
        Body::new(StreamBody::new(stream::unfold((past, None::<usize>), move |(past, at)| async move {
            let bytes = match at {
                None if format == Format::Csv => line(COLUMNS.iter().map(|name| (*name).to_owned())),
                None => Bytes::new(),
                Some(at) => written(&past.0, at, format, until)?,
            };
            let next = at.map_or(0, |at| at + AT_ONCE);
            Some((Ok::<_, std::convert::Infallible>(Frame::data(bytes)), (past, Some(next))))
        })));
    let kind =
        if format == Format::Csv { "text/csv; charset=utf-8" } else { "application/jsonl; charset=utf-8" };
    Ok(answer::file(kind, &name, body))
}

fn bad_day() -> Problem {
    Problem::field("day", "day must be a date that has come, as in day=2026-11-22.")
}

/// The orders from this one on; nothing if there is none.
fn written(past: &Past, from: usize, format: Format, now: Millis) -> Option<Bytes> {
    let orders = past.count.day.orders();
    let orders = orders.get(from..orders.len().min(from + AT_ONCE)).filter(|orders| !orders.is_empty())?;
    let mut out = Vec::with_capacity(orders.len() * 256);
    for order in orders {
        match format {
            Format::Csv => out.extend_from_slice(&line(cells(&past.count, order, now))),
            Format::Jsonl => {
                serde_json::to_writer(&mut out, &order_json(&past.count, order, now))
                    .expect("texts and numbers");
                out.push(b'\n');
            }
        }
    }
    Some(out.into())
}

fn cells(count: &Count, order: &DayOrder, now: Millis) -> impl Iterator<Item = String> {
    let time = |at: Option<Millis>| at.map(rfc3339).unwrap_or_default();
    let code = match order.code {
        0 => String::new(),
        number => PickupCode::label(number, (count.partitions > 1).then_some(order.partition)),
    };
    let channel = match order.channel {
        Some(Channel::Phone) => "phone",
        Some(Channel::Till) => "till",
        None => "",
    };
    [
        order.order_id.to_string(),
        code,
        rfc3339(order.received_at),
        time(order.first_ready_at),
        time(order.finished_at),
        order.stage.name().to_owned(),
        order.round.to_string(),
        order.amount.to_string(),
        drinks(order),
        channel.to_owned(),
        order.reference.as_deref().unwrap_or_default().to_owned(),
        time(order.promised.map(order::Promise::from)),
        time(order.promised.map(order::Promise::to)),
        order.is_late(now).to_string(),
        order.wait_ms(now).to_string(),
        order.partition.to_string(),
    ]
    .into_iter()
}

/// One line of a CSV file. Source: RFC 4180.
fn line(cells: impl Iterator<Item = String>) -> Bytes {
    let cells: Vec<_> = cells.map(|cell| quoted(&cell)).collect();
    format!("{}\r\n", cells.join(",")).into()
}

/// A cell as it stands in a file. What a spreadsheet would take for a formula is a text: customers choose some of these.
/// Where people type in Korean, full-width signs begin one, too (OWASP, CSV injection).
fn quoted(cell: &str) -> String {
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let safe = if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() };
    if safe.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_a_formula_is_a_text_and_what_would_end_a_cell_does_not() {
        for (cell, is) in [
            ("Latte", "Latte"),
            ("2 Latte, Oat", "\"2 Latte, Oat\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("=1+1", "'=1+1"),
            ("@A1,B", "\"'@A1,B\""),
            ("＝1+1", "'＝1+1"),
            ("a\nb", "\"a\nb\""),
            ("\n=1", "\"'\n=1\""),
        ] {
            assert_eq!(quoted(cell), is);
        }
    }
}
