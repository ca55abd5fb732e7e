//! The shop as everyone sees it: `GET /shop`.

use std::sync::Arc;

use ::order::Stage;
use axum::{extract::State, response::Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use shop::{Payment, Shop, ordering::Ordering, promise::Minutes};

use super::{answer, screens::with_age};
use crate::{
    app::App,
    problem::Problem,
    view::{Look, Open},
};

/// What a customer needs to know before ordering.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Shop"))]
pub(crate) struct Shown<'a> {
    /// `null`: nobody said, so it is as the hours say.
    open: Option<Open>,
    /// How drinks are made, as the barista says that spoke last: `auto` or `manual`.
    mode: Option<&'a str>,
    /// How many are made at once; `null`: no limit.
    hands: Option<u32>,
    /// How long one cup takes, in milliseconds.
    cup_ms: Option<u64>,
    queue: Queue,
    /// No more orders are taken: `queue_full`.
    full: bool,
    /// Nobody decides on orders.
    no_barista: bool,
    #[serde(flatten)]
    ordering: Ordering,
    /// For one more average drink; absent while nobody decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    promise: Option<InMinutes>,
    /// Orders that come before one more.
    ahead: usize,
    /// Items, and choices as `milk/oat`.
    sold_out: Vec<&'a str>,
    /// The version of the menu; absent: this counter has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    menu: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Payment>,
    /// How much later drinks are ready, by what staff say.
    busy_minutes: u32,
    /// All of it is practice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    demo: bool,
}

/// How many orders there are.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ShopQueue"))]
struct Queue {
    received: usize,
    making: usize,
    ready: usize,
    /// No barista has decided on them yet.
    undecided: usize,
}

/// From now.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct InMinutes {
    from_minutes: u32,
    to_minutes: u32,
}

/// The shop as this look shows it, without the time.
pub(super) fn shop_json(app: &App, look: &Look<'_>) -> Bytes {
    let (counts, said) = (look.counts(), look.shop().facts());
    let barista = look.shop().barista();
    let shop = app.offer.shop();
    let no_barista = look.nobody_decides_somewhere(look.now);
    let shown = Shown {
        open: said.open(),
        mode: barista.and_then(|barista| barista.mode.as_deref()),
        hands: barista.and_then(|barista| barista.hands),
        cup_ms: barista.and_then(|barista| barista.cup_ms),
        queue: Queue {
            received: counts.of(Stage::Received),
            making: counts.of(Stage::Making),
            ready: counts.of(Stage::Ready),
            undecided: counts.undecided,
        },
        full: app.settings.check_room(counts.open(), look.live_bytes()).is_err(),
        no_barista,
        ordering: app.offer.ordering(look, shop.as_deref()),
        promise: look
            .one_more()
            .filter(|_| !no_barista)
            .map(|Minutes { from, to }| InMinutes { from_minutes: from, to_minutes: to }),
        ahead: counts.ahead(),
        sold_out: said.sold_out().collect(),
        menu: shop.as_deref().map(Shop::version),
        payment: shop.as_deref().map(|shop| shop.settings().payment),
        busy_minutes: said.busy_minutes(),
        demo: app.settings.demo,
    };
    serde_json::to_vec(&shown).expect("texts and numbers").into()
}

/// `GET /shop`
pub(super) async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    shown(&app)
}

/// The shop as it is now, and how old that is.
pub(super) fn shown(app: &App) -> Result<Response, Problem> {
    let json = shop_json(app, &app.views.look().ok_or_else(Problem::starting)?);
    Ok(answer::json(StatusCode::OK, with_age(app, &json)))
}
