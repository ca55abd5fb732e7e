//! What `brewline config` says of the settings: which hold, who says so, and what is wrong with their file.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::{fs, path::Path};

use support::{Said, brewline};

/// A command in this directory, with these variables.
fn said(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = brewline(args);
    let output = command.current_dir(dir).envs(variables.iter().copied()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The lines of a text, with one space between words.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn what_holds_is_shown_with_who_says_so_and_who_says_it_in_vain() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("brewline.toml"), "hands = 2\n\nretention_days = 90\nquiet = true\n").unwrap();
    let variables = [("BREWLINE_HANDS", "3"), ("BREWLINE_MAX_OPEN", ""), ("BREWLINE_QUIET", "no")];
    let up = said(dir.path(), &["config", "show", "up", "--hands", "4"], &variables);
    assert_eq!((up.code, &up.stderr[..]), (Some(0), ""), "{up:?}");
    let shown = lines(&up.stdout);
    let path = dir.path().canonicalize().unwrap().join("brewline.toml");
    assert!(shown[0].ends_with(&format!("The file is {}", path.display())), "{up:?}");
    for line in [
        "hands = 4 # --hands, not BREWLINE_HANDS, brewline.toml:1",
        "retention_days = 90 # brewline.toml:3",
        "quiet = false # BREWLINE_QUIET, not brewline.toml:4",
        "max_open = 2000000 # default",
        "# replication_factor: new ones as the cluster likes it, others as they are # default",
    ] {
        assert!(shown.iter().any(|shown| shown == line), "{line}: {up:?}");
    }
    assert!(!up.stdout.contains("counter ="), "{up:?}");
    let all = said(dir.path(), &["config", "show"], &variables);
    for line in
        ["hands = 3 # BREWLINE_HANDS, not brewline.toml:1", "counter = \"http://127.0.0.1:8080\" # default"]
    {
        assert!(lines(&all.stdout).iter().any(|shown| shown == line), "{line}: {all:?}");
    }
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["config", "show", "counter", "--prefix", "a.", "--kafka", "linger.ms=7"];
    let first = said(dir.path(), &args, &[("BREWLINE_LISTEN", "[::1]:80")]);
    fs::write(dir.path().join("brewline.toml"), &first.stdout).unwrap();
    let values = |said: Said| {
        let values = |line: &str| line.split("  # ").next().map(|value| value.trim_end().to_owned());
        said.stdout.lines().skip(1).filter_map(values).collect::<Vec<_>>()
    };
    let again = said(dir.path(), &["config", "show", "counter"], &[]);
    assert!(again.stdout.contains("kafka.linger.ms = \"7\""), "{again:?}");
    assert_eq!(values(again), values(first));
}

#[test]
fn programs_get_the_same_as_json_wherever_they_ask_for_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("other.toml"), "seconds_per_cup = 2.5\n").unwrap();
    let show = |args: &[&str]| {
        let said = said(dir.path(), &[&["config", "show"], args].concat(), &[]);
        assert_eq!(said.code, Some(0), "{said:?}");
        serde_json::from_str::<serde_json::Value>(&said.stdout).unwrap()
    };
    let json = show(&["--json", "--config", "other.toml", "barista"]);
    assert_eq!(json, show(&["barista", "--config", "other.toml", "--json"]));
    assert_eq!(json["command"], "barista");
    assert!(json["file"].as_str().unwrap().ends_with("/other.toml"), "{json}");
    let of = |key: &str| {
        json["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == key).unwrap()
    };
    let seconds = of("seconds_per_cup");
    assert_eq!((&seconds["value"], &seconds["from"]), (&2.5.into(), &"file".into()));
    assert_eq!(of("hands")["words"], "no limit");
    assert!(show(&["--json"])["file"].is_null());
}

