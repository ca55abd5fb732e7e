//! Whether orders are taken: what staff said, what the hours say, and who is there to make them.

use order::Millis;
use serde::Serialize;

use crate::hours::Opening;

/// A bar page that said nothing for so long is not there any more.
pub const BAR_GONE_MS: Millis = 60_000;

const MINUTE_MS: Millis = 60_000;
/// Ordering that paused because of the wait goes on once that is below this part of the longest one, in hundredths:
/// at the longest itself it would come and go with every order.
const RESUMES_AT: Millis = 80;
/// By how much a time at which it goes on must be wrong before another is said.
const SETTLED_MS: u64 = 2 * MINUTE_MS.unsigned_abs();

/// All that the answer rests on, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// What the hours say.
    pub opening: Opening,
    /// What staff say instead of them.
    pub open: Option<bool>,
    /// Staff paused it.
    pub pause: Option<Pause>,
    /// Whether it needs a bar page that is there, and when one was there last.
    pub bar: Bar,
    /// When one more drink ordered now would be ready at the latest; `None`: nobody can say.
    pub ready_by: Option<Millis>,
    /// The longest wait for which orders are taken, in minutes; `None`: however long.
    pub longest_wait_minutes: Option<u32>,
    /// It was paused because of the wait when it was asked last, and then said to go on at this time.
    pub waited: Option<Millis>,
    /// Nobody decides on orders.
    pub no_barista: bool,
}

/// A pause by staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it is over by itself; `None`: when staff say so.
    pub until: Option<Millis>,
}

/// Who starts drinks and calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// Nobody has to.
    Auto,
    /// People do, at a page of which one was last there at this time.
    Manual {
        /// When; `None`: never.
        seen_at: Option<Millis>,
    },
}

/// Whether orders are taken, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ordering {
    /// What to tell customers.
    pub ordering: State,
    /// Why.
    pub reason: Option<Reason>,
    /// When it goes on after a pause, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopens_at: Option<Millis>,
    /// When it opens, if it is closed by the hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Millis>,
    /// Until when orders are taken, if it is open by the hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_order_at: Option<Millis>,
    /// When it closes, if it is open by the hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Millis>,
}

/// What to tell customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderingState"))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Order.
    Open,
    /// Come back in a while.
    Paused,
    /// Come back when it opens.
    Closed,
    /// Order at the till.
    Till,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrderingReason"))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Staff said so.
    Staff,
    /// It would take too long.
    Wait,
    /// By the hours it is not open.
    Hours,
    /// It closes soon.
    LastOrder,
    /// No bar page is there.
    NoBar,
    /// Nobody decides: orders are kept, and no promise is made.
    NoBarista,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Paused, Self::Closed, Self::Till];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Closed => "closed",
            Self::Till => "till",
        }
    }
}

impl Reason {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Wait => "wait",
            Self::Hours => "hours",
            Self::LastOrder => "last_order",
            Self::NoBar => "no_bar",
            Self::NoBarista => "no_barista",
        }
    }
}

/// Whether orders are taken at `now`.
///
/// What staff say comes before what the hours say, closed before paused, and who is there to make it before how long
/// it takes.
pub fn ordering(facts: &Facts, now: Millis) -> Ordering {
    let Facts { opening, open, pause, .. } = *facts;
    let by_hours = open.is_none() && opening.is_open;
    let with = |ordering, reason| Ordering {
        ordering,
        reason,
        reopens_at: None,
        opens_at: None,
        last_order_at: opening.last_order_at.filter(|_| by_hours),
        closes_at: opening.closes_at.filter(|_| by_hours),
    };
    let closed = |reason| Ordering {
        opens_at: opening.opens_at.filter(|_| open.is_none()),
        ..with(State::Closed, Some(reason))
    };
    let paused = |reason, reopens_at| Ordering { reopens_at, ..with(State::Paused, Some(reason)) };
    match (open, opening) {
        (Some(false), _) => return closed(Reason::Staff),
        (None, Opening { is_open: false, .. }) => return closed(Reason::Hours),
        (None, Opening { accepts_orders: false, .. }) => return closed(Reason::LastOrder),
        _ => {}
    }
    if let Some(Pause { until }) = pause
        && until.is_none_or(|until| now < until)
    {
        return paused(Reason::Staff, until);
    }
    if let Bar::Manual { seen_at } = facts.bar
        && seen_at.is_none_or(|seen| now.saturating_sub(seen) >= BAR_GONE_MS)
    {
        return with(State::Till, Some(Reason::NoBar));
    }
    if let Some(reopens_at) = too_long(facts, now) {
        return paused(Reason::Wait, Some(reopens_at));
    }
    with(State::Open, facts.no_barista.then_some(Reason::NoBarista))
}

