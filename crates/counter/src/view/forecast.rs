//! When each open order will be ready, and one more: made at most once a second for all who ask.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventlog::{Partition, partition_for};
use order::{At, Millis, Order, OrderState, Promise, Stage};
use shop::promise::{Bar, Estimate, Line, Minutes, fresh, steady};

use super::{
    Look, View, is_old,
    ways::{Queue, Ways},
};

const MINUTE_MS: Millis = 60_000;
/// How long a forecast is good.
const GOOD_MS: u64 = 1_000;
/// Orders that are looked at one by one; whoever comes behind them waits for far longer than anyone is promised.
const LOOKED_AT: usize = 4_000;
/// At least so many of each partition.
const LOOKED_AT_EACH: usize = 100;

/// The forecast that threads share.
#[derive(Debug, Default)]
pub(crate) struct Forecasts(Mutex<Forecast>);

#[derive(Debug, Default)]
struct Forecast {
    /// When it was made; 0: never.
    made_at: Millis,
    lines: BTreeMap<Queue, Line>,
    /// The lines that have more in them than was looked at.
    unseen: BTreeSet<Queue>,
    /// What is shown of each order that was looked at, so that the next forecast changes it only if it must.
    shown: HashMap<At, Shown>,
    /// The same of one more.
    minutes: Option<Minutes>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    round: u32,
    promise: Promise,
}

impl Look<'_> {
    /// When an order is said to be ready; `None` where nobody can say.
    pub(crate) fn promise(&self, state: &OrderState) -> Option<Promise> {
        self.forecasts.of(self, state, self.as_of, self.now)
    }

    /// The first promise of an order that is placed or paid now; from then on it has its place in the line.
    pub(crate) fn first_promise(&self, order: &Order) -> Option<Promise> {
        let id = order.order_id.as_str();
        match self.get(id) {
            Some(state) => self.forecasts.paid(self, state, self.as_of, self.now),
            None if order.unpaid() => None,
            None => {
                let partition = partition_for(id.as_bytes(), self.partitions().max(1));
                self.forecasts.placed(self, order, partition, self.as_of, self.now)
            }
        }
    }

    /// The promise to whoever orders one more drink now.
    pub(crate) fn one_more(&self) -> Option<Minutes> {
        self.forecasts.one_more(self, self.as_of, self.now)
    }
}

impl Forecasts {
    fn of(&self, view: &View, state: &OrderState, as_of: Millis, now: Millis) -> Option<Promise> {
        if !can_be_promised(view, state, as_of, now) {
            return None;
        }
        let ways = Ways::of(view, state.at.partition)?;
        if let Some(queue) = &ways.queue {
            return self.fresh(view, now).of(view, queue, &ways, state, now);
        }
        let (_, estimates) = Line::of(now, ways.bar, &[ways.open(state)]);
        let estimate = busy(view, state, *estimates.first()?);
        // The same for everyone who asks, and whenever they do.
        let began = state.making_at.map_or(state.received_at, std::num::NonZeroI64::get);
        let first = promised(state).unwrap_or_else(|| fresh(estimate, began));
        Some(steady(Some(first), estimate, now))
    }

    /// The first promise of an order that is placed now.
    fn placed(
        &self,
        view: &View,
        order: &Order,
        partition: Partition,
        as_of: Millis,
        now: Millis,
    ) -> Option<Promise> {
        let ways = Ways::of(view, partition).filter(|_| somebody_decides(view, partition, as_of, now))?;
        let work = ways.work(order);
        let estimate = match &ways.queue {
            Some(queue) => self.fresh(view, now).line(queue, now, ways.bar).add(work, ways.mode),
            None => Line::new(now, ways.bar).ask(work, ways.mode),
        };
        Some(fresh(estimate.later_by(busy_ms(view)), now))
    }

    /// The first promise of an order that waits for payment, if it comes now. It is made before those that were
    /// placed after it; others wait for it once that is decided.
    fn paid(&self, view: &View, state: &OrderState, as_of: Millis, now: Millis) -> Option<Promise> {
        let ways = Ways::of(view, state.at.partition)?;
        let can = state.awaits_payment()
            && !view.is_foreign(state)
            && somebody_decides(view, state.at.partition, as_of, now);
        if !can {
            return None;
        }
        if ways.queue.is_none() {
            let estimate = Line::new(now, ways.bar).ask(ways.work(&state.order), ways.mode);
            return Some(fresh(estimate.later_by(busy_ms(view)), now));
        }
        let shown = self.lock().shown.clone();
        let mut if_paid = Forecast { shown, ..Forecast::default() };
        if_paid.renew(view, Some(state), now);
        if_paid.shown.get(&state.at).map(|shown| shown.promise)
    }

    fn one_more(&self, view: &View, as_of: Millis, now: Millis) -> Option<Minutes> {
        if is_old(as_of, now) || view.nobody_decides_somewhere(now) {
            return None;
        }
        let mut forecast = self.fresh(view, now);
        let estimate = forecast.one_more(view, now)?.later_by(busy_ms(view));
        let minutes = Minutes::steady(forecast.minutes, estimate, now);
        forecast.minutes = Some(minutes);
        Some(minutes)
    }

