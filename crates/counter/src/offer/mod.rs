//! What this counter offers: its menu and settings, and whether orders are taken.
//!
//! | file | what it holds |
//! |---|---|
//! | `menu` | the menu as it is sent |
//! | `menus` | which menus other counters have |

mod menu;
mod menus;

use std::sync::{Arc, Mutex, PoisonError};

use order::Millis;
use shop::{
    Shop,
    hours::{self, Opening},
    ordering::{self, Bar, Facts, Ordering, Reason, State},
};
use tokio::sync::watch;

use self::menu::Menu;
pub(crate) use self::menus::Menus;
use crate::{
    problem::{Code, Problem},
    view::Look,
};

const MINUTE_MS: Millis = 60_000;
/// Where there is no shop, nothing is said of its hours.
const ALWAYS: Opening =
    Opening { is_open: true, accepts_orders: true, opens_at: None, closes_at: None, last_order_at: None };
/// Bounds on `Retry-After` of a pause, in seconds, and what it says where nobody knows when it ends.
const RETRY_SECONDS: (Millis, Millis) = (1, 3_600);
const RETRY_UNKNOWN: Millis = 60;

/// Menu and settings, and whether orders are taken.
#[derive(Debug)]
pub(crate) struct Offer {
    shop: Option<watch::Receiver<Arc<Shop>>>,
    /// The menu as it was asked for last.
    menu: Mutex<Option<Menu>>,
    /// When ordering was said to go on, if it was paused because of the wait when it was looked at last.
    waited: Mutex<Option<Millis>>,
}

impl Offer {
    pub(crate) fn new(shop: Option<watch::Receiver<Arc<Shop>>>) -> Self {
        Self { shop, menu: Mutex::default(), waited: Mutex::default() }
    }

    /// Menu and settings as they are now, if there are any.
    pub(crate) fn shop(&self) -> Option<Arc<Shop>> {
        self.shop.as_ref().map(|shop| Arc::clone(&shop.borrow()))
    }

    /// What `GET /menu` sends, if there is a menu.
    pub(crate) fn menu(&self) -> Option<Menu> {
        let shop = self.shop()?;
        let mut kept = self.menu.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some(menu) if *menu.version == *shop.version() => Some(menu.clone()),
            _ => Some(kept.insert(Menu::of(&shop)).clone()),
        }
    }

    /// Whether orders are taken, by what this look shows.
    pub(crate) fn ordering(&self, look: &Look<'_>, shop: Option<&Shop>) -> Ordering {
        let said = look.shop().facts();
        let settings = shop.map(Shop::settings);
        let mode = look.shop().barista().and_then(|barista| barista.mode.as_deref());
        let ready_by = look.one_more().map(|minutes| look.now + Millis::from(minutes.to) * MINUTE_MS);
        let facts = Facts {
            opening: settings.map_or(ALWAYS, |settings| hours::at(settings, look.now)),
            open: said.staff_open(),
            pause: said.pause(),
            // Without a menu nobody orders at a page: programs do, and people start drinks wherever they like.
            bar: match mode {
                Some("manual") if shop.is_some() => Bar::Manual { seen_at: said.bar_seen_at() },
                _ => Bar::Auto,
            },
            ready_by,
            longest_wait_minutes: settings.map(|settings| settings.longest_wait_minutes),
            waited: *self.waited.lock().unwrap_or_else(PoisonError::into_inner),
            no_barista: look.nobody_decides_somewhere(look.now),
        };
        let ordering = ordering::ordering(&facts, look.now);
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) =
            ordering.reopens_at.filter(|_| ordering.reason == Some(Reason::Wait));
        ordering
    }
}

/// Refuses an order of a customer unless orders are taken.
pub(crate) fn check(ordering: &Ordering, now: Millis) -> Result<(), Problem> {
    let (code, detail) = match (ordering.ordering, ordering.reason) {
        (State::Open, _) => return Ok(()),
        (State::Paused, Some(Reason::Wait)) => (
            Code::OrderingPaused,
            "Drinks take too long at the moment; nothing was ordered, try again when it goes on.",
        ),
        (State::Paused, _) => {
            (Code::OrderingPaused, "Ordering is paused; nothing was ordered, try again when it goes on.")
        }
        (State::Closed, Some(Reason::LastOrder)) => (
            Code::ShopClosed,
            "The shop closes soon and takes no more orders before that; nothing was ordered.",
        ),
        (State::Closed, _) => (Code::ShopClosed, "The shop is closed; nothing was ordered."),
        (State::Till, _) => {
            (Code::OrderAtTill, "Nobody looks at orders from phones; nothing was ordered, order at the till.")
        }
    };
    let mut problem = Problem::new(code, detail).with("ordering", ordering.ordering.name());
    if let Some(reason) = ordering.reason {
        problem = problem.with("reason", reason.name());
    }
    for (name, at) in [("reopens_at", ordering.reopens_at), ("opens_at", ordering.opens_at)] {
        if let Some(at) = at {
            problem = problem.with(name, at);
        }
    }
    if ordering.ordering == State::Paused {
        let wait =
            ordering.reopens_at.map_or(RETRY_UNKNOWN, |at| at.saturating_sub(now).div_euclid(1_000) + 1);
        let seconds = wait.clamp(RETRY_SECONDS.0, RETRY_SECONDS.1);
        problem = problem.retry_after(u32::try_from(seconds).unwrap_or(u32::MAX));
    }
    Err(problem)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    const OPEN: Ordering = Ordering {
        ordering: State::Open,
        reason: None,
        reopens_at: None,
        opens_at: None,
        last_order_at: None,
        closes_at: None,
    };

    fn refused(ordering: Ordering) -> (Code, Option<String>) {
        let problem = check(&ordering, 1_000_000).unwrap_err();
        let code = problem.code();
        let response = problem.into_response();
        let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (code, retry)
    }

    #[test]
    fn whoever_is_refused_learns_why_and_when_to_come_back() {
        check(&OPEN, 0).unwrap();
        check(&Ordering { reason: Some(Reason::NoBarista), ..OPEN }, 0).unwrap();
        let paused = |reopens_at| Ordering {
            ordering: State::Paused,
            reason: Some(Reason::Staff),
            reopens_at,
            ..OPEN
        };
        for (reopens_at, seconds) in [
            (Some(1_000_500), "1"),
            (Some(1_060_000), "61"),
            (Some(0), "1"),
            (Some(Millis::MAX), "3600"),
            (None, "60"),
        ] {
            assert_eq!(refused(paused(reopens_at)), (Code::OrderingPaused, Some(seconds.to_owned())));
        }
        let closed = Ordering { ordering: State::Closed, reason: Some(Reason::Hours), ..OPEN };
        assert_eq!(refused(closed), (Code::ShopClosed, None));
        let till = Ordering { ordering: State::Till, reason: Some(Reason::NoBar), ..OPEN };
        assert_eq!(refused(till), (Code::OrderAtTill, None));
    }
}
