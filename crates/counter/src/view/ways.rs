//! How the orders of a partition are made: by whom, how fast, after which others.

use std::num::{NonZeroI64, NonZeroU32};

use eventlog::Partition;
use order::{Millis, Mode, Order, OrderState, Rules, Stage};
use shop::{
    MenuItem,
    promise::{Bar, Open, Progress},
};

use super::View;

/// Orders that wait for the same hands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Queue {
    /// People make them, of whichever partition.
    People,
    /// They make themselves, so many at once for each barista.
    Barista(Box<str>),
    /// The same, where nobody knows whose partition it is: one barista works on each.
    Partition(Partition),
}

/// How the orders of a partition are made.
#[derive(Debug, Clone)]
pub(super) struct Ways {
    pub(super) mode: Mode,
    pub(super) cup_ms: u64,
    pub(super) bar: Bar,
    /// Where they wait; `None`: each is begun at once.
    pub(super) queue: Option<Queue>,
}

impl Ways {
    /// How the orders of a partition are made, if a barista of ours has said so.
    pub(super) fn of(view: &View, partition: Partition) -> Option<Self> {
        let name = view.barista_of(partition);
        let barista =
            name.and_then(|name| view.shop().barista_named(name)).or_else(|| view.shop().barista())?;
        let mode = if barista.mode.as_deref() == Some("manual") { Mode::Manual } else { Mode::Auto };
        let said = barista.hands.and_then(NonZeroU32::new);
        let recent = view.recent();
        let (hands, queue) = match mode {
            Mode::Manual => {
                // Where nobody said, they are counted.
                let seen = recent.hands().seen(view.counts().of(Stage::Making));
                (said.or(Some(seen)), Some(Queue::People))
            }
            Mode::Auto => {
                let queue = name.map_or(Queue::Partition(partition), |name| Queue::Barista(name.into()));
                (said, said.map(|_| queue))
            }
        };
        let cup_ms = barista.cup_ms.unwrap_or(Rules::default().cup_ms);
        Some(Self { mode, cup_ms, bar: Bar { hands, pace: recent.pace() }, queue })
    }

    /// How long one cup takes.
    pub(super) fn cup(&self) -> Millis {
        match self.mode {
            Mode::Auto => Millis::try_from(self.cup_ms).unwrap_or(Millis::MAX),
            Mode::Manual => Millis::from(MenuItem::SECONDS) * 1_000,
        }
    }

    /// How long the order takes to make.
    pub(super) fn work(&self, order: &Order) -> Millis {
        work(order, self.mode, self.cup_ms)
    }

    /// An order as it is in the line.
    pub(super) fn open(&self, state: &OrderState) -> Open {
        // Before anyone decided, it will be made as the others are.
        let mode = if state.version == 0 { self.mode } else { state.mode };
        let progress = match state.stage {
            Stage::Making => {
                let since = state.making_at.map_or(state.changed_at, NonZeroI64::get);
                Progress::Making { since, due: state.due() }
            }
            _ => Progress::Waiting,
        };
        Open { work: work(&state.order, mode, self.cup_ms), mode, progress }
    }
}

/// How long an order takes to make. What the barista says of a cup is how long one takes that makes itself; people's
/// are as long as the menu's are where it doesn't say.
pub(super) fn work(order: &Order, mode: Mode, cup_ms: u64) -> Millis {
    let cup_ms = match mode {
        Mode::Auto => cup_ms,
        Mode::Manual => u64::from(MenuItem::SECONDS) * 1_000,
    };
    Rules { cup_ms, ..Rules::default() }.make_ms(order)
}
