//! What each setting may be, once for flag, variable and file. What is wrong is said in words that fit after the
//! place it came from and a colon: "say a whole number from 1 to 10".

use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use clap::{
    Arg, Command, Error, ValueEnum,
    builder::{PossibleValue, TypedValueParser},
    error::ErrorKind,
    parser::ValueSource,
};
use client::CounterAddress;
use counter::{BadProxies, BadPublicUrl, PublicUrl, TrustedProxies};
use eventlog::Topic;
use order::OrderId;

use crate::{
    catalog,
    collector::{self, Pairs},
    log_address,
};

/// A number within a range.
#[derive(Debug, Clone)]
pub struct Number<T> {
    /// What is counted, for people.
    pub what: &'static str,
    /// What is allowed.
    pub range: RangeInclusive<T>,
}

/// `--hands`
pub const HANDS: Number<u32> = whole(1..=1_000_000);
/// `--seconds-per-cup`
pub const SECONDS_PER_CUP: Number<f64> = Number { what: "number of seconds", range: 0.0..=3_600.0 };
/// `--max-open`
pub const MAX_OPEN: Number<u32> = whole(1..=u32::MAX);
/// `--max-streams`
pub const MAX_STREAMS: Number<u32> = whole(1..=1_000_000);
/// `--max-streams-per-address`
pub const MAX_STREAMS_PER_ADDRESS: Number<u32> = whole(1..=1_000_000);
/// `--orders-per-minute`
pub const ORDERS_PER_MINUTE: Number<u32> = whole(1..=1_000_000);
/// `--retention-days`
pub const RETENTION_DAYS: Number<u32> = whole(2..=3_650);
/// `--replication-factor`
pub const REPLICATION_FACTOR: Number<u16> = whole(1..=9);
/// `--trace-ratio`
pub const TRACE_RATIO: Number<f64> = Number { what: "number", range: 0.0..=1.0 };
/// `--partitions`
pub const PARTITIONS: Number<u32> = whole(1..=1_000);
/// `--customers`
pub const CUSTOMERS: Number<u32> = whole(client::CUSTOMERS);
/// `--minutes`
pub const MINUTES: Number<u32> = whole(1..=rush::MINUTES_MAX);
/// `--speed`
pub const SPEED: Number<u32> = whole(1..=1_000);
/// `--seed`
pub const SEED: Number<u64> = whole(0..=u64::MAX);

const fn whole<T>(range: RangeInclusive<T>) -> Number<T> {
    Number { what: "whole number", range }
}

impl<T: FromStr + PartialOrd + Display> Number<T> {
    /// The number, if it is one and within the range.
    pub fn parse(&self, text: &str) -> Result<T, String> {
        let Self { what, range } = self;
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("say a {what} from {} to {}", range.start(), range.end()))
    }
}

/// One of a few words.
pub fn word<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| format!("say {}", names(&possible::<T>()).join(" or ")))
}

/// How many times as fast as the clock: `60`, `60x`.
pub fn speed(text: &str) -> Result<u32, String> {
    SPEED.parse(text.strip_suffix(['x', 'X', '×']).unwrap_or(text))
}

/// Where to listen.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "say an IP address and a port, as in 127.0.0.1:8080 or [::1]:8080".to_owned())
}

/// Where a file is. A leading `~/` is the home directory: no shell sees to it in a file.
pub fn path(text: &str) -> Result<PathBuf, String> {
    match text {
        "" => Err("say the path of a file".to_owned()),
        text => log_address::expanded(text),
    }
}

/// Where a counter is.
pub fn counter(text: &str) -> Result<CounterAddress, String> {
    text.parse().map_err(|bad: client::BadAddress| {
        format!("{}; write it like {}", bad.reason, CounterAddress::default())
    })
}

/// Where phones find the counter.
pub fn public_url(text: &str) -> Result<PublicUrl, String> {
    text.parse().map_err(|bad: BadPublicUrl| bad.to_string())
}

