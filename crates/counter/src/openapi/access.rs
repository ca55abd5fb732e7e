//! Who may do what: devices that are signed in, and tokens of programs.

use serde_json::json;

use super::{
    operation::{Operation, Who},
    parameters::Parameter as P,
    schemas::Schemas,
};
use crate::{
    http::described::{CodeFor, DeviceList, MadeCode, Program, Session, ShownToken, SignIn, TokenList},
    problem::Code as C,
};

pub(super) const TAG: &str = "Access";

pub(super) fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    [sessions(schemas), lists(schemas)].into_iter().flatten().collect()
}

fn sessions(schemas: &mut Schemas) -> Vec<Operation> {
    let session = schemas.answer::<Session<'_>>();
    let cookie = "The cookie of the session, for 30 days from now.";
    vec![
        Operation::new("POST /session", TAG, "signIn", Who::Everyone, "Sign this device in with a code")
            .takes(&schemas.body::<SignIn>())
            .json_answer(200, "It is signed in.", &session)
            .header(200, "Set-Cookie", cookie)
            .problems(&[
                C::BadField,
                C::CrossSite,
                C::WrongCode,
                C::CodeUsed,
                C::CodeExpired,
                C::TooManyCodes,
                C::SignedOut,
                C::Busy,
            ])
            .writes(),
        Operation::new("GET /session", TAG, "showSession", Who::Staff, "Show who is signed in")
            .json_answer(200, "The device or the program.", &session)
            .header(200, "Set-Cookie", cookie),
        Operation::new("DELETE /session", TAG, "signOut", Who::Staff, "Sign this device out")
            .nothing(204, "It is signed out.")
            .header(204, "Set-Cookie", "No cookie any more.")
            .problems(&[C::Busy])
            .writes(),
        Operation::new(
            "POST /session/codes",
            TAG,
            "showCode",
            Who::Staff,
            "Show a code that signs in one more device",
        )
        .more("A code for a manager is for managers.")
        .takes(&schemas.body::<CodeFor>())
        .json_answer(201, "The code, good for 10 minutes.", &schemas.answer::<MadeCode<'_>>())
        .leads_to_body(201, "signIn", &json!({"code": "$response.body#/code", "device": "Bar"}))
        .problems(&[C::ManagersOnly, C::Busy])
        .writes(),
    ]
}

fn lists(schemas: &mut Schemas) -> Vec<Operation> {
    vec![
        Operation::new(
            "GET /devices",
            TAG,
            "listDevices",
            Who::Manager,
            "List the devices that are signed in",
        )
        .json_answer(200, "The devices.", &schemas.answer::<DeviceList<'_>>())
        .leads_to(200, "signOutDevice", "id", "/devices/0/id"),
        Operation::new("DELETE /devices", TAG, "signOutAll", Who::Manager, "Sign all devices out")
            .nothing(204, "All are signed out, and codes that were shown are taken back.")
            .problems(&[C::Busy])
            .writes(),
        Operation::new("DELETE /devices/{id}", TAG, "signOutDevice", Who::Manager, "Sign a device out")
            .with(P::DeviceId)
            .nothing(204, "Nobody is signed in with it.")
            .problems(&[C::Busy])
            .writes(),
        Operation::new("GET /tokens", TAG, "listTokens", Who::Manager, "List the tokens of programs")
            .json_answer(200, "The tokens.", &schemas.answer::<TokenList<'_>>()),
        Operation::new("POST /tokens", TAG, "makeToken", Who::Manager, "Make a token for a program")
            .takes(&schemas.body::<Program>())
            .json_answer(201, "The token, shown this once.", &schemas.answer::<ShownToken<'_>>())
            .leads_to(201, "takeBackToken", "id", "/id")
            .problems(&[C::BadField, C::Busy])
            .writes(),
        Operation::new("DELETE /tokens/{id}", TAG, "takeBackToken", Who::Manager, "Take a token back")
            .with(P::TokenId)
            .nothing(204, "There is no such token any more.")
            .problems(&[C::Busy])
            .writes(),
    ]
}
