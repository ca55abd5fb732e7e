//! What customers were told against what the line knows.

use std::collections::{BTreeMap, BTreeSet};

use crate::Stage;

/// What one customer holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// Every order id that they were answered with. All copies of one order have the same.
    pub orders: BTreeSet<String>,
    /// The rounds for which the phone rang, in that order.
    pub rang: Vec<u32>,
    /// The page was open until the end: what was announced, it must have heard.
    pub listened: bool,
}

/// What the line knows of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub stage: Stage,
    /// How often it has been made.
    pub round: u32,
    /// The round of each time that it became ready, as its history has them.
    pub announced: Vec<u32>,
}

/// What is wrong, and with which order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Fault {
    /// It was accepted, and nobody knows it.
    #[error("order {0} was accepted, and the line does not know it")]
    Lost(String),
    /// One order that was sent several times became several.
    #[error("one order that was sent again became {}: {}", .0.len(), .0.join(", "))]
    Several(Vec<String>),
    /// It is still to be made, or to be handed over.
    #[error("order {0} is still {name}", name = .1.name())]
    Unfinished(String, Stage),
    /// The bell of a round rang as often as it should not.
    #[error("order {order}, round {round}: announced {times} times")]
    Announced {
        /// The order.
        order: String,
        /// The round.
        round: u32,
        /// How often.
        times: usize,
    },
    /// The phone rang although nothing was announced, or twice for one round.
    #[error("order {0}, round {1}: the phone rang, and it was not to ring")]
    RangForNothing(String, u32),
    /// The phone was there, and did not ring.
    #[error("order {0}, round {1}: announced, and the phone that was listening did not ring")]
    Unheard(String, u32),
}

/// All that is wrong. `known` has every order that was asked for; one that nobody knows is missing.
pub fn judge(claims: &[Claim], known: &BTreeMap<String, Known>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for claim in claims {
        if claim.orders.len() > 1 {
            faults.push(Fault::Several(claim.orders.iter().cloned().collect()));
        }
        for order in &claim.orders {
            match known.get(order) {
                None => faults.push(Fault::Lost(order.clone())),
                Some(known) => {
                    judge_order(order, known, &mut faults);
                    judge_phone(order, claim, known, &mut faults);
                }
            }
        }
    }
    faults
}

fn judge_order(order: &str, known: &Known, faults: &mut Vec<Fault>) {
    if !known.stage.is_over() {
        faults.push(Fault::Unfinished(order.to_owned(), known.stage));
    }
    for round in 1..=known.round {
        let times = known.announced.iter().filter(|announced| **announced == round).count();
        // What was brought back was ready before; what was cancelled may never have been.
        let is_due = round < known.round || matches!(known.stage, Stage::Collected | Stage::Uncollected);
        if times > 1 || times == 0 && is_due {
            faults.push(Fault::Announced { order: order.to_owned(), round, times });
        }
    }
}

fn judge_phone(order: &str, claim: &Claim, known: &Known, faults: &mut Vec<Fault>) {
    let mut heard = BTreeSet::new();
    for round in &claim.rang {
        if !heard.insert(round) || !known.announced.contains(round) {
            faults.push(Fault::RangForNothing(order.to_owned(), *round));
        }
    }
    // A round that was brought back while the phone was away is old news by the time it is back; the last one is not.
    if let Some(last) = known.announced.iter().max().filter(|last| claim.listened && !heard.contains(last)) {
        let was_called_off = known.stage == Stage::Cancelled;
        if !was_called_off {
            faults.push(Fault::Unheard(order.to_owned(), *last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(orders: &[&str], rang: &[u32]) -> Claim {
        Claim {
            orders: orders.iter().map(|order| (*order).to_owned()).collect(),
            rang: rang.to_vec(),
            listened: true,
        }
    }

    fn faults(claim: Claim, stage: Stage, round: u32, announced: &[u32]) -> Vec<String> {
        let known = Known { stage, round, announced: announced.to_vec() };
        let known = BTreeMap::from([("a".to_owned(), known)]);
        judge(&[claim], &known).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_went_as_it_should_is_accounted_for() {
        for (rang, stage, round, announced) in [
            (&[1][..], Stage::Collected, 1, &[1][..]),
            (&[1, 2], Stage::Collected, 2, &[1, 2]),
            // Away while it was called the first time.
            (&[2], Stage::Collected, 2, &[1, 2]),
            (&[], Stage::Cancelled, 1, &[]),
            (&[1], Stage::Cancelled, 2, &[1]),
            (&[], Stage::Cancelled, 1, &[1]),
        ] {
            assert_eq!(
                faults(claim(&["a"], rang), stage, round, announced),
                [""; 0],
                "{stage:?} {announced:?}"
            );
        }
        let away = Claim { listened: false, ..claim(&["a"], &[]) };
        assert_eq!(faults(away, Stage::Uncollected, 1, &[1]), [""; 0]);
    }

    #[test]
    fn each_thing_that_goes_wrong_is_named_with_its_order() {
        for (claim, stage, round, announced, says) in [
            (
                claim(&["b"], &[]),
                Stage::Collected,
                1,
                &[1][..],
                "order b was accepted, and the line does not know it",
            ),
            (claim(&["a"], &[1]), Stage::Ready, 1, &[1], "order a is still ready"),
            (claim(&["a"], &[1]), Stage::Collected, 1, &[1, 1], "order a, round 1: announced 2 times"),
            (claim(&["a"], &[]), Stage::Collected, 1, &[], "order a, round 1: announced 0 times"),
            (claim(&["a"], &[2]), Stage::Collected, 2, &[2], "order a, round 1: announced 0 times"),
            (
                claim(&["a"], &[1, 1]),
                Stage::Collected,
                1,
                &[1],
                "round 1: the phone rang, and it was not to ring",
            ),
            (
                claim(&["a"], &[1, 2]),
                Stage::Collected,
                1,
                &[1],
                "round 2: the phone rang, and it was not to ring",
            ),
            (claim(&["a"], &[1]), Stage::Collected, 2, &[1, 2], "round 2: announced, and the phone"),
        ] {
            let faults = faults(claim, stage, round, announced);
            assert!(faults.len() == 1 && faults[0].contains(says), "{says}: {faults:?}");
        }
    }

    #[test]
    fn one_order_that_became_two_is_named() {
        let known = Known { stage: Stage::Collected, round: 1, announced: vec![1] };
        let known = BTreeMap::from([("a".to_owned(), known.clone()), ("b".to_owned(), known)]);
        let faults = judge(&[claim(&["a", "b"], &[1])], &known);
        assert!(matches!(&faults[..], [Fault::Several(orders)] if orders == &["a", "b"]), "{faults:?}");
    }
}
