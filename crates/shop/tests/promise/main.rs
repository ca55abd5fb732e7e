//! Whole days, simulated: how often the first promise is kept, how wide it is, and how often what is shown changes.
//!
//! `cargo test -p shop --test promise -- --nocapture` prints the table of `docs/benchmarks.md`.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a day has few milliseconds, and few orders"
)]

mod day;

use std::{ops::Range, sync::LazyLock};

use crate::day::{Cafe, Kept, day};

const MINUTE: i64 = 60_000;
/// Orders an hour, on average over a day.
const RATES: [u32; 6] = [20, 40, 60, 80, 100, 120];
/// The seeds of the days that prove it. The numbers in `shop::promise` were chosen on days 0 to 19.
const PROVING: Range<u64> = 1_000..1_020;

/// The days that prove it, by rate.
static DAYS: LazyLock<Vec<(u32, Vec<Kept>)>> = LazyLock::new(|| {
    RATES.iter().map(|&rate| (rate, PROVING.flat_map(|seed| day(cafe(rate), seed)).collect())).collect()
});

/// One that works as its menu says, and said how many hands it has.
fn cafe(an_hour: u32) -> Cafe {
    Cafe { an_hour, pace: 1.0, says_hands: true }
}

/// What counts of many orders.
struct Score {
    orders: usize,
    /// Shares of them, in percent.
    inside: f64,
    before: f64,
    after: f64,
    /// Of the first promise, in minutes.
    median_width: i64,
    /// In minutes.
    median_wait: f64,
    long_wait: f64,
}

fn score<'a>(kept: impl Iterator<Item = &'a Kept>) -> Score {
    let kept: Vec<_> = kept.collect();
    let share = |of: &dyn Fn(&Kept) -> bool| percent(kept.iter().filter(|kept| of(kept)).count(), kept.len());
    let widths = sorted(kept.iter().map(|kept| (kept.first.to() - kept.first.from()) / MINUTE));
    let waits = sorted(kept.iter().map(|kept| kept.ready - kept.placed));
    let minutes = |millis: i64| millis as f64 / MINUTE as f64;
    Score {
        orders: kept.len(),
        inside: share(&|kept| (kept.first.from()..=kept.first.to()).contains(&kept.ready)),
        before: share(&|kept| kept.ready < kept.first.from()),
        after: share(&|kept| kept.ready > kept.first.to()),
        median_width: quantile(&widths, 50),
        median_wait: minutes(quantile(&waits, 50)),
        long_wait: minutes(quantile(&waits, 90)),
    }
}

#[test]
fn eight_of_ten_orders_are_ready_inside_the_first_promise_and_half_of_those_are_four_minutes_wide_or_less() {
    println!("| orders an hour | inside | before | after | width, median | wait, median | wait, p90 |");
    println!("|---|---|---|---|---|---|---|");
    let all = DAYS.iter().flat_map(|(_, kept)| kept);
    let by_rate = DAYS.iter().map(|(rate, kept)| (rate.to_string(), score(kept.iter())));
    for (rate, score) in by_rate.chain([("all".to_owned(), score(all))]) {
        let Score { inside, before, after, median_width, median_wait, long_wait, .. } = score;
        println!(
            "| {rate} | {inside:.1} % | {before:.1} % | {after:.1} % | {median_width} min | {median_wait:.1} min | \
             {long_wait:.1} min |"
        );
        assert!(score.orders > 3_000, "{rate}: {} orders prove nothing", score.orders);
        assert!(inside >= 80.0, "{rate} an hour: {inside:.1} % inside");
        assert!(median_width <= 4, "{rate} an hour: {median_width} minutes wide");
    }
}

#[test]
fn what_is_shown_to_whoever_waits_does_not_jump_about() {
    println!("| orders an hour | never changed | changes, p99 | most | went back by 2 min or more |");
    println!("|---|---|---|---|---|");
    for (rate, kept) in DAYS.iter() {
        let changes = sorted(kept.iter().map(|kept| kept.shown.len() as i64 - 1));
        let never = percent(changes.iter().filter(|changes| **changes == 0).count(), kept.len());
        let turned = percent(kept.iter().filter(|kept| turn(kept) > 1).count(), kept.len());
        let (p99, most) = (quantile(&changes, 99), changes.last().copied().unwrap_or_default());
        println!("| {rate} | {never:.1} % | {p99} | {most} | {turned:.2} % |");
        assert!(never >= 75.0, "{rate} an hour: {never:.1} % never changed");
        assert!(p99 <= 3 && most <= 8, "{rate} an hour: {p99} and {most} changes");
        let bearable = if *rate <= 100 { 0.3 } else { 1.0 };
        assert!(turned <= bearable, "{rate} an hour: {turned:.2} % went back and forth by more than a step");
        assert!(kept.iter().all(|kept| turn(kept) <= 3), "{rate} an hour: one went back by four minutes");
    }
}

#[test]
fn a_bar_that_takes_half_as_long_again_as_its_menu_says_is_known_after_thirty_orders() {
    let slow = Cafe { pace: 1.5, ..cafe(60) };
    let days: Vec<_> = PROVING.flat_map(|seed| day(slow, seed).split_off(30)).collect();
    let score = score(days.iter());
    assert!(score.inside >= 80.0, "{:.1} % inside", score.inside);
    assert!(score.median_width <= 4, "{} minutes wide", score.median_width);
}

#[test]
fn where_nobody_says_how_many_hands_there_are_the_promise_holds_too() {
    for rate in [20, 120] {
        let silent = Cafe { says_hands: false, ..cafe(rate) };
        let days: Vec<_> = PROVING.flat_map(|seed| day(silent, seed)).collect();
        let score = score(days.iter());
        assert!(score.inside >= 80.0, "{rate} an hour: {:.1} % inside", score.inside);
        assert!(score.median_width <= 4, "{rate} an hour: {} minutes wide", score.median_width);
    }
}

#[test]
fn one_seed_is_one_day() {
    let told = |seed| day(cafe(60), seed).iter().map(|kept| (kept.first, kept.ready)).collect::<Vec<_>>();
    assert_eq!(told(7), told(7));
    assert_ne!(told(7), told(8));
}

/// By how many minutes the end of what was shown went one way and then the other.
fn turn(kept: &Kept) -> i64 {
    let (mut before, mut run, mut most) = (0, 0, 0);
    for pair in kept.shown.windows(2) {
        let step = (pair[1].to() - pair[0].to()) / MINUTE;
        if step * run < 0 {
            (before, run) = (run, step);
        } else {
            run += step;
        }
        if before * run < 0 {
            most = most.max(before.abs().min(run.abs()));
        }
    }
    most
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

fn sorted(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_unstable();
    numbers
}

fn quantile(sorted: &[i64], hundredths: usize) -> i64 {
    sorted.get(sorted.len() * hundredths / 100).copied().unwrap_or_default()
}
