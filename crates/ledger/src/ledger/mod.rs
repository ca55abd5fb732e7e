//! The equation: every order that was accepted is in exactly one place, and the bell of each round rang once.
//!
//! Everything is counted from the log, nothing is what is left over, so that a loss can't hide in a difference. An
//! order whose history has a hole is counted in no place: then both sides differ, and [`Ledger::faults`] names it.

mod bells;
mod fold;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use eventlog::{Entry, Millis, Offset, Partition};
use order::{Key, ParseError, Stage, topic};

use self::bells::Bell;
use crate::{
    Balance, Carried, Fault, Name, Place, Says, Wrong,
    rows::{Row, Rows},
};

/// Finished orders are remembered a little longer than baristas do, by the contract's 24 hours: what is said of one
/// later can't fit to anything before.
const REMEMBER_MS: Millis = 25 * 60 * 60 * 1_000;
/// No more finished orders than this are remembered, as baristas do.
const REMEMBER_MAX: usize = 1_000_000;
/// Records of one transaction may have times that are so far apart, where several brokers write them.
const SKEW_MS: Millis = 5_000;
/// So long after the count began, orders may come that were there before, and of which it knows nothing.
const LENIENT_MS: Millis = 48 * 60 * 60 * 1_000;
/// Things of one kind that do not fit are told apart up to here; a log with more of them is damaged as a whole.
const WRONG_MAX: usize = 10_000;

/// A count of where everything is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Equation {
    /// Orders that were accepted since the count began, the unreadable ones among them.
    pub accepted: u64,
    /// Orders that were there before, and were live then or have come back since.
    pub carried_over: u64,
    /// Orders in each state, in the order of [`Stage::ALL`]; those that nobody decided on yet are received.
    pub stages: [u64; Stage::ALL.len()],
    /// Unreadable ones that stand in the dead letters.
    pub dead_lettered: u64,
}

impl Equation {
    /// The number of orders in a state.
    pub fn of(&self, stage: Stage) -> u64 {
        self.stages[stage as usize]
    }

    /// Whether both sides are the same.
    pub fn holds(&self) -> bool {
        self.accepted + self.carried_over == self.stages.iter().sum::<u64>() + self.dead_lettered
    }
}

/// With what a count began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Began {
    /// With the first record there ever was.
    #[default]
    First,
    /// With the balance of a day.
    Balance {
        /// Which day: `2026-11-22`.
        date: String,
        /// When that was written.
        at: Millis,
    },
    /// With the oldest records that are kept, or wanted: what was before that time is not known.
    Kept {
        /// The time.
        at: Millis,
    },
}

/// Where a count begins that knows nothing of what was before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Floors {
    /// From this time on all records are read.
    pub time: Millis,
    /// The first offsets of `order.received` that are read, by partition.
    pub received: BTreeMap<Partition, Offset>,
}

/// An order that others behind it went past. It may be the repeat of one that was finished before the count began:
/// then its decisions stand in `order.event` before everything that was read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// Its partition.
    pub partition: Partition,
    /// Where it stands in `order.received`.
    pub offset: Offset,
    /// Which order.
    pub order_id: Name,
    /// When it was written, by the log's time.
    pub received_at: Millis,
}

/// Counts records in any order between topics, in the log's order within each partition.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    began: Began,
    /// Orders that were accepted before this time are not counted as that.
    floor: Option<Millis>,
    rows: Rows,
    parts: BTreeMap<Partition, Part>,
    accepted: u64,
    carried: u64,
    /// Of orders that were decided on, and whose histories are whole.
    stages: [u64; Stage::ALL.len()],
    dead_lettered: u64,
    /// Versions that do not follow each other, by the orders whose histories have the hole.
    gaps: BTreeMap<Key, (u32, u32)>,
    /// Decided on, and not accepted so far: the order, and the place where its record should stand if that was said.
    strangers: BTreeSet<(Key, Option<Offset>)>,
    /// Records that name an order again, in their places: repeats, unless the order was forgotten meanwhile.
    again: BTreeSet<(Key, Offset)>,
    bells: HashMap<(Key, u32), Bell>,
    /// Bells of orders that are not known so far, by partition, name and round.
    early: BTreeMap<(Partition, Name, u32), Bell>,
    unreadable: Vec<Place>,
    newer: Option<u64>,
    records: u64,
    /// The newest time of a record.
    time: Millis,
}

