//! One customer: what they do next, and what they make of what they hear.

use crate::{
    Tap,
    plan::{Customer, Leave, Millis, Sends, Where},
};

/// How long a page stays open on the phone when there is nothing left to wait for.
const LINGERS: Millis = 60_000;
/// A page that is loaded again is back so soon.
const RELOADS_IN: Millis = 1_000;
/// A phone rings as soon as it hears.
const RINGS_IN: Millis = 200;

/// What a customer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Sends the order; so many copies at once, all with the same key.
    Order {
        /// 1 or 2.
        copies: usize,
    },
    /// Opens the page of the order.
    Open,
    /// Closes it, to load it again or for good.
    Close,
    /// Taps something on it.
    Tap(Tap),
    /// Is gone, and does nothing more.
    Leave,
}

/// What a customer hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The order was taken.
    Taken,
    /// It was not.
    TurnedAway,
    /// The bell.
    Ready,
    /// It is made once more.
    Recalled,
    /// It was handed over, or put aside.
    Finished,
    /// It is not to be made.
    Cancelled,
}

/// A customer from when they come until they leave.
#[derive(Debug, Clone)]
pub struct Guest {
    customer: Customer,
    /// What they mean to do, and when; sorted by time.
    agenda: Vec<(Millis, Act)>,
    is_taken: bool,
    has_missed: bool,
}

impl Guest {
    /// Someone who will come.
    pub fn new(customer: Customer) -> Self {
        let copies = if customer.sends == Sends::Twice { 2 } else { 1 };
        let agenda = vec![(customer.comes_at, Act::Order { copies })];
        Self { customer, agenda, is_taken: false, has_missed: false }
    }

    /// Who it is.
    pub fn customer(&self) -> &Customer {
        &self.customer
    }

    /// When they do something next; `None`: nothing, until they hear something.
    pub fn next_at(&self) -> Option<Millis> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// What they do now, one after the other.
    pub fn act(&mut self, now: Millis) -> Option<Act> {
        let is_due = self.agenda.first().is_some_and(|(at, _)| *at <= now);
        let (_, act) = is_due.then(|| self.agenda.remove(0))?;
        if act == Act::Leave {
            self.agenda.clear();
        }
        Some(act)
    }

    /// Hears something.
    pub fn hear(&mut self, now: Millis, news: News) {
        let has_phone = self.customer.at == Where::Phone;
        match news {
            // The answer to a second copy says nothing new.
            News::Taken if self.is_taken => {}
            News::Taken => {
                self.is_taken = true;
                if has_phone { self.sit_down(now) } else { self.plan(now, Act::Leave) }
            }
            News::TurnedAway | News::Cancelled => {
                self.agenda.clear();
                self.plan(now, Act::Leave);
            }
            News::Ready => self.get_up(now),
            News::Recalled => self.forget(|act| matches!(act, Act::Tap(tap) if is_about_the_bell(*tap))),
            News::Finished => {
                self.forget(|act| matches!(act, Act::Tap(_)));
                self.plan(now + LINGERS, Act::Leave);
            }
        }
    }

    /// Waits with the page open.
    fn sit_down(&mut self, now: Millis) {
        let manner = self.customer.manner.clone();
        self.plan(now, Act::Open);
        self.plan(now, Act::Tap(Tap::Presence("listening")));
        if let Sends::Again(after) = self.customer.sends {
            self.plan(now + after, Act::Order { copies: 1 });
        }
        if let Some(after) = manner.tests_after {
            self.plan(now + after, Act::Tap(Tap::Tested));
        }
        if let Some(after) = manner.cancels_after {
            self.plan(now + after, Act::Tap(Tap::Cancel("changed my mind")));
        }
        let gone_at = manner.leaves.map(|leave| now + leave.after);
        for at in manner.reloads_after.iter().map(|after| now + after) {
            // Nobody loads a page again that is closed.
            if gone_at.is_none_or(|gone_at| at + RELOADS_IN < gone_at) {
                self.plan(at, Act::Close);
                self.plan(at + RELOADS_IN, Act::Open);
            }
        }
        if let Some(Leave { after, back_after }) = manner.leaves {
            self.plan(now + after, Act::Tap(Tap::Presence("gone")));
            self.plan(now + after, Act::Close);
            match back_after {
                Some(back_after) => self.plan(now + after + back_after, Act::Open),
                None => self.plan(now + after, Act::Leave),
            }
        }
    }

