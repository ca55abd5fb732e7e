//! `brewline config`: which settings hold and who says so, what is wrong with their file, and a file with every key.

mod check;
mod example;
mod said;
mod show;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use crate::cli::{ConfigCommand, Global};

/// Does what is asked.
pub(crate) fn config(what: ConfigCommand, global: Global) -> anyhow::Result<ExitCode> {
    match what {
        ConfigCommand::Show { json, command } => show::show(command, json, global),
        ConfigCommand::Check { file } => check::check(file, &global),
        ConfigCommand::Example => example::example(),
    }
}
