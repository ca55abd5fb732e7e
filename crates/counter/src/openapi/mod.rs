//! What this counter serves, as an `OpenAPI` 3.1 document: `docs/openapi.json` is this. Only with the feature `schema`, so
//! that the program does not carry what writes it.
//!
//! | file | what it holds |
//! |---|---|
//! | `operation` | one request: who may ask it, with what, and all that may be answered |
//! | `schemas` | JSON schemas of what is asked and answered, from the types that serde reads and writes |
//! | `parameters` | what stands in paths, queries and headers |
//! | `orders`, `shop`, `access`, `ledger`, `pages`, `machines` | the requests, by what they are about |

mod access;
mod ledger;
mod machines;
mod operation;
mod orders;
mod pages;
mod parameters;
mod schemas;
mod shop;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use self::{operation::Operation, schemas::Schemas};
use crate::problem::Code;

/// What the requests are about, in the order in which they are shown.
const TAGS: [(&str, &str); 6] = [
    (orders::TAG, "Placing orders, looking at them, and asking something of them."),
    (shop::TAG, "What is sold, whether orders are taken, and what staff say of that."),
    (access::TAG, "Who may do what: devices that are signed in, and tokens of programs."),
    (ledger::TAG, "Where every order is, now and at any moment; the log as a file."),
    (pages::TAG, "What people open in a browser."),
    (machines::TAG, "Whether it lives, whether it can take orders, and how it does."),
];

const ABOUT: &str = "A counter of Brewline takes orders over HTTP and shows what became of them.\n\n\
    Times are milliseconds since 1970, money is in the smallest unit of its currency. Every snapshot and heartbeat carries \
    `as_of`, when the counter last confirmed that it had read to the end of the log; judge its age by `now`, the time of \
    sending.\n\n\
    What can't be done is answered as `application/problem+json` (RFC 9457) with a `code` that never changes its meaning. A \
    path that is not here is 404 `not_found`, a method that a path does not have 405 `method_not_allowed` with `Allow`; \
    `HEAD` is answered wherever `GET` is. A counter that has no log yet, or has not read it to its end, answers 503 \
    `starting`. A port with TLS answers plain HTTP with a redirect, or with 400 `https_only`. A request that is not HTTP, or \
    whose head is too large, is answered with 400, 414 or 431 without a body.\n\n\
    A stream (`text/event-stream`) is one of server-sent events; `x-events` has what each of them holds, as JSON. It begins \
    with `retry`, and goes on where `Last-Event-ID` left off.";

/// Codes that are the answer to what is no request of any operation here.
pub const ELSEWHERE: [Code; 2] = [Code::HttpsOnly, Code::MethodNotAllowed];

/// The document.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let operations = operations(&mut schemas);
    let mut paths = Map::new();
    for operation in &operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = operation.json(&mut schemas);
    }
    let tags = TAGS.map(|(name, description)| json!({"name": name, "description": description}));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Brewline: the counter",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The counter that serves this document."}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": operation::security_schemes(),
            "parameters": parameters::components(),
            "schemas": schemas.into_json(),
        },
    });
    order::schema::say_plainly(&mut document);
    document
}

/// Every path that the counter serves, as its router has it.
pub fn paths() -> Vec<String> {
    // Only the router tells apart what may have a slash in it.
    crate::http::paths().into_iter().map(|path| path.replace("{*", "{")).collect()
}

/// The codes that an operation of the document may answer with.
pub fn codes() -> BTreeSet<&'static str> {
    let operations = operations(&mut Schemas::default());
    operations.iter().flat_map(|operation| operation.problems.iter().map(|code| code.name())).collect()
}

fn operations(schemas: &mut Schemas) -> Vec<Operation> {
    let groups = [
        orders::operations(schemas),
        shop::operations(schemas),
        access::operations(schemas),
        ledger::operations(schemas),
        pages::operations(),
        machines::operations(schemas),
    ];
    groups.into_iter().flatten().collect()
}
