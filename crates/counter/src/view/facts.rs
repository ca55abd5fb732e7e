//! What staff and bar pages say of the shop, in records of `shop.state`; the last one of each key wins.

use std::collections::{BTreeMap, BTreeSet};

use order::Millis;
use serde::{Deserialize, Serialize};
use shop::ordering::{BAR_GONE_MS, Pause};

/// Whether it is open, instead of by the hours: `{"open":true}`, `false`, or `null`: by the hours again.
pub(crate) const OPEN: &str = "open";
/// Ordering is paused: `{"until":MS}`, or `null`: until told otherwise.
pub(crate) const PAUSE: &str = "pause";
/// How busy it is: `{"busy_minutes":N,"since":MS}`.
pub(crate) const PACE: &str = "pace";
/// Sold out: `{"sold_out":true}` under an item's id, or under a choice as `milk/oat`.
pub(crate) const SOLD_OUT_PREFIX: &str = "sold_out/";
/// A bar page is there: `{"at":MS}`, now and then.
pub(crate) const BAR_PREFIX: &str = "bar/";
/// The menu that a counter has: `{"version":"…","at":MS,"by":"…"}`.
pub(crate) const MENU: &str = "menu";

/// How much later staff may say that drinks are ready.
pub(crate) const BUSY_MINUTES_MAX: u32 = 120;
/// What counters say is sold out at once, and what is shown of it.
pub(crate) const SOLD_OUT_MAX: usize = 1_000;
/// Bar pages that are there at once.
pub(crate) const BARS_MAX: usize = 64;

/// What is said of the shop.
#[derive(Debug, Default)]
pub struct Facts {
    open: Option<Open>,
    pause: Option<Pause>,
    busy_minutes: u32,
    /// Since when it is busy.
    busy_since: Millis,
    sold_out: BTreeSet<Box<str>>,
    bars: BTreeMap<Box<str>, Millis>,
    menu: Option<MenuFact>,
}

/// What staff say of the hours. Who said so, and whatever else stands beside it, is for those who read the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "StaffOpen"))]
pub struct Open {
    /// `None`: by the hours again.
    open: Option<bool>,
}

/// Which menu a counter has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct MenuFact {
    pub(crate) version: String,
    /// When it said so.
    pub(crate) at: Millis,
    /// Which process.
    pub(crate) by: String,
}

impl Facts {
    /// Whether the shop is open; `None`: nobody said.
    pub fn open(&self) -> Option<Open> {
        self.open
    }

    /// Whether staff say that it is open, whatever the hours say.
    pub fn staff_open(&self) -> Option<bool> {
        self.open?.open
    }

    /// The pause that staff made; it may be over.
    pub fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// How many minutes later drinks are ready than they would be, by what staff say.
    pub fn busy_minutes(&self) -> u32 {
        self.busy_minutes
    }

    /// Since when that is so, however often the minutes have changed.
    pub(crate) fn busy_since(&self) -> Millis {
        self.busy_since
    }

    /// Whether this is sold out: an item's id, or a choice as `milk/oat`.
    pub fn is_sold_out(&self, id: &str) -> bool {
        self.sold_out.contains(id)
    }

    /// What is sold out, by its id. Of more than counters write, the first.
    pub fn sold_out(&self) -> impl ExactSizeIterator<Item = &str> {
        self.sold_out.iter().take(SOLD_OUT_MAX).map(|id| &**id)
    }

    /// When a bar page last was there.
    pub fn bar_seen_at(&self) -> Option<Millis> {
        self.bars.values().max().copied()
    }

    /// When this bar page last was there.
    pub(crate) fn bar(&self, name: &str) -> Option<Millis> {
        self.bars.get(name).copied()
    }

    /// Bar pages that said nothing since then.
    pub(crate) fn bars_silent_since(&self, at: Millis) -> impl Iterator<Item = &str> {
        self.bars.iter().filter(move |(_, seen)| **seen <= at).map(|(name, _)| &**name)
    }

