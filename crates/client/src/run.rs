//! Lets the customers in one after the other, tells what they say, and ends.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    announcements::Announcements,
    counter::{Counter, Kind, Trouble},
    error::ClientError,
    event::Event,
    held_up::{HeldUp, Wait},
    listen::{listen, listen_to_log},
    options::{Limits, Options},
    patience::Backoff,
    place::place,
    report::Reporter,
    seats::Seats,
    summary::Summary,
    trust::Trust,
};

/// Events on their way to the reporter. A slow terminal holds the customers up instead of filling memory.
const UNTOLD: usize = 256;

/// Lets the customers of `options` in, and tells `reporter` everything that happens, the [`Summary`] last.
///
/// Ends when `stop` is cancelled; when no order is left that could ring; and with [`Options::once`] as soon as
/// every accepted order has rung or is over. What happens to a single order is told and counted, never an
/// error: [`Summary::verdict`] says how it went.
pub async fn run(
    options: Options,
    stop: CancellationToken,
    reporter: &mut dyn Reporter,
) -> Result<Summary, ClientError> {
    options.check()?;
    let mut keys = key_source()?;
    let mut wishes = match options.seed {
        Some(seed) => StdRng::seed_from_u64(seed),
        None => keys.fork(),
    };

    let closing = CancellationToken::new();
    // Customers whose run is dropped must not go on by themselves.
    let _close = closing.clone().drop_guard();
    let (tell, told) = mpsc::channel(UNTOLD);
    let trust = Trust::at(&options.counter, options.ca.as_deref()).map_err(ClientError::Trust)?;
    let shop = Arc::new(Shop {
        counter: Counter::new(options.counter.clone(), &trust, &options.limits),
        seats: Seats::new(options.limits.streams, options.limits.turn),
        limits: options.limits.clone(),
        closing,
        lost: AtomicBool::new(false),
        is_counter: AtomicBool::new(false),
        stranger: OnceLock::new(),
        held_up: HeldUp::default(),
        tell,
    });
    let mut telling = Telling { reporter, summary: Summary::new(options.customers) };

    let contact = Backoff::new(options.limits.contact, keys.fork());
    if reach(&shop.counter, contact, options.limits.notice, &stop, &mut telling).await?.is_some() {
        let mut crowd = Crowd { shop: Arc::clone(&shop), told, tasks: JoinSet::new() };
        let served = crowd.serve(&options, &stop, &mut wishes, &mut keys, &mut telling).await;
        shop.closing.cancel();
        if let Err(error) = served {
            crowd.tasks.shutdown().await;
            return Err(error);
        }
        crowd.see_off(&mut telling).await?;
    }
    telling.tell(&Event::Summary(telling.summary.clone()))?;
    Ok(telling.summary)
}

/// What all customers share.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) counter: Counter,
    pub(crate) seats: Seats,
    pub(crate) limits: Limits,
    /// Cancelled when nothing new may begin.
    pub(crate) closing: CancellationToken,
    /// The counter could not be reached the last time somebody tried.
    lost: AtomicBool,
    /// It has answered as only a counter does.
    is_counter: AtomicBool,
    /// How somebody answered who is none. Then everything is closing.
    stranger: OnceLock<String>,
    held_up: HeldUp,
    tell: mpsc::Sender<Event>,
}

impl Shop {
    pub(crate) async fn tell(&self, event: Event) {
        // Nobody listens any more: the run was dropped, and with it the wish to know.
        let _ = self.tell.send(event).await;
    }

    /// The counter can't be reached: told by the first who notices.
    pub(crate) async fn lost(&self, why: &str) {
        if !self.lost.swap(true, Ordering::Relaxed) {
            self.tell(lost(&self.counter, why)).await;
        }
    }

    /// The counter answers: told by the first who notices, if it was lost.
    pub(crate) async fn reached(&self) {
        if self.lost.swap(false, Ordering::Relaxed) {
            self.tell(Event::Back { counter: self.counter.address().to_string() }).await;
        }
    }

    /// The counter has answered as only a counter does.
    pub(crate) fn met(&self) {
        self.is_counter.store(true, Ordering::Relaxed);
    }

    /// It answered an order as no counter does: ends the run, unless it has been a counter before.
    pub(crate) fn is_stranger(&self, answer: &str) -> bool {
        if self.is_counter.load(Ordering::Relaxed) {
            return false;
        }
        let _ = self.stranger.set(answer.to_owned()); // the first word stands
        self.closing.cancel();
        true
    }

    /// Who answers there is no counter.
    fn stranger(&self) -> Result<(), ClientError> {
        self.stranger.get().map_or(Ok(()), |reason| {
            let counter = self.counter.address().clone();
            Err(ClientError::NotACounter { counter, reason: reason.clone() })
        })
    }

    /// A customer gets no further because of `trouble`: told, unless it was told before.
    pub(crate) async fn held_up(&self, wait: Wait, trouble: &Trouble) {
        if self.held_up.is_news(wait, &trouble.cause, Instant::now()) {
            self.tell(Event::Waiting { wait, detail: trouble.why.clone() }).await;
        }
    }

    /// Does `work`, and tells if it takes long; cancel safe if `work` is.
    pub(crate) async fn told_if_slow<T>(&self, wait: Wait, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        match timeout(self.limits.notice, &mut work).await {
            Ok(done) => done,
            Err(_) => {
                self.held_up(wait, &Trouble::slow("the counter has not answered yet")).await;
                work.await
            }
        }
    }
}

fn lost(counter: &Counter, why: &str) -> Event {
    Event::Lost { counter: counter.address().to_string(), detail: why.to_owned() }
}

