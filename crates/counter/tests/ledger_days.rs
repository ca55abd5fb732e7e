//! The ledger over days: when one ends, what closes it, and where the next count begins. Time is set, never waited for.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::sync::Arc;

use common::{
    Barista, Line, foreign_order,
    ledger::{adds_up, get, ledger, of},
    ledger_clock, log_by, options, within,
};
use counter::Options;
use eventlog::{
    Millis, Reason,
    sim::{Process, SimClock, SimLog},
};
use order::{Mode, Rules, topic};
use serde_json::{Value, json};
use shop::{Menu, Settings, Shop};
use tokio::sync::watch;

const SEOUL: &str = "Asia/Seoul";
const BERLIN: &str = "Europe/Berlin";
const HOUR: Millis = 3_600_000;

/// A moment, by the clock on the wall there.
fn moment(zone: &str, time: &str) -> Millis {
    format!("{time}[{zone}]").parse::<jiff::Zoned>().unwrap().timestamp().as_millisecond()
}

fn seoul(time: &str) -> Millis {
    moment(SEOUL, time)
}

/// Menu and settings of a shop there.
fn shop(zone: &str, hours: &str) -> Arc<Shop> {
    let text = format!("name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"{zone}\"\n{hours}");
    let settings = Settings::parse(&text, "shop.toml").unwrap();
    Arc::new(Shop::new(Menu::embedded(), settings))
}

/// A shop whose clock stands where it is put, with a barista who makes everything at once.
struct Cafe {
    log: Arc<SimLog>,
    clock: SimClock,
    shop: watch::Sender<Arc<Shop>>,
    /// The first counter has made it.
    token: std::sync::OnceLock<String>,
    _barista: Barista,
}

impl Cafe {
    fn new(zone: &str, hours: &str, now: Millis) -> Self {
        Self::with(zone, hours, now, 365 * 24 * HOUR)
    }

    /// One in which a drink that nobody collects is given up after so long.
    fn with(zone: &str, hours: &str, now: Millis, given_up_ms: Millis) -> Self {
        let clock = SimClock::new(now);
        let log = log_by(clock.clone(), 1);
        let (shop, _) = watch::channel(shop(zone, hours));
        let rules =
            Rules { mode: Mode::Auto, cup_ms: 0, uncollected_auto_ms: given_up_ms, ..Rules::default() };
        let options = barista::Options { rules, ..barista::Options::default() };
        let barista = Barista::by_clock(&log, options, clock.clone());
        Self { log, clock, shop, token: std::sync::OnceLock::new(), _barista: barista }
    }

    fn options(&self) -> Options {
        let ledger_clock = ledger_clock(&self.clock);
        Options { ledger_clock, shop: Some(self.shop.subscribe()), ..options() }
    }

    /// A counter.
    async fn open(&self) -> Line {
        self.known(Line::on(Arc::clone(&self.log), self.options()).await)
    }

    fn known(&self, mut line: Line) -> Line {
        let token = line.token.take();
        line.token = Some(self.token.get_or_init(|| token.unwrap()).clone());
        line
    }

    /// The same as a process of its own, that can be killed.
    async fn open_in(&self, process: &Arc<Process>) -> Line {
        self.known(Line::on_process(Arc::clone(&self.log), Arc::clone(process) as _, self.options()).await)
    }

