//! A counter that can't read its log any more shows nothing rather than the past.

mod common;

use std::sync::Arc;

use common::{Line, log, options};
use counter::CounterError;
use eventlog::{Follow, Log, OpenError, Publish, Start, Topic, Work, WorkSpec, sim::SimLog};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_closed_under_a_counter_ends_it_with_an_error() {
    let line = Line::start().await;
    let mut stream = line.events("/shop/events", &[]).await;
    line.log.close();
    let error = line.ended().await.expect_err("nobody told it to stop");
    assert!(matches!(error, CounterError::View(_)), "{error}");
    assert!(error.to_string().contains("start the program again"), "{error}");
    while stream.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_panics_ends_the_counter_with_an_error() {
    let log = log(1);
    let (line, _) = Line::begin_process(Arc::clone(&log), Arc::new(Panics(log)), options());
    let error = line.ended().await.expect_err("nobody told it to stop");
    assert!(matches!(error, CounterError::View(_)), "{error}");
}

/// A log that whoever follows it does not survive.
struct Panics(Arc<SimLog>);

impl Log for Panics {
    fn publisher(&self) -> Arc<dyn Publish> {
        self.0.publisher()
    }

    fn follow(&self, _: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
        panic!("on purpose")
    }

    fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
        self.0.work(spec)
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.0.partitions(topic)
    }
}
