//! The baristas at one rail: who takes which ticket, when they tap what, and what they put right.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::{
    Stage, Tap,
    plan::{AtBar, Millis, Slip},
};

/// How long until a tap that did not come through is tried again.
const AGAIN: Millis = 2_000;
/// How long a drink that was handed to the wrong one stays unnoticed at least.
const WRONG_HAND: Millis = 2_000;
/// How long the last ones may wait to be fetched when the shop closes.
const LAST_CALL: Millis = 60_000;
/// Orders that are over and still known as such: the stream may tell of them what an answer has overtaken.
const OVER_KNOWN: usize = 4_096;

const UNDO: &str = "undo";
const WRONG: &str = "not as ordered";
/// Why what nobody fetches is put aside.
pub const NOBODY_CAME: &str = "nobody came";

/// An order as the rail shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub order: String,
    /// The newest shows what is so.
    pub version: u32,
    /// Where it is.
    pub stage: Stage,
    /// How often it has been made.
    pub round: u32,
    /// How many lines can be ticked.
    pub lines: u16,
    /// It waits for payment.
    pub unpaid: bool,
    /// Who ordered it, by their place in the plan; `None`: somebody else.
    pub customer: Option<usize>,
}

/// What someone does about a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Which order.
    pub order: String,
    /// What is tapped.
    pub tap: Tap,
    /// As it was seen then.
    pub stage: Stage,
    /// As it was seen then.
    pub round: u32,
}

/// A rail, and those who work at it.
#[derive(Debug)]
pub struct Bar {
    /// Pairs of hands.
    hands: usize,
    /// What the plan says of each customer's order.
    plan: Vec<AtBar>,
    /// What is done with orders that are nobody's in the plan; `None`: others see to them.
    others: Option<AtBar>,
    /// Until something that nobody comes for is put aside; `None`: when the shop closes.
    patience: Option<Millis>,
    rail: BTreeMap<u64, Held>,
    places: HashMap<String, u64>,
    /// Tickets that ever came, for their places.
    came: u64,
    closes_at: Option<Millis>,
    /// What was taken off the rail last, with the version it had.
    over: HashMap<String, u32>,
    over_in_turn: VecDeque<String>,
}

#[derive(Debug)]
struct Held {
    ticket: Ticket,
    /// Somebody works on this round of it.
    taken: Option<u32>,
    /// What is to be tapped, by time.
    agenda: Vec<(Millis, Tap)>,
    /// A tap is on its way.
    busy: bool,
    /// What was to go wrong has.
    slipped: bool,
}

impl Bar {
    /// A bar with so many pairs of hands. `plan` is what happens to each customer's order, `others` to everyone else's,
    /// and what nobody comes for is put aside after `patience`.
    pub fn new(hands: usize, plan: Vec<AtBar>, others: Option<AtBar>, patience: Option<Millis>) -> Self {
        Self {
            hands,
            plan,
            others,
            patience,
            rail: BTreeMap::new(),
            places: HashMap::new(),
            came: 0,
            closes_at: None,
            over: HashMap::new(),
            over_in_turn: VecDeque::new(),
        }
    }

    /// Plans on: customers after those that are known.
    pub fn plan_on(&mut self, more: impl IntoIterator<Item = AtBar>) {
        self.plan.extend(more);
    }

    /// Nobody comes any more: what is open is made, and what nobody fetches is put aside.
    pub fn close(&mut self, now: Millis) {
        if self.closes_at.is_some() {
            return;
        }
        self.closes_at = Some(now);
        for held in self.rail.values_mut().filter(|held| held.ticket.stage == Stage::Ready) {
            held.plan(now + LAST_CALL, Tap::Cancel(NOBODY_CAME));
        }
    }

    /// How many wait, are being made, and wait to be fetched.
    pub fn counts(&self) -> [usize; 3] {
        let of = |stage| self.rail.values().filter(|held| held.ticket.stage == stage).count();
        [of(Stage::Received), of(Stage::Making), of(Stage::Ready)]
    }

    /// Whether nothing is left to do.
    pub fn is_clear(&self) -> bool {
        self.rail.is_empty()
    }

