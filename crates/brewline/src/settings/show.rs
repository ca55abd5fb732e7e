//! `brewline config show`: what holds, as a settings file with a comment for who says so, or as JSON.

use std::{
    ffi::OsString,
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, absolute},
    process::ExitCode,
};

use clap::{ArgMatches, Command as Clap, FromArgMatches as _, parser::ValueSource};
use serde_json::{Value, json};

use super::said::{Says, Setting, settings};
use crate::{
    cli::{Cli, Global},
    file::{File, KEYS},
    refused,
};

/// Values further right than this push their comments aside.
const COLUMNS: usize = 44;

/// Shows what holds for this command line, or, if it is empty, every setting there is.
pub(super) fn show(words: Vec<OsString>, json: bool, global: Global) -> anyhow::Result<ExitCode> {
    // What is said behind the command is meant for this one as well.
    let (for_programs, words): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word == "--json");
    let (command, matches) = match read(words.iter().cloned()) {
        Ok(read) => read,
        Err(error) => return Ok(refused(&error)),
    };
    let file =
        File::read(&Global { config: named(&matches, global)?, ..Global::from_arg_matches(&matches)? });
    let file = file.map_err(anyhow::Error::msg)?;
    let (name, settings) = if words.is_empty() {
        (None, all(&file)?)
    } else {
        let (name, command, matches) = innermost(&command, &matches);
        (Some(name), settings(command, matches, &file).map_err(anyhow::Error::msg)?)
    };
    let said = if json || !for_programs.is_empty() {
        format!("{}\n", as_json(name.as_deref(), &settings, &file))
    } else {
        as_text(name.as_deref(), &settings, &file)
    };
    io::stdout().write_all(said.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a command line; an empty one is `up`, which goes by most of the settings.
fn read(words: impl ExactSizeIterator<Item = OsString>) -> Result<(Clap, ArgMatches), clap::Error> {
    let up = (words.len() == 0).then(|| "up".into());
    Cli::matches([OsString::from("brewline")].into_iter().chain(words).chain(up))
}

/// The file that is named behind the command, or else before it or in the environment.
fn named(matches: &ArgMatches, outer: Global) -> Result<Option<crate::cli::NamedFile>, clap::Error> {
    let is_flag = matches.value_source("config") == Some(ValueSource::CommandLine);
    if is_flag { Ok(Global::from_arg_matches(matches)?.config) } else { Ok(outer.config) }
}

/// The command that was named, with those before it: `dlq list`.
fn innermost<'a>(mut command: &'a Clap, mut matches: &'a ArgMatches) -> (String, &'a Clap, &'a ArgMatches) {
    let mut names = Vec::new();
    while let Some((name, below)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else { break };
        names.push(name);
        (command, matches) = (found, below);
    }
    (names.join(" "), command, matches)
}

/// Every setting, as the first command has it that goes by it.
fn all(file: &File) -> anyhow::Result<Vec<Setting>> {
    let mut found: Vec<Setting> = Vec::new();
    for name in ["up", "client", "barista"] {
        let (command, matches) = read([OsString::from(name)].into_iter())?;
        let (_, command, matches) = innermost(&command, &matches);
        let others = settings(command, matches, file).map_err(anyhow::Error::msg)?;
        let is_new = |other: &Setting| !found.iter().any(|known| known.key == other.key);
        let others: Vec<_> = others.into_iter().filter(is_new).collect();
        found.extend(others);
    }
    found.sort_by_key(|setting| {
        let top = setting.key.split('.').next();
        KEYS.iter().position(|key| Some(key.name) == top)
    });
    Ok(found)
}

/// A settings file that says the same, but for secrets.
pub(super) fn as_text(command: Option<&str>, settings: &[Setting], file: &File) -> String {
    let of = command.map_or_else(String::new, |name| format!(" for brewline {name}"));
    let mut text = format!("# What holds{of}, and who says so. ");
    let path = |path: &Path| absolute(path).unwrap_or_else(|_| path.to_owned());
    let _ = match &file.path {
        Some(read) => writeln!(text, "The file is {}", path(read).display()),
        None => writeln!(text, "There is no file {}", path("brewline.toml".as_ref()).display()),
    };
    let lines: Vec<_> = settings.iter().map(|setting| (line(setting), who(setting))).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= COLUMNS).max();
    let width = width.unwrap_or_default();
    for (line, who) in lines {
        let _ = writeln!(text, "{line:<width$}  # {who}");
    }
    text
}

fn line(Setting { key, says, .. }: &Setting) -> String {
    match says {
        // Texts are written in TOML as in JSON.
        Says::Value(value) => format!("{key} = {value}"),
        Says::Words(words) => format!("# {key}: {words}"),
        Says::Hidden => format!("# {key}: hidden"),
    }
}

fn who(Setting { by, over, .. }: &Setting) -> String {
    let by = by.as_deref().unwrap_or("default");
    if over.is_empty() { by.to_owned() } else { format!("{by}, not {}", over.join(", ")) }
}

/// The same for programs.
fn as_json(command: Option<&str>, settings: &[Setting], file: &File) -> Value {
    let settings: Vec<_> = settings
        .iter()
        .map(|Setting { key, says, from, by, over }| {
            let (value, words) = match says {
                Says::Value(value) => (value.clone(), None),
                Says::Words(words) => (Value::Null, Some(words)),
                Says::Hidden => (Value::Null, None),
            };
            let hidden = *says == Says::Hidden;
            json!({ "key": key, "value": value, "words": words, "hidden": hidden, "from": from, "by": by, "over": over })
        })
        .collect();
    let path = file.path.as_ref().map(|path| absolute(path).unwrap_or_else(|_| path.clone()));
    let path = path.map(|path| path.to_string_lossy().into_owned());
    json!({ "command": command, "file": path, "settings": settings })
}
