//! What `docs/privacy.md` promises of notes and addresses, seen on the real process and in its log.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use eventlog::{Log as _, Record, Start, local::LocalLog};
use order::topic;
use support::{PATIENCE, Up, hear, request};

/// Stands in every note, and in nothing else.
const NOTE: &str = "canary-no-peanuts";
const NAME: &str = "canary-guest";
/// The address and the device that orders come from.
const ADDRESS: &str = "203.0.113.77";
const DEVICE: &str = "canary-device-4711";
const WIFI: &str = "canary-wifi-password";

fn open(log: &Path) -> Arc<LocalLog> {
    let topics = brewline::catalog(Duration::from_hours(720));
    LocalLog::open(eventlog::local::Options::new(log, &topics)).unwrap()
}

/// Orders and commands that nobody can read, with notes in them: they become dead letters.
fn unreadable(log: &Path) {
    let log = open(log);
    let records = [
        (topic::RECEIVED, format!(r#"{{"order_id":"cut","amount":1,"status":0,"note":"{NOTE}"#)),
        (topic::RECEIVED, format!(r#"{{"order_id":"wrong","amount":"two","status":0,"note":"{NOTE}"}}"#)),
        (topic::RECEIVED, format!(r#"{{"note":"{NOTE}"}}"#)),
        (topic::COMMAND, format!(r#"{{"command_id":"c","command":"note","text":{{"{NOTE}":1}}}}"#)),
    ];
    for (topic, value) in records {
        let written = log.publisher().publish(topic, 0, Record::new("key", value), PATIENCE);
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(written).unwrap();
    }
    log.close();
}

/// Everything that happens to an order with notes, right and wrong.
fn busy_day(up: &Up, token: &str) {
    let staff = format!("Bearer {token}");
    let post = |path: &str, body: &str, headers: &[(&str, &str)]| {
        let json =
            [("Content-Type", "application/json"), ("X-Forwarded-For", ADDRESS), ("Brewline-Device", DEVICE)];
        request(up.counter, "POST", path, &[&json, headers].concat(), body).unwrap()
    };
    let bar = request(
        up.counter,
        "PUT",
        "/shop/bars/bar",
        &[("Authorization", &staff), ("Content-Type", "application/json")],
        "{}",
    );
    assert_eq!(bar.unwrap().status, 200, "someone looks at orders from phones");
    let body = format!(r#"{{"items":[{{"item":"latte","note":"{NOTE}"}}],"note":"{NOTE}","name":"{NAME}"}}"#);
    let placed = post("/orders", &body, &[("Idempotency-Key", "0123456789abcdef")]);
    assert_eq!(placed.status, 201, "{placed:?}");
    let id = placed.json()["order_id"].as_str().unwrap().to_owned();
    let other = body.replace("latte", "americano");
    assert_eq!(post("/orders", &other, &[("Idempotency-Key", "0123456789abcdef")]).status, 422);
    let long = format!(r#"{{"items":[{{"item":"latte"}}],"note":"{}"}}"#, NOTE.repeat(50));
    assert_eq!(post("/orders", &long, &[]).status, 400);
    assert_eq!(post("/orders", &body[..body.len() - 3], &[]).status, 400);
    let commands = format!("/orders/{id}/commands");
    let command = |body: &str, status: u16| {
        let answer = post(&commands, body, &[("Authorization", &staff)]);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    };
    command(&format!(r#"{{"command":"note","text":"{NOTE}"}}"#), 200);
    command(&format!(r#"{{"command":"note","text":"{}"}}"#, NOTE.repeat(50)), 400);
    command(r#"{"command":"start"}"#, 200);
    command(r#"{"command":"ready"}"#, 200);
    command(r#"{"command":"recall","reason":"too cold"}"#, 200);
    command(r#"{"command":"ready"}"#, 200);
    command(r#"{"command":"collect"}"#, 200);
    command(r#"{"command":"start"}"#, 409);
    let shown = hear(up.counter, &format!("/orders/{id}/events"), |order| order["state"] == "collected");
    assert!(shown.to_string().contains(NOTE), "whoever holds the order sees the note: {shown}");
    let drawn = post("/table/qr.svg", &format!("WIFI:T:WPA;S:cafe;P:{WIFI};;"), &[]);
    assert_eq!(drawn.status, 200);
}

/// What each topic has, as text.
fn contents(log: &Path) -> BTreeMap<&'static str, String> {
    let log = open(log);
    let topics = brewline::catalog(Duration::ZERO).into_iter().map(|spec| spec.name);
    let contents = topics
        .map(|topic| {
            let (mut text, mut follow) = (String::new(), log.follow(&[(topic, Start::Beginning)]).unwrap());
            loop {
                let batch = follow.poll(PATIENCE).unwrap();
                for entry in batch.entries {
                    text += &String::from_utf8_lossy(entry.record.value.as_deref().unwrap_or_default());
                    text += &String::from_utf8_lossy(entry.record.headers.as_bytes());
                }
                if batch.at_end {
                    return (topic, text);
                }
            }
        })
        .collect();
    log.close();
    contents
}

#[test]
fn notes_stand_where_they_are_said_to_and_in_no_diagnostics() {
    for format in ["text", "json"] {
        let dir = tempfile::tempdir().unwrap();
        unreadable(dir.path());
        let mut up = Up::start(dir.path(), &["--mode", "manual", "-vv", "--log-format", format]);
        let token = up.staff_token();
        busy_day(&up, &token);
        let (status, said) = up.stop();
        assert_eq!(status.code(), Some(0), "{said:#?}");
        assert_eq!(said.iter().filter(|line| line.contains("dead letter")).count(), 4, "{said:#?}");
        assert!(said.iter().any(|line| line.contains("DEBUG")), "every detail is said: {said:#?}");
        assert!(
            said.iter().any(|line| line.contains("the bell rings")),
            "each order's way is shown: {said:#?}"
        );
        for secret in [NOTE, NAME, ADDRESS, DEVICE, WIFI] {
            let leaks: Vec<_> = said.iter().filter(|line| line.contains(secret)).collect();
            assert!(leaks.is_empty(), "{leaks:#?}");
        }
        let contents = contents(dir.path());
        let holding = |text: &str| -> Vec<_> {
            contents.iter().filter(|(_, all)| all.contains(text)).map(|(topic, _)| *topic).collect()
        };
        // Staff's own remarks are commands; what nobody could read is kept as it came.
        assert_eq!(holding(NOTE), [topic::COMMAND, topic::DLQ, topic::RECEIVED, topic::STATE]);
        assert_eq!(holding(NAME), [topic::PROCESSED, topic::RECEIVED, topic::STATE]);
        for secret in [ADDRESS, DEVICE, WIFI] {
            assert_eq!(holding(secret), Vec::<&str>::new(), "{secret}");
        }
    }
}