    /// The rail as it is: what is not among these is over.
    pub fn shows(&mut self, now: Millis, tickets: Vec<Ticket>) {
        let there: HashSet<_> = tickets.iter().map(|ticket| ticket.order.clone()).collect();
        // What was collected is not shown, and may have to come back all the same.
        let gone = |held: &Held| !there.contains(&held.ticket.order) && !held.ticket.stage.is_over();
        let gone: Vec<_> = self.rail.iter().filter(|(_, held)| gone(held)).map(|(place, _)| *place).collect();
        for place in gone {
            // Not known as over: what an answer said of it may be newer than this, and then it is told again.
            if let Some(held) = self.rail.remove(&place) {
                self.places.remove(&held.ticket.order);
            }
        }
        for ticket in tickets {
            self.sees(now, ticket);
        }
    }

    /// One order as it is now.
    pub fn sees(&mut self, now: Millis, ticket: Ticket) {
        let Some(&place) = self.places.get(&ticket.order) else {
            if self.at_bar(&ticket).is_none() {
                return;
            }
            let is_news = self.over.get(&ticket.order).is_none_or(|version| *version < ticket.version);
            if is_news && !ticket.stage.is_over() {
                self.came += 1;
                self.places.insert(ticket.order.clone(), self.came);
                let held = Held { ticket, taken: None, agenda: Vec::new(), busy: false, slipped: false };
                self.rail.insert(self.came, held);
                self.moved(now, self.came);
                self.work(now);
            }
            return;
        };
        let Some(held) = self.rail.get_mut(&place) else { return };
        if ticket.version <= held.ticket.version {
            return;
        }
        let has_moved = (ticket.stage, ticket.round) != (held.ticket.stage, held.ticket.round);
        held.ticket = ticket;
        if has_moved {
            self.moved(now, place);
        }
        self.work(now);
    }

    /// When somebody taps next; `None`: nobody, until something changes.
    pub fn next_at(&self) -> Option<Millis> {
        self.rail.values().filter_map(Held::next_at).min()
    }

    /// What is tapped now, one after the other. Each must be [`Bar::done`] before the next one about the same order.
    pub fn act(&mut self, now: Millis) -> Option<Deed> {
        let is_due = |held: &&mut Held| held.next_at().is_some_and(|at| at <= now);
        let held = self.rail.values_mut().filter(is_due).min_by_key(|held| held.next_at())?;
        let (_, tap) = held.agenda.remove(0);
        held.busy = true;
        let Ticket { order, stage, round, .. } = &held.ticket;
        Some(Deed { order: order.clone(), tap, stage: *stage, round: *round })
    }

    /// A tap is answered: `settled` if it was done or refused, else it is tried again.
    pub fn done(&mut self, now: Millis, deed: &Deed, settled: bool) {
        let Some(&place) = self.places.get(&deed.order) else { return };
        let Some(held) = self.rail.get_mut(&place) else { return };
        held.busy = false;
        let is_as_it_was = (held.ticket.stage, held.ticket.round) == (deed.stage, deed.round);
        if !settled && is_as_it_was {
            held.plan(now + AGAIN, deed.tap);
        }
        // Whoever has a ticket in hand never lets it lie.
        if held.taken.is_some() && held.agenda.is_empty() {
            held.plan(now + AGAIN, Tap::Ready);
        }
        if held.ticket.stage.is_over() && held.agenda.is_empty() {
            self.take_off(place);
        }
        self.work(now);
    }

