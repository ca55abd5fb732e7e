//! The settings file: TOML, with the same values as flags and variables have.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use client::CounterAddress;
use counter::PublicUrl;
use serde::Deserialize as _;
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue, ValueDeserializer},
};

use crate::{
    cli::{Global, LogFormat, Mode},
    kafka::check_property,
    log_address::LogAddress,
    value::{self, Number},
};

/// The file that is read where none is named.
const NAME: &str = "brewline.toml";

/// One line for each key, its type, and how it is read; the rest follows from them.
macro_rules! keys {
    ($($key:ident: $type:ty = $read:expr;)*) => {
        /// What the file may say. A key that is not here is an error.
        #[derive(Debug, Default)]
        pub struct File {
            $(pub(crate) $key: Option<$type>,)*
            /// Where each key of it stands: file and line.
            pub(crate) places: BTreeMap<String, String>,
        }

        /// Every key, by name.
        const KEYS: &[&str] = &[$(stringify!($key)),*];

        impl File {
            fn set(&mut self, key: &str, value: &Value) -> Result<(), String> {
                let set = match key {
                    $(stringify!($key) => {
                        let read: fn(&Value) -> Result<$type, String> = $read;
                        read(value).map(|value| self.$key = Some(value))
                    })*
                    _ => return Err(format!("there is no setting {key:?}; there are {}", named(KEYS))),
                };
                // A property may be a password.
                let shown = if key == "kafka" { kind(value).to_owned() } else { shown(value) };
                set.map_err(|why| format!("{key} is {shown}: {why}"))
            }
        }
    };
}

keys! {
    log: LogAddress = |value| text(value)?.parse();
    listen: SocketAddr = |value| value::listen(text(value)?);
    mode: Mode = |value| value::word(text(value)?);
    hands: u32 = |value| bare(value, &value::HANDS);
    seconds_per_cup: f64 = |value| bare(value, &value::SECONDS_PER_CUP);
    max_open: u32 = |value| bare(value, &value::MAX_OPEN);
    max_streams: u32 = |value| bare(value, &value::MAX_STREAMS);
    max_streams_per_address: u32 = |value| bare(value, &value::MAX_STREAMS_PER_ADDRESS);
    orders_per_minute: u32 = |value| bare(value, &value::ORDERS_PER_MINUTE);
    menu: PathBuf = |value| value::path(text(value)?);
    shop: PathBuf = |value| value::path(text(value)?);
    public_url: PublicUrl = |value| value::public_url(text(value)?);
    tls_cert: PathBuf = |value| value::path(text(value)?);
    tls_key: PathBuf = |value| value::path(text(value)?);
    retention_days: u32 = |value| bare(value, &value::RETENTION_DAYS);
    quiet: bool = |value| value.as_bool().ok_or_else(|| "say true or false, without quotes".to_owned());
    log_format: LogFormat = |value| value::word(text(value)?);
    prefix: String = |value| value::prefix(text(value)?);
    instance: String = |value| value::instance(text(value)?);
    replication_factor: u16 = |value| bare(value, &value::REPLICATION_FACTOR);
    // A table is read with the place of each property, below.
    kafka: BTreeMap<String, String> = |_| Err(
        "say a table, as in [kafka] and below it security.protocol = \"SSL\", texts in quotes".to_owned()
    );
    ca: PathBuf = |value| value::path(text(value)?);
    counter: CounterAddress = |value| value::counter(text(value)?);
}

impl File {
    /// The file that was named, or the one in this directory if there is one.
    pub fn read(global: &Global) -> Result<Self, String> {
        match &global.config {
            Some(named) => Self::at(&named.path)?.ok_or_else(|| {
                let (path, by) = (named.path.display(), &named.by);
                format!("there is no file {path}, which {by} names; make it, or name another")
            }),
            None => Ok(Self::at(Path::new(NAME))?.unwrap_or_default()),
        }
    }

