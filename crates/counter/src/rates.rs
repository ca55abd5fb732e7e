//! How often somebody may order: a token bucket for each device, and one for each address.
//!
//! A bucket is one point in time: when it is full again (the generic cell rate algorithm, ITU-T I.371). One that is full
//! says nothing, so only those that are not are kept, and whose they are is kept as a hash.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    peer,
    problem::{Code, Problem},
};

/// Buckets of one kind at once.
const BUCKETS: usize = 65_536;
const MINUTE: Duration = Duration::from_mins(1);

/// So many a minute: all of them at once if need be, and then one more whenever its share of the minute is over.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_minute: u32,
}

impl Rate {
    fn share(self) -> Duration {
        MINUTE / self.per_minute
    }

    /// How long until the bucket that is full again at `full_at` has one; `None`: it has one.
    fn wait(self, full_at: Instant, now: Instant) -> Option<Duration> {
        let empty = (full_at + self.share()).saturating_duration_since(now);
        // Shares are rounded down: all of them together may be a little less than the minute.
        let wait = empty.saturating_sub(self.share() * self.per_minute);
        (!wait.is_zero()).then_some(wait)
    }

    /// When a bucket is full again of which one was taken; `None`: it was full.
    fn take(self, full_at: Option<Instant>, now: Instant) -> Instant {
        full_at.map_or(now, |full_at| full_at.max(now)) + self.share()
    }
}

/// One kind of buckets.
#[derive(Debug)]
struct Buckets {
    rate: Rate,
    /// When each is full again.
    full_at: HashMap<u64, Instant>,
}

impl Buckets {
    fn new(per_minute: u32) -> Self {
        Self { rate: Rate { per_minute: per_minute.max(1) }, full_at: HashMap::new() }
    }

    fn wait(&self, whose: u64, now: Instant) -> Option<Duration> {
        self.full_at.get(&whose).and_then(|full_at| self.rate.wait(*full_at, now))
    }

    fn take(&mut self, whose: u64, now: Instant) {
        if self.full_at.len() >= BUCKETS && !self.full_at.contains_key(&whose) {
            self.make_room(now);
        }
        let full_at = self.rate.take(self.full_at.get(&whose).copied(), now);
        self.full_at.insert(whose, full_at);
    }

    /// Lets go of those that are full again. Where that leaves too many, of all: nobody is refused for it, and it stays
    /// rare enough to cost nothing.
    fn make_room(&mut self, now: Instant) {
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() > BUCKETS / 2 {
            self.full_at.clear();
        }
    }
}

/// One bucket for everyone together.
#[derive(Debug)]
pub(crate) struct Bucket(Rate, Mutex<Option<Instant>>);

impl Bucket {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self(Rate { per_minute: per_minute.max(1) }, Mutex::default())
    }

    /// One more, unless there were too many.
    pub(crate) fn one_more(&self, now: Instant) -> Result<(), Problem> {
        let Self(rate, full_at) = self;
        let mut full_at = full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = full_at.and_then(|full_at| rate.wait(full_at, now)) {
            let detail = format!("Only {} of these are done a minute; try again later.", rate.per_minute);
            return Err(Problem::new(Code::Busy, detail)
                .with("max", rate.per_minute)
                .retry_after(seconds(wait)));
        }
        *full_at = Some(rate.take(*full_at, now));
        Ok(())
    }
}

/// Who orders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    /// Where from.
    pub(crate) address: IpAddr,
    /// The name that a page has given to its device.
    pub(crate) device: Option<&'a [u8]>,
}

/// How often devices and addresses may order.
#[derive(Debug)]
pub(crate) struct Rates {
    hasher: RandomState,
    both: Mutex<Both>,
}

#[derive(Debug)]
struct Both {
    devices: Buckets,
    addresses: Buckets,
}

impl Rates {
    pub(crate) fn new(per_address: u32, per_device: u32) -> Self {
        let both = Both { devices: Buckets::new(per_device), addresses: Buckets::new(per_address) };
        Self { hasher: RandomState::new(), both: Mutex::new(both) }
    }

    /// One more order, unless this device or this address has ordered too often. What is refused is not counted.
    pub(crate) fn one_more(&self, who: Who<'_>, now: Instant) -> Result<(), Problem> {
        let device = who.device.map(|device| self.hasher.hash_one(device));
        let address = peer::network(who.address).map(|address| self.hasher.hash_one(address));
        let mut both = self.both.lock().unwrap_or_else(PoisonError::into_inner);
        let Both { devices, addresses } = &mut *both;
        for (whose, key, buckets) in [("device", device, &*devices), ("address", address, &*addresses)] {
            if let Some(wait) = key.and_then(|key| buckets.wait(key, now)) {
                return Err(too_many(whose, buckets.rate, wait));
            }
        }
        for (key, buckets) in [(device, devices), (address, addresses)] {
            if let Some(key) = key {
                buckets.take(key, now);
            }
        }
        Ok(())
    }
}

fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