    /// A ticket has come to another state, or is new.
    fn moved(&mut self, now: Millis, place: u64) {
        let at_bar = self.rail.get(&place).and_then(|held| self.at_bar(&held.ticket)).copied();
        let (Some(at_bar), Some(held)) = (at_bar, self.rail.get_mut(&place)) else { return };
        if held.ticket.stage == Stage::Making && held.taken == Some(held.ticket.round) {
            return; // it was begun, by whoever has it in hand
        }
        held.agenda.clear();
        held.taken = None;
        match held.ticket.stage {
            Stage::Ready => {
                if let (Some(Slip::TooSoon(after)), false) = (at_bar.slip, held.slipped) {
                    held.slipped = true;
                    held.plan(now + after, Tap::Recall(UNDO));
                } else if let (Some(Slip::NotHandedOver(_)), false) = (at_bar.slip, held.slipped) {
                    held.plan(now + WRONG_HAND, Tap::Collect);
                } else if let Some(after) = hands_over_after(&at_bar) {
                    held.plan(now + after, Tap::Collect);
                }
                let aside = self.patience.map(|patience| now + patience);
                let last = self.closes_at.map(|closes_at| closes_at.max(now) + LAST_CALL);
                if let Some(aside) = aside.into_iter().chain(last).min() {
                    held.plan(aside, Tap::Cancel(NOBODY_CAME));
                }
            }
            Stage::Collected => match at_bar.slip {
                Some(Slip::NotHandedOver(after)) if !held.slipped => {
                    held.slipped = true;
                    held.plan(now + after, Tap::Uncollect);
                }
                Some(Slip::Wrong(after)) if !held.slipped => {
                    held.slipped = true;
                    held.plan(now + after, Tap::Recall(WRONG));
                }
                _ if !held.busy => self.take_off(place),
                _ => {}
            },
            Stage::Uncollected | Stage::Cancelled if !held.busy => self.take_off(place),
            Stage::Received | Stage::Making | Stage::Uncollected | Stage::Cancelled => {}
        }
    }

    /// Free hands take the oldest tickets.
    fn work(&mut self, now: Millis) {
        let in_hand = self.rail.values().filter(|held| held.taken.is_some()).count();
        let lies = |held: &Held| held.taken.is_none() && held.ticket.stage.is_open();
        let oldest = self.rail.iter().filter(|(_, held)| lies(held));
        let oldest: Vec<_> = oldest
            .take(self.hands.saturating_sub(in_hand))
            .filter_map(|(place, held)| Some((*place, *self.at_bar(&held.ticket)?)))
            .collect();
        for (place, at_bar) in oldest {
            if let Some(held) = self.rail.get_mut(&place) {
                held.take(now, &at_bar);
            }
        }
    }

    /// What happens to an order here.
    fn at_bar(&self, ticket: &Ticket) -> Option<&AtBar> {
        ticket.customer.and_then(|customer| self.plan.get(customer)).or(self.others.as_ref())
    }

    fn take_off(&mut self, place: u64) {
        if let Some(held) = self.rail.remove(&place) {
            let Ticket { order, version, .. } = held.ticket;
            self.places.remove(&order);
            if self.over.insert(order.clone(), version).is_none() {
                self.over_in_turn.push_back(order);
            }
            if self.over_in_turn.len() > OVER_KNOWN
                && let Some(oldest) = self.over_in_turn.pop_front()
            {
                self.over.remove(&oldest);
            }
        }
    }
}

/// From when it is ready until it is handed over. Whoever stood there when it went to another gets it in the end.
fn hands_over_after(at_bar: &AtBar) -> Option<Millis> {
    at_bar.hands_over_after.or(match at_bar.slip {
        Some(Slip::NotHandedOver(after)) => Some(after),
        _ => None,
    })
}

impl Held {
    fn next_at(&self) -> Option<Millis> {
        if self.busy { None } else { self.agenda.first().map(|(at, _)| *at) }
    }

    fn plan(&mut self, at: Millis, tap: Tap) {
        let place = self.agenda.partition_point(|(other, _)| *other <= at);
        self.agenda.insert(place, (at, tap));
    }

