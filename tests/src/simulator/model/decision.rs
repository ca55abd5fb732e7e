//! One decision held against the contract: who may ask, what must follow, and when.

use std::collections::VecDeque;

use order::{Action, At, Command, Event, Kind as What, Mode, Refusal, Stage};

use super::{
    Kind, Setting,
    known::Known,
    line::Line,
    table::{self, Expected},
};

/// Which promise a decision breaks, and how.
type Verdict = Result<(), (Kind, String)>;

impl Line {
    /// Counts what a good simulator sees.
    pub(super) fn see(&mut self, event: &Event) {
        let what = match event {
            Event { repeat: true, .. } => "a command was answered twice",
            Event { refused: Some(Refusal::UnknownOrder), .. } => "a command for an unknown order",
            Event { refused: Some(Refusal::QueueFull), .. } => "a command for an order behind a full queue",
            Event { refused: Some(Refusal::Changed), .. } => "a command by someone who saw less",
            Event { refused: Some(_), .. } => "a command that may not be",
            Event { command_id: Some(_), .. } => "a command that was done",
            Event { kind: What::Expired, .. } => "nobody paid",
            _ => return,
        };
        *self.sights.entry(what).or_default() += 1;
    }

    /// An order is taken: it must be the next one that was placed.
    pub(super) fn taken(&mut self, event: &Event, offset: u64, setting: &Setting) -> Verdict {
        let wrong = |why: &str| Err((Kind::Decision, why.to_owned()));
        let Some(taken) = &event.taken else { return wrong("taken without saying from where") };
        let orders = &self.orders;
        let next = self.received.take(
            |(order, _), at| order.order_id == event.order_id && at == taken.at.offset,
            |(order, _)| orders.contains_key(&order.order_id),
        );
        let (order, foreign) = match next {
            Ok((_, order)) => order,
            Err(Some(at)) => return Err((Kind::Lost, format!("the order at {at} was passed over"))),
            Err(None) => return wrong("taken twice, or never placed"),
        };
        let promised = order.details().and_then(|details| details.promise);
        let mut known = Known {
            order,
            at: taken.at,
            foreign,
            mode: taken.mode,
            stage: Stage::Received,
            round: 1,
            version: 0,
            code: 0,
            due: None,
            paid: false,
            promised,
            forgotten: false,
            history_from: offset,
            trail: Vec::new(),
            answers: VecDeque::new(),
        };
        let expected = table::taken(&known, event.at, setting);
        let fits = fits(&known, event, &expected);
        let code = self.new_code(&known, event);
        let bounds = self.within_bounds(&known, event, setting);
        known.follow(event);
        self.outcome.followed(&known, event);
        self.by_offset.insert(taken.at.offset, event.order_id.clone());
        self.orders.insert(event.order_id.clone(), known);
        if event.from.is_some() || taken.at.partition != self.partition {
            return wrong("taken, but not from where it was placed");
        }
        fits.and(code).and(bounds)
    }

    pub(super) fn by_itself(&mut self, event: &Event, setting: &Setting) -> Verdict {
        let waiting = self.orders.values().filter(|known| known.stage == Stage::Ready).count();
        let Some(known) = self.orders.get(&event.order_id) else {
            return Err((Kind::Decision, "nobody placed it".to_owned()));
        };
        let crowded = waiting > setting.rules.uncollected_max;
        let expected = table::by_itself(known, event.kind, event.at, crowded, setting);
        let due = known.due;
        let fits = match expected {
            Ok((expected, timer)) => {
                self.fired.extend(due.filter(|_| timer).map(|due| (due, event.at)));
                fits(known, event, &expected)
            }
            Err(why) => Err((Kind::Timer, format!("{why}, due {due:?}"))),
        };
        let fits = fits.and(self.within_bounds(known, event, setting));
        self.follow(event, fits)
    }

    /// A command is answered: it must be the next one that was sent.
    pub(super) fn answered(&mut self, event: &Event, setting: &Setting) -> Verdict {
        let wrong = |why: String| Err((Kind::Answer, why));
        let next = self.commands.take(
            |command, _| {
                Some(&command.command_id) == event.command_id.as_ref() && command.order_id == event.order_id
            },
            |_| false,
        );
        let (offset, command) = match next {
            Ok(found) => found,
            Err(Some(at)) => return Err((Kind::Lost, format!("the command at {at} was passed over"))),
            Err(None) => return wrong("answered twice, or never asked".to_owned()),
        };
        let line = match command.action {
            Action::Tick { line } | Action::Untick { line } => Some(line),
            _ => None,
        };
        let promise = match command.action {
            Action::Accept { promise } if event.refused.is_none() && !event.repeat => promise,
            _ => None,
        };
        let asked = (What::of(&command.action), line);
        if (event.kind, event.line) != asked
            || event.by.as_ref() != Some(&command.by)
            || event.promise != promise
        {
            return wrong(format!("not what was asked at {offset}: {command:?}"));
        }
        let known = self.orders.get(&event.order_id).filter(|known| !known.forgotten);
        if matches!(event.refused, Some(Refusal::UnknownOrder | Refusal::QueueFull)) {
            return self.refused_unknown(event, &command, setting);
        }
        let Some(known) = known else { return wrong("answered for an order that nobody knows".to_owned()) };
        let fits = if let Some(first) = known.first_answer(&command.command_id) {
            let expected = if asked == (first.kind, first.line) {
                (first.version, first.stage, first.round, first.refused)
            } else {
                (known.version, known.stage, known.round, Some(Refusal::IdReused))
            };
            let same = (event.version, event.to, event.round, event.refused) == expected;
            if same && event.repeat { Ok(()) } else { wrong(format!("not the first answer, {first:?}")) }
        } else if event.repeat {
            wrong("called a repeat, and is none".to_owned())
        } else {
            match (table::command(known, &command, event.at, setting), event.refused) {
                (Ok(expected), None) => {
                    fits(known, event, &expected).and(self.within_bounds(known, event, setting))
                }
                (Err(expected), Some(refused)) if expected == refused => {
                    let unmoved = (event.to, event.version) == (known.stage, known.version);
                    if unmoved { Ok(()) } else { wrong("refused, and yet moved".to_owned()) }
                }
                (expected, _) => wrong(format!("{command:?} must be {expected:?}")),
            }
        };
        self.follow(event, fits)
    }

