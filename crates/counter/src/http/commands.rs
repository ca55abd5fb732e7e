//! `POST /orders/{id}/commands`: asks, waits for the outcome, and shows the order after it.

use std::sync::Arc;

use ::order::{
    Action, Answer, At, BadField, By, CloudEvent, Command, CommandId, OrderState, Refusal, Role, Seen, Stage,
    TraceContext, rfc3339, topic,
};
use axum::{body::Body, extract::State, response::Response};
use eventlog::{Headers, Record};
use http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Id, answer,
    body::{self, bad_json},
    orders::{at, not_found, unknown_order},
};
use crate::{
    access::Anyone,
    app::{App, not_taken, queue_full},
    clock, idempotency,
    problem::{Code, Problem},
    steps::Sending,
    view::Look,
};

/// The fields of all bodies; of which command each is, [`Action`] says.
const FIELDS: [&str; 8] = ["command", "state", "round", "device", "reason", "line", "text", "presence"];

/// Which fields there are, and that what was seen is said whole.
#[cfg(feature = "schema")]
fn whole(schema: &mut schemars::Schema) {
    schema.insert("propertyNames".to_owned(), serde_json::json!({"enum": FIELDS}));
    let both_or_neither = serde_json::json!({
        "if": {"properties": {"state": {"type": "null"}}},
        "then": {"properties": {"round": {"type": "null"}}},
        "else": {"required": ["round"], "properties": {"round": {"type": "integer"}}},
    });
    schema.insert("allOf".to_owned(), serde_json::json!([both_or_neither]));
}

/// What a body may hold.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Command", transform = whole))]
pub(crate) struct Ask {
    #[serde(flatten)]
    action: Action,
    /// The state that its sender saw: together with the round, or not at all.
    state: Option<Stage>,
    /// The round that its sender saw.
    #[cfg_attr(feature = "schema", schemars(range(max = u32::MAX)))]
    round: Option<u32>,
    /// On which device; that of a session is known.
    #[cfg_attr(feature = "schema", schemars(length(max = ::order::Limits::DEVICE_CHARS), pattern(::order::schema::TEXT)))]
    device: Option<String>,
}

/// `POST /orders/{id}/commands`
pub(super) async fn command(
    State(app): State<Arc<App>>,
    Anyone(caller): Anyone,
    Id(order_id): Id,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let role = caller.role();
    let said_at = at(request.uri())?;
    let command_id = command_id(request.headers())?;
    let trace = request.extensions().get().copied();
    let json = body::json(request, &app.settings).await?;
    let mut ask = parse(&json)?;
    let order_at = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        match look.get(order_id.as_str()) {
            Some(state) => {
                if let Some(first) = state.answer(&command_id) {
                    return outcome(&look, state, first, &ask.action, role);
                }
                if look.is_foreign(state) {
                    return Err(no_barista(
                        &look,
                        state,
                        role,
                        "Baristas of another program make this order.",
                    ));
                }
                // Whoever may not accept it is refused by the barista, and is no reason to look at the whole line.
                if let (Action::Accept { promise }, Role::Staff) = (&mut ask.action, role) {
                    *promise = look.first_promise(&state.order);
                }
                state.at
            }
            // Placed a moment ago: the command waits for it in the log.
            None => said_at.filter(|at| !look.has_read(*at)).ok_or_else(|| not_found(&look))?,
        }
    };
    if order_at.partition >= app.publisher.partitions(topic::COMMAND) {
        return Err(Problem::field("at", "There is no such partition."));
    }
    let by = By { role, device: caller.device(ask.device) }.cleaned();
    by.check().map_err(bad_text)?;
    let command = Command {
        command_id,
        order_id,
        action: ask.action,
        seen: ask.state.zip(ask.round).map(|(state, round)| Seen { state, round }),
        by,
        order_at: Some(order_at),
    };
    ask_for(&app, command, order_at, trace).await
}

/// Writes the command and waits for what becomes of it.
async fn ask_for(
    app: &App,
    command: Command,
    at: At,
    trace: Option<TraceContext>,
) -> Result<Response, Problem> {
    let role = command.by.role;
    let by_when = tokio::time::Instant::now() + app.settings.deadline;
    let signs = app.views.look_anyway().signs(at.partition);
    let mut asked = app.views.ask(command.order_id.clone(), command.command_id.clone());
    let time = rfc3339(clock::now());
    let event = CloudEvent {
        id: command.command_id.as_str(),
        kind: "brewline.order.command",
        source: &app.settings.source,
        time: &time,
    };
    let sending = Sending::begin(&app.tracer, trace);
    let trace = sending.context.map(TraceContext::text);
    let trace = trace.as_ref().map(|text| (TraceContext::HEADER, text.as_bytes()));
    let record = Record::new(command.order_id.as_str().to_owned(), command.to_json())
        .with_headers(Headers::new(event.headers().into_iter().chain(trace)));
    let name = command.action.name();
    let written = app.publish(topic::COMMAND, at.partition, record).await;
    sending.done(&app.tracer, topic::COMMAND, at.partition, &command.order_id, &written);
    let written =
        written.map_err(|error| not_taken(&error).with("command_id", command.command_id.as_str()))?;
    app.views.asked(At { partition: written.partition, offset: written.offset }, clock::now());
    tracing::debug!(order_id = %command.order_id, command = name, "command written");
    let said = tokio::time::timeout_at(by_when, asked.outcome()).await.ok().flatten();
    let look = app.views.look().ok_or_else(Problem::starting)?;
    let state = look.get(command.order_id.as_str());
    match (said, state) {
        (Some(event), Some(state)) => {
            let first = Answer {
                command_id: command.command_id,
                command: Some(event.kind),
                line: event.line,
                version: event.version,
                state: event.to,
                round: event.round,
                refused: event.refused,
            };
            outcome(&look, state, &first, &command.action, role)
        }
        (Some(event), None) if event.refused == Some(Refusal::QueueFull) => Err(queue_full(app.settings.max_open)),
        (Some(_), None) => Err(unknown_order(look.as_of)),
        // The event was missed, as when the view began anew; the state has the answer too.
        (None, Some(state)) if let Some(first) = state.answer(&command.command_id) => {
            outcome(&look, state, first, &command.action, role)
        }
        // No answer. If the baristas of this partition gave no sign meanwhile, nobody decides.
        (None, Some(state)) if look.signs(at.partition) == signs => Err(no_barista(
            &look,
            state,
            role,
            "The command stands in the log, and is decided when a barista is back; repeat it with this command_id \
             as Idempotency-Key to hear the outcome.",
        )
        .with("command_id", command.command_id.as_str())),
        (None, state) => Ok(waiting(&look, &command, state)),
    }
}

