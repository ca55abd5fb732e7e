//! Sheets that are owed, in records of `shop.state`, until they are printed: `print/ID` of an order, and `copy/WHAT/ID` of
//! one that staff want once more.

use std::collections::BTreeMap;

use eventlog::Offset;
use order::Millis;
use serde::{Deserialize, Serialize};

/// An order to be printed: [`Print`] under this and the order's id.
pub(crate) const PRINT_PREFIX: &str = "print/";
/// A sheet to be printed once more: [`Print`] under this, what it is, and the order's id: `copy/slip/ID`.
pub(crate) const COPY_PREFIX: &str = "copy/";
/// Orders and copies that are owed at once. A printer that is away for a whole day must not fill the memory.
pub(crate) const PRINTS_MAX: usize = 1_000;

/// What is to be printed of an order, where, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "OwedPrint"))]
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
    /// Of which order.
    pub(crate) order_id: Box<str>,
    /// Staff want it once more, whatever became of the order.
    pub(crate) is_copy: bool,
    pub(crate) print: Print,
    /// Where that stands: of several words on it the last one counts.
    pub(crate) at: Offset,
    /// When it was written.
    pub(crate) written_at: Millis,
}

/// All that is owed on paper, by the keys of the records that say so.
#[derive(Debug, Default)]
pub(crate) struct Prints(BTreeMap<Box<str>, Owed>);

impl Prints {
    pub(crate) fn get(&self, key: &str) -> Option<&Owed> {
        self.0.get(key)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Owed)> {
        self.0.iter().map(|(key, owed)| (&**key, owed))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes in a record that was written at this time; false: it is none of these.
    pub(super) fn apply(&mut self, at: Offset, key: &str, value: Option<&[u8]>, written_at: Millis) -> bool {
        let Some((order_id, is_copy)) = named(key) else { return false };
        let Some(print) = value.and_then(|value| serde_json::from_slice(value).ok()) else {
            self.0.remove(key);
            return true;
        };
        self.0.insert(key.into(), Owed { order_id: order_id.into(), is_copy, print, at, written_at });
        if self.0.len() > PRINTS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, owed)| owed.at).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.0.remove(&key));
        }
        true
    }
}

/// The order that a key names, and whether it is of a copy.
fn named(key: &str) -> Option<(&str, bool)> {
    let copy = || key.strip_prefix(COPY_PREFIX)?.split_once('/').map(|(_, id)| (id, true));
    key.strip_prefix(PRINT_PREFIX).map(|id| (id, false)).or_else(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_counts_and_there_are_never_more_than_are_kept() {
        let mut prints = Prints::default();
        let said = |prints: &mut Prints, at, key: &str, value: Option<&[u8]>, time| {
            assert!(prints.apply(at, key, value, time), "{key}");
        };
        said(&mut prints, 1, "print/a", Some(br#"{"printer":"p:1","by":"b","slip":true}"#), 5);
        let owed = prints.get("print/a").unwrap();
        assert!(
            owed.print.slip && !owed.print.ticket && !owed.is_copy && owed.at == 1 && &*owed.order_id == "a"
        );
        let trying = br#"{"printer":"p:1","by":"c","slip":true,"trying":true}"#;
        said(&mut prints, 2, "print/a", Some(trying), 6);
        assert!(prints.get("print/a").is_some_and(|owed| owed.print.trying && owed.print.by == "c"));
        for nothing in [None, Some(&b"nonsense"[..])] {
            said(&mut prints, 3, "print/a", nothing, 7);
            assert_eq!(prints.len(), 0);
        }
        let many = PRINTS_MAX as u64 + 10;
        for at in 0..many {
            said(&mut prints, at, &format!("print/{at}"), Some(br#"{"printer":"p:1","by":"b"}"#), 0);
        }
        assert_eq!(prints.len(), PRINTS_MAX);
        assert!(prints.get("print/0").is_none() && prints.get(&format!("print/{}", many - 1)).is_some());
    }

    #[test]
    fn a_copy_is_told_from_an_order_whatever_its_id_is() {
        let mut prints = Prints::default();
        let print = Some(&br#"{"printer":"p:1","by":"b","slip":true}"#[..]);
        assert!(prints.apply(1, "copy/slip/a/b", print, 5) && prints.apply(2, "print/copy/slip/a", print, 5));
        let is = |key| prints.get(key).map(|owed| (&*owed.order_id, owed.is_copy));
        assert_eq!(is("copy/slip/a/b"), Some(("a/b", true)));
        assert_eq!(is("print/copy/slip/a"), Some(("copy/slip/a", false)));
        assert!(!prints.apply(3, "open", print, 5) && !prints.apply(3, "copy/slip", print, 5));
    }
}
