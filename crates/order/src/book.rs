//! The orders of one partition: which are known, which pickup codes are in use, what is remembered.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use crate::{
    Codes, Command, Context, Event, Input, Key, Millis, Mode, Order, OrderId, OrderState, Orders, Placed,
    Refusal, Stage, apply, decide, decide::answer,
};

/// The line's times and bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// How orders are made that are taken from now on.
    pub mode: Mode,
    /// How long one cup takes, where the order does not say.
    pub cup_ms: u64,
    /// Ready in auto mode becomes uncollected after this.
    pub uncollected_auto_ms: Millis,
    /// Ready in manual mode becomes uncollected after this.
    pub uncollected_manual_ms: Millis,
    /// An unpaid order is cancelled after this.
    pub unpaid_ms: Millis,
    /// A finished order is forgotten after this.
    pub remember_ms: Millis,
    /// At most this many finished orders are remembered; the oldest go first.
    pub remember_max: usize,
    /// What they brought along beyond the core takes at most this many bytes ([`Order::weight`]); the oldest go
    /// first.
    pub remember_bytes: usize,
    /// At most this many wait to be collected; those whose time would run out first become uncollected.
    pub uncollected_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        const MINUTE: Millis = 60_000;
        Self {
            mode: Mode::Auto,
            cup_ms: 1_000,
            uncollected_auto_ms: 10 * MINUTE,
            uncollected_manual_ms: 120 * MINUTE,
            unpaid_ms: 30 * MINUTE,
            remember_ms: 24 * 60 * MINUTE,
            remember_max: 1_000_000,
            remember_bytes: 256 << 20,
            uncollected_max: 1_000_000,
        }
    }
}

/// No drink takes longer than a day, whatever a foreign counter writes.
const MAKE_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

impl Rules {
    /// How long the order takes to make.
    pub fn make_ms(&self, order: &Order) -> Millis {
        let millis = match order.details().and_then(|d| d.make_seconds) {
            Some(seconds) => u64::from(seconds) * 1_000,
            None => u64::from(order.amount).saturating_mul(self.cup_ms),
        };
        Millis::try_from(millis.min(MAKE_MS_MAX)).unwrap_or(Millis::MAX)
    }

    /// How long a ready order waits before it counts as uncollected.
    pub fn uncollected_ms(&self, mode: Mode) -> Millis {
        match mode {
            Mode::Auto => self.uncollected_auto_ms,
            Mode::Manual => self.uncollected_manual_ms,
        }
    }
}

/// What became of an input.
#[derive(Debug)]
pub enum Verdict {
    /// An order id that is known: nothing changes. Only taking an order says so, every command is answered.
    Repeat,
    /// A decision on an order of the book.
    Changed(Change),
    /// An answer without an order to it.
    Answered(Event),
}

/// A decision that has been applied.
#[derive(Debug)]
pub struct Change {
    /// The order.
    pub key: Key,
    /// What was decided.
    pub event: Event,
    /// Whether the order's state is different: all but a repeated answer.
    pub writes_state: bool,
    /// The order's new due time, if it got one.
    pub due: Option<Millis>,
}

/// The orders of one partition.
#[derive(Debug, Default)]
pub struct Book {
    orders: Orders,
    codes: Codes,
    counts: [usize; Stage::ALL.len()],
    making_auto: usize,
    /// What live orders weigh, and what finished ones do.
    live_bytes: usize,
    finished_bytes: usize,
    awaiting_hands: BTreeSet<(u64, Key)>,
    /// Ready orders by their due times; entries of orders that went on are void.
    ready: Queue,
    /// Finished orders by when they finished; entries of orders that were brought back are void.
    finished: Queue,
}

/// A queue may hold this many void entries more than others.
const VOID_MAX: usize = 4_096;

/// Earliest first, among equals in the log's order, so that a restart makes no difference.
type Queue = BinaryHeap<Reverse<(Millis, u64, Key)>>;

