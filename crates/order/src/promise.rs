//! When an order is said to be ready.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// A range of time in which an order is said to be ready; it does not end before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Range")]
pub struct Promise {
    from: Millis,
    to: Millis,
}

impl Promise {
    /// From then to then; `None` if that ends before it begins.
    pub fn new(from: Millis, to: Millis) -> Option<Self> {
        (from <= to).then_some(Self { from, to })
    }

    /// Not before this.
    pub fn from(self) -> Millis {
        self.from
    }

    /// Not after this.
    pub fn to(self) -> Millis {
        self.to
    }
}

/// What stands on the wire, before anyone has looked at it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Range {
    from: Millis,
    to: Millis,
}

impl TryFrom<Range> for Promise {
    type Error = &'static str;

    fn try_from(Range { from, to }: Range) -> Result<Self, &'static str> {
        Self::new(from, to).ok_or("a promise does not end before it begins")
    }
}

/// The same with nothing else in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExactRange {
    from: Millis,
    to: Millis,
}

impl ExactRange {
    pub(crate) fn promise(&self) -> Option<Promise> {
        Promise::new(self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_that_ends_before_it_begins_is_none() {
        assert_eq!(Promise::new(2, 1), None);
        assert!(serde_json::from_str::<Promise>(r#"{"from":2,"to":1}"#).is_err());
        let promise: Promise = serde_json::from_str(r#"{"from":1,"to":1}"#).unwrap();
        assert_eq!((promise.from(), promise.to()), (1, 1));
        assert_eq!(serde_json::to_string(&promise).unwrap(), r#"{"from":1,"to":1}"#);
    }
}
