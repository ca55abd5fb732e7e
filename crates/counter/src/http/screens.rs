//! Streams for screens: the board and the shop for everyone, all orders for staff.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::order::{Millis, OrderState, Stage, Stamp};
use axum::{Extension, extract::State, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Client, answer,
    orders::{live_json, staff_snapshot},
    parameter, past,
    shop::shop_json,
    sse,
};
use crate::{
    access::Credential,
    app::App,
    clock,
    printing::Shown,
    problem::Problem,
    seats::Seat,
    view::{BOOT_ID_LEN, Look, PickupCode},
};

/// Public screens are made anew at most this often, once for all of them.
const PUBLIC_EVERY: Duration = Duration::from_millis(100);
/// Changes that come within this are told to staff together.
const GATHER: Duration = Duration::from_millis(10);
/// Changes that are told to staff in one look at the view, and about how many bytes of them: the fold waits
/// meanwhile, and they wait in memory for the client to take them.
const LOOK: usize = 256;
const LOOK_BYTES: usize = 256 * 1024;
/// Screens that everybody believes, like the board and the bar, say at least this often how fresh they are: what they
/// show is called old after 5 s.
const SCREEN_HEARTBEAT: Duration = Duration::from_secs(2);
/// Codes on a board, of each kind. No screen has room for more.
const CODES: usize = 100;
/// How long a board calls a code that nobody collects. The phone keeps it.
const CALLED_MS: Millis = 10 * 60 * 1_000;
/// Open orders that are looked through for those that are being made.
const LOOKED_THROUGH: usize = 2_000;

/// Makes what the public screens show.
pub(crate) struct Screens(pub(crate) Arc<App>);

impl Screens {
    /// Makes it anew whenever something changed and somebody looks, until the counter stops.
    pub(crate) async fn run(self) {
        let app = self.0;
        let mut changes = app.views.changes();
        loop {
            make(&app, Duration::ZERO);
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                // Whether somebody decides changes by itself; and who came meanwhile wants to see something.
                () = sleep(Duration::from_secs(1)) => {}
                () = app.closing.cancelled() => return,
            }
            sleep(PUBLIC_EVERY).await;
        }
    }
}

/// When something was made last.
#[derive(Debug, Default)]
pub(crate) struct Freshness(Mutex<Option<Instant>>);

impl Freshness {
    /// Makes it, unless it was made less than `enough` ago. `make` says whether it could.
    fn renew(&self, now: Instant, enough: Duration, make: impl FnOnce() -> bool) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever comes meanwhile waits here, and finds it fresh.
        if made.is_none_or(|made| now.saturating_duration_since(made) >= enough) && make() {
            *made = Some(now);
        }
    }
}

/// Makes the public screens anew, unless they are younger than this or nobody looks.
fn make(app: &App, enough: Duration) {
    if app.board.receiver_count() > 0 || app.shop.receiver_count() > 0 {
        app.public.renew(Instant::now(), enough, || make_anew(app));
    }
}

fn make_anew(app: &App) -> bool {
    let Some(look) = app.views.look() else { return false };
    let (board, shop) = (board_json(&look), shop_json(app, &look));
    drop(look);
    for (screen, json) in [(&app.board, board), (&app.shop, shop)] {
        screen.send_if_modified(|old| {
            let differs = *old != json;
            if differs {
                *old = json;
            }
            differs
        });
    }
    true
}

/// A pickup code on the board.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct BoardEntry {
    #[serde(flatten)]
    code: PickupCode,
    round: u32,
    /// When it got there.
    since: Millis,
}

/// The pickup codes: waiting and being made in the order of their taking, ready with the newest first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Board {
    #[cfg_attr(feature = "schema", schemars(length(max = CODES)))]
    waiting: Vec<BoardEntry>,
    #[cfg_attr(feature = "schema", schemars(length(max = CODES)))]
    making: Vec<BoardEntry>,
    #[cfg_attr(feature = "schema", schemars(length(max = CODES)))]
    ready: Vec<BoardEntry>,
    /// Paid and not begun, also those that have no code yet.
    waiting_count: usize,
    making_count: usize,
    ready_count: usize,
    /// Nobody decides on orders.
    no_barista: bool,
}