impl Book {
    /// The order with this id.
    pub fn find(&self, id: &OrderId) -> Option<Key> {
        self.orders.find(id.as_str())
    }

    /// The order at this place.
    pub fn get(&self, key: Key) -> Option<&OrderState> {
        self.orders.get(key)
    }

    /// All orders, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &OrderState)> {
        self.orders.iter()
    }

    /// How many orders are in this state.
    pub fn count(&self, stage: Stage) -> usize {
        self.counts[stage as usize]
    }

    /// How many orders have work left.
    pub fn open(&self) -> usize {
        self.count(Stage::Received) + self.count(Stage::Making)
    }

    /// How many bytes live orders brought along beyond the core ([`Order::weight`]).
    pub fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// How many orders make themselves right now.
    pub fn making_auto(&self) -> usize {
        self.making_auto
    }

    /// When the order was received that waits longest for a hand.
    pub fn awaits_since(&self) -> Option<Millis> {
        let (_, key) = self.awaiting_hands.first()?;
        Some(self.get(*key)?.received_at)
    }

    /// The number of the last pickup code given: to be restored with the orders.
    pub fn last_code(&self) -> u32 {
        self.codes.last()
    }

    /// Takes an order from `order.received`.
    pub fn take(
        &mut self,
        order: Order,
        placed: Placed,
        now: Millis,
        rules: &Rules,
        hands_free: bool,
    ) -> Verdict {
        if self.find(&order.order_id).is_some() {
            return Verdict::Repeat;
        }
        let state = OrderState::undecided(order, placed, rules.mode);
        let context = self.context(&state, now, rules, hands_free);
        let Some(event) = decide(&state, Input::Taken, &context) else { return Verdict::Repeat };
        let key = self.orders.insert(state);
        self.counts[Stage::Received as usize] += 1;
        self.live_bytes += self.orders[key].order.weight();
        let due = self.apply(key, &event);
        Verdict::Changed(Change { key, event, writes_state: true, due })
    }

    /// Answers a command.
    pub fn command(&mut self, command: &Command, now: Millis, rules: &Rules, hands_free: bool) -> Verdict {
        let Some(key) = self.find(&command.order_id) else {
            return Verdict::Answered(Event::unknown(command, Refusal::UnknownOrder, now));
        };
        let state = &self.orders[key];
        let event = answer(state, command, &self.context(state, now, rules, hands_free));
        Verdict::Changed(self.change(key, event))
    }

    /// The order's due time may have come.
    pub fn due(&mut self, key: Key, now: Millis, rules: &Rules) -> Option<Change> {
        self.get(key)?;
        self.decide(key, Input::Due, now, rules, true)
    }

    /// Begins the order that waits longest for a hand.
    pub fn hands_free(&mut self, now: Millis, rules: &Rules) -> Option<Change> {
        let (_, key) = *self.awaiting_hands.first()?;
        self.decide(key, Input::HandsFree, now, rules, true)
    }

    /// Gives up the order whose time to be collected would run out first, if more than the bound wait.
    pub fn give_up(&mut self, now: Millis, rules: &Rules) -> Option<Change> {
        while self.count(Stage::Ready) > rules.uncollected_max {
            let Reverse((due, _, key)) = self.ready.pop()?;
            if waits_until(self.get(key), due) {
                return self.decide(key, Input::GiveUp, now, rules, true);
            }
        }
        None
    }

    /// Forgets one finished order that is remembered no longer, and says which.
    pub fn forget(&mut self, now: Millis, rules: &Rules) -> Option<OrderId> {
        loop {
            let &Reverse((at, _, key)) = self.finished.peek()?;
            let holds = finished_at(self.get(key), at);
            let remembered = self.finished_count() <= rules.remember_max
                && self.finished_bytes <= rules.remember_bytes
                && now < at.saturating_add(rules.remember_ms);
            if holds && remembered {
                return None;
            }
            self.finished.pop();
            if holds {
                return self.remove(key).map(|state| state.order.order_id);
            }
        }
    }

    /// When the next finished order is to be forgotten, if none comes before it.
    pub fn next_forget(&self, rules: &Rules) -> Option<Millis> {
        self.finished.peek().map(|Reverse((at, ..))| at.saturating_add(rules.remember_ms))
    }

    /// Puts back an order from `order.state`; a later one of the same id replaces it. [`Book::settle`] follows.
    pub fn restore(&mut self, state: OrderState) {
        match self.find(state.id()) {
            Some(key) => self.orders[key] = state,
            None => drop(self.orders.insert(state)),
        }
    }

    /// Takes back what was restored under this id. [`Book::settle`] follows.
    pub fn unrestore(&mut self, id: &OrderId) {
        if let Some(key) = self.find(id) {
            self.orders.remove(key);
        }
    }

    /// After the last [`Book::restore`]: counts, codes and queues follow from the orders.
    pub fn settle(&mut self, last_code: u32) {
        self.codes = Codes::new(last_code);
        self.counts = Default::default();
        self.making_auto = 0;
        (self.live_bytes, self.finished_bytes) = (0, 0);
        for (key, state) in self.orders.iter() {
            self.counts[state.stage as usize] += 1;
            self.making_auto += usize::from(makes_itself(state));
            if state.stage.is_live() {
                self.codes.take(state.code, false);
                self.live_bytes += state.order.weight();
            } else {
                self.finished_bytes += state.order.weight();
            }
            if state.awaits_hands() {
                self.awaiting_hands.insert((state.at.offset, key));
            }
            match (state.stage, state.due(), state.finished_at) {
                (Stage::Ready, Some(due), _) => self.ready.push(Reverse((due, state.at.offset, key))),
                (_, _, Some(at)) => self.finished.push(Reverse((at.get(), state.at.offset, key))),
                _ => {}
            }
        }
    }

    fn finished_count(&self) -> usize {
        self.orders.len() - self.open() - self.count(Stage::Ready)
    }

    fn context<'a>(
        &self,
        state: &OrderState,
        now: Millis,
        rules: &'a Rules,
        hands_free: bool,
    ) -> Context<'a> {
        Context {
            now,
            rules,
            hands_free,
            keeps_code: state.stage.is_live() || self.codes.is_free(state.code),
            next_code: self.codes.next(),
        }
    }

    fn decide(
        &mut self,
        key: Key,
        input: Input<'_>,
        now: Millis,
        rules: &Rules,
        hands: bool,
    ) -> Option<Change> {
        let state = &self.orders[key];
        let event = decide(state, input, &self.context(state, now, rules, hands))?;
        Some(self.change(key, event))
    }

    fn change(&mut self, key: Key, event: Event) -> Change {
        let due = self.apply(key, &event);
        Change { key, writes_state: !event.repeat, event, due }
    }

    /// Applies the event, and says the new due time if it brought one.
    fn apply(&mut self, key: Key, event: &Event) -> Option<Millis> {
        let state = &mut self.orders[key];
        self.counts[state.stage as usize] -= 1;
        self.making_auto -= usize::from(makes_itself(state));
        let (was_live, old_code) = (state.stage.is_live(), state.code);
        if state.awaits_hands() {
            self.awaiting_hands.remove(&(state.at.offset, key));
        }
        let (old_due, old_finished) = (state.due_at, state.finished_at);
        apply(state, event);
        self.counts[state.stage as usize] += 1;
        self.making_auto += usize::from(makes_itself(state));
        if state.awaits_hands() {
            self.awaiting_hands.insert((state.at.offset, key));
        }
        if was_live != state.stage.is_live() {
            let weight = state.order.weight();
            let (from, to) = if was_live {
                (&mut self.live_bytes, &mut self.finished_bytes)
            } else {
                (&mut self.finished_bytes, &mut self.live_bytes)
            };
            *from -= weight;
            *to += weight;
        }
        match (was_live && old_code != 0, state.stage.is_live()) {
            (false, true) => self.codes.take(state.code, event.code.is_some()),
            (true, false) => self.codes.release(old_code),
            _ => {}
        }
        let entry = |at: Millis| Reverse((at, state.at.offset, key));
        let due = state.due().filter(|_| state.due_at != old_due);
        match (state.stage, due, state.finished_at) {
            (Stage::Ready, Some(due), _) => {
                self.ready.push(entry(due));
                self.drop_void_ready();
            }
            (_, _, Some(at)) if state.finished_at != old_finished => {
                self.finished.push(entry(at.get()));
                self.drop_void_finished();
            }
            _ => {}
        }
        due
    }

    /// An order that went on leaves its entry behind; when those outweigh the others, all of them go at once.
    fn drop_void_ready(&mut self) {
        if self.ready.len() > 2 * self.count(Stage::Ready) + VOID_MAX {
            let orders = &self.orders;
            self.ready.retain(|Reverse((due, _, key))| waits_until(orders.get(*key), *due));
        }
    }

    /// The same for orders that were brought back.
    fn drop_void_finished(&mut self) {
        if self.finished.len() > 2 * self.finished_count() + VOID_MAX {
            let orders = &self.orders;
            self.finished.retain(|Reverse((at, _, key))| finished_at(orders.get(*key), *at));
        }
    }

    fn remove(&mut self, key: Key) -> Option<OrderState> {
        let state = self.orders.remove(key)?;
        self.counts[state.stage as usize] -= 1;
        // Only finished orders are forgotten.
        self.finished_bytes -= state.order.weight();
        Some(state)
    }
}

