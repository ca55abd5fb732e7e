//! Lines as a log. What was taken counts only when the last line was read, and says the same of those before it.

use std::io::{BufRead, Read as _};

use client::printable;
use eventlog::{
    Entry, OpenError, Topic, TopicSpec,
    transfer::{Contents, Cursors, GroupPosition, Span, Take},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    lines::{Count, FORMAT, First, Last, Line, MAX_LINE_BYTES, VERSION},
    write::hex,
};

/// What an export has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// When, in milliseconds since 1970.
    pub made_at: i64,
    /// How many of all partitions.
    pub records: u64,
}

/// Reads an export to its end. `name` is what messages call it; `topics` are those of the contract. What was taken counts only
/// if this does not fail.
pub fn read(
    from: impl BufRead,
    name: &str,
    topics: &[TopicSpec],
    take: &mut impl Take<Error = OpenError>,
) -> Result<Exported, OpenError> {
    let mut lines = Lines { from, name, line: Vec::new(), number: 0, sum: Sha256::new() };
    let none = || {
        OpenError::NotUsable(format!("{name} is no export of a log; say a file that brewline export wrote"))
    };
    if !lines.next()? {
        return Err(none());
    }
    let first = first(&lines, none)?;
    let contents = contents(&lines, &first, topics)?;
    take.begin(&contents)?;
    let mut cursors = Cursors::new(&contents.spans);
    loop {
        let sum = lines.sum.clone();
        if !lines.next()? {
            return Err(lines.broken("its end is missing"));
        }
        if let Ok(last) = lines.parsed::<Last>() {
            if lines.next()? {
                return Err(lines.broken("something stands behind its end"));
            }
            let counts = cursors.counts().map(|(span, records)| Count {
                topic: span.topic.to_owned(),
                partition: span.partition,
                records,
            });
            if last.records != cursors.records() || last.partitions != counts.collect::<Vec<_>>() {
                return Err(lines.broken("it has not as many records as it says"));
            }
            if last.sha256 != hex(sum) {
                return Err(lines.broken("its checksum is another: something in it was changed"));
            }
            return Ok(Exported { made_at: first.made_at, records: last.records });
        }
        let entry = entry(&lines, &contents.spans)?;
        if cursors.take(entry.topic, entry.partition, entry.offset).is_none() {
            return Err(lines.wrong("the record stands where none may stand"));
        }
        take.record(entry)?;
    }
}

fn first<R>(lines: &Lines<'_, R>, none: impl Fn() -> OpenError) -> Result<First, OpenError> {
    #[derive(Deserialize)]
    struct Version {
        format: String,
        version: u64,
    }
    let Version { format, version } = lines.parsed().map_err(|_| none())?;
    if format != FORMAT {
        return Err(none());
    }
    if version > u64::from(VERSION) {
        return Err(OpenError::Newer(format!(
            "the export {} was written by a newer version of this program (version {version} of its lines, this one knows up \
             to {VERSION}): use the newer program",
            lines.name
        )));
    }
    lines.parsed().map_err(|why| lines.wrong(&why))
}

fn contents<R>(lines: &Lines<'_, R>, first: &First, topics: &[TopicSpec]) -> Result<Contents, OpenError> {
    let known = |name: &str| -> Result<Topic, OpenError> {
        topics.iter().map(|spec| spec.name).find(|topic| *topic == name).ok_or_else(|| {
            OpenError::Newer(format!(
                "the export {} has a topic {}, which this program does not know: use the newer program",
                lines.name,
                printable(name)
            ))
        })
    };
    let mut contents = Contents { log: first.log.clone(), made_at: first.made_at, ..Contents::default() };
    for range in &first.partitions {
        let (topic, partition, start, end) = (known(&range.topic)?, range.partition, range.start, range.end);
        let is_new = contents.spans.iter().all(|span| (span.topic, span.partition) != (topic, partition));
        if start > end || !is_new || end > 1 << 52 || partition >= 100_000 {
            return Err(lines.wrong(&format!("what it says of {topic}-{partition} makes no sense")));
        }
        contents.spans.push(Span { topic, partition, start, end, newest: range.newest });
    }
    for goes in &first.groups {
        // It is shown where a group is in the way.
        if printable(&goes.group) != goes.group {
            return Err(lines.wrong("a group has a name that no group has"));
        }
        contents.groups.push(GroupPosition {
            group: goes.group.clone(),
            topic: known(&goes.topic)?,
            partition: goes.partition,
            offset: goes.offset,
        });
    }
    Ok(contents)
}

fn entry<R>(lines: &Lines<'_, R>, spans: &[Span]) -> Result<Entry, OpenError> {
    let line: Line<'_> = lines.parsed().map_err(|why| lines.wrong(&why))?;
    let record = line.record().map_err(|why| lines.wrong(why))?;
    let topic = spans.iter().map(|span| span.topic).find(|topic| *topic == line.topic);
    let topic = topic.ok_or_else(|| lines.wrong("it is of a topic that the first line does not name"))?;
    Ok(Entry { topic, partition: line.partition, offset: line.offset, timestamp: line.timestamp, record })
}

/// The lines of an export, one at a time.
struct Lines<'a, R> {
    from: R,
    name: &'a str,
    line: Vec<u8>,
    number: u64,
    /// Of all lines so far.
    sum: Sha256,
}