    /// How many bar pages there are.
    pub(crate) fn bars_there(&self, now: Millis) -> usize {
        self.bars.len() - self.bars_silent_since(now.saturating_sub(BAR_GONE_MS)).count()
    }

    /// The menu that a counter had last.
    pub(crate) fn menu(&self) -> Option<&MenuFact> {
        self.menu.as_ref()
    }

    /// Takes in a record that was written at this time, if it is one of these. What can't be read is as if it
    /// weren't there.
    pub(super) fn apply(&mut self, key: &str, value: Option<&[u8]>, written_at: Millis) {
        #[derive(Deserialize)]
        struct Until {
            until: Option<Millis>,
        }
        #[derive(Deserialize)]
        struct Pace {
            busy_minutes: u32,
            since: Option<Millis>,
        }
        #[derive(Deserialize)]
        struct SoldOut {
            sold_out: bool,
        }
        #[derive(Deserialize)]
        struct At {
            at: Millis,
        }
        match key {
            OPEN => self.open = read(value),
            PAUSE => self.pause = read(value).map(|Until { until }| Pause { until }),
            PACE => {
                let pace = read(value).filter(|pace: &Pace| pace.busy_minutes <= BUSY_MINUTES_MAX);
                let pace = pace.unwrap_or(Pace { busy_minutes: 0, since: None });
                self.busy_minutes = pace.busy_minutes;
                // The record alone says it: those before it may be gone when the next counter reads.
                self.busy_since = pace.since.unwrap_or(written_at).min(written_at);
            }
            MENU => self.menu = read(value),
            _ => {
                if let Some(id) = key.strip_prefix(SOLD_OUT_PREFIX) {
                    let sold_out = read(value).is_some_and(|SoldOut { sold_out }| sold_out);
                    self.sell(id, sold_out);
                } else if let Some(name) = key.strip_prefix(BAR_PREFIX) {
                    // The log's time bounds that of a clock which is ahead: a page must not seem to be there for days.
                    self.meet(name, read(value).map(|At { at }| at.min(written_at)));
                }
            }
        }
    }

    /// However many there are: what is left out would hang on records that may be gone when the next counter reads.
    fn sell(&mut self, id: &str, sold_out: bool) {
        if !sold_out {
            self.sold_out.remove(id);
        } else if shop::can_be_sold_out(id) {
            self.sold_out.insert(id.into());
        }
    }

