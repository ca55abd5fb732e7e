//! What waits for the writer.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::lock_of;
use crate::{CommitError, Committed, Offset, OpenError, Position, PublishError, Reason, Record};

/// At most this many appends wait.
const MAX_WAITING: usize = 64 * 1024;
/// At most this many bytes of them wait.
const MAX_WAITING_BYTES: usize = 128 << 20;
/// At most this many appends go into one commit.
const MAX_BATCH: usize = 1024;
/// At most about this many bytes of them go into one commit.
const MAX_BATCH_BYTES: usize = 8 << 20;

/// One record of a publisher.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) topic: usize,
    pub(super) record: Record,
    pub(super) deadline: Option<Instant>,
    pub(super) answer: oneshot::Sender<Result<Position, PublishError>>,
}

impl Append {
    fn is_late(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    pub(super) fn refuse(self, error: PublishError) {
        // Whoever asked may have gone away.
        let _ = self.answer.send(Err(error));
    }
}

/// A worker's transaction, checked.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) group: String,
    pub(super) session: u64,
    pub(super) records: Vec<(usize, Record)>,
    pub(super) positions: Vec<(usize, Offset)>,
    pub(super) answer: mpsc::SyncSender<Result<Committed, CommitError>>,
}

/// A worker that joins a group: it gets its number between two commits, so that none of its predecessor's
/// is on the way.
#[derive(Debug)]
pub(super) struct Join {
    pub(super) group: String,
    pub(super) answer: mpsc::SyncSender<Result<u64, OpenError>>,
}

/// Records that are durable in the log file and can go from the tail.
#[derive(Debug)]
pub(super) struct Trim {
    /// The topic's number.
    pub(super) id: u16,
    /// What is below this offset is in the log file.
    pub(super) below: Offset,
    pub(super) answer: mpsc::SyncSender<bool>,
}

/// What the writer takes at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) appends: Vec<Append>,
    pub(super) late: Vec<Append>,
    pub(super) commits: Vec<Commit>,
    pub(super) joins: Vec<Join>,
    pub(super) trims: Vec<Trim>,
    /// Nothing more will come.
    pub(super) closed: bool,
}

impl Batch {
    pub(super) fn has_writes(&self) -> bool {
        !(self.appends.is_empty() && self.commits.is_empty() && self.trims.is_empty())
    }
}

#[derive(Debug, Default)]
struct Waiting {
    appends: VecDeque<Append>,
    bytes: usize,
    commits: Vec<Commit>,
    joins: Vec<Join>,
    trims: Vec<Trim>,
    closed: bool,
}

impl Waiting {
    /// Takes out all that is late, wherever it stands: one that has more time may be before it.
    fn take_late(&mut self, now: Instant) -> Vec<Append> {
        if !self.appends.iter().any(|append| append.is_late(now)) {
            return Vec::new();
        }
        let (late, in_time): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.appends).into_iter().partition(|append| append.is_late(now));
        self.appends = in_time;
        self.bytes -= late.iter().map(|append| append.record.size()).sum::<usize>();
        late.into()
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

impl Queue {
    /// Adds an append, or answers it with the reason why not.
    pub(super) fn append(&self, append: Append) {
        let now = Instant::now();
        let mut waiting = lock_of(&self.waiting);
        // The writer may be held up by the disk: whoever comes takes out what has become late.
        let mut late = Vec::new();
        while waiting.appends.front().is_some_and(|first| first.is_late(now)) {
            late.extend(waiting.appends.pop_front());
        }
        waiting.bytes -= late.iter().map(|append| append.record.size()).sum::<usize>();
        let refused = if waiting.closed {
            Some((append, Reason::Closed))
        } else if waiting.appends.len() >= MAX_WAITING || waiting.bytes > MAX_WAITING_BYTES {
            Some((append, Reason::Overloaded))
        } else {
            waiting.bytes += append.record.size();
            waiting.appends.push_back(append);
            None
        };
        let first = waiting.appends.len() == 1;
        drop(waiting);
        // With more before it the writer is awake, or has been called.
        if first {
            self.ready.notify_one();
        }
        refuse_late(late);
        if let Some((append, reason)) = refused {
            append.refuse(PublishError::not_written(reason));
        }
    }

