//! A record as one line for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Color, Effects, Style};
use client::printable;
use eventlog::{
    Entry, Millis, fnv1a,
    kafka::{Fate, Sighting},
};
use jiff::{Timestamp, tz::TimeZone};

use super::{json::name, says::says};

/// What an order's key is coloured with; red and yellow are for what is wrong and what is open.
const PALETTE: [AnsiColor; 8] = [
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::Magenta,
    AnsiColor::Cyan,
    AnsiColor::BrightGreen,
    AnsiColor::BrightBlue,
    AnsiColor::BrightMagenta,
    AnsiColor::BrightCyan,
];

/// How records are written.
#[derive(Debug)]
pub(super) struct Lines {
    /// Times are shown as they are here.
    pub(super) zone: TimeZone,
    /// Whether there is a terminal that shows colours, and whoever sits before it wants any.
    pub(super) has_colours: bool,
}

impl Lines {
    /// Adds the line of a record: time, what became of it, place, key, what it says, headers.
    pub(super) fn add(&self, sighting: &Sighting, text: &mut String) {
        let Sighting { entry, fate, was_open } = sighting;
        let (key, says) = (key(entry), says(entry));
        let said = printable(&says);
        let place = format!("{}-{}@{}", entry.topic, entry.partition, entry.offset);
        let later = if *was_open { " (was open)" } else { "" };
        let headers =
            headers(entry).map(|headers| format!("  [{}]", printable(&headers))).unwrap_or_default();
        let (time, fate_name) = (self.time(entry.timestamp), name(*fate));
        if *fate == Fate::Aborted {
            // The word says it, for whoever sees no colours or has it read aloud.
            let line = format!("{place:<24} {key:<13}  {said}{later}{headers}");
            let void = Style::new().effects(Effects::DIMMED | Effects::STRIKETHROUGH);
            let word = Style::new().fg_color(Some(Color::Ansi(AnsiColor::Red)));
            let (word, line) = (self.styled(word, &format!("{fate_name:<9}")), self.styled(void, &line));
            let _ = writeln!(text, "{time} {word} {line}"); // writing to a String cannot fail
            return;
        }
        let word = match fate {
            Fate::Open => Style::new().fg_color(Some(Color::Ansi(AnsiColor::Yellow))).bold(),
            _ => Style::new(),
        };
        let (word, key) = (
            self.styled(word, &format!("{fate_name:<9}")),
            self.styled(colour(entry), &format!("{key:<13}")),
        );
        let headers = self.styled(Style::new().dimmed(), &headers);
        let _ = writeln!(text, "{time} {word} {place:<24} {key}  {said}{later}{headers}");
    }

    fn time(&self, at: Millis) -> String {
        let at = Timestamp::from_millisecond(at).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S%.3f").to_string()
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if !self.has_colours || style.is_plain() || text.is_empty() {
            return text.to_owned();
        }
        format!("{style}{text}{style:#}")
    }
}

/// Everything about one order has one colour.
fn colour(entry: &Entry) -> Style {
    let Some(key) = &entry.record.key else { return Style::new() };
    let place = usize::try_from(fnv1a(key.iter()) % PALETTE.len() as u64).unwrap_or_default();
    Style::new().fg_color(Some(Color::Ansi(PALETTE[place])))
}

/// The key, in at most 13 characters: of a long one both ends, by which people tell ids apart.
fn key(entry: &Entry) -> String {
    let Some(key) = entry.record.key.as_deref() else { return "–".to_owned() };
    let Ok(text) = str::from_utf8(key) else { return format!("{} bytes", key.len()) };
    // The line's own keys begin with a zero character, which says nothing to people.
    let text = printable(text.trim_start_matches('\0'));
    if text.chars().count() <= 13 {
        return text.into_owned();
    }
    let last = text.char_indices().nth_back(3).map_or(0, |(at, _)| at);
    let first = text.char_indices().nth(8).map_or(text.len(), |(at, _)| at);
    format!("{}…{}", &text[..first], &text[last..])
}

/// What its headers say it is, or else how many it has.
fn headers(entry: &Entry) -> Option<String> {
    if let Some(kind) = entry.record.headers.get("ce_type") {
        return Some(String::from_utf8_lossy(kind).into_owned());
    }
    match entry.record.headers.iter().count() {
        0 => None,
        1 => Some("1 header".to_owned()),
        count => Some(format!("{count} headers")),
    }
}

