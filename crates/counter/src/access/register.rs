//! What is written of who may do what. Every counter reads it, and the first one in the log wins.

use std::sync::Arc;

use order::Millis;
use serde_json::json;

use super::{
    StaffMember,
    code::{CODE_MS, Code as SignInCode, LINK_MS},
    signed_out,
};
use crate::{
    app::App,
    clock,
    problem::{Code, Problem},
    view::{
        CLAIM_PREFIX, CODE_PREFIX, DEVICE_PREFIX, Look, SEEN_PREFIX, SESSIONS, StaffRole, to_hex, written,
    },
};

/// Devices that are signed in at once.
const DEVICES_MAX: usize = 200;
/// Codes of digits that are good at once: each more is one more that a guess may hit.
const CODES_MAX: usize = 16;
/// Links that are good at once. A counter that is started again and again shows a new one each time, and the last one must
/// do: the oldest goes.
const LINKS_MAX: usize = 16;
/// How long the log remembers a code that is too old, to say so.
const CODE_REMEMBERED_MS: Millis = 24 * 60 * 60 * 1_000;
/// What is tidied up in one go.
const TIDIED: usize = 16;
/// A device that comes back is written down again only after a day.
const SEEN_MS: Millis = 24 * 60 * 60 * 1_000;

/// How a code gets to the device that it signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Someone types it.
    Digits,
    /// Someone opens it.
    Link,
}

/// Makes a code that signs in one device; second, until when it is good. `by`: who has it shown, if that is a device or a
/// program.
pub(crate) async fn offer(
    app: &App,
    offer: Offer,
    role: StaffRole,
    by: Option<&StaffMember>,
) -> Result<(SignInCode, Millis), Problem> {
    let secret = app.secret.get().ok_or_else(Problem::starting)?;
    let (made, good_ms) = match offer {
        Offer::Digits => (SignInCode::digits(), CODE_MS),
        Offer::Link => (SignInCode::link(), LINK_MS),
    };
    let code = made.map_err(no_randomness)?;
    let (hash, now) = (code.hash(secret), clock::now());
    let oldest_link = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        let devices = look.shop().devices();
        let good = |is_link| {
            devices.codes().filter(move |(id, code)| code.is_link == is_link && devices.is_good(id, now))
        };
        if offer == Offer::Digits && good(false).count() >= CODES_MAX {
            let detail = format!(
                "{CODES_MAX} codes wait to be used already; use one of them, or wait until it is too old."
            );
            return Err(Problem::new(Code::Busy, detail).with("max", CODES_MAX).retry_after(60));
        }
        if devices.code(&hash).is_some() {
            let detail = "This code was given out a moment ago; ask for another one.";
            return Err(Problem::new(Code::Busy, detail).retry_after(1));
        }
        let is_full = offer == Offer::Link && good(true).count() >= LINKS_MAX;
        let oldest = good(true).min_by_key(|(_, code)| code.offset).filter(|_| is_full);
        oldest.map(|(id, _)| format!("{CODE_PREFIX}{id}"))
    };
    if let Some(oldest) = oldest_link {
        app.say(oldest, None).await?;
    }
    let expires_at = now.saturating_add(good_ms);
    let says = written::Offered {
        hash: to_hex(&hash),
        role,
        expires_at,
        link: offer == Offer::Link,
        shown_by: by.and_then(StaffMember::key),
    };
    app.say(format!("{CODE_PREFIX}{}", new_id()?), Some(json!(says))).await?;
    Ok((code, expires_at))
}

/// Why a code signs nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadCode {
    Unknown,
    Used,
    /// Or taken back: whoever had it shown was signed out.
    Expired,
}

/// A code that is good, as far as this counter has read.
pub(crate) struct GoodCode {
    id: Box<str>,
    role: StaffRole,
}

/// Looks a code up.
pub(crate) async fn find(app: &App, code: &SignInCode) -> Result<Result<GoodCode, BadCode>, Problem> {
    let asked_at = clock::now();
    let hash = code.hash(app.secret.get().ok_or_else(Problem::starting)?);
    let found = |look: &Look<'_>| {
        let devices = look.shop().devices();
        let (id, code) = devices.code(&hash).ok_or(BadCode::Unknown)?;
        if devices.claimed_by(id).is_some() {
            return Err(BadCode::Used);
        }
        if !devices.is_good(id, look.now) {
            return Err(BadCode::Expired);
        }
        Ok(GoodCode { id: id.into(), role: code.role })
    };
    let first = found(&app.views.look().ok_or_else(Problem::starting)?);
    if !matches!(first, Err(BadCode::Unknown)) {
        return Ok(first);
    }
    // Another counter may have given it out a moment ago: only who has read so far can say that it is wrong.
    if tokio::time::timeout(app.settings.deadline, app.views.has_read_to(asked_at)).await.is_err() {
        return Err(Problem::starting());
    }
    Ok(found(&app.views.look().ok_or_else(Problem::starting)?))
}

