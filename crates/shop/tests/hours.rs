//! Opening hours against a second opinion, and on the days on which clocks change.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use jiff::{Timestamp, Zoned, tz::TimeZoneDatabase};
use proptest::{collection::vec, option, prelude::*};
use shop::{
    Settings,
    hours::{Opening, at},
};

/// From Monday: minutes since midnight, and how long it is open.
type Week = Vec<[Option<(u16, u16)>; 2]>;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u16 = 1_440;

fn settings(zone: &str, hours: &str) -> Settings {
    let text = format!(
        "name = \"A\"\ncurrency = \"EUR\"\ntime_zone = \"{zone}\"\nlast_order_minutes = 10\n[hours]\n{hours}\n"
    );
    Settings::parse(&text, "shop.toml").unwrap()
}

fn written(week: &Week) -> String {
    let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let days = DAYS.iter().zip(week).map(|(day, ranges)| {
        let ranges = ranges.iter().flatten().map(|(from, long)| {
            let to = from + long;
            let to = if to > DAY { to - DAY } else { to };
            format!("\"{}-{}\"", time(*from), time(to))
        });
        format!("{day} = [{}]\n", ranges.collect::<Vec<_>>().join(", "))
    });
    days.collect()
}

fn week() -> impl Strategy<Value = Week> {
    let morning = option::of((0_u16..600, 11_u16..=420));
    let evening = option::of((1_020_u16..DAY, 11_u16..=1_000));
    let days = vec((morning, evening).prop_map(|(morning, evening)| [morning, evening]), 7);
    days.prop_filter("it opens at all", |week| week.iter().flatten().any(Option::is_some))
}

/// 2025 to 2029.
fn moment() -> impl Strategy<Value = i64> {
    1_735_689_600_000_i64..1_893_456_000_000
}

fn ms(time: &str) -> i64 {
    time.parse::<Zoned>().unwrap().timestamp().as_millisecond()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_of_opening_and_closing_is_so_when_it_comes(
        week in week(), now in moment(),
        zone in prop::sample::select(vec!["Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    ) {
        let settings = settings(zone, &written(&week));
        let Opening { is_open, accepts_orders, opens_at, closes_at, last_order_at } = at(&settings, now);
        let opens_at = opens_at.unwrap();
        let is_open_at = |ms| at(&settings, ms).is_open;
        prop_assert!(opens_at > now && is_open_at(opens_at) && !is_open_at(opens_at - 1));
        match closes_at {
            Some(closes_at) => {
                prop_assert!(is_open && now < closes_at && closes_at < opens_at);
                prop_assert!(is_open_at(closes_at - 1) && !is_open_at(closes_at));
                prop_assert_eq!(last_order_at, Some(closes_at - 600_000));
                prop_assert_eq!(accepts_orders, now < closes_at - 600_000);
            }
            None => prop_assert!(!is_open && !accepts_orders && last_order_at.is_none()),
        }
    }

    #[test]
    fn where_clocks_never_change_the_clock_on_the_wall_tells_whether_it_is_open(week in week(), now in moment()) {
        let wall = Timestamp::from_millisecond(now).unwrap()
            .to_zoned(TimeZoneDatabase::bundled().get("Asia/Seoul").unwrap());
        let minute = u16::try_from(wall.hour()).unwrap() * 60 + u16::try_from(wall.minute()).unwrap();
        let today = usize::try_from(wall.weekday().to_monday_zero_offset()).unwrap();
        let holds = |day: usize, minute: u16| {
            week[day].iter().flatten().any(|(from, long)| (*from..from + long).contains(&minute))
        };
        let is_open = holds(today, minute) || holds((today + 6) % 7, minute + DAY);
        prop_assert_eq!(at(&settings("Asia/Seoul", &written(&week)), now).is_open, is_open);
    }
}

#[test]
fn past_midnight_belongs_to_the_day_before_and_hours_that_touch_are_one() {
    // 27 November 2026 is a Friday.
    let settings =
        settings("Asia/Seoul", "fri = [\"18:00-24:00\"]\nsat = [\"00:00-02:00\", \"22:00-03:00\"]");
    let seoul = |time: &str| ms(&format!("{time}[Asia/Seoul]"));
    let open = at(&settings, seoul("2026-11-27T23:59"));
    assert_eq!(open.closes_at, Some(seoul("2026-11-28T02:00")));
    assert_eq!(open.opens_at, Some(seoul("2026-11-28T22:00")));
    assert!(at(&settings, seoul("2026-11-29T02:59")).is_open, "Saturday's hours on a Sunday");
    assert_eq!(at(&settings, seoul("2026-11-29T03:00")).opens_at, Some(seoul("2026-12-04T18:00")));
}

#[test]
fn a_time_that_clocks_skip_is_later_and_of_one_that_comes_twice_the_first_counts() {
    let settings = settings("Europe/Berlin", "sat = [\"22:00-02:30\"]\nsun = [\"02:30-05:00\"]");
    let closes = |now: &str| at(&settings, ms(now)).closes_at.unwrap();
    // 02:30 of 29 March 2026 does not exist: both ends move to 03:30, and the shop stays open.
    assert_eq!(closes("2026-03-28T23:00+01:00[Europe/Berlin]"), ms("2026-03-29T05:00+02:00[Europe/Berlin]"));
    // 25 October 2026 has 02:30 twice.
    assert_eq!(closes("2026-10-25T00:00+02:00[Europe/Berlin]"), ms("2026-10-25T05:00+01:00[Europe/Berlin]"));
    let late = self::settings("Europe/Berlin", "sat = [\"22:00-02:30\"]");
    let first = ms("2026-10-25T02:30+02:00[Europe/Berlin]");
    assert_eq!(at(&late, first - 1).closes_at, Some(first));
    assert!(!at(&late, first).is_open);
}

#[test]
fn a_range_that_a_change_of_clocks_swallows_does_not_open() {
    let settings = settings("Europe/Berlin", "sun = [\"02:00-02:50\", \"03:00-03:15\"]");
    // On that day 02:00 is 03:00, and 02:50 is 03:50.
    let opening = at(&settings, ms("2026-03-29T00:00[Europe/Berlin]"));
    assert_eq!(opening.opens_at, Some(ms("2026-03-29T03:00[Europe/Berlin]")));
    let open = at(&settings, opening.opens_at.unwrap());
    assert_eq!(open.closes_at, Some(ms("2026-03-29T03:50[Europe/Berlin]")));
}

#[test]
fn a_shop_that_never_closes_has_no_closing_time() {
    let all_day = DAYS.map(|day| format!("{day} = [\"00:00-24:00\"]")).join("\n");
    let opening = at(&settings("Europe/Berlin", &all_day), ms("2026-10-25T02:30[Europe/Berlin]"));
    assert!(opening.is_open && opening.accepts_orders);
    assert_eq!((opening.opens_at, opening.closes_at, opening.last_order_at), (None, None, None));
}

#[test]
fn a_clock_that_is_off_by_millennia_breaks_nothing() {
    let settings = settings("America/New_York", "mon = [\"22:00-02:00\"]");
    for now in [i64::MIN, -377_705_023_201_000, 0, 253_402_207_200_000, 253_402_300_799_999, i64::MAX] {
        let _ = at(&settings, now);
    }
}
