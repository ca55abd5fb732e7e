//! Business days: which one a moment belongs to, and when it begins and ends.
//!
//! A business day ends at four in the morning, local time, when most shops are closed. Where the hours say that the shop
//! is open then, it ends when that time does, if it began the evening before; or when it begins, if that is after
//! midnight. A shop that is open all morning long has no better time than four.

use jiff::{Timestamp, ToSpan as _, civil::Date, civil::DateTime};
use order::Millis;

use crate::Settings;

/// A business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The local date of its morning.
    pub date: Date,
    /// When it begins, in milliseconds since 1970.
    pub from: Millis,
    /// When it ends, and the next one begins.
    pub to: Millis,
}

/// When a day ends unless the hours say otherwise.
const ENDS_AT_HOUR: i8 = 4;

impl Day {
    /// The business day that a moment, in milliseconds since 1970, belongs to.
    pub fn at(settings: &Settings, now: Millis) -> Self {
        let instant = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
        let today = instant.to_zoned(settings.zone.clone()).date();
        let date = if now < begins(settings, today) { before(today) } else { today };
        Self::on(settings, date)
    }

    /// The business day of this date.
    pub fn on(settings: &Settings, date: Date) -> Self {
        Self { date, from: begins(settings, date), to: begins(settings, after(date)) }
    }

    /// The one after it.
    #[must_use]
    pub fn next(self, settings: &Settings) -> Self {
        Self::on(settings, after(self.date))
    }

    /// The one before it.
    #[must_use]
    pub fn previous(self, settings: &Settings) -> Self {
        Self::on(settings, before(self.date))
    }
}

fn before(date: Date) -> Date {
    date.saturating_sub(1.day())
}

fn after(date: Date) -> Date {
    date.saturating_add(1.day())
}

/// When the business day of this date begins.
fn begins(settings: &Settings, date: Date) -> Millis {
    let moment = |time: DateTime| settings.zone.to_ambiguous_timestamp(time).compatible();
    let at = |time: DateTime| moment(time).ok().map(Timestamp::as_millisecond);
    let hour =
        |hour| at(date.at(hour, 0, 0, 0)).unwrap_or(if date.year() < 0 { Millis::MIN } else { Millis::MAX });
    let usual = hour(ENDS_AT_HOUR);
    let spans = settings.hours.as_ref().map(|hours| hours.around(date, at)).unwrap_or_default();
    match spans.into_iter().find(|(from, to)| (*from..*to).contains(&usual)) {
        Some((from, _)) if from >= hour(0) => from,
        Some((_, to)) if to <= hour(12) => to,
        _ => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(zone: &str, hours: &str) -> Settings {
        let text = format!("name = \"A\"\ncurrency = \"EUR\"\ntime_zone = \"{zone}\"\n{hours}\n");
        Settings::parse(&text, "shop.toml").unwrap()
    }

    fn ms(zone: &str, time: &str) -> Millis {
        format!("{time}[{zone}]").parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond()
    }

    fn day(settings: &Settings, zone: &str, time: &str) -> String {
        let day = Day::at(settings, ms(zone, time));
        assert!((day.from..day.to).contains(&ms(zone, time)), "{day:?}");
        day.date.to_string()
    }

    const SEOUL: &str = "Asia/Seoul";
    const BERLIN: &str = "Europe/Berlin";

    #[test]
    fn what_is_done_after_midnight_belongs_to_the_evening_before() {
        let settings = settings(SEOUL, "[hours]\nthu = [\"07:30-24:00\"]");
        assert_eq!(day(&settings, SEOUL, "2026-11-26T23:59"), "2026-11-26");
        assert_eq!(day(&settings, SEOUL, "2026-11-27T00:20"), "2026-11-26");
        assert_eq!(day(&settings, SEOUL, "2026-11-27T03:59:59.999"), "2026-11-26");
        assert_eq!(day(&settings, SEOUL, "2026-11-27T04:00"), "2026-11-27");
    }

    #[test]
    fn a_day_never_ends_while_the_shop_is_open() {
        let night = settings(SEOUL, "[hours]\nthu = [\"20:00-06:00\"]");
        assert_eq!(day(&night, SEOUL, "2026-11-27T05:59"), "2026-11-26");
        assert_eq!(day(&night, SEOUL, "2026-11-27T06:00"), "2026-11-27");
        let baker = settings(SEOUL, "[hours]\nthu = [\"03:00-12:00\"]");
        assert_eq!(day(&baker, SEOUL, "2026-11-26T02:59"), "2026-11-25");
        assert_eq!(day(&baker, SEOUL, "2026-11-26T03:00"), "2026-11-26");
        let all = "[\"00:00-24:00\"]";
        let always = settings(SEOUL, &format!("[hours]\nwed = {all}\nthu = {all}\nfri = {all}"));
        assert_eq!(day(&always, SEOUL, "2026-11-26T03:59"), "2026-11-25");
        assert_eq!(day(&always, SEOUL, "2026-11-26T04:00"), "2026-11-26");
    }

    #[test]
    fn days_follow_each_other_without_a_gap_also_when_the_clocks_change() {
        for (hours, from, lengths) in [
            // Clocks go forward on 29 March 2026 and back on 25 October, at two and three in the morning.
            ("", "2026-03-27", [24, 23, 24, 24, 24]),
            ("", "2026-10-23", [24, 25, 24, 24, 24]),
            ("[hours]\nsat = [\"22:00-02:30\"]", "2026-03-27", [24, 23, 24, 24, 24]),
            ("[hours]\nsat = [\"22:00-05:00\"]", "2026-10-23", [24, 26, 23, 24, 24]),
        ] {
            let settings = settings(BERLIN, hours);
            let mut day = Day::on(&settings, from.parse().unwrap());
            let mut seen = Vec::new();
            for _ in 0..5 {
                let next = day.next(&settings);
                assert_eq!(day.to, next.from);
                assert_eq!(next.previous(&settings), day);
                for moment in [day.from, day.to - 1] {
                    assert_eq!(Day::at(&settings, moment), day);
                }
                seen.push((day.to - day.from) / 3_600_000);
                day = next;
            }
            assert_eq!(seen, lengths, "{hours} from {from}");
        }
    }

    #[test]
    fn no_clock_is_so_wrong_that_there_is_no_day() {
        let settings = settings(SEOUL, "");
        for now in [Millis::MIN, -1, 0, Millis::MAX] {
            let day = Day::at(&settings, now);
            assert!(day.from <= day.to, "{day:?}");
        }
    }
}
