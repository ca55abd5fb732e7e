//! The same key, the same order: its id is made from the key and the line's secret, so a repeat is known on any
//! counter and after any restart. Requests with one key that come at once to this counter share one record.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use eventlog::{Certainty, Position, PublishError};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use order::{Item, LineDetails, Order, REQUEST_HASH};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    doubts::Doubts,
    problem::{Code, Problem},
    view::to_hex,
};

/// Characters of a key. Source: the contract.
pub(crate) const KEY_CHARS: std::ops::RangeInclusive<usize> = 16..=128;
/// How long a written order stands in for the view, which may not have read it yet.
const KEPT: Duration = Duration::from_secs(10);
/// How many are kept, and how many bytes of their answers; beyond that the engine alone ignores repeats.
const KEPT_MAX: usize = 65_536;
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;

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
    let digest = keyed(secret, &[key.as_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Bytes of what is kept of a request. Nobody gains by two orders of one key that look the same: both are the sender's
/// own.
const KEPT_HASH_BYTES: usize = 8;

/// Whether an order is what this asked for.
pub(crate) fn is_of(order: &Order, asked: &Request, secret: &[u8; 32]) -> bool {
    let extra = order.details().map_or(&[][..], |details| &details.extra);
    let kept = extra.iter().find(|(key, _)| &**key == REQUEST_HASH).map(|(_, value)| value.get());
    kept.map_or_else(|| request(order) == *asked, |kept| kept == kept_hash(asked, secret))
}

/// An order's JSON as it is written: with what was asked for, if a menu made something else of it. That can't be told
/// from its prices and complete options, and what a menu made of it once can't be made again.
pub(crate) fn written(order: &Order, json: &Bytes, asked: &Request, secret: &[u8; 32]) -> Bytes {
    if order.details().is_none_or(|details| details.menu.is_none()) {
        return json.clone();
    }
    let mut written = json[..json.len() - 1].to_vec();
    written.extend_from_slice(format!(",\"{REQUEST_HASH}\":{}}}", kept_hash(asked, secret)).as_bytes());
    written.into()
}

/// The order without that, as it is shown and answered.
pub(crate) fn forget_request(order: &mut Order) {
    if let Some(details) = &mut order.details {
        details.extra.retain(|(key, _)| &**key != REQUEST_HASH);
    }
}

/// With the line's secret: whoever reads the log can't find out by guessing what a note says.
fn kept_hash(asked: &Request, secret: &[u8; 32]) -> String {
    // No key has a zero in it, so this is never the id that a key stands for.
    let digest = keyed(secret, &[b"request\0", asked]);
    format!("\"{}\"", to_hex(&digest[..KEPT_HASH_BYTES]))
}

/// HMAC-SHA256 under the line's secret.
fn keyed(secret: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// What of an order its sender asked for, as a hash. What counters add by themselves does not count.
pub(crate) fn request(order: &Order) -> Request {
    const ADDED: [&str; 2] = ["promise", "promised"];
    let details = order.details().map(|details| {
        let mut asked = order::Details {
            items: details.items.iter().map(asked_line).collect(),
            name: details.name.clone(),
            note: details.note.clone(),
            reference: details.reference.clone(),
            extra: details.extra.clone(),
            ..order::Details::default()
        };
        asked.extra.retain(|(key, _)| !ADDED.contains(&&**key));
        Box::new(asked)
    });
    let asked = Order { details, ..Order::new(order.order_id.clone(), order.amount) };
    Sha256::digest(asked.to_json()).into()
}

/// A line without what a menu says of it.
fn asked_line(item: &Item) -> Item {
    let note = item.note().map(str::to_owned);
    let details = note.map(|note| Box::new(LineDetails { note: Some(note), ..LineDetails::default() }));
    Item { details, ..item.clone() }
}

/// Equal for two orders that are one request.
pub(crate) type Request = [u8; 32];

/// The key stands for another request.
pub(crate) fn reused() -> Problem {
    Problem::new(
        Code::KeyReused,
        "This Idempotency-Key stands for an order with another content; use a new key for a new order.",
    )
}

/// The key stands for another command.
pub(crate) fn reused_for_command() -> Problem {
    Problem::new(
        Code::KeyReused,
        "This Idempotency-Key stands for another command on this order; use a new key for a new command.",
    )
}

/// What became of a record.
pub(crate) type Outcome = Result<(Bytes, Position), PublishError>;

/// Orders with a key that are being written, or were just now.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    orders: HashMap<Uuid, One>,
    /// Oldest first. What failed is only here, until its time.
    by_age: VecDeque<(Instant, Uuid, u64)>,
    /// Of all answers that are kept.
    bytes: usize,
    /// What is not kept because nobody knows how it went.
    doubts: Doubts,
    next_turn: u64,
}

#[derive(Debug)]
struct One {
    /// Which of those that ever had this key.
    turn: u64,
    request: Request,
    outcome: watch::Receiver<Option<Outcome>>,
    /// Of its answer, once there is one.
    bytes: usize,
}

/// What to do with an order that has a key.
pub(crate) enum Turn<'a, T> {
    /// Write it, and say how it went.
    Write(Writing<'a>, T),
    /// Someone is writing it already: wait for how it goes.
    Wait(watch::Receiver<Option<Outcome>>),
    /// Someone is writing another one with this key.
    Reused,
}

/// The one who writes. Dropped without a word, it leaves the order to whoever comes next, and in doubt.
pub(crate) struct Writing<'a> {
    all: &'a InFlight,
    id: Uuid,
    turn: u64,
    began: Instant,
    /// An earlier one with this key may still come to stand in the log.
    in_doubt: bool,
    tell: watch::Sender<Option<Outcome>>,
    ended: Ended,
}

/// How writing ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Written,
    NotWritten,
    Unknown,
}

