//! What stands in for `eventlog::kafka` where it is not built: the same names, and no log that could be opened. There is
//! no value of [`Nothing`], so what would follow an open log can't be reached, and the compiler knows it.

use std::{sync::Arc, time::Duration};

use eventlog::{
    Entry, Follow, FollowError, Log, Millis, OpenError, Publish, Start, Topic, TopicSpec, Work, WorkSpec,
    transfer::{Contents, Take},
};

/// Why, with the way out.
const ABSENT: &str = "this brewline was built without Apache Kafka; keep the log on this machine with brewline up \
    --log local:DIR, or use a build that has it, as those for Linux and macOS do";

fn absent<T>() -> Result<T, OpenError> {
    Err(OpenError::NotUsable(ABSENT.to_owned()))
}

/// There is none.
#[derive(Debug, Clone, Copy)]
enum Nothing {}

/// How a log would be opened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) prefix: String,
    pub(crate) partitions: Option<u32>,
    pub(crate) replication: Option<u16>,
    pub(crate) kept_at_least: Duration,
}

impl Options {
    pub(crate) fn new(_: impl Into<String>, _: &[TopicSpec]) -> Self {
        Self::default()
    }

    #[expect(clippy::unused_self, reason = "as the one that it stands in for")]
    pub(crate) fn property(&mut self, _: &str, _: &str) -> Result<&mut Self, OpenError> {
        absent()
    }
}

pub(crate) fn check_property(_: &str, _: &str) -> Result<(), String> {
    Err(ABSENT.to_owned())
}

/// A log that can't be.
#[derive(Debug)]
pub(crate) struct KafkaLog(Nothing);

impl KafkaLog {
    pub(crate) fn open(_: Options) -> Result<Arc<Self>, OpenError> {
        absent()
    }

    pub(crate) fn look(_: Options) -> Result<Arc<Self>, OpenError> {
        absent()
    }

    pub(crate) fn watch(&self, _: &[(Topic, Start)]) -> Result<Watch, OpenError> {
        match self.0 {}
    }

    pub(crate) fn contents(&self, _: &str) -> Result<Contents, OpenError> {
        match self.0 {}
    }

    pub(crate) fn hand_on<T: Take>(&self, _: &Contents, _: &mut T) -> Result<(), T::Error> {
        match self.0 {}
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        match self.0 {}
    }

    pub(crate) fn close(&self) {
        match self.0 {}
    }
}

impl Log for KafkaLog {
    fn publisher(&self) -> Arc<dyn Publish> {
        match self.0 {}
    }

    fn follow(&self, _: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
        match self.0 {}
    }

    fn work(&self, _: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
        match self.0 {}
    }

    fn partitions(&self, _: Topic) -> u32 {
        match self.0 {}
    }
}

/// Whether to stop making a log.
pub(crate) type StopImport = Arc<dyn Fn() -> bool + Send + Sync>;

/// A log that is to be made, and can't be.
#[derive(Debug)]
pub(crate) struct Import;

impl Import {
    pub(crate) fn new(_: Options, _: &str, _: bool, _: StopImport) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as the one that it stands in for")]
    pub(crate) fn finish(self) -> Result<u64, OpenError> {
        absent()
    }
}

impl Take for Import {
    type Error = OpenError;

    fn begin(&mut self, _: &Contents) -> Result<(), OpenError> {
        absent()
    }

    fn record(&mut self, _: Entry) -> Result<(), OpenError> {
        absent()
    }
}

/// What would be seen of a log.
#[derive(Debug)]
pub(crate) struct Watch(Nothing);

impl Watch {
    pub(crate) fn poll(&mut self, _: Duration) -> Result<Sightings, FollowError> {
        match self.0 {}
    }
}

#[allow(dead_code, reason = "nothing is seen, but in tests")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed,
    Aborted,
    Open,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) entry: Entry,
    pub(crate) fate: Fate,
    pub(crate) was_open: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Sightings {
    pub(crate) records: Vec<Sighting>,
    pub(crate) unfollowed: u64,
    pub(crate) behind: Option<Millis>,
}

pub(crate) type Judged = Result<Vec<String>, String>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicReport {
    pub(crate) topic: Topic,
    pub(crate) name: String,
    pub(crate) partitions: Option<u32>,
    pub(crate) wanted: u32,
    pub(crate) copies: u32,
    pub(crate) judged: Judged,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) topics: String,
    pub(crate) says: String,
    pub(crate) is_refusal: bool,
}

pub(crate) fn remarks(_: &[TopicReport]) -> Vec<Remark> {
    Vec::new()
}

pub(crate) fn topics(_: &Options) -> Result<Vec<TopicReport>, OpenError> {
    absent()
}

pub(crate) fn make_topics(_: &Options) -> Result<Vec<TopicReport>, OpenError> {
    absent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_a_kafka_is_told_in_one_sentence_that_there_is_none() {
        let options = || Options::new("localhost:9092", &[]);
        let refusals = [
            KafkaLog::open(options()).map(drop),
            KafkaLog::look(options()).map(drop),
            options().property("security.protocol", "SSL").map(drop),
            check_property("security.protocol", "SSL").map_err(OpenError::NotUsable),
            topics(&options()).map(drop),
            make_topics(&options()).map(drop),
            Import::new(options(), "", false, Arc::new(|| false)).finish().map(drop),
        ];
        for refusal in refusals {
            let why = refusal.unwrap_err().to_string();
            assert!(why.contains("without Apache Kafka") && why.contains("--log local:DIR"), "{why}");
            assert!(!why.contains('\n') && !why.contains("  "), "{why}");
        }
    }
}
