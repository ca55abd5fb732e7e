//! That what is shown is what holds, and that `docs/brewline.toml` has it.

use std::path::Path;

use clap::Command as Clap;
use serde_json::Value;

use super::{
    example,
    said::{Says, Setting, default_of, settings},
    show::as_text,
};
use crate::{
    cli::{Cli, Command},
    file::{File, KEYS, Key},
};

/// The commands that go by settings, with what each must be told.
const COMMANDS: [&str; 7] = ["up", "counter", "barista", "topics", "watch", "ledger", "client"];

fn file(text: &str) -> File {
    File::parse(text, Path::new("brewline.toml")).unwrap()
}

fn read(args: &[&str]) -> (Clap, clap::ArgMatches) {
    let args = ["brewline"].iter().chain(args).map(Into::into);
    Cli::matches(args).unwrap()
}

fn shown(args: &[&str], file: &File) -> Vec<Setting> {
    let (command, matches) = read(args);
    let (name, matches) = matches.subcommand().unwrap();
    settings(command.find_subcommand(name).unwrap(), matches, file).unwrap()
}

/// What a command needs to know, as words.
fn settled(args: &[&str], file: &File) -> String {
    let cli = Cli::read(["brewline"].iter().chain(args).map(Into::into)).unwrap();
    let format = file.log_format(&cli.global);
    let settled = match cli.command {
        Command::Up(args) => format!("{:?}", file.up(&args)),
        Command::Counter(args) => format!("{:?}", file.counter_alone(&args)),
        Command::Barista(args) => format!("{:?}", file.barista_alone(&args)),
        Command::Topics(args) => format!("{:?}", file.topics(&args)),
        Command::Watch(args) => format!("{:?}", file.watch(&args)),
        Command::Ledger(args) => format!("{:?}", file.ledger(&args)),
        Command::Client(args) => {
            let (bells, counter, ca) =
                (file.bells(&args), file.counter(args.counter.clone()), file.ca(args.ca.clone()));
            format!("{bells:?} {counter:?} {ca:?}")
        }
        other => panic!("{other:?} goes by no settings here"),
    };
    format!("{settled} {format:?}")
}

/// A value that is not the default.
fn other(key: &Key) -> Value {
    match (key.name, serde_json::from_str(key.sample).unwrap()) {
        ("log", _) => "kafka://cafe:9093".into(),
        ("listen", _) => "127.0.0.1:81".into(),
        ("mode", _) => "manual".into(),
        ("log_format", _) => "json".into(),
        ("counter", _) => "http://cafe".into(),
        ("trace_ratio", _) => 0.5.into(),
        (_, Value::Number(n)) => (n.as_u64().unwrap() + 1).into(),
        (_, Value::Bool(is)) => (!is).into(),
        (_, sample) => sample,
    }
}

fn as_flag(key: &Key, value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("--{}={text}", key.name.replace('_', "-"))
}