/// What is known of one partition.
#[derive(Debug, Clone, Default)]
struct Part {
    /// `order.received` is read from here on.
    from: Offset,
    /// What was accepted, or can't be read, and nobody has seen to.
    waiting: BTreeMap<Offset, Waits>,
    /// Up to here baristas have taken orders or written dead letters.
    taken_to: Offset,
    /// Dead letters of places where nothing unreadable was read so far, with where they stand themselves.
    letters: BTreeSet<(Offset, Offset)>,
}

#[derive(Debug, Clone, Copy)]
enum Waits {
    Order(Key),
    Unreadable,
}

impl Ledger {
    /// A count that goes on from where a day closed.
    pub fn after(balance: &Balance) -> Self {
        let began = Began::Balance { date: balance.date.clone(), at: balance.at };
        let mut ledger = Self { began, time: balance.at, ..Self::default() };
        for (partition, offset) in balance.to.of(topic::RECEIVED) {
            ledger.parts.entry(partition).or_default().from = offset;
        }
        for carried in &balance.live {
            ledger.carry(carried);
        }
        ledger
    }

    /// A count of what is kept, or wanted: nothing is known of what was before.
    pub fn since(floors: &Floors) -> Self {
        let mut ledger =
            Self { began: Began::Kept { at: floors.time }, floor: Some(floors.time), ..Self::default() };
        for (&partition, &offset) in &floors.received {
            ledger.parts.entry(partition).or_default().from = offset;
        }
        ledger
    }

    /// Takes one record into account.
    pub fn apply(&mut self, entry: &Entry) {
        self.observe(entry, &Says::of(entry));
    }

    /// The same of a record that was read before.
    pub fn observe(&mut self, entry: &Entry, says: &Says<'_>) {
        self.records += 1;
        self.time = self.time.max(entry.timestamp);
        match says {
            Says::Accepted(order) => self.accepted(entry, Some(order.order_id.as_str())),
            Says::Unreadable => self.accepted(entry, None),
            Says::Decided(decision) => self.decided(entry, decision),
            Says::BadDecision(ParseError::Newer(version)) => self.newer = self.newer.max(Some(*version)),
            Says::BadDecision(ParseError::Invalid(_)) => {
                if self.unreadable.len() < WRONG_MAX {
                    self.unreadable.push(place(topic::EVENT, entry.partition, entry.offset));
                }
            }
            Says::Announced { id, round, ours } => self.announced(entry, id, *round, *ours),
            Says::DeadLettered(offset) => self.lettered(entry, *offset),
            Says::SeenTo(_) | Says::Nothing => {}
        }
    }

    /// With what the count began.
    pub fn began(&self) -> &Began {
        &self.began
    }

    /// How many records were counted.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The newest time of a record, by the log.
    pub fn time(&self) -> Millis {
        self.time
    }

    /// How many orders are in memory.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no order is.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The newest schema version of a decision that a newer program wrote: such a log can't be counted here.
    pub fn newer(&self) -> Option<u64> {
        self.newer
    }

    /// Where everything is, by what was observed so far.
    pub fn equation(&self) -> Equation {
        let mut stages = self.stages;
        // Many may wait, and few are ever passed over.
        let waiting = self.parts.values().map(|part| {
            let passed = part.waiting.range(..part.taken_to).count();
            (part.waiting.len() - passed) as u64
        });
        stages[Stage::Received as usize] += waiting.sum::<u64>();
        Equation {
            accepted: self.accepted,
            carried_over: self.carried,
            stages,
            dead_lettered: self.dead_lettered,
        }
    }