impl InFlight {
    /// `room` is asked for only where there is something to write, and says what: a repeat adds nothing.
    pub(crate) fn enter<T>(
        &self,
        id: Uuid,
        request: Request,
        now: Instant,
        room: impl FnOnce() -> Result<T, Problem>,
    ) -> Result<Turn<'_, T>, Problem> {
        let mut kept = self.lock();
        kept.drop_old(now);
        if let Some(other) = kept.orders.get(&id) {
            let same = other.request == request;
            return Ok(if same { Turn::Wait(other.outcome.clone()) } else { Turn::Reused });
        }
        let what = room()?;
        let (tell, outcome) = watch::channel(None);
        let in_doubt = kept.doubts.has(id, now);
        let turn = kept.next_turn;
        kept.next_turn += 1;
        kept.orders.insert(id, One { turn, request, outcome, bytes: 0 });
        kept.by_age.push_back((now, id, turn));
        let writing = Writing { all: self, id, turn, began: now, in_doubt, tell, ended: Ended::Unknown };
        Ok(Turn::Write(writing, what))
    }

    /// Whether an order with this key may still come to stand in the log that nobody here knows of.
    pub(crate) fn is_in_doubt(&self, id: Uuid, now: Instant) -> bool {
        self.lock().doubts.has(id, now)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    /// Tells those who wait for it, and gives it back as they hear it: what was not written now may have been before.
    pub(crate) fn done(mut self, outcome: Outcome) -> Outcome {
        let outcome = outcome.map_err(|error| match error.certainty {
            Certainty::NotWritten if self.in_doubt => PublishError::unknown(error.reason),
            _ => error,
        });
        self.ended = match &outcome {
            Ok((json, _)) => {
                self.all.lock().keep(self.id, self.turn, json.len());
                Ended::Written
            }
            Err(PublishError { certainty: Certainty::NotWritten, .. }) => Ended::NotWritten,
            Err(_) => Ended::Unknown,
        };
        self.tell.send_replace(Some(outcome.clone()));
        outcome
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        // What was written stays for a while; what failed may be tried again at once.
        if self.ended == Ended::Written {
            return;
        }
        let mut kept = self.all.lock();
        kept.remove(self.id, self.turn);
        if self.ended == Ended::Unknown {
            kept.doubts.note(self.id, self.began);
        }
    }
}

