//! A seed and how busy it is to be → the plan.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::plan::{AtBar, Customer, Leave, Manner, Millis, Plan, Sends, Slip, Where, Wish};

/// The longest morning, in minutes.
pub const MINUTES_MAX: u32 = 24 * 60;

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
/// What is made where there is no menu.
const CUP: Millis = 30 * SECOND;
/// Lines of an order, at most.
const LINES_MAX: usize = 4;
/// How much faster the bar must be than people order, in hundredths: a rush that never ends proves nothing.
const HEADROOM: u64 = 115;
/// Pairs of hands that a bar may have.
const BARISTAS_MAX: u64 = 10_000;

/// How busy it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Morning {
    /// How many come.
    pub customers: u32,
    /// Within how many minutes, 1 to [`MINUTES_MAX`].
    pub minutes: u32,
    /// How often the line is killed.
    pub kills: u32,
    /// When they come.
    pub crowd: Crowd,
}

/// When people come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// Most in the middle.
    Rush,
    /// As many in each minute.
    Steady,
}

/// What there is to order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// What is not sold out.
    pub items: Vec<Item>,
}

/// One thing that is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// How long one keeps a pair of hands busy.
    pub making: Millis,
    /// By option, the choices that are not the usual one: `milk/oat`.
    pub options: Vec<Vec<String>>,
}

/// Plans a morning: the same seed, the same morning.
pub fn plan(seed: u64, morning: &Morning, offer: &Offer) -> Plan {
    let mut rng = StdRng::seed_from_u64(seed);
    let span = Millis::from(morning.minutes.clamp(1, MINUTES_MAX)) * MINUTE;
    let mut arrivals: Vec<Millis> = (0..morning.customers)
        .map(|_| match morning.crowd {
            // The sum of two dice.
            Crowd::Rush => rng.random_range(0..=span / 2) + rng.random_range(0..=span / 2),
            Crowd::Steady => rng.random_range(0..=span),
        })
        .collect();
    arrivals.sort_unstable();
    // Nobody wants to look at an empty shop.
    if let Some(first) = arrivals.first_mut() {
        *first = 0;
    }
    let customers: Vec<_> =
        arrivals.into_iter().map(|comes_at| customer(&mut rng, comes_at, offer)).collect();
    let work: Millis = customers.iter().map(|customer| customer.bar.making).sum();
    let baristas = (work * HEADROOM).div_ceil(span * 100).clamp(1, BARISTAS_MAX);
    let baristas = usize::try_from(baristas).unwrap_or(1);
    Plan { seed, customers, baristas, kills: kills(&mut rng, morning.kills, span), span }
}

/// Each in a part of the morning of its own, so that the line is up in between.
fn kills(rng: &mut StdRng, count: u32, span: Millis) -> Vec<Millis> {
    let count = Millis::from(count);
    let part = |n: Millis| span * n / count;
    // Never at its very beginning or end, when nobody would notice.
    (0..count)
        .map(|n| {
            let (from, to) = (part(n), part(n + 1));
            let margin = (to - from) / 10;
            rng.random_range(from + margin..=to - margin)
        })
        .collect()
}

fn customer(rng: &mut StdRng, comes_at: Millis, offer: &Offer) -> Customer {
    let (wants, making) = wishes(rng, offer);
    let cups = wants.iter().map(|wish| wish.quantity).sum();
    let cups = if wants.is_empty() { rng.random_range(1..=3) } else { cups };
    let making = if wants.is_empty() { Millis::from(cups) * CUP } else { making };
    // Nobody is as fast twice.
    let making = making * rng.random_range(70..=130) / 100;
    let at = if one_in(rng, 10) { Where::Till } else { Where::Phone };
    let sends = match (at, rng.random_range(0..100)) {
        (Where::Phone, 0..6) => Sends::Twice,
        (Where::Phone, 6..12) => Sends::Again(seconds(rng, 1, 20)),
        _ => Sends::Once,
    };
    let manner = manner(rng);
    let comes_for_it = manner.notices_after + manner.walks_for;
    let is_gone = manner.leaves.is_some_and(|leave| leave.back_after.is_none());
    let hands_over_after = match at {
        Where::Till => Some(seconds(rng, 5, 40)),
        Where::Phone if is_gone || manner.says_collected => None,
        // Whoever wandered off comes when they are back, and not when it is called.
        Where::Phone => {
            let later = manner.leaves.and_then(|leave| leave.back_after).unwrap_or_default();
            Some(comes_for_it + later)
        }
    };
    let slip = match rng.random_range(0..100) {
        0..4 => Some(Slip::TooSoon(seconds(rng, 2, 7))),
        4..7 => Some(Slip::NotHandedOver(seconds(rng, 3, 15))),
        7..10 => Some(Slip::Wrong(seconds(rng, 10, 30))),
        _ => None,
    };
    let bar = AtBar { making, ticks: one_in(rng, 3), slip, hands_over_after };
    Customer { comes_at, wants, cups, at, sends, manner, bar }
}

fn wishes(rng: &mut StdRng, offer: &Offer) -> (Vec<Wish>, Millis) {
    if offer.items.is_empty() {
        return (Vec::new(), 0);
    }
    // One drink for most, two for a couple, a round for an office.
    let lines = match rng.random_range(0..100) {
        0..65 => 1,
        65..90 => 2,
        _ => rng.random_range(3..=LINES_MAX),
    };
    let mut making = 0;
    let wishes = (0..lines).map(|_| {
        let item = &offer.items[rng.random_range(0..offer.items.len())];
        let quantity = if one_in(rng, 6) { 2 } else { 1 };
        making += item.making * Millis::from(quantity);
        let mut options = Vec::new();
        for choices in item.options.iter().filter(|choices| !choices.is_empty()) {
            if one_in(rng, 4) {
                options.push(choices[rng.random_range(0..choices.len())].clone());
            }
        }
        Wish { item: item.id.clone(), quantity, options }
    });
    let wishes: Vec<_> = wishes.collect();
    (wishes, making)
}

