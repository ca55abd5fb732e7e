//! `brewline rush`: a seeded morning through the real API, with the verdict on it.
//!
//! | module | what it holds |
//! |---|---|
//! | `line` | the line that is started for it: a process of this program, killed and started again |
//! | `progress` | how it goes, on a terminal and in a pipe |
//! | `audit` | what the line knows in the end |
//! | `report` | the verdict as it is told |

mod audit;
mod line;
mod progress;
mod report;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use ::rush::{Bar, Claim, Crowd, Morning, Plan, plan};
use anyhow::Context as _;
use client::{CounterAddress, Request};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{interval, sleep_until, timeout},
};

use crate::{
    config::{Rush, Target},
    practice::{
        Cafe,
        bar::{Word, tend},
        chance,
        guest::attend,
        offer::offer,
        stage::Stage,
    },
    signals::stop_on_signals,
};
use line::Line;
use progress::Progress;
use report::Report;

/// How often what is shown is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A line that is killed so often, by the clock, is up most of the time.
const KILL_EVERY: Duration = Duration::from_secs(3);
const KILLS_MAX: u32 = 20;
/// A seed that can be typed.
const SEEDS: u64 = 1_000_000;
/// By how much the bar may be late, beside what the morning takes twice.
const LATE: Duration = Duration::from_mins(2);
/// How long the last of them may take to say what they hold.
const LAST_WORDS: Duration = Duration::from_mins(1);

/// Runs a morning, and says by the exit code whether every order is accounted for.
pub(crate) async fn rush(options: Rush) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals().context("can't listen for Ctrl-C")?;
    crate::line::raise_file_limit();
    let began = Instant::now();
    let (mut line, counter, token) = match &options.target {
        Target::Own { keep, files } => {
            let stage = Stage::take_new(keep.as_deref())?;
            let Some(line) = stop.run_until_cancelled(Line::start(stage, files)).await else {
                return Ok(stopped());
            };
            let line = line?;
            let (counter, token) = (line.url().parse()?, line.token().to_owned());
            (Some(line), counter, token)
        }
        Target::Other { counter, token } => (None, counter.clone(), token.clone()),
    };
    let ran = stop.run_until_cancelled(run(&options, counter, &token, line.as_mut())).await;
    if let Some(line) = line {
        line.stop().await;
    }
    let Some(report) = ran.transpose()? else { return Ok(stopped()) };
    let is_well = report.is_well();
    report.tell(began.elapsed(), &mut anstream::stdout()).or_else(nobody_reads)?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whoever was there to read has read enough: the exit code still says how it went.
fn nobody_reads(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

fn stopped() -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "stopped before its end: nothing is judged");
    ExitCode::FAILURE
}

