//! Many stories, and how to hear one again.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{Failure, Plan, tell};

/// Stories to be told.
#[derive(Debug, Clone)]
pub struct Seeds {
    /// Which.
    pub range: Range<u64>,
    /// Whether to say everything that happens.
    pub aloud: bool,
}

/// The command that tells the story of a seed again, aloud.
pub fn replay_command(seed: u64) -> String {
    format!("BREWLINE_SEED={seed} cargo test -p system-tests --test simulator every_seed -- --nocapture")
}

impl Seeds {
    /// What the environment says: `BREWLINE_SEED=7` that one, aloud; `BREWLINE_SEEDS=100000` so many; else
    /// `count`.
    ///
    /// # Panics
    /// If a variable is no number: a typo must not pass for a test.
    pub fn from_env(count: u64) -> Self {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is {text:?}, a number was expected")))
        };
        match number("BREWLINE_SEED") {
            Some(seed) => Self { range: seed..seed + 1, aloud: true },
            None => Self { range: 0..number("BREWLINE_SEEDS").unwrap_or(count), aloud: false },
        }
    }

    /// Tells all of them, on all cores: what they were good for, or the first one that went wrong.
    pub fn tell_all(
        &self,
        plan: impl Fn(u64) -> Plan + Sync,
    ) -> Result<BTreeMap<&'static str, u64>, (u64, Failure)> {
        let next = AtomicU64::new(self.range.start);
        let failed = AtomicBool::new(false);
        let sights = Mutex::new(BTreeMap::new());
        let failures = Mutex::new(BTreeMap::new());
        let teller = || {
            while !failed.load(Ordering::SeqCst) {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= self.range.end {
                    return;
                }
                match tell(plan(seed)) {
                    Ok(story) => {
                        let mut sights = sights.lock().expect("no teller panics");
                        for (what, times) in story.sights {
                            *sights.entry(what).or_default() += times;
                        }
                    }
                    Err(failure) => {
                        failed.store(true, Ordering::SeqCst);
                        failures.lock().expect("no teller panics").insert(seed, *failure);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let tellers = std::thread::available_parallelism().map_or(1, usize::from);
            for _ in 0..tellers {
                scope.spawn(teller);
            }
        });
        match failures.into_inner().expect("no teller panics").pop_first() {
            Some((seed, failure)) => Err((seed, failure)),
            None => Ok(sights.into_inner().expect("no teller panics")),
        }
    }
}
