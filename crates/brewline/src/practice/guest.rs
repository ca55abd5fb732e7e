//! One customer, with their phone.

use std::{sync::Arc, time::Duration};

use ::rush::{Act, Claim, Customer, Guest, News, Where};
use client::{Api, Bell, Follow, Heard, Request, Silence, Snapshot, State, Told};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Cafe, FIELD, command};

/// A line may say for so long that it does not know an order that it took: it may have to read its log first.
const UNKNOWN: Duration = Duration::from_secs(10);
/// How long the last news may take to reach a phone when it is all over.
const LAST_NEWS: Duration = Duration::from_secs(15);

/// Lets a customer come and go, and says what they hold in the end.
pub(crate) async fn attend(cafe: Arc<Cafe>, number: usize, customer: Customer) -> Claim {
    let mut visit = Visit {
        number,
        guest: Guest::new(customer),
        order: None,
        phone: None,
        bell: Bell::default(),
        version: 0,
        finished: None,
        gives_up_at: None,
        taps: 0,
        claim: Claim::default(),
        cafe,
    };
    let closing = visit.cafe.closing.clone();
    closing.run_until_cancelled(visit.stay()).await;
    visit.hear_the_last().await;
    visit.claim.listened = visit.phone.is_some();
    visit.claim
}

struct Visit {
    cafe: Arc<Cafe>,
    number: usize,
    guest: Guest,
    order: Option<String>,
    /// The page, while it is open.
    phone: Option<Follow>,
    /// Kept over reloads, as the page keeps it.
    bell: Bell,
    /// The newest that the page has shown.
    version: u64,
    /// The round whose end was heard of.
    finished: Option<u32>,
    /// When it is clear that the line does not know the order, if it says so.
    gives_up_at: Option<Instant>,
    taps: usize,
    claim: Claim,
}