/// When the wait will be bearable again, if it is not now. A wait shrinks by a minute each minute if nobody orders,
/// and while ordering is paused nobody does.
fn too_long(facts: &Facts, now: Millis) -> Option<Millis> {
    let longest = Millis::from(facts.longest_wait_minutes?) * MINUTE_MS;
    let wait = facts.ready_by?.saturating_sub(now);
    let resumes = longest * RESUMES_AT / 100;
    let bound = if facts.waited.is_some() { resumes } else { longest };
    if wait <= bound {
        return None;
    }
    let estimate = now.saturating_add(wait - resumes);
    // What was said stays until it does not hold: the wait is in whole minutes, so the estimate goes along with the
    // clock for up to a minute, and comes back.
    let said = facts.waited.filter(|said| now < *said && said.abs_diff(estimate) < SETTLED_MS);
    Some(said.unwrap_or_else(|| whole_minute(estimate)))
}

/// The next whole minute.
fn whole_minute(at: Millis) -> Millis {
    at.saturating_add(MINUTE_MS - 1).div_euclid(MINUTE_MS).saturating_mul(MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_000_020_000;
    const ALWAYS: Opening =
        Opening { is_open: true, accepts_orders: true, opens_at: None, closes_at: None, last_order_at: None };
    const OPEN: Opening = Opening {
        closes_at: Some(NOW + 900),
        last_order_at: Some(NOW + 600),
        opens_at: Some(NOW + 5_000),
        ..ALWAYS
    };
    const LATE: Opening = Opening { accepts_orders: false, ..OPEN };
    const NIGHT: Opening = Opening {
        is_open: false,
        accepts_orders: false,
        opens_at: Some(NOW + 5_000),
        closes_at: None,
        last_order_at: None,
    };
    const QUIET: Facts = Facts {
        opening: ALWAYS,
        open: None,
        pause: None,
        bar: Bar::Auto,
        ready_by: None,
        longest_wait_minutes: Some(30),
        waited: None,
        no_barista: false,
    };

    fn said(facts: Facts) -> (State, Option<Reason>) {
        let Ordering { ordering, reason, .. } = ordering(&facts, NOW);
        (ordering, reason)
    }

    fn after(minutes: Millis) -> Millis {
        NOW + minutes * MINUTE_MS
    }

    #[test]
    fn by_the_hours_it_is_open_until_the_last_order_and_closed_until_it_opens() {
        let at = |opening| ordering(&Facts { opening, ..QUIET }, NOW);
        let open = at(OPEN);
        assert_eq!((open.ordering, open.reason), (State::Open, None));
        assert_eq!(
            (open.last_order_at, open.closes_at, open.opens_at),
            (Some(NOW + 600), Some(NOW + 900), None)
        );
        let late = at(LATE);
        assert_eq!((late.ordering, late.reason), (State::Closed, Some(Reason::LastOrder)));
        assert_eq!((late.opens_at, late.closes_at), (Some(NOW + 5_000), Some(NOW + 900)));
        let night = at(NIGHT);
        assert_eq!((night.ordering, night.reason), (State::Closed, Some(Reason::Hours)));
        assert_eq!((night.opens_at, night.closes_at), (Some(NOW + 5_000), None));
    }

    #[test]
    fn what_staff_say_counts_and_not_the_hours() {
        let open = ordering(&Facts { open: Some(true), opening: NIGHT, ..QUIET }, NOW);
        assert_eq!((open.ordering, open.reason, open.closes_at), (State::Open, None, None));
        assert_eq!(said(Facts { open: Some(true), opening: LATE, ..QUIET }).0, State::Open);
        let closed = ordering(&Facts { open: Some(false), opening: OPEN, ..QUIET }, NOW);
        assert_eq!((closed.ordering, closed.reason), (State::Closed, Some(Reason::Staff)));
        assert_eq!(closed.opens_at, None, "nobody knows when they open it");
    }

    #[test]
    fn a_pause_ends_at_its_time_or_when_staff_say_so() {
        let paused = |until| ordering(&Facts { pause: Some(Pause { until }), ..QUIET }, NOW);
        let forever = paused(None);
        assert_eq!(
            (forever.ordering, forever.reason, forever.reopens_at),
            (State::Paused, Some(Reason::Staff), None)
        );
        assert_eq!(paused(Some(NOW + 1)).reopens_at, Some(NOW + 1));
        assert_eq!(paused(Some(NOW)).ordering, State::Open);
        let night = Facts { pause: Some(Pause { until: None }), opening: NIGHT, ..QUIET };
        assert_eq!(said(night).0, State::Closed, "closed says more than paused");
    }

    #[test]
    fn where_people_make_it_a_bar_page_must_have_been_there_within_a_minute() {
        let with = |seen_at| said(Facts { bar: Bar::Manual { seen_at }, ..QUIET });
        let till = (State::Till, Some(Reason::NoBar));
        assert_eq!(with(None), till);
        assert_eq!(with(Some(NOW - BAR_GONE_MS)), till);
        assert_eq!(with(Some(NOW - BAR_GONE_MS + 1)), (State::Open, None));
        assert_eq!(with(Some(NOW + 5)), (State::Open, None), "its counter's clock is ahead");
        let paused =
            Facts { pause: Some(Pause { until: None }), bar: Bar::Manual { seen_at: None }, ..QUIET };
        assert_eq!(said(paused).0, State::Paused);
    }

    #[test]
    fn a_wait_over_the_longest_pauses_it_until_it_is_well_below() {
        let with =
            |minutes, waited| ordering(&Facts { ready_by: Some(after(minutes)), waited, ..QUIET }, NOW);
        assert_eq!(with(30, None).ordering, State::Open);
        let paused = with(31, None);
        assert_eq!((paused.ordering, paused.reason), (State::Paused, Some(Reason::Wait)));
        assert_eq!(paused.reopens_at, Some(after(7)), "31 minutes are 24 after 7");
        let waited = Some(after(1));
        assert_eq!(with(25, waited).ordering, State::Paused);
        assert_eq!(with(25, waited).reopens_at, Some(after(1)));
        assert_eq!(with(24, waited).ordering, State::Open);
        let however_long = Facts { ready_by: Some(after(600)), longest_wait_minutes: None, ..QUIET };
        assert_eq!(said(however_long).0, State::Open);
        let nobody_can_say = Facts { waited: Some(after(1)), ..QUIET };
        assert_eq!(said(nobody_can_say).0, State::Open);
    }

    #[test]
    fn when_it_goes_on_is_said_once_and_stays_until_it_does_not_hold() {
        let mut waited = None;
        let mut said = Vec::new();
        // The wait is told in whole minutes: 40 of them, and each is one less after a minute and a half.
        for second in 0..600 {
            let now = NOW + second * 1_000;
            let ready_by = now + (40 - second / 90) * MINUTE_MS;
            let paused = ordering(&Facts { ready_by: Some(ready_by), waited, ..QUIET }, now);
            waited = paused.reopens_at;
            said.extend(waited.filter(|at| said.last() != Some(at)));
        }
        assert_eq!(said[0], after(16), "40 minutes are 24 after 16");
        assert!(said.len() <= 3 && said.is_sorted(), "{said:?}");
        assert!(said.iter().all(|at| at % MINUTE_MS == 0), "{said:?}");
        let long_over = Facts { ready_by: Some(after(31)), waited: Some(NOW), ..QUIET };
        assert_eq!(ordering(&long_over, NOW).reopens_at, Some(after(7)));
    }

    #[test]
    fn while_nobody_decides_orders_are_taken_all_the_same() {
        assert_eq!(said(Facts { no_barista: true, ..QUIET }), (State::Open, Some(Reason::NoBarista)));
    }
}