#[test]
fn no_secret_is_ever_shown() {
    const SECRET: &str = "geheim-4711";
    let dir = tempfile::tempdir().unwrap();
    let text = format!("[kafka]\nsasl.password = \"{SECRET}\"\nsecurity.protocol = \"SASL_SSL\"\n");
    fs::write(dir.path().join("brewline.toml"), text).unwrap();
    let flag = format!("ssl.key.password={SECRET}");
    let variables = [
        ("BREWLINE_KAFKA_SASL_OAUTHBEARER_CONFIG", SECRET),
        ("BREWLINE_KAFKA_SASL_PASSWORD", SECRET),
        ("BREWLINE_TOKEN", SECRET),
    ];
    for args in [
        &["config", "show", "-vv"][..],
        &["config", "show", "--json"],
        &["config", "show", "counter", "--kafka", &flag],
        &["config", "show", "--json", "ledger", "--token", SECRET],
        &["config", "show", "rush", "--token", SECRET],
        &["config", "check"],
    ] {
        let said = said(dir.path(), args, &variables);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(!format!("{said:?}").contains(SECRET), "{args:?}: {said:?}");
    }
    let shown = said(dir.path(), &["config", "show", "ledger"], &variables).stdout;
    for line in [
        "# token: hidden # BREWLINE_TOKEN",
        "# kafka.sasl.password: hidden # BREWLINE_KAFKA_SASL_PASSWORD, not brewline.toml:2",
        "kafka.security.protocol = \"SASL_SSL\" # brewline.toml:3",
    ] {
        assert!(lines(&shown).iter().any(|shown| shown == line), "{line}: {shown}");
    }
}

#[test]
fn what_is_wrong_with_a_command_line_is_said_as_by_the_command_itself() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = said(dir.path(), &["config", "show", "up", "--hands", "0"], &[]);
    assert_eq!((wrong.code, &wrong.stdout[..]), (Some(2), ""), "{wrong:?}");
    assert!(wrong.stderr.contains("--hands is \"0\": say a whole number"), "{wrong:?}");
}

#[test]
fn all_that_is_wrong_with_the_file_is_said_at_once_with_file_line_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        fs::write(dir.path().join("brewline.toml"), text).unwrap();
        said(dir.path(), &["config", "check"], &[])
    };
    let right = check("hands = 2\n[kafka]\nlinger.ms = 1\n");
    assert_eq!(
        (right.code, &right.stdout[..]),
        (Some(0), "brewline.toml is right: 2 settings\n"),
        "{right:?}"
    );
    let wrong = check("handz = 2\nmode = \"fast\"\n");
    let told = lines(&wrong.stderr);
    assert_eq!((wrong.code, &wrong.stdout[..], told.len()), (Some(1), "", 2), "{wrong:?}");
    assert!(
        told[0].starts_with("brewline.toml:1: there is no setting \"handz\", the nearest is hands; "),
        "{wrong:?}"
    );
    assert_eq!(told[1], "brewline.toml:2: mode is \"fast\": say auto or manual");
    let wrong = check("quiet = true\nmenu = \"nowhere.toml\"\ntls_cert = \"brewline.toml\"\n");
    let told = lines(&wrong.stderr);
    assert_eq!((wrong.code, told.len()), (Some(1), 2), "{wrong:?}");
    assert!(
        told[0].starts_with("brewline.toml:2: there is no file nowhere.toml, which menu names; "),
        "{wrong:?}"
    );
    assert!(told[1].starts_with("brewline.toml:3: ") && told[1].ends_with("--tls-key"), "{wrong:?}");
}

#[test]
fn where_there_is_no_file_that_is_said_and_a_named_one_must_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let none = said(dir.path(), &["config", "check"], &[]);
    assert_eq!(none.code, Some(0), "{none:?}");
    let path = dir.path().canonicalize().unwrap().join("brewline.toml");
    assert!(none.stdout.starts_with(&format!("there is no file {}", path.display())), "{none:?}");
    for args in [&["config", "check", "x.toml"][..], &["config", "check", "--config", "x.toml"]] {
        let missing = said(dir.path(), args, &[]);
        assert_eq!((missing.code, &missing.stdout[..]), (Some(1), ""), "{missing:?}");
        assert!(missing.stderr.contains("there is no file x.toml, which "), "{missing:?}");
    }
}

#[test]
fn the_printed_example_is_a_right_file() {
    let dir = tempfile::tempdir().unwrap();
    let example = said(dir.path(), &["config", "example"], &[]);
    fs::write(dir.path().join("brewline.toml"), &example.stdout).unwrap();
    let checked = said(dir.path(), &["config", "check"], &[]);
    let says = "brewline.toml is right: it says nothing, and defaults hold\n";
    assert_eq!(checked.stdout, says, "{checked:?}");
    fs::write(dir.path().join("brewline.toml"), "hands = 2\n").unwrap();
    let checked = said(dir.path(), &["config", "check"], &[]);
    assert_eq!(checked.stdout, "brewline.toml is right: 1 setting\n", "{checked:?}");
}
