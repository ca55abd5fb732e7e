//! A dead letter as it stands in `order.dlq`, and the marks that one was seen to. Pure.

use std::{borrow::Cow, fmt, str::FromStr};

use eventlog::{Entry, Headers, Offset, Partition, Record, Topic};
use order::{DeadLetter, Limits, topic};

/// Where a letter stands: `PARTITION/OFFSET` of `order.dlq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub partition: Partition,
    pub offset: Offset,
}

impl Place {
    pub(super) fn of(entry: &Entry) -> Self {
        Self { partition: entry.partition, offset: entry.offset }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partition, self.offset)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = text.split_once('/').and_then(|(partition, offset)| {
            Some(Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        });
        place.ok_or_else(|| "say a letter as brewline dlq list shows it, as in 0/12".to_owned())
    }
}

/// Where a letter came from. Of letters that others wrote it may be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) topic: String,
    pub(super) partition: Partition,
    pub(super) offset: Offset,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}@{}", self.topic, self.partition, self.offset)
    }
}

/// What was done about a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) letter: Place,
    /// `retried` or `dropped`; a word of a later version as it is.
    pub(super) done: String,
}

/// One header as text.
pub(super) fn header<'a>(entry: &'a Entry, name: &str) -> Option<Cow<'a, str>> {
    entry.record.headers.get(name).map(String::from_utf8_lossy)
}

fn number<T: FromStr>(entry: &Entry, name: &str) -> Option<T> {
    header(entry, name)?.parse().ok()
}

/// The mark that a record is, if it is one.
pub(super) fn mark(entry: &Entry) -> Option<Mark> {
    if !DeadLetter::is_mark(|name| entry.record.headers.get(name).is_some()) {
        return None;
    }
    let offset = number(entry, DeadLetter::MARK_OFFSET)?;
    let done = header(entry, DeadLetter::MARK)?.into_owned();
    Some(Mark { letter: Place { partition: entry.partition, offset }, done })
}

/// The record that marks a letter, for its partition.
pub(super) fn marking(letter: &Entry, done: &str) -> Record {
    let offset = letter.offset.to_string();
    let headers =
        Headers::new([(DeadLetter::MARK, done.as_bytes()), (DeadLetter::MARK_OFFSET, offset.as_bytes())]);
    Record { key: letter.record.key.clone(), value: None, headers }
}

/// Where a letter came from, if it says.
pub(super) fn origin(letter: &Entry) -> Option<Origin> {
    Some(Origin {
        topic: header(letter, DeadLetter::TOPIC)?.into_owned(),
        partition: number(letter, DeadLetter::PARTITION)?,
        offset: number(letter, DeadLetter::OFFSET)?,
    })
}

/// How many bytes its value had when it came.
pub(super) fn size(letter: &Entry) -> usize {
    let stands = letter.record.value.as_deref().map_or(0, <[u8]>::len);
    number(letter, DeadLetter::SIZE).unwrap_or(stands)
}

/// The headers that it came with: ours stand behind them, and begin with the reason.
pub(super) fn its_own_headers(letter: &Entry) -> Vec<(&str, &[u8])> {
    let all: Vec<_> = letter.record.headers.iter().collect();
    let ours = all.iter().rposition(|(name, _)| *name == DeadLetter::REASON).unwrap_or(all.len());
    all[..ours].to_vec()
}

