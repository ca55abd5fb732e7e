//! Transactions: everything that is written and how far was read, as one.

use std::{
    collections::BTreeSet,
    ffi::CStr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message as _, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError, RDKafkaErrorCode as Code},
    producer::{BaseProducer, DeliveryResult, Producer as _, ProducerContext, PurgeConfig},
};

use super::{
    MESSAGE_MAX_BYTES,
    ears::{Ears, MOST},
    failure::parts,
    group::Group,
    native,
    options::Options,
    revive::revive,
    settle::{self, Place, Plan},
    shared::{Failed, Shared, lock},
};
use crate::{CommitError, Partition, Reason, Record, Topic, WorkError};

/// How long a transaction may be open. A dead worker's hides what comes after it for as long, and up to how often
/// the brokers look for such (`transaction.abort.timed.out.transaction.cleanup.interval.ms`) on top.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(6);
/// How long the answer to the last step is waited for; without one nobody knows.
const COMMIT_WITHIN: Duration = Duration::from_secs(8);
/// How long a transaction that failed is tried to be taken back, so that nothing hides behind it.
const ABORT_WITHIN: Duration = Duration::from_secs(2);
/// How long the first word with the brokers is waited for, which takes back what an earlier session left open.
const BEGIN_WITHIN: Duration = Duration::from_secs(10);
/// The brokers answer the end of a transaction before they write its marks. As long after it a session that ends leaves
/// its last transaction to be looked after, whatever it ends of: one that was paused, and not lost, may have been about
/// to write them.
const LOOKED_AFTER: Duration = Duration::from_mins(1);
/// How often a mark that can't be seen yet is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// One step of waiting, between looks whether a record has failed. A flush that succeeds ends at once.
const STEP: Duration = Duration::from_millis(50);

/// Why a transaction was not committed.
pub(super) enum Uncommitted {
    /// The group has another generation than the one that was heard of. Everything was taken back.
    Outdated,
    Failed(CommitError),
}

impl From<CommitError> for Uncommitted {
    fn from(error: CommitError) -> Self {
        Self::Failed(error)
    }
}

/// Writes the transactions of one session.
pub(super) struct Writer {
    shared: Arc<Shared>,
    producer: BaseProducer<Outcome>,
    /// The transactional id.
    name: String,
    /// The topic of the state.
    state: Topic,
    /// Whether the brokers know it, and have shut out whoever had its name before.
    known: bool,
    /// When the end of the last transaction was answered; `None`: it was not.
    answered: Option<Instant>,
}

impl Writer {
    /// `name` is the transactional id: the brokers let only the last one in with it.
    pub(super) fn new(shared: &Arc<Shared>, name: &str, state: Topic) -> Result<Self, Failed> {
        let timeout = TRANSACTION_TIMEOUT.as_millis().to_string();
        let limit = MESSAGE_MAX_BYTES.to_string();
        let mut config = shared.options.client(
            &[
                ("queue.buffering.max.messages", "200000"),
                ("queue.buffering.max.kbytes", "262144"),
                // Gathers a transaction's records into few large requests. The flush at its end waits for no linger.
                ("linger.ms", "100"),
                ("batch.num.messages", "100000"),
            ],
            &[
                ("transactional.id", name),
                ("transaction.timeout.ms", &timeout),
                ("message.timeout.ms", &timeout),
                ("acks", "all"),
                ("enable.idempotence", "true"),
                ("message.max.bytes", &limit),
                // What succeeds is not reported: then the flush has nobody to wait for but the brokers.
                ("delivery.report.only.error", "true"),
            ],
        );
        // Of a broker that is lost while nothing is asked of it librdkafka says no more than a line of this kind.
        if !matches!(config.log_level, RDKafkaLogLevel::Debug) {
            config.set_log_level(RDKafkaLogLevel::Info);
        }
        let producer = config.create_with_context(Outcome::new(&shared.options));
        let producer = producer.map_err(|error| shared.failed_with("begin to commit", &error))?;
        Ok(Self {
            shared: shared.clone(),
            producer,
            name: name.to_owned(),
            state,
            known: false,
            answered: None,
        })
    }

