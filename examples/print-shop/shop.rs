//! The line of a print shop: the rules first, then the loop that turns on any log.

use std::{collections::BTreeMap, error::Error, str::from_utf8, time::Duration};

use bytes::Bytes;
use eventlog::{
    Cleanup, Entry, Log, Millis, Offset, Partition, Partitions, Polled, Position, Record, Topic, TopicSpec,
    Transaction, Work, WorkSpec,
};

/// Jobs (the key is the name, the value the number of pages), what was printed, and what was no job.
pub const JOB: Topic = "print.job";
pub const DONE: Topic = "print.done";
pub const DLQ: Topic = "print.dlq";
const STATE: Topic = "print.state";
/// Where the state says how far was read: no job may have this name.
const POSITION: &[u8] = b"\0position";

pub fn topics() -> [TopicSpec; 4] {
    let month = Cleanup::Delete(Duration::from_hours(30 * 24));
    [(JOB, month), (DONE, month), (DLQ, month), (STATE, Cleanup::Compact)].map(|(name, cleanup)| TopicSpec {
        name,
        cleanup,
        partitions: Partitions::Like(JOB),
    })
}

/// A job is being printed until `due`; then it is remembered for a day, so that a repeat is not printed again.
#[derive(Clone, Copy)]
struct Job {
    printed: bool,
    due: Millis,
}

/// A page takes a tenth of a second. `None`: that is no job.
fn taken(pages: &[u8], now: Millis) -> Option<Job> {
    let pages: u16 = from_utf8(pages).ok()?.parse().ok()?;
    Some(Job { printed: false, due: now + Millis::from(pages) * 100 })
}

fn parse(text: &str) -> Option<Job> {
    let (printed, due) = text.split_once(' ')?;
    Some(Job { printed: printed.parse().ok()?, due: due.parse().ok()? })
}

/// What is known of one partition, and what was decided and is not committed.
#[derive(Default)]
struct Desk {
    jobs: BTreeMap<Bytes, Job>,
    next: Offset,
    out: Vec<(Topic, Record)>,
}

impl Desk {
    /// State that can't be read is an error: to go on without it would print anew what was printed.
    fn restore(&mut self, entry: Entry) -> Result<(), Box<dyn Error>> {
        let name = entry.record.key.ok_or("a state without a name")?;
        match entry.record.value.as_deref().map(from_utf8).transpose()? {
            None => drop(self.jobs.remove(&name)),
            Some(text) if name == POSITION => self.next = text.parse()?,
            Some(text) => drop(self.jobs.insert(name, parse(text).ok_or("a state that is no job's")?)),
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry, now: Millis) {
        self.next = entry.offset + 1;
        let name = entry.record.key.clone().unwrap_or_default();
        match taken(entry.record.value.as_deref().unwrap_or_default(), now) {
            Some(_) if self.jobs.contains_key(&name) => {}
            Some(job) if name != POSITION => self.put(name, job),
            _ => self.out.push((DLQ, entry.record)),
        }
    }

    fn fire(&mut self, now: Millis) {
        while let Some((name, &job)) = self.jobs.iter().find(|(_, job)| job.due <= now) {
            let name = name.clone();
            if job.printed {
                self.jobs.remove(&name);
                self.out.push((STATE, Record::tombstone(name)));
            } else {
                self.out.push((DONE, Record::new(name.clone(), "ready")));
                self.put(name, Job { printed: true, due: job.due + 24 * 60 * 60 * 1_000 });
            }
        }
    }

    fn put(&mut self, name: Bytes, job: Job) {
        self.out.push((STATE, Record::new(name.clone(), format!("{} {}", job.printed, job.due))));
        self.jobs.insert(name, job);
    }
}

/// One session on the log. After any error it is dropped, and the next one reads in the log how everything is.
pub struct Printer {
    work: Box<dyn Work>,
    restoring: BTreeMap<Partition, Desk>,
    desks: BTreeMap<Partition, Desk>,
}

impl Printer {
    pub fn new(log: &dyn Log) -> Result<Self, Box<dyn Error>> {
        let (inputs, outputs, group) = (vec![JOB], vec![DONE, DLQ], "printers".to_owned());
        let work = log.work(&WorkSpec { inputs, state: STATE, outputs, group, instance: None })?;
        Ok(Self { work, restoring: BTreeMap::new(), desks: BTreeMap::new() })
    }

    /// Poll → decide → fire timers → commit. The time comes in: the same records and times give the same log.
    pub fn step(&mut self, wait: Duration, now: impl Fn() -> Millis) -> Result<(), Box<dyn Error>> {
        match self.work.poll(wait)? {
            Polled::State(partition, entries) => {
                let desk = self.restoring.entry(partition).or_default();
                for entry in entries {
                    desk.restore(entry)?;
                }
            }
            Polled::Assigned(got) => {
                let desk = self.restoring.remove(&got.partition).unwrap_or_default();
                self.work.start(got.partition, &[(JOB, desk.next.max(got.inputs[0].earliest))])?;
                self.desks.insert(got.partition, desk);
            }
            // Whoever has it next decides what was decided here and not committed.
            Polled::Revoked(partition) | Polled::Lost(partition) => {
                self.restoring.remove(&partition);
                self.desks.remove(&partition);
            }
            Polled::Records(entries) => {
                for entry in entries {
                    let desk =
                        self.desks.get_mut(&entry.partition).ok_or("a record of another's partition")?;
                    desk.take(entry, now());
                }
            }
            Polled::Idle => {}
        }
        let mut transaction = Transaction::default();
        for (&partition, desk) in &mut self.desks {
            desk.fire(now());
            if !desk.out.is_empty() {
                desk.out.push((STATE, Record::new(POSITION, desk.next.to_string())));
                transaction.records.extend(desk.out.drain(..).map(|(topic, it)| (topic, partition, it)));
                transaction.positions.push(Position { topic: JOB, partition, offset: desk.next });
            }
        }
        if transaction.positions.is_empty() { Ok(()) } else { Ok(self.work.commit(transaction).map(drop)?) }
    }
}
