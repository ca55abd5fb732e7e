//! The ledger: what was counted, now and at any moment.
//!
//! | request | answer |
//! |---|---|
//! | `GET /ledger`, `?at=MS` | the equation, what is wrong, what needs someone, and the day in numbers |
//! | `GET /ledger/events` | the same whenever it is different, at most once a second |
//! | `GET /ledger/orders` | the orders of the day that are looked for, the newest first |
//! | `GET /ledger/minutes` | how many orders were open in each minute of the day, and how days closed |
//! | `GET /ledger/day` | what was done today, for whoever closes the shop |

use std::{sync::Arc, time::Duration};

use ::ledger::{Balance, Filter, Name, Search, Sums, Tally};
use ::order::Millis;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Client, answer, export, negotiate, parameter,
    past::{look_back, manager_only, moment},
    routes::Routes,
    screens::Age,
    sse, without_log,
};
use crate::{
    access::{Caller, Credential, Manager, Staff, managers_only},
    app::App,
    audit::{Beside, Calendar, Count, Listed, Past, Shown, ledger_json, order_json},
    problem::Problem,
    seats::Seat,
    view::StaffRole,
};

/// The stream says something new no more often.
const EVERY: Duration = Duration::from_secs(1);
/// And how old it is, no less often.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Orders on one page of the list.
pub(crate) const LIMIT: usize = 100;
/// Characters that are looked for.
pub(crate) const QUERY_CHARS: usize = 200;
/// Days whose balances are listed.
const DAYS_SHOWN: usize = 400;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/ledger", get(show))
        .route("/ledger/events", get(events))
        .route("/ledger/orders", get(orders))
        .route("/ledger/minutes", get(minutes))
        .route("/ledger/day", get(day))
        .route("/ledger/export", get(export::export))
}

/// `GET /ledger`, `GET /ledger?at=MS`
async fn show(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    if negotiate::wants_page(&headers)
        && let Some(page) = without_log(app.settings.demo, app.reached(), &uri, &headers)
    {
        return page;
    }
    let json = async {
        manager_only(&app, &headers)?;
        match moment(&app, &uri)? {
            None => Ok(now_json(&app, &*app.audit.look().ok_or_else(Problem::starting)?)),
            Some(at) => {
                let (Past { count, beside, .. }, _place) = look_back(&app, at).await?;
                let (as_of, now) = (app.audit.as_of(), app.ledger_clock.now());
                Ok(ledger_json(&count, Shown { as_of, now, at: Some(at), beside }))
            }
        }
    };
    json.await.map_or_else(Problem::into_response, |json| answer::json(StatusCode::OK, json))
}

/// What is so now. The last record is the one before.
fn now_json(app: &App, count: &Count) -> Vec<u8> {
    let before = (count.ledger.records() > 0).then(|| count.ledger.time());
    let beside = Beside { before, after: None };
    ledger_json(count, Shown { as_of: app.audit.as_of(), now: app.ledger_clock.now(), at: None, beside })
}

/// `GET /ledger/events`
async fn events(
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let who = Credential::of_staff(&Method::GET, &headers)?;
    is_manager(who.caller_once_known(&app)?)?;
    let seat = app.seats.take(client)?;
    let mut told = app.audit.told();
    told.mark_changed();
    let now = Instant::now();
    let reader =
        Reader { app, who, told, next: now, heartbeat: now + HEARTBEAT, greeted: false, _seat: seat };
    Ok(sse::stream(stream::unfold(reader, |mut reader| async {
        let event = reader.next().await?;
        Some((event, reader))
    })))
}

/// Whether it is a manager; not while that can't be told.
fn is_manager(caller: Option<Caller>) -> Result<bool, Problem> {
    match caller {
        None => Ok(false),
        Some(Caller::Staff(member)) if member.role == StaffRole::Manager => Ok(true),
        Some(_) => Err(managers_only()),
    }
}

