//! The examples of the specification, `crates/spec/examples`: each is asked of a running counter, in the order of its file, and
//! is answered as it stands there. `BREWLINE_EXAMPLES=write cargo test -p counter --test examples` writes the answers anew.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod common;

use std::{collections::BTreeMap, path::PathBuf};

use common::{
    Barista, Line,
    described::{DOCUMENT, operation_called},
    ledger_clock, log_by, shop, with_shop,
};
use counter::Options;
use eventlog::sim::SimClock;
use order::{Mode, Rules};
use serde_json::{Map, Value};

/// Fields whose value is another one each time. A text has a digit then: a problem's `code` has none.
const OTHERS: [&str; 9] =
    ["code", "command_id", "event_id", "id", "order_id", "process", "token", "url", "waiting"];

#[tokio::test]
async fn orders_are_answered_as_the_examples_say() {
    tell("orders", SimClock::machine()).await;
}

#[tokio::test]
async fn the_shop_is_answered_as_the_examples_say() {
    tell("shop", SimClock::machine()).await;
}

#[tokio::test]
async fn access_is_answered_as_the_examples_say() {
    tell("access", SimClock::machine()).await;
}

#[tokio::test]
async fn the_ledger_is_answered_as_the_examples_say() {
    // Noon of 2 March 2026: no day ends meanwhile.
    tell("ledger", SimClock::new(1_772_452_800_000)).await;
}

#[tokio::test]
async fn machines_are_answered_as_the_examples_say() {
    tell("machines", SimClock::machine()).await;
}

/// Asks all that stands in a file, and compares.
async fn tell(name: &str, clock: SimClock) {
    let file: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../spec/examples", &format!("{name}.json")].iter().collect();
    let written: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mut story = Story::begin(clock).await;
    let mut told = Vec::new();
    for example in &written {
        told.push(story.ask(example).await);
    }
    if std::env::var("BREWLINE_EXAMPLES").is_ok_and(|what| what == "write") {
        std::fs::write(&file, format!("{:#}\n", Value::from(told))).unwrap();
        return;
    }
    for (written, told) in written.iter().zip(&told) {
        assert_eq!(
            written, told,
            "{name}.json: it is answered otherwise (right) than it stands there (left); if that is meant, write it anew: \
             BREWLINE_EXAMPLES=write cargo test -p counter --test examples, then cargo run -p spec"
        );
    }
}

/// What is said without when it is said.
fn apart_from_times(said: &Value) -> Value {
    let mut said = said.clone();
    said.as_object_mut().unwrap().retain(|name, _| name != "as_of" && name != "now");
    said
}

/// A line that is asked one example after the other.
struct Story {
    line: Line,
    _barista: Barista,
    /// What stands in an example, and what it is here.
    names: BTreeMap<String, String>,
    /// Orders so far.
    placed: u32,
}

impl Story {
    async fn begin(clock: SimClock) -> Self {
        let log = log_by(clock.clone(), 1);
        let rules = barista::Options {
            rules: Rules { mode: Mode::Manual, ..Rules::default() },
            ..barista::Options::default()
        };
        let barista = Barista::by_clock(&log, rules, clock.clone());
        // Nobody prints there: what is asked to be printed waits.
        let (with_shop, _) = with_shop(shop("[printer]\naddress = \"127.0.0.1:9\""));
        let options = Options { ledger_clock: ledger_clock(&clock), ..with_shop };
        let line = Line::found_at(log, options, Some("https://cafe.example".parse().unwrap())).await;
        // The first order is promised a time once it is known who makes it.
        line.events("/shop/events", &[]).await.until("shop", |shop| shop["promise"].is_object()).await;
        Self { line, _barista: barista, names: BTreeMap::new(), placed: 0 }
    }

