//! Rows with what was asked and what was seen.

use std::fmt;

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

#[derive(Debug)]
struct Row {
    measure: String,
    target: String,
    seen: String,
}

impl Table {
    /// Adds what was seen, and says it at once.
    pub(crate) fn row(&mut self, measure: &str, target: &str, seen: impl Into<String>) {
        let row = Row { measure: measure.to_owned(), target: target.to_owned(), seen: seen.into() };
        eprintln!("  {}: {} (target {})", row.measure, row.seen, row.target);
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| measure | target | seen |\n|---|---|---|")?;
        self.0.iter().try_for_each(|row| writeln!(f, "| {} | {} | {} |", row.measure, row.target, row.seen))
    }
}

/// The value below which `percent` of the sorted samples are.
pub(crate) fn percentile(sorted: &[f64], percent: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index within the samples"
    )]
    let index = ((sorted.len().saturating_sub(1)) as f64 * percent / 100.0).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// The samples, sorted.
pub(crate) fn sorted(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_unstable_by(f64::total_cmp);
    samples
}