    /// Orders at this time, each of them made.
    async fn orders(&self, at: Millis, ids: impl IntoIterator<Item = String>) {
        self.clock.set(at);
        let before = self.log.history(topic::PROCESSED, 0).len();
        let mut count = 0;
        for id in ids {
            self.log.append(topic::RECEIVED, 0, foreign_order(&id, 1));
            count += 1;
        }
        within(async {
            while self.log.history(topic::PROCESSED, 0).len() < before + count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Its settings say another time zone.
    fn moves_to(&self, zone: &str) {
        self.shop.send_replace(shop(zone, ""));
    }

    async fn order(&self, at: Millis, id: &str) {
        self.orders(at, [id.to_owned()]).await;
    }

    /// The balances of a day in the log, the oldest first.
    fn balances(&self, date: &str) -> Vec<Value> {
        let key = format!("day/{date}");
        let entries = self.log.history(topic::SHOP, 0).into_iter();
        let of_day = entries.filter(|entry| entry.record.key.as_deref() == Some(key.as_bytes()));
        of_day.map(|entry| serde_json::from_slice(&entry.record.value.unwrap()).unwrap()).collect()
    }

    /// How often each day was closed for good.
    fn closed(&self) -> Vec<(String, usize)> {
        let mut closed = std::collections::BTreeMap::new();
        for entry in self.log.history(topic::SHOP, 0) {
            let key = String::from_utf8(entry.record.key.unwrap().to_vec()).unwrap();
            let Some(date) = key.strip_prefix("day/") else { continue };
            let balance: Value = serde_json::from_slice(&entry.record.value.unwrap()).unwrap();
            *closed.entry(date.to_owned()).or_default() += usize::from(balance["over"] == true);
        }
        closed.into_iter().collect()
    }
}

/// Both sides are the same, and nothing is wrong.
fn balances(ledger: &Value) -> bool {
    adds_up(ledger) && ledger["holds"] == true
}

fn is_of(ledger: &Value, date: &str) -> bool {
    ledger["day"]["date"] == date
}

fn closings(days: &[&str]) -> Vec<(String, usize)> {
    days.iter().map(|date| ((*date).to_owned(), 1)).collect()
}

#[tokio::test]
async fn a_day_closes_by_itself_when_it_ends_where_the_shop_is() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-11-26T23:50"));
    let line = cafe.open().await;
    cafe.order(seoul("2026-11-26T23:50"), "evening").await;
    cafe.order(seoul("2026-11-27T00:10"), "after-midnight").await;
    cafe.order(seoul("2026-11-27T03:59:59.999"), "last").await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 3).await;
    assert!(is_of(&seen, "2026-11-26") && balances(&seen), "{seen}");
    assert_eq!(cafe.closed(), [], "it goes on");
    cafe.clock.set(seoul("2026-11-27T04:00"));
    let next = ledger(&line, |seen| is_of(seen, "2026-11-27")).await;
    assert_eq!((&next["began"]["why"], &next["began"]["date"]), (&json!("balance"), &json!("2026-11-26")));
    assert_eq!((of(&next, "carried_over"), of(&next, "ready"), of(&next, "accepted")), (3, 3, 0), "{next}");
    assert_eq!(cafe.closed(), closings(&["2026-11-26"]));
    let balance = &cafe.balances("2026-11-26")[0];
    assert_eq!((&balance["orders"], &balance["holds"]), (&json!(3), &json!(true)), "{balance}");
    assert_eq!(balance["at"], seoul("2026-11-27T04:00"));
    cafe.order(seoul("2026-11-27T09:00"), "morning").await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 4).await;
    assert!(of(&seen, "accepted") == 1 && balances(&seen), "{seen}");
}

#[tokio::test]
async fn where_the_shop_opens_at_midnight_the_day_changes_then() {
    let hours = "[hours]\nthu = [\"00:00-12:00\"]\nfri = [\"00:00-12:00\"]";
    let cafe = Cafe::new(SEOUL, hours, seoul("2026-11-26T11:00"));
    let line = cafe.open().await;
    cafe.order(seoul("2026-11-26T23:59:59.999"), "before").await;
    ledger(&line, |seen| of(seen, "ready") == 1 && is_of(seen, "2026-11-26")).await;
    assert_eq!(cafe.closed(), []);
    cafe.clock.set(seoul("2026-11-27T00:00"));
    ledger(&line, |seen| is_of(seen, "2026-11-27")).await;
    cafe.order(seoul("2026-11-27T00:00"), "behind").await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 2).await;
    assert!(of(&seen, "accepted") == 1 && balances(&seen), "{seen}");
    assert_eq!(cafe.closed(), closings(&["2026-11-26"]));
    assert_eq!(cafe.balances("2026-11-26")[0]["orders"], 1);
}

