//! `docs/metrics.md` has every metric that a running line shows, as it shows it, and no other.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use support::{PATIENCE, Up, get, request};

const DOCS: &str = include_str!("../../../docs/metrics.md");

/// What a metric is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Is {
    kind: String,
    unit: String,
    labels: BTreeSet<String>,
}

/// A table's row: what the metric is, and the words of its labels. By the name without what its type adds.
fn documented() -> BTreeMap<String, (Is, String)> {
    let mut section = "";
    let mut rows = BTreeMap::new();
    for line in DOCS.lines() {
        if let Some(heading) = line.strip_prefix("##") {
            section = heading.trim_start_matches('#').trim();
        }
        let Some(row) = line.strip_prefix("| `") else { continue };
        // With a certificate everything is https, and a cluster is not here: other tests see those.
        if matches!(section, "With TLS" | "A log on Apache Kafka") {
            continue;
        }
        let cells: Vec<_> = row.trim_end_matches('|').splitn(5, '|').map(str::trim).collect();
        let [name, kind, unit, labels, meaning] = cells[..] else { panic!("{line}") };
        assert!(!meaning.is_empty(), "{line}");
        let name = name.trim_end_matches('`');
        let family = match kind {
            "counter" => name.strip_suffix("_total").unwrap_or_else(|| panic!("{name} ends with _total")),
            "info" => name.strip_suffix("_info").unwrap(),
            _ => name,
        };
        let plain = |cell: &str| if cell == "–" { String::new() } else { cell.to_owned() };
        // `a`: `x`, `y`, `b`: `z`: a label is followed by its values, or by nothing that is known before.
        let names = labels.split('`').skip(1).step_by(2).zip(labels.split('`').skip(2).step_by(2));
        let mut values_follow = false;
        let mut keys = BTreeSet::new();
        for (word, after) in names {
            if after.starts_with(':') {
                values_follow = true;
                keys.insert(word.to_owned());
            } else if !values_follow {
                keys.insert(word.to_owned());
            }
        }
        let is = Is { kind: kind.to_owned(), unit: plain(unit), labels: keys };
        let twice = rows.insert(family.to_owned(), (is, labels.to_owned()));
        assert!(twice.is_none(), "{name} stands there twice");
    }
    rows
}

/// What a process shows, with each value that a label has.
fn shown(text: &str) -> BTreeMap<String, (Is, BTreeSet<(String, String)>)> {
    let mut families: BTreeMap<String, (Is, BTreeSet<(String, String)>)> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(rest) = line.strip_prefix("# ") {
            let (what, rest) = rest.split_once(' ').unwrap();
            let (name, said) = rest.split_once(' ').unwrap();
            name.clone_into(&mut last);
            let (is, _) = families.entry(last.clone()).or_default();
            match what {
                "TYPE" => said.clone_into(&mut is.kind),
                "UNIT" => said.clone_into(&mut is.unit),
                _ => assert!(what == "HELP" && !said.is_empty(), "{line}"),
            }
            continue;
        }
        let (is, values) = families.get_mut(&last).unwrap();
        assert!(line.starts_with(&last), "{line} stands below {last}");
        let Some((_, labels)) = line.split_once('{') else { continue };
        for label in labels.rsplit_once('}').unwrap().0.split(',').filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once('=').unwrap();
            if key != "le" {
                is.labels.insert(key.to_owned());
                values.insert((key.to_owned(), value.trim_matches('"').to_owned()));
            }
        }
    }
    families
}

#[test]
fn every_metric_is_explained_as_it_is_shown_and_no_other_is() {
    let dir = tempfile::tempdir().unwrap();
    // A printer at a port where nobody listens.
    let shop = dir.path().join("shop.toml");
    let settings = include_str!("../../shop/defaults/shop.toml");
    std::fs::write(&shop, format!("{settings}\n[printer]\naddress = \"127.0.0.1:9\"\ntickets = \"all\"\n"))
        .unwrap();
    let up = Up::start(&dir.path().join("log"), &["--shop", shop.to_str().unwrap()]);
    request(up.counter, "POST", "/order?amount=1", &[], "").unwrap();
    let metrics = || get(up.counter, "/metrics").unwrap().body;
    // The ledger is counted behind the line.
    let (counted, until) = ("brewline_ledger_orders{state=\"accepted\"} 1\n", Instant::now() + PATIENCE);
    while !metrics().contains(counted) {
        assert!(Instant::now() < until, "it is never counted");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let text = metrics();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let (documented, shown) = (documented(), shown(&text));

    let names = |all: BTreeSet<&String>| all.into_iter().cloned().collect::<Vec<_>>();
    let (in_docs, in_text) = (names(documented.keys().collect()), names(shown.keys().collect()));
    assert_eq!(in_docs, in_text, "docs/metrics.md, and what brewline up shows");
    for (name, (is, labels)) in &documented {
        let (shown, values) = &shown[name];
        assert_eq!(is, shown, "{name}");
        for (key, value) in values {
            // Of these there are more than a line can list.
            let is_listed = !["code", "partition", "version"].contains(&&**key);
            assert!(!is_listed || labels.contains(&format!("`{value}`")), "{name}: {key}={value}");
        }
        if !is.unit.is_empty() {
            assert!(name.ends_with(&is.unit), "{name} does not name its unit");
        }
    }
}

#[test]
fn what_was_never_refused_is_0_and_not_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let text = get(up.counter, "/metrics").unwrap().body;
    for code in counter::problem::Code::ALL {
        let says = format!("brewline_refusals_total{{code=\"{}\"}} ", code.name());
        assert!(text.contains(&says), "{says}");
    }
    for outcome in ["accepted", "refused", "failed"] {
        assert!(text.contains(&format!("brewline_order_request_seconds_count{{outcome=\"{outcome}\"}} 0\n")));
    }
}