impl<R: BufRead> Lines<'_, R> {
    /// The next one; false behind the last.
    fn next(&mut self) -> Result<bool, OpenError> {
        self.line.clear();
        let read = (&mut self.from).take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut self.line);
        read.map_err(|error| OpenError::Storage(format!("cannot read {}: {error}; try again", self.name)))?;
        self.number += u64::from(!self.line.is_empty());
        if self.line.len() > MAX_LINE_BYTES {
            return Err(self.wrong(&format!("it has more than {MAX_LINE_BYTES} bytes")));
        }
        if !self.line.is_empty() && self.line.last() != Some(&b'\n') {
            // Cut in the middle of a line; or none of ours, which has no second.
            return if self.number == 1 { Ok(true) } else { Err(self.broken("its end is missing")) };
        }
        self.sum.update(&self.line);
        Ok(!self.line.is_empty())
    }
}

impl<R> Lines<'_, R> {
    fn parsed<'a, T: Deserialize<'a>>(&'a self) -> Result<T, String> {
        // It may name what stands in the line, which may be anything.
        serde_json::from_slice(&self.line).map_err(|error| printable(&error.to_string()).into_owned())
    }

    fn wrong(&self, why: &str) -> OpenError {
        self.broken(&format!("line {} makes no sense: {why}", self.number))
    }

    fn broken(&self, what: &str) -> OpenError {
        OpenError::Broken(format!("the export {} is broken: {what}; take another one", self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use eventlog::Record;
    use tokio_util::sync::CancellationToken;

    use super::{super::write::Writer, *};

    #[derive(Debug, Default, PartialEq)]
    pub(crate) struct Kept(Option<Contents>, Vec<Entry>);

    impl Take for Kept {
        type Error = OpenError;

        fn begin(&mut self, contents: &Contents) -> Result<(), OpenError> {
            self.0 = Some(contents.clone());
            Ok(())
        }

        fn record(&mut self, entry: Entry) -> Result<(), OpenError> {
            self.1.push(entry);
            Ok(())
        }
    }

    fn small() -> Kept {
        let span = |topic, partition| Span { topic, partition, start: 3, end: 9, newest: None };
        let contents = Contents {
            log: "local:7".to_owned(),
            made_at: 5,
            spans: vec![
                span(order::topic::RECEIVED, 0),
                Span { newest: Some(8), ..span(order::topic::STATE, 1) },
            ],
            groups: vec![GroupPosition {
                group: "g".to_owned(),
                topic: order::topic::RECEIVED,
                partition: 0,
                offset: 4,
            }],
        };
        let entry =
            |topic, partition, offset, record| Entry { topic, partition, offset, timestamp: 8, record };
        let entries = vec![
            entry(order::topic::RECEIVED, 0, 3, Record::new("a", "{\"order_id\":\"a\"}")),
            entry(order::topic::STATE, 1, 4, Record::new("\0positions", "{}")),
            entry(order::topic::RECEIVED, 0, 8, Record::tombstone("a")),
        ];
        Kept(Some(contents), entries)
    }

    fn written(of: &Kept) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), CancellationToken::new());
        writer.begin(of.0.as_ref().unwrap()).unwrap();
        of.1.iter().for_each(|entry| writer.record(entry.clone()).unwrap());
        writer.finish().unwrap().0
    }

    fn back(lines: &[u8]) -> Result<(Exported, Kept), OpenError> {
        let mut kept = Kept::default();
        read(lines, "a.jsonl", &crate::catalog(Duration::ZERO), &mut kept).map(|exported| (exported, kept))
    }

    #[test]
    fn what_was_written_reads_back() {
        let lines = written(&small());
        let (exported, kept) = back(&lines).unwrap();
        assert_eq!(exported, Exported { made_at: 5, records: 3 });
        assert_eq!(kept, small());
    }

    #[test]
    fn an_export_that_was_cut_anywhere_is_refused() {
        let lines = written(&small());
        for len in 0..lines.len() {
            let why = back(&lines[..len]).unwrap_err();
            assert!(matches!(why, OpenError::Broken(_) | OpenError::NotUsable(_)), "{len}: {why:?}");
            let text = why.to_string();
            assert!(!text.contains('\n') && text.contains("a.jsonl"), "{text}");
        }
        // Also where whole lines are missing in the middle.
        let text = String::from_utf8(lines).unwrap();
        let mut left: Vec<_> = text.split_inclusive('\n').collect();
        left.remove(2);
        let without = left.concat();
        assert!(back(without.as_bytes()).unwrap_err().to_string().contains("not as many records"));
    }

    #[test]
    fn an_export_that_was_changed_is_refused() {
        let text = String::from_utf8(written(&small())).unwrap();
        for (from, to, why) in [
            ("\"timestamp\":8", "\"timestamp\":9", "checksum"),
            ("\"offset\":8", "\"offset\":9", "line 4 makes no sense"),
            ("\"offset\":8", "\"offset\":2", "line 4 makes no sense"),
            ("\"partition\":1,\"offset\"", "\"partition\":2,\"offset\"", "line 3 makes no sense"),
            ("\"version\":1", "\"version\":2", "newer version"),
            ("brewline-export", "something", "is no export"),
            ("order.state\",\"partition\":1,\"start\"", "order.new\",\"partition\":1,\"start\"", "order.new"),
            ("\"start\":3", "\"start\":30", "makes no sense"),
        ] {
            assert!(text.contains(from), "{from}");
            let said = back(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(said.contains(why), "{from}: {said}");
        }
        let twice = format!("{text}{text}");
        assert!(back(twice.as_bytes()).unwrap_err().to_string().contains("behind its end"));
    }
}