fn manner(rng: &mut StdRng) -> Manner {
    let reloads = if one_in(rng, 4) { rng.random_range(1..=3) } else { 0 };
    let cancels = one_in(rng, 16);
    let leaves = one_in(rng, 16).then(|| Leave {
        after: seconds(rng, 5, 60),
        back_after: one_in(rng, 2).then(|| seconds(rng, 60, 240)),
    });
    Manner {
        tests_after: one_in(rng, 2).then(|| seconds(rng, 2, 8)),
        reloads_after: (0..reloads).map(|_| seconds(rng, 5, 120)).collect(),
        cancels_after: cancels.then(|| seconds(rng, 2, 40)),
        leaves,
        notices_after: seconds(rng, 1, 12),
        walks_for: seconds(rng, 5, 40),
        misses_it: one_in(rng, 40),
        says_collected: one_in(rng, 2),
    }
}

fn one_in(rng: &mut StdRng, n: u32) -> bool {
    rng.random_range(0..n) == 0
}

fn seconds(rng: &mut StdRng, from: Millis, to: Millis) -> Millis {
    rng.random_range(from * SECOND..=to * SECOND)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offer() -> Offer {
        let item = |id: &str, making| Item {
            id: id.to_owned(),
            making,
            options: vec![vec!["milk/oat".to_owned(), "milk/soy".to_owned()], Vec::new()],
        };
        Offer { items: vec![item("latte", 30_000), item("filter", 10_000)] }
    }

    fn mornings() -> impl Strategy<Value = (u64, Morning, Offer)> {
        let morning = (0..400_u32, 1..60_u32, 0..8_u32).prop_map(|(customers, minutes, kills)| Morning {
            customers,
            minutes,
            kills,
            crowd: if kills.is_multiple_of(2) { Crowd::Rush } else { Crowd::Steady },
        });
        let offers = prop_oneof![Just(offer()), Just(Offer::default())];
        (any::<u64>(), morning, offers)
    }

    proptest! {
        #[test]
        fn the_same_seed_plans_the_same_morning((seed, morning, offer) in mornings()) {
            prop_assert_eq!(plan(seed, &morning, &offer), plan(seed, &morning, &offer));
        }

        #[test]
        fn a_plan_keeps_to_what_was_asked_for((seed, morning, offer) in mornings()) {
            let plan = plan(seed, &morning, &offer);
            prop_assert_eq!(plan.customers.len(), morning.customers as usize);
            prop_assert_eq!(plan.span, u64::from(morning.minutes) * MINUTE);
            prop_assert!(plan.customers.is_sorted_by_key(|customer| customer.comes_at));
            prop_assert!(plan.customers.first().is_none_or(|first| first.comes_at == 0));
            prop_assert!(plan.customers.iter().all(|customer| customer.comes_at <= plan.span));
            prop_assert_eq!(plan.kills.len(), morning.kills as usize);
            prop_assert!(plan.kills.is_sorted() && plan.kills.iter().all(|at| (1..plan.span).contains(at)));
            let work: Millis = plan.customers.iter().map(|customer| customer.bar.making).sum();
            prop_assert!(plan.baristas >= 1 && plan.baristas as u64 * plan.span >= work);
            for customer in &plan.customers {
                let drinks: u16 = customer.wants.iter().map(|wish| wish.quantity).sum();
                prop_assert!(customer.cups >= 1 && customer.wants.len() <= LINES_MAX);
                prop_assert!(customer.wants.is_empty() == offer.items.is_empty());
                prop_assert!(drinks == customer.cups || customer.wants.is_empty());
                for wish in &customer.wants {
                    let item = offer.items.iter().find(|item| item.id == wish.item);
                    let item = item.expect("only what is sold is wanted");
                    let known = |option| item.options.iter().flatten().any(|choice| choice == option);
                    prop_assert!(wish.options.iter().all(known));
                }
            }
        }
    }

    #[test]
    fn another_seed_plans_another_morning_and_all_that_can_go_wrong_does() {
        let morning = Morning { customers: 400, minutes: 10, kills: 3, crowd: Crowd::Rush };
        let (one, other) = (plan(1, &morning, &offer()), plan(2, &morning, &offer()));
        assert_ne!(one.customers, other.customers);
        let has = |what: &dyn Fn(&Customer) -> bool| one.customers.iter().any(what);
        assert!(has(&|customer| customer.at == Where::Till));
        assert!(has(&|customer| customer.sends == Sends::Twice));
        assert!(has(&|customer| matches!(customer.sends, Sends::Again(_))));
        assert!(has(&|customer| !customer.manner.reloads_after.is_empty()));
        assert!(has(&|customer| customer.manner.cancels_after.is_some()));
        assert!(has(&|customer| customer.manner.leaves.is_some_and(|leave| leave.back_after.is_none())));
        assert!(has(&|customer| matches!(customer.bar.slip, Some(Slip::TooSoon(_)))));
        assert!(has(&|customer| matches!(customer.bar.slip, Some(Slip::NotHandedOver(_)))));
        assert!(has(&|customer| matches!(customer.bar.slip, Some(Slip::Wrong(_)))));
    }
}
