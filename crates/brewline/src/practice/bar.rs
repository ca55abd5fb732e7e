//! Those who work at the rail: what they see comes from the staff's stream, what they tap are commands.

use std::{sync::Arc, time::Duration};

use ::rush::{AtBar, Bar, Deed, Stage, Ticket};
use client::{Reply, Request, Silence};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep_until},
};

use super::{Cafe, command};

/// What the bar is called where its page would say its name.
const NAME: &str = "practice";
/// A bar page says so often that it is there.
const THERE_EVERY: Duration = Duration::from_secs(20);

/// What the bar is told.
#[derive(Debug)]
pub(crate) enum Word {
    /// More customers are planned.
    PlanOn(Vec<AtBar>),
    /// Nobody comes any more.
    Close,
}

/// Works at the rail until the morning is over. Ends early only if the line stays silent, or refuses who works there.
pub(crate) async fn tend(cafe: Arc<Cafe>, bar: Bar, mut words: mpsc::Receiver<Word>) -> Result<(), Silence> {
    let mut work = Work { cafe, bar, taps: JoinSet::new(), tapped: 0, is_closed: false };
    let closing = work.cafe.closing.clone();
    let mut rail = work.cafe.staff.follow("/events");
    let mut there = interval(THERE_EVERY);
    there.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let at = work.bar.next_at().map(|at| work.cafe.clock.at(at));
        let due = async {
            match at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let now = |cafe: &Cafe| cafe.clock.now();
        tokio::select! {
            () = closing.cancelled() => return Ok(()),
            told = rail.next() => {
                let told = told?;
                work.see(&told.name, &told.json);
            }
            Some(Ok((deed, answer))) = work.taps.join_next() => work.done(&deed, answer),
            Some(word) = words.recv() => match word {
                Word::PlanOn(more) => work.bar.plan_on(more),
                Word::Close => {
                    work.bar.close(now(&work.cafe));
                    work.is_closed = true;
                }
            },
            _ = there.tick() => work.say_there(),
            () = due => {}
        }
        work.tap();
        work.tell();
    }
}

struct Work {
    cafe: Arc<Cafe>,
    bar: Bar,
    taps: JoinSet<(Deed, Result<Reply, Silence>)>,
    tapped: usize,
    is_closed: bool,
}

impl Work {
    fn see(&mut self, name: &str, json: &Value) {
        let now = self.cafe.clock.now();
        match name {
            "snapshot" => {
                let orders = json["orders"].as_array().into_iter().flatten();
                let tickets: Vec<_> = orders.filter_map(|order| ticket(&self.cafe, order)).collect();
                if json["more"] == Value::Bool(true) {
                    // What is not among them may be live all the same.
                    for ticket in tickets {
                        self.bar.sees(now, ticket);
                    }
                } else {
                    self.bar.shows(now, tickets);
                }
            }
            "order" => {
                if let Some(ticket) = ticket(&self.cafe, json) {
                    self.bar.sees(now, ticket);
                }
            }
            _ => {}
        }
    }

    /// All that is due.
    fn tap(&mut self) {
        while let Some(deed) = self.bar.act(self.cafe.clock.now()) {
            self.tapped += 1;
            let key = format!("{}-bar-{}", self.cafe.name, self.tapped);
            let command = command(&deed.order, deed.tap, Some((deed.stage, deed.round)), key);
            let api = self.cafe.staff.clone();
            self.taps.spawn(async move {
                let answer = api.ask(&command).await;
                (deed, answer)
            });
        }
    }

    fn done(&mut self, deed: &Deed, answer: Result<Reply, Silence>) {
        let now = self.cafe.clock.now();
        let is_settled = match answer {
            Ok(reply) => {
                tracing::debug!(order = deed.order, tap = ?deed.tap, status = reply.status, "tapped");
                let order = if reply.is_success() { &reply.json } else { &reply.json["order"] };
                if let Some(ticket) = ticket(&self.cafe, order) {
                    self.bar.sees(now, ticket);
                }
                true
            }
            Err(silence) => {
                tracing::debug!(order = deed.order, tap = ?deed.tap, %silence, "tapped in vain");
                false
            }
        };
        self.bar.done(now, deed, is_settled);
    }

    /// Where people make the drinks, orders are taken only while a bar page is there.
    fn say_there(&self) {
        let api = self.cafe.staff.clone();
        tokio::spawn(async move {
            let _ = api.ask(&is_there()).await; // it is said again soon
        });
    }

    fn tell(&self) {
        use std::sync::atomic::Ordering::Relaxed;
        let tally = &self.cafe.tally;
        let [waiting, making, ready] = self.bar.counts();
        tally.waiting.store(waiting, Relaxed);
        tally.making.store(making, Relaxed);
        tally.ready.store(ready, Relaxed);
        tally.is_clear.store(self.is_closed && self.bar.is_clear() && self.taps.is_empty(), Relaxed);
    }
}

/// What a bar page says from time to time.
pub(crate) fn is_there() -> Request {
    Request::put(format!("/shop/bars/{NAME}"), &json!({}))
}

/// What the rail shows of an order.
fn ticket(cafe: &Cafe, order: &Value) -> Option<Ticket> {
    let number = |field: &str| order[field].as_u64().and_then(|number| u32::try_from(number).ok());
    Some(Ticket {
        order: order["order_id"].as_str()?.to_owned(),
        version: number("version")?,
        stage: Stage::of_name(order["state"].as_str()?)?,
        round: number("round")?,
        lines: order["items"]
            .as_array()
            .and_then(|lines| u16::try_from(lines.len()).ok())
            .unwrap_or_default(),
        unpaid: order["unpaid"].as_bool().unwrap_or_default(),
        customer: cafe.customer(order),
    })
}
