//! The ledger as JSON.

use eventlog::{Millis, Offset, Partition};
use ledger::{Bucket, DayOrder, Line, Need, Percentiles, Sums, Tally, Words};
use order::{Channel, Promise, Stage};
use serde::Serialize;

use super::{Beside, Count};
use crate::view::PickupCode;

/// What is wrong, and what needs a person, are listed up to here.
const LISTED_MAX: usize = 100;

/// When a count is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// Up to when everything is counted.
    pub(crate) as_of: Millis,
    /// The time of sending.
    pub(crate) now: Millis,
    /// The moment that is looked at, if it is past.
    pub(crate) at: Option<Millis>,
    /// When something was written beside it.
    pub(crate) beside: Beside,
}

/// Where every order is, what is wrong, what needs someone, and the day in numbers.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Ledger<'a> {
    as_of: Millis,
    now: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Millis>,
    /// When something was written before that moment, and after it.
    before: Option<Millis>,
    after: Option<Millis>,
    began: Began<'a>,
    /// Records that were counted.
    events: u64,
    equation: Sums,
    holds: bool,
    faults: Vec<Fault>,
    faults_total: usize,
    needs: Vec<Needs>,
    needs_total: usize,
    chart: Vec<Bucket>,
    percentiles: Percentiles,
    day: Option<Day>,
    /// Orders in the list, also those of other days.
    orders_total: usize,
    #[serde(flatten)]
    tally: Tally,
}

/// With what a count began.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LedgerBegan"))]
struct Began<'a> {
    /// `null`: with the first record that there ever was.
    at: Option<Millis>,
    /// `first`, `balance` or `kept`.
    why: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'a str>,
}

/// What is wrong.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LedgerFault"))]
struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<PickupCode>,
    kind: &'static str,
    text: String,
    topic: &'static str,
    partition: Partition,
    offset: Offset,
}

/// What needs someone.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LedgerNeed"))]
struct Needs {
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<PickupCode>,
    kind: &'static str,
    since: Millis,
    action: &'static str,
    /// Where a dead letter stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<Partition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<Offset>,
}

/// The business day.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LedgerDay"))]
struct Day {
    date: String,
    from: Millis,
    to: Millis,
}

/// What `GET /ledger` says.
pub(crate) fn ledger_json(count: &Count, shown: Shown) -> Vec<u8> {
    let Shown { as_of, now, at, beside } = shown;
    // The log's time may be ahead of the clock's.
    let moment = at.unwrap_or(now.max(count.ledger.time()));
    let (began, why, date) = count.began();
    let mut needs: Vec<Needs> = count.day.needs(moment).iter().map(|need| order_need(count, need)).collect();
    needs.extend(count.day.letters().map(|(partition, offset, since)| Needs {
        order_id: None,
        code: None,
        kind: "dead_letter",
        since,
        action: "open_dlq",
        partition: Some(partition),
        offset: Some(offset),
    }));
    let needs_total = needs.len();
    needs.truncate(LISTED_MAX);
    let ledger = Ledger {
        as_of,
        now,
        at,
        before: beside.before,
        after: beside.after,
        began: Began { at: began, why, date },
        events: count.ledger.records(),
        equation: count.equation.into(),
        holds: count.holds(),
        faults: count.faults.iter().take(LISTED_MAX).map(|found| fault(count, found)).collect(),
        faults_total: count.faults.len(),
        needs,
        needs_total,
        chart: count.day.chart(moment),
        percentiles: count.day.percentiles(),
        day: count.business.map(|day| Day { date: day.date.to_string(), from: day.from, to: day.to }),
        orders_total: count.day.orders().len(),
        tally: count.day.tally(),
    };
    serde_json::to_vec(&ledger).expect("texts and numbers")
}

fn code(count: &Count, order: &DayOrder) -> Option<PickupCode> {
    PickupCode::new(order.code, order.partition, count.partitions)
}

fn fault(count: &Count, fault: &ledger::Fault) -> Fault {
    let order = fault.order_id.as_ref().and_then(|name| count.day.find_in(name, fault.place.partition));
    Fault {
        order_id: fault.order_id.as_ref().map(ToString::to_string),
        code: order.and_then(|order| code(count, order)),
        kind: fault.wrong.name(),
        text: fault.to_string(),
        topic: fault.place.topic,
        partition: fault.place.partition,
        offset: fault.place.offset,
    }
}

fn order_need(count: &Count, need: &Need<'_>) -> Needs {
    Needs {
        order_id: Some(need.order.order_id.to_string()),
        code: code(count, need.order),
        kind: need.why.name(),
        since: need.since,
        action: need.why.action(),
        partition: None,
        offset: None,
    }
}

/// One order of the list.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayOrder"))]
pub(crate) struct Listed<'a> {
    order_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<PickupCode>,
    received_at: Millis,
    amount: u16,
    /// What it cost when it was placed, in the smallest unit of its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    drinks: &'a [Line],
    state: Stage,
    round: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    remade: bool,
    wait_ms: Millis,
    late: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    promised: Option<Promise>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unpaid: bool,
}

/// An order as the list has it.
pub(crate) fn order_json<'a>(count: &Count, order: &'a DayOrder, now: Millis) -> Listed<'a> {
    Listed {
        order_id: order.order_id.to_string(),
        code: code(count, order),
        received_at: order.received_at,
        amount: order.amount,
        total: order.total,
        currency: order.currency.as_deref(),
        drinks: &order.lines,
        state: order.stage,
        round: order.round,
        remade: order.is_remake(),
        wait_ms: order.wait_ms(now),
        late: order.is_late(now),
        promised: order.promised,
        ready_at: order.first_ready_at,
        finished_at: order.finished_at,
        channel: order.channel,
        reference: order.reference.as_deref(),
        unpaid: order.awaits_payment(),
    }
}

/// What was ordered, in one language, in one text: `2 Latte, Oat · Tea`.
pub(crate) fn drinks(order: &DayOrder, language: impl Fn(&Words) -> &str) -> String {
    let line = |line: &Line| {
        let titles = std::iter::once(&line.title).chain(&line.option_titles);
        let titles = titles.map(&language).collect::<Vec<_>>().join(", ");
        if line.quantity > 1 { format!("{} {titles}", line.quantity) } else { titles }
    };
    order.lines.iter().map(line).collect::<Vec<_>>().join(" · ")
}
