//! What the table card is made of. None of it is a secret, so nobody needs a token: the address is printed for everyone
//! to see, and a text that comes for a code goes back as one and stays nowhere.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::Serialize;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{answer, body, routes::Routes};
use crate::{
    app::App,
    problem::{Code, Problem},
    public::{PublicUrl, Reach},
};

/// The longest text of a code, in bytes: of a Wi-Fi with the longest name and password, each character escaped, and more.
pub(crate) const TEXT_BYTES: usize = 512;
/// Texts that are drawn at once: each keeps a core busy for a while, and orders need the others.
const DRAWN_AT_ONCE: usize = 1;

/// The routes of the table card.
pub(super) fn routes() -> Routes {
    Routes::new().route("/table/address", get(address)).route("/table/qr.svg", get(code).post(code_of_text))
}

/// Where phones find this counter.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Address<'a> {
    url: &'a str,
    /// `network`: whoever is in the shop's network; `everywhere`: everyone.
    reach: &'static str,
    /// Whether by https.
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
    app.codes.of(known(&app)?).map(picture)
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
    app.codes.draw(text, app.settings.deadline).await.map(picture)
}

fn known(app: &App) -> Result<&PublicUrl, Problem> {
    app.public_url.as_ref().ok_or_else(|| {
        let port = app.address.port();
        let detail = if app.address.ip().to_canonical().is_loopback() {
            format!(
                "This counter listens on its own machine alone: start it with --listen 0.0.0.0:{port} for the shop's \
                 network, or with --public-url https://NAME behind a proxy."
            )
        } else {
            format!(
                "This counter could not find out at which address phones reach it: say so with --public-url \
                 http://ADDRESS:{port}, or with --public-url https://NAME where it has a name."
            )
        };
        Problem::new(Code::NoPublicAddress, detail).with("port", port)
    })
}

/// Draws QR codes: more work than any other answer to a stranger.
#[derive(Debug)]
pub(crate) struct Codes {
    /// That of the address, which stays the same.
    of_address: OnceLock<Bytes>,
    drawing: Arc<Semaphore>,
}

impl Default for Codes {
    fn default() -> Self {
        Self { of_address: OnceLock::new(), drawing: Arc::new(Semaphore::new(DRAWN_AT_ONCE)) }
    }
}

impl Codes {
    fn of(&self, url: &PublicUrl) -> Result<Bytes, Problem> {
        if let Some(svg) = self.of_address.get() {
            return Ok(svg.clone());
        }
        let svg = drawn(url.as_str())?;
        Ok(self.of_address.get_or_init(|| svg).clone())
    }

    /// Draws a text, where nobody's order is held up by it. `patience` bounds how long it waits for its turn.
    async fn draw(&self, text: &str, patience: Duration) -> Result<Bytes, Problem> {
        let turn = timeout(patience, Arc::clone(&self.drawing).acquire_owned()).await;
        let busy =
            || Problem::new(Code::Busy, "Other codes are being drawn; try again in a second.").retry_after(1);
        let Ok(Ok(turn)) = turn else { return Err(busy()) };
        let text = text.to_owned();
        let drawing = spawn_blocking(move || {
            // It goes on when the client has gone, and its turn is over only then.
            let _turn = turn;
            drawn(&text)
        });
        drawing.await.unwrap_or_else(|_| Err(busy()))
    }
}

/// A quarter of it may be scratched or stained: cards lie on tables.
fn drawn(text: &str) -> Result<Bytes, Problem> {
    let code = QrCode::with_error_correction_level(text, EcLevel::Q)
        .map_err(|error| Problem::field("body", format!("The text does not fit into a QR code: {error}.")))?;
    Ok(code.render::<svg::Color<'_>>().build().into())
}

fn picture(svg: Bytes) -> Response {
    let mut response = Response::new(Body::from(svg));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn no_more_codes_are_drawn_at_once_than_may_be() {
        let codes = Codes::default();
        let all = codes.drawing.acquire().await.unwrap();
        assert_eq!(codes.draw("text", PATIENCE).await.unwrap_err().code(), Code::Busy);
        drop(all);
        assert!(codes.draw("text", PATIENCE).await.unwrap().starts_with(b"<?xml"));
        assert_eq!(codes.drawing.available_permits(), DRAWN_AT_ONCE);
    }

    #[test]
    fn the_code_of_the_address_is_drawn_once() {
        let (codes, url) = (Codes::default(), "https://cafe.example".parse().unwrap());
        let [first, second] = [codes.of(&url).unwrap(), codes.of(&url).unwrap()];
        assert_eq!(first.as_ptr(), second.as_ptr());
    }
}
