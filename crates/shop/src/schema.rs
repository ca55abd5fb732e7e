//! JSON schemas of what is made here and leaves the shop in other hands.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{Limits, shop::Body};

/// The body of `GET /menu`: what [`Shop::menu_json`](crate::Shop::menu_json) has.
#[derive(Debug, Clone, Copy)]
pub struct MenuBody;

impl JsonSchema for MenuBody {
    fn schema_name() -> Cow<'static, str> {
        "Menu".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Body::json_schema(generator)
    }
}

/// What [`can_be_sold_out`](crate::can_be_sold_out) takes, as a pattern.
pub fn sold_out_id() -> String {
    let id = format!("[a-z0-9-]{{1,{}}}", Limits::ID_CHARS);
    format!("^{id}(/{id})?$")
}