    /// The transactional id.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether an earlier session with this name may have left something open.
    pub(super) fn has_predecessor(&self) -> bool {
        !self.known && self.shared.left(&self.name).is_some()
    }

    /// Makes itself known to the brokers, once. Before any state is read: what an earlier session left open would
    /// hide it.
    pub(super) fn introduce(&mut self, group: &Group) -> Result<(), WorkError> {
        let deadline = Instant::now() + BEGIN_WITHIN;
        while !self.known {
            if self.shared.is_closed() {
                return Err(WorkError::Closed);
            }
            match self.producer.init_transactions(Duration::from_secs(1)) {
                Ok(()) => {
                    self.settle(group, deadline)?;
                    self.known = true;
                }
                Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < deadline => {
                    self.hear();
                }
                Err(error) => {
                    let failed =
                        self.shared.failed_with(&format!("begin a transaction as {}", self.name), &error);
                    return Err(failed.into());
                }
            }
        }
        Ok(())
    }

    /// Brings the last transaction of an earlier session to one end in all places: see [`settle`]. By the brokers'
    /// word it has ended, since they let this one in.
    fn settle(&self, group: &Group, deadline: Instant) -> Result<(), WorkError> {
        let Some(mut lasts) = self.shared.left(&self.name) else { return Ok(()) };
        let failed = |error: CommitError| {
            let heals = !matches!(error, CommitError::Fatal(_));
            let sentence = format!("what the last session left open can't be brought to its end: {error}");
            WorkError::from(Failed { sentence, heals })
        };
        let nobody = group.as_nobody().ok_or_else(|| {
            let sentence = "no client could be made to look after the last session's positions".to_owned();
            WorkError::from(Failed { sentence, heals: true })
        })?;
        // The older one first: what came after it was decided on it.
        for at in 0..lasts.len() {
            let mut plan = self.plan(&lasts[at], deadline)?;
            loop {
                if !plan.anew.is_empty() {
                    lasts[at].note_taken_back(&plan.take_back);
                    self.shared.leave(&self.name, lasts.clone());
                }
                let last = &lasts[at];
                // Where the group has its positions nobody can look: they are taken back in any case, since those that
                // count stand in the state.
                self.take_back_all(last, &plan.take_back, &nobody, deadline).map_err(failed)?;
                if plan.is_empty() {
                    break;
                }
                if !plan.anew.is_empty() {
                    self.write_anew(last, &plan, deadline).map_err(failed)?;
                    tracing::info!("a transaction, of which a broker had lost a part, is whole again");
                }
                // The brokers begin no other one before each mark of these is written, or was forgotten as well.
                self.take_back_all(last, &BTreeSet::new(), &nobody, deadline).map_err(failed)?;
                plan = self.plan(&lasts[at], deadline)?;
            }
        }
        self.shared.forget_left(&self.name);
        tracing::debug!("what the last session may have left open has come to its end");
        Ok(())
    }

