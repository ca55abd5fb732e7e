//! Who says what: for each setting of a command its value, and where that comes from. Which keys there are, their flags,
//! variables and defaults are read from the command line's own definition.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
};

use clap::{Arg, ArgMatches, Command as Clap, parser::ValueSource};
use serde::Serialize;
use serde_json::{Number, Value, json};

use crate::{
    cli::{Demo, Property},
    config::{properties_of, variable_of},
    file::{File, KEYS, Key},
    log_address::LogAddress,
    value,
};

/// What holds for one setting, and who says so.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    pub(super) key: String,
    pub(super) says: Says,
    pub(super) from: Origin,
    /// The flag, the variable or the line of the file that says it; none for a default.
    pub(super) by: Option<String>,
    /// Who says something else, and in vain.
    pub(super) over: Vec<String>,
}

/// What a setting says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Says {
    /// A value, as the file has it.
    Value(Value),
    /// What holds where there is no value, in words.
    Words(String),
    /// A secret.
    Hidden,
}

/// Where a setting comes from; what stands first wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    Flag,
    Environment,
    File,
    Default,
}

/// One who says something, with what it is.
type Voice = (Origin, Option<String>, Says);

/// What holds for `command`, which was started as `matches` has it.
pub(super) fn settings(command: &Clap, matches: &ArgMatches, file: &File) -> Result<Vec<Setting>, String> {
    let mut settings = Vec::new();
    for key in KEYS {
        // The flag of a rush is no setting: it names the practice line to go to, which no file does.
        let is_setting = (command.get_name(), key.name) != ("rush", "counter");
        let arg = command.get_arguments().find(|arg| arg.get_id() == key.name && is_setting);
        match arg {
            Some(_) if key.name == "kafka" => settings.extend(properties(matches, file)?),
            Some(arg) => settings.extend(setting(key, arg, matches, file)),
            None => {}
        }
    }
    for secret in command.get_arguments().filter(|arg| arg.is_hide_env_values_set()) {
        let mut voices = spoken(secret, matches, |_| Says::Hidden);
        voices.push((Origin::Default, None, Says::Words(explained(secret).1)));
        settings.extend(heard(secret.get_id().as_str(), voices));
    }
    if matches.try_get_one::<Demo>("demo").is_ok_and(|who| who.is_some()) {
        settings.iter_mut().for_each(practise);
    }
    Ok(settings)
}

/// What the help says of a flag, and the default that it names.
pub(super) fn explained(arg: &Arg) -> (String, String) {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let found =
        help.rsplit_once(" [default: ").and_then(|(about, rest)| Some((about, rest.strip_suffix(']')?)));
    found.map_or_else(|| (help.clone(), String::new()), |(about, default)| (about.into(), default.into()))
}

/// The sample, if it is the default.
pub(super) fn default_of(key: &Key, arg: &Arg) -> Option<Value> {
    let sample = sample(key);
    let words = explained(arg).1;
    let text = sample.as_str().map_or_else(|| sample.to_string(), str::to_owned);
    (text == words).then_some(sample)
}

fn sample(key: &Key) -> Value {
    serde_json::from_str(key.sample).unwrap_or_default()
}

fn setting(key: &Key, arg: &Arg, matches: &ArgMatches, file: &File) -> Option<Setting> {
    let mut voices = spoken(arg, matches, |text| Says::Value(as_the_file_has_it(key, text)));
    if let (Some(place), Some(written)) = (file.places.get(key.name), file.written.get(key.name)) {
        voices.push((Origin::File, Some(place.clone()), Says::Value(json!(written))));
    }
    let words = explained(arg).1;
    let default =
        default_of(key, arg).or_else(|| log_of(key, &words)).map_or(Says::Words(words), Says::Value);
    voices.push((Origin::Default, None, default));
    heard(key.name, voices)
}

/// Which log it is where the help has it in words, or another one for this command than for `up`.
fn log_of(key: &Key, words: &str) -> Option<Value> {
    if key.name != "log" {
        return None;
    }
    let address = match words.strip_prefix("local:") {
        Some(_) => LogAddress::platform_default(),
        None => words.parse(),
    };
    address.ok().map(|address| json!(address.to_string()))
}

