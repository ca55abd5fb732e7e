//! A business day as people look at it: its orders, when they came and became ready, and how promises were kept.

mod fold;
mod order;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use ::order::{Order, Stage};
use eventlog::{Entry, Millis, Offset, Partition};
use serde::{Deserialize, Serialize};

pub use self::order::{DayOrder, Line, Words};
use crate::{Carried, Name, Says};

/// A day lists so many orders; more are counted, and not listed.
const ORDERS_MAX: usize = 100_000;
/// Times of so many orders are compared; those after them are not.
const SAMPLES_MAX: usize = 200_000;
/// What needs a person lists at most so many dead letters.
const LETTERS_MAX: usize = 1_000;
/// Repeats that are looked at again if their order is placed anew.
const AGAIN_MAX: usize = 10_000;
const MINUTE_MS: Millis = 60_000;
/// Width of the chart's bars.
const BUCKET_MINUTES: i64 = 5;

/// The orders of one business day, and those that were live when it began.
#[derive(Debug, Clone, Default)]
pub struct Day {
    orders: Vec<DayOrder>,
    /// Of how many of them only what was decided is known.
    unknown: usize,
    by_name: HashMap<(Partition, Name), u32>,
    /// Orders that were taken before their records were read, by where those stand.
    expected: HashMap<(Partition, Offset), u32>,
    /// Records that name an order again: repeats, unless the order was forgotten meanwhile.
    again: HashMap<(Partition, Offset), Millis>,
    /// What was ordered before stands in memory once.
    lines: HashSet<Arc<[Line]>>,
    minutes: BTreeMap<i64, Minute>,
    /// Orders that were open when the day began.
    open_before: i64,
    accepted: u64,
    cups: u64,
    remakes: u64,
    ready_ms: Vec<u32>,
    collected_ms: Vec<u32>,
    rang_ms: Vec<u32>,
    promises: Promises,
    /// Dead letters that nobody has seen to, by their place, with when they were written.
    letters: BTreeMap<(Partition, Offset), Millis>,
}

/// What changed in one minute.
#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    new: u32,
    open: i64,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayTally"))]
pub struct Tally {
    /// Orders that were accepted.
    pub orders: u64,
    /// Cups in those of them that were not cancelled.
    pub drinks: u64,
    /// Orders that were brought back to be made once more.
    pub remakes: u64,
    /// Orders that nobody collected.
    pub uncollected: u64,
    /// Orders that were not to be made.
    pub cancelled: u64,
    /// How promises were kept.
    pub promise: Promises,
}

/// How the orders that became ready kept their first promises.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayPromises"))]
pub struct Promises {
    /// Within the range.
    pub inside: u64,
    /// Before it.
    pub early: u64,
    /// After it.
    pub late: u64,
    /// How late the latest was.
    pub worst_late_ms: Millis,
    /// All that had a promise.
    pub total: u64,
}

/// Times below which 50, 90 and 99 % of the orders are, in milliseconds; nothing where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayPercentiles"))]
pub struct Percentiles {
    /// From being accepted to the first bell.
    pub order_to_ready: Option<[u32; 3]>,
    /// From the bell to being collected.
    pub ready_to_collected: Option<[u32; 3]>,
    /// From the bell to the phone that rang.
    pub ready_to_phone: Option<[u32; 3]>,
}

/// One bar of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayChartBar"))]
pub struct Bucket {
    /// When it begins.
    pub at: Millis,
    /// Orders that came in it.
    pub new: u32,
    /// Orders that were open at its end.
    pub open: u32,
}

impl Day {
    /// A day that begins with these orders live.
    pub fn after(live: &[Carried]) -> Self {
        let mut day = Self::default();
        for carried in live {
            let name = Name::of(&carried.id);
            let key = (carried.partition, name.clone());
            let order = DayOrder {
                offset: carried.offset,
                version: carried.version,
                stage: carried.stage,
                round: carried.round,
                code: carried.code,
                ready_at: carried.ready_at,
                first_ready_at: carried.ready_at,
                ..DayOrder::new(name, carried.partition, carried.received_at)
            };
            if day.orders.len() < ORDERS_MAX && !day.by_name.contains_key(&key) {
                day.open_before += i64::from(carried.stage.is_open());
                day.push(key, order);
            }
        }
        day
    }

    /// Takes one record into account.
    pub fn observe(&mut self, entry: &Entry, says: &Says<'_>) {
        match says {
            Says::Accepted(order) => self.accepted(entry, order),
            Says::Unreadable => self.accepted += 1,
            Says::Decided(decision) => self.decided(entry, decision),
            Says::Announced { id, ours: false, .. } => self.made_by_others(entry, id),
            Says::DeadLettered(_) if self.letters.len() < LETTERS_MAX => {
                self.letters.insert((entry.partition, entry.offset), entry.timestamp);
            }
            Says::SeenTo(letter) => {
                self.letters.remove(&(entry.partition, *letter));
            }
            _ => {}
        }
    }