    /// Comes for it.
    fn get_up(&mut self, now: Millis) {
        let manner = self.customer.manner.clone();
        // Whoever stayed for a moment after it was over stays longer; whoever means to wander off for good still does.
        let is_for_good = manner.leaves.is_some_and(|leave| leave.back_after.is_none());
        let closes_at = self.agenda.iter().rev().find(|(_, act)| *act == Act::Close).map(|(at, _)| *at);
        self.forget(|act| *act == Act::Leave);
        if let Some(at) = closes_at.filter(|_| is_for_good) {
            self.plan(at, Act::Leave);
        }
        let notices_at = now + manner.notices_after;
        let there_at = notices_at + manner.walks_for;
        self.plan(now + RINGS_IN, Act::Tap(Tap::Rang));
        self.plan(notices_at, Act::Tap(Tap::Acknowledge));
        if manner.misses_it && !std::mem::replace(&mut self.has_missed, true) {
            self.plan(there_at, Act::Tap(Tap::Missing));
        }
        if manner.says_collected {
            self.plan(there_at, Act::Tap(Tap::Collect));
        }
    }

    fn plan(&mut self, at: Millis, act: Act) {
        // Behind what is planned for the same time.
        let place = self.agenda.partition_point(|(other, _)| *other <= at);
        self.agenda.insert(place, (at, act));
    }

    fn forget(&mut self, what: impl Fn(&Act) -> bool) {
        self.agenda.retain(|(_, act)| !what(act));
    }
}

