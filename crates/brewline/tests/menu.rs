//! The shop's two files: what the command says of them, and what the line does with them.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{fs, path::Path, process::Command};

use support::{Process, Said, brewline, local};

const MENU: &str =
    "[[category]]\nid = \"c\"\nname = \"C\"\n[[category.item]]\nid = \"i\"\nname = \"I\"\nprice = 1\n";
const SHOP: &str = "name = \"A\"\ncurrency = \"EUR\"\ntime_zone = \"Europe/Paris\"\n";

/// A command in this directory.
fn within(dir: &Path, args: &[&str]) -> Command {
    let mut command = brewline(args);
    command.current_dir(dir);
    command
}

fn said(mut command: Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// `up` in this directory, on a log below it.
fn up(dir: &Path, args: &[&str]) -> Command {
    let log = local(&dir.join("log"));
    within(dir, &[&["up", "--log", &log, "--listen", "127.0.0.1:0"], args].concat())
}

#[test]
fn a_file_that_is_right_is_said_to_be_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("menu.toml"), MENU).unwrap();
    fs::write(dir.path().join("ours.toml"), SHOP).unwrap();
    for (file, says) in [
        ("menu.toml", "menu.toml is right: a menu: items 1, categories 1, options 0\n"),
        ("ours.toml", "ours.toml is right: a shop: A, EUR, Europe/Paris, always open, payment after\n"),
    ] {
        let said = said(within(dir.path(), &["menu", "check", file]));
        assert_eq!((said.code, &said.stdout[..], &said.stderr[..]), (Some(0), says, ""));
    }
}

#[test]
fn all_that_is_wrong_with_a_file_is_said_at_once() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("menu.toml"), MENU.replace("price = 1", "price = -1\ncolour = 1")).unwrap();
    let said = said(within(dir.path(), &["menu", "check", "menu.toml"]));
    let lines: Vec<_> = said.stderr.lines().collect();
    assert_eq!((said.code, &said.stdout[..], lines.len()), (Some(1), "", 2), "{said:?}");
    assert!(lines[0].starts_with("menu.toml:7: category.item.price is -1: say a whole number"), "{said:?}");
    assert!(lines[1].starts_with("menu.toml:8: there is no category.item.colour; there are "), "{said:?}");
}

#[test]
fn a_file_that_can_not_be_read_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    fs::write(dir.path().join("latin.toml"), b"name = \"Caf\xe9\"\n").unwrap();
    fs::write(dir.path().join("large.toml"), "가".repeat(400_000)).unwrap();
    for (file, says) in [
        (
            "nothing.toml",
            "brewline: there is no file nothing.toml, which the command line names; make it, or name another\n",
        ),
        ("folder", "brewline: can't read folder (it is no file); make it readable, or name another\n"),
        ("/dev/zero", "brewline: can't read /dev/zero (it is no file); make it readable, or name another\n"),
        ("latin.toml", "brewline: latin.toml is not text (UTF-8); write it as TOML\n"),
        (
            "large.toml",
            "large.toml:1: the file has more than 1048576 bytes, and no more are read; make it smaller\n",
        ),
    ] {
        let said = said(within(dir.path(), &["menu", "check", file]));
        assert_eq!((said.code, &said.stdout[..], &said.stderr[..]), (Some(1), "", says));
    }
}

#[test]
fn what_is_wrong_keeps_the_line_from_starting_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("menu.toml"), "").unwrap();
    fs::write(dir.path().join("shop.toml"), SHOP.replace("EUR", "euro")).unwrap();
    let refused = |command, says: &[&str]| {
        let said = said(command);
        assert_eq!((said.code, &said.stdout[..]), (Some(1), ""), "{said:?}");
        assert!(
            said.stderr.starts_with("brewline: the shop can't open until this is corrected:\n"),
            "{said:?}"
        );
        let lines: Vec<_> = said.stderr.lines().skip(1).collect();
        assert_eq!(lines.len(), says.len(), "{said:?}");
        for (line, says) in lines.iter().zip(says) {
            assert!(line.contains(says), "{line}");
        }
        assert!(!dir.path().join("log").exists());
    };
    let menu = "menu.toml:1: there is nothing on this menu: add ";
    refused(up(dir.path(), &[]), &[menu, "shop.toml:2: currency is \"euro\": say "]);
    fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    refused(
        up(dir.path(), &["--menu", "ours.toml"]),
        &["there is no file ours.toml, which --menu names; make it"],
    );
    let mut by_variable = up(dir.path(), &[]);
    by_variable.env("BREWLINE_MENU", "x.toml");
    refused(by_variable, &["there is no file x.toml, which the environment variable BREWLINE_MENU names;"]);
    fs::write(dir.path().join("brewline.toml"), "hands = 1\nmenu = \"y.toml\"\n").unwrap();
    refused(up(dir.path(), &[]), &["there is no file y.toml, which brewline.toml:2 names;"]);
}

#[test]
fn a_menu_that_changes_holds_without_a_restart_and_a_mistake_is_told_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let menu = dir.path().join("menu.toml");
    fs::write(dir.path().join("shop.toml"), SHOP).unwrap();
    fs::write(&menu, MENU).unwrap();
    let mut line = Process::start(up(dir.path(), &["-v"]));
    assert_eq!(line.hear(|line| line.starts_with("  menu")), "  menu     1 items of menu.toml");
    fs::write(&menu, MENU.replace("price = 1", "price = 22")).unwrap();
    line.hear(|line| line.ends_with("the shop's files have changed, and hold"));
    fs::write(&menu, MENU.replace("price = 1", "price = -1")).unwrap();
    line.hear(|line| line.contains("menu.toml:7: category.item.price is -1: say a whole number"));
    line.hear(|line| line.ends_with("menu and shop stay as they were until this is corrected"));
    fs::write(&menu, MENU.replace("price = 1", "price = 333")).unwrap();
    line.hear(|line| line.ends_with("the shop's files are right again, and hold"));
}

#[test]
fn without_files_an_example_is_sold_and_the_start_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut line = Process::start(up(dir.path(), &[]));
    let says = line.hear(|line| line.starts_with("  menu"));
    assert_eq!(says, "  menu     an example of 13 items; write menu.toml for your own");
}
