//! What the count knows of each order.

use eventlog::{Millis, Offset, Partition};
use order::{Named, Places, Stage};

use crate::Name;

/// What the count knows of one order.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: Name,
    /// Where it stands in `order.received`, if that was read or said.
    pub(crate) at: Option<Offset>,
    /// When that was written, by the log's time.
    pub(crate) received_at: Millis,
    /// Where its last decision stands.
    pub(crate) event: Offset,
    /// When the last record about it was written, by the log's time.
    pub(crate) changed_at: Millis,
    pub(crate) partition: Partition,
    /// Of its last decision; 0: there is none.
    pub(crate) version: u32,
    pub(crate) round: u32,
    /// Up to this round each bell rang once, but for those that are looked into.
    pub(crate) rung: u32,
    pub(crate) stage: Stage,
    pub(crate) flags: Flags,
}

/// What is so of an order besides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    /// It was there before the count began.
    pub(crate) carried: bool,
    /// Its history has a hole: nobody knows where it is.
    pub(crate) broken: bool,
    /// Somebody else's barista made it: all that is said of it is its bell.
    pub(crate) foreign: bool,
}

/// Orders, found by their partitions and names.
pub(crate) type Rows = Places<Row>;

impl Named for Row {
    type Name<'a> = (Partition, &'a Name);

    fn name(&self) -> (Partition, &Name) {
        (self.partition, &self.name)
    }
}
