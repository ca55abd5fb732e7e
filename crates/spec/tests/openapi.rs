//! That `docs/openapi.json` is what the counter is.

use std::collections::BTreeSet;

use counter::{openapi, problem::Code};
use serde_json::{Map, Value, json};

#[test]
fn the_committed_documents_are_what_the_types_say() {
    for (path, text) in spec::documents() {
        let committed = std::fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR")));
        let committed = committed.unwrap_or_default();
        let differs = text.lines().zip(committed.lines()).position(|(made, there)| made != there);
        assert!(
            text == committed,
            "{path} differs from line {differs:?} on; write it anew: cargo run -p spec"
        );
    }
}

#[test]
fn every_path_of_the_router_is_described_and_no_other_is() {
    let document = spec::openapi();
    let described: BTreeSet<String> =
        document["paths"].as_object().into_iter().flat_map(|paths| paths.keys().cloned()).collect();
    assert_eq!(described, openapi::paths().into_iter().collect());
}

#[test]
fn every_code_of_a_problem_is_an_answer_to_some_request() {
    let elsewhere = openapi::ELSEWHERE.map(Code::name);
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let mut said = openapi::codes();
    assert!(elsewhere.iter().all(|code| said.insert(code)), "{elsewhere:?} are said elsewhere alone");
    assert_eq!(said, known);
}

/// Answers that an example would say nothing of, or that take a failure: the documents themselves, and what nobody decides in time.
const WITHOUT: [(&str, &str); 3] = [("getOpenApi", "200"), ("getAsyncApi", "200"), ("commandOrder", "202")];

#[test]
fn every_body_and_every_answer_that_is_json_has_an_example_that_is_as_the_schema_says() {
    let document = spec::openapi();
    let mut count = 0;
    for operation in operations(&document) {
        let name = operation["operationId"].as_str().expect("a name");
        for content in operation["requestBody"]["content"].as_object().into_iter().flat_map(Map::values) {
            let examples = fitting(&document, &format!("{name} body"), content);
            assert!(examples > 0, "{name} has no example of its body");
            count += examples;
        }
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            for (kind, content) in answer["content"].as_object().into_iter().flatten() {
                let examples = fitting(&document, &format!("{name} {status}"), content);
                let is_needed = kind == "application/json"
                    && status.as_str() < "300"
                    && !WITHOUT.contains(&(name, status.as_str()));
                assert!(examples > 0 || !is_needed, "{name} {status} has no example");
                let events = content["x-events"].as_object().into_iter().flatten();
                let events: usize =
                    events.map(|(event, at)| fitting(&document, &format!("{name} {event}"), at)).sum();
                assert!(events > 0 || kind != "text/event-stream", "{name} has no example of an event");
                count += examples + events;
            }
        }
    }
    assert!(count > 50, "{count}");
    for (name, parameter) in document["components"]["parameters"].as_object().into_iter().flatten() {
        fitting(&document, name, parameter);
    }
}

/// How many examples there are. Each is as the schema beside it says.
fn fitting(document: &Value, what: &str, at: &Value) -> usize {
    let Some(examples) = at["examples"].as_object() else { return 0 };
    let whole =
        json!({"components": {"schemas": document["components"]["schemas"]}, "allOf": [at["schema"]]});
    let schema = jsonschema::draft202012::new(&whole).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (name, example) in examples {
        let wrong: Vec<_> = schema.iter_errors(&example["value"]).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{what}, {name}: {wrong:?}");
    }
    examples.len()
}

#[test]
fn every_link_leads_to_an_operation_that_takes_what_it_brings() {
    let document = spec::openapi();
    let mut count = 0;
    for operation in operations(&document) {
        let answers = operation["responses"].as_object().into_iter().flat_map(Map::values);
        for link in answers.filter_map(|answer| answer["links"].as_object()).flat_map(Map::values) {
            let next = operations(&document).find(|next| next["operationId"] == link["operationId"]);
            let next = next.unwrap_or_else(|| panic!("there is no {}", link["operationId"]));
            let taken = next["parameters"].as_array().into_iter().flatten().filter_map(|parameter| {
                document.pointer(parameter["$ref"].as_str()?.strip_prefix('#')?)?["name"].as_str()
            });
            let taken: BTreeSet<&str> = taken.collect();
            for parameter in link["parameters"].as_object().into_iter().flat_map(Map::keys) {
                assert!(taken.contains(parameter.as_str()), "{} has no {parameter}", link["operationId"]);
            }
            assert_eq!(
                link["requestBody"].is_null(),
                next["requestBody"].is_null() || link["parameters"].is_object()
            );
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().into_iter().flat_map(Map::values);
    paths.flat_map(|path| path.as_object().into_iter().flat_map(Map::values))
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = spec::openapi();
    let mut names = BTreeSet::new();
    for operation in operations(&document) {
        assert!(
            names.insert(operation["operationId"].to_string()),
            "{} stands there twice",
            operation["operationId"]
        );
    }
    assert!(names.len() > 50, "{names:?}");
}