impl Kept {
    fn keep(&mut self, id: Uuid, turn: u64, bytes: usize) {
        if let Some(one) = self.orders.get_mut(&id).filter(|one| one.turn == turn) {
            one.bytes = bytes;
            self.bytes += bytes;
        }
    }

    /// Removes what had this turn, and nothing that has had the key since.
    fn remove(&mut self, id: Uuid, turn: u64) {
        if let Entry::Occupied(one) = self.orders.entry(id)
            && one.get().turn == turn
        {
            self.bytes -= one.remove().bytes;
        }
    }

    fn drop_old(&mut self, now: Instant) {
        while let Some(&(since, id, turn)) = self.by_age.front()
            && (now.saturating_duration_since(since) > KEPT
                || self.by_age.len() > KEPT_MAX
                || self.bytes > KEPT_BYTES_MAX)
        {
            self.by_age.pop_front();
            let one = self.orders.get(&id).filter(|one| one.turn == turn);
            if one.is_some_and(|one| one.outcome.borrow().is_none()) {
                self.doubts.note(id, since);
            }
            self.remove(id, turn);
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
    fn a_request_is_what_its_sender_asked_for_and_not_what_was_added() {
        let asked = |rest: &str| {
            let json = format!(r#"{{"order_id":"a","amount":1,"status":0{rest}}}"#);
            request(&Order::parse(json.as_bytes()).unwrap())
        };
        let plain = asked("");
        for added in
            [r#","placed_at":7,"channel":"till""#, r#","promise":8,"unpaid":true"#, r#","make_seconds":9"#]
        {
            assert_eq!(asked(added), plain, "{added}");
        }
        assert_eq!(request(&Order::new(OrderId::new("a").unwrap(), 1)), plain);
        for other in [r#","name":"Kim""#, r#","note":"Kim""#, r#","ref":"Kim""#, r#","x":1"#] {
            assert_ne!(asked(other), plain, "{other}");
        }
        assert_ne!(request(&Order::new(OrderId::new("a").unwrap(), 2)), plain);
    }

    #[test]
    fn an_order_that_a_menu_completed_is_still_what_was_asked() {
        let order = |json: &str| Order::parse(json.as_bytes()).unwrap();
        let asked =
            order(r#"{"order_id":"a","amount":1,"status":0,"items":[{"item":"latte","note":"hot"}]}"#);
        let made = r#"{"order_id":"a","amount":1,"status":0,"items":[{"item":"latte","options":["milk/whole"],"unit_price":5500,"note":"hot"}],"total":5500,"menu":"0123456789ab"}"#;
        let asked = request(&asked);
        assert_ne!(request(&order(made)), asked);
        let secret = [1; 32];
        let written = |secret| written(&order(made), &Bytes::from_static(made.as_bytes()), &asked, secret);
        let mut read = Order::parse(&written(&secret)).unwrap();
        assert!(is_of(&read, &asked, &secret));
        assert!(!is_of(&read, &request(&order(r#"{"order_id":"a","amount":1,"status":0}"#)), &secret));
        assert_ne!(written(&secret), written(&[2; 32]), "nobody can guess it who does not know the secret");
        forget_request(&mut read);
        assert_eq!(read, order(made), "it is for counters alone");
    }

    const ID: Uuid = Uuid::from_u128(1);
    const REQUEST: Request = [1; 32];

    fn answer(bytes: usize) -> (Bytes, Position) {
        (vec![0; bytes].into(), Position { topic: "t", partition: 0, offset: 1 })
    }

    fn enter(all: &InFlight, id: Uuid, now: Instant) -> Turn<'_, ()> {
        all.enter(id, REQUEST, now, || Ok(())).expect("there is room")
    }

    fn write(all: &InFlight, id: Uuid, now: Instant) -> Writing<'_> {
        match enter(all, id, now) {
            Turn::Write(writing, ()) => writing,
            _ => panic!("it is there already"),
        }
    }

    #[test]
    fn what_failed_may_be_tried_again_and_what_was_written_is_waited_for() {
        let (all, now) = (InFlight::default(), Instant::now());
        let first = write(&all, ID, now);
        assert!(matches!(all.enter(ID, [2; 32], now, || Ok(())), Ok(Turn::Reused)));
        assert!(first.done(Err(PublishError::not_written(eventlog::Reason::Overloaded))).is_err());
        write(&all, ID, now).done(Ok(answer(0))).unwrap();
        let Turn::Wait(told) = enter(&all, ID, now) else { panic!("it is written") };
        assert!(told.borrow().as_ref().is_some_and(Result::is_ok));
    }

    #[test]
    fn what_may_still_come_to_stand_in_the_log_is_in_doubt_whatever_is_tried_after_it() {
        let (all, now) = (InFlight::default(), Instant::now());
        let not_written = || Err(PublishError::not_written(eventlog::Reason::DiskFull));
        let unknown = || Err(PublishError::unknown(eventlog::Reason::Deadline));
        assert!(write(&all, ID, now).done(not_written()).is_err());
        assert!(!all.is_in_doubt(ID, now), "that is certain");
        assert!(write(&all, ID, now).done(unknown()).is_err());
        assert!(all.is_in_doubt(ID, now));
        let again = write(&all, ID, now).done(not_written()).unwrap_err();
        assert_eq!(again, PublishError::unknown(eventlog::Reason::DiskFull), "the first one may be there");
        let other = Uuid::from_u128(2);
        drop(write(&all, other, now));
        assert!(all.is_in_doubt(other, now), "who gave up does not know what became of it");
    }

    #[test]
    fn a_full_line_refuses_only_what_is_not_written_yet() {
        let (all, now) = (InFlight::default(), Instant::now());
        let full = || Err::<(), _>(crate::app::queue_full(1));
        assert!(all.enter(ID, REQUEST, now, full).is_err());
        write(&all, ID, now).done(Ok(answer(0))).unwrap();
        assert!(matches!(all.enter(ID, REQUEST, now, full), Ok(Turn::Wait(_))));
    }

    #[test]
    fn the_age_of_what_failed_does_not_end_what_came_after_it() {
        let (all, began) = (InFlight::default(), Instant::now());
        drop(write(&all, ID, began));
        write(&all, ID, began + KEPT).done(Ok(answer(0))).unwrap();
        let later = began + KEPT + Duration::from_millis(1);
        assert!(matches!(enter(&all, ID, later), Turn::Wait(_)), "it is a millisecond old");
        assert!(matches!(enter(&all, ID, later + KEPT), Turn::Write(..)), "now its time has come");
    }

    #[test]
    fn one_that_was_pushed_out_does_not_take_its_successor_along() {
        let (all, now) = (InFlight::default(), Instant::now());
        let slow = write(&all, ID, now);
        let successor = write(&all, ID, now + KEPT * 2);
        drop(slow);
        assert!(matches!(enter(&all, ID, now + KEPT * 2), Turn::Wait(_)));
        drop(successor);
    }

    #[test]
    fn the_answers_that_are_kept_have_a_bound_in_bytes() {
        let (all, now) = (InFlight::default(), Instant::now());
        let many = KEPT_BYTES_MAX as u128 / 65_536 + 100;
        for n in 0..many {
            write(&all, Uuid::from_u128(n), now).done(Ok(answer(65_536))).unwrap();
        }
        assert!(all.lock().bytes <= KEPT_BYTES_MAX + 65_536);
        assert!(matches!(enter(&all, Uuid::from_u128(0), now), Turn::Write(..)), "the oldest went");
        assert!(matches!(enter(&all, Uuid::from_u128(many - 1), now), Turn::Wait(_)));
    }
}
