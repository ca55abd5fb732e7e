//! What this counter says of the shop: a record of `shop.state`, so that every counter agrees, read back before anyone is
//! told that it is so.

use eventlog::{Offset, Record};
use order::topic;
use serde_json::Value;

use crate::{
    app::{App, not_taken},
    problem::{Code, Problem},
};

impl App {
    /// Says it, and waits until this counter has read it. `None` takes it back.
    pub(crate) async fn say(&self, key: String, value: Option<Value>) -> Result<(), Problem> {
        let by_when = tokio::time::Instant::now() + self.settings.deadline;
        let at = self.write_fact(key, value).await?;
        if tokio::time::timeout_at(by_when, self.read_fact(at)).await.is_err() {
            let detail =
                "It is written, but this counter has not read it back in time; look again in a second.";
            return Err(Problem::new(Code::Starting, detail).retry_after(1));
        }
        Ok(())
    }

    /// Says it, and does not wait for more than the log.
    pub(crate) async fn write_fact(&self, key: String, value: Option<Value>) -> Result<Offset, Problem> {
        self.facts.one_more(tokio::time::Instant::now().into_std())?;
        let record = Record {
            key: Some(key.into()),
            value: value.map(|value| value.to_string().into()),
            headers: eventlog::Headers::default(),
        };
        let at = self.publish(topic::SHOP, 0, record).await.map_err(|error| not_taken(&error))?;
        Ok(at.offset)
    }

    /// Waits until the view has read this record of `shop.state`.
    async fn read_fact(&self, offset: Offset) {
        let mut changes = self.views.changes();
        loop {
            changes.mark_unchanged();
            if self.views.look().is_some_and(|look| look.shop().read_to() > offset) {
                return;
            }
            // The one who sends is in the same app.
            let _ = changes.changed().await;
        }
    }
}