/// The morning itself, from the first customer to the last one who says what they hold.
async fn run(
    options: &Rush,
    counter: CounterAddress,
    token: &str,
    mut line: Option<&mut Line>,
) -> anyhow::Result<Report> {
    let cafe = Cafe::new(counter, token, options.speed, true)?;
    let shop = practice_alone(&cafe).await?;
    let plan = planned(options, &cafe, &shop, line.is_some()).await?;
    let latest = Instant::now() + 2 * wall(options) + LATE;
    let mut progress = Progress::new(options, &plan);
    progress.begin().or_else(nobody_reads)?;
    cafe.open(true).await?;
    // From here on the morning's clock counts.
    let cafe = Arc::new(cafe.at_its_beginning());
    let _over = cafe.closing.clone().drop_guard();

    let at_bar = plan.customers.iter().map(|customer| customer.bar).collect();
    let (words, heard) = mpsc::channel(1);
    let mut bar = tokio::spawn(tend(Arc::clone(&cafe), Bar::new(plan.baristas, at_bar, None, None), heard));
    let mut guests = JoinSet::new();
    for (number, customer) in plan.customers.iter().enumerate() {
        guests.spawn(attend(Arc::clone(&cafe), number, customer.clone()));
    }

    let mut kills = plan.kills.iter().copied();
    let mut next_kill = kills.next();
    let (mut look, mut claims) = (interval(LOOK_EVERY), Vec::new());
    let mut is_closed = false;
    loop {
        let due = async {
            match next_kill {
                Some(at) => sleep_until(cafe.clock.at(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = look.tick() => progress.show(&cafe).or_else(nobody_reads)?,
            Some(claim) = guests.join_next() => claims.push(claim?),
            ended = &mut bar => {
                ended?.context("the bar can't work any more")?;
                anyhow::bail!("the bar ended unasked; please report this as a bug");
            }
            () = due => {
                next_kill = kills.next();
                if let Some(line) = line.as_deref_mut() {
                    let away = line.kill_and_start().await?;
                    cafe.tally.away(away);
                }
            }
        }
        if let Some(line) = line.as_deref_mut() {
            line.check()?;
        }
        let is_over =
            cafe.clock.now() >= plan.span && cafe.tally.get(|tally| &tally.came) == plan.customers.len();
        if is_over && next_kill.is_none() && !std::mem::replace(&mut is_closed, is_over) {
            let _ = words.send(Word::Close).await; // a bar that ended is seen above
        }
        if Instant::now() >= latest || is_closed && all_is_done(&cafe, plan.customers.len()).await {
            break;
        }
    }
    progress.end();
    bar.abort();
    cafe.closing.cancel();
    claims.extend(last_words(&mut guests).await?);
    let audit = audit::audit(&cafe, claims, line.is_some()).await?;
    Ok(Report::new(&plan, &cafe.tally, audit))
}

/// Refuses a shop: nobody's log is practised on.
async fn practice_alone(cafe: &Cafe) -> anyhow::Result<Value> {
    // Whoever waits for people is told at once that nobody is there.
    let shop = cafe.public.once(&Request::get("/shop")).await;
    let shop = shop.map_err(|silence| anyhow::Error::msg(silence.of(cafe.public.address())))?;
    anyhow::ensure!(
        shop.json["demo"] == Value::Bool(true),
        "{} is no practice line, and brewline rush orders and cancels at will: leave out --counter, and it starts a line of \
         its own, or name one that brewline up --demo started",
        cafe.public.address()
    );
    Ok(shop.json)
}

async fn planned(options: &Rush, cafe: &Cafe, shop: &Value, is_own: bool) -> anyhow::Result<Plan> {
    let menu = cafe.public.ask(&Request::get("/menu")).await?;
    let by_the_clock = wall(options).div_duration_f64(KILL_EVERY).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a day has 28,800 of them")]
    let kills = if options.faults && is_own { (by_the_clock as u32).clamp(1, KILLS_MAX) } else { 0 };
    let morning =
        Morning { customers: options.customers, minutes: options.minutes, kills, crowd: Crowd::Rush };
    Ok(plan(options.seed.unwrap_or_else(|| chance() % SEEDS), &morning, &offer(&menu.json, shop)))
}

/// How long people come, by the clock.
fn wall(options: &Rush) -> Duration {
    Duration::from_mins(options.minutes.into()) / options.speed
}

/// Everyone has what they came for, and nothing is left at the bar.
async fn all_is_done(cafe: &Cafe, customers: usize) -> bool {
    let is_clear = cafe.tally.is_clear.load(std::sync::atomic::Ordering::Relaxed);
    if !is_clear || cafe.tally.get(|tally| &tally.left) < customers {
        return false;
    }
    // An order that nobody waits for may not have come to the rail yet.
    let live = cafe.staff.once(&Request::get("/orders?live")).await;
    live.is_ok_and(|reply| {
        let orders = reply.json["orders"].as_array();
        reply.is_success() && orders.is_some_and(|orders| !orders.iter().any(|order| cafe.is_ours(order)))
    })
}

/// What everyone holds who is still there.
async fn last_words(guests: &mut JoinSet<Claim>) -> anyhow::Result<Vec<Claim>> {
    let mut claims = Vec::new();
    let all = async {
        while let Some(claim) = guests.join_next().await {
            claims.push(claim?);
        }
        anyhow::Ok(())
    };
    timeout(LAST_WORDS, all).await.context("some customers never said what they hold")??;
    Ok(claims)
}
