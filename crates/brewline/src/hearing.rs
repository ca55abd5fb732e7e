//! One topic, heard for as long as it is wanted, over everything that heals.

use std::{thread::sleep, time::Duration};

use eventlog::{Batch, Follow, FollowError, Log, OpenError, Start, Topic};
use jiff::Timestamp;

/// A topic that is heard. It begins anew by itself.
pub(crate) struct Hearing {
    topic: Topic,
    /// `None`: it can't be followed for now.
    follow: Option<Box<dyn Follow>>,
    /// Where it goes on then.
    start: Start,
}

impl Hearing {
    /// From now on, also if it can't be followed for now. A topic that is missing yet is heard whole when it is there.
    pub(crate) fn begin(log: &dyn Log, topic: Topic) -> Result<Self, OpenError> {
        let is_missing = log.partitions(topic) == 0;
        let now = Timestamp::now().as_millisecond();
        let start = if is_missing { Start::Beginning } else { Start::End };
        let mut hearing = Self { topic, follow: None, start };
        if !is_missing {
            hearing.open(log)?;
            // The end is elsewhere when it can be.
            hearing.start = Start::Time(now);
        }
        Ok(hearing)
    }

    /// What has come. Nothing also if there is nothing to hear for now; an error needs a person.
    pub(crate) fn poll(&mut self, log: &dyn Log, wait: Duration) -> Result<Batch, OpenError> {
        let Some(follow) = &mut self.follow else {
            sleep(wait);
            if log.partitions(self.topic) > 0 {
                match self.open(log) {
                    // It could once, and was said when it no longer could.
                    Err(OpenError::NotUsable(why)) => {
                        tracing::debug!(why, topic = self.topic, "still refused");
                    }
                    other => other?,
                }
            }
            return Ok(Batch::default());
        };
        let error = match follow.poll(wait) {
            Ok(batch) => return Ok(batch),
            Err(error) => error,
        };
        self.start = match &error {
            FollowError::Closed => return Err(OpenError::Closed),
            FollowError::Broken(why) => return Err(OpenError::Broken(why.clone())),
            FollowError::Gone { .. } | FollowError::MadeAnew { .. } => Start::Beginning,
            FollowError::Storage(_) | FollowError::Refused(_) => {
                if let FollowError::Refused(why) = &error {
                    // What was refused in the midst of it, such as a permission, can be given back.
                    tracing::warn!("{why}; it is tried again");
                }
                Start::Offsets(follow.positions().into_iter().map(|at| (at.partition, at.offset)).collect())
            }
        };
        tracing::info!(%error, topic = self.topic, "begins to be heard anew");
        self.follow = None;
        Ok(Batch::default())
    }

    fn open(&mut self, log: &dyn Log) -> Result<(), OpenError> {
        match log.follow(&[(self.topic, self.start.clone())]) {
            Ok(follow) => self.follow = Some(follow),
            // It heals, and is tried again.
            Err(OpenError::Storage(why)) => tracing::info!(why, topic = self.topic, "can't be heard for now"),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Instant,
    };

    use eventlog::{Partition, Publish, Record, Work, WorkSpec, local};
    use order::topic;

    use super::*;
    use crate::catalog;

    /// A log that can't be followed a few times.
    struct Moody {
        log: Arc<local::LocalLog>,
        refusals: AtomicU32,
    }

    impl Log for Moody {
        fn publisher(&self) -> Arc<dyn Publish> {
            self.log.publisher()
        }

        fn follow(&self, topics: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError> {
            let left = self.refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            if left.is_ok() {
                return Err(OpenError::Storage("a bad moment".to_owned()));
            }
            self.log.follow(topics)
        }

        fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError> {
            self.log.work(spec)
        }

        fn partitions(&self, topic: Topic) -> Partition {
            self.log.partitions(topic)
        }
    }

    #[test]
    fn what_comes_after_a_bad_moment_at_the_beginning_is_heard_and_what_was_before_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let options = local::Options::new(dir.path(), &catalog(Duration::from_hours(720)));
        let log = local::LocalLog::open(options).unwrap();
        let publish = |key: &'static str| {
            let written =
                log.publisher().publish(topic::EVENT, 0, Record::new(key, "{}"), Duration::from_mins(1));
            crate::block_on(written).unwrap().unwrap();
        };
        publish("before");
        // The time of the log is in milliseconds, and what is said at one of them is not before it.
        std::thread::sleep(Duration::from_millis(2));
        let moody = Moody { log: log.clone(), refusals: AtomicU32::new(2) };
        let mut hearing = Hearing::begin(&moody, topic::EVENT).unwrap();
        publish("while it can't be heard");
        let (mut heard, until) = (Vec::new(), Instant::now() + Duration::from_mins(1));
        while heard.is_empty() {
            assert!(Instant::now() < until, "nothing is heard");
            heard = hearing.poll(&moody, Duration::from_millis(10)).unwrap().entries;
        }
        let keys: Vec<_> = heard.iter().map(|entry| entry.record.key.as_deref().unwrap()).collect();
        assert_eq!(keys, [b"while it can't be heard"]);
    }
}
