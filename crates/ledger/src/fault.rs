//! What can be wrong, and where to look.

use eventlog::{Offset, Partition, Topic};

use crate::Name;

/// Something that is wrong with one order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[error("{}{wrong}", .order_id.as_ref().map(|id| format!("order {id}: ")).unwrap_or_default())]
pub struct Fault {
    /// The order, unless nobody can tell which.
    pub order_id: Option<Name>,
    /// What is wrong.
    pub wrong: Wrong,
    /// The last thing that the log says of it.
    pub place: Place,
}

impl Fault {
    /// Whether another one says the same of the same order, or of the same place if nobody can tell which order it is;
    /// the log may have more of it by now.
    pub fn is_like(&self, other: &Self) -> bool {
        let is_there = self.place.partition == other.place.partition
            && (self.order_id.is_some() || self.place == other.place);
        is_there && self.order_id == other.order_id && self.wrong.name() == other.wrong.name()
    }
}

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The topic.
    pub topic: Topic,
    /// The partition of the topic.
    pub partition: Partition,
    /// The place in the partition.
    pub offset: Offset,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Wrong {
    /// Decisions on an order that was never accepted.
    #[error("it was decided on but never accepted")]
    NeverAccepted,
    /// Orders behind it were taken, and it was not.
    #[error("it was accepted and passed over: orders behind it were taken")]
    PassedOver,
    /// A decision is missing, stands twice, or does not begin where the last one ended.
    #[error("version {found} follows version {after}")]
    Gap {
        /// The version of the last decision that fitted.
        after: u32,
        /// The version of the one that did not.
        found: u32,
    },
    /// A round became ready, and the bell did not ring.
    #[error("round {round} is ready but was never announced")]
    NotAnnounced {
        /// The round.
        round: u32,
    },
    /// The bell of a round rang more than once, or without the order being ready.
    #[error("round {round} was announced {times} times, and ready {expected} times")]
    Announced {
        /// The round.
        round: u32,
        /// How often the bell rang.
        times: u32,
        /// How often it was to ring.
        expected: u32,
    },
    /// A dead letter from a place where a good order stands, or none at all.
    #[error("a dead letter says that nothing readable stands here, and that is not so")]
    DeadLetterOfNothing,
    /// An unreadable record that was passed over.
    #[error("this record can't be read, and no dead letter says so")]
    NotDeadLettered,
    /// A decision that can't be read.
    #[error("this decision can't be read")]
    Unreadable,
}

impl Wrong {
    /// Its name on the wire: it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeverAccepted => "never_accepted",
            Self::PassedOver => "passed_over",
            Self::Gap { .. } => "gap",
            Self::NotAnnounced { .. } => "not_announced",
            Self::Announced { .. } => "announced",
            Self::DeadLetterOfNothing => "dead_letter_of_nothing",
            Self::NotDeadLettered => "not_dead_lettered",
            Self::Unreadable => "unreadable",
        }
    }
}