    /// Nobody knows the order: then it must not have been taken, or be forgotten; and if it was placed before
    /// the command was sent, the command had to wait for it.
    fn refused_unknown(&mut self, event: &Event, command: &Command, setting: &Setting) -> Verdict {
        let placed = self.received.find(|(order, _), offset| {
            order.order_id == command.order_id
                && command.order_at == Some(At { partition: self.partition, offset })
        });
        let ahead = command.order_at.is_some_and(|at| at.partition == self.partition);
        match (event.refused, self.orders.get(&event.order_id)) {
            // Too many are open: then it is not looked whether the order really stands there.
            (Some(Refusal::QueueFull), None) if setting.bounded && ahead => Ok(()),
            (Some(Refusal::UnknownOrder), Some(known)) => {
                if !known.forgotten {
                    self.denied.insert(event.order_id.clone());
                }
                Ok(())
            }
            (Some(Refusal::UnknownOrder), None) if !placed => Ok(()),
            _ => Err((Kind::Answer, format!("{command:?} had to wait for its order"))),
        }
    }

    /// No order is taken while too many are open, and none begins by itself without a free hand.
    fn within_bounds(&self, known: &Known, event: &Event, setting: &Setting) -> Verdict {
        let Some(bounds) = setting.bounds else { return Ok(()) };
        let making = |other: &&Known| other.mode == Mode::Auto && other.stage == Stage::Making;
        let open = self.orders.values().filter(|other| other.stage.is_open()).count();
        if event.kind == What::Received && open >= bounds.open {
            return Err((Kind::Decision, format!("taken although {open} are open")));
        }
        let by_itself = event.command_id.is_none() || event.kind == What::Accept;
        let begins = event.to == Stage::Making && known.stage == Stage::Received && known.mode == Mode::Auto;
        let busy = self.orders.values().filter(making).count();
        match bounds.hands {
            Some(hands) if by_itself && begins && busy >= hands => {
                Err((Kind::Decision, format!("begun although {busy} are being made")))
            }
            _ => Ok(()),
        }
    }

    fn follow(&mut self, event: &Event, fits: Verdict) -> Result<(), (Kind, String)> {
        let Some(known) = self.orders.get(&event.order_id).cloned() else { return fits };
        let code =
            if event.refused.is_some() || event.repeat { Ok(()) } else { self.new_code(&known, event) };
        let known = self.orders.get_mut(&event.order_id).expect("it was there");
        known.follow(event);
        self.outcome.followed(known, event);
        fits.and(code)
    }

    /// Pickup numbers: one live order each, and a new one only when the old one is gone.
    fn new_code(&mut self, known: &Known, event: &Event) -> Verdict {
        let wrong = |why: String| Err((Kind::Code, why));
        let id = &event.order_id;
        let number = event.code.unwrap_or(known.code);
        let holder = self.codes.get(&known.code).filter(|holder| *holder != id).cloned();
        if known.stage.is_live() && !event.to.is_live() {
            self.codes.remove(&known.code);
        }
        if !event.to.is_live() {
            return Ok(());
        }
        if event.code.is_some() && known.version > 0 && holder.is_none() {
            return wrong(format!("gets {number} although its own {} is free", known.code));
        }
        match self.codes.insert(number, id.clone()) {
            Some(other) if other != *id => wrong(format!("has {number}, which {other} has")),
            _ if number == 0 => wrong("has no number".to_owned()),
            _ if event.code.is_some() && number > 99 && self.codes.range(..=99).count() < 99 => {
                wrong(format!("has {number}, and shorter ones are free"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether the event is the next one of this order, and what the contract says.
fn fits(known: &Known, event: &Event, expected: &Expected) -> Verdict {
    let due = event.due_at.map(std::num::NonZeroI64::get);
    let waits = expected.or_waits && event.to == known.stage && due.is_none();
    if event.version != known.version + 1 {
        return Err((Kind::Decision, format!("its version was {}", known.version)));
    }
    if known.version > 0 && event.from != Some(known.stage) {
        return Err((Kind::Decision, format!("it was {:?}", known.stage)));
    }
    if !waits && (event.to, event.round) != (expected.to, expected.round) {
        return Err((Kind::Decision, format!("it must be {expected:?}")));
    }
    if !waits && due != expected.due {
        return Err((Kind::Timer, format!("it is due at {due:?}, and must be at {:?}", expected.due)));
    }
    Ok(())
}
