//! `brewline dlq`: dead letters of a line that goes on.

use std::time::Duration;

use eventlog::{
    Entry,
    kafka::{KafkaLog, Options},
};
use ledger::Ledger;
use rustix::process::Signal;

use crate::{
    bed::{Shop, until},
    described::{Described, records},
    strange::order,
    support::{Process, Said, run},
};

/// Starts a line, and waits until it works.
fn line(shop: &Shop) -> Process {
    let mut up = shop.start(&["up", "--listen", "127.0.0.1:0", "--seconds-per-cup", "0"]);
    up.hear(|line| line.contains("Ctrl-C stops"));
    up
}

/// The letters that are listed, by their first word.
fn listed(shop: &Shop, args: &[&str]) -> Vec<String> {
    let said = shop.said(&[&["dlq", "list"], args].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    said.stdout.lines().filter(|line| line.starts_with("0/")).map(str::to_owned).collect()
}

fn wait_for(shop: &Shop, count: usize) -> Vec<String> {
    until("the dead letters", || Some(listed(shop, &[])).filter(|letters| letters.len() == count))
}

fn place(line: &str) -> &str {
    line.split_whitespace().next().unwrap()
}

fn refused(said: &Said, says: &str) {
    assert!(said.code == Some(1) && said.stderr.contains(says), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "one sentence: {said:?}");
}

/// Everything that stands in the log.
fn written(shop: &Shop) -> Vec<Entry> {
    let mut options = Options::new(&shop.broker, &brewline::catalog(Duration::ZERO));
    options.prefix.clone_from(&shop.prefix);
    records(&*KafkaLog::look(options).unwrap())
}

#[test]
fn a_letter_is_listed_shown_retried_and_dropped_and_the_equation_holds() {
    let shop = Shop::with_partitions(1);
    let up = line(&shop);
    let stranger = shop.stranger(&[]);
    shop.write(&stranger, "order.received", "till-7", b"nonsense \x1b[2J");
    shop.write(&stranger, "order.received", "a", &order("a", 1));
    let letters = wait_for(&shop, 1);
    let first = place(&letters[0]);
    for says in ["order.received-0@0", "till-7", " 13 "] {
        assert!(letters[0].contains(says), "{letters:?}");
    }

    let shown = shop.said(&["dlq", "show", first]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for says in ["from      order.received-0@0", "reason    ", "key       till-7", "|nonsense .[2J|"] {
        assert!(shown.stdout.contains(says), "{says}: {shown:?}");
    }

    let retried = shop.said(&["dlq", "retry", first]);
    assert_eq!(
        (retried.code, &retried.stdout[..]),
        (Some(0), &format!("{first} was published as order.received-0@2\n")[..])
    );
    // It is as unreadable as before: the next letter says so, and the first was seen to.
    let letters = until("the next letter", || {
        Some(listed(&shop, &[])).filter(|letters| letters.len() == 1 && place(&letters[0]) != first)
    });
    let second = place(&letters[0]);
    assert!(letters[0].contains("order.received-0@2") && letters[0].contains("till-7"), "{letters:?}");
    refused(&shop.said(&["dlq", "retry", first]), "--again");

    let dropped = shop.said(&["dlq", "drop", second]);
    assert_eq!(dropped.code, Some(0), "{dropped:?}");
    assert_eq!(listed(&shop, &[]), Vec::<String>::new());
    let all = listed(&shop, &["--all"]);
    assert!(all.len() == 2 && all[0].ends_with("[retried]") && all[1].ends_with("[dropped]"), "{all:?}");

    up.signal(Signal::INT);
    assert_eq!(up.end().0.code(), Some(0));
    let (records, mut ledger) = (written(&shop), Ledger::default());
    for entry in &records {
        ledger.apply(entry);
    }
    assert_eq!(ledger.faults(), []);
    let equation = ledger.equation();
    assert!(equation.holds() && (equation.accepted, equation.dead_lettered) == (3, 2), "{equation:?}");
    let kinds = Described::new().kinds(&records, "a");
    assert!(kinds.contains("deadLetter") && kinds.contains("deadLetterMark"), "{kinds:?}");
}

#[test]
fn a_letter_that_was_cut_and_a_place_without_one_are_refused_with_one_sentence() {
    let shop = Shop::with_partitions(1);
    let up = line(&shop);
    shop.write(&shop.stranger(&[]), "order.received", "a", &vec![b'x'; 300_000]);
    let letters = wait_for(&shop, 1);
    assert!(letters[0].contains(" 300000 "), "{letters:?}");
    refused(&shop.said(&["dlq", "retry", place(&letters[0])]), "was cut");
    assert_eq!(wait_for(&shop, 1), letters, "nothing was done");
    refused(&shop.said(&["dlq", "show", "0/99"]), "there is no dead letter 0/99");
    refused(&shop.said(&["dlq", "drop", "7/0"]), "there is no dead letter 7/0");
    shop.said(&["dlq", "drop", place(&letters[0])]);
    drop(up);
    let wrong = run(&["dlq", "show", "twelve"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("0/12"), "{wrong:?}");
}

#[test]
fn a_line_without_dead_letters_says_so() {
    let shop = Shop::with_partitions(1);
    assert_eq!(shop.said(&["dlq", "list"]).stdout, "no dead letters\n");
    refused(&run(&["dlq", "list", "--log", "local:/nowhere"]), "GET /metrics");
}
