//! What the table card is made of. None of it is a secret, so nobody needs a token: the address is printed for everyone
//! to see, and a text that comes for a code goes back as one and stays nowhere.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::Serialize;

use super::{answer, body, pages::guard};
use crate::{
    app::App,
    problem::{Code, Problem},
    public::{PublicUrl, Reach},
};

/// The longest text of a code, in bytes: of a Wi-Fi with the longest name and password, each character escaped, and more.
const TEXT_BYTES: usize = 512;

/// The routes of the table card.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/table/address", get(address)).route("/table/qr.svg", get(code).post(code_of_text))
}

#[derive(Serialize)]
struct Address<'a> {
    url: &'a str,
    reach: &'static str,
    secure: bool,
}

/// `GET /table/address`: where phones find this counter, and who reaches it.
async fn address(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let url = known(&app)?;
    let reach = match url.reach() {
        Reach::Network => "network",
        Reach::Everywhere => "everywhere",
    };
    let address = Address { url: url.as_str(), reach, secure: url.is_secure() };
    Ok(answer::json(StatusCode::OK, serde_json::to_vec(&address).expect("texts and a boolean")))
}

/// `GET /table/qr.svg`: the same address as a QR code.
async fn code(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    drawn(known(&app)?.as_str())
}

/// `POST /table/qr.svg`: the text in the body as a QR code. For a Wi-Fi, whose password is in it: it is not kept, and
/// stands in no log.
async fn code_of_text(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let bytes = body::all(request.into_body(), &app.settings).await?;
    let text = std::str::from_utf8(&bytes).ok().filter(|text| (1..=TEXT_BYTES).contains(&text.len()));
    let text = text.ok_or_else(|| {
        let detail = format!("The body must be a text of 1 to {TEXT_BYTES} bytes in UTF-8.");
        Problem::field("body", detail).with("range", format!("1..{TEXT_BYTES}"))
    })?;
    drawn(text)
}

fn known(app: &App) -> Result<&PublicUrl, Problem> {
    app.public_url.as_ref().ok_or_else(|| {
        let detail = if app.address.ip().to_canonical().is_loopback() {
            "This counter listens on its own machine alone: start it with --listen 0.0.0.0:8080 for the shop's network, \
             or with --public-url https://NAME behind a proxy."
        } else {
            "This counter could not find out at which address phones reach it: say so with --public-url \
             http://ADDRESS:PORT, or with --public-url https://NAME where it has a name."
        };
        Problem::new(Code::NoPublicAddress, detail)
    })
}

/// A quarter of it may be scratched or stained: cards lie on tables.
fn drawn(text: &str) -> Result<Response, Problem> {
    let code = QrCode::with_error_correction_level(text, EcLevel::Q)
        .map_err(|error| Problem::field("body", format!("The text does not fit into a QR code: {error}.")))?;
    let svg = code.render::<svg::Color<'_>>().build();
    let mut response = Response::new(Body::from(svg));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    guard(headers);
    Ok(response)
}