/// One open stream of the ledger.
struct Reader {
    app: Arc<App>,
    who: Credential,
    told: watch::Receiver<u64>,
    /// Nothing new is said before this.
    next: Instant,
    heartbeat: Instant,
    greeted: bool,
    _seat: Seat,
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            return Some(sse::retry());
        }
        let app = Arc::clone(&self.app);
        loop {
            if app.closing.is_cancelled() {
                return None;
            }
            let changed = async {
                sleep_until(self.next).await;
                self.told.changed().await
            };
            tokio::select! {
                changed = changed => {
                    changed.ok()?;
                    // Whoever was signed out meanwhile comes back, and is told so.
                    let is_manager = is_manager(self.who.caller_once_known(&app).ok()?).ok()?;
                    self.told.mark_unchanged();
                    let json = is_manager
                        .then(|| app.audit.look().map(|count| now_json(&app, &count)))
                        .flatten();
                    self.next = Instant::now() + EVERY;
                    if let Some(json) = json {
                        self.heartbeat = Instant::now() + HEARTBEAT;
                        return Some(sse::event("ledger", None, &json));
                    }
                }
                () = sleep_until(self.heartbeat) => {
                    self.heartbeat = Instant::now() + HEARTBEAT;
                    let (as_of, now) = (app.audit.as_of(), app.ledger_clock.now());
                    let ready = app.audit.look().is_some();
                    // What needs someone hangs on the time as well.
                    if self.next <= Instant::now() {
                        self.told.mark_changed();
                    }
                    let age = serde_json::to_vec(&Age { as_of, now, ready }).expect("numbers");
                    return Some(sse::event("heartbeat", None, &age));
                }
                () = app.closing.cancelled() => return None,
            }
        }
    }
}

/// `GET /ledger/orders?q=&filter=&at=&after=&limit=`
async fn orders(State(app): State<Arc<App>>, Manager(_): Manager, uri: Uri) -> Result<Response, Problem> {
    let wanted = Wanted::of(&uri)?;
    let (as_of, now) = (app.audit.as_of(), app.ledger_clock.now());
    let json = match moment(&app, &uri)? {
        None => wanted.json(&*app.audit.look().ok_or_else(Problem::starting)?, as_of, now, app.ledger_time()),
        Some(at) => wanted.json(&look_back(&app, at).await?.0.count, as_of, now, at),
    };
    Ok(answer::json(StatusCode::OK, json))
}

/// Which orders are to be listed.
struct Wanted {
    search: Search,
    after: Option<Name>,
    limit: usize,
}

/// Orders of a day.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayOrders"))]
pub(crate) struct List<'a> {
    as_of: Millis,
    now: Millis,
    /// Orders of the day.
    total: usize,
    /// Those that are looked for.
    matching: usize,
    /// Say it as `after` to get those behind these; absent: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[cfg_attr(feature = "schema", schemars(length(max = LIMIT)))]
    orders: Vec<Listed<'a>>,
}

impl Wanted {
    fn of(uri: &Uri) -> Result<Self, Problem> {
        let text = |name: &'static str| {
            let twice = || Problem::field(name, format!("Say {name} once."));
            let value = parameter(uri, name).map_err(|()| twice())?;
            value.map(|value| unescaped(name, value)).transpose()
        };
        let query = text("q")?.unwrap_or_default();
        if query.chars().count() > QUERY_CHARS {
            let detail = format!("q has at most {QUERY_CHARS} characters.");
            return Err(Problem::field("q", detail).with("range", format!("0..{QUERY_CHARS}")));
        }
        let filter = match text("filter")? {
            None => Filter::All,
            Some(name) => Filter::named(&name).ok_or_else(|| {
                Problem::field("filter", "filter must be all, open, late, remade or cancelled.")
            })?,
        };
        let limit = match text("limit")? {
            None => LIMIT,
            Some(limit) => {
                limit.parse().ok().filter(|limit| (1..=LIMIT).contains(limit)).ok_or_else(|| {
                    let detail = format!("limit must be a whole number from 1 to {LIMIT}.");
                    Problem::field("limit", detail).with("range", format!("1..{LIMIT}"))
                })?
            }
        };
        let after = text("after")?.filter(|id| !id.is_empty()).map(|id| Name::of(&id));
        Ok(Self { search: Search::new(&query, filter), after, limit })
    }

    fn json(&self, count: &Count, as_of: Millis, now: Millis, at: Millis) -> Vec<u8> {
        let found = self.search.among(&count.day, self.after.as_ref(), self.limit, at);
        let next = found.orders.last().filter(|_| found.more).map(|order| order.order_id.to_string());
        let orders = found.orders.iter().map(|order| order_json(count, order, at)).collect();
        let total = count.day.orders().len();
        serde_json::to_vec(&List { as_of, now, total, matching: found.matching, next, orders })
            .expect("texts and numbers")
    }
}

