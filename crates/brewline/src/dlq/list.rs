//! Dead letters as a table.

use std::{collections::VecDeque, fmt::Write as _};

use client::printable;
use eventlog::{Entry, Millis};
use jiff::{Timestamp, tz::TimeZone};
use order::DeadLetter;

use super::letter::{Place, header, mark, origin, size};

/// The most letters that are listed; of more, the newest.
const ROWS: usize = 10_000;

/// A key or a reason is shown up to here, in characters.
const KEY_CHARS: usize = 36;
const REASON_CHARS: usize = 120;

/// Dead letters, and what was done about them, in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Letters {
    rows: VecDeque<Row>,
    /// How many are too many.
    left_out: u64,
}

#[derive(Debug)]
struct Row {
    place: Place,
    at: Millis,
    from: String,
    size: usize,
    key: String,
    reason: String,
    /// What was done about it.
    done: Vec<String>,
}

impl Letters {
    /// Takes in a record of `order.dlq`. A mark stands behind its letter, in the same partition.
    pub(super) fn add(&mut self, entry: &Entry) {
        if let Some(mark) = mark(entry) {
            if let Some(row) = self.rows.iter_mut().rfind(|row| row.place == mark.letter)
                && !row.done.contains(&mark.done)
            {
                row.done.push(mark.done);
            }
            return;
        }
        let key = entry.record.key.as_deref();
        let key = key.map_or_else(|| "–".to_owned(), |key| shown(&String::from_utf8_lossy(key), KEY_CHARS));
        let from = origin(entry).map_or_else(|| "unknown".to_owned(), |origin| origin.to_string());
        let reason = header(entry, DeadLetter::REASON).unwrap_or("no reason given".into());
        self.rows.push_back(Row {
            place: Place::of(entry),
            at: entry.timestamp,
            from: shown(&from, KEY_CHARS),
            size: size(entry),
            key,
            reason: shown(&reason, REASON_CHARS),
            done: Vec::new(),
        });
        if self.rows.len() > ROWS {
            self.rows.pop_front();
            self.left_out += 1;
        }
    }

    /// The table: those that nobody has seen to, or all.
    pub(super) fn table(&self, all: bool, zone: &TimeZone) -> String {
        let mut rows: Vec<_> = self.rows.iter().filter(|row| all || row.done.is_empty()).collect();
        rows.sort_by_key(|row| (row.at, row.place));
        let hidden = self.rows.len() - rows.len();
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = if rows.is_empty() {
            writeln!(text, "no dead letters")
        } else {
            let [letter, written, from, bytes, key] = ["letter", "written", "from", "bytes", "key"];
            writeln!(text, "{letter:<8}  {written:<19}  {from:<24}  {bytes:>7}  {key:<36}  reason")
        };
        for Row { place, at, from, size, key, reason, done } in rows {
            let place = place.to_string();
            let at = Timestamp::from_millisecond(*at).unwrap_or_default().to_zoned(zone.clone());
            let at = at.strftime("%Y-%m-%d %H:%M:%S");
            let _ = write!(text, "{place:<8}  {at}  {from:<24}  {size:>7}  {key:<36}  {reason}");
            if !done.is_empty() {
                let _ = write!(text, "  [{}]", shown(&done.join(", "), KEY_CHARS));
            }
            text.push('\n');
        }
        if hidden > 0 {
            let _ = writeln!(text, "\n{hidden} more were seen to: --all shows them");
        }
        if self.left_out > 0 {
            let _ = writeln!(text, "\n{} older ones are not shown", self.left_out);
        }
        text
    }
}

fn shown(text: &str, chars: usize) -> String {
    let text = printable(text);
    match text.char_indices().nth(chars) {
        Some((end, _)) => {
            let end = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
            format!("{}…", &text[..end])
        }
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::letter::{marking, tests::letter},
        *,
    };

    fn table(entries: &[Entry], all: bool) -> String {
        let mut letters = Letters::default();
        for entry in entries {
            letters.add(entry);
        }
        letters.table(all, &TimeZone::UTC)
    }

    #[test]
    fn a_letter_is_listed_with_place_time_origin_size_key_and_reason() {
        let table = table(&[letter("?", 1, &[])], false);
        let row = table.lines().nth(1).unwrap();
        let words: Vec<_> = row.split_whitespace().collect();
        assert_eq!(words, ["1/9", "1970-01-01", "12:34:56", "order.received-1@5", "1", "a", "not", "JSON"]);
    }

    #[test]
    fn what_was_seen_to_is_hidden_unless_all_is_asked_for() {
        let first = letter("?", 1, &[]);
        let second = Entry { offset: 10, ..first.clone() };
        let mark = Entry { offset: 11, record: marking(&first, "dropped"), ..first.clone() };
        let entries = [first, second, mark.clone(), Entry { offset: 12, ..mark }];
        let open = table(&entries, false);
        assert!(
            !open.contains("1/9 ") && open.contains("1/10 ") && open.contains("1 more were seen to"),
            "{open}"
        );
        let all = table(&entries, true);
        let row = all.lines().find(|line| line.starts_with("1/9 ")).unwrap();
        assert!(row.ends_with("[dropped]"), "{all}");
        assert!(!all.contains("1/11"), "marks are no letters: {all}");
    }

    #[test]
    fn a_mark_of_another_partition_marks_nothing_here() {
        let letter = letter("?", 1, &[]);
        let mark = Entry { partition: 0, offset: 10, record: marking(&letter, "dropped"), ..letter.clone() };
        assert!(table(&[letter, mark], false).contains("1/9 "));
    }

    #[test]
    fn nothing_of_a_letter_moves_the_cursor_and_there_is_a_bound() {
        let mut nasty = letter("?", 1, &[]);
        nasty.record.key = Some("\u{1b}[2J\u{9b}".repeat(100).into());
        let text = table(&vec![nasty; ROWS + 5], false);
        assert!(text.lines().all(|line| !line.contains(char::is_control)));
        assert!(text.contains("5 older ones are not shown"));
        assert_eq!(table(&[], false), "no dead letters\n");
    }
}
