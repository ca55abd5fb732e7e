//! The contract's HTTP.
//!
//! | file | requests |
//! |---|---|
//! | `order` | `POST /order`, the hot path, and how an order gets into the log |
//! | `orders` | `POST /orders`, `GET /orders/{id}`, `GET /orders?live`, `GET /orders?recent` |
//! | `draft`, `price` | an order with items, from JSON; what it costs, and whether it is taken |
//! | `menu`, `shop`, `facts` | `GET /menu`; `GET /shop`; `PUT /shop/…` |
//! | `commands` | `POST /orders/{id}/commands` |
//! | `print` | `POST /orders/{id}/print` |
//! | `access` | `/session`, `/devices`, `/tokens`: who may do what |
//! | `order_stream` | `GET /orders/{id}/events` |
//! | `screens` | `GET /board/codes`, `GET /board/events`, `GET /shop/events`, `GET /events` |
//! | `history` | `GET /orders/{id}/history` |
//! | `ledger` | `GET /ledger`, `/ledger/events`, `/ledger/orders`, `/ledger/minutes`, `/ledger/day` |
//! | `backup` | `GET /backup` |
//! | `past`, `export` | the same, bar and board as they were; `GET /ledger/export` |
//! | `pages` | `GET /`, `/o/{id}`, `/board`, `/table`, `/privacy`, and what those are made of |
//! | `docs` | `GET /docs/openapi.json`, `GET /docs/asyncapi.json`: this and the topics, as specifications |
//! | `table` | `GET /table/address`, `/table/qr.svg`: what the table card is made of |
//! | `health` | `/livez`, `/readyz`, `/metrics` |
//! | `guard` | what every answer says of how it may be used |
//! | `negotiate` | what a client has, can unpack, and reads |
//! | `body`, `sse`, `answer` | what they are made of |
//! | `routes` | the paths, which `openapi` has to describe |

mod access;
mod answer;
mod backup;
mod body;
mod commands;
mod docs;
mod draft;
mod export;
mod facts;
mod guard;
mod health;
mod history;
mod ledger;
mod menu;
mod negotiate;
mod order;
mod order_stream;
mod orders;
mod pages;
mod past;
mod price;
mod print;
mod routes;
mod screens;
mod shop;
mod sse;
mod table;

use std::{net::IpAddr, sync::Arc};

use ::order::OrderId;
use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Path},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, Method, Request, Uri, header};

use crate::{
    app::App,
    problem::{Code, Problem},
};

pub use self::health::Missing;
use self::routes::Routes;
pub(crate) use self::{
    body::Bodies,
    guard::{Reached, guard},
    health::{WHAT, lives, no_log, openmetrics, probe, readiness},
    order::place,
    pages::without_log,
    screens::{Freshness, Screens},
    table::Codes,
};

/// What is asked and answered, for whoever describes it.
#[cfg(feature = "schema")]
pub(crate) mod described {
    pub(crate) use super::{
        access::{CodeFor, DeviceList, MadeCode, Program, Session, ShownToken, SignIn, TokenList},
        commands::{Ask, Waiting},
        draft::NewOrder,
        facts::{BarSays, OpenSays, PaceSays, PauseSays, SoldOutSays},
        health::{Live as Liveness, Readiness},
        history::History,
        ledger::{Line as DayMinutes, List as DayOrders, Sheet as Today},
        order_stream::{About as NoOrder, Heartbeat as OrderHeartbeat},
        orders::{CatchingUp, Live, Recent},
        print::{PrintSays, Printing},
        screens::{Age, Beat, Board, Times},
        shop::Shown as Shop,
        table::Address,
    };
}

/// Bounds on what is asked, for whoever describes it.
#[cfg(feature = "schema")]
pub(crate) mod limits {
    pub(crate) use super::{
        ledger::{LIMIT, QUERY_CHARS},
        table::TEXT_BYTES,
    };
}

/// Where a request comes from, by [`crate::peer`]; streams and orders are counted by it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) IpAddr);

/// Everything but `POST /order`, which the server hands over without looking for a route.
pub(crate) fn router(app: Arc<App>) -> Router {
    let is_traced = app.tracer.is_on();
    let routes = routes().into_router();
    let routes = if is_traced { routes.route_layer(middleware::from_fn(name_route)) } else { routes };
    routes.method_not_allowed_fallback(wrong_method).fallback(nothing_here).with_state(app)
}

/// Says behind the routes which one it was, for spans.
async fn name_route(path: MatchedPath, request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(path);
    response
}

fn routes() -> Routes {
    Routes::new()
        .route("/orders", post(orders::place).get(orders::list))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/events", get(order_stream::stream))
        .route("/orders/{id}/history", get(history::history))
        .route("/orders/{id}/commands", post(commands::command))
        .route("/orders/{id}/print", post(print::print))
        .route("/board/codes", get(screens::codes))
        .route("/board/events", get(screens::board))
        .route("/shop/events", get(screens::shop))
        .route("/shop", get(shop::show))
        .merge(facts::routes())
        .merge(access::routes())
        .merge(ledger::routes())
        .route("/backup", get(backup::backup))
        .route("/menu", get(menu::menu))
        .route("/events", get(screens::staff))
        .merge(pages::routes())
        .merge(docs::routes())
        .merge(table::routes())
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
}

/// Every path that is served.
#[cfg(feature = "schema")]
pub(crate) fn paths() -> Vec<&'static str> {
    [&["/order"], routes().paths()].concat()
}

/// What `/order` answers to other methods.
pub(crate) fn only_post() -> Response {
    let problem = Problem::new(Code::MethodNotAllowed, "Orders are placed with POST /order?amount=N.");
    problem.header(header::ALLOW, HeaderValue::from_static("POST")).into_response()
}

async fn wrong_method(method: Method) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("This path does not do {method}; see the Allow header."))
}

async fn nothing_here(request: Request<Body>) -> Problem {
    // The path itself is not said again: it may be anything, of any length.
    drop(request);
    Problem::new(Code::NotFound, "There is nothing at this path.")
}

/// The order id in a path.
struct Id(OrderId);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut http::request::Parts, state: &S) -> Result<Self, Problem> {
        let bad = |why: String| {
            Problem::new(Code::BadId, format!("What stands in the path is no order id: {why}."))
        };
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| bad(rejection.body_text()))?;
        OrderId::new(text).map(Id).map_err(|error| bad(error.to_string()))
    }
}

/// The value of a query parameter, as it is written; `Err` if it stands there twice.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Result<Option<&'a str>, ()> {
    let pairs = uri.query().unwrap_or("").split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}
