//! Which orders of a day someone looks for.

use eventlog::Millis;
use order::{Code, Stage};

use crate::{Day, DayOrder, Name};

/// Words of one search that are looked for; more are not.
const WORDS_MAX: usize = 16;

/// Which orders of a day someone looks for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    words: Vec<String>,
    filter: Filter,
}

/// Which of them at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Received and making.
    Open,
    /// Not ready by the end of their promises.
    Late,
    /// Recalled.
    Remade,
    /// Cancelled.
    Cancelled,
}

impl Filter {
    /// The filter with this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "open" => Self::Open,
            "late" => Self::Late,
            "remade" => Self::Remade,
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
    }
}

/// What someone looks for, found: the newest first.
#[derive(Debug)]
pub struct Found<'a> {
    /// How many there are.
    pub matching: usize,
    /// Those that are shown.
    pub orders: Vec<&'a DayOrder>,
    /// There are more behind them.
    pub more: bool,
}

impl Search {
    /// Orders in which each word of `text` stands: in the name of a drink or an option, in either language, in the
    /// pickup code, the ticket number, the state or the id.
    pub fn new(text: &str, filter: Filter) -> Self {
        let words = text.split_whitespace().take(WORDS_MAX).map(str::to_lowercase).collect();
        Self { words, filter }
    }

    /// At most `limit` of the orders that are looked for, from behind the order `after` on.
    pub fn among<'a>(&self, day: &'a Day, after: Option<&Name>, limit: usize, now: Millis) -> Found<'a> {
        let mut matching: Vec<&DayOrder> =
            day.orders().iter().filter(|order| self.passes(order, now) && self.fits(order)).collect();
        matching.sort_by_key(|order| std::cmp::Reverse((order.received_at, order.offset, order.partition)));
        let from = after.map_or(0, |after| {
            matching.iter().position(|order| order.order_id == *after).map_or(matching.len(), |at| at + 1)
        });
        let orders: Vec<_> = matching[from..].iter().take(limit).copied().collect();
        Found { matching: matching.len(), more: from + orders.len() < matching.len(), orders }
    }

    fn passes(&self, order: &DayOrder, now: Millis) -> bool {
        match self.filter {
            Filter::All => true,
            Filter::Open => order.stage.is_open(),
            Filter::Late => order.is_late(now),
            Filter::Remade => order.is_remake(),
            Filter::Cancelled => order.stage == Stage::Cancelled,
        }
    }

    fn fits(&self, order: &DayOrder) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let mut text = order.order_id.to_string();
        let mut add = |more: &str| {
            text.push('\n');
            text.push_str(more);
        };
        for line in &*order.lines {
            for words in std::iter::once(&line.title).chain(&line.option_titles) {
                add(&words.en);
                add(&words.ko);
            }
        }
        if order.code > 0 {
            let Code { number, words, .. } = Code::of(order.code);
            add(&format!("{} {number}", words.en));
            add(&format!("{} {number}", words.ko));
            add(&Code::label(number, Some(order.partition)));
        }
        add(order.stage.name());
        add(order.reference.as_deref().unwrap_or_default());
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}
