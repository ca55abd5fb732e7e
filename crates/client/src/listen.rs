//! One order's stream: opened again as often as it breaks, until the order is over or patience is.

use std::time::Duration;

use rand::rngs::StdRng;
use sse_stream::Sse;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::{
    announcements::Announcements,
    bell::{Bell, Heard, Snapshot, State},
    counter::{Kind, Trouble},
    event::Event,
    held_up::Wait,
    patience::Backoff,
    place::Placed,
    run::Shop,
};

/// Listens for the bell of `order` and tells each ring once. Returns when nothing more can come; cancel safe.
pub(crate) async fn listen(shop: &Shop, order: &Placed, rng: StdRng) {
    let mut listener = Listener {
        shop,
        order,
        bell: Bell::default(),
        last_event_id: None,
        asked_pause: None,
        alive: Instant::now(),
        troubled_since: None,
        is_known: false,
        unknown_since: None,
        backoff: Backoff::new(shop.limits.bell, rng),
    };
    loop {
        let seat = shop.seats.take(!listener.bell.has_rung()).await;
        let end = listener.one_stream().await;
        drop(seat);
        let detail = match end {
            End::Over => return,
            End::GaveWay => continue,
            End::Hopeless(why) => why,
            End::Broken(trouble) => {
                tracing::debug!(order_id = order.order_id, why = trouble.why, "the stream ended");
                let after = trouble.after.max(listener.asked_pause);
                match listener.backoff.pause(listener.alive.elapsed(), after) {
                    Some(pause) => {
                        listener.held_up(&trouble, pause).await;
                        sleep(pause).await;
                        continue;
                    }
                    None => trouble.why,
                }
            }
        };
        // An order that rang is done with: nobody needs to hear that it can't be called back any more.
        if !listener.bell.has_rung() {
            shop.tell(Event::Unheard { order_id: order.order_id.clone(), detail }).await;
        }
        return;
    }
}

/// Hears the bell of `order` in the log. Returns when nobody reads the log any more; cancel safe.
pub(crate) async fn listen_to_log(shop: &Shop, order: &Placed, log: &Announcements) {
    let (mut rounds, mut bell) = (log.of(&order.order_id), Bell::default());
    while let Some(round) = rounds.recv().await {
        let snapshot = Snapshot { order_id: order.order_id.clone(), state: State::Ready, round, code: None };
        if let Some(heard) = bell.hear(&snapshot) {
            shop.tell(event(order, &heard)).await;
        }
    }
}

struct Listener<'a> {
    shop: &'a Shop,
    order: &'a Placed,
    bell: Bell,
    /// Where the next stream goes on.
    last_event_id: Option<String>,
    /// The stream's own `retry`: how long the counter wants us to stay away after it ends.
    asked_pause: Option<Duration>,
    /// The last sign of life: an event, or the order's acceptance.
    alive: Instant,
    /// When the first stream broke after the last sign of life.
    troubled_since: Option<Instant>,
    /// The counter has shown the order.
    is_known: bool,
    /// The first time that the counter said it knows no such order, since it last showed it.
    unknown_since: Option<Instant>,
    backoff: Backoff,
}

/// What an event says of the order, beyond the bells it rang.
enum Word {
    /// Nothing: a heartbeat, or somebody else's business.
    Nothing,
    /// Where it is.
    Known,
    /// The counter has read the log to its end and found no such order.
    Unknown,
    /// The counter knew the order and lets go of it.
    Forgotten,
}

/// Why a stream was left.
enum End {
    /// The order never rings again.
    Over,
    /// Another order needs the place more.
    GaveWay,
    /// It broke, ended or never opened.
    Broken(Trouble),
    /// It will never open.
    Hopeless(String),
}

impl End {
    fn broken(why: impl Into<String>) -> Self {
        Self::Broken(Trouble::unclear(why.into()))
    }

    fn unknown() -> Self {
        Self::Hopeless("the counter knows no such order".into())
    }
}

