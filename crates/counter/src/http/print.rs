//! `POST /orders/{id}/print`: a sheet of an order once more.

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    Id, answer,
    body::{self, bad_json},
    orders::not_found,
};
use crate::{
    access::Staff,
    app::App,
    printing::{self, Shown, What},
    problem::{Code, Problem},
};

/// What is to be printed once more.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PrintSays {
    what: What,
}

/// It waits to be printed.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Printing {
    /// `printing`.
    code: &'static str,
    /// How the printer is; `null`: nobody knows yet.
    printer: Option<Shown>,
}

/// `POST /orders/{id}/print`
pub(super) async fn print(
    State(app): State<Arc<App>>,
    Staff(_): Staff,
    Id(id): Id,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let json = body::json(request, &app.settings).await?;
    let PrintSays { what } = serde_json::from_slice(&json).map_err(bad_json)?;
    let printer =
        app.offer.shop().and_then(|shop| shop.settings().printer.as_ref().map(|at| at.address.clone()));
    let printer = printer.ok_or_else(|| {
        let detail = "This counter has no printer; say where one is under [printer] in shop.toml.";
        Problem::new(Code::NoPrinter, detail)
    })?;
    {
        let look = app.views.look().ok_or_else(Problem::starting)?;
        if look.get(id.as_str()).is_none() {
            return Err(not_found(&look));
        }
    }
    printing::copy(&app, &id, what, &printer).await?;
    let shown = *app.printing.shown().borrow();
    let printing = Printing { code: "printing", printer: shown };
    Ok(answer::json(StatusCode::ACCEPTED, serde_json::to_vec(&printing).expect("texts and numbers")))
}
