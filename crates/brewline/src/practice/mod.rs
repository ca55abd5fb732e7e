//! Customers and baristas of a plan, over the real API: for `brewline up --demo` and `brewline rush`.
//!
//! | module | what it holds |
//! |---|---|
//! | `guest` | one customer, with their phone |
//! | `bar` | those who work at the rail |
//! | `offer` | what there is to order |
//! | `stage` | the directory of a practice line, and how one is told from a shop's |
//! | `left` | what practices that were killed left behind |

pub(crate) mod bar;
pub(crate) mod guest;
pub(crate) mod left;
pub(crate) mod offer;
pub(crate) mod stage;

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use ::rush::{Millis, Stage, Tap};
use client::{Api, CounterAddress, Limits, Patience, Request};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The field of an order that says whose of the plan it is.
const FIELD: &str = "practice";

/// What everyone in a practised morning shares.
pub(crate) struct Cafe {
    /// As customers speak.
    pub(crate) public: Api,
    /// As staff do.
    pub(crate) staff: Api,
    pub(crate) clock: Clock,
    /// Tells this morning's orders and keys from every other's.
    pub(crate) name: String,
    pub(crate) tally: Tally,
    /// Cancelled when it is over.
    pub(crate) closing: CancellationToken,
    /// Phones stay on their page to the end, also when their owner has what they came for.
    pub(crate) phones_stay: bool,
}

/// The morning's time, which may be faster than the clock's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    began: Instant,
    speed: u32,
}

/// How it goes so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) came: AtomicUsize,
    /// Customers who are done.
    pub(crate) left: AtomicUsize,
    pub(crate) orders: AtomicUsize,
    pub(crate) drinks: AtomicUsize,
    /// Orders that were sent once more, on purpose.
    pub(crate) repeats: AtomicUsize,
    pub(crate) turned_away: AtomicUsize,
    /// Orders of which nobody said whether they were taken.
    pub(crate) unanswered: AtomicUsize,
    pub(crate) waiting: AtomicUsize,
    pub(crate) making: AtomicUsize,
    pub(crate) ready: AtomicUsize,
    /// The bar has closed, and nothing is left on it.
    pub(crate) is_clear: AtomicBool,
    pub(crate) kills: AtomicUsize,
    /// The longest time from a kill until the line took orders again.
    pub(crate) longest_away_ms: AtomicU64,
}

impl Cafe {
    /// A morning at this counter.
    pub(crate) fn new(
        counter: CounterAddress,
        token: &str,
        speed: u32,
        phones_stay: bool,
    ) -> anyhow::Result<Self> {
        let public = Api::new(counter, None, limits())?;
        let staff = public.with_token(token);
        let staff =
            staff.ok_or_else(|| anyhow::anyhow!("no staff token looks like that; copy it once more"))?;
        Ok(Self {
            public,
            staff,
            clock: Clock { began: Instant::now(), speed },
            name: format!("{:016x}", chance()),
            tally: Tally::default(),
            closing: CancellationToken::new(),
            phones_stay,
        })
    }

    /// Opens the shop, whatever its hours say: who practises does so at any time. Where it has a bar of ours, that is there
    /// before the first customer.
    pub(crate) async fn open(&self, has_bar: bool) -> anyhow::Result<()> {
        let open = Request::put("/shop/open", &json!({"open": true}));
        for request in has_bar.then(bar::is_there).into_iter().chain([open]) {
            let reply = self.staff.ask(&request).await?;
            anyhow::ensure!(reply.is_success(), "the line does not open the shop: {}", reply.detail());
        }
        Ok(())
    }

    /// The same, with its clock set to the morning's beginning.
    pub(crate) fn at_its_beginning(self) -> Self {
        Self { clock: Clock { began: Instant::now(), ..self.clock }, ..self }
    }

    /// Whether an order is of this morning.
    pub(crate) fn is_ours(&self, order: &Value) -> bool {
        self.customer(order).is_some()
    }

    /// Whose of the plan an order is.
    fn customer(&self, order: &Value) -> Option<usize> {
        let (name, number) = order[FIELD].as_str()?.split_once('/')?;
        (name == self.name).then(|| number.parse().ok()).flatten()
    }
}

impl Clock {
    /// What the morning's clock shows.
    pub(crate) fn now(&self) -> Millis {
        let elapsed = self.began.elapsed() * self.speed;
        Millis::try_from(elapsed.as_millis()).unwrap_or(Millis::MAX)
    }

    /// When it shows this.
    pub(crate) fn at(&self, time: Millis) -> Instant {
        self.began + Duration::from_micros(time.saturating_mul(1_000) / u64::from(self.speed))
    }
}

impl Tally {
    pub(crate) fn add(&self, to: impl FnOnce(&Self) -> &AtomicUsize) {
        to(self).fetch_add(1, Ordering::Relaxed);
    }

    /// The line was killed, and nobody took orders for so long.
    pub(crate) fn away(&self, time: Duration) {
        self.add(|tally| &tally.kills);
        self.longest_away_ms.fetch_max(time.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn longest_away(&self) -> Duration {
        Duration::from_millis(self.longest_away_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn get(&self, of: impl FnOnce(&Self) -> &AtomicUsize) -> usize {
        of(self).load(Ordering::Relaxed)
    }
}

/// What a tap is as a command.
fn command(order: &str, tap: Tap, seen: Option<(Stage, u32)>, key: String) -> Request {
    let mut says = json!({"command": tap.name()});
    match tap {
        Tap::Tick(line) => says["line"] = line.into(),
        Tap::Recall(reason) | Tap::Cancel(reason) => says["reason"] = reason.into(),
        Tap::Presence(presence) => says["presence"] = presence.into(),
        _ => {}
    }
    if let Some((stage, round)) = seen {
        says["state"] = stage.name().into();
        says["round"] = round.into();
    }
    Request::post(format!("/orders/{order}/commands"), &says, key)
}

/// Patient with a line that is killed and started again, and quick to be back.
fn limits() -> Limits {
    let defaults = Limits::default();
    let (first, longest, overall) =
        (Duration::from_millis(50), Duration::from_millis(500), Duration::from_mins(1));
    Limits {
        order: Patience { first, longest, overall, ..defaults.order },
        bell: Patience { first, longest, overall, ..defaults.bell },
        posts: 256,
        // The menu, and a history; the rail of a whole morning comes as one event.
        body_bytes: 4 * 1024 * 1024,
        event_bytes: 8 * 1024 * 1024,
        ..defaults
    }
}

/// A number that nobody has drawn before.
pub(crate) fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}
