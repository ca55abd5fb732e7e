//! What was asked, and how far the answers have come.

use std::collections::VecDeque;

use eventlog::Entry;

/// One input of a partition: its records in their order, as far as nothing says yet what became of them.
#[derive(Debug)]
pub(crate) struct Input<T> {
    waiting: VecDeque<Asked<T>>,
    /// The dead letters that are to come, in their order.
    letters: VecDeque<Entry>,
    /// The offset after the last record that something followed from.
    passed: u64,
}

#[derive(Debug)]
struct Asked<T> {
    offset: u64,
    /// `None`: it can't be read.
    what: Option<T>,
}

impl<T> Default for Input<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), letters: VecDeque::new(), passed: 0 }
    }
}

impl<T> Input<T> {
    pub(crate) fn push(&mut self, entry: &Entry, what: Option<T>) {
        if what.is_none() {
            self.letters.push_back(entry.clone());
        }
        self.waiting.push_back(Asked { offset: entry.offset, what });
    }

    /// How many records nothing followed from yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The offset after the last record that something followed from.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// What nothing followed from yet, with its place.
    pub(crate) fn unread(&self) -> impl Iterator<Item = (u64, &T)> {
        self.waiting.iter().filter_map(|asked| Some((asked.offset, asked.what.as_ref()?)))
    }

    /// Moves past the first record that is wanted. Records that come before it must be skippable; otherwise
    /// the input stays as it is and the answer is what stands in the way.
    pub(crate) fn take(
        &mut self,
        wanted: impl Fn(&T, u64) -> bool,
        skippable: impl Fn(&T) -> bool,
    ) -> Result<(u64, T), Option<u64>> {
        for at in 0..self.waiting.len() {
            let asked = &self.waiting[at];
            let Some(what) = &asked.what else { continue };
            if wanted(what, asked.offset) {
                let found = self.waiting.drain(..=at).next_back().expect("there is one");
                self.passed = found.offset + 1;
                return Ok((found.offset, found.what.expect("it is wanted")));
            }
            if !skippable(what) {
                return Err(Some(asked.offset));
            }
        }
        Err(None)
    }

    /// Whether something that nothing followed from yet is like this.
    pub(crate) fn find(&self, wanted: impl Fn(&T, u64) -> bool) -> bool {
        self.waiting.iter().any(|asked| asked.what.as_ref().is_some_and(|what| wanted(what, asked.offset)))
    }

    /// Moves past everything below `next` that nothing follows from, and says what must not be among it.
    pub(crate) fn pass(&mut self, next: u64, skippable: impl Fn(&T) -> bool) -> Vec<(u64, T)> {
        let below = self.waiting.partition_point(|asked| asked.offset < next);
        let readable = self.waiting.drain(..below).filter_map(|asked| Some((asked.offset, asked.what?)));
        readable.filter(|(_, what)| !skippable(what)).collect()
    }

    /// The record whose dead letter comes next.
    pub(crate) fn letter(&mut self) -> Option<Entry> {
        self.letters.pop_front()
    }

    /// The first unreadable record below `next` without a dead letter.
    pub(crate) fn unlettered(&self, next: u64) -> Option<u64> {
        self.letters.front().map(|entry| entry.offset).filter(|offset| *offset < next)
    }
}
