//! Which snapshots of an order ring. Pure: what was heard before and what is heard now decide.

use serde::Deserialize;

/// What the customer needs of an order's snapshot. Unknown fields are none of its business.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// Of which order.
    pub order_id: String,
    /// Where it is.
    pub state: State,
    /// How often it has been made.
    #[serde(default = "first_round")]
    pub round: u32,
    /// What is called at the bar, once it has one.
    #[serde(default)]
    pub code: Option<Code>,
}

/// Where an order is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits.
    Received,
    /// It is being made.
    Making,
    /// It waits to be collected.
    Ready,
    /// It was handed over.
    Collected,
    /// Nobody came for it.
    Uncollected,
    /// It is not to be made.
    Cancelled,
    /// A later counter's state: nothing rings because of it.
    #[serde(other)]
    Other,
}

/// The pickup code; only its number is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Code {
    /// The number, without the letter of its partition.
    pub number: u64,
}

/// What a snapshot means to the one who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It rings.
    Ready {
        /// For this round.
        round: u32,
        /// The number that is called.
        code: Option<u64>,
        /// It has rung before.
        again: bool,
    },
    /// What rang is made once more.
    Recalled {
        /// The round that begins.
        round: u32,
    },
    /// It is not to be made.
    Cancelled {
        /// It has rung before.
        rang: bool,
    },
}

/// The bell of one order.
#[derive(Debug, Default)]
pub struct Bell {
    /// The last round that rang.
    rung: Option<u32>,
    /// The last round that was told, be it as ready or as recalled.
    told: Option<u32>,
    over: bool,
}

impl Bell {
    /// Takes in a snapshot, in whatever order and however often it comes.
    ///
    /// A drink that has been collected, or was left standing, was ready: if its round has not rung, we were
    /// away when it did, and it rings now. Rounds below the last one told are old news: a stream that
    /// is resumed at a counter which lags behind may show them again.
    pub fn hear(&mut self, snapshot: &Snapshot) -> Option<Heard> {
        if self.over {
            return None;
        }
        let Snapshot { state, round, .. } = *snapshot;
        match state {
            State::Ready | State::Collected | State::Uncollected if self.rung < Some(round) => {
                let again = self.has_rung();
                self.rung = Some(round);
                self.told = Some(round);
                Some(Heard::Ready { round, code: snapshot.code.as_ref().map(|code| code.number), again })
            }
            State::Making if self.has_rung() && self.told < Some(round) => {
                self.told = Some(round);
                Some(Heard::Recalled { round })
            }
            State::Cancelled => {
                self.over = true;
                Some(Heard::Cancelled { rang: self.has_rung() })
            }
            _ => None,
        }
    }

    /// It rang at least once.
    pub fn has_rung(&self) -> bool {
        self.rung.is_some()
    }

    /// It will never ring again.
    pub fn is_over(&self) -> bool {
        self.over
    }
}

fn first_round() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(snapshots: &[(State, u32)]) -> Vec<Heard> {
        let mut bell = Bell::default();
        let mut hear =
            |&(state, round)| bell.hear(&Snapshot { order_id: "a".into(), state, round, code: None });
        snapshots.iter().filter_map(&mut hear).collect()
    }

    fn ready(round: u32, again: bool) -> Heard {
        Heard::Ready { round, code: None, again }
    }

    #[test]
    fn each_round_rings_once_however_often_it_is_shown() {
        let states = [State::Received, State::Making, State::Ready, State::Ready, State::Collected];
        let all: Vec<_> = states.iter().map(|&state| (state, 1)).collect();
        assert_eq!(heard(&all), [ready(1, false)]);
    }

    #[test]
    fn a_recalled_order_is_told_and_rings_again_once() {
        let way = [
            (State::Ready, 1),
            (State::Making, 2),
            (State::Making, 2),
            (State::Ready, 2),
            (State::Ready, 1),
            (State::Collected, 2),
        ];
        assert_eq!(heard(&way), [ready(1, false), Heard::Recalled { round: 2 }, ready(2, true)]);
    }

    #[test]
    fn a_drink_that_is_gone_already_rings_if_its_round_did_not() {
        assert_eq!(heard(&[(State::Collected, 1)]), [ready(1, false)]);
        assert_eq!(heard(&[(State::Ready, 1), (State::Uncollected, 2)]), [ready(1, false), ready(2, true)]);
    }

    #[test]
    fn a_drink_taken_back_from_the_shelf_does_not_ring_twice() {
        assert_eq!(heard(&[(State::Ready, 1), (State::Uncollected, 1), (State::Ready, 1)]).len(), 1);
    }

    #[test]
    fn a_cancelled_order_never_rings() {
        let way = [(State::Making, 1), (State::Cancelled, 1), (State::Ready, 1), (State::Cancelled, 1)];
        assert_eq!(heard(&way), [Heard::Cancelled { rang: false }]);
    }

    #[test]
    fn a_state_of_a_later_counter_is_no_reason_to_fail() {
        let snapshot: Snapshot =
            serde_json::from_str(r#"{"order_id":"a","state":"garnished","version":3,"more":{}}"#).unwrap();
        assert_eq!((snapshot.state, snapshot.round), (State::Other, 1));
    }
}