    /// Its orders, in the order in which they were read.
    pub fn orders(&self) -> &[DayOrder] {
        &self.orders
    }

    /// The order with this id in this partition.
    pub fn find_in(&self, name: &Name, partition: Partition) -> Option<&DayOrder> {
        let at = self.by_name.get(&(partition, name.clone()))?;
        self.orders.get(*at as usize)
    }

    /// Orders of which nothing is known but what was decided: whoever knows what they are tells by [`Day::tell`].
    pub fn unknown(&self) -> impl Iterator<Item = &DayOrder> {
        let orders = if self.unknown == 0 { &[][..] } else { &self.orders[..] };
        orders.iter().filter(|order| !order.known)
    }

    /// What this order of another day is.
    pub fn tell(&mut self, partition: Partition, order: &Order, code: u32, received_at: Millis) {
        let key = (partition, Name::of(order.order_id.as_str()));
        let Some(&at) = self.by_name.get(&key) else { return };
        let lines = self.lines_of(order);
        if let Some(known) = self.orders.get_mut(at as usize)
            && !known.known
        {
            known.tell(order, lines);
            self.unknown -= 1;
            known.received_at = received_at;
            if known.code == 0 {
                known.code = code;
            }
        }
    }

    /// Dead letters that nobody has seen to, with when they were written.
    pub fn letters(&self) -> impl Iterator<Item = (Partition, Offset, Millis)> + '_ {
        self.letters.iter().map(|(&(partition, offset), &at)| (partition, offset, at))
    }

    /// What was done.
    pub fn tally(&self) -> Tally {
        let count = |stage| self.orders.iter().filter(|order| order.stage == stage).count() as u64;
        let cancelled = self.orders.iter().filter(|order| order.stage == Stage::Cancelled);
        Tally {
            orders: self.accepted,
            drinks: self.cups.saturating_sub(cancelled.map(|order| u64::from(order.counted)).sum()),
            remakes: self.remakes,
            uncollected: count(Stage::Uncollected),
            cancelled: count(Stage::Cancelled),
            promise: self.promises,
        }
    }

    /// How promises were kept.
    pub fn promises(&self) -> Promises {
        self.promises
    }

    /// How long things took.
    pub fn percentiles(&self) -> Percentiles {
        Percentiles {
            order_to_ready: percentiles(&self.ready_ms),
            ready_to_collected: percentiles(&self.collected_ms),
            ready_to_phone: percentiles(&self.rang_ms),
        }
    }

    /// Orders that came and were open, in bars of five minutes from the first that has something to show to `until`.
    pub fn chart(&self, until: Millis) -> Vec<Bucket> {
        let minutes = self.open_by_minute(until);
        let mut chart: Vec<Bucket> = Vec::new();
        for (minute, new, open) in minutes {
            let at = minute.div_euclid(BUCKET_MINUTES) * BUCKET_MINUTES * MINUTE_MS;
            match chart.last_mut().filter(|bucket| bucket.at == at) {
                Some(bucket) => {
                    bucket.new += new;
                    bucket.open = open;
                }
                None => chart.push(Bucket { at, new, open }),
            }
        }
        chart
    }

    /// For each minute from the first with something to show to `until`: when it begins, and how many orders were open
    /// at its end.
    pub fn minutes(&self, until: Millis) -> Vec<(Millis, u32)> {
        self.open_by_minute(until).into_iter().map(|(minute, _, open)| (minute * MINUTE_MS, open)).collect()
    }

    fn open_by_minute(&self, until: Millis) -> Vec<(i64, u32, u32)> {
        /// A day has fewer, however long a clock makes it.
        const MINUTES_MAX: i64 = 3 * 24 * 60;
        let last = until.div_euclid(MINUTE_MS);
        let Some((&first, _)) = self.minutes.first_key_value() else { return Vec::new() };
        let mut open = self.open_before;
        let from = first.max(last - MINUTES_MAX);
        open += self.minutes.range(..from).map(|(_, minute)| minute.open).sum::<i64>();
        (from..=last)
            .map(|at| {
                let minute = self.minutes.get(&at).copied().unwrap_or_default();
                open += minute.open;
                (at, minute.new, u32::try_from(open.max(0)).unwrap_or(u32::MAX))
            })
            .collect()
    }
}

fn sample(samples: &mut Vec<u32>, ms: Millis) {
    if samples.len() < SAMPLES_MAX {
        samples.push(u32::try_from(ms.max(0)).unwrap_or(u32::MAX));
    }
}

/// The least times below which, or at which, 50, 90 and 99 % of the samples are.
fn percentiles(samples: &[u32]) -> Option<[u32; 3]> {
    let mut samples = samples.to_vec();
    let mut of = |percent: usize| {
        let rank = (samples.len() * percent).div_ceil(100).checked_sub(1)?;
        Some(*samples.select_nth_unstable(rank).1)
    };
    Some([of(50)?, of(90)?, of(99)?])
}