/// What to publish where, so that it is read again; or why that can't be, as a sentence about the letter.
pub(super) fn original(letter: &Entry) -> Result<(Topic, Partition, Record), String> {
    let origin = origin(letter)
        .ok_or("does not say where it came from, so another program wrote it; retry it with that one")?;
    let inputs = [topic::RECEIVED, topic::COMMAND];
    let topic = inputs.into_iter().find(|topic| *topic == origin.topic).ok_or_else(|| {
        format!("came from {}, which the baristas do not read; publish it there by hand", origin.topic)
    })?;
    let record = &letter.record;
    let (has, had) = (record.value.as_deref().map_or(0, <[u8]>::len), size(letter));
    if has != had {
        return Err(format!(
            "was cut: of {had} bytes the first {has} are left; what is gone can't be retried"
        ));
    }
    if let Some(bytes) = header(letter, DeadLetter::HEADERS_LEFT_OUT) {
        return Err(format!("was cut: its headers of {bytes} bytes were left out; they can't be retried"));
    }
    if record.key.as_ref().is_some_and(|key| key.len() >= Limits::RECORD_BYTES) {
        return Err("was cut: of its key only the beginning is left; it can't be retried".to_owned());
    }
    let headers = Headers::new(its_own_headers(letter));
    Ok((topic, origin.partition, Record { key: record.key.clone(), value: record.value.clone(), headers }))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A letter as a barista writes it, with a value of `size` bytes before it was cut.
    pub(crate) fn letter(value: &str, size: usize, theirs: &[(&str, &[u8])]) -> Entry {
        let size = size.to_string();
        let ours: [(&str, &[u8]); 6] = [
            (DeadLetter::REASON, b"not JSON"),
            (DeadLetter::TOPIC, topic::RECEIVED.as_bytes()),
            (DeadLetter::PARTITION, b"1"),
            (DeadLetter::OFFSET, b"5"),
            (DeadLetter::SIZE, size.as_bytes()),
            (DeadLetter::SHA256, b"00"),
        ];
        let headers = Headers::new(theirs.iter().copied().chain(ours));
        let record = Record::new("a", value.to_owned()).with_headers(headers);
        Entry { topic: topic::DLQ, partition: 1, offset: 9, timestamp: 45_296_789, record }
    }

    #[test]
    fn a_place_is_a_partition_and_an_offset() {
        let place = Place { partition: 3, offset: 12 };
        assert_eq!("3/12".parse(), Ok(place));
        assert_eq!(place.to_string(), "3/12");
        for wrong in ["", "3", "3/", "/12", "-1/2", "3@12", "a/b", "3/12/1"] {
            assert!(wrong.parse::<Place>().unwrap_err().contains("0/12"), "{wrong}");
        }
    }

    #[test]
    fn a_retried_letter_is_what_it_was_when_it_came() {
        // Also the headers of one that has been here before, as someone else would have called it.
        let theirs: &[(&str, &[u8])] = &[("traceparent", b"x"), ("dlq_reason", b"of others"), ("x", b"\xff")];
        let letter = letter("?", 1, theirs);
        let (topic, partition, record) = original(&letter).unwrap();
        assert_eq!((topic, partition), (topic::RECEIVED, 1));
        assert_eq!(
            (record.key.as_deref(), record.value.as_deref()),
            (Some(b"a".as_slice()), Some(b"?".as_slice()))
        );
        assert_eq!(record.headers.iter().collect::<Vec<_>>(), theirs);
    }

    #[test]
    fn one_without_a_value_is_retried_without_one() {
        let mut letter = letter("", 0, &[]);
        letter.record.value = None;
        assert_eq!(original(&letter).unwrap().2.value, None);
    }

    #[test]
    fn what_was_cut_or_came_from_elsewhere_is_refused_with_a_sentence() {
        let mut letters = vec![(letter("?", 300_000, &[]), "of 300000 bytes the first 1 are left")];
        let mut long_key = letter("?", 1, &[]);
        long_key.record.key = Some(vec![b'k'; Limits::RECORD_BYTES].into());
        letters.push((long_key, "key"));
        let with = |name, value: &str| {
            let mut letter = letter("?", 1, &[]);
            let more = [(name, value.as_bytes())];
            letter.record.headers = Headers::new(letter.record.headers.iter().chain(more));
            letter
        };
        letters.push((with(DeadLetter::HEADERS_LEFT_OUT, "70000"), "headers of 70000 bytes"));
        letters.push((with(DeadLetter::TOPIC, "order.event"), "came from order.event"));
        letters.push((with(DeadLetter::OFFSET, "x"), "does not say where"));
        for (letter, says) in letters {
            let why = original(&letter).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn a_mark_names_its_letter_and_no_letter_is_taken_for_one() {
        let letter = letter("?", 1, &[(DeadLetter::MARK, b"dropped"), (DeadLetter::MARK_OFFSET, b"3")]);
        assert_eq!(mark(&letter), None, "its own headers make it none");
        let record = marking(&letter, DeadLetter::RETRIED);
        assert_eq!((&record.key, &record.value), (&letter.record.key, &None));
        let entry = Entry { offset: 10, record, ..letter.clone() };
        assert_eq!(mark(&entry), Some(Mark { letter: Place::of(&letter), done: "retried".to_owned() }));
        assert_eq!(origin(&entry), None, "whoever counts letters by where they came from does not count it");
    }
}