#[tokio::test]
async fn a_day_has_23_or_25_hours_where_clocks_change_and_closes_at_its_end() {
    for (date, next, hours) in [("2026-03-28", "2026-03-29", 23), ("2026-10-24", "2026-10-25", 25)] {
        let (from, to) = (moment(BERLIN, &format!("{date}T04:00")), moment(BERLIN, &format!("{next}T04:00")));
        assert_eq!(to - from, hours * HOUR, "what the calendar says");
        let cafe = Cafe::new(BERLIN, "", from);
        let line = cafe.open().await;
        cafe.order(from, "first").await;
        cafe.order(to - 1, "last").await;
        let seen = ledger(&line, |seen| of(seen, "ready") == 2).await;
        assert_eq!(seen["day"], json!({"date": date, "from": from, "to": to}));
        cafe.clock.set(to);
        ledger(&line, |seen| is_of(seen, next)).await;
        let days = get(&line, "/ledger/minutes").await["days"].clone();
        assert_eq!(
            (&days[0]["date"], &days[0]["from"], &days[0]["to"]),
            (&json!(date), &json!(from), &json!(to))
        );
        assert_eq!((&days[0]["orders"], &days[0]["holds"]), (&json!(2), &json!(true)));
        assert_eq!(cafe.closed(), closings(&[date]));
    }
}

#[tokio::test]
async fn nights_that_were_missed_are_closed_each_with_a_balance_of_its_own() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-11-23T10:00"));
    cafe.order(seoul("2026-11-23T10:00"), "mon").await;
    // Nothing happens on Tuesday.
    cafe.orders(seoul("2026-11-25T12:00"), ["wed-1".to_owned(), "wed-2".to_owned()]).await;
    cafe.order(seoul("2026-11-26T02:00"), "wed-night").await;
    cafe.order(seoul("2026-11-26T08:00"), "thu").await;
    let line = cafe.open().await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 5).await;
    assert!(is_of(&seen, "2026-11-26") && balances(&seen), "{seen}");
    assert_eq!(seen["began"]["date"], "2026-11-25", "{seen}");
    assert_eq!((of(&seen, "carried_over"), of(&seen, "accepted")), (4, 1), "{seen}");
    assert_eq!(cafe.closed(), closings(&["2026-11-23", "2026-11-25"]));
    let days = get(&line, "/ledger/minutes").await["days"].clone();
    let told: Vec<_> = days.as_array().unwrap().iter().map(|day| (&day["date"], &day["orders"])).collect();
    assert_eq!(
        told,
        [(&json!("2026-11-25"), &json!(3)), (&json!("2026-11-23"), &json!(1))],
        "each with what was done in it"
    );
    drop(line);
    let again = cafe.open().await;
    ledger(&again, |seen| of(seen, "ready") == 5).await;
    assert_eq!(cafe.closed(), closings(&["2026-11-23", "2026-11-25"]), "once");
}

