//! Who is in the group. Its consumer reads nothing: what a member is given, a [`super::native::Reader`] reads.
//!
//! It subscribes to the first input alone: two subscribed topics are not shared out alike by cooperative-sticky
//! (seen: partition 2 of one went to one member, of the other to another).

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Offset as Wanted, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata},
    error::{KafkaError, RDKafkaErrorCode as Code},
    types::RDKafkaRespErr,
};

use super::{
    admin,
    bell::Bell,
    ears::{Ears, MOST, Trouble},
    failure::parts,
    gap::Watch,
    members, native,
    offsets::{Offsets, WITHIN},
    options::Options,
    revive::revive,
    shared::{Shared, lock},
    waiting::Waiting,
};
use crate::{OpenError, Partition, Topic, WorkError, WorkSpec};

/// How often a member says that it lives. A third of the shortest session time, at most.
const HEARTBEAT: Duration = Duration::from_millis(1_500);
/// How long leaving the group is waited for; after that it leaves in the background.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// After that time the group has forgotten a member that is silent: the session time, unless somebody sets another.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(6);
/// One step of waiting until a member has left.
const LEAVE_STEP: Duration = Duration::from_millis(10);

/// A membership.
pub(super) struct Group {
    shared: Arc<Shared>,
    name: String,
    waiting: Waiting,
    is_named: bool,
    _watch: Option<Watch>,
    /// What of its partitions is given out, as the cluster knows it.
    input: String,
    /// There until it is dropped.
    consumer: Option<BaseConsumer<Member>>,
}

/// What the group has decided.
#[derive(Debug)]
pub(super) enum Told {
    /// These are this member's from now on.
    Assigned(Vec<Partition>),
    /// These were handed back.
    Revoked(Vec<Partition>),
    /// These were taken away.
    Lost(Vec<Partition>),
}

impl Group {
    /// Joins, without waiting. The bell rings when the group has something to say.
    pub(super) fn join(shared: &Arc<Shared>, spec: &WorkSpec, bell: &Arc<Bell>) -> Result<Self, OpenError> {
        let name = shared.options.prefixed(&spec.group);
        let input = shared.options.prefixed(spec.inputs.first().copied().unwrap_or_default());
        let instance = spec.instance.as_ref().map(|instance| shared.options.prefixed(instance));
        let (mut consumer, session) = member(shared, &name, instance.as_deref())?;
        let rung = bell.clone();
        consumer.set_nonempty_callback(move || rung.ring());
        subscribe(shared, &consumer, &name, &input)?;
        let waiting = Waiting::new(session.as_deref());
        let is_named = instance.is_some();
        let watch = instance.and_then(|_| Watch::start(shared, &name, spec.inputs.first().copied()?));
        Ok(Self {
            shared: shared.clone(),
            name,
            waiting,
            is_named,
            _watch: watch,
            input,
            consumer: Some(consumer),
        })
    }

    fn consumer(&self) -> &BaseConsumer<Member> {
        self.consumer.as_ref().expect("it is taken only when the group is dropped")
    }

    /// What the group has decided since, without waiting.
    pub(super) fn hear(&mut self) -> Result<VecDeque<Told>, WorkError> {
        for _ in 0..MOST {
            let consumer = self.consumer();
            match consumer.poll(Duration::ZERO) {
                // It heard something and kept it, or there was nothing.
                None if !native::has_news(consumer.client()) => break,
                // A record was fetched before the pause.
                None | Some(Ok(_)) => {}
                Some(Err(error)) => {
                    let (code, _) = parts(&error);
                    self.check(code)?;
                }
            }
        }
        let consumer = self.consumer();
        revive(consumer.client(), &consumer.context().ears);
        Ok(std::mem::take(&mut *lock(&consumer.context().told)))
    }

    /// Whether everyone in the group is ours, now that this is.
    pub(super) fn check_members(&self) -> Result<(), WorkError> {
        members::check(&self.shared, &self.name)?;
        self.shared.forget_strangers(&self.name);
        Ok(())
    }

    /// The group's name for this member; empty if it has none now.
    pub(super) fn member_id(&self) -> String {
        native::member_id(self.consumer().client())
    }