    /// Answers everything that has become late: for whoever waits while the writer is held up.
    pub(super) fn expire(&self, now: Instant) {
        let late = lock_of(&self.waiting).take_late(now);
        refuse_late(late);
    }

    /// Adds something else; whether it was taken.
    fn add(&self, add: impl FnOnce(&mut Waiting)) -> bool {
        let mut waiting = lock_of(&self.waiting);
        let open = !waiting.closed;
        if open {
            add(&mut waiting);
        }
        drop(waiting);
        self.ready.notify_one();
        open
    }

    pub(super) fn commit(&self, commit: Commit) -> bool {
        self.add(|waiting| waiting.commits.push(commit))
    }

    pub(super) fn join(&self, join: Join) -> bool {
        self.add(|waiting| waiting.joins.push(join))
    }

    pub(super) fn trim(&self, trim: Trim) -> bool {
        self.add(|waiting| waiting.trims.push(trim))
    }

    /// How many appends, commits and joins wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> (usize, usize, usize) {
        let waiting = lock_of(&self.waiting);
        (waiting.appends.len(), waiting.commits.len(), waiting.joins.len())
    }

    #[cfg(test)]
    pub(super) fn is_closed(&self) -> bool {
        lock_of(&self.waiting).closed
    }

    /// Takes nothing more; what waits is still done.
    pub(super) fn close(&self) {
        lock_of(&self.waiting).closed = true;
        self.ready.notify_all();
    }

    /// Takes nothing more, and leaves what waits without an answer.
    pub(super) fn abandon(&self) {
        let mut waiting = lock_of(&self.waiting);
        *waiting = Waiting { closed: true, ..Waiting::default() };
    }

    /// What waits, as soon as something does, or nothing after `wait`. Without `room` it leaves the records
    /// where they are.
    pub(super) fn take(&self, wait: Option<Duration>, room: bool) -> Batch {
        let idle = |w: &mut Waiting| {
            !w.closed
                && (!room || w.appends.is_empty() && w.commits.is_empty())
                && w.joins.is_empty()
                && w.trims.is_empty()
        };
        let waiting = lock_of(&self.waiting);
        let mut waiting = match wait {
            None => self.ready.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner),
            Some(wait) => {
                self.ready.wait_timeout_while(waiting, wait, idle).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        // Nobody makes room any more: what has been taken on is written all the same.
        let room = room || waiting.closed;
        let now = Instant::now();
        let mut batch = Batch {
            late: if room { Vec::new() } else { waiting.take_late(now) },
            commits: if room { std::mem::take(&mut waiting.commits) } else { Vec::new() },
            joins: std::mem::take(&mut waiting.joins),
            trims: std::mem::take(&mut waiting.trims),
            ..Batch::default()
        };
        let mut bytes = 0;
        while room && batch.appends.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
            let Some(append) = waiting.appends.pop_front() else { break };
            waiting.bytes -= append.record.size();
            if append.is_late(now) {
                batch.late.push(append);
            } else {
                bytes += append.record.size();
                batch.appends.push(append);
            }
        }
        batch.closed = waiting.closed && waiting.appends.is_empty();
        batch
    }
}

fn refuse_late(late: Vec<Append>) {
    for append in late {
        append.refuse(PublishError::not_written(Reason::Deadline));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_room_what_is_late_goes_also_from_behind_what_has_time() {
        let queue = Queue::default();
        let append = |name: &'static str, deadline| {
            let (answer, answers) = oneshot::channel();
            queue.append(Append { topic: 0, record: Record::new(name, ""), deadline, answer });
            answers
        };
        let _answers = [
            append("patient", None),
            append("late", Some(Instant::now())),
            append("also patient", Instant::now().checked_add(Duration::from_mins(1))),
        ];
        let batch = queue.take(Some(Duration::ZERO), false);
        let late: Vec<_> = batch.late.iter().filter_map(|append| append.record.key.clone()).collect();
        assert_eq!((batch.appends.len(), late), (0, vec!["late".into()]));
        let rest = queue.take(Some(Duration::ZERO), true).appends;
        let rest: Vec<_> = rest.iter().filter_map(|append| append.record.key.clone()).collect();
        assert_eq!(rest, ["patient", "also patient"], "in their order");
        assert_eq!(lock_of(&queue.waiting).bytes, 0);
    }
}