/// Whether an entry of [`Book::ready`] holds.
fn waits_until(state: Option<&OrderState>, due: Millis) -> bool {
    state.is_some_and(|s| s.stage == Stage::Ready && s.due() == Some(due))
}

/// Whether an entry of [`Book::finished`] holds.
fn finished_at(state: Option<&OrderState>, at: Millis) -> bool {
    state.is_some_and(|s| s.finished_at.is_some_and(|finished| finished.get() == at))
}

fn makes_itself(state: &OrderState) -> bool {
    state.stage == Stage::Making && state.mode == Mode::Auto
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, At, By, CommandId, Role};

    #[test]
    fn what_went_on_does_not_pile_up() {
        let rules = Rules { cup_ms: 0, ..Rules::default() };
        let mut book = Book::default();
        let ask = |book: &mut Book, id: &OrderId, action: &Action, now: Millis| {
            let (command_id, order_id) = (CommandId::new(now.to_string()).unwrap(), id.clone());
            let by = By { role: Role::Staff, device: None };
            let command =
                Command { command_id, order_id, action: action.clone(), seen: None, by, order_at: None };
            book.command(&command, now, &rules, true);
        };
        let id = OrderId::new("a").unwrap();
        let at = At { partition: 0, offset: 0 };
        let placed = Placed { at, received_at: 0, foreign: false, history_from: 0, traceparent: None };
        book.take(Order::new(id.clone(), 1), placed, 0, &rules, true);
        for now in 0..20_000 {
            ask(&mut book, &id, if now % 2 == 0 { &Action::Collect } else { &Action::Uncollect }, now);
        }
        assert_eq!(book.count(Stage::Ready), 1);
        assert!(book.ready.len() <= VOID_MAX + 3, "{} in the queue of one ready order", book.ready.len());
        assert!(book.finished.len() <= VOID_MAX + 3, "{} in the queue of no order", book.finished.len());

        ask(&mut book, &id, &Action::Collect, 30_000);
        let forgotten = book.forget(Millis::MAX, &Rules::default());
        assert_eq!(forgotten, Some(id), "what holds is kept");
    }
}
