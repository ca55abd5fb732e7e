//! The settings file: TOML, with the same values as flags and variables have.

mod parse;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Display, net::SocketAddr, path::PathBuf, str::FromStr};

use client::CounterAddress;
use counter::{PublicUrl, TrustedProxies};
use shop::Mistakes;
use toml::Value;

use crate::{
    cli::{Global, LogFormat, Mode},
    collector::{CollectorAddress, Pairs},
    log_address::LogAddress,
    menu::Source,
    value::{self, Number},
};

/// The file that is read where none is named.
const NAME: &str = "brewline.toml";

/// A key of the file.
#[derive(Debug)]
pub(crate) struct Key {
    /// Flags have the same name, with dashes.
    pub(crate) name: &'static str,
    /// A value that it takes, as TOML and JSON write it: the default, where that is one.
    pub(crate) sample: &'static str,
}

/// One line for each key: its type, a sample, and how it is read; the rest follows from them.
macro_rules! keys {
    ($($key:ident: $type:ty = $sample:literal, $read:expr;)*) => {
        /// What the file may say. A key that is not here is an error.
        #[derive(Debug, Default)]
        pub struct File {
            $(pub(crate) $key: Option<$type>,)*
            /// The file that was read, if there is one.
            pub(crate) path: Option<PathBuf>,
            /// Where each key of it stands: file and line. Each property of `kafka` too.
            pub(crate) places: BTreeMap<String, String>,
            /// What each key says as it is written, but for `kafka`.
            pub(crate) written: BTreeMap<String, Value>,
        }

        /// Every key.
        pub(crate) const KEYS: &[Key] = &[$(Key { name: stringify!($key), sample: $sample }),*];

        impl File {
            fn set(&mut self, key: &str, value: &Value) -> Result<(), String> {
                let set = match key {
                    $(stringify!($key) => {
                        let read: fn(&Value) -> Result<$type, String> = $read;
                        read(value).map(|value| self.$key = Some(value))
                    })*
                    _ => return Err(parse::unknown(key)),
                };
                // A property may be a password.
                let shown = if key == "kafka" { parse::kind(value).to_owned() } else { parse::shown(value) };
                set.map_err(|why| format!("{key} is {shown}: {why}"))
            }
        }
    };
}

keys! {
    log: LogAddress = r#""local:/var/lib/brewline""#, |value| text(value)?.parse();
    listen: SocketAddr = r#""127.0.0.1:8080""#, |value| value::listen(text(value)?);
    mode: Mode = r#""auto""#, |value| value::word(text(value)?);
    hands: u32 = "2", |value| bare(value, &value::HANDS);
    seconds_per_cup: f64 = "1", |value| bare(value, &value::SECONDS_PER_CUP);
    max_open: u32 = "2000000", |value| bare(value, &value::MAX_OPEN);
    max_streams: u32 = "20000", |value| bare(value, &value::MAX_STREAMS);
    max_streams_per_address: u32 = "512", |value| bare(value, &value::MAX_STREAMS_PER_ADDRESS);
    orders_per_minute: u32 = "120", |value| bare(value, &value::ORDERS_PER_MINUTE);
    trusted_proxies: TrustedProxies = r#""10.0.0.0/8""#, |value| value::trusted_proxies(text(value)?);
    menu: PathBuf = r#""/etc/brewline/menu.toml""#, |value| value::path(text(value)?);
    shop: PathBuf = r#""/etc/brewline/shop.toml""#, |value| value::path(text(value)?);
    public_url: PublicUrl = r#""https://cafe.example""#, |value| value::public_url(text(value)?);
    tls_cert: PathBuf = r#""/etc/brewline/cert.pem""#, |value| value::path(text(value)?);
    tls_key: PathBuf = r#""/etc/brewline/key.pem""#, |value| value::path(text(value)?);
    retention_days: u32 = "30", |value| bare(value, &value::RETENTION_DAYS);
    quiet: bool = "false", |value| value.as_bool().ok_or_else(|| "say true or false, without quotes".to_owned());
    log_format: LogFormat = r#""text""#, |value| value::word(text(value)?);
    prefix: String = r#""seoul.""#, |value| value::prefix(text(value)?);
    metrics_listen: SocketAddr = r#""127.0.0.1:9464""#, |value| value::listen(text(value)?);
    instance: String = r#""bar-1""#, |value| value::instance(text(value)?);
    replication_factor: u16 = "3", |value| bare(value, &value::REPLICATION_FACTOR);
    // A table is read with the place of each property. The sample is one of security.protocol.
    kafka: BTreeMap<String, String> = r#""SSL""#, |_| Err(
        "say a table, as in [kafka] and below it security.protocol = \"SSL\", texts in quotes".to_owned()
    );
    otlp_endpoint: CollectorAddress = r#""http://127.0.0.1:4318""#, |value| text(value)?.parse();
    trace_ratio: f64 = "1", |value| bare(value, &value::TRACE_RATIO);
    service_name: String = r#""cafe""#, |value| value::service_name(text(value)?);
    resource_attributes: Pairs = r#""deployment.environment.name=cafe""#, |value| value::resource_attributes(text(value)?);
    ca: PathBuf = r#""/etc/brewline/ca.pem""#, |value| value::path(text(value)?);
    counter: CounterAddress = r#""http://127.0.0.1:8080""#, |value| value::counter(text(value)?);
}

impl File {
    /// Where it is looked for: what was named, or else in this directory, where it need not be.
    pub(crate) fn source(global: &Global) -> Source {
        match global.config.clone() {
            Some(named) => Source { path: named.path, by: Some(named.by) },
            None => Source { path: NAME.into(), by: None },
        }
    }

    /// The file that was named, or the one in this directory if there is one.
    pub fn read(global: &Global) -> Result<Self, String> {
        Self::of(&Self::source(global))?.map_err(|mistakes| first_of(&mistakes))
    }

    /// What stands there, or all that is wrong with it; an error if it can't be read.
    pub(crate) fn of(source: &Source) -> Result<Result<Self, Mistakes>, String> {
        let Some(text) = source.read()? else { return Ok(Ok(Self::default())) };
        let file = Self::parse(&text, &source.path);
        Ok(file.map(|file| Self { path: Some(source.path.clone()), ..file }))
    }
}

/// The first of its mistakes, and where the others are to be seen.
fn first_of(mistakes: &Mistakes) -> String {
    let all = mistakes.to_string();
    let mut lines = all.lines();
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => first.to_owned(),
        others => format!("{first}; see all with brewline config check ({others} more)"),
    }
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