/// A value of a query as it was meant: `%20` and `+` are spaces.
fn unescaped(name: &'static str, value: &str) -> Result<String, Problem> {
    let value = value.replace('+', " ");
    percent_encoding::percent_decode_str(&value)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Problem::field(name, format!("{name} is no UTF-8.")))
}

/// The minutes of a day, and how days closed.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayMinutes"))]
pub(crate) struct Line {
    as_of: Millis,
    now: Millis,
    day: Option<Dated>,
    minutes: Vec<Minute>,
    /// The newest first.
    #[cfg_attr(feature = "schema", schemars(length(max = DAYS_SHOWN)))]
    days: Vec<Closed>,
}

/// How many orders were open.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DayMinute"))]
struct Minute {
    at: Millis,
    open: u32,
}

/// A business day.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BusinessDay"))]
struct Dated {
    /// Its local date: `2026-11-22`.
    date: String,
    from: Millis,
    to: Millis,
}

/// How a business day closed.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ClosedDay"))]
struct Closed {
    #[serde(flatten)]
    day: Dated,
    #[serde(flatten)]
    tally: Tally,
    holds: bool,
}

/// `GET /ledger/minutes`
async fn minutes(State(app): State<Arc<App>>, Manager(_): Manager, uri: Uri) -> Result<Response, Problem> {
    let (as_of, now) = (app.audit.as_of(), app.ledger_clock.now());
    let settings = app.settings_of_shop();
    let dated = |day: shop::Day| Dated { date: day.date.to_string(), from: day.from, to: day.to };
    let show = |count: &Count, until: Millis| {
        let day = count.business;
        let until = day.map_or(until, |day| until.min(day.to - 1));
        let minutes = count.day.minutes(until).into_iter().map(|(at, open)| Minute { at, open }).collect();
        (day.map(dated), minutes)
    };
    let (day, minutes) = match moment(&app, &uri)? {
        None => show(&*app.audit.look().ok_or_else(Problem::starting)?, app.ledger_time()),
        Some(at) => {
            // The whole day that this moment belongs to, as far as it has passed.
            let whole = (app.audit.day_at(&settings, at).to - 1).min(app.ledger_time());
            show(&look_back(&app, whole).await?.0.count, whole)
        }
    };
    let days = {
        let days = app.audit.days();
        let calendar = Calendar::new(&settings, &days);
        let closed = |balance: &Balance| {
            let day = calendar.on(balance.date.parse().ok()?);
            Some(Closed { day: dated(day), tally: balance.tally, holds: balance.holds })
        };
        days.values().rev().take(DAYS_SHOWN).filter_map(closed).collect()
    };
    let json = serde_json::to_vec(&Line { as_of, now, day, minutes, days }).expect("texts and numbers");
    Ok(answer::json(StatusCode::OK, json))
}

/// What was done today.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Today"))]
pub(crate) struct Sheet {
    as_of: Millis,
    now: Millis,
    /// Its local date; `null` where there is no day yet.
    date: Option<String>,
    #[serde(flatten)]
    tally: Tally,
    equation: Sums,
    holds: bool,
}

/// `GET /ledger/day`: for staff, who close the shop.
async fn day(State(app): State<Arc<App>>, Staff(_): Staff) -> Result<Response, Problem> {
    let (as_of, now) = (app.audit.as_of(), app.ledger_clock.now());
    let sheet = {
        let count = app.audit.look().ok_or_else(Problem::starting)?;
        Sheet {
            as_of,
            now,
            date: count.business.map(|day| day.date.to_string()),
            tally: count.day.tally(),
            equation: count.equation.into(),
            holds: count.holds(),
        }
    };
    Ok(answer::json(StatusCode::OK, serde_json::to_vec(&sheet).expect("texts and numbers")))
}