fn too_many(whose: &str, rate: Rate, wait: Duration) -> Problem {
    let seconds = seconds(wait);
    let max = rate.per_minute;
    let detail = format!(
        "{max} orders a minute are taken from one {whose}; nothing was ordered, try again in {seconds} s."
    );
    Problem::new(Code::TooManyOrders, detail).with("whose", whose).with("max", max).retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn phone(last: u8) -> IpAddr {
        [192, 168, 1, last].into()
    }

    fn is_taken(rates: &Rates, address: IpAddr, device: Option<&str>, now: Instant) -> bool {
        rates.one_more(Who { address, device: device.map(str::as_bytes) }, now).is_ok()
    }

    fn how_many(rates: &Rates, address: IpAddr, device: Option<&str>, now: Instant) -> usize {
        (0..1_000).take_while(|_| is_taken(rates, address, device, now)).count()
    }

    #[test]
    fn one_bucket_is_full_again_after_a_minute() {
        let (bucket, began) = (Bucket::new(60), Instant::now());
        let how_many = |now| (0..1_000).take_while(|_| bucket.one_more(now).is_ok()).count();
        assert_eq!(
            (how_many(began), how_many(began + SECOND * 2), how_many(began + SECOND * 600)),
            (60, 2, 60)
        );
    }

    #[test]
    fn a_device_orders_ten_times_at_once_and_then_every_six_seconds() {
        let (rates, began) = (Rates::new(120, 10), Instant::now());
        assert_eq!(how_many(&rates, phone(1), Some("a"), began), 10);
        assert!(!is_taken(&rates, phone(1), Some("a"), began + SECOND * 5));
        assert!(is_taken(&rates, phone(1), Some("a"), began + SECOND * 6));
        assert!(!is_taken(&rates, phone(1), Some("a"), began + SECOND * 6));
        assert!(is_taken(&rates, phone(1), Some("b"), began), "another device");
        assert_eq!(how_many(&rates, phone(1), Some("a"), began + SECOND * 600), 10, "and never more at once");
    }

    #[test]
    fn a_café_behind_one_address_orders_120_times_a_minute_and_others_are_not_held_up() {
        let (rates, began) = (Rates::new(120, 10), Instant::now());
        let guests = (0..200).take_while(|n| is_taken(&rates, phone(1), Some(&n.to_string()), began)).count();
        assert_eq!(guests, 120);
        assert!(is_taken(&rates, phone(2), None, began));
        assert_eq!(how_many(&rates, phone(1), None, began + SECOND), 2);
    }

    #[test]
    fn one_that_was_refused_by_its_address_has_not_used_up_its_device() {
        let (rates, began) = (Rates::new(1, 1), Instant::now());
        assert!(is_taken(&rates, phone(1), None, began));
        assert!(!is_taken(&rates, phone(1), Some("a"), began));
        assert!(is_taken(&rates, phone(2), Some("a"), began));
    }

    #[test]
    fn loopback_is_no_address_and_a_network_of_ipv6_is_one() {
        let (rates, now) = (Rates::new(1, 10), Instant::now());
        for local in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(how_many(&rates, local.parse().unwrap(), None, now), 1_000, "{local}");
        }
        assert!(is_taken(&rates, "2001:db8:1:2::1".parse().unwrap(), None, now));
        assert!(!is_taken(&rates, "2001:db8:1:2:ffff::9".parse().unwrap(), None, now));
        assert!(is_taken(&rates, "2001:db8:1:3::1".parse().unwrap(), None, now));
        assert!(is_taken(&rates, phone(1), None, now));
        assert!(!is_taken(&rates, "::ffff:192.168.1.1".parse().unwrap(), None, now), "the same phone");
    }

    #[test]
    fn what_is_refused_says_when_to_come_again() {
        let (rates, now) = (Rates::new(120, 10), Instant::now());
        how_many(&rates, phone(1), Some("a"), now);
        let who = Who { address: phone(1), device: Some(b"a") };
        let response = axum::response::IntoResponse::into_response(rates.one_more(who, now).unwrap_err());
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "6");
    }

    #[test]
    fn memory_is_bounded_and_those_who_ordered_long_ago_are_let_go_of_first() {
        let (mut buckets, began) = (Buckets::new(1), Instant::now());
        for whose in 0..BUCKETS as u64 - 1 {
            buckets.take(whose, began);
        }
        buckets.take(u64::MAX, began + SECOND * 59);
        buckets.take(u64::MAX - 1, began + SECOND * 61);
        assert_eq!(buckets.full_at.len(), 2);
        assert!(buckets.wait(u64::MAX, began + SECOND * 61).is_some());
        for whose in 0..3 * BUCKETS as u64 {
            buckets.take(whose, began + SECOND * 62);
            assert!(buckets.full_at.len() <= BUCKETS);
        }
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_twice_what_one_may_order_and_whoever_waits_as_told_is_taken(
            per_minute in 1_u32..500,
            steps in proptest::collection::vec(0_u64..5_000, 1..300),
        ) {
            let mut buckets = Buckets::new(per_minute);
            let mut now = Instant::now();
            let mut taken: Vec<Instant> = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                match buckets.wait(1, now) {
                    None => {
                        buckets.take(1, now);
                        taken.push(now);
                    }
                    Some(wait) => prop_assert!(wait <= buckets.rate.share() && buckets.wait(1, now + wait).is_none()),
                }
                let of_this_minute = taken.iter().filter(|at| now.duration_since(**at) < MINUTE).count();
                prop_assert!(of_this_minute <= 2 * per_minute as usize);
            }
        }
    }
}
