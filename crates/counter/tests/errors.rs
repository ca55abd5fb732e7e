//! Every code is explained in `docs/errors.md`, and nothing else is.

use std::collections::BTreeSet;

use counter::problem::Code;

const DOCS: &str = include_str!("../../../docs/errors.md");

#[test]
fn every_code_is_explained_with_its_status_and_no_other_is() {
    let explained: BTreeSet<&str> = DOCS
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.split_once('`'))
        .map(|(code, _)| code)
        .collect();
    let known: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(explained, known);
    assert_eq!(known.len(), Code::ALL.len(), "two codes have one name");
    for code in Code::ALL {
        let heading = format!("### `{}` · {}", code.name(), code.status().as_u16());
        let section = DOCS.split_once(&heading).unwrap_or_else(|| panic!("{heading:?} is missing")).1;
        let section = section.split("\n### ").next().expect("a split has a first part");
        for part in ["**Means:**", "**Do:**"] {
            assert!(section.contains(part), "{heading}: {part} is missing");
        }
    }
}