/// What the command line and the environment say, in this order.
fn spoken(arg: &Arg, matches: &ArgMatches, says: impl Fn(&str) -> Says) -> Vec<Voice> {
    let mut voices = Vec::new();
    let id = arg.get_id().as_str();
    if matches.value_source(id) == Some(ValueSource::CommandLine) {
        let raw = matches.get_raw(id).and_then(Iterator::last).unwrap_or_default();
        let by = arg.get_long().map(|long| format!("--{long}"));
        voices.push((Origin::Flag, by, says(&raw.to_string_lossy())));
    }
    if let Some((name, text)) = arg.get_env().and_then(|name| Some((name, env::var_os(name)?))) {
        let by = Some(name.to_string_lossy().into_owned());
        voices.push((Origin::Environment, by, says(&text.to_string_lossy())));
    }
    voices
}

/// The first one is heard; nobody: there is no such setting.
fn heard(key: &str, voices: Vec<Voice>) -> Option<Setting> {
    let mut voices = voices.into_iter();
    let (from, by, says) = voices.next()?;
    let over = voices.filter_map(|(_, by, _)| by).collect();
    Some(Setting { key: key.to_owned(), says, from, by, over })
}

/// A value of a flag or a variable as the file would have it.
fn as_the_file_has_it(key: &Key, text: &str) -> Value {
    let number = || {
        let whole = text.parse::<u64>().ok().map(Number::from);
        whole.or_else(|| Number::from_f64(text.parse().ok()?)).map(Value::Number)
    };
    let value = match sample(key) {
        Value::Bool(_) => value::switch(text).ok().map(Value::Bool),
        Value::Number(_) => number(),
        _ => None,
    };
    value.unwrap_or_else(|| text.into())
}

/// The properties of librdkafka, one by one.
fn properties(matches: &ArgMatches, file: &File) -> Result<Vec<Setting>, String> {
    let flags: BTreeMap<_, _> = matches
        .get_many::<Property>("kafka")
        .into_iter()
        .flatten()
        .map(|Property { key, value }| (key.clone(), value.clone()))
        .collect();
    let variables = properties_of(env::vars_os())?;
    let in_file = file.kafka.clone().unwrap_or_default();
    let names: BTreeSet<_> = flags.keys().chain(variables.keys()).chain(in_file.keys()).collect();
    let settings: Vec<_> = names
        .into_iter()
        .filter_map(|name| {
            let key = format!("kafka.{name}");
            let said = [
                (Origin::Flag, Some("--kafka".to_owned()), flags.get(name)),
                (Origin::Environment, Some(variable_of(name)), variables.get(name)),
                (Origin::File, file.places.get(&key).cloned(), in_file.get(name)),
            ];
            let says = |value: &String| {
                if is_harmless(name) { Says::Value(json!(value)) } else { Says::Hidden }
            };
            let voices = said.into_iter().filter_map(|(from, by, value)| Some((from, by, says(value?))));
            heard(&key, voices.collect())
        })
        .collect();
    if settings.is_empty() {
        return Ok(heard("kafka", vec![(Origin::Default, None, Says::Words("none".to_owned()))])
            .into_iter()
            .collect());
    }
    Ok(settings)
}

/// Whether the value of a property may be shown. What is not known to be harmless may be a secret, also one that a
/// later librdkafka has.
fn is_harmless(property: &str) -> bool {
    const NAMES: [&str; 11] = [
        "broker.address.family",
        "client.rack",
        "compression.codec",
        "compression.type",
        "debug",
        "enable.ssl.certificate.verification",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.username",
        "security.protocol",
        "ssl.endpoint.identification.algorithm",
    ];
    const ENDS: [&str; 5] = [".bytes", ".kbytes", ".location", ".messages", ".ms"];
    NAMES.contains(&property) || ENDS.iter().any(|end| property.ends_with(end))
}

/// What practice makes of a setting: a shop's log and certificate are not touched, and people make the drinks.
fn practise(setting: &mut Setting) {
    let is_said = matches!(setting.from, Origin::Flag | Origin::Environment);
    let says = match setting.key.as_str() {
        "log" if !is_said => Says::Words("a directory that is thrown away".to_owned()),
        "tls_cert" | "tls_key" => Says::Words("plain http".to_owned()),
        "mode" => Says::Value(json!("manual")),
        _ => return,
    };
    let by = setting.by.take();
    setting.over.splice(0..0, by);
    (setting.says, setting.from, setting.by) = (says, Origin::Flag, Some("--demo".to_owned()));
}
