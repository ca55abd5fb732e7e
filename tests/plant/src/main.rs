//! Plants a loss in the log of a line that was stopped, for tests of who has to notice.
//!
//! ```text
//! plant DIR pass-over ID     an order that is accepted, and that baristas are past already
//! plant DIR ring-again ID    the bell of an order, once more
//! ```

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use eventlog::{Entry, Log as _, Offset, Record, Start, Topic, block_on, local};
use order::{Order, OrderId, topic};
use serde_json::Value;

/// How long a write may take, and a poll.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ["pass-over" | "ring-again", _] = args[args.len().min(1)..] else {
        bail!("say: plant DIR pass-over ID, or plant DIR ring-again ID");
    };
    let log = Log::open(Path::new(args[0]))?;
    match args[1] {
        "pass-over" => log.pass_over(args[2]),
        _ => log.ring_again(args[2]),
    }?;
    log.0.close();
    Ok(())
}

struct Log(Arc<local::LocalLog>);

impl Log {
    fn open(dir: &Path) -> anyhow::Result<Self> {
        let topics = brewline::catalog(Duration::from_hours(30 * 24));
        Ok(Self(local::LocalLog::open(local::Options::new(dir, &topics))?))
    }

    fn pass_over(&self, id: &str) -> anyhow::Result<()> {
        let order = Order::new(OrderId::new(id)?, 1);
        let at = self.write(topic::RECEIVED, Record::new(id.to_owned(), order.to_json()))?;
        let key = topic::POSITIONS_KEY;
        let read = self.last(topic::STATE, key)?.context("nobody has made orders here")?;
        let mut positions: Value = serde_json::from_slice(&read.record.value.unwrap_or_default())?;
        for input in positions["positions"].as_array_mut().into_iter().flatten() {
            if input["topic"] == topic::RECEIVED {
                // Without the record by which a log is known again: it would be this one.
                *input = serde_json::json!({"topic": topic::RECEIVED, "next": at + 1});
            }
        }
        self.write(topic::STATE, Record::new(key, positions.to_string()))?;
        Ok(())
    }

    fn ring_again(&self, id: &str) -> anyhow::Result<()> {
        let bell = self.last(topic::PROCESSED, id)?.context("it never rang")?;
        self.write(topic::PROCESSED, bell.record)?;
        Ok(())
    }

    /// The last record with this key.
    fn last(&self, topic: Topic, key: &str) -> anyhow::Result<Option<Entry>> {
        let mut follow = self.0.follow(&[(topic, Start::Beginning)])?;
        let mut last = None;
        loop {
            let batch = follow.poll(PATIENCE)?;
            let mut newest_first = batch.entries.into_iter().rev();
            let is_of_key = |entry: &Entry| entry.record.key.as_deref() == Some(key.as_bytes());
            last = newest_first.find(is_of_key).or(last);
            if batch.at_end {
                return Ok(last);
            }
        }
    }

    fn write(&self, topic: Topic, record: Record) -> anyhow::Result<Offset> {
        Ok(block_on(self.0.publisher().publish(topic, 0, record, PATIENCE))?.offset)
    }
}