    /// Whether an error ends the session. Most heal, and librdkafka tries again by itself.
    fn check(&mut self, code: Code) -> Result<(), WorkError> {
        if self.consumer().client().fatal_error().is_some() {
            // Its name has joined again. Whose that was is seen before this process joins again: see `claim`.
            return Err(WorkError::Fenced);
        }
        if code == Code::InconsistentGroupProtocol {
            return Err(members::strangers(&self.shared, &self.name).into());
        }
        let trouble = self.consumer().context().ears.take();
        let said = match code {
            Code::InvalidSessionTimeout => admin::session_times(&self.shared.options, &self.shared.probe),
            _ => trouble.as_ref().map(|trouble| trouble.said.clone()).unwrap_or_default(),
        };
        let failed = self.shared.failed(&format!("work in group {}", self.name), code, &said);
        if !failed.heals {
            return Err(failed.into());
        }
        self.waiting.hear(match trouble {
            // Why says more than that all of them are down.
            Some(trouble) if code == Code::AllBrokersDown => trouble,
            _ => Trouble { code, said },
        });
        Ok(())
    }

    /// Says once that this has waited long to be let in. The rest of the line may well go on without it.
    pub(super) fn tell_of_wait(&mut self) {
        if self.is_member() {
            self.waiting.end();
        } else if let Some((waited, why)) = self.waiting.is_long() {
            let (name, brokers) = (&self.name, &self.shared.options.brokers);
            let tried = format!("get into group {name}");
            let silent = || self.shared.silent().map(|_| (Code::OperationTimedOut, ""));
            let sentence = match why.map(|why| (why.code, &*why.said)).or_else(silent) {
                Some((code, said)) => self.shared.failed(&tried, code, said).sentence,
                None => format!(
                    "cannot {tried} on Kafka at {brokers}: nobody says why; see who is in it (kafka-consumer-groups.sh \
                     --bootstrap-server {brokers} --describe --group {name} --members)"
                ),
            };
            tracing::warn!("has waited {} s, and tries on: {sentence}", waited.as_secs());
        }
    }

    /// Whether this is a member of the present generation, as far as it knows, and its share was not taken away.
    pub(super) fn is_member(&self) -> bool {
        self.generation().is_some()
    }

    /// Which generation that is.
    pub(super) fn generation(&self) -> Option<i32> {
        native::generation(self.consumer().client()).filter(|_| !self.consumer().assignment_lost())
    }

    /// What a transaction's positions are sent with: the brokers refuse them to whoever is no member any more.
    pub(super) fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer().group_metadata().filter(|_| self.is_member())
    }

    /// Nobody, and a position, for a transaction that is to be taken back: by it the group's own partition is part
    /// of it. Of a consumer without an instance's name: a broker takes whoever has one for a member, and refuses it
    /// before it has joined.
    pub(super) fn as_nobody(&self) -> Option<(ConsumerGroupMetadata, TopicPartitionList)> {
        let mut config = self.shared.options.client(&[], &[("group.protocol", "classic")]);
        let consumer: BaseConsumer = config.set("group.id", &self.name).create().ok()?;
        let nobody = consumer.group_metadata();
        leave(consumer, LEAVE_WITHIN);
        let mut position = TopicPartitionList::new();
        position.add_partition_offset(&self.input, 0, Wanted::Offset(0)).ok()?;
        Some((nobody?, position))
    }

    /// Where the group last committed. Partitions of which that is not known are not among them.
    pub(super) fn committed(&self, partition: Partition, topics: &[Topic]) -> Result<Offsets, WorkError> {
        let tried = format!("ask where group {} is", self.name);
        let failed = |error: KafkaError| WorkError::from(self.shared.failed_with(&tried, &error));
        let mut list = TopicPartitionList::new();
        let number = i32::try_from(partition).unwrap_or(i32::MAX);
        for topic in topics {
            list.add_partition(&self.shared.options.prefixed(topic), number);
        }
        let list = self.consumer().committed_offsets(list, WITHIN).map_err(failed)?;
        let mut offsets = Offsets::new();
        for topic in topics {
            let Some(found) = list.find_partition(&self.shared.options.prefixed(topic), number) else {
                continue;
            };
            found.error().map_err(failed)?;
            if let Wanted::Offset(offset) = found.offset()
                && offset >= 0
            {
                offsets.insert((*topic, partition), offset.unsigned_abs());
            }
        }
        Ok(offsets)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        match self.consumer.take() {
            // The group keeps its share for whoever comes next with its name.
            Some(consumer) if self.is_named => leave(consumer, LEAVE_WITHIN),
            Some(consumer) => leave_at_once(consumer),
            None => {}
        }
    }
}

