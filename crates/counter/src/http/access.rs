//! Who may do what: sessions of devices, codes that begin one, and tokens of programs.
//!
//! | request | who | answer |
//! |---|---|---|
//! | `POST /session` | whoever has a code: `{"code":"4821 7730","device":"Main bar"}` | the session, and its cookie |
//! | `GET /session` | a device that is signed in, or a program | what it is called, and what it may |
//! | `DELETE /session` | the same | signs this device out |
//! | `POST /session/codes` | staff: `{"role":"barista"}`; only managers one for a manager | a code for one more device |
//! | `GET /devices`, `DELETE /devices`, `DELETE /devices/{id}` | managers | lists them; signs out all, or one |
//! | `GET /tokens`, `POST /tokens`, `DELETE /tokens/{id}` | managers: `{"name":"till","role":"barista"}` | lists them; makes one, shown once; takes one back |

use std::sync::Arc;

use ::order::{Limits, Millis, check_text, without_bidi_controls};
use axum::{
    Extension,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
    routing::{delete, get, post},
};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Client, answer, facts::said_in, routes::Routes};
use crate::{
    access::{
        Caller, Credential, Manager, NewToken, SignInCode, Staff, StaffMember, managers_only, origin,
        register::{self, BadCode, Offer},
        session, signed_out,
    },
    app::App,
    clock,
    problem::{Code, Problem},
    view::{StaffRole, TOKEN_PREFIX, is_name, to_hex, written::MadeToken},
};

/// Tokens of programs at once.
const TOKENS_MAX: usize = 64;
/// What a name looks like: no control characters, and one that is neither white space nor among those that
/// [`without_bidi_controls`] takes out.
#[cfg(feature = "schema")]
const NAME: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^\s\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]",
    r"[^\u0000-\u001f\u007f-\u009f]*$"
);

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/session", get(show).post(sign_in).delete(sign_out))
        .route("/session/codes", post(code))
        .route("/devices", get(devices).delete(sign_out_all))
        .route("/devices/{id}", delete(sign_out_one))
        .route("/tokens", get(tokens).post(new_token))
        .route("/tokens/{id}", delete(revoke))
}

/// Who is signed in, as it is answered.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Session<'a> {
    /// The device's; a program has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    role: StaffRole,
    /// When it ends, if the device does not come back before.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Millis>,
}

/// What signs a device in.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The code that is shown on a device that is signed in, or the end of a link.
    code: String,
    /// What the device is to be called.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = Limits::DEVICE_CHARS), pattern(NAME)))]
    device: String,
}

/// `POST /session`
async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(Client(address)): Extension<Client>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    origin::check(request.headers())?;
    let keep = keep(&app, request.headers());
    // A device is one: what it was signed in as before, it is no longer.
    let before =
        Credential::of_staff(&Method::GET, request.headers()).and_then(|session| session.caller(&app)).ok();
    let SignIn { code, device } = said_in(&app, request).await?;
    let name = named("device", device)?;
    let now = tokio::time::Instant::now().into_std();
    let guess = app.guesses.one_more(address, now).map_err(|wait| {
        let seconds = seconds(wait);
        let detail =
            format!("A wrong code came from there, or many from everywhere; try again in {seconds} s.");
        Problem::new(Code::TooManyCodes, detail).retry_after(seconds)
    })?;
    match use_up(&app, &code, &name).await {
        Ok(Ok(id)) => {
            guess.was_right();
            if let Some(Caller::Staff(StaffMember { session: Some(before), .. })) = before {
                let _ = register::sign_out(&app, &before).await;
            }
            signed_in(&app, &id, keep)
        }
        Ok(Err(BadCode::Unknown)) => {
            let wait = seconds(guess.wait);
            let detail =
                format!("There is no such code; compare it with what is shown, and try again in {wait} s.");
            Err(Problem::new(Code::WrongCode, detail).retry_after(wait))
        }
        // Whoever has one that was good did not guess, and neither did who can't be told whether it is.
        Ok(Err(BadCode::Used)) => {
            guess.was_none();
            let detail = "A device was signed in with this code before; have a new one shown.";
            Err(Problem::new(Code::CodeUsed, detail))
        }
        Ok(Err(BadCode::Expired)) => {
            guess.was_none();
            Err(Problem::new(Code::CodeExpired, "The code is too old; have a new one shown."))
        }
        Err(problem) => {
            guess.was_none();
            Err(problem)
        }
    }
}

