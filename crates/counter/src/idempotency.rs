//! The same key, the same order: its id is made from the key and the line's secret, so a repeat is known on any
//! counter and after any restart. Requests with one key that come at once to this counter share one record.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use eventlog::{Position, PublishError};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use order::Order;
use sha2::Sha256;
use tokio::sync::watch;
use uuid::Uuid;

use crate::problem::{Code, Problem};

/// Characters of a key. Source: the contract.
const KEY_CHARS: std::ops::RangeInclusive<usize> = 16..=128;
/// How long a written order stands in for the view, which may not have read it yet.
const KEPT: Duration = Duration::from_secs(10);
/// How many are kept; beyond that the engine alone ignores repeats.
const KEPT_MAX: usize = 65_536;

/// The key in `Idempotency-Key`, if there is one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| key.bytes().all(|b| b.is_ascii_graphic()));
    match key {
        Some(key) if KEY_CHARS.contains(&key.len()) && values.next().is_none() => Ok(Some(key)),
        _ => Err(Problem::new(
            Code::BadKey,
            "Idempotency-Key must stand once and have 16 to 128 visible ASCII characters.",
        )
        .with("range", "16..128")),
    }
}

/// The order id that a key stands for: HMAC-SHA256 of it under the line's secret, as a UUID of version 8
/// (RFC 9562 5.8). Nobody without the secret can guess it.
pub(crate) fn order_id(secret: &[u8; 32], key: &str) -> Uuid {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(key.as_bytes());
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Whether two orders are one request. What counters add by themselves does not count.
pub(crate) fn same_request(a: &Order, b: &Order) -> bool {
    const ADDED: [&str; 2] = ["promise", "promised"];
    let (d, e) = (a.details().cloned().unwrap_or_default(), b.details().cloned().unwrap_or_default());
    let extra = |details: &order::Details| -> Vec<(Box<str>, String)> {
        let kept = details.extra.iter().filter(|(key, _)| !ADDED.contains(&&**key));
        kept.map(|(key, value)| (key.clone(), value.get().to_owned())).collect()
    };
    a.amount == b.amount
        && d.items == e.items
        && (&d.name, &d.note, &d.reference) == (&e.name, &e.note, &e.reference)
        && extra(&d) == extra(&e)
}

/// The key stands for another request.
pub(crate) fn reused() -> Problem {
    Problem::new(
        Code::KeyReused,
        "This Idempotency-Key stands for an order with another content; use a new key for a new order.",
    )
}

/// What became of a record.
pub(crate) type Outcome = Result<(Bytes, Position), PublishError>;

/// Orders with a key that are being written, or were just now.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    orders: HashMap<Uuid, (Order, watch::Receiver<Option<Outcome>>)>,
    by_age: VecDeque<(Instant, Uuid)>,
}

/// What to do with an order that has a key.
pub(crate) enum Turn<'a> {
    /// Write it, and say how it went.
    Write(Writing<'a>),
    /// Someone is writing it already: wait for how it goes.
    Wait(watch::Receiver<Option<Outcome>>),
    /// Someone is writing another one with this key.
    Reused,
}

/// The one who writes. Dropped without a word, it leaves the order to whoever comes next.
pub(crate) struct Writing<'a> {
    all: &'a InFlight,
    id: Uuid,
    tell: watch::Sender<Option<Outcome>>,
    written: bool,
}

impl InFlight {
    pub(crate) fn enter(&self, id: Uuid, order: &Order) -> Turn<'_> {
        let mut kept = self.lock();
        kept.drop_old();
        match kept.orders.entry(id) {
            Entry::Occupied(other) if same_request(&other.get().0, order) => {
                Turn::Wait(other.get().1.clone())
            }
            Entry::Occupied(_) => Turn::Reused,
            Entry::Vacant(place) => {
                let (tell, told) = watch::channel(None);
                place.insert((order.clone(), told));
                kept.by_age.push_back((Instant::now(), id));
                Turn::Write(Writing { all: self, id, tell, written: false })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    pub(crate) fn done(mut self, outcome: Outcome) {
        self.written = outcome.is_ok();
        self.tell.send_replace(Some(outcome));
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        // What was written stays for a while; what failed may be tried again at once.
        if !self.written {
            self.all.lock().orders.remove(&self.id);
        }
    }
}

impl Kept {
    fn drop_old(&mut self) {
        while let Some(&(since, id)) = self.by_age.front()
            && (since.elapsed() > KEPT || self.by_age.len() > KEPT_MAX)
        {
            self.by_age.pop_front();
            self.orders.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use order::OrderId;

    use super::*;

    #[test]
    fn a_key_is_an_id_that_needs_the_secret() {
        let id = order_id(&[1; 32], "0123456789abcdef");
        assert_eq!(id, order_id(&[1; 32], "0123456789abcdef"));
        assert_ne!(id, order_id(&[2; 32], "0123456789abcdef"));
        assert_ne!(id, order_id(&[1; 32], "0123456789abcdeg"));
        assert_eq!(id.get_version_num(), 8);
    }

    #[test]
    fn what_failed_may_be_tried_again_and_what_was_written_is_waited_for() {
        let all = InFlight::default();
        let id = Uuid::from_u128(1);
        let order = |amount| Order::new(OrderId::new("a").unwrap(), amount);
        let Turn::Write(first) = all.enter(id, &order(1)) else { panic!("the first one writes") };
        assert!(matches!(all.enter(id, &order(2)), Turn::Reused));
        first.done(Err(PublishError::not_written(eventlog::Reason::Overloaded)));
        let Turn::Write(second) = all.enter(id, &order(1)) else {
            panic!("it failed, so the next one writes")
        };
        second.done(Ok((Bytes::new(), Position { topic: "t", partition: 0, offset: 1 })));
        let Turn::Wait(told) = all.enter(id, &order(1)) else { panic!("it is written") };
        assert!(told.borrow().as_ref().is_some_and(Result::is_ok));
    }
}
