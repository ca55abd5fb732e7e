//! What is wrong with a file.

use std::fmt;

use crate::Limits;

/// What is wrong with a file: at least one mistake, those of one file at once. Shown with a line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    told: Vec<Mistake>,
    /// How many more there are than are told.
    more: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line of the file, from 1.
    pub line: usize,
    /// A sentence that begins with the field, if there is one, and ends with the way out.
    pub says: String,
}

impl Mistakes {
    /// `all` of this text, each with its offset in bytes; `None` if that is nothing. `file` names where it stands, and
    /// at most [`Limits::MISTAKES`] are told.
    pub fn of(text: &str, file: &str, mut all: Vec<(usize, String)>) -> Option<Self> {
        all.sort_by_key(|(at, _)| *at);
        let more = all.len().saturating_sub(Limits::MISTAKES);
        all.truncate(Limits::MISTAKES);
        let told: Vec<_> =
            all.into_iter().map(|(at, says)| Mistake { line: Self::line(text, at), says }).collect();
        (!told.is_empty()).then(|| Self { file: file.to_owned(), told, more })
    }

    /// The line of `text`, from 1, in which this offset is.
    pub fn line(text: &str, at: usize) -> usize {
        text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
    }

    /// Those that are told, in the order of the file.
    pub fn told(&self) -> &[Mistake] {
        &self.told
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, told, more } = self;
        for (n, Mistake { line, says }) in told.iter().enumerate() {
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}{file}:{line}: {says}")?;
        }
        if *more > 0 {
            write!(f, "\n{file}: and {more} more; correct these first")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
