//! Shows each order's way as it happens, one line for each decision.

use std::{fmt::Write as _, io::Write, time::Duration};

use barista::StopSignal;
use counter::view::Views;
use eventlog::{Entry, FollowError, Log, OpenError, Start};
use jiff::{Timestamp, tz::TimeZone};
use order::{Code, Event, Kind, Stage, topic};

/// More decisions than this in one batch are told as a number: nobody reads them, and the terminal is slower
/// than the line.
const LINES_MAX: usize = 40;

/// How long a poll waits: a bound on how late a stop is noticed.
const WAIT: Duration = Duration::from_millis(250);

/// Tells every decision from now on to `out`, until told to stop. A closed `out` ends it in silence.
pub(crate) fn narrate(
    log: &dyn Log,
    views: Views,
    out: &mut dyn Write,
    stop: &StopSignal,
) -> Result<(), OpenError> {
    let narrator = Narrator { zone: TimeZone::system(), views };
    while !stop.is_stopped() {
        let mut follow = log.follow(&[(topic::EVENT, Start::End)])?;
        match narrator.follow(follow.as_mut(), out, stop) {
            Ok(()) => return Ok(()),
            Err(error) => {
                tracing::info!(%error, "the narration begins anew");
                stop.wait(WAIT);
            }
        }
    }
    Ok(())
}

struct Narrator {
    zone: TimeZone,
    /// Knows the pickup codes of orders that were taken before.
    views: Views,
}

impl Narrator {
    fn follow(
        &self,
        follow: &mut dyn eventlog::Follow,
        out: &mut dyn Write,
        stop: &StopSignal,
    ) -> Result<(), FollowError> {
        while !stop.is_stopped() {
            let batch = follow.poll(WAIT)?;
            let mut text = String::new();
            let (shown, rest) = batch.entries.split_at(batch.entries.len().min(LINES_MAX));
            for entry in shown {
                self.tell(entry, &mut text);
            }
            if !rest.is_empty() {
                let _ = writeln!(text, "          … and {} more decisions", rest.len());
            }
            if !text.is_empty() && out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn tell(&self, entry: &Entry, text: &mut String) {
        let Some(event) = entry.record.value.as_deref().and_then(|v| Event::parse(v).ok()) else { return };
        if event.repeat {
            return;
        }
        let clock = |millis| {
            let at = Timestamp::from_millisecond(millis).unwrap_or_default();
            at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
        };
        let code = event.code.or_else(|| self.views.code(&event.order_id));
        let code = code.map_or_else(|| "—".to_owned(), |n| format!("{} {n}", Code::of(n).words.en));
        let mut what = way(&event);
        if event.to == Stage::Making
            && let Some(due) = event.due_at
        {
            let _ = write!(what, ", ready at {}", clock(due.get()));
        }
        // Others choose their ids: a control character in one must not reach the terminal.
        let id = event.order_id.as_str().escape_debug();
        let _ = writeln!(text, "{}  {code:<12}  {what:<44}  {id}", clock(event.at));
    }
}

/// What happened, in words.
fn way(event: &Event) -> String {
    if let Some(refused) = event.refused {
        let reason = serde_json::to_value(refused).ok().and_then(|v| v.as_str().map(str::to_owned));
        return format!("{} refused: {}", name(event.kind), reason.unwrap_or_default());
    }
    let cups = event.taken.as_ref().map(|taken| match taken.amount {
        1 => "1 cup, ".to_owned(),
        n => format!("{n} cups, "),
    });
    let cups = cups.unwrap_or_default();
    let again = if event.round > 1 { format!(" (round {})", event.round) } else { String::new() };
    match (event.from, event.to) {
        (Some(from), to) if from == to => name(event.kind),
        (_, Stage::Ready) if event.announces() => format!("{cups}ready: the bell rings{again}"),
        (_, to) => format!("{cups}{}{again}", to.name()),
    }
}

fn name(kind: Kind) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
