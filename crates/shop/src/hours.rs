//! Opening hours: a week of local times, and what they mean at a moment.

use std::fmt;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime},
};
use order::Millis;
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::{
    Limits, Settings,
    read::{Field, Notes, Table},
};

/// When a shop is open: the same every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// From Monday; in the order of the day.
    days: [Vec<Range>; 7],
}

/// From one local time to another, which may be on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    /// Minutes since midnight.
    from: u16,
    /// Minutes since the same midnight: over 1,440 on the next day.
    to: u16,
}

/// What the hours mean at one moment. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Whether the shop is open.
    pub is_open: bool,
    /// Whether it is open and the last order has not passed.
    pub accepts_orders: bool,
    /// When it opens the next time from now, whether it is open now or not; `None`: it never closes.
    pub opens_at: Option<Millis>,
    /// When it closes, if it is open; `None` also if it never closes.
    pub closes_at: Option<Millis>,
    /// Until when orders are taken, if it is open; `None` also if it never closes.
    pub last_order_at: Option<Millis>,
}

const ALWAYS: Opening =
    Opening { is_open: true, accepts_orders: true, opens_at: None, closes_at: None, last_order_at: None };

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES: u16 = 24 * 60;
const MINUTE_MS: Millis = 60_000;

/// Whether the shop is open at `now`, in milliseconds since 1970, and what comes next.
pub fn at(settings: &Settings, now: Millis) -> Opening {
    let Some(hours) = &settings.hours else { return ALWAYS };
    // A clock that is off by millennia tells nothing: nobody is turned away for it.
    let Ok(instant) = Timestamp::from_millisecond(now) else { return ALWAYS };
    let today = instant.to_zoned(settings.zone.clone()).date();
    let spans = hours.around(today, |time| {
        let at = settings.zone.to_ambiguous_timestamp(time).compatible();
        at.ok().map(Timestamp::as_millisecond)
    });
    let opens_at = spans.iter().map(|(from, _)| *from).find(|from| *from > now);
    let current = spans.iter().find(|(from, to)| (*from..*to).contains(&now));
    // What is open until the end of all that was looked at is so every week.
    let Some((_, closes_at)) = current.filter(|_| opens_at.is_some()) else {
        return match current {
            Some(_) => ALWAYS,
            None => Opening { is_open: false, accepts_orders: false, opens_at, ..ALWAYS },
        };
    };
    let last_order_at = closes_at - Millis::from(settings.last_order_minutes) * MINUTE_MS;
    Opening {
        is_open: true,
        accepts_orders: now < last_order_at,
        opens_at,
        closes_at: Some(*closes_at),
        last_order_at: Some(last_order_at),
    }
}

impl Hours {
    /// When it is open from two days before `today` to nine days after it: in order, those that touch as one. `at` is
    /// the moment of a local time. A time that a clock skips is as much later, and of one that comes twice it is the
    /// first.
    pub(crate) fn around(
        &self,
        today: Date,
        at: impl Fn(DateTime) -> Option<Millis>,
    ) -> Vec<(Millis, Millis)> {
        let mut spans: Vec<(Millis, Millis)> = Vec::new();
        for days in -2..=9 {
            let Ok(date) = today.checked_add(days.days()) else { continue };
            for range in &self.days[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())] {
                if let (Some(from), Some(to)) = (at(local(date, range.from)), at(local(date, range.to))) {
                    spans.push((from, to));
                }
            }
        }
        spans.retain(|(from, to)| from < to);
        spans.sort_unstable();
        spans.dedup_by(|next, span| {
            let is_one = next.0 <= span.1;
            if is_one {
                span.1 = span.1.max(next.1);
            }
            is_one
        });
        spans
    }
}

/// The local time so many minutes after the midnight with which `date` begins. Past the last day that there is, it is
/// the last one.
fn local(date: Date, minutes: u16) -> DateTime {
    date.at(0, 0, 0, 0).saturating_add(i64::from(minutes).minutes())
}

impl Hours {
    pub(crate) fn read(notes: &mut Notes, mut table: Table<'_>, last_order_minutes: u32) -> Self {
        let mut is_open = false;
        let days = DAYS.map(|day| {
            let mut ranges = Vec::new();
            for field in table.texts(notes, day, Limits::RANGES_OF_DAY) {
                is_open = true;
                match Range::parse(field.text().unwrap_or_default()) {
                    Some(range) => check(notes, &field, range, &mut ranges, last_order_minutes),
                    None => field.wrong(
                        notes,
                        "say from when to when, as in \"07:30-21:00\", \"22:00-02:00\" or \"00:00-24:00\"",
                    ),
                }
            }
            ranges.sort_unstable();
            ranges
        });
        if !is_open {
            notes.wrong(
                table.at,
                "hours never opens the shop: say a day, as in mon = [\"07:30-21:00\"], or leave [hours] out",
            );
        }
        table.end(notes);
        Self { days }
    }
}

