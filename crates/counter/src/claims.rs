//! The line's secret and the staff token: facts of the shop, so every counter agrees on them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use eventlog::{Offset, Record};
use order::topic;
use serde_json::json;
use tokio::sync::oneshot;

use crate::{
    Started,
    access::{NewToken, register},
    app::App,
    view::{SECRET_PREFIX, STAFF_TOKEN, StaffRole, to_hex, written},
};

/// How long to wait before the next try, doubling from the first to the last.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Settles both, once.
pub(crate) struct Claims {
    pub(crate) reset_staff_token: bool,
    pub(crate) sign_in_link: bool,
    pub(crate) address: SocketAddr,
    pub(crate) started: oneshot::Sender<Started>,
}

impl Claims {
    /// Waits for the view, claims what nobody has claimed yet, and reads back who won.
    pub(crate) async fn settle(self, app: Arc<App>) {
        settle_secret(&app).await;
        let staff_token = settle_token(&app, self.reset_staff_token).await;
        let sign_in_code = offer_sign_in(&app, self.sign_in_link).await;
        // Nobody may be listening: then nobody is told.
        let _ = self.started.send(Started { address: self.address, staff_token, sign_in_code });
    }
}

/// The first claim in the log is the secret; ours is one of them if none was there.
async fn settle_secret(app: &App) {
    let found = |app: &App| app.views.look().map(|look| look.shop().secret().copied());
    let mut wait = BACKOFF.0;
    let secret = loop {
        match until(app, found).await {
            Some(secret) => break secret,
            None => {
                if let Err(why) = claim_secret(app).await {
                    tracing::warn!(why, "the line's secret could not be claimed; trying again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(BACKOFF.1);
                    continue;
                }
                break until(app, |app| found(app).flatten()).await;
            }
        }
    };
    // Set once: the first claim stays the first.
    let _ = app.secret.set(secret);
}

async fn claim_secret(app: &App) -> Result<(), String> {
    let (mut secret, mut name) = ([0; 32], [0; 16]);
    getrandom::fill(&mut secret)
        .and_then(|()| getrandom::fill(&mut name))
        .map_err(|error| error.to_string())?;
    let key = format!("{SECRET_PREFIX}{}", uuid::Builder::from_random_bytes(name).into_uuid());
    let claim = json!(written::Secret { secret: to_hex(&secret) });
    publish(app, key, claim.to_string()).await.map(drop)
}

/// The last token in the log counts. Ours is told only if it is the one.
async fn settle_token(app: &App, reset: bool) -> Option<String> {
    let before = until(app, |app| app.views.look().map(|look| look.shop().staff_token().copied())).await;
    if before.is_some() && !reset {
        return None;
    }
    let mut wait = BACKOFF.0;
    let mut token = None;
    let (token, at) = loop {
        match write_token(app, &mut token).await {
            Ok(written) => break written,
            Err(why) => {
                tracing::warn!(why, "the staff token could not be written; trying again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(BACKOFF.1);
            }
        }
    };
    // What counts is known once our own word has been read: another counter's may stand before or after it.
    let ours = |app: &App| {
        let look = app.views.look()?;
        let read = look.shop().staff_token_at().is_some_and(|read| read >= at);
        read.then(|| look.shop().staff_token() == Some(&token.sha256))
    };
    until(app, ours).await.then_some(token.text)
}

/// A code for the first device, which no other can sign in; also where some are, if that was asked for.
async fn offer_sign_in(app: &App, anyway: bool) -> Option<String> {
    let is_first = |app: &App| {
        let look = app.views.look()?;
        Some(look.shop().devices().signed_in(look.now).next().is_none())
    };
    if !until(app, is_first).await && !anyway {
        return None;
    }
    match register::offer(app, register::Offer::Link, StaffRole::Manager, None).await {
        Ok((code, _)) => Some(code.shown()),
        Err(problem) => {
            tracing::warn!(
                ?problem,
                "no link that signs in a device could be made; start with --sign-in-link for one"
            );
            None
        }
    }
}

/// Writes the token, always the same one: a try whose outcome nobody knows may have been written.
async fn write_token(app: &App, token: &mut Option<NewToken>) -> Result<(NewToken, Offset), String> {
    let made = match token.take() {
        Some(made) => made,
        None => NewToken::new().map_err(|error| error.to_string())?,
    };
    let fact = json!(written::StaffToken { sha256: to_hex(&made.sha256) });
    match publish(app, STAFF_TOKEN.to_owned(), fact.to_string()).await {
        Ok(at) => Ok((made, at)),
        Err(why) => {
            *token = Some(made);
            Err(why)
        }
    }
}

async fn publish(app: &App, key: String, json: String) -> Result<Offset, String> {
    let written = app.publish(topic::SHOP, 0, Record::new(key, json)).await;
    written.map(|at| at.offset).map_err(|error| error.to_string())
}

/// Waits for the view to show something.
async fn until<T>(app: &App, found: impl Fn(&App) -> Option<T>) -> T {
    let mut changes = app.views.changes();
    loop {
        changes.mark_unchanged();
        if let Some(found) = found(app) {
            return found;
        }
        // Whoever waits here holds the view, so there is always something to wait for.
        let _ = changes.changed().await;
    }
}
