//! `POST /order`: the hot path, and how an order gets into the log.

use std::{convert::Infallible, sync::Arc, time::Instant};

use ::order::{At, CloudEvent, Limits, Order, OrderId, Status, TraceContext, rfc3339, topic};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use eventlog::{Certainty, Headers, Position, PublishError, Record, partition_for};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};

use hyper::body::{Body as _, Incoming};
use shop::ByAmount;
use tokio::sync::watch;
use uuid::Uuid;

use super::{answer, body, only_post, parameter};
use crate::{
    access::{Credential, origin},
    app::{App, not_taken},
    clock,
    idempotency::{self, Turn},
    printing,
    problem::{Code, Problem},
    steps::Sending,
};

/// An order that stands in the log.
pub(super) struct Placed {
    pub(super) json: Bytes,
    pub(super) id: OrderId,
    pub(super) at: At,
}

/// Takes an order of the core: `POST /order?amount=N`.
pub(crate) async fn place(
    app: &Arc<App>,
    request: Request<Incoming>,
    trace: Option<TraceContext>,
) -> Response {
    if request.method() != Method::POST {
        return only_post();
    }
    match try_place(app, request, trace).await {
        Ok(placed) => placed.response(StatusCode::ACCEPTED),
        Err(problem) => problem.into_response(),
    }
}

async fn try_place(
    app: &App,
    request: Request<Incoming>,
    trace: Option<TraceContext>,
) -> Result<Placed, Problem> {
    // A browser sends this for any page that asks it to, as it needs no body: it would be orders of nobody.
    origin::check(request.headers())?;
    let amount = amount(request.uri())?;
    let (parts, stray) = request.into_parts();
    if app.offer.shop().is_some_and(|shop| shop.settings().by_amount == ByAmount::Staff) {
        Credential::of_staff(&parts.method, &parts.headers)?.member(app)?;
    }
    if !stray.is_end_stream() {
        // Nobody needs it; read, so that the connection can be used again.
        body::all(stray, &app.settings).await?;
    }
    submit(app, &parts.headers, trace, Core { app, amount }).await
}

/// The amount in the query.
fn amount(uri: &Uri) -> Result<u16, Problem> {
    let max = Limits::AMOUNT;
    let bad = |what: &str| {
        Problem::new(
            Code::BadAmount,
            format!("amount {what}; it must be a whole number from 1 to {max}, once."),
        )
        .with("field", "amount")
        .with("range", format!("1..{max}"))
    };
    let text = parameter(uri, "amount").map_err(|()| bad("stands there twice"))?;
    match text {
        None => Err(bad("is missing")),
        Some("") => Err(bad("is empty")),
        Some(text) if !text.bytes().all(|b| b.is_ascii_digit()) => Err(bad("is no whole number")),
        Some(text) => match text.parse() {
            Ok(amount) if (1..=max).contains(&amount) => Ok(amount),
            _ => Err(bad("is out of range")),
        },
    }
}

/// An order on its way into the log.
pub(super) trait Ask {
    /// As its sender asks for it: a repeat is known by this, and gets the first order, whatever the rest would say now.
    fn asked(&self, id: OrderId) -> Order;

    /// What is to be written of it, or why it can't be had.
    fn make(&self, asked: Order) -> Result<Order, Problem>;

    /// Refuses one more. Only where there is something to write: a repeat adds nothing.
    fn admit(&self) -> Result<(), Problem>;

    /// Adds what it is promised. Only of what was admitted: from then on it has its place in the line.
    fn promise(&self, order: &mut Order);
}

/// An order of the core: the shop says who may send one, and nothing else of it.
struct Core<'a> {
    app: &'a App,
    amount: u16,
}

impl Ask for Core<'_> {
    fn asked(&self, id: OrderId) -> Order {
        Order::new(id, self.amount)
    }

    fn make(&self, asked: Order) -> Result<Order, Problem> {
        Ok(asked)
    }

    fn admit(&self) -> Result<(), Problem> {
        self.app.check_room()
    }

    fn promise(&self, _: &mut Order) {}
}

/// Gets an order into the log: once for each `Idempotency-Key`, and durable before this returns. `trace`: what the
/// request is part of.
pub(super) async fn submit(
    app: &App,
    headers: &HeaderMap,
    trace: Option<TraceContext>,
    ask: impl Ask,
) -> Result<Placed, Problem> {
    if let Some(key) = idempotency::key(headers)? {
        return submit_once(app, trace, key, ask).await;
    }
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| not_taken(&no_randomness()))?;
    let asked = ask.asked(order_id(uuid::Builder::from_random_bytes(bytes).into_uuid()));
    let mut order = ask.make(asked)?;
    ask.admit()?;
    ask.promise(&mut order);
    let outcome = write(app, trace, &order, Clone::clone).await;
    placed(outcome, order.order_id)
}

