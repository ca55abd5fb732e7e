//! Numbers that pages and the line each have for themselves, and that must be the same.

use std::{fs, path::Path};

/// A constant of a page's module: a product of numbers.
fn constant(file: &str, name: &str) -> i64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web").join(file);
    let text = fs::read_to_string(path).expect("it can be read");
    let begins = format!("export const {name} = ");
    let line = text.lines().find_map(|line| line.strip_prefix(&begins)).expect("it is there");
    let numbers = line.trim_end_matches(';').split('*').map(|number| number.trim().replace('_', ""));
    numbers.map(|number| number.parse::<i64>().expect("it is a number")).product()
}

#[test]
fn the_till_sends_nothing_again_by_a_key_that_the_line_has_forgotten() {
    assert_eq!(constant("lib/till-sale.js", "FORGOTTEN_MS"), order::Rules::default().remember_ms);
}
