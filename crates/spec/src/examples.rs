//! The examples of requests and answers, from the files below `examples/`: each file is a story, whose requests were asked of a
//! counter one after the other. What has a name there is shown; the rest is what has to come before.
//!
//! | field | what it says |
//! |---|---|
//! | `operation`, `name`, `summary` | of which request it is one, how it is called there, and what it shows |
//! | `as` | `staff`, where a guest does not ask |
//! | `parameters`, `body` | what is asked |
//! | `status`, `answer` | what was answered |
//! | `event` | of a stream: the event that `answer` is |
//!
//! `crates/counter/tests/examples.rs` asks them of a counter, and writes the answers anew.

use serde_json::{Value, json};

const STORIES: [(&str, &str); 5] = [
    ("orders", include_str!("../examples/orders.json")),
    ("shop", include_str!("../examples/shop.json")),
    ("access", include_str!("../examples/access.json")),
    ("ledger", include_str!("../examples/ledger.json")),
    ("machines", include_str!("../examples/machines.json")),
];

/// Puts them where the document has room for examples.
pub(crate) fn add_to(document: &mut Value) {
    for (name, story) in STORIES {
        let story: Vec<Value> =
            serde_json::from_str(story).unwrap_or_else(|error| panic!("{name}.json: {error}"));
        for example in story.iter().filter(|example| example.get("name").is_some()) {
            add(document, example);
        }
    }
}

fn add(document: &mut Value, example: &Value) {
    let text = |field: &str| example[field].as_str().unwrap_or_default();
    let name = text("name");
    let shown = |value: &Value| json!({"summary": example["summary"], "value": value});
    let at = operation(document, text("operation"));
    if let Some(says) = example.get("body") {
        let content = at["requestBody"]["content"].as_object_mut().expect("it takes a body");
        content.values_mut().for_each(|content| content["examples"][name] = shown(says));
    }
    if let Some(answer) = example.get("answer") {
        let content = &mut at["responses"][example["status"].to_string()]["content"];
        let kind = if example["status"].as_u64() >= Some(400) {
            "application/problem+json"
        } else {
            "application/json"
        };
        let place = match example["event"].as_str() {
            Some(event) => &mut content["text/event-stream"]["x-events"][event],
            None => &mut content[kind],
        };
        place["examples"][name] = shown(answer);
    }
    for (parameter, value) in example["parameters"].as_object().into_iter().flatten() {
        add_parameter(document, text("operation"), parameter, value);
    }
}

/// Parameters are shared: each has the first that stands in a story.
fn add_parameter(document: &mut Value, operation_id: &str, name: &str, value: &Value) {
    let used = operation(document, operation_id)["parameters"].as_array().into_iter().flatten();
    let used: Vec<String> = used
        .filter_map(|parameter| Some(parameter["$ref"].as_str()?.rsplit_once('/')?.1.to_owned()))
        .collect();
    let all = document["components"]["parameters"].as_object_mut().into_iter().flatten();
    for (_, known) in all.filter(|(known, at)| used.contains(known) && at["name"] == name) {
        if known.get("examples").is_none() {
            known["examples"] = json!({"first": {"value": value}});
        }
    }
}

fn operation<'a>(document: &'a mut Value, id: &str) -> &'a mut Value {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    let mut all = paths.filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    all.find(|it| it["operationId"] == id).unwrap_or_else(|| panic!("an example is of no request: {id}"))
}
