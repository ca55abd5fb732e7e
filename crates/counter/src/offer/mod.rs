//! What this counter offers: its menu and settings, and whether orders are taken.

use std::{
    io::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use eventlog::{Offset, Record};
use flate2::{Compression, write::GzEncoder};
use order::{Millis, topic};
use shop::{
    Shop,
    hours::{self, Opening},
    ordering::{self, Bar, Facts, Ordering, Reason, State},
};
use tokio::sync::watch;

use crate::{
    app::App,
    clock,
    problem::{Code, Problem},
    view::{self, Look, MENU, MenuFact},
};

const MINUTE_MS: Millis = 60_000;
/// Where there is no shop, nothing is said of its hours.
const ALWAYS: Opening =
    Opening { is_open: true, accepts_orders: true, opens_at: None, closes_at: None, last_order_at: None };
/// Bounds on `Retry-After` of a pause, in seconds, and what it says where nobody knows when it ends.
const RETRY_SECONDS: (Millis, Millis) = (1, 3_600);
const RETRY_UNKNOWN: Millis = 60;
/// How often it is looked at which menus other counters have, and how soon a failed word on ours is tried again.
const MENUS_EVERY: Duration = Duration::from_secs(1);
/// How long counters may have different menus: each reads its files again at its own time, and a deployment takes a while.
const DIFFER: Duration = Duration::from_secs(10);

/// Menu and settings, and whether orders are taken.
#[derive(Debug)]
pub(crate) struct Offer {
    shop: Option<watch::Receiver<Arc<Shop>>>,
    /// The menu as it was asked for last.
    menu: Mutex<Option<Menu>>,
    /// Ordering was paused because of the wait when it was looked at last.
    waited: AtomicBool,
}

impl Offer {
    pub(crate) fn new(shop: Option<watch::Receiver<Arc<Shop>>>) -> Self {
        Self { shop, menu: Mutex::default(), waited: AtomicBool::new(false) }
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
            waited: self.waited.load(Relaxed),
            no_barista: look.nobody_decides_somewhere(look.now),
        };
        let ordering = ordering::ordering(&facts, look.now);
        self.waited.store(ordering.reason == Some(Reason::Wait), Relaxed);
        ordering
    }
}

/// A menu as it is sent; packed once, for it may be long and every phone asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Menu {
    pub(crate) version: Arc<str>,
    pub(crate) json: Bytes,
    pub(crate) gzip: Bytes,
}

impl Menu {
    fn of(shop: &Shop) -> Self {
        let json = Bytes::copy_from_slice(shop.menu_json().as_bytes());
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let gzip = gzip.write_all(&json).and_then(|()| gzip.finish()).expect("a Vec takes everything");
        Self { version: shop.version().into(), json, gzip: gzip.into() }
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

/// Tells the other counters which menu this one has, and warns if one of them has another.
pub(crate) struct Menus(pub(crate) Arc<App>);

impl Menus {
    /// Whenever the menu changes, until the counter stops.
    pub(crate) async fn run(self) {
        let app = self.0;
        let (mut ours, mut difference) = (None, Difference::default());
        while let Some(shop) = app.offer.shop() {
            ours = told(&app, ours, shop.version()).await;
            let other = ours.as_ref().and_then(|(_, at)| {
                app.views.look().and_then(|look| another(look.shop(), shop.version(), *at))
            });
            if let Some(other) = difference.lasts(other, Instant::now()) {
                tracing::warn!(
                    other,
                    ours = shop.version(),
                    "another counter has another menu: give all of them the same menu.toml and shop.toml"
                );
            }
            let closing = tokio::time::timeout(MENUS_EVERY, app.closing.cancelled());
            if closing.await.is_ok() {
                return;
            }
        }
    }
}

/// Another counter's menu, as long as it is another one.
#[derive(Debug, Default)]
struct Difference {
    /// Its version, and since when.
    since: Option<(String, Instant)>,
    is_told: bool,
}

impl Difference {
    /// Gives the version once it has been another one for long enough, and then not again.
    fn lasts(&mut self, other: Option<String>, now: Instant) -> Option<&str> {
        if self.since.as_ref().map(|(version, _)| version) != other.as_ref() {
            (self.since, self.is_told) = (other.map(|version| (version, now)), false);
        }
        let (version, _) = self.since.as_ref().filter(|(_, since)| now.duration_since(*since) >= DIFFER)?;
        (!std::mem::replace(&mut self.is_told, true)).then_some(version)
    }
}

/// The version that was told last, and where; this one, unless it can't be told now.
async fn told(app: &App, last: Option<(String, Offset)>, version: &str) -> Option<(String, Offset)> {
    if last.as_ref().is_some_and(|(told, _)| told == version) || !app.views.is_caught_up() {
        return last;
    }
    let fact = MenuFact { version: version.to_owned(), at: clock::now(), by: app.views.boot().to_owned() };
    let json = serde_json::to_vec(&fact).expect("texts and a number");
    match app.publish(topic::SHOP, 0, Record::new(MENU, json)).await {
        Ok(at) => Some((version.to_owned(), at.offset)),
        // That the log takes no records is said by whoever takes orders.
        Err(_) => last,
    }
}

/// The version of another counter's menu, if one was told after ours.
fn another(shop: &view::Shop, version: &str, told_at: Offset) -> Option<String> {
    let other = shop.facts().menu().filter(|_| shop.read_to() > told_at)?;
    (other.version != version).then(|| other.version.clone())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use eventlog::Entry;

    use super::*;

    const OPEN: Ordering = Ordering {
        ordering: State::Open,
        reason: None,
        reopens_at: None,
        opens_at: None,
        last_order_at: None,
        closes_at: None,
    };

    #[test]
    fn another_menu_is_one_that_was_told_after_ours() {
        let mut view = view::View::default();
        let mut tell = |offset, version: &str| {
            let json = format!(r#"{{"version":"{version}","at":1,"by":"b"}}"#);
            let record = Record::new(MENU, json);
            view.apply(&Entry { topic: topic::SHOP, partition: 0, offset, timestamp: 1, record });
            another(view.shop(), "ours", 5)
        };
        assert_eq!(tell(4, "old"), None, "ours is not read yet");
        assert_eq!(tell(5, "ours"), None);
        assert_eq!(tell(6, "other"), Some("other".to_owned()));
        assert_eq!(tell(7, "ours"), None);
    }

    #[test]
    fn another_menu_is_told_once_when_it_has_been_another_for_long() {
        let (mut difference, began) = (Difference::default(), Instant::now());
        let mut told = |other: Option<&str>, seconds: u64| {
            let now = began + Duration::from_secs(seconds);
            difference.lasts(other.map(str::to_owned), now).map(str::to_owned)
        };
        assert_eq!([told(Some("b"), 0), told(Some("b"), 9), told(None, 10)], [const { None }; 3], "an edit");
        assert_eq!([told(Some("b"), 20), told(Some("c"), 29), told(Some("c"), 38)], [const { None }; 3]);
        assert_eq!(told(Some("c"), 39).as_deref(), Some("c"));
        assert_eq!(told(Some("c"), 60), None, "told once");
        assert_eq!([told(None, 61), told(Some("c"), 62)], [const { None }; 2]);
        assert_eq!(told(Some("c"), 72).as_deref(), Some("c"));
    }

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
