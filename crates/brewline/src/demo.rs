//! `brewline up --demo`: a practice line, and the people in it for as long as it runs.

use std::sync::Arc;

use ::rush::{AtBar, Bar, Crowd, Millis, Morning, plan};
use client::{CounterAddress, Request};
use tokio::{sync::mpsc, task::JoinSet, time::sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Demo,
    practice::{
        Cafe,
        bar::{Word, tend},
        chance,
        guest::attend,
        offer::offer,
        stage::{Stage, Whereabouts},
    },
};

/// One every 20 seconds, so that each page has something to show and a beginner can keep up.
const HOURLY: Morning = Morning { customers: 180, minutes: 60, kills: 0, crowd: Crowd::Steady };
const HOUR: Millis = 60 * 60 * 1_000;
/// The first ones come no later than this.
const EAGER: [Millis; 4] = [0, 3_000, 7_000, 12_000];
/// What nobody comes for is put aside after this.
const PATIENCE: Millis = 10 * 60 * 1_000;
/// What the bar does for whoever orders on a page: half a minute, and it is theirs to say that they have it.
const BY_HAND: AtBar = AtBar { making: 30_000, ticks: true, slip: None, hands_over_after: None };

/// A practice line that has begun.
#[derive(Debug)]
pub(crate) struct Practice {
    pub(crate) stage: Arc<Stage>,
    pub(crate) who: Demo,
}

impl Practice {
    /// The line takes orders at `url`: says so, and lets people in until `stop`.
    pub(crate) async fn begin(self, url: &str, token: Option<String>, stop: CancellationToken) {
        let Self { stage, who } = self;
        // A line that goes on where it was has shown its token before.
        let last = stage.whereabouts().unwrap_or_default();
        let token = token.unwrap_or(last.token);
        let whereabouts =
            Whereabouts { url: url.to_owned(), token, process: std::process::id(), rush: last.rush };
        if let Err(error) = stage.write(&whereabouts) {
            tracing::warn!("{error:#}; brewline rush can't find this line");
        }
        // The directory goes with the line, not with the people in it.
        drop(stage);
        let people = async {
            match who {
                Demo::Nobody => Ok(()),
                Demo::Customers => people(&whereabouts, false).await,
                Demo::Everyone => people(&whereabouts, true).await,
            }
        };
        if let Some(Err(error)) = stop.run_until_cancelled(people).await {
            tracing::warn!("nobody practises any more: {error:#}");
        }
    }
}

/// Customers, hour after hour, and those who work at the bar if it is theirs.
async fn people(line: &Whereabouts, has_bar: bool) -> anyhow::Result<()> {
    let counter: CounterAddress = line.url.parse()?;
    let cafe = Arc::new(Cafe::new(counter, &line.token, 1, false)?);
    let _over = cafe.closing.clone().drop_guard();
    cafe.open(has_bar).await?;
    let (words, heard) = mpsc::channel(2);
    let (mut guests, mut bars) = (JoinSet::new(), JoinSet::new());
    let mut heard = Some(heard);
    let mut number = 0;
    for hour in 0.. {
        // What is sold may be another by now.
        let menu = cafe.public.ask(&Request::get("/menu")).await?;
        let shop = cafe.public.ask(&Request::get("/shop")).await?;
        let plan = plan(chance(), &HOURLY, &offer(&menu.json, &shop.json));
        let at_bar = plan.customers.iter().map(|customer| customer.bar).collect();
        if has_bar {
            match heard.take() {
                Some(heard) => {
                    let bar = Bar::new(plan.baristas, at_bar, Some(BY_HAND), Some(PATIENCE));
                    bars.spawn(tend(Arc::clone(&cafe), bar, heard));
                }
                None => {
                    let _ = words.send(Word::PlanOn(at_bar)).await; // a bar that ended is heard of below
                }
            }
        }
        for mut customer in plan.customers {
            customer.comes_at += hour * HOUR;
            // Nobody wants to look at an empty shop.
            if let Some(soon) = EAGER.get(number) {
                customer.comes_at = customer.comes_at.min(*soon);
            }
            loop {
                tokio::select! {
                    () = sleep_until(cafe.clock.at(customer.comes_at)) => break,
                    Some(gone) = guests.join_next() => drop(gone), // what they hold is theirs
                    Some(ended) = bars.join_next() => ended??,
                }
            }
            guests.spawn(attend(Arc::clone(&cafe), number, customer));
            number += 1;
        }
    }
    Ok(())
}
