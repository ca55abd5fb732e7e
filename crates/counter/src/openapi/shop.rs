//! What is sold, whether orders are taken, and what staff say of that.

use serde_json::Value;

use super::{
    operation::{Operation, Who},
    parameters::Parameter as P,
    schemas::Schemas,
};
use crate::{
    http::described::{Address, Age, BarSays, OpenSays, PaceSays, PauseSays, Shop, SoldOutSays},
    problem::Code as C,
};

pub(super) const TAG: &str = "Shop";

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let age = schemas.answer::<Age>();
    let shop = Schemas::all(&[age.clone(), schemas.answer::<Shop<'_>>()]);
    let says = |request, id, summary, body: Value| {
        Operation::new(request, TAG, id, Who::Staff, summary)
            .takes(&body)
            .json_answer(200, "It is in the log; the shop with it.", &shop)
            .problems(&[C::BadField, C::Busy])
            .writes()
    };
    vec![
        Operation::new("GET /menu", TAG, "showMenu", Who::Everyone, "Show what is sold and what it costs")
            .json_answer(200, "The menu.", &schemas.answer::<shop::schema::MenuBody>())
            .header(200, "ETag", "Another one for another menu.")
            .nothing(304, "It is the one that `If-None-Match` names.")
            .problems(&[C::NotFound, C::Starting]),
        Operation::new("GET /shop", TAG, "showShop", Who::Everyone, "Show whether orders are taken, and the wait")
            .json_answer(200, "The shop.", &shop)
            .problems(&[C::Starting]),
        Operation::new("GET /shop/events", TAG, "followShop", Who::Everyone, "Follow the shop")
            .stream(&[
                ("shop", "At first, and whenever it changes.", shop.clone()),
                ("heartbeat", "Every 10 s.", age),
            ]),
        says("PUT /shop/open", "sayOpen", "Say that it is open or closed, whatever the hours say", schemas.body::<OpenSays>()),
        says("PUT /shop/pause", "sayPause", "Say that ordering is paused, or goes on", schemas.body::<PauseSays>()),
        says("PUT /shop/pace", "sayPace", "Say how much later drinks are ready", schemas.body::<PaceSays>()),
        says("PUT /shop/sold-out/{id}", "saySoldOut", "Say that something is sold out, or back", schemas.body::<SoldOutSays>())
            .with(P::SoldOutId)
            .problems(&[C::UnknownItem, C::UnknownOption]),
        says("PUT /shop/bars/{name}", "sayBar", "Say that a bar page is there, every 30 s", schemas.body::<BarSays>())
            .with(P::BarName),
        Operation::new("GET /table/address", TAG, "showAddress", Who::Everyone, "Show at which address phones find this counter")
            .json_answer(200, "The address.", &schemas.answer::<Address<'_>>())
            .problems(&[C::NoPublicAddress, C::Starting]),
        Operation::new("GET /table/qr.svg", TAG, "drawAddress", Who::Everyone, "Draw that address as a QR code")
            .file(200, "The QR code.", "image/svg+xml")
            .problems(&[C::NoPublicAddress, C::Starting]),
        Operation::new("POST /table/qr.svg", TAG, "drawText", Who::Everyone, "Draw a text as a QR code")
            .more("It is kept nowhere.")
            .takes_text(
                "The text, in UTF-8.",
                &serde_json::json!({"type": "string", "minLength": 1, "maxLength": crate::http::limits::TEXT_BYTES}),
            )
            .file(200, "The QR code.", "image/svg+xml")
            .problems(&[C::BadField, C::Busy, C::Starting]),
    ]
}
