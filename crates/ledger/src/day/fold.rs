//! One record → what is different in the picture of a day.

use std::sync::Arc;

use eventlog::{Entry, Millis, Partition};
use order::{Item, Kind, Order, Promise, Stage};

use super::{AGAIN_MAX, Day, DayOrder, Line, MINUTE_MS, Minute, ORDERS_MAX, sample};
use crate::{Decision, Name};

impl Day {
    pub(super) fn push(&mut self, key: (Partition, Name), order: DayOrder) {
        // At most ORDERS_MAX.
        let at = u32::try_from(self.orders.len()).unwrap_or(u32::MAX);
        self.unknown += usize::from(!order.known);
        self.orders.push(order);
        self.by_name.insert(key, at);
    }

    fn minute(&mut self, at: Millis) -> &mut Minute {
        self.minutes.entry(at.div_euclid(MINUTE_MS)).or_default()
    }

    pub(super) fn accepted(&mut self, entry: &Entry, order: &Order) {
        let key = (entry.partition, Name::of(order.order_id.as_str()));
        let place = (entry.partition, entry.offset);
        if let Some(at) = self.expected.remove(&place) {
            let lines = self.lines_of(order);
            let known = &mut self.orders[at as usize];
            self.unknown -= usize::from(!known.known);
            known.tell(order, lines);
            known.counted = order.amount;
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
        new.counted = order.amount;
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

    pub(super) fn decided(&mut self, entry: &Entry, decision: &Decision<'_>) {
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
        order.due_at = decision.due_at;
        let is_recalled = decision.kind == Kind::Recall && !decision.takes_back();
        order.last = Some(decision.kind);
        // A page that is opened or put away makes no drink.
        if !decision.kind.is_of_phone() {
            order.touched_at = decision.at;
            order.waits_again = is_recalled;
        }
        if let Some(code) = decision.code {
            order.code = code;
        }
        if let Some(taken) = &decision.taken {
            order.mode = Some(taken.mode);
        }
        if decision.round != order.round {
            order.round = decision.round;
            order.taken_back = order.taken_back.saturating_add(decision.takes_back().into());
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
        self.remakes += u64::from(is_recalled);
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
                    order.counted = order.amount;
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

    pub(super) fn made_by_others(&mut self, entry: &Entry, id: &str) {
        let key = (entry.partition, Name::of(id));
        let Some(&at) = self.by_name.get(&key) else { return };
        let order = &mut self.orders[at as usize];
        if order.version > 0 || order.stage != Stage::Received {
            return;
        }
        let received_at = order.received_at;
        order.stage = Stage::Ready;
        order.touched_at = entry.timestamp;
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

    pub(super) fn lines_of(&mut self, order: &Order) -> Arc<[Line]> {
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
