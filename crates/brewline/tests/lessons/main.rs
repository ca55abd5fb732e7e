//! The pages of `docs/guide` and `docs/labs` are tests: what they say to type is typed, and what they show is seen.
//!
//! In a page, each block that begins with ```` ```console ```` is run, others are not:
//!
//! - `$ command` is typed in the first terminal, `bar$ command` in the one called bar, each a bash of its own; a line
//!   that begins with `> ` goes on with the command. All are in one empty directory.
//! - What stands below is what the terminal shows. `…` is anything within a line, and alone any number of lines. What
//!   the shell says of its jobs (`[1] 4711`) is left out.
//! - A command has to end with exit code 0 before the page goes on, unless the last line shown is `…`: then it goes on as
//!   soon as all before that has been seen, and the command runs on. Nothing else is waited for, no time ever.
//! - `bar$ …` types nothing: the lines below it are all that the terminal shows by now, from the command on that runs
//!   there. `bar$ ^C` is Ctrl-C there, with the same below it, to the end.
//!
//! A reader has the broker at localhost:9092 and the counter at 127.0.0.1:8080. Here both are elsewhere, and a prefix keeps
//! the pages apart: commands are typed, and what is shown is read, as if they were there.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod lesson;
mod page;
mod terminal;

use std::{collections::BTreeSet, fs, path::Path};

use lesson::Room;

/// Where the pages are.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

/// What each page is called here, and whether it needs a broker.
macro_rules! pages {
    ($($(#[$condition:meta])? $name:ident: $page:literal,)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(
            $(#[$condition])?
            #[test]
            fn $name() {
                Room::new().read(&Path::new(DOCS).join($page));
            }
        )*
    };
}

pages! {
    #[cfg(feature = "kafka-tests")]
    an_order_can_be_followed: "guide/1-follow-one-order.md",
    #[cfg(feature = "kafka-tests")]
    auto_commit_is_explained: "guide/2-why-not-auto-commit.md",
    #[cfg(feature = "kafka-tests")]
    exactly_once_is_explained: "guide/3-exactly-once.md",
    another_line_goes_on_where_it_was: "guide/4-another-line.md",
    #[cfg(feature = "kafka-tests")]
    the_naive_barista_loses_and_repeats_and_ours_does_neither: "labs/1-kill-the-barista.md",
    #[cfg(feature = "kafka-tests")]
    a_zombie_rings_no_bell: "labs/2-zombie.md",
    #[cfg(feature = "kafka-tests")]
    who_reads_uncommitted_hears_bells_that_were_taken_back: "labs/3-read-uncommitted.md",
    the_same_key_is_the_same_order: "labs/4-duplicates.md",
    #[cfg(feature = "kafka-tests")]
    poison_is_put_aside: "labs/5-poison.md",
    #[cfg(feature = "kafka-tests")]
    baristas_and_partitions_are_added: "labs/6-scale-out.md",
}

#[test]
fn every_page_is_run() {
    let mut there = BTreeSet::new();
    for folder in ["guide", "labs"] {
        for entry in fs::read_dir(Path::new(DOCS).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if fs::read_to_string(&path).unwrap().contains("```console") {
                there.insert(format!("{folder}/{}", path.file_name().unwrap().display()));
            }
        }
    }
    assert_eq!(there, PAGES.iter().map(|page| (*page).to_owned()).collect());
}

#[test]
fn a_page_goes_from_terminal_to_terminal_and_waits_for_what_it_shows() {
    Room::new().follow(
        "```console\n$ (echo begun; exec sleep 1000) &\nbegun\n…\n$ kill -9 %1; wait; echo gone\ngone\n\
         clock$ sh -c 'echo begun; exec sleep 1000'\nbegun\n…\n```\n```console\nclock$ …\nbegun\n\
         clock$ ^C\nbegun\n$ echo 'one\n> two'\none\n…o\n```\n",
    );
}

#[test]
#[should_panic(expected = "line 2")]
fn a_page_that_shows_something_else_than_happens_fails() {
    Room::new().follow("```console\n$ echo one\ntwo\n```\n");
}

#[test]
#[should_panic(expected = "ended with exit code 1")]
fn a_page_fails_with_a_command() {
    Room::new().follow("```console\n$ false\n```\n");
}