/// The same with a key.
async fn submit_once(
    app: &App,
    trace: Option<TraceContext>,
    key: &str,
    ask: impl Ask,
) -> Result<Placed, Problem> {
    let (arrived, began) = (clock::now(), tokio::time::Instant::now());
    let secret = app.secret.get().ok_or_else(Problem::starting)?;
    let uuid = idempotency::order_id(secret, key);
    let asked = ask.asked(order_id(uuid));
    let (id, request) = (asked.order_id.clone(), idempotency::request(&asked));
    if let Some(placed) = known(app, &id, &request, secret)? {
        return Ok(placed);
    }
    // Made before the turn is taken: others wait for that.
    let made = ask.make(asked);
    let admitted = || {
        let order = made?;
        ask.admit()?;
        Ok(order)
    };
    let refusal = match app.in_flight.enter(uuid, request, began.into_std(), admitted) {
        Ok(Turn::Reused) => return Err(idempotency::reused().with("order_id", id.as_str())),
        Ok(Turn::Write(writing, mut order)) => {
            ask.promise(&mut order);
            let written = |json: &Bytes| idempotency::written(&order, json, &request, secret);
            let outcome = writing.done(write(app, trace, &order, written).await);
            return placed(outcome, id);
        }
        Ok(Turn::Wait(told)) => return placed(heard(told).await, id),
        Err(refusal) if refusal.code() == Code::Starting => return Err(refusal),
        Err(refusal) => refusal,
    };
    // A refusal says that nothing was ordered, and whoever hears it may order something else. So it must be certain
    // that the first request with this key, if this is a repeat, did not come to stand in the log.
    if tokio::time::timeout_at(began + app.settings.deadline, app.views.has_read_to(arrived)).await.is_err() {
        return Err(Problem::behind());
    }
    if let Some(placed) = known(app, &id, &request, secret)? {
        return Ok(placed);
    }
    match app.in_flight.enter::<Infallible>(uuid, request, Instant::now(), || Err(refusal)) {
        Ok(Turn::Reused) => Err(idempotency::reused().with("order_id", id.as_str())),
        Ok(Turn::Write(_, nothing)) => match nothing {},
        Ok(Turn::Wait(told)) => placed(heard(told).await, id),
        Err(_) if app.in_flight.is_in_doubt(uuid, Instant::now()) => Err(failed(&nobody_knows(), &id)),
        Err(refusal) => Err(refusal),
    }
}

/// What became of the record that someone else writes.
async fn heard(mut told: watch::Receiver<Option<idempotency::Outcome>>) -> idempotency::Outcome {
    match told.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(nobody_knows())),
        // The one who wrote it went away.
        Err(_) => Err(nobody_knows()),
    }
}

fn placed(outcome: idempotency::Outcome, id: OrderId) -> Result<Placed, Problem> {
    match outcome {
        Ok((json, at)) => Ok(Placed { json, at: place_of(at), id }),
        Err(error) => Err(failed(&error, &id)),
    }
}

/// The order that this key stood for before, if the view knows it.
fn known(
    app: &App,
    id: &OrderId,
    request: &idempotency::Request,
    secret: &[u8; 32],
) -> Result<Option<Placed>, Problem> {
    let look = app.views.look().ok_or_else(Problem::starting)?;
    let Some(state) = look.get(id.as_str()) else { return Ok(None) };
    if !idempotency::is_of(&state.order, request, secret) {
        return Err(idempotency::reused().with("order_id", id.as_str()));
    }
    let mut as_received = Order { status: Status::Received, ..state.order.clone() };
    idempotency::forget_request(&mut as_received);
    Ok(Some(Placed { json: as_received.to_json().into(), id: id.clone(), at: state.at }))
}

/// Writes it, and gives it as it is answered; `written` is what the record has of that.
async fn write(
    app: &App,
    trace: Option<TraceContext>,
    order: &Order,
    written: impl FnOnce(&Bytes) -> Bytes,
) -> idempotency::Outcome {
    let json = Bytes::from(order.to_json());
    let id = order.order_id.as_str();
    let time = rfc3339(clock::now());
    let event = CloudEvent { id, kind: CloudEvent::RECEIVED, source: &app.settings.source, time: &time };
    let sending = Sending::begin(&app.tracer, trace);
    let trace = sending.context.map(TraceContext::text);
    let trace = trace.as_ref().map(|text| (TraceContext::HEADER, text.as_bytes()));
    let record = Record {
        key: Some(Bytes::copy_from_slice(id.as_bytes())),
        value: Some(written(&json)),
        headers: Headers::new(event.headers().into_iter().chain(trace)),
    };
    if record.size() > Limits::RECORD_BYTES {
        let reason = eventlog::Reason::TooLarge { size: record.size(), limit: Limits::RECORD_BYTES };
        return Err(PublishError::not_written(reason));
    }
    let partition = partition_for(id.as_bytes(), app.publisher.partitions(topic::RECEIVED));
    // Both at once: whoever reads that it is to be printed finds the order, and nobody waits longer for it.
    let (at, ()) = tokio::join!(app.publish(topic::RECEIVED, partition, record), printing::owe(app, order));
    sending.done(&app.tracer, topic::RECEIVED, partition, &order.order_id, &at);
    let at = at?;
    app.metrics.accepted.inc();
    app.views.accepted(order);
    tracing::debug!(order_id = id, partition, offset = at.offset, "order accepted");
    Ok((json, at))
}

impl Placed {
    pub(super) fn response(self, status: StatusCode) -> Response {
        let mut response = answer::json(status, self.json);
        let At { partition, offset } = self.at;
        // Ids of ours are UUIDs, so this is always a header's value.
        if let Ok(location) = HeaderValue::try_from(format!("/orders/{}?at={partition}.{offset}", self.id)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

fn order_id(uuid: Uuid) -> OrderId {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    OrderId::new(&*uuid.hyphenated().encode_lower(&mut buffer)).expect("a UUID is an id")
}

fn place_of(position: Position) -> At {
    At { partition: position.partition, offset: position.offset }
}

fn failed(error: &PublishError, id: &OrderId) -> Problem {
    let problem = not_taken(error);
    match error.certainty {
        Certainty::Unknown => problem.with("order_id", id.as_str()),
        Certainty::NotWritten => problem,
    }
}

fn nobody_knows() -> PublishError {
    PublishError::unknown(eventlog::Reason::Deadline)
}

fn no_randomness() -> PublishError {
    PublishError::not_written(eventlog::Reason::Storage("the system gives no random numbers".to_owned()))
}