/// What nobody taps any more once it is made again.
fn is_about_the_bell(tap: Tap) -> bool {
    matches!(tap, Tap::Rang | Tap::Acknowledge | Tap::Missing | Tap::Collect)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Crowd, Morning, Offer, plan};

    fn someone(change: impl FnOnce(&mut Customer)) -> Guest {
        let morning = Morning { customers: 1, minutes: 10, kills: 0, crowd: Crowd::Rush };
        let mut customer = plan(1, &morning, &Offer::default()).customers.remove(0);
        customer.at = Where::Phone;
        customer.sends = Sends::Once;
        customer.manner.tests_after = None;
        customer.manner.reloads_after.clear();
        customer.manner.cancels_after = None;
        customer.manner.leaves = None;
        customer.manner.misses_it = false;
        customer.manner.says_collected = true;
        change(&mut customer);
        Guest::new(customer)
    }

    /// Everything they do until then.
    fn until(guest: &mut Guest, now: Millis) -> Vec<Act> {
        std::iter::from_fn(|| guest.act(now)).collect()
    }

    #[test]
    fn who_hears_the_bell_comes_and_has_it_and_leaves() {
        let mut guest = someone(|_| {});
        assert_eq!(until(&mut guest, 0), [Act::Order { copies: 1 }]);
        guest.hear(10, News::Taken);
        assert_eq!(until(&mut guest, 10), [Act::Open, Act::Tap(Tap::Presence("listening"))]);
        assert_eq!(guest.next_at(), None, "there is nothing to do but wait");
        guest.hear(5_000, News::Ready);
        let taps = [Tap::Rang, Tap::Acknowledge, Tap::Collect].map(Act::Tap);
        assert_eq!(until(&mut guest, 100_000), taps);
        guest.hear(100_000, News::Finished);
        assert_eq!(until(&mut guest, 100_000 + LINGERS), [Act::Leave]);
    }

    #[test]
    fn who_is_called_back_while_walking_waits_for_the_next_bell() {
        let mut guest = someone(|_| {});
        until(&mut guest, 0);
        guest.hear(0, News::Taken);
        until(&mut guest, 0);
        guest.hear(1_000, News::Ready);
        guest.hear(1_100, News::Recalled);
        assert_eq!(until(&mut guest, 1_000_000), []);
        guest.hear(1_000_000, News::Ready);
        assert_eq!(until(&mut guest, 2_000_000).last(), Some(&Act::Tap(Tap::Collect)));
    }

    #[test]
    fn a_drink_that_comes_back_after_it_was_collected_is_waited_for() {
        let mut guest = someone(|_| {});
        guest.hear(0, News::Taken);
        guest.hear(1_000, News::Ready);
        guest.hear(50_000, News::Finished);
        until(&mut guest, 50_000);
        guest.hear(60_000, News::Recalled);
        guest.hear(70_000, News::Ready);
        let acts = until(&mut guest, 70_000 + LINGERS * 2);
        assert!(acts.contains(&Act::Tap(Tap::Collect)) && !acts.contains(&Act::Leave), "{acts:?}");
    }

    #[test]
    fn who_wanders_off_says_so_and_closes_the_page_once() {
        let leaves = Some(Leave { after: 2_000, back_after: None });
        let mut guest = someone(|customer| {
            customer.manner.leaves = leaves;
            customer.manner.reloads_after = vec![1_000, 1_500, 9_000];
        });
        until(&mut guest, 0);
        guest.hear(0, News::Taken);
        let acts = until(&mut guest, 1_000_000);
        // The reload at 1,500 would end after they left.
        assert_eq!(acts.iter().filter(|act| **act == Act::Close).count(), 1);
        assert_eq!(acts[acts.len() - 3..], [Act::Tap(Tap::Presence("gone")), Act::Close, Act::Leave]);
    }

    #[test]
    fn who_wanders_off_for_good_does_so_also_after_the_bell() {
        let leaves = Some(Leave { after: 2_000, back_after: None });
        let mut guest = someone(|customer| customer.manner.leaves = leaves);
        until(&mut guest, 0);
        guest.hear(0, News::Taken);
        guest.hear(1_000, News::Ready);
        let acts = until(&mut guest, 1_000_000);
        assert_eq!(acts[acts.len() - 2..], [Act::Close, Act::Leave]);
    }

    #[test]
    fn who_is_turned_away_leaves_at_once() {
        let mut guest = someone(|customer| customer.sends = Sends::Twice);
        assert_eq!(until(&mut guest, 0), [Act::Order { copies: 2 }]);
        guest.hear(1, News::TurnedAway);
        assert_eq!(until(&mut guest, 1), [Act::Leave]);
        assert_eq!(guest.next_at(), None);
    }

    proptest! {
        /// Whatever they hear and whenever: they never act before their time, and always leave when it is over.
        #[test]
        fn nobody_stays_for_ever_and_nobody_acts_too_early(
            seed in any::<u64>(),
            heard in prop::collection::vec((0..100_000_u64, 0..5_usize), 0..20),
        ) {
            let morning = Morning { customers: 1, minutes: 10, kills: 0, crowd: Crowd::Rush };
            let mut guest = Guest::new(plan(seed, &morning, &Offer::default()).customers.remove(0));
            let news = [News::Taken, News::Ready, News::Recalled, News::Finished, News::TurnedAway];
            let (mut now, mut open) = (0, 0_i32);
            let mut count = |guest: &mut Guest, now| {
                while let Some(at) = guest.next_at().filter(|at| *at <= now) {
                    assert!(at <= now);
                    match guest.act(now).expect("something is due") {
                        Act::Open => open += 1,
                        Act::Close => open -= 1,
                        _ => {}
                    }
                    assert!((-1..=2).contains(&open));
                }
            };
            for (after, which) in heard {
                now += after;
                count(&mut guest, now);
                guest.hear(now, news[which]);
                assert!(guest.agenda.is_sorted_by_key(|(at, _)| *at) && guest.agenda.len() < 64);
            }
            guest.hear(now, News::Cancelled);
            let acts: Vec<_> = std::iter::from_fn(|| guest.act(now)).collect();
            prop_assert_eq!(acts, vec![Act::Leave]);
        }
    }
}
