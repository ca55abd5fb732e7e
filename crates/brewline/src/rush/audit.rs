//! What the line knows in the end of every order that a customer holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use ::rush::{Claim, Fault, Known, NOBODY_CAME, Stage, judge};
use client::{Api, Request};
use serde_json::Value;
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use crate::practice::Cafe;

/// The ledger has counted a whole morning within this: it counts at its own pace.
const COUNTS_WITHIN: Duration = Duration::from_mins(1);
const COUNT_AGAIN: Duration = Duration::from_millis(100);
/// Orders that are asked for at once: so many histories a counter reads.
const AT_ONCE: usize = 4;

/// What came of the morning.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// How many orders are where.
    pub(super) places: BTreeMap<Stage, usize>,
    /// Of the cancelled ones those that nobody came for.
    pub(super) nobody_came: usize,
    /// Orders that were made more than once.
    pub(super) remade: usize,
    /// Rounds that became ready.
    pub(super) announced: usize,
    /// Bells that phones rang.
    pub(super) heard: usize,
    pub(super) faults: Vec<Fault>,
    /// What the line's own ledger counts.
    pub(super) ledger: Ledger,
}

/// The equation, recounted from the log by the line itself.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Ledger {
    /// Orders in the log.
    pub(super) accepted: usize,
    /// It counts from the first record on, and not from the close of a day.
    pub(super) is_whole: bool,
    pub(super) holds: bool,
    /// What is wrong, in its own words.
    pub(super) faults: Vec<String>,
}

/// Asks for all of them.
pub(super) async fn audit(cafe: &Cafe, claims: Vec<Claim>, is_own: bool) -> anyhow::Result<Audit> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut asking = JoinSet::new();
    let orders: BTreeSet<_> = claims.iter().flat_map(|claim| claim.orders.iter().cloned()).collect();
    for order in orders {
        let (api, turns) = (cafe.staff.clone(), Arc::clone(&turns));
        asking.spawn(async move {
            let _turn = turns.acquire().await?;
            let known = look_up(&api, &order).await?;
            anyhow::Ok((order, known))
        });
    }
    let mut audit = Audit { heard: claims.iter().map(|claim| claim.rang.len()).sum(), ..Audit::default() };
    let mut known = BTreeMap::new();
    while let Some(asked) = asking.join_next().await {
        let (order, Some((is, reason))) = asked?? else { continue };
        *audit.places.entry(is.stage).or_default() += 1;
        audit.nobody_came +=
            usize::from(is.stage == Stage::Cancelled && reason.as_deref() == Some(NOBODY_CAME));
        audit.remade += usize::from(is.round > 1);
        audit.announced += is.announced.len();
        known.insert(order, is);
    }
    audit.faults = judge(&claims, &known);
    audit.ledger = recount(&cafe.staff).await?;
    // On a line of its own nobody else orders.
    if is_own && audit.ledger.is_whole && audit.ledger.accepted != known.len() {
        let (in_log, held) = (audit.ledger.accepted, known.len());
        audit.ledger.faults.push(format!("{in_log} orders, of which customers hold {held}"));
    }
    Ok(audit)
}

/// Waits until the line's ledger has counted all that was done.
async fn recount(api: &Api) -> anyhow::Result<Ledger> {
    let ask = || async {
        let reply = api.ask(&Request::get("/ledger")).await?;
        anyhow::ensure!(reply.is_success(), "the line does not show its ledger: {}", reply.detail());
        anyhow::Ok(reply)
    };
    let mut reply = ask().await?;
    let (done_at, latest) = (reply.json["now"].as_i64(), Instant::now() + COUNTS_WITHIN);
    while reply.json["as_of"].as_i64() < done_at {
        anyhow::ensure!(
            Instant::now() < latest,
            "the ledger has not counted everything in {COUNTS_WITHIN:.0?}"
        );
        sleep(COUNT_AGAIN).await;
        reply = ask().await?;
    }
    Ok(ledger(&reply.json))
}

fn ledger(json: &Value) -> Ledger {
    let faults = json["faults"].as_array().into_iter().flatten();
    Ledger {
        accepted: json["equation"]["accepted"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or_default(),
        is_whole: json["began"]["why"] == "first",
        holds: json["holds"] == Value::Bool(true),
        faults: faults.filter_map(|fault| fault["text"].as_str()).map(str::to_owned).collect(),
    }
}

/// An order, and why it was cancelled; `None`: nobody knows it.
async fn look_up(api: &Api, order: &str) -> anyhow::Result<Option<(Known, Option<String>)>> {
    let snapshot = api.ask(&Request::get(format!("/orders/{order}"))).await?;
    if snapshot.status == 404 {
        return Ok(None);
    }
    anyhow::ensure!(snapshot.is_success(), "the line does not show order {order}: {}", snapshot.detail());
    let history = api.ask(&Request::get(format!("/orders/{order}/history"))).await?;
    anyhow::ensure!(history.is_success(), "the line has no past of order {order}: {}", history.detail());
    let events = history.json["events"].as_array().into_iter().flatten();
    let known = Known {
        stage: snapshot.json["state"].as_str().and_then(Stage::of_name).ok_or_else(|| {
            anyhow::anyhow!("order {order} is in a state that this program does not know: use the line's own")
        })?,
        round: round(&snapshot.json),
        announced: events.filter(|event| rings(event)).map(round).collect(),
    };
    Ok(Some((known, snapshot.json["marks"]["reason"].as_str().map(str::to_owned))))
}

/// Whether a decision rings the bell: the order became ready by it, and was not merely put back on the shelf.
fn rings(event: &Value) -> bool {
    let was_done = event["refused"].is_null() && event["repeat"].as_bool() != Some(true);
    let came_from = event["from"].as_str().and_then(Stage::of_name);
    was_done && event["to"] == "ready" && came_from.is_none_or(Stage::is_open)
}

fn round(json: &Value) -> u32 {
    json["round"].as_u64().and_then(|round| u32::try_from(round).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_decision_rings_if_the_order_became_ready_by_it() {
        for (event, is_bell) in [
            (json!({"event": "ready", "from": "making", "to": "ready"}), true),
            (json!({"event": "received", "to": "ready"}), true),
            (json!({"event": "uncollect", "from": "collected", "to": "ready"}), false),
            (json!({"event": "acknowledge", "from": "ready", "to": "ready"}), false),
            (json!({"event": "ready", "from": "making", "to": "ready", "refused": "changed"}), false),
            (json!({"event": "ready", "from": "making", "to": "ready", "repeat": true}), false),
        ] {
            assert_eq!(rings(&event), is_bell, "{event}");
        }
    }

    #[test]
    fn a_ledger_that_does_not_say_that_it_holds_does_not() {
        let says = json!({
            "equation": {"accepted": 3}, "began": {"why": "first"}, "holds": false, "faults": [{"order_id": "a", "text": "order a: announced twice"}]
        });
        let faults = vec!["order a: announced twice".to_owned()];
        assert_eq!(ledger(&says), Ledger { accepted: 3, is_whole: true, holds: false, faults });
        assert!(!ledger(&json!({})).holds && ledger(&json!({"holds": true})).holds);
    }
}