/// Waits until somebody accepts connections at the counter's address; `None` when stopped before. Without
/// this, a wrong address would be told by each customer, a minute late.
async fn reach(
    counter: &Counter,
    mut backoff: Backoff,
    notice: Duration,
    stop: &CancellationToken,
    telling: &mut Telling<'_>,
) -> Result<Option<()>, ClientError> {
    let began = Instant::now();
    let mut was_lost = false;
    loop {
        let knock = async {
            let knock = counter.knock();
            tokio::pin!(knock);
            if let Ok(answered) = timeout(notice, &mut knock).await {
                return Ok(answered);
            }
            if !std::mem::replace(&mut was_lost, true) {
                telling.tell(&lost(counter, "no answer yet"))?;
            }
            Ok(knock.await)
        };
        let reason = match stop.run_until_cancelled(knock).await.transpose()? {
            None => return Ok(None),
            Some(Ok(())) if was_lost => {
                telling.tell(&Event::Back { counter: counter.address().to_string() })?;
                return Ok(Some(()));
            }
            Some(Ok(())) => return Ok(Some(())),
            Some(Err(Trouble { kind: Kind::Untrusted, why: reason, .. })) => {
                return Err(ClientError::Untrusted { counter: counter.address().clone(), reason });
            }
            Some(Err(trouble)) => trouble.why,
        };
        let tried_for = began.elapsed();
        let Some(pause) = backoff.pause(tried_for, None) else {
            return Err(ClientError::Unreachable { counter: counter.address().clone(), reason, tried_for });
        };
        if !was_lost {
            was_lost = true;
            telling.tell(&lost(counter, &reason))?;
        }
        if stop.run_until_cancelled(sleep(pause)).await.is_none() {
            return Ok(None);
        }
    }
}

/// The customers who are in, and what they say.
struct Crowd {
    shop: Arc<Shop>,
    told: mpsc::Receiver<Event>,
    tasks: JoinSet<()>,
}

impl Crowd {
    /// Until everything is over, or `stop`.
    async fn serve(
        &mut self,
        options: &Options,
        stop: &CancellationToken,
        wishes: &mut StdRng,
        keys: &mut StdRng,
        telling: &mut Telling<'_>,
    ) -> Result<(), ClientError> {
        let mut to_come = options.customers;
        let mut next_comes = Instant::now();
        let mut told_all_over = false;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = self.shop.closing.cancelled() => return self.shop.stranger(),
                Some(event) = self.told.recv() => telling.tell(&event)?,
                () = sleep_until(next_comes), if to_come > 0 => {
                    let amount = wishes.random_range(options.cups.clone());
                    let key = format!("brewline-client-{:032x}", keys.random::<u128>());
                    self.let_in(amount, key, keys.fork(), options.announcements.clone());
                    to_come -= 1;
                    next_comes = Instant::now() + options.interval;
                }
                Some(left) = self.tasks.join_next() => pass_on_panic(left),
            }
            if to_come == 0 && self.tasks.is_empty() && self.told.is_empty() {
                return Ok(());
            }
            if telling.summary.all_over() {
                if options.once {
                    return Ok(());
                }
                if !told_all_over && telling.summary.ready > 0 {
                    told_all_over = true;
                    let Summary { ready, customers, .. } = telling.summary;
                    telling.tell(&Event::AllOver { ready, customers })?;
                }
            }
        }
    }

    fn let_in(&mut self, amount: u32, key: String, mut rng: StdRng, log: Option<Announcements>) {
        let shop = Arc::clone(&self.shop);
        self.tasks.spawn(async move {
            let Some(order) = place(&shop, amount, &key, rng.fork()).await else { return };
            let listening = async {
                match log {
                    Some(log) => listen_to_log(&shop, &order, &log).await,
                    None => listen(&shop, &order, rng).await,
                }
            };
            shop.closing.run_until_cancelled(listening).await;
        });
    }

    /// Tells what those say who are on their way out. They have at most the grace for it, and a little more.
    async fn see_off(&mut self, telling: &mut Telling<'_>) -> Result<(), ClientError> {
        let latest = Instant::now() + self.shop.limits.grace * 2;
        while !(self.tasks.is_empty() && self.told.is_empty()) {
            let next = async {
                tokio::select! {
                    biased;
                    Some(event) = self.told.recv() => Some(event),
                    Some(left) = self.tasks.join_next() => {
                        pass_on_panic(left);
                        None
                    }
                }
            };
            match timeout_at(latest, next).await {
                Ok(Some(event)) => telling.tell(&event)?,
                Ok(None) => {}
                Err(_) => {
                    self.tasks.shutdown().await;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// A customer's panic is a bug of ours: it must not pass for an order that never rang.
fn pass_on_panic(left: Result<(), JoinError>) {
    if let Err(error) = left
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// The reporter, and how it adds up so far.
struct Telling<'a> {
    reporter: &'a mut dyn Reporter,
    summary: Summary,
}

impl Telling<'_> {
    fn tell(&mut self, event: &Event) -> Result<(), ClientError> {
        self.summary.add(event);
        self.reporter.tell(SystemTime::now(), event, &self.summary).map_err(ClientError::Output)
    }
}

/// Keys must never repeat and never be guessed, so they don't come from [`Options::seed`].
fn key_source() -> Result<StdRng, ClientError> {
    let mut seed = <StdRng as SeedableRng>::Seed::default();
    getrandom::fill(&mut seed).map_err(|error| ClientError::Randomness(error.to_string()))?;
    Ok(StdRng::from_seed(seed))
}
