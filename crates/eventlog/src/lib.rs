//! An ordered, partitioned, durable log, seen through one small port.
//!
//! | verb | trait | for |
//! |---|---|---|
//! | publish | [`Publish`] | whoever adds a record and must know that it is durable |
//! | follow | [`Follow`] | views: everything committed, from a start, then live |
//! | work | [`Work`] | an engine: reads its share, and commits outputs and positions as one |
//!
//! [`Log`] hands out all three. `Follow` and `Work` are objects that someone polls: the wiring owns the
//! threads, and a simulator needs none. Nothing here knows what a record means.
//!
//! Adapters: `local` (a directory with a write-ahead log and a redb file, one process), `kafka` (a cluster that
//! many processes share), `sim` (in memory, with faults by seed). `conformance` is the suite that each of them
//! passes.
//!
//! # A record, written and read
//!
//! ```
//! # #[cfg(feature = "local")] {
//! use std::time::Duration;
//! use eventlog::{Cleanup, Log, Partitions, Record, Start, TopicSpec, block_on, local};
//!
//! const BREAD: TopicSpec = TopicSpec {
//!     name: "bread",
//!     cleanup: Cleanup::Delete(Duration::from_hours(24)),
//!     partitions: Partitions::Like("bread"),
//! };
//!
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let log = local::LocalLog::open(local::Options::new(dir, &[BREAD]))?;
//! let written = log.publisher().publish("bread", 0, Record::new("rye", "2"), Duration::from_secs(5));
//! // When this is there, the record is on the disk.
//! let position = block_on(written)?;
//!
//! let mut follower = log.follow(&[("bread", Start::Beginning)])?;
//! let batch = follower.poll(Duration::from_secs(1))?;
//! assert_eq!(batch.entries[0].offset, position.offset);
//! assert_eq!(batch.entries[0].record.key.as_deref(), Some(b"rye".as_slice()));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # An engine of your own
//!
//! Whatever takes records in and puts records out, each effect once, is one loop on [`Work`]: **poll → decide → fire timers →
//! commit**. `examples/print-shop/shop.rs` is all of it for a line that has nothing to do with coffee, in less than 150 lines,
//! and turns on every adapter; the barista's (`crates/barista`) is the same loop with bounds, hands and commands. What makes it
//! right:
//!
//! 1. **State comes first.** [`Polled::State`] brings the latest records of the partition's state, then [`Polled::Assigned`] says
//!    that this is all. Only then decide, and only for that partition fire timers.
//! 2. **The position is part of the state**, under a key that nothing else has: [`Work::start`] gets it at the next start. What
//!    [`InputRange::committed`] says is for tools; a group is forgotten after a while.
//! 3. **Decisions are pure.** `(what is known, record, now)` give what is known after it and the records that follow. After a crash
//!    the same records are decided on again.
//! 4. **One transaction** has the state, the outputs and the position, and names the position of every partition that it touched,
//!    also when only a timer fired: by that position an adapter refuses a worker that has lost the partition.
//! 5. **A due time is written into the state when it is decided**, not counted from the start of a process.
//! 6. **What can't be read is put aside** in the transaction that moves past it, or it comes again for ever.
//! 7. **After any error the session is dropped** and the next one begins with 1. There is no other way back, so the one there is
//!    gets used at each start.
//!
//! To see that it holds, turn it on the log in memory, `sim`: `tests/print_shop.rs` kills two printers at any call through a few
//! hundred seeds.

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "local")]
pub mod local;
mod record;
#[cfg(feature = "sim")]
pub mod sim;
mod topic;
pub mod transfer;
mod wait;

use std::{pin::Pin, sync::Arc, time::Duration};

pub use crate::{
    error::{Certainty, CommitError, FollowError, OpenError, PublishError, Reason, WorkError},
    record::{Entry, Headers, Millis, Offset, Partition, Position, Record},
    topic::{Cleanup, Partitions, Topic, TopicSpec, fnv1a, partition_for},
    wait::block_on,
};

