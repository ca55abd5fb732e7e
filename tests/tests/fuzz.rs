//! The fuzz targets over their seeds and some variations of each: that they work, and that what they found once stays
//! mended. `scripts/fuzz` looks for more.

#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use eventlog::local::check_backup;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// What means something in one of the formats.
const PIECES: [&[u8]; 16] = [
    b"\"",
    b"{",
    b"[",
    b"\\u0000",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551615",
    b"\xff",
    b"\t",
    b"\n",
    b"\r\n",
    b"%ff",
    b"..",
    b"&",
    b"=",
];

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let mut files: Vec<_> =
        fs::read_dir(dir).expect("it has seeds").map(|file| file.expect("a file").path()).collect();
    files.sort_unstable();
    files.into_iter().map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
}

/// The same with something changed in a few places.
fn varied(input: &[u8], other: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut varied = input.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=varied.len());
        let end = (at + random.random_range(0..9)).min(varied.len());
        match random.random_range(0..6) {
            0 => drop(varied.drain(at..end)),
            1 => drop(varied.splice(at..at, PIECES[random.random_range(0..PIECES.len())].iter().copied())),
            2 => drop(varied.splice(at..end, PIECES[random.random_range(0..PIECES.len())].iter().copied())),
            3 => varied[at..end].iter_mut().for_each(|byte| *byte ^= 1 << random.random_range(0..8)),
            4 => varied.extend_from_within(at..end),
            _ => {
                let from = random.random_range(0..=other.len());
                varied.truncate(at);
                varied.extend_from_slice(&other[from..]);
            }
        }
    }
    varied
}

/// Tries each seed, and so many variations of each.
fn try_all(name: &str, variations: usize) {
    let target = targets::TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    let seeds = seeds(name);
    assert!(!seeds.is_empty());
    let mut random = StdRng::seed_from_u64(7);
    let attempt = |path: &Path, input: &[u8]| {
        let tried = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
        assert!(tried.is_ok(), "{}, as {}", path.display(), input.escape_ascii());
    };
    for (path, seed) in &seeds {
        attempt(path, seed);
        for _ in 0..variations {
            let (_, other) = &seeds[random.random_range(0..seeds.len())];
            attempt(path, &varied(seed, other, &mut random));
        }
    }
}

#[test]
fn an_order_is_read_and_written_as_the_same_whatever_its_json_is() {
    try_all("orders", 1_000);
}

#[test]
fn a_command_is_decided_on_whatever_its_json_is() {
    try_all("commands", 300);
}

#[test]
fn a_file_of_the_shop_is_read_or_its_mistakes_are_told_whatever_it_is() {
    try_all("files", 100);
}

#[test]
fn a_counter_answers_whatever_is_sent_to_it() {
    try_all("requests", 50);
}

#[test]
fn counter_ledger_and_barista_bear_whatever_others_write() {
    try_all("records", 100);
}

#[test]
fn files_of_the_log_are_read_or_refused_whatever_they_hold() {
    try_all("database", 20);
}

#[test]
fn an_export_is_imported_or_refused_whatever_its_lines_hold() {
    try_all("exports", 50);
}

#[test]
fn a_client_comes_to_an_end_whatever_is_said_to_it() {
    try_all("answers", 50);
}

#[test]
fn a_made_up_backup_is_read_to_its_end() {
    let (_, seed) = seeds("database")
        .into_iter()
        .find(|(path, _)| path.ends_with("made-up-backup"))
        .expect("it is there");
    let contents =
        check_backup(&*targets::database::made_up_backup(&seed[1..]), "a.backup").expect("it is sound");
    assert_eq!(contents.records(), 2);
}

#[test]
fn each_target_has_a_program_and_seeds() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).expect("it can be read");
    for target in targets::TARGETS {
        let program = fs::read_to_string(dir.join(format!("fuzz_targets/{}.rs", target.name)));
        assert!(program.is_ok_and(|text| text.contains(&format!("{:?}", target.name))), "{target:?}");
        assert!(manifest.contains(&format!("name = {:?}", target.name)), "{target:?}");
    }
}
