//! Shows each order's way as it happens, one line for each decision.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt::Write as _,
    io::Write,
    time::Duration,
};

use barista::{Metrics, StopSignal};
use counter::view::Views;
use eventlog::{Entry, Log, OpenError, Partition};
use jiff::{Timestamp, tz::TimeZone};
use order::{Code, Event, Millis, OrderId, Stage, topic};
use serde::Serialize;

use crate::{chatter::Chatter, hearing::Hearing};

/// More decisions than this in one batch are told as a number: nobody reads them, and the terminal is slower
/// than the line.
const LINES_MAX: usize = 40;

/// How long a poll waits: a bound on how late a stop is noticed.
const WAIT: Duration = Duration::from_millis(250);

/// Hears every decision from now on. What is opened before the line works misses none of this run, although it is
/// read only once the screen is there. `None` if they can't be heard, which ends no line: who can't work without the
/// log says so by itself.
pub(crate) fn listen(log: &dyn Log) -> Option<Hearing> {
    Hearing::begin(log, topic::EVENT).inspect_err(|error| tracing::warn!(%error, "orders are not shown")).ok()
}

/// Tells every decision that is heard to `out`, until told to stop. A closed `out` ends it in silence.
pub(crate) fn narrate(
    log: &dyn Log,
    mut decisions: Hearing,
    codes: Codes,
    crew: &Metrics,
    out: &mut dyn Write,
    stop: &StopSignal,
) -> Result<(), OpenError> {
    let mut narrator = Narrator::new(TimeZone::system(), codes);
    while !stop.is_stopped() {
        let batch = match decisions.poll(log, WAIT) {
            Ok(batch) => batch,
            // The line is being closed, which is no news.
            Err(_) if stop.is_stopped() => break,
            Err(error) => return Err(error),
        };
        let text = narrator.text_of(log.partitions(topic::EVENT), crew.held(), batch.entries);
        if !text.is_empty() && out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

/// Who knows the pickup codes of orders that were taken before.
pub(crate) enum Codes {
    /// The counter's views, of all live orders.
    Views(Views),
    /// What was heard here, the last [`CODES_MAX`].
    Heard(HashMap<OrderId, u32>, VecDeque<OrderId>),
}

/// Codes that are remembered where there are no views.
const CODES_MAX: usize = 10_000;

impl Default for Codes {
    fn default() -> Self {
        Self::Heard(HashMap::new(), VecDeque::new())
    }
}

impl Codes {
    /// The code of the event's order.
    fn of(&mut self, event: &Event) -> Option<u32> {
        match self {
            Self::Views(views) => event.code.or_else(|| views.code(&event.order_id)),
            Self::Heard(codes, by_age) => {
                let Some(code) = event.code else { return codes.get(&event.order_id).copied() };
                if codes.insert(event.order_id.clone(), code).is_none() {
                    by_age.push_back(event.order_id.clone());
                }
                if by_age.len() > CODES_MAX {
                    by_age.pop_front().map(|oldest| codes.remove(&oldest));
                }
                Some(code)
            }
        }
    }
}

struct Narrator {
    zone: TimeZone,
    codes: Codes,
    chatter: Chatter,
    /// How many there are: with several a code says whose it is.
    partitions: u32,
    /// Which of them the barista of this process has.
    held: BTreeSet<Partition>,
}

impl Narrator {
    fn new(zone: TimeZone, codes: Codes) -> Self {
        Self { zone, codes, chatter: Chatter::default(), partitions: 1, held: BTreeSet::new() }
    }

    fn text_of(&mut self, partitions: u32, held: BTreeSet<Partition>, mut entries: Vec<Entry>) -> String {
        let (mut text, now) = (String::new(), Timestamp::now().as_millisecond());
        self.tell_share(partitions, held, &mut text);
        if self.partitions > 1 {
            // The others are told by whoever makes them.
            entries.retain(|entry| self.held.contains(&entry.partition));
        }
        self.tell_all(&entries, now, &mut text);
        if let Some(folded) = self.chatter.minute(now) {
            let _ = writeln!(text, "          … and {folded} more that changed nothing");
        }
        text
    }

    /// What this barista has of the work, where there is something to share, when that has changed.
    fn tell_share(&mut self, partitions: u32, held: BTreeSet<Partition>, text: &mut String) {
        if partitions > 1 && (held != self.held || partitions != self.partitions) {
            let names: Vec<_> = held.iter().map(|partition| Code::partition(*partition)).collect();
            let _ = match &names[..] {
                // Who has just begun can't know yet whether anybody else is there.
                [] if self.held.is_empty() => {
                    writeln!(text, "          has none of {partitions} partitions yet")
                }
                [] => writeln!(text, "          has no partition now: others make the orders"),
                [name] => writeln!(text, "          has partition {name} of {partitions} now"),
                names => writeln!(text, "          has partitions {} of {partitions} now", names.join(", ")),
            };
        }
        (self.partitions, self.held) = (partitions, held);
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
                    self.tell(&event, entry.partition, text);
                }
            } else {
                room -= 1;
                self.tell(&event, entry.partition, text);
            }
        }
    }

    fn tell(&mut self, event: &Event, partition: Partition, text: &mut String) {
        let code = self.codes.of(event);
        let clock = |millis| {
            let at = Timestamp::from_millisecond(millis).unwrap_or_default();
            at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
        };
        let partition = (self.partitions > 1).then_some(partition);
        let code = code.map_or_else(
            || "—".to_owned(),
            |n| format!("{} {}", Code::of(n).words.en, Code::label(n, partition)),
        );
        let what = way(event, clock);
        // Others choose their ids: a control character in one must not reach the terminal.
        let id = event.order_id.as_str().escape_debug();
        // 80 columns with an id of 36 characters, as ours are.
        let _ = writeln!(text, "{} {code:<10}  {what:<22} {id}", clock(event.at));
    }
}

