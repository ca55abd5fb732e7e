//! `POST /orders`, `GET /orders/{id}`, `GET /orders?live` and `GET /orders?recent`.

use std::sync::Arc;

use ::order::{At, Millis, OrderState, Role};
use axum::{
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Client, Id, answer, body, draft::Draft, order::submit, parameter, past, price::Sale};
use crate::{
    access::{Anyone, Staff},
    app::App,
    printing,
    problem::{Code, Problem},
    rates::Who,
    view::Look,
};

/// Orders in one answer, and about how many bytes of them. Whoever needs more reads the log.
const LIVE_MAX: usize = 1_000;
const LIVE_BYTES: usize = 4 * 1024 * 1024;
/// Orders that are ready or finished in one answer: those that someone at the bar may still ask about.
const RECENT_MAX: usize = 100;

/// What a page calls the device it is on, by its own choice.
const DEVICE: &str = "brewline-device";

/// `POST /orders`
pub(super) async fn place(
    State(app): State<Arc<App>>,
    Extension(Client(address)): Extension<Client>,
    Anyone(caller): Anyone,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let trace = request.extensions().get().copied();
    let json = body::json(request, &app.settings).await?;
    let draft = Draft::parse(&json)?;
    let who = Who { address, device: headers.get(DEVICE).map(HeaderValue::as_bytes) };
    let placed = submit(&app, &headers, trace, Sale::new(&app, caller.role(), who, draft)).await?;
    Ok(placed.response(StatusCode::CREATED))
}

/// `GET /orders/{id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Id(id): Id,
    uri: Uri,
) -> Result<Response, Problem> {
    let at = at(&uri)?;
    let look = app.views.look().ok_or_else(Problem::starting)?;
    match look.get(id.as_str()) {
        Some(state) => Ok(answer::json(StatusCode::OK, look.snapshot(state, caller.role()))),
        None if at.is_some_and(|at| !look.has_read(at)) => {
            let waiting =
                CatchingUp { code: "catching_up", order_id: id.as_str(), as_of: look.as_of, now: look.now };
            let json = serde_json::to_vec(&waiting).expect("texts and a number");
            Ok(answer::json(StatusCode::ACCEPTED, json))
        }
        None => Err(not_found(&look)),
    }
}

/// `GET /orders?live`, `GET /orders?recent`, `GET /orders?at=MS`
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Staff(_): Staff,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if parameter(&uri, "at") != Ok(None) {
        return past::screen(&app, &uri, &headers, |look| live_json(look, None))
            .await
            .unwrap_or_else(IntoResponse::into_response);
    }
    let printer = *app.printing.shown().borrow();
    let list = match (parameter(&uri, "live"), parameter(&uri, "recent")) {
        (Ok(Some("")), Ok(None)) => |look: &Look<'_>, printer| live_json(look, printer),
        (Ok(None), Ok(Some(""))) => |look: &Look<'_>, _| recent_json(look),
        _ => {
            let detail = "Say which orders: GET /orders?live or GET /orders?recent.";
            return Problem::field("live", detail).into_response();
        }
    };
    match app.views.look() {
        Some(look) => answer::json(StatusCode::OK, list(&look, printer)),
        None => Problem::starting().into_response(),
    }
}

/// The order is in the log, and this counter has not read that far.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct CatchingUp<'a> {
    /// `catching_up`.
    code: &'static str,
    order_id: &'a str,
    as_of: Millis,
    now: Millis,
}

/// All live orders: the oldest open ones, then the newest that wait to be collected.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LiveOrders"))]
pub(crate) struct Live {
    as_of: Millis,
    now: Millis,
    /// Live orders in all.
    total: usize,
    /// There are more than are listed.
    more: bool,
    /// Nobody decides on orders.
    no_barista: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    printer: Option<printing::Shown>,
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::view::snapshot::Snapshot>", length(max = LIVE_MAX)))]
    orders: Vec<Box<RawValue>>,
}