/// Signs a device of this name in with a code, which is used up by it. The device's id; or `Used`, if another one was
/// faster.
pub(crate) async fn sign_in(
    app: &App,
    code: GoodCode,
    name: &str,
) -> Result<Result<Box<str>, BadCode>, Problem> {
    let now = clock::now();
    let signed_in = app.views.look().ok_or_else(Problem::starting)?.shop().devices().signed_in(now).count();
    if signed_in >= DEVICES_MAX {
        let detail = format!(
            "{DEVICES_MAX} devices are signed in already; a manager can sign out those that are gone."
        );
        return Err(Problem::new(Code::Busy, detail).with("max", DEVICES_MAX).retry_after(60));
    }
    let id = new_id()?;
    app.say(format!("{CLAIM_PREFIX}{}/{id}", code.id), Some(json!(written::Moment { at: now }))).await?;
    {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        if look.shop().devices().claimed_by(&code.id) != Some(&*id) {
            return Ok(Err(BadCode::Used));
        }
    }
    let device = json!(written::SignedIn { name, role: code.role, at: clock::now() });
    app.say(format!("{DEVICE_PREFIX}{id}"), Some(device)).await?;
    let is_taken_back = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        let devices = look.shop().devices();
        devices.device(&id, look.now).ok_or_else(signed_out)?;
        devices.code_of(&code.id).is_none_or(|code| devices.is_taken_back(code))
    };
    // All may have been signed out while it was on its way: then this one is, too.
    if is_taken_back {
        sign_out(app, &id).await?;
        return Ok(Err(BadCode::Expired));
    }
    Ok(Ok(id.into()))
}

/// Writes down that a device was here, if it is time for that; whether it was.
pub(crate) async fn renew(app: &App, id: &str) -> Result<bool, Problem> {
    let now = clock::now();
    let seen_at = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        look.shop().devices().device(id, now).ok_or_else(signed_out)?.seen_at
    };
    if now.saturating_sub(seen_at) < SEEN_MS {
        return Ok(false);
    }
    app.say(format!("{SEEN_PREFIX}{id}"), Some(json!(written::Moment { at: now }))).await?;
    Ok(true)
}

/// Signs one device out.
pub(crate) async fn sign_out(app: &App, id: &str) -> Result<(), Problem> {
    app.say(format!("{DEVICE_PREFIX}{id}"), None).await?;
    // Nothing hangs on it any more.
    let _ = app.write_fact(format!("{SEEN_PREFIX}{id}"), None).await;
    Ok(())
}

/// Signs all devices out.
pub(crate) async fn sign_out_all(app: &Arc<App>, by: Option<&str>) -> Result<(), Problem> {
    let ids: Vec<Box<str>> = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        let devices = look.shop().devices();
        devices
            .signed_in(look.now)
            .map(|(id, _)| id)
            .chain(devices.expired(look.now))
            .map(Into::into)
            .collect()
    };
    app.say(SESSIONS.to_owned(), Some(json!(written::AllSignedOut { at: clock::now(), by }))).await?;
    // They are out by that; their records are only in the way.
    let keys = ids.iter().flat_map(|id| [format!("{DEVICE_PREFIX}{id}"), format!("{SEEN_PREFIX}{id}")]);
    forget(app, keys.collect());
    Ok(())
}

/// Takes back what means nothing any more: devices that did not come back, codes that are long too old.
pub(crate) fn tidy(app: &Arc<App>) {
    let Some(look) = app.views.look() else { return };
    let devices = look.shop().devices();
    let gone = devices
        .expired(look.now)
        .flat_map(|id| [format!("{DEVICE_PREFIX}{id}"), format!("{SEEN_PREFIX}{id}")]);
    let old =
        devices.codes().filter(|(_, code)| code.expires_at.saturating_add(CODE_REMEMBERED_MS) <= look.now);
    let codes = old.flat_map(|(id, _)| {
        // The code first: as long as it is there, its claims say that it was used.
        let claims = devices.claims(id).map(move |device| format!("{CLAIM_PREFIX}{id}/{device}"));
        std::iter::once(format!("{CODE_PREFIX}{id}")).chain(claims)
    });
    let keys: Vec<String> = gone.chain(codes).take(TIDIED).collect();
    drop(look);
    forget(app, keys);
}

/// Takes records back, where nobody waits for it; what is left is tried another time.
fn forget(app: &Arc<App>, keys: Vec<String>) {
    if keys.is_empty() {
        return;
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        for key in keys {
            if app.write_fact(key, None).await.is_err() {
                return;
            }
        }
    });
}

/// A new id that nobody guesses.
pub(crate) fn new_id() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(no_randomness)?;
    Ok(to_hex(&bytes))
}

pub(crate) fn no_randomness(_: getrandom::Error) -> Problem {
    Problem::new(Code::NotWritten, "The system gives no random numbers; try again.")
}
