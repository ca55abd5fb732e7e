//! What is printed next, and what becomes of it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use eventlog::Offset;
use order::{At, Millis, OrderState};
use printer::{Sheet, slip, ticket};
use shop::{Menu, Printer, Shop};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Shown, State,
    link::{Habits, Link, Sent},
    say,
};
use crate::{
    app::App,
    clock,
    view::{Look, Owed, Print},
};

/// How often it is looked at what else there may be to do: settings that changed, what other counters owed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long what is owed of an order that nobody knows is kept: it may be on its way.
const UNKNOWN_MS: Millis = 10 * 60 * 1_000;
/// How long a copy is worth printing: whoever asked for it has gone.
const COPY_MS: Millis = 60 * 60 * 1_000;

/// Prints until the counter stops.
pub(crate) struct Run {
    app: Arc<App>,
    /// Where the printer was, and what was learnt of it.
    printer: String,
    habits: Habits,
    /// How long to wait before the next try.
    wait: Duration,
    /// What nobody knows of whether it came out, by the keys under which it is owed.
    doubtful: HashSet<String>,
    /// What was taken over from another counter, which may still say that it is there.
    adopted: HashMap<String, Instant>,
    /// What came out, where the log does not say so yet.
    printed: HashSet<String>,
    looked_at: Option<Instant>,
}

/// What to do next.
enum Next {
    /// It is no longer owed.
    Forget(String),
    /// Another counter owes it, and seems to be gone.
    Adopt(String, Print),
    Print(Box<Job>),
    Nothing,
}

struct Job {
    /// Under which it is owed.
    key: String,
    print: Print,
    is_copy: bool,
    sheets: Vec<u8>,
}

