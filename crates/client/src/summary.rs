//! How it adds up: a fold over the events.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::event::{Event, millis};

/// How a run went, so far or at its end. As JSON: the fields below, and what follows from them, `waiting` and
/// `not_ordered`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Customers who were to come.
    pub customers: u32,
    /// Orders that the counter took.
    pub accepted: u32,
    /// Accepted orders that rang at least once.
    pub ready: u32,
    /// Orders that the counter refused.
    pub refused: u32,
    /// Orders that no answer settled.
    pub unanswered: u32,
    /// Accepted orders that were cancelled before they rang.
    pub cancelled: u32,
    /// Accepted orders whose bell could not be heard.
    pub unheard: u32,
    /// From the first request to the first bell, of the order that took longest.
    pub slowest: Option<Duration>,
}

/// What a [`Summary`] comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every customer came, every order was accepted and rang.
    AllReady,
    /// It was stopped while customers were still to come or bells still to ring; nothing went wrong.
    Stopped,
    /// An order was refused, cancelled, or could not be heard.
    Failed,
}

impl Summary {
    pub(crate) fn new(customers: u32) -> Self {
        Self { customers, ..Self::default() }
    }

    /// Accepted orders whose bell is still to come.
    pub fn waiting(&self) -> u32 {
        self.accepted.saturating_sub(self.ready + self.cancelled + self.unheard)
    }

    /// Customers who got an answer, or know that they won't.
    pub fn served(&self) -> u32 {
        self.accepted + self.refused + self.unanswered
    }

    /// Customers who have not got so far.
    pub fn not_ordered(&self) -> u32 {
        self.customers.saturating_sub(self.served())
    }

    /// Nobody is still to come, and nothing is still to ring for the first time.
    pub fn all_over(&self) -> bool {
        self.served() >= self.customers && self.waiting() == 0
    }

    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        if self.refused + self.unanswered + self.cancelled + self.unheard > 0 {
            Verdict::Failed
        } else if self.all_over() {
            Verdict::AllReady
        } else {
            Verdict::Stopped
        }
    }

    pub(crate) fn add(&mut self, event: &Event) {
        match event {
            Event::Accepted { .. } => self.accepted += 1,
            Event::Refused { .. } => self.refused += 1,
            Event::Unanswered { .. } => self.unanswered += 1,
            Event::Ready { again: false, waited, .. } => {
                self.ready += 1;
                self.slowest = self.slowest.max(Some(*waited));
            }
            Event::Cancelled { rang: false, .. } => self.cancelled += 1,
            Event::Unheard { .. } => self.unheard += 1,
            Event::Ready { again: true, .. }
            | Event::Cancelled { rang: true, .. }
            | Event::Recalled { .. }
            | Event::Lost { .. }
            | Event::Back { .. }
            | Event::Waiting { .. }
            | Event::AllOver { .. }
            | Event::Summary(_) => {}
        }
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Without `..`, so that a new field has to be told, too.
        let Self { customers, accepted, ready, refused, unanswered, cancelled, unheard, slowest } = self;
        let mut fields = serializer.serialize_struct("Summary", 10)?;
        let counts = [
            ("customers", *customers),
            ("accepted", *accepted),
            ("ready", *ready),
            ("refused", *refused),
            ("unanswered", *unanswered),
            ("cancelled", *cancelled),
            ("unheard", *unheard),
            ("waiting", self.waiting()),
            ("not_ordered", self.not_ordered()),
        ];
        for (name, count) in counts {
            fields.serialize_field(name, &count)?;
        }
        fields.serialize_field("slowest_ms", &slowest.map(millis))?;
        fields.end()
    }
}
