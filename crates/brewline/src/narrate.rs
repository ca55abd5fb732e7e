//! Shows each order's way as it happens, one line for each decision.

use std::{fmt::Write as _, io::Write, time::Duration};

use barista::StopSignal;
use counter::view::Views;
use eventlog::{Entry, Follow, FollowError, Log, Offset, OpenError, Partition, Start};
use jiff::{Timestamp, tz::TimeZone};
use order::{Code, Event, Kind, Millis, Stage, topic};

use crate::chatter::Chatter;

/// More decisions than this in one batch are told as a number: nobody reads them, and the terminal is slower
/// than the line.
const LINES_MAX: usize = 40;

/// How long a poll waits: a bound on how late a stop is noticed.
const WAIT: Duration = Duration::from_millis(250);

/// Hears every decision from now on. What is opened before the line works misses none of this run, although it is
/// read only once the screen is there.
pub(crate) fn listen(log: &dyn Log) -> Result<Box<dyn Follow>, OpenError> {
    log.follow(&[(topic::EVENT, Start::End)])
}

/// Tells every decision that `follow` hears to `out`, until told to stop. A closed `out` ends it in silence.
pub(crate) fn narrate(
    log: &dyn Log,
    mut follow: Box<dyn Follow>,
    views: Views,
    out: &mut dyn Write,
    stop: &StopSignal,
) -> Result<(), OpenError> {
    let mut narrator = Narrator { zone: TimeZone::system(), views, chatter: Chatter::default() };
    while let Err(error) = narrator.follow(follow.as_mut(), out, stop) {
        tracing::info!(%error, "the narration begins anew");
        stop.wait(WAIT);
        if stop.is_stopped() {
            break;
        }
        follow = match error {
            FollowError::Gone { .. } => listen(log)?,
            _ => log.follow(&[(topic::EVENT, Start::Offsets(offsets(follow.as_ref())))])?,
        };
    }
    Ok(())
}

/// Where to go on.
fn offsets(follow: &dyn Follow) -> Vec<(Partition, Offset)> {
    follow.positions().into_iter().map(|position| (position.partition, position.offset)).collect()
}

struct Narrator {
    zone: TimeZone,
    /// Knows the pickup codes of orders that were taken before.
    views: Views,
    chatter: Chatter,
}

impl Narrator {
    fn follow(
        &mut self,
        follow: &mut dyn Follow,
        out: &mut dyn Write,
        stop: &StopSignal,
    ) -> Result<(), FollowError> {
        while !stop.is_stopped() {
            let batch = follow.poll(WAIT)?;
            let mut text = String::new();
            let now = Timestamp::now().as_millisecond();
            self.tell_all(&batch.entries, now, &mut text);
            if let Some(folded) = self.chatter.minute(now) {
                let _ = writeln!(text, "          … and {folded} more that changed nothing");
            }
            if !text.is_empty() && out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// As many as have room; those beyond are not even parsed.
    fn tell_all(&mut self, entries: &[Entry], now: Millis, text: &mut String) {
        let mut room = LINES_MAX;
        for (place, entry) in entries.iter().enumerate() {
            if room == 0 {
                let _ = writeln!(text, "          … and {} more decisions", entries.len() - place);
                return;
            }
            let event = entry.record.value.as_deref().and_then(|value| Event::parse(value).ok());
            let Some(event) = event.filter(|event| !event.repeat) else { continue };
            if Chatter::is_chatter(&event) {
                if self.chatter.show(&event, now) {
                    self.tell(&event, text);
                }
            } else {
                room -= 1;
                self.tell(&event, text);
            }
        }
    }

    fn tell(&self, event: &Event, text: &mut String) {
        let clock = |millis| {
            let at = Timestamp::from_millisecond(millis).unwrap_or_default();
            at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
        };
        let code = event.code.or_else(|| self.views.code(&event.order_id));
        let code = code.map_or_else(|| "—".to_owned(), |n| format!("{} {n}", Code::of(n).words.en));
        let mut what = way(event);
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

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use counter::Counter;
    use eventlog::{Record, local};
    use order::Refusal;

    use super::*;
    use crate::catalog;

    /// Stops the narration with the first line that it is told.
    struct Screen {
        text: String,
        stop: StopSignal,
    }

    impl io::Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.text.push_str(&String::from_utf8_lossy(bytes));
            self.stop.stop();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn bell(id: &str) -> Event {
        let ready = r#"{"v":1,"order_id":"?","version":3,"round":1,"event":"ready","from":"making","to":"ready","at":1}"#;
        Event::parse(ready.replace('?', id).as_bytes()).unwrap()
    }

    fn record(event: &Event) -> Record {
        Record::new(event.order_id.as_str().to_owned(), event.to_json())
    }

    #[test]
    fn a_bell_between_a_thousand_refusals_is_shown() {
        let (counter, _) = Counter::bind(counter::Options {
            listen: ([127, 0, 0, 1], 0).into(),
            ..counter::Options::default()
        })
        .unwrap();
        let mut narrator =
            Narrator { zone: TimeZone::UTC, views: counter.views(), chatter: Chatter::default() };
        let mine = bell("mine");
        let spam = Event { refused: Some(Refusal::NotAllowed), kind: Kind::Recall, ..bell("spam") };
        let events = std::iter::repeat_n(&spam, 500).chain([&mine]).chain(std::iter::repeat_n(&spam, 500));
        let entries: Vec<_> = (0..)
            .zip(events)
            .map(|(offset, event)| Entry {
                topic: topic::EVENT,
                partition: 0,
                offset,
                timestamp: 1,
                record: record(event),
            })
            .collect();
        let mut text = String::new();
        narrator.tell_all(&entries, 0, &mut text);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains("recall refused") && lines[1].contains("the bell rings"), "{text}");
        assert_eq!(narrator.chatter.minute(60_000), Some(999));
    }

    #[test]
    fn what_is_decided_before_the_screen_is_there_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let log = local::LocalLog::open(local::Options::new(dir.path(), &catalog(Duration::from_hours(720))));
        let log = log.unwrap();
        let (counter, _) = Counter::bind(counter::Options {
            listen: ([127, 0, 0, 1], 0).into(),
            ..counter::Options::default()
        })
        .unwrap();
        let decisions = listen(log.as_ref()).unwrap();
        let written = log.publisher().publish(topic::EVENT, 0, record(&bell("a")), Duration::from_mins(1));
        crate::block_on(written).unwrap().unwrap();

        let stop = StopSignal::default();
        let mut screen = Screen { text: String::new(), stop: stop.clone() };
        narrate(log.as_ref(), decisions, counter.views(), &mut screen, &stop).unwrap();
        assert!(screen.text.contains("the bell rings"), "{:?}", screen.text);
    }
}
