//! A record as one line for people.

use std::{borrow::Cow, fmt::Write as _};

use anstyle::{AnsiColor, Color, Effects, Style};
use client::printable;
use eventlog::{Entry, Millis, fnv1a};
use jiff::{Timestamp, tz::TimeZone};

use super::{json::name, says::says};
use crate::kafka::{Fate, Sighting};

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

/// A terminal of fewer columns than this gets narrow lines.
const WIDE: usize = 100;
/// Where less room is left, nothing is cut off: the terminal breaks the line.
const ROOM: usize = 10;

/// How records are written.
#[derive(Debug)]
pub(super) struct Lines {
    /// Times are shown as they are here.
    pub(super) zone: TimeZone,
    /// Whether there is a terminal that shows colours, and whoever sits before it wants any.
    pub(super) has_colours: bool,
    /// How wide the terminal is; `None`: lines are as long as they are.
    pub(super) columns: Option<usize>,
}

impl Lines {
    /// Adds the line of a record: time, what became of it, place, key, what it says, headers. On a terminal it is one
    /// row, and an ellipsis says that there is more.
    pub(super) fn add(&self, sighting: &Sighting, text: &mut String) {
        let Sighting { entry, fate, was_open } = sighting;
        let is_narrow = self.columns.is_some_and(|columns| columns < WIDE);
        let time = self.time(entry.timestamp, if is_narrow { "%H:%M:%S" } else { "%H:%M:%S%.3f" });
        let (fate_name, place) =
            (name(*fate), format!("{}-{}@{}", entry.topic, entry.partition, entry.offset));
        let key = if is_narrow { key(entry, 4, 4) } else { key(entry, 8, 4) };
        let (place_width, key_width) = if is_narrow { (20, 9) } else { (24, 13) };
        let (place, key) = (filled(&place, place_width), filled(&key, key_width));
        let later = if *was_open { " (was open)" } else { "" };
        let before = width(&format!("{time} {fate_name:<9} {place} {key}  "));
        let room = self.columns.map(|columns| columns.saturating_sub(before + width(later)));
        let says = says(entry);
        let says = printable(&says);
        let said = within(&says, room);
        // What kind of record it is says its topic too: it is left out first.
        let headers =
            headers(entry).map(|headers| format!("  [{}]", printable(&headers))).unwrap_or_default();
        let fits = room.is_none_or(|room| width(&said) + width(&headers) <= room);
        let headers = if fits { &headers } else { "" };
        if *fate == Fate::Aborted {
            // The word says it, for whoever sees no colours or has it read aloud.
            let line = format!("{place} {key}  {said}{later}{headers}");
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
        let (word, key) = (self.styled(word, &format!("{fate_name:<9}")), self.styled(colour(entry), &key));
        let headers = self.styled(Style::new().dimmed(), headers);
        let _ = writeln!(text, "{time} {word} {place} {key}  {said}{later}{headers}");
    }

    fn time(&self, at: Millis, form: &str) -> String {
        let at = Timestamp::from_millisecond(at).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
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

/// How many columns a terminal gives to a text, as near as it matters here.
fn width(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Characters of East Asia and pictures take two.
fn columns_of(c: char) -> usize {
    let is_wide = matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}');
    if is_wide { 2 } else { 1 }
}

/// As many of these characters as there is room for, in bytes.
fn fitting(text: impl Iterator<Item = char>, columns: usize) -> usize {
    let mut used = 0;
    let fits = text.take_while(|c| {
        used += columns_of(*c);
        used <= columns
    });
    fits.map(char::len_utf8).sum()
}

/// With spaces behind it, up to this width.
fn filled(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// As much of a text as there is room for.
fn within(text: &str, room: Option<usize>) -> Cow<'_, str> {
    let Some(room) = room.filter(|room| *room >= ROOM && width(text) > *room) else { return text.into() };
    format!("{}…", &text[..fitting(text.chars(), room - 1)]).into()
}

/// The key; of a long one both ends, so many columns, by which people tell ids apart.
fn key(entry: &Entry, first: usize, last: usize) -> String {
    let Some(key) = entry.record.key.as_deref() else { return "–".to_owned() };
    let Ok(text) = str::from_utf8(key) else { return format!("{} bytes", key.len()) };
    // The line's own keys begin with a zero character, which says nothing to people.
    let text = printable(text.trim_start_matches('\0'));
    if width(&text) <= first + 1 + last {
        return text.into_owned();
    }
    let (begin, end) = (fitting(text.chars(), first), fitting(text.chars().rev(), last));
    format!("{}…{}", &text[..begin], &text[text.len() - end..])
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
        Lines { zone: TimeZone::UTC, has_colours, columns: None }.add(sighting, &mut text);
        text
    }

    fn line_within(sighting: &Sighting, columns: usize) -> String {
        let mut text = String::new();
        Lines { zone: TimeZone::UTC, has_colours: false, columns: Some(columns) }.add(sighting, &mut text);
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
    fn a_line_is_one_row_of_a_terminal_and_says_where_it_was_cut() {
        let typed: &[(&str, &[u8])] = &[("ce_type", b"brewline.order.processed")];
        let mut seen = sighting(Fate::Committed, ID, typed);
        seen.entry.topic = topic::PROCESSED;
        // All of it, for a bell among the first thousand: nothing is left out that people need.
        assert_eq!(
            line_within(&seen, 80),
            "12:34:56 committed order.processed-0@17 9226…86fd  3 cups ready: the bell rings\n"
        );
        assert!(line_within(&seen, 140).ends_with("[brewline.order.processed]\n"));
        seen.entry.offset = 12_345_678;
        seen.was_open = true;
        for id in [ID, "주문-1-주문-2-주문-3-주문".as_bytes(), b"\xff"] {
            seen.entry.record.key = Some(id.to_vec().into());
            for columns in [80, 100, 200] {
                let said = line_within(&seen, columns);
                assert!(width(said.trim_end()) <= columns, "{columns}: {said}");
                assert_eq!(said.contains("rings (was open)  ["), columns == 200, "{columns}: {said}");
                assert_eq!(said.contains("… (was open)\n"), columns < 200, "{columns}: {said}");
            }
        }
        // Nobody wants the first three letters of it.
        assert!(line_within(&seen, 40).contains("3 cups ready: the bell rings"));
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
        let with = |bytes: &[u8]| key(&sighting(Fate::Open, bytes, &[]).entry, 8, 4);
        assert_eq!(with(b"till-7/000042"), "till-7/000042");
        assert_eq!(with("äöüäöüäöüäöüäöü".as_bytes()), "äöüäöüäö…üäöü");
        assert_eq!(with("주문주문주문주문".as_bytes()), "주문주문…주문");
        assert_eq!(with(b"\xff\xfe"), "2 bytes");
        assert_eq!(with(b"\0positions"), "positions");
        let two: &[(&str, &[u8])] = &[("a", b"1"), ("b", b"2")];
        assert_eq!(headers(&sighting(Fate::Open, ID, two).entry).as_deref(), Some("2 headers"));
        assert_eq!(headers(&sighting(Fate::Open, ID, &[]).entry), None);
    }
}