/// The pickup codes: waiting and being made in the order of their taking, ready with the newest first.
fn board_json(look: &Look<'_>) -> Bytes {
    let entry = |state: &OrderState, since: Millis| {
        look.code(state).map(|code| BoardEntry { code, round: state.round, since })
    };
    let since = |state: &OrderState, at: Stamp| at.map_or(state.changed_at, std::num::NonZeroI64::get);
    let mut open: Vec<_> = look.open(LOOKED_THROUGH).collect();
    open.sort_unstable_by_key(|state| (state.received_at, state.at));
    let in_stage = |stage| open.iter().copied().filter(move |state: &&OrderState| state.stage == stage);
    let waiting = in_stage(Stage::Received).filter_map(|state| entry(state, state.received_at));
    let making = in_stage(Stage::Making).filter_map(|state| entry(state, since(state, state.making_at)));
    let called = look.now.saturating_sub(CALLED_MS);
    let ready = look.ready().take(CODES * 2).map(|state| (state, since(state, state.ready_at)));
    let counts = look.counts();
    let board = Board {
        waiting: waiting.take(CODES).collect(),
        making: making.take(CODES).collect(),
        ready: ready
            .take_while(|(_, since)| *since > called)
            .filter_map(|(state, since)| entry(state, since))
            .take(CODES)
            .collect(),
        waiting_count: counts.ahead().saturating_sub(counts.of(Stage::Making)),
        making_count: counts.of(Stage::Making),
        ready_count: counts.of(Stage::Ready),
        no_barista: look.nobody_decides_somewhere(look.now),
    };
    serde_json::to_vec(&board).expect("texts and numbers").into()
}

/// `GET /board/codes`, `GET /board/codes?at=MS`
pub(super) async fn codes(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if parameter(&uri, "at") != Ok(None) {
        return past::screen(&app, &uri, &headers, |look| board_json(look).to_vec()).await;
    }
    let json = board_json(&app.views.look().ok_or_else(Problem::starting)?);
    Ok(answer::json(StatusCode::OK, with_times(&app, &json)))
}

/// `GET /board/events`
pub(super) async fn board(
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
) -> Result<Response, Problem> {
    let seat = app.seats.take(client)?;
    let screen = app.board.subscribe();
    let every = app.settings.heartbeat.min(SCREEN_HEARTBEAT);
    Ok(public("board", with_times, app, screen, seat, every))
}

/// `GET /shop/events`
pub(super) async fn shop(
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
) -> Result<Response, Problem> {
    let seat = app.seats.take(client)?;
    let screen = app.shop.subscribe();
    let every = app.settings.heartbeat;
    Ok(public("shop", with_age, app, screen, seat, every))
}

fn public(
    name: &'static str,
    aged: fn(&App, &[u8]) -> Vec<u8>,
    app: Arc<App>,
    mut screen: watch::Receiver<Bytes>,
    seat: Seat,
    every: Duration,
) -> Response {
    screen.mark_changed();
    // When ten thousand come back at once, they see what was made for the first of them.
    make(&app, PUBLIC_EVERY);
    let heartbeat = Instant::now() + every;
    let start = (app, screen, seat, heartbeat, false);
    sse::stream(stream::unfold(start, move |(app, mut screen, seat, mut heartbeat, greeted)| async move {
        if !greeted {
            return Some((sse::retry(), (app, screen, seat, heartbeat, true)));
        }
        let event = loop {
            if app.closing.is_cancelled() {
                return None;
            }
            tokio::select! {
                changed = screen.changed() => {
                    changed.ok()?;
                    let json = screen.borrow_and_update().clone();
                    if !json.is_empty() {
                        break sse::event(name, None, &aged(&app, &json));
                    }
                }
                () = sleep_until(heartbeat) => {
                    heartbeat = Instant::now() + every;
                    break sse::event("heartbeat", None, &with_age(&app, b"{}"));
                }
                () = app.closing.cancelled() => return None,
            }
        };
        Some((event, (app, screen, seat, heartbeat, true)))
    }))
}

/// How fresh something is.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Age {
    /// When the view last confirmed that it had read to the end of the log.
    pub(super) as_of: Millis,
    /// The time of sending, by which `as_of` is to be judged.
    pub(super) now: Millis,
    /// The view has caught up.
    pub(super) ready: bool,
}

/// What staff are told of all orders while nothing else happens.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OrdersHeartbeat"))]
pub(crate) struct Beat {
    /// Nobody decides on orders.
    no_barista: bool,
}

/// When something was so: how fresh the board is, which calls some of its codes `ready`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Times {
    /// When the view last confirmed that it had read to the end of the log.
    as_of: Millis,
    /// The time of sending, by which `as_of` is to be judged.
    now: Millis,
}

/// An object, with how fresh it is before its other fields.
pub(super) fn with_age(app: &App, json: &[u8]) -> Vec<u8> {
    let ready = app.views.is_caught_up();
    joined(&Age { as_of: app.views.as_of(), now: clock::now(), ready }, json)
}

/// The same of the board.
fn with_times(app: &App, json: &[u8]) -> Vec<u8> {
    joined(&Times { as_of: app.views.as_of(), now: clock::now() }, json)
}

/// Two objects as one.
fn joined(first: &impl Serialize, json: &[u8]) -> Vec<u8> {
    let mut out = serde_json::to_vec(first).expect("numbers and a boolean");
    let rest = json.strip_prefix(b"{").unwrap_or(json);
    out.pop();
    if rest != b"}" {
        out.push(b',');
    }
    out.extend_from_slice(rest);
    out
}

