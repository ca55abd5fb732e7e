//! That every record of a line is one that `docs/asyncapi.json` describes, with its key, headers and value, and that each
//! kind of records which it describes comes.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod described;
mod support;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use brewline::{RETENTION_DAYS, catalog};
use described::{DOCUMENT, Described, letter_of, records};
use eventlog::{Cleanup, Headers, Log as _, Record, block_on, local};
use order::topic;
use serde_json::{Value, json};
use support::{PATIENCE, Up, hear, request, run};

/// Kinds that may not come here: no test has the time for them, or this log does not have them.
const UNSEEN: [&str; 3] = [
    "deadLetterMark", // only on an Apache Kafka: kafka/dlq.rs
    "deviceSeen",     // once a day, and when it is forgotten
    "orderForgotten", // after a day
];
const DAY: Duration = Duration::from_hours(24);

#[test]
fn every_record_of_a_line_is_described_and_every_kind_comes() {
    let dir = tempfile::tempdir().unwrap();
    let (log, shop) = (dir.path().join("log"), dir.path().join("shop.toml"));
    // Nothing listens there: what is owed on paper stays owed.
    std::fs::write(
        &shop,
        "name = \"A\"\ncurrency = \"KRW\"\ntime_zone = \"Asia/Seoul\"\n[printer]\naddress = \"127.0.0.1:9\"\nslips = true\n",
    )
    .unwrap();
    let args = ["--seconds-per-cup", "0", "--shop", shop.to_str().unwrap()];
    let mut up = Up::start(&log, &args);
    let token = up.staff_token();
    Staff { up: &up, token: format!("Bearer {token}") }.work();
    // Which menu it has, a counter writes for others, when it has read the log.
    let (place, until) = (format!("local:{}", log.display()), Instant::now() + PATIENCE);
    let written = || run(&["export", "-", "--log", &place, "--token", &token]).stdout;
    while !written().contains(r#""key":"menu""#) {
        assert!(Instant::now() < until, "no menu is written");
    }
    up.stop();
    write_what_others_write(&log);
    let up = Up::start(&log, &args);
    hear(up.counter, "/orders/till-7/events", |shown| shown["state"] == "ready");
    up.stop();

    let log = open(&log);
    let (described, records) = (Described::new(), records(&*log));
    log.close();
    assert_eq!(records.iter().filter_map(letter_of).count(), 3);
    let seen = described.kinds(&records, "till-7");
    let mut never = described.names().filter(|name| !seen.contains(*name) && !UNSEEN.contains(name));
    assert_eq!(never.next(), None);
}

#[test]
fn every_topic_is_kept_as_it_is_described() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let described: BTreeMap<&str, &Value> = document["channels"]
        .as_object()
        .unwrap()
        .values()
        .map(|channel| {
            (channel["address"].as_str().unwrap(), &channel["bindings"]["kafka"]["topicConfiguration"])
        })
        .collect();
    let kept: BTreeMap<&str, Value> = catalog(RETENTION_DAYS * DAY)
        .into_iter()
        .map(|spec| {
            let settings = match spec.cleanup {
                Cleanup::Compact => json!({"cleanup.policy": ["compact"]}),
                Cleanup::Delete(age) => {
                    json!({"cleanup.policy": ["delete"], "retention.ms": u64::try_from(age.as_millis()).unwrap()})
                }
            };
            (spec.name, settings)
        })
        .collect();
    assert_eq!(described, kept.iter().map(|(name, settings)| (*name, settings)).collect());
}

/// What people do in a day.
struct Staff<'a> {
    up: &'a Up,
    token: String,
}

impl Staff<'_> {
    fn work(&self) {
        let latte = r#"{"items":[{"item":"latte","quantity":2,"note":"no nuts"}],"name":"Kim","note":"by the window","ref":"T-1"}"#;
        let first = self.ask("POST", "/orders", latte, 201);
        let id = first["order_id"].as_str().unwrap();
        // A print is refused until the counter has read the order.
        hear(self.up.counter, &format!("/orders/{id}/events"), |shown| shown["version"].as_u64() > Some(0));
        self.ask("POST", &format!("/orders/{id}/print"), r#"{"what":"slip"}"#, 202);
        for command in [
            r#"{"command":"ready"}"#,
            r#"{"command":"recall","reason":"too cold"}"#,
            r#"{"command":"note","text":"hot"}"#,
            r#"{"command":"ready"}"#,
            r#"{"command":"collect"}"#,
        ] {
            self.ask("POST", &format!("/orders/{id}/commands"), command, 200);
        }
        // Refused, and that is an event, too.
        self.ask("POST", &format!("/orders/{id}/commands"), r#"{"command":"start"}"#, 409);
        let core = request(
            self.up.counter,
            "POST",
            "/order?amount=1",
            &[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")],
            "",
        );
        let core = core.unwrap().json();
        let core = core["order_id"].as_str().unwrap();
        hear(self.up.counter, &format!("/orders/{core}/events"), |shown| shown["state"] == "ready");
        for (what, says) in [
            ("pause", r#"{"until":null}"#),
            ("pause", r#"{"paused":false}"#),
            ("pace", r#"{"busy_minutes":5}"#),
            ("sold-out/milk/oat", r#"{"sold_out":true}"#),
            ("sold-out/milk/oat", r#"{"sold_out":false}"#),
            ("bars/left", "{}"),
            ("open", r#"{"open":false}"#),
        ] {
            self.ask("PUT", &format!("/shop/{what}"), says, 200);
        }
        let code = self.ask("POST", "/session/codes", r#"{"role":"barista"}"#, 201);
        let says = json!({"code": code["code"], "device": "Main bar"}).to_string();
        self.ask("POST", "/session", &says, 200);
        self.ask("POST", "/tokens", r#"{"name":"till","role":"barista"}"#, 201);
        let gone = self.send("DELETE", "/devices", "");
        assert_eq!(gone.status, 204, "{gone:?}");
        let until = Instant::now() + PATIENCE;
        while self.ask("GET", "/ledger/minutes", "", 200)["days"] == json!([]) {
            assert!(Instant::now() < until, "the day does not close");
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str, status: u16) -> Value {
        let answer = self.send(method, path, body);
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.json()
    }

    fn send(&self, method: &str, path: &str, body: &str) -> support::Answer {
        let headers = [("Content-Type", "application/json"), ("Authorization", self.token.as_str())];
        request(self.up.counter, method, path, &headers, body).unwrap()
    }
}

/// An order of another counter, which uses our names for something else; and what can't be read.
fn write_what_others_write(dir: &Path) {
    let log = open(dir);
    let foreign = r#"{"order_id":"till-7","amount":1,"status":0,"name":7,"items":"two","x":[1.50]}"#;
    let records = [
        (topic::RECEIVED, Record::new("till-7", foreign)),
        (
            topic::RECEIVED,
            Record { key: None, value: Some("{".into()), headers: Headers::new([("h", &b"\xff"[..])]) },
        ),
        (topic::RECEIVED, Record { key: Some("a".into()), value: None, headers: Headers::default() }),
        (topic::COMMAND, Record::new("a", "no command")),
    ];
    for (topic, record) in records {
        block_on(log.publisher().publish(topic, 0, record, PATIENCE)).unwrap();
    }
    log.close();
}

fn open(dir: &Path) -> Arc<local::LocalLog> {
    local::LocalLog::open(local::Options::new(dir, &catalog(30 * DAY))).unwrap()
}