    /// `None`: there is no such file.
    fn at(path: &Path) -> Result<Option<Self>, String> {
        let shown = path.display();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => Ok(None),
                io::ErrorKind::InvalidData => {
                    Err(format!("{shown} is not text (UTF-8); write the settings as TOML"))
                }
                _ => Err(format!(
                    "can't read {shown} ({error}); make it readable, or name another with --config"
                )),
            },
        }
    }

    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, String> {
        let place = |offset: usize| {
            let line = text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1);
            format!("{}:{line}", path.display())
        };
        let no_toml = |error: &toml::de::Error| {
            let at = place(error.span().map_or(0, |span| span.start));
            format!(
                "{at}: this is not TOML ({}); lines are like hands = 2 and mode = \"auto\"",
                error.message().replace('\n', " ")
            )
        };
        let table = DeTable::parse(text).map_err(|error| no_toml(&error))?.into_inner();
        let mut file = Self::default();
        // In the order of the file: what is wrong first is said.
        let mut lines: Vec<_> = table.into_iter().collect();
        lines.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in lines {
            let (at, name) = (place(key.span().start), key.get_ref().as_ref());
            match value.get_ref() {
                DeValue::Table(table) if name == "kafka" => file.kafka = Some(properties(table, &place)?),
                _ => {
                    let value = plain(value).map_err(|error| no_toml(&error))?;
                    file.set(name, &value).map_err(|why| format!("{at}: {why}"))?;
                }
            }
            file.places.insert(name.to_owned(), at);
        }
        Ok(file)
    }
}

/// A value without its place.
fn plain(value: Spanned<DeValue<'_>>) -> Result<Value, toml::de::Error> {
    Value::deserialize(ValueDeserializer::from(value))
}

/// A text, which TOML has in quotes.
fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "say it as a text in quotes".to_owned())
}

/// A number, which TOML has without quotes.
fn bare<T: FromStr + PartialOrd + Display>(value: &Value, number: &Number<T>) -> Result<T, String> {
    match value {
        Value::Integer(n) => number.parse(&n.to_string()),
        // With its point: 2.0 is no whole number.
        Value::Float(n) => number.parse(&format!("{n:?}")),
        // Nothing is no number: for what is allowed.
        _ => number.parse("").map_err(|why| format!("{why}, without quotes")),
    }
}

/// Properties of librdkafka: their names have dots, which TOML takes for tables. `place` says where in the file an
/// offset is: what is wrong is said with its line, and never with its value, which may be a password.
fn properties(
    table: &DeTable<'_>,
    place: &dyn Fn(usize) -> String,
) -> Result<BTreeMap<String, String>, String> {
    let mut all = Vec::new();
    gather("", table, &mut all);
    all.sort_by_key(|(offset, ..)| *offset);
    let mut properties = BTreeMap::new();
    for (offset, name, value) in all {
        let value = match plain(value) {
            Ok(Value::String(text)) => Ok(text),
            Ok(Value::Integer(n)) => Ok(n.to_string()),
            Ok(Value::Boolean(is)) => Ok(is.to_string()),
            Ok(value) => Err(kind(&value)),
            Err(_) => Err("no value"),
        };
        let value = value.map_err(|is| {
            format!("kafka.{name} is {is}: say it as a text in quotes, a whole number, true or false")
        });
        let value = value.and_then(|value| check_property(&name, &value).map(|()| value));
        properties.insert(name, value.map_err(|why| format!("{}: {why}", place(offset)))?);
    }
    Ok(properties)
}

/// Each property below `name` with its offset.
fn gather<'a>(name: &str, table: &DeTable<'a>, all: &mut Vec<(usize, String, Spanned<DeValue<'a>>)>) {
    for (key, value) in table {
        let below = key.get_ref().as_ref();
        let name = if name.is_empty() { below.to_owned() } else { format!("{name}.{below}") };
        match value.get_ref() {
            DeValue::Table(table) => gather(&name, table, all),
            _ => all.push((key.span().start, name, value.clone())),
        }
    }
}