/// The live orders for staff: the oldest open ones, then the newest that wait to be collected.
pub(super) fn live_json(look: &Look<'_>, printer: Option<printing::Shown>) -> Vec<u8> {
    let mut open: Vec<&OrderState> = look.open(LIVE_MAX).chain(look.unpaid(LIVE_MAX)).collect();
    open.sort_unstable_by_key(|state| (state.received_at, state.at));
    open.truncate(LIVE_MAX);
    let ready = look.ready().take(LIVE_MAX - open.len());
    let orders = snapshots(look, open.iter().copied().chain(ready));
    let counts = look.counts();
    let total = counts.open() + counts.of(::order::Stage::Ready);
    let live = Live {
        as_of: look.as_of,
        now: look.now,
        total,
        more: total > orders.len(),
        no_barista: look.nobody_decides_somewhere(look.now),
        printer,
        orders,
    };
    serde_json::to_vec(&live).expect("texts and numbers")
}

/// What is ready or finished, the last that became so first.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RecentOrders"))]
pub(crate) struct Recent {
    as_of: Millis,
    now: Millis,
    #[cfg_attr(feature = "schema", schemars(with = "Vec<crate::view::snapshot::Snapshot>", length(max = RECENT_MAX)))]
    orders: Vec<Box<RawValue>>,
}

/// What is ready or finished for staff, the last that became so first.
fn recent_json(look: &Look<'_>) -> Vec<u8> {
    let orders = snapshots(look, look.done().take(RECENT_MAX));
    serde_json::to_vec(&Recent { as_of: look.as_of, now: look.now, orders }).expect("texts and numbers")
}

/// As many of these orders as one answer may hold, as staff see them.
fn snapshots<'a>(look: &Look<'_>, orders: impl Iterator<Item = &'a OrderState>) -> Vec<Box<RawValue>> {
    let mut bytes = 0;
    let snapshots = orders.map(|state| staff_snapshot(look, state)).take_while(|json| {
        bytes += json.get().len();
        bytes <= LIVE_BYTES
    });
    snapshots.collect()
}

/// An order as staff see it.
pub(super) fn staff_snapshot(look: &Look<'_>, state: &OrderState) -> Box<RawValue> {
    let json = look.snapshot(state, Role::Staff);
    String::from_utf8(json).ok().and_then(|json| RawValue::from_string(json).ok()).unwrap_or_default()
}

/// The position in `?at=PARTITION.OFFSET`.
pub(super) fn at(uri: &Uri) -> Result<Option<At>, Problem> {
    let bad = || Problem::field("at", "at must be PARTITION.OFFSET, as in the Location of the order.");
    let Some(text) = parameter(uri, "at").map_err(|()| bad())? else { return Ok(None) };
    let (partition, offset) = text.split_once('.').ok_or_else(bad)?;
    match (partition.parse(), offset.parse()) {
        (Ok(partition), Ok(offset)) => Ok(Some(At { partition, offset })),
        _ => Err(bad()),
    }
}

/// An order that this view does not have. Only one that is live can say that nobody knows it.
pub(super) fn not_found(look: &Look<'_>) -> Problem {
    if look.is_old() { Problem::cut_off().with("as_of", look.as_of) } else { unknown_order(look.as_of) }
}

pub(super) fn unknown_order(as_of: Millis) -> Problem {
    Problem::new(
        Code::UnknownOrder,
        "Nobody knows an order with this id; finished ones are forgotten after a day.",
    )
    .with("as_of", as_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, view::Views};

    #[test]
    fn only_a_live_view_can_say_that_nobody_knows_an_order() {
        let views = Views::new("boot".to_owned());
        views.at_end(clock::now());
        assert_eq!(not_found(&views.look().unwrap()).code(), Code::UnknownOrder);
        views.at_end(clock::now() - 60_000);
        assert_eq!(not_found(&views.look().unwrap()).code(), Code::Starting);
    }
}