#[cfg(test)]
mod tests {
    use eventlog::{Headers, Record};
    use order::topic;

    use super::*;

    fn sighting(fate: Fate, key: &[u8], headers: &[(&str, &[u8])]) -> Sighting {
        let value = br#"{"order_id":"a","amount":3,"status":0}"#;
        let record =
            Record::new(key.to_vec(), value.to_vec()).with_headers(Headers::new(headers.iter().copied()));
        let entry = Entry { topic: topic::RECEIVED, partition: 0, offset: 17, timestamp: 45_296_789, record };
        Sighting { entry, fate, was_open: false }
    }

    fn line(sighting: &Sighting, has_colours: bool) -> String {
        let mut text = String::new();
        Lines { zone: TimeZone::UTC, has_colours }.add(sighting, &mut text);
        text
    }

    const ID: &[u8] = b"9226de25-501a-8458-b239-0e17338486fd";

    #[test]
    fn a_line_says_when_what_became_of_it_where_whose_and_what() {
        let seen = sighting(Fate::Committed, ID, &[("ce_type", b"brewline.order.received")]);
        assert_eq!(
            line(&seen, false),
            "12:34:56.789 committed order.received-0@17      9226de25…86fd  3 cups ordered  [brewline.order.received]\n"
        );
    }

    #[test]
    fn fates_are_words_with_and_without_colours() {
        for has_colours in [false, true] {
            for (fate, word) in
                [(Fate::Committed, "committed"), (Fate::Aborted, "aborted"), (Fate::Open, "open")]
            {
                let said = line(&sighting(fate, ID, &[]), has_colours);
                assert!(said.contains(word), "{said}");
                assert_eq!(said.contains('\u{1b}'), has_colours, "{said:?}");
            }
        }
        let later = Sighting { was_open: true, ..sighting(Fate::Aborted, ID, &[]) };
        assert!(line(&later, false).contains("aborted   ") && line(&later, false).contains("(was open)"));
    }

    #[test]
    fn an_order_keeps_its_colour_and_lines_end_without_one() {
        let style = |key: &[u8]| colour(&sighting(Fate::Open, key, &[]).entry);
        assert_eq!(style(b"a"), style(b"a"));
        assert!((b'a'..=b'z').any(|key| style(&[key]) != style(b"a")));
        for fate in [Fate::Committed, Fate::Aborted, Fate::Open] {
            let said = line(&sighting(fate, ID, &[("x", b"y")]), true);
            let last = said.rfind('\u{1b}').map(|at| &said[at..]);
            assert!(last.is_some_and(|last| last.starts_with("\u{1b}[0m")), "{said:?}");
        }
    }

    #[test]
    fn nothing_of_a_record_moves_the_cursor() {
        let mut seen = sighting(Fate::Committed, b"\x1b[2J\r", &[("ce_type", b"\x1b]0;x\x07")]);
        let said = line(&seen, false);
        assert_eq!(said.find(char::is_control), Some(said.len() - 1), "{said:?}");
        seen.entry.topic = topic::SHOP;
        seen.entry.record.value = Some("\"\u{9b}2J\"".into());
        let said = line(&seen, false);
        assert_eq!(said.find(char::is_control), Some(said.len() - 1), "{said:?}");
    }

    #[test]
    fn keys_are_shortened_and_headers_counted() {
        let with = |bytes: &[u8]| key(&sighting(Fate::Open, bytes, &[]).entry);
        assert_eq!(with(b"till-7/000042"), "till-7/000042");
        assert_eq!(with("äöüäöüäöüäöüäöü".as_bytes()), "äöüäöüäö…üäöü");
        assert_eq!(with(b"\xff\xfe"), "2 bytes");
        assert_eq!(with(b"\0positions"), "positions");
        let two: &[(&str, &[u8])] = &[("a", b"1"), ("b", b"2")];
        assert_eq!(headers(&sighting(Fate::Open, ID, two).entry).as_deref(), Some("2 headers"));
        assert_eq!(headers(&sighting(Fate::Open, ID, &[]).entry), None);
    }
}
