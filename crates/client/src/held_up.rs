//! What holds customers up: told once, not by each of them at each attempt.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::time::Instant;

/// Causes that are remembered. Those beyond are not told: somebody who answers differently each time has been
/// told of often enough.
const CAUSES: usize = 16;

/// A cause that did not show for so long is news again.
const QUIET: Duration = Duration::from_mins(1);

/// What customers wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// An order to be taken.
    Order,
    /// A bell.
    Bell,
}

/// What has been told, and when it last showed.
#[derive(Debug, Default)]
pub(crate) struct HeldUp(Mutex<HashMap<(Wait, String), Instant>>);

impl HeldUp {
    /// Whether `cause` is worth telling; `now` it shows.
    pub(crate) fn is_news(&self, wait: Wait, cause: &str, now: Instant) -> bool {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|_, last| now.saturating_duration_since(*last) < QUIET);
        let is_known = shown.contains_key(&(wait, cause.to_owned()));
        if !is_known && shown.len() >= CAUSES {
            return false;
        }
        shown.insert((wait, cause.to_owned()), now);
        !is_known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_news_once_for_each_wait_and_again_after_a_quiet_minute() {
        let (held_up, began) = (HeldUp::default(), Instant::now());
        let news = |wait, cause, seconds| held_up.is_news(wait, cause, began + Duration::from_secs(seconds));
        assert!(news(Wait::Bell, "full", 0));
        assert!(!news(Wait::Bell, "full", 59), "it goes on");
        assert!(!news(Wait::Bell, "full", 118), "it goes on");
        assert!(news(Wait::Order, "full", 118));
        assert!(news(Wait::Bell, "starting", 118));
        assert!(news(Wait::Bell, "full", 178));
    }

    #[test]
    fn causes_without_end_are_neither_told_nor_kept() {
        let (held_up, now) = (HeldUp::default(), Instant::now());
        let told = (0..1_000).filter(|n| held_up.is_news(Wait::Order, &n.to_string(), now)).count();
        assert_eq!((told, held_up.0.lock().unwrap().len()), (CAUSES, CAUSES));
    }
}
