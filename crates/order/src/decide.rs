//! The rules, over one order: what becomes of it, and why not.

use serde::{Deserialize, Serialize};

use crate::{
    Action, Answer, At, By, Command, Event, Item, Kind, Marks, Millis, Mode, Order, OrderState, Role, SCHEMA,
    Stage, Stamp, TraceContext, book::Rules, event::Taken, stamp,
};

/// Why a command changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CommandRefusal"))]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The sender may not ask this.
    NotAllowed,
    /// The order is no longer as the sender saw it.
    Changed,
    /// An order in this state can't do this.
    WrongState,
    /// It waits for payment.
    Unpaid,
    /// It does not wait for payment.
    NotUnpaid,
    /// It has no such line.
    NoSuchLine,
    /// Nobody knows this order, or it is forgotten.
    UnknownOrder,
    /// Its order is not taken yet because too many are open.
    QueueFull,
    /// Another command on this order had the same id before.
    IdReused,
}

/// Where and when an order was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Where its record stands.
    pub at: At,
    /// When its record was written, by the log's time.
    pub received_at: Millis,
    /// It came from a counter of someone else.
    pub foreign: bool,
    /// No event of it stands below this offset of `order.event`.
    pub history_from: u64,
    /// The W3C trace context that it came with.
    pub traceparent: Option<TraceContext>,
}

impl OrderState {
    /// An order that nobody has decided on: version 0.
    pub fn undecided(order: Order, placed: Placed, mode: Mode) -> Self {
        Self {
            schema: SCHEMA,
            order,
            stage: Stage::Received,
            round: 1,
            version: 0,
            code: 0,
            mode,
            at: placed.at,
            history_from: placed.history_from,
            received_at: placed.received_at,
            changed_at: placed.received_at,
            making_at: None,
            ready_at: None,
            finished_at: None,
            due_at: None,
            foreign: placed.foreign,
            paid: false,
            marks: placed.traceparent.map(|t| Box::new(Marks { traceparent: Some(t), ..Marks::default() })),
            answers: Vec::new(),
        }
    }
}

/// What a decision rests on besides the order.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time of the decision.
    pub now: Millis,
    /// The line's times.
    pub rules: &'a Rules,
    /// Whether an order that begins by itself may begin now.
    pub hands_free: bool,
    /// Whether the order's own number is free, or its own already.
    pub keeps_code: bool,
    /// The number it would get if it needs one.
    pub next_code: u32,
}

/// What happens to an order.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// It is taken from `order.received`.
    Taken,
    /// Someone asks something of it.
    Command(&'a Command),
    /// Its due time has come.
    Due,
    /// A hand is free to begin it.
    HandsFree,
    /// Too many wait to be collected, and this one's time would run out first.
    GiveUp,
}

/// What `input` does to the order: an event, or the reason why nothing.
///
/// `None` where nothing was asked and there is nothing to do: a timer that came too early.
pub fn decide(state: &OrderState, input: Input<'_>, context: &Context<'_>) -> Option<Event> {
    match input {
        Input::Taken => Some(taken(state, context)),
        Input::Command(command) => Some(answer(state, command, context)),
        Input::Due => due(state, context),
        Input::HandsFree => state.awaits_hands().then(|| begin(state, Kind::Start, context)),
        Input::GiveUp => (state.stage == Stage::Ready).then(|| uncollected(state, context)),
    }
}

/// The order after `event`. An event that is not the next one of this order changes nothing.
pub fn apply(state: &mut OrderState, event: &Event) {
    if event.repeat || event.order_id != *state.id() {
        return;
    }
    if let Some(command_id) = &event.command_id {
        state.remember(Answer {
            command_id: command_id.clone(),
            command: Some(event.kind),
            line: event.line,
            version: event.version,
            state: event.to,
            round: event.round,
            refused: event.refused,
        });
    }
    if event.refused.is_some() || event.version != state.version + 1 {
        return;
    }
    if event.round != state.round {
        state.round = event.round;
        state.new_round(event.takes_back());
    }
    state.version = event.version;
    state.changed_at = event.at;
    state.code = event.code.unwrap_or(state.code);
    state.due_at = event.due_at;
    if let Some(taken) = &event.taken {
        state.mode = taken.mode;
    }
    state.enter(event.to, event.at);
    mark(state, event);
}

