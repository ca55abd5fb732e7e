//! What staff and bar pages say of the shop: `PUT /shop/…`.
//!
//! | request | what it says | body |
//! |---|---|---|
//! | `PUT /shop/open` | open or closed, whatever the hours say; `null`: by the hours | `{"open":true}` |
//! | `PUT /shop/pause` | no orders until then; `null`: until told otherwise | `{"until":MS}`, `{"paused":false}` |
//! | `PUT /shop/pace` | drinks are ready so much later | `{"busy_minutes":5}` |
//! | `PUT /shop/sold-out/{id}` | an item, or a choice as `milk/oat`, is not there | `{"sold_out":true}` |
//! | `PUT /shop/bars/{name}` | a bar page is there; said again every 30 s | `{}` |
//!
//! Each is a record of `shop.state` that says in `by` which device or program it was, so that every counter agrees, and is answered with the shop as `GET /shop` has it
//! once this counter has read it back.

use std::sync::Arc;

use ::order::{Limits, Millis, check_text, without_bidi_controls};
use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
    routing::put,
};
use http::Request;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::json;

use super::{
    body::{self, bad_json},
    routes::Routes,
    shop::shown,
};
use crate::{
    access::Staff,
    app::App,
    clock,
    problem::{Code, Problem},
    view::{
        BAR_PREFIX, BARS_MAX, BUSY_MINUTES_MAX, OPEN, PACE, PAUSE, SOLD_OUT_MAX, SOLD_OUT_PREFIX, written,
    },
};

/// How far ahead a pause may end: whoever writes seconds, or another century, is told so.
const PAUSE_MAX_MS: Millis = 366 * 24 * 60 * 60 * 1_000;
/// A bar page that was there so lately need not be written again.
const BAR_FRESH_MS: Millis = 10_000;
/// A bar page that said nothing for so long does not come back under its name.
const BAR_FORGOTTEN_MS: Millis = 60 * 60 * 1_000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route("/shop/open", put(open))
        .route("/shop/pause", put(pause))
        .route("/shop/pace", put(pace))
        .route("/shop/sold-out/{*id}", put(sold_out))
        .route("/shop/bars/{name}", put(bar))
}

/// Whether the shop is open, whatever the hours say.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenSays {
    /// `null`: by the hours again.
    #[serde(deserialize_with = "said")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "::order::schema::nullable::<bool>"))]
    open: Option<bool>,
    /// On which device; that of a session is known.
    #[cfg_attr(feature = "schema", schemars(length(max = Limits::DEVICE_CHARS), pattern(::order::schema::TEXT)))]
    device: Option<String>,
}

/// `PUT /shop/open`
async fn open(
    State(app): State<Arc<App>>,
    Staff(by): Staff,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let OpenSays { open, device } = said_in(&app, request).await?;
    let device = device.map(without_bidi_controls);
    if let Some(device) = &device {
        check_text(device, Limits::DEVICE_CHARS).map_err(|why| Problem::text("device", why))?;
    }
    let by = by.device(device);
    let answer = say(
        &app,
        OPEN.to_owned(),
        Some(json!(written::Opened { open, at: clock::now(), by: by.as_deref() })),
    )
    .await;
    if answer.is_ok() && open == Some(false) {
        app.audit.close_day();
    }
    answer
}

/// Whether ordering is paused.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum PauseSays {
    /// It is paused until then.
    Until {
        /// At most a year from now; `null`: until told otherwise.
        #[serde(deserialize_with = "said")]
        #[cfg_attr(feature = "schema", schemars(schema_with = "::order::schema::nullable::<Millis>"))]
        until: Option<Millis>,
    },
    /// It is paused until told otherwise, or not any more.
    Paused {
        /// `false`: orders are taken again.
        paused: bool,
    },
}

/// `PUT /shop/pause`
async fn pause(
    State(app): State<Arc<App>>,
    Staff(by): Staff,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let says: serde_json::Map<String, serde_json::Value> = said_in(&app, request).await?;
    let until = match serde_json::from_value(says.into()) {
        Ok(PauseSays::Paused { paused: false }) => return say(&app, PAUSE.to_owned(), None).await,
        Ok(PauseSays::Paused { paused: true }) => None,
        Ok(PauseSays::Until { until }) => until,
        Err(_) => {
            let detail = "Say until when, in milliseconds since 1970, or null; or {\"paused\":false}.";
            return Err(Problem::field("until", detail));
        }
    };
    let now = clock::now();
    if until.is_some_and(|until| !(now..now.saturating_add(PAUSE_MAX_MS)).contains(&until)) {
        let detail = "until must be a time within a year from now, in milliseconds since 1970; or null.";
        return Err(Problem::field("until", detail));
    }
    say(&app, PAUSE.to_owned(), Some(json!(written::Paused { until, by: by.device.as_deref() }))).await
}