    /// What is wrong, by what was observed so far. A record that is still to come may set it right.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut find = |order_id: Option<&Name>, wrong, place| {
            faults.push(Fault { order_id: order_id.cloned(), wrong, place });
        };
        for (&key, &(after, found)) in &self.gaps {
            find(Some(&self.rows[key].name), Wrong::Gap { after, found }, self.last(key));
        }
        for &(key, _) in &self.strangers {
            find(Some(&self.rows[key].name), Wrong::NeverAccepted, self.last(key));
        }
        for (&partition, part) in &self.parts {
            let at = |offset| place(topic::RECEIVED, partition, offset);
            for (&offset, waits) in part.waiting.range(..part.taken_to) {
                match waits {
                    Waits::Order(key) => find(Some(&self.rows[*key].name), Wrong::PassedOver, at(offset)),
                    Waits::Unreadable => find(None, Wrong::NotDeadLettered, at(offset)),
                }
            }
            for &(_, letter) in part.letters.range((part.from, 0)..) {
                find(None, Wrong::DeadLetterOfNothing, place(topic::DLQ, partition, letter));
            }
        }
        for (&(key, round), bell) in &self.bells {
            let place = match bell.at {
                Some(offset) => place(topic::PROCESSED, self.rows[key].partition, offset),
                None => self.last(key),
            };
            find(Some(&self.rows[key].name), bell.wrong(round), place);
        }
        for ((partition, name, round), bell) in &self.early {
            let at = bell.at.unwrap_or_default();
            find(Some(name), bell.wrong(*round), place(topic::PROCESSED, *partition, at));
        }
        for place in &self.unreadable {
            find(None, Wrong::Unreadable, *place);
        }
        faults.sort_unstable();
        faults
    }

    /// Orders that were passed over: whoever can read what was before finds out whether they are repeats.
    pub fn suspects(&self) -> Vec<Suspect> {
        let mut suspects = Vec::new();
        for (&partition, part) in &self.parts {
            for (&offset, waits) in part.waiting.range(..part.taken_to) {
                if let Waits::Order(key) = waits {
                    let Row { name, received_at, .. } = &self.rows[*key];
                    let order_id = name.clone();
                    suspects.push(Suspect { partition, offset, order_id, received_at: *received_at });
                }
            }
        }
        suspects
    }

    /// This one is the repeat of an order that was decided on before the count began.
    pub fn is_repeat(&mut self, suspect: &Suspect) {
        let part = self.parts.get(&suspect.partition);
        if let Some(Waits::Order(key)) = part.and_then(|part| part.waiting.get(&suspect.offset)).copied() {
            self.is_not_new(key);
            self.rows.remove(key);
        }
    }

    /// What was read of it is no order of its own.
    fn is_not_new(&mut self, key: Key) {
        let row = &self.rows[key];
        if let (Some(at), Some(part)) = (row.at, self.parts.get_mut(&row.partition)) {
            part.waiting.remove(&at);
        }
        self.accepted -= 1;
    }

    /// Orders that are not at their ends, by partition and the place where they were accepted: for the next balance.
    pub fn live(&self) -> Vec<Carried> {
        let live = self.rows.iter().filter(|(_, row)| row.stage.is_live() && !row.flags.foreign);
        let mut live: Vec<_> = live
            .map(|(_, row)| Carried {
                id: row.name.to_string(),
                stage: row.stage,
                round: row.round,
                version: row.version,
                partition: row.partition,
                offset: row.at,
                received_at: row.received_at,
                code: 0,
                ready_at: None,
            })
            .collect();
        live.sort_unstable_by(|a, b| (a.partition, a.offset, &a.id).cmp(&(b.partition, b.offset, &b.id)));
        live
    }

    /// Lets go of finished orders that baristas do not remember any more either; the counts stay as they are.
    pub fn forget(&mut self) {
        let strangers = self.strangers.iter().map(|(key, _)| *key);
        let in_doubt: BTreeSet<Key> = self.bells.keys().map(|(key, _)| *key).chain(strangers).collect();
        let mut finished: Vec<(Millis, Key)> = Vec::new();
        for (key, row) in self.rows.iter() {
            if row.version > 0 && !row.flags.broken && !row.stage.is_live() && !in_doubt.contains(&key) {
                finished.push((row.changed_at, key));
            }
        }
        let mut before = self.time.saturating_sub(REMEMBER_MS);
        if finished.len() > REMEMBER_MAX {
            let at = finished.len() - REMEMBER_MAX;
            before = before.max(finished.select_nth_unstable(at).1.0);
        }
        let mut gone = BTreeSet::new();
        for (changed_at, key) in finished {
            if changed_at < before {
                self.rows.remove(key);
                gone.insert(key);
            }
        }
        self.again.retain(|(key, _)| !gone.contains(key));
    }

    fn last(&self, key: Key) -> Place {
        let row = &self.rows[key];
        match row.at {
            Some(at) if row.version == 0 => place(topic::RECEIVED, row.partition, at),
            _ => place(topic::EVENT, row.partition, row.event),
        }
    }
}

fn place(topic: eventlog::Topic, partition: Partition, offset: Offset) -> Place {
    Place { topic, partition, offset }
}