/// The id of the device that was signed in with a code.
async fn use_up(app: &App, code: &str, name: &str) -> Result<Result<Box<str>, BadCode>, Problem> {
    let Some(code) = SignInCode::read(code) else { return Ok(Err(BadCode::Unknown)) };
    match register::find(app, &code).await? {
        Ok(code) => register::sign_in(app, code, name).await,
        Err(bad) => Ok(Err(bad)),
    }
}

/// The session of a device, and its cookie.
fn signed_in(app: &App, id: &str, keep: session::Keep) -> Result<Response, Problem> {
    let secret = app.secret.get().ok_or_else(Problem::starting)?;
    let look = app.views.look().ok_or_else(Problem::starting)?;
    let device = look.shop().devices().device(id, look.now).ok_or_else(signed_out)?;
    let session = Session {
        id: Some(id),
        device: Some(&device.name),
        role: device.role,
        expires_at: Some(device.expires_at()),
    };
    let mut response = shown(StatusCode::OK, &session);
    response.headers_mut().insert(header::SET_COOKIE, session::kept(secret, id, keep));
    Ok(response)
}

/// `GET /session`: whoever comes back stays signed in.
async fn show(
    State(app): State<Arc<App>>,
    Staff(member): Staff,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(id) = member.session.as_deref() else {
        let session =
            Session { id: None, device: member.device.as_deref(), role: member.role, expires_at: None };
        return Ok(shown(StatusCode::OK, &session));
    };
    // One that could not be written down is good as long as before.
    let renewed = register::renew(&app, id).await.unwrap_or(false);
    let keep = keep(&app, &headers);
    let mut response = signed_in(&app, id, keep)?;
    if !renewed && !keep.practice {
        response.headers_mut().remove(header::SET_COOKIE);
    }
    Ok(response)
}

/// `DELETE /session`
async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Problem> {
    match Credential::of_staff(&Method::DELETE, &headers)?.caller(&app) {
        Ok(Caller::Staff(StaffMember { session: Some(id), .. })) => register::sign_out(&app, &id).await?,
        Err(problem) if problem.code() != Code::SignedOut => return Err(problem),
        // It is, or it is a program.
        _ => {}
    }
    Ok(forgotten(&app, &headers))
}

/// For whom a code is to be.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeFor {
    role: StaffRole,
}

/// A code that signs in one device.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SignInCode"))]
pub(crate) struct MadeCode<'a> {
    code: String,
    role: StaffRole,
    /// Until when it is good.
    expires_at: Millis,
    now: Millis,
    /// What phones open to use it, where this counter knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

/// `POST /session/codes`
async fn code(
    State(app): State<Arc<App>>,
    Staff(member): Staff,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let CodeFor { role } = said_in(&app, request).await?;
    if role > member.role {
        return Err(managers_only());
    }
    let (code, expires_at) = register::offer(&app, Offer::Digits, role, Some(&member)).await?;
    register::tidy(&app);
    let code = code.shown();
    let url = app.public_url.as_ref().map(|url| format!("{url}/sign-in#{}", code.replace(' ', "")));
    Ok(shown(
        StatusCode::CREATED,
        &MadeCode { code, role, expires_at, now: clock::now(), url: url.as_deref() },
    ))
}

/// The devices that are signed in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct DeviceList<'a> {
    as_of: Millis,
    now: Millis,
    devices: Vec<ListedDevice<'a>>,
}

/// A device that is signed in.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ListedDevice<'a> {
    id: &'a str,
    /// What it is called.
    device: &'a str,
    role: StaffRole,
    signed_in_at: Millis,
    /// When it was here last, to about a day.
    seen_at: Millis,
    /// Whether it is the one that asks.
    this: bool,
}

/// `GET /devices`
async fn devices(State(app): State<Arc<App>>, Manager(member): Manager) -> Result<Response, Problem> {
    let look = app.views.look().ok_or_else(Problem::starting)?;
    let signed_in = look.shop().devices().signed_in(look.now);
    let mut listed: Vec<_> = signed_in
        .map(|(id, device)| ListedDevice {
            id,
            device: &device.name,
            role: device.role,
            signed_in_at: device.at,
            seen_at: device.seen_at,
            this: member.session.as_deref() == Some(id),
        })
        .collect();
    listed.sort_by_key(|device| (device.signed_in_at, device.id));
    Ok(shown(StatusCode::OK, &DeviceList { as_of: look.as_of, now: look.now, devices: listed }))
}

/// `DELETE /devices/{id}`
async fn sign_out_one(
    State(app): State<Arc<App>>,
    Manager(_): Manager,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let is_there =
        |id: &str| app.views.look().map(|look| look.shop().devices().device(id, look.now).is_some());
    // Where nobody is signed in with it, that is what was asked for.
    if let Ok(Path(id)) = id
        && is_there(&id).ok_or_else(Problem::starting)?
    {
        register::sign_out(&app, &id).await?;
    }
    Ok(nothing())
}