    /// The forecast, made anew if it is no longer good. Whoever comes meanwhile waits, and finds it fresh.
    fn fresh(&self, view: &View, now: Millis) -> MutexGuard<'_, Forecast> {
        let mut forecast = self.lock();
        // Whoever looked a moment before another made it finds it from after that.
        if now.abs_diff(forecast.made_at) >= GOOD_MS {
            forecast.renew(view, None, now);
        }
        forecast
    }

    fn lock(&self) -> MutexGuard<'_, Forecast> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forecast {
    /// Makes it anew, with an order in it as if that were paid.
    fn renew(&mut self, view: &View, paid: Option<&OrderState>, now: Millis) {
        let partitions: Vec<_> =
            (0..view.partitions().max(1)).map(|partition| Ways::of(view, partition)).collect();
        let each = (LOOKED_AT / partitions.len()).max(LOOKED_AT_EACH);
        let mut queues: BTreeMap<&Queue, Vec<(&OrderState, &Ways)>> = BTreeMap::new();
        for state in view.open(each).chain(paid) {
            if let Some(Some(ways)) = partitions.get(state.at.partition as usize)
                && let Some(queue) = &ways.queue
                && !view.is_foreign(state)
            {
                queues.entry(queue).or_default().push((state, ways));
            }
        }
        let mut unseen: BTreeMap<&Queue, usize> = BTreeMap::new();
        for (partition, ways) in (0..).zip(&partitions) {
            let more = view.open_in(partition).saturating_sub(each);
            if let Some(queue) = ways.as_ref().and_then(|ways| ways.queue.as_ref())
                && more > 0
            {
                *unseen.entry(queue).or_default() += more;
            }
        }
        self.lines.clear();
        let mut shown = HashMap::with_capacity(self.shown.len());
        for (queue, mut orders) in queues {
            orders.sort_unstable_by_key(|(state, _)| (state.received_at, state.at));
            let open: Vec<_> = orders.iter().map(|(state, ways)| ways.open(state)).collect();
            let Some((_, ways)) = orders.first() else { continue };
            let (mut line, estimates) = Line::of(now, ways.bar, &open);
            for ((state, _), estimate) in orders.iter().zip(estimates) {
                let before = self.shown.get(&state.at).filter(|shown| shown.round == state.round);
                let before = before.map(|shown| shown.promise).or_else(|| promised(state));
                let promise = steady(before, busy(view, state, estimate), now);
                shown.insert(state.at, Shown { round: state.round, promise });
            }
            if let Some(&more) = unseen.get(queue) {
                let count = Millis::try_from(open.len()).unwrap_or(Millis::MAX).max(1);
                let work = open.iter().fold(0, |sum: Millis, open| sum.saturating_add(open.work)) / count;
                line.add_unseen(more, work, ways.mode);
            }
            self.lines.insert(queue.clone(), line);
        }
        self.unseen = unseen.into_keys().cloned().collect();
        self.shown = shown;
        self.made_at = now;
    }

    /// What is shown of an order, also if it came or went on after this was made.
    fn of(
        &mut self,
        view: &View,
        queue: &Queue,
        ways: &Ways,
        state: &OrderState,
        now: Millis,
    ) -> Option<Promise> {
        if let Some(shown) = self.shown.get(&state.at).filter(|shown| shown.round == state.round) {
            return Some(shown.promise);
        }
        if let Some(promise) = promised(state) {
            // It has its place in the line already, if this counter took it.
            return Some(promise).filter(|promise| promise.to() > now);
        }
        if self.unseen.contains(queue) {
            return None;
        }
        let estimate = match state.stage {
            Stage::Received => self.line(queue, now, ways.bar).add(ways.work(&state.order), ways.mode),
            _ => *Line::of(now, ways.bar, &[ways.open(state)]).1.first()?,
        };
        let promise = fresh(busy(view, state, estimate), now);
        self.shown.insert(state.at, Shown { round: state.round, promise });
        Some(promise)
    }

    /// When one more drink would be ready: in the line that takes longest, where there are several.
    fn one_more(&self, view: &View, now: Millis) -> Option<Estimate> {
        let asked = (0..view.partitions().max(1)).filter_map(|partition| {
            let ways = Ways::of(view, partition)?;
            let work = view.recent().cup().unwrap_or_else(|| ways.cup());
            let line = ways.queue.as_ref().and_then(|queue| self.lines.get(queue));
            Some(match line {
                Some(line) => line.ask(work, ways.mode),
                None => Line::new(now, ways.bar).ask(work, ways.mode),
            })
        });
        asked.max_by_key(|estimate| estimate.likely)
    }

    fn line(&mut self, queue: &Queue, now: Millis, bar: Bar) -> &mut Line {
        // What was placed in it stays until it is made anew from the view, which has read it by then.
        self.lines.entry(queue.clone()).or_insert_with(|| Line::new(now, bar))
    }
}

/// An order that was placed since staff said that it is busy has that in its promise until it is begun; whoever was
/// promised something before is not told otherwise.
fn busy(view: &View, state: &OrderState, estimate: Estimate) -> Estimate {
    let is_new = state.received_at >= view.shop().facts().busy_since();
    if is_new && state.stage == Stage::Received { estimate.later_by(busy_ms(view)) } else { estimate }
}

/// What staff add to new promises.
fn busy_ms(view: &View) -> Millis {
    Millis::from(view.shop().facts().busy_minutes()) * MINUTE_MS
}

/// The first promise, as long as it is of this round.
fn promised(state: &OrderState) -> Option<Promise> {
    state.promised().filter(|_| state.round == 1)
}

fn can_be_promised(view: &View, state: &OrderState, as_of: Millis, now: Millis) -> bool {
    state.stage.is_open()
        && !state.awaits_payment()
        && !view.is_foreign(state)
        && somebody_decides(view, state.at.partition, as_of, now)
}

fn somebody_decides(view: &View, partition: Partition, as_of: Millis, now: Millis) -> bool {
    !is_old(as_of, now) && !view.nobody_decides(partition, now)
}

#[cfg(test)]
mod tests;