    fn meet(&mut self, name: &str, at: Option<Millis>) {
        let Some(at) = at else {
            self.bars.remove(name);
            return;
        };
        self.bars.insert(name.into(), at);
        if self.bars.len() > BARS_MAX {
            let oldest = self.bars.iter().min_by_key(|(_, at)| **at).map(|(name, _)| name.clone());
            oldest.and_then(|name| self.bars.remove(&name));
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Option<&[u8]>) -> Option<T> {
    serde_json::from_slice(value?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(records: &[(&str, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (key, value) in records {
            facts.apply(key, (!value.is_empty()).then_some(value.as_bytes()), 1_000_000);
        }
        facts
    }

    #[test]
    fn the_last_word_on_each_fact_counts_and_nonsense_counts_as_none() {
        let open = |value| said(&[(OPEN, r#"{"open":false}"#), (OPEN, value)]).staff_open();
        for (value, is) in [
            (r#"{"open":true,"at":1,"by":"bar"}"#, Some(true)),
            (r#"{"open":null}"#, None),
            ("", None),
            ("true", None),
            ("{", None),
        ] {
            assert_eq!(open(value), is, "{value}");
        }
        let pause = |value| said(&[(PAUSE, r#"{"until":7}"#), (PAUSE, value)]).pause();
        assert_eq!(pause(r#"{"until":9}"#), Some(Pause { until: Some(9) }));
        assert_eq!(pause(r#"{"until":null}"#), Some(Pause { until: None }));
        assert_eq!(pause(""), None);
        assert_eq!(pause(r#"{"until":"noon"}"#), None);
        let pace = |value| said(&[(PACE, r#"{"busy_minutes":5}"#), (PACE, value)]).busy_minutes();
        assert_eq!(pace(r#"{"busy_minutes":120}"#), 120);
        assert_eq!(pace(r#"{"busy_minutes":121}"#), 0);
        assert_eq!(pace(r#"{"busy_minutes":-1}"#), 0);
        assert_eq!(pace(""), 0);
    }

    #[test]
    fn since_when_it_is_busy_does_not_hang_on_records_that_may_be_gone() {
        let records = [r#"{"busy_minutes":5,"since":700}"#, r#"{"busy_minutes":9,"since":700}"#]
            .map(|pace| (PACE, pace));
        let (running, restarted) = (said(&records), said(&records[1..]));
        assert_eq!((running.busy_minutes(), running.busy_since()), (9, 700));
        assert_eq!((restarted.busy_minutes(), restarted.busy_since()), (9, 700));
        let since = |pace| said(&[records[0], (PACE, pace)]).busy_since();
        assert_eq!(since(r#"{"busy_minutes":9}"#), 1_000_000, "as it was written");
        assert_eq!(since(r#"{"busy_minutes":9,"since":99000000}"#), 1_000_000, "by the log's time at most");
    }

    #[test]
    fn what_is_sold_out_is_so_until_it_is_back_and_has_a_bound() {
        let yes = r#"{"sold_out":true}"#;
        let facts = said(&[
            ("sold_out/latte", yes),
            ("sold_out/milk/oat", yes),
            ("sold_out/tea", yes),
            ("sold_out/tea", r#"{"sold_out":false}"#),
            ("sold_out/cake", yes),
            ("sold_out/cake", ""),
            ("sold_out/NOT AN ID", yes),
            ("sold_out/a/b/c", yes),
        ]);
        assert_eq!(facts.sold_out().collect::<Vec<_>>(), ["latte", "milk/oat"]);
        assert!(facts.is_sold_out("milk/oat") && !facts.is_sold_out("tea"));
    }

    #[test]
    fn what_is_sold_out_does_not_hang_on_records_that_may_be_gone() {
        let ids: Vec<_> = (0..=SOLD_OUT_MAX).map(|n| format!("i-{n:04}")).collect();
        let last = ids.last().unwrap();
        let tell = |facts: &mut Facts, id: &str, is: bool| {
            let value = format!(r#"{{"sold_out":{is}}}"#);
            facts.apply(&format!("{SOLD_OUT_PREFIX}{id}"), Some(value.as_bytes()), 0);
        };
        let mut running = Facts::default();
        for id in &ids {
            tell(&mut running, id, true);
        }
        assert!(running.is_sold_out(last));
        assert_eq!((running.sold_out().len(), running.sold_out().next()), (SOLD_OUT_MAX, Some("i-0000")));
        tell(&mut running, "i-0000", false);
        let mut restarted = Facts::default();
        for id in &ids[1..] {
            tell(&mut restarted, id, true);
        }
        assert!(running.sold_out().eq(restarted.sold_out()) && running.is_sold_out(last));
    }

    #[test]
    fn a_bar_page_is_there_for_a_minute_and_no_clock_makes_it_longer() {
        let facts = said(&[("bar/left", r#"{"at":900000}"#), ("bar/right", r#"{"at":99000000}"#)]);
        assert_eq!(facts.bar_seen_at(), Some(1_000_000), "by the log's time at most");
        let now = 900_000 + BAR_GONE_MS;
        assert_eq!(facts.bars_silent_since(now - BAR_GONE_MS).collect::<Vec<_>>(), ["left"]);
        assert_eq!((facts.bars_there(now - 1), facts.bars_there(now)), (2, 1));
        assert_eq!(said(&[("bar/left", r#"{"at":9}"#), ("bar/left", "")]).bar_seen_at(), None);
        let mut facts = Facts::default();
        for n in 0..=BARS_MAX {
            facts.apply(&format!("bar/{n}"), Some(format!(r#"{{"at":{n}}}"#).as_bytes()), 1_000);
        }
        assert_eq!((facts.bar("0"), facts.bar("1")), (None, Some(1)), "the oldest gives way");
    }
}