impl Visit {
    /// Until they have left, and have closed the page.
    async fn stay(&mut self) {
        let mut has_left = false;
        loop {
            let planned_at = self.guest.next_at().map(|at| self.cafe.clock.at(at));
            let at = planned_at.into_iter().chain(self.gives_up_at).min();
            let due = async {
                match at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let heard = async {
                match &mut self.phone {
                    Some(phone) => phone.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                told = heard => self.hear(told),
                () = due => {}
            }
            if self.gives_up_at.is_some_and(|at| at <= Instant::now()) {
                self.gives_up_at = None;
                self.hang_up("the line does not know the order");
            }
            while let Some(act) = self.guest.act(self.cafe.clock.now()) {
                if act == Act::Leave && !std::mem::replace(&mut has_left, true) {
                    self.cafe.tally.add(|tally| &tally.left);
                }
                self.act(act).await;
            }
            if has_left && (self.phone.is_none() || !self.cafe.phones_stay) {
                return;
            }
        }
    }

    async fn act(&mut self, act: Act) {
        match (act, &self.order) {
            (Act::Order { copies }, _) => self.send(copies).await,
            (Act::Open, Some(order)) => {
                self.phone = Some(self.cafe.public.follow(format!("/orders/{order}/events")));
            }
            (Act::Close, _) => self.phone = None,
            (Act::Tap(tap), Some(order)) => {
                self.taps += 1;
                let key = format!("{}-{}-{}", self.cafe.name, self.number, self.taps);
                let command = command(order, tap, None, key);
                match self.cafe.public.ask(&command).await {
                    Ok(reply) => tracing::debug!(order, ?tap, status = reply.status, "tapped"),
                    Err(silence) => tracing::debug!(order, ?tap, %silence, "tapped in vain"),
                }
            }
            (Act::Open | Act::Tap(_), None) | (Act::Leave, _) => {}
        }
    }

    /// Sends the order, always with the same key.
    async fn send(&mut self, copies: usize) {
        let is_first = self.order.is_none();
        let tally = &self.cafe.tally;
        if is_first {
            tally.add(|tally| &tally.came);
        }
        let order = self.wanted();
        let api = match self.guest.customer().at {
            Where::Phone => &self.cafe.public,
            Where::Till => &self.cafe.staff,
        };
        let answers = if copies > 1 {
            let (one, other) = tokio::join!(place(api, &order), place(api, &order));
            vec![one, other]
        } else {
            vec![place(api, &order).await]
        };
        for _ in 1..answers.len() + usize::from(!is_first) {
            tally.add(|tally| &tally.repeats);
        }
        let now = self.cafe.clock.now();
        for answer in answers {
            match answer {
                Ok(Ok(id)) => {
                    self.claim.orders.insert(id.clone());
                    if self.order.is_none() {
                        tally.add(|tally| &tally.orders);
                        tally.drinks.fetch_add(
                            self.guest.customer().cups.into(),
                            std::sync::atomic::Ordering::Relaxed,
                        );
                        self.order = Some(id);
                    }
                    self.guest.hear(now, News::Taken);
                }
                Ok(Err(why)) if self.order.is_none() => {
                    tracing::info!(why, "a customer was turned away");
                    tally.add(|tally| &tally.turned_away);
                    self.guest.hear(now, News::TurnedAway);
                }
                Err(silence) if self.order.is_none() => {
                    tracing::warn!(%silence, "an order was not answered");
                    tally.add(|tally| &tally.unanswered);
                    self.guest.hear(now, News::TurnedAway);
                }
                // Whoever has an order already needs no other answer.
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    fn wanted(&self) -> Request {
        let Cafe { name, .. } = &*self.cafe;
        let Customer { wants, cups, at, .. } = self.guest.customer();
        let mut order = json!({ FIELD: format!("{name}/{}", self.number) });
        if wants.is_empty() {
            order["amount"] = (*cups).into();
        } else {
            let item = |wish: &::rush::Wish| json!({"item": wish.item, "quantity": wish.quantity, "options": wish.options});
            order["items"] = wants.iter().map(item).collect();
        }
        if *at == Where::Till {
            order["ref"] = format!("P-{}", self.number + 1).into();
        }
        Request::post("/orders", &order, format!("{name}-order-{}", self.number))
    }

    fn hear(&mut self, told: Result<Told, Silence>) {
        match told {
            Ok(Told { name, json }) => match name.as_str() {
                "order" => self.look(&json),
                "unknown" => {
                    self.gives_up_at.get_or_insert(Instant::now() + UNKNOWN);
                }
                _ => {}
            },
            Err(silence) => self.hang_up(&silence.to_string()),
        }
    }

    /// Nothing can be heard any more, and nothing is to be waited for.
    fn hang_up(&mut self, why: &str) {
        tracing::warn!(why, "a phone hears nothing any more");
        self.phone = None;
        self.guest.hear(self.cafe.clock.now(), News::TurnedAway);
    }

    /// What the page makes of a snapshot.
    fn look(&mut self, json: &Value) {
        let Ok(snapshot) = serde_json::from_value::<Snapshot>(json.clone()) else { return };
        self.gives_up_at = None;
        self.version = self.version.max(json["version"].as_u64().unwrap_or_default());
        let now = self.cafe.clock.now();
        match self.bell.hear(&snapshot) {
            Some(Heard::Ready { round, .. }) => {
                self.claim.rang.push(round);
                self.guest.hear(now, News::Ready);
            }
            Some(Heard::Recalled { .. }) => self.guest.hear(now, News::Recalled),
            Some(Heard::Cancelled { .. }) => self.guest.hear(now, News::Cancelled),
            None => {}
        }
        let is_finished = matches!(snapshot.state, State::Collected | State::Uncollected);
        if is_finished && self.finished < Some(snapshot.round) {
            self.finished = Some(snapshot.round);
            self.guest.hear(now, News::Finished);
        }
    }

    /// What is so at the end reaches a page that is open, though it may take a moment.
    async fn hear_the_last(&mut self) {
        let (Some(order), true) = (self.order.clone(), self.phone.is_some()) else { return };
        let Ok(reply) = self.cafe.public.ask(&Request::get(format!("/orders/{order}"))).await else { return };
        let newest = reply.json["version"].as_u64().unwrap_or_default();
        let hearing = async {
            while self.version < newest
                && let Some(phone) = &mut self.phone
            {
                let told = phone.next().await;
                self.hear(told);
            }
        };
        let _ = timeout(LAST_NEWS, hearing).await; // what it has not heard by then, it is asked about
    }
}

/// The id of the order, or why there is none.
async fn place(api: &Api, order: &Request) -> Result<Result<String, String>, Silence> {
    let reply = api.ask(order).await?;
    let id = reply.json["order_id"].as_str().filter(|_| reply.is_success());
    Ok(id.map(str::to_owned).ok_or_else(|| reply.detail()))
}
