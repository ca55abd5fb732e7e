//! What must be true of the files themselves.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::{Encoding, Language, Page, asset, assets, pages};

const ALL: [&Page; 10] = [
    &pages::ORDER,
    &pages::PAGER,
    &pages::BAR,
    &pages::BOARD,
    &pages::LEDGER,
    &pages::TABLE,
    &pages::PRIVACY,
    &pages::SIGN_IN,
    &pages::TILL,
    &pages::DOCS,
];

fn everything() -> impl Iterator<Item = &'static crate::Asset> {
    let pages = ALL.into_iter().flat_map(|page| {
        Language::ALL
            .into_iter()
            .flat_map(|language| [page.in_language(language), page.as_practice(language)])
    });
    assets().iter().chain(pages)
}

fn text(asset: &crate::Asset) -> String {
    String::from_utf8(asset.bytes().into_owned()).unwrap()
}

/// A SHA-256 in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[test]
fn whatever_is_packed_unpacks_to_what_it_was() {
    for asset in everything() {
        let bytes = asset.bytes();
        assert!(sha256(&bytes).starts_with(asset.hash()), "{}", asset.path());
        if let Some(mut packed) = asset.packed(Encoding::Brotli) {
            let mut unpacked = Vec::new();
            brotli::BrotliDecompress(&mut packed, &mut unpacked).unwrap();
            assert!(unpacked == *bytes, "{}", asset.path());
        }
    }
}

#[test]
fn every_file_is_found_by_its_path() {
    for known in assets() {
        assert_eq!(asset(known.path()).unwrap().path(), known.path());
    }
    for no in
        ["", "order.html", "../web/base.css", "lib", "base.css/", "Cargo.toml", "src/lib.rs", "package.json"]
    {
        assert!(asset(no).is_none(), "{no}");
    }
}

/// What the page names, each once.
fn linked(page: &crate::Asset) -> Vec<&'static crate::Asset> {
    let base = format!("/web/{}/", crate::HASH);
    let html = text(page);
    let named: BTreeSet<&str> =
        html.split(base.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    named.into_iter().map(|path| asset(path).unwrap_or_else(|| panic!("there is no {path}"))).collect()
}

#[test]
fn what_pages_name_is_there() {
    for page in ALL {
        for language in Language::ALL {
            let html = text(page.in_language(language));
            assert!(html.contains(&format!("<html lang=\"{}\"", language.tag())));
            assert!(!html.contains("{{"), "{html}");
            assert!(linked(page.in_language(language)).len() > 1, "{html}");
        }
    }
}

#[test]
fn where_people_practise_every_page_says_so_in_every_language() {
    for page in ALL {
        for language in Language::ALL {
            let [real, practice] = [page.in_language(language), page.as_practice(language)].map(text);
            let banner = practice.find("<body>\n<aside class=\"demo\">").expect("it stands above everything");
            for other in Language::ALL {
                let said = format!("<span lang=\"{}\">", other.tag());
                assert!(practice[banner..].contains(&said), "{practice}");
            }
            assert!(practice.contains("<html data-demo lang=") && !real.contains("demo"), "{real}");
        }
    }
}

#[test]
fn the_code_of_others_is_what_they_published() {
    let page = include_str!("../vendor/README.md");
    let mut compared = 0;
    for file in assets().iter().filter(|asset| asset.path().starts_with("vendor/")) {
        let name = file.path().trim_start_matches("vendor/");
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).expect("a row");
        let hash = sha256(&file.bytes());
        assert!(row.contains(&format!("`{hash}`")), "{name} is {hash}");
        compared += 1;
    }
    assert!(compared > 0);
}

#[test]
fn every_pickup_code_has_its_drawing_and_no_drawing_is_without_one() {
    let symbols: BTreeSet<&str> = (1..=64).map(|number| order::Code::of(number).symbol).collect();
    assert_eq!(symbols.len(), 64);
    let path = |asset: &crate::Asset| asset.path().strip_prefix("symbols/")?.strip_suffix(".svg");
    assert_eq!(assets().iter().filter_map(path).collect::<BTreeSet<_>>(), symbols);
}

#[test]
fn a_drawing_has_the_colour_of_the_text_around_it_and_needs_nothing_else() {
    for asset in assets().iter().filter(|asset| asset.path().starts_with("symbols/")) {
        let svg = text(asset);
        assert!(svg.contains("<symbol id=\"s\" viewBox=\"") && svg.contains("<use href=\"#s\"/>"), "{svg}");
        assert_eq!(svg.matches("fill=\"").count(), svg.matches("fill=\"currentColor\"").count(), "{svg}");
        for elsewhere in ["url(", "style", "script", "stroke", "<text", "<image", " on"] {
            assert!(!svg.contains(elsewhere), "{}: {elsewhere}", asset.path());
        }
        assert_eq!(svg.matches("http").count(), 1, "only the name of the language: {svg}");
    }
}

#[test]
fn the_first_load_of_the_order_page_is_small() {
    // The page itself asks for the menu and for how the shop is.
    const ASKED: usize = 2;
    let size = |asset: &crate::Asset| {
        asset.packed(Encoding::Brotli).map_or_else(|| asset.bytes().len(), <[u8]>::len)
    };
    for language in Language::ALL {
        let page = pages::ORDER.in_language(language);
        let linked = linked(page);
        let requests = 1 + linked.len() + ASKED;
        let bytes = size(page) + linked.iter().map(|asset| size(asset)).sum::<usize>();
        // What is left of 60 KB is for the menu, and for what HTTP says around all this.
        assert!(requests <= 12, "{requests} requests: {linked:?}");
        assert!(bytes <= 45_000, "{bytes} bytes: {linked:?}");
    }
}