/// `DELETE /devices`
async fn sign_out_all(
    State(app): State<Arc<App>>,
    Manager(member): Manager,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    register::sign_out_all(&app, member.device.as_deref()).await?;
    Ok(if member.session.is_some() { forgotten(&app, &headers) } else { nothing() })
}

/// The tokens of programs.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct TokenList<'a> {
    tokens: Vec<ListedToken<'a>>,
}

/// A token of a program.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct ListedToken<'a> {
    id: &'a str,
    /// Of which program.
    name: &'a str,
    role: StaffRole,
    /// When it was made.
    at: Millis,
}

/// `GET /tokens`
async fn tokens(State(app): State<Arc<App>>, Manager(_): Manager) -> Result<Response, Problem> {
    let look = app.views.look().ok_or_else(Problem::starting)?;
    let tokens = look.shop().devices().tokens();
    let mut listed: Vec<_> = tokens
        .map(|(id, token)| ListedToken { id, name: &token.name, role: token.role, at: token.at })
        .collect();
    listed.sort_by_key(|token| (token.at, token.id));
    Ok(shown(StatusCode::OK, &TokenList { tokens: listed }))
}

/// A program that is to have a token.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = Limits::DEVICE_CHARS), pattern(NAME)))]
    name: String,
    role: StaffRole,
}

/// A token that was just made.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "NewToken"))]
pub(crate) struct ShownToken<'a> {
    id: &'a str,
    name: &'a str,
    role: StaffRole,
    /// Shown this once.
    token: &'a str,
}

/// `POST /tokens`
async fn new_token(
    State(app): State<Arc<App>>,
    Manager(member): Manager,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let Program { name, role } = said_in(&app, request).await?;
    let name = named("name", name)?;
    if app.views.look().ok_or_else(Problem::starting)?.shop().devices().tokens().len() >= TOKENS_MAX {
        let detail = format!("There are {TOKENS_MAX} tokens already; take back one that no program uses.");
        return Err(Problem::new(Code::Busy, detail).with("max", TOKENS_MAX).retry_after(60));
    }
    let (id, token) = (register::new_id()?, NewToken::new().map_err(register::no_randomness)?);
    let (hash, by) = (to_hex(&token.sha256), member.device);
    let says = json!(MadeToken { name: &name, role, sha256: hash, at: clock::now(), by: by.as_deref() });
    app.say(format!("{TOKEN_PREFIX}{id}"), Some(says)).await?;
    Ok(shown(StatusCode::CREATED, &ShownToken { id: &id, name: &name, role, token: &token.text }))
}

/// `DELETE /tokens/{id}`
async fn revoke(
    State(app): State<Arc<App>>,
    Manager(_): Manager,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let is_there = |wanted: &str| {
        app.views.look().map(|look| look.shop().devices().tokens().any(|(id, _)| id == wanted))
    };
    if let Ok(Path(id)) = id
        && is_there(&id).ok_or_else(Problem::starting)?
    {
        app.say(format!("{TOKEN_PREFIX}{id}"), None).await?;
    }
    Ok(nothing())
}

/// A name that stands on screens and in the history of orders.
fn named(field: &str, name: String) -> Result<String, Problem> {
    // As it came: the specification knows nothing of what is cut off.
    check_text(&name, Limits::DEVICE_CHARS).map_err(|why| Problem::text(field, why))?;
    let name = without_bidi_controls(name);
    if name.contains('\n') || !is_name(&name) {
        let detail = format!("Say a name in {field}, on one line, by which others know it.");
        return Err(Problem::field(field, detail));
    }
    Ok(name.trim().to_owned())
}

fn keep(app: &App, headers: &HeaderMap) -> session::Keep {
    session::Keep { secure: app.reached().is_secure(headers), practice: app.settings.demo }
}

fn seconds(wait: std::time::Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

fn shown(status: StatusCode, body: &impl Serialize) -> Response {
    answer::json(status, serde_json::to_vec(body).expect("texts and numbers"))
}

fn nothing() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn forgotten(app: &App, headers: &HeaderMap) -> Response {
    let mut response = nothing();
    // Without the secret nobody could have been signed in.
    if let Some(secret) = app.secret.get() {
        let secure = app.reached().is_secure(headers);
        response.headers_mut().insert(header::SET_COOKIE, session::forgotten(secret, secure));
    }
    response
}
