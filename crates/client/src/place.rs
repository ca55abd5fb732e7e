//! One order over HTTP: asked for until it is settled, always with the same key.

use std::time::Duration;

use rand::rngs::StdRng;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    counter::{Answer, Kind, Problem},
    event::Event,
    held_up::Wait,
    patience::Backoff,
    run::Shop,
};

/// An order that the counter took.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) order_id: String,
    /// When it was first asked for.
    pub(crate) asked: Instant,
}

/// Orders `amount` cups, and tells how it went. `None` when there is nothing to wait for.
///
/// Every attempt carries the same `key`: where an answer was lost after the order had been written, the next
/// attempt gets that order instead of a second one.
pub(crate) async fn place(shop: &Shop, amount: u32, key: &str, rng: StdRng) -> Option<Placed> {
    let asked = Instant::now();
    let mut backoff = Backoff::new(shop.limits.order, rng);
    let mut doubt = Doubt::default();
    loop {
        let trouble = match attempt(shop, amount, key, &mut doubt).await {
            None => {
                // A customer who had asked for nothing yet just leaves.
                if doubt.maybe_taken {
                    shop.tell(doubt.unanswered(amount, "stopped before the counter answered".into())).await;
                }
                return None;
            }
            Some(Answer::Accepted { order_id }) => {
                shop.met();
                shop.reached().await;
                shop.tell(Event::Accepted { order_id: order_id.clone(), amount }).await;
                return Some(Placed { order_id, asked });
            }
            Some(Answer::Refused(problem))
                if problem.is_no_counters() && shop.is_stranger(&problem.detail) =>
            {
                return None;
            }
            Some(Answer::Refused(problem)) => {
                // Anybody may forbid something; only counters say it with a code.
                if problem.code.is_some() {
                    shop.met();
                }
                shop.reached().await;
                shop.tell(refused(amount, problem)).await;
                return None;
            }
            Some(Answer::Again(trouble)) => trouble,
        };

        match &trouble.kind {
            Kind::Unreachable | Kind::Untrusted => shop.lost(&trouble.why).await,
            Kind::Unclear { order_id } => doubt.raise(order_id.clone()),
            Kind::Declined(_) => {
                shop.met();
                shop.reached().await;
            }
            Kind::Strange if shop.is_stranger(&trouble.why) => return None,
            Kind::Strange => doubt.raise(None),
            Kind::NotFound | Kind::Never => {}
        }
        let pause = match trouble.kind {
            Kind::Never => None,
            _ => backoff.pause(asked.elapsed(), trouble.after),
        };
        if let Some(pause) = pause
            && !trouble.kind.is_unsent()
            && asked.elapsed() + pause >= shop.limits.notice
        {
            shop.held_up(Wait::Order, &trouble).await;
        }
        let stopped = match pause {
            Some(pause) => shop.closing.run_until_cancelled(sleep(pause)).await.is_none(),
            None => true,
        };
        if stopped {
            shop.tell(match trouble.kind {
                Kind::Declined(problem) if !doubt.maybe_taken => refused(amount, problem),
                _ => doubt.unanswered(amount, gave_up(&trouble.why, asked.elapsed())),
            })
            .await;
            return None;
        }
    }
}

/// One request. When everything stops, none is begun any more, but an answer that is on its way is still
/// waited for, though not for long: an order that exists should be told. `None` when there is no answer.
async fn attempt(shop: &Shop, amount: u32, key: &str, doubt: &mut Doubt) -> Option<Answer> {
    let _turn = shop.closing.run_until_cancelled(shop.counter.turn()).await?;
    let asking = shop.told_if_slow(Wait::Order, shop.counter.order(amount, key));
    tokio::pin!(asking);
    let answer = tokio::select! {
        biased;
        answer = &mut asking => Some(answer),
        () = shop.closing.cancelled() => {
            timeout_at(Instant::now() + shop.limits.grace, asking).await.ok()
        }
    };
    if answer.is_none() {
        doubt.raise(None);
    }
    answer
}

/// What earlier attempts left open.
#[derive(Debug, Default)]
struct Doubt {
    maybe_taken: bool,
    order_id: Option<String>,
}

impl Doubt {
    fn raise(&mut self, order_id: Option<String>) {
        self.maybe_taken = true;
        self.order_id = order_id.or(self.order_id.take());
    }

    fn unanswered(self, amount: u32, detail: String) -> Event {
        Event::Unanswered { amount, order_id: self.order_id, maybe_taken: self.maybe_taken, detail }
    }
}

fn refused(amount: u32, problem: Problem) -> Event {
    Event::Refused { amount, status: problem.status, code: problem.code, detail: problem.detail }
}

fn gave_up(why: &str, after: Duration) -> String {
    format!("{why}; tried for {:.0} s", after.as_secs_f64().ceil())
}