/// A consumer of a group that it has not joined yet, and its session time in ms.
pub(super) fn member(
    shared: &Shared,
    name: &str,
    instance: Option<&str>,
) -> Result<(BaseConsumer<Member>, Option<String>), OpenError> {
    let mut config = shared.options.client(
        &[
            // The shortest that a broker allows by default: so long nobody works on what a dead one had.
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", &HEARTBEAT.as_millis().to_string()),
        ],
        &[
            ("group.protocol", "classic"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            ("allow.auto.create.topics", "false"),
            // Positions of a transaction that is still open are waited for, not passed over.
            ("isolation.level", "read_committed"),
            ("client.id", &members::client_id(&shared.process)),
            // It is to read nothing; what it fetches before it is paused is little.
            ("queued.min.messages", "1"),
            ("fetch.max.bytes", "1048576"),
        ],
    );
    config.set("group.id", name);
    if let Some(instance) = instance {
        config.set("group.instance.id", instance);
    }
    let consumer = config.create_with_context(Member::new(&shared.options));
    let consumer = consumer.map_err(|error| shared.failed_with(&format!("join group {name}"), &error))?;
    Ok((consumer, config.get("session.timeout.ms").map(str::to_owned)))
}

/// Joins, without waiting.
pub(super) fn subscribe(
    shared: &Shared,
    consumer: &BaseConsumer<Member>,
    name: &str,
    input: &str,
) -> Result<(), OpenError> {
    let joined = consumer.subscribe(&[input]);
    Ok(joined.map_err(|error| shared.failed_with(&format!("join group {name}"), &error))?)
}

/// Ends a member without a name, and says so to the group. Closing alone does not, if it has no partition or is about to
/// get its share (librdkafka 2.12.1, `rd_kafka_cgrp_assignment_done`): the group would wait for it when it shares out, until
/// its session time is over.
pub(super) fn leave_at_once(consumer: BaseConsumer<Member>) {
    end(consumer, LEAVE_WITHIN, |consumer| {
        consumer.unsubscribe();
        // That waits for the end of a rebalance. Whoever has told the group has no name in it any more.
        let until = Instant::now() + FORGOTTEN_AFTER;
        while !native::member_id(consumer.client()).is_empty() && Instant::now() < until {
            // What it has to say now is for nobody.
            let _ = consumer.poll(LEAVE_STEP);
        }
    });
}

/// Ends a consumer of a group. Without the broker that takes as long as librdkafka likes: after this time in the
/// background.
pub(super) fn leave<C: ConsumerContext + 'static>(consumer: BaseConsumer<C>, within: Duration) {
    end(consumer, within, |_| {});
}

fn end<C: ConsumerContext + 'static>(
    consumer: BaseConsumer<C>,
    within: Duration,
    before: impl FnOnce(&BaseConsumer<C>) + Send + 'static,
) {
    let (left, has_left) = mpsc::channel::<()>();
    let leave = std::thread::Builder::new().name("kafka-leave".to_owned()).spawn(move || {
        before(&consumer);
        drop(consumer);
        drop(left);
    });
    // Without a thread it was dropped here.
    if leave.is_ok() && has_left.recv_timeout(within) == Err(RecvTimeoutError::Timeout) {
        tracing::debug!("leaving a group takes long");
    }
}

/// Hears what the group decides.
#[derive(Debug)]
pub(super) struct Member {
    ears: Ears,
    told: Mutex<VecDeque<Told>>,
}

impl Member {
    fn new(options: &Options) -> Self {
        Self { ears: Ears::new(options), told: Mutex::default() }
    }
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, said: &str) {
        Ears::note(level, facility, said);
    }

    fn error(&self, error: KafkaError, said: &str) {
        self.ears.hear(&error, said);
    }
}

impl ConsumerContext for Member {
    /// Does at once what the group says: one that puts off its unassign hangs when it is closed.
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<_> =
            list.elements().iter().filter_map(|place| Partition::try_from(place.partition()).ok()).collect();
        let (done, told) = if error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            // From the end, so that nobody looks up positions for what is never read.
            let assigned = list.set_all_offsets(Wanted::End);
            let assigned = assigned.and_then(|()| consumer.incremental_assign(list));
            (assigned.and_then(|()| consumer.pause(list)), Told::Assigned(partitions))
        } else if consumer.assignment_lost() {
            (consumer.incremental_unassign(list), Told::Lost(partitions))
        } else {
            (consumer.incremental_unassign(list), Told::Revoked(partitions))
        };
        if let Err(error) = done {
            tracing::warn!(%error, "librdkafka does not do what the group says");
        }
        lock(&self.told).push_back(told);
    }
}
