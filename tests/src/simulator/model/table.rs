//! What the contract says must follow: its table of commands, and the times at which orders move by themselves.

use eventlog::Millis;
use order::{Action, Command, Kind, Mode, Refusal, Role, Rules, Stage};

use super::{Setting, known::Known};

/// What must follow from a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) to: Stage,
    pub(crate) round: u32,
    pub(crate) due: Option<Millis>,
    /// It may also stay as it is, because no hand is free.
    pub(crate) or_waits: bool,
}

/// What must follow from `command` at `at`.
pub(crate) fn command(
    known: &Known,
    command: &Command,
    at: Millis,
    setting: &Setting,
) -> Result<Expected, Refusal> {
    may(known, command)?;
    if command.seen.is_some_and(|seen| seen.state != known.stage || seen.round != known.round) {
        return Err(Refusal::Changed);
    }
    let rules = &setting.rules;
    let stays = Expected { to: known.stage, round: known.round, due: known.due, or_waits: false };
    let to = |to: Stage| Expected { to, due: None, ..stays };
    let live = matches!(known.stage, Stage::Received | Stage::Making | Stage::Ready);
    let finished_well = matches!(known.stage, Stage::Collected | Stage::Uncollected);
    match (&command.action, known.stage) {
        (Action::Start | Action::Ready, Stage::Received) if known.awaits_payment() => Err(Refusal::Unpaid),
        (Action::Start, Stage::Received) => Ok(begun(known, at, rules, stays)),
        (Action::Ready, Stage::Received | Stage::Making) => Ok(ready(known, at, rules, stays)),
        (Action::Recall { .. }, stage) if stage == Stage::Ready || finished_well => {
            let due = (known.mode == Mode::Auto).then(|| at + known.make_ms(rules));
            Ok(Expected { to: Stage::Making, round: known.round + 1, due, or_waits: false })
        }
        (Action::Collect, Stage::Ready) => Ok(to(Stage::Collected)),
        (Action::Uncollect, _) if finished_well => Ok(ready(known, at, rules, stays)),
        (Action::Cancel { .. }, stage) if live => {
            let may = command.by.role == Role::Staff || stage == Stage::Received;
            if may { Ok(to(Stage::Cancelled)) } else { Err(Refusal::WrongState) }
        }
        (Action::Accept { .. }, Stage::Received) if known.awaits_payment() => Ok(match known.mode {
            Mode::Auto => begun_or_waits(known, at, setting, stays),
            Mode::Manual => Expected { due: None, ..stays },
        }),
        (Action::Accept { .. }, Stage::Received) => Err(Refusal::NotUnpaid),
        (Action::Tick { line } | Action::Untick { line }, _) if live => {
            if usize::from(*line) < known.order.lines() { Ok(stays) } else { Err(Refusal::NoSuchLine) }
        }
        (
            Action::Acknowledge
            | Action::Missing
            | Action::Tested
            | Action::Rang
            | Action::Presence { .. }
            | Action::Note { .. },
            _,
        ) if live => Ok(stays),
        _ => Err(Refusal::WrongState),
    }
}

/// Who may ask it at all.
fn may(known: &Known, command: &Command) -> Result<(), Refusal> {
    let holders = matches!(
        command.action,
        Action::Acknowledge | Action::Missing | Action::Tested | Action::Rang | Action::Presence { .. }
    );
    let both = matches!(command.action, Action::Collect | Action::Cancel { .. });
    let allowed = match command.by.role {
        Role::Holder => !known.foreign && (holders || both),
        Role::Staff => !holders,
    };
    if allowed { Ok(()) } else { Err(Refusal::NotAllowed) }
}

/// Making begins; what takes no time is ready at once.
pub(crate) fn begun(known: &Known, at: Millis, rules: &Rules, stays: Expected) -> Expected {
    match (known.mode, known.make_ms(rules)) {
        (Mode::Manual, _) => Expected { to: Stage::Making, due: None, ..stays },
        (Mode::Auto, 0) => ready(known, at, rules, stays),
        (Mode::Auto, make_ms) => Expected { to: Stage::Making, due: Some(at + make_ms), ..stays },
    }
}

fn ready(known: &Known, at: Millis, rules: &Rules, stays: Expected) -> Expected {
    let waits_ms = match known.mode {
        Mode::Auto => rules.uncollected_auto_ms,
        Mode::Manual => rules.uncollected_manual_ms,
    };
    Expected { to: Stage::Ready, due: Some(at + waits_ms), ..stays }
}

/// What must follow when an order is taken. `known` is as it was before: received, in its mode.
pub(crate) fn taken(known: &Known, at: Millis, setting: &Setting) -> Expected {
    let stays = Expected { to: Stage::Received, round: 1, due: None, or_waits: false };
    match known.mode {
        _ if known.order.unpaid() => Expected { due: Some(at + setting.rules.unpaid_ms), ..stays },
        Mode::Manual => stays,
        Mode::Auto => begun_or_waits(known, at, setting, stays),
    }
}

/// Making begins by itself, or waits for a hand; what takes no time needs none.
fn begun_or_waits(known: &Known, at: Millis, setting: &Setting, stays: Expected) -> Expected {
    let takes_time = known.make_ms(&setting.rules) > 0;
    let or_waits = takes_time && setting.hands.is_some();
    Expected { or_waits, ..begun(known, at, &setting.rules, stays) }
}

/// What must follow by itself, if this may happen at all at `at`; `crowded`: more wait to be collected than
/// may. The answer says also whether a due time was the reason.
pub(crate) fn by_itself(
    known: &Known,
    kind: Kind,
    at: Millis,
    crowded: bool,
    setting: &Setting,
) -> Result<(Expected, bool), &'static str> {
    let rules = &setting.rules;
    let due = known.due.is_some_and(|due| due <= at);
    let stays = Expected { to: known.stage, round: known.round, due: known.due, or_waits: false };
    let to = |to: Stage| Expected { to, due: None, ..stays };
    match (kind, known.stage) {
        (Kind::Start, Stage::Received) => {
            let waits = known.mode == Mode::Auto && !known.awaits_payment() && setting.hands.is_some();
            if waits {
                Ok((begun(known, at, rules, stays), false))
            } else {
                Err("it does not begin by itself")
            }
        }
        (Kind::Ready, Stage::Making) if due => Ok((ready(known, at, rules, stays), true)),
        (Kind::Uncollected, Stage::Ready) if due => Ok((to(Stage::Uncollected), true)),
        (Kind::Uncollected, Stage::Ready) if crowded => Ok((to(Stage::Uncollected), false)),
        (Kind::Expired, Stage::Received) if due && known.awaits_payment() => Ok((to(Stage::Cancelled), true)),
        (Kind::Ready | Kind::Uncollected | Kind::Expired, _) => Err("its time has not come"),
        _ => Err("nobody asked for it"),
    }
}
