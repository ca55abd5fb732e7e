//! A day in a café, by seed: who comes when, and how long the drinks really take.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    num::NonZeroU32,
};

use order::{Millis, Mode, Promise};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use shop::promise::{Bar, Estimate, Hands, Line, Open, Pace, Progress, fresh, steady};

const MINUTE: Millis = 60_000;
/// Ten hours.
const DAY: Millis = 600 * MINUTE;
/// Rushes: from, to, and how many times as many come then.
const RUSHES: [(Millis, Millis, f64); 3] = [(40, 80, 1.7), (270, 315, 1.7), (480, 515, 1.7)];
/// How many orders of a hundred have 1, 2, 3, 4 drinks: 1.8 on average.
const DRINKS: [u32; 4] = [48, 30, 14, 8];
/// What a drink takes by the menu, in seconds: 27 on average. So an order is 49 seconds of work, and 120 an hour keep
/// two hands busy for 0.83 of the time, and for more than all of it in a rush: the queue grows to some ten minutes.
const SECONDS: [Millis; 6] = [20, 20, 25, 30, 30, 35];
const HANDS: u32 = 2;
/// The coefficient of variation of an order's making time.
const VARIATION: f64 = 0.3;
/// How far a day's pace may be from the bar's.
const PACE: f64 = 0.1;
/// Of so many orders one comes back to be made again, within a few minutes after it was ready.
const REMADE: f64 = 0.03;
const COMES_BACK: std::ops::Range<Millis> = 20_000..180_000;
/// How often a page asks.
const HEARTBEAT: Millis = 10_000;

/// What was promised for one order, and what became of it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) first: Promise,
    pub(crate) placed: Millis,
    pub(crate) ready: Millis,
    /// What the page showed from the first promise on, each when it changed.
    pub(crate) shown: Vec<Promise>,
}

struct Order {
    placed: Millis,
    work: Millis,
    /// How long it takes in truth.
    truth: Millis,
    begun: Option<Millis>,
    ready: Option<Millis>,
    recalled: Option<Millis>,
    shown: Vec<Promise>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Ready(usize),
    Arrives,
    Recall(usize),
    Look,
}

struct Day {
    chance: StdRng,
    now: Millis,
    pace: f64,
    rate: f64,
    orders: Vec<Order>,
    line: VecDeque<usize>,
    made: Vec<usize>,
    says_hands: bool,
    hands: Hands,
    known: Pace,
    events: BinaryHeap<Reverse<(Millis, Happens)>>,
}

/// A bar with two hands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cafe {
    /// How many orders come in an hour, on average over a day.
    pub(crate) an_hour: u32,
    /// How many times as long as by its menu a drink takes.
    pub(crate) pace: f64,
    /// Whether it said how many hands there are, or they are counted.
    pub(crate) says_hands: bool,
}

/// The orders of a day.
pub(crate) fn day(cafe: Cafe, seed: u64) -> Vec<Kept> {
    let mut chance = StdRng::seed_from_u64(seed);
    let Cafe { an_hour, pace, says_hands } = cafe;
    let pace = pace * (1.0 + chance.random_range(-PACE..PACE));
    let extra: f64 = RUSHES.iter().map(|(from, to, times)| (to - from) as f64 * (times - 1.0)).sum();
    let rate = f64::from(an_hour) / 3_600_000.0 / (1.0 + extra * MINUTE as f64 / DAY as f64);
    let mut day = Day {
        chance,
        now: 0,
        pace,
        rate,
        orders: Vec::new(),
        line: VecDeque::new(),
        made: Vec::new(),
        says_hands,
        hands: Hands::default(),
        known: Pace::default(),
        events: BinaryHeap::new(),
    };
    day.arrive_later();
    day.events.push(Reverse((HEARTBEAT, Happens::Look)));
    while let Some(Reverse((now, what))) = day.events.pop() {
        day.now = now;
        day.happens(what);
        day.begin();
        day.look();
    }
    let kept = |order: Order| Kept {
        first: order.shown[0],
        placed: order.placed,
        ready: order.ready.expect("a day ends when its line is served"),
        shown: order.shown,
    };
    day.orders.into_iter().map(kept).collect()
}

impl Day {
    fn happens(&mut self, what: Happens) {
        match what {
            Happens::Arrives => self.arrives(),
            Happens::Ready(order) => self.ready(order),
            Happens::Recall(order) => {
                // A remake is made by the next hand that is free, before everyone who waits.
                self.orders[order].recalled = Some(self.now);
                self.line.push_front(order);
            }
            Happens::Look if self.now < DAY || !self.made.is_empty() => {
                self.events.push(Reverse((self.now + HEARTBEAT, Happens::Look)));
            }
            Happens::Look => {}
        }
    }

