//! That `docs/asyncapi.json` is `AsyncAPI` 3, and that its names meet. That the records of a line are as it says is
//! tested with the program, in `crates/brewline/tests/records.rs`.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

use std::collections::BTreeSet;

use serde_json::Value;

#[test]
fn the_document_is_asyncapi_3() {
    let schema: Value = serde_json::from_str(include_str!("asyncapi/3.0.0.json")).unwrap();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    let document = spec::asyncapi();
    let wrong: Vec<_> = validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error:.200}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reference_leads_somewhere_and_every_message_has_its_channel_and_its_operations() {
    let document = spec::asyncapi();
    let mut references = BTreeSet::new();
    gather(&document, &mut references);
    for reference in &references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (name, channel) in document["channels"].as_object().unwrap() {
        for message in channel["messages"].as_object().unwrap().keys() {
            let reference = format!("#/channels/{name}/messages/{message}");
            for action in ["send", "receive"] {
                let mut operations = document["operations"].as_object().unwrap().values();
                let is_its = |operation: &Value| {
                    operation["action"] == action
                        && operation["messages"].as_array().unwrap().iter().any(|of| of["$ref"] == *reference)
                };
                assert!(operations.any(is_its), "nobody does {action} {message}");
            }
        }
    }
    let messages = document["components"]["messages"].as_object().unwrap();
    for message in messages.keys() {
        assert!(
            references.contains(&format!("#/components/messages/{message}")),
            "{message} is in no channel"
        );
    }
}

fn gather(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            into.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| gather(value, into));
        }
        Value::Array(parts) => parts.iter().for_each(|part| gather(part, into)),
        _ => {}
    }
}
