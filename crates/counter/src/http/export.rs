//! `GET /ledger/export?format=csv|jsonl&day=DATE`: a day's orders as a file. No names, no notes. Times are by the
//! shop's clock, for whoever keeps its books.

use std::sync::Arc;

use ::ledger::DayOrder;
use ::order::{Channel, Code as PickupCode, Millis};
use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::Uri;
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde::Serialize;
use shop::Settings;

use super::{answer, parameter, past::look_back};
use crate::{
    access::Manager,
    app::App,
    audit::{Calendar, Count, Listed, Past, drinks, order_json},
    problem::Problem,
};

/// Orders that are written before the client has to take them.
const AT_ONCE: usize = 256;

const COLUMNS: [&str; 21] = [
    "order_id",
    "code",
    "code_en",
    "code_ko",
    "received_at",
    "ready_at",
    "finished_at",
    "state",
    "round",
    "cups",
    "drinks",
    "drinks_ko",
    "total",
    "currency",
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
    let body = Body::new(StreamBody::new(stream::unfold(
        (past, settings, None::<usize>),
        move |(past, settings, at)| async move {
            let bytes = match at {
                None if format == Format::Csv => line(COLUMNS.iter().map(|name| (*name).to_owned())),
                None => Bytes::new(),
                Some(at) => written(&past.0, at, format, &settings, until)?,
            };
            let next = at.map_or(0, |at| at + AT_ONCE);
            Some((Ok::<_, std::convert::Infallible>(Frame::data(bytes)), (past, settings, Some(next))))
        },
    )));
    let kind =
        if format == Format::Csv { "text/csv; charset=utf-8" } else { "application/jsonl; charset=utf-8" };
    Ok(answer::file(kind, &name, body))
}

fn bad_day() -> Problem {
    Problem::field("day", "day must be a date that has come, as in day=2026-11-22.")
}

/// The orders from this one on; nothing if there is none.
fn written(past: &Past, from: usize, format: Format, settings: &Settings, now: Millis) -> Option<Bytes> {
    let orders = past.count.day.orders();
    let orders = orders.get(from..orders.len().min(from + AT_ONCE)).filter(|orders| !orders.is_empty())?;
    let mut out = Vec::with_capacity(orders.len() * 256);
    for order in orders {
        match format {
            Format::Csv => out.extend_from_slice(&line(cells(&past.count, order, settings, now))),
            Format::Jsonl => {
                let order = Exported {
                    local: Local::of(order, settings),
                    order: order_json(&past.count, order, now),
                };
                serde_json::to_writer(&mut out, &order).expect("texts and numbers");
                out.push(b'\n');
            }
        }
    }
    Some(out.into())
}

/// One line of a file of JSON lines.
#[derive(Serialize)]
struct Exported<'a> {
    #[serde(flatten)]
    order: Listed<'a>,
    local: Local,
}

/// Times of an order by the shop's clock.
#[derive(Serialize)]
struct Local {
    #[serde(rename = "received_at")]
    received: String,
    #[serde(rename = "ready_at", skip_serializing_if = "Option::is_none")]
    ready: Option<String>,
    #[serde(rename = "finished_at", skip_serializing_if = "Option::is_none")]
    finished: Option<String>,
}

impl Local {
    fn of(order: &DayOrder, settings: &Settings) -> Self {
        let time = |at| settings.date_and_clock(at);
        Self {
            received: time(order.received_at),
            ready: order.first_ready_at.map(time),
            finished: order.finished_at.map(time),
        }
    }
}

fn cells(count: &Count, order: &DayOrder, settings: &Settings, now: Millis) -> impl Iterator<Item = String> {
    let time = |at: Option<Millis>| at.map(|at| settings.date_and_clock(at)).unwrap_or_default();
    let (code, words) = match order.code {
        0 => (String::new(), None),
        number => {
            let label = PickupCode::label(number, (count.partitions > 1).then_some(order.partition));
            (label, Some(PickupCode::of(number).words))
        }
    };
    let Local { received, ready, finished } = Local::of(order, settings);
    let currency = order.currency.as_deref().unwrap_or_default();
    let channel = match order.channel {
        Some(Channel::Phone) => "phone",
        Some(Channel::Till) => "till",
        None => "",
    };
    [
        order.order_id.to_string(),
        code,
        words.map(|words| words.en.to_owned()).unwrap_or_default(),
        words.map(|words| words.ko.to_owned()).unwrap_or_default(),
        received,
        ready.unwrap_or_default(),
        finished.unwrap_or_default(),
        order.stage.name().to_owned(),
        order.round.to_string(),
        order.amount.to_string(),
        drinks(order, |title| &title.en),
        drinks(order, |title| &title.ko),
        order.total.map(|total| decimal(total, currency)).unwrap_or_default(),
        currency.to_owned(),
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

/// An amount as people write it: `5500` won, `3.50` dollars.
fn decimal(total: u64, currency: &str) -> String {
    let digits = digits(currency);
    match 10_u64.pow(digits) {
        1 => total.to_string(),
        unit => format!("{}.{:0width$}", total / unit, total % unit, width = digits as usize),
    }
}

/// Digits behind the point of an amount. Source: ISO 4217, list one.
fn digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
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
    fn an_amount_has_as_many_digits_behind_the_point_as_its_currency() {
        for (total, currency, is) in [
            (5_500, "KRW", "5500"),
            (350, "USD", "3.50"),
            (5, "EUR", "0.05"),
            (1_234, "KWD", "1.234"),
            (0, "GBP", "0.00"),
        ] {
            assert_eq!(decimal(total, currency), is);
        }
    }

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
