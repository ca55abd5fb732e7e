//! Which menus other counters have.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use eventlog::{Offset, Record};
use order::topic;

use crate::{
    app::App,
    clock,
    view::{self, MENU, MenuFact},
};

/// How often it is looked at which menus other counters have, and how soon a failed word on ours is tried again.
const MENUS_EVERY: Duration = Duration::from_secs(1);
/// How long counters may have different menus: each reads its files again at its own time, and a deployment takes a while.
const DIFFER: Duration = Duration::from_secs(10);

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
    use eventlog::Entry;

    use super::*;

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
}
