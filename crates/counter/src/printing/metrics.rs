//! What the counter says of its printer, as Prometheus text.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{Shown, State};

/// What is counted of a printer.
#[derive(Debug, Default)]
pub(crate) struct PrinterMetrics {
    state: Family<Is, Gauge>,
    waiting: Gauge,
    printed: Family<Printed, Counter>,
    broken: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Is {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Printed {
    /// `true` where it may have come out before.
    copy: &'static str,
}

impl PrinterMetrics {
    pub(crate) fn register(&self, to: &mut Registry) {
        let state = "1 for how the receipt printer is; nothing without one";
        to.register("printer_state", state, self.state.clone());
        let waiting = "Orders and copies that wait for this counter's printer";
        to.register("prints_waiting", waiting, self.waiting.clone());
        let printed = "Orders and copies that came out of the printer, by whether they were marked as a copy";
        to.register("prints", printed, self.printed.clone());
        // Where nothing has come out yet it is 0, and not unknown.
        for copy in ["true", "false"] {
            self.printed.get_or_create_owned(&Printed { copy });
        }
        let broken = "Prints of which nobody knows how much came out; each is tried again as a copy";
        to.register("prints_broken", broken, self.broken.clone());
    }

    /// An order or a copy came out.
    pub(super) fn printed(&self, is_copy: bool) {
        self.printed.get_or_create(&Printed { copy: if is_copy { "true" } else { "false" } }).inc();
    }

    /// Nobody knows how much of one came out.
    pub(super) fn broken(&self) {
        self.broken.inc();
    }

    /// How the printer is, if there is one.
    pub(crate) fn show(&self, shown: Option<Shown>) {
        let waiting = shown.map_or(0, |shown| shown.waiting);
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let Some(shown) = shown else { return self.state.clear() };
        for (state, name) in State::ALL {
            self.state.get_or_create_owned(&Is { state: name }).set(i64::from(state == shown.state));
        }
    }
}