    /// The example as it is answered.
    async fn ask(&mut self, example: &Value) -> Value {
        let text = |field: &str| example[field].as_str();
        let (method, path, operation) = operation_called(text("operation").unwrap());
        let (target, mut headers) = self.address(path, operation, example["parameters"].as_object());
        let staff = self.line.staff();
        if text("as") == Some("staff") {
            headers.push(("authorization".to_owned(), staff));
        }
        let mut body = Vec::new();
        if let Some(says) = example.get("body") {
            let kind = operation["requestBody"]["content"].as_object().unwrap().keys().next().unwrap();
            let says = self.here(says);
            body = says.as_str().map_or_else(|| says.to_string(), str::to_owned).into_bytes();
            headers.push(("content-type".to_owned(), kind.clone()));
        }
        if path.starts_with("/ledger") {
            // It is kept beside the orders, and may be a little behind.
            let staff = self.line.staff();
            let mut ledger = self.line.events("/ledger/events", &[("authorization", &staff)]).await;
            // Each order is written, and decided on.
            ledger.until("ledger", |ledger| ledger["events"] == 2 * self.placed).await;
        }
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut told = example.clone();
        let before = &example["answer"];
        if let Some(event) = text("event") {
            let mut stream = self.line.events(&target, &headers).await;
            let now = match event {
                "board" => Some(self.line.get("/board/codes", &[]).await.json()),
                "shop" => Some(self.line.get("/shop", &[]).await.json()),
                _ => None,
            };
            // What everyone sees is made now and then, and may be of a moment before.
            let is_so =
                |said: &Value| now.as_ref().is_none_or(|now| apart_from_times(said) == apart_from_times(now));
            told["answer"] = self.settle("", before, stream.until(event, is_so).await.json());
            return told;
        }
        let reply = self.line.send(&method.to_uppercase(), &target, &headers, &body).await;
        assert_eq!(example["status"], reply.status, "{example:#} is answered otherwise: {}", reply.text());
        if !reply.header("content-type").is_some_and(|kind| kind.ends_with("json")) {
            return told;
        }
        let json = reply.json();
        if let Some(id) = json["order_id"].as_str().filter(|_| reply.header("location").is_some()) {
            // What is asked next is asked of an order that the barista knows.
            self.line.shown(id, |order| order["decided"] == true).await;
            self.placed += 1;
        }
        if text("name").is_some() {
            told["answer"] = self.settle("", before, json);
        }
        told
    }

    /// Where an example is asked, and with which headers.
    fn address(
        &self,
        path: &str,
        operation: &Value,
        parameters: Option<&Map<String, Value>>,
    ) -> (String, Vec<(String, String)>) {
        let (mut path, mut query, mut headers) = (path.to_owned(), Vec::new(), Vec::new());
        for (name, value) in parameters.into_iter().flatten() {
            let value = self.here(value);
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let known = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
                let (_, known) = parameter["$ref"].as_str().unwrap().rsplit_once('/').unwrap();
                &DOCUMENT["components"]["parameters"][known]
            });
            let place = known.into_iter().find(|known| known["name"] == **name).map(|known| &known["in"]);
            match place.and_then(Value::as_str) {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &value.replace(' ', "%20")),
                Some("query") => query.push(format!("{name}={value}")),
                Some("header") => headers.push((name.clone(), value)),
                _ => panic!("{path} has no parameter {name}"),
            }
        }
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        (path, headers)
    }

    /// What an example says, with what it is here instead of what stands there.
    fn here(&self, says: &Value) -> Value {
        match says {
            Value::String(text) => self.names.get(text).unwrap_or(text).as_str().into(),
            Value::Array(all) => all.iter().map(|one| self.here(one)).collect(),
            Value::Object(all) => all.iter().map(|(name, one)| (name.clone(), self.here(one))).collect(),
            other => other.clone(),
        }
    }

    /// An answer, but for what is another one each time: that is left as it stands in the example, and known from now on.
    fn settle(&mut self, field: &str, before: &Value, answer: Value) -> Value {
        match (before, answer) {
            (_, Value::Object(all)) => {
                let settled = all.into_iter().map(|(name, one)| {
                    let settled = self.settle(&name, &before[&name], one);
                    (name, settled)
                });
                settled.collect()
            }
            (_, Value::Array(all)) => {
                all.into_iter().enumerate().map(|(i, one)| self.settle(field, &before[i], one)).collect()
            }
            (there, Value::String(here)) if OTHERS.contains(&field) => {
                self.name_of(there.as_str(), here).into()
            }
            (Value::Number(there), Value::Number(here))
                if OTHERS.contains(&field) || (is_time(there) && is_time(&here)) =>
            {
                before.clone()
            }
            (_, answer) => answer,
        }
    }

    /// How the story calls what is another text each time.
    fn name_of(&mut self, there: Option<&str>, here: String) -> String {
        if let Some((name, _)) = self.names.iter().find(|(_, known)| **known == here) {
            return name.clone();
        }
        let name = there.filter(|there| has_digit(there) && has_digit(&here)).unwrap_or(&here).to_owned();
        self.names.insert(name.clone(), here);
        name
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether it is one in milliseconds since 1970.
fn is_time(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|number| number > 1_000_000_000_000)
}