#[tokio::test]
async fn a_clock_that_is_set_back_closes_no_day_twice_and_nothing_is_lost() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-11-26T22:00"));
    let line = cafe.open().await;
    cafe.order(seoul("2026-11-26T22:00"), "a").await;
    ledger(&line, |seen| of(seen, "ready") == 1).await;
    cafe.clock.set(seoul("2026-11-27T04:00"));
    ledger(&line, |seen| is_of(seen, "2026-11-27")).await;
    // Into the day that is closed, while the counter runs.
    cafe.order(seoul("2026-11-26T21:00"), "b").await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 2).await;
    assert!(is_of(&seen, "2026-11-27") && balances(&seen), "{seen}");
    let past = get(&line, &format!("/ledger?at={}", seen["before"])).await;
    assert!(balances(&past), "what the log has is no future: {past}");
    drop(line);
    // And while it was off: the next one goes on in the day that goes on.
    let line = cafe.open().await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 2).await;
    assert!(is_of(&seen, "2026-11-27") && balances(&seen), "{seen}");
    assert_eq!(line.say("open", r#"{"open":false}"#).await.status, 200);
    within(async {
        while cafe.balances("2026-11-27").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(cafe.balances("2026-11-26").len(), 1, "what staff close is the day that goes on");
    cafe.clock.set(seoul("2026-11-28T04:00"));
    let seen = ledger(&line, |seen| is_of(seen, "2026-11-28")).await;
    assert!(of(&seen, "carried_over") == 2 && balances(&seen), "{seen}");
    assert_eq!(cafe.closed(), closings(&["2026-11-26", "2026-11-27"]));
}

#[tokio::test]
async fn a_clock_that_is_set_back_while_staff_close_does_not_hold_up_the_balance() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-11-26T21:00"));
    let line = cafe.open().await;
    cafe.order(seoul("2026-11-26T21:00"), "a").await;
    ledger(&line, |seen| of(seen, "ready") == 1).await;
    cafe.clock.set(seoul("2026-11-26T19:00"));
    cafe.log.refuse(Some(Reason::DiskFull));
    assert_eq!(line.say("open", r#"{"open":false}"#).await.status, 503);
    cafe.log.refuse(None);
    assert_eq!(line.say("open", r#"{"open":false}"#).await.status, 200);
    cafe.clock.set(seoul("2026-11-26T18:00"));
    within(async {
        while cafe.balances("2026-11-26").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let balance = &cafe.balances("2026-11-26")[0];
    assert_eq!((&balance["orders"], &balance["over"]), (&json!(1), &json!(false)), "{balance}");
    assert_eq!(balance["at"], seoul("2026-11-26T21:00"), "the log's time never falls");
}

#[tokio::test]
async fn more_than_500_live_orders_are_no_balance_to_begin_with_and_hold_up_no_day() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-11-24T21:00"));
    let line = cafe.open().await;
    cafe.order(seoul("2026-11-24T21:00"), "first").await;
    cafe.clock.set(seoul("2026-11-25T04:00"));
    ledger(&line, |seen| is_of(seen, "2026-11-25")).await;
    cafe.orders(seoul("2026-11-26T03:59"), (0..500).map(|n| format!("late-{n}"))).await;
    ledger(&line, |seen| of(seen, "ready") == 501).await;
    cafe.clock.set(seoul("2026-11-26T04:00"));
    let seen = ledger(&line, |seen| is_of(seen, "2026-11-26")).await;
    let balance = &cafe.balances("2026-11-25")[0];
    assert_eq!(
        (&balance["live_total"], &balance["live"]),
        (&json!(501), &json!([])),
        "more than a record has"
    );
    assert!(balances(&seen) && of(&seen, "ready") == 501, "{seen}");
    assert_eq!(seen["began"]["date"], "2026-11-24", "the last one with which it can begin: {seen}");
    for (day, next) in [("2026-11-26", "2026-11-27"), ("2026-11-27", "2026-11-28")] {
        cafe.order(seoul(&format!("{day}T12:00")), day).await;
        cafe.clock.set(seoul(&format!("{next}T04:00")));
        let seen = ledger(&line, |seen| is_of(seen, next)).await;
        assert!(balances(&seen), "{seen}");
        assert_eq!(cafe.balances(day)[0]["orders"], 1);
    }
    assert_eq!(cafe.closed(), closings(&["2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"]));
}

#[tokio::test]
async fn what_retention_removed_is_said_to_be_gone_and_a_count_begins_where_it_can() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-10-01T12:00"));
    let line = cafe.open().await;
    let days = ["2026-10-01", "2026-10-20", "2026-10-30"];
    for (n, day) in days.into_iter().enumerate() {
        cafe.order(seoul(&format!("{day}T12:00")), day).await;
        ledger(&line, |seen| of(seen, "ready") == n as u64 + 1).await;
        cafe.clock.set(seoul(&format!("{day}T23:00")) + 5 * HOUR);
        ledger(&line, |seen| seen["began"]["date"] == day).await;
    }
    assert_eq!(cafe.closed(), closings(&days));
    let staff = line.staff();
    let at = async |line: &Line, time: &str| {
        line.get(&format!("/ledger?at={}", seoul(time)), &[("authorization", &staff)]).await
    };
    assert_eq!(at(&line, "2026-10-01T13:00").await.status, 200);
    // Records are kept for 30 days: what was on the first of October goes.
    cafe.clock.set(seoul("2026-11-02T04:00"));
    cafe.log.retain();
    let gone = at(&line, "2026-10-01T13:00").await;
    assert_eq!((gone.status, gone.code()), (410, "past_gone".to_owned()), "{gone:?}");
    assert_eq!(gone.json()["kept_from"], seoul("2026-10-20T12:00"));
    let sentence = gone.json()["detail"].as_str().unwrap().to_owned();
    assert!(sentence.ends_with('.') && !sentence.trim_end_matches('.').contains(". "), "{sentence}");
    let there = at(&line, "2026-10-20T13:00").await;
    assert!(there.status == 200 && balances(&there.json()), "{there:?}");
    assert_eq!(there.json()["began"]["date"], "2026-10-01", "nothing of what is behind that is gone");
    let later = at(&line, "2026-10-30T13:00").await.json();
    assert_eq!((&later["began"]["date"], of(&later, "carried_over")), (&json!("2026-10-20"), 2), "{later}");
    let listed = get(&line, "/ledger/minutes").await["days"].clone();
    assert_eq!(listed[2]["date"], "2026-10-01", "its balance stays");

    // All is gone, and the count begins anew in the same thread.
    cafe.clock.set(seoul("2026-12-01T05:00"));
    cafe.log.retain();
    let seen = ledger(&line, |seen| is_of(seen, "2026-12-01")).await;
    assert!(balances(&seen), "{seen}");
    assert_eq!(seen["began"]["date"], "2026-10-30", "behind it nothing was written, and nothing removed");
    cafe.order(seoul("2026-12-01T12:00"), "new").await;
    let seen = ledger(&line, |seen| of(seen, "accepted") == 1).await;
    assert!(balances(&seen), "{seen}");
    let gone = at(&line, "2026-10-30T13:00").await;
    assert_eq!((gone.status, gone.code()), (410, "past_gone".to_owned()), "{gone:?}");
}

#[tokio::test]
async fn a_log_of_which_nothing_is_left_is_not_said_to_be_counted_from_its_first_record() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-10-01T12:00"));
    cafe.order(seoul("2026-10-01T12:00"), "a").await;
    cafe.order(seoul("2026-10-02T12:00"), "b").await;
    cafe.clock.set(seoul("2026-12-01T12:00"));
    cafe.log.retain();
    let line = cafe.open().await;
    let seen = ledger(&line, |_| true).await;
    assert_eq!(
        (&seen["began"]["why"], &seen["began"]["at"]),
        (&json!("kept"), &json!(seoul("2026-12-01T12:00"))),
        "{seen}"
    );
    let at = seoul("2026-10-02T13:00");
    let gone = line.get(&format!("/ledger?at={at}"), &[("authorization", &line.staff())]).await;
    assert_eq!((gone.status, gone.code()), (410, "past_gone".to_owned()), "{gone:?}");
    cafe.order(seoul("2026-12-01T13:00"), "new").await;
    let seen = ledger(&line, |seen| of(seen, "accepted") == 1).await;
    assert!(balances(&seen), "{seen}");
    assert_eq!(cafe.closed(), [], "nobody knows how those days were");
}

#[tokio::test]
async fn of_a_day_whose_beginning_is_removed_only_what_is_whole_is_shown() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-09-30T09:00"));
    cafe.order(seoul("2026-09-30T09:00"), "y").await;
    cafe.order(seoul("2026-09-30T10:00"), "z").await;
    for (hour, id) in [(9, "a"), (12, "b"), (15, "c")] {
        cafe.order(seoul(&format!("2026-10-01T{hour:02}:00")), id).await;
    }
    // Topics are not cut at the same place: of one the day before is there, of another not even the morning.
    cafe.log.cut(topic::RECEIVED, 0, 1);
    cafe.log.cut(topic::EVENT, 0, cafe.log.history(topic::EVENT, 0).len() as u64 / 5 * 3);
    let line = cafe.open().await;
    let staff = line.staff();
    let at = async |time: &str| {
        line.get(&format!("/ledger?at={}", seoul(time)), &[("authorization", &staff)]).await
    };
    ledger(&line, |_| true).await;
    let gone = at("2026-10-01T10:00").await;
    assert_eq!((gone.status, gone.code()), (410, "past_gone".to_owned()), "{gone:?}");
    let there = at("2026-10-01T13:00").await.json();
    assert!(balances(&there) && there["began"]["why"] == "kept", "{there}");
    let now = ledger(&line, |seen| of(seen, "accepted") == 2).await;
    assert!(balances(&now), "{now}");
    assert_eq!(
        (&now["began"]["why"], &now["began"]["at"]),
        (&json!("kept"), &json!(seoul("2026-10-01T12:00")))
    );
}

#[tokio::test]
async fn a_power_cut_between_closing_and_the_next_start_costs_no_balance() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-11-26T21:00"));
    let process = cafe.log.process();
    let line = cafe.open_in(&process).await;
    cafe.order(seoul("2026-11-26T21:00"), "a").await;
    ledger(&line, |seen| of(seen, "ready") == 1).await;
    assert_eq!(line.say("open", r#"{"open":false}"#).await.status, 200);
    within(async {
        while cafe.balances("2026-11-26").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // One more is made while the chairs go up, and then the power is gone.
    cafe.order(seoul("2026-11-26T22:30"), "b").await;
    process.kill();
    drop(line);
    cafe.clock.set(seoul("2026-11-27T07:30"));
    let process = cafe.log.process();
    let line = cafe.open_in(&process).await;
    let seen = ledger(&line, |seen| is_of(seen, "2026-11-27")).await;
    assert!(of(&seen, "carried_over") == 2 && balances(&seen), "{seen}");
    let balance = cafe.balances("2026-11-26");
    assert_eq!(balance.iter().map(|balance| &balance["orders"]).collect::<Vec<_>>(), [&json!(1), &json!(2)]);
    assert_eq!(cafe.closed(), closings(&["2026-11-26"]));

    // Nobody closed that evening, and the disk took nothing when the day ended: it is closed at the next start.
    cafe.order(seoul("2026-11-27T12:00"), "c").await;
    ledger(&line, |seen| of(seen, "ready") == 3).await;
    cafe.log.refuse(Some(Reason::DiskFull));
    cafe.clock.set(seoul("2026-11-28T04:00"));
    let seen = ledger(&line, |seen| is_of(seen, "2026-11-28")).await;
    assert!(balances(&seen) && seen["began"]["date"] == "2026-11-26", "{seen}");
    process.kill();
    drop(line);
    cafe.log.refuse(None);
    let line = cafe.open().await;
    let seen = ledger(&line, |seen| of(seen, "carried_over") == 3).await;
    assert!(balances(&seen), "{seen}");
    assert_eq!(cafe.closed(), closings(&["2026-11-26", "2026-11-27"]));
}

#[tokio::test]
async fn an_order_that_is_forgotten_is_told_of_as_long_as_the_log_has_it() {
    let cafe = Cafe::with(SEOUL, "", seoul("2026-11-01T12:00"), HOUR);
    let line = cafe.open().await;
    let staff = line.staff();
    let made = line
        .send(
            "POST",
            "/tokens",
            &[("content-type", "application/json"), ("authorization", &staff)],
            br#"{"name":"display","role":"barista"}"#,
        )
        .await;
    let barista = format!("Bearer {}", made.json()["token"].as_str().unwrap());
    let story = async |who: &str, query: &str| {
        line.get(&format!("/orders/again/history{query}"), &[("authorization", who)]).await
    };
    // The same id twice, days apart: the first of them was forgotten when the second came.
    cafe.order(seoul("2026-11-01T12:00"), "again").await;
    cafe.order(seoul("2026-11-01T13:30"), "b").await;
    cafe.order(seoul("2026-11-03T12:00"), "c").await;
    cafe.order(seoul("2026-11-03T12:01"), "again").await;
    cafe.order(seoul("2026-11-03T14:00"), "d").await;
    cafe.order(seoul("2026-11-05T12:00"), "e").await;
    // One on which the view has to have read what it is to have forgotten.
    line.shown("e", |shown| shown["state"] == "ready").await;
    let forgotten = story(&barista, "").await;
    assert_eq!((forgotten.status, forgotten.code()), (404, "unknown_order".to_owned()), "{forgotten:?}");

    let told = |story: &Value| -> Vec<(String, u64, Millis)> {
        let events = story["events"].as_array().unwrap().iter();
        let one = |event: &Value| {
            let told = (event["event"].as_str().unwrap().to_owned(), event["offset"].as_u64().unwrap());
            (told.0, told.1, event["timestamp"].as_i64().unwrap())
        };
        events.map(one).collect()
    };
    let in_log = |time: &str| -> Vec<(String, u64, Millis)> {
        let from = seoul(time);
        let entries = cafe.log.history(topic::EVENT, 0).into_iter();
        let of_this = entries.filter(|entry| {
            entry.record.key.as_deref() == Some(b"again")
                && (from..from + 24 * HOUR).contains(&entry.timestamp)
        });
        let one = |entry: eventlog::Entry| {
            let event: Value = serde_json::from_slice(&entry.record.value.unwrap()).unwrap();
            (event["event"].as_str().unwrap().to_owned(), entry.offset, entry.timestamp)
        };
        of_this.map(one).collect()
    };
    let last = story(&staff, "").await;
    assert_eq!(last.status, 200, "{last:?}");
    let last = last.json();
    assert_eq!(told(&last), in_log("2026-11-03T12:00"), "{last}");
    assert_eq!(told(&last).last().unwrap().0, "uncollected", "{last}");
    assert_eq!(last["accepted"], json!({"offset": 3, "timestamp": seoul("2026-11-03T12:01")}), "{last}");
    assert_eq!((&last["complete"], &last["carried_over"]), (&json!(true), &json!(false)));
    for time in ["2026-11-01T12:00", "2026-11-02T20:00"] {
        let first = story(&staff, &format!("?at={}", seoul(time))).await.json();
        assert_eq!(told(&first), in_log("2026-11-01T12:00"), "also what came after that: {first}");
        assert_eq!(first["accepted"]["offset"], 0);
    }
    let never = line.get("/orders/never/history", &[("authorization", &staff)]).await;
    assert_eq!((never.status, never.code()), (404, "unknown_order".to_owned()), "{never:?}");

    // Of the first one retention takes all, of the second its beginning.
    cafe.log.cut(topic::RECEIVED, 0, 4);
    cafe.log.cut(topic::EVENT, 0, told(&last)[1].1);
    let rest = story(&staff, "").await.json();
    assert_eq!((told(&rest), &rest["carried_over"]), (told(&last)[1..].to_vec(), &json!(true)), "{rest}");
    let gone = story(&staff, &format!("?at={}", seoul("2026-11-01T12:00"))).await;
    assert_eq!((gone.status, gone.code()), (410, "past_gone".to_owned()), "{gone:?}");
    let (said, kept_from) = (gone.json()["detail"].clone(), gone.json()["kept_from"].as_i64().unwrap());
    assert!(kept_from > seoul("2026-11-03T12:00"), "{gone:?}");
    let sentence = said.as_str().unwrap();
    assert!(sentence.ends_with('.') && !sentence.trim_end_matches('.').contains(". "), "{sentence}");
}

#[tokio::test]
async fn where_the_time_zone_changes_no_order_is_of_two_days_and_none_of_no_day() {
    let auckland = moment("Pacific/Auckland", "2026-11-27T04:10");
    let cafe = Cafe::new(SEOUL, "", auckland - HOUR);
    let line = cafe.open().await;
    cafe.order(auckland - HOUR, "evening").await;
    cafe.order(auckland, "night").await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 2).await;
    assert!(is_of(&seen, "2026-11-26"), "{seen}");

    // The day that is new there began between the two.
    cafe.moves_to("Pacific/Auckland");
    let seen = ledger(&line, |seen| is_of(seen, "2026-11-27")).await;
    assert_eq!((of(&seen, "accepted"), &seen["orders"]), (1, &json!(1)), "{seen}");
    assert_eq!(cafe.closed(), closings(&["2026-11-26"]));

    // And here it has not begun yet, but the one before is closed.
    cafe.moves_to("Asia/Kamchatka");
    line.stopped().await.unwrap();
    let line = cafe.open().await;
    let to = moment("Asia/Kamchatka", "2026-11-28T04:00");
    cafe.order(auckland + HOUR, "morning").await;
    let seen = ledger(&line, |seen| of(seen, "ready") == 3 && seen["day"]["to"] == to).await;
    let began = moment("Pacific/Auckland", "2026-11-27T04:00");
    assert_eq!(seen["day"], json!({"date": "2026-11-27", "from": began, "to": to}));
    assert_eq!((&seen["orders"], &seen["orders_total"]), (&json!(2), &json!(3)), "{seen}");
    let listed = get(&line, "/ledger/orders").await;
    assert_eq!(listed["orders"].as_array().unwrap().len(), 3, "that of the day before waits still: {listed}");
    let then = get(&line, &format!("/ledger?at={}", auckland + 1)).await;
    assert!(is_of(&then, "2026-11-27") && then["orders"] == 1, "{then}");
    let days = get(&line, "/ledger/minutes").await["days"].clone();
    assert_eq!((&days[0]["date"], &days[0]["to"]), (&json!("2026-11-26"), &json!(began)), "{days}");

    cafe.clock.set(to);
    let seen = ledger(&line, |seen| is_of(seen, "2026-11-28")).await;
    assert!(balances(&seen) && of(&seen, "carried_over") == 3, "{seen}");
    assert_eq!(cafe.closed(), closings(&["2026-11-26", "2026-11-27"]));
    assert_eq!(cafe.balances("2026-11-27")[0]["orders"], 2);
}

#[tokio::test]
async fn where_the_hours_change_a_day_that_goes_on_ends_by_them() {
    let cafe = Cafe::new(SEOUL, "", seoul("2026-11-26T23:50"));
    let line = cafe.open().await;
    cafe.order(seoul("2026-11-27T03:50"), "late").await;
    ledger(&line, |seen| of(seen, "ready") == 1).await;
    let hours = "[hours]\nthu = [\"20:00-06:00\"]";
    cafe.shop.send_replace(shop(SEOUL, hours));
    cafe.order(seoul("2026-11-27T05:00"), "later").await;
    let seen = ledger(&line, |seen| seen["day"]["to"] == seoul("2026-11-27T06:00")).await;
    assert!(is_of(&seen, "2026-11-26") && seen["orders"] == 2, "{seen}");
    assert_eq!(cafe.closed(), []);
}