#[test]
fn a_flag_and_the_file_say_the_same_and_the_flag_wins_in_every_command() {
    let mut tried = 0;
    for command in COMMANDS {
        for key in KEYS.iter().filter(|key| key.name != "kafka") {
            let value = other(key);
            let flag = as_flag(key, &value);
            if Cli::read(["brewline", command, &flag].map(Into::into)).is_err() {
                continue;
            }
            tried += 1;
            // A prefix is one of names in a cluster.
            let on_kafka = (key.name == "prefix").then_some("--log=kafka://bar:9092");
            let settled = |args: &[&str], file: &File| {
                settled(&args.iter().copied().chain(on_kafka).collect::<Vec<_>>(), file)
            };
            let (nothing, by_file) = (File::default(), file(&format!("{} = {value}\n", key.name)));
            // Who names a file is known as well.
            let same = |settled: String| {
                settled
                    .replace(&format!("--{}", key.name.replace('_', "-")), "X")
                    .replace("brewline.toml:1", "X")
            };
            let flagged = same(settled(&[command, &flag], &nothing));
            assert_eq!(flagged, same(settled(&[command], &by_file)), "{command}: {}", key.name);
            assert_ne!(flagged, same(settled(&[command], &nothing)), "{command}: {}", key.name);
            let sample = file(&format!("{} = {}\n", key.name, key.sample));
            assert_eq!(flagged, same(settled(&[command, &flag], &sample)), "{command}: {}", key.name);

            let setting = |args: &[&str], file| {
                let all = shown(args, file);
                let setting = all.into_iter().find(|setting| setting.key == key.name).unwrap();
                assert_eq!(setting.says, Says::Value(value.clone()), "{command}: {}", key.name);
                (setting.by.unwrap(), setting.over)
            };
            let name = format!("--{}", key.name.replace('_', "-"));
            assert_eq!(setting(&[command], &by_file), ("brewline.toml:1".to_owned(), vec![]));
            let over = vec!["brewline.toml:1".to_owned()];
            assert_eq!(setting(&[command, &flag], &sample), (name, over));
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn a_default_that_is_shown_is_the_one_that_holds() {
    for command in COMMANDS {
        let text = as_text(Some(command), &shown(&[command], &File::default()), &File::default());
        let holds = settled(&[command], &File::default());
        // Where nobody names a log, nobody is known to name it.
        let said = if command == "client" { text.replace("\nlog = ", "\n# ") } else { text };
        assert_eq!(settled(&[command], &file(&said)), holds, "{command}: {said}");
    }
}

#[test]
fn every_key_is_shown_for_some_command_and_its_sample_is_what_the_help_says() {
    let command = crate::command();
    for key in KEYS {
        let args =
            ["up", "client", "barista"].map(|name| command.find_subcommand(name).unwrap().get_arguments());
        let arg =
            args.into_iter().flatten().chain(command.get_arguments()).find(|arg| arg.get_id() == key.name);
        let help = arg.unwrap().get_help().unwrap().to_string();
        let is_literal = default_of(key, arg.unwrap()).is_some();
        // A default that is a number or stands alone as a word of the file must be the sample.
        let default = help.rsplit_once("[default: ").unwrap().1.trim_end_matches(']').to_owned();
        let is_number = default.parse::<f64>().is_ok();
        assert!(is_literal || !is_number, "{}: the sample is {} and not {default}", key.name, key.sample);
    }
}

#[test]
fn practice_shows_that_it_touches_nothing_of_the_shop() {
    let shop =
        file("log = \"kafka://cafe\"\nmode = \"auto\"\ntls_cert = \"c\"\ntls_key = \"k\"\nhands = 3\n");
    let text = as_text(Some("up"), &shown(&["up", "--demo"], &shop), &shop);
    for says in [
        "# log: a directory that is thrown away  # --demo, not brewline.toml:1",
        "mode = \"manual\"  # --demo, not brewline.toml:2",
        "# tls_cert: plain http  # --demo, not brewline.toml:3",
        "hands = 3  # brewline.toml:5",
    ] {
        let is_said = |line: &str| {
            line.split_whitespace().collect::<Vec<_>>() == says.split_whitespace().collect::<Vec<_>>()
        };
        assert!(text.lines().any(is_said), "{says:?} is not in {text}");
    }
}

#[test]
fn the_documented_file_is_what_the_program_prints() {
    assert_eq!(
        include_str!("../../../../docs/brewline.toml"),
        example::text(),
        "write it anew: cargo run -- config example > docs/brewline.toml"
    );
}

#[test]
fn every_setting_of_the_documented_file_can_be_said() {
    let text = example::text();
    assert_eq!(file(&text).places.len(), 0);
    let said: Vec<_> = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .collect();
    let all = file(&said.join("\n"));
    for key in KEYS {
        assert!(all.places.contains_key(key.name), "{} is missing", key.name);
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100 || line.contains("http")), "{text}");
}