/// Who is believed when it names an address.
pub fn trusted_proxies(text: &str) -> Result<TrustedProxies, String> {
    text.parse().map_err(|bad: BadProxies| bad.to_string())
}

/// What names in a cluster begin with.
pub fn prefix(text: &str) -> Result<String, String> {
    if text.len() <= 100 && is_name(text) {
        return Ok(text.to_owned());
    }
    Err("say at most 100 letters, digits, dots, dashes and underscores, as in seoul-1.".to_owned())
}

/// The name of a barista.
pub fn instance(text: &str) -> Result<String, String> {
    if (1..=64).contains(&text.len()) && is_name(text) {
        return Ok(text.to_owned());
    }
    Err("say 1 to 64 letters, digits, dots, dashes and underscores, as in bar-1".to_owned())
}

/// What a process is called in traces.
pub fn service_name(text: &str) -> Result<String, String> {
    if (1..=255).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err("say 1 to 255 characters, as in brewline-counter".to_owned())
}

/// What else traces say of a process.
pub fn resource_attributes(text: &str) -> Result<Pairs, String> {
    const MOST: usize = 64;
    let pairs = collector::pairs(text)?;
    if pairs.len() > MOST { Err(format!("say at most {MOST} of them")) } else { Ok(pairs) }
}

/// One of the line's topics, without its prefix.
pub fn topic(text: &str) -> Result<Topic, String> {
    let names: Vec<_> = catalog(Duration::ZERO).iter().map(|spec| spec.name).collect();
    let found = names.iter().find(|name| **name == text).copied();
    found.ok_or_else(|| format!("say {}, without a prefix", names.join(" or ")))
}

/// The id of an order.
pub fn order(text: &str) -> Result<OrderId, String> {
    OrderId::new(text).map_err(|why| format!("{why}; say the id of an order"))
}

/// What a topic's name may have: a group or an instance may have more, but stands beside it.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// On or off.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err("say true or false, yes or no, on or off, 1 or 0".to_owned()),
    }
}

fn possible<T: ValueEnum>() -> Vec<PossibleValue> {
    T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect()
}

fn names(values: &[PossibleValue]) -> Vec<&str> {
    values.iter().map(PossibleValue::get_name).collect()
}

/// A value on the command line or in the environment, parsed by a function of this module.
#[derive(Clone)]
pub(crate) struct Said<F> {
    parse: F,
    possible: fn() -> Vec<PossibleValue>,
}

type Parse<T> = fn(&str) -> Result<T, String>;

/// A value that `parse` takes.
pub(crate) fn said<F>(parse: F) -> Said<F> {
    Said { parse, possible: Vec::new }
}

/// One of the words of `T`, which the help lists.
pub(crate) fn said_word<T: ValueEnum>() -> Said<Parse<T>> {
    Said { parse: word::<T>, possible: possible::<T> }
}

impl<T, F> TypedValueParser for Said<F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &std::ffi::OsStr) -> Result<T, Error> {
        self.parse_ref_(cmd, arg, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        cmd: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
        source: ValueSource,
    ) -> Result<T, Error> {
        let parsed = match value.to_str() {
            Some(text) => (self.parse)(text),
            None => Err("it is not text (UTF-8)".to_owned()),
        };
        parsed.map_err(|why| {
            let given = value.to_string_lossy();
            let message = format!("{} is {:?}: {why}\n", origin(arg, source), without_password(&given));
            Error::raw(ErrorKind::ValueValidation, message).with_cmd(cmd)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let possible = (self.possible)();
        if possible.is_empty() { None } else { Some(Box::new(possible.into_iter())) }
    }
}

/// A wrong value as it may be shown: an address without the name and the password before an @.
pub(crate) fn without_password(given: &str) -> String {
    let Some((before, host)) = given.rsplit_once('@') else { return given.to_owned() };
    let scheme = before.split_once("://").map_or_else(String::new, |(scheme, _)| format!("{scheme}://"));
    format!("{scheme}…@{host}")
}

/// A value, and who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<T> {
    pub value: T,
    /// A flag, a variable, or a line of the file.
    pub by: String,
}

/// A value on the command line or in the environment, with who says it.
#[derive(Clone)]
pub(crate) struct SaidBy<F>(Said<F>);

/// A value that `parse` takes, with who says it.
pub(crate) fn told<F>(parse: F) -> SaidBy<F> {
    SaidBy(said(parse))
}

impl<T, F> TypedValueParser for SaidBy<F>
where
    T: Clone + Send + Sync + 'static,
    F: Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static,
{
    type Value = Told<T>;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &std::ffi::OsStr) -> Result<Told<T>, Error> {
        self.parse_ref_(cmd, arg, value, ValueSource::CommandLine)
    }