/// Takes in one more range of a day, or says what is wrong with it.
fn check(
    notes: &mut Notes,
    field: &Field<'_>,
    range: Range,
    ranges: &mut Vec<Range>,
    last_order_minutes: u32,
) {
    if ranges.iter().any(|other| range.from < other.to && other.from < range.to) {
        field.wrong(notes, "it overlaps with another one of this day; make them one");
    } else if u32::from(range.to - range.from) <= last_order_minutes {
        field.wrong(
            notes,
            format_args!(
                "no order could be taken then, since the last one is {last_order_minutes} minutes before closing; \
                 make it longer, or last_order_minutes smaller"
            ),
        );
    } else {
        ranges.push(range);
    }
}

impl Range {
    /// `HH:MM-HH:MM`; what ends no later than it begins ends on the next day.
    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        if from == DAY_MINUTES || from == to {
            return None;
        }
        Some(Self { from, to: if to < from { to + DAY_MINUTES } else { to } })
    }
}

/// `HH:MM` as minutes since midnight, `24:00` included.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        let is_two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        if is_two { digits.parse::<u16>().ok() } else { None }
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= DAY_MINUTES).then_some(all)
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to > DAY_MINUTES { self.to - DAY_MINUTES } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

/// As the file has them: days with their ranges, without the days on which it is closed.
impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (day, ranges) in DAYS.iter().zip(&self.days).filter(|(_, ranges)| !ranges.is_empty()) {
            map.serialize_entry(day, &ranges.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        }
        map.end()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Hours {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hours".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        const TIME: &str = "([01][0-9]|2[0-4]):[0-5][0-9]";
        schemars::json_schema!({
            "type": "object",
            "description": "When it is open, by days of the week, in the shop's time zone. A day that is not there is one on \
                            which it is closed; a range that ends before it begins ends on the next day.",
            "propertyNames": {"enum": DAYS},
            "additionalProperties": {
                "type": "array",
                "items": {"type": "string", "pattern": format!("^{TIME}-{TIME}$")},
                "minItems": 1,
                "maxItems": Limits::RANGES_OF_DAY,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(zone: &str, hours: &str) -> Settings {
        let text = format!(
            "name = \"A\"\ncurrency = \"EUR\"\ntime_zone = \"{zone}\"\nlast_order_minutes = 10\n[hours]\n{hours}\n"
        );
        Settings::parse(&text, "shop.toml").unwrap()
    }

    /// A local time as the moment that it is, and back.
    fn ms(zone: &str, time: &str) -> Millis {
        format!("{time}[{zone}]").parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond()
    }

    const SEOUL: &str = "Asia/Seoul";

    #[test]
    fn a_shop_is_open_from_the_first_to_before_the_last_moment_of_its_hours() {
        // 26 November 2026 is a Thursday.
        let settings = settings(SEOUL, "thu = [\"07:30-12:00\", \"13:00-21:00\"]\nsat = [\"09:00-17:00\"]");
        let seoul = |time: &str| ms(SEOUL, time);
        let closed =
            |opens| Opening { is_open: false, accepts_orders: false, opens_at: Some(opens), ..ALWAYS };
        let noon = seoul("2026-11-26T12:00");
        assert_eq!(at(&settings, seoul("2026-11-26T07:30") - 1), closed(seoul("2026-11-26T07:30")));
        let open = Opening {
            is_open: true,
            accepts_orders: true,
            opens_at: Some(seoul("2026-11-26T13:00")),
            closes_at: Some(noon),
            last_order_at: Some(noon - 600_000),
        };
        assert_eq!(at(&settings, seoul("2026-11-26T07:30")), open);
        assert_eq!(at(&settings, noon - 600_001), open);
        assert_eq!(at(&settings, noon - 600_000), Opening { accepts_orders: false, ..open });
        assert_eq!(at(&settings, noon - 1), Opening { accepts_orders: false, ..open });
        assert_eq!(at(&settings, noon), closed(seoul("2026-11-26T13:00")));
        assert_eq!(at(&settings, seoul("2026-11-26T21:00")), closed(seoul("2026-11-28T09:00")));
        assert_eq!(at(&settings, seoul("2026-11-28T17:00")), closed(seoul("2026-12-03T07:30")));
    }

    #[test]
    fn a_shop_without_hours_is_always_open() {
        assert_eq!(at(&Settings::embedded(), 0), ALWAYS);
    }
}
