//! What a checker finds.

use std::fmt;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise it breaks.
    pub kind: Kind,
    /// What is so instead.
    pub what: String,
}

/// A promise; the numbers are those of the invariants in ARCHITECTURE.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// 1: a record was read past, and nothing says what became of it.
    Lost,
    /// 1, 2: the ledger does not add up.
    Ledger,
    /// 2: the bell of a round rang twice, not at all, or with other words.
    Bell,
    /// 3: something moved on before its time, too late, or with another due time.
    Timer,
    /// 4: a dead letter is missing, or is not what came.
    DeadLetter,
    /// 5, 6: a decision that the contract does not know, or that stands twice.
    Decision,
    /// A command was answered wrongly, twice, or out of turn.
    Answer,
    /// 7: two live orders share a pickup number.
    Code,
    /// The state is not what the decisions make of it.
    State,
    /// The engine stopped and asked for a person, without need.
    Stopped,
    /// The faults are over, and something still waits that need not.
    Stuck,
    /// 9: a view shows what is not.
    View,
    /// The program panicked.
    Panic,
}

impl Violation {
    /// A violation of this kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}
