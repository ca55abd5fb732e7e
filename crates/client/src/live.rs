//! Which process is at an address, and whether it lacks its log: what a counter of this program says of itself at `/livez`
//! and `/readyz`.

use std::time::Duration;

use http::{Request, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::timeout;

use crate::{address::CounterAddress, counter::Counter, options::Limits, trust::Trust};

#[derive(Debug, Deserialize)]
struct Live {
    service: String,
    process: u32,
}

#[derive(Debug, Deserialize)]
struct Readiness {
    missing: Vec<Missing>,
}

#[derive(Debug, Deserialize)]
struct Missing {
    what: String,
    reason: Option<String>,
}

/// The process whose counter answers there; `None` if it is none of this program's, or says nothing `within` that
/// time, however it spends it.
pub async fn process(counter: CounterAddress, within: Duration) -> Option<u32> {
    let (status, live) = asked::<Live>(counter, "/livez", within).await?;
    (status == StatusCode::OK && live.service == "brewline").then_some(live.process)
}

/// Why the log of the counter there takes no records, by the name of the reason (`removed`, `disk_full`, …); `None` if it
/// takes them, or nothing of that is said `within` that time.
pub async fn log_trouble(counter: CounterAddress, within: Duration) -> Option<String> {
    let (_, readiness) = asked::<Readiness>(counter, "/readyz", within).await?;
    let of_log = readiness.missing.into_iter().find(|missing| missing.what == "log")?;
    of_log.reason
}

async fn asked<T: DeserializeOwned>(
    counter: CounterAddress,
    path: &str,
    within: Duration,
) -> Option<(StatusCode, T)> {
    let trust = Trust::at(&counter, None).ok()?;
    let counter = Counter::new(counter, &trust, &Limits::default());
    let asking = async {
        let response = counter.send(Request::get(counter.address().at(path))).await.ok()?;
        let status = response.status();
        let body = counter.body(response).await.ok()?;
        Some((status, serde_json::from_slice(&body).ok()?))
    };
    timeout(within, asking).await.ok()?
}
