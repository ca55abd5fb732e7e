//! All that a log on a cluster has at one moment, record by record.
//!
//! One moment: the ends of all partitions are asked for twice, and in between where what is committed ends. If all three
//! say the same, nothing was written while they were asked, and no transaction was open: there they can be cut without
//! taking a part of one. While something is written all the time there is no such moment, and whoever asks is told.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rdkafka::{
    Offset as Wanted, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::{
    KafkaLog,
    ears::Ears,
    offsets::{Ask, Offsets, ask},
    shared::Failed,
};
use crate::{
    FollowError, Log as _, Millis, Offset, OpenError, Partition, Start, Topic,
    transfer::{Contents, GroupPosition, Span, Take},
};

/// How long such a moment is waited for: longer than a dead barista's transaction may be open.
const QUIET_WITHIN: Duration = Duration::from_secs(20);
/// Between two tries; nothing tells of such a moment.
const AGAIN: Duration = Duration::from_millis(20);
/// How long the brokers may have nothing to say.
const SILENCE: Duration = Duration::from_secs(30);

impl KafkaLog {
    /// What there is now, and where `group` goes on: so that no transaction is cut in two.
    ///
    /// # Errors
    /// [`OpenError::NotUsable`] if there is no topic, or if something is written all the time.
    pub fn contents(&self, group: &str) -> Result<Contents, OpenError> {
        let places: Vec<_> = self
            .shared
            .topics
            .iter()
            .flat_map(|known| (0..known.partitions()).map(|partition| (known.spec.name, partition)))
            .collect();
        if places.is_empty() {
            return Err(OpenError::NotUsable(format!(
                "there is no topic {} on Kafka at {}; say --prefix if the line has one",
                self.shared.options.prefixed(self.shared.topics.first().map_or("", |known| known.spec.name)),
                self.shared.options.brokers
            )));
        }
        let groups = self.positions_of(group, &places)?;
        let ends = self.ends(&places)?;
        let starts = ask(&self.shared, &self.shared.probe, &places, Ask::Beginning)?;
        let span = |&(topic, partition): &(Topic, Partition)| Span {
            topic,
            partition,
            start: starts.get(&(topic, partition)).copied().unwrap_or_default(),
            end: ends.get(&(topic, partition)).copied().unwrap_or_default(),
            newest: None,
        };
        let cluster = self.shared.probe.client().fetch_cluster_id(Duration::from_secs(5)).unwrap_or_default();
        Ok(Contents {
            log: format!("kafka:{cluster}/{}", self.shared.options.prefix),
            made_at: now(),
            spans: places.iter().map(span).collect(),
            groups,
        })
    }

    fn ends(&self, places: &[(Topic, Partition)]) -> Result<Offsets, OpenError> {
        let options = &self.shared.options;
        let committed: BaseConsumer<Ears> = options
            .asker()
            .create_with_context(Ears::new(options))
            .map_err(|error| self.shared.failed_with("ask where its topics end", &error))?;
        let deadline = Instant::now() + QUIET_WITHIN;
        loop {
            let before = ask(&self.shared, &self.shared.probe, places, Ask::End)?;
            let visible = ask(&self.shared, &committed, places, Ask::End)?;
            let after = ask(&self.shared, &self.shared.probe, places, Ask::End)?;
            if before == after && before == visible {
                return Ok(after);
            }
            if Instant::now() >= deadline {
                return Err(OpenError::NotUsable(format!(
                    "something is written to the topics on Kafka at {} all the time, and so there is no moment at which all of \
                     them could be cut; stop the counters, wait until the baristas have read what there is, and try again",
                    options.brokers
                )));
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Where a group goes on in each of these, if that is known.
    fn positions_of(
        &self,
        group: &str,
        places: &[(Topic, Partition)],
    ) -> Result<Vec<GroupPosition>, OpenError> {
        let options = &self.shared.options;
        let name = options.prefixed(group);
        let failed = |error: &_| -> Failed {
            self.shared.failed_with(&format!("ask where group {name} goes on"), error)
        };
        let mut config = options.asker();
        config.set("group.id", &name).set("group.protocol", "classic").set("enable.auto.commit", "false");
        let consumer: BaseConsumer<Ears> =
            config.create_with_context(Ears::new(options)).map_err(|error| failed(&error))?;
        let mut list = TopicPartitionList::with_capacity(places.len());
        for (topic, partition) in places {
            list.add_partition(&options.prefixed(topic), i32::try_from(*partition).unwrap_or(i32::MAX));
        }
        let told = consumer.committed_offsets(list, SILENCE).map_err(|error| failed(&error))?;
        let mut positions = Vec::new();
        for (topic, partition) in places {
            let number = i32::try_from(*partition).unwrap_or(-1);
            let found = told.find_partition(&options.prefixed(topic), number);
            if let Some(Wanted::Offset(offset)) = found.map(|found| found.offset())
                && let Ok(offset) = Offset::try_from(offset)
            {
                let group = group.to_owned();
                positions.push(GroupPosition { group, topic, partition: *partition, offset });
            }
        }
        Ok(positions)
    }

    /// Hands on what there was, topic by topic: everything committed that stands in the spans of `contents`, which this
    /// log's [`KafkaLog::contents`] gave. The partitions of a topic come side by side.
    ///
    /// # Errors
    /// [`OpenError::Storage`] if it can't be read to its end, the taker's own.
    pub fn hand_on<T: Take>(&self, contents: &Contents, take: &mut T) -> Result<(), T::Error> {
        take.begin(contents)?;
        let mut topics: Vec<Topic> = contents.spans.iter().map(|span| span.topic).collect();
        topics.dedup();
        for topic in topics {
            let spans = contents.spans.iter().filter(|span| span.topic == topic && span.start < span.end);
            let mut left: BTreeMap<Partition, Span> = spans.map(|span| (span.partition, *span)).collect();
            if left.is_empty() {
                continue;
            }
            let starts = left.values().map(|span| (span.partition, span.start)).collect();
            let mut follow = self.follow(&[(topic, Start::Offsets(starts))])?;
            let mut heard = Instant::now();
            while !left.is_empty() {
                let batch = follow.poll(Duration::from_secs(1)).map_err(|error| unread(topic, error))?;
                if !batch.entries.is_empty() {
                    heard = Instant::now();
                }
                for entry in batch.entries {
                    if left.get(&entry.partition).is_some_and(|span| entry.offset < span.end) {
                        take.record(entry)?;
                    }
                }
                // Behind the last record stand marks of transactions, which nobody hands out.
                for position in follow.positions() {
                    if left.get(&position.partition).is_some_and(|span| position.offset >= span.end) {
                        left.remove(&position.partition);
                    }
                }
                if heard.elapsed() > SILENCE {
                    let why = format!(
                        "topic {topic} could not be read to its end: nothing came for {SILENCE:?}; try again"
                    );
                    return Err(OpenError::Storage(why).into());
                }
            }
        }
        Ok(())
    }
}

fn unread(topic: Topic, error: FollowError) -> OpenError {
    match error {
        FollowError::Closed => OpenError::Closed,
        FollowError::Broken(why) => OpenError::Broken(why),
        FollowError::Refused(why) => OpenError::NotUsable(why),
        FollowError::Storage(why) => OpenError::Storage(why),
        gone @ (FollowError::Gone { .. } | FollowError::MadeAnew { .. }) => {
            OpenError::Storage(format!("topic {topic} was changed while it was read ({gone}); try again"))
        }
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
