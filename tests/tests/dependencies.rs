//! What Brewline is built from is what `deny.toml` allows: licences, sources, and crates that it does without. `cargo deny`
//! knows more, advisories and the texts of licences among it; this needs nothing that is not here.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;
use spdx::{Expression, LicenseReq, ParseMode};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace's root")
}

/// Every package of Cargo.lock, for whatever system.
fn packages() -> Vec<Value> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let asked = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let Value::Object(mut said) = serde_json::from_slice(&asked.stdout).expect("JSON") else {
        panic!("no object")
    };
    let Some(Value::Array(packages)) = said.remove("packages") else { panic!("no packages") };
    assert!(packages.len() > 100, "that can't be all");
    packages
}

fn policy() -> toml::Table {
    fs::read_to_string(root().join("deny.toml")).expect("it is there").parse().expect("TOML")
}

/// The texts in a list of the policy.
fn listed(policy: &toml::Table, table: &str, list: &str) -> BTreeSet<String> {
    let list = policy[table][list].as_array().expect("a list");
    let text = |value: &toml::Value| match value {
        toml::Value::Table(table) => table["crate"].as_str().expect("a name").to_owned(),
        value => value.as_str().expect("a text").to_owned(),
    };
    list.iter().map(text).collect()
}

/// Which of the allowed licences this one needs; `None` if it can't be had under those.
fn under(license: &str, allowed: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    // Some write a slash where they mean OR.
    let expression = Expression::parse_mode(license, ParseMode::LAX).ok()?;
    let names = |wanted: &LicenseReq| wanted.license.id().map(|id| id.name.to_owned());
    let is_allowed = |wanted: &LicenseReq| names(wanted).is_some_and(|name| allowed.contains(&name));
    expression.evaluate(is_allowed).then(|| {
        let all = expression.requirements().filter(|wanted| is_allowed(&wanted.req));
        all.filter_map(|wanted| names(&wanted.req)).collect()
    })
}

fn text<'a>(package: &'a Value, key: &str) -> &'a str {
    package[key].as_str().unwrap_or_default()
}

#[test]
fn everything_can_be_had_under_a_licence_that_is_allowed_and_each_of_those_is_needed() {
    let allowed = listed(&policy(), "licenses", "allow");
    let mut needed = BTreeSet::new();
    for package in packages() {
        let license = text(&package, "license");
        let under = under(license, &allowed);
        needed.extend(under.unwrap_or_else(|| panic!("{} is under {license:?}", text(&package, "id"))));
    }
    assert_eq!(needed, allowed);
}

#[test]
fn everything_comes_from_where_it_can_be_fetched_in_years_or_is_here() {
    let sources = listed(&policy(), "sources", "allow-registry");
    for package in packages() {
        let is_ours =
            package["source"].is_null() && Path::new(text(&package, "manifest_path")).starts_with(root());
        let registry = text(&package, "source").strip_prefix("registry+");
        assert!(
            is_ours || registry.is_some_and(|registry| sources.contains(registry)),
            "{}",
            text(&package, "id")
        );
    }
}

#[test]
fn nothing_that_is_done_without_has_come_in_by_another_way() {
    let banned = listed(&policy(), "bans", "deny");
    let found: Vec<_> = packages()
        .iter()
        .map(|package| text(package, "name").to_owned())
        .filter(|name| banned.contains(name))
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_licence_is_allowed_by_one_of_its_alternatives_and_by_all_of_its_parts() {
    let allowed: BTreeSet<_> = ["MIT", "ISC"].map(str::to_owned).into();
    for (license, fits) in [
        ("MIT", true),
        ("MIT OR GPL-3.0-only", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND ISC", true),
        ("MIT AND Apache-2.0", false),
        ("(MIT OR GPL-3.0-only) AND ISC", true),
        ("GPL-3.0-only", false),
        ("LicenseRef-Mine", false),
        ("", false),
    ] {
        assert_eq!(under(license, &allowed).is_some(), fits, "{license}");
    }
}
