//! Which process is at an address: what a counter of this program says of itself at `/livez`.

use std::time::Duration;

use http::{Request, StatusCode};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{address::CounterAddress, counter::Counter, options::Limits, trust::Trust};

#[derive(Debug, Deserialize)]
struct Live {
    service: String,
    process: u32,
}

/// The process whose counter answers there; `None` if it is none of this program's, or says nothing `within` that
/// time, however it spends it.
pub async fn process(counter: CounterAddress, within: Duration) -> Option<u32> {
    let trust = Trust::at(&counter, None).ok()?;
    let counter = Counter::new(counter, &trust, &Limits::default());
    let asking = async {
        let response = counter.send(Request::get(counter.address().at("/livez"))).await.ok()?;
        let is_ok = response.status() == StatusCode::OK;
        let body = counter.body(response).await.ok().filter(|_| is_ok)?;
        serde_json::from_slice::<Live>(&body).ok()
    };
    let live = timeout(within, asking).await.ok()??;
    (live.service == "brewline").then_some(live.process)
}
