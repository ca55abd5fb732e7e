//! All that a log has at one moment, record by record: for whoever writes it down, or makes another log of it.

use crate::{Entry, Millis, Offset, OpenError, Partition, Topic};

/// What a log had at one moment, before its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Which log it is: the same text, the same log.
    pub log: String,
    /// The moment, by the log's clock or the machine's.
    pub made_at: Millis,
    /// Each partition of each topic that it has.
    pub spans: Vec<Span>,
    /// Where groups go on.
    pub groups: Vec<GroupPosition>,
}

/// What a log had of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The topic.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: Partition,
    /// No record that was kept stands below this offset.
    pub start: Offset,
    /// The offset after the newest record.
    pub end: Offset,
    /// The log time of the newest record, also where that is not kept any more; `None`: the log does not say.
    pub newest: Option<Millis>,
}

/// Where a group goes on in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPosition {
    /// The group, without a prefix.
    pub group: String,
    /// The topic.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: Partition,
    /// The offset to read next.
    pub offset: Offset,
}

/// Who takes what a log has.
pub trait Take {
    /// Why it could not.
    type Error: From<OpenError>;

    /// Comes first, once.
    fn begin(&mut self, contents: &Contents) -> Result<(), Self::Error>;

    /// Takes one record. Those of one partition come in the order of their offsets; between partitions there is none.
    fn record(&mut self, entry: Entry) -> Result<(), Self::Error>;
}

/// How far the records of each partition have come: whether they stand within their span, and behind those before.
#[derive(Debug, Default)]
pub struct Cursors(Vec<(Span, Offset, u64)>);

impl Cursors {
    /// Before the first record of these.
    pub fn new(spans: &[Span]) -> Self {
        Self(spans.iter().map(|span| (*span, span.start, 0)).collect())
    }

    /// Takes in a record; which of the spans it stands in. `None`: in none of them, or not where it may.
    pub fn take(&mut self, topic: Topic, partition: Partition, offset: Offset) -> Option<usize> {
        // There are seven topics, and mostly one partition.
        let place =
            self.0.iter().position(|(span, ..)| (span.topic, span.partition) == (topic, partition))?;
        let (span, next, count) = &mut self.0[place];
        if offset < *next || offset >= span.end {
            return None;
        }
        *next = offset + 1;
        *count += 1;
        Some(place)
    }

    /// Each span with the number of its records so far.
    pub fn counts(&self) -> impl Iterator<Item = (&Span, u64)> {
        self.0.iter().map(|(span, _, count)| (span, *count))
    }

    /// How many records there were in all.
    pub fn records(&self) -> u64 {
        self.0.iter().map(|(.., count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_stands_where_none_may_is_not_taken() {
        let span = Span { topic: "a", partition: 1, start: 3, end: 7, newest: None };
        let mut cursors = Cursors::new(&[Span { partition: 0, ..span }, span]);
        for (partition, offset, place) in [
            (1, 2, None),
            (1, 3, Some(1)),
            (1, 3, None),
            (1, 6, Some(1)),
            (1, 7, None),
            (2, 3, None),
            (0, 4, Some(0)),
        ] {
            assert_eq!(cursors.take("a", partition, offset), place, "{partition} {offset}");
        }
        assert_eq!(cursors.take("b", 1, 5), None);
        assert_eq!(cursors.records(), 3);
        assert_eq!(cursors.counts().map(|(_, count)| count).collect::<Vec<_>>(), [1, 2]);
    }
}