impl Run {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let wait = app.printing.patience.again.0;
        Self {
            app,
            printer: String::new(),
            habits: Habits::default(),
            wait,
            doubtful: HashSet::new(),
            adopted: HashMap::new(),
            printed: HashSet::new(),
            looked_at: None,
        }
    }

    pub(crate) async fn run(mut self) {
        let app = Arc::clone(&self.app);
        let work = async {
            while let Some(shop) = self.app.offer.shop() {
                self.step(&shop).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = app.closing.cancelled() => {}
        }
    }

    async fn step(&mut self, shop: &Shop) {
        let mut changes = self.app.views.changes();
        let Some(printer) = shop.settings().printer.as_ref() else {
            self.app.printing.shown.send_if_modified(|shown| shown.take().is_some());
            return sleep(LOOK_EVERY).await;
        };
        if self.printer != printer.address {
            (self.printer, self.habits) = (printer.address.clone(), Habits::default());
            (self.wait, self.looked_at) = (self.app.printing.patience.again.0, None);
        }
        changes.mark_unchanged();
        match self.next(shop, printer) {
            Next::Forget(key) => self.forget(&key).await,
            Next::Adopt(key, print) => {
                if self.claim(&key, &print).await == Some(true) {
                    self.adopted.insert(key, Instant::now());
                }
            }
            Next::Print(job) => self.print(*job).await,
            Next::Nothing => {
                if self.looked_at.is_none_or(|at| at.elapsed() >= self.app.printing.patience.idle) {
                    self.look_at_it().await;
                }
                tokio::select! {
                    // The one who sends is in the same app.
                    _ = changes.changed() => {}
                    () = sleep(LOOK_EVERY) => {}
                }
            }
        }
    }

    /// What is first: copies, since somebody stands there and waits, then the order that came first.
    fn next(&mut self, shop: &Shop, printer: &Printer) -> Next {
        let app = Arc::clone(&self.app);
        let Some(look) = app.views.look() else { return Next::Nothing };
        let mut first: Option<(&str, &OrderState, &Owed)> = None;
        let mut waiting = 0;
        let (mut over, mut orphan) = (None, None);
        for (key, owed) in look.shop().prints().iter() {
            let state = look.get(&owed.order_id);
            if self.printed.contains(key) || is_over(state, owed, look.now) {
                over = Some(key.to_owned());
                continue;
            }
            let Some(state) = state.filter(|state| owed.is_copy || can_be_printed(state)) else { continue };
            if owed.print.by != app.views.boot() {
                let is_late = millis_since(owed.written_at, look.now) > app.printing.patience.others;
                if owed.print.printer == printer.address && is_late {
                    let print = Print { by: app.views.boot().to_owned(), ..owed.print.clone() };
                    orphan = Some((key.to_owned(), print));
                }
                continue;
            }
            waiting += 1;
            if self.adopted.get(key).is_some_and(|at| at.elapsed() < app.printing.patience.others) {
                continue;
            }
            if first.is_none_or(|(_, other, of)| turn(state, owed) < turn(other, of)) {
                first = Some((key, state, owed));
            }
        }
        self.printed.retain(|key| look.shop().prints().get(key).is_some());
        self.adopted.retain(|key, _| look.shop().prints().get(key).is_some());
        self.doubtful.retain(|key| look.shop().prints().get(key).is_some());
        app.printing.shown.send_if_modified(|shown| {
            let was = shown.map(|shown| shown.waiting);
            *shown = shown.map(|shown| Shown { waiting, ..shown });
            was.is_some_and(|was| was != waiting)
        });
        if let Some(key) = over {
            return Next::Forget(key);
        }
        if let Some((key, print)) = orphan {
            return Next::Adopt(key, print);
        }
        let Some((key, state, owed)) = first else { return Next::Nothing };
        let is_copy = owed.is_copy || owed.print.trying || self.doubtful.contains(key);
        let print = Print {
            printer: printer.address.clone(),
            by: app.views.boot().to_owned(),
            trying: true,
            ..owed.print.clone()
        };
        let sheets = self.sheets(&look, state, shop, printer, (print.ticket, print.slip), is_copy);
        Next::Print(Box::new(Job { key: key.to_owned(), print, is_copy, sheets }))
    }

    fn sheets(
        &self,
        look: &Look<'_>,
        state: &OrderState,
        shop: &Shop,
        printer: &Printer,
        (is_ticket, is_slip): (bool, bool),
        is_copy: bool,
    ) -> Vec<u8> {
        let url = self.app.public_url.as_ref().map(|url| format!("{}/o/{}", url.as_str(), state.id()));
        let time = shop.settings().clock(state.received_at);
        let sheet = Sheet {
            order: state,
            partition: (look.partitions() > 1).then_some(state.at.partition),
            time: &time,
            shop: Some(&shop.settings().name),
            url: url.as_deref(),
            is_copy,
            is_usual: &|choice| is_usual(shop.menu(), choice),
        };
        let mut sheets = if is_ticket { ticket(printer, &sheet) } else { Vec::new() };
        if is_slip {
            sheets.extend(slip(printer, &sheet));
        }
        sheets
    }

    async fn print(&mut self, job: Job) {
        let patience = self.app.printing.patience.clone();
        let opened = Link::open(&self.printer, &patience).await;
        let mut link = match opened {
            Ok(link) => link,
            Err(state) => return self.fails(state).await,
        };
        if let Err(state) = link.status(&mut self.habits).await {
            return self.fails(state).await;
        }
        match self.claim(&job.key, &job.print).await {
            Some(true) => {}
            // Another counter has it.
            Some(false) => return,
            None => return sleep(patience.again.0).await,
        }
        self.looked_at = Some(Instant::now());
        let app = Arc::clone(&self.app);
        let sent = link.print(&job.sheets, &mut self.habits, |state| show(&app, state)).await;
        match sent {
            Sent::Printed => {
                tracing::debug!(key = job.key, copy = job.is_copy, "printed");
                self.app.metrics.printer.printed(job.is_copy);
                self.works();
                self.printed.insert(job.key.clone());
                self.forget(&job.key).await;
            }
            Sent::Unknown(state) => {
                self.app.metrics.printer.broken();
                self.doubtful.insert(job.key);
                self.fails(state).await;
            }
        }
    }

    /// Says that an order is printed here, and reads back whether it is: of two counters the last word counts. Who took
    /// it over waits after that, so that a counter that is there after all has time to say so, or to print it.
    /// `None`: the log does not tell.
    async fn claim(&self, key: &str, print: &Print) -> Option<bool> {
        let at = match say(&self.app, key, Some(print)).await {
            Ok(at) => at,
            Err(why) => {
                tracing::warn!(why, "that an order is being printed could not be written; it waits");
                return None;
            }
        };
        timeout(self.app.settings.deadline, self.read_back(key, at)).await.ok()
    }

    /// Whether the word at this place is the last one.
    async fn read_back(&self, key: &str, at: Offset) -> bool {
        let mut changes = self.app.views.changes();
        loop {
            changes.mark_unchanged();
            if let Some(look) = self.app.views.look().filter(|look| look.shop().read_to() > at) {
                return look.shop().prints().get(key).is_some_and(|owed| owed.at == at);
            }
            // The one who sends is in the same app.
            let _ = changes.changed().await;
        }
    }

    /// Takes back that it is owed, and waits until that is read: else it would be found once more.
    async fn forget(&mut self, key: &str) {
        match say(&self.app, key, None).await {
            Ok(at) => {
                if timeout(self.app.settings.deadline, self.read_back(key, at)).await.is_err() {
                    sleep(LOOK_EVERY).await;
                }
            }
            Err(why) => {
                tracing::warn!(why, "that an order was printed could not be written; trying again");
                sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Finds out how the printer is before there is something to print.
    async fn look_at_it(&mut self) {
        self.looked_at = Some(Instant::now());
        let patience = self.app.printing.patience.clone();
        let is = match Link::open(&self.printer, &patience).await {
            Ok(mut link) => link.status(&mut self.habits).await,
            Err(state) => Err(state),
        };
        match is {
            Ok(()) => self.works(),
            Err(state) => {
                show(&self.app, state);
                // Sooner than while all is well: somebody may be putting in paper.
                self.looked_at = Instant::now().checked_sub(patience.idle.saturating_sub(patience.again.1));
            }
        }
    }

    fn works(&mut self) {
        self.wait = self.app.printing.patience.again.0;
        show(&self.app, State::Ok);
    }

    async fn fails(&mut self, state: State) {
        show(&self.app, state);
        let most = self.app.printing.patience.again.1;
        sleep(self.wait).await;
        self.wait = (self.wait * 2).min(most);
    }
}

fn show(app: &App, state: State) {
    app.printing.shown.send_if_modified(|shown| {
        if shown.is_some_and(|shown| shown.state == state) {
            return false;
        }
        if state != State::Ok {
            tracing::warn!(?state, "the printer does not print");
        } else if shown.is_some() {
            tracing::info!("the printer prints again");
        }
        let waiting = shown.map_or(0, |shown| shown.waiting);
        *shown = Some(Shown { state, waiting, since: clock::now() });
        true
    });
}

/// Whether there is something to print: somebody has decided on it, and it waits for no payment.
fn can_be_printed(state: &OrderState) -> bool {
    state.version > 0 && state.stage.is_live() && !state.awaits_payment()
}

fn millis_since(then: Millis, now: Millis) -> Duration {
    Duration::from_millis(u64::try_from(now.saturating_sub(then)).unwrap_or(0))
}

/// Whose turn it is: the lowest first.
fn turn(state: &OrderState, owed: &Owed) -> (bool, Millis, At) {
    if owed.is_copy {
        return (false, 0, At { partition: 0, offset: owed.at });
    }
    (true, state.received_at, state.at)
}

/// Whether it is owed no longer: nobody waits for it any more, or it never came to stand in the log.
fn is_over(state: Option<&OrderState>, owed: &Owed, now: Millis) -> bool {
    let age_ms = now.saturating_sub(owed.written_at);
    match state {
        Some(_) if owed.is_copy => age_ms > COPY_MS,
        Some(state) => !state.stage.is_live(),
        None => age_ms > UNKNOWN_MS,
    }
}

/// Whether a choice, as `milk/whole`, is the first of its group.
fn is_usual(menu: &Menu, choice: &str) -> bool {
    let usual = choice.split_once('/').and_then(|(group, id)| {
        let first = menu.option(group)?.choices.first()?;
        Some(first.id == id)
    });
    usual.unwrap_or(false)
}