    /// Poisson arrivals, by thinning those of the busiest hour.
    fn arrive_later(&mut self) {
        let most = RUSHES.iter().map(|rush| rush.2).fold(1.0, f64::max);
        let mut at = self.now as f64;
        loop {
            at -= (1.0 - self.chance.random::<f64>()).ln() / (self.rate * most);
            let minute = at as Millis / MINUTE;
            let rush = RUSHES.iter().find(|(from, to, _)| (*from..*to).contains(&minute));
            if self.chance.random::<f64>() * most <= rush.map_or(1.0, |rush| rush.2) {
                break;
            }
        }
        if (at as Millis) < DAY {
            self.events.push(Reverse((at as Millis, Happens::Arrives)));
        }
    }

    fn arrives(&mut self) {
        let drinks = self.drinks();
        let work = (0..drinks).map(|_| SECONDS[self.chance.random_range(0..SECONDS.len())] * 1_000).sum();
        let truth = self.truth(work);
        let (line, _) = self.estimates();
        let first = fresh(line.ask(work, Mode::Manual), self.now);
        let placed = self.now;
        self.line.push_back(self.orders.len());
        self.orders.push(Order {
            placed,
            work,
            truth,
            begun: None,
            ready: None,
            recalled: None,
            shown: vec![first],
        });
        self.arrive_later();
    }

    fn drinks(&mut self) -> u32 {
        let mut draw = self.chance.random_range(0..DRINKS.iter().sum());
        for (more, weight) in (0..).zip(DRINKS) {
            if draw < weight {
                return more + 1;
            }
            draw -= weight;
        }
        1
    }

    /// Lognormal by Box and Muller.
    fn truth(&mut self, work: Millis) -> Millis {
        let (a, b) = (1.0 - self.chance.random::<f64>(), self.chance.random::<f64>());
        let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
        let variance = (1.0 + VARIATION * VARIATION).ln();
        (work as f64 * self.pace * (variance.sqrt() * normal - variance / 2.0).exp()) as Millis
    }

    fn begin(&mut self) {
        while self.made.len() < HANDS as usize
            && let Some(order) = self.line.pop_front()
        {
            self.made.push(order);
            self.orders[order].begun = Some(self.now);
            let truth = self.orders[order].truth;
            self.events.push(Reverse((self.now + truth, Happens::Ready(order))));
        }
    }

    fn ready(&mut self, order: usize) {
        let making = self.made.len();
        self.made.retain(|made| *made != order);
        let work = self.orders[order].work;
        let made = &mut self.orders[order];
        if made.ready.is_some() {
            return;
        }
        made.ready = Some(self.now);
        let took = self.now - made.begun.unwrap_or(self.now);
        self.known.made(work, took);
        self.hands.ready(making);
        if self.chance.random::<f64>() < REMADE {
            let after = self.chance.random_range(COMES_BACK);
            self.orders[order].truth = self.truth(work);
            self.events.push(Reverse((self.now + after, Happens::Recall(order))));
        }
    }

    fn estimates(&self) -> (Line, Vec<(usize, Estimate)>) {
        let counted = self.hands.seen(self.made.len());
        let hands = if self.says_hands { NonZeroU32::new(HANDS) } else { Some(counted) };
        let bar = Bar { hands, pace: self.known };
        let places: Vec<usize> = self.made.iter().chain(&self.line).copied().collect();
        let open = |place: &usize| {
            let order = &self.orders[*place];
            // Who was recalled is being made, by what staff tapped.
            let since = order.recalled.or(order.begun);
            let progress = since.map_or(Progress::Waiting, |since| Progress::Making { since, due: None });
            Open { work: order.work, mode: Mode::Manual, progress }
        };
        let open: Vec<Open> = places.iter().map(open).collect();
        let (line, estimates) = Line::of(self.now, bar, &open);
        (line, places.into_iter().zip(estimates).collect())
    }

    /// All pages that are open ask.
    fn look(&mut self) {
        let (_, estimates) = self.estimates();
        for (place, estimate) in estimates {
            let order = &mut self.orders[place];
            if order.ready.is_none() {
                let before = order.shown.last().copied();
                let shown = steady(before, estimate, self.now);
                if before != Some(shown) {
                    order.shown.push(shown);
                }
            }
        }
    }
}
