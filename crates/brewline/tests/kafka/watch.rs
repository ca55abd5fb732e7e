//! `brewline watch`: what is written into the topics is shown, and what became of it.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use rdkafka::producer::Producer as _;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    bed::Shop,
    strange::order,
    support::{PATIENCE, run},
};

#[test]
fn each_record_is_a_line_with_place_key_what_it_says_and_what_became_of_it() {
    let shop = Shop::with_partitions(1);
    let mut watch = shop.start(&["watch", "--from", "beginning"]);
    shop.write(&shop.stranger(&[]), "order.received", "a", &order("a", 3));
    let line = watch.hear(|line| line.contains("order.received-0@0"));
    // After the time.
    assert_eq!(line[12..].trim(), "committed order.received-0@0       a              3 cups ordered");
    let writer = shop.transaction();
    shop.write(&writer, "order.processed", "b", &order("b", 1));
    writer.abort_transaction(PATIENCE).unwrap();
    let line = watch.hear(|line| line.contains("order.processed-0@0"));
    assert!(line.contains(" aborted ") && line.contains(" b ") && line.contains("1 cup ready"), "{line}");
    writer.begin_transaction().unwrap();
    shop.write(&writer, "order.event", "c", b"\x1b[2J");
    let line = watch.hear(|line| line.contains("order.event-0@0"));
    assert!(line.contains(" open ") && line.contains("unreadable, 4 bytes"), "{line}");
    writer.commit_transaction(PATIENCE).unwrap();
    let line = watch.hear(|line| line.contains("order.event-0@0"));
    assert!(line.contains(" committed ") && line.contains("(was open)"), "{line}");
    assert!(watch.heard.iter().all(|line| !line.contains(char::is_control)), "no colours: it is no terminal");
    watch.signal(Signal::INT);
    let (status, heard) = watch.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        heard.last().map(String::as_str),
        Some("stderr: stopped; 3 records were shown: 2 committed, 1 aborted, 0 open")
    );
}

#[test]
fn an_order_stands_before_its_announcement_whatever_topic_is_read_first() {
    let shop = Shop::with_partitions(3);
    let counter = shop.counter(&[]);
    let _barista = shop.barista(&["--seconds-per-cup", "0"]);
    let live = shop.start(&["watch", "--from", "10m"]);
    let ids: Vec<_> = (0..20).map(|_| counter.order(1)).collect();
    shop.wait_for_bells(&ids);
    let past = shop.start(&["watch", "--from", "beginning", "--json"]);
    for (mut watch, which) in [(live, "live"), (past, "past")] {
        let (mut ordered, mut bells) = (BTreeSet::new(), 0);
        while bells < ids.len() {
            let is = |line: &str, topic| {
                let json = format!(r#"{{"topic":"{topic}","#);
                line.contains(&format!(" {topic}-")) || line.starts_with(&json)
            };
            let line = watch.hear(|line| is(line, "order.received") || is(line, "order.processed"));
            let id = ids.iter().find(|id| line.contains(&id[..8])).unwrap();
            if is(&line, "order.received") {
                ordered.insert(id);
            } else {
                assert!(ordered.contains(id), "{which}: {:#?}", watch.heard);
                bells += 1;
            }
        }
    }
}

#[test]
fn json_has_everything_on_one_line_for_each_record() {
    let shop = Shop::with_partitions(1);
    let writer = shop.transaction();
    shop.write(&writer, "order.received", "a", &order("a", 3));
    writer.abort_transaction(PATIENCE).unwrap();
    shop.write(&shop.stranger(&[]), "order.received", "b", b"\xff\x1b");
    let mut watch = shop.start(&["watch", "--from", "beginning", "--json"]);
    let mut next = || -> Value { serde_json::from_str(&watch.hear(|line| line.starts_with('{'))).unwrap() };
    let mut first = next();
    let at = first.as_object_mut().unwrap().remove("timestamp").unwrap();
    assert!(at.as_i64().is_some_and(|at| at > 1_700_000_000_000), "{at}");
    let expected = json!({
        "topic": "order.received", "partition": 0, "offset": 0, "key": "a",
        "value": { "order_id": "a", "amount": 3, "status": 0 }, "headers": [], "fate": "aborted",
    });
    assert_eq!(first, expected);
    let second = next();
    assert_eq!((&second["value_base64"], &second["fate"]), (&json!("/xs="), &json!("committed")));
    watch.signal(Signal::TERM);
    assert_eq!(watch.end().0.code(), Some(0));
}

#[test]
fn one_order_in_some_topics_is_all_that_is_shown_if_asked_for() {
    let shop = Shop::with_partitions(1);
    let stranger = shop.stranger(&[]);
    for (topic, id) in [
        ("order.received", "a"),
        ("order.received", "b"),
        ("order.processed", "b"),
        ("order.event", "b"),
        ("order.processed", "c"),
    ] {
        shop.write(&stranger, topic, id, &order(id, 1));
    }
    let topics = ["--topic", "order.received", "--topic", "order.processed"];
    let args = [["watch", "--from", "1h", "--order", "b"].as_slice(), &topics].concat();
    let mut watch = shop.start(&args);
    // The two are waited for, whichever was written in an earlier millisecond.
    for _ in 0..2 {
        watch.hear(|line| line.contains("order.received-0@1") || line.contains("order.processed-0@0"));
    }
    shop.write(&stranger, "order.processed", "b", &order("b", 9));
    watch.hear(|line| line.contains("9 cups ready"));
    let places: Vec<_> = watch.heard.iter().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["order.processed-0@0", "order.processed-0@2", "order.received-0@1"], "{places:?}");
}

