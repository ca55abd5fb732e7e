//! A business day as people look at it: its orders, when they came and became ready, and how promises were kept.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use eventlog::{Entry, Millis, Offset, Partition};
use order::{Channel, Item, Kind, Mode, Order, Presence, Promise, Stage, Title};
use serde::{Deserialize, Serialize};

use crate::{Carried, Decision, Name, Says};

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

/// One order of the day.
#[derive(Debug, Clone)]
pub struct DayOrder {
    /// Which.
    pub order_id: Name,
    /// Its partition.
    pub partition: Partition,
    /// Where it stands in `order.received`, if that was read.
    pub offset: Option<Offset>,
    /// When it was accepted, by the log's time.
    pub received_at: Millis,
    /// The number of its pickup code; 0: it has none.
    pub code: u32,
    /// What is to be made; empty if only the bell was ordered.
    pub lines: Arc<[Line]>,
    /// Number of cups.
    pub amount: u16,
    /// Where it was ordered.
    pub channel: Option<Channel>,
    /// A till's ticket number.
    pub reference: Option<Box<str>>,
    /// When it was first said to be ready.
    pub promised: Option<Promise>,
    /// It waits, or waited, for payment.
    pub unpaid: bool,
    /// Who moves it on.
    pub mode: Option<Mode>,
    /// Of its last decision; 0: there is none.
    pub version: u32,
    /// Where it is.
    pub stage: Stage,
    /// How many times it was begun.
    pub round: u32,
    /// When the bell rang first.
    pub first_ready_at: Option<Millis>,
    /// When the bell rang in this round.
    pub ready_at: Option<Millis>,
    /// When it was collected, given up or cancelled.
    pub finished_at: Option<Millis>,
    /// When the last decision was made.
    pub changed_at: Millis,
    /// When it moves on by itself.
    pub due_at: Option<Millis>,
    /// When the phone rang in this round.
    pub rang_at: Option<Millis>,
    /// What its page was last doing.
    pub presence: Option<Presence>,
    /// What was decided last.
    pub last: Option<Kind>,
    /// Its record of `order.received` was read, or what stood in it was told.
    pub known: bool,
}

