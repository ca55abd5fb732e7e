//! Orders that are owed on paper, in records of `shop.state`: `print/ID`, until it is printed.

use std::collections::BTreeMap;

use eventlog::Offset;
use order::Millis;
use serde::{Deserialize, Serialize};

/// An order to be printed: [`Print`] under this and the order's id.
pub(crate) const PRINT_PREFIX: &str = "print/";
/// Orders that are owed at once. A printer that is away for a whole day must not fill the memory.
pub(crate) const PRINTS_MAX: usize = 1_000;

/// What is to be printed of an order, where, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Print {
    /// Where the printer of the counter listens that took the order.
    pub(crate) printer: String,
    /// Which process prints it.
    pub(crate) by: String,
    /// A ticket for the bar.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) ticket: bool,
    /// A slip for the customer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) slip: bool,
    /// It is being printed; whoever finds it like this does not know whether it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) trying: bool,
}

/// What the log says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) print: Print,
    /// Where that stands: of several words on it the last one counts.
    pub(crate) at: Offset,
    /// When it was written.
    pub(crate) written_at: Millis,
}

/// All orders that are owed on paper, by id.
#[derive(Debug, Default)]
pub(crate) struct Prints(BTreeMap<Box<str>, Owed>);

impl Prints {
    pub(crate) fn get(&self, id: &str) -> Option<&Owed> {
        self.0.get(id)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Owed)> {
        self.0.iter().map(|(id, owed)| (&**id, owed))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn apply(&mut self, at: Offset, id: &str, value: Option<&[u8]>, written_at: Millis) {
        let Some(print) = value.and_then(|value| serde_json::from_slice(value).ok()) else {
            self.0.remove(id);
            return;
        };
        self.0.insert(id.into(), Owed { print, at, written_at });
        if self.0.len() > PRINTS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, owed)| owed.at).map(|(id, _)| id.clone());
            oldest.and_then(|id| self.0.remove(&id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_there_are_never_more_than_are_kept() {
        let mut prints = Prints::default();
        prints.apply(1, "a", Some(br#"{"printer":"p:1","by":"b","slip":true}"#), 5);
        assert!(prints.get("a").is_some_and(|owed| owed.print.slip && !owed.print.ticket && owed.at == 1));
        prints.apply(2, "a", Some(br#"{"printer":"p:1","by":"c","slip":true,"trying":true}"#), 6);
        assert!(prints.get("a").is_some_and(|owed| owed.print.trying && owed.print.by == "c"));
        for nothing in [None, Some(&b"nonsense"[..])] {
            prints.apply(3, "a", nothing, 7);
            assert_eq!(prints.len(), 0);
        }
        let many = PRINTS_MAX as u64 + 10;
        for at in 0..many {
            prints.apply(at, &format!("{at}"), Some(br#"{"printer":"p:1","by":"b"}"#), 0);
        }
        assert_eq!(prints.len(), PRINTS_MAX);
        assert!(prints.get("0").is_none() && prints.get(&format!("{}", many - 1)).is_some());
    }
}