impl Listener<'_> {
    async fn one_stream(&mut self) -> End {
        let shop = self.shop;
        let opening = shop.counter.stream(&self.order.order_id, self.last_event_id.as_deref());
        // An order that rang waits for nothing.
        let opening = async {
            if self.bell.has_rung() { opening.await } else { shop.told_if_slow(Wait::Bell, opening).await }
        };
        let mut events = match opening.await {
            Ok(events) => events,
            Err(trouble) => {
                match trouble.kind {
                    Kind::Unreachable | Kind::Untrusted => shop.lost(&trouble.why).await,
                    Kind::NotFound => {
                        self.unknown_since.get_or_insert_with(Instant::now);
                        if self.patience_left().is_zero() {
                            return End::Hopeless(trouble.why);
                        }
                    }
                    Kind::Never => return End::Hopeless(trouble.why),
                    Kind::Unclear { .. } | Kind::Declined(_) | Kind::Strange => {}
                }
                return End::Broken(trouble);
            }
        };
        shop.reached().await;

        let opened = Instant::now();
        let mut is_unknown = false;
        let mut told_nothing_heard = false;
        loop {
            let next = tokio::select! {
                biased;
                // Before the events: heartbeats of a counter that doesn't know the order are no reason to wait.
                () = sleep(self.patience_left()), if is_unknown => return End::unknown(),
                next = timeout(shop.limits.silence, events.next()) => next,
                () = sleep_until(opened + shop.limits.notice), if !self.is_known && !told_nothing_heard => {
                    told_nothing_heard = true;
                    let nothing = Trouble::slow("the counter says nothing of the order yet");
                    shop.held_up(Wait::Bell, &nothing).await;
                    continue;
                }
                () = shop.seats.wanted(), if self.bell.has_rung() => {
                    if self.should_give_way(opened) {
                        return End::GaveWay;
                    }
                    continue;
                }
            };
            let event = match next {
                Ok(Some(Ok(event))) => event,
                Ok(Some(Err(why))) => return End::broken(why),
                Ok(None) => return End::broken("the counter ended the stream"),
                Err(_) => {
                    let silence_s = shop.limits.silence.as_secs_f64().ceil();
                    return End::broken(format!("the stream said nothing for {silence_s:.0} s"));
                }
            };
            // A stream that always breaks after its first event must not be opened in a tight loop.
            if opened.elapsed() >= shop.limits.bell.longest {
                self.backoff.settle();
            }
            match self.take(event).await {
                Ok(Word::Nothing) => {}
                Ok(Word::Known) => is_unknown = false,
                // A stream may end right after this word, each time.
                Ok(Word::Unknown) if self.patience_left().is_zero() => return End::unknown(),
                Ok(Word::Unknown) => is_unknown = true,
                Ok(Word::Forgotten) => return End::Hopeless("the counter has forgotten the order".into()),
                Err(why) => return End::broken(why),
            }
            // Only now: a counter that says what nobody understands must not be believed alive for ever.
            self.alive = Instant::now();
            self.troubled_since = None;
            if self.bell.is_over() {
                return End::Over;
            }
            if self.should_give_way(opened) {
                return End::GaveWay;
            }
        }
    }

    /// Tells why the bell can't be heard at the moment, if it can't for longer than anybody should wonder. A stream
    /// that breaks and is there again at once is nothing to tell.
    async fn held_up(&mut self, trouble: &Trouble, pause: Duration) {
        let since = *self.troubled_since.get_or_insert_with(Instant::now);
        // That nobody is there is told in its own words.
        if self.bell.has_rung() || trouble.kind.is_unsent() {
            return;
        }
        if since.elapsed() + pause >= self.shop.limits.notice {
            self.shop.held_up(Wait::Bell, trouble).await;
        }
    }

    fn should_give_way(&self, opened: Instant) -> bool {
        self.shop.seats.should_give_way(!self.bell.has_rung(), opened.elapsed())
    }

    /// How long the counter may go on saying that it doesn't know the order.
    fn patience_left(&self) -> Duration {
        let waited = self.unknown_since.map_or(Duration::ZERO, |since| since.elapsed());
        self.shop.limits.unknown.saturating_sub(waited)
    }

    async fn take(&mut self, event: Sse) -> Result<Word, String> {
        if let Some(retry_ms) = event.retry {
            self.asked_pause = Some(Duration::from_millis(retry_ms).min(self.shop.limits.bell.longest));
        }
        let word = match (event.event.as_deref(), event.data) {
            (Some("order"), Some(data)) => self.look(&data).await?,
            (Some("unknown"), _) => {
                self.unknown_since.get_or_insert_with(Instant::now);
                Word::Unknown
            }
            (Some("forgotten"), _) => Word::Forgotten,
            _ => Word::Nothing,
        };
        // Only now: an event that was not taken in must come again.
        if event.id.is_some() {
            self.last_event_id = event.id;
        }
        Ok(word)
    }

    async fn look(&mut self, data: &str) -> Result<Word, String> {
        let snapshot: Snapshot =
            serde_json::from_str(data).map_err(|error| format!("a snapshot can't be read: {error}"))?;
        if snapshot.order_id != self.order.order_id {
            return Ok(Word::Nothing);
        }
        self.unknown_since = None;
        self.is_known = true;
        if let Some(heard) = self.bell.hear(&snapshot) {
            self.shop.tell(event(self.order, &heard)).await;
        }
        Ok(Word::Known)
    }
}

fn event(order: &Placed, heard: &Heard) -> Event {
    let order_id = order.order_id.clone();
    match *heard {
        Heard::Ready { round, code, again } => {
            Event::Ready { order_id, round, code, waited: order.asked.elapsed(), again }
        }
        Heard::Recalled { round } => Event::Recalled { order_id, round },
        Heard::Cancelled { rang } => Event::Cancelled { order_id, rang },
    }
}
