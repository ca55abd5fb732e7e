//! How everything was at a moment: what `?at=MS` adds to a request.

use std::sync::Arc;

use ::order::Millis;
use axum::response::Response;
use eventlog::{FollowError, OpenError};
use http::{HeaderMap, Method, StatusCode, Uri};
use tokio::sync::OwnedSemaphorePermit;

use super::{answer, parameter};
use crate::{
    access::{Caller, Credential, managers_only},
    app::App,
    audit::{Past, PastError, as_it_was},
    problem::{Code, Problem},
    view::{Look, StaffRole},
};

/// The moment in `?at=MS`, if one is asked for.
pub(super) fn moment(app: &App, uri: &Uri) -> Result<Option<Millis>, Problem> {
    let bad = || Problem::field("at", "at must be a time that has passed, in milliseconds since 1970.");
    let Some(text) = parameter(uri, "at").map_err(|()| bad())? else { return Ok(None) };
    let at: Millis = text.parse().map_err(|_| bad())?;
    // A page's clock may be ahead of this one a little, and the log's far, where this one was set back.
    if (0..=app.ledger_time() + 60_000).contains(&at) { Ok(Some(at)) } else { Err(bad()) }
}

/// How everything was at this moment, counted from the log; and the place among those who look back, to be held as long
/// as that is in memory.
pub(super) async fn look_back(app: &Arc<App>, at: Millis) -> Result<(Past, OwnedSemaphorePermit), Problem> {
    run(app, move |app| past_at(app, at)).await
}

fn past_at(app: &App, at: Millis) -> Result<Past, PastError> {
    let day = app.audit.day_at(&app.settings_of_shop(), at);
    Past::at(&*app.log, &app.audit.days_before(&day.date.to_string()), day, at, app.ledger_clock.now())
}

/// Refuses everyone but managers: where the present is for others, too.
pub(super) fn manager_only(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    match Credential::of_staff(&Method::GET, headers)?.caller(app)? {
        Caller::Staff(member) if member.role == StaffRole::Manager => Ok(()),
        _ => Err(managers_only()),
    }
}

/// What a screen of the staff showed at the moment in `?at=MS`.
pub(super) async fn screen(
    app: &Arc<App>,
    uri: &Uri,
    headers: &HeaderMap,
    show: impl Fn(&Look<'_>) -> Vec<u8> + Send + 'static,
) -> Result<Response, Problem> {
    manager_only(app, headers)?;
    let at = moment(app, uri)?.ok_or_else(|| Problem::field("at", "Say a moment: at=MS."))?;
    let json = run(app, move |app| {
        let past = past_at(app, at)?;
        let known = |id: &str| Some(app.views.look()?.get(id)?.order.clone());
        let views = as_it_was(&*app.log, &past, at, known)?;
        let json = show(&views.look_back(at));
        Ok(json)
    });
    let (json, _place) = json.await?;
    Ok(answer::json(StatusCode::OK, json))
}

/// Does what reads the log, where it holds up nobody, and no more of it at once than is good for those who do not.
pub(super) async fn run<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<T, PastError> + Send + 'static,
) -> Result<(T, OwnedSemaphorePermit), Problem> {
    let busy =
        || Problem::new(Code::Busy, "Others are looking at the past; try again in a second.").retry_after(1);
    let place = Arc::clone(&app.scans).try_acquire_owned().map_err(|_| busy())?;
    let of_work = Arc::clone(app);
    match tokio::task::spawn_blocking(move || work(&of_work).map(|done| (done, place))).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(problem(&error)),
        Err(_) => Err(busy()),
    }
}

fn problem(error: &PastError) -> Problem {
    use crate::audit::BeginError as Why;
    match error {
        PastError::Gone { kept } => Problem::new(
            Code::PastGone,
            "What was at that moment is no longer in the log; look at a later one.",
        )
        .with("kept_from", *kept),
        PastError::TooMuch => Problem::new(
            Code::PastGone,
            "That day has more records than can be looked at; export it instead.",
        ),
        PastError::OrderGone { kept } => Problem::new(
            Code::PastGone,
            "Nobody remembers an order with this id, and the log no longer reaches back to one: it never was, or it is \
             older than what is kept.",
        )
        .with("kept_from", *kept),
        PastError::OrderTooFar => Problem::new(
            Code::PastGone,
            "More was written since than is read for one order; say a moment when it was there: at=MS.",
        ),
        PastError::Begin(Why::Open(OpenError::Broken(error)) | Why::Follow(FollowError::Broken(error))) => {
            tracing::error!(error, "the past is damaged");
            Problem::new(
                Code::HistoryDamaged,
                "What the log has of that time can't be read any more; the counter's diagnostics say where it is damaged.",
            )
        }
        PastError::Begin(error) => {
            tracing::warn!(%error, "the past could not be read");
            Problem::new(Code::Busy, "The log can't be read at the moment; try again in a second.")
                .retry_after(1)
        }
    }
}
