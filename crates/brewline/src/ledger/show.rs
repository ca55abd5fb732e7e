//! The ledger for people, from what `GET /ledger` says.

use std::fmt::Write as _;

use client::printable;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

/// Where an order can be, as the equation has it.
const PLACES: [&str; 7] =
    ["received", "making", "ready", "collected", "uncollected", "cancelled", "dead_lettered"];

/// All of it, in lines.
pub(super) fn text(ledger: &Value, zone: &TimeZone) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        // A String takes everything.
        let _ = writeln!(out, "{text}");
    };
    let moment = ledger["at"].as_i64().or_else(|| ledger["now"].as_i64());
    line(format!(
        "{}{}",
        when(moment, ledger["day"]["date"].as_str(), zone),
        if ledger["at"].is_i64() { ", as it was then" } else { "" }
    ));
    line(equation(&ledger["equation"]));
    line(began(ledger, zone));
    match (ledger["holds"] == true, ledger["faults"].as_array()) {
        (true, _) => line("Every order is accounted for.".to_owned()),
        (false, faults) => {
            for fault in faults.into_iter().flatten() {
                let text = |name| printable(fault[name].as_str().unwrap_or("?"));
                line(format!(
                    "WRONG  {} ({}-{}@{})",
                    text("text"),
                    text("topic"),
                    fault["partition"],
                    fault["offset"]
                ));
            }
            let more = ledger["faults_total"].as_u64().unwrap_or_default();
            let shown = faults.map_or(0, Vec::len) as u64;
            if more > shown {
                line(format!("WRONG  and {} more", more - shown));
            }
        }
    }
    let promise = &ledger["promise"];
    if promise["total"].as_u64().is_some_and(|total| total > 0) {
        line(format!(
            "Promises: {} of {} inside, {} early, {} late, the latest by {}",
            promise["inside"],
            promise["total"],
            promise["early"],
            promise["late"],
            minutes(&promise["worst_late_ms"])
        ));
    }
    for (name, title) in [
        ("order_to_ready", "Order to ready"),
        ("ready_to_collected", "Ready to collected"),
        ("ready_to_phone", "Ready to phone"),
    ] {
        if let Some(times) = ledger["percentiles"][name].as_array() {
            let times: Vec<_> = times.iter().map(minutes).collect();
            line(format!("{title}: {} (50, 90, 99 %)", times.join(", ")));
        }
    }
    for need in ledger["needs"].as_array().into_iter().flatten() {
        let what = match &need["code"]["label"] {
            Value::String(label) => format!("{} {label}", need["code"]["words"]["en"].as_str().unwrap_or("")),
            _ => match need["order_id"].as_str() {
                Some(id) => printable(id).into_owned(),
                None => format!("dead letter {}/{}", need["partition"], need["offset"]),
            },
        };
        let kind = need["kind"].as_str().unwrap_or("?").replace('_', " ");
        line(format!("NEEDS  {what}: {kind} since {}", clock(need["since"].as_i64(), zone)));
    }
    out
}

/// `59 accepted = 3 ready + 45 collected + 3 cancelled + 8 received`; places where nothing is are left out.
fn equation(sums: &Value) -> String {
    let of = |name: &str| sums[name].as_u64().unwrap_or_default();
    let carried = of("carried_over");
    let left = match carried {
        0 => format!("{} accepted", of("accepted")),
        _ => format!("{} accepted + {carried} carried over", of("accepted")),
    };
    let places = PLACES.into_iter().filter(|name| of(name) > 0);
    let right: Vec<_> = places.map(|name| format!("{} {}", of(name), name.replace('_', " "))).collect();
    let sum: u64 = PLACES.into_iter().map(of).sum();
    let sign = if sum == of("accepted") + carried { "=" } else { "≠" };
    format!("{left} {sign} {}", if right.is_empty() { "0".to_owned() } else { right.join(" + ") })
}

fn began(ledger: &Value, zone: &TimeZone) -> String {
    let records = &ledger["events"];
    let at = clock(ledger["began"]["at"].as_i64(), zone);
    match ledger["began"]["why"].as_str() {
        Some("balance") => format!(
            "Counted from the balance of {} on, {records} records.",
            ledger["began"]["date"].as_str().unwrap_or("?")
        ),
        Some("kept") => {
            format!("Counted from {at} on, before which the log has not everything, {records} records.")
        }
        _ => format!("Counted from the first record on, {records} records."),
    }
}