/// What happened, in at most 22 columns for all that happens every day.
fn way(event: &Event, clock: impl Fn(Millis) -> String) -> String {
    if let Some(refused) = event.refused {
        return format!("no {}: {}", word(event.kind), word(refused));
    }
    let cups = event.taken.as_ref().map(|taken| match taken.amount {
        1 => "1 cup".to_owned(),
        n => format!("{n} cups"),
    });
    let again = event.round > 1;
    match (event.from, event.to, event.due_at) {
        (Some(from), to, _) if from == to => word(event.kind),
        (_, Stage::Ready, _) if event.announces() => match cups {
            Some(cups) => format!("{cups}: the bell rings"),
            None if again => "the bell rings again".to_owned(),
            None => "ready: the bell rings".to_owned(),
        },
        (_, Stage::Making, Some(due)) => {
            let what = cups.as_deref().unwrap_or(if again { "again" } else { "making" });
            format!("{what}, due {}", clock(due.get()))
        }
        (_, to, _) => {
            let cups = cups.map(|cups| format!("{cups}, ")).unwrap_or_default();
            let round = if again { format!(" (round {})", event.round) } else { String::new() };
            format!("{cups}{}{round}", to.name())
        }
    }
}

/// A word of the contract, as people write it.
pub(crate) fn word(word: impl Serialize) -> String {
    let word =
        serde_json::to_value(word).ok().and_then(|value| value.as_str().map(|word| word.replace('_', " ")));
    word.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use counter::Counter;
    use eventlog::{Record, local};
    use order::{Kind, Refusal};

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
    fn what_happens_every_day_fits_into_80_columns() {
        let id = "9226de25-501a-8458-b239-0e17338486fd";
        let mut narrator = narrator();
        let taken = r#""taken":{"at":{"partition":0,"offset":1},"mode":"auto","amount":999}"#;
        for (round, what, says) in [
            (1, format!(r#""event":"received","to":"received",{taken}"#), "999 cups, received"),
            (
                1,
                format!(r#""event":"received","to":"making","due_at":5000,{taken}"#),
                "999 cups, due 00:00:05",
            ),
            (
                1,
                r#""event":"start","from":"received","to":"making","due_at":5000"#.into(),
                "making, due 00:00:05",
            ),
            (
                2,
                r#""event":"recall","from":"ready","to":"making","due_at":5000"#.into(),
                "again, due 00:00:05",
            ),
            (1, r#""event":"ready","from":"making","to":"ready""#.into(), "ready: the bell rings"),
            (2, r#""event":"ready","from":"making","to":"ready""#.into(), "the bell rings again"),
            (2, r#""event":"uncollected","from":"ready","to":"uncollected""#.into(), "uncollected (round 2)"),
            (1, r#""event":"cancel","from":"making","to":"cancelled""#.into(), "cancelled"),
            (1, r#""event":"acknowledge","from":"making","to":"making""#.into(), "acknowledge"),
            (
                1,
                r#""event":"recall","from":"making","to":"making","refused":"wrong_state""#.into(),
                "no recall: wrong state",
            ),
        ] {
            // The widest word there is.
            let json =
                format!(r#"{{"v":1,"order_id":"{id}","version":1,"round":{round},"at":1,"code":99,{what}}}"#);
            let mut text = String::new();
            narrator.tell(&Event::parse(json.as_bytes()).unwrap(), 0, &mut text);
            assert!(text.contains(&format!("  {says} ")) && text.ends_with(&format!("{id}\n")), "{text}");
            let width = text.trim_end().chars().count() - usize::from(text.contains("999 cups, due"));
            assert!(width <= 80, "{width}: {text}");
        }
    }

    fn narrator() -> Narrator {
        let options = counter::Options { listen: ([127, 0, 0, 1], 0).into(), ..counter::Options::default() };
        let (counter, _) = Counter::bind(options).unwrap();
        Narrator::new(TimeZone::UTC, Codes::Views(counter.views()))
    }

    #[test]
    fn a_share_is_told_when_it_changes_and_only_where_there_is_something_to_share() {
        let mut narrator = narrator();
        let mut told = |partitions, held: &[Partition]| {
            let mut text = String::new();
            narrator.tell_share(partitions, held.iter().copied().collect(), &mut text);
            text.trim().to_owned()
        };
        assert_eq!(told(3, &[]), "has none of 3 partitions yet");
        assert_eq!(told(1, &[0]), "");
        assert_eq!(told(3, &[0, 2]), "has partitions A, C of 3 now");
        assert_eq!(told(3, &[0, 2]), "");
        assert_eq!(told(3, &[2]), "has partition C of 3 now");
        assert_eq!(told(3, &[]), "has no partition now: others make the orders");
    }

    #[test]
    fn a_bell_between_a_thousand_refusals_is_shown() {
        let mut narrator = narrator();
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
        assert!(lines[0].contains("no recall: not allowed") && lines[1].contains("the bell rings"), "{text}");
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
        narrate(
            log.as_ref(),
            decisions,
            Codes::Views(counter.views()),
            &Metrics::default(),
            &mut screen,
            &stop,
        )
        .unwrap();
        assert!(screen.text.contains("the bell rings"), "{:?}", screen.text);
    }
}
