//! What the file may say, and what is said of what it may not.

use std::path::Path;

use clap::Parser as _;

use super::*;
use crate::cli::Cli;

fn parse(text: &str) -> Result<File, String> {
    File::parse(text, Path::new("brewline.toml")).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn the_file_allows_what_the_flags_allow() {
    for key in KEYS.iter().filter(|key| key.sample.parse::<u32>().is_ok()).map(|key| key.name) {
        for n in [0, 1, 2, 3_600, 3_601, 3_650, 3_651, 1_000_000, 1_000_001, u32::MAX] {
            let flag = format!("--{}={n}", key.replace('_', "-"));
            let by_flag = Cli::try_parse_from(["brewline", "up", &flag]);
            let by_file = parse(&format!("{key} = {n}\n"));
            assert_eq!(by_file.is_ok(), by_flag.is_ok(), "{flag}: {by_file:?}");
            let with_point = parse(&format!("{key} = {n}.0\n"));
            let may_have_one = ["seconds_per_cup", "trace_ratio"].contains(&key) && by_flag.is_ok();
            assert_eq!(with_point.is_ok(), may_have_one, "{flag}: {with_point:?}");
        }
    }
}

#[test]
fn every_key_is_known_and_in_both_readmes() {
    for Key { name: key, sample } in KEYS {
        let property = if *key == "kafka" { ".security.protocol" } else { "" };
        parse(&format!("{key}{property} = {sample}\n")).unwrap();
        let wrong = if sample.starts_with('"') && *key != "kafka" { "1" } else { "\"x\"" };
        let error = parse(&format!("# settings\n{key} = {wrong}\n")).unwrap_err();
        let shown = if *key == "kafka" { "a text" } else { wrong };
        assert!(error.starts_with(&format!("brewline.toml:2: {key} is {shown}: say ")), "{error}");
        assert!(error.contains("quotes"), "{error}");
        for readme in [include_str!("../../../../README.md"), include_str!("../../../../README.ko.md")] {
            assert!(readme.contains(&format!("| `{key}` |")), "{key} is missing");
        }
    }
}

#[test]
fn properties_may_be_tables_or_quoted_and_are_never_shown() {
    let file = parse("[kafka]\nsasl.password = \"secret\"\n\"linger.ms\" = 1\nsocket.nagle.disable = true\n");
    let kafka = file.unwrap().kafka.unwrap();
    let all: Vec<_> = kafka.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    assert_eq!(all, [("linger.ms", "1"), ("sasl.password", "secret"), ("socket.nagle.disable", "true")]);
    for text in [
        "kafka = \"sasl.password=secret\"\n",
        "[kafka]\nsasl.password = [\"secret\"]\n",
        "[kafka]\nsasl.passwort = \"secret\"\n",
        "[kafka]\nsecurity.protocol = \"secret\"\n",
    ] {
        let error = parse(text).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn an_unknown_key_or_a_wrong_value_is_one_sentence_with_its_place() {
    for (text, says) in [
        (
            "mode = \"auto\"\nhandz = 2\n",
            "brewline.toml:2: there is no setting \"handz\", the nearest is hands; there are log, listen, ",
        ),
        ("handz = 2\n", ", ca and counter"),
        ("Max-Open = 1\n", "\"Max-Open\", the nearest is max_open; "),
        ("hands = 0\n", "brewline.toml:1: hands is 0: say a whole number from 1 to 1000000"),
        ("seconds_per_cup = -1\n", "0 to 3600"),
        ("log = \"debug\"\n", "--verbose"),
        ("mode = \n", "brewline.toml:1: this is not TOML"),
        ("listen = \"here\"\n", "127.0.0.1:8080"),
        ("counter = \"ftp://cafe\"\n", "http://127.0.0.1:8080"),
        (
            "[kafka]\nsasl.password = [1]\n",
            "brewline.toml:2: kafka.sasl.password is a list: say it as a text in quotes",
        ),
        (
            "hands = 1\n[kafka]\nlinger.ms = 1\n\nsasl.passwort = \"x\"\n",
            "brewline.toml:5: there is no Kafka property sasl.passwort; ",
        ),
        ("[kafka]\n\"acks\" = 1\n", "brewline.toml:2: the Kafka property acks is not yours to set"),
        (
            "[kafka.security]\n# TLS\nprotocol = \"TLS\"\n",
            "brewline.toml:3: the Kafka property security.protocol can't have the value it was given",
        ),
        (
            "trusted_proxies = \"10.0.0.0/8, ingress\"\n",
            "brewline.toml:1: trusted_proxies is \"10.0.0.0/8, ingress\": say the proxies' addresses or networks",
        ),
        ("trusted_proxies = \"0.0.0.0/0\"\n", "0.0.0.0/0 is no network of proxies"),
        ("trusted_proxies = [\"10.0.0.0/8\"]\n", "trusted_proxies is a list: say it as a text in quotes"),
        ("hands = [1]\n", "hands is a list"),
        ("quiet = true\nquiet = true\n", "brewline.toml:2: this is not TOML"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(says) && !error.contains('\n'), "{text:?}: {error}");
    }
}

#[test]
fn all_mistakes_are_told_in_the_order_of_the_file() {
    let text = "handz = 2\nmode = \"fast\"\nlisten = 1\n[kafka]\nacks = 1\nsasl.password = [\"geheim\"]\n";
    let says = parse(text).unwrap_err();
    let lines: Vec<_> = says.lines().collect();
    for (n, line) in [1, 2, 3, 5, 6].into_iter().enumerate() {
        assert!(lines[n].starts_with(&format!("brewline.toml:{line}: ")), "{says}");
    }
    assert!(lines.len() == 5 && !says.contains("geheim"), "{says}");
    let no_toml = parse("hands = \nquiet = true\nmode = = 1\nhandz = 1\n").unwrap_err();
    let lines: Vec<_> = no_toml.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("brewline.toml:3: this is not TOML"), "{no_toml}");
}

#[test]
fn whoever_only_starts_is_told_the_first_mistake_and_where_all_are() {
    let mistakes = |text| first_of(&File::parse(text, Path::new("brewline.toml")).unwrap_err());
    let says = mistakes("hands = 0\nhandz = 1\n");
    assert!(says.starts_with("brewline.toml:1: hands is 0: ") && !says.contains('\n'), "{says}");
    assert!(says.ends_with("; see all with brewline config check (1 more)"), "{says}");
    assert!(mistakes("hands = 0\n").ends_with("1000000"));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let says = parse(&"#".repeat(shop::Limits::FILE_BYTES + 1)).unwrap_err();
    assert!(says.starts_with("brewline.toml:1: the file has more than 1048576 bytes"), "{says}");
}