    /// Somebody makes this, from now on.
    fn take(&mut self, now: Millis, at_bar: &AtBar) {
        self.taken = Some(self.ticket.round);
        if self.ticket.unpaid {
            self.plan(now, Tap::Accept);
        }
        if self.ticket.stage == Stage::Received {
            self.plan(now, Tap::Start);
        }
        let is_too_soon = matches!(at_bar.slip, Some(Slip::TooSoon(_))) && !self.slipped;
        let making = if is_too_soon { at_bar.making / 3 } else { at_bar.making };
        if at_bar.ticks && self.ticket.lines > 1 {
            for line in 0..self.ticket.lines {
                self.plan(
                    now + making * Millis::from(line + 1) / Millis::from(self.ticket.lines),
                    Tap::Tick(line),
                );
            }
        }
        self.plan(now + making, Tap::Ready);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OTHERS: AtBar = AtBar { making: 30_000, ticks: false, slip: None, hands_over_after: None };

    /// A line with one rail: what it does at a tap is what the contract's table says.
    #[derive(Debug, Default)]
    struct Line {
        orders: BTreeMap<String, Ticket>,
        announced: Vec<(String, u32)>,
    }

    impl Line {
        fn place(&mut self, customer: usize) -> Ticket {
            let ticket = Ticket {
                order: customer.to_string(),
                version: 1,
                stage: Stage::Received,
                round: 1,
                lines: 2,
                unpaid: customer.is_multiple_of(3),
                customer: Some(customer),
            };
            self.orders.insert(ticket.order.clone(), ticket.clone());
            ticket
        }

        fn tap(&mut self, deed: &Deed) -> Ticket {
            let order = self.orders.get_mut(&deed.order).expect("only what is there is tapped");
            let is_as_seen = (order.stage, order.round) == (deed.stage, deed.round);
            let to = match (deed.tap, order.stage) {
                _ if !is_as_seen => None,
                (Tap::Accept, Stage::Received) if order.unpaid => {
                    (order.unpaid, order.version) = (false, order.version + 1);
                    None
                }
                (Tap::Start, Stage::Received) if !order.unpaid => Some(Stage::Making),
                (Tap::Ready, Stage::Received | Stage::Making) if !order.unpaid => Some(Stage::Ready),
                (Tap::Recall(_), Stage::Ready | Stage::Collected) => {
                    order.round += 1;
                    Some(Stage::Making)
                }
                (Tap::Collect, Stage::Ready) => Some(Stage::Collected),
                (Tap::Uncollect, Stage::Collected) => Some(Stage::Ready),
                (Tap::Cancel(_), Stage::Ready) => Some(Stage::Cancelled),
                _ => None,
            };
            if let Some(to) = to {
                if to == Stage::Ready && deed.tap == Tap::Ready {
                    self.announced.push((order.order.clone(), order.round));
                }
                (order.stage, order.version) = (to, order.version + 1);
            }
            order.clone()
        }
    }

    fn slips() -> impl Strategy<Value = Option<Slip>> {
        let after = 1_000..20_000_u64;
        prop_oneof![
            Just(None),
            after.clone().prop_map(|after| Some(Slip::TooSoon(after))),
            after.clone().prop_map(|after| Some(Slip::NotHandedOver(after))),
            after.prop_map(|after| Some(Slip::Wrong(after))),
        ]
    }

    fn plans() -> impl Strategy<Value = Vec<AtBar>> {
        let at_bar = (1_000..90_000_u64, any::<bool>(), slips(), prop::option::of(1_000..60_000_u64));
        let at_bar = at_bar.prop_map(|(making, ticks, slip, hands_over_after)| AtBar {
            making,
            ticks,
            slip,
            hands_over_after,
        });
        prop::collection::vec(at_bar, 1..20)
    }

    proptest! {
        /// Answers that get lost, and news that come late and twice, keep nothing on the rail for ever.
        #[test]
        fn everything_is_made_and_gone_in_the_end(
            plan in plans(),
            hands in 1..5_usize,
            fates in prop::collection::vec(0..6_u8, 1..50),
        ) {
            let (mut line, count) = (Line::default(), plan.len());
            let mut bar = Bar::new(hands, plan, Some(OTHERS), None);
            let mut late: Vec<Ticket> = Vec::new();
            for customer in 0..count {
                let ticket = line.place(customer);
                bar.sees(0, ticket);
            }
            bar.close(0);
            let (mut now, mut taps) = (0, 0);
            while let Some(at) = bar.next_at() {
                now = now.max(at);
                let in_hand = bar.rail.values().filter(|held| held.taken.is_some()).count();
                prop_assert!(in_hand <= hands);
                while let Some(deed) = bar.act(now) {
                    taps += 1;
                    prop_assert!(taps < 50 * count + 100, "{deed:?} {bar:?}");
                    let fate = if taps > 20 * count { 0 } else { fates[taps % fates.len()] };
                    match fate {
                        // Neither done nor answered.
                        1 => bar.done(now, &deed, false),
                        // Done, and not answered; it is seen later.
                        2 => {
                            late.push(line.tap(&deed));
                            bar.done(now, &deed, false);
                        }
                        _ => {
                            let ticket = line.tap(&deed);
                            bar.sees(now, ticket.clone());
                            bar.done(now, &deed, true);
                            late.push(ticket);
                        }
                    }
                    if taps.is_multiple_of(3) {
                        late.drain(..).for_each(|ticket| bar.sees(now, ticket));
                    }
                }
                late.drain(..).for_each(|ticket| bar.sees(now, ticket));
                let live = line.orders.values().filter(|ticket| !ticket.stage.is_over());
                bar.shows(now, live.cloned().collect());
            }
            prop_assert!(bar.is_clear(), "{bar:?}");
            for order in line.orders.values() {
                prop_assert!(order.stage.is_over(), "{order:?}");
                for round in 1..=order.round {
                    let times = line.announced.iter().filter(|(id, of)| *id == order.order && *of == round);
                    prop_assert_eq!(times.count(), 1);
                }
            }
        }
    }

    #[test]
    fn each_slip_happens_once_and_is_put_right() {
        for (slip, rounds, taps) in [
            (Slip::TooSoon(4_000), 2, &["start", "ready", "recall", "ready", "collect"][..]),
            (Slip::NotHandedOver(4_000), 1, &["start", "ready", "collect", "uncollect", "collect"]),
            (Slip::Wrong(4_000), 2, &["start", "ready", "collect", "recall", "ready", "collect"]),
        ] {
            let mut line = Line::default();
            let plan = AtBar { hands_over_after: Some(5_000), slip: Some(slip), ..OTHERS };
            let mut bar = Bar::new(1, vec![OTHERS, plan], Some(OTHERS), None);
            bar.sees(0, line.place(1));
            let mut said = Vec::new();
            while let Some(now) = bar.next_at() {
                let deed = bar.act(now).expect("it is due");
                said.push(deed.tap.name());
                let ticket = line.tap(&deed);
                bar.sees(now, ticket);
                bar.done(now, &deed, true);
            }
            assert_eq!(said, taps);
            assert!(bar.is_clear() && line.orders["1"].round == rounds, "{slip:?}");
        }
    }

    #[test]
    fn what_an_answer_has_overtaken_does_not_come_back_onto_the_rail() {
        let mut line = Line::default();
        let mut bar = Bar::new(1, Vec::new(), Some(OTHERS), None);
        let old = line.place(1);
        bar.sees(0, old.clone());
        bar.sees(1, Ticket { stage: Stage::Cancelled, version: 2, ..old.clone() });
        bar.sees(2, old);
        assert!(bar.is_clear() && bar.next_at().is_none());
    }

    #[test]
    fn what_came_back_while_the_rail_was_being_told_is_made_when_it_is_told_again() {
        let mut line = Line::default();
        let mut bar = Bar::new(1, Vec::new(), Some(OTHERS), None);
        let back = Ticket { stage: Stage::Making, round: 2, version: 9, ..line.place(1) };
        bar.sees(0, back.clone());
        // Told as it was before, when the order was collected.
        bar.shows(1, Vec::new());
        bar.sees(2, back);
        assert_eq!((bar.counts(), bar.next_at()), ([0, 1, 0], Some(2 + OTHERS.making)));
    }

    #[test]
    fn old_news_of_what_is_on_the_rail_change_nothing() {
        let mut line = Line::default();
        let mut bar = Bar::new(1, Vec::new(), Some(OTHERS), None);
        let old = line.place(1);
        bar.sees(0, Ticket { stage: Stage::Ready, version: 3, ..old.clone() });
        bar.sees(1, old);
        assert_eq!((bar.counts(), bar.next_at()), ([0, 0, 1], None));
    }

    #[test]
    fn what_nobody_comes_for_is_put_aside_after_a_while_also_where_the_shop_never_closes() {
        let mut line = Line::default();
        let mut bar = Bar::new(1, Vec::new(), Some(OTHERS), Some(600_000));
        bar.sees(0, Ticket { stage: Stage::Ready, ..line.place(1) });
        assert_eq!(bar.next_at(), Some(600_000));
        assert_eq!(bar.act(600_000).map(|deed| deed.tap), Some(Tap::Cancel(NOBODY_CAME)));
    }
}