    fn plan(&self, last: &settle::Last, deadline: Instant) -> Result<Plan, WorkError> {
        loop {
            let marks = settle::look(&self.shared, last, deadline)?;
            if let Some(plan) = last.plan(&marks, self.state) {
                return Ok(plan);
            }
            if Instant::now() + LOOK_AGAIN >= deadline {
                // What hides it may do so for ever, and then nobody sees what is behind it.
                return Ok(last.plan(&marks.without_unseen(), self.state).unwrap_or_default());
            }
            // Somebody else's transaction ends, which nothing tells us of: short, and bounded by the deadline.
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// A transaction in the same places that is taken back takes along what is open there: it has the same producer
    /// id.
    fn take_back_all(
        &self,
        last: &settle::Last,
        places: &BTreeSet<Place>,
        (nobody, position): &(ConsumerGroupMetadata, TopicPartitionList),
        deadline: Instant,
    ) -> Result<(), CommitError> {
        self.producer.begin_transaction().map_err(|error| self.error(&error))?;
        let records = places.iter().filter_map(|&(topic, partition)| {
            Some((self.shared.topic(topic)?.name.as_c_str(), partition, last.first((topic, partition))?))
        });
        self.write(records, deadline)?;
        self.send_to(position, nobody, deadline).map_err(|error| self.unsent(position, &error))?;
        let left = deadline.saturating_duration_since(Instant::now());
        self.producer.abort_transaction(left).map_err(|error| self.error(&error))
    }

    /// No member of the group is asked for: nobody else writes what is written here, as long as its state is hidden.
    fn write_anew(&self, last: &settle::Last, plan: &Plan, deadline: Instant) -> Result<(), CommitError> {
        self.producer.begin_transaction().map_err(|error| self.error(&error))?;
        let records = plan.anew.iter().filter_map(|at| {
            let (topic, partition, record) = last.record(*at)?;
            Some((self.shared.topic(topic)?.name.as_c_str(), *partition, record))
        });
        self.write(records, deadline)?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.producer.commit_transaction(left) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) if error.is_retriable() && !left.is_zero() => {}
                Err(error) => return Err(self.error(&error)),
            }
        }
    }

    /// Whether a mark of the last transaction may be missing, and the session must not go on until it is seen: a broker
    /// was lost since it began, however long ago.
    pub(super) fn may_be_open(&self) -> bool {
        self.has_lost() || self.answered.is_none()
    }

    /// Whether whoever comes next is to look after it: a session that never began any leaves nothing.
    pub(super) fn leaves_something(&self) -> bool {
        self.known && (self.may_be_open() || self.answered.is_some_and(|at| at.elapsed() < LOOKED_AFTER))
    }

    /// Its marks were seen.
    pub(super) fn note_marks(&self) {
        self.producer.context().has_lost.store(false, Ordering::Relaxed);
    }

    /// Lets the producer say what it has to say: what nobody hears is kept.
    pub(super) fn hear(&self) {
        for _ in 0..MOST {
            if !native::has_news(self.producer.client()) {
                break;
            }
            self.producer.poll(Duration::ZERO);
        }
        revive(self.producer.client(), &self.producer.context().ears);
    }

    /// Commits, or takes everything back. `group` is asked who it is after the last record was written: whoever
    /// lost a partition before that is refused, and so is who is a member of another generation than `heard`.
    ///
    /// `again`: the same was taken back a moment ago. If a broker was lost since, a mark of that may be missing, and what
    /// is committed now would take it along: it is taken back as well, and the next session sees what became of it.
    pub(super) fn commit<'a>(
        &mut self,
        records: impl Iterator<Item = (&'a CStr, Partition, &'a Record)>,
        positions: &TopicPartitionList,
        group: &Group,
        heard: Option<i32>,
        again: bool,
    ) -> Result<(), Uncommitted> {
        self.introduce(group).map_err(session_ended)?;
        lock(&self.producer.context().failed).take();
        if !again {
            self.producer.context().has_lost.store(false, Ordering::Relaxed);
        }
        self.answered = None;
        self.producer.begin_transaction().map_err(|error| self.error(&error))?;
        let deadline = Instant::now() + COMMIT_WITHIN;
        let written = self.write(records, deadline).map_err(Uncommitted::from);
        let written = written.and_then(|()| self.send(positions, group, heard, deadline));
        let is_safe = || if again && self.has_lost() { Err(CommitError::Fenced.into()) } else { Ok(()) };
        let written = written.and_then(|()| is_safe());
        match written {
            Ok(()) => Ok(self.end(deadline)?),
            Err(error) => {
                self.take_back();
                Err(error)
            }
        }
    }

    /// Whether a broker was lost since the last transaction began, or its marks were seen.
    fn has_lost(&self) -> bool {
        self.hear();
        self.producer.context().has_lost.load(Ordering::Relaxed)
    }

    fn write<'a>(
        &self,
        records: impl Iterator<Item = (&'a CStr, Partition, &'a Record)>,
        deadline: Instant,
    ) -> Result<(), CommitError> {
        for (topic, partition, record) in records {
            while let Err((code, ())) = native::produce(self.producer.client(), topic, partition, record, ())
            {
                if code != Code::QueueFull {
                    return Err(self.error_of("commit a transaction", code, ""));
                }
                self.wait(deadline)?;
            }
        }
        while !self.wait(deadline)? {}
        self.check()
    }

    /// Waits a step for what is on its way; true if nothing is any more.
    fn wait(&self, deadline: Instant) -> Result<bool, CommitError> {
        let done = native::flush(&self.producer, STEP);
        // Serves the reports of what has failed, which count as on their way until then.
        self.hear();
        self.check()?;
        if self.shared.is_closed() {
            return Err(CommitError::Aborted(Reason::Closed));
        }
        if !done && Instant::now() >= deadline {
            return Err(CommitError::Aborted(Reason::Deadline));
        }
        Ok(done)
    }

    /// Whether a record has failed.
    fn check(&self) -> Result<(), CommitError> {
        let failed = lock(&self.producer.context().failed).clone();
        match failed {
            // Thrown away, because the transaction can't be committed any more; whoever tries to is told why.
            Some((Code::PurgeQueue | Code::PurgeInflight, _)) => {
                Err(match self.producer.commit_transaction(Duration::from_secs(1)) {
                    Err(error) => match lock(&self.producer.context().refused).take() {
                        Some(topic) => self.error_at(&format!("write to topic {topic}"), &error),
                        None => self.error(&error),
                    },
                    // It was committed after all, or nothing of it was: the log tells.
                    Ok(()) => CommitError::Aborted(Reason::Storage(
                        "nobody knows whether the transaction was committed".to_owned(),
                    )),
                })
            }
            Some((code, topic)) => Err(self.error_of(&format!("write to topic {topic}"), code, "")),
            None => Ok(()),
        }
    }

    fn send(
        &self,
        positions: &TopicPartitionList,
        group: &Group,
        heard: Option<i32>,
        deadline: Instant,
    ) -> Result<(), Uncommitted> {
        // Fresh, for it changes with every rebalance; and refused here if it is nobody's: the brokers take an
        // empty list, and positions of no member, without a word.
        let Some(member) = group.metadata() else { return Err(CommitError::Fenced.into()) };
        // Asked for after it: they only rise, so this is the one that it has.
        match group.generation() {
            None => return Err(CommitError::Fenced.into()),
            generation if generation != heard => return Err(Uncommitted::Outdated),
            _ if positions.count() == 0 => return Ok(()),
            _ => {}
        }
        self.send_to(positions, &member, deadline).map_err(|error| match parts(&error).0 {
            Code::IllegalGeneration => Uncommitted::Outdated,
            _ => self.unsent(positions, &error).into(),
        })
    }

    fn send_to(
        &self,
        positions: &TopicPartitionList,
        member: &ConsumerGroupMetadata,
        deadline: Instant,
    ) -> Result<(), KafkaError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.producer.send_offsets_to_transaction(positions, member, left) {
                Err(KafkaError::Transaction(error)) if error.is_retriable() && !left.is_zero() => {}
                done => return done,
            }
        }
    }

    fn unsent(&self, positions: &TopicPartitionList, error: &KafkaError) -> CommitError {
        let topics: BTreeSet<_> = positions.elements().iter().map(|place| place.topic().to_owned()).collect();
        let topics: Vec<_> = topics.into_iter().collect();
        self.error_at(&format!("commit positions in {}", topics.join(" and ")), error)
    }

    fn end(&mut self, deadline: Instant) -> Result<(), CommitError> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.producer.commit_transaction(left) {
                Ok(()) => {
                    self.answered = Some(Instant::now());
                    return Ok(());
                }
                Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                    let error = self.error(&KafkaError::Transaction(error));
                    self.take_back();
                    return Err(error);
                }
                Err(KafkaError::Transaction(error)) if error.is_retriable() && !left.is_zero() => {}
                // Nobody knows, and this librdkafka can't find out: the session ends, and with it this producer.
                Err(error) => return Err(self.error(&error)),
            }
        }
    }

    /// Takes the transaction back, so that it hides nothing. What is still on its way goes first: an abort would
    /// wait for it until it times out.
    fn take_back(&mut self) {
        let deadline = Instant::now() + ABORT_WITHIN;
        self.producer.purge(PurgeConfig::default().queue().inflight());
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            self.producer.poll(Duration::from_millis(1));
        }
        match self.producer.abort_transaction(deadline.saturating_duration_since(Instant::now())) {
            Ok(()) => self.answered = Some(Instant::now()),
            // The brokers do it when its time is over.
            Err(error) => tracing::debug!(%error, "the transaction could not be taken back"),
        }
    }

    fn error(&self, error: &KafkaError) -> CommitError {
        self.error_at("commit a transaction", error)
    }

    fn error_at(&self, tried: &str, error: &KafkaError) -> CommitError {
        let (code, said) = parts(error);
        self.error_of(tried, code, &said)
    }

    fn error_of(&self, tried: &str, code: Code, said: &str) -> CommitError {
        // Of a producer that can't go on, and of records that were thrown away because of it, what it first failed
        // of says more.
        let code = match code {
            Code::Fatal | Code::PurgeQueue | Code::PurgeInflight => {
                self.producer.client().fatal_error().map_or(code, |(code, _)| code)
            }
            code => code,
        };
        match code {
            Code::ProducerFenced
            | Code::Fenced
            | Code::InvalidProducerEpoch
            | Code::InvalidProducerIdMapping
            | Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::FencedInstanceId
            | Code::AssignmentLost => CommitError::Fenced,
            Code::OperationTimedOut | Code::MessageTimedOut | Code::TimedOutQueue => {
                CommitError::Aborted(Reason::Deadline)
            }
            Code::MessageSizeTooLarge => {
                CommitError::Fatal("a record of the transaction is larger than the brokers take".to_owned())
            }
            code => {
                let said = match self.producer.context().ears.take() {
                    Some(trouble) if said.is_empty() => trouble.said,
                    _ => said.to_owned(),
                };
                let Failed { sentence, heals } = self.shared.failed(tried, code, &said);
                if heals {
                    CommitError::Aborted(Reason::Storage(sentence))
                } else {
                    CommitError::Fatal(sentence)
                }
            }
        }
    }
}

