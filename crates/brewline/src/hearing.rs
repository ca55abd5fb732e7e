//! One topic, heard for as long as it is wanted, over everything that heals.

use std::{thread::sleep, time::Duration};

use eventlog::{Batch, Follow, FollowError, Log, OpenError, Start, Topic};

/// A topic that is heard. It begins anew by itself.
pub(crate) struct Hearing {
    topic: Topic,
    /// `None`: it can't be followed for now.
    follow: Option<Box<dyn Follow>>,
    /// Where it goes on then.
    start: Start,
}

impl Hearing {
    /// From now on. A topic that is missing yet is heard whole when it is there.
    pub(crate) fn begin(log: &dyn Log, topic: Topic) -> Result<Self, OpenError> {
        let is_missing = log.partitions(topic) == 0;
        let start = if is_missing { Start::Beginning } else { Start::End };
        let mut hearing = Self { topic, follow: None, start };
        if !is_missing {
            hearing.open(log)?;
        }
        Ok(hearing)
    }

    /// What has come. Nothing also if there is nothing to hear for now; an error needs a person.
    pub(crate) fn poll(&mut self, log: &dyn Log, wait: Duration) -> Result<Batch, OpenError> {
        let Some(follow) = &mut self.follow else {
            sleep(wait);
            if log.partitions(self.topic) > 0 {
                self.open(log)?;
            }
            return Ok(Batch::default());
        };
        let error = match follow.poll(wait) {
            Ok(batch) => return Ok(batch),
            Err(error) => error,
        };
        self.start = match error {
            FollowError::Closed => return Err(OpenError::Closed),
            FollowError::Broken(why) => return Err(OpenError::Broken(why)),
            FollowError::Gone { .. } | FollowError::MadeAnew { .. } => Start::Beginning,
            FollowError::Storage(_) => {
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