/// One line of an order: what people look for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Line {
    /// How many.
    pub quantity: u16,
    /// What it is called.
    pub title: Words,
    /// What is different about it.
    pub option_titles: Vec<Words>,
}

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Words {
    /// In English.
    pub en: Box<str>,
    /// In Korean.
    pub ko: Box<str>,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Orders that were accepted.
    pub orders: u64,
    /// Cups in them.
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

    /// The order with this id; of several partitions' the first.
    pub fn find(&self, name: &Name, partitions: u32) -> Option<&DayOrder> {
        let key = |partition| (partition, name.clone());
        let at = (0..partitions.max(1)).find_map(|partition| self.by_name.get(&key(partition)))?;
        self.orders.get(*at as usize)
    }

    /// Orders of which nothing is known but what was decided: whoever knows what they are tells by [`Day::tell`].
    pub fn unknown(&self) -> impl Iterator<Item = &DayOrder> {
        self.orders.iter().filter(|order| !order.known)
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
        Tally {
            orders: self.accepted,
            drinks: self.cups,
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

    fn push(&mut self, key: (Partition, Name), order: DayOrder) {
        // At most ORDERS_MAX.
        let at = u32::try_from(self.orders.len()).unwrap_or(u32::MAX);
        self.orders.push(order);
        self.by_name.insert(key, at);
    }

    fn minute(&mut self, at: Millis) -> &mut Minute {
        self.minutes.entry(at.div_euclid(MINUTE_MS)).or_default()
    }

    fn accepted(&mut self, entry: &Entry, order: &Order) {
        let key = (entry.partition, Name::of(order.order_id.as_str()));
        let place = (entry.partition, entry.offset);
        if let Some(at) = self.expected.remove(&place) {
            let lines = self.lines_of(order);
            let known = &mut self.orders[at as usize];
            known.tell(order, lines);
            let was = std::mem::replace(&mut known.received_at, entry.timestamp);
            let first_ready = known.first_ready_at;
            let promised = known.promised;
            // Until now it counted as open from the decision on.
            self.minute(was).open -= 1;
            self.came(entry.timestamp, order);
            if let Some(ready_at) = first_ready {
                self.kept(promised, ready_at);
                self.sample_ready(ready_at, entry.timestamp);
            }
            return;
        }
        if self.by_name.contains_key(&key) {
            if self.again.len() < AGAIN_MAX {
                self.again.insert(place, entry.timestamp);
            }
            return;
        }
        self.came(entry.timestamp, order);
        if self.orders.len() >= ORDERS_MAX {
            return;
        }
        let lines = self.lines_of(order);
        let mut new = DayOrder::new(key.1.clone(), entry.partition, entry.timestamp);
        new.offset = Some(entry.offset);
        new.tell(order, lines);
        self.push(key, new);
    }

    fn came(&mut self, at: Millis, order: &Order) {
        self.accepted += 1;
        self.cups += u64::from(order.amount);
        let minute = self.minute(at);
        minute.new += 1;
        minute.open += 1;
    }

    fn decided(&mut self, entry: &Entry, decision: &Decision<'_>) {
        if !decision.changes() {
            return;
        }
        let key = (entry.partition, Name::of(&decision.order_id));
        let at = match self.by_name.get(&key) {
            Some(&at) if !self.is_placed_anew(at, decision) => at,
            _ if self.orders.len() >= ORDERS_MAX => return,
            _ => self.begin(key, entry, decision),
        };
        let order = &mut self.orders[at as usize];
        let was_open = order.stage.is_open();
        order.version = decision.version;
        order.changed_at = decision.at;
        order.due_at = decision.due_at;
        order.last = Some(decision.kind);
        if let Some(code) = decision.code {
            order.code = code;
        }
        if let Some(taken) = &decision.taken {
            order.mode = Some(taken.mode);
        }
        if decision.round != order.round {
            order.round = decision.round;
            order.ready_at = None;
            order.rang_at = None;
        }
        order.stage = decision.to;
        order.finished_at =
            if decision.to.is_live() { None } else { order.finished_at.or(Some(decision.at)) };
        match decision.kind {
            Kind::Accept => {
                order.unpaid = false;
                order.promised = order.promised.or(decision.promise);
            }
            Kind::Presence => order.presence = decision.presence,
            _ => {}
        }
        let (known, received_at, ready_at) = (order.known, order.received_at, order.ready_at);
        let mut is_first = false;
        if decision.announces() {
            order.ready_at = Some(decision.at);
            is_first = order.first_ready_at.is_none() && decision.round == 1;
            order.first_ready_at = order.first_ready_at.or(Some(decision.at));
        }
        let (promised, rang_at) = (order.promised, order.rang_at);
        if decision.kind == Kind::Rang && rang_at.is_none() {
            order.rang_at = Some(decision.at);
        }
        match (was_open, decision.to.is_open()) {
            (true, false) => self.minute(entry.timestamp).open -= 1,
            (false, true) => self.minute(entry.timestamp).open += 1,
            _ => {}
        }
        if is_first && known {
            self.kept(promised, decision.at);
            self.sample_ready(decision.at, received_at);
        }
        self.remakes += u64::from(decision.kind == Kind::Recall);
        if let Some(ready_at) = ready_at {
            match decision.kind {
                Kind::Collect => sample(&mut self.collected_ms, decision.at - ready_at),
                Kind::Rang if rang_at.is_none() => sample(&mut self.rang_ms, decision.at - ready_at),
                _ => {}
            }
        }
    }

    /// Whether an order that was finished was forgotten and placed anew.
    fn is_placed_anew(&self, at: u32, decision: &Decision<'_>) -> bool {
        let order = &self.orders[at as usize];
        let taken = decision.taken.as_ref().filter(|_| decision.version == 1 && decision.from.is_none());
        order.version > 0
            && !order.stage.is_live()
            && taken.is_some_and(|taken| Some(taken.at.offset) != order.offset)
    }

    /// An order on which was decided before anything else of it was read, if anything ever will be.
    fn begin(&mut self, key: (Partition, Name), entry: &Entry, decision: &Decision<'_>) -> u32 {
        let mut order = DayOrder::new(key.1.clone(), entry.partition, entry.timestamp);
        match &decision.taken {
            Some(taken) => {
                order.offset = Some(taken.at.offset);
                order.amount = taken.amount;
                order.lines = self.lines_in(taken.items.map(serde_json::value::RawValue::get));
                let place = (entry.partition, taken.at.offset);
                if let Some(received_at) = self.again.remove(&place) {
                    // Its record was taken for a repeat.
                    order.known = true;
                    order.received_at = received_at;
                    self.accepted += 1;
                    self.cups += u64::from(order.amount);
                    self.minute(received_at).new += 1;
                } else {
                    let at = u32::try_from(self.orders.len()).unwrap_or(u32::MAX);
                    self.expected.insert(place, at);
                }
                self.minute(order.received_at).open += 1;
            }
            None => {
                let from = decision.from.unwrap_or(Stage::Received);
                self.open_before += i64::from(from.is_open());
                order.stage = from;
                order.round = decision.round - u32::from(decision.kind == Kind::Recall && decision.round > 1);
            }
        }
        let at = u32::try_from(self.orders.len()).unwrap_or(u32::MAX);
        self.push(key, order);
        at
    }

    fn made_by_others(&mut self, entry: &Entry, id: &str) {
        let key = (entry.partition, Name::of(id));
        let Some(&at) = self.by_name.get(&key) else { return };
        let order = &mut self.orders[at as usize];
        if order.version > 0 || order.stage != Stage::Received {
            return;
        }
        let received_at = order.received_at;
        order.stage = Stage::Ready;
        order.changed_at = entry.timestamp;
        order.ready_at = Some(entry.timestamp);
        order.first_ready_at = order.ready_at;
        self.minute(entry.timestamp).open -= 1;
        self.sample_ready(entry.timestamp, received_at);
    }

    fn kept(&mut self, promised: Option<Promise>, ready_at: Millis) {
        let Some(promise) = promised else { return };
        self.promises.total += 1;
        if ready_at < promise.from() {
            self.promises.early += 1;
        } else if ready_at > promise.to() {
            self.promises.late += 1;
            self.promises.worst_late_ms = self.promises.worst_late_ms.max(ready_at - promise.to());
        } else {
            self.promises.inside += 1;
        }
    }

    fn sample_ready(&mut self, ready_at: Millis, received_at: Millis) {
        sample(&mut self.ready_ms, ready_at - received_at);
    }

    fn lines_of(&mut self, order: &Order) -> Arc<[Line]> {
        let lines = order.details().map_or(&[][..], |details| &details.items);
        self.kept_once(lines.iter().map(Line::of).collect())
    }

    fn lines_in(&mut self, items: Option<&str>) -> Arc<[Line]> {
        let items: Vec<Item> = items.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        self.kept_once(items.iter().map(Line::of).collect())
    }

    fn kept_once(&mut self, lines: Vec<Line>) -> Arc<[Line]> {
        if let Some(known) = self.lines.get(&lines[..]) {
            return Arc::clone(known);
        }
        let lines: Arc<[Line]> = lines.into();
        self.lines.insert(Arc::clone(&lines));
        lines
    }
}

impl DayOrder {
    fn new(order_id: Name, partition: Partition, received_at: Millis) -> Self {
        Self {
            order_id,
            partition,
            offset: None,
            received_at,
            code: 0,
            lines: Arc::default(),
            amount: 0,
            channel: None,
            reference: None,
            promised: None,
            unpaid: false,
            mode: None,
            version: 0,
            stage: Stage::Received,
            round: 1,
            first_ready_at: None,
            ready_at: None,
            finished_at: None,
            changed_at: received_at,
            due_at: None,
            rang_at: None,
            presence: None,
            last: None,
            known: false,
        }
    }

    fn tell(&mut self, order: &Order, lines: Arc<[Line]>) {
        self.lines = lines;
        self.amount = order.amount;
        self.known = true;
        let Some(details) = order.details() else { return };
        self.channel = details.channel;
        self.reference = details.reference.as_deref().map(Into::into);
        self.promised = self.promised.or(details.promise);
        self.unpaid = details.unpaid && self.last != Some(Kind::Accept);
    }

    /// Whether it waits for payment.
    pub fn awaits_payment(&self) -> bool {
        self.unpaid && self.stage == Stage::Received
    }

    /// How long it was waited for: to the first bell, else to its end, else to now.
    pub fn wait_ms(&self, now: Millis) -> Millis {
        let until = self.first_ready_at.or(self.finished_at).unwrap_or(now);
        until.saturating_sub(self.received_at).max(0)
    }

    /// Whether it was, or is, not ready by the end of its promise.
    pub fn is_late(&self, now: Millis) -> bool {
        self.promised.is_some_and(|promise| match self.first_ready_at {
            Some(ready_at) => ready_at > promise.to(),
            None => self.stage.is_open() && now > promise.to(),
        })
    }
}

impl Line {
    fn of(item: &Item) -> Self {
        let plain = |text: &str| Words { en: text.into(), ko: text.into() };
        let of = |title: &Title| Words { en: title.en.clone(), ko: title.ko.clone() };
        let details = item.details();
        let title = details.and_then(|details| details.title.as_ref());
        let titles = details.map_or(&[][..], |details| &details.option_titles);
        let option_titles = if titles.is_empty() {
            item.options.iter().map(|option| plain(option)).collect()
        } else {
            titles.iter().map(of).collect()
        };
        Self { quantity: item.quantity, title: title.map_or_else(|| plain(&item.item), of), option_titles }
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