/// The outcome of a command, as it was decided first; if that was this command.
fn outcome(
    look: &Look<'_>,
    state: &OrderState,
    first: &Answer,
    asked: &Action,
    role: Role,
) -> Result<Response, Problem> {
    if !first.is_of(asked) {
        return Err(with_order(idempotency::reused_for_command(), look, state, role));
    }
    let Some(refusal) = first.refused else {
        return Ok(answer::json(StatusCode::OK, look.snapshot(state, role)));
    };
    let is = format!("it is {}, in round {}", state.stage.name(), state.round);
    let problem = match refusal {
        Refusal::NotAllowed => {
            Problem::new(Code::NotAllowed, "Whoever sent this may not ask it of this order.")
        }
        Refusal::Changed => {
            Problem::new(Code::Changed, format!("The order is no longer as you saw it: {is}."))
        }
        Refusal::WrongState => Problem::new(Code::WrongState, format!("The order can't do this: {is}.")),
        Refusal::Unpaid => Problem::new(Code::Unpaid, "The order waits for payment; accept it first."),
        Refusal::NotUnpaid => Problem::new(Code::NotUnpaid, "The order does not wait for payment."),
        Refusal::NoSuchLine => Problem::new(
            Code::NoSuchLine,
            format!("The order has {} lines, counted from 0.", state.order.lines()),
        )
        .with("field", "line"),
        Refusal::IdReused => idempotency::reused_for_command(),
        Refusal::UnknownOrder => return Err(unknown_order(look.as_of)),
        Refusal::QueueFull => {
            Problem::new(Code::QueueFull, "Too many orders are open; this one is not taken yet.")
                .retry_after(5)
        }
    };
    Err(with_order(problem, look, state, role))
}

fn no_barista(look: &Look<'_>, state: &OrderState, role: Role, detail: &str) -> Problem {
    with_order(Problem::new(Code::NoBarista, detail), look, state, role)
}

/// With the order as it is now, so that the sender need not ask for it.
fn with_order(problem: Problem, look: &Look<'_>, state: &OrderState, role: Role) -> Problem {
    let snapshot = look.snapshot(state, role);
    let problem = problem.with("state", state.stage.name()).with("round", state.round);
    match serde_json::from_slice::<serde_json::Value>(&snapshot) {
        Ok(order) => problem.with("order", order),
        Err(_) => problem,
    }
}

/// Nobody answered in time, but somebody decides: the command stands in the log.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NoAnswerYet"))]
pub(crate) struct Waiting<'a> {
    /// `no_answer_yet`.
    code: &'static str,
    /// Say it as `Idempotency-Key` to hear the outcome.
    command_id: &'a str,
    order_id: &'a str,
    detail: &'static str,
    /// The order as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::view::snapshot::Snapshot>"))]
    order: Option<Box<RawValue>>,
}

/// Nobody answered in time, but somebody decides.
fn waiting(look: &Look<'_>, command: &Command, state: Option<&OrderState>) -> Response {
    let order = state.map(|state| look.snapshot(state, command.by.role));
    let order =
        order.and_then(|json| String::from_utf8(json).ok()).and_then(|json| RawValue::from_string(json).ok());
    let waiting = Waiting {
        code: "no_answer_yet",
        command_id: command.command_id.as_str(),
        order_id: command.order_id.as_str(),
        detail: "The command stands in the log; repeat it with this command_id as Idempotency-Key to hear the outcome.",
        order,
    };
    answer::json(StatusCode::ACCEPTED, serde_json::to_vec(&waiting).expect("texts"))
}

fn parse(json: &[u8]) -> Result<Ask, Problem> {
    let mut ask: Ask = serde_json::from_slice(json).map_err(bad_json)?;
    // A misspelt `state` would be a command that no longer minds what its sender saw.
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(json).map_err(bad_json)?;
    if let Some(other) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        let known = FIELDS.join(", ");
        return Err(Problem::field(other, format!("A command has no such field; it may have {known}.")));
    }
    ask.action = ask.action.cleaned();
    ask.action.check().map_err(bad_text)?;
    if ask.state.is_some() != ask.round.is_some() {
        return Err(Problem::field("round", "Say both state and round as you saw them, or neither."));
    }
    Ok(ask)
}

fn bad_text(bad: BadField) -> Problem {
    Problem::text(bad.field, bad.why)
}

fn command_id(headers: &HeaderMap) -> Result<CommandId, Problem> {
    let text = match idempotency::key(headers)? {
        Some(key) => key.to_owned(),
        None => {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes).map_err(|_| {
                Problem::new(Code::NotWritten, "The system gives no random numbers; try again.")
            })?;
            uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
        }
    };
    CommandId::new(text).map_err(|error| Problem::new(Code::BadKey, error.to_string()))
}