fn mark(state: &mut OrderState, event: &Event) {
    let at = stamp(event.at);
    match event.kind {
        Kind::Accept => {
            state.paid = true;
            if event.promise.is_some() {
                state.marks_mut().promise = event.promise;
            }
        }
        Kind::Recall | Kind::Cancel if event.reason.is_some() && !event.takes_back() => {
            state.marks_mut().reason.clone_from(&event.reason);
        }
        Kind::Acknowledge => state.marks_mut().acknowledged_at = at,
        Kind::Missing => state.marks_mut().missing_at = at,
        Kind::Tested => state.marks_mut().tested_at = at,
        Kind::Rang => state.marks_mut().rang_at = at,
        Kind::Presence => {
            let marks = state.marks_mut();
            marks.presence = event.presence;
            marks.presence_at = at;
        }
        Kind::Tick | Kind::Untick => {
            let ticked = &mut state.marks_mut().ticked;
            let line = event.line.unwrap_or_default();
            match (event.kind, ticked.binary_search(&line)) {
                (Kind::Tick, Err(place)) => ticked.insert(place, line),
                (Kind::Untick, Ok(place)) => drop(ticked.remove(place)),
                _ => {}
            }
        }
        Kind::Note => state.marks_mut().staff_note = event.text.clone().filter(|t| !t.is_empty()),
        _ => {}
    }
}

/// The next event of this order, with nothing changed yet.
fn event(state: &OrderState, kind: Kind, context: &Context<'_>) -> Event {
    Event {
        schema: SCHEMA,
        order_id: state.id().clone(),
        version: state.version + 1,
        round: state.round,
        kind,
        from: Some(state.stage),
        to: state.stage,
        at: context.now,
        due_at: state.due_at,
        code: None,
        taken: None,
        by: None,
        command_id: None,
        refused: None,
        repeat: false,
        reason: None,
        line: None,
        presence: None,
        promise: None,
        text: None,
    }
}

fn after(now: Millis, millis: Millis) -> Stamp {
    stamp(now.saturating_add(millis))
}

fn taken(state: &OrderState, context: &Context<'_>) -> Event {
    let begins = state.mode == Mode::Auto && !state.order.unpaid() && may_begin(state, context);
    let mut event = if begins {
        begin(state, Kind::Received, context)
    } else {
        let due_at = state.order.unpaid().then(|| after(context.now, context.rules.unpaid_ms)).flatten();
        Event { due_at, ..event(state, Kind::Received, context) }
    };
    event.from = None;
    event.code = Some(context.next_code);
    event.taken = Some(Box::new(Taken {
        at: state.at,
        mode: state.mode,
        amount: state.order.amount,
        channel: state.order.details().and_then(|d| d.channel),
        items: state.order.details().map_or_else(Vec::new, |d| d.items.iter().map(Item::known).collect()),
    }));
    event
}

/// Whether a hand is free to begin it; what takes no time needs none.
fn may_begin(state: &OrderState, context: &Context<'_>) -> bool {
    context.hands_free || context.rules.make_ms(&state.order) == 0
}

/// Making begins; what takes no time is ready at once, unless the customer must see it being made again.
fn begin(state: &OrderState, kind: Kind, context: &Context<'_>) -> Event {
    let make_ms = context.rules.make_ms(&state.order);
    let event = event(state, kind, context);
    match state.mode {
        Mode::Manual => Event { to: Stage::Making, due_at: None, ..event },
        Mode::Auto if make_ms == 0 && kind != Kind::Recall => ready(state, event, context),
        Mode::Auto => Event { to: Stage::Making, due_at: after(context.now, make_ms), ..event },
    }
}

fn ready(state: &OrderState, event: Event, context: &Context<'_>) -> Event {
    let due_at = after(context.now, context.rules.uncollected_ms(state.mode));
    Event { to: Stage::Ready, due_at, ..event }
}

fn uncollected(state: &OrderState, context: &Context<'_>) -> Event {
    Event { to: Stage::Uncollected, due_at: None, ..event(state, Kind::Uncollected, context) }
}

fn due(state: &OrderState, context: &Context<'_>) -> Option<Event> {
    if state.due()? > context.now {
        return None;
    }
    match state.stage {
        Stage::Making => Some(ready(state, event(state, Kind::Ready, context), context)),
        Stage::Ready => Some(uncollected(state, context)),
        Stage::Received => {
            let event = event(state, Kind::Expired, context);
            Some(Event { to: Stage::Cancelled, due_at: None, ..event })
        }
        Stage::Collected | Stage::Uncollected | Stage::Cancelled => None,
    }
}

