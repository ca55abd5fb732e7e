//! What people open in a browser.

use super::{
    operation::{Operation, Who},
    parameters::Parameter as P,
};
use crate::problem::Code as C;

pub(super) const TAG: &str = "Pages";

const HTML: &str = "text/html";

pub(super) fn operations() -> Vec<Operation> {
    let page = |request, id, summary| {
        Operation::new(request, TAG, id, Who::Everyone, summary)
            .with(P::Language)
            .file(200, "The page.", HTML)
            .header(200, "ETag", "Another one for another page.")
            .nothing(304, "It is the one that `If-None-Match` names.")
    };
    let document = |request, id, summary, what| {
        Operation::new(request, TAG, id, Who::Everyone, summary)
            .json_answer(200, what, &serde_json::json!({"type": "object"}))
            .nothing(304, "It is the one that `If-None-Match` names.")
    };
    vec![
        page("GET /", "openOrderPage", "Order"),
        page("GET /o/{id}", "openPager", "The phone as the bell of one order")
            .names(P::OrderId)
            .names(P::Place)
            .file(404, "The page all the same: nobody knows such an order.", HTML),
        page("GET /board", "openBoard", "A board for a TV"),
        page("GET /bar", "openBar", "The bar, for staff"),
        page("GET /till", "openTill", "The till, for staff"),
        page("GET /table", "openTableCard", "A card for the tables"),
        page("GET /sign-in", "openSignIn", "Sign this device in"),
        page("GET /privacy", "openPrivacy", "What is kept of guests"),
        page("GET /docs", "openDocs", "This document, and that of the topics, to be read"),
        document("GET /docs/openapi.json", "getOpenApi", "This document", "OpenAPI 3.1."),
        document("GET /docs/asyncapi.json", "getAsyncApi", "The topics of the log", "AsyncAPI 3."),
        Operation::new("GET /web/{hash}/{path}", TAG, "getAsset", Who::Everyone, "What pages are made of")
            .with(P::Hash)
            .with(P::File)
            .file(
                200,
                "The file, kept for ever: another build has another hash. The drawings of codes are given to pages of \
                 other builds, too, to be asked for again each time.",
                "text/javascript",
            )
            .file(200, "The same.", "text/css")
            .file(200, "The same.", "image/svg+xml")
            .nothing(304, "It is the one that `If-None-Match` names.")
            .problems(&[C::NotFound]),
    ]
}