#[test]
fn whoever_has_read_enough_ends_it_without_a_word() {
    let shop = Shop::with_partitions(1);
    let stranger = shop.stranger(&[]);
    shop.write(&stranger, "order.received", "a", &order("a", 1));
    let mut child = shop
        .words(&["watch", "--from", "beginning"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    assert!(first.contains("1 cup ordered"), "{first}");
    drop(out);
    // The next line meets a pipe that nobody reads.
    shop.write(&stranger, "order.received", "b", &order("b", 1));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn colours_are_for_who_wants_them() {
    let shop = Shop::with_partitions(1);
    shop.write(&shop.stranger(&[]), "order.received", "a", &order("a", 1));
    for (variables, has_colours) in [
        ([("CLICOLOR_FORCE", "1"), ("TERM", "xterm")], true),
        ([("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        let mut command = shop.words(&["watch", "--from", "beginning"]);
        command.env_remove("NO_COLOR").envs(variables);
        let mut watch = crate::support::Process::start(command);
        let line = watch.hear(|line| line.contains("1 cup ordered"));
        assert_eq!(line.contains('\u{1b}'), has_colours, "{line:?}");
    }
}

#[test]
fn looking_makes_no_topics_and_a_wrong_word_is_refused_with_the_right_ones() {
    let mut shop = Shop::with_partitions(1);
    let other = format!("{}none.", shop.prefix);
    let prefix = std::mem::replace(&mut shop.prefix, other);
    let mut watch = shop.start(&["watch"]);
    watch.hear(|line| line.contains("there is no") && line.contains("none.order.received"));
    watch.signal(Signal::INT);
    assert_eq!(watch.end().0.code(), Some(0));
    let topics = shop.said(&["topics", "--dry-run"]);
    assert_eq!(topics.stdout.matches("missing").count(), 7, "{topics:?}");
    shop.prefix = prefix;
    for (args, says) in [
        (["watch", "--topic", "order.recieved"], "order.received"),
        (["watch", "--from", "yesterday"], "14:30"),
        (["watch", "--order", ""], "must not be empty"),
        (["watch", "--log", "local:/nowhere"], "GET /events"),
    ] {
        let said = run(&args);
        assert!(said.code.is_some_and(|code| code != 0) && said.stderr.contains(says), "{args:?}: {said:?}");
        assert_eq!(said.stdout, "");
    }
}