/// What a command does to the order, or why nothing: every command is answered.
pub(crate) fn answer(state: &OrderState, command: &Command, context: &Context<'_>) -> Event {
    let kind = Kind::of(&command.action);
    let refuse =
        |refusal| Event { version: state.version, refused: Some(refusal), ..event(state, kind, context) };
    let mut event = match state.answer(&command.command_id) {
        // The first answer once more; nothing is applied.
        Some(first) if first.is_of(&command.action) => Event {
            version: first.version,
            round: first.round,
            from: Some(first.state),
            to: first.state,
            refused: first.refused,
            repeat: true,
            ..event(state, kind, context)
        },
        // Not remembered: the id's first answer stays.
        Some(_) => Event { repeat: true, ..refuse(Refusal::IdReused) },
        None => allowed(state, command).and_then(|()| done(state, command, context)).unwrap_or_else(refuse),
    };
    event.line = command.action.line();
    event.command_id = Some(command.command_id.clone());
    event.by = Some(command.by.clone());
    event
}

/// Whether this sender may ask this of this order, as the sender saw it.
fn allowed(state: &OrderState, command: &Command) -> Result<(), Refusal> {
    use Action as A;
    let By { role, .. } = &command.by;
    let may = match (&command.action, role) {
        (_, Role::Holder) if state.foreign => false,
        (A::Collect | A::Cancel { .. }, _)
        | (A::Acknowledge | A::Missing | A::Tested | A::Rang | A::Presence { .. }, Role::Holder) => true,
        (A::Acknowledge | A::Missing | A::Tested | A::Rang | A::Presence { .. }, Role::Staff) => false,
        (_, role) => *role == Role::Staff,
    };
    if !may {
        return Err(Refusal::NotAllowed);
    }
    match command.seen {
        Some(seen) if (seen.state, seen.round) != (state.stage, state.round) => Err(Refusal::Changed),
        _ => Ok(()),
    }
}

/// The table of commands in the contract.
fn done(state: &OrderState, command: &Command, context: &Context<'_>) -> Result<Event, Refusal> {
    use Action as A;
    let stage = state.stage;
    let kind = Kind::of(&command.action);
    let new = |to: Stage| Event { to, due_at: None, ..event(state, kind, context) };
    let code = (!context.keeps_code).then_some(context.next_code);
    let if_live = |event: Event| if stage.is_live() { Ok(event) } else { Err(Refusal::WrongState) };
    match &command.action {
        A::Start | A::Ready if state.awaits_payment() => Err(Refusal::Unpaid),
        A::Start if stage == Stage::Received => Ok(begin(state, kind, context)),
        A::Ready if stage.is_open() => Ok(ready(state, event(state, kind, context), context)),
        A::Recall { reason } if matches!(stage, Stage::Ready | Stage::Collected | Stage::Uncollected) => {
            let round = state.round + 1;
            Ok(Event { round, code, reason: reason.clone(), ..begin(state, kind, context) })
        }
        A::Collect if stage == Stage::Ready => Ok(new(Stage::Collected)),
        A::Uncollect if matches!(stage, Stage::Collected | Stage::Uncollected) => {
            Ok(Event { code, ..ready(state, event(state, kind, context), context) })
        }
        A::Cancel { reason } if may_cancel(stage, command.by.role) => {
            Ok(Event { reason: reason.clone(), ..new(Stage::Cancelled) })
        }
        A::Accept { promise } if state.awaits_payment() => {
            Ok(Event { promise: *promise, ..accept(state, context) })
        }
        A::Accept { .. } if stage == Stage::Received => Err(Refusal::NotUnpaid),
        A::Acknowledge | A::Missing | A::Tested | A::Rang => if_live(event(state, kind, context)),
        A::Presence { presence } => {
            if_live(Event { presence: Some(*presence), ..event(state, kind, context) })
        }
        A::Tick { line } | A::Untick { line } => {
            let ticked = if_live(event(state, kind, context))?;
            if usize::from(*line) < state.order.lines() { Ok(ticked) } else { Err(Refusal::NoSuchLine) }
        }
        A::Note { text } => if_live(Event { text: Some(text.clone()), ..event(state, kind, context) }),
        _ => Err(Refusal::WrongState),
    }
}

fn may_cancel(stage: Stage, role: Role) -> bool {
    match role {
        Role::Holder => stage == Stage::Received,
        Role::Staff => stage.is_live(),
    }
}

/// Paid: it begins by itself if a hand is free or none is needed, else it waits like any other.
fn accept(state: &OrderState, context: &Context<'_>) -> Event {
    match state.mode {
        Mode::Auto if may_begin(state, context) => begin(state, Kind::Accept, context),
        _ => Event { due_at: None, ..event(state, Kind::Accept, context) },
    }
}
