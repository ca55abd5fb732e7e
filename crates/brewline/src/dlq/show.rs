//! One dead letter, whole.

use std::fmt::Write as _;

use eventlog::Entry;
use jiff::{Timestamp, tz::TimeZone};
use order::DeadLetter;

use super::letter::{header, its_own_headers, origin, original, size};

/// Everything about a letter: where it stands and came from, why, its headers, and its bytes: as text where they are
/// text that a terminal may show, else as a hex dump.
pub(super) fn show(letter: &Entry, done: &[String], zone: &TimeZone) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<9} {value}"); // writing to a String cannot fail
    };
    line("letter", &format!("{}/{} of {}", letter.partition, letter.offset, letter.topic));
    let at = Timestamp::from_millisecond(letter.timestamp).unwrap_or_default().to_zoned(zone.clone());
    line("written", &at.strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string());
    let from = origin(letter)
        .map_or_else(|| "unknown: another program wrote it".to_owned(), |from| from.to_string());
    line("from", &escaped(&from));
    line("reason", &escaped(&header(letter, DeadLetter::REASON).unwrap_or("no reason given".into())));
    if let Some(hash) = header(letter, DeadLetter::SHA256).filter(|hash| !hash.is_empty()) {
        line("sha256", &escaped(&hash));
    }
    for done in done {
        line("done", &escaped(done));
    }
    if let Err(why) = original(letter) {
        line("retry", &format!("can't be: it {}", escaped(&why)));
    }
    for (name, value) in its_own_headers(letter) {
        line("header", &format!("{}: {}", escaped(name), either(value)));
    }
    match letter.record.key.as_deref() {
        Some(key) => line("key", &either(key)),
        None => line("key", "none"),
    }
    let Some(value) = letter.record.value.as_deref() else {
        line("value", "none");
        return text;
    };
    let cut =
        if value.len() == size(letter) { String::new() } else { format!(", the first {}", value.len()) };
    line("value", &format!("{} bytes{cut}", size(letter)));
    text.push('\n');
    match as_text(value) {
        Some(value) => {
            text += value;
            if !value.ends_with('\n') {
                text.push('\n');
            }
        }
        None => text += &hex_dump(value),
    }
    text
}

/// What a terminal shows as it is: lines and tabs are no harm.
fn as_text(bytes: &[u8]) -> Option<&str> {
    let text = str::from_utf8(bytes).ok()?;
    (!text.is_empty() && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t')).then_some(text)
}

/// On one line, with what a terminal would obey written out.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

fn either(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => escaped(text),
        Err(_) => bytes.escape_ascii().to_string(),
    }
}

/// Offset, 16 bytes, and what of them is ASCII.
fn hex_dump(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 5);
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let _ = write!(text, "{:08x} ", row * 16);
        for place in 0..16 {
            let gap = if place == 8 { " " } else { "" };
            let _ = match chunk.get(place) {
                Some(byte) => write!(text, "{gap} {byte:02x}"),
                None => write!(text, "{gap}   "),
            };
        }
        let ascii =
            |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        let _ = writeln!(text, "  |{}|", chunk.iter().map(ascii).collect::<String>());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::letter::tests::letter, *};

    fn shown(letter: &Entry) -> String {
        show(letter, &[], &TimeZone::UTC)
    }

    #[test]
    fn everything_about_a_letter_is_shown_and_text_as_text() {
        let letter = letter("{\n  \"a\": ü\n}", 12, &[("till", b"7"), ("raw", b"\xff\x00")]);
        let expected = "\
letter    1/9 of order.dlq
written   1970-01-01 12:34:56.789 UTC
from      order.received-1@5
reason    not JSON
sha256    00
header    till: 7
header    raw: \\xff\\x00
key       a
value     12 bytes, the first 13

{\n  \"a\": ü\n}
";
        // A size that is not the value's says that it was cut.
        let text = shown(&letter);
        assert_eq!(text.replace("retry     can't be: it was cut: of 12 bytes the first 13 are left; what is gone can't be retried\n", ""), expected);
    }

    #[test]
    fn bytes_that_are_no_text_are_a_hex_dump() {
        let text = shown(&letter("\u{1b}[2J and more than one row", 26, &[]));
        assert!(
            text.contains("00000000  1b 5b 32 4a 20 61 6e 64  20 6d 6f 72 65 20 74 68  |.[2J and more th|\n"),
            "{text}"
        );
        assert!(text.contains("00000010  61 6e 20 6f 6e 65 20 72  6f 77"), "{text}");
        assert!(text.lines().all(|line| !line.contains(char::is_control)));
    }

    #[test]
    fn what_was_done_and_what_is_missing_is_said() {
        let mut entry = letter("", 0, &[]);
        entry.record.value = None;
        entry.record.key = None;
        let text = show(&entry, &["retried".to_owned()], &TimeZone::UTC);
        for line in ["done      retried", "key       none", "value     none"] {
            assert!(text.lines().any(|shown| shown == line), "{text}");
        }
        entry.record.headers = eventlog::Headers::default();
        assert!(shown(&entry).contains("unknown: another program wrote it"));
    }
}