/// `GET /events`
pub(super) async fn staff(
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let who = Credential::of_staff(&Method::GET, &headers)?;
    who.caller_once_known(&app)?;
    let seat = app.seats.take(client)?;
    let next = sse::last_event_id(&headers).and_then(|id| resume(&app, id));
    let mut printer = app.printing.shown();
    // Whoever goes on gets no snapshot, and may have missed how it became.
    printer.mark_changed();
    let tablet = Tablet {
        who,
        changes: app.views.changes(),
        printer,
        next,
        waiting: std::collections::VecDeque::from([sse::retry()]),
        heartbeat: Instant::now() + app.settings.heartbeat.min(SCREEN_HEARTBEAT),
        app,
        _seat: seat,
    };
    Ok(sse::stream(stream::unfold(tablet, |mut tablet| async {
        let event = tablet.next().await?;
        Some((event, tablet))
    })))
}

/// The number to go on from, if the id is of this process.
fn resume(app: &App, id: &str) -> Option<u64> {
    let (boot, next) = id.split_at_checked(BOOT_ID_LEN)?;
    let next = next.strip_prefix('.')?.parse().ok()?;
    (boot == app.views.boot()).then_some(next)
}

/// One open stream of all orders.
struct Tablet {
    app: Arc<App>,
    who: Credential,
    changes: watch::Receiver<u64>,
    /// How the shop's printer is.
    printer: watch::Receiver<Option<Shown>>,
    /// The number of the next change to tell; `None`: begin with everything that is live.
    next: Option<u64>,
    /// Events of one look at the view.
    waiting: std::collections::VecDeque<Bytes>,
    heartbeat: Instant,
    _seat: Seat,
}

impl Tablet {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.app.closing.is_cancelled() {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            self.changes.mark_unchanged();
            // Whoever is signed out meanwhile, or has no token any more, is told so when they come back.
            let caller = self.who.caller_once_known(&self.app).ok()?;
            if caller.is_some_and(|_| self.look()) || !self.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                changed = self.changes.changed() => {
                    changed.ok()?;
                    sleep(GATHER).await;
                }
                changed = self.printer.changed() => {
                    changed.ok()?;
                    let shown = *self.printer.borrow_and_update();
                    // One that is gone from the settings is gone from the next snapshot.
                    if let Some(shown) = shown {
                        let json = serde_json::to_vec(&shown).expect("texts and numbers");
                        return Some(sse::event("printer", None, &json));
                    }
                }
                () = sleep_until(self.heartbeat) => {
                    self.heartbeat = Instant::now() + self.app.settings.heartbeat.min(SCREEN_HEARTBEAT);
                    return Some(self.beat());
                }
                () = self.app.closing.cancelled() => return None,
            }
        }
    }

    /// How fresh it all is, and whether somebody decides: that changes without any change of an order.
    fn beat(&self) -> Bytes {
        let no_barista = self.app.views.look().is_some_and(|look| look.nobody_decides_somewhere(look.now));
        let beat = serde_json::to_vec(&Beat { no_barista }).expect("a boolean");
        sse::event("heartbeat", None, &with_age(&self.app, &beat))
    }

    /// Gathers what there is to tell; true if there is more of it than one look takes.
    fn look(&mut self) -> bool {
        let Some(look) = self.app.views.look() else { return false };
        let boot = self.app.views.boot();
        match self.next.map(|next| look.changed_since(next, LOOK)) {
            Some(Ok((orders, end))) => {
                let (mut next, mut bytes) = (end, 0);
                for (after, state) in orders {
                    let json = staff_snapshot(&look, state);
                    // Whoever goes on from here misses nothing: an order that changed before and after is told after.
                    let id = format!("{boot}.{after}");
                    self.waiting.push_back(sse::event("order", Some(&id), json.get().as_bytes()));
                    bytes += json.get().len();
                    if bytes > LOOK_BYTES {
                        next = after;
                        break;
                    }
                }
                self.next = Some(next);
                next < look.next_change()
            }
            Some(Err(_)) | None => {
                let next = look.next_change();
                self.waiting.push_back(sse::event(
                    "snapshot",
                    Some(&format!("{boot}.{next}")),
                    &live_json(&look, *self.printer.borrow_and_update()),
                ));
                self.next = Some(next);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fresh_is_not_made_again_and_what_could_not_be_made_is_tried_again() {
        let (freshness, now) = (Freshness::default(), Instant::now());
        let renewed = |after: u64, can: bool| {
            let mut tried = false;
            freshness.renew(now + Duration::from_millis(after), PUBLIC_EVERY, || {
                tried = true;
                can
            });
            tried
        };
        assert!(renewed(0, false));
        assert!(renewed(0, true));
        assert!(!renewed(99, true));
        assert!(renewed(100, true));
        assert!(!renewed(199, true));
    }
}