/// Date and time by the shop's clock, whose clock it is, and past midnight the business day that goes on.
fn when(at: Option<i64>, day: Option<&str>, zone: &TimeZone) -> String {
    let Some(at) = at.and_then(|at| Timestamp::from_millisecond(at).ok()) else { return "?".to_owned() };
    let at = at.to_zoned(zone.clone());
    let date = at.date().to_string();
    let place = zone.iana_name().map(|name| format!(" in {name}")).unwrap_or_default();
    let of =
        day.filter(|day| *day != date).map(|day| format!(", of the business day {day}")).unwrap_or_default();
    format!("{date}, {}{place}{of}", at.strftime("%H:%M:%S"))
}

fn clock(at: Option<i64>, zone: &TimeZone) -> String {
    let at = at.and_then(|at| Timestamp::from_millisecond(at).ok());
    at.map_or_else(|| "?".to_owned(), |at| at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string())
}

/// `5:10`, and below a minute `0.2 s`.
fn minutes(ms: &Value) -> String {
    match ms.as_i64().unwrap_or_default() {
        ms if ms < 60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms => format!("{}:{:02}", ms / 60_000, ms / 1_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;
    use serde_json::json;

    use super::*;

    #[test]
    fn past_midnight_the_date_is_the_clocks_and_the_business_day_is_named() {
        let seoul = TimeZoneDatabase::bundled().get("Asia/Seoul").unwrap();
        let at: Timestamp = "2026-11-27T00:39:07+09:00".parse().unwrap();
        let said = when(Some(at.as_millisecond()), Some("2026-11-26"), &seoul);
        assert_eq!(said, "2026-11-27, 00:39:07 in Asia/Seoul, of the business day 2026-11-26");
        let said = when(Some(at.as_millisecond()), Some("2026-11-27"), &seoul);
        assert_eq!(said, "2026-11-27, 00:39:07 in Asia/Seoul");
    }

    #[test]
    fn the_equation_is_said_with_what_is_wrong_and_what_needs_someone() {
        let mut ledger = json!({
            "now": 0, "day": {"date": "2026-11-22"}, "events": 402, "began": {"why": "balance", "date": "2026-11-21"},
            "equation": {"accepted": 59, "ready": 3, "collected": 45, "cancelled": 3, "received": 8}, "holds": true,
            "faults": [], "promise": {"total": 45, "inside": 37, "early": 2, "late": 6, "worst_late_ms": 132_000},
            "percentiles": {"order_to_ready": [310_000, 500_000, 590_000], "ready_to_phone": [200, 600, 1_900]},
            "needs": [{"kind": "nobody_came", "since": 0, "code": {"label": "20", "words": {"en": "cabin"}}}],
        });
        let said = text(&ledger, &TimeZone::UTC);
        for line in [
            "59 accepted = 8 received + 3 ready + 45 collected + 3 cancelled\n",
            "Counted from the balance of 2026-11-21 on, 402 records.\n",
            "Every order is accounted for.\n",
            "37 of 45 inside, 2 early, 6 late, the latest by 2:12\n",
            "Order to ready: 5:10, 8:20, 9:50 (50, 90, 99 %)\n",
            "Ready to phone: 0.2 s, 0.6 s, 1.9 s",
            "NEEDS  cabin 20: nobody came since 00:00:00\n",
        ] {
            assert!(said.contains(line), "{line} in {said}");
        }
        ledger["holds"] = json!(false);
        ledger["equation"]["collected"] = json!(44);
        ledger["faults"] = json!([{"text": "order a\u{1b}: version 3 follows version 1", "topic": "order.event", "partition": 0, "offset": 7}]);
        let said = text(&ledger, &TimeZone::UTC);
        assert!(said.contains("59 accepted ≠ 8 received"), "{said}");
        assert!(said.contains("version 3 follows version 1 (order.event-0@7)"), "{said}");
        assert!(!said.contains('\u{1b}') && !said.contains("accounted for"), "{said}");
    }
}
