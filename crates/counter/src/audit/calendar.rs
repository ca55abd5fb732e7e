//! Which business day a moment belongs to.
//!
//! Settings say when a day ends, and they may change: the hours, or the time zone, by which one and the same moment is
//! of another date. A day that closed for good stays as it was all the same, and the next one begins where it ended: so
//! no moment is of two days, and none in which something was written is of no day.

use std::collections::BTreeMap;

use jiff::{ToSpan as _, civil::Date};
use ledger::Balance;
use order::Millis;
use shop::{Day, Settings};

/// Days as they closed, and beyond them as the settings say.
pub(crate) struct Calendar<'a> {
    settings: &'a Settings,
    days: &'a BTreeMap<String, Balance>,
}

impl<'a> Calendar<'a> {
    /// The calendar of a shop with these settings, and these days that closed, by their dates.
    pub(crate) fn new(settings: &'a Settings, days: &'a BTreeMap<String, Balance>) -> Self {
        Self { settings, days }
    }

    /// The day that a moment belongs to.
    pub(crate) fn at(&self, moment: Millis) -> Day {
        let (mut before, mut behind) = (None, None);
        for (date, balance) in self.closed(None, None).rev() {
            if balance.at > moment {
                behind = Some(date);
            } else {
                before = Some(date);
                break;
            }
        }
        let behind = behind.map(|date| self.on(date));
        if let Some(day) = behind.filter(|day| day.from <= moment) {
            return day;
        }
        let date = Day::at(self.settings, moment).date;
        let date = before.map_or(date, |before| date.max(after(before)));
        match behind.filter(|behind| behind.date <= date) {
            // Nothing was written between the two.
            Some(behind) => Day { from: moment, ..behind },
            None => self.on(date),
        }
    }

    /// The day of this date.
    pub(crate) fn on(&self, date: Date) -> Day {
        let usual = Day::on(self.settings, date);
        let balance = self.days.get(&date.to_string()).filter(|balance| balance.over);
        let before = self.closed(None, Some(date)).next_back();
        let from = match (balance.and_then(|balance| balance.begins_at), before) {
            (Some(from), _) => from,
            (None, Some((before, balance))) if after(before) == date => balance.at,
            (None, Some((_, balance))) => usual.from.max(balance.at),
            (None, None) => usual.from,
        };
        let to = balance.map_or_else(
            || {
                let behind = self.closed(Some(after(date)), None).next();
                behind.map_or(usual.to, |(date, _)| usual.to.min(self.on(date).from))
            },
            |balance| balance.at,
        );
        Day { date, from: from.min(to), to }
    }

    /// The days that closed for good, from one date on, before another.
    fn closed(
        &self,
        from: Option<Date>,
        before: Option<Date>,
    ) -> impl DoubleEndedIterator<Item = (Date, &'a Balance)> + use<'a> {
        let from = from.map(|date| date.to_string()).unwrap_or_default();
        let before = before.map(|date| date.to_string());
        // Dates as text sort like dates, and `~` stands behind all of them.
        let days = self.days.range(from..before.unwrap_or_else(|| "~".to_owned()));
        days.filter(|(_, balance)| balance.over)
            .filter_map(|(date, balance)| Some((date.parse().ok()?, balance)))
    }
}

fn after(date: Date) -> Date {
    date.saturating_add(1.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;

    fn settings(zone: &str) -> Settings {
        let text = format!("name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"{zone}\"\n");
        Settings::parse(&text, "shop.toml").unwrap()
    }

    fn utc(time: &str) -> Millis {
        format!("{time}[UTC]").parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond()
    }

    /// A day that closed, as programs before this one wrote it if it does not say when it began.
    fn closed(date: &str, begins_at: Option<Millis>, at: Millis) -> (String, Balance) {
        let json = serde_json::json!({
            "at": at, "begins_at": begins_at, "over": true, "to": {}, "holds": true,
            "orders": 0, "drinks": 0, "remakes": 0, "uncollected": 0, "cancelled": 0,
            "promise": ledger::Promises::default(), "equation": ledger::Sums::default(),
        });
        let balance = Balance::parse(&format!("day/{date}"), json.to_string().as_bytes()).unwrap();
        (date.to_owned(), balance)
    }

    fn shown(day: Day) -> (String, Millis, Millis) {
        (day.date.to_string(), day.from, day.to)
    }

    #[test]
    fn where_no_day_closed_it_is_as_the_settings_say() {
        let (settings, days) = (settings("Asia/Seoul"), BTreeMap::new());
        let calendar = Calendar::new(&settings, &days);
        for moment in ["2026-11-26T18:59", "2026-11-26T19:00"].map(utc) {
            let day = calendar.at(moment);
            assert_eq!(day, Day::at(&settings, moment));
            assert_eq!(day, calendar.on(day.date));
        }
    }

    #[test]
    fn a_day_that_closed_stays_as_it_was_and_the_next_begins_where_it_ended() {
        let (from, to) = (utc("2026-11-25T15:00"), utc("2026-11-26T15:00"));
        for begins_at in [Some(from), None] {
            // It ended by the clocks of Auckland.
            let days =
                BTreeMap::from([closed("2026-11-25", None, from), closed("2026-11-26", begins_at, to)]);
            for (zone, next_ends) in [
                ("Asia/Kamchatka", utc("2026-11-27T16:00")),
                ("America/Los_Angeles", utc("2026-11-28T12:00")),
                ("Pacific/Kiritimati", utc("2026-11-27T14:00")),
            ] {
                let settings = settings(zone);
                let calendar = Calendar::new(&settings, &days);
                let was = ("2026-11-26".to_owned(), from, to);
                let next = ("2026-11-27".to_owned(), to, next_ends);
                assert_eq!(shown(calendar.on("2026-11-26".parse().unwrap())), was, "{zone}");
                assert_eq!(shown(calendar.on("2026-11-27".parse().unwrap())), next, "{zone}");
                for (moment, day) in [(from, &was), (to - 1, &was), (to, &next), (next_ends - 1, &next)] {
                    assert_eq!(shown(calendar.at(moment)), *day, "{zone}, {moment}");
                }
            }
        }
    }

    #[test]
    fn a_moment_belongs_to_one_day_whatever_happened_to_the_time_zone() {
        let days = BTreeMap::from([
            closed("2026-11-20", None, utc("2026-11-21T12:00")),
            closed("2026-11-24", Some(utc("2026-11-23T14:00")), utc("2026-11-24T14:00")),
            closed("2026-11-25", None, utc("2026-11-25T19:00")),
        ]);
        for zone in ["Pacific/Kiritimati", "Asia/Seoul", "UTC", "Pacific/Pago_Pago"] {
            let settings = settings(zone);
            let calendar = Calendar::new(&settings, &days);
            let mut last: Option<Day> = None;
            for moment in (0..24 * 10).map(|hour| utc("2026-11-18T00:00") + hour * HOUR) {
                let day = calendar.at(moment);
                assert!((day.from..day.to).contains(&moment), "{zone}, {moment}: {day:?}");
                if let Some(last) = last.filter(|last| last.date != day.date) {
                    assert!(last.date < day.date && last.to <= day.from, "{zone}: {last:?}, {day:?}");
                }
                last = Some(day);
            }
        }
    }
}