/// What keeps the session from going on keeps the transaction from being committed.
pub(super) fn session_ended(error: WorkError) -> CommitError {
    match error {
        WorkError::Fenced => CommitError::Fenced,
        WorkError::Closed => CommitError::Aborted(Reason::Closed),
        WorkError::Refused(why) => CommitError::Fatal(why),
        WorkError::Broken(why) => CommitError::Broken(why),
        other => CommitError::Aborted(Reason::Storage(other.to_string())),
    }
}

/// Hears which record has failed, which topic was refused, and that a broker was lost.
#[derive(Debug)]
struct Outcome {
    ears: Ears,
    failed: Mutex<Option<(Code, String)>>,
    refused: Mutex<Option<String>>,
    /// Since the last transaction began, or its marks were seen.
    has_lost: AtomicBool,
}

impl Outcome {
    fn new(options: &Options) -> Self {
        let (failed, refused) = (Mutex::default(), Mutex::default());
        Self { ears: Ears::new(options), failed, refused, has_lost: AtomicBool::new(false) }
    }
}

impl ClientContext for Outcome {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, said: &str) {
        // The error that follows does not say which topic it was.
        if facility == "ADDPARTS" && said.contains("authorization failed") {
            *lock(&self.refused) = said.split('"').nth(1).map(str::to_owned);
        }
        if facility == "FAIL" {
            self.has_lost.store(true, Ordering::Relaxed);
        }
        Ears::note(level, facility, said);
    }

    fn error(&self, error: KafkaError, said: &str) {
        self.has_lost.store(true, Ordering::Relaxed);
        self.ears.hear(&error, said);
    }
}

impl ProducerContext for Outcome {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, record)) = result {
            let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
            // The first says why; the others follow from it.
            lock(&self.failed).get_or_insert_with(|| (code, record.topic().to_owned()));
        }
    }
}