/// A log that is open. Cheap to clone behind its [`Arc`]; everything else is made from it.
pub trait Log: Send + Sync + 'static {
    /// A handle that adds records. All handles of one log share its syncs.
    fn publisher(&self) -> Arc<dyn Publish>;

    /// Reads every partition of `topics`, each from its own start, then live. No group: everyone sees all.
    fn follow(&self, topics: &[(Topic, Start)]) -> Result<Box<dyn Follow>, OpenError>;

    /// Joins the workers of `spec.group`. The share of each is said by [`Polled::Assigned`].
    fn work(&self, spec: &WorkSpec) -> Result<Box<dyn Work>, OpenError>;

    /// How many partitions `topic` has now.
    fn partitions(&self, topic: Topic) -> u32;

    /// A copy of all that is in the log at this moment. `None`: whoever keeps the log makes copies of it.
    fn backup(&self) -> Option<Result<Backup, OpenError>> {
        None
    }
}

/// A file, piece by piece; each has at most a few megabytes. While it lives the log removes nothing that is too old.
pub type Backup = Box<dyn Iterator<Item = Result<bytes::Bytes, FollowError>> + Send>;

/// What a publish resolves to.
pub type Published = Pin<Box<dyn Future<Output = Result<Position, PublishError>> + Send>>;

/// Adds records to the log.
pub trait Publish: Send + Sync + 'static {
    /// Adds one record to `partition` of `topic`. Resolves when it is durable, or with an error that says
    /// whether it may have been written.
    ///
    /// A record that still waits in the queue after `deadline` is taken out of it and fails as
    /// [`Certainty::NotWritten`], at the latest when the future is polled after it: whoever gives up at a later
    /// time of its own knows for certain. On a cluster a record can no longer be taken out
    /// once those before it are answered: if its deadline is over within `kafka::Options::publish_within` and 1.25 s
    /// after that, it fails as [`Certainty::Unknown`], and may be written until then. The future may be dropped: the record is then written or not, as if the answer had been lost.
    fn publish(&self, topic: Topic, partition: Partition, record: Record, deadline: Duration) -> Published;

    /// How many partitions `topic` has now: a key's is [`partition_for`] of it.
    fn partitions(&self, topic: Topic) -> u32;

    /// Why it would take no record now, as far as it can tell without being given one.
    fn trouble(&self) -> Option<Reason> {
        None
    }
}

/// Where a follower begins in each partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The oldest record that is kept.
    Beginning,
    /// After the newest record there is now.
    End,
    /// The first record whose log time is at or after this.
    Time(Millis),
    /// These offsets; partitions that are not named begin at their oldest record. An offset below the oldest
    /// record that is kept fails the first poll as [`FollowError::Gone`].
    Offsets(Vec<(Partition, Offset)>),
}

/// Reads what is committed.
pub trait Follow: Send {
    /// Returns what has come since the last poll, waiting at most `wait` for the first record.
    ///
    /// Records of one partition come in the order of their offsets, each once; between partitions there is
    /// no order. The batch is bounded by the adapter.
    fn poll(&mut self, wait: Duration) -> Result<Batch, FollowError>;

    /// Begins to read another topic as well.
    fn add(&mut self, topic: Topic, start: Start) -> Result<(), FollowError>;

    /// How far each partition has been read: the offset that would come next.
    fn positions(&self) -> Vec<Position>;
}

/// What one poll of a follower brought.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order within each partition.
    pub entries: Vec<Entry>,
    /// With `entries`, everything has been read that readers could see when this poll began. That is what had been
    /// published; what a worker has just committed, and what stands behind that in its partition, they may see a
    /// moment later.
    pub at_end: bool,
}

/// What an engine works on.
#[derive(Debug, Clone)]
pub struct WorkSpec {
    /// What it reads. The partitions of the first topic are shared out among the workers of the group;
    /// whoever has partition `p` of it also reads `p` of the others.
    pub inputs: Vec<Topic>,
    /// The compacted topic that holds what the engine knows, in the same partitions.
    pub state: Topic,
    /// Where it writes besides `state`.
    pub outputs: Vec<Topic>,
    /// Workers with the same group share the work.
    pub group: String,
    /// A name that outlives a restart, so that the share is kept over it. `None`: a new one each time.
    pub instance: Option<String>,
}

