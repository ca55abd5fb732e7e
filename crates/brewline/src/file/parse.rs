//! The text of the file becomes settings. What is wrong is noted and reading goes on: all mistakes are told at once.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize as _;
use shop::{Limits, Mistakes};
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{File, KEYS};
use crate::{kafka::check_property, value::without_password};

/// What is wrong, each with its offset.
type Notes = Vec<(usize, String)>;

/// How much of a name or a text is shown.
const SHOWN_CHARS: usize = 40;

impl File {
    /// The settings in `text`, or all that is wrong with them.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Mistakes> {
        let name = path.display().to_string();
        let (mut file, mut notes) = (Self::default(), Notes::new());
        let table = toml(text, &mut notes);
        // What could be read beside what is no TOML is guesswork, and so is what would be wrong with it.
        if let Some(mistakes) = Mistakes::of(text, &name, std::mem::take(&mut notes)) {
            return Err(mistakes);
        }
        let place = |at| format!("{name}:{}", Mistakes::line(text, at));
        for (key, value) in table {
            let (at, key) = (key.span().start, key.into_inner().into_owned());
            file.places.insert(key.clone(), place(at));
            match value.get_ref() {
                DeValue::Table(table) if key == "kafka" => file.properties(table, &place, &mut notes),
                _ => match plain(value).map(|value| file.set(&key, &value).map(|()| value)) {
                    Ok(Ok(value)) => drop(file.written.insert(key, value)),
                    Ok(Err(why)) => notes.push((at, why)),
                    Err(error) => notes.push((at, format!("{key} has no value ({})", error.message()))),
                },
            }
        }
        Mistakes::of(text, &name, notes).map_or(Ok(file), Err)
    }

    /// Properties of librdkafka: their names have dots, which TOML takes for tables. What is wrong is said without the
    /// value, which may be a password.
    fn properties(&mut self, table: &DeTable<'_>, place: &dyn Fn(usize) -> String, notes: &mut Notes) {
        let mut all = Vec::new();
        gather("", table, &mut all);
        let mut properties = BTreeMap::new();
        for (at, name, value) in all {
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
            match value.and_then(|value| check_property(&name, &value).map(|()| value)) {
                Ok(value) => {
                    self.places.insert(format!("kafka.{name}"), place(at));
                    properties.insert(name, value);
                }
                Err(why) => notes.push((at, why)),
            }
        }
        self.kafka = Some(properties);
    }
}

fn toml<'t>(text: &'t str, notes: &mut Notes) -> DeTable<'t> {
    if text.len() > Limits::FILE_BYTES {
        let most = Limits::FILE_BYTES;
        notes
            .push((0, format!("the file has more than {most} bytes, and no more are read; make it smaller")));
        return DeTable::new();
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<_> =
        errors.iter().map(|error| (error.span().map_or(0, |span| span.start), error.message())).collect();
    errors.sort_by_key(|(at, _)| *at);
    // What follows on the same line follows from the first.
    errors.dedup_by_key(|(at, _)| Mistakes::line(text, *at));
    notes.extend(errors.into_iter().map(|(at, why)| {
        let why = why.replace('\n', " ");
        (at, format!("this is not TOML ({why}); lines are like hands = 2 and mode = \"auto\""))
    }));
    document.into_inner()
}

/// A value without its place.
fn plain(value: Spanned<DeValue<'_>>) -> Result<Value, toml::de::Error> {
    Value::deserialize(ValueDeserializer::from(value))
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

/// What is said of a key that is not there, with the one that is nearest to it.
pub(super) fn unknown(key: &str) -> String {
    let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    // As far as clap goes to find the flag that was meant.
    let near = names.iter().map(|name| (strsim::jaro(&key.to_lowercase().replace('-', "_"), name), name));
    let near = near.filter(|(likeness, _)| *likeness > 0.7).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let near = near.map_or_else(String::new, |(_, name)| format!(", the nearest is {name}"));
    format!("there is no setting {:?}{near}; there are {}", shortened(key), listed(&names))
}

/// The keys as a sentence has them.
fn listed(keys: &[&str]) -> String {
    match keys {
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
        [] => String::new(),
    }
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", shortened(&without_password(text))),
        Value::Integer(n) => n.to_string(),
        Value::Float(n) => format!("{n:?}"),
        Value::Boolean(is) => is.to_string(),
        value => kind(value).to_owned(),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
