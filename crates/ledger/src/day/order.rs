//! One order of a day: what people look for, and how it went.

use std::sync::Arc;

use eventlog::{Millis, Offset, Partition};
use order::{Channel, Item, Kind, Mode, Order, Presence, Promise, Stage, Title};
use serde::Serialize;

use crate::Name;

/// The name of a currency has three letters. Source: ISO 4217.
const CURRENCY_BYTES: usize = 3;

/// One order of the day.
#[derive(Debug, Clone)]
pub struct DayOrder {
    /// Which.
    pub order_id: Name,
    /// Its partition.
    pub partition: Partition,
    /// Where it stands in `order.received`, if that was read.
    pub offset: Option<Offset>,
    /// When it was accepted, by the log's time.
    pub received_at: Millis,
    /// The number of its pickup code; 0: it has none.
    pub code: u32,
    /// What is to be made; empty if only the bell was ordered.
    pub lines: Arc<[Line]>,
    /// Number of cups.
    pub amount: u16,
    /// What it cost when it was placed, in the smallest unit of its currency.
    pub total: Option<u64>,
    /// In which currency: ISO 4217.
    pub currency: Option<Box<str>>,
    /// Where it was ordered.
    pub channel: Option<Channel>,
    /// A till's ticket number.
    pub reference: Option<Box<str>>,
    /// When it was first said to be ready.
    pub promised: Option<Promise>,
    /// It waits, or waited, for payment.
    pub unpaid: bool,
    /// Who moves it on.
    pub mode: Option<Mode>,
    /// Of its last decision; 0: there is none.
    pub version: u32,
    /// Where it is.
    pub stage: Stage,
    /// How many times it was begun.
    pub round: u32,
    /// How often it was only called too soon, so that nothing was made once more.
    pub taken_back: u32,
    /// When the bell rang first.
    pub first_ready_at: Option<Millis>,
    /// When the bell rang in this round.
    pub ready_at: Option<Millis>,
    /// When it was collected, given up or cancelled.
    pub finished_at: Option<Millis>,
    /// When somebody last worked on it: of what its phone does nothing is told by that.
    pub touched_at: Millis,
    /// When it moves on by itself.
    pub due_at: Option<Millis>,
    /// When the phone rang in this round.
    pub rang_at: Option<Millis>,
    /// What its page was last doing.
    pub presence: Option<Presence>,
    /// What was decided last.
    pub last: Option<Kind>,
    /// It was brought back to be made once more, and nobody has worked on it since.
    pub waits_again: bool,
    /// Number of cups that it brought to this day; 0 if it was accepted on another.
    pub counted: u16,
    /// Its record of `order.received` was read, or what stood in it was told.
    pub known: bool,
}

/// One line of an order: what people look for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DrinkLine"))]
pub struct Line {
    /// How many.
    pub quantity: u16,
    /// What it is called.
    pub title: Words,
    /// What is different about it.
    pub option_titles: Vec<Words>,
}

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DrinkTitle"))]
pub struct Words {
    /// In English.
    pub en: Box<str>,
    /// In Korean.
    pub ko: Box<str>,
}

impl DayOrder {
    pub(super) fn new(order_id: Name, partition: Partition, received_at: Millis) -> Self {
        Self {
            order_id,
            partition,
            offset: None,
            received_at,
            code: 0,
            lines: Arc::default(),
            amount: 0,
            total: None,
            currency: None,
            channel: None,
            reference: None,
            promised: None,
            unpaid: false,
            mode: None,
            version: 0,
            stage: Stage::Received,
            round: 1,
            taken_back: 0,
            first_ready_at: None,
            ready_at: None,
            finished_at: None,
            touched_at: received_at,
            due_at: None,
            rang_at: None,
            presence: None,
            last: None,
            waits_again: false,
            counted: 0,
            known: false,
        }
    }

    pub(super) fn tell(&mut self, order: &Order, lines: Arc<[Line]>) {
        self.lines = lines;
        self.amount = order.amount;
        self.known = true;
        let Some(details) = order.details() else { return };
        self.channel = details.channel;
        self.reference = details.reference.as_deref().map(Into::into);
        self.total = details.total;
        // What is longer is none, and counters of someone else may write anything.
        self.currency = details.currency.clone().filter(|currency| currency.len() <= CURRENCY_BYTES);
        self.promised = self.promised.or(details.promise);
        self.unpaid = details.unpaid && self.last != Some(Kind::Accept);
    }

    /// Whether it is made once more: the same as [`order::OrderState::is_remake`].
    pub fn is_remake(&self) -> bool {
        self.round.saturating_sub(self.taken_back) > 1
    }

    /// Whether it waits for payment.
    pub fn awaits_payment(&self) -> bool {
        self.unpaid && self.stage == Stage::Received
    }

    /// How long it was waited for: to the first bell, else to its end, else to now.
    pub fn wait_ms(&self, now: Millis) -> Millis {
        let until = self.first_ready_at.or(self.finished_at).unwrap_or(now);
        until.saturating_sub(self.received_at).max(0)
    }

    /// Whether it was, or is, not ready by the end of its promise.
    pub fn is_late(&self, now: Millis) -> bool {
        self.promised.is_some_and(|promise| match self.first_ready_at {
            Some(ready_at) => ready_at > promise.to(),
            None => self.stage.is_open() && now > promise.to(),
        })
    }
}

impl Line {
    pub(super) fn of(item: &Item) -> Self {
        let plain = |text: &str| Words { en: text.into(), ko: text.into() };
        let of = |title: &Title| Words { en: title.en.clone(), ko: title.ko.clone() };
        let details = item.details();
        let title = details.and_then(|details| details.title.as_ref());
        let titles = details.map_or(&[][..], |details| &details.option_titles);
        let option_titles = if titles.is_empty() {
            item.options.iter().map(|option| plain(option)).collect()
        } else {
            titles.iter().map(of).collect()
        };
        Self { quantity: item.quantity, title: title.map_or_else(|| plain(&item.item), of), option_titles }
    }
}
