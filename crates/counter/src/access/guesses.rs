//! How soon another code may be tried. Each wrong one makes the next wait longer, for the address it came from and, less,
//! for all: eight digits are not to be found by trying, from however many addresses.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::peer;

/// Addresses that are remembered at once.
const ADDRESSES: usize = 4_096;
/// Who tried nothing for so long has tried nothing.
const FORGIVEN: Duration = Duration::from_mins(15);

/// How the wait grows.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Wrong codes that cost nothing.
    free: u32,
    first: Duration,
    longest: Duration,
}

/// A person mistypes, and tries again a second later.
const OF_ADDRESS: Pace = Pace { free: 0, first: Duration::from_secs(1), longest: Duration::from_mins(1) };
/// Someone who guesses must not keep everyone else out: at the most one of a few seconds' tries is lost to them. At that
/// pace all ten minutes of a code see some hundred tries, of a hundred million.
const OF_ALL: Pace = Pace { free: 20, first: Duration::from_millis(500), longest: Duration::from_secs(5) };

/// The tries of one address, or of all.
#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    last: Instant,
    /// When the next one may come.
    next: Instant,
}

impl Tries {
    fn one_more(before: Option<Self>, pace: Pace, now: Instant) -> Self {
        let wrong = before.filter(|before| !before.is_forgiven(now)).map_or(0, |before| before.wrong) + 1;
        let wait = match wrong.checked_sub(pace.free + 1) {
            None => Duration::ZERO,
            Some(doublings) => pace.first.saturating_mul(2_u32.saturating_pow(doublings)).min(pace.longest),
        };
        Self { wrong, last: now, next: now + wait }
    }

    fn is_forgiven(self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= FORGIVEN
    }
}

/// Who tried what did not fit.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    hasher: RandomState,
    tries: Mutex<(Option<Tries>, HashMap<u64, Tries>)>,
}

/// A try, which counts as wrong until it is known to be none: of many at once each waits for those before it.
#[derive(Debug)]
pub(crate) struct Guess<'a> {
    guesses: &'a Guesses,
    address: u64,
    before: (Option<Tries>, Option<Tries>),
    /// How long the next one has to wait.
    pub(crate) wait: Duration,
}

impl Guesses {
    /// One more try, or how long it has to wait.
    pub(crate) fn one_more(&self, address: IpAddr, now: Instant) -> Result<Guess<'_>, Duration> {
        // Who is on this machine may be everyone: behind a proxy that does not say for whom it asks.
        let address = self.hasher.hash_one(peer::network(address));
        let (all, of) = &mut *self.lock();
        // Of two at once the later may get the lock first: the other is not one who came before its time.
        let now = all.map_or(now, |all| all.last.max(now));
        let before = (*all, of.get(&address).copied());
        let wait =
            [before.0, before.1].into_iter().flatten().map(|tries| tries.next.saturating_duration_since(now));
        match wait.max() {
            Some(wait) if !wait.is_zero() => return Err(wait),
            _ => {}
        }
        if of.len() >= ADDRESSES && before.1.is_none() {
            of.retain(|_, tries| !tries.is_forgiven(now));
            // So many at once are one, with many addresses: what all may try together still bounds it.
            if of.len() >= ADDRESSES {
                of.clear();
            }
        }
        let (for_all, for_address) =
            (Tries::one_more(before.0, OF_ALL, now), Tries::one_more(before.1, OF_ADDRESS, now));
        *all = Some(for_all);
        of.insert(address, for_address);
        let wait = for_all.next.max(for_address.next).saturating_duration_since(now);
        Ok(Guess { guesses: self, address, before, wait })
    }

    fn lock(&self) -> MutexGuard<'_, (Option<Tries>, HashMap<u64, Tries>)> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guess<'_> {
    /// It was the right one: this address begins anew.
    pub(crate) fn was_right(self) {
        self.take_back(None);
    }

    /// It was no guess: all is as before it. Else whoever has an old code could begin anew with it as often as they like.
    pub(crate) fn was_none(self) {
        self.take_back(self.before.1);
    }

    fn take_back(&self, before: Option<Tries>) {
        let (all, of) = &mut *self.guesses.lock();
        match before {
            Some(before) => drop(of.insert(self.address, before)),
            None => drop(of.remove(&self.address)),
        }
        if let Some(tries) = all {
            tries.wrong = tries.wrong.saturating_sub(1);
            tries.next = self.before.0.map_or(tries.last, |before| before.next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn of(last: u8) -> IpAddr {
        [192, 168, 1, last].into()
    }

    #[test]
    fn each_wrong_code_makes_the_next_wait_longer_up_to_a_minute() {
        let (guesses, mut now) = (Guesses::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..9 {
            let wait = guesses.one_more(of(1), now).unwrap().wait;
            assert_eq!(guesses.one_more(of(1), now).unwrap_err(), wait, "and not before");
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(
            guesses.one_more(of(1), now + FORGIVEN).unwrap().wait,
            SECOND,
            "it is forgotten in the end"
        );
    }

    #[test]
    fn who_has_the_right_code_begins_anew_and_nobody_else_waits() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        assert!(guesses.one_more(of(1), now).is_ok());
        assert!(guesses.one_more(of(2), now).is_ok(), "another address");
        guesses.one_more(of(1), now + SECOND).unwrap().was_right();
        assert_eq!(guesses.one_more(of(1), now + SECOND).unwrap().wait, SECOND);
    }

    #[test]
    fn what_was_no_guess_changes_nothing() {
        let (guesses, mut now) = (Guesses::default(), Instant::now());
        for wait in [1, 2, 4, 8] {
            assert_eq!(guesses.one_more(of(1), now).unwrap().wait, SECOND * wait);
            now += SECOND * wait;
            guesses.one_more(of(1), now).unwrap().was_none();
        }
    }

    #[test]
    fn many_addresses_together_wait_too_and_never_long() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let waits: Vec<_> = (0..=20).map(|n| guesses.one_more(of(n), now).unwrap().wait).collect();
        assert_eq!((waits[19], waits[20]), (SECOND, SECOND));
        assert_eq!(guesses.one_more(of(99), now).unwrap_err(), Duration::from_millis(500));
        let mut later = now;
        for n in 0..200 {
            later += OF_ALL.longest;
            assert!(
                guesses.one_more(of(n), later).is_ok(),
                "who never tried waits for others no longer than that"
            );
            later += OF_ADDRESS.longest;
        }
    }

    #[test]
    fn who_looked_at_the_clock_first_and_is_counted_second_does_not_wait_for_that() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        assert!(guesses.one_more(of(1), now + Duration::from_millis(1)).is_ok());
        assert!(guesses.one_more(of(2), now).is_ok());
    }

    #[test]
    fn of_many_tries_at_once_one_is_looked_at() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let looked_at = (0..1_000).filter(|_| guesses.one_more(of(1), now).is_ok()).count();
        assert_eq!(looked_at, 1);
        assert_eq!((0..1_000).filter(|_| guesses.one_more([127, 0, 0, 1].into(), now).is_ok()).count(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let (guesses, mut now) = (Guesses::default(), Instant::now());
        for n in 0..3 * u32::try_from(ADDRESSES).unwrap() {
            now += OF_ALL.longest;
            assert!(guesses.one_more(IpAddr::V4(n.into()), now).is_ok());
            assert!(guesses.lock().1.len() <= ADDRESSES);
        }
    }
}
