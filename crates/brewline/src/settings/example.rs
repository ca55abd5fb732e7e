//! `brewline config example`: a settings file with every key, made from the help. `docs/brewline.toml` is this.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Arg, Command as Clap};

use super::said::{default_of, explained};
use crate::file::{KEYS, Key};

/// Lines of comments are not longer, in characters.
const COLUMNS: usize = 100;

const HEAD: &str = "brewline.toml: every setting of Brewline. It is read from the directory in which brewline is started, or \
                    from where --config FILE or BREWLINE_CONFIG says. A flag wins over the environment, the environment over \
                    this file, and the file over the default. Remove the # before a setting to say it; brewline config check \
                    finds mistakes, and brewline config show says what holds.";

/// Prints it.
pub(super) fn example() -> anyhow::Result<ExitCode> {
    io::stdout().write_all(text().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Every key, in the order in which the program knows them.
pub(super) fn text() -> String {
    let command = crate::command();
    let mut text = comment(HEAD);
    for key in KEYS {
        if let Some(arg) = flag(&command, key) {
            text.push('\n');
            text += &entry(key, arg);
        }
    }
    text
}

/// The flag that says the same: of everything, of `up`, or else of `client` or `barista`.
fn flag<'a>(command: &'a Clap, key: &Key) -> Option<&'a Arg> {
    let named = ["up", "client", "barista"].map(|name| command.find_subcommand(name));
    let commands = [Some(command)].into_iter().chain(named);
    commands.flatten().flat_map(Clap::get_arguments).find(|arg| arg.get_id() == key.name)
}

fn entry(key: &Key, arg: &Arg) -> String {
    let (about, default) = explained(arg);
    let choices: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let choices = if choices.is_empty() { String::new() } else { format!(": {}", choices.join(" or ")) };
    let flag = arg.get_long().map(|long| format!("--{long}"));
    let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
    let others: Vec<_> = flag.into_iter().chain(variable).collect();
    let mut text = comment(&format!("{about}{choices}"));
    text += &comment(&format!("Default: {default}"));
    text += &comment(&format!("Also: {}", others.join(", ")));
    let property = if key.name == "kafka" { ".security.protocol" } else { "" };
    let is_example = if default_of(key, arg).is_some() { "" } else { "  # for example" };
    let _ = writeln!(text, "#{}{property} = {}{is_example}", key.name, key.sample);
    text
}

fn comment(text: &str) -> String {
    let mut lines = String::from("#");
    let mut column = 1;
    for word in text.split_whitespace() {
        let width = 1 + word.chars().count();
        if column + width > COLUMNS && column > 1 {
            lines += "\n#";
            column = 1;
        }
        lines.push(' ');
        lines += word;
        column += width;
    }
    lines.push('\n');
    lines
}
