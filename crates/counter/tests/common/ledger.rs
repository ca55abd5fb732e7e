//! What tests of the ledger ask it.

use serde_json::Value;

use super::Line;

/// What `GET /ledger` says, once it is as wanted.
pub async fn ledger(line: &Line, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut stream = line.events("/ledger/events", &[("authorization", &line.staff())]).await;
    stream.until("ledger", wanted).await.json()
}

pub async fn get(line: &Line, path: &str) -> Value {
    let reply = line.get(path, &[("authorization", &line.staff())]).await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.json()
}

pub fn of(ledger: &Value, what: &str) -> u64 {
    ledger["equation"][what].as_u64().expect("a count")
}

/// Sums that everybody can check.
pub fn adds_up(ledger: &Value) -> bool {
    let right = ["received", "making", "ready", "collected", "uncollected", "cancelled", "dead_lettered"];
    of(ledger, "accepted") + of(ledger, "carried_over")
        == right.iter().map(|what| of(ledger, what)).sum::<u64>()
}
