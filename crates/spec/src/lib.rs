//! The specifications, made from the types that the programs read and write.
//!
//! | function | what it is | committed as |
//! |---|---|---|
//! | [`openapi`] | what the counter serves: `OpenAPI` 3.1 | `docs/openapi.json` |
//! | [`asyncapi`] | what stands in the topics: `AsyncAPI` 3 | `docs/asyncapi.json` |
//!
//! `cargo run -p spec` writes them anew. No program of ours depends on this crate: what makes schemas is behind the feature
//! `schema` of the crates whose types they are of, and the program only carries what is committed.

mod asyncapi;
mod examples;

use serde_json::Value;

/// Where the documents stand, from the root of the repository, and what they are.
pub fn documents() -> [(&'static str, String); 2] {
    [("docs/openapi.json", pretty(&openapi())), ("docs/asyncapi.json", pretty(&asyncapi()))]
}

/// What the counter serves, with an example of each request and answer.
pub fn openapi() -> Value {
    let mut document = counter::openapi::document();
    examples::add_to(&mut document);
    document
}

/// What stands in the topics.
pub fn asyncapi() -> Value {
    asyncapi::document()
}

fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}
