//! Lines for people, and the progress line below them where there is a terminal.

use std::{
    io::{self, Write},
    time::{Duration, SystemTime},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Reporter;
use crate::{event::Event, held_up::Wait, printable::printable, summary::Summary};

/// Tells events as lines. The bar draws nothing when its target is hidden.
pub(super) struct Plain<O, E> {
    out: O,
    err: E,
    bar: ProgressBar,
    /// What the bar says now.
    drawn: String,
}

impl<O, E> Plain<O, E> {
    pub(super) fn new(out: O, err: E, target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("[{bar:20}] {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { out, err, bar, drawn: String::new() }
    }
}

impl<O: Write + Send, E: Write + Send> Reporter for Plain<O, E> {
    fn tell(&mut self, _at: SystemTime, event: &Event, so_far: &Summary) -> io::Result<()> {
        match event {
            Event::Summary(_) => self.bar.finish_and_clear(),
            _ => self.draw(so_far),
        }
        match line(event) {
            // The bar is taken off the screen while a line is written, or the two would mix.
            Line::Out(text) => self.bar.suspend(|| {
                writeln!(self.out, "{text}")?;
                self.out.flush()
            }),
            Line::Err(text) => self.bar.suspend(|| {
                let _ = writeln!(self.err, "{text}");
                Ok(())
            }),
        }
    }
}

impl<O, E> Plain<O, E> {
    /// Only what has changed: each call on the bar draws it once more.
    fn draw(&mut self, so_far: &Summary) {
        let text = progress(so_far);
        if text != self.drawn {
            self.bar.update(|bar| {
                bar.set_len(so_far.customers.into());
                bar.set_pos(so_far.ready.into());
            });
            self.bar.set_message(text.clone());
            self.drawn = text;
        }
    }
}

enum Line {
    Out(String),
    Err(String),
}

fn line(event: &Event) -> Line {
    match event {
        Event::Accepted { order_id, .. } => Line::Out(format!("Order accepted: {}", printable(order_id))),
        // "Order ID" and then the id: the first client wrote it so, and programs may look for it.
        Event::Ready { order_id, .. } => {
            Line::Out(format!("Order ID {} is ready for pickup. Enjoy your coffee!", printable(order_id)))
        }
        Event::Refused { amount, status, code, detail } => Line::Err(format!(
            "Order for {} refused: {} ({})",
            cups(*amount),
            printable(detail),
            match code {
                Some(code) => format!("{}, HTTP {status}", printable(code)),
                None => format!("HTTP {status}"),
            }
        )),
        Event::Unanswered { amount, order_id, maybe_taken, detail } => Line::Err(format!(
            "Order for {} got no answer: {}. {}",
            cups(*amount),
            printable(detail),
            match (maybe_taken, order_id) {
                (false, _) => "It was not taken.".into(),
                (true, None) => "It may have been taken.".into(),
                (true, Some(id)) => format!("It may have been taken, as order {}.", printable(id)),
            }
        )),
        Event::Recalled { order_id, round } => Line::Err(format!(
            "Order {} is being made again (round {round}) and will ring again.",
            printable(order_id)
        )),
        Event::Cancelled { order_id, .. } => {
            Line::Err(format!("Order {} was cancelled.", printable(order_id)))
        }
        Event::Unheard { order_id, detail } => Line::Err(format!(
            "The bell of order {} can't be heard: {}. Ask at the counter.",
            printable(order_id),
            printable(detail)
        )),
        Event::Lost { counter, detail } => Line::Err(format!(
            "The counter at {counter} can't be reached ({}); trying again. Is `brewline up` or `brewline counter` running?",
            printable(detail)
        )),
        Event::Back { counter } => Line::Err(format!("The counter at {counter} is there.")),
        Event::Waiting { wait, detail } => Line::Err(format!(
            "Waiting for {}: {}.",
            match wait {
                Wait::Order => "an order to be taken",
                Wait::Bell => "a bell",
            },
            printable(detail).trim_end_matches('.')
        )),
        Event::AllOver { ready, customers } if ready == customers => Line::Err(format!(
            "All {ready} have rung. Listening for orders that are called again; Ctrl-C ends it."
        )),
        Event::AllOver { ready, customers } => Line::Err(format!(
            "{ready} of {customers} have rung, the others are over. Listening for orders that are called \
             again; Ctrl-C ends it."
        )),
        Event::Summary(summary) => Line::Err(sum(summary)),
    }
}

/// Numbers that nobody expects are named only when they are not 0.
fn sum(summary: &Summary) -> String {
    // Without `..`, so that a new field has to be told, too.
    let Summary { customers: _, accepted, ready, refused, unanswered, cancelled, unheard, slowest } = summary;
    let usual = [(*accepted, "accepted"), (*ready, "ready"), (*refused, "refused")];
    let unusual = [
        (*unanswered, "without an answer"),
        (*cancelled, "cancelled"),
        (*unheard, "not heard"),
        (summary.waiting(), "still waited for"),
        (summary.not_ordered(), "not ordered"),
    ];
    let named = usual.into_iter().chain(unusual.into_iter().filter(|(count, _)| *count > 0));
    let counts: Vec<_> = named.map(|(count, name)| format!("{count} {name}")).collect();
    let slowest = slowest.map(|slowest| format!("; slowest from order to ready: {}", seconds(slowest)));
    format!("{}{}.", counts.join(", "), slowest.unwrap_or_default())
}

fn progress(so_far: &Summary) -> String {
    let Summary { customers, accepted, ready, .. } = so_far;
    let usual = format!("{ready} of {customers} ready · {accepted} accepted");
    match so_far.refused + so_far.unanswered + so_far.cancelled + so_far.unheard {
        0 => usual,
        lost => format!("{usual} · {lost} not served"),
    }
}

fn cups(amount: u32) -> String {
    if amount == 1 { "1 cup".into() } else { format!("{amount} cups") }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_went_wrong_and_only_that() {
        let good = Summary {
            customers: 10,
            accepted: 10,
            ready: 10,
            slowest: Some(Duration::from_millis(5_021)),
            ..Summary::default()
        };
        assert_eq!(sum(&good), "10 accepted, 10 ready, 0 refused; slowest from order to ready: 5.02 s.");

        let bad =
            Summary { customers: 10, accepted: 4, ready: 1, refused: 2, cancelled: 1, ..Summary::default() };
        assert_eq!(
            sum(&bad),
            "4 accepted, 1 ready, 2 refused, 1 cancelled, 2 still waited for, 4 not ordered."
        );
    }
}
