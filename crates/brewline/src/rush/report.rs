//! The verdict as it is told.

use std::{
    io::{self, Write},
    time::Duration,
};

use ::rush::{Fault, Plan, Stage};

use super::audit::{Audit, Ledger};
use crate::practice::Tally;

/// Faults that are told one by one.
const TOLD_MAX: usize = 20;

/// How a morning went.
#[derive(Debug)]
pub(super) struct Report {
    audit: Audit,
    seed: u64,
    orders: usize,
    drinks: usize,
    repeats: usize,
    turned_away: usize,
    unanswered: usize,
    kills: usize,
    longest_away: Duration,
}

impl Report {
    pub(super) fn new(plan: &Plan, tally: &Tally, audit: Audit) -> Self {
        Self {
            audit,
            seed: plan.seed,
            orders: tally.get(|tally| &tally.orders),
            drinks: tally.get(|tally| &tally.drinks),
            repeats: tally.get(|tally| &tally.repeats),
            turned_away: tally.get(|tally| &tally.turned_away),
            unanswered: tally.get(|tally| &tally.unanswered),
            kills: tally.get(|tally| &tally.kills),
            longest_away: tally.longest_away(),
        }
    }

    /// Every order is accounted for.
    pub(super) fn is_well(&self) -> bool {
        let Ledger { holds, faults, .. } = &self.audit.ledger;
        let has_balance = *holds && faults.is_empty();
        self.audit.faults.is_empty() && self.unanswered == 0 && has_balance
    }

    pub(super) fn tell(&self, took: Duration, out: &mut dyn Write) -> io::Result<()> {
        let Audit { places, nobody_came, remade, announced, heard, faults, ledger } = &self.audit;
        let of = |stage| places.get(&stage).copied().unwrap_or_default();
        writeln!(out, "after {:.0} s:\n", took.as_secs_f64().ceil())?;
        let mut row = |what: &str, count: usize, more: &str| writeln!(out, "  {what:<12} {count:>6}{more}");
        let repeats = match self.repeats {
            0 => String::new(),
            repeats => format!("; sent once more {repeats}×, and taken once"),
        };
        row("orders", self.orders, &format!(", {} drinks{repeats}", self.drinks))?;
        row("collected", of(Stage::Collected), "")?;
        row("nobody came", nobody_came + of(Stage::Uncollected), "")?;
        row("cancelled", of(Stage::Cancelled) - nobody_came, "")?;
        row("made again", *remade, "")?;
        let open = of(Stage::Received) + of(Stage::Making) + of(Stage::Ready);
        if open > 0 {
            row("still open", open, "")?;
        }
        if self.turned_away > 0 {
            row("turned away", self.turned_away, " before they had ordered")?;
        }
        row("bells", *announced, &format!(", {heard} of them on phones that were there"))?;
        if self.kills > 0 {
            let away = format!(" times, back within {:.1} s each time", self.longest_away.as_secs_f64());
            row("killed", self.kills, &away)?;
        }
        let holds = if ledger.holds { "the equation holds" } else { "the equation does NOT hold" };
        row("in the log", ledger.accepted, &format!(" orders, and {holds}"))?;
        writeln!(out)?;
        if self.is_well() {
            return writeln!(out, "every order accounted for, each bell rang once")
                .and_then(|()| out.flush());
        }
        self.tell_faults(faults, out)?;
        out.flush()
    }

    fn tell_faults(&self, faults: &[Fault], out: &mut dyn Write) -> io::Result<()> {
        for fault in faults.iter().take(TOLD_MAX) {
            writeln!(out, "  {fault}")?;
        }
        if let Some(more) = faults.len().checked_sub(TOLD_MAX).filter(|more| *more > 0) {
            writeln!(out, "  and {more} more")?;
        }
        if self.unanswered > 0 {
            writeln!(
                out,
                "  {} orders were never answered: nobody knows whether they were taken",
                self.unanswered
            )?;
        }
        let Ledger { holds, faults: in_log, .. } = &self.audit.ledger;
        for fault in in_log {
            writeln!(out, "  in the log: {fault}")?;
        }
        let wrong_in_log = in_log.len().max(usize::from(!holds));
        let count = faults.len() + self.unanswered + wrong_in_log;
        let things = if count == 1 { "1 thing is" } else { &format!("{count} things are") };
        writeln!(
            out,
            "\nNOT every order accounted for: {things} wrong; the same morning again: --seed {}",
            self.seed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(audit: Audit, unanswered: usize) -> (bool, String) {
        let report = Report {
            audit,
            seed: 7,
            orders: 3,
            drinks: 5,
            repeats: 1,
            turned_away: 0,
            unanswered,
            kills: 2,
            longest_away: Duration::from_millis(412),
        };
        let mut out = Vec::new();
        report.tell(Duration::from_secs(12), &mut out).unwrap();
        (report.is_well(), String::from_utf8(out).unwrap())
    }

    fn holds() -> Ledger {
        Ledger { accepted: 3, is_whole: true, holds: true, faults: Vec::new() }
    }

    #[test]
    fn a_morning_that_went_well_says_so_last() {
        let places = [(Stage::Collected, 2), (Stage::Cancelled, 1)].into();
        let (is_well, text) = told(Audit { places, nobody_came: 1, ledger: holds(), ..Audit::default() }, 0);
        assert!(is_well && text.ends_with("\n\nevery order accounted for, each bell rang once\n"), "{text}");
        for row in [
            "orders            3, 5 drinks; sent once more 1×",
            "nobody came       1\n",
            "cancelled         0\n",
            "back within 0.4 s",
        ] {
            assert!(text.contains(row), "{row}: {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn a_ledger_that_does_not_hold_is_wrong_even_where_nobody_misses_anything() {
        let ledger = |holds, faults: &[&str]| {
            let faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
            told(
                Audit { ledger: Ledger { accepted: 3, is_whole: true, holds, faults }, ..Audit::default() },
                0,
            )
        };
        let (is_well, text) = ledger(true, &[]);
        assert!(is_well && text.contains("in the log        3 orders, and the equation holds"), "{text}");
        let (is_well, text) = ledger(false, &[]);
        assert!(!is_well && text.contains("does NOT hold") && text.contains("1 thing is wrong"), "{text}");
        let (is_well, text) = ledger(false, &["order a: announced twice"]);
        assert!(!is_well && text.contains("in the log: order a: announced twice"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_named_and_the_morning_can_be_had_again() {
        let faults = (0..30).map(|n| Fault::Lost(format!("order-{n}"))).collect();
        let (is_well, text) = told(Audit { faults, ledger: holds(), ..Audit::default() }, 1);
        assert!(!is_well && text.contains("order order-0 was accepted"), "{text}");
        assert!(text.contains("and 10 more") && text.contains("31 things are wrong"), "{text}");
        assert!(
            text.trim_end().ends_with("--seed 7") && !text.contains("every order accounted for,"),
            "{text}"
        );
    }
}