    fn parse_ref_(
        &self,
        cmd: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
        source: ValueSource,
    ) -> Result<Told<T>, Error> {
        let value = self.0.parse_ref_(cmd, arg, value, source)?;
        Ok(Told { value, by: origin(arg, source) })
    }
}

/// Who said a value, by name.
pub(crate) fn origin(arg: Option<&Arg>, source: ValueSource) -> String {
    let variable = arg.and_then(Arg::get_env).filter(|_| source == ValueSource::EnvVariable);
    let flag = arg.and_then(Arg::get_long);
    match (variable, flag) {
        (Some(variable), _) => format!("the environment variable {}", variable.display()),
        (None, Some(flag)) => format!("--{flag}"),
        // What has no flag is named as the help names it.
        (None, None) => arg
            .and_then(Arg::get_value_names)
            .and_then(|names| names.first())
            .map_or_else(|| "a value".to_owned(), ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Mode;

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        assert_eq!(HANDS.parse("3"), Ok(3));
        for wrong in ["", "0", "-1", "1.5", "two", "1000001", "99999999999"] {
            assert_eq!(HANDS.parse(wrong), Err("say a whole number from 1 to 1000000".to_owned()), "{wrong}");
        }
        for wrong in ["-0.1", "3600.1", "NaN", "inf", "fast"] {
            let says = Err("say a number of seconds from 0 to 3600".to_owned());
            assert_eq!(SECONDS_PER_CUP.parse(wrong), says, "{wrong}");
        }
        assert_eq!(word::<Mode>("manual"), Ok(Mode::Manual));
        assert_eq!(word::<Mode>("fast"), Err("say auto or manual".to_owned()));
        assert!(listen("8080").unwrap_err().contains("127.0.0.1:8080"));
        assert_eq!(path("a/menu.toml"), Ok("a/menu.toml".into()));
        assert_eq!(path(""), Err("say the path of a file".to_owned()));
        assert!(counter("ftp://cafe").unwrap_err().contains("http://127.0.0.1:8080"));
        assert_eq!((prefix(""), instance("bar-1")), (Ok(String::new()), Ok("bar-1".to_owned())));
        for wrong in [prefix("a b"), prefix("카페"), prefix(&"x".repeat(101)), instance(""), instance("a/b")]
        {
            assert!(wrong.unwrap_err().starts_with("say "));
        }
        assert_eq!((switch("On"), switch("0")), (Ok(true), Ok(false)));
        assert!(switch("maybe").is_err());
    }

    #[test]
    fn a_wrong_address_is_shown_without_its_password() {
        for (given, shown) in [
            ("kafka://me:geheim@host:9092", "kafka://…@host:9092"),
            ("https://me:ge@heim@cafe.example", "https://…@cafe.example"),
            ("me:geheim@cafe.example", "…@cafe.example"),
            ("http://cafe.example:0", "http://cafe.example:0"),
        ] {
            assert_eq!(without_password(given), shown);
        }
    }
}