/// A worker's session. Crash-only: after any error it is dropped, and the next one is built from the log.
pub trait Work: Send {
    /// Says what happened next, waiting at most `wait`.
    fn poll(&mut self, wait: Duration) -> Result<Polled, WorkError>;

    /// Says where to begin in each input of an assigned partition. No record of it comes before this call.
    fn start(&mut self, partition: Partition, from: &[(Topic, Offset)]) -> Result<(), WorkError>;

    /// The offset after the newest record of an input, as of now or a moment ago: a record that was durable
    /// before the last one handed out was appended is below it.
    fn end(&mut self, topic: Topic, partition: Partition) -> Result<Offset, WorkError>;

    /// Stops `topic`'s records of `partition`. Those from offset `at` on, also if they were already handed
    /// out, come again after [`Work::release`].
    fn hold(&mut self, topic: Topic, partition: Partition, at: Offset) -> Result<(), WorkError>;

    /// Goes on with what [`Work::hold`] stopped. Nothing to do if nothing was.
    fn release(&mut self, topic: Topic, partition: Partition) -> Result<(), WorkError>;

    /// Makes all records and positions durable, or nothing. Readers see them at once or, where several brokers are
    /// to mark them as committed, a moment later.
    fn commit(&mut self, transaction: Transaction) -> Result<Committed, CommitError>;

    /// How this adapter likes its transactions cut.
    fn pace(&self) -> Pace;
}

/// What one poll of a worker brought.
#[derive(Debug)]
pub enum Polled {
    /// More of the state of a partition that is about to be assigned: latest records by key, in any number
    /// of pieces. Within them a later record of a key replaces an earlier one, one without a value deletes.
    State(Partition, Vec<Entry>),
    /// The partition is this worker's; its state came before, complete to the end.
    Assigned(Assignment),
    /// The partition was handed back: everything committed counts, everything else is forgotten.
    Revoked(Partition),
    /// The partition was taken away: what was in the air is void.
    Lost(Partition),
    /// Input, in order within each partition of each topic.
    Records(Vec<Entry>),
    /// Nothing within the wait.
    Idle,
}

/// A partition that has become a worker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its number, the same in every topic of the spec.
    pub partition: Partition,
    /// What there is to read, for each input of the spec.
    pub inputs: Vec<InputRange>,
    /// For each output the offset that the next record would get, or a lower bound of it.
    pub outputs: Vec<(Topic, Offset)>,
}

/// What there is of one input of an assigned partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRange {
    /// The input.
    pub topic: Topic,
    /// The oldest offset that is kept.
    pub earliest: Offset,
    /// The offset after the newest record.
    pub end: Offset,
    /// Where the group last committed, if that is still known.
    pub committed: Option<Offset>,
}

/// What is committed as one.
#[derive(Debug, Default)]
pub struct Transaction {
    /// In the order in which they are to stand in each partition.
    pub records: Vec<(Topic, Partition, Record)>,
    /// For every input partition that the records rest on, the offset to read next; also when only a timer
    /// fired. An adapter fences by them: a worker that has lost one of these partitions must not commit.
    pub positions: Vec<Position>,
}

/// What a commit achieved.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Committed {
    /// For each topic and partition written, the offset that the next record would get, or a lower bound.
    pub ends: Vec<Position>,
}

/// How an adapter likes its transactions cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// With this many inputs and timers a worker commits. What one poll brings is not cut, and a quarter as many
    /// timers may move on beside it: a transaction has less than two and a half times as many. How many bytes
    /// it has is the worker's own business.
    pub max_batch: usize,
    /// How long to gather before a commit, from the first input in it.
    pub linger: Duration,
    /// A record larger than this, key, value and headers together, is refused; in bytes.
    pub max_record_bytes: usize,
}
