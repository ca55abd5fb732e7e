//! `GET /backup`: all that is in an embedded log at this moment, as a file. It holds the line's secret and what customers
//! say of themselves, so it is for managers.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use ::order::rfc3339;
use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use eventlog::{Backup, FollowError, OpenError};
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::answer;
use crate::{
    access::Manager,
    app::App,
    clock,
    problem::{Code, Problem},
};

/// Pieces that are read before the client has to take them; each has about half a megabyte.
const AHEAD: usize = 2;
/// While a backup is read nothing that is too old is removed: whoever takes longer has to come again.
const LONGEST: Duration = Duration::from_hours(2);

/// `GET /backup`
pub(super) async fn backup(State(app): State<Arc<App>>, Manager(_): Manager) -> Result<Response, Problem> {
    let busy = || Problem::new(Code::Busy, "Another backup is being made; try again when it is done.");
    let place = Arc::clone(&app.backups).try_acquire_owned().map_err(|_| busy().retry_after(60))?;
    let of_app = Arc::clone(&app);
    // It asks the log file, which may have to be read.
    let begun = tokio::task::spawn_blocking(move || of_app.log.backup());
    let backup = match begun.await {
        Ok(Some(Ok(backup))) => backup,
        Ok(Some(Err(error))) => return Err(unreadable(&error)),
        Ok(None) => {
            return Err(Problem::new(
                Code::NoBackup,
                "This line's log is on an Apache Kafka, whose brokers keep the copies; see docs/backup.md.",
            ));
        }
        Err(_) => return Err(Problem::new(Code::Busy, "The log can't be read at the moment.").retry_after(1)),
    };
    let (give, take) = mpsc::channel(AHEAD);
    let of_app = Arc::clone(&app);
    let reading = tokio::task::spawn_blocking(move || read(&of_app, backup, &give, place));
    let pieces = stream::unfold((take, Some(reading), app), |(mut take, reading, app)| async {
        if let Some(piece) = take.recv().await {
            return Some((piece, (take, reading, app)));
        }
        // Here everything was taken, and not only read.
        match reading?.await {
            Ok(true) => app.metrics.last_backup.was_at(clock::now()),
            Ok(false) => {}
            // Else what there is of it would end as a whole one does.
            Err(panicked) => return Some((Err(io::Error::other(panicked)), (take, None, app))),
        }
        None
    });
    let name = format!("brewline-{}.backup", rfc3339(clock::now()));
    Ok(answer::file("application/octet-stream", &name, Body::new(StreamBody::new(pieces))))
}

fn unreadable(error: &OpenError) -> Problem {
    if let OpenError::Broken(error) = error {
        tracing::error!(error, "the log can't be backed up");
        return Problem::new(
            Code::HistoryDamaged,
            "What the log has can't be read any more; the counter's diagnostics say where it is damaged.",
        );
    }
    tracing::warn!(%error, "the log can't be backed up at the moment");
    Problem::new(Code::Busy, "The log can't be read at the moment; try again in a second.").retry_after(1)
}

/// Reads it as fast as it is taken, and says whether that was all of it. A body that ends with an error is not taken for a
/// whole one: the connection breaks.
fn read(
    app: &App,
    backup: Backup,
    give: &mpsc::Sender<io::Result<Frame<Bytes>>>,
    _place: OwnedSemaphorePermit,
) -> bool {
    let began = Instant::now();
    for piece in backup {
        let piece = match piece {
            Ok(_) if app.closing.is_cancelled() => Err(io::Error::other("the counter stops")),
            Ok(_) if began.elapsed() > LONGEST => {
                tracing::warn!("a backup was taken so slowly that it was ended");
                Err(io::ErrorKind::TimedOut.into())
            }
            Ok(piece) => Ok(Frame::data(piece)),
            Err(error) => {
                if !matches!(error, FollowError::Closed) {
                    tracing::error!(%error, "a backup could not be read to its end");
                }
                Err(io::Error::other(error))
            }
        };
        let is_over = piece.is_err();
        // The client may have gone away.
        if give.blocking_send(piece).is_err() || is_over {
            return false;
        }
    }
    true
}
