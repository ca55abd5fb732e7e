//! How it goes: one line that changes on a terminal, a line for each tenth of the morning elsewhere.

use std::io::{self, IsTerminal as _, Write as _};

use ::rush::{Millis, Plan};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{config::Rush, practice::Cafe};

/// In a pipe it is told so often in a morning.
const PARTS: Millis = 10;

/// What is shown while it goes on.
#[derive(Debug)]
pub(super) struct Progress {
    /// Draws nothing where nobody sees it.
    bar: ProgressBar,
    is_terminal: bool,
    customers: usize,
    span: Millis,
    title: String,
    /// Parts of the morning that were told.
    told: Millis,
    told_last_orders: bool,
}

impl Progress {
    pub(super) fn new(options: &Rush, plan: &Plan) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(plan.customers.len() as u64), target);
        let style = ProgressStyle::with_template("[{bar:20}] {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let hands =
            if plan.baristas == 1 { "1 pair of hands" } else { &format!("{} pairs of hands", plan.baristas) };
        let kills = match plan.kills.len() {
            0 => String::new(),
            1 => ", killed once".to_owned(),
            times => format!(", killed {times} times"),
        };
        let title = format!(
            "{} customers in {} min, {} times as fast as the clock: {hands}{kills}, seed {}",
            plan.customers.len(),
            options.minutes,
            options.speed,
            plan.seed
        );
        let (customers, span) = (plan.customers.len(), plan.span);
        Self { bar, is_terminal, customers, span, title, told: 0, told_last_orders: false }
    }

    pub(super) fn begin(&self) -> io::Result<()> {
        let mut out = io::stdout();
        writeln!(out, "{}\n", self.title).and_then(|()| out.flush())
    }

    /// Shows what is so now.
    pub(super) fn show(&mut self, cafe: &Cafe) -> io::Result<()> {
        let now = cafe.clock.now();
        let left = cafe.tally.get(|tally| &tally.left);
        let text = self.text(cafe, now);
        self.bar.set_position(left as u64);
        self.bar.set_message(text.clone());
        if self.is_terminal {
            return Ok(());
        }
        let part = (now * PARTS / self.span.max(1)).min(PARTS);
        let are_last_orders = part == PARTS && cafe.tally.get(|tally| &tally.came) == self.customers;
        let is_news = part > self.told && part < PARTS || are_last_orders && !self.told_last_orders;
        if is_news {
            self.told = part;
            self.told_last_orders = are_last_orders;
            let mut out = io::stdout();
            writeln!(out, "{text}").and_then(|()| out.flush())?;
        }
        Ok(())
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn text(&self, cafe: &Cafe, now: Millis) -> String {
        let tally = &cafe.tally;
        let time = if now < self.span {
            format!("{} of {}", clock(now), clock(self.span))
        } else {
            "last orders".to_owned()
        };
        let kills = match tally.get(|tally| &tally.kills) {
            0 => String::new(),
            times => format!(", killed {times}×"),
        };
        format!(
            "{time}: {} of {} came; {} wait, {} are made, {} ready{kills}",
            tally.get(|tally| &tally.came),
            self.customers,
            tally.get(|tally| &tally.waiting),
            tally.get(|tally| &tally.making),
            tally.get(|tally| &tally.ready),
        )
    }
}

/// `6:05`
fn clock(time: Millis) -> String {
    let seconds = time / 1_000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mornings_time_is_minutes_and_seconds() {
        assert_eq!((clock(365_900).as_str(), clock(0).as_str()), ("6:05", "0:00"));
    }
}
