//! That `docs/openapi.json` is what the counter is.

use std::collections::BTreeSet;

use counter::{openapi, problem::Code};

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

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = spec::openapi();
    let paths = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let operations = paths.flat_map(|path| path.as_object().into_iter().flat_map(|path| path.values()));
    let mut names = BTreeSet::new();
    for operation in operations {
        assert!(
            names.insert(operation["operationId"].to_string()),
            "{} stands there twice",
            operation["operationId"]
        );
    }
    assert!(names.len() > 50, "{names:?}");
}