/// How much later drinks are ready.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PaceSays {
    #[cfg_attr(feature = "schema", schemars(range(max = BUSY_MINUTES_MAX)))]
    busy_minutes: u32,
}

/// `PUT /shop/pace`
async fn pace(
    State(app): State<Arc<App>>,
    Staff(by): Staff,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let PaceSays { busy_minutes } = said_in(&app, request).await?;
    if busy_minutes > BUSY_MINUTES_MAX {
        let detail = format!("busy_minutes must be a whole number from 0 to {BUSY_MINUTES_MAX}.");
        return Err(Problem::field("busy_minutes", detail).with("range", format!("0..{BUSY_MINUTES_MAX}")));
    }
    let since = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        let said = look.shop().facts();
        if said.busy_minutes() > 0 { said.busy_since() } else { look.now }
    };
    let says = json!(written::Pace { busy_minutes, since, by: by.device.as_deref() });
    say(&app, PACE.to_owned(), Some(says)).await
}

/// Whether it is not there.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SoldOutSays {
    sold_out: bool,
}

/// `PUT /shop/sold-out/{id}`
async fn sold_out(
    State(app): State<Arc<App>>,
    Staff(by): Staff,
    id: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let SoldOutSays { sold_out } = said_in(&app, request).await?;
    let id = id.ok().map(|Path(id)| id).filter(|id| shop::can_be_sold_out(id));
    let id = id.ok_or_else(|| {
        Problem::field(
            "id",
            "Say the id of an item, or of a choice as milk/oat: a-z, 0-9 and - have a place in it.",
        )
    })?;
    let key = format!("{SOLD_OUT_PREFIX}{id}");
    if !sold_out {
        return say(&app, key, None).await;
    }
    if app.offer.shop().is_some_and(|shop| shop.menu().name_of(&id).is_none()) {
        let code = if id.contains('/') { Code::UnknownOption } else { Code::UnknownItem };
        let detail = format!("There is no {id} on the menu; say an id that GET /menu has.");
        return Err(Problem::new(code, detail).with("field", "id"));
    }
    {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        let said = look.shop().facts();
        if said.sold_out().len() >= SOLD_OUT_MAX && !said.is_sold_out(&id) {
            let detail =
                format!("{SOLD_OUT_MAX} things are sold out already; say that some of them are back first.");
            return Err(Problem::field("id", detail).with("range", format!("0..{SOLD_OUT_MAX}")));
        }
    }
    say(&app, key, Some(json!(written::SoldOut { sold_out: true, by: by.device.as_deref() }))).await
}

/// A bar page is there.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct BarSays {}

/// `PUT /shop/bars/{name}`
async fn bar(
    State(app): State<Arc<App>>,
    Staff(_): Staff,
    name: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let BarSays {} = said_in(&app, request).await?;
    let name = name.map(|Path(name)| name).map_err(|_| Problem::field("name", "The name is no UTF-8."))?;
    check_text(&name, Limits::DEVICE_CHARS).map_err(|why| Problem::text("name", why))?;
    let now = clock::now();
    let gone = {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        let said = look.shop().facts();
        let seen = said.bar(&name);
        if seen.is_some_and(|seen| now.saturating_sub(seen) < BAR_FRESH_MS) {
            drop(look);
            return shown(&app);
        }
        if seen.is_none() && said.bars_there(now) >= BARS_MAX {
            let detail = format!("{BARS_MAX} bar pages are open already; close one that nobody looks at.");
            return Err(Problem::new(Code::Busy, detail).with("max", BARS_MAX).retry_after(60));
        }
        let mut gone = said.bars_silent_since(now.saturating_sub(BAR_FORGOTTEN_MS));
        gone.find(|gone| **gone != name).map(str::to_owned)
    };
    // Names that pages make up must not stay in the log for ever: each word lets go of one that is silent, and waits for
    // that no longer than for its own.
    let forget = async {
        if let Some(gone) = gone {
            let _ = app.write_fact(format!("{BAR_PREFIX}{gone}"), None).await;
        }
    };
    let (answer, ()) = tokio::join!(
        say(&app, format!("{BAR_PREFIX}{name}"), Some(json!(written::Moment { at: now }))),
        forget
    );
    answer
}

/// What stands in the body.
pub(super) async fn said_in<T: DeserializeOwned>(app: &App, request: Request<Body>) -> Result<T, Problem> {
    let json = body::json(request, &app.settings).await?;
    // A struct would be read from a list, too.
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&json).map_err(bad_json)?;
    serde_json::from_value(fields.into()).map_err(bad_json)
}

/// A field that must be there, `null` or not.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

/// Says it, and shows the shop with it.
async fn say(app: &App, key: String, value: Option<serde_json::Value>) -> Result<Response, Problem> {
    app.say(key, value).await?;
    shown(app)
}