/// The keys as a sentence has them.
fn named(keys: &[&str]) -> String {
    match keys {
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
        [] => String::new(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(n) => n.to_string(),
        Value::Float(n) => format!("{n:?}"),
        Value::Boolean(is) => is.to_string(),
        value => kind(value).to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn parse(text: &str) -> Result<File, String> {
        File::parse(text, Path::new("brewline.toml"))
    }

    /// Each key with a value that it takes.
    const TAKEN: &[(&str, &str)] = &[
        ("log", "\"local:/x\""),
        ("listen", "\"127.0.0.1:80\""),
        ("mode", "\"auto\""),
        ("hands", "1"),
        ("seconds_per_cup", "1"),
        ("max_open", "1"),
        ("max_streams", "1"),
        ("max_streams_per_address", "1"),
        ("orders_per_minute", "1"),
        ("menu", "\"menu.toml\""),
        ("shop", "\"shop.toml\""),
        ("public_url", "\"https://cafe.example\""),
        ("tls_cert", "\"cert.pem\""),
        ("tls_key", "\"key.pem\""),
        ("retention_days", "2"),
        ("quiet", "true"),
        ("log_format", "\"json\""),
        ("prefix", "\"seoul.\""),
        ("instance", "\"bar-1\""),
        ("replication_factor", "3"),
        ("kafka", "{ security.protocol = \"SSL\" }"),
        ("ca", "\"ca.pem\""),
        ("counter", "\"http://cafe\""),
    ];

    #[test]
    fn the_file_allows_what_the_flags_allow() {
        for (key, _) in TAKEN.iter().filter(|(_, value)| value.parse::<u32>().is_ok()) {
            for n in [0, 1, 2, 3_600, 3_601, 3_650, 3_651, 1_000_000, 1_000_001, u32::MAX] {
                let flag = format!("--{}={n}", key.replace('_', "-"));
                let by_flag = Cli::try_parse_from(["brewline", "up", &flag]);
                let by_file = parse(&format!("{key} = {n}\n"));
                assert_eq!(by_file.is_ok(), by_flag.is_ok(), "{flag}: {by_file:?}");
                let with_point = parse(&format!("{key} = {n}.0\n"));
                let may_have_one = *key == "seconds_per_cup" && by_flag.is_ok();
                assert_eq!(with_point.is_ok(), may_have_one, "{flag}: {with_point:?}");
            }
        }
    }

    #[test]
    fn every_key_is_known_and_in_both_readmes() {
        let taken: Vec<_> = TAKEN.iter().map(|(key, _)| *key).collect();
        assert_eq!(taken, KEYS);
        for (key, value) in TAKEN {
            parse(&format!("{key} = {value}\n")).unwrap();
            let wrong = if value.starts_with('"') { "1" } else { "\"x\"" };
            let error = parse(&format!("# settings\n{key} = {wrong}\n")).unwrap_err();
            let shown = if *key == "kafka" { "a text" } else { wrong };
            assert!(error.starts_with(&format!("brewline.toml:2: {key} is {shown}: say ")), "{error}");
            assert!(error.contains("quotes"), "{error}");
            for readme in [include_str!("../../../README.md"), include_str!("../../../README.ko.md")] {
                assert!(readme.contains(&format!("| `{key}` |")), "{key} is missing");
            }
        }
    }

    #[test]
    fn properties_may_be_tables_or_quoted_and_are_never_shown() {
        let file =
            parse("[kafka]\nsasl.password = \"secret\"\n\"linger.ms\" = 1\nsocket.nagle.disable = true\n");
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
                "brewline.toml:2: there is no setting \"handz\"; there are log, listen, ",
            ),
            ("handz = 2\n", ", ca and counter"),
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
                "hands = 1\n[kafka]\nlinger.ms = 1\n\nsasl.passwort = \"x\"\nacks = 1\n",
                "brewline.toml:5: there is no Kafka property sasl.passwort; ",
            ),
            ("[kafka]\n\"acks\" = 1\n", "brewline.toml:2: the Kafka property acks is not yours to set"),
            (
                "[kafka.security]\n# TLS\nprotocol = \"TLS\"\n",
                "brewline.toml:3: the Kafka property security.protocol can't have the value it was given",
            ),
            ("hands = [1]\n", "hands is a list"),
            ("quiet = true\nquiet = true\n", "brewline.toml:2: this is not TOML"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says) && !error.contains('\n'), "{text:?}: {error}");
        }
    }
}
